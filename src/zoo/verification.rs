//! Whether a specimen is one: each claim about it, put to the test.

use super::keeper::{Effort, Keeper};
use super::measurement::{Failure, Measurement};
use super::{Needs, Specimen};
use crate::check::Rule;
use crate::explore::{self, Doubt, Exhaustive, Finding, Group, Hung, Swept};
use crate::figures::{count, counted};
use crate::profile::{Envelope, FaultClass};
use crate::run::{Outcome, Run, Subject};
use crate::scenario::ScenarioError;
use crate::schedule::Schedule;
use std::sync::Arc;

/// A claim about a specimen.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Its twin fails in none of many schedules.
    TwinClean,
    /// Its twin holds in the very schedules in which it fails, and the same faults bite there.
    TwinSpared,
    /// Most searches find it.
    Found,
    /// Nothing but the promised rule is broken first.
    PromisedRule,
    /// Without the faults that trigger it it holds.
    Masked,
    /// Its quiet run is as it should be: broken if it needs nothing, else whole.
    Quiet,
    /// It fails without any fault, as it needs none.
    Faultless,
    /// Its witness breaks the rule every time, also rewritten as a quiet run plus decisions.
    Witness,
    /// Nothing of the witness can be left out.
    Minimal,
    /// No schedule with fewer decisions breaks the rule, of those with two at most.
    Smallest,
    /// One promise alone shows it.
    OnePromise,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The claim.
    pub check: Check,
    /// Whether it is true.
    pub holds: bool,
    /// What was seen, in a sentence with figures.
    pub told: String,
}

impl Check {
    /// The name used in reports.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::TwinClean => "twin-clean",
            Self::TwinSpared => "twin-spared",
            Self::Found => "found",
            Self::PromisedRule => "promised-rule",
            Self::Masked => "masked",
            Self::Quiet => "quiet",
            Self::Faultless => "faultless",
            Self::Witness => "witness",
            Self::Minimal => "minimal",
            Self::Smallest => "smallest",
            Self::OnePromise => "one-promise",
        }
    }
}

/// A specimen before its judges.
pub(super) struct Case<'a> {
    keeper: &'a Keeper,
    specimen: &'a Specimen,
    measured: &'a Measurement,
    twin: &'a Swept,
    planted: Arc<dyn Subject>,
    fixed: Arc<dyn Subject>,
    witness: Schedule,
    steps: Vec<String>,
}

/// Whether a claim is true, and what was seen; or a callback that did not return.
type Seen = Result<(bool, String), Hung>;

/// The claims that apply, in the order of [`Check`].
pub(super) fn verify(case: &Case<'_>) -> Result<Vec<Checked>, ScenarioError> {
    let mut seen = vec![
        (Check::TwinClean, Ok(case.twin_clean())),
        (Check::TwinSpared, case.twin_spared()),
        (Check::Found, Ok(case.found())),
        (Check::PromisedRule, Ok(case.promised_rule())),
    ];
    match case.specimen.needs {
        Needs::Faults(triggers) => seen.push((Check::Masked, Ok(case.masked(triggers)?))),
        Needs::Nothing => seen.push((Check::Quiet, case.quiet_fails())),
        Needs::Interleaving => {
            seen.push((Check::Quiet, case.quiet_holds()));
            seen.push((Check::Faultless, Ok(case.faultless()?)));
        }
    }
    seen.push((Check::Witness, case.witness()));
    if !case.specimen.witness.is_empty() {
        seen.push((Check::Minimal, case.minimal()));
        seen.push((Check::Smallest, Ok(case.smallest())));
    }
    seen.push((Check::OnePromise, case.one_promise()?));
    let checked = seen.into_iter().map(|(check, seen)| {
        let (holds, told) = seen.unwrap_or_else(|hung| (false, hung.to_string()));
        Checked { check, holds, told }
    });
    Ok(checked.collect())
}

impl<'a> Case<'a> {
    pub(super) fn new(
        keeper: &'a Keeper,
        specimen: &'a Specimen,
        measured: &'a Measurement,
        twin: &'a Swept,
    ) -> Result<Self, ScenarioError> {
        let (planted, fixed) = (specimen.subject()?, specimen.fixed_twin()?.subject()?);
        let (witness, steps) = (specimen.witness_schedule()?, specimen.told_witness()?);
        Ok(Self { keeper, specimen, measured, twin, planted, fixed, witness, steps })
    }

