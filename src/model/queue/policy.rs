//! What a queue broker may be told to do, right and wrong.

use crate::id::{QueueId, SinkId};
use crate::model::broker::Fsync;
use crate::time::Span;
use serde::Deserialize;

/// Which queues a message goes to.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Routing {
    /// To one of them: queue n is bound for the keys that are n modulo the number of queues (AMQP's
    /// direct exchange).
    Direct,
    /// To each of them (AMQP's fanout exchange, SNS before SQS, the groups of a Redis stream).
    #[default]
    FanOut,
    /// The first queue is bound for every key, as by the pattern `#`; every other one for the keys
    /// that are its number modulo the number of queues (AMQP's topic exchange).
    Topic,
}

/// What becomes of a message that no queue is bound for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unroutable {
    /// It comes back (AMQP's `mandatory`; `RabbitMQ`, "Publishers", "Unroutable Message Handling").
    #[default]
    Returned,
    /// It is confirmed and dropped: `RabbitMQ` confirms an unroutable message as soon as the
    /// exchange has found no queue for it ("Consumer Acknowledgements and Publisher Confirms").
    Dropped,
}

/// Whether messages outlive the process.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Persistence {
    /// They are written to the disk (AMQP's delivery mode 2).
    #[default]
    Durable,
    /// They are in memory only (AMQP's delivery mode 1).
    Transient,
}

/// Whether an answer waits for the disk.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerWhen {
    /// Until what it is about is durable.
    #[default]
    Durable,
    /// Not at all.
    AtOnce,
}

/// How long a delivered message is its consumer's.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// For `lease`, unless it is extended (SQS's visibility timeout, `JetStream`'s `AckWait`).
    #[default]
    Lease,
    /// Until its connection is gone (`RabbitMQ`, "Consumer Acknowledgements and Publisher
    /// Confirms", "Automatic Requeueing").
    UntilDisconnect,
    /// Until another consumer claims it (Redis's `XAUTOCLAIM`).
    UntilClaimed,
}

/// What a settlement must match.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AckMatch {
    /// A delivery that is under way, and the consumer that it went to. Otherwise it settles
    /// nothing, and says so.
    #[default]
    Strict,
    /// A delivery that is under way, whoever settles it (SQS FIFO queues: a receipt handle is of no
    /// use once the visibility timeout is over).
    Attempt,
    /// The latest delivery, even if it is over. Otherwise it settles nothing, and says that it did
    /// (SQS standard queues, `DeleteMessage`: the request succeeds, but the message might not be
    /// deleted).
    LatestAttempt,
    /// The message, by whichever delivery (Redis's `XACK` names no consumer and no delivery;
    /// `JetStream` goes by the sequence in the stream).
    Message,
}

/// How deliveries are counted.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counting {
    /// On the disk, before the message leaves (`RabbitMQ`'s quorum queues, `JetStream`'s
    /// `MaxDeliver`, SQS's `ApproximateReceiveCount`).
    #[default]
    Durable,
    /// In memory: a restart begins anew.
    Memory,
    /// Not at all: there is a flag that says whether the message may have been delivered before
    /// (AMQP's `redelivered`). After a restart it is set for whatever was in the queue.
    Flag,
}

/// In which order messages are delivered.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueOrder {
    /// In the order in which they came; one that is given back takes its old place, as far as it is
    /// still there (`RabbitMQ`, "Consumer Acknowledgements and Publisher Confirms", "Negative
    /// Acknowledgement and Requeuing of Deliveries").
    #[default]
    Queue,
    /// In that order, and to one consumer at a time: the next one's turn comes when that is gone.
    /// One that subscribes again has lost its connection, and what it held is the queue's again
    /// (`RabbitMQ`, "Consumers", "Single Active Consumer").
    SingleActive,
    /// Roughly so (SQS Developer Guide, "Amazon SQS standard queues": best-effort ordering).
    BestEffort,
    /// By key: while a message of a key is in flight no later one of that key is delivered, but for
    /// those of the same answer (SQS Developer Guide, "FIFO delivery logic": message groups).
    Groups,
}

/// Whether a delivered message is sure to be hidden from others.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hiding {
    /// While it is its consumer's, nobody else gets it.
    #[default]
    Sure,
    /// Once in a while another consumer gets it all the same (SQS Developer Guide, "Amazon SQS
    /// at-least-once delivery": a server that was down keeps its copy).
    Usual,
}

/// What a restart leaves of the ids that the broker knows.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DedupKept {
    /// All within the window.
    #[default]
    All,
    /// Those of messages that are still in a queue: they are read again from what is stored
    /// (`JetStream`'s work queues, which have removed what is acknowledged, nats-server #3272).
    Stored,
    /// None.
    None,
}

/// What happens when a queue is full.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overflow {
    /// What comes is refused (`RabbitMQ`'s `reject-publish`).
    #[default]
    RejectPublish,
    /// The oldest message that nobody holds is dropped, or becomes a dead letter (`RabbitMQ`'s
    /// `drop-head`, its default).
    DropHead,
    /// An alarm is raised: what comes is not read until there is room (`RabbitMQ`, "Memory and Disk
    /// Alarms").
    Backpressure,
}

/// Whom an alarm stops.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alarm {
    /// Publishers: consumers have connections of their own (`RabbitMQ`, "Connection Blocking").
    #[default]
    BlocksPublishers,
    /// Whoever has a connection, since applications publish and consume over the same one: no
    /// acknowledgement is read either, and there will never be room.
    BlocksConnection,
}

