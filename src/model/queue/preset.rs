//! Brokers by name: what their manuals say, as policies.
//!
//! The traces in the tests of this module are taken by hand from those manuals, section by
//! section. What follows is what a preset does *not* model. Common to all of them: one machine
//! without replicas; one exchange or stream; no flow of credit below whole messages; no limits by
//! bytes; the journal of commands only grows.
//!
//! # `rabbitmq-classic`
//!
//! Persistent messages in durable classic queues, one channel a connection, publisher confirms,
//! manual acknowledgements; dead letters and limits if they are asked for. Not modelled:
//!
//! - a message is delivered only once it is on the disk; `RabbitMQ` delivers it at once, and
//!   confirms it early if it is acknowledged before it was written;
//! - `multiple` acknowledgements and confirms, several channels a connection, transactions;
//! - the acknowledgement timeout, which closes the channel of a consumer after 30 minutes, and the
//!   channel exception that an unknown delivery tag leads to: such an acknowledgement does nothing
//!   here, and says so;
//! - what expires leaves the queue at once, while a classic queue looks only at its head; a
//!   message has no expiry of its own;
//! - `reject-publish-dlx`, cycles of dead letters, the rest of `x-death` but for its reason;
//! - an alarm counts the messages of one queue, held ones included, where `RabbitMQ` watches memory
//!   and disk;
//! - a delay before a message is requeued: `RabbitMQ` takes a queue with a time to live and a
//!   dead-letter exchange for that, and a settlement with a delay stands for both.
//!
//! # `sqs-standard`
//!
//! Not modelled:
//!
//! - a message that comes back although it was deleted: a copy that missed the deletion (here a
//!   copy that stays visible is the only rare one, and the deletion by its latest receipt is
//!   sure);
//! - short polling that asks some servers only and finds nothing where there is something;
//! - the limit of messages in flight, the twelve hours that a visibility timeout may last at most,
//!   delays of a whole queue or of a message as it is sent;
//! - retention also ends messages that are in flight there; here it waits for their return;
//! - a message that is received too often goes to the dead-letter queue at once when it comes
//!   back, and not at the next receive.
//!
//! # `sqs-fifo`
//!
//! As for standard queues, and not modelled:
//!
//! - ids that are digests of bodies (content-based deduplication), ids a message group, the high
//!   throughput mode;
//! - `ReceiveRequestAttemptId`, by which the answer to a receive that was lost can be had again;
//! - sequence numbers; that the retry of a producer renews the interval of its id.
//!
//! # `jetstream-work-queue`
//!
//! A stream with work-queue retention in a file store, a pull consumer a queue. Not modelled:
//!
//! - replicas and their elections; sequences that are used again after a loss;
//! - a message that reached `MaxDeliver` stays in the stream there, and no consumer gets it; here
//!   it is dropped, or a dead letter if that is asked for;
//! - `AckProgress` starts the wait of the consumer anew, whatever a client asks for; here it is
//!   the time that the client names;
//! - `MaxAckPending`, `BackOff`, `AckAll`, heartbeats of pull requests, flow control, push
//!   consumers;
//! - a limit of messages counts those that nobody holds, while a stream counts all.
//!
//! The server syncs its files every two minutes and acknowledges before that, and so does the
//! preset; with `fsync = "before-ack"`, `confirm = "durable"` and `settled = "durable"` it is one
//! with `sync_interval: always`.
//!
//! # `redis-streams`
//!
//! The append-only file, written every second; a queue a group, each with the whole stream. Not
//! modelled:
//!
//! - what is acknowledged stays in the stream, which `XADD` with `MAXLEN` or `XTRIM` cuts off;
//!   here it is gone from its queue, and a cap counts what the group has not been delivered yet;
//! - replicas, failovers, clusters, snapshots (RDB); ids that are times;
//! - `NOACK`, `XCLAIM` with its options, `XGROUP SETID`, consumers by names: a consumer is a
//!   machine;
//! - to give a message back is no command of Redis: a settlement that does so stands for a
//!   consumer that leaves it to be claimed at once, and one that rejects it for an
//!   acknowledgement.

