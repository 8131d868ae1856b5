//! How much of what a system can do its schedules show.

use super::{Hung, Sweep, Watch, with_worker};
use crate::run::Subject;
use crate::schedule::Schedule;
use crate::seed::Seed;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many kinds of runs there were among some.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Novelty {
    /// The schedules that were run.
    pub schedules: u64,
    /// Distinct [abstract states](crate::run::Observed::states).
    pub states: u64,
    /// Distinct [partial orders](crate::run::Observed::order).
    pub orders: u64,
}

/// Counts abstract states and partial orders over the seeds of `plan`, on one thread.
///
/// # Errors
/// If a callback does not return: its machine.
///
/// # Panics
/// If the engine itself does, or the operating system refuses a thread.
pub fn novelty(
    subject: &Arc<dyn Subject>,
    plan: &Sweep,
    watch: &Arc<dyn Watch>,
) -> Result<Novelty, Hung> {
    let Sweep { from, schedules, strategy, hung_after_ticks, .. } = *plan;
    with_worker(subject, hung_after_ticks, watch, move |worker| {
        let (mut states, mut orders) = (BTreeSet::new(), BTreeSet::new());
        for place in 0..schedules {
            let seed = Seed(from.0.wrapping_add(place));
            let observed = worker.observe(&Schedule::seeded(seed).ordered(strategy));
            states.extend(observed.states);
            orders.insert(observed.order);
        }
        Novelty { schedules, states: states.len() as u64, orders: orders.len() as u64 }
    })
}
