//! The section of the sagas.

use crate::model::saga::{Answers, Compensation, Decisions, SagaStyle, StepsAre, Tombstone};
use crate::scenario::bounded::Positive;
use crate::seed::Ratio;
use serde::Deserialize;

/// Orders of several steps. In the place of the producers there are services that accept the
/// workload, a message an order, and in the place of the consumers a machine a step. They speak to
/// each other over topics of the log, by what `[producer]` and `[consumer]` say about publishing
/// and reading.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SagaSection {
    /// The machines that take the steps of an order, 2 to 4 of them, in this order.
    pub steps: Vec<String>,
    /// Who tells them what to do.
    #[serde(default)]
    pub style: SagaStyle,
    /// How many steps are refused.
    #[serde(default = "never")]
    pub refusing: Ratio,
    /// How many handlings fail, and succeed when they are repeated.
    #[serde(default = "never")]
    pub failing: Ratio,
    /// The time before a failed handling is repeated; 10 ms unless stated.
    pub retry_backoff: Option<Positive>,
    /// How long a service waits for a step, or for the whole order if nobody tells it of steps,
    /// before it calls the order off; without it, it waits for ever.
    pub timeout: Option<Positive>,
    /// What becomes of an undoing that has outrun its step.
    #[serde(default)]
    pub tombstone: Tombstone,
    /// What a machine does when a letter comes again.
    #[serde(default)]
    pub steps_are: StepsAre,
    /// What becomes of an undoing that fails.
    #[serde(default)]
    pub compensation: Compensation,
    /// Where the services keep what they have decided.
    #[serde(default)]
    pub decision: Decisions,
    /// How the machines of the steps answer.
    #[serde(default)]
    pub answer: Answers,
}

const fn never() -> Ratio {
    Ratio::NEVER
}
