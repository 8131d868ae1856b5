//! The policies of half messages.

use super::producer;
use crate::model::half::{HalfPolicy, LocalPolicy};
use crate::model::producer::ProducerPolicy;
use crate::scenario::{Between, HalfSection, Scenario, ServiceSection};

/// How long a local transaction takes unless stated.
const WORK: Between = Between::micros(5_000, 20_000);

pub(in crate::scenario) fn half(scenario: &Scenario, section: &HalfSection) -> HalfPolicy {
    HalfPolicy {
        // It does not give up what is committed: no message has a deadline.
        producer: ProducerPolicy { attempts: u16::MAX, journal: None, ..producer(scenario) },
        check: section.check.get(),
        immunity: section.immunity.get(),
        immunity_by: section.immunity_by,
        check_max: section.check_max.get(),
        age_max: section.age_max.get(),
    }
}

/// How services carry out their local transactions, if there is a broker of half messages.
pub(super) fn local(scenario: &Scenario, section: ServiceSection) -> Option<LocalPolicy> {
    let work = section.work.unwrap_or(WORK);
    Some(LocalPolicy {
        broker: scenario.half_node()?,
        timeout: scenario.producer.timeout.get(),
        work: work.least(),
        work_width: work.width(),
        refusing: section.refusing,
        running: section.running,
    })
}
