//! What a world tells about itself: its pulse, its counts, its events in words.

use crate::history::EndCause;
use crate::id::NodeId;
use crate::time::{Instant, Span};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// What moved in a run.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events handled.
    pub events: u64,
    /// Messages handed to the network.
    pub sent: u64,
    /// Messages that reached a node's callback.
    pub delivered: u64,
    /// Sends invoked.
    pub invoked: u64,
    /// Sends acknowledged.
    pub acknowledged: u64,
    /// Effects committed.
    pub effects: u64,
    /// Virtual time at the end.
    pub lasted: Span,
    /// Why it ended.
    pub cause: Option<EndCause>,
}

/// An event of a run, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// When.
    pub at: Instant,
    /// At which machine, unless it concerns the whole world.
    pub node: Option<NodeId>,
    /// What happened.
    pub text: String,
    /// The digest of the run up to here.
    pub digest: u64,
}

/// A heartbeat that a world writes and a watchdog reads.
#[derive(Debug, Default)]
pub struct Pulse(AtomicU64);

impl Pulse {
    /// Machine `node` is about to handle the run's `events`-th event.
    #[inline]
    pub(crate) fn beat(&self, node: NodeId, events: u64) {
        self.0.store((node.0 as u64) << 48 | events & 0xffff_ffff_ffff, Ordering::Relaxed);
    }

    /// A word that changes with every event, and the machine that handles it.
    pub fn read(&self) -> (u64, NodeId) {
        let word = self.0.load(Ordering::Relaxed);
        (word, NodeId((word >> 48) as u16))
    }
}

impl fmt::Display for TraceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12}  {}", self.at.to_string(), self.text)
    }
}
