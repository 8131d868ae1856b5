//! The section of the queue broker.

use super::FsyncPolicy;
use crate::model::queue::{
    AckMatch, Alarm, AnswerWhen, Counting, Cursor, DeadLetter, DedupKept, Hiding, Hold, Overflow,
    Persistence, Preset, QueueOrder, Routing, Unroutable,
};
use crate::scenario::bounded::{Bounded, Positive};
use serde::Deserialize;

/// A queue broker in the place of the log broker: a queue a group. What is left out is as the
/// preset has it, or else the strict choice.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueSection {
    /// The broker whose manual says what the other keys are.
    pub preset: Option<Preset>,
    /// Which queues a message goes to; to each of them unless stated.
    pub routing: Option<Routing>,
    /// A routing key that no queue is bound for.
    pub unbound_key: Option<Bounded<0, 999_999>>,
    /// What becomes of a message that no queue is bound for; it is returned unless stated.
    pub unroutable: Option<Unroutable>,
    /// Whether messages outlive the process; they do unless stated.
    pub persistence: Option<Persistence>,
    /// When it makes durable what it has written; `before-ack` unless stated, which is at once.
    pub fsync: Option<FsyncPolicy>,
    /// How often, if that is `interval`.
    pub fsync_interval: Option<Positive>,
    /// Whether the answer to a publisher waits for that, and with it the delivery; it does unless
    /// stated.
    pub confirm: Option<AnswerWhen>,
    /// Whether the answer to a settlement waits for that; it does unless stated.
    pub settled: Option<AnswerWhen>,
    /// How long a delivered message is its consumer's; for `lease` unless stated.
    pub hold: Option<Hold>,
    /// How long that is, if there is an end to it; half a second unless stated.
    pub lease: Option<Positive>,
    /// What a settlement must match; a delivery under way and its consumer unless stated.
    pub ack: Option<AckMatch>,
    /// How deliveries are counted; on the disk unless stated.
    pub count: Option<Counting>,
    /// How often a message is delivered before it is not to be delivered again.
    pub delivery_limit: Option<Bounded<1, 1_000>>,
    /// In which order messages are delivered; that of the queue unless stated.
    pub order: Option<QueueOrder>,
    /// How many priorities there are: a message has that of its key modulo their number.
    pub priorities: Option<Bounded<2, 255>>,
    /// Whether a delivered message is sure to be hidden from others; it is unless stated.
    pub hiding: Option<Hiding>,
    /// How long it knows the id of a message, by its wall clock.
    pub dedup_window: Option<Positive>,
    /// What a restart leaves of those ids; all unless stated.
    pub dedup_kept: Option<DedupKept>,
    /// How many messages may wait in a queue.
    pub length_max: Option<Bounded<1, 1_000_000>>,
    /// What happens to those beyond; they are refused unless stated.
    pub overflow: Option<Overflow>,
    /// Whom an alarm stops; publishers alone unless stated.
    pub alarm: Option<Alarm>,
    /// How old a message may get by the broker's wall clock before it expires, unless a consumer
    /// holds it.
    pub ttl: Option<Positive>,
    /// What becomes of a message that is not to be delivered again; it is dropped unless stated.
    pub dead_letter: Option<DeadLetter>,
    /// Where it keeps what a group has been delivered and has settled; on the disk unless stated.
    pub cursor: Option<Cursor>,
}
