//! What a queue and its workers promise.

use crate::check::{Course, Promise};
use crate::id::{GroupId, SinkId};
use crate::model::queue::{Hold, Overflow};
use crate::scenario::policies::{self, BROKER};
use crate::scenario::{IntakeName, Positive, PromiseName, Scenario};
use crate::time::Span;

/// How long a backlog may take to go, unless stated.
const RECOVERY: Span = Span::secs(2);

/// The promises of this name, if it is one that only queues make.
pub(super) fn promised(scenario: &Scenario, name: PromiseName) -> Vec<Promise> {
    let groups = 0..scenario.consumer.groups.get() as u16;
    match name {
        PromiseName::Accounted => {
            let account = |group| vec![scenario.sink(group), scenario.dead_letters(group)];
            let of = groups.map(account).collect();
            vec![Promise::Accounted { of, disjoint: false }]
        }
        PromiseName::OrderedEffects => {
            let course = |group| {
                let (sink, dead_letters) = (scenario.sink(group), scenario.dead_letters(group));
                Course { sink, dead_letters: Some(dead_letters) }
            };
            vec![Promise::OrderedEffects { of: groups.map(course).collect() }]
        }
        PromiseName::SettledForGood => {
            vec![Promise::SettledForGood { groups: groups.map(GroupId).collect() }]
        }
        PromiseName::Fenced => {
            let sinks: Vec<SinkId> = groups.map(|group| scenario.acts(group)).collect();
            vec![Promise::Fenced { sinks }]
        }
        PromiseName::BoundedRedelivery => {
            let lease = lease(scenario);
            let of = |group| Promise::BoundedRedelivery { group, broker: BROKER, lease };
            groups.map(GroupId).map(of).collect()
        }
        PromiseName::BoundedBacklog => {
            let recovered = scenario.worker.lag.map_or(0, |lag| lag.get().into());
            let within = scenario.worker.recovery.map_or(RECOVERY, Positive::get);
            let cap = cap(scenario);
            let of = |sink| Promise::BoundedBacklog { sink, cap, recovered, within };
            groups.map(|group| of(scenario.sink(group))).collect()
        }
        _ => Vec::new(),
    }
}

/// How long a worker is sure to have a message. The broker measures that by its own clock, and one
/// that drifts is fast by less than a tenth.
fn lease(scenario: &Scenario) -> Option<Span> {
    let policy = policies::queue(scenario, scenario.queue.as_ref()?);
    let sure = |span: Span| span - Span::nanos_of(span.nanos() / 10);
    match policy.hold {
        Hold::Lease => Some(sure(policy.lease)),
        Hold::UntilDisconnect => None,
        Hold::UntilClaimed => Some(sure(policies::claim_idle(scenario))),
    }
}

/// How many acknowledged messages a queue and its workers hold at most: what is handed over as it
/// comes is bounded by what the workers may hold.
fn cap(scenario: &Scenario) -> Option<u64> {
    let policy = policies::queue(scenario, scenario.queue.as_ref()?);
    let most = u64::from(policy.length_max?);
    let members = u64::from(scenario.consumer.members.get());
    let in_hand = members * u64::from(scenario.worker.prefetch.get());
    match (policy.overflow, scenario.worker.intake) {
        (Overflow::Backpressure, _) => Some(most),
        (Overflow::RejectPublish, IntakeName::Push) => Some(most + in_hand),
        (Overflow::RejectPublish, IntakeName::Pull) | (Overflow::DropHead, _) => None,
    }
}
