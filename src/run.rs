//! One run: a system and a schedule in, a verdict out.

use crate::check::Violation;
use crate::choice::{Choice, Key};
use crate::coverage::Coverage;
use crate::history::{EndCause, History};
use crate::id::NodeId;
use crate::node::Machine;
use crate::profile::Envelope;
use crate::schedule::{Fault, Schedule};
use crate::seed::Seed;
use crate::time::{Instant, Span};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Anything that runs schedules: every [`System`](crate::node::System) is one.
///
/// Nothing above this module knows what kind of system it runs.
pub trait Subject: Send + Sync {
    /// The name of the system.
    fn name(&self) -> &str;
    /// Its machines.
    fn machines(&self) -> &[Machine];
    /// The names of its `sometimes` sites.
    fn sites(&self) -> &'static [&'static str];
    /// The faults that its promises are made under.
    fn envelope(&self) -> Envelope;
    /// A decision in words, such as `drop producer-1→broker Produce #3`.
    fn tell_decision(&self, key: Key, choice: Choice) -> String;
    /// A timed fault in words, such as `power cut broker at 12.4 ms, down 3 ms`.
    fn tell_fault(&self, fault: &Fault) -> String;
    /// A world to run schedules in. It belongs to one thread and may be abandoned there if a node hangs;
    /// `pulse` tells from outside what it is at.
    fn worker(self: Arc<Self>, pulse: Arc<Pulse>) -> Box<dyn Worker>;
}

/// Runs schedules one after another, reusing its world.
pub trait Worker {
    /// Runs `schedule`. A panic of a node is an outcome like another.
    fn run(&mut self, schedule: &Schedule) -> Run;
    /// Runs `schedule` and keeps what an investigation needs. The run is the same as that of
    /// [`run`](Worker::run).
    fn inspect(&mut self, schedule: &Schedule) -> Inspection;
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The seed of its schedule.
    pub seed: Seed,
    /// The verdict.
    pub outcome: Outcome,
    /// The digest of every event and of every node's end state.
    pub digest: u64,
    /// What moved.
    pub stats: Stats,
    /// What was at stake.
    pub coverage: Coverage,
}

/// The verdict of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every promise was kept.
    Holds,
    /// One was broken: the first by precedence.
    Violated(Box<Violation>),
    /// It cannot be told.
    Unknown {
        /// Why not.
        why: String,
    },
    /// A node panicked.
    Panicked(Box<Panic>),
}

/// A panic of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// What it said.
    pub message: String,
    /// The file and line it came from: panics are told apart by it.
    pub location: String,
    /// The machine whose callback it was.
    pub node: NodeId,
}

/// What moved in a run.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events handled.
    pub events: u64,
    /// Messages handed to the network.
    pub sent: u64,
    /// Messages that reached a node's callback.
    pub delivered: u64,
    /// Sends invoked.
    pub invoked: u64,
    /// Sends acknowledged.
    pub acknowledged: u64,
    /// Effects committed.
    pub effects: u64,
    /// Virtual time at the end.
    pub lasted: Span,
    /// Why it ended.
    pub cause: Option<EndCause>,
}

/// A run seen from inside.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The run.
    pub run: Run,
    /// The same run as a quiet schedule plus the decisions it took.
    pub rewritten: Schedule,
    /// Explicit decisions of the schedule that nothing asked for.
    pub unmet: Vec<Key>,
    /// The knobs of the system, by name, with the values of this run.
    pub knobs: Vec<(&'static str, u64)>,
    /// The operations and effects.
    pub history: History,
    /// Every event.
    pub trace: Vec<TraceEvent>,
}

/// An event of a run, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// When.
    pub at: Instant,
    /// At which machine, unless it concerns the whole world.
    pub node: Option<NodeId>,
    /// What happened.
    pub text: String,
    /// The digest of the run up to here.
    pub digest: u64,
}

/// A heartbeat that a world writes and a watchdog reads.
#[derive(Debug, Default)]
pub struct Pulse(AtomicU64);

impl Pulse {
    /// Machine `node` is about to handle the run's `events`-th event.
    #[inline]
    pub(crate) fn beat(&self, node: NodeId, events: u64) {
        self.0.store((node.0 as u64) << 48 | events & 0xffff_ffff_ffff, Ordering::Relaxed);
    }

    /// A word that changes with every event, and the machine that handles it.
    pub fn read(&self) -> (u64, NodeId) {
        let word = self.0.load(Ordering::Relaxed);
        (word, NodeId((word >> 48) as u16))
    }
}

impl Outcome {
    /// A short name to group outcomes by: the rule, `unknown`, or the place of a panic.
    pub fn group(&self) -> String {
        match self {
            Self::Holds => "holds".to_owned(),
            Self::Violated(violation) => violation.rule.slug().to_owned(),
            Self::Unknown { .. } => "unknown".to_owned(),
            Self::Panicked(panic) => format!("panic at {}", panic.location),
        }
    }
}

impl fmt::Display for TraceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12}  {}", self.at.to_string(), self.text)
    }
}
