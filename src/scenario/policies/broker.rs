//! The policy of the broker.

use crate::model::Fsync;
use crate::model::broker::{Cleanup, Policy};
use crate::model::saga::SagaPolicy;
use crate::scenario::{Bounded, BrokerSection, FsyncPolicy, Positive, SagaSection, Scenario};

pub(in crate::scenario) fn broker(scenario: &Scenario) -> Policy {
    let section = &scenario.broker;
    let groups = scenario.consumer.groups.get() as u16;
    let partitions = section.partitions.get() as u16;
    let topics = |saga: &SagaSection| SagaPolicy::topics(saga.steps.len() as u8);
    let plain = Policy::new(scenario.saga.as_ref().map_or(partitions, topics), groups);
    Policy {
        fsync: match section.fsync_interval {
            Some(every) => Fsync::Interval(every.get()),
            None if section.fsync == FsyncPolicy::Never => Fsync::Never,
            None => Fsync::BeforeAck,
        },
        on_failed_sync: section.on_failed_sync,
        producer_state: section.producer_state,
        unknown_producer: section.unknown_producer.unwrap_or_default(),
        dedup_window: section.dedup_window.map_or(plain.dedup_window, Positive::get),
        snapshot_every: section.snapshot_every.map(Bounded::get),
        snapshot_of: section.snapshot_of.unwrap_or_default(),
        cleanup: cleanup(section),
        housekeeping: section.housekeeping.map_or(plain.housekeeping, Positive::get),
        producer_state_kept: section.producer_state_kept.unwrap_or_default(),
        checksum: section.checksum,
        ..plain
    }
}

fn cleanup(section: &BrokerSection) -> Cleanup {
    let age = section.retention.map(Positive::get);
    let records = section.retention_records.map(Bounded::get);
    match (age, records) {
        _ if section.compaction => Cleanup::Compact,
        (None, None) => Cleanup::Keep,
        (age, records) => Cleanup::Delete { age, records },
    }
}
