//! The section of the services.

use crate::model::half::RunningAnswer;
use crate::model::service::WritePolicy;
use crate::scenario::bounded::{Between, Bounded};
use crate::seed::Ratio;
use serde::Deserialize;

/// Services in the place of the producers: they send the workload, and each message is about a
/// change of their own state.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceSection {
    /// In which order they write their state and the log.
    pub write: WritePolicy,
    /// How long a local transaction takes, if a half message goes before it; from 5 to 20 ms unless
    /// stated.
    pub work: Option<Between>,
    /// How many of them are rolled back.
    pub refusing: Ratio,
    /// What is said of one that is still running.
    pub running: RunningAnswer,
    /// How many operations are carried out at a time, if they write by an outbox; 4 unless stated.
    pub at_a_time: Option<Bounded<1, 64>>,
}

impl Default for ServiceSection {
    fn default() -> Self {
        Self {
            write: WritePolicy::default(),
            work: None,
            refusing: Ratio::NEVER,
            running: RunningAnswer::default(),
            at_a_time: None,
        }
    }
}
