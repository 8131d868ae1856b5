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
//! - A *known record* is one that an acknowledgement or a poll has told of; a *session* is one life
//!   of one process. What a node says of itself beyond that is believed by no rule.
//! - What only time can show (`lost`, `lost-record`, `diverged`, `deadlock`) is judged when the run
//!   came to rest. A history that was cut short is unknown, unless a promise is broken already; one
//!   that merely has no end may hold if nothing is owed.

use crate::history::Operation;
use crate::id::{GroupId, MessageId, NodeId, SinkId};
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

mod ahead;
mod aside;
mod convergence;
mod delivery;
mod evidence;
mod index;
mod judge;
mod lanes;
mod ledger;
mod log;
mod patterns;
mod progress;
mod projected;
mod reading;
pub mod strong;
mod unseen;

pub use judge::{Counts, Judge, judge};

/// How many sinks the promises about delivery may name together, and each other promise that names
/// several, or each of its accounts.
pub const SINKS_MAX: usize = 64;

/// What a system promises, as data.
#[derive(Clone, Debug)]
pub enum Promise {
    /// Each message has at most one effect at each of the sinks, and none that was not attempted.
    AtMostOnce {
        /// The sinks.
        sinks: Vec<SinkId>,
    },
    /// Each acknowledged message has an effect at each of the sinks once the run is settled; where
    /// no sink is named, somebody has read it by then.
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
    /// Messages of one session and key stand in a log in the order in which they were invoked,
    /// behind whatever was acknowledged before; and consumers read the log record by record.
    PerKeyOrder,
    /// A log keeps what it has acknowledged or shown, where it stands, and does not bring back what
    /// it has dropped.
    DurableLog {
        /// How long it keeps records, if not for ever. A record that is passed over at this age or
        /// later may be missing; the age counts from the first attempt to send it, by the history's
        /// time. A log whose clock may run fast has to promise less than it is set to.
        retention: Option<Span>,
        /// Whether a record may be missing that a later one of its key has made obsolete.
        compacted: bool,
    },
    /// No commit passes a record that the group was handed before its effect is durable.
    NeverCommitsAhead {
        /// The groups, each with the sink of its effects.
        of: Vec<Handling>,
    },
    /// Replicas hold the same in the end.
    Convergent {
        /// The replicas.
        replicas: Vec<Replica>,
    },
    /// In the end each of the machines' views is the [`projection`](crate::projection) of the log:
    /// the newest update of each key.
    Projected {
        /// The machines.
        replicas: Vec<NodeId>,
    },
    /// In the end each message has an effect at all of the sinks or at none: what a service did
    /// and what it told others of it are not torn apart.
    Atomic {
        /// The sinks.
        sinks: Vec<SinkId>,
    },
    /// In the end each message, an operation of several steps, has taken all of them once or none
    /// of them: a step that was taken counts as not taken once it is undone.
    Compensated {
        /// The steps.
        steps: Vec<Compensable>,
    },
    /// In the end each acknowledged message has an effect in every account: it was processed, or is
    /// a dead letter, or has expired, or was dropped, and which, is written down.
    Accounted {
        /// The accounts, one a queue, say: the sinks that make each of them up.
        of: Vec<Vec<SinkId>>,
        /// Whether a message has an effect at one sink of an account only.
        disjoint: bool,
    },
    /// Effects of messages of one session and key happen in the order in which the messages were
    /// invoked first; after a dead letter none of its successors has an effect but among the dead
    /// letters. The first effect of a message at the sink counts, and only messages that had been
    /// sent once by their effect: what the application sends again may come at any time.
    OrderedEffects {
        /// Where that is promised.
        of: Vec<Course>,
    },
    /// A message is received at most once for each time that it was sent, and once more for each
    /// cause: a delivery of it ended before its consumer had it confirmed that the message is
    /// settled, because the consumer gave it back, went down, lapsed, or does not know whether it
    /// settled it; the queue went down after the first send; or a lease ran out, as many as there
    /// was time for from the first send to the last delivery.
    ///
    /// That an attempt to send puts the message into the queue once is part of it: a producer that
    /// resends by itself needs a queue that drops duplicates.
    BoundedRedelivery {
        /// The consumers of the queue.
        group: GroupId,
        /// The machine of the queue.
        broker: NodeId,
        /// How long a consumer may hold a message before the queue hands it to others, by the
        /// history's time; if there is no such bound, it may for ever. A queue whose clock may run
        /// fast has to promise less than it is set to.
        lease: Option<Span>,
    },
    /// A message that the queue has confirmed to be settled for good is not received again by the
    /// session that had it confirmed, nor by one that began afterwards. To others it may have been
    /// under way. One that was sent again may come again; a producer that resends by itself needs a
    /// queue that drops duplicates.
    SettledForGood {
        /// The consumers of the queues.
        groups: Vec<GroupId>,
    },
    /// At each of the sinks no act takes effect once one under a greater token has, and none that
    /// nobody began under a token.
    Fenced {
        /// The sinks.
        sinks: Vec<SinkId>,
    },
    /// Acknowledged messages without an effect at a sink do not pile up.
    BoundedBacklog {
        /// The sink.
        sink: SinkId,
        /// How many there may be at any time, if a queue has a cap.
        cap: Option<u64>,
        /// How many there may be when the burst is over, and once all is at rest.
        recovered: u64,
        /// How long that may take, from the last send or the end of the faults, whichever is later.
        within: Span,
    },
    /// A promise of the system's own.
    Custom(Arc<dyn CustomPromise>),
}

