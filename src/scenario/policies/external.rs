//! The policy of the external system.

use crate::id::SinkId;
use crate::model::external::ExternalPolicy;
use crate::scenario::{ExternalSection, Scenario};

/// Its sink comes after those of the groups and the services.
pub(in crate::scenario) fn external(
    scenario: &Scenario,
    section: &ExternalSection,
) -> ExternalPolicy {
    let services = scenario.service.map_or(0, |_| scenario.workload.producers.get());
    let sink = SinkId((scenario.consumer.groups.get() + services) as u16);
    ExternalPolicy { sink, keys: section.keys, retention: section.retention.get() }
}
