//! Messages with their bodies in place of handles to them: what the body of a frame holds.
//!
//! The order of the variants and of their fields is the format.

use crate::blob::Blobs;
use crate::id::{GroupId, MessageId, PartitionId, QueueId};
use crate::model::message::{
    Acks, DatabaseMessage, Death, Delivery, Entry, ExternalMessage, HalfMessage, Identity,
    LocalEnd, LocalState, Message, Produce, QueueMessage, Reading, Receipt, SettleOutcome,
    Settlement, Verdict, Wanted,
};
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};

/// A [`Message`].
#[derive(Serialize, Deserialize)]
pub(super) enum Sketch<'a> {
    Produce {
        partition: PartitionId,
        acks: Acks,
        #[serde(borrow)]
        entry: EntrySketch<'a>,
        identity: Identity,
    },
    Produced {
        message: MessageId,
        partition: PartitionId,
        verdict: Verdict,
    },
    Fetch {
        request: u64,
        partition: PartitionId,
        offset: u64,
        batch: u16,
        wait_max: Span,
    },
    Fetched {
        request: u64,
        partition: PartitionId,
        base: u64,
        #[serde(borrow)]
        reading: ReadingSketch<'a>,
    },
    Commit {
        request: Option<u64>,
        group: GroupId,
        partition: PartitionId,
        offset: u64,
    },
    Committed {
        request: u64,
        partition: PartitionId,
    },
    OffsetFetch {
        request: u64,
        group: GroupId,
        partition: PartitionId,
    },
    OffsetFetched {
        request: u64,
        partition: PartitionId,
        offset: u64,
    },
    Database(DatabaseMessage),
    External(ExternalMessage),
    #[serde(borrow)]
    Queue(QueueSketch<'a>),
    #[serde(borrow)]
    Half(HalfSketch<'a>),
}

/// An [`Entry`].
#[derive(Serialize, Deserialize)]
pub(super) struct EntrySketch<'a> {
    message: MessageId,
    key: u64,
    checksum: u64,
    body: &'a [u8],
}

/// A [`Reading`].
#[derive(Serialize, Deserialize)]
pub(super) enum ReadingSketch<'a> {
    Entries(#[serde(borrow)] Vec<EntrySketch<'a>>),
    OutOfRange { start: u64 },
    Closed,
}

/// A [`QueueMessage`].
#[derive(Serialize, Deserialize)]
pub(super) enum QueueSketch<'a> {
    Subscribe {
        queue: QueueId,
        credit: u16,
    },
    #[serde(borrow)]
    Deliver(DeliverySketch<'a>),
    Receive {
        request: u64,
        queue: QueueId,
        wanted: Wanted,
        batch: u16,
        wait_max: Span,
    },
    Received {
        request: u64,
        #[serde(borrow)]
        deliveries: Vec<DeliverySketch<'a>>,
    },
    Settle {
        request: Option<u64>,
        receipt: Receipt,
        settlement: Settlement,
    },
    Settled {
        request: u64,
        outcome: SettleOutcome,
    },
}

/// A [`Delivery`].
#[derive(Serialize, Deserialize)]
pub(super) struct DeliverySketch<'a> {
    receipt: Receipt,
    attempt: u16,
    redelivered: bool,
    death: Option<Death>,
    #[serde(borrow)]
    entry: EntrySketch<'a>,
}

/// A [`HalfMessage`].
#[derive(Serialize, Deserialize)]
pub(super) enum HalfSketch<'a> {
    Prepare {
        #[serde(borrow)]
        entry: EntrySketch<'a>,
        born: Instant,
    },
    Prepared {
        message: MessageId,
    },
    Resolve {
        message: MessageId,
        end: LocalEnd,
    },
    Resolved {
        message: MessageId,
        accepted: bool,
    },
    CheckBack {
        message: MessageId,
    },
    CheckedBack {
        message: MessageId,
        state: LocalState,
    },
}

