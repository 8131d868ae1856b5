//! The policy of the services.

use super::{consumer, half, producer};
use crate::id::{GroupId, SinkId};
use crate::model::consumer::FetchPolicy;
use crate::model::service::ServicePolicy;
use crate::scenario::{Scenario, ServiceSection};

/// Services count from 0. Each is a group by itself when it reads, and a sink; both come after
/// those of the consumers.
pub(in crate::scenario) fn service(
    scenario: &Scenario,
    section: ServiceSection,
    service: u16,
) -> ServicePolicy {
    let own = scenario.consumer.groups.get() as u16 + service;
    ServicePolicy {
        write: section.write,
        producer: producer(scenario),
        fetch: FetchPolicy { group: GroupId(own), ..consumer(scenario, own, 0).fetch },
        sink: SinkId(own),
        local: half::local(scenario, section),
    }
}
