//! Calls of objects: what a client asked for and was answered, each with its beginning and its end.
//!
//! A history of messages tells what became of each of them; whether a queue hands them out in
//! order, or a register holds what was written last, only calls can tell.

use crate::time::Instant;
use std::fmt;

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
    pub fn is_before<B>(&self, other: &Call<B>) -> bool {
        self.ended.is_some_and(|ended| ended < other.began)
    }
}

/// A call of a queue.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Queueing {
    /// Puts a value in.
    Enqueue(u64),
    /// Takes a value out, or finds none. What it says counts only if it was answered.
    Dequeue(Option<u64>),
}

/// A call of a register.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Accessing {
    /// Reads what it holds.
    Read(Option<u64>),
    /// Writes a number.
    Write(u64),
    /// Writes the second number if it holds the first, and fails if not.
    Replace(u64, u64),
}

impl fmt::Display for Queueing {
    /// What the client did, such as `enqueues 7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enqueue(value) => write!(f, "enqueues {value}"),
            Self::Dequeue(Some(value)) => write!(f, "dequeues {value}"),
            Self::Dequeue(None) => f.write_str("dequeues nothing"),
        }
    }
}

impl fmt::Display for Accessing {
    /// What the client did, such as `writes 7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(Some(value)) => write!(f, "reads {value}"),
            Self::Read(None) => f.write_str("reads nothing"),
            Self::Write(value) => write!(f, "writes {value}"),
            Self::Replace(from, to) => write!(f, "replaces {from} by {to}"),
        }
    }
}

/// Who called, and when by the time of the history.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The client.
    pub process: u32,
    /// When it called.
    pub began: Instant,
    /// When it had its answer, if it had one.
    pub ended: Option<Instant>,
}

/// The calls of one object, in no particular order. Those that failed for certain are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calls<A> {
    /// What it is called.
    pub object: String,
    /// Its calls.
    pub calls: Vec<Call<A>>,
    /// Who made each of them.
    pub callers: Vec<Caller>,
}

impl<A> Calls<A> {
    /// An object that nobody has called.
    pub const fn new(object: String) -> Self {
        Self { object, calls: Vec::new(), callers: Vec::new() }
    }
}
