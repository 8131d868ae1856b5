//! The policy of the producers.

use super::{BROKER, natural};
use crate::id::FileId;
use crate::model::producer::{Backoff, ProducerPolicy, Unfinished};
use crate::scenario::{Retries, Scenario};

/// The only file of a producer's machine.
const JOURNAL: FileId = FileId(0);

pub(in crate::scenario) fn producer(scenario: &Scenario) -> ProducerPolicy {
    let section = &scenario.producer;
    ProducerPolicy {
        broker: BROKER,
        partitions: scenario.broker.partitions.get() as u16,
        partitioner: section.partitioner,
        identity: section.identity,
        message_id: section.message_id,
        restart: section.restart,
        bump: section.bump,
        acks: section.acks,
        in_flight: section.in_flight.get() as u8,
        timeout: section.timeout.get(),
        deadline: section.deadline.get(),
        attempts: match section.retries {
            Retries::Protocol => 1,
            Retries::Application(times) => 1 + times.get() as u16,
        },
        backoff: section.backoff.map(|wait| Backoff { first: wait.least(), max: wait.most() }),
        on_timeout: section.on_timeout.unwrap_or(natural(scenario)),
        journal: (section.unfinished == Unfinished::Resent).then_some(JOURNAL),
    }
}
