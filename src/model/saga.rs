//! Sagas: orders of several steps, each taken by a participant of its own, and undone again if the
//! order cannot be carried out as a whole (Garcia-Molina and Salem, "Sagas", 1987).
//!
//! Machines write to each other by letters on the topics of a log, which are partitions here. Who
//! handles a letter does all that comes of it in one commit of its own store: the row of the step,
//! what that means, how far it has read, and the letters that follow, which it publishes from
//! there. What crosses the log may come twice, late, or in another order than it was decided:
//!
//! - a step is known by the row of its order, whatever comes again;
//! - an undoing may outrun the step that it is to undo, since the two travel by topics of their
//!   own. It leaves a row that refuses the step when that comes (Seata's TCC fence calls the two
//!   *empty rollback* and *suspension*);
//! - what is decided is on the disk before anybody hears of it, and an undoing that fails is tried
//!   again until it succeeds.
//!
//! In the history an order is a send, acknowledged once it is on the disk of the service that has
//! accepted it. Letters do not show there; steps taken and undone are effects of the order.

use super::consumer::FetchPolicy;
use super::message::Message;
use super::producer::ProducerPolicy;
use super::record::Record;
use crate::history::Effect;
use crate::id::{MessageId, PartitionId, SinkId};
use crate::node::Context;
use crate::seed::Ratio;
use crate::time::Span;
use serde::Deserialize;

pub use orders::Orders;
pub use participant::Participant;

mod course;
mod letter;
mod mail;
mod orders;
mod outbox;
mod participant;

#[cfg(test)]
mod tests;

/// The most steps of an order.
pub const STEPS_MAX: u8 = 4;

/// Who tells the participants what to do.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SagaStyle {
    /// The service that has accepted the order: step by step, and backwards when one is refused or
    /// overdue.
    #[default]
    Orchestrated,
    /// Each other: a participant reads what the one before it has done, and what the one behind it
    /// has undone or refused. An order that is overdue is called off from its last step on.
    Choreographed,
    /// The service that has accepted the order, all at once: every participant reserves, and when
    /// all have, every one confirms; else every one cancels (try, confirm, cancel: Pardon and
    /// Pautasso, "Atomic distributed transactions: a `RESTful` design", 2014; Seata's TCC mode).
    Tcc,
    /// Each other, and only forwards: a chain of events that nobody refuses and nobody calls off.
    Chain,
}

/// What a participant does about an undoing of a step that it knows nothing of.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tombstone {
    /// It leaves a row that refuses the step if it still comes.
    #[default]
    Kept,
    /// Nothing: there is nothing to undo. The step that comes later is taken, and nobody undoes it.
    None,
}

/// What a participant does when a letter comes again.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepsAre {
    /// Nothing: the row of the step is unique, and says that it was handled.
    #[default]
    Unique,
    /// The same as before: it takes the step, or undoes it, again.
    Repeated,
}

/// What a participant does when an undoing fails.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compensation {
    /// It tries again until it succeeds.
    #[default]
    Retried,
    /// It has tried, says that it is done, and goes on.
    BestEffort,
}

/// Where a service keeps what it has decided about its orders.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decisions {
    /// In its store, in the commit of the letters that follow.
    #[default]
    Durable,
    /// In memory, which a restart empties.
    InMemory,
}

/// How a participant answers.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answers {
    /// By a row of its store in the commit of the step, which it publishes from there.
    #[default]
    Outbox,
    /// By publishing once that commit is durable: a crash in between leaves a step that nobody
    /// hears of.
    AfterCommit,
}

/// How the machines of a system with sagas behave.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SagaPolicy {
    /// Who tells the participants what to do.
    pub style: SagaStyle,
    /// How many steps an order has, 2 to [`STEPS_MAX`].
    pub steps: u8,
    /// How long a service waits for a step before it calls the order off, if it ever does.
    pub timeout: Option<Span>,
    /// How many steps are refused.
    pub refusing: Ratio,
    /// How many handlings fail, and would succeed if they were repeated.
    pub failing: Ratio,
    /// The time before that.
    pub backoff: Span,
    /// What an undoing leaves that has outrun its step.
    pub tombstone: Tombstone,
    /// What a letter does that comes again.
    pub steps_are: StepsAre,
    /// What becomes of an undoing that fails.
    pub compensation: Compensation,
    /// Where decisions are kept.
    pub decision: Decisions,
    /// How participants answer.
    pub answer: Answers,
    /// How letters are published.
    pub producer: ProducerPolicy,
    /// How they are read.
    pub fetch: FetchPolicy,
}

type Ctx<'a> = Context<'a, Message, Record>;

/// Where the steps and the ends of orders show.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SagaSinks {
    /// How many steps an order has.
    pub steps: u8,
}

impl SagaSinks {
    /// Where the taking of a step shows: for TCC, of a reservation.
    pub const fn does(self, step: u8) -> SinkId {
        SinkId(2 * step as u16)
    }

    /// Where its undoing shows.
    pub const fn undoes(self, step: u8) -> SinkId {
        SinkId(2 * step as u16 + 1)
    }

    /// Where it shows that an order is accepted.
    pub const fn accepted(self) -> SinkId {
        SinkId(2 * self.steps as u16)
    }

    /// Where it shows that it has come to its end.
    pub const fn closed(self) -> SinkId {
        SinkId(2 * self.steps as u16 + 1)
    }

    /// Where it shows that this end is not that it was carried out.
    pub const fn cancelled(self) -> SinkId {
        SinkId(2 * self.steps as u16 + 2)
    }

    /// Where the confirmation of a reservation shows.
    pub const fn confirms(self, step: u8) -> SinkId {
        SinkId(2 * self.steps as u16 + 3 + step as u16)
    }

    /// Where the taking back of a confirmation would show. Nobody does that.
    pub const fn revokes(self) -> SinkId {
        self.confirms(self.steps)
    }

    /// The first sink behind all of these.
    pub const fn end(self) -> SinkId {
        self.confirms(self.steps + 1)
    }
}

impl SagaPolicy {
    /// How many topics the letters of a system have whose orders have so many steps: two a
    /// participant, and one that the services read.
    pub const fn topics(steps: u8) -> u16 {
        2 * steps as u16 + 1
    }

    const fn sinks(&self) -> SagaSinks {
        SagaSinks { steps: self.steps }
    }
}

/// What a participant reads to take a step, and what it reads to undo or to confirm it: a topic
/// each, as commands and compensations have them.
const fn topics_of(step: u8) -> [PartitionId; 2] {
    [PartitionId(2 * step as u16), PartitionId(2 * step as u16 + 1)]
}

/// What the services read.
const fn replies(steps: u8) -> PartitionId {
    PartitionId(2 * steps as u16)
}

/// The effect of an order at a sink.
fn effect(message: MessageId, sink: SinkId, ctx: &mut Ctx<'_>) -> Effect {
    let payload = payload_of(message, ctx);
    Effect { message, sink, payload }
}

/// The fingerprint of what an order says.
fn payload_of(order: MessageId, ctx: &mut Ctx<'_>) -> u64 {
    ctx.blob(&super::producer::body_of(order)).fingerprint()
}
