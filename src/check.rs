//! Judging: promises, and the checkers that fold a history into verdicts.
//!
//! A checker sees the history and nothing else, so that a run and a history recorded elsewhere are
//! judged alike.
//!
//! [`Judge`] is the fold over all rules: a world feeds it every operation and asks what is owed and
//! whether something is broken for good; [`judge`] runs it over a finished history. Which rules
//! apply follows from the promises; that planned sends are made and answered is asked of every
//! system.
//!
//! - A message's *outcome* is that of its attempts together: ok if one is, else info if one is or
//!   has no answer, else fail. Only ok obliges (`lost`), and only fail forbids (`phantom-effect`).
//! - A payload that is applied or read must have been sent by then. A record of a message that
//!   nobody has sent is therefore `corrupted`; an effect of one is a `phantom-effect`.
//! - What only time can show (`lost`, `diverged`, `deadlock`) is judged when the run came to rest.
//!   A history that was cut short is unknown, unless a promise is broken already; one that merely
//!   has no end may hold if nothing is owed.

use crate::history::Operation;
use crate::id::{MessageId, NodeId, SinkId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

mod convergence;
mod delivery;
mod evidence;
mod index;
mod judge;
mod lanes;
mod ledger;
mod log;
mod progress;

pub use judge::{Counts, Judge, judge};

/// How many sinks the promises about delivery may name together.
pub const SINKS_MAX: usize = 64;

/// What a system promises, as data.
#[derive(Clone, Debug)]
pub enum Promise {
    /// Each message has at most one effect at each of the sinks, and none that was not attempted.
    AtMostOnce {
        /// The sinks.
        sinks: Vec<SinkId>,
    },
    /// Each acknowledged message has an effect at each of the sinks once the run is settled.
    AtLeastOnce {
        /// The sinks.
        sinks: Vec<SinkId>,
    },
    /// Both of the above.
    ExactlyOnce {
        /// The sinks.
        sinks: Vec<SinkId>,
    },
    /// No un-retried message stands twice in a log.
    IdempotentProducer,
    /// Messages of one session and key stand in a log in the order in which they were invoked.
    PerKeyOrder,
    /// Replicas hold the same in the end.
    Convergent {
        /// The replicas.
        replicas: Vec<Replica>,
    },
    /// A promise of the system's own.
    Custom(Arc<dyn CustomPromise>),
}

/// A machine whose view must agree with the other replicas'.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// The machine.
    pub node: NodeId,
    /// If its view is the set of effects at a sink: that sink. The view must then equal their fold.
    pub sink: Option<SinkId>,
}

/// A promise that is judged by a checker of the system's own.
pub trait CustomPromise: fmt::Debug + Send + Sync {
    /// A fresh checker.
    fn checker(&self) -> Box<dyn Checker>;
}

/// A fold over a history, the same online and offline.
pub trait Checker: fmt::Debug {
    /// Back to the state before the first operation.
    fn reset(&mut self);
    /// Takes in the next operation.
    fn observe(&mut self, operation: &Operation);
    /// How many things are still to happen, in constant time: they keep the run going.
    fn owed(&self) -> u32 {
        0
    }
    /// The violation that no later operation can mend, if there is one already.
    fn broken(&self) -> Option<Violation> {
        None
    }
    /// The verdict, after the last operation.
    fn conclude(&mut self) -> Verdict;
}

/// What a checker decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The promise was kept.
    Holds,
    /// It was not.
    Violated(Box<Violation>),
    /// The history does not tell.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// A broken rule, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// What the rule asks for, in a sentence.
    pub expected: String,
    /// What the history shows instead, in a sentence.
    pub observed: String,
    /// The messages it is about.
    pub about: Vec<MessageId>,
    /// The few operations that show it; filled in by whoever holds the history.
    pub operations: Vec<Operation>,
}

/// The rules, in the order of precedence when several are broken.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// At most one effect a message and sink.
    DuplicateEffect,
    /// No effect without an attempt, none after a definite failure.
    PhantomEffect,
    /// The payload applied or read is the payload sent.
    Corrupted,
    /// One message at one offset.
    DuplicateRecord,
    /// Order of invocation is order of position.
    Order,
    /// A rule of the system's own.
    Custom,
    /// An acknowledged message has an effect.
    Lost,
    /// Replicas agree in the end.
    Diverged,
    /// No quiescence with something owed.
    Deadlock,
    /// No endless work without progress.
    Livelock,
}

impl Rule {
    /// The name used in reports and file names.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::DuplicateEffect => "duplicate-effect",
            Self::PhantomEffect => "phantom-effect",
            Self::Corrupted => "corrupted",
            Self::DuplicateRecord => "duplicate-record",
            Self::Order => "order",
            Self::Custom => "custom",
            Self::Lost => "lost",
            Self::Diverged => "diverged",
            Self::Deadlock => "deadlock",
            Self::Livelock => "livelock",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}
