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

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    /// A scenario with these lines is refused in the line of the key, if there is one, else it is
    /// possible.
    #[track_caller]
    fn check(promises: &str, lines: &str, key: Option<&str>) {
        let text = format!(
            "name = \"it\"\npromises = [{promises}]\n\
             workload = {{ producers = 1, messages = 1{} }}\n{lines}",
            if lines.contains("poison") { ", poison = 3" } else { "" }
        );
        let told = Scenario::from_toml("it.toml", &text).map_err(|error| error.to_string()).err();
        match (key, &told) {
            (None, None) => {}
            (Some(key), Some(told)) if told.contains(&format!("{key}: ")) => {}
            _ => panic!("{key:?} is not what is told: {told:?} of\n{text}"),
        }
    }

    const QUEUE: &str = "producer = { identity = \"none\" }\nqueue = {}\n";
    const CLAIMED: &str =
        "producer = { identity = \"none\" }\nqueue = { hold = \"until-claimed\" }\n";
    const HELD: &str =
        "producer = { identity = \"none\" }\nqueue = { hold = \"until-disconnect\" }\n";
    const SHARED: &str = "database = {}\n";

    #[test]
    fn workers_and_their_promises_take_a_queue() {
        check("\"at-least-once\"", "worker = { prefetch = 2 }", Some("worker"));
        for promise in [
            "accounted",
            "ordered-effects",
            "bounded-redelivery",
            "settled-for-good",
            "fenced",
            "bounded-backlog",
        ] {
            check(&format!("\"{promise}\""), "", Some("promises"));
        }
        for promise in [
            "idempotent-producer",
            "per-key-order",
            "durable-log",
            "never-commits-ahead",
            "projected",
        ] {
            check(&format!("\"{promise}\""), QUEUE, Some("promises"));
        }
        check("\"at-least-once\"", &format!("{QUEUE}worker = {{ prefetch = 2 }}"), None);
    }

    #[test]
    fn what_only_a_log_has_a_use_for_is_refused() {
        for (key, value) in [
            ("guard", "\"version\""),
            ("commit", "\"answered\""),
            ("resume", "\"earliest\""),
            ("until", "\"complete\""),
            ("on_timeout", "\"resend\""),
            ("on_failure", "\"skip\""),
            ("settle", "\"atomic\""),
            ("dedup", "\"checked\""),
            ("apply", "\"upsert\""),
        ] {
            let lines = format!("{QUEUE}consumer = {{ {key} = {value} }}");
            check("\"at-least-once\"", &lines, Some(&format!("consumer.{key}")));
        }
        let expiry = "consumer = { dedup = \"inbox\", inbox_expiry = { entries = 9 } }";
        check("\"at-least-once\"", &format!("{QUEUE}{expiry}"), Some("consumer.inbox_expiry"));
    }

    #[test]
    fn what_workers_do_goes_with_what_their_queue_does() {
        let worker = |queue: &str, worker: &str, key: Option<&str>| {
            check("\"at-least-once\"", &format!("{queue}worker = {{ {worker} }}"), key);
        };
        worker(CLAIMED, "intake = \"push\"", Some("worker.intake"));
        worker(CLAIMED, "intake = \"pull\", claim_idle = \"50ms\"", None);
        worker(QUEUE, "intake = \"pull\", claim_idle = \"50ms\"", Some("worker.claim_idle"));
        worker(HELD, "heartbeat = \"none\"", Some("worker.heartbeat"));
        worker(QUEUE, "heartbeat = \"none\"", None);
        worker(QUEUE, "late = 1", Some("worker.late"));
        worker(QUEUE, "late_by = \"9ms\"", Some("worker.late_by"));
        let two = "consumer = { members = 2 }\n";
        worker(&format!("{QUEUE}{two}"), "late = 1, late_by = \"9ms\"", None);
    }

    #[test]
    fn who_acts_owns_a_row_that_is_shared() {
        let acting = |worker: &str, key: Option<&str>| {
            let shares = "consumer = { apply = \"database\" }\n";
            let lines = format!("{QUEUE}{SHARED}{shares}worker = {{ {worker} }}");
            check("\"at-least-once\"", &lines, key);
        };
        acting("acts = 2, fence = \"token\"", None);
        acting("fence = \"none\"", Some("worker.fence"));
        acting("passes = 2", Some("worker.passes"));
        let own = format!("{QUEUE}worker = {{ acts = 2 }}");
        check("\"at-least-once\"", &own, Some("worker.acts"));
        check("\"fenced\"", QUEUE, Some("promises"));
    }

    #[test]
    fn only_a_handling_that_can_fail_has_something_to_do_then() {
        let failing = |poison: &str, consumer: &str, worker: &str, key: Option<&str>| {
            let (consumer, worker) =
                (format!("consumer = {{ {consumer} }}"), format!("worker = {{ {worker} }}"));
            let lines = format!("{QUEUE}{consumer}\n{worker}\n{poison}");
            check("\"at-least-once\"", &lines, key);
        };
        failing("", "", "on_failure = \"reject\"", Some("worker.on_failure"));
        failing("", "retries = 2", "", Some("consumer.retries"));
        failing("", "retry_backoff = \"9ms\"", "", Some("consumer.retry_backoff"));
        failing("# poison", "retries = 2", "", Some("consumer.retries"));
        failing("# poison", "retries = 2", "on_failure = \"reject\"", None);
        failing("", "failing = \"1/9\"", "on_failure = \"requeue\"", None);
    }

    #[test]
    fn order_is_promised_where_nothing_is_given_back_and_all_know_what_is_done() {
        let ordered = |consumer: &str, worker: &str, key: Option<&str>| {
            let lines = format!(
                "{QUEUE}{SHARED}consumer = {{ {consumer} }}\nworker = {{ {worker} }}\n# poison"
            );
            check("\"ordered-effects\"", &lines, key);
        };
        for given_back in ["requeue", "republish"] {
            let worker = format!("on_failure = \"{given_back}\"");
            ordered("", &worker, Some("promises"));
        }
        ordered("", "on_failure = \"reject\"", None);
        ordered("members = 2", "", Some("promises"));
        ordered("members = 2, apply = \"database\"", "", None);
    }

    #[test]
    fn an_external_system_knows_no_inbox() {
        let called = |dedup: &str, key: Option<&str>| {
            let consumer = format!("consumer = {{ apply = \"external\", dedup = \"{dedup}\" }}");
            check("\"at-least-once\"", &format!("{QUEUE}external = {{}}\n{consumer}"), key);
        };
        called("inbox", Some("consumer.dedup"));
        called("memory", None);
    }
}
