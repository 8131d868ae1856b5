//! The policy of the services.

use super::{consumer, half, producer, relay};
use crate::id::{GroupId, SinkId};
use crate::model::consumer::FetchPolicy;
use crate::model::service::{ServicePolicy, WritePolicy};
use crate::scenario::{Scenario, ServiceSection};

/// Services count from 0. Each is a group by itself when it reads, and a sink; both come after
/// those of the consumers.
pub(in crate::scenario) fn service(
    scenario: &Scenario,
    section: ServiceSection,
    service: u16,
) -> ServicePolicy {
    let own = scenario.consumer.groups.get() as u16 + service;
    // In a database that they share, services have one state.
    let state = match section.write {
        WritePolicy::Outbox => scenario.consumer.groups.get() as u16,
        _ => own,
    };
    ServicePolicy {
        write: section.write,
        producer: producer(scenario),
        fetch: FetchPolicy { group: GroupId(own), ..consumer(scenario, own, 0).fetch },
        sink: SinkId(state),
        local: half::local(scenario, section),
        outbox: relay::outbox(scenario, section),
    }
}
