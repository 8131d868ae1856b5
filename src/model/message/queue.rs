//! What a queue broker and its consumers say to each other.
//!
//! Publishers speak to it by `Produce` and `Produced`, as they do to a log.

use super::Entry;
use crate::blob::Blobs;
use crate::digest::Digest;
use crate::id::{MessageId, QueueId};
use crate::time::Span;
use serde::{Deserialize, Serialize};

/// A request to a queue broker, or its answer.
#[derive(Clone, PartialEq, Eq)]
pub enum QueueMessage {
    /// A consumer asks to be handed messages as they come, until its connection ends.
    Subscribe {
        /// The queue.
        queue: QueueId,
        /// How many messages it may hold at a time (AMQP's `prefetch-count`).
        credit: u16,
    },
    /// The broker hands a message to a subscriber.
    Deliver(Box<Delivery>),
    /// A consumer asks for messages once.
    Receive {
        /// The number of the request; never used twice by one machine.
        request: u64,
        /// The queue.
        queue: QueueId,
        /// Which messages.
        wanted: Wanted,
        /// The most that it takes.
        batch: u16,
        /// How long the broker may wait for something to hand out.
        wait_max: Span,
    },
    /// The broker's answer.
    Received {
        /// The number of the request.
        request: u64,
        /// What it hands out.
        deliveries: Vec<Delivery>,
    },
    /// A consumer says what becomes of a message that it holds.
    Settle {
        /// The number of the request, if it is to be answered.
        request: Option<u64>,
        /// By which delivery the consumer has it.
        receipt: Receipt,
        /// What becomes of it.
        settlement: Settlement,
    },
    /// The broker's answer: what it did is as durable as its policy asks for.
    Settled {
        /// The number of the request.
        request: u64,
        /// What it did.
        outcome: SettleOutcome,
    },
}

/// Which messages a consumer asks for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wanted {
    /// Those that nobody holds.
    Ready,
    /// Those that this consumer holds already, from before a restart (`XREADGROUP` with an id).
    Own,
    /// Those that some consumer has held for at least this long (`XAUTOCLAIM`).
    Idle(Span),
}

/// A message in a consumer's hands.
#[derive(Copy, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// By which delivery the consumer has it.
    pub receipt: Receipt,
    /// How often it has been delivered, this time included, as far as the broker counts; else 0.
    pub attempt: u16,
    /// Whether the broker says that it may have been delivered before.
    pub redelivered: bool,
    /// Why it is a dead letter, if it is one.
    pub death: Option<Death>,
    /// What it is.
    pub entry: Entry,
}

/// The name of a delivery.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Receipt {
    /// The queue.
    pub queue: QueueId,
    /// The place of the message in the queue: never used twice.
    pub number: u64,
    /// Which delivery of the message it is, from 1.
    pub attempt: u16,
}

impl Receipt {
    /// A name of `message` at its place in the queue. The upper half of a number tells the
    /// processes of the queue apart.
    pub fn name(self, message: MessageId) -> MessageId {
        let process = MessageId::derive(message, (self.number >> 32) as u32);
        MessageId::derive(process, self.number as u32)
    }
}

/// What a consumer says becomes of a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settlement {
    /// It is done.
    Ack,
    /// It is to be delivered again, not before so much time has passed.
    Requeue(Span),
    /// It is not to be delivered again: it becomes a dead letter if the queue keeps such, or is
    /// dropped.
    Reject,
    /// It is still being handled, and is the consumer's for so much longer from now.
    Extend(Span),
}

/// What a broker did about a settlement.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettleOutcome {
    /// What was asked.
    Done,
    /// Nothing: the message is not this delivery's any more.
    Stale,
}

/// Why a message is a dead letter (`RabbitMQ`'s `x-death`).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Death {
    /// A consumer rejected it.
    Rejected,
    /// It was not consumed in time.
    Expired,
    /// The queue was full.
    MaxLen,
    /// It was delivered too often.
    DeliveryLimit,
}

/// The size of an envelope on the wire: a receipt and some properties.
const ENVELOPE: u32 = 48;

impl QueueMessage {
    /// The kinds, in their order.
    pub(super) const KINDS: [&str; 6] =
        ["Subscribe", "Deliver", "Receive", "Received", "Settle", "Settled"];

