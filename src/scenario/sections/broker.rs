//! The section of the log broker.

use crate::model::broker::{
    OnFailedSync, ProducerState, SnapshotOf, StateKept, UnknownProducer, Verify,
};
use crate::scenario::bounded::{Bounded, Positive};
use serde::Deserialize;

/// When the broker makes durable what it appends.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FsyncPolicy {
    /// Before it acknowledges.
    #[default]
    BeforeAck,
    /// Every `fsync_interval`.
    Interval,
    /// Never.
    Never,
}

/// The log broker.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrokerSection {
    /// How many partitions its log has.
    pub partitions: Bounded<1, 64>,
    /// When it makes durable what it appends.
    pub fsync: FsyncPolicy,
    /// How often, if that is `interval`.
    pub fsync_interval: Option<Positive>,
    /// What it does when that fails.
    pub on_failed_sync: OnFailedSync,
    /// What it remembers of producers.
    pub producer_state: ProducerState,
    /// What it does about a producer that it does not remember, if it remembers batches.
    pub unknown_producer: Option<UnknownProducer>,
    /// How long it remembers the id of a message, if it remembers those.
    pub dedup_window: Option<Positive>,
    /// After how many records of a partition it takes a snapshot of what it remembers; without it a
    /// boot reads the whole log.
    pub snapshot_every: Option<Bounded<1, 1_000_000>>,
    /// What such a snapshot holds.
    pub snapshot_of: Option<SnapshotOf>,
    /// How old a record may get by the broker's wall clock before it is deleted.
    pub retention: Option<Positive>,
    /// How many records a partition may hold before the oldest are deleted.
    pub retention_records: Option<Bounded<1, 1_000_000>>,
    /// Whether only the last record of each key is kept.
    pub compaction: bool,
    /// How often it looks for records to delete or to compact; every 50 ms unless stated.
    pub housekeeping: Option<Positive>,
    /// How long it remembers producers whose records are deleted.
    pub producer_state_kept: Option<StateKept>,
    /// Whether it checks bodies.
    pub checksum: Verify,
}

impl Default for BrokerSection {
    fn default() -> Self {
        Self {
            partitions: Bounded::of::<1>(),
            fsync: FsyncPolicy::default(),
            fsync_interval: None,
            on_failed_sync: OnFailedSync::default(),
            producer_state: ProducerState::default(),
            unknown_producer: None,
            dedup_window: None,
            snapshot_every: None,
            snapshot_of: None,
            retention: None,
            retention_records: None,
            compaction: false,
            housekeeping: None,
            producer_state_kept: None,
            checksum: Verify::default(),
        }
    }
}
