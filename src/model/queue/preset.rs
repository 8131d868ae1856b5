//! Brokers by name: what their manuals say, as policies.

use super::policy::{
    AckMatch, Confirm, Counting, DeadLetter, DedupKept, Hiding, Hold, Overflow, QueueOrder,
    QueuePolicy, Routing, Unroutable,
};
use crate::model::broker::Fsync;
use crate::time::Span;
use serde::Deserialize;

/// A broker whose manual says what the policy is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// RabbitMQ's classic queues, with persistent messages, publisher confirms and manual
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
            Self::RabbitmqClassic => QueuePolicy {
                hold: Hold::UntilDisconnect,
                count: Counting::Flag,
                settled: Confirm::AtOnce,
                unroutable: Unroutable::Dropped,
                overflow: Overflow::DropHead,
                ..strict
            },
            Self::SqsStandard => QueuePolicy {
                lease: Span::secs(30),
                ack: AckMatch::LatestAttempt,
                order: QueueOrder::BestEffort,
                hiding: Hiding::Usual,
                ..strict
            },
            Self::SqsFifo => QueuePolicy {
                lease: Span::secs(30),
                ack: AckMatch::Attempt,
                order: QueueOrder::Groups,
                dedup: Some(Span::secs(300)),
                ..strict
            },
            Self::JetstreamWorkQueue => QueuePolicy {
                routing: Routing::Direct,
                lease: Span::secs(30),
                ack: AckMatch::Message,
                dedup: Some(Span::secs(120)),
                dedup_kept: DedupKept::Stored,
                ..strict
            },
            Self::RedisStreams => QueuePolicy {
                hold: Hold::UntilClaimed,
                ack: AckMatch::Message,
                fsync: Fsync::Interval(Span::secs(1)),
                confirm: Confirm::AtOnce,
                settled: Confirm::AtOnce,
                dead_letter: DeadLetter::None,
                ..strict
            },
        }
    }
}
