//! What a consumer does when: its policies.

use super::client::FetchPolicy;
use crate::id::SinkId;
use crate::model::database::{Guard, InboxExpiry};
use crate::model::database_server::SessionPolicy;
use crate::model::external::CallPolicy;
use crate::seed::Ratio;
use crate::time::Span;
use serde::Deserialize;

/// When a consumer settles what it was handed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settle {
    /// It commits the offset before the effect: at most once.
    Before,
    /// It commits the offset once the effect is durable: at least once.
    #[default]
    After,
    /// The offset sits in the same database commit as the effect, and is read from there at boot.
    Atomic,
}

/// How a consumer tells that it has applied a message already.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dedup {
    /// By a row with a unique key in the same commit as the effect.
    #[default]
    Inbox,
    /// By such a row in a commit of its own, after that of the effect. A crash in between leaves
    /// the effect unknown, and it is repeated.
    InboxAfterEffect,
    /// By such a row in a commit of its own, before that of the effect. A crash or a failure in
    /// between leaves a message known that has no effect, and it is swallowed when it comes again.
    InboxBeforeEffect,
    /// By such a row, looked up first and written with the effect; but no unique key guards it, so
    /// that two handlings at once both find none.
    Checked,
    /// By a set of ids in memory, which a restart empties.
    Memory,
    /// By such a set, to which the id is added before the handling. If that fails, the retry is
    /// swallowed.
    MemoryBeforeEffect,
    /// Not at all.
    None,
}

/// What a consumer does with a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Apply {
    /// It inserts a row of its own for it.
    #[default]
    Insert,
    /// It updates the row of its key: a projection.
    Upsert,
    /// It inserts a row of its own for it in a database on another machine.
    Database,
    /// It calls an external system.
    External,
}

/// The other machine that takes part in the handling of a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// None: the effect lands in the consumer's own database.
    Own,
    /// A database.
    Database(SessionPolicy),
    /// An external system.
    External(CallPolicy),
}

/// Where a consumer starts to read.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resume {
    /// Where its group stands.
    #[default]
    Committed,
    /// At the start of the log, every time.
    Earliest,
}

/// Whether a consumer makes its projection anew when it starts.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rebuild {
    /// It goes on with what is there.
    #[default]
    Never,
    /// It drops every row and reads the log from the start, wherever its group stands (Kafka
    /// Streams restores a state store from its changelog so).
    FromStart,
    /// It drops every row, and reads on where its group stands: rows that nobody updates any more
    /// are gone.
    FromCommitted,
}

/// What a consumer does when the handling of a message has failed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// It tries again until it succeeds, and reads no further meanwhile: the order is kept, and a
    /// message that never succeeds blocks its partition for ever (Kafka Connect retries so without
    /// an end under `errors.retry.timeout = -1`).
    #[default]
    Retry,
    /// After the stated retries it goes past the message, as Spring Kafka's `DefaultErrorHandler`
    /// does without a recoverer, and Kafka Connect under `errors.tolerance = all`.
    Skip,
    /// After the stated retries it puts the message into a table of dead letters, in the same
    /// commit as the position if that is kept there (Spring Kafka's
    /// `DeadLetterPublishingRecoverer` has a topic for it). A dead letter is an effect at a sink of
    /// its own.
    Park,
}

/// How handling a message goes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct HandlingPolicy {
    /// How long it takes between what it reads and what it commits.
    pub work: Span,
    /// How often it fails, by no fault of the message.
    pub failing: Ratio,
    /// The handling of every so-manieth message of a producer always fails.
    pub poison: Option<u32>,
    /// What happens then.
    pub on_failure: OnFailure,
    /// How often it is tried again before a message is skipped or parked.
    pub retries: u16,
    /// The time before it is tried again.
    pub backoff: Span,
    /// Where dead letters land.
    pub dead_letters: SinkId,
}

/// How a consumer behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ConsumerPolicy {
    /// How it reads and commits.
    pub fetch: FetchPolicy,
    /// How many partitions the log has.
    pub partitions: u16,
    /// Its place among the members of its group: it reads the partitions of this number modulo
    /// theirs.
    pub member: u16,
    /// How many members the group has.
    pub members: u16,
    /// Where its effects land.
    pub sink: SinkId,
    /// When it settles.
    pub settle: Settle,
    /// How it tells duplicates.
    pub dedup: Dedup,
    /// When it forgets them.
    pub inbox_expiry: InboxExpiry,
    /// What it does with a message.
    pub apply: Apply,
    /// With whose help.
    pub target: Target,
    /// Which updates of a row it takes.
    pub guard: Guard,
    /// How handling goes.
    pub handling: HandlingPolicy,
    /// Where it starts.
    pub resume: Resume,
    /// Whether it makes its projection anew.
    pub rebuild: Rebuild,
    /// After how many effects it reads no further.
    pub enough: Option<u32>,
}

impl Dedup {
    /// Whether the inbox is asked.
    pub const fn asks_inbox(self) -> bool {
        matches!(
            self,
            Self::Inbox | Self::InboxAfterEffect | Self::InboxBeforeEffect | Self::Checked
        )
    }

    /// Whether the set in memory is asked.
    pub(super) const fn asks_memory(self) -> bool {
        matches!(self, Self::Memory | Self::MemoryBeforeEffect)
    }

    /// Whether the row of the inbox is in the commit of the effect.
    pub const fn joins_effect(self) -> bool {
        matches!(self, Self::Inbox | Self::Checked)
    }
}

impl HandlingPolicy {
    /// Handling that takes no time and never fails.
    pub const SMOOTH: Self = Self {
        work: Span::ZERO,
        failing: Ratio::NEVER,
        poison: None,
        on_failure: OnFailure::Retry,
        retries: 0,
        backoff: Span::ZERO,
        dead_letters: SinkId(0),
    };

    const fn is_smooth(&self) -> bool {
        self.work.nanos() == 0 && self.failing.is_never() && self.poison.is_none()
    }
}

impl ConsumerPolicy {
    /// Whether everything it is handed can be applied at once: a commit an entry, none of which
    /// waits for another.
    pub(super) const fn is_plain(&self) -> bool {
        self.handling.is_smooth()
            && matches!(self.apply, Apply::Insert)
            && matches!(self.inbox_expiry, InboxExpiry::Never)
            && matches!(self.dedup, Dedup::Inbox | Dedup::Memory | Dedup::None)
    }
}
