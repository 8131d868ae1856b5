//! What the built-in machines say to each other, and what a user's own machines add to it.

use super::custom::CustomMessage;
use super::wire;
use crate::blob::{Blob, Blobs};
use crate::choice::Flips;
use crate::digest::Digest;
use crate::id::{GroupId, MessageId, PartitionId};
use crate::node::{self, Garbled};
use crate::profile::Framing;
use crate::time::Span;
pub use database::DatabaseMessage;
pub use external::{CallAnswer, ExternalMessage};
pub use half::{HalfMessage, LocalEnd, LocalState};
pub use queue::{Death, Delivery, QueueMessage, Receipt, SettleOutcome, Settlement, Wanted};
use serde::{Deserialize, Serialize};

mod database;
mod external;
mod half;
mod queue;

/// What links carry between built-in machines.
#[derive(Clone, PartialEq, Eq)]
#[repr(u8)] // A tag hidden in a field is smaller, and slower to read.
pub enum Message {
    /// A producer asks for an entry to be appended.
    Produce {
        /// The partition.
        partition: PartitionId,
        /// Which answer is wanted.
        acks: Acks,
        /// What to append, and by which name.
        produce: Produce,
    },
    /// The broker's answer.
    Produced {
        /// The message it is about: it tells the request, however late the answer comes.
        message: MessageId,
        /// The partition.
        partition: PartitionId,
        /// What became of it.
        verdict: Verdict,
    },
    /// A consumer asks for entries.
    Fetch {
        /// The number of the request; never used twice by one machine.
        request: u64,
        /// The partition.
        partition: PartitionId,
        /// The first offset wanted.
        offset: u64,
        /// The most entries wanted.
        batch: u16,
        /// How long the broker may wait for something to return.
        wait_max: Span,
    },
    /// The broker's answer.
    Fetched {
        /// The number of the request.
        request: u64,
        /// The partition.
        partition: PartitionId,
        /// The offset of the first entry: the one asked for, or the next one that a compacted log
        /// still has.
        base: u64,
        /// What was found.
        reading: Reading,
    },
    /// A consumer settles what its group has consumed.
    Commit {
        /// The number of the request, if it is to be answered.
        request: Option<u64>,
        /// The group.
        group: GroupId,
        /// The partition.
        partition: PartitionId,
        /// The next offset to read.
        offset: u64,
    },
    /// The broker's answer: the offset is kept.
    Committed {
        /// The number of the request.
        request: u64,
        /// The partition.
        partition: PartitionId,
    },
    /// A consumer asks where its group stands.
    OffsetFetch {
        /// The number of the request.
        request: u64,
        /// The group.
        group: GroupId,
        /// The partition.
        partition: PartitionId,
    },
    /// The broker's answer.
    OffsetFetched {
        /// The number of the request.
        request: u64,
        /// The partition.
        partition: PartitionId,
        /// The next offset to read.
        offset: u64,
    },
    /// Between a database and its clients.
    Database(DatabaseMessage),
    /// Between an external system and its clients.
    External(ExternalMessage),
    /// Between a queue broker and its consumers.
    Queue(QueueMessage),
    /// Between a broker of half messages and the services that send them.
    Half(HalfMessage),
    /// A message of a user's own.
    Custom(CustomMessage),
}

/// A request to append.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Produce {
    /// What to append.
    pub entry: Entry,
    /// By which name the broker may know it again.
    pub identity: Identity,
}

/// Which answer a producer wants to a request (Kafka's `acks`).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acks {
    /// Once every replica that must has it; on one machine: once it is as durable as the broker's
    /// policy asks for.
    #[default]
    All,
    /// Once the leader has appended it, durable or not.
    Leader,
    /// None at all.
    None,
}

/// An entry of a log.
#[derive(Copy, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The logical message.
    pub message: MessageId,
    /// Its routing key.
    pub key: u64,
    /// The fingerprint of the body as the producer made it.
    pub checksum: u64,
    /// The body.
    pub body: Blob,
}

