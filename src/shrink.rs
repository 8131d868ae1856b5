//! From a failing schedule to the smallest one that fails in the same way.
//!
//! A failing run is rewritten as a quiet run and the few hundred steps that it took, a *step* being
//! a fault or a decision. Then steps are left out, whole classes first and single ones last; what
//! of the system the failure does without is left out as well; and what remains is made plain: a
//! lateness of 5 ms in place of 4.837 ms, a crash in place of a power cut. A candidate counts only
//! if it fails in the same way: by the same rule or the same panic, and within the faults that the
//! promises are made under. All of it is repeated until nothing more can be left out.
//!
//! ```
//! use postulate::run::Pulse;
//! use postulate::schedule::Schedule;
//! use postulate::seed::Seed;
//! use postulate::shrink::{Budget, shrink};
//! use postulate::zoo::Specimen;
//! use std::ops::ControlFlow;
//! use std::sync::Arc;
//!
//! let specimen = Specimen::named("volatile-dedup-set").unwrap();
//! let subject = specimen.subject()?;
//! let mut worker = Arc::clone(&subject).worker(Arc::new(Pulse::default()));
//! let rule = specimen.breaks.slug();
//! let failing = (0..)
//!     .map(|seed| Schedule::seeded(Seed(seed)))
//!     .find(|schedule| worker.run(schedule).outcome.group() == rule)
//!     .unwrap();
//! let watch = &mut |_: &_| ControlFlow::Continue(());
//! let shrunk = shrink(worker.as_mut(), subject.as_ref(), &failing, Budget::default(), watch);
//! assert_eq!(shrunk.unwrap().schedule.steps(), 1);
//! # Ok::<(), postulate::scenario::ScenarioError>(())
//! ```

use crate::run::{Outcome, Run, Subject, Worker};
use crate::schedule::Schedule;
use search::Search;
use std::cell::Cell;
use std::fmt;
use std::ops::ControlFlow;

mod alphabet;
mod omission;
mod removal;
mod replacement;
mod search;
mod signature;
mod values;

pub use signature::{Distinct, Signature, distinct};

/// How much may be spent on one failure.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many runs, those that look into the failure included; up to three more name what the
    /// faults that are left strike upon.
    pub runs: u64,
}

impl Default for Budget {
    /// 20,000 runs; few failures take more than a tenth of that.
    fn default() -> Self {
        Self { runs: 20_000 }
    }
}

/// What is being tried.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// To leave out all steps of a class.
    Classes,
    /// To leave out the steps of a class at one machine or link.
    Places,
    /// To leave out halves, quarters and so on down to single steps.
    Halves,
    /// To leave out two steps at once.
    Pairs,
    /// To put one step in the place of several, or of one that is harder to understand.
    Replacements,
    /// To leave out machines, clients and operations.
    Parts,
    /// To make the values of steps small and round.
    Values,
}

impl Stage {
    /// The name used in reports.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Classes => "classes",
            Self::Places => "places",
            Self::Halves => "halves",
            Self::Pairs => "pairs",
            Self::Replacements => "replacements",
            Self::Parts => "parts",
            Self::Values => "values",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// How large a failure is. Of two the one with fewer steps is smaller, then the one with fewer
/// events, then the one with fewer messages.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// Faults and decisions over the quiet run.
    pub steps: usize,
    /// Events handled.
    pub events: u64,
    /// Messages handed to the network.
    pub messages: u64,
}

impl Size {
    fn of(schedule: &Schedule, run: &Run) -> Self {
        let Run { stats, .. } = run;
        Self { steps: schedule.steps(), events: stats.events, messages: stats.sent }
    }
}

/// How far a search has come.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being tried.
    pub stage: Stage,
    /// Runs made.
    pub runs: u64,
    /// The smallest failure so far.
    pub smallest: Size,
}

