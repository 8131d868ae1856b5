//! The guarantee matrix: which method keeps which promise under which faults.
//!
//! A *method* is a way to get messages across, or to have their effects once: an acknowledgement, a
//! persistence, a producer's identity, a settlement, a way to tell duplicates, a pattern. Each is a
//! scenario of the catalogue with some lines changed. A *column* is a class of faults, alone; or
//! none, or all of them together. A [`Cell`] is a method under a column, judged by one promise.
//!
//! A cell *holds* if no schedule broke the promise and in [`STRESS`] of those that kept it the
//! column's faults met something that they could change; with fewer it is *not stressed*, and says
//! nothing. Where faults bite rarely, up to four times as many schedules are run once more. A
//! *violated* cell has the seed of a failure, made small. What is violated under one class of
//! faults is violated under all together: where the seeds of that column did not show it, the
//! failure of the other one is run there.
//!
//! What each cell was expected to say stands in the [table of methods](methods) with the source of
//! the expectation; it was written down before the first run. Where a cell says something else, the
//! [differences](Difference) explain it.

use crate::check::Rule;
use crate::explore::{self, Finding, Group, Pursued, Sweep, Swept, Watch};
use crate::profile::FaultClass;
use crate::run::Subject;
use crate::scenario::{Entry, PromiseName, Scenario, ScenarioError};
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::shrink::{Budget, Shrunk};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

pub use differences::{Difference, differences};
pub use methods::methods;
pub use word::NotACell;

mod differences;
mod methods;
mod word;

/// In how many schedules that keep the promise a fault must bite before a cell holds.
pub const STRESS: u64 = 1_000;

/// How many times as many schedules are run once more, at most, where faults bite rarely.
const MORE_MAX: u64 = 4;

/// How many are run once more at least.
const MORE_MIN: u64 = 256;

/// If more than one run in so many has no verdict, the cell has none.
const UNKNOWN_ONE_IN: u64 = 1_000;

/// A row: a way to get messages across, or to have their effects once.
#[derive(Copy, Clone, Debug)]
pub struct Method {
    /// Its name.
    pub id: &'static str,
    /// Which choice it is about: `acknowledgement`, `persistence`, `identity`, `settlement`,
    /// `dedup` or `pattern`.
    pub topic: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// The scenario of the catalogue that it is made from.
    pub scenario: &'static str,
    /// The keys that are changed, and to what, as in the file.
    pub changes: &'static [(&'static str, &'static str)],
    /// What is asked of it, and what was expected.
    pub expected: &'static [Expected],
}

/// What a method was expected to do about a promise.
#[derive(Copy, Clone, Debug)]
pub struct Expected {
    /// The promise.
    pub promise: PromiseName,
    /// The faults that break it alone; under all together it then breaks, too.
    pub breaks: &'static [Fault],
    /// Why.
    pub source: &'static str,
}

/// A column: the faults that a cell is run under.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// No fault.
    None,
    /// Faults of this class alone.
    Alone(FaultClass),
    /// Faults of all classes that have a column.
    All,
}

/// The columns.
pub const FAULTS: &[Fault] = &[
    Fault::None,
    Fault::Alone(FaultClass::Loss),
    Fault::Alone(FaultClass::Delay),
    Fault::Alone(FaultClass::Disconnect),
    Fault::Alone(FaultClass::Cut),
    Fault::Alone(FaultClass::Crash),
    Fault::Alone(FaultClass::PowerCut),
    Fault::Alone(FaultClass::Pause),
    Fault::Alone(FaultClass::Zombie),
    Fault::Alone(FaultClass::ClockDrift),
    Fault::Alone(FaultClass::ClockStep),
    Fault::Alone(FaultClass::FailedSync),
    Fault::All,
];

/// A method under a column, and the promise that judges it.
#[derive(Copy, Clone, Debug)]
pub struct Place {
    /// The method.
    pub method: &'static Method,
    /// The column.
    pub fault: Fault,
    /// The promise.
    pub promise: PromiseName,
}

/// What a place was found to say.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Where it is.
    pub place: Place,
    /// How many schedules were run.
    pub schedules: u64,
    /// In at least how many of those that kept the promise the column's faults bit; where there are
    /// none, how many kept it.
    pub stressed: u64,
    /// Whether the column's faults make no difference there, as clock steps to machines that read
    /// no wall clock.
    pub is_idle: bool,
    /// What it says.
    pub verdict: Verdict,
}

/// What a cell says.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// No schedule broke the promise, and there was enough to break it.
    Holds,
    /// A schedule broke it.
    Violated(Box<Failure>),
    /// No schedule broke it, and too few had anything to break it.
    NotStressed,
}

