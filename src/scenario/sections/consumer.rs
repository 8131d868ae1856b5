//! The section of the consumers.

use crate::model::broker::Verify;
use crate::model::consumer::{
    Apply, CommitPolicy, Dedup, Guard, InboxExpiry, OnFailure, Rebuild, Resume, Settle,
};
use crate::model::external::KeyPolicy;
use crate::model::producer::OnTimeout;
use crate::scenario::bounded::{Bounded, Positive};
use crate::seed::Ratio;
use crate::time::Span;
use serde::Deserialize;

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
    /// When a row of the inbox no longer counts.
    pub inbox_expiry: InboxExpiry,
    /// What they do with a message.
    pub apply: Apply,
    /// Which updates of a row they take, if they upsert.
    pub guard: Option<Guard>,
    /// By which key they name their calls, if they call an external system.
    pub idempotency_key: Option<KeyPolicy>,
    /// How long the handling of a message takes between what it reads and what it commits.
    pub work: Span,
    /// How many handlings fail by no fault of the message.
    pub failing: Ratio,
    /// What happens when a handling has failed, if any can.
    pub on_failure: Option<OnFailure>,
    /// How often it is tried again before the message is skipped or parked.
    pub retries: Option<Bounded<0, 1_000>>,
    /// The time before it is tried again.
    pub retry_backoff: Option<Positive>,
    /// When offsets are committed to the broker, and whether that is answered; unless they are
    /// committed beside the effects.
    pub commit: Option<CommitPolicy>,
    /// Where they start.
    pub resume: Resume,
    /// Whether they make their projections anew when they start.
    pub rebuild: Rebuild,
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
            inbox_expiry: InboxExpiry::default(),
            apply: Apply::default(),
            guard: None,
            idempotency_key: None,
            work: Span::ZERO,
            failing: Ratio::NEVER,
            on_failure: None,
            retries: None,
            retry_backoff: None,
            commit: None,
            resume: Resume::default(),
            rebuild: Rebuild::default(),
            until: Until::default(),
            checksum: Verify::default(),
            on_timeout: None,
        }
    }
}