    fn twin_clean(&self) -> (bool, String) {
        let asked = self.keeper.effort().twin.schedules(self.measured);
        let (is_clean, told) = clean(self.twin);
        let system = &self.twin.system;
        let is_enough = self.twin.tally.schedules >= asked && system == self.specimen.twin;
        (is_clean && is_enough, format!("{system}: {told}; {} were asked for", count(asked)))
    }

    fn twin_spared(&self) -> Seen {
        let failing = self.failing();
        let seeds = counted(failing.len() as u64 - 1, "failing seed");
        let planted = self.runs(&self.planted, failing.clone())?;
        let fixed = self.runs(&self.fixed, failing)?;
        let failed: Vec<_> = fixed.iter().filter(|run| run.outcome != Outcome::Holds).collect();
        let triggers = self.specimen.triggers();
        let bitten = |run: &Run| -> Envelope {
            triggers.iter().copied().filter(|&class| run.coverage.bites(class) > 0).collect()
        };
        // A power cut that undoes something here may have nothing to undo there, though the process
        // dies all the same, and what strikes after so many events may never strike there: in most
        // schedules one of the triggers that bite the specimen must bite the twin.
        let (mut all, mut none) = (0, 0);
        for (planted, fixed) in planted.iter().zip(&fixed) {
            let (planted, fixed) = (bitten(planted), bitten(fixed));
            let mut shared = planted.classes().filter(|&class| fixed.has(class)).peekable();
            none += u64::from(!triggers.is_empty() && shared.peek().is_none());
            all += u64::from(shared.count() == planted.classes().count());
        }
        let schedules = format!("{seeds} and the witness");
        let told = match failed.first() {
            Some(run) => format!(
                "of {schedules} {} do not hold on the twin, first seed {}: {}",
                failed.len(),
                run.seed,
                run.outcome.group()
            ),
            None if none > 0 => {
                format!("{schedules} hold on the twin, but in {none} of them no trigger bites both")
            }
            None if all < planted.len() as u64 => format!(
                "{schedules} hold on the twin; in {all} of them it is bitten by every trigger that \
                 bites the specimen, in the others by some"
            ),
            None => format!("{schedules} hold on the twin, and the same triggers bite it"),
        };
        Ok((failed.is_empty() && 2 * none < planted.len() as u64, told))
    }

    fn found(&self) -> (bool, String) {
        let told = self.measured;
        let (found, trials) = (told.found(), told.trials.len());
        let figures = if found == 0 {
            String::new()
        } else {
            let [median, p90, most] = [told.median(), told.p90(), told.most()].map(count);
            format!(": median {median}, p90 {p90}, most {most}")
        };
        let cap = count(told.cap);
        (told.is_found(), format!("by {found} of {trials} searches of {cap} schedules{figures}"))
    }

    fn promised_rule(&self) -> (bool, String) {
        let rule = self.specimen.breaks;
        let strays: Vec<_> = self.measured.strays(rule).collect();
        let swept = self.keeper.sweep(&self.planted, self.schedules());
        let others: Vec<_> = swept.failures().filter(|group| !is_by(group, rule)).collect();
        let failures = counted(swept.tally.failures(), "failure");
        let schedules = counted(swept.tally.schedules, "schedule");
        let told = if let Some(Failure { seed, group }) = strays.first() {
            let searches = strays.len();
            format!("not in {searches} of the searches, first {group} at seed {seed}")
        } else if others.is_empty() {
            format!("{rule} in every search and in each of {failures} in {schedules}")
        } else {
            format!("among {failures} in {schedules}: {}", listed(&others))
        };
        (strays.is_empty() && others.is_empty() && swept.tally.failures() > 0, told)
    }

    fn masked(&self, triggers: &[FaultClass]) -> Result<(bool, String), ScenarioError> {
        const NAMED_MAX: usize = 4;
        let swept = self.keeper.sweep(&self.specimen.masked()?.subject()?, self.schedules());
        let (is_clean, told) = clean(&swept);
        // If hardly a fault is left, nothing may bite: it holds all the same.
        let tally = &swept.tally;
        let all_held = tally.schedules > 0 && tally.held == tally.schedules;
        let mut names: Vec<_> = triggers.iter().map(|class| class.slug().to_owned()).collect();
        if names.len() > NAMED_MAX {
            let others = names.split_off(NAMED_MAX - 1).len();
            names.push(format!("{others} other classes of faults"));
        }
        let last = names.pop().unwrap_or_default();
        let names = if names.is_empty() { last } else { names.join(", ") + " and " + &last };
        Ok((is_clean || all_held, format!("{told} without {names}")))
    }

