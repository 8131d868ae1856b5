//! Which values of the consumers of a queue go together.

use super::Problem;
use crate::model::consumer::{Apply, Dedup, InboxExpiry, Resume, Settle};
use crate::model::queue::{Hold, QueuePolicy};
use crate::model::worker::{Fence, Setback};
use crate::scenario::sections::Until;
use crate::scenario::{Heartbeat, IntakeName, PromiseName, Scenario, WorkerSection, policies};

type Impossible = (bool, &'static str, &'static str, &'static str);

/// What only a queue has workers or promises for.
pub(super) fn without_queue(scenario: &Scenario) -> Result<(), Problem> {
    if scenario.worker != WorkerSection::default() {
        return Err(Problem::new(
            "worker",
            "there is no queue to work off",
            "leave the section out, or add [queue]",
        ));
    }
    let of_queues = [
        (PromiseName::Accounted, "accounted"),
        (PromiseName::OrderedEffects, "ordered-effects"),
        (PromiseName::BoundedRedelivery, "bounded-redelivery"),
        (PromiseName::SettledForGood, "settled-for-good"),
        (PromiseName::Fenced, "fenced"),
        (PromiseName::BoundedBacklog, "bounded-backlog"),
    ];
    match of_queues.into_iter().find(|(name, _)| scenario.promises.contains(name)) {
        Some((_, slug)) => Err(Problem::new(
            "promises",
            format!("{slug:?} is a promise of queues and their workers"),
            "leave it out, or add [queue]",
        )),
        None => Ok(()),
    }
}

/// The first pair of values of the workers that do not go together.
pub(super) fn workers(scenario: &Scenario) -> Result<(), Problem> {
    let Some(section) = &scenario.queue else { return Ok(()) };
    let policy = policies::queue(scenario, section);
    let found = promises(scenario)
        .into_iter()
        .chain(of_logs(scenario))
        .chain(together(scenario, &policy))
        .chain(failures(scenario))
        .find(|(is_so, ..)| *is_so);
    match found {
        Some((_, key, why, cure)) => Err(Problem::new(key, why, cure)),
        None => Ok(()),
    }
}

fn promises(scenario: &Scenario) -> Vec<Impossible> {
    let promised = |name| scenario.promises.contains(&name);
    let of_logs = [
        PromiseName::IdempotentProducer,
        PromiseName::PerKeyOrder,
        PromiseName::DurableLog,
        PromiseName::NeverCommitsAhead,
        PromiseName::Projected,
    ];
    vec![
        (
            of_logs.into_iter().any(promised),
            "promises",
            "a queue has no offsets to promise anything about",
            "leave out what is promised about a log",
        ),
        (
            promised(PromiseName::Fenced) && scenario.worker.acts.get() == 0,
            "promises",
            "nobody acts on a resource that needs an owner",
            "leave \"fenced\" out, or state worker.acts",
        ),
        (
            promised(PromiseName::OrderedEffects)
                && matches!(scenario.worker.on_failure, Setback::Requeue | Setback::Republish),
            "promises",
            "what is given back may be overtaken on its way",
            "leave \"ordered-effects\" out, or write worker.on_failure = \"reject\"",
        ),
        (
            promised(PromiseName::OrderedEffects)
                && scenario.consumer.members.get() > 1
                && scenario.consumer.apply != Apply::Database,
            "promises",
            "workers without a common database do not know what the others have done",
            "leave \"ordered-effects\" out, or set consumer.members = 1",
        ),
    ]
}

/// Keys of the consumers that only a log has a use for.
fn of_logs(scenario: &Scenario) -> Vec<Impossible> {
    let consumer = &scenario.consumer;
    let (why, cure) = ("the consumers of a queue have no use for it", "leave it out");
    vec![
        (consumer.inbox_expiry != InboxExpiry::Never, "consumer.inbox_expiry", why, cure),
        (consumer.guard.is_some(), "consumer.guard", why, cure),
        (consumer.commit.is_some(), "consumer.commit", why, cure),
        (consumer.resume != Resume::default(), "consumer.resume", why, cure),
        (consumer.until != Until::default(), "consumer.until", why, cure),
        (consumer.on_timeout.is_some(), "consumer.on_timeout", why, cure),
        (
            consumer.on_failure.is_some(),
            "consumer.on_failure",
            "what the consumers of a queue do then is another matter",
            "write worker.on_failure",
        ),
        (
            consumer.settle == Settle::Atomic,
            "consumer.settle",
            "a queue takes part in no commit of its consumers",
            "write \"after\" or \"before\"",
        ),
        (
            !matches!(consumer.dedup, Dedup::Inbox | Dedup::Memory | Dedup::None),
            "consumer.dedup",
            "a worker has its inbox in the commit of the effect, or has none",
            "write \"inbox\", \"memory\" or \"none\"",
        ),
        (
            consumer.apply == Apply::Upsert,
            "consumer.apply",
            "workers keep no projection",
            "write \"insert\", \"database\" or \"external\"",
        ),
    ]
}

fn together(scenario: &Scenario, policy: &QueuePolicy) -> Vec<Impossible> {
    let (consumer, worker) = (&scenario.consumer, &scenario.worker);
    let claims = policy.hold == Hold::UntilClaimed;
    let pulls = worker.intake == IntakeName::Pull;
    let is_external = consumer.apply == Apply::External;
    vec![
        (
            claims && !pulls,
            "worker.intake",
            "what is not settled comes again only if somebody asks for it",
            "write \"pull\", or another queue.hold",
        ),
        (
            worker.claim_idle.is_some() && !claims,
            "worker.claim_idle",
            "the queue hands out again by itself what is not settled",
            "leave it out, or write queue.hold = \"until-claimed\"",
        ),
        (
            worker.heartbeat != Heartbeat::Kept && policy.hold != Hold::Lease,
            "worker.heartbeat",
            "there is no lease to extend",
            "leave it out, or write queue.hold = \"lease\"",
        ),
        (
            worker.acts.get() > 0 && consumer.apply != Apply::Database,
            "worker.acts",
            "the resource is a row of a database that the workers share",
            "leave it out, or set consumer.apply = \"database\"",
        ),
        (
            worker.fence != Fence::default() && worker.acts.get() == 0,
            "worker.fence",
            "nobody acts on a resource that needs an owner",
            "leave it out, or state worker.acts",
        ),
        (
            worker.passes.get() > 0 && worker.acts.get() == 0,
            "worker.passes",
            "a lock that nobody does anything under is none",
            "leave it out, or state worker.acts",
        ),
        (
            worker.late.get() >= consumer.members.get() && worker.late.get() > 0,
            "worker.late",
            "somebody has to be there from the beginning",
            "let it be less than consumer.members",
        ),
        (
            worker.late_by.is_some() && worker.late.get() == 0,
            "worker.late_by",
            "nobody joins later",
            "leave it out, or state worker.late",
        ),
        (
            is_external && consumer.dedup != Dedup::None && consumer.dedup != Dedup::Memory,
            "consumer.dedup",
            "an external system takes part in no commit of the worker's",
            "write \"none\" or \"memory\"",
        ),
    ]
}

fn failures(scenario: &Scenario) -> Vec<Impossible> {
    let (consumer, worker) = (&scenario.consumer, &scenario.worker);
    let fails = !consumer.failing.is_never()
        || scenario.workload.poison.is_some()
        || consumer.apply == Apply::External;
    let (why, cure) =
        ("no handling ever fails", "leave it out, or state consumer.failing or workload.poison");
    vec![
        (!fails && worker.on_failure != Setback::default(), "worker.on_failure", why, cure),
        (!fails && consumer.retry_backoff.is_some(), "consumer.retry_backoff", why, cure),
        (!fails && consumer.retries.is_some(), "consumer.retries", why, cure),
        (
            consumer.retries.is_some() && worker.on_failure == Setback::Retry,
            "consumer.retries",
            "what is tried again until it succeeds has no number of retries",
            "leave it out, or state worker.on_failure",
        ),
    ]
}
