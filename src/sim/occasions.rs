//! How often each machine has handled what, and which faults struck upon it.

use crate::id::NodeId;
use crate::schedule::{Fault, Occasion, Trigger};

/// Counted only in runs in which a fault waits for an occasion, or that are recorded: these say
/// upon what a fault struck that was to strike after so many events.
#[derive(Debug, Default)]
pub(super) struct Occasions {
    pub(super) on: bool,
    counts: Vec<(NodeId, Occasion, u32)>,
    struck: Vec<(u32, Trigger)>,
}

impl Occasions {
    pub(super) fn reset(&mut self, on: bool) {
        self.on = on;
        self.counts.clear();
        self.struck.clear();
    }

    /// For the how-manieth time `node` has handled this.
    pub(super) fn count(&mut self, node: NodeId, what: Occasion) -> u32 {
        let known = self.counts.iter_mut().find(|(of, other, _)| (*of, *other) == (node, what));
        if let Some((_, _, count)) = known {
            *count += 1;
            return *count;
        }
        self.counts.push((node, what, 1));
        1
    }

    /// The fault of this number struck upon this.
    pub(super) fn note(&mut self, number: u32, upon: Trigger) {
        self.struck.push((number, upon));
    }

    /// The fault of this number with a trigger that other kinds of events do not shift; none if it
    /// waited for events that never came.
    pub(super) fn rewritten(&self, number: u32, fault: &Fault) -> Option<Fault> {
        let when = match fault.when {
            Trigger::At(_) => fault.when,
            Trigger::After { .. } | Trigger::Upon { .. } => {
                self.struck.iter().find(|(other, _)| *other == number)?.1
            }
        };
        Some(Fault { when, what: fault.what.clone() })
    }
}