    fn quiet_fails(&self) -> Seen {
        let planted = self.quiet(&self.planted)?;
        let fixed = self.quiet(&self.fixed)?;
        let told = format!(
            "the quiet run ends with {}, on the twin with {}",
            planted.outcome.group(),
            fixed.outcome.group()
        );
        Ok((self.is_broken(&planted) && fixed.outcome == Outcome::Holds, told))
    }

    fn quiet_holds(&self) -> Seen {
        let run = self.quiet(&self.planted)?;
        let told = format!("the quiet run ends with {}", run.outcome.group());
        Ok((run.outcome == Outcome::Holds, told))
    }

    fn faultless(&self) -> Result<(bool, String), ScenarioError> {
        let swept = self.keeper.sweep(&self.specimen.masked()?.subject()?, self.schedules());
        let groups: Vec<_> = swept.failures().collect();
        let holds =
            !groups.is_empty() && groups.iter().all(|group| is_by(group, self.specimen.breaks));
        let schedules = counted(swept.tally.schedules, "schedule");
        let told = if groups.is_empty() {
            format!("no failure in {schedules} without any fault")
        } else {
            format!("without any fault in {schedules}: {}", listed(&groups))
        };
        Ok((holds, told))
    }

    fn witness(&self) -> Seen {
        let (ticks, watch) = (self.keeper.effort().hung_after_ticks, self.keeper.watch());
        let seen = explore::inspect(&self.planted, &self.witness, ticks, watch)?;
        let again = vec![self.witness.clone(), self.witness.clone(), seen.rewritten];
        let is_steady = self
            .runs(&self.planted, again)?
            .iter()
            .all(|run| run.digest == seen.run.digest && run.outcome == seen.run.outcome);
        let outside = FaultClass::ALL.iter().find(|&&class| {
            seen.run.coverage.bites(class) > 0 && !self.fixed.profile().envelope.has(class)
        });
        let steps = match self.steps.as_slice() {
            [] => "the quiet run".to_owned(),
            steps => steps.join("; "),
        };
        let told = if !self.is_broken(&seen.run) {
            format!("ends with {}: {steps}", seen.run.outcome.group())
        } else if let Some(key) = seen.unmet.first() {
            format!("nothing asked for {}: {steps}", self.planted.tell_key(*key))
        } else if let Some(class) = outside {
            format!("{class} bites, which is outside the twin's envelope: {steps}")
        } else if !is_steady {
            format!("rewritten or run again it is another run: {steps}")
        } else {
            format!("{}: {steps}", self.specimen.breaks)
        };
        let holds =
            self.is_broken(&seen.run) && seen.unmet.is_empty() && outside.is_none() && is_steady;
        Ok((holds, told))
    }

    fn minimal(&self) -> Seen {
        let lesser = self.witness.lesser();
        let runs = self.runs(&self.planted, lesser)?;
        let failing = runs.iter().filter(|run| run.outcome != Outcome::Holds).count();
        let told = match (failing, runs.len()) {
            (0, 1) => "without its one decision the witness holds".to_owned(),
            (0, many) => format!("without any one of its {many} decisions the witness holds"),
            (_, many) => format!("without {failing} of its {many} decisions it still fails"),
        };
        Ok((failing == 0, told))
    }

