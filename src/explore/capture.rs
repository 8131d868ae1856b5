//! From a finding of a sweep to a failure that is kept.

use super::{Finding, Group, Sweep, Watch, inspect};
use crate::regression::{Origin, Regression};
use crate::run::Subject;
use crate::schedule::Schedule;
use std::sync::Arc;

/// The example of `group` as a failure that is kept: as a quiet run and its decisions, if these
/// alone fail alike, otherwise as the seed. Nothing, if no schedule shows the finding again: it has
/// no verdict, or the system is nondeterministic.
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
    if let Finding::Hung { machine } = &group.finding {
        return Some(Regression::of_hang(scenario, subject.as_ref(), &seeded, machine));
    }
    if !matches!(group.finding, Finding::Violated(_) | Finding::Panicked(_)) {
        return None;
    }
    let inspected = |schedule: &Schedule| {
        let found = inspect(subject, schedule, plan.hung_after_ticks, watch);
        found.ok().filter(|inspection| inspection.run.outcome.group() == group.name)
    };
    let original = inspected(&seeded)?;
    let keep = |schedule: &Schedule, inspection| {
        Regression::of(scenario.clone(), subject.as_ref(), schedule, inspection)
    };
    match inspected(&original.rewritten) {
        Some(rewritten) => keep(&original.rewritten, &rewritten),
        None => keep(&seeded, &original),
    }
}
