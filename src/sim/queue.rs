//! The pending events, in the order of time and then of scheduling.

use crate::time::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// When an event is due, and which of the events of that instant goes first.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(u128);

impl Turn {
    /// After every event.
    pub(super) const NEVER: Self = Self(u128::MAX);

    #[inline]
    pub(super) fn new(at: Instant, sequence: u32) -> Self {
        Self((at.nanos() as u128) << 64 | (sequence as u128) << 32)
    }

    /// The same turn, but not before `at`.
    pub(super) fn no_earlier_than(self, at: Instant) -> Self {
        if self.at() >= at {
            return self;
        }
        Self((at.nanos() as u128) << 64 | self.0 & u128::from(u64::MAX))
    }

    #[inline]
    pub(super) fn at(self) -> Instant {
        Instant::from_nanos((self.0 >> 64) as u64)
    }
}

/// A binary heap of 16-byte keys; the bodies wait in a slab and never move.
#[derive(Debug)]
pub(super) struct Queue<B> {
    heap: BinaryHeap<Reverse<u128>>,
    bodies: Vec<B>,
    free: Vec<u32>,
}

impl<B> Default for Queue<B> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), bodies: Vec::new(), free: Vec::new() }
    }
}

impl<B: Copy> Queue<B> {
    #[inline]
    pub(super) fn push(&mut self, turn: Turn, body: B) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.bodies[slot as usize] = body;
                slot
            }
            None => self.grow(body),
        };
        self.heap.push(Reverse(turn.0 | slot as u128));
    }

    /// The turn of the next event.
    #[inline]
    pub(super) fn next(&self) -> Turn {
        self.heap.peek().map_or(Turn::NEVER, |Reverse(key)| Turn(key & !0xffff_ffff))
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<B> {
        let Reverse(key) = self.heap.pop()?;
        let slot = key as u32;
        self.free.push(slot);
        Some(self.bodies[slot as usize])
    }

    pub(super) fn clear(&mut self) {
        self.heap.clear();
        self.free.clear();
        self.bodies.clear();
    }

    #[cold]
    fn grow(&mut self, body: B) -> u32 {
        self.bodies.push(body);
        (self.bodies.len() - 1) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn events_leave_in_the_order_of_time_then_of_scheduling(
            times in prop::collection::vec(0_u64..20, 0..200),
        ) {
            let mut queue = Queue::default();
            for (sequence, &time) in times.iter().enumerate() {
                let turn = Turn::new(Instant::from_nanos(time), sequence as u32);
                queue.push(turn, (time, sequence));
            }
            let mut expected: Vec<_> = times.iter().copied().zip(0..times.len()).collect();
            expected.sort_unstable();
            prop_assert_eq!(std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn slots_are_reused() {
        let mut queue = Queue::default();
        for n in 0..100 {
            queue.push(Turn::new(Instant::from_nanos(n), 0), n);
            assert_eq!(queue.pop(), Some(n));
        }
        assert_eq!(queue.bodies.len(), 1);
    }
}
