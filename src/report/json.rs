//! Sweeps and replays as JSON.

use super::bugs::GroupJson;
use super::operation;
use super::recorded::Recorded;
use super::replay::{Replayed, Rewriting};
use super::sweep::{Sight, at_stake, bound, doubt_text};
use super::telling::Telling;
use super::words::digest;
use crate::explore::{Conclusion, Cut, Hung, Novelty, Swept, Tally};
use crate::history::Operation;
use crate::id::SiteId;
use crate::node::Machine;
use crate::run::{Inspection, Outcome, Run, Subject};
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::time::Instant;
use serde::Serialize;
use std::collections::BTreeMap;

/// A sweep as one JSON object.
pub fn sweep_json(swept: &Swept, subject: &dyn Subject, sight: &Sight) -> String {
    pretty(&SweepJson::of(swept, subject, sight))
}

/// A run that never ended as one JSON object.
pub fn hung_json(scenario: &str, seed: Seed, hung: &Hung, recorded: Option<&Recorded>) -> String {
    pretty(&HungJson {
        recorded: recorded.map(RecordedJson::of),
        scenario,
        seed,
        verdict: "violated",
        group: format!("hung in {}", hung.machine),
        observed: hung.to_string(),
    })
}

/// A replay as one JSON object.
pub fn replay_json(replayed: &Replayed, subject: &dyn Subject) -> String {
    pretty(&ReplayJson::of(replayed, subject))
}

pub(super) fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("a report is made of strings, numbers and lists")
        + "\n"
}

#[derive(Serialize)]
struct SweepJson<'a> {
    scenario: &'a str,
    verdict: &'static str,
    schedules: u64,
    asked: u64,
    failures: u64,
    from: Seed,
    digest: String,
    events: u64,
    messages: u64,
    sends: Sends,
    effects: u64,
    wall_s: f64,
    runs: Runs,
    ends: BTreeMap<&'static str, u64>,
    rechecked: u64,
    cut: Option<&'static str>,
    doubts: Vec<&'static str>,
    bound: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    novelty: Option<NoveltyJson>,
    coverage: CoverageJson,
    groups: Vec<GroupJson<'a>>,
}

#[derive(Serialize)]
struct Sends {
    invoked: u64,
    acknowledged: u64,
}

#[derive(Serialize)]
struct Runs {
    held: u64,
    violated: u64,
    panicked: u64,
    hung: u64,
    nondeterministic: u64,
    unknown: u64,
}

#[derive(Serialize)]
struct NoveltyJson {
    schedules: u64,
    states: u64,
    orders: u64,
}

#[derive(Serialize)]
struct CoverageJson {
    faults: BTreeMap<&'static str, Bites>,
    sites: BTreeMap<&'static str, Reached>,
}

#[derive(Serialize)]
struct Bites {
    runs: u64,
    bites: u64,
}

#[derive(Serialize)]
struct Reached {
    runs: u64,
    times: u64,
}

impl<'a> SweepJson<'a> {
    fn of(swept: &'a Swept, subject: &dyn Subject, sight: &'a Sight) -> Self {
        let tally = &swept.tally;
        Self {
            scenario: &sight.scenario,
            verdict: verdict(swept.conclusion()),
            schedules: tally.schedules,
            asked: swept.plan.schedules,
            failures: tally.failures(),
            from: swept.plan.from,
            digest: digest(tally.digest),
            events: tally.events,
            messages: tally.delivered,
            sends: Sends { invoked: tally.invoked, acknowledged: tally.acknowledged },
            effects: tally.effects,
            wall_s: sight.wall.as_secs_f64(),
            runs: Runs::of(tally),
            ends: ends(tally),
            rechecked: tally.rechecked,
            cut: swept.cut.map(cut),
            doubts: swept.doubts.iter().copied().map(doubt_text).collect(),
            bound: if tally.failures() == 0 { bound(tally.held) } else { None },
            novelty: sight.novelty.map(NoveltyJson::of),
            coverage: CoverageJson::of(swept, subject),
            groups: swept.groups.iter().map(|group| GroupJson::of(group, subject, sight)).collect(),
        }
    }
}

/// A nondeterministic system has no verdict: its count among the runs and its group say so.
pub(super) const fn verdict(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Holds => "holds",
        Conclusion::Violated => "violated",
        Conclusion::Nondeterministic | Conclusion::Unknown => "unknown",
    }
}

pub(super) const fn cut(cut: Cut) -> &'static str {
    match cut {
        Cut::TimeLimit => "time-limit",
        Cut::StopAfter => "stop-after",
        Cut::Hangs => "hangs",
        Cut::Budget => "budget",
    }
}

fn ends(tally: &Tally) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([
        ("settled", tally.ends.settled),
        ("quiescent", tally.ends.quiescent),
        ("impatient", tally.ends.impatient),
        ("broken", tally.ends.broken),
        ("budget", tally.ends.budget),
        ("aborted", tally.ends.aborted),
    ])
}

impl Runs {
    fn of(tally: &Tally) -> Self {
        Self {
            held: tally.held,
            violated: tally.violated,
            panicked: tally.panicked,
            hung: tally.hung,
            nondeterministic: tally.nondeterministic,
            unknown: tally.unknown,
        }
    }
}

