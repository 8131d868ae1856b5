//! What a log broker may be told to do, right and wrong.

use super::sequences::UnknownProducer;
use crate::id::{GroupId, PartitionId};
use crate::time::Span;
use serde::Deserialize;

/// When the broker makes durable what it has appended.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub enum Fsync {
    /// Before it acknowledges, and before anybody reads it.
    #[default]
    BeforeAck,
    /// Every so often; acknowledgements do not wait. NATS does so every two minutes.
    Interval(Span),
    /// Whenever the operating system likes, as Kafka does unless told otherwise.
    Never,
}

/// What the broker remembers of producers, so as to know a request again.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProducerState {
    /// Epoch and the last five batches of each producer and partition (KIP-98, KAFKA-5494).
    #[default]
    FiveBatches,
    /// The highest sequence id of each producer, in two copies: what was appended and what of it is
    /// durable. An id up to the durable one is acknowledged as a duplicate, without an offset; one
    /// between the two is refused as undecided (Pulsar's message deduplication since #5390). Our
    /// epoch and sequence together stand for Pulsar's sequence id, which an application keeps
    /// rising. It presumes that a producer's requests arrive in order: whatever is overtaken is
    /// taken for a duplicate.
    HighestSequence,
    /// As above, but the highest id is noted before the append is durable, is asked alone, and
    /// stays when the append fails: the retry of what was never stored is acknowledged (Pulsar
    /// #5218).
    SequenceAdvancedBeforePersist,
    /// The ids of messages that were appended within the last `dedup_window` of the broker's wall
    /// clock, with their offsets (`JetStream`'s duplicate window; SQS FIFO queues have one of five
    /// minutes).
    IdWindow,
    /// Nothing: every request is appended.
    None,
}

/// What is done about the checksums of bodies.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verify {
    /// They are computed again, and what does not match is refused.
    #[default]
    Verify,
    /// They are passed on unread.
    Trust,
}

/// What the broker does when a sync of its log fails.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailedSync {
    /// It starts over from its disk, as Kafka gives up a log directory and PostgreSQL its process.
    #[default]
    Restart,
    /// It cuts the log back to what is durable, takes back what it remembers of the rest, breaks
    /// with the producers and lives on, as a Pulsar topic does that is fenced until `BookKeeper`
    /// has given it a new ledger.
    Truncate,
}

/// How long the broker remembers producers whose records retention has deleted.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateKept {
    /// On: nothing is deleted before a snapshot holds what is remembered of it (KIP-360,
    /// KAFKA-7190).
    #[default]
    OutlivesLog,
    /// Batches are forgotten with their records, and a producer with its last batch, as Kafka did
    /// before 2.4.
    WithLog,
}

/// What a snapshot of the producer state holds.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotOf {
    /// What is remembered of the durable log. A snapshot beyond the end of the log is dropped at
    /// boot.
    #[default]
    DurableLog,
    /// What is in memory, whether the log has it yet or not, and a boot believes it: the snapshot
    /// may be ahead of the log (KAFKA-6683).
    Memory,
}

/// How a broker behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How many partitions its log has.
    pub partitions: u16,
    /// How many consumer groups it keeps offsets for.
    pub groups: u16,
    /// When appends are made durable.
    pub fsync: Fsync,
    /// What follows if that fails.
    pub on_failed_sync: OnFailedSync,
    /// What it remembers of producers.
    pub producer_state: ProducerState,
    /// What it does about producers that it does not remember.
    pub unknown_producer: UnknownProducer,
    /// How long an id is remembered, by [`ProducerState::IdWindow`].
    pub dedup_window: Span,
    /// After how many records it takes a snapshot of what it remembers, if at all. Without one a
    /// boot reads the whole log.
    pub snapshot_every: Option<u32>,
    /// What a snapshot holds.
    pub snapshot_of: SnapshotOf,
    /// How it gets rid of old records.
    pub cleanup: Cleanup,
    /// How often it looks whether there are any.
    pub housekeeping: Span,
    /// How long it remembers producers whose records are deleted.
    pub producer_state_kept: StateKept,
    /// Whether it checks bodies.
    pub checksum: Verify,
}

/// How a log gets rid of old records (Kafka's `cleanup.policy`).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub enum Cleanup {
    /// Not at all.
    #[default]
    Keep,
    /// Its oldest records are deleted.
    Delete {
        /// Once they are so old by the broker's wall clock, counted from the append (KIP-32's
        /// `LogAppendTime`, `retention.ms`).
        age: Option<Span>,
        /// Once so many newer ones are there (`JetStream`'s `MaxMsgs`).
        records: Option<u32>,
    },
    /// The last record of each key is kept below the durable end, and offsets stay
    /// (`cleanup.policy=compact`).
    Compact,
}

impl Policy {
    /// A broker with so many partitions, for so many groups, that promises what it can: it syncs
    /// before it acknowledges, remembers five batches of each producer, and keeps every record.
    pub const fn new(partitions: u16, groups: u16) -> Self {
        Self {
            partitions,
            groups,
            fsync: Fsync::BeforeAck,
            on_failed_sync: OnFailedSync::Restart,
            producer_state: ProducerState::FiveBatches,
            unknown_producer: UnknownProducer::Accept,
            dedup_window: Span::ZERO,
            snapshot_every: None,
            snapshot_of: SnapshotOf::DurableLog,
            cleanup: Cleanup::Keep,
            housekeeping: Span::millis(50),
            producer_state_kept: StateKept::OutlivesLog,
            checksum: Verify::Verify,
        }
    }

    /// The place of a group's offset in a partition.
    #[inline]
    pub(super) fn slot(&self, group: GroupId, partition: PartitionId) -> Option<usize> {
        let known = group.0 < self.groups && partition.0 < self.partitions;
        known.then(|| group.index() * usize::from(self.partitions) + partition.index())
    }

    /// Whether a record is stamped with the time of its append.
    pub fn stamps(&self) -> bool {
        self.producer_state == ProducerState::IdWindow || self.deletes_by_age()
    }

    /// Whether records are deleted once they are old.
    pub(super) fn deletes_by_age(&self) -> bool {
        matches!(self.cleanup, Cleanup::Delete { age: Some(_), .. })
    }

    /// Whether a snapshot must hold what is remembered of records before they go.
    pub(super) fn snapshots_first(&self) -> bool {
        self.producer_state != ProducerState::None
            && self.producer_state_kept == StateKept::OutlivesLog
    }

    /// Whether an append is acknowledged before it is durable.
    #[inline]
    pub(super) fn acknowledges_early(&self) -> bool {
        self.fsync != Fsync::BeforeAck
    }
}
