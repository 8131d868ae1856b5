//! The policy of the producers.

use super::{BROKER, natural};
use crate::model::producer::ProducerPolicy;
use crate::scenario::Scenario;

pub(in crate::scenario) fn producer(scenario: &Scenario) -> ProducerPolicy {
    let section = &scenario.producer;
    ProducerPolicy {
        broker: BROKER,
        partitions: scenario.broker.partitions.get() as u16,
        identity: section.identity,
        in_flight: section.in_flight.get() as u8,
        timeout: section.timeout.get(),
        deadline: section.deadline.get(),
        on_timeout: section.on_timeout.unwrap_or(natural(scenario)),
    }
}
