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
//! A call without an answer may have taken effect at any time after it began, or never. A call that
//! definitely failed is no call: it is to be left out.

mod fifo;
mod search;
#[cfg(test)]
mod tests;

pub use fifo::{Queueing, fifo};
pub use search::{Accessing, Budget, Object, Queue, Register, search};

/// A call, from its beginning to its answer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Call<A> {
    /// When it began, on a clock that all calls share.
    pub began: u64,
    /// When it was answered; a call that never was is pending. Of calls of which one ends when the
    /// other begins, neither is before the other.
    pub ended: Option<u64>,
    /// What it did.
    pub action: A,
}

impl<A> Call<A> {
    /// Whether it was over when `other` began.
    fn is_before<B>(&self, other: &Call<B>) -> bool {
        self.ended.is_some_and(|ended| ended < other.began)
    }
}

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
    },
}
