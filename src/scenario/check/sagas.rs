//! Which values go together with sagas.

use super::Problem;
use super::publishers::Publisher;
use crate::model::saga::{Compensation, STEPS_MAX, SagaStyle, Tombstone};
use crate::scenario::sections::{BrokerSection, ConsumerSection};
use crate::scenario::{PromiseName, SagaSection, Scenario};

const PUBLISHER: Publisher = Publisher {
    retries: "an outbox sends until the log has a letter",
    unfinished: "what is unfinished stands in an outbox",
    unanswered: "an outbox wants to know what has arrived",
    answered: "leave it out",
    by_key: "all letters about an order have one key",
};

/// The first value that does not go together with a section `[saga]`, or with its absence.
pub(super) fn sagas(scenario: &Scenario) -> Result<(), Problem> {
    let promised = |name| scenario.promises.contains(&name);
    let Some(saga) = &scenario.saga else {
        if promised(PromiseName::Compensated) {
            return Err(Problem::new(
                "promises",
                "no operation has several steps",
                "leave \"compensated\" out, or add a section [saga]",
            ));
        }
        return Ok(());
    };
    promises(scenario, saga)?;
    machines(scenario, saga)?;
    clients(scenario)?;
    policies(saga)
}

fn promises(scenario: &Scenario, saga: &SagaSection) -> Result<(), Problem> {
    for name in &scenario.promises {
        let is_chain = saga.style == SagaStyle::Chain;
        let why = match name {
            PromiseName::AtMostOnce | PromiseName::ExactlyOnce => continue,
            PromiseName::Compensated if !is_chain => continue,
            PromiseName::Compensated => "the steps of a chain are never undone",
            _ => "with sagas it says nothing: letters do not show in the history",
        };
        return Err(Problem::new(
            "promises",
            why,
            "promise \"at-most-once\", \"exactly-once\" or, unless it is a chain, \"compensated\"",
        ));
    }
    Ok(())
}

fn machines(scenario: &Scenario, saga: &SagaSection) -> Result<(), Problem> {
    let steps = saga.steps.len();
    if !(2..=usize::from(STEPS_MAX)).contains(&steps) {
        return Err(Problem::new(
            "saga.steps",
            format!("an order has {steps} steps"),
            format!("name 2 to {STEPS_MAX} machines"),
        ));
    }
    if scenario.service.is_some() {
        return Err(Problem::new(
            "service",
            "the orders of sagas have services of their own",
            "leave one of the two sections out",
        ));
    }
    if scenario.broker.partitions != BrokerSection::default().partitions {
        return Err(Problem::new(
            "broker.partitions",
            "sagas have a topic for each kind of letter, and need no more",
            "leave it out",
        ));
    }
    if scenario.workload.poison.is_some() {
        return Err(Problem::new(
            "workload.poison",
            "no order is bad by itself",
            "leave it out, or state saga.refusing or saga.failing",
        ));
    }
    Ok(())
}

/// The clients of the log publish and read as their sections say; there is nothing else to say of
/// producers and consumers.
fn clients(scenario: &Scenario) -> Result<(), Problem> {
    let plain = ConsumerSection::default();
    let &ConsumerSection { batch, timeout, wait_max, checksum, on_timeout, .. } =
        &scenario.consumer;
    if scenario.consumer
        != (ConsumerSection { batch, timeout, wait_max, checksum, on_timeout, ..plain })
    {
        return Err(Problem::new(
            "consumer",
            "with sagas there are no consumers",
            "state batch, timeout, wait_max, checksum and on_timeout at most",
        ));
    }
    PUBLISHER.refuse(&scenario.producer)
}