impl NoveltyJson {
    const fn of(Novelty { schedules, states, orders }: Novelty) -> Self {
        Self { schedules, states, orders }
    }
}

impl CoverageJson {
    fn of(swept: &Swept, subject: &dyn Subject) -> Self {
        let faults = at_stake(swept).map(|class| {
            let hits = swept.tally.bites(class);
            (class.slug(), Bites { runs: hits.runs, bites: hits.times })
        });
        let sites = subject.sites().iter().enumerate().map(|(site, &name)| {
            let hits = swept.tally.reached(SiteId(site as u8));
            (name, Reached { runs: hits.runs, times: hits.times })
        });
        Self { faults: faults.collect(), sites: sites.collect() }
    }
}

#[derive(Serialize)]
struct ReplayJson<'a> {
    scenario: &'a str,
    seed: Seed,
    verdict: &'static str,
    group: String,
    digest: String,
    expected: Option<String>,
    observed: Option<String>,
    operations: Vec<Operation>,
    machines: Vec<MachineJson<'a>>,
    knobs: BTreeMap<&'static str, &'a str>,
    decisions: Vec<String>,
    schedule: &'a Schedule,
    rewritten: Option<RewrittenJson>,
    recorded: Option<RecordedJson<'a>>,
    history: &'a [Operation],
    trace: Vec<EventJson<'a>>,
}

#[derive(Serialize)]
struct HungJson<'a> {
    scenario: &'a str,
    seed: Seed,
    verdict: &'static str,
    group: String,
    observed: String,
    recorded: Option<RecordedJson<'a>>,
}

#[derive(Serialize)]
struct MachineJson<'a> {
    name: &'a str,
    role: &'a str,
    zone: u8,
}

#[derive(Serialize)]
struct RewrittenJson {
    group: String,
    digest: Option<String>,
    same_verdict: bool,
    same_digest: bool,
}

#[derive(Serialize)]
struct RecordedJson<'a> {
    file: &'a str,
    group: String,
    ending: &'static str,
    is_same: bool,
    is_edited: bool,
    parted_after: Option<usize>,
    missed: &'a [String],
    told: Vec<String>,
}

#[derive(Serialize)]
struct EventJson<'a> {
    at: Instant,
    machine: Option<String>,
    text: &'a str,
    digest: String,
}

impl<'a> ReplayJson<'a> {
    fn of(replayed: &'a Replayed, subject: &'a dyn Subject) -> Self {
        let Inspection { run, rewritten, knobs, history, trace, .. } = &replayed.inspection;
        let machines = subject.machines();
        let told = Telling::of_outcome(&run.outcome, machines);
        let (expected, observed, operations) = match told {
            None => (None, None, Vec::new()),
            Some(told) => (Some(told.expected), Some(told.observed), told.operations),
        };
        let faults = rewritten.faults.iter().map(|fault| subject.tell_fault(fault));
        let decisions =
            rewritten.decisions.iter().map(|(&key, &choice)| subject.tell_decision(key, choice));
        Self {
            scenario: &replayed.scenario,
            seed: run.seed,
            verdict: match run.outcome {
                Outcome::Holds => "holds",
                Outcome::Violated(_) | Outcome::Panicked(_) => "violated",
                Outcome::Unknown { .. } => "unknown",
            },
            group: run.outcome.group(),
            digest: digest(run.digest),
            expected,
            observed,
            operations,
            machines: machines
                .iter()
                .map(|Machine { name, role, zone }| MachineJson { name, role, zone: *zone })
                .collect(),
            knobs: knobs.iter().map(|(name, value)| (*name, value.as_str())).collect(),
            decisions: faults.chain(decisions).collect(),
            schedule: rewritten,
            rewritten: replayed
                .rewriting
                .as_ref()
                .map(|rewriting| RewrittenJson::of(rewriting, run)),
            recorded: replayed.recorded.as_ref().map(RecordedJson::of),
            history: history.operations(),
            trace: trace
                .iter()
                .map(|event| EventJson {
                    at: event.at,
                    machine: event.node.map(|node| operation::machine(machines, node)),
                    text: &event.text,
                    digest: digest(event.digest),
                })
                .collect(),
        }
    }
}

impl<'a> RecordedJson<'a> {
    fn of(recorded: &'a Recorded) -> Self {
        let Recorded { file, regression, comparison } = recorded;
        Self {
            file,
            group: regression.failure.group(),
            ending: recorded.slug(),
            is_same: comparison.is_same,
            is_edited: comparison.is_edited,
            parted_after: comparison.parted.as_ref().map(|parted| parted.common),
            missed: &comparison.missed,
            told: recorded.sentences(),
        }
    }
}

impl RewrittenJson {
    fn of(rewriting: &Rewriting, original: &Run) -> Self {
        let (group, digest) = match &rewriting.0 {
            Ok(run) => (run.outcome.group(), Some(digest(run.digest))),
            Err(hung) => (format!("hung in {}", hung.machine), None),
        };
        Self {
            group,
            digest,
            same_verdict: rewriting.same_verdict(original),
            same_digest: rewriting.same_digest(original),
        }
    }
}
