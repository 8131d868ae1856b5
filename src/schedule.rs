//! All nondeterminism of one run, as data.

use crate::choice::{Choice, Key};
use crate::id::{FileId, MessageId, NodeId, TimerId};
use crate::profile::FaultClass;
use crate::seed::{Ratio, Seed};
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Who answers a choice that is not decided explicitly.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// The seed, under the profile of the system.
    Seeded,
    /// Nobody: least latency, no fault, every number as stated.
    #[default]
    Quiet,
}

/// In which order a seeded run handles events that are due close together. A quiet run keeps the
/// order of time: what was overtaken is late in it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The seed draws one of the others; in order of time, if the system fixes its faults.
    #[default]
    Mix,
    /// In order of time.
    Time,
    /// By priorities of the links, timers and files that events come from, a few of which change:
    /// probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010).
    Pct,
    /// By priorities of the events, drawn anew among those at one machine each time that it handles
    /// one: partial order sampling (Yuan, Yang and Gu, CAV 2018).
    Pos,
    /// Any of them with the same probability, each time: a random walk.
    Walk,
}

impl Strategy {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Mix, Self::Time, Self::Pct, Self::Pos, Self::Walk];

    /// Its name.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Mix => "mix",
            Self::Time => "time",
            Self::Pct => "pct",
            Self::Pos => "pos",
            Self::Walk => "walk",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// Text that is not a strategy.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a strategy: write mix, time, pct, pos or walk")]
pub struct NotAStrategy {
    text: String,
}

impl FromStr for Strategy {
    type Err = NotAStrategy;

    fn from_str(text: &str) -> Result<Self, NotAStrategy> {
        let named = |strategy: &Self| strategy.slug() == text;
        let found = Self::ALL.into_iter().find(named);
        found.ok_or_else(|| NotAStrategy { text: text.to_owned() })
    }
}

/// A run is a pure function of a system and a schedule.
///
/// The limits that are `None` are the system's own, or, for `heal_at` of a seeded schedule, drawn.
///
/// ```
/// use postulate::schedule::Schedule;
/// use postulate::seed::Seed;
///
/// let schedule = Schedule::seeded(Seed(7));
/// let text = serde_json::to_string(&schedule).unwrap();
/// assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), schedule);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The seed; also of a quiet schedule, as a memory of where it came from.
    pub seed: Seed,
    /// Who answers what is not decided.
    pub baseline: Baseline,
    /// In which order events that are due close together are handled, if the seed is asked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub strategy: Strategy,
    /// Faults beyond those that a seed draws.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Choices decided explicitly.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "decision_list")]
    pub decisions: BTreeMap<Key, Choice>,
    /// When every fault stops at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heal_at: Option<Instant>,
    /// How long a run may stay busy without what is owed falling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<Span>,
    /// How long a run goes on when it is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Span>,
    /// The budget of events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_max: Option<u64>,
    /// The budget of virtual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_max: Option<Span>,
    /// What is left out of the system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omit: Vec<Part>,
    /// Bytes that came from outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
}

impl Schedule {
    /// The schedule that grows from `seed`.
    pub fn seeded(seed: Seed) -> Self {
        Self { seed, baseline: Baseline::Seeded, ..Self::default() }
    }

    /// The same in another order of events that are due close together.
    pub fn ordered(self, strategy: Strategy) -> Self {
        Self { strategy, ..self }
    }

    /// The schedule in which nothing happens but the workload.
    pub fn quiet() -> Self {
        Self::default()
    }

    /// How many steps it takes beside the workload: its faults and its explicit decisions. What a
    /// seed draws is not counted; the rewritten form of a run has all of it.
    pub fn steps(&self) -> usize {
        self.faults.len() + self.decisions.len()
    }

    /// The schedules that lack one of its steps: as many as it has, faults first.
    pub fn lesser(&self) -> Vec<Self> {
        let faults = (0..self.faults.len()).map(|place| {
            let mut lesser = self.clone();
            lesser.faults.remove(place);
            lesser
        });
        let decisions = self.decisions.keys().map(|key| {
            let mut lesser = self.clone();
            lesser.decisions.remove(key);
            lesser
        });
        faults.chain(decisions).collect()
    }
}

/// A part of a system that a schedule leaves out.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A machine, which never boots, and its plan.
    Machine(NodeId),
    /// The plan of a machine.
    Client(NodeId),
    /// One planned operation.
    Operation(MessageId),
}

/// Bytes that reach a node from outside the simulation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// When.
    pub at: Instant,
    /// At which machine.
    pub node: NodeId,
    /// Over which of its outside connections.
    pub connection: u32,
    /// What.
    pub bytes: Vec<u8>,
}

/// A timed fault.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When it strikes.
    pub when: Trigger,
    /// What it does.
    pub what: Trouble,
}

/// When a fault strikes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// At a virtual time, before the events of the same instant.
    At(Instant),
    /// Right after a machine has handled its `events`-th event, counted over the run.
    After {
        /// The machine.
        node: NodeId,
        /// Which of its events, counting from 1.
        events: u32,
    },
    /// Right after a machine has handled something for the `nth` time, counted over the run. Events
    /// of other kinds shift it as little as they shift the keys of decisions: this is how a
    /// rewritten run says `After`.
    Upon {
        /// The machine.
        node: NodeId,
        /// What it handles.
        what: Occasion,
        /// For the how-manieth time, counting from 1.
        nth: u32,
    },
    /// Right after a machine has done something for the `nth` time, counted over the run, and
    /// before it does anything else: this is how a rewritten run says that a crash falls after so
    /// many actions.
    Done {
        /// The machine.
        node: NodeId,
        /// What it does.
        what: Deed,
        /// For the how-manieth time, counting from 1.
        nth: u32,
    },
}