    pub(super) const fn kind(&self) -> u8 {
        match self {
            Self::Subscribe { .. } => 0,
            Self::Deliver(_) => 1,
            Self::Receive { .. } => 2,
            Self::Received { .. } => 3,
            Self::Settle { .. } => 4,
            Self::Settled { .. } => 5,
        }
    }

    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(u64::from(self.kind()));
        match self {
            Self::Subscribe { queue, credit } => {
                digest.word(u64::from(queue.0) << 16 | u64::from(*credit));
            }
            Self::Deliver(delivery) => delivery.fingerprint(digest),
            Self::Receive { request, queue, wanted, batch, wait_max } => {
                let (tag, idle) = match wanted {
                    Wanted::Ready => (0, 0),
                    Wanted::Own => (1, 0),
                    Wanted::Idle(span) => (2, span.nanos()),
                };
                digest.word(tag << 32 | u64::from(queue.0) << 16 | u64::from(*batch));
                digest.word(*request).word(idle).word(wait_max.nanos());
            }
            Self::Received { request, deliveries } => {
                digest.word(*request).word(deliveries.len() as u64);
                for delivery in deliveries {
                    delivery.fingerprint(digest);
                }
            }
            Self::Settle { request, receipt, settlement } => {
                let (tag, span) = match settlement {
                    Settlement::Ack => (0, Span::ZERO),
                    Settlement::Requeue(delay) => (1, *delay),
                    Settlement::Reject => (2, Span::ZERO),
                    Settlement::Extend(by) => (3, *by),
                };
                digest.word(u64::from(request.is_some()) << 8 | tag).word(request.unwrap_or(0));
                receipt.fingerprint(digest);
                digest.word(span.nanos());
            }
            Self::Settled { request, outcome } => {
                digest.word(*request).word(*outcome as u64);
            }
        }
    }

    pub(super) fn size(&self) -> u32 {
        let size = |delivery: &Delivery| ENVELOPE.saturating_add(delivery.entry.body.len());
        match self {
            Self::Deliver(delivery) => size(delivery),
            Self::Received { deliveries, .. } => deliveries.iter().map(size).sum(),
            Self::Subscribe { .. }
            | Self::Receive { .. }
            | Self::Settle { .. }
            | Self::Settled { .. } => ENVELOPE,
        }
    }

    pub(super) fn corrupt(&mut self, bit: u64, blobs: &mut Blobs) -> bool {
        match self {
            Self::Deliver(delivery) => delivery.entry.corrupt(bit, blobs),
            Self::Received { deliveries, .. } if !deliveries.is_empty() => {
                let count = deliveries.len() as u64;
                deliveries[(bit % count) as usize].entry.corrupt(bit / count, blobs)
            }
            _ => false,
        }
    }
}

impl Delivery {
    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        let death = self.death.map_or(0, |death| 1 + death as u64);
        digest.word(death << 24 | u64::from(self.redelivered) << 16 | u64::from(self.attempt));
        self.receipt.fingerprint(digest);
        self.entry.fingerprint(digest);
    }
}

impl Receipt {
    pub(in crate::model) fn fingerprint(self, digest: &mut Digest) {
        digest.word(u64::from(self.queue.0) << 16 | u64::from(self.attempt)).word(self.number);
    }
}

/// Messages that all differ.
#[cfg(test)]
pub(super) fn variants(entry: Entry) -> Vec<QueueMessage> {
    let mut all = Vec::new();
    let receipt = Receipt { queue: QueueId(0), number: 0, attempt: 1 };
    let receipts = [
        receipt,
        Receipt { queue: QueueId(1), ..receipt },
        Receipt { number: 1, ..receipt },
        Receipt { attempt: 2, ..receipt },
    ];
    let delivery = Delivery { receipt, attempt: 1, redelivered: false, death: None, entry };
    let mut deliveries = receipts.map(|receipt| Delivery { receipt, ..delivery }).to_vec();
    deliveries.extend([
        Delivery { attempt: 2, ..delivery },
        Delivery { redelivered: true, ..delivery },
        Delivery { entry: Entry { key: entry.key + 1, ..entry }, ..delivery },
    ]);
    let deaths = [Death::Rejected, Death::Expired, Death::MaxLen, Death::DeliveryLimit];
    deliveries.extend(deaths.map(|death| Delivery { death: Some(death), ..delivery }));
    all.extend(deliveries.iter().map(|&delivery| QueueMessage::Deliver(Box::new(delivery))));
    for (queue, credit) in [(0, 0), (1, 0), (0, 1)] {
        all.push(QueueMessage::Subscribe { queue: QueueId(queue), credit });
    }
    for request in [0, 1] {
        let received = |deliveries| QueueMessage::Received { request, deliveries };
        all.push(received(Vec::new()));
        all.extend(deliveries.iter().map(|&delivery| received(vec![delivery])));
        let idle = [1, 2].map(|nanos| Wanted::Idle(Span::nanos_of(nanos)));
        for wanted in [Wanted::Ready, Wanted::Own].into_iter().chain(idle) {
            for (queue, batch, wait) in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)] {
                let (queue, wait_max) = (QueueId(queue), Span::nanos_of(wait));
                all.push(QueueMessage::Receive { request, queue, wanted, batch, wait_max });
            }
        }
        for outcome in [SettleOutcome::Done, SettleOutcome::Stale] {
            all.push(QueueMessage::Settled { request, outcome });
        }
    }
    let spans = [0, 1].map(Span::nanos_of);
    let settlements = [Settlement::Ack, Settlement::Reject]
        .into_iter()
        .chain(spans.map(Settlement::Requeue))
        .chain(spans.map(Settlement::Extend));
    for settlement in settlements {
        for request in [None, Some(0), Some(1)] {
            let settle = |receipt| QueueMessage::Settle { request, receipt, settlement };
            all.extend(receipts.map(settle));
        }
    }
    all
}
