//! Strong consistency: whether calls can be put into one order that their object allows and that
//! agrees with time.
//!
//! - [`fifo()`] judges queues of distinct values by their bad patterns in O(n log n) (Henzinger,
//!   Sezgin and Vafeiadis, *Aspect-oriented linearizability proofs*, 2013).
//! - [`search()`] judges any [`Object`] by the search of Wing and Gong with Lowe's memo on what was
//!   linearised and the state it led to (Lowe, *Testing for linearizability*, 2017). It is
//!   exponential at worst, so it has a [`Budget`]. Registers are independent of each other: each is
//!   to be judged by itself.
//!
//! [`judge_queue()`] and [`judge_registers()`] make verdicts of these, with the few calls that show
//! them.
//!
//! A call without an answer may have taken effect at any time after it began, or never. A call that
//! definitely failed is no call: it is to be left out.

mod fifo;
mod search;
#[cfg(test)]
mod tests;
mod verdict;
mod window;

pub use crate::history::calls::{Accessing, Call, Queueing};
pub use fifo::fifo;
pub use search::{Budget, Object, Queue, Register, search};
pub use verdict::{Judged, Shown, judge_queue, judge_registers};
pub use window::{Window, window};

/// What is said of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// There is such an order.
    Linearizable,
    /// There is none.
    Impossible {
        /// Why not.
        why: String,
        /// The places of the few calls that show it.
        calls: Vec<usize>,
    },
    /// Nobody knows.
    Unknown {
        /// Why not.
        why: String,
        /// What was spent, if more of it might tell.
        spent: Option<Spent>,
    },
}

/// A part of a [`Budget`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Spent {
    /// The steps.
    Steps,
    /// The bytes of the memo.
    Memory,
}
