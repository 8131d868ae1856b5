//! Which values go together with an outbox and its relays.

use super::Problem;
use super::publishers::Publisher;
use crate::model::consumer::Apply;
use crate::model::relay::Ownership;
use crate::model::service::WritePolicy;
use crate::model::store::Isolation;
use crate::scenario::{PromiseName, Scenario};

const PUBLISHER: Publisher = Publisher {
    retries: "a relay publishes until the log has a message",
    unfinished: "what is unfinished stands in the outbox",
    unanswered: "a relay marks what the log has confirmed",
    answered: "write \"all\", or choose another service.write",
    by_key: "what comes under the name of another message is never published",
};

pub(super) fn relays(scenario: &Scenario) -> Result<(), Problem> {
    if !scenario.writes_by(WritePolicy::Outbox) {
        return without(scenario);
    }
    let leased = scenario.relay.unwrap_or_default().ownership == Ownership::Lease;
    let isolation = scenario.database.unwrap_or_default().isolation;
    let in_database = scenario.consumer.apply == Apply::Database;
    let impossible = [
        (
            scenario.database.is_none(),
            "service.write",
            "an outbox stands in a database",
            "add a section [database], or choose another order",
        ),
        (
            scenario.relay.is_none(),
            "service.write",
            "nobody publishes what is in the outbox",
            "add a section [relay], or choose another order",
        ),
        (
            leased && isolation != Isolation::Serializable,
            "database.isolation",
            "a mark of a former holder would be committed, whatever became of its lease",
            "write \"serializable\", or state relay.ownership = \"everybody\"",
        ),
        (
            in_database && scenario.promises.contains(&PromiseName::Convergent),
            "promises",
            "the database holds the state of the services and the tables of the groups in one",
            "promise \"atomic\", or leave consumer.apply = \"database\" out",
        ),
    ];
    match impossible.into_iter().find(|(is_so, ..)| *is_so) {
        Some((_, key, why, cure)) => Err(Problem::new(key, why, cure)),
        None => PUBLISHER.refuse(&scenario.producer),
    }
}

/// What is only said where an outbox is written.
fn without(scenario: &Scenario) -> Result<(), Problem> {
    let at_a_time = scenario.service.unwrap_or_default().at_a_time;
    let stated = [
        ("relay", scenario.relay.is_some(), "nobody writes an outbox"),
        ("service.at_a_time", at_a_time.is_some(), "only who writes an outbox waits"),
    ];
    match stated.into_iter().find(|(_, is_stated, _)| *is_stated) {
        Some((key, _, why)) => {
            Err(Problem::new(key, why, "leave it out, or state service.write = \"outbox\""))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    #[track_caller]
    fn check(changes: &str, expected: &str) {
        let workload = "workload = { producers = 2, messages = 1 }";
        let text = format!("name = \"it\"\npromises = [\"atomic\"]\n{workload}\n{changes}");
        let told = match Scenario::from_toml("it.toml", &text) {
            Ok(_) => "is possible".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(expected), "{told}");
    }

    const SERVICE: &str = "service = { write = \"outbox\" }";
    const REST: &str = "relay = {}\ndatabase = {}";

    #[test]
    fn an_outbox_stands_in_a_database_and_is_relayed() {
        check(&format!("{SERVICE}\n{REST}"), "is possible");
        check(SERVICE, "stands in a database");
        check(&format!("{SERVICE}\ndatabase = {{}}"), "nobody publishes");
        check(&format!("service = {{}}\n{REST}"), "nobody writes an outbox");
        check("service = { at_a_time = 2 }", "service.at_a_time");
        check(&format!("service = {{ write = \"outbox\", at_a_time = 2 }}\n{REST}"), "is possible");
    }

    #[test]
    fn a_lease_takes_transactions_that_depend_on_it() {
        let weak = "database = { isolation = \"read-committed\" }";
        check(&format!("{SERVICE}\n{weak}\nrelay = {{}}"), "former holder");
        let everybody = "relay = { ownership = \"everybody\" }";
        check(&format!("{SERVICE}\n{weak}\n{everybody}"), "is possible");
    }

    #[test]
    fn a_relay_publishes_until_the_log_has_it() {
        for (change, expected) in [
            ("producer = { retries = { application = 1 } }", "producer.retries"),
            ("producer = { unfinished = \"resent\" }", "producer.unfinished"),
            ("producer = { acks = \"none\", identity = \"none\" }", "producer.acks"),
            (
                "producer = { identity = \"message-id\", message_id = \"business-key\" }",
                "producer.message_id",
            ),
        ] {
            check(&format!("{SERVICE}\n{REST}\n{change}"), expected);
        }
    }

    #[test]
    fn a_database_of_everybody_converges_with_nothing() {
        let convergent = |apply: &str| {
            let text = format!(
                "name = \"it\"\npromises = [\"convergent\"]\n\
                 workload = {{ producers = 1, messages = 1 }}\n{SERVICE}\n{REST}\n\
                 consumer = {{ apply = \"{apply}\", settle = \"after\" }}"
            );
            Scenario::from_toml("it.toml", &text).map_err(|error| error.to_string()).err()
        };
        assert_eq!(convergent("insert"), None);
        assert!(convergent("database").is_some_and(|told| told.contains("in one")));
    }
}
