//! Timers: one slot a node and timer, outside the event heap.
//!
//! Most timers never fire: they are set again or stopped. In a heap each would leave a dead event
//! behind, which cost 29 % of a run; a slot is overwritten for nothing.

use super::queue::Turn;
use crate::id::{NodeId, TimerId};
use crate::node::Work;

/// A timer that is due.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) node: NodeId,
    pub(super) timer: TimerId,
    pub(super) work: Work,
}

#[derive(Copy, Clone, Debug)]
struct Slot {
    turn: Turn,
    work: Work,
    settings: u32,
}

const EMPTY: Slot = Slot { turn: Turn::NEVER, work: Work::Background, settings: 0 };

#[derive(Debug)]
pub(super) struct Timers {
    slots: Vec<Slot>,
    stride: usize,
    /// The slot that is due first, or any slot if none is set.
    first: usize,
    next: Turn,
    /// How many set timers mean progress.
    progress: u32,
}

impl Timers {
    pub(super) fn new(nodes: usize) -> Self {
        let stride = 1;
        Self {
            slots: vec![EMPTY; nodes * stride],
            stride,
            first: 0,
            next: Turn::NEVER,
            progress: 0,
        }
    }

    /// The turn of the timer that is due first.
    #[inline]
    pub(super) fn next(&self) -> Turn {
        self.next
    }

    /// How many set timers mean that something is under way.
    pub(super) fn progress(&self) -> u32 {
        self.progress
    }

    /// How often the timer was set before, in this incarnation of its node; counts one more.
    #[inline]
    pub(super) fn count(&mut self, node: NodeId, timer: TimerId) -> u32 {
        if timer.index() >= self.stride {
            self.widen(timer.index() + 1);
        }
        let slot = self.slot(node, timer);
        let settings = &mut self.slots[slot].settings;
        *settings += 1;
        *settings - 1
    }

    /// Sets a timer that was counted.
    #[inline]
    pub(super) fn set(&mut self, due: Due, turn: Turn) {
        let index = self.slot(due.node, due.timer);
        self.release(index);
        self.progress += u32::from(due.work == Work::Progress);
        let slot = &mut self.slots[index];
        slot.turn = turn;
        slot.work = due.work;
        if turn < self.next {
            self.next = turn;
            self.first = index;
        } else if index == self.first {
            self.find_first();
        }
    }

    #[inline]
    pub(super) fn cancel(&mut self, node: NodeId, timer: TimerId) {
        if timer.index() < self.stride {
            let index = self.slot(node, timer);
            self.clear_slot(index);
        }
    }

    /// Takes the timer that is due first.
    pub(super) fn pop(&mut self) -> Due {
        let index = self.first;
        let due = Due {
            node: NodeId((index / self.stride) as u16),
            timer: TimerId((index % self.stride) as u8),
            work: self.slots[index].work,
        };
        self.clear_slot(index);
        due
    }

    /// Stops the timers of a node whose process has ended.
    pub(super) fn forget(&mut self, node: NodeId) {
        for timer in 0..self.stride {
            let index = node.index() * self.stride + timer;
            self.clear_slot(index);
            self.slots[index].settings = 0;
        }
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(EMPTY);
        self.first = 0;
        self.next = Turn::NEVER;
        self.progress = 0;
    }

    #[inline]
    fn slot(&self, node: NodeId, timer: TimerId) -> usize {
        node.index() * self.stride + timer.index()
    }

    #[inline]
    fn release(&mut self, index: usize) {
        let slot = &self.slots[index];
        let counted = slot.turn != Turn::NEVER && slot.work == Work::Progress;
        self.progress -= u32::from(counted);
    }

    #[inline]
    fn clear_slot(&mut self, index: usize) {
        self.release(index);
        self.slots[index].turn = Turn::NEVER;
        if index == self.first {
            self.find_first();
        }
    }

    fn find_first(&mut self) {
        let (mut first, mut next) = (0, Turn::NEVER);
        for (index, slot) in self.slots.iter().enumerate() {
            if slot.turn < next {
                (first, next) = (index, slot.turn);
            }
        }
        (self.first, self.next) = (first, next);
    }

    #[cold]
    fn widen(&mut self, stride: usize) {
        let nodes = self.slots.len() / self.stride;
        let mut slots = vec![EMPTY; nodes * stride];
        for (index, slot) in self.slots.iter().enumerate() {
            slots[index / self.stride * stride + index % self.stride] = *slot;
        }
        self.slots = slots;
        self.stride = stride;
        self.find_first();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;
    use proptest::prelude::*;

    fn due(node: u16, timer: u8) -> Due {
        Due { node: NodeId(node), timer: TimerId(timer), work: Work::Progress }
    }

    proptest! {
        /// Against the obvious model: a list of what is set.
        #[test]
        fn the_first_due_timer_is_always_known(
            steps in prop::collection::vec((0_u16..3, 0_u8..9, 0_u64..50, 0..4), 0..100),
        ) {
            let mut timers = Timers::new(3);
            let mut set: Vec<(u64, u32, Due)> = Vec::new();
            for (sequence, (node, timer, at, step)) in steps.into_iter().enumerate() {
                let sequence = sequence as u32;
                let wanted = due(node, timer);
                match step {
                    0 => {
                        timers.cancel(wanted.node, wanted.timer);
                        set.retain(|(_, _, due)| *due != wanted);
                    }
                    1 if !set.is_empty() => {
                        set.sort_unstable_by_key(|&(at, sequence, _)| (at, sequence));
                        prop_assert_eq!(timers.pop(), set.remove(0).2);
                    }
                    _ => {
                        timers.count(wanted.node, wanted.timer);
                        timers.set(wanted, Turn::new(Instant::from_nanos(at), sequence));
                        set.retain(|(_, _, due)| *due != wanted);
                        set.push((at, sequence, wanted));
                    }
                }
                let first = set.iter().map(|&(at, sequence, _)| (at, sequence)).min();
                let turn =
                    first.map_or(Turn::NEVER, |(at, n)| Turn::new(Instant::from_nanos(at), n));
                prop_assert_eq!(timers.next(), turn);
                prop_assert_eq!(timers.progress() as usize, set.len());
            }
        }
    }

    #[test]
    fn a_dead_process_has_no_timers() {
        let mut timers = Timers::new(2);
        timers.count(NodeId(1), TimerId(0));
        timers.set(due(1, 0), Turn::new(Instant::from_nanos(5), 0));
        timers.forget(NodeId(1));
        assert_eq!((timers.next(), timers.progress()), (Turn::NEVER, 0));
        assert_eq!(timers.count(NodeId(1), TimerId(0)), 0);
    }
}
