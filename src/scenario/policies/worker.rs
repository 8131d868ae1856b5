//! The policies of the workers.

use super::consumer::{BACKOFF, RETRIES, target};
use super::{BROKER, queue};
use crate::id::{GroupId, PartitionId, QueueId};
use crate::model::consumer::{Dedup, Settle, Target};
use crate::model::queue::{Hold, QueuePolicy};
use crate::model::worker::{Acts, Claim, Intake, Setback, Successors, WorkerPolicy};
use crate::scenario::{Bounded, Heartbeat, IntakeName, Positive, QueueSection, Scenario};
use crate::seed::Ratio;
use crate::time::Span;

/// For how long another must have held a message before it is claimed, unless stated.
const CLAIM_IDLE: Positive = Positive::millis(100);
/// When late workers join, unless stated.
const LATE_BY: Positive = Positive::millis(100);

/// A worker of a group.
pub(in crate::scenario) fn worker(
    scenario: &Scenario,
    section: &QueueSection,
    group: u16,
    member: u16,
) -> WorkerPolicy {
    let queue = queue(scenario, section);
    let (consumer, worker) = (&scenario.consumer, &scenario.worker);
    let first_late = consumer.members.get().saturating_sub(worker.late.get());
    let is_late = u32::from(member) >= first_late;
    let times = worker.acts.get() as u16;
    let acts = Acts { times, sink: scenario.acts(group), fence: worker.fence };
    WorkerPolicy {
        joins: if is_late { worker.late_by.unwrap_or(LATE_BY).get() } else { Span::ZERO },
        settle: consumer.settle,
        dedup: consumer.dedup,
        target: target(scenario),
        work: consumer.work,
        failing: consumer.failing,
        poison: scenario.workload.poison.map(Bounded::get),
        setback: worker.on_failure,
        successors: worker.successors,
        acts: (times > 0).then_some(acts),
        passes: worker.passes.get() as u16,
        sink: scenario.sink(group),
        ..plain(scenario, &queue, QueueId(group))
    }
}

/// Who takes the dead letters of a group out of their queue, if it keeps such.
pub(in crate::scenario) fn undertaker(
    scenario: &Scenario,
    section: &QueueSection,
    group: u16,
) -> Option<WorkerPolicy> {
    let policy = queue(scenario, section);
    let queue = policy.dead_letters(QueueId(group))?;
    Some(WorkerPolicy { sink: scenario.dead_letters(group), ..plain(scenario, &policy, queue) })
}

/// For how long another must have held a message before a worker claims it.
pub(in crate::scenario) fn claim_idle(scenario: &Scenario) -> Span {
    scenario.worker.claim_idle.unwrap_or(CLAIM_IDLE).get()
}

/// A worker that never fails, and whose effects land in an inbox of its own.
fn plain(scenario: &Scenario, policy: &QueuePolicy, queue: QueueId) -> WorkerPolicy {
    let (consumer, worker) = (&scenario.consumer, &scenario.worker);
    let idle = claim_idle(scenario);
    let claims = policy.hold == Hold::UntilClaimed;
    let leases = policy.hold == Hold::Lease && worker.heartbeat == Heartbeat::Kept;
    WorkerPolicy {
        broker: BROKER,
        queue,
        group: GroupId(queue.0),
        joins: Span::ZERO,
        intake: match worker.intake {
            IntakeName::Push => Intake::Push,
            IntakeName::Pull => Intake::Pull {
                batch: consumer.batch.get() as u16,
                wait_max: consumer.wait_max,
                claim: claims.then_some(Claim { idle }),
            },
        },
        prefetch: worker.prefetch.get() as u16,
        hands: worker.hands.get() as u8,
        is_bound: policy.hold == Hold::UntilDisconnect,
        heartbeat: leases.then_some(policy.lease),
        timeout: consumer.timeout.get(),
        checksum: consumer.checksum,
        settle: Settle::After,
        confirm: worker.confirm,
        dedup: Dedup::Inbox,
        sink: scenario.sink(0),
        target: Target::Own,
        work: Span::ZERO,
        failing: Ratio::NEVER,
        poison: None,
        setback: Setback::Retry,
        successors: Successors::Held,
        retries: consumer.retries.map_or(RETRIES, |retries| retries.get() as u16),
        backoff: consumer.retry_backoff.unwrap_or(BACKOFF).get(),
        to_queue: PartitionId(1 + queue.0),
        acts: None,
        passes: 0,
    }
}
