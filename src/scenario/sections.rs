//! The sections of a scenario, as data.

use super::bounded::{Between, Bounded, Positive};
use crate::model::broker::{ProducerState, UnknownProducer, Verify};
use crate::model::consumer::{CommitPolicy, Dedup, Resume, Settle};
use crate::model::producer::{IdentityPolicy, OnTimeout};
use crate::profile::{FaultClass, Swarm, Transport};
use crate::seed::Ratio;
use crate::time::Span;
use serde::Deserialize;

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
    /// Messages of one producer and key stand in the log in the order in which they were sent.
    PerKeyOrder,
    /// The groups' tables hold the same in the end.
    Convergent,
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
    /// How many producers there are.
    pub producers: Bounded<1, 4000>,
    /// How many messages each sends.
    pub messages: Bounded<1, 1_000_000>,
    /// How many routing keys they have; the n-th message has the key n modulo their number.
    #[serde(default = "one_key")]
    pub keys: Bounded<1, 1_000_000>,
    /// The time between a producer's messages.
    #[serde(default)]
    pub pace: Span,
}

fn one_key() -> Bounded<1, 1_000_000> {
    Bounded::of::<1>()
}

/// When the broker makes durable what it appends.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FsyncPolicy {
    /// Before it acknowledges.
    #[default]
    BeforeAck,
    /// Every `fsync_interval`.
    Interval,
    /// Never.
    Never,
}

/// The log broker.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrokerSection {
    /// How many partitions its log has.
    pub partitions: Bounded<1, 64>,
    /// When it makes durable what it appends.
    pub fsync: FsyncPolicy,
    /// How often, if that is `interval`.
    pub fsync_interval: Option<Positive>,
    /// What it remembers of producers.
    pub producer_state: ProducerState,
    /// What it does about a producer that it does not remember, unless it remembers none.
    pub unknown_producer: Option<UnknownProducer>,
    /// Whether it checks bodies.
    pub checksum: Verify,
}

impl Default for BrokerSection {
    fn default() -> Self {
        Self {
            partitions: Bounded::of::<1>(),
            fsync: FsyncPolicy::default(),
            fsync_interval: None,
            producer_state: ProducerState::default(),
            unknown_producer: None,
            checksum: Verify::default(),
        }
    }
}

/// The producers.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProducerSection {
    /// How they name their batches.
    pub identity: IdentityPolicy,
    /// How many requests to one partition may be unanswered.
    pub in_flight: Bounded<1, 5>,
    /// How long an answer may take.
    pub timeout: Positive,
    /// After how long a message is given up, at its next timeout. Kafka's `delivery.timeout.ms`.
    pub deadline: Positive,
    /// What a late answer leads to; on streams `disconnect` unless stated.
    pub on_timeout: Option<OnTimeout>,
}

impl Default for ProducerSection {
    fn default() -> Self {
        Self {
            identity: IdentityPolicy::default(),
            in_flight: Bounded::of::<5>(),
            timeout: Positive::millis(50),
            deadline: Positive::millis(120_000),
            on_timeout: None,
        }
    }
}

/// How long a consumer reads.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// For ever.
    #[default]
    Stopped,
    /// Until it has applied every message of the workload.
    Complete,
}

/// The consumers.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsumerSection {
    /// How many groups there are: each reads the whole log into a table of its own.
    pub groups: Bounded<1, 64>,
    /// How many members a group has: the partition p goes to the member p modulo their number.
    pub members: Bounded<1, 64>,
    /// The most entries of a fetch.
    pub batch: Bounded<1, 10_000>,
    /// How long an answer may take.
    pub timeout: Positive,
    /// How long the broker may wait for data.
    pub wait_max: Span,
    /// When they settle.
    pub settle: Settle,
    /// How they tell duplicates.
    pub dedup: Dedup,
    /// Whether a commit is answered, unless offsets are committed beside the effects.
    pub commit: Option<CommitPolicy>,
    /// Where they start.
    pub resume: Resume,
    /// How long they read.
    pub until: Until,
    /// Whether they check bodies.
    pub checksum: Verify,
    /// What a late answer leads to; on streams `disconnect` unless stated.
    pub on_timeout: Option<OnTimeout>,
}

impl Default for ConsumerSection {
    fn default() -> Self {
        Self {
            groups: Bounded::of::<1>(),
            members: Bounded::of::<1>(),
            batch: Bounded::of::<10>(),
            timeout: Positive::millis(150),
            wait_max: Span::millis(100),
            settle: Settle::default(),
            dedup: Dedup::default(),
            commit: None,
            resume: Resume::default(),
            until: Until::default(),
            checksum: Verify::default(),
            on_timeout: None,
        }
    }
}

/// The network.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSection {
    /// How messages travel.
    pub transport: Transport,
    /// The least and the greatest latency of a link.
    pub latency: Between,
    /// How many messages are lost.
    pub loss: Ratio,
    /// How many datagrams are doubled.
    pub duplicate: Ratio,
    /// How many messages arrive with a flipped bit.
    pub corrupt: Ratio,
    /// Bytes a second, if it is bounded.
    pub bandwidth: Option<Bounded<1, { u32::MAX }>>,
}

impl Default for NetworkSection {
    fn default() -> Self {
        Self {
            transport: Transport::default(),
            latency: Between::micros(1_000, 10_000),
            loss: Ratio::NEVER,
            duplicate: Ratio::NEVER,
            corrupt: Ratio::NEVER,
            bandwidth: None,
        }
    }
}

/// The disks.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiskSection {
    /// Whether appends are durable at once.
    pub write_through: bool,
    /// The least and the greatest time a sync takes.
    pub sync: Option<Between>,
}

/// The clocks.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockSection {
    /// The tick of monotonic clocks.
    pub tick: Positive,
}

impl Default for ClockSection {
    fn default() -> Self {
        Self { tick: Positive::try_from(Span::nanos_of(1)).unwrap_or(Positive::millis(1)) }
    }
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