/// How a promise was broken.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: Seed,
    /// The column that the seed belongs to: the cell's own, or the class of faults alone that it
    /// takes.
    pub under: Fault,
    /// The rule, or how else the run failed.
    pub group: String,
    /// In how many schedules of the cell.
    pub count: u64,
    /// The faults and decisions of the failure, made small.
    pub decisions: usize,
    /// It, in a line.
    pub story: String,
}

/// How much is done for each cell.
#[derive(Copy, Clone, Debug)]
pub struct Effort {
    /// How many schedules; where the faults bite rarely, up to five times as many.
    pub schedules: u64,
    /// On how many threads; what is found does not depend on it.
    pub jobs: NonZeroUsize,
    /// How many ticks of the [`Watch`] a run may take for one event before it counts as hung.
    pub hung_after_ticks: u32,
}

/// What the schedules of a cell have shown so far.
#[derive(Debug, Default)]
struct Seen {
    schedules: u64,
    stressed: u64,
    unknown: u64,
    /// Whether nearly all runs had a verdict.
    is_clear: bool,
    broken: Option<Group>,
}

impl Seen {
    /// How many more schedules it takes until the faults have bitten often enough, as far as can be
    /// foreseen: none if they have, or if that were too many.
    fn more(&self, asked: u64) -> u64 {
        if self.broken.is_some() || self.stressed == 0 || self.stressed >= STRESS {
            return 0;
        }
        let missing = STRESS - self.stressed;
        let foreseen = (missing * self.schedules).div_ceil(self.stressed);
        // Some more, since it is an estimate.
        (foreseen + foreseen / 10 + MORE_MIN).min(MORE_MAX * asked)
    }
}

impl Method {
    /// The method of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        methods().iter().find(|method| method.id == name)
    }
}

impl Fault {
    /// The name used in reports.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Alone(class) => class.slug(),
            Self::All => "all",
        }
    }

    /// The classes of faults that may occur.
    pub fn classes(self) -> Vec<FaultClass> {
        match self {
            Self::None => Vec::new(),
            Self::Alone(class) => vec![class],
            Self::All => FAULTS.iter().filter_map(|fault| fault.alone()).collect(),
        }
    }

    const fn alone(self) -> Option<FaultClass> {
        match self {
            Self::Alone(class) => Some(class),
            Self::None | Self::All => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl Verdict {
    /// The name used in reports.
    pub const fn slug(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Violated(_) => "violated",
            Self::NotStressed => "not-stressed",
        }
    }
}

impl Expected {
    /// Whether the promise was expected to break under `fault`: what breaks without faults, or
    /// under some alone, does so under more.
    fn breaks_under(&self, fault: Fault) -> bool {
        self.breaks.contains(&Fault::None)
            || self.breaks.contains(&fault)
            || fault == Fault::All && !self.breaks.is_empty()
    }
}

impl Cell {
    /// What it was expected to say. Where the column's faults make no difference nobody expected
    /// anything else.
    pub fn wanted(&self) -> &'static str {
        match self.place.expected().breaks_under(self.place.fault) {
            _ if self.is_idle => "not-stressed",
            true => "violated",
            false => "holds",
        }
    }

    /// Whether it says something else than was expected.
    pub fn is_other(&self) -> bool {
        self.verdict.slug() != self.wanted()
    }

    /// Why it does, if somebody has found out.
    pub fn difference(&self) -> Option<&'static Difference> {
        let difference = self.place.explained(self.verdict.slug());
        difference.filter(|_| self.is_other())
    }
}