/// By which name a broker may know a request again.
#[derive(Copy, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Identity {
    /// None: a copy looks like a new message.
    #[default]
    None,
    /// An id of the message itself, such as `Nats-Msg-Id` or SQS's `MessageDeduplicationId`.
    Message(u64),
    /// The producer's name for its batch.
    Batch(BatchId),
}

/// The id of a producer: Kafka's `producer.id`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProducerId(pub u32);

/// The name of a batch: (producer id, epoch, sequence), as in KIP-98.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchId {
    /// The producer id.
    pub producer: ProducerId,
    /// The epoch: a higher one fences all lower.
    pub epoch: u32,
    /// The number of the batch in its partition and epoch.
    pub sequence: u32,
}

/// What became of a request to append.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It stands in the log, as durable as the broker's policy asks for.
    Stored {
        /// Where.
        offset: u64,
    },
    /// It was stored before, as durable as the broker's policy asks for; where, the broker does not
    /// know (Pulsar's message id -1:-1).
    Duplicate,
    /// A queue broker has taken it over, as durably as its policy asks for, and says of no place:
    /// AMQP's `basic.ack` for a published message.
    Accepted,
    /// This copy of the request was not appended; an earlier copy may have been.
    Refused(Refusal),
}

/// Why a request was refused.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// Its sequence does not follow the last one.
    OutOfOrder,
    /// A higher epoch of the same producer was seen.
    Fenced,
    /// The body does not match its checksum.
    Corrupt,
    /// The partition's log is damaged.
    Closed,
    /// There is no such partition, and there never was.
    UnknownPartition,
    /// An earlier copy may become durable or not: ask again (Pulsar's "cannot determine whether the
    /// message is a duplicate at this time").
    Undecided,
    /// No queue is bound for it, and the publisher had said that one must be (AMQP's `mandatory`):
    /// it came back by `basic.return`.
    Unroutable,
    /// The queue is full, and refuses what comes beyond that (`RabbitMQ`'s `reject-publish`): a
    /// `basic.nack` for a published message.
    Full,
}

/// What a fetch found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// These entries, one offset after another; none if nothing came in time.
    Entries(Vec<Entry>),
    /// The offset is below the start, where retention has deleted it, or beyond the end: the log
    /// has lost what the group once read.
    OutOfRange {
        /// The first offset of the log.
        start: u64,
    },
    /// The partition's log is damaged.
    Closed,
}

/// The kinds of [`Message`], in its order.
const KINDS: [&str; 31] = [
    "Produce",
    "Produced",
    "Fetch",
    "Fetched",
    "Commit",
    "Committed",
    "OffsetFetch",
    "OffsetFetched",
    DatabaseMessage::KINDS[0],
    DatabaseMessage::KINDS[1],
    DatabaseMessage::KINDS[2],
    DatabaseMessage::KINDS[3],
    DatabaseMessage::KINDS[4],
    DatabaseMessage::KINDS[5],
    DatabaseMessage::KINDS[6],
    DatabaseMessage::KINDS[7],
    ExternalMessage::KINDS[0],
    ExternalMessage::KINDS[1],
    QueueMessage::KINDS[0],
    QueueMessage::KINDS[1],
    QueueMessage::KINDS[2],
    QueueMessage::KINDS[3],
    QueueMessage::KINDS[4],
    QueueMessage::KINDS[5],
    HalfMessage::KINDS[0],
    HalfMessage::KINDS[1],
    HalfMessage::KINDS[2],
    HalfMessage::KINDS[3],
    HalfMessage::KINDS[4],
    HalfMessage::KINDS[5],
    "Custom",
];

/// Messages of a database have the kinds from here on.
const DATABASE: u8 = EXTERNAL - DatabaseMessage::KINDS.len() as u8;
/// Messages of an external system have the kinds from here on.
const EXTERNAL: u8 = QUEUE - ExternalMessage::KINDS.len() as u8;
/// Messages of a queue broker have the kinds from here on.
const QUEUE: u8 = HALF - QueueMessage::KINDS.len() as u8;
/// Half messages and what is said of them have the kinds from here on.
const HALF: u8 = CUSTOM - HalfMessage::KINDS.len() as u8;
/// Custom messages have the kinds from here on.
const CUSTOM: u8 = KINDS.len() as u8 - 1;

