//! The ids of messages that came within a while.

use crate::digest::Digest;
use crate::time::Span;
use std::collections::BTreeMap;

/// What the broker knows of ids (`JetStream`'s duplicate window, SQS FIFO queues' deduplication
/// interval).
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// In milliseconds.
    length: u64,
    known: BTreeMap<u64, Known>,
}

/// A message that came with an id.
#[derive(Copy, Clone, Debug)]
struct Known {
    at_ms: u64,
    /// Where it stands in the log.
    position: u64,
}

impl Window {
    pub(super) fn new(length: Option<Span>) -> Self {
        let length = length.map_or(0, |length| length.nanos().div_ceil(1_000_000));
        Self { length, known: BTreeMap::new() }
    }

    /// Where the message stands that came with this id less than a window ago, by the wall clock.
    pub(super) fn find(&self, id: u64, now_ms: u64) -> Option<u64> {
        let known = self.known.get(&id).filter(|known| now_ms < known.at_ms + self.length);
        known.map(|known| known.position)
    }

    /// A message came with this id.
    pub(super) fn enter(&mut self, id: u64, at_ms: u64, position: u64) {
        if self.length == 0 {
            return;
        }
        let length = self.length;
        self.known.retain(|_, known| at_ms < known.at_ms + length);
        self.known.insert(id, Known { at_ms, position });
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.known.len() as u64);
        for (&id, known) in &self.known {
            digest.word(id).word(known.at_ms).word(known.position);
        }
    }
}