impl Place {
    /// What was expected here.
    ///
    /// # Panics
    /// If nobody asks the method for such a promise.
    pub fn expected(&self) -> &'static Expected {
        let mut expected = self.method.expected.iter();
        expected.find(|it| it.promise == self.promise).expect("only what is asked has a place")
    }

    /// The scenario that is run. It bears the word by which the command line knows the place.
    ///
    /// # Errors
    /// None in a tested crate: every method is in the catalogue and every change a possible one.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        let Entry { name, text } = Entry::named(self.method.scenario)?;
        let promises = format!("[\"{}\"]", self.promise);
        let mut changes = self.method.changes.to_vec();
        changes.extend([
            ("promises", promises.as_str()),
            ("run.envelope", "[]"),
            ("expect", "\"holds\""),
        ]);
        let mut scenario = Scenario::from_toml_with(name, text, &changes)?;
        let mut classes = self.fault.classes();
        classes.retain(|&class| scenario.impossible(class).is_none());
        scenario.run.envelope = classes;
        scenario.name = self.word();
        Ok(scenario)
    }

    /// The place, ready to be run.
    ///
    /// # Errors
    /// As [`scenario`](Self::scenario).
    pub fn subject(&self) -> Result<Arc<dyn Subject>, ScenarioError> {
        self.scenario()?.subject()
    }

    /// Whether the column's faults make no difference here.
    ///
    /// # Errors
    /// As [`scenario`](Self::scenario).
    pub fn is_idle(&self) -> Result<bool, ScenarioError> {
        let Fault::Alone(class) = self.fault else { return Ok(false) };
        Ok(self.scenario()?.impossible(class).is_some())
    }

    /// Runs it and sees what it says; nothing is run where the column's faults make no difference.
    ///
    /// # Errors
    /// As [`scenario`](Self::scenario).
    pub fn survey(&self, effort: &Effort, watch: &Arc<dyn Watch>) -> Result<Cell, ScenarioError> {
        if self.is_idle()? {
            let verdict = Verdict::NotStressed;
            return Ok(Cell { place: *self, schedules: 0, stressed: 0, is_idle: true, verdict });
        }
        let subject = self.subject()?;
        let mut seen = Seen::default();
        self.run_more(&mut seen, effort.schedules, &subject, effort, watch);
        let more = seen.more(effort.schedules);
        if more > 0 {
            self.run_more(&mut seen, more, &subject, effort, watch);
        }
        let Seen { schedules, stressed, is_clear, broken, .. } = seen;
        let verdict = match broken {
            Some(group) => {
                let failing = Schedule::seeded(group.seed);
                let (budget, ticks) = (Budget::default(), effort.hung_after_ticks);
                let pursued = explore::pursue(&subject, &failing, 1, budget, ticks, watch);
                let shrunk = pursued.unwrap_or_else(|_| Pursued::default()).failures.pop();
                let failure = self.failure(&group, shrunk.as_ref(), subject.as_ref());
                Verdict::Violated(Box::new(failure))
            }
            None if stressed >= STRESS && is_clear => Verdict::Holds,
            None => Verdict::NotStressed,
        };
        Ok(Cell { place: *self, schedules, stressed, is_idle: false, verdict })
    }

    /// Runs the next so many schedules.
    fn run_more(
        &self,
        seen: &mut Seen,
        schedules: u64,
        subject: &Arc<dyn Subject>,
        effort: &Effort,
        watch: &Arc<dyn Watch>,
    ) {
        let Effort { jobs, hung_after_ticks, .. } = *effort;
        let from = Seed(seen.schedules);
        let plan =
            Sweep { from, schedules, jobs, hung_after_ticks, look_into: 0, ..Sweep::default() };
        let swept = explore::sweep(subject, &plan, watch);
        seen.schedules += schedules;
        seen.stressed += self.stressed(&swept);
        seen.unknown += swept.tally.unknown;
        seen.is_clear = seen.unknown * UNKNOWN_ONE_IN <= seen.schedules;
        let broken = swept.groups.into_iter().find(|group| self.is_broken_by(group));
        seen.broken = seen.broken.take().or(broken);
    }

    /// Whether what was found breaks this place's promise: a run that fails otherwise neither
    /// breaks nor keeps it. One that panics, hangs or does not repeat is nobody's to excuse.
    fn is_broken_by(&self, group: &Group) -> bool {
        match &group.finding {
            Finding::Violated(violation) => rules(self.promise).contains(&violation.rule),
            Finding::Panicked(_) | Finding::Hung { .. } | Finding::Nondeterministic(_) => true,
            Finding::Unknown { .. } => false,
        }
    }

    /// In at least how many runs that kept the promise the faults bit.
    fn stressed(&self, swept: &Swept) -> u64 {
        let tally = &swept.tally;
        let bites = |class: &FaultClass| tally.bites(*class).runs;
        let bitten = match self.fault {
            Fault::None => tally.schedules,
            Fault::Alone(class) => bites(&class),
            Fault::All => self.fault.classes().iter().map(bites).max().unwrap_or(0),
        };
        bitten.saturating_sub(tally.schedules - tally.held)
    }

    fn failure(&self, group: &Group, shrunk: Option<&Shrunk>, subject: &dyn Subject) -> Failure {
        Failure {
            seed: group.seed,
            under: self.fault,
            group: group.name.clone(),
            count: group.count,
            decisions: shrunk.map_or(0, |shrunk| shrunk.size.steps),
            story: shrunk.map_or_else(|| group.name.clone(), |shrunk| story(shrunk, subject)),
        }
    }
}

