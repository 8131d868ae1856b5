//! What a queue broker writes down.

use crate::digest::Digest;
use crate::history::Effect;
use crate::id::{NodeId, QueueId, SinkId};
use crate::model::message::{Death, Entry};
use crate::time::Span;
use std::fmt;

/// A command on the log of a queue broker: what its queues hold is what all of them come to.
#[derive(Clone, PartialEq, Eq)]
pub enum QueueCommand {
    /// A message is in the queues.
    Published(Box<Publication>),
    /// It was delivered.
    Delivered {
        /// The queue.
        queue: QueueId,
        /// The number of the message.
        number: u64,
        /// Which delivery it is, from 1.
        attempt: u16,
        /// To whom.
        owner: NodeId,
        /// For how long it is that consumer's.
        lease: Span,
    },
    /// It is to be delivered again.
    Requeued {
        /// The queue.
        queue: QueueId,
        /// The number of the message.
        number: u64,
        /// Not before so much time has passed.
        delay: Span,
    },
    /// It is settled.
    Acked {
        /// The queue.
        queue: QueueId,
        /// The number of the message.
        number: u64,
    },
    /// It is not to be delivered again, and is a dead letter from now on.
    Died {
        /// The queue.
        queue: QueueId,
        /// The number of the message.
        number: u64,
        /// Why.
        death: Death,
    },
    /// It has left the queue for that of the dead letters.
    Removed {
        /// The queue.
        queue: QueueId,
        /// The number of the message.
        number: u64,
    },
    /// It has left the queue for nowhere: that is an effect, since it is how the message ended.
    Dropped {
        /// The queue.
        queue: QueueId,
        /// The number of the message.
        number: u64,
        /// Why.
        death: Death,
        /// How it ended.
        end: Effect,
    },
}

/// A message as it came into queues.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Its number: its place in each queue, never used twice.
    pub number: u64,
    /// The queues, a bit each.
    pub queues: u64,
    /// The one queue that it came into as a dead letter, and why.
    pub death: Option<(QueueId, Death)>,
    /// When, in milliseconds of the broker's wall clock.
    pub at_ms: u64,
    /// The id that the broker may know it by.
    pub id: Option<u64>,
    /// What it is.
    pub entry: Entry,
}

impl QueueCommand {
    /// The effects that the command means.
    pub(in crate::model) fn effects(&self, effects: &mut Vec<Effect>) {
        if let Self::Dropped { end, .. } = self {
            effects.push(*end);
        }
    }

    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        let head = |digest: &mut Digest, tag: u64, queue: QueueId, number: u64, rest: u64| {
            digest.word(tag << 48 | u64::from(queue.0) << 32 | rest).word(number);
        };
        match self {
            Self::Published(publication) => publication.fingerprint(digest),
            Self::Delivered { queue, number, attempt, owner, lease } => {
                let rest = u64::from(*attempt) << 16 | u64::from(owner.0);
                head(digest, 1, *queue, *number, rest);
                digest.word(lease.nanos());
            }
            Self::Requeued { queue, number, delay } => {
                head(digest, 2, *queue, *number, 0);
                digest.word(delay.nanos());
            }
            Self::Acked { queue, number } => head(digest, 3, *queue, *number, 0),
            Self::Died { queue, number, death } => {
                head(digest, 4, *queue, *number, *death as u64);
            }
            Self::Removed { queue, number } => head(digest, 5, *queue, *number, 0),
            Self::Dropped { queue, number, death, end } => {
                head(digest, 6, *queue, *number, *death as u64);
                let Effect { message, sink: SinkId(sink), payload } = *end;
                digest.word(message.word()).word(payload).word(sink.into());
            }
        }
    }
}

impl Publication {
    fn fingerprint(&self, digest: &mut Digest) {
        let death =
            self.death.map_or(0, |(queue, death)| 1 << 32 | u64::from(queue.0) << 8 | death as u64);
        digest.word(death).word(self.number).word(self.queues).word(self.at_ms);
        digest.word(u64::from(self.id.is_some())).word(self.id.unwrap_or(0));
        self.entry.fingerprint(digest);
    }
}

impl fmt::Debug for QueueCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published(publication) => {
                let Publication { number, death, entry, .. } = **publication;
                write!(f, "Published {entry:?} as number {number}")?;
                death.map_or(Ok(()), |(queue, death)| {
                    write!(f, " in {queue:?}, a dead letter: {death:?}")
                })
            }
            Self::Delivered { queue, number, attempt, owner, lease } => {
                write!(f, "Delivered number {number} of {queue:?} to {owner:?}, ")?;
                write!(f, "delivery {attempt}, for {lease}")
            }
            Self::Requeued { queue, number, delay } => {
                write!(f, "Requeued number {number} of {queue:?} in {delay}")
            }
            Self::Acked { queue, number } => write!(f, "Acked number {number} of {queue:?}"),
            Self::Died { queue, number, death } => {
                write!(f, "Died: number {number} of {queue:?}, {death:?}")
            }
            Self::Removed { queue, number } => write!(f, "Removed number {number} of {queue:?}"),
            Self::Dropped { queue, number, death, end } => {
                let Effect { message, sink, .. } = end;
                write!(f, "Dropped {message}, number {number} of {queue:?}, {death:?}: {sink:?}")
            }
        }
    }
}
