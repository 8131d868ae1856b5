//! From what a sweep found to failures that are kept.

use super::{Finding, Group, Inquiry, Sweep, Swept, Watch, inspect};
use crate::regression::{Origin, Regression};
use crate::run::Subject;
use crate::schedule::Schedule;
use std::sync::Arc;

/// A failure to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// What it is an example of: a bug, by its signature in words, or a kind of failure that was
    /// not looked into, by the name of its group.
    pub what: String,
    /// The failure.
    pub regression: Regression,
}

/// A failure for each distinct bug, from its smallest example. Of a kind of failure that was not
/// looked into, or in vain, the lowest seed stands for all; none does if no schedule shows the
/// finding again: it has no verdict, or the system is nondeterministic.
///
/// # Panics
/// If the engine itself does, or the operating system refuses a thread.
pub fn capture(
    subject: &Arc<dyn Subject>,
    swept: &Swept,
    inquiries: &[Inquiry],
    scenario: &Origin,
    watch: &Arc<dyn Watch>,
) -> Vec<Captured> {
    let camera = Camera { subject, plan: &swept.plan, scenario, watch };
    let mut captured = Vec::new();
    for group in swept.failures() {
        let before = captured.len();
        let looked_into = inquiries.iter().filter(|inquiry| inquiry.group == group.name);
        for bug in looked_into.flat_map(|inquiry| &inquiry.bugs) {
            let regression = camera.capture(group, &bug.smallest.schedule);
            let what = bug.signature.to_string();
            captured.extend(regression.map(|regression| Captured { what, regression }));
        }
        if captured.len() == before {
            let seeded = Schedule::seeded(group.seed).ordered(swept.plan.strategy);
            let regression = camera.capture(group, &seeded);
            let what = group.name.clone();
            captured.extend(regression.map(|regression| Captured { what, regression }));
        }
    }
    captured
}

struct Camera<'a> {
    subject: &'a Arc<dyn Subject>,
    plan: &'a Sweep,
    scenario: &'a Origin,
    watch: &'a Arc<dyn Watch>,
}

impl Camera<'_> {
    fn capture(&self, group: &Group, schedule: &Schedule) -> Option<Regression> {
        let (subject, scenario) = (self.subject.as_ref(), self.scenario.clone());
        match &group.finding {
            Finding::Violated(_) | Finding::Panicked(_) => {
                let seen =
                    inspect(self.subject, schedule, self.plan.hung_after_ticks, self.watch).ok()?;
                let is_wanted = seen.run.outcome.group() == group.name;
                let regression = Regression::of(scenario, subject, schedule, &seen);
                regression.filter(|_| is_wanted)
            }
            Finding::Hung { machine } => {
                Some(Regression::of_hang(scenario, subject, schedule, machine))
            }
            Finding::Nondeterministic(_) | Finding::Unknown { .. } => None,
        }
    }
}
