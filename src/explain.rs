//! Why a run failed: what it took, what led to what, and when the failure became likely.
//!
//! A failing run is looked at from five sides. Each of its steps, a *step* being a fault or a
//! decision, is [weighed](Weighed): what becomes of the run without it, and with other values of
//! it. The [past](Explanation::past) of the failure is all that happened before the moments that
//! show it, by the order at each machine, the messages, the timers, the disks and the faults.
//! Operations of which nobody knows whether they happened are [doubted](Doubted): would the verdict
//! be another if they had, or had not? The [curve](Explanation::curve) keeps the first events of
//! the run and draws the rest anew, many times over: where it rises, the failure became likely. And
//! the [nearest](Nearest) run that keeps its promises is set beside the one that does not.
//!
//! ```
//! use postulate::explain::{Effort, explain};
//! use postulate::run::Pulse;
//! use postulate::zoo::Specimen;
//! use std::sync::Arc;
//!
//! let specimen = Specimen::named("volatile-dedup-set").unwrap();
//! let subject = specimen.subject()?;
//! let mut worker = Arc::clone(&subject).worker(Arc::new(Pulse::default()));
//! let witness = specimen.witness_schedule()?;
//! let explained =
//!     explain(worker.as_mut(), subject.as_ref(), &witness, Effort::default()).unwrap();
//! assert_eq!(explained.steps.len(), 1);
//! assert_eq!(explained.steps[0].without, "holds");
//! # Ok::<(), postulate::scenario::ScenarioError>(())
//! ```

use crate::run::{Examined, Outcome, Subject, Worker};
use crate::schedule::{Baseline, Schedule, Trigger};
use std::collections::BTreeSet;

mod anchors;
mod curve;
mod doubts;
mod guarded;
mod nearest;
mod others;
mod weighing;

pub use curve::{Kept, Rise};
pub use doubts::Doubted;
pub use guarded::{Explored, explain_failure};
pub use nearest::{By, Nearest};
pub use weighing::{Step, Tried, Weighed};

/// How much is spent on an explanation.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Effort {
    /// At how many points of the run its rest is drawn anew.
    pub points: u32,
    /// How often at each of them.
    pub redraws: u32,
    /// Of how many steps other values are tried, beside whether the run fails without them.
    pub varied: usize,
}

impl Default for Effort {
    /// 64 points with 100 draws each, and other values of up to 24 steps.
    fn default() -> Self {
        Self { points: 64, redraws: 100, varied: 24 }
    }
}

/// A failing run, explained.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The run as a quiet schedule and the steps that it took.
    pub schedule: Schedule,
    /// All that happened in it.
    pub examined: Examined,
    /// Its steps, faults first.
    pub steps: Vec<Weighed>,
    /// The moments that show the failure, by their places in the chronicle: those in which the
    /// operations that show it were recorded, and those in which steps took hold that it needs.
    pub anchors: Vec<usize>,
    /// These and all that happened before any of them.
    pub past: Vec<usize>,
    /// The operations among them of which nobody knows whether they happened.
    pub doubts: Vec<Doubted>,
    /// How often the run fails in the same way if only its first events are kept.
    pub curve: Vec<Kept>,
    /// The event that made the failure likelier than any other did.
    pub rise: Option<Rise>,
    /// The run that keeps its promises and has the most in common with this one.
    pub nearest: Option<Nearest>,
    /// Runs made.
    pub runs: u64,
}

/// Why there is nothing to explain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotExplained {
    /// The run fails by nothing.
    #[error("there is nothing to explain: every promise is kept")]
    Holds,
    /// The run has no verdict.
    #[error("there is nothing to explain: the verdict is unknown, since {why}")]
    Unknown {
        /// Why not.
        why: String,
    },
    /// As a quiet run with its decisions it is another run.
    #[error("as a quiet run with its decisions it is another run: {group} became {again}")]
    Drifted {
        /// How it fails.
        group: String,
        /// What the other run comes to.
        again: String,
    },
}

/// Explains the failure of `failing`.
///
/// The same input gives the same explanation. What is explained is the run as it is: whoever wants
/// to read few steps has them [shrunk](crate::shrink::shrink) before.
///
/// # Errors
/// If the schedule does not fail, or fails as another run once it is rewritten.
pub fn explain(
    worker: &mut dyn Worker,
    subject: &dyn Subject,
    failing: &Schedule,
    effort: Effort,
) -> Result<Explanation, NotExplained> {
    let mut bench = Bench { worker, runs: 0 };
    let first = bench.inspect(failing);
    let group = match &first.run.outcome {
        Outcome::Holds => return Err(NotExplained::Holds),
        Outcome::Unknown { why } => return Err(NotExplained::Unknown { why: why.clone() }),
        failed @ (Outcome::Violated(_) | Outcome::Panicked(_)) => failed.group(),
    };
    let schedule = match failing.baseline {
        Baseline::Quiet => named(failing, &first.rewritten),
        Baseline::Seeded => first.rewritten,
    };
    let examined = bench.examine(&schedule);
    if examined.inspection.run.digest != first.run.digest {
        let again = examined.inspection.run.outcome.group();
        return Err(NotExplained::Drifted { group, again });
    }
    let (steps, passing) = weighing::weigh(&mut bench, &schedule, &examined, effort.varied);
    let anchors = anchors::of(&examined, &steps);
    let past = examined.chronicle.past(&anchors);
    let doubts = doubts::doubts(&examined, subject.promises(), &past);
    let events = examined.inspection.run.stats.events;
    let curve = curve::draw(&mut bench, &schedule, (events, &group), effort);
    let rise = curve::rise(&curve, &examined.chronicle);
    let nearest = nearest::nearest(&mut bench, &schedule, &examined, passing, &curve);
    let runs = bench.runs;
    Ok(Explanation { schedule, examined, steps, anchors, past, doubts, curve, rise, nearest, runs })
}

/// A quiet schedule in its own words, since of two messages that one of them holds up a rewritten
/// run says that both are late; but a fault that strikes after so many events says upon what.
fn named(quiet: &Schedule, rewritten: &Schedule) -> Schedule {
    let mut named = quiet.clone();
    if named.faults.len() == rewritten.faults.len() {
        for (fault, told) in named.faults.iter_mut().zip(&rewritten.faults) {
            if matches!(fault.when, Trigger::After { .. }) && fault.what == told.what {
                fault.when = told.when;
            }
        }
    }
    named
}

impl Explanation {
    /// The rule that is broken, or the place of the panic.
    pub fn group(&self) -> String {
        self.examined.inspection.run.outcome.group()
    }

    /// Whether a moment is among the [past](Self::past).
    pub fn is_past(&self, moment: usize) -> bool {
        self.past.binary_search(&moment).is_ok()
    }
}

/// A worker whose runs are counted.
struct Bench<'a> {
    worker: &'a mut dyn Worker,
    runs: u64,
}

impl Bench<'_> {
    fn count(&mut self) -> &mut dyn Worker {
        self.runs += 1;
        self.worker
    }

    /// How a schedule ends.
    fn group(&mut self, schedule: &Schedule) -> String {
        self.count().run(schedule).outcome.group()
    }

    fn inspect(&mut self, schedule: &Schedule) -> crate::run::Inspection {
        self.count().inspect(schedule)
    }

    fn examine(&mut self, schedule: &Schedule) -> Examined {
        self.count().examine(schedule)
    }
}

/// A set of places in order.
fn sorted(places: impl IntoIterator<Item = usize>) -> Vec<usize> {
    places.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}