/// What becomes of a message that is not to be delivered again.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeadLetter {
    /// It is dropped.
    #[default]
    None,
    /// It is published to the queue's dead-letter queue and removed once that is confirmed
    /// (`RabbitMQ`, "Quorum Queues", "At-least-once dead-lettering").
    AtLeastOnce,
    /// It is removed and published there without a confirm (`RabbitMQ`, "Dead Letter Exchanges",
    /// "Safety": the only way that classic queues have).
    AtMostOnce,
}

/// Where the broker keeps what a group has been delivered and has settled.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cursor {
    /// On the disk, beside the messages.
    #[default]
    Durable,
    /// In memory: after a restart the group reads again what it has settled (redis #7105, where the
    /// append-only file forgets the group's last delivered id, and #5433, where a failover does).
    Memory,
}

/// How a queue broker behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct QueuePolicy {
    /// How many queues there are, each with a group of consumers of its own; at most 64. Those for
    /// dead letters come after them.
    pub queues: u16,
    /// Which of them a message goes to.
    pub routing: Routing,
    /// A key that no queue is bound for.
    pub unbound: Option<u64>,
    /// What becomes of a message that no queue is bound for.
    pub unroutable: Unroutable,
    /// Whether messages outlive the process.
    pub persistence: Persistence,
    /// When what was written is made durable.
    pub fsync: Fsync,
    /// Whether the answer to a publisher waits for that. If so, nobody is delivered a message
    /// before it is durable.
    pub confirm: AnswerWhen,
    /// Whether the answer to a settlement does.
    pub settled: AnswerWhen,
    /// How long a delivered message is its consumer's.
    pub hold: Hold,
    /// How long that is, by the broker's monotonic clock, if there is an end to it.
    pub lease: Span,
    /// What a settlement must match.
    pub ack: AckMatch,
    /// How deliveries are counted.
    pub count: Counting,
    /// How often a message is delivered before it is not to be delivered again.
    pub delivery_limit: Option<u16>,
    /// In which order messages are delivered.
    pub order: QueueOrder,
    /// How many priorities there are: a message has the priority of its key modulo their number,
    /// and those of a higher one go first (`RabbitMQ`, "Classic Queues Support Priorities").
    pub priorities: Option<u8>,
    /// Whether a delivered message is sure to be hidden from others.
    pub hiding: Hiding,
    /// How long the broker knows the id of a message, by its wall clock.
    pub dedup: Option<Span>,
    /// What a restart leaves of those ids.
    pub dedup_kept: DedupKept,
    /// How many messages may wait in a queue.
    pub length_max: Option<u32>,
    /// What happens to those beyond.
    pub overflow: Overflow,
    /// Whom an alarm stops.
    pub alarm: Alarm,
    /// How old a message may get by the broker's wall clock before it expires, unless a consumer
    /// holds it (`RabbitMQ`, "Time-To-Live and Expiration").
    pub ttl: Option<Span>,
    /// What becomes of a message that is not to be delivered again.
    pub dead_letter: DeadLetter,
    /// Where the broker keeps what a group has been delivered and has settled.
    pub cursor: Cursor,
    /// Where it shows that a message of the first queue was dropped; those of the other queues have
    /// the sinks after it.
    pub dropped: SinkId,
}

impl QueuePolicy {
    /// The strict policy: a message is confirmed once it is durable, leased for half a second, and
    /// settled by its holder alone.
    pub const fn new(queues: u16, dropped: SinkId) -> Self {
        Self {
            queues,
            routing: Routing::FanOut,
            unbound: None,
            unroutable: Unroutable::Returned,
            persistence: Persistence::Durable,
            fsync: Fsync::BeforeAck,
            confirm: AnswerWhen::Durable,
            settled: AnswerWhen::Durable,
            hold: Hold::Lease,
            lease: Span::millis(500),
            ack: AckMatch::Strict,
            count: Counting::Durable,
            delivery_limit: None,
            order: QueueOrder::Queue,
            priorities: None,
            hiding: Hiding::Sure,
            dedup: None,
            dedup_kept: DedupKept::All,
            length_max: None,
            overflow: Overflow::RejectPublish,
            alarm: Alarm::BlocksPublishers,
            ttl: None,
            dead_letter: DeadLetter::None,
            cursor: Cursor::Durable,
            dropped,
        }
    }

    /// The queue for the dead letters of `queue`, if it keeps such.
    pub const fn dead_letters(&self, queue: QueueId) -> Option<QueueId> {
        match self.dead_letter {
            DeadLetter::AtLeastOnce | DeadLetter::AtMostOnce if queue.0 < self.queues => {
                Some(QueueId(self.queues + queue.0))
            }
            _ => None,
        }
    }

    /// How many queues there are, those for dead letters included.
    pub(super) const fn queues_in_all(&self) -> u16 {
        match self.dead_letter {
            DeadLetter::None => self.queues,
            DeadLetter::AtLeastOnce | DeadLetter::AtMostOnce => 2 * self.queues,
        }
    }

    /// The queues that a message under `key` goes to, a bit each.
    pub(super) fn route(&self, key: u64) -> u64 {
        if self.unbound == Some(key) {
            return 0;
        }
        let own = 1 << (key % u64::from(self.queues));
        match self.routing {
            Routing::Direct => own,
            Routing::Topic => own | 1,
            Routing::FanOut => u64::MAX >> (64 - self.queues),
        }
    }

    /// The priority of a message under `key`.
    pub(super) fn priority(&self, key: u64) -> u8 {
        self.priorities.map_or(0, |levels| (key % u64::from(levels)) as u8)
    }
}
