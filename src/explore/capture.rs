//! From a finding of a sweep to a failure that is kept.

use super::{Finding, Group, Sweep, Watch, inspect, with_worker};
use crate::regression::{Origin, Regression};
use crate::run::{Inspection, Subject};
use crate::schedule::Schedule;
use crate::shrink::{Budget, shrink};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The example of `group` as a failure that is kept: [shrunk](crate::shrink), or as the seed, if
/// that is the only way to see it. Nothing, if no schedule shows the finding again: it has no
/// verdict, or the system is nondeterministic.
///
/// # Panics
/// If the engine itself does, or the operating system refuses a thread.
pub fn capture(
    subject: &Arc<dyn Subject>,
    plan: &Sweep,
    group: &Group,
    scenario: Origin,
    watch: &Arc<dyn Watch>,
) -> Option<Regression> {
    let seeded = Schedule::seeded(group.seed).ordered(plan.strategy);
    match &group.finding {
        Finding::Violated(_) | Finding::Panicked(_) => {}
        Finding::Hung { machine } => {
            return Some(Regression::of_hang(scenario, subject.as_ref(), &seeded, machine));
        }
        Finding::Nondeterministic(_) | Finding::Unknown { .. } => return None,
    }
    let is_wanted = |seen: &Inspection| seen.run.outcome.group() == group.name;
    let small = shrunk(subject, plan, &seeded, watch).filter(|(_, seen)| is_wanted(seen));
    let (schedule, seen) = if let Some(small) = small {
        small
    } else {
        let seen = inspect(subject, &seeded, plan.hung_after_ticks, watch).ok()?;
        (seeded, Some(seen).filter(is_wanted)?)
    };
    Regression::of(scenario, subject.as_ref(), &schedule, &seen)
}

fn shrunk(
    subject: &Arc<dyn Subject>,
    plan: &Sweep,
    failing: &Schedule,
    watch: &Arc<dyn Watch>,
) -> Option<(Schedule, Inspection)> {
    let (theirs, failing) = (Arc::clone(subject), failing.clone());
    let found = with_worker(subject, plan.hung_after_ticks, watch, move |worker| {
        let watch = &mut |_: &_| ControlFlow::Continue(());
        let shrunk = shrink(worker, theirs.as_ref(), &failing, Budget::default(), watch).ok()?;
        let seen = worker.inspect(&shrunk.schedule);
        Some((shrunk.schedule, seen))
    });
    found.ok().flatten()
}
