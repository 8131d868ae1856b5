//! Failures that were made small, as text and as JSON.

use super::json::pretty;
use super::telling::Telling;
use super::words::{Paint, Tone, digest, field};
use crate::figures::{count, counted};
use crate::history::Operation;
use crate::run::Subject;
use crate::schedule::{Part, Schedule};
use crate::seed::Seed;
use crate::shrink::{Distinct, NotShrunk, Shrunk, Size, distinct};
use serde::Serialize;
use std::fmt::Write as _;

/// What came of shrinking the failures of some seeds.
#[derive(Clone, Debug)]
pub struct Bugs {
    /// The scenario as it was named.
    pub scenario: String,
    /// The first seed.
    pub seed: Seed,
    /// The failures that were made small.
    pub failures: Vec<Shrunk>,
    /// The seeds that were not shrunk, and why not.
    pub refused: Vec<(Seed, NotShrunk)>,
    /// The failure file that it is about, unless it is about seeds.
    pub file: Option<ShrunkFile>,
}

/// A failure file whose failure was made small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShrunkFile {
    /// Its name.
    pub name: String,
    /// What came of it.
    pub fate: Fate,
}

/// What came of making the failure of a file small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The smaller failure was written to the file.
    Written,
    /// It has got smaller, and the file is as it was.
    CanBeSmaller,
    /// It does not get smaller.
    SmallAlready,
    /// The schedule of the file fails in another way than is recorded there, so the file is as it
    /// was.
    Other {
        /// The recorded way.
        recorded: String,
    },
}

impl ShrunkFile {
    fn told(&self) -> String {
        let name = &self.name;
        match &self.fate {
            Fate::Written => format!("{name} was written again"),
            Fate::CanBeSmaller => format!("{name} is as it was; --save writes it again"),
            Fate::SmallAlready => format!("{name} is as small as it gets"),
            Fate::Other { recorded } => {
                format!("{name} is as it was: it records another failure, {recorded}")
            }
        }
    }

    const fn slug(&self) -> &'static str {
        match self.fate {
            Fate::Written => "written",
            Fate::CanBeSmaller => "can-be-smaller",
            Fate::SmallAlready => "small-already",
            Fate::Other { .. } => "other-failure",
        }
    }
}

/// The smallest failure of each kind for people: its steps, what it shows, and how large it was.
pub fn shrunk_text(bugs: &Bugs, subject: &dyn Subject, paint: Paint) -> String {
    let mut text = String::new();
    for (seed, why) in &bugs.refused {
        let name = format!("{} seed {seed}", bugs.scenario);
        let why = paint.tint(Tone::Doubtful, &format!("is not shrunk: {why}"));
        let _ = writeln!(text, "{} {why}", paint.tint(Tone::Strong, &name));
    }
    let kinds = distinct(bugs.failures.iter().cloned(), subject);
    if bugs.failures.len() > 1 {
        let failures = counted(bugs.failures.len() as u64, "failure");
        let _ = writeln!(text, "{failures} of {}", counted(kinds.len() as u64, "kind"));
    }
    for (number, kind) in kinds.iter().enumerate() {
        if number > 0 || !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&kind_text(bugs, kind, subject, paint));
    }
    if let Some(file) = &bugs.file {
        text.push_str(&field(2, "file", &file.told(), paint));
    }
    text
}

/// The same as one JSON object.
pub fn shrunk_json(bugs: &Bugs, subject: &dyn Subject) -> String {
    let kinds = distinct(bugs.failures.iter().cloned(), subject);
    let refused = bugs.refused.iter().map(|(seed, why)| {
        let reason = match why {
            NotShrunk::Holds => "holds",
            NotShrunk::Unknown { .. } => "unknown",
            NotShrunk::Drifted { .. } => "drifted",
        };
        RefusedJson { seed: *seed, reason, told: why.to_string() }
    });
    pretty(&BugsJson {
        scenario: &bugs.scenario,
        seed: bugs.seed,
        verdict: if kinds.is_empty() { "unknown" } else { "violated" },
        refused: refused.collect(),
        bugs: kinds.iter().map(|kind| BugJson::of(kind, subject)).collect(),
        file: bugs.file.as_ref().map(|file| FileJson { name: &file.name, fate: file.slug() }),
    })
}

fn kind_text(bugs: &Bugs, kind: &Distinct, subject: &dyn Subject, paint: Paint) -> String {
    let Distinct { signature, count: times, smallest, .. } = kind;
    let Shrunk { schedule, run, before, size, runs, exhausted, .. } = smallest;
    let name = format!("{} seed {}", bugs.scenario, run.seed);
    let group = paint.tint(Tone::Bad, signature.group());
    let mut text = format!("{} {group}\n", paint.tint(Tone::Strong, &name));
    text.push_str(&field(2, "kind", &signature.to_string(), paint));
    if *times > 1 {
        text.push_str(&field(2, "seen", &format!("{} times", count(*times)), paint));
    }
    let ended = if *exhausted { ", then the search was ended before it was done" } else { "" };
    let shrunk = format!(
        "from {} to {} in {}{ended}",
        size_text(*before),
        size_text(*size),
        counted(*runs, "run")
    );
    text.push_str(&field(2, "shrunk", &shrunk, paint));
    if !schedule.omit.is_empty() {
        let omitted = omitted(schedule, subject).join(", ");
        text.push_str(&field(2, "left out", &omitted, paint));
    }
    if smallest.is_workload_alone() {
        text.push_str(&field(2, "steps", "none: the workload fails by itself", paint));
    }
    for (number, step) in told(schedule, subject).iter().enumerate() {
        text.push_str(&field(2, if number == 0 { "steps" } else { "" }, step, paint));
    }
    if let Some(telling) = Telling::of_outcome(&run.outcome, subject.machines()) {
        text.push_str(&telling.text(subject.machines(), paint));
    }
    text.push_str(&field(2, "digest", &digest(run.digest), paint));
    text
}

