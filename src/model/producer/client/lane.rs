//! A lane: what goes to one partition, in order.

use crate::digest::Digest;
use crate::id::MessageId;
use crate::model::message::{Entry, Produce};
use crate::node::Planned;
use crate::time::Instant;

/// What goes to one partition, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Lane {
    pub(super) queue: Vec<Planned>,
    /// How many of the queue have left it.
    pub(super) taken: usize,
    /// What the application sends again, before what is in the queue.
    pub(super) again: Vec<Again>,
    /// In the order of their sequences.
    pub(super) flying: Vec<Flying>,
    /// Epochs begun in this incarnation after the first.
    pub(super) bumps: u16,
    pub(super) sequence: u32,
    /// A sequence was given up and may be missing: nothing new is sent in this epoch.
    pub(super) draining: bool,
    /// The timer is that of a retry, and nothing is sent until then.
    pub(super) waiting: bool,
    /// Retries in a row; only a client that backs off counts them.
    pub(super) retries: u8,
}

/// A message on its way.
#[derive(Copy, Clone, Debug)]
pub(super) struct Flying {
    /// What is sent, and sent again.
    pub(super) produce: Produce,
    pub(super) sequence: u32,
    /// Which attempt of the application it is.
    pub(super) attempt: u16,
    /// It goes again: once its predecessor has, which the broker wants first, or once the lane has
    /// waited.
    pub(super) refused: bool,
    /// Copies went out under other names too, so an answer does not tell which name it is about.
    pub(super) renamed: bool,
    /// It was sent more than once, so what an answer says of one copy need not be true of all.
    pub(super) repeated: bool,
    pub(super) since: Instant,
}

/// A message that the application sends again.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::model::producer) struct Again {
    pub(in crate::model::producer) message: MessageId,
    pub(in crate::model::producer) key: u64,
    pub(in crate::model::producer) attempt: u16,
}

impl Lane {
    /// The window is counted from the oldest unanswered batch, not by unanswered ones: if answers
    /// to later batches let it slide on, the retry of the oldest would fall out of what the broker
    /// remembers.
    #[inline]
    pub(super) fn has_room(&self, in_flight: u8) -> bool {
        self.flying
            .first()
            .is_none_or(|oldest| self.sequence.wrapping_sub(oldest.sequence) < u32::from(in_flight))
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        let flags = u64::from(self.bumps) << 1 | u64::from(self.draining);
        let flags = flags | u64::from(self.waiting) << 17 | u64::from(self.retries) << 18;
        digest.word(flags << 32 | u64::from(self.sequence));
        let queue = &self.queue[self.taken..];
        let counts = (self.again.len() as u64) << 40 | (queue.len() as u64) << 8;
        digest.word(counts | self.flying.len() as u64);
        for planned in queue {
            digest.word(planned.message.word()).word(planned.key).word(planned.at.nanos());
        }
        for again in &self.again {
            digest.word(again.message.word()).word(again.key).word(u64::from(again.attempt));
        }
        for one in &self.flying {
            let rare = u64::from(one.attempt) << 1 | u64::from(one.renamed);
            let rare = rare | u64::from(one.repeated) << 30;
            digest.word(rare << 33 | u64::from(one.sequence) << 1 | u64::from(one.refused));
            let Entry { message, key, body, .. } = one.produce.entry;
            digest.word(message.word()).word(key).word(body.fingerprint());
            digest.word(one.since.nanos());
        }
    }
}
