//! The policy of the consumers.

use super::{BROKER, natural};
use crate::id::GroupId;
use crate::model::consumer::{Apply, ConsumerPolicy, FetchPolicy, HandlingPolicy, Target};
use crate::model::database_server::SessionPolicy;
use crate::model::external::CallPolicy;
use crate::scenario::{Bounded, Positive, Scenario, Until};

/// How often a failed handling is repeated unless stated: Spring Kafka's default.
pub(super) const RETRIES: u16 = 9;
/// The time before that unless stated.
pub(super) const BACKOFF: Positive = Positive::millis(10);
/// How often a call is made before it counts as failed.
const ATTEMPTS: u8 = 3;

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
        sink: scenario.sink(group),
        settle: section.settle,
        dedup: section.dedup,
        inbox_expiry: section.inbox_expiry,
        apply: section.apply,
        target: target(scenario),
        guard: section.guard.unwrap_or_default(),
        handling: handling(scenario, group),
        resume: section.resume,
        rebuild: section.rebuild,
        enough: (section.until == Until::Complete).then_some(total),
    }
}

fn handling(scenario: &Scenario, group: u16) -> HandlingPolicy {
    let section = &scenario.consumer;
    HandlingPolicy {
        work: section.work,
        failing: section.failing,
        poison: scenario.workload.poison.map(Bounded::get),
        on_failure: section.on_failure.unwrap_or_default(),
        retries: section.retries.map_or(RETRIES, |retries| retries.get() as u16),
        backoff: section.retry_backoff.unwrap_or(BACKOFF).get(),
        dead_letters: scenario.dead_letters(group),
    }
}

/// The other machine that takes part in the handling.
pub(super) fn target(scenario: &Scenario) -> Target {
    let section = &scenario.consumer;
    let timeout = section.timeout.get();
    match (section.apply, scenario.database_node(), scenario.external_node()) {
        (Apply::Database, Some(server), _) => Target::Database(SessionPolicy { server, timeout }),
        (Apply::External, _, Some(server)) => Target::External(CallPolicy {
            server,
            key: section.idempotency_key.unwrap_or_default(),
            timeout,
            backoff: section.retry_backoff.unwrap_or(BACKOFF).get(),
            attempts: ATTEMPTS,
        }),
        _ => Target::Own,
    }
}