/// The sizes of headers on the wire, roughly those of Kafka's protocol.
const HEADER: u32 = 32;
const ENTRY: u32 = 24;

impl Entry {
    /// An entry with the checksum of its body.
    pub fn new(message: MessageId, key: u64, body: Blob) -> Self {
        Self { message, key, checksum: body.fingerprint(), body }
    }

    /// Whether the body is what the producer made.
    #[inline]
    pub const fn is_sound(&self) -> bool {
        self.checksum == self.body.fingerprint()
    }

    #[inline]
    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.message.word()).word(self.key).word(self.body.fingerprint());
        if !self.is_sound() {
            digest.word(!self.checksum);
        }
    }

    fn corrupt(&mut self, bit: u64, blobs: &mut Blobs) -> bool {
        let flipped = blobs.flip(self.body, bit);
        let changed = flipped != self.body;
        self.body = flipped;
        changed
    }
}

impl Identity {
    /// The batch, if the request is named so.
    #[inline]
    pub const fn batch(self) -> Option<BatchId> {
        match self {
            Self::Batch(batch) => Some(batch),
            Self::None | Self::Message(_) => None,
        }
    }

    #[inline]
    pub(super) fn fingerprint(self, digest: &mut Digest) {
        match self {
            Self::Batch(BatchId { producer, epoch, sequence }) => digest
                .word(1 << 40 | u64::from(producer.0))
                .word(u64::from(epoch) << 32 | u64::from(sequence)),
            Self::Message(id) => digest.word(2 << 40).word(id),
            Self::None => digest.word(0),
        };
    }
}

impl Message {
    /// A message of a user's own.
    pub fn custom<M: node::Message + PartialEq>(message: M) -> Self {
        Self::Custom(CustomMessage::new(message))
    }

    /// The user's own message, if this is one of type `M`.
    pub fn as_custom<M: node::Message>(&self) -> Option<&M> {
        match self {
            Self::Custom(message) => message.get(),
            _ => None,
        }
    }
}

/// A tag and three small fields in one word.
const fn packed(tag: u8, partition: PartitionId, group: GroupId, rest: u16) -> u64 {
    tag as u64 | (partition.0 as u64) << 8 | (group.0 as u64) << 24 | (rest as u64) << 40
}

const NO_GROUP: GroupId = GroupId(0);

impl node::Message for Message {
    #[inline]
    fn kind(&self) -> u8 {
        match self {
            Self::Produce { .. } => 0,
            Self::Produced { .. } => 1,
            Self::Fetch { .. } => 2,
            Self::Fetched { .. } => 3,
            Self::Commit { .. } => 4,
            Self::Committed { .. } => 5,
            Self::OffsetFetch { .. } => 6,
            Self::OffsetFetched { .. } => 7,
            Self::Database(message) => DATABASE + message.kind(),
            Self::External(message) => EXTERNAL + message.kind(),
            Self::Queue(message) => QUEUE + message.kind(),
            Self::Half(message) => HALF + message.kind(),
            Self::Custom(message) => CUSTOM.saturating_add(message.kind()),
        }
    }