    /// Only steps of the alphabet are tried, and only as many schedules as the effort allows: what
    /// is told is what was run.
    fn smallest(&self) -> (bool, String) {
        const STEPS_MAX: u32 = 2;
        let Effort { smaller, .. } = *self.keeper.effort();
        let steps = (self.witness.steps() as u32).saturating_sub(1).min(STEPS_MAX);
        let search = Exhaustive { base: Schedule::quiet(), steps, budget: Some(smaller.get()) };
        let exhausted = self.keeper.exhaust(&self.planted, &search);
        let groups = exhausted.swept.groups.iter().zip(&exhausted.examples);
        let mut broken = groups.filter(|(group, _)| is_by(group, self.specimen.breaks));
        let found = broken.next().map(|(_, example)| {
            let faults = example.faults.iter().map(|fault| self.planted.tell_fault(fault));
            let decisions = example.decisions.iter();
            let decisions =
                decisions.map(|(&key, &choice)| self.planted.tell_decision(key, choice));
            faults.chain(decisions).collect::<Vec<_>>().join("; ")
        });
        let run = exhausted.levels.iter().map(|level| {
            let with = counted(level.steps.into(), "decision");
            if level.run == level.schedules {
                format!("of {} with {with} all", count(level.schedules))
            } else {
                format!("of {} with {with} the first {}", count(level.schedules), count(level.run))
            }
        });
        let run = run.collect::<Vec<_>>().join(", ");
        let rule = self.specimen.breaks;
        match found {
            None => (true, format!("no {rule} in fewer: {run} were run")),
            Some(steps) => (false, format!("{rule} in fewer: {steps}")),
        }
    }

    /// A promise besides the one that is broken may hide or cause what is seen: with a single one
    /// the log and the effects are judged separately.
    fn one_promise(&self) -> Result<Seen, ScenarioError> {
        let whole = self.specimen.scenario()?;
        let mut told = Vec::new();
        let mut holds = false;
        for &promise in &whole.promises {
            let mut lone = whole.clone();
            lone.promises = vec![promise];
            let runs = match self.runs(&lone.subject()?, self.failing()) {
                Ok(runs) => runs,
                Err(hung) => return Ok(Err(hung)),
            };
            let broken = runs.iter().filter(|run| self.is_broken(run)).count();
            // With less promised a run may be over before it shows: most of them are enough.
            holds |= 2 * broken > runs.len();
            if broken > 0 {
                told.push(format!("{broken} of {} with {promise} alone", runs.len()));
            }
        }
        let rule = self.specimen.breaks;
        let told = match told.as_slice() {
            [] => format!("{rule} with no promise alone"),
            some => format!("{rule} in {}", some.join(", in ")),
        };
        Ok(Ok((holds, told)))
    }

    /// The schedules in which searches found the promised rule broken, and the witness.
    fn failing(&self) -> Vec<Schedule> {
        let rule = self.specimen.breaks.slug();
        let found = self.measured.failures().filter(|failure| failure.group == rule);
        let approach = self.measured.approach;
        let seeded = found.map(|failure| approach.schedule(failure.seed, self.planted.as_ref()));
        seeded.chain([self.witness.clone()]).collect()
    }

    fn schedules(&self) -> u64 {
        self.keeper.effort().specimen.schedules(self.measured)
    }

    fn runs(&self, subject: &Arc<dyn Subject>, schedules: Vec<Schedule>) -> Result<Vec<Run>, Hung> {
        let ticks = self.keeper.effort().hung_after_ticks;
        explore::run_all(subject, schedules, ticks, self.keeper.watch())
    }

    fn quiet(&self, subject: &Arc<dyn Subject>) -> Result<Run, Hung> {
        let ticks = self.keeper.effort().hung_after_ticks;
        explore::run(subject, &Schedule::quiet(), ticks, self.keeper.watch())
    }

    fn is_broken(&self, run: &Run) -> bool {
        match &run.outcome {
            Outcome::Violated(violation) => violation.rule == self.specimen.breaks,
            _ => false,
        }
    }
}

/// Whether a sweep found no failure and had a verdict on nearly every run. Whether faults bit is no
/// matter here: some of them may have been masked.
fn clean(swept: &Swept) -> (bool, String) {
    let failures: Vec<_> = swept.failures().collect();
    let doubt = swept.doubts.iter().find(|&&doubt| doubt != Doubt::NothingBit);
    let schedules = counted(swept.tally.schedules, "schedule");
    let told = match (failures.is_empty(), doubt) {
        (true, None) => format!("no failure in {schedules}"),
        (true, Some(_)) => format!("{schedules} show nothing either way"),
        (false, _) => format!("in {schedules} {}", listed(&failures)),
    };
    (failures.is_empty() && doubt.is_none(), told)
}

fn listed(groups: &[&Group]) -> String {
    let told = groups.iter().map(|Group { name, count: times, seed, .. }| {
        format!("{name} {} times, first at seed {seed}", count(*times))
    });
    told.collect::<Vec<_>>().join("; ")
}

fn is_by(group: &Group, rule: Rule) -> bool {
    matches!(&group.finding, Finding::Violated(violation) if violation.rule == rule)
}
