//! Which values of a scenario go together.

use super::problem::Problem;
use super::sections::{BrokerSection, FsyncPolicy, Retries};
use super::{Scenario, policies};
use crate::model::broker::ProducerState;
use crate::model::consumer::{InboxExpiry, Settle};
use crate::model::message::Acks;
use crate::model::producer::{
    EpochBump, IdentityPolicy, MessageIdPolicy, OnTimeout, Restart, Unfinished,
};
use crate::profile::{FaultClass, Swarm, Transport};
use std::collections::BTreeSet;

mod consumers;
mod halves;
mod promises;
mod publishers;
mod queues;
mod relays;
mod sagas;
mod services;
mod workers;

/// The most machines of a system.
const MACHINES_MAX: u32 = 4_000;

/// The most messages of a run: each is planned, kept in the history and judged.
const MESSAGES_MAX: u64 = 10_000_000;

/// The first pair of values that do not go together.
pub(super) fn check(scenario: &Scenario) -> Result<(), Problem> {
    promises::promises(scenario)?;
    machines(scenario)?;
    messages(scenario)?;
    broker(scenario)?;
    queues::queues(scenario)?;
    clients(scenario)?;
    services::services(scenario)?;
    halves::halves(scenario)?;
    relays::relays(scenario)?;
    sagas::sagas(scenario)?;
    surroundings(scenario)?;
    envelope(scenario)
}

