//! What a producer does when, by name.

use crate::id::{FileId, NodeId};
use crate::model::message::Acks;
use crate::time::Span;
use serde::Deserialize;

/// The most requests in flight per partition for which brokers remember enough (KAFKA-5494).
pub const IN_FLIGHT_MAX: u8 = crate::model::broker::REMEMBERED as u8;

/// How a producer names what it sends.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityPolicy {
    /// Not at all: the broker cannot tell a retry from a new message.
    None,
    /// By an id of the message, which every copy and every attempt bears: `Nats-Msg-Id` of
    /// JetStream, `MessageDeduplicationId` of SQS FIFO queues.
    MessageId,
    /// (producer id, epoch, sequence), as in KIP-98. The machine's number stands for the producer
    /// id, and its incarnation for the epoch that an `InitProducerId` which never fails would
    /// return. Every partition counts its epochs for itself.
    #[default]
    Idempotent,
}

/// What a message's id is, for a producer that names messages.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageIdPolicy {
    /// An id of its own.
    #[default]
    Logical,
    /// The key of the business object that it is about, here its routing key. A second message
    /// about the same object is taken for a copy of the first (nats-server #2921, #5142).
    BusinessKey,
}

/// What names a producer has after a restart.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// The same id and a higher epoch, which fences what the earlier process left on the way: what
    /// Kafka gives to a `transactional.id` (KIP-98).
    #[default]
    Bump,
    /// A new id, as Kafka gives to every idempotent producer without a `transactional.id`. Nothing
    /// fences the earlier one.
    FreshId,
    /// The same id, the same epoch, and sequences from 0 again: new messages have the names of old
    /// ones and are answered as their duplicates. Two producers with one id fare no better
    /// (KAFKA-15552).
    Reuse,
}

/// When a producer with batch names begins a new epoch because a batch is missing, and what becomes
/// of the batches that are in flight then.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EpochBump {
    /// Once nothing is in flight any more. Nothing new is sent until then and nothing has two
    /// names: a batch of unknown outcome that went out again under a new name would be written
    /// twice.
    #[default]
    Drain,
    /// As soon as the broker refuses the oldest batch in flight because one before it is missing,
    /// as Kafka does since KIP-360. What is in flight follows under new names in its old order. An
    /// older copy that is still on its way and outruns the new ones is a second record of the same
    /// message: order is kept, idempotence is not.
    Renumber,
    /// At the same moment, in the order in which a binary heap is walked, not emptied (KAFKA-8483).
    RenumberArbitrary,
    /// As soon as the broker refuses any batch, on every partition, though the batches before it
    /// may have been written (redpanda #3039, librdkafka #4953).
    OnRefusal,
}

/// To which partition a message goes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partitioner {
    /// To that of its key, modulo the number of partitions.
    #[default]
    Key,
    /// A producer's n-th message to the n-th partition, modulo their number: without keys, and with
    /// batches of one message, KIP-480's sticky partitions come to that. Messages of one key then
    /// have no order.
    RoundRobin,
}

/// What becomes of sends that a dead process has left without an acknowledgement.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unfinished {
    /// Nothing: what was sent is remembered in memory only.
    #[default]
    Forgotten,
    /// The next process sends them again as new attempts. It knows them from a journal on the
    /// machine's own disk, as far as that had become durable.
    Resent,
}

/// What a client does when an answer does not come.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnTimeout {
    /// Closes the connection and asks again over a new one, as Kafka's `NetworkClient` does.
    Disconnect,
    /// Asks again.
    Resend,
}

/// How long a client waits before it sends again: twice as long after each failure in a row, give
/// or take a fifth, until an acknowledgement comes (KIP-580).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait. Kafka's `retry.backoff.ms`.
    pub first: Span,
    /// The longest. Kafka's `retry.backoff.max.ms`.
    pub max: Span,
}

/// How a producer behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ProducerPolicy {
    /// Where the log is.
    pub broker: NodeId,
    /// How many partitions it has.
    pub partitions: u16,
    /// To which of them a message goes.
    pub partitioner: Partitioner,
    /// How what is sent is named.
    pub identity: IdentityPolicy,
    /// What the id is, if messages are named.
    pub message_id: MessageIdPolicy,
    /// What a restart does to the names.
    pub restart: Restart,
    /// When a new epoch begins, and how.
    pub bump: EpochBump,
    /// Which answer is wanted. Without one a send is reported as done once it is transmitted, as
    /// Kafka does with `acks=0`, and it is never sent again.
    pub acks: Acks,
    /// How many requests to one partition may be unanswered, 1 to [`IN_FLIGHT_MAX`].
    pub in_flight: u8,
    /// How long an answer may take.
    pub timeout: Span,
    /// After this long a message is given up at its next timeout; its outcome is then unknown.
    pub deadline: Span,
    /// How often the application sends a message at most: whenever its outcome is unknown, it sends
    /// again.
    pub attempts: u16,
    /// How long the client waits before it sends again, if it waits.
    pub backoff: Option<Backoff>,
    /// What a late answer leads to.
    pub on_timeout: OnTimeout,
    /// Where sends are written down until they are acknowledged, if they are.
    pub journal: Option<FileId>,
}

impl Backoff {
    /// The wait before the `retry`-th retry in a row, counted from 0; `jitter` is drawn below
    /// [`JITTERS`](Self::JITTERS), and 0 is none.
    pub(super) fn wait(self, retry: u8, jitter: u64) -> Span {
        let doubled = self.first.nanos().saturating_mul(1 << u64::from(retry.min(30)));
        let percent = if jitter <= FIFTH { 100 + jitter } else { 100 + FIFTH - jitter };
        let jittered = (doubled.min(self.max.nanos()) / 100).saturating_mul(percent);
        Span::nanos_of(jittered.min(self.max.nanos()))
    }

    /// How many jitters there are: from a fifth less to a fifth more, by percents.
    pub(super) const JITTERS: u64 = 2 * FIFTH + 1;
}

/// In percent.
const FIFTH: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_maximum_give_or_take_a_fifth() {
        let backoff = Backoff { first: Span::millis(100), max: Span::secs(1) };
        for (retry, jitter, millis) in [
            (0, 0, 100),
            (1, 0, 200),
            (3, 0, 800),
            (4, 0, 1_000),
            (255, 0, 1_000),
            (0, 20, 120),
            (0, 21, 99),
            (0, 40, 80),
            (3, 20, 960),
            (4, 20, 1_000),
            (4, 40, 800),
        ] {
            let wait = backoff.wait(retry, jitter);
            assert_eq!(wait, Span::millis(millis), "retry {retry}, jitter {jitter}");
        }
        assert_eq!(Backoff::JITTERS, 41);
    }
}
