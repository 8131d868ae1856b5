//! Which values of a scenario go together.

use super::Scenario;
use super::problem::Problem;
use super::sections::{FsyncPolicy, PromiseName, Until};
use crate::model::broker::ProducerState;
use crate::model::consumer::{Apply, CommitPolicy, InboxExpiry, OnFailure, Settle};
use crate::model::producer::OnTimeout;
use crate::profile::{FaultClass, Swarm, Transport};
use crate::time::Span;
use std::collections::BTreeSet;

/// The most machines of a system.
const MACHINES_MAX: u32 = 4_000;

/// The first pair of values that do not go together.
pub(super) fn check(scenario: &Scenario) -> Result<(), Problem> {
    promises(scenario)?;
    machines(scenario)?;
    broker(scenario)?;
    clients(scenario)?;
    surroundings(scenario)?;
    envelope(scenario)
}

fn promises(scenario: &Scenario) -> Result<(), Problem> {
    if scenario.promises.is_empty() {
        return Err(Problem::new(
            "promises",
            "nothing is promised, so nothing can be broken",
            "promise something, for instance [\"exactly-once\"]",
        ));
    }
    let several = scenario.consumer.members.get() > 1;
    if several && scenario.promises.contains(&PromiseName::Convergent) {
        return Err(Problem::new(
            "promises",
            "no member of a group of several holds the whole table",
            "promise \"convergent\" only with consumer.members = 1",
        ));
    }
    if several && scenario.consumer.until == Until::Complete {
        return Err(Problem::new(
            "consumer.until",
            "no member of a group of several applies every message",
            "leave it out, or set consumer.members = 1",
        ));
    }
    Ok(())
}

fn machines(scenario: &Scenario) -> Result<(), Problem> {
    let consumers = scenario.consumer.groups.get() * scenario.consumer.members.get();
    let programs = scenario.programs.len() as u32;
    let machines = 1 + scenario.workload.producers.get() + consumers + programs;
    if machines > MACHINES_MAX {
        return Err(Problem::new(
            "workload.producers",
            format!("the system would have {machines} machines"),
            format!("have at most {MACHINES_MAX} in all"),
        ));
    }
    let mut names = BTreeSet::new();
    for machine in scenario.machines() {
        if machine.name.is_empty() || !names.insert(machine.name.clone()) {
            return Err(Problem::new(
                "program",
                format!("{:?} cannot name another machine", machine.name),
                "give each machine a name of its own",
            ));
        }
    }
    Ok(())
}

fn broker(scenario: &Scenario) -> Result<(), Problem> {
    let section = &scenario.broker;
    if section.fsync_interval.is_some() != (section.fsync == FsyncPolicy::Interval) {
        return Err(Problem::new(
            "broker.fsync_interval",
            "an interval belongs to fsync = \"interval\", and only to it",
            "state both or neither",
        ));
    }
    if section.producer_state == ProducerState::None && section.unknown_producer.is_some() {
        return Err(Problem::new(
            "broker.unknown_producer",
            "a broker without producer state knows no producer",
            "leave it out, or keep producer_state = \"five-batches\"",
        ));
    }
    Ok(())
}

fn clients(scenario: &Scenario) -> Result<(), Problem> {
    let Scenario { producer, consumer, vary, .. } = scenario;
    if consumer.settle == Settle::Atomic && consumer.commit.is_some() {
        return Err(Problem::new(
            "consumer.commit",
            "with settle = \"atomic\" nothing is committed to the broker",
            "leave it out",
        ));
    }
    dedup(scenario)?;
    commit(scenario)?;
    handling(scenario)?;
    let varied = vary.wait_max.iter().map(|&wait_max| ("vary.wait_max", wait_max));
    let timeout = consumer.timeout.get();
    for (key, wait_max) in [("consumer.wait_max", consumer.wait_max)].into_iter().chain(varied) {
        if wait_max >= timeout {
            return Err(Problem::new(
                key,
                format!("the broker may wait {wait_max}, the consumer waits {timeout}"),
                "let consumer.timeout be the longer one",
            ));
        }
    }
    if scenario.network.transport == Transport::Datagram {
        for (key, on_timeout) in [
            ("producer.on_timeout", producer.on_timeout),
            ("consumer.on_timeout", consumer.on_timeout),
        ] {
            if on_timeout == Some(OnTimeout::Disconnect) {
                return Err(Problem::new(
                    key,
                    "datagrams have no connection to close",
                    "write \"resend\", or use network.transport = \"stream\"",
                ));
            }
        }
    }
    Ok(())
}

