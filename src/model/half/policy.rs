//! What a broker of half messages does when, by name.

use crate::id::NodeId;
use crate::model::producer::ProducerPolicy;
use crate::seed::Ratio;
use crate::time::Span;
use serde::Deserialize;

/// By what a broker tells whether a half message is still immune: too young to be asked about.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImmunityBy {
    /// By its own monotonic clock, read once in a round: since it has taken the half message over,
    /// or since it found it at its last boot.
    #[default]
    OwnClockOnce,
    /// By the same clock, read twice: what the first reading takes for immune is put back for the
    /// next round if the second one does too, and counts as seen to otherwise. Nobody asks about
    /// what grows old in between (`TransactionalMessageServiceImpl.checkPrepareQueueOffset`,
    /// `RocketMQ` #544).
    ComparedTwice,
    /// By the broker's wall clock and the time at which the service says that the message was born
    /// (`valueOfCurrentMinusBorn`, `RocketMQ` #9640): a message from the future is asked about at
    /// once, and one of whose clock is behind is old from the start.
    BirthTime,
}

/// How a broker of half messages behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct HalfPolicy {
    /// How it publishes what is committed.
    pub producer: ProducerPolicy,
    /// How often it looks at what is undecided (`transactionCheckInterval`).
    pub check: Span,
    /// How old a half message must be before the broker asks about it (`transactionTimeOut`).
    pub immunity: Span,
    /// By what its age is told.
    pub immunity_by: ImmunityBy,
    /// How often the broker asks before it discards a half message (`transactionCheckMax`).
    pub check_max: u32,
    /// How old a half message may become before the broker discards it unasked
    /// (`TransactionalMessageServiceImpl.needSkip`: the time for which files are kept).
    pub age_max: Span,
}

/// What a service answers about a local transaction that is still running.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunningAnswer {
    /// That it is still running: the broker asks again.
    #[default]
    StillRunning,
    /// That it is rolled back, since there is no row of it: the message is dropped, and then the
    /// transaction commits (`RocketMQ` #2694, #8158).
    Rollback,
}

/// How a service carries out the local transactions of its half messages.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LocalPolicy {
    /// Where the half messages go.
    pub broker: NodeId,
    /// How long the service waits for an answer before it sends a half message again.
    pub timeout: Span,
    /// The least time a local transaction takes.
    pub work: Span,
    /// How much longer it may take.
    pub work_width: Span,
    /// How many of them are rolled back.
    pub refusing: Ratio,
    /// What is said of those that are still running.
    pub running: RunningAnswer,
}