    fn kind_name(kind: u8) -> &'static str {
        KINDS[usize::from(kind.min(CUSTOM))]
    }

    #[inline]
    fn fingerprint(&self, digest: &mut Digest) {
        match self {
            Self::Produce { partition, acks, produce: Produce { entry, identity } } => {
                digest.word(packed(0, *partition, NO_GROUP, *acks as u16));
                identity.fingerprint(digest);
                entry.fingerprint(digest);
            }
            Self::Produced { message, partition, verdict } => {
                let (rest, offset) = match verdict {
                    Verdict::Stored { offset } => (0, *offset),
                    Verdict::Refused(refusal) => (1 + *refusal as u16, 0),
                    Verdict::Duplicate => (u16::MAX, 0),
                    Verdict::Accepted => (u16::MAX - 1, 0),
                };
                digest.word(packed(1, *partition, NO_GROUP, rest));
                digest.word(message.word()).word(offset);
            }
            Self::Fetch { request, partition, offset, batch, wait_max } => {
                digest.word(packed(2, *partition, NO_GROUP, *batch));
                digest.word(*request).word(*offset).word(wait_max.nanos());
            }
            Self::Fetched { request, partition, base, reading } => {
                let (entries, rest): (&[Entry], u16) = match reading {
                    Reading::Entries(entries) => (entries, entries.len() as u16),
                    Reading::OutOfRange { .. } => (&[], u16::MAX),
                    Reading::Closed => (&[], u16::MAX - 1),
                };
                digest.word(packed(3, *partition, NO_GROUP, rest)).word(*request).word(*base);
                for entry in entries {
                    entry.fingerprint(digest);
                }
                if let Reading::OutOfRange { start } = reading {
                    digest.word(*start);
                }
            }
            Self::Commit { request, group, partition, offset } => {
                digest.word(packed(4, *partition, *group, u16::from(request.is_some())));
                digest.word(request.unwrap_or(0)).word(*offset);
            }
            Self::Committed { request, partition } => {
                digest.word(packed(5, *partition, NO_GROUP, 0)).word(*request);
            }
            Self::OffsetFetch { request, group, partition } => {
                digest.word(packed(6, *partition, *group, 0)).word(*request);
            }
            Self::OffsetFetched { request, partition, offset } => {
                digest.word(packed(7, *partition, NO_GROUP, 0)).word(*request).word(*offset);
            }
            Self::Database(message) => {
                digest.word(u64::from(DATABASE));
                message.fingerprint(digest);
            }
            Self::External(message) => {
                digest.word(u64::from(EXTERNAL));
                message.fingerprint(digest);
            }
            Self::Queue(message) => {
                digest.word(u64::from(QUEUE));
                message.fingerprint(digest);
            }
            Self::Half(message) => {
                digest.word(u64::from(HALF));
                message.fingerprint(digest);
            }
            Self::Custom(message) => {
                digest.word(u64::from(CUSTOM));
                message.fingerprint(digest);
            }
        }
    }

    fn size(&self) -> u32 {
        let bodies = |entries: &[Entry]| -> u32 {
            entries.iter().map(|entry| ENTRY.saturating_add(entry.body.len())).sum()
        };
        HEADER
            + match self {
                Self::Produce { produce, .. } => bodies(&[produce.entry]),
                Self::Fetched { reading: Reading::Entries(entries), .. } => bodies(entries),
                Self::Database(message) => message.size(),
                Self::External(message) => message.size(),
                Self::Queue(message) => message.size(),
                Self::Half(message) => message.size(),
                Self::Custom(message) => message.size(),
                _ => 0,
            }
    }

    /// Bodies go bad; headers do not, since the checksums of the transport catch what breaks them.
    fn corrupt(&mut self, bit: u64, blobs: &mut Blobs) -> bool {
        match self {
            Self::Produce { produce, .. } => produce.entry.corrupt(bit, blobs),
            Self::Fetched { reading: Reading::Entries(entries), .. } if !entries.is_empty() => {
                let count = entries.len() as u64;
                entries[(bit % count) as usize].corrupt(bit / count, blobs)
            }
            Self::Queue(message) => message.corrupt(bit, blobs),
            Self::Half(message) => message.corrupt(bit, blobs),
            Self::Custom(message) => message.corrupt(bit, blobs),
            _ => false,
        }
    }

    fn garble(&mut self, bits: Flips, framing: Framing, blobs: &mut Blobs) -> Option<Garbled> {
        wire::garble(self, bits, framing, blobs)
    }
}

#[cfg(test)]
pub(in crate::model) mod tests;
