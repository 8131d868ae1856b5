//! The section of the workers.

use crate::model::worker::{Confirm, Fence, Setback, Successors};
use crate::scenario::bounded::{Bounded, Positive};
use serde::Deserialize;

/// How workers come by messages.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntakeName {
    /// The queue hands them over as they come.
    #[default]
    Push,
    /// They ask for them, `consumer.batch` at a time.
    Pull,
}

/// Whether workers hold on to what they handle.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heartbeat {
    /// They extend the lease of what they hold, three times a lease, if the queue has leases.
    #[default]
    Kept,
    /// They do not.
    None,
}

/// What consumers of a queue do besides what `[consumer]` says.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerSection {
    /// How they come by messages.
    pub intake: IntakeName,
    /// How many messages one may hold at a time.
    pub prefetch: Bounded<1, 64>,
    /// How many of them it handles at a time.
    pub hands: Bounded<1, 16>,
    /// For how long another must have held a message before it is claimed, if the queue hands out
    /// nothing again by itself; 100 ms unless stated.
    pub claim_idle: Option<Positive>,
    /// Whether they hold on to what they handle.
    pub heartbeat: Heartbeat,
    /// Whether settlements are answered.
    pub confirm: Confirm,
    /// What becomes of a message whose handling has failed.
    pub on_failure: Setback,
    /// What happens meanwhile to later messages of its key.
    pub successors: Successors,
    /// How often a worker acts on the one resource of its group while it handles a message; the
    /// last act is one with the effect.
    pub acts: Bounded<0, 100>,
    /// By what the resource tells that who acts may still do so.
    pub fence: Fence,
    /// Each message is given back until it has been delivered so often, and is a lock meanwhile.
    pub passes: Bounded<0, 1_000>,
    /// How many workers of each group join later.
    pub late: Bounded<0, 63>,
    /// When they do; after 100 ms unless stated.
    pub late_by: Option<Positive>,
    /// How many messages may wait for their effect once a burst is over, where a bounded backlog is
    /// promised; none unless stated.
    pub lag: Option<Bounded<0, 1_000_000>>,
    /// How long it may take until then; 2 s unless stated.
    pub recovery: Option<Positive>,
}

impl Default for WorkerSection {
    fn default() -> Self {
        Self {
            intake: IntakeName::default(),
            prefetch: Bounded::of::<4>(),
            hands: Bounded::of::<2>(),
            claim_idle: None,
            heartbeat: Heartbeat::default(),
            confirm: Confirm::default(),
            on_failure: Setback::default(),
            successors: Successors::default(),
            acts: Bounded::of::<0>(),
            fence: Fence::default(),
            passes: Bounded::of::<0>(),
            late: Bounded::of::<0>(),
            late_by: None,
            lag: None,
            recovery: None,
        }
    }
}
