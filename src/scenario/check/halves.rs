//! Which values go together with half messages, and what is torn apart without them.

use super::Problem;
use super::publishers::Publisher;
use crate::model::half::RunningAnswer;
use crate::model::service::WritePolicy;
use crate::profile::Transport;
use crate::scenario::{PromiseName, Scenario, ServiceSection};

const PUBLISHER: Publisher = Publisher {
    retries: "the broker of half messages publishes until the log has a message",
    unfinished: "what is unfinished stands in the store of the broker of half messages",
    unanswered: "the broker of half messages wants to know what has arrived",
    answered: "write \"all\", or choose another service.write",
    by_key: "what comes under the name of another message is never published",
};

pub(super) fn halves(scenario: &Scenario) -> Result<(), Problem> {
    atomic(scenario)?;
    let service = scenario.service.unwrap_or_default();
    match (scenario.half, service.write == WritePolicy::HalfMessage) {
        (Some(_), false) => Err(Problem::new(
            "half",
            "nobody sends half messages",
            "leave the section out, or state service.write = \"half-message\"",
        )),
        (None, true) => Err(Problem::new(
            "service.write",
            "nobody takes half messages over",
            "add a section [half], or choose another order",
        )),
        (None, false) => without(&service),
        (Some(_), true) => together(scenario),
    }
}

/// What only services say that send half messages.
fn without(service: &ServiceSection) -> Result<(), Problem> {
    let stated = [
        ("service.work", service.work.is_some()),
        ("service.refusing", !service.refusing.is_never()),
        ("service.running", service.running != RunningAnswer::default()),
    ];
    match stated.into_iter().find(|(_, is_stated)| *is_stated) {
        Some((key, _)) => Err(Problem::new(
            key,
            "without half messages a service has no local transactions that take time",
            "leave it out, or state write = \"half-message\"",
        )),
        None => Ok(()),
    }
}

fn together(scenario: &Scenario) -> Result<(), Problem> {
    let half = scenario.half.unwrap_or_default();
    let impossible = [
        (
            scenario.network.transport != Transport::Stream,
            "half",
            "its clients speak to it over connections",
            "use network.transport = \"stream\", or leave the section out",
        ),
        (
            half.age_max <= half.immunity,
            "half.age_max",
            "a half message would be discarded before anybody asks about it",
            "let it be longer than half.immunity",
        ),
    ];
    match impossible.into_iter().find(|(is_so, ..)| *is_so) {
        Some((_, key, why, cure)) => Err(Problem::new(key, why, cure)),
        None => PUBLISHER.refuse(&scenario.producer),
    }
}

/// Who has two states that can be torn apart.
fn atomic(scenario: &Scenario) -> Result<(), Problem> {
    if !scenario.promises.contains(&PromiseName::Atomic) {
        return Ok(());
    }
    let Some(service) = scenario.service else {
        return Err(Problem::new(
            "promises",
            "nobody has a state besides the groups' tables",
            "leave \"atomic\" out, or add a section [service]",
        ));
    };
    let has_one_state = matches!(service.write, WritePolicy::LogFirst | WritePolicy::Outbox);
    if scenario.workload.producers.get() > 1 && !has_one_state {
        return Err(Problem::new(
            "workload.producers",
            "of several services each would know its own changes only",
            "promise \"atomic\" of one service, or write \"log-first\"",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    const HALF: &str = "service = { write = \"half-message\" }\nhalf = {}\n";

    #[track_caller]
    fn check(changes: &str, expected: &str) {
        let producers = if changes.contains("workload") { "" } else { ONE };
        let text = format!("name = \"it\"\npromises = [\"atomic\"]\n{producers}\n{changes}");
        let told = match Scenario::from_toml("it.toml", &text) {
            Ok(_) => "is possible".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(expected), "{told}");
    }

    const ONE: &str = "workload = { producers = 1, messages = 1 }";
    const TWO: &str = "workload = { producers = 2, messages = 1 }";

    #[test]
    fn half_messages_have_somebody_who_sends_them_and_somebody_who_takes_them() {
        check(HALF, "is possible");
        check("service = { write = \"half-message\" }", "nobody takes half messages over");
        for service in ["", "service = {}\n", "service = { write = \"database-first\" }\n"] {
            let expected = if service.is_empty() { "besides" } else { "nobody sends half" };
            check(&format!("{service}half = {{}}"), expected);
        }
    }

    #[test]
    fn only_local_transactions_take_time_and_are_asked_about() {
        for (key, value) in
            [("work", "[\"1ms\", \"2ms\"]"), ("refusing", "\"1/2\""), ("running", "\"rollback\"")]
        {
            check(&format!("service = {{ {key} = {value} }}"), &format!("service.{key}"));
            let half =
                format!("service = {{ write = \"half-message\", {key} = {value} }}\nhalf = {{}}");
            check(&half, "is possible");
        }
    }

    #[test]
    fn a_broker_of_half_messages_publishes_until_the_log_has_it() {
        for (change, expected) in [
            ("half = { age_max = \"60ms\" }", "longer than half.immunity"),
            ("half = {}\nnetwork = { transport = \"datagram\" }", "over connections"),
            ("half = {}\nproducer = { retries = { application = 1 } }", "producer.retries"),
            ("half = {}\nproducer = { unfinished = \"resent\" }", "producer.unfinished"),
            ("half = {}\nproducer = { acks = \"none\", identity = \"none\" }", "producer.acks"),
            (
                "half = {}\n\
                 producer = { identity = \"message-id\", message_id = \"business-key\" }",
                "producer.message_id",
            ),
        ] {
            check(&format!("service = {{ write = \"half-message\" }}\n{change}"), expected);
        }
    }

    #[test]
    fn only_the_state_of_one_service_or_of_readers_can_be_torn_from_the_tables() {
        check("", "nobody has a state");
        for write in ["log-first", "database-first", "publish-then-commit"] {
            check(&format!("service = {{ write = \"{write}\" }}"), "is possible");
        }
        check(&format!("{TWO}\nservice = {{}}"), "is possible");
        check(&format!("{TWO}\nservice = {{ write = \"database-first\" }}"), "of several services");
        check(&format!("{TWO}\n{HALF}"), "of several services");
    }
}
