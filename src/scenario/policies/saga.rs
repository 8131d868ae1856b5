//! The policy of sagas.

use super::{consumer, producer};
use crate::model::producer::ProducerPolicy;
use crate::model::saga::SagaPolicy;
use crate::scenario::{Positive, SagaSection, Scenario};

/// The time before a failed handling is repeated unless stated.
const BACKOFF: Positive = Positive::millis(10);

pub(in crate::scenario) fn saga(scenario: &Scenario, section: &SagaSection) -> SagaPolicy {
    let steps = section.steps.len() as u8;
    SagaPolicy {
        style: section.style,
        steps,
        timeout: section.timeout.map(Positive::get),
        refusing: section.refusing,
        failing: section.failing,
        backoff: section.retry_backoff.unwrap_or(BACKOFF).get(),
        tombstone: section.tombstone,
        steps_are: section.steps_are,
        compensation: section.compensation,
        decision: section.decision,
        answer: section.answer,
        // An outbox does not give up: what its client gives up, it sends again.
        producer: ProducerPolicy {
            partitions: SagaPolicy::topics(steps),
            attempts: u16::MAX,
            journal: None,
            ..producer(scenario)
        },
        fetch: consumer(scenario, 0, 0).fetch,
    }
}
