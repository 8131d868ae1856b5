//! The policy of the consumers.

use super::{BROKER, natural};
use crate::id::{GroupId, SinkId};
use crate::model::consumer::{ConsumerPolicy, FetchPolicy};
use crate::scenario::{Scenario, Until};

pub(in crate::scenario) fn consumer(
    scenario: &Scenario,
    group: u16,
    member: u16,
) -> ConsumerPolicy {
    let section = &scenario.consumer;
    let (producers, messages) = (scenario.workload.producers, scenario.workload.messages);
    let own: u32 = scenario.programs.iter().map(|program| program.messages).sum();
    let total = (producers.get().saturating_mul(messages.get())).saturating_add(own);
    ConsumerPolicy {
        fetch: FetchPolicy {
            broker: BROKER,
            group: GroupId(group),
            batch: section.batch.get() as u16,
            timeout: section.timeout.get(),
            wait_max: section.wait_max,
            commit: section.commit.unwrap_or_default(),
            on_timeout: section.on_timeout.unwrap_or(natural(scenario)),
            checksum: section.checksum,
        },
        partitions: scenario.broker.partitions.get() as u16,
        member,
        members: section.members.get() as u16,
        sink: SinkId(group),
        settle: section.settle,
        dedup: section.dedup,
        resume: section.resume,
        enough: (section.until == Until::Complete).then_some(total),
    }
}