fn machines(scenario: &Scenario) -> Result<(), Problem> {
    let programs = scenario.programs.len() as u32;
    let shared =
        [scenario.database.is_some(), scenario.external.is_some(), scenario.half.is_some()];
    let relays = scenario.relay.map_or(0, |section| section.count.get());
    let shared = shared.into_iter().map(u32::from).sum::<u32>() + relays;
    let undertakers = scenario.undertakers().count() as u32;
    let readers = scenario.readers();
    let machines =
        1 + scenario.workload.producers.get() + readers + shared + undertakers + programs;
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

fn messages(scenario: &Scenario) -> Result<(), Problem> {
    let (producers, each) = (scenario.workload.producers.get(), scenario.workload.messages.get());
    let own: u64 = scenario.programs.iter().map(|program| u64::from(program.messages)).sum();
    let messages = u64::from(producers) * u64::from(each) + own;
    let key = if own > MESSAGES_MAX { "program" } else { "workload.messages" };
    if messages <= MESSAGES_MAX {
        return Ok(());
    }
    Err(Problem::new(
        key,
        format!("a run would have {messages} messages"),
        format!("have at most {MESSAGES_MAX} in all"),
    ))
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
    if section.producer_state != ProducerState::FiveBatches && section.unknown_producer.is_some() {
        return Err(Problem::new(
            "broker.unknown_producer",
            "only a broker that remembers batches refuses a producer that it does not know",
            "leave it out, or keep producer_state = \"five-batches\"",
        ));
    }
    if section.dedup_window.is_some() != (section.producer_state == ProducerState::IdWindow) {
        return Err(Problem::new(
            "broker.dedup_window",
            "a window belongs to producer_state = \"id-window\", and only to it",
            "state both or neither",
        ));
    }
    upkeep(section)
}

/// What the broker keeps besides its log, and what it deletes.
fn upkeep(section: &BrokerSection) -> Result<(), Problem> {
    let remembers_none = section.producer_state == ProducerState::None;
    let deletes = section.retention.is_some() || section.retention_records.is_some();
    if section.snapshot_every.is_some() && remembers_none {
        return Err(Problem::new(
            "broker.snapshot_every",
            "a broker without producer state has nothing to take snapshots of",
            "leave it out, or keep producer_state = \"five-batches\"",
        ));
    }
    if section.snapshot_of.is_some() && section.snapshot_every.is_none() {
        return Err(Problem::new(
            "broker.snapshot_of",
            "no snapshot is taken",
            "leave it out, or state broker.snapshot_every",
        ));
    }
    if section.compaction && deletes {
        return Err(Problem::new(
            "broker.compaction",
            "a log here is either compacted or cut by retention",
            "leave out broker.retention and broker.retention_records, or write false",
        ));
    }
    if section.housekeeping.is_some() && !section.compaction && !deletes {
        return Err(Problem::new(
            "broker.housekeeping",
            "there is nothing to look for: every record is kept",
            "leave it out, or state broker.retention or broker.compaction",
        ));
    }
    if section.producer_state_kept.is_some() && (remembers_none || !deletes) {
        return Err(Problem::new(
            "broker.producer_state_kept",
            "nothing is remembered longer than it is in the log",
            "leave it out, or state broker.retention and a producer_state",
        ));
    }
    Ok(())
}

fn clients(scenario: &Scenario) -> Result<(), Problem> {
    let Scenario { producer, consumer, vary, .. } = scenario;
    senders(scenario)?;
    if consumer.settle == Settle::Atomic && consumer.commit.is_some() {
        return Err(Problem::new(
            "consumer.commit",
            "with settle = \"atomic\" nothing is committed to the broker",
            "leave it out",
        ));
    }
    if scenario.queue.is_some() {
        workers::workers(scenario)?;
    } else {
        workers::without_queue(scenario)?;
    }
    consumers::consumers(scenario)?;
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

fn senders(scenario: &Scenario) -> Result<(), Problem> {
    let producer = &scenario.producer;
    let idempotent = producer.identity == IdentityPolicy::Idempotent;
    let by_message = producer.identity == IdentityPolicy::MessageId;
    let unanswered = producer.acks == Acks::None;
    let retried = producer.retries != Retries::Protocol;
    let resent = producer.unfinished == Unfinished::Resent;
    let impossible = [
        (
            producer.message_id != MessageIdPolicy::default() && !by_message,
            "producer.message_id",
            "only a producer that names messages gives them ids",
            "leave it out, or set identity = \"message-id\"",
        ),
        (
            producer.restart != Restart::default() && !idempotent,
            "producer.restart",
            "only the names of batches depend on restarts",
            "leave it out, or set identity = \"idempotent\"",
        ),
        (
            producer.bump != EpochBump::default() && !idempotent,
            "producer.bump",
            "only the names of batches have an epoch",
            "leave it out, or set identity = \"idempotent\"",
        ),
        (
            idempotent && producer.acks != Acks::All,
            "producer.acks",
            "an idempotent producer must know that its batches are kept (Kafka refuses this too)",
            "write \"all\", or state another identity",
        ),
        (
            unanswered && producer.backoff.is_some(),
            "producer.backoff",
            "what is never answered is never sent again",
            "leave it out, or set acks = \"all\"",
        ),
        (
            unanswered && retried,
            "producer.retries",
            "what is never answered is never sent again",
            "leave it out, or set acks = \"all\"",
        ),
        (
            unanswered && resent,
            "producer.unfinished",
            "what is never answered is never sent again",
            "leave it out, or set acks = \"all\"",
        ),
    ];
    match impossible.into_iter().find(|(is_so, ..)| *is_so) {
        Some((_, key, why, cure)) => Err(Problem::new(key, why, cure)),
        None => Ok(()),
    }
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
    if network.framing.is_some() && !scenario.envelope().has(FaultClass::Corrupt) {
        return Err(Problem::new(
            "network.framing",
            "no frame goes bad",
            "leave it out, or let \"corrupt\" into run.envelope",
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
    let run = &scenario.run;
    if run.swarm == Swarm::Off && !run.envelope.is_empty() {
        return Err(Problem::new(
            "run.envelope",
            "without swarm the faults are those of the stated rates",
            "leave it out, or set swarm = \"on\"",
        ));
    }
    for &class in &run.envelope {
        if let Some(why) = impossible(scenario, class) {
            let right = format!("leave {:?} out", class.slug());
            return Err(Problem::new("run.envelope", format!("{class}: {why}"), right));
        }
    }
    Ok(())
}

/// Why faults of a class make no difference to a scenario, if they make none.
pub(super) fn impossible(scenario: &Scenario, class: FaultClass) -> Option<&'static str> {
    let Scenario { disk, network, .. } = scenario;
    match class {
        FaultClass::SlowSync
        | FaultClass::FailedSync
        | FaultClass::LyingSync
        | FaultClass::FullDisk
        | FaultClass::TornWrite
            if disk.write_through =>
        {
            Some("it cannot happen on a disk that writes through")
        }
        FaultClass::Duplicate if network.transport == Transport::Stream => {
            Some("a stream doubles nothing")
        }
        FaultClass::Disconnect if network.transport == Transport::Datagram => {
            Some("datagrams have no connection to break")
        }
        FaultClass::ClockStep if !reads_wall_clock(scenario) => {
            Some("no machine reads its wall clock")
        }
        _ => None,
    }
}

/// Whether a step of a wall clock can make a difference: it dates the rows of an inbox that expire,
/// the keys of an external system and half messages, and a program may read it.
fn reads_wall_clock(scenario: &Scenario) -> bool {
    scenario.consumer.inbox_expiry != InboxExpiry::Never
        || scenario.external.is_some()
        || scenario.half.is_some()
        || policies::broker(scenario).stamps()
        || queue_stamps(scenario)
        || !scenario.programs.is_empty()
}

/// Whether the age of a message in a queue matters, or that of its id.
fn queue_stamps(scenario: &Scenario) -> bool {
    let policy = scenario.queue.as_ref().map(|section| policies::queue(scenario, section));
    policy.is_some_and(|policy| policy.ttl.is_some() || policy.dedup.is_some())
}
