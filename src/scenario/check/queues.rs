//! What a queue broker can be told.

use super::Problem;
use crate::model::Fsync;
use crate::model::producer::IdentityPolicy;
use crate::model::queue::{
    Alarm, AnswerWhen, Counting, Cursor, DedupKept, Hold, Overflow, Persistence, QueuePolicy,
};
use crate::profile::Transport;
use crate::scenario::sections::FsyncPolicy;
use crate::scenario::{BrokerSection, IntakeName, QueueSection, Scenario, policies};

pub(super) fn queues(scenario: &Scenario) -> Result<(), Problem> {
    let Some(section) = &scenario.queue else { return Ok(()) };
    if scenario.broker != BrokerSection::default() {
        return Err(Problem::new(
            "broker",
            "a queue broker stands in the place of the log broker",
            "leave out the section, or that of the queue",
        ));
    }
    if scenario.service.is_some() {
        return Err(Problem::new(
            "service",
            "services read a log, and there is none",
            "leave out the section, or that of the queue",
        ));
    }
    if scenario.producer.identity == IdentityPolicy::Idempotent {
        return Err(Problem::new(
            "producer.identity",
            "a queue broker knows no sequences of producers",
            "write \"none\" or \"message-id\"",
        ));
    }
    if (section.fsync == Some(FsyncPolicy::Interval)) != section.fsync_interval.is_some() {
        return Err(Problem::new(
            "queue.fsync_interval",
            "an interval belongs to fsync = \"interval\", and only to it",
            "state both or neither",
        ));
    }
    together(scenario, section, &policies::queue(scenario, section))
}

/// Values that belong together.
fn together(
    scenario: &Scenario,
    section: &QueueSection,
    policy: &QueuePolicy,
) -> Result<(), Problem> {
    let is_capped = policy.length_max.is_some();
    let waits = [policy.confirm, policy.settled].contains(&AnswerWhen::Durable);
    let impossible = [
        (
            policy.fsync == Fsync::Never && waits && policy.persistence == Persistence::Durable,
            "queue.fsync",
            "what is never made durable cannot be waited for",
            "write \"before-ack\", or confirm = \"at-once\" and settled = \"at-once\"",
        ),
        (
            policy.hold == Hold::UntilDisconnect
                && scenario.network.transport == Transport::Datagram,
            "queue.hold",
            "datagrams have no connection to lose",
            "write \"lease\", or use network.transport = \"stream\"",
        ),
        (
            scenario.worker.intake == IntakeName::Push
                && scenario.network.transport == Transport::Datagram,
            "worker.intake",
            "a subscription lasts as long as a connection, and datagrams have none",
            "write \"pull\", or use network.transport = \"stream\"",
        ),
        (
            section.lease.is_some() && policy.hold != Hold::Lease,
            "queue.lease",
            "only with hold = \"lease\" does a delivery end by itself",
            "leave it out, or write hold = \"lease\"",
        ),
        (
            section.delivery_limit.is_some() && policy.count == Counting::Flag,
            "queue.delivery_limit",
            "deliveries are not counted",
            "leave it out, or write count = \"durable\"",
        ),
        (
            section.dedup_kept.is_some_and(|kept| kept != DedupKept::All) && policy.dedup.is_none(),
            "queue.dedup_kept",
            "no ids are known",
            "leave it out, or state queue.dedup_window",
        ),
        (
            section.overflow.is_some() && !is_capped,
            "queue.overflow",
            "a queue without a cap is never full",
            "leave it out, or state queue.length_max",
        ),
        (
            policy.alarm == Alarm::BlocksConnection && policy.overflow != Overflow::Backpressure,
            "queue.alarm",
            "only with overflow = \"backpressure\" is there an alarm",
            "leave it out, or write overflow = \"backpressure\"",
        ),
        (
            policy.cursor == Cursor::Memory && policy.persistence == Persistence::Transient,
            "queue.cursor",
            "nothing at all is on the disk",
            "leave it out, or write persistence = \"durable\"",
        ),
    ];
    match impossible.into_iter().find(|(is_so, ..)| *is_so) {
        Some((_, key, why, cure)) => Err(Problem::new(key, why, cure)),
        None => Ok(()),
    }
}
