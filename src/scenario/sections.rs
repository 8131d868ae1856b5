//! The sections of a scenario, as data.

use super::bounded::{Bounded, Positive};
use crate::profile::{FaultClass, Swarm};
use crate::time::Span;
use serde::Deserialize;
use std::fmt::{self, Write as _};

pub use broker::{BrokerSection, FsyncPolicy};
pub use consumer::{ConsumerSection, Until};
pub use database::DatabaseSection;
pub use external::ExternalSection;
pub use half::HalfSection;
pub use producer::{ProducerSection, Retries};
pub use queue::QueueSection;
pub use relay::RelaySection;
pub use saga::SagaSection;
pub use service::ServiceSection;
pub use surroundings::{ClockSection, DiskSection, NetworkSection};
pub use worker::{Heartbeat, IntakeName, WorkerSection};

mod broker;
mod consumer;
mod database;
mod external;
mod half;
mod producer;
mod queue;
mod relay;
mod saga;
mod service;
mod surroundings;
mod worker;

/// A promise, by name.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromiseName {
    /// At most one effect a message and group.
    AtMostOnce,
    /// At least one effect an acknowledged message and group.
    AtLeastOnce,
    /// Both.
    ExactlyOnce,
    /// No message stands twice in the log.
    IdempotentProducer,
    /// Messages of one producer and key stand in the log in the order in which they were sent, and
    /// consumers read the log record by record.
    PerKeyOrder,
    /// The log keeps what it has acknowledged or shown, but for declared retention and compaction.
    DurableLog,
    /// No group commits an offset past a record whose effect is not durable.
    NeverCommitsAhead,
    /// The groups' tables and the services' states hold the same in the end.
    Convergent,
    /// Each group's table holds the newest update of each key in the end.
    Projected,
    /// Each acknowledged message was processed in the end or is a dead letter, group by group.
    Accounted,
    /// Effects of messages of one producer and key happen in the order in which they were sent, and
    /// none after a dead letter.
    OrderedEffects,
    /// No message is delivered again without a cause.
    BoundedRedelivery,
    /// No message is delivered again that the queue has confirmed to be settled.
    SettledForGood,
    /// Nobody acts on the resource of a group after a later owner has.
    Fenced,
    /// A queue holds no more than its cap, and a burst is worked off in time.
    BoundedBacklog,
    /// In the end each order is carried out with all of its steps, or called off with every step
    /// undone that was taken.
    Compensated,
    /// In the end a service's state and the groups' tables hold the same messages: none is torn
    /// apart.
    Atomic,
}

impl fmt::Display for PromiseName {
    /// As scenarios spell it, such as `at-least-once`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, letter) in format!("{self:?}").chars().enumerate() {
            if letter.is_uppercase() && place > 0 {
                f.write_char('-')?;
            }
            f.write_char(letter.to_ascii_lowercase())?;
        }
        Ok(())
    }
}

/// What a scenario is there to show.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// Its promises are kept.
    #[default]
    Holds,
    /// One of them is broken.
    Violated,
}

/// What is sent.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// How many producers there are, or services.
    pub producers: Bounded<1, 4000>,
    /// How many messages each sends.
    pub messages: Bounded<1, 1_000_000>,
    /// How many routing keys they have; the n-th message has the key n modulo their number.
    #[serde(default = "one_key")]
    pub keys: Bounded<1, 1_000_000>,
    /// The time between a producer's messages.
    #[serde(default)]
    pub pace: Span,
    /// The handling of every so-manieth message of a producer always fails.
    #[serde(default)]
    pub poison: Option<Bounded<1, 1_000_000>>,
}

fn one_key() -> Bounded<1, 1_000_000> {
    Bounded::of::<1>()
}

/// Faults, and when a run ends.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunSection {
    /// Whether each seed draws its own faults.
    pub swarm: Swarm,
    /// The faults that the promises are made under. Without swarm they follow from the stated
    /// rates.
    pub envelope: Vec<FaultClass>,
    /// When every fault stops at the latest.
    pub heal_at: Option<Positive>,
    /// How long a busy run may go on without what is owed falling.
    pub patience: Option<Positive>,
    /// How long a settled run goes on.
    pub drain: Option<Span>,
    /// The budget of events.
    pub events_max: Option<Bounded<1, { u32::MAX }>>,
    /// The budget of virtual time.
    pub time_max: Option<Positive>,
}

/// What a seed may set otherwise, under swarm: values besides the stated ones.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VarySection {
    /// `producer.in_flight`.
    pub in_flight: Vec<Bounded<1, 5>>,
    /// `producer.timeout`.
    pub timeout: Vec<Positive>,
    /// `producer.deadline`.
    pub deadline: Vec<Positive>,
    /// `consumer.batch`.
    pub batch: Vec<Bounded<1, 10_000>>,
    /// `consumer.wait_max`.
    pub wait_max: Vec<Span>,
}

/// A machine whose program code supplies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The name under which the code attaches it.
    pub name: String,
    /// The name of the machine.
    pub machine: String,
    /// How many messages are planned for it.
    #[serde(default)]
    pub messages: u32,
}