/// A step of an operation of several.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compensable {
    /// Where taking it shows.
    pub does: SinkId,
    /// Where undoing it shows.
    pub undoes: SinkId,
}

/// A sink whose effects happen in order, and where what it gives up goes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// The sink.
    pub sink: SinkId,
    /// Its dead letters, if there are any.
    pub dead_letters: Option<SinkId>,
}

/// A machine whose view must agree with the other replicas'.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// The machine.
    pub node: NodeId,
    /// If its view is the set of effects at a sink: that sink. The view must then equal their fold.
    pub sink: Option<SinkId>,
}

/// A group of consumers, and the sink where what it is handed takes effect.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handling {
    /// The group.
    pub group: GroupId,
    /// The sink.
    pub sink: SinkId,
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
///
/// What must never happen comes before what ought to have happened by the end. Among the former the
/// order follows the way of the data, since what goes wrong upstream explains what goes wrong below
/// it: first the record itself (one that is not what was sent says nothing reliable about places),
/// then the log it stands in, then the consumer that reads it, then the effect. Within a stage the
/// narrower rule comes first: a copy in a foreign partition is `misrouted` before it is a
/// `duplicate-record`; a record that nobody can read any more is a `lost-record` before each of its
/// readers has `skipped` it; a group that is thrown back behind a durable commit shows the broker's
/// fault, `resurrected`, before the consumer's, `rewound`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The payload applied or read is the payload sent.
    Corrupted,
    /// A record stands under the key and in the partition that its message was sent to.
    Misrouted,
    /// One offset never shows two records.
    InconsistentOffset,
    /// One message at one offset.
    DuplicateRecord,
    /// Order of invocation is order of position.
    Order,
    /// A known record can be read.
    LostRecord,
    /// What is gone, or settled for good, does not come back.
    Resurrected,
    /// A consumer passes over no record.
    Skipped,
    /// A consumer reads no record again that it is past.
    Rewound,
    /// No commit passes a record without its effect.
    CommittedAhead,
    /// No delivery without a cause.
    RedeliveryBound,
    /// Nothing takes effect after what a later owner did.
    Fence,
    /// No effect without an attempt, none after a definite failure.
    PhantomEffect,
    /// At most one effect a message and sink.
    DuplicateEffect,
    /// Effects of one key happen in the order of invocation.
    Overtaken,
    /// A queue has no more in it than it declares.
    Backlog,
    /// The calls of a queue or register have one order that agrees with time.
    Unlinearizable,
    /// A rule of the system's own.
    Custom,
    /// State and message agree in the end.
    Torn,
    /// An acknowledged message has an effect.
    Lost,
    /// An acknowledged message is read by somebody.
    Unseen,
    /// What was accepted is accounted for in the end.
    Accounting,
    /// An operation of several steps is whole or undone in the end.
    Uncompensated,
    /// Replicas agree in the end.
    Diverged,
    /// Projections are the newest of the log in the end.
    StaleProjection,
    /// No quiescence with something owed.
    Deadlock,
    /// No endless work without progress.
    Livelock,
}

impl Rule {
    /// The name used in reports and file names.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Corrupted => "corrupted",
            Self::Misrouted => "misrouted",
            Self::InconsistentOffset => "inconsistent-offset",
            Self::DuplicateRecord => "duplicate-record",
            Self::Order => "order",
            Self::LostRecord => "lost-record",
            Self::Resurrected => "resurrected",
            Self::Skipped => "skipped",
            Self::Rewound => "rewound",
            Self::CommittedAhead => "committed-ahead",
            Self::PhantomEffect => "phantom-effect",
            Self::DuplicateEffect => "duplicate-effect",
            Self::RedeliveryBound => "redelivery-bound",
            Self::Fence => "fence",
            Self::Overtaken => "overtaken",
            Self::Backlog => "backlog",
            Self::Accounting => "accounting",
            Self::Torn => "torn",
            Self::Uncompensated => "uncompensated",
            Self::Unlinearizable => "unlinearizable",
            Self::Custom => "custom",
            Self::Lost => "lost",
            Self::Unseen => "unseen",
            Self::Diverged => "diverged",
            Self::StaleProjection => "stale-projection",
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

/// The place of a replica as a bit. Replicas beyond 64 are compared like the others, but no run
/// goes on for them.
const fn bit(place: usize) -> u64 {
    if place < u64::BITS as usize { 1 << place } else { 0 }
}