fn dedup(scenario: &Scenario) -> Result<(), Problem> {
    let consumer = &scenario.consumer;
    if consumer.inbox_expiry != InboxExpiry::Never && !consumer.dedup.asks_inbox() {
        return Err(Problem::new(
            "consumer.inbox_expiry",
            "without an inbox there are no rows to expire",
            "leave it out, or keep dedup = \"inbox\"",
        ));
    }
    if consumer.guard.is_some() && consumer.apply != Apply::Upsert {
        return Err(Problem::new(
            "consumer.guard",
            "a row that is inserted replaces none",
            "leave it out, or set apply = \"upsert\"",
        ));
    }
    Ok(())
}

fn commit(scenario: &Scenario) -> Result<(), Problem> {
    let consumer = &scenario.consumer;
    let Some(CommitPolicy::Every(interval) | CommitPolicy::Background(interval)) = consumer.commit
    else {
        return Ok(());
    };
    if interval == Span::ZERO {
        return Err(Problem::new(
            "consumer.commit",
            "no time at all is no interval",
            "write a length such as \"100ms\"",
        ));
    }
    if consumer.settle != Settle::After {
        return Err(Problem::new(
            "consumer.commit",
            "commits from time to time come neither before the effects nor with them",
            "write \"answered\", or keep settle = \"after\"",
        ));
    }
    Ok(())
}

fn handling(scenario: &Scenario) -> Result<(), Problem> {
    let Scenario { consumer, workload, .. } = scenario;
    let can_fail = !consumer.failing.is_never() || workload.poison.is_some();
    let gives_up = matches!(consumer.on_failure, Some(OnFailure::Skip | OnFailure::Park));
    let stated = [
        ("consumer.on_failure", consumer.on_failure.is_some()),
        ("consumer.retry_backoff", consumer.retry_backoff.is_some()),
        ("consumer.retries", consumer.retries.is_some()),
    ];
    let stated = stated.into_iter().find(|&(_, is_stated)| is_stated);
    if let Some((key, _)) = stated.filter(|_| !can_fail) {
        return Err(Problem::new(
            key,
            "no handling ever fails",
            "leave it out, or state consumer.failing or workload.poison",
        ));
    }
    if consumer.retries.is_some() && !gives_up {
        return Err(Problem::new(
            "consumer.retries",
            "what is tried again until it succeeds has no number of retries",
            "leave it out, or set on_failure to \"skip\" or \"park\"",
        ));
    }
    Ok(())
}

fn surroundings(scenario: &Scenario) -> Result<(), Problem> {
    let Scenario { disk, run, vary, network, .. } = scenario;
    if disk.write_through && disk.sync.is_some() {
        return Err(Problem::new(
            "disk.sync",
            "a disk that writes through is never synced",
            "leave it out, or set write_through = false",
        ));
    }
    if network.transport == Transport::Stream && !network.duplicate.is_never() {
        return Err(Problem::new(
            "network.duplicate",
            "a stream doubles nothing",
            "leave it out, or use transport = \"datagram\"",
        ));
    }
    if run.swarm == Swarm::Off && *vary != super::VarySection::default() {
        return Err(Problem::new(
            "vary",
            "without swarm every seed takes the stated values",
            "leave the section out, or set run.swarm = \"on\"",
        ));
    }
    let profile = scenario.profile();
    if profile.heal_at >= profile.time_max {
        return Err(Problem::new(
            "run.heal_at",
            format!("the run is given up at {}, before it heals", profile.time_max),
            "let run.time_max be the later one",
        ));
    }
    Ok(())
}

fn envelope(scenario: &Scenario) -> Result<(), Problem> {
    let Scenario { disk, run, network, .. } = scenario;
    if run.swarm == Swarm::Off && !run.envelope.is_empty() {
        return Err(Problem::new(
            "run.envelope",
            "without swarm the faults are those of the stated rates",
            "leave it out, or set swarm = \"on\"",
        ));
    }
    for &class in &run.envelope {
        let why = match class {
            FaultClass::SlowSync
            | FaultClass::FailedSync
            | FaultClass::LyingSync
            | FaultClass::FullDisk
            | FaultClass::TornWrite
                if disk.write_through =>
            {
                "it cannot happen on a disk that writes through"
            }
            FaultClass::Duplicate if network.transport == Transport::Stream => {
                "a stream doubles nothing"
            }
            FaultClass::Disconnect if network.transport == Transport::Datagram => {
                "datagrams have no connection to break"
            }
            FaultClass::ClockStep if !reads_wall_clock(scenario) => {
                "no machine reads its wall clock"
            }
            _ => continue,
        };
        let right = format!("leave {:?} out", class.slug());
        return Err(Problem::new("run.envelope", format!("{class}: {why}"), right));
    }
    Ok(())
}

/// Whether a step of a wall clock can make a difference. The rows of an inbox that expire are dated
/// by it, and a program may read it.
fn reads_wall_clock(scenario: &Scenario) -> bool {
    scenario.consumer.inbox_expiry != InboxExpiry::Never || !scenario.programs.is_empty()
}
