//! Explaining under the eyes of a watch: whoever asks need not be the one whose callback hangs.

use super::{Effort, Explanation, NotExplained, explain};
use crate::explore::{Hung, Look, Watch, with_worker};
use crate::run::{Subject, Worker};
use crate::schedule::Schedule;
use crate::shrink::{self, Budget, NotShrunk, Size, shrink};
use std::ops::ControlFlow;
use std::sync::Arc;

/// After how many runs of a search for a smaller failure the watch is told again.
const TOLD_EVERY: u64 = 256;

/// An explanation, and how large the failure was before it was shrunk, if it was.
#[derive(Clone, Debug)]
pub struct Explored {
    /// The explanation.
    pub explanation: Explanation,
    /// The size of the failure before.
    pub before: Option<Size>,
}

/// [Explains](explain()) the failure of `failing`, made as small as it can be within `smaller`
/// first, if that is given.
///
/// # Errors
/// If a callback does not return: its machine. The inner error: there is nothing to explain.
///
/// # Panics
/// If the engine itself does, or the operating system refuses a thread.
pub fn explain_failure(
    subject: &Arc<dyn Subject>,
    failing: &Schedule,
    smaller: Option<Budget>,
    effort: Effort,
    hung_after_ticks: u32,
    watch: &Arc<dyn Watch>,
) -> Result<Result<Explored, NotExplained>, Hung> {
    let (failing, own, watcher) = (failing.clone(), Arc::clone(subject), Arc::clone(watch));
    with_worker(subject, hung_after_ticks, watch, move |worker| {
        let before = match smaller {
            None => None,
            Some(budget) => match small(worker, own.as_ref(), &failing, budget, &*watcher) {
                Ok(shrunk) => Some(shrunk),
                Err(why) => return Err(why),
            },
        };
        let schedule = before.as_ref().map_or(&failing, |(schedule, _)| schedule);
        let explanation = explain(worker, own.as_ref(), schedule, effort, &mut || ())?;
        Ok(Explored { explanation, before: before.map(|(_, size)| size) })
    })
}

/// The failure made small, and how large it was.
fn small(
    worker: &mut dyn Worker,
    subject: &dyn Subject,
    failing: &Schedule,
    budget: Budget,
    watch: &dyn Watch,
) -> Result<(Schedule, Size), NotExplained> {
    let seed = failing.seed;
    let told = &mut |progress: &shrink::Progress| {
        let shrink::Progress { runs, smallest, .. } = *progress;
        if runs.is_multiple_of(TOLD_EVERY) {
            let group = subject.name();
            watch.looking(&Look { group, seed, done: 0, asked: 1, runs, smallest });
        }
        ControlFlow::Continue(())
    };
    match shrink(worker, subject, failing, budget, told) {
        Ok(shrunk) => Ok((shrunk.schedule, shrunk.before)),
        Err(NotShrunk::Holds) => Err(NotExplained::Holds),
        Err(NotShrunk::Unknown { why }) => Err(NotExplained::Unknown { why }),
        Err(NotShrunk::Drifted { group, again, .. }) => Err(NotExplained::Drifted { group, again }),
    }
}
