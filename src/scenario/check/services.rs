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
    if services > 1 && convergent && service.write != WritePolicy::LogFirst {
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
