//! The section of the services.

use crate::model::service::WritePolicy;
use serde::Deserialize;

/// Services in the place of the producers: they send the workload, and each message is about a
/// change of their own state.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceSection {
    /// In which order they write their state and the log.
    pub write: WritePolicy,
}
