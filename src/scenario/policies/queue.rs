//! The policy of the queue broker.

use crate::model::Fsync;
use crate::model::queue::QueuePolicy;
use crate::scenario::{Bounded, FsyncPolicy, Positive, QueueSection, Scenario};

pub(in crate::scenario) fn queue(scenario: &Scenario, section: &QueueSection) -> QueuePolicy {
    let groups = scenario.consumer.groups.get() as u16;
    let strict = QueuePolicy::new(groups, scenario.dead_letters(0));
    let base = section.preset.map_or(strict, |preset| preset.policy(strict));
    let fsync = match (section.fsync, section.fsync_interval) {
        (None, None) => base.fsync,
        (_, Some(every)) => Fsync::Interval(every.get()),
        (Some(FsyncPolicy::Never), None) => Fsync::Never,
        (Some(_), None) => Fsync::BeforeAck,
    };
    QueuePolicy {
        routing: section.routing.unwrap_or(base.routing),
        unbound: section.unbound_key.map(|key| key.get().into()).or(base.unbound),
        unroutable: section.unroutable.unwrap_or(base.unroutable),
        persistence: section.persistence.unwrap_or(base.persistence),
        fsync,
        confirm: section.confirm.unwrap_or(base.confirm),
        settled: section.settled.unwrap_or(base.settled),
        hold: section.hold.unwrap_or(base.hold),
        lease: section.lease.map_or(base.lease, Positive::get),
        ack: section.ack.unwrap_or(base.ack),
        count: section.count.unwrap_or(base.count),
        delivery_limit: section.delivery_limit.map(|most| most.get() as u16),
        order: section.order.unwrap_or(base.order),
        priorities: section.priorities.map(|levels| levels.get() as u8),
        hiding: section.hiding.unwrap_or(base.hiding),
        dedup: section.dedup_window.map(Positive::get).or(base.dedup),
        dedup_kept: section.dedup_kept.unwrap_or(base.dedup_kept),
        length_max: section.length_max.map(Bounded::get),
        overflow: section.overflow.unwrap_or(base.overflow),
        alarm: section.alarm.unwrap_or(base.alarm),
        ttl: section.ttl.map(Positive::get),
        dead_letter: section.dead_letter.unwrap_or(base.dead_letter),
        cursor: section.cursor.unwrap_or(base.cursor),
        ..base
    }
}
