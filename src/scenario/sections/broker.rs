//! The section of the log broker.

use crate::model::broker::{ProducerState, UnknownProducer, Verify};
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
    /// What it remembers of producers.
    pub producer_state: ProducerState,
    /// What it does about a producer that it does not remember, unless it remembers none.
    pub unknown_producer: Option<UnknownProducer>,
    /// Whether it checks bodies.
    pub checksum: Verify,
}

impl Default for BrokerSection {
    fn default() -> Self {
        Self {
            partitions: Bounded::of::<1>(),
            fsync: FsyncPolicy::default(),
            fsync_interval: None,
            producer_state: ProducerState::default(),
            unknown_producer: None,
            checksum: Verify::default(),
        }
    }
}
