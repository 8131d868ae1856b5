//! Explaining under the eyes of a watch: whoever asks need not be the one whose callback hangs.

use super::{Effort, Explanation, NotExplained, explain};
use crate::explore::{Hung, Watch, pursue, with_worker};
use crate::run::Subject;
use crate::schedule::Schedule;
use crate::shrink::{Budget, NotShrunk, Size};
use std::sync::Arc;

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
    let (schedule, before) = match smaller {
        None => (failing.clone(), None),
        Some(budget) => {
            let found = pursue(subject, failing, 1, budget, hung_after_ticks, watch)?;
            if let Some((_, why)) = found.refused.into_iter().next() {
                return Ok(Err(why.into()));
            }
            let shrunk = found.failures.into_iter().next().expect("it is made small or refused");
            (shrunk.schedule, Some(shrunk.before))
        }
    };
    let own = Arc::clone(subject);
    with_worker(subject, hung_after_ticks, watch, move |worker| {
        let explanation = explain(worker, own.as_ref(), &schedule, effort)?;
        Ok(Explored { explanation, before })
    })
}

impl From<NotShrunk> for NotExplained {
    fn from(why: NotShrunk) -> Self {
        match why {
            NotShrunk::Holds => Self::Holds,
            NotShrunk::Unknown { why } => Self::Unknown { why },
            NotShrunk::Drifted { group, again, .. } => Self::Drifted { group, again },
        }
    }
}