/// A failure that was made small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The smallest schedule that fails in the same way: a quiet one with faults and decisions.
    pub schedule: Schedule,
    /// Its run.
    pub run: Run,
    /// How large the failure was, as a quiet run with the steps that it took.
    pub before: Size,
    /// How large it is.
    pub size: Size,
    /// Runs made.
    pub runs: u64,
    /// Candidates that were not run, since they had been before.
    pub cached: u64,
    /// Whether the budget was spent, or the watch ended the search, before nothing more could be
    /// left out.
    pub exhausted: bool,
}

impl Shrunk {
    /// Whether the workload fails all by itself: no fault and no decision is left.
    pub const fn is_workload_alone(&self) -> bool {
        self.size.steps == 0
    }
}

/// Why there is nothing to shrink.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotShrunk {
    /// The schedule fails by nothing.
    #[error("the schedule does not fail: every promise is kept")]
    Holds,
    /// The schedule has no verdict.
    #[error("the schedule does not fail: its verdict is unknown, since {why}")]
    Unknown {
        /// Why not.
        why: String,
    },
    /// As a quiet run with the steps that it took it is another run.
    #[error(
        "as a quiet run with its decisions it is another run: {group} with digest \
         {digest:#018x} became {again} with digest {digest_again:#018x}"
    )]
    Drifted {
        /// How it fails.
        group: String,
        /// The digest of the run.
        digest: u64,
        /// What the other run comes to.
        again: String,
        /// The digest of the other run.
        digest_again: u64,
    },
}

/// Makes the failure of `failing` as small as it can be within `budget`. `watch` is told before
/// each run how far it is, and may end the search; what is smallest by then is given back.
///
/// The same input gives the same result. A candidate whose callback does not return is never left:
/// whoever cannot rule that out watches the worker's [`Pulse`](crate::run::Pulse).
///
/// # Errors
/// If the schedule does not fail, or fails as another run once it is rewritten.
pub fn shrink(
    worker: &mut dyn Worker,
    subject: &dyn Subject,
    failing: &Schedule,
    budget: Budget,
    watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Shrunk, NotShrunk> {
    let seen = worker.inspect(failing);
    let group = match &seen.run.outcome {
        Outcome::Holds => return Err(NotShrunk::Holds),
        Outcome::Unknown { why } => return Err(NotShrunk::Unknown { why: why.clone() }),
        failure @ (Outcome::Violated(_) | Outcome::Panicked(_)) => failure.group(),
    };
    let run = worker.run(&seen.rewritten);
    let again = run.outcome.group();
    let (digest, digest_again) = (seen.run.digest, run.digest);
    if again != group || digest_again != digest {
        return Err(NotShrunk::Drifted { group, digest, again, digest_again });
    }
    let mut search = Search::new(worker, subject, seen.rewritten, run, budget, watch);
    search.settle();
    Ok(search.end())
}

/// Makes several failures small and keeps the smallest, by their [`Size`]; `budget` is for each of
/// them. What cannot be shrunk is passed over, unless it is all there is.
///
/// # Errors
/// If none of the schedules can be shrunk: why the first cannot.
///
/// # Panics
/// If there are no schedules.
pub fn smallest(
    worker: &mut dyn Worker,
    subject: &dyn Subject,
    failing: &[Schedule],
    budget: Budget,
    watch: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Shrunk, NotShrunk> {
    assert!(!failing.is_empty(), "of no failures none is the smallest");
    let ended = Cell::new(false);
    let mut watch = |progress: &Progress| {
        let flow = watch(progress);
        ended.set(ended.get() || flow.is_break());
        flow
    };
    let mut smallest: Option<Result<Shrunk, NotShrunk>> = None;
    for schedule in failing {
        let next = shrink(worker, subject, schedule, budget, &mut watch);
        smallest = Some(match (smallest, next) {
            (Some(Ok(best)), Ok(next)) if next.size < best.size => Ok(next),
            (Some(Ok(best)), _) => Ok(best),
            (Some(Err(_)), Ok(next)) => Ok(next),
            (Some(Err(first)), Err(_)) => Err(first),
            (None, next) => next,
        });
        if ended.get() {
            break;
        }
    }
    smallest.expect("there is at least one schedule")
}