/// The cells of a method and a promise, column by column.
///
/// # Errors
/// As [`Place::scenario`].
pub fn row(
    method: &'static Method,
    promise: PromiseName,
    faults: &[Fault],
    effort: &Effort,
    watch: &Arc<dyn Watch>,
) -> Result<Vec<Cell>, ScenarioError> {
    let mut cells = Vec::new();
    for &fault in faults {
        cells.push(Place { method, fault, promise }.survey(effort, watch)?);
    }
    inherit(&mut cells);
    Ok(cells)
}

/// What one class of faults breaks alone is broken under all of them: its schedules are among
/// theirs.
fn inherit(cells: &mut [Cell]) {
    let violated = |cell: &Cell| match &cell.verdict {
        Verdict::Violated(failure) => Some(failure.clone()),
        Verdict::Holds | Verdict::NotStressed => None,
    };
    let alone = cells.iter().filter(|cell| cell.place.fault != Fault::All).filter_map(violated);
    let Some(smallest) = alone.min_by_key(|failure| failure.decisions) else { return };
    let all = cells.iter_mut().filter(|cell| cell.place.fault == Fault::All);
    for cell in all.filter(|cell| !matches!(cell.verdict, Verdict::Violated(_))) {
        cell.verdict = Verdict::Violated(Box::new(Failure { count: 0, ..*smallest.clone() }));
    }
}

/// The rules that judge a promise: a run that breaks others neither keeps it nor breaks it.
pub fn rules(promise: PromiseName) -> &'static [Rule] {
    match promise {
        PromiseName::AtMostOnce => {
            &[Rule::DuplicateEffect, Rule::PhantomEffect, Rule::Corrupted, Rule::Misrouted]
        }
        PromiseName::AtLeastOnce => &[
            Rule::Lost,
            Rule::Unseen,
            Rule::PhantomEffect,
            Rule::Corrupted,
            Rule::Misrouted,
            Rule::Deadlock,
            Rule::Livelock,
        ],
        PromiseName::ExactlyOnce => &[
            Rule::DuplicateEffect,
            Rule::Lost,
            Rule::Unseen,
            Rule::PhantomEffect,
            Rule::Corrupted,
            Rule::Misrouted,
            Rule::Deadlock,
            Rule::Livelock,
        ],
        PromiseName::IdempotentProducer => &[Rule::DuplicateRecord],
        PromiseName::PerKeyOrder => &[Rule::Order, Rule::Skipped, Rule::Rewound],
        PromiseName::DurableLog => &[Rule::InconsistentOffset, Rule::LostRecord, Rule::Resurrected],
        PromiseName::NeverCommitsAhead => &[Rule::CommittedAhead],
        PromiseName::Convergent => &[Rule::Diverged, Rule::Deadlock, Rule::Livelock],
        PromiseName::Projected => &[Rule::StaleProjection, Rule::Deadlock, Rule::Livelock],
        PromiseName::Accounted => &[Rule::Accounting, Rule::Deadlock, Rule::Livelock],
        PromiseName::OrderedEffects => &[Rule::Overtaken],
        PromiseName::BoundedRedelivery => &[Rule::RedeliveryBound],
        PromiseName::SettledForGood => &[Rule::Resurrected],
        PromiseName::Fenced => &[Rule::Fence],
        PromiseName::BoundedBacklog => &[Rule::Backlog, Rule::Deadlock, Rule::Livelock],
        PromiseName::Compensated => &[Rule::Uncompensated, Rule::Deadlock, Rule::Livelock],
        PromiseName::Atomic => &[Rule::Torn, Rule::Deadlock, Rule::Livelock],
    }
}

/// What it takes, and what comes of it.
fn story(shrunk: &Shrunk, subject: &dyn Subject) -> String {
    let faults = shrunk.schedule.faults.iter().map(|fault| subject.tell_fault(fault));
    let decisions = shrunk.schedule.decisions.iter();
    let decisions = decisions.map(|(&key, &choice)| subject.tell_decision(key, choice));
    let steps: Vec<String> = faults.chain(decisions).collect();
    let steps = if steps.is_empty() { "the quiet run".to_owned() } else { steps.join("; ") };
    let end = match shrunk.run.outcome.violation() {
        Some(violation) => {
            let about = violation.about.first().map_or(String::new(), |it| format!("{it}: "));
            format!("{about}{}", violation.observed)
        }
        None => shrunk.run.outcome.group(),
    };
    format!("{steps}: {end}")
}