impl<'a> Sketch<'a> {
    /// The sketch of a message; of one of a user's own there is none.
    pub(super) fn of(message: &Message, blobs: &'a Blobs) -> Option<Self> {
        Some(match *message {
            Message::Produce { partition, acks, produce: Produce { ref entry, identity } } => {
                let entry = EntrySketch::of(entry, blobs);
                Self::Produce { partition, acks, entry, identity }
            }
            Message::Produced { message, partition, verdict } => {
                Self::Produced { message, partition, verdict }
            }
            Message::Fetch { request, partition, offset, batch, wait_max } => {
                Self::Fetch { request, partition, offset, batch, wait_max }
            }
            Message::Fetched { request, partition, base, ref reading } => {
                let reading = ReadingSketch::of(reading, blobs);
                Self::Fetched { request, partition, base, reading }
            }
            Message::Commit { request, group, partition, offset } => {
                Self::Commit { request, group, partition, offset }
            }
            Message::Committed { request, partition } => Self::Committed { request, partition },
            Message::OffsetFetch { request, group, partition } => {
                Self::OffsetFetch { request, group, partition }
            }
            Message::OffsetFetched { request, partition, offset } => {
                Self::OffsetFetched { request, partition, offset }
            }
            Message::Database(ref message) => Self::Database(message.clone()),
            Message::External(message) => Self::External(message),
            Message::Queue(ref message) => Self::Queue(QueueSketch::of(message, blobs)),
            Message::Half(ref message) => Self::Half(HalfSketch::of(message, blobs)),
            Message::Custom(_) => return None,
        })
    }

    /// The message; its bodies go to `blobs`.
    pub(super) fn fill_in(self, blobs: &mut Blobs) -> Message {
        match self {
            Self::Produce { partition, acks, entry, identity } => {
                let produce = Produce { entry: entry.fill_in(blobs), identity };
                Message::Produce { partition, acks, produce }
            }
            Self::Produced { message, partition, verdict } => {
                Message::Produced { message, partition, verdict }
            }
            Self::Fetch { request, partition, offset, batch, wait_max } => {
                Message::Fetch { request, partition, offset, batch, wait_max }
            }
            Self::Fetched { request, partition, base, reading } => {
                let reading = reading.fill_in(blobs);
                Message::Fetched { request, partition, base, reading }
            }
            Self::Commit { request, group, partition, offset } => {
                Message::Commit { request, group, partition, offset }
            }
            Self::Committed { request, partition } => Message::Committed { request, partition },
            Self::OffsetFetch { request, group, partition } => {
                Message::OffsetFetch { request, group, partition }
            }
            Self::OffsetFetched { request, partition, offset } => {
                Message::OffsetFetched { request, partition, offset }
            }
            Self::Database(message) => Message::Database(message),
            Self::External(message) => Message::External(message),
            Self::Queue(message) => Message::Queue(message.fill_in(blobs)),
            Self::Half(message) => Message::Half(message.fill_in(blobs)),
        }
    }
}

impl<'a> EntrySketch<'a> {
    fn of(&Entry { message, key, checksum, body }: &Entry, blobs: &'a Blobs) -> Self {
        Self { message, key, checksum, body: blobs.get(body) }
    }

    fn fill_in(self, blobs: &mut Blobs) -> Entry {
        let Self { message, key, checksum, body } = self;
        Entry { message, key, checksum, body: blobs.put(body) }
    }
}

impl<'a> ReadingSketch<'a> {
    fn of(reading: &Reading, blobs: &'a Blobs) -> Self {
        match *reading {
            Reading::Entries(ref entries) => {
                Self::Entries(entries.iter().map(|entry| EntrySketch::of(entry, blobs)).collect())
            }
            Reading::OutOfRange { start } => Self::OutOfRange { start },
            Reading::Closed => Self::Closed,
        }
    }

