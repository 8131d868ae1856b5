//! From a failing schedule to its failure, and those of the next seeds that fail, made small.

use super::{Hung, Look, Watch, with_worker};
use crate::run::{Outcome, Subject, Worker};
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::shrink::{self, Budget, NotShrunk, Shrunk, shrink};
use std::ops::ControlFlow;
use std::sync::Arc;

/// How many seeds are run in search of each further failure.
const SEARCH_MAX: u64 = 20_000;

/// After how many runs the watch is told again how far the search is.
pub(super) const TOLD_EVERY: u64 = 256;

/// What came of pursuing a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pursued {
    /// The failures that were made small, in the order of their seeds.
    pub failures: Vec<Shrunk>,
    /// The seeds whose failures could not be, and why.
    pub refused: Vec<(Seed, NotShrunk)>,
}

/// [Shrinks](shrink()) `failing` and, if it is more than one failure that is `wanted`, those of the
/// next seeds that fail under the same strategy; `budget` is for each of them. The search for the
/// next one is given up after 20,000 seeds without any, and not begun if the first fails by
/// nothing.
///
/// # Errors
/// If a callback does not return: its machine.
///
/// # Panics
/// If the engine itself does, or the operating system refuses a thread.
pub fn pursue(
    subject: &Arc<dyn Subject>,
    failing: &Schedule,
    wanted: usize,
    budget: Budget,
    hung_after_ticks: u32,
    watch: &Arc<dyn Watch>,
) -> Result<Pursued, Hung> {
    let pursuer =
        Pursuer { subject: Arc::clone(subject), watch: Arc::clone(watch), wanted, budget };
    let failing = failing.clone();
    with_worker(subject, hung_after_ticks, watch, move |worker| pursuer.pursue(&failing, worker))
}

struct Pursuer {
    subject: Arc<dyn Subject>,
    watch: Arc<dyn Watch>,
    wanted: usize,
    budget: Budget,
}

impl Pursuer {
    fn pursue(&self, failing: &Schedule, worker: &mut dyn Worker) -> Pursued {
        let mut pursued = Pursued::default();
        let (mut seed, strategy) = (failing.seed, failing.strategy);
        self.enter(failing, worker, &mut pursued);
        let mut idle = 0;
        let is_begun = !pursued.failures.is_empty();
        while is_begun && pursued.failures.len() < self.wanted && idle < SEARCH_MAX {
            seed = Seed(seed.0.wrapping_add(1));
            idle += 1;
            let next = Schedule::seeded(seed).ordered(strategy);
            let outcome = worker.run(&next).outcome;
            if matches!(outcome, Outcome::Violated(_) | Outcome::Panicked(_)) {
                self.enter(&next, worker, &mut pursued);
                idle = 0;
            }
        }
        pursued
    }

    fn enter(&self, failing: &Schedule, worker: &mut dyn Worker, pursued: &mut Pursued) {
        let seed = failing.seed;
        let done = pursued.failures.len();
        let told = &mut |progress: &shrink::Progress| {
            let shrink::Progress { runs, smallest, .. } = *progress;
            if runs.is_multiple_of(TOLD_EVERY) {
                let group = self.subject.name();
                let asked = self.wanted;
                self.watch.looking(&Look { group, seed, done, asked, runs, smallest });
            }
            ControlFlow::Continue(())
        };
        match shrink(worker, self.subject.as_ref(), failing, self.budget, told) {
            Ok(shrunk) => pursued.failures.push(shrunk),
            Err(why) => pursued.refused.push((seed, why)),
        }
    }
}
