//! Which values go together with services, a database and an external system.

use super::Problem;
use crate::check::SINKS_MAX;
use crate::model::message::Acks;
use crate::model::service::WritePolicy;
use crate::profile::Transport;
use crate::scenario::{PromiseName, Scenario};

pub(super) fn services(scenario: &Scenario) -> Result<(), Problem> {
    let stream = scenario.network.transport == Transport::Stream;
    for (key, present) in
        [("database", scenario.database.is_some()), ("external", scenario.external.is_some())]
    {
        if present && !stream {
            return Err(Problem::new(
                key,
                "its clients speak to it over connections",
                "use network.transport = \"stream\", or leave the section out",
            ));
        }
    }
    let Some(service) = scenario.service else { return Ok(()) };
    let services = scenario.workload.producers.get();
    let sinks = scenario.consumer.groups.get() + services;
    if sinks as usize > SINKS_MAX {
        return Err(Problem::new(
            "workload.producers",
            format!("the services and the consumer groups have {sinks} tables"),
            format!("have at most {SINKS_MAX} in all"),
        ));
    }
    let convergent = scenario.promises.contains(&PromiseName::Convergent);
    let has_one_state = matches!(service.write, WritePolicy::LogFirst | WritePolicy::Outbox);
    if services > 1 && convergent && !has_one_state {
        return Err(Problem::new(
            "service.write",
            "of several services each would know its own changes only",
            "write \"log-first\", or set workload.producers = 1",
        ));
    }
    if service.write == WritePolicy::PublishThenCommit && scenario.producer.acks == Acks::None {
        return Err(Problem::new(
            "service.write",
            "without acknowledgements the service never learns that it has published",
            "choose another order, or another producer.acks",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    #[track_caller]
    fn check(changes: &str, expected: &str) {
        let text = format!(
            "name = \"it\"\npromises = [\"convergent\"]\n{changes}\n\
             [consumer]\nsettle = \"after\"\n[broker]\npartitions = 1\n"
        );
        let told = match Scenario::from_toml("it.toml", &text) {
            Ok(_) => "is possible".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(expected), "{told}");
    }

    const ONE: &str = "workload = { producers = 1, messages = 1 }";
    const TWO: &str = "workload = { producers = 2, messages = 1 }";
    const DATAGRAMS: &str = "network = { transport = \"datagram\" }";

    #[test]
    fn a_database_and_an_external_system_are_reached_over_connections() {
        for section in ["database", "external"] {
            check(&format!("{ONE}\n{section} = {{}}"), "is possible");
            check(&format!("{ONE}\n{DATAGRAMS}\n{section} = {{}}"), section);
            check(&format!("{ONE}\n{DATAGRAMS}\n{section} = {{}}"), "over connections");
        }
    }

    #[test]
    fn of_several_services_only_those_that_read_the_log_can_agree() {
        check(&format!("{TWO}\n[service]"), "is possible");
        check(&format!("{ONE}\n[service]\nwrite = \"database-first\""), "is possible");
        for write in ["database-first", "publish-then-commit"] {
            check(&format!("{TWO}\n[service]\nwrite = \"{write}\""), "its own changes only");
        }
        let many = "workload = { producers = 64, messages = 1 }";
        check(&format!("{many}\n[service]"), "have 65 tables");
    }

    #[test]
    fn who_commits_what_is_acknowledged_wants_acknowledgements() {
        let silent = "producer = { acks = \"none\", identity = \"none\" }";
        for (write, expected) in
            [("log-first", "is possible"), ("publish-then-commit", "never learns")]
        {
            check(&format!("{ONE}\n{silent}\n[service]\nwrite = \"{write}\""), expected);
        }
    }
}
