//! The moments that show a failure, and those in which a step took hold.

use super::sorted;
use super::weighing::Weighed;
use crate::choice::{Actor, Key, Site};
use crate::id::NodeId;
use crate::run::{Chronicle, Examined, Moment, MomentKind, Outcome};
use crate::schedule::Trouble;

/// The moments that show the failure of a run; `steps` are what it took.
pub(super) fn of(examined: &Examined, steps: &[Weighed]) -> Vec<usize> {
    let Examined { inspection, chronicle } = examined;
    let operations = inspection.history.operations().iter().zip(&chronicle.entered);
    let shown = operations
        .filter(|(operation, _)| inspection.run.outcome.shown().contains(operation))
        .filter_map(|(_, entered)| *entered);
    let panicked = match &inspection.run.outcome {
        Outcome::Panicked(panic) => newest_of(chronicle, panic.node),
        Outcome::Holds | Outcome::Violated(_) | Outcome::Unknown { .. } => None,
    };
    let needed = steps.iter().filter(|step| step.is_needed).flat_map(|step| &step.moments);
    let anchors = sorted(shown.chain(panicked).chain(needed.copied()));
    if anchors.is_empty() { everywhere(chronicle) } else { anchors }
}

fn newest_of(chronicle: &Chronicle, node: NodeId) -> Option<usize> {
    chronicle.moments.iter().rposition(|moment| moment.node == Some(node))
}

/// What no operation shows, shows in where each machine ended.
fn everywhere(chronicle: &Chronicle) -> Vec<usize> {
    let nodes = chronicle.moments.iter().filter_map(|moment| moment.node);
    sorted(nodes.filter_map(|node| newest_of(chronicle, node)))
}

/// Of the messages that a fault swallows the first few show what it does.
const SWALLOWED_MAX: usize = 3;

/// The moments in which the fault of this number struck, and those in which it took hold: a process
/// dies, a machine goes on after a pause, messages are lost.
pub(super) fn struck(chronicle: &Chronicle, number: usize, what: &Trouble) -> Vec<usize> {
    let places = || (0..).zip(&chronicle.moments);
    let Some(strike) = places().find(|(_, moment)| moment.fault == Some(number)) else {
        return Vec::new();
    };
    let strike = strike.0;
    let is_swallowed =
        |moment: &Moment| moment.kind == MomentKind::Drop && moment.causes.contains(&strike);
    let swallowed = places().filter(|(_, moment)| is_swallowed(moment)).take(SWALLOWED_MAX);
    let ends = |moment: &Moment| match what {
        Trouble::Crash { node, .. } | Trouble::PowerCut { node, .. } => {
            moment.node == Some(*node)
                && matches!(moment.kind, MomentKind::Crash | MomentKind::PowerCut)
        }
        Trouble::Pause { node, .. } => {
            moment.node == Some(*node) && moment.kind == MomentKind::Resume
        }
        _ => false,
    };
    let end = places().skip(strike).find(|(_, moment)| ends(moment));
    sorted(swallowed.chain(end).map(|(place, _)| place).chain([strike]))
}

/// The moments in which what was decided at `key` showed.
pub(super) fn decided(chronicle: &Chronicle, key: Key) -> Vec<usize> {
    let places = || (0..).zip(&chronicle.moments);
    match (key.site(), key.actor()) {
        (Site::Message | Site::Timer | Site::Sync | Site::Notice, _) => {
            places().filter(|(_, moment)| moment.key == Some(key)).map(|(place, _)| place).collect()
        }
        (Site::CrashPoint | Site::PowerCut | Site::Tear, Actor::Node(node, incarnation)) => {
            let falls = |kind| matches!(kind, MomentKind::Crash | MomentKind::PowerCut);
            places()
                .filter(|(_, moment)| {
                    (moment.node, moment.incarnation) == (Some(node), incarnation)
                        && falls(moment.kind)
                })
                .map(|(place, _)| place)
                .collect()
        }
        _ => Vec::new(),
    }
}
