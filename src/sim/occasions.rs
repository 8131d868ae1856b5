//! How often each machine has handled what, and which faults struck upon it.

use crate::id::NodeId;
use crate::schedule::{Deed, Fault, Occasion, Trigger};

/// Counted only in runs in which a fault waits for an occasion, or that are recorded: these say
/// upon what a fault struck that was to strike after so many events.
#[derive(Debug, Default)]
pub(super) struct Occasions {
    pub(super) on: bool,
    /// What is being handled right now.
    pub(super) occasion: Option<Occasion>,
    /// What the machine is doing right now.
    pub(super) deed: Option<Deed>,
    counts: Vec<(NodeId, Occasion, u32)>,
    deeds: Vec<(NodeId, Deed, u32)>,
    struck: Vec<(u32, Trigger)>,
    /// The crashes that are to be told as they were drawn.
    kept: Vec<u32>,
}

impl Occasions {
    pub(super) fn reset(&mut self, on: bool) {
        self.on = on;
        (self.occasion, self.deed) = (None, None);
        self.counts.clear();
        self.deeds.clear();
        self.struck.clear();
        self.kept.clear();
    }

    /// For the how-manieth time `node` has handled this.
    pub(super) fn count(&mut self, node: NodeId, what: Occasion) -> u32 {
        count(&mut self.counts, node, what)
    }

    /// For the how-manieth time `node` has done this.
    pub(super) fn count_deed(&mut self, node: NodeId, what: Deed) -> u32 {
        count(&mut self.deeds, node, what)
    }

    /// The crash of this number is not to be told by what its machine did last: another crash came
    /// to nothing because of it, or the run waited for it to strike.
    pub(super) fn keep(&mut self, number: u32) {
        self.kept.push(number);
    }

    /// The crash of this number falls after its machine did this. True if it is told so.
    pub(super) fn burnt(&mut self, number: u32, done: Trigger) -> bool {
        if self.kept.contains(&number) {
            return false;
        }
        self.struck.retain(|&(other, _)| other != number);
        self.struck.push((number, done));
        true
    }

    /// The fault of this number struck upon this.
    pub(super) fn note(&mut self, number: u32, upon: Trigger) {
        self.struck.push((number, upon));
    }

    /// The fault of this number with a trigger that other kinds of events do not shift; none if it
    /// waited for events that never came.
    pub(super) fn rewritten(&self, number: u32, fault: &Fault) -> Option<Fault> {
        let struck = self.struck.iter().find(|(other, _)| *other == number);
        let when = match (struck, fault.when) {
            (Some(&(_, upon)), _) => upon,
            (None, Trigger::At(at)) => Trigger::At(at),
            (None, _) => return None,
        };
        Some(Fault { when, what: fault.what.clone() })
    }
}

fn count<T: Copy + PartialEq>(counts: &mut Vec<(NodeId, T, u32)>, node: NodeId, what: T) -> u32 {
    if let Some((_, _, count)) = counts.iter_mut().find(|known| (known.0, known.1) == (node, what))
    {
        *count += 1;
        return *count;
    }
    counts.push((node, what, 1));
    1
}
