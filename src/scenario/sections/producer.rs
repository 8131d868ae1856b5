//! The section of the producers.

use crate::model::producer::{IdentityPolicy, OnTimeout};
use crate::scenario::bounded::{Bounded, Positive};
use serde::Deserialize;

/// The producers.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProducerSection {
    /// How they name their batches.
    pub identity: IdentityPolicy,
    /// How many requests to one partition may be unanswered.
    pub in_flight: Bounded<1, 5>,
    /// How long an answer may take.
    pub timeout: Positive,
    /// After how long a message is given up, at its next timeout. Kafka's `delivery.timeout.ms`.
    pub deadline: Positive,
    /// What a late answer leads to; on streams `disconnect` unless stated.
    pub on_timeout: Option<OnTimeout>,
}

impl Default for ProducerSection {
    fn default() -> Self {
        Self {
            identity: IdentityPolicy::default(),
            in_flight: Bounded::of::<5>(),
            timeout: Positive::millis(50),
            deadline: Positive::millis(120_000),
            on_timeout: None,
        }
    }
}
