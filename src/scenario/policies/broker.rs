//! The policy of the broker.

use crate::model::Fsync;
use crate::model::broker::Policy;
use crate::scenario::{FsyncPolicy, Scenario};

pub(in crate::scenario) fn broker(scenario: &Scenario) -> Policy {
    let section = &scenario.broker;
    Policy {
        partitions: section.partitions.get() as u16,
        groups: scenario.consumer.groups.get() as u16,
        fsync: match section.fsync_interval {
            Some(every) => Fsync::Interval(every.get()),
            None if section.fsync == FsyncPolicy::Never => Fsync::Never,
            None => Fsync::BeforeAck,
        },
        producer_state: section.producer_state,
        unknown_producer: section.unknown_producer.unwrap_or_default(),
        checksum: section.checksum,
    }
}