fn policies(saga: &SagaSection) -> Result<(), Problem> {
    let SagaSection { style, timeout, tombstone, compensation, .. } = saga;
    let is_chain = *style == SagaStyle::Chain;
    let undoes = timeout.is_some() || !saga.refusing.is_never();
    let impossible = [
        (
            is_chain && timeout.is_some(),
            "saga.timeout",
            "a chain of events is never called off",
            "leave it out, or choose another style",
        ),
        (
            is_chain && !saga.refusing.is_never(),
            "saga.refusing",
            "nobody reads of a chain of events that one was refused",
            "leave it out, or choose another style",
        ),
        (
            *tombstone != Tombstone::Kept && timeout.is_none(),
            "saga.tombstone",
            "without a timeout no undoing outruns its step",
            "leave it out, or state saga.timeout",
        ),
        (
            *compensation != Compensation::Retried && (!undoes || saga.failing.is_never()),
            "saga.compensation",
            "no undoing ever fails",
            "leave it out, or state saga.failing, and saga.refusing or saga.timeout",
        ),
        (
            saga.retry_backoff.is_some() && saga.failing.is_never(),
            "saga.retry_backoff",
            "no handling ever fails",
            "leave it out, or state saga.failing",
        ),
    ];
    match impossible.into_iter().find(|(is_so, ..)| *is_so) {
        Some((_, key, why, cure)) => Err(Problem::new(key, why, cure)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    /// `sagas` stands in the place of the sections, `head` before them.
    #[track_caller]
    fn check(head: &str, sagas: &str, expected: &str) {
        let promises = if head.contains("promises") { "" } else { "promises = [\"at-most-once\"]" };
        let workload = "workload = { producers = 2, messages = 3 }";
        let text = format!("name = \"it\"\n{promises}\n{head}\n{workload}\n{sagas}");
        let told = match Scenario::from_toml("it.toml", &text) {
            Ok(_) => "is possible".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(expected), "{told}\n{text}");
    }

    const TWO: &str = "[saga]\nsteps = [\"payment\", \"inventory\"]\n";
    const POSSIBLE: &str = "is possible";

    #[test]
    fn an_order_has_two_to_four_steps() {
        for (steps, expected) in
            [(1, "has 1 steps"), (2, POSSIBLE), (4, POSSIBLE), (5, "name 2 to 4 machines")]
        {
            let names: Vec<String> = (0..steps).map(|step| format!("step-{step}")).collect();
            check("", &format!("[saga]\nsteps = {names:?}"), expected);
        }
        check("", "[saga]\nsteps = [\"payment\", \"order-2\"]", "cannot name another machine");
    }

    #[test]
    fn what_is_promised_is_promised_of_orders() {
        check("promises = [\"compensated\"]", "", "no operation has several steps");
        for (promise, style, expected) in [
            ("compensated", "orchestrated", POSSIBLE),
            ("compensated", "tcc", POSSIBLE),
            ("compensated", "chain", "are never undone"),
            ("exactly-once", "chain", POSSIBLE),
            ("exactly-once", "choreographed", POSSIBLE),
            ("at-least-once", "chain", "do not show in the history"),
            ("idempotent-producer", "tcc", "do not show in the history"),
        ] {
            let head = format!("promises = [{promise:?}]");
            check(&head, &format!("{TWO}style = {style:?}"), expected);
        }
    }

    #[test]
    fn sagas_have_their_own_machines_and_topics() {
        check("", &format!("{TWO}[service]"), "leave one of the two sections out");
        check("", &format!("{TWO}[broker]\npartitions = 2"), "and need no more");
        check("", &format!("{TWO}[consumer]\nbatch = 3\ntimeout = \"200ms\""), POSSIBLE);
        for key in ["groups = 2", "dedup = \"none\"", "settle = \"atomic\""] {
            check("", &format!("{TWO}[consumer]\n{key}"), "there are no consumers");
        }
        check("", &format!("{TWO}[database]\n[external]"), POSSIBLE);
    }

    #[test]
    fn an_outbox_sends_until_it_knows_that_a_letter_has_arrived() {
        for (key, expected) in [
            ("in_flight = 2", POSSIBLE),
            ("identity = \"none\"", POSSIBLE),
            ("retries = { application = 2 }", "sends until the log has a letter"),
            ("unfinished = \"resent\"", "stands in an outbox"),
            ("identity = \"none\"\nacks = \"none\"", "wants to know what has arrived"),
            ("identity = \"message-id\"\nmessage_id = \"business-key\"", "have one key"),
        ] {
            check("", &format!("{TWO}[producer]\n{key}"), expected);
        }
        let poison = "workload = { producers = 1, messages = 3, poison = 2 }";
        let text = format!("name = \"it\"\npromises = [\"at-most-once\"]\n{poison}\n{TWO}");
        let told = Scenario::from_toml("it.toml", &text).unwrap_err().to_string();
        assert!(told.contains("no order is bad by itself"), "{told}");
    }

    #[test]
    fn a_policy_that_nothing_asks_is_refused() {
        for (keys, expected) in [
            ("style = \"chain\"\ntimeout = \"9ms\"", "is never called off"),
            ("style = \"chain\"\nrefusing = \"1/2\"", "that one was refused"),
            ("tombstone = \"none\"", "no undoing outruns its step"),
            ("tombstone = \"none\"\ntimeout = \"9ms\"", POSSIBLE),
            ("compensation = \"best-effort\"", "no undoing ever fails"),
            ("compensation = \"best-effort\"\ntimeout = \"9ms\"", "no undoing ever fails"),
            ("compensation = \"best-effort\"\nfailing = \"1/2\"", "no undoing ever fails"),
            ("compensation = \"best-effort\"\nfailing = \"1/2\"\nrefusing = \"1/2\"", POSSIBLE),
            ("retry_backoff = \"9ms\"", "no handling ever fails"),
            ("retry_backoff = \"9ms\"\nfailing = \"1/2\"", POSSIBLE),
        ] {
            check("", &format!("{TWO}{keys}"), expected);
        }
    }
}