use super::policy::{
    AckMatch, AnswerWhen, Counting, DedupKept, Hiding, Hold, Overflow, QueueOrder, QueuePolicy,
    Routing, Unroutable,
};
use crate::model::broker::Fsync;
use crate::time::Span;
use serde::Deserialize;

/// A broker whose manual says what the policy is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// `RabbitMQ`'s classic queues, with persistent messages, publisher confirms and manual
    /// acknowledgements.
    RabbitmqClassic,
    /// Amazon SQS standard queues.
    SqsStandard,
    /// Amazon SQS FIFO queues.
    SqsFifo,
    /// A NATS `JetStream` stream with work-queue retention and a pull consumer with explicit
    /// acknowledgements.
    JetstreamWorkQueue,
    /// Redis streams with consumer groups.
    RedisStreams,
}

impl Preset {
    /// What the preset makes of the strict policy.
    pub const fn policy(self, strict: QueuePolicy) -> QueuePolicy {
        match self {
            // "Consumer Acknowledgements and Publisher Confirms": held until the channel or the
            // connection is closed, a flag and no count, no answer to an acknowledgement.
            // "Publishers": without `mandatory` an unroutable message is dropped. "Queue Length
            // Limit": `drop-head`.
            Self::RabbitmqClassic => QueuePolicy {
                hold: Hold::UntilDisconnect,
                count: Counting::Flag,
                settled: AnswerWhen::AtOnce,
                unroutable: Unroutable::Dropped,
                overflow: Overflow::DropHead,
                ..strict
            },
            // "Amazon SQS visibility timeout": 30 seconds. API Reference, "DeleteMessage": the
            // latest receipt handle. "Amazon SQS standard queues": order and at-least-once
            // delivery.
            Self::SqsStandard => QueuePolicy {
                lease: Span::secs(30),
                ack: AckMatch::LatestAttempt,
                order: QueueOrder::BestEffort,
                hiding: Hiding::Usual,
                ..strict
            },
            // "FIFO queue delivery logic": message groups. "Exactly-once processing": an id is
            // known for five minutes.
            Self::SqsFifo => QueuePolicy {
                lease: Span::secs(30),
                ack: AckMatch::Attempt,
                order: QueueOrder::Groups,
                dedup: Some(Span::secs(300)),
                ..strict
            },
            // "Consumers": `AckWait` is 30 seconds. "JetStream Model Deep Dive": a duplicate
            // window of two minutes, and consumers of a work queue that do not overlap. An
            // acknowledgement goes by the stream's sequence (nats-server #4786); a restart reads
            // ids from the messages that are left (nats-server #3272). `DiscardOld` is the default
            // of a limit. "Configuring JetStream", `sync_interval`: two minutes, and nobody waits
            // for it (Jepsen, NATS 2.12.1).
            Self::JetstreamWorkQueue => QueuePolicy {
                fsync: Fsync::Interval(Span::secs(120)),
                confirm: AnswerWhen::AtOnce,
                settled: AnswerWhen::AtOnce,
                routing: Routing::Direct,
                lease: Span::secs(30),
                ack: AckMatch::Message,
                dedup: Some(Span::secs(120)),
                dedup_kept: DedupKept::Stored,
                overflow: Overflow::DropHead,
                ..strict
            },
            // "XREADGROUP", "XACK", "XAUTOCLAIM"; "Redis persistence": `appendfsync everysec`.
            // "XADD": a capped stream evicts its oldest entries.
            Self::RedisStreams => QueuePolicy {
                hold: Hold::UntilClaimed,
                ack: AckMatch::Message,
                fsync: Fsync::Interval(Span::secs(1)),
                confirm: AnswerWhen::AtOnce,
                settled: AnswerWhen::AtOnce,
                overflow: Overflow::DropHead,
                ..strict
            },
        }
    }
}
