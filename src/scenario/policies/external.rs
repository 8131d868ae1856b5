//! The policy of the external system.

use crate::model::external::ExternalPolicy;
use crate::scenario::{ExternalSection, Scenario};

pub(in crate::scenario) fn external(
    scenario: &Scenario,
    section: &ExternalSection,
) -> ExternalPolicy {
    let sink = scenario.external_sink();
    ExternalPolicy { sink, keys: section.keys, retention: section.retention.get() }
}
