//! Small histories: legal by construction, with an anomaly planted, or mutated at random.

pub use author::{forgetful, legal};
pub use mutant::{arbitrary, mutated};
pub use plant::plant;
use postulate::check::Promise;
use postulate::history::{Event, History, Operation};
use postulate::id::{GroupId, NodeId};
use postulate::time::{Instant, Span};

mod author;
mod mutant;
mod plant;
mod queue;

/// A small generator of numbers, the same everywhere.
pub struct Rng {
    state: u64,
    /// What it gives first, the last one before the others.
    bytes: Vec<u8>,
}

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self { state: seed, bytes: Vec::new() }
    }

    /// Numbers that are `bytes`, as long as there are any, and then those of a seed, which is the
    /// number of them.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { state: bytes.len() as u64, bytes: bytes.iter().rev().copied().collect() }
    }

    fn next(&mut self) -> u64 {
        if let Some(byte) = self.bytes.pop() {
            return byte.into();
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Every promise at once: what [`legal`] keeps.
pub const EVERYTHING: &str = "exactly-once 0 1 2, idempotent, order, durable, \
     never-ahead g0:s0 g1:s1, convergent 8 9:s0, projected 10, atomic 3 4, \
     compensated 5-6 7-8, accounted 3+9 disjoint, ordered 3>9 4>9, bounded g2 n15, \
     settled g2, fenced 10, backlog s0 cap5 rest0 500ms";

/// What [`forgetful`] keeps.
pub const OF_A_LOG_THAT_FORGETS: &str = "at-most-once 0 1 2, idempotent, order, \
     durable 6ms compacted, never-ahead g0:s0 g1:s1, atomic 3 4, compensated 5-6 7-8, \
     accounted 3+9, ordered 4>9, bounded g2 n15 10ms, settled g2, fenced 10";

/// A history of these operations, a millisecond apart.
pub fn stamped(mut operations: Vec<Operation>) -> History {
    for (operation, millis) in operations.iter_mut().zip(1..) {
        operation.at = Instant::START + Span::millis(millis);
    }
    History::new(operations)
}

/// Some of the promises; often all, and often enough what little else gives room to show.
pub fn promises(rng: &mut Rng) -> Vec<Promise> {
    super::text::promises(match rng.below(20) {
        0..8 => EVERYTHING,
        8..11 => "at-least-once",
        _ => some(rng),
    })
}

fn some(rng: &mut Rng) -> &'static str {
    rng.pick(&[
        OF_A_LOG_THAT_FORGETS,
        "at-least-once 0 1, order",
        "at-least-once 1, at-most-once 0, idempotent",
        "at-least-once",
        "at-least-once",
        "at-least-once, durable 6ms",
        "at-most-once 0 1 2",
        "at-most-once 0 1 2",
        "at-most-once 0 1, convergent 8, convergent 9:s0",
        "convergent 8 9",
        "convergent 8:s0 9:s0, order",
        "durable",
        "durable",
        "durable compacted",
        "durable compacted, never-ahead g0:s0 g1:s1",
        "durable 6ms, order",
        "durable 9ms, durable 20ms, order",
        "idempotent",
        "idempotent, order",
        "order",
        "order, durable compacted",
        "never-ahead g0:s0 g0:s1, never-ahead g1:s1",
        "projected 10",
        "projected 10 8, at-most-once 2",
        "exactly-once 1",
        "atomic 3 4, compensated 5-6 7-8, accounted 3+9 4+9 disjoint, ordered 3>9 4>9, \
         bounded g2 n15, settled g2, fenced 10, backlog s0 rest1 20ms",
        "atomic 3 4, atomic 1 0 1, fenced 10",
        "compensated 5-6 7-8, compensated 0-1",
        "accounted 3+9 0, accounted 2 disjoint",
        "accounted 9+3 4+9+3 disjoint",
        "ordered 3>9 0",
        "ordered 9 4>9, order",
        "bounded g2 n15",
        "bounded g2 n15 10ms, bounded g2 n5",
        "bounded g2 n15, settled g2",
        "bounded g2 n5 30ms, at-least-once",
        "settled g1 g2, at-least-once",
        "fenced 10 3",
        "backlog s0 cap2 rest1 9ms",
        "backlog s3 rest1 20ms, backlog s1 cap3 rest0 9ms",
        "backlog s2 cap1 rest2 5ms, bounded g2 n15",
    ])
}

fn at(process: NodeId, incarnation: u16, event: Event) -> Operation {
    Operation { at: Instant::START, process, incarnation, event }
}

/// Who reads in these histories: a machine, the group, and the sink of its effects.
const CONSUMERS: [(NodeId, GroupId); 2] = [(NodeId(5), GroupId(0)), (NodeId(6), GroupId(1))];
