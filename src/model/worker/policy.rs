//! What a worker does when: its policies.

use crate::id::{GroupId, NodeId, PartitionId, QueueId, SinkId};
use crate::model::broker::Verify;
use crate::model::consumer::{Dedup, Settle, Target};
use crate::seed::Ratio;
use crate::time::Span;
use serde::Deserialize;

/// How a worker comes by messages.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Intake {
    /// The queue hands them over as they come (AMQP's `basic.consume`).
    Push,
    /// The worker asks for them.
    Pull {
        /// The most messages of an answer.
        batch: u16,
        /// How long the queue may wait for something to hand out; shorter than the timeout.
        wait_max: Span,
        /// Whether a queue that hands nothing out again by itself has to be asked for what was
        /// left lying, as one has to of a Redis stream.
        claim: Option<Claim>,
    },
}

/// How a worker comes by what was handed out before and not settled: what it held itself, after a
/// restart or a late answer, by `XREADGROUP` with an id; what others hold, by `XAUTOCLAIM`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// How long another worker must have held a message.
    pub idle: Span,
}

/// Whether settlements are answered.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirm {
    /// They are repeated until the queue has answered: `JetStream`'s double ack, `XACK`, SQS's
    /// `DeleteMessage`.
    #[default]
    Answered,
    /// They are sent and forgotten, as AMQP's `basic.ack` is.
    Unanswered,
}

/// What becomes of a message whose handling has failed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setback {
    /// The worker keeps it and tries again until it succeeds.
    #[default]
    Retry,
    /// The worker keeps it and tries again; after the stated retries it rejects the message, which
    /// becomes a dead letter.
    Reject,
    /// The worker gives it back, to be delivered again when the backoff has passed, and its
    /// successors at once; after the stated retries it rejects the message.
    Requeue,
    /// The worker publishes it anew, to the end of the queue, and acks the old one once the new
    /// one is confirmed; after the stated retries it rejects the message. A crash in between
    /// leaves both.
    Republish,
}

/// What happens meanwhile to later messages of the same key.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Successors {
    /// They are held back until the failed one is settled, and follow it if it becomes a dead
    /// letter. That a key is held or dead stands in the worker's database, so that a restart does
    /// not forget it. Those that are given back meanwhile may change places among themselves: only
    /// a worker that keeps what has failed keeps the order.
    #[default]
    Held,
    /// They are handled.
    Proceed,
}

/// By what a resource tells that who acts on it may still do so.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fence {
    /// By a token: each act carries the number of the delivery that entitles it, and the resource,
    /// a row of the database, refuses one that is lower than the last it saw, in the transaction of
    /// the act (Kleppmann, "How to do distributed locking").
    #[default]
    Token,
    /// By nothing.
    None,
}

/// What a worker does to a resource on which only one may act at a time: the one that holds the
/// message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Acts {
    /// How often it acts while it handles a message. The last act is one with the effect.
    pub times: u16,
    /// Where the acts show.
    pub sink: SinkId,
    /// What keeps others from acting.
    pub fence: Fence,
}

/// How a worker behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct WorkerPolicy {
    /// Where the queue is.
    pub broker: NodeId,
    /// The queue.
    pub queue: QueueId,
    /// The workers of the queue.
    pub group: GroupId,
    /// When it begins to consume.
    pub joins: Span,
    /// How it comes by messages.
    pub intake: Intake,
    /// How many messages it may hold at a time (AMQP's `prefetch-count`).
    pub prefetch: u16,
    /// How many of them it handles at a time.
    pub hands: u8,
    /// Whether what it holds is the queue's again when the connection ends.
    pub is_bound: bool,
    /// How long a delivery is the worker's, if a heartbeat is to make that longer.
    pub heartbeat: Option<Span>,
    /// How long an answer may take; then the worker closes the connection.
    pub timeout: Span,
    /// Whether bodies are checked.
    pub checksum: Verify,
    /// Whether it settles before or after the effect.
    pub settle: Settle,
    /// Whether settlements are answered.
    pub confirm: Confirm,
    /// How it tells duplicates: by an inbox, by memory or not at all.
    pub dedup: Dedup,
    /// Where its effects land.
    pub sink: SinkId,
    /// On which machine that is.
    pub target: Target,
    /// How long handling takes between what it reads and what it commits.
    pub work: Span,
    /// How often it fails, by no fault of the message.
    pub failing: Ratio,
    /// The handling of every so-manieth message of a producer always fails.
    pub poison: Option<u32>,
    /// What happens then.
    pub setback: Setback,
    /// And to the successors.
    pub successors: Successors,
    /// How often a failed handling is tried again before the message is rejected.
    pub retries: u16,
    /// The time before that.
    pub backoff: Span,
    /// The exchange that leads to its queue alone (AMQP's default exchange).
    pub to_queue: PartitionId,
    /// What it does to a resource that needs an owner, if there is one.
    pub acts: Option<Acts>,
    /// A message is given back until it has been delivered so often; it is the lock of a resource
    /// that passes from worker to worker.
    pub passes: u16,
}

impl WorkerPolicy {
    /// Whether it remembers keys whose messages have failed.
    pub(super) const fn keeps_keys(&self) -> bool {
        matches!(self.successors, Successors::Held) && !matches!(self.setback, Setback::Retry)
    }

    /// Whether the resource refuses who is late.
    pub(super) const fn is_fenced(&self) -> bool {
        matches!(self.acts, Some(Acts { fence: Fence::Token, .. }))
    }
}
