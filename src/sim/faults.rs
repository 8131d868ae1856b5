//! Timed faults: what is still to strike, to be lifted, to restart.

use crate::id::NodeId;
use crate::profile::FaultClass;
use crate::schedule::{Fault, Trigger};
use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something that happens to the world before the events of the same instant.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turnabout {
    /// The fault of this number strikes.
    Strike(u32),
    /// The fault of this number is over.
    Lift(u32),
    /// A machine starts again, unless it was started otherwise since.
    Restart(NodeId, u16),
    /// Bytes come from outside.
    Input(u32),
    /// All faults are over.
    Heal,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    list: Vec<(Fault, FaultClass)>,
    /// The numbers of those that have struck.
    struck: Vec<u32>,
    timeline: BinaryHeap<Reverse<(Instant, u32, Turnabout)>>,
    sequence: u32,
    next_at: Instant,
    /// How many entries of the timeline keep a run from being settled.
    pending: u32,
}

impl Faults {
    pub(super) fn reset(&mut self) {
        self.list.clear();
        self.struck.clear();
        self.timeline.clear();
        self.sequence = 0;
        self.next_at = Instant::NEVER;
        self.pending = 0;
    }

    /// The list to draw faults into; [`schedule`](Self::schedule) then sets them.
    pub(super) fn list_mut(&mut self) -> &mut Vec<(Fault, FaultClass)> {
        &mut self.list
    }

    pub(super) fn list(&self) -> &[(Fault, FaultClass)] {
        &self.list
    }

    pub(super) fn get(&self, number: u32) -> &(Fault, FaultClass) {
        &self.list[number as usize]
    }

    /// The fault of this number, which strikes now.
    pub(super) fn strike(&mut self, number: u32) -> (Fault, FaultClass) {
        self.struck.push(number);
        self.get(number).clone()
    }

    /// The places in the list of the faults that have not struck.
    pub(super) fn idle(&self) -> impl Iterator<Item = usize> {
        (0..self.list.len()).filter(|&place| !self.struck.contains(&(place as u32)))
    }

    /// Puts every fault of the list that strikes at a time on the timeline.
    pub(super) fn schedule(&mut self) {
        for number in 0..self.list.len() {
            if let Trigger::At(at) = self.list[number].0.when {
                self.at(at, Turnabout::Strike(number as u32));
            }
        }
    }

    /// After how many events of `node` faults strike.
    pub(super) fn after_events_of(&self, node: NodeId) -> impl Iterator<Item = u32> {
        self.list.iter().filter_map(move |(fault, _)| match fault.when {
            Trigger::After { node: of, events } if of == node => Some(events.max(1)),
            _ => None,
        })
    }

    /// Whether a fault waits for something that a machine handles or does.
    pub(super) fn await_occasions(&self) -> bool {
        let awaits = |when| matches!(when, Trigger::Upon { .. } | Trigger::Done { .. });
        self.list.iter().any(|(fault, _)| awaits(fault.when))
    }

    /// The numbers of the faults that strike now that `node` has handled `events` events, the last
    /// of them being such an occasion.
    pub(super) fn due_after(&self, node: NodeId, events: u32, last: Option<Trigger>) -> Vec<u32> {
        self.due(|when| match when {
            Trigger::After { node: of, events: at } => of == node && at.max(1) == events,
            Trigger::Upon { .. } => last == Some(when),
            Trigger::At(_) | Trigger::Done { .. } => false,
        })
    }

    /// The numbers of the faults that strike upon this very occasion.
    pub(super) fn due_upon(&self, occasion: Trigger) -> Vec<u32> {
        self.due(|when| when == occasion)
    }

    fn due(&self, is_due: impl Fn(Trigger) -> bool) -> Vec<u32> {
        (0..).zip(&self.list).filter(|(_, (fault, _))| is_due(fault.when)).map(|(n, _)| n).collect()
    }

    /// Adds an entry to the timeline.
    pub(super) fn at(&mut self, at: Instant, turnabout: Turnabout) {
        self.pending += u32::from(turnabout != Turnabout::Heal);
        self.timeline.push(Reverse((at, self.sequence, turnabout)));
        self.sequence += 1;
        self.next_at = self.next_at.min(at);
    }

    /// When the next entry is due.
    #[inline]
    pub(super) fn next_at(&self) -> Instant {
        self.next_at
    }

    /// Whether no fault is left that strikes at a time, none is to be lifted and no machine
    /// restarts.
    #[inline]
    pub(super) fn spent(&self) -> bool {
        self.pending == 0
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, Turnabout)> {
        let Reverse((at, _, turnabout)) = self.timeline.pop()?;
        self.pending -= u32::from(turnabout != Turnabout::Heal);
        self.next_at = self.timeline.peek().map_or(Instant::NEVER, |Reverse(entry)| entry.0);
        Some((at, turnabout))
    }

    /// Forgets every fault that has not struck, unless those that strike at a time are `awaited`,
    /// and the time of heal.
    pub(super) fn forget_coming(&mut self, awaited: bool) {
        self.timeline.retain(|Reverse((_, _, turnabout))| match turnabout {
            Turnabout::Strike(_) => awaited,
            Turnabout::Heal => false,
            Turnabout::Lift(_) | Turnabout::Restart(..) | Turnabout::Input(_) => true,
        });
        self.pending = self.timeline.len() as u32;
        self.next_at = self.timeline.peek().map_or(Instant::NEVER, |Reverse(entry)| entry.0);
        for place in self.idle().collect::<Vec<_>>() {
            let fault = &mut self.list[place].0;
            if !(awaited && matches!(fault.when, Trigger::At(_))) {
                fault.when = Trigger::At(Instant::NEVER);
            }
        }
    }

    /// Adds the faults of `more` that strike after `now`: those of its own instant would go before
    /// what has just happened.
    pub(super) fn add(&mut self, more: Vec<(Fault, FaultClass)>, now: Instant) {
        for (fault, class) in more {
            if let Trigger::At(at) = fault.when {
                if at <= now {
                    continue;
                }
                self.at(at, Turnabout::Strike(self.list.len() as u32));
            }
            self.list.push((fault, class));
        }
    }

    /// Drops what the heal makes void; input from outside goes on.
    pub(super) fn heal(&mut self) {
        let inputs: Vec<_> = self
            .timeline
            .drain()
            .filter(|Reverse((_, _, turnabout))| matches!(turnabout, Turnabout::Input(_)))
            .collect();
        self.pending = inputs.len() as u32;
        self.timeline.extend(inputs);
        self.next_at = self.timeline.peek().map_or(Instant::NEVER, |Reverse(entry)| entry.0);
    }
}
