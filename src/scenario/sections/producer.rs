//! The section of the producers.

use crate::model::message::Acks;
use crate::model::producer::{
    EpochBump, IdentityPolicy, MessageIdPolicy, OnTimeout, Partitioner, Restart, Unfinished,
};
use crate::scenario::bounded::{Between, Bounded, Positive};
use serde::Deserialize;

/// Who sends again what may not have arrived.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retries {
    /// The client alone, until the deadline.
    #[default]
    Protocol,
    /// The application too: so many times, each time that its client has given a message up.
    Application(Bounded<1, 1_000>),
}

/// The producers.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProducerSection {
    /// How they name what they send.
    pub identity: IdentityPolicy,
    /// What the id is, if that is `message-id`.
    pub message_id: MessageIdPolicy,
    /// What a restart does to the names, if they are `idempotent`.
    pub restart: Restart,
    /// When a new epoch begins, and how, if they are `idempotent`.
    pub bump: EpochBump,
    /// To which partition a message goes.
    pub partitioner: Partitioner,
    /// Which answer they want.
    pub acks: Acks,
    /// How many requests to one partition may be unanswered.
    pub in_flight: Bounded<1, 5>,
    /// How long an answer may take.
    pub timeout: Positive,
    /// After how long a message is given up, at its next timeout. Kafka's `delivery.timeout.ms`.
    pub deadline: Positive,
    /// The first and the longest wait before a retry; without it they retry at once.
    pub backoff: Option<Between>,
    /// Who sends again what may not have arrived.
    pub retries: Retries,
    /// What becomes of sends that a dead process has left unanswered.
    pub unfinished: Unfinished,
    /// What a late answer leads to; on streams `disconnect` unless stated.
    pub on_timeout: Option<OnTimeout>,
}

impl Default for ProducerSection {
    fn default() -> Self {
        Self {
            identity: IdentityPolicy::default(),
            message_id: MessageIdPolicy::default(),
            restart: Restart::default(),
            bump: EpochBump::default(),
            partitioner: Partitioner::default(),
            acks: Acks::default(),
            in_flight: Bounded::of::<5>(),
            timeout: Positive::millis(50),
            deadline: Positive::millis(120_000),
            backoff: None,
            retries: Retries::default(),
            unfinished: Unfinished::default(),
            on_timeout: None,
        }
    }
}
