//! The section of the external system.

use crate::model::external::Keys;
use crate::scenario::bounded::Positive;
use serde::Deserialize;

/// An external system.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExternalSection {
    /// What it does about idempotency keys.
    pub keys: Keys,
    /// How long it remembers one, by its own wall clock.
    pub retention: Positive,
}

impl Default for ExternalSection {
    fn default() -> Self {
        Self { keys: Keys::default(), retention: Positive::millis(24 * 3_600_000) }
    }
}