/// Something that a machine does.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// It sends a message of this kind.
    Send {
        /// To whom.
        to: NodeId,
        /// The kind.
        kind: u8,
    },
    /// It appends a record to this file.
    Append(FileId),
    /// It cuts off the end of this file.
    Truncate(FileId),
    /// It discards the beginning of this file.
    Discard(FileId),
    /// It asks for a sync of this file.
    Sync(FileId),
    /// It closes its connections with this machine.
    Disconnect(NodeId),
}

/// Something that a machine handles.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// A message of this kind.
    Message {
        /// Who sent it.
        from: NodeId,
        /// Its kind.
        kind: u8,
    },
    /// A timer that fires.
    Timer(TimerId),
    /// The end of a sync of this file.
    Sync(FileId),
    /// The notice that a connection with this machine is gone.
    Notice(NodeId),
    /// Bytes from outside, over this connection.
    Input(u32),
}

/// What a timed fault does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// The process dies and its machine restarts it after `down`.
    Crash {
        /// The machine.
        node: NodeId,
        /// How long it is down.
        down: Span,
    },
    /// The machine loses power and boots again after `down`.
    PowerCut {
        /// The machine.
        node: NodeId,
        /// How long it is down.
        down: Span,
    },
    /// The machine handles nothing for a while.
    Pause {
        /// The machine.
        node: NodeId,
        /// How long.
        lasting: Span,
    },
    /// The connections of a machine break.
    Disconnect {
        /// The machine.
        node: NodeId,
    },
    /// What is sent from one side to the other is lost. Two of them make a two-way cut.
    Cut {
        /// The sending side.
        from: Vec<NodeId>,
        /// The receiving side.
        to: Vec<NodeId>,
        /// How long.
        lasting: Span,
    },
    /// What is sent over a link waits until the fault is over.
    Hold {
        /// The sending side.
        from: NodeId,
        /// The receiving side.
        to: NodeId,
        /// How long.
        lasting: Span,
    },
    /// A link is slower, and a seeded run draws more losses and duplicates on it.
    Grey {
        /// The sending side.
        from: NodeId,
        /// The receiving side.
        to: NodeId,
        /// Added to each latency.
        slower: Span,
        /// Messages lost.
        loss: Ratio,
        /// Datagrams doubled.
        duplicate: Ratio,
        /// How long.
        lasting: Span,
    },
    /// The wall clock of a machine steps.
    ClockStep {
        /// The machine.
        node: NodeId,
        /// Nanoseconds forward, or backward if negative.
        by: i64,
    },
    /// The disk of a machine takes nothing: syncs of what was appended meanwhile fail.
    FullDisk {
        /// The machine.
        node: NodeId,
        /// How long.
        lasting: Span,
    },
    /// A record at rest goes bad.
    BitRot {
        /// The machine.
        node: NodeId,
        /// The file.
        file: FileId,
        /// Which record, counting back from the newest durable one.
        back: u32,
    },
}

impl Trouble {
    /// The machine that it befalls; none if it befalls links.
    pub const fn node(&self) -> Option<NodeId> {
        match *self {
            Self::Crash { node, .. }
            | Self::PowerCut { node, .. }
            | Self::Pause { node, .. }
            | Self::Disconnect { node }
            | Self::ClockStep { node, .. }
            | Self::FullDisk { node, .. }
            | Self::BitRot { node, .. } => Some(node),
            Self::Cut { .. } | Self::Hold { .. } | Self::Grey { .. } => None,
        }
    }

    /// The class that it counts under, unless it is part of a greater one.
    pub const fn class(&self) -> FaultClass {
        match self {
            Self::Crash { .. } => FaultClass::Crash,
            Self::PowerCut { .. } => FaultClass::PowerCut,
            Self::Pause { .. } => FaultClass::Pause,
            Self::Disconnect { .. } => FaultClass::Disconnect,
            Self::Cut { .. } => FaultClass::Cut,
            Self::Hold { .. } => FaultClass::Hold,
            Self::Grey { .. } => FaultClass::GreyLink,
            Self::ClockStep { .. } => FaultClass::ClockStep,
            Self::FullDisk { .. } => FaultClass::FullDisk,
            Self::BitRot { .. } => FaultClass::BitRot,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Decisions are written as a list, since a key is more than a string.
mod decision_list {
    use super::{BTreeMap, Choice, Deserialize, Key, Serialize};
    use serde::{Deserializer, Serializer, de};

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Decision {
        key: Key,
        choice: Choice,
    }

    pub fn serialize<S: Serializer>(
        decisions: &BTreeMap<Key, Choice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(decisions.iter().map(|(&key, &choice)| Decision { key, choice }))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Key, Choice>, D::Error> {
        let mut decisions = BTreeMap::new();
        for Decision { key, choice } in Vec::<Decision>::deserialize(deserializer)? {
            if decisions.insert(key, choice).is_some() {
                return Err(de::Error::custom(format!("two decisions at one key: {key:?}")));
            }
        }
        Ok(decisions)
    }
}
