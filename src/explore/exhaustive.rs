//! Every schedule of at most so many steps from a stated alphabet.
//!
//! A step is one fault or one decision over a quiet run. Where steps can be taken is asked of the
//! runs themselves: a second step may sit on a retry that the first one caused. The sets of one
//! step come first, then those of two: what fails first has the fewest steps.

use super::course::Course;
use super::ledger::Ledger;
use super::{Cut, Sweep, Swept, Watch, follow, watched};
use crate::run::{Subject, Worker};
use crate::schedule::{Baseline, Schedule, Strategy};
use crate::seed::Seed;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

mod alphabet;
mod tree;

pub use alphabet::{Alphabet, Letter, Step};

use tree::{LevelOfSets, Roots};

/// An exhaustive search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhaustive {
    /// The schedule that the steps are added to; it is made a quiet one. What it leaves out of the
    /// system makes the search shorter.
    pub base: Schedule,
    /// The most steps.
    pub steps: u32,
    /// The most schedules; without it all that there are.
    pub budget: Option<u64>,
}

/// How schedules are come by.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// Each grows from a seed, in this order of what is due close together.
    Seeds(Strategy),
    /// Every one with at most so many faults and decisions.
    Exhaustive(u32),
}

impl Default for Search {
    fn default() -> Self {
        Self::Seeds(Strategy::default())
    }
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seeds(strategy) => write!(f, "{strategy}"),
            Self::Exhaustive(steps) => write!(f, "exhaustive:{steps}"),
        }
    }
}

/// Text that names no search.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a strategy: write mix, time, pct, pos, walk, or exhaustive:2")]
pub struct NotASearch {
    text: String,
}

impl FromStr for Search {
    type Err = NotASearch;

    fn from_str(text: &str) -> Result<Self, NotASearch> {
        let exhaustive = || text.strip_prefix("exhaustive:")?.parse().ok().map(Self::Exhaustive);
        let found = text.parse().ok().map(Self::Seeds).or_else(exhaustive);
        found.ok_or_else(|| NotASearch { text: text.to_owned() })
    }
}

/// What came of an exhaustive search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// What was asked for.
    pub search: Exhaustive,
    /// The steps that were tried.
    pub alphabet: Alphabet,
    /// Of each kind of step how many the quiet run has room for.
    pub letters: Vec<(Letter, u64)>,
    /// The schedules by their number of steps, from none on; the last may be cut short.
    pub levels: Vec<Level>,
    /// What was found. Seeds are the numbers of schedules, from 0, the fewest steps first.
    pub swept: Swept,
    /// For each group that was found its first schedule.
    pub examples: Vec<Schedule>,
}

/// Schedules with the same number of steps.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// How many steps they have.
    pub steps: u32,
    /// How many there are.
    pub schedules: u64,
    /// How many of them were run.
    pub run: u64,
}

impl Exhausted {
    /// Whether every schedule with at most as many steps as asked for was run.
    pub fn is_complete(&self) -> bool {
        self.complete_steps() == Some(self.search.steps)
    }

    /// The most steps with which, and with fewer, every schedule was run.
    pub fn complete_steps(&self) -> Option<u32> {
        let complete = self.levels.iter().take_while(|level| level.run == level.schedules);
        complete.last().map(|level| level.steps)
    }
}

/// Runs every schedule with at most so many steps. Of `plan` it takes the number of threads, after
/// how many failures to end, what is run again, and what counts as hung.
///
/// What it finds does not depend on the number of threads. It keeps a word in memory for each
/// schedule of fewer steps than the most.
///
/// # Panics
/// If the engine itself does, or the operating system refuses a thread.
pub fn exhaust(
    subject: &Arc<dyn Subject>,
    search: &Exhaustive,
    plan: &Sweep,
    watch: &Arc<dyn Watch>,
) -> Exhausted {
    let base = Schedule { baseline: Baseline::Quiet, seed: Seed(0), ..search.base.clone() };
    let mut ledger = Ledger::new(subject.as_ref(), Sweep { from: Seed(0), schedules: 0, ..*plan });
    let (mut roots, letters) = plant(subject, &base, plan, watch);
    let (mut levels, mut courses) = (Vec::new(), Vec::new());
    let mut first = 0;
    loop {
        let schedules = roots.count();
        let left = search.budget.map_or(u64::MAX, |budget| budget.saturating_sub(first));
        let count = schedules.min(left);
        let steps = roots.steps() as u32;
        let is_last = steps == search.steps || count < schedules;
        let course = Arc::new(roots.level(first, count, is_last));
        ledger.expect(count);
        follow(Arc::clone(&course) as Arc<dyn Course>, subject, *plan, watch, &mut ledger);
        let run = ledger.progress().done - first;
        levels.push(Level { steps, schedules, run });
        courses.push(Arc::clone(&course));
        first += count;
        if count < schedules && ledger.is_complete() {
            ledger.cut(Cut::Budget);
        }
        if is_last || ledger.is_closed() || !ledger.is_complete() {
            break;
        }
        roots = course.grown();
    }
    let swept = ledger.close();
    let examples = examples(subject, &swept, &courses, plan, watch);
    let alphabet = roots.alphabet().clone();
    Exhausted { search: search.clone(), alphabet, letters, levels, swept, examples }
}

/// The quiet run and what can be added to it. One that hangs has no room for a step.
fn plant(
    subject: &Arc<dyn Subject>,
    base: &Schedule,
    plan: &Sweep,
    watch: &Arc<dyn Watch>,
) -> (Roots, Vec<(Letter, u64)>) {
    let schedule = base.clone();
    let ticks = plan.hung_after_ticks;
    let probe = watched::run(subject, ticks, watch, move |worker| worker.probe(&schedule));
    let probe = probe.ok();
    let alphabet = Alphabet::of(subject.as_ref(), base, probe.as_ref());
    let roots = Roots::new(base.clone(), alphabet);
    let letters = probe.map_or_else(Vec::new, |probe| roots.letters(&probe));
    (roots, letters)
}

/// The first schedule of each group.
fn examples(
    subject: &Arc<dyn Subject>,
    swept: &Swept,
    courses: &[Arc<LevelOfSets>],
    plan: &Sweep,
    watch: &Arc<dyn Watch>,
) -> Vec<Schedule> {
    let example = |place: u64| {
        let course = courses.iter().find(|course| course.places().contains(&place));
        let course = Arc::clone(course.expect("a group was found at a place that was run"));
        // What hangs there is no part of it: it takes runs of schedules with fewer steps alone.
        let task = move |worker: &mut dyn Worker| course.schedule(place, worker);
        watched::run(subject, plan.hung_after_ticks, watch, task)
            .unwrap_or_else(|_| Schedule::quiet())
    };
    swept.groups.iter().map(|group| example(group.seed.0)).collect()
}