    fn fill_in(self, blobs: &mut Blobs) -> Reading {
        match self {
            Self::Entries(entries) => {
                Reading::Entries(entries.into_iter().map(|entry| entry.fill_in(blobs)).collect())
            }
            Self::OutOfRange { start } => Reading::OutOfRange { start },
            Self::Closed => Reading::Closed,
        }
    }
}

impl<'a> QueueSketch<'a> {
    fn of(message: &QueueMessage, blobs: &'a Blobs) -> Self {
        match *message {
            QueueMessage::Subscribe { queue, credit } => Self::Subscribe { queue, credit },
            QueueMessage::Deliver(ref delivery) => {
                Self::Deliver(DeliverySketch::of(delivery, blobs))
            }
            QueueMessage::Receive { request, queue, wanted, batch, wait_max } => {
                Self::Receive { request, queue, wanted, batch, wait_max }
            }
            QueueMessage::Received { request, ref deliveries } => {
                let of = |delivery| DeliverySketch::of(delivery, blobs);
                Self::Received { request, deliveries: deliveries.iter().map(of).collect() }
            }
            QueueMessage::Settle { request, receipt, settlement } => {
                Self::Settle { request, receipt, settlement }
            }
            QueueMessage::Settled { request, outcome } => Self::Settled { request, outcome },
        }
    }

    fn fill_in(self, blobs: &mut Blobs) -> QueueMessage {
        match self {
            Self::Subscribe { queue, credit } => QueueMessage::Subscribe { queue, credit },
            Self::Deliver(delivery) => QueueMessage::Deliver(Box::new(delivery.fill_in(blobs))),
            Self::Receive { request, queue, wanted, batch, wait_max } => {
                QueueMessage::Receive { request, queue, wanted, batch, wait_max }
            }
            Self::Received { request, deliveries } => {
                let deliveries = deliveries.into_iter().map(|delivery| delivery.fill_in(blobs));
                QueueMessage::Received { request, deliveries: deliveries.collect() }
            }
            Self::Settle { request, receipt, settlement } => {
                QueueMessage::Settle { request, receipt, settlement }
            }
            Self::Settled { request, outcome } => QueueMessage::Settled { request, outcome },
        }
    }
}

impl<'a> DeliverySketch<'a> {
    fn of(delivery: &Delivery, blobs: &'a Blobs) -> Self {
        let &Delivery { receipt, attempt, redelivered, death, ref entry } = delivery;
        Self { receipt, attempt, redelivered, death, entry: EntrySketch::of(entry, blobs) }
    }

    fn fill_in(self, blobs: &mut Blobs) -> Delivery {
        let Self { receipt, attempt, redelivered, death, entry } = self;
        Delivery { receipt, attempt, redelivered, death, entry: entry.fill_in(blobs) }
    }
}

impl<'a> HalfSketch<'a> {
    fn of(message: &HalfMessage, blobs: &'a Blobs) -> Self {
        match *message {
            HalfMessage::Prepare { ref entry, born } => {
                Self::Prepare { entry: EntrySketch::of(entry, blobs), born }
            }
            HalfMessage::Prepared { message } => Self::Prepared { message },
            HalfMessage::Resolve { message, end } => Self::Resolve { message, end },
            HalfMessage::Resolved { message, accepted } => Self::Resolved { message, accepted },
            HalfMessage::CheckBack { message } => Self::CheckBack { message },
            HalfMessage::CheckedBack { message, state } => Self::CheckedBack { message, state },
        }
    }

    fn fill_in(self, blobs: &mut Blobs) -> HalfMessage {
        match self {
            Self::Prepare { entry, born } => {
                HalfMessage::Prepare { entry: entry.fill_in(blobs), born }
            }
            Self::Prepared { message } => HalfMessage::Prepared { message },
            Self::Resolve { message, end } => HalfMessage::Resolve { message, end },
            Self::Resolved { message, accepted } => HalfMessage::Resolved { message, accepted },
            Self::CheckBack { message } => HalfMessage::CheckBack { message },
            Self::CheckedBack { message, state } => HalfMessage::CheckedBack { message, state },
        }
    }
}