fn size_text(size: Size) -> String {
    let Size { steps, events, messages } = size;
    format!(
        "{}, {} and {}",
        counted(steps as u64, "step"),
        counted(events, "event"),
        counted(messages, "message")
    )
}

/// What makes a schedule another than the quiet one or the one that its seed draws, in words: its
/// steps, a line each, and what it leaves out.
pub fn schedule_lines(schedule: &Schedule, subject: &dyn Subject) -> Vec<String> {
    let mut lines = told(schedule, subject);
    if !schedule.omit.is_empty() {
        lines.push(format!("left out: {}", omitted(schedule, subject).join(", ")));
    }
    lines
}

/// The steps of a schedule in words.
fn told(schedule: &Schedule, subject: &dyn Subject) -> Vec<String> {
    let faults = schedule.faults.iter().map(|fault| subject.tell_fault(fault));
    let decisions = schedule.decisions.iter();
    let decisions = decisions.map(|(&key, &choice)| subject.tell_decision(key, choice));
    faults.chain(decisions).collect()
}

/// What a schedule leaves out, in words; operations are counted by their clients.
pub(super) fn omitted(schedule: &Schedule, subject: &dyn Subject) -> Vec<String> {
    let machines = subject.machines();
    let name = |node: crate::id::NodeId| {
        machines.get(node.index()).map_or("unknown machine", |machine| &machine.name)
    };
    let mut operations = std::collections::BTreeMap::<_, u64>::new();
    let mut told = Vec::new();
    for part in &schedule.omit {
        match *part {
            Part::Machine(node) => told.push(name(node).to_owned()),
            Part::Client(node) => told.push(format!("all operations of {}", name(node))),
            Part::Operation(message) => {
                let client = message.planned().map(|(client, _)| client);
                *operations.entry(client).or_default() += 1;
            }
        }
    }
    told.extend(operations.into_iter().map(|(client, number)| {
        let client = client.map_or("unknown machine", name);
        format!("{} of {client}", counted(number, "operation"))
    }));
    told
}

#[derive(Serialize)]
struct BugsJson<'a> {
    scenario: &'a str,
    seed: Seed,
    verdict: &'static str,
    refused: Vec<RefusedJson>,
    bugs: Vec<BugJson<'a>>,
    file: Option<FileJson<'a>>,
}

#[derive(Serialize)]
struct FileJson<'a> {
    name: &'a str,
    fate: &'static str,
}

#[derive(Serialize)]
struct RefusedJson {
    seed: Seed,
    reason: &'static str,
    told: String,
}

/// The failures of one kind.
#[derive(Serialize)]
pub(super) struct BugJson<'a> {
    group: &'a str,
    signature: String,
    count: u64,
    seed: Seed,
    seeds: &'a [Seed],
    digest: String,
    before: SizeJson,
    after: SizeJson,
    runs: u64,
    cached: u64,
    exhausted: bool,
    steps: Vec<String>,
    omitted: Vec<String>,
    schedule: &'a Schedule,
    expected: Option<String>,
    observed: Option<String>,
    operations: Vec<Operation>,
}

#[derive(Serialize)]
struct SizeJson {
    steps: u64,
    events: u64,
    messages: u64,
}

impl SizeJson {
    const fn of(Size { steps, events, messages }: Size) -> Self {
        Self { steps: steps as u64, events, messages }
    }
}

impl<'a> BugJson<'a> {
    pub(super) fn of(kind: &'a Distinct, subject: &dyn Subject) -> Self {
        let Distinct { signature, count, seeds, smallest } = kind;
        let Shrunk { schedule, run, .. } = smallest;
        let (expected, observed, operations) =
            match Telling::of_outcome(&run.outcome, subject.machines()) {
                None => (None, None, Vec::new()),
                Some(told) => (Some(told.expected), Some(told.observed), told.operations),
            };
        Self {
            group: signature.group(),
            signature: signature.to_string(),
            count: *count,
            seed: run.seed,
            seeds,
            digest: digest(run.digest),
            before: SizeJson::of(smallest.before),
            after: SizeJson::of(smallest.size),
            runs: smallest.runs,
            cached: smallest.cached,
            exhausted: smallest.exhausted,
            steps: told(schedule, subject),
            omitted: omitted(schedule, subject),
            schedule,
            expected,
            observed,
            operations,
        }
    }
}
