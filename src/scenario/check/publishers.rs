//! What a producer may not be told that publishes what stands elsewhere: in an outbox, or in the
//! store of a broker of half messages.

use super::Problem;
use crate::model::message::Acks;
use crate::model::producer::{IdentityPolicy, MessageIdPolicy, Unfinished};
use crate::scenario::sections::{ProducerSection, Retries};

/// Who publishes, told by why it has no use for a value.
pub(super) struct Publisher {
    /// For other retries than those of the protocol.
    pub(super) retries: &'static str,
    /// For a journal of what is unfinished.
    pub(super) unfinished: &'static str,
    /// For sends that nobody answers.
    pub(super) unanswered: &'static str,
    /// What to write instead of those.
    pub(super) answered: &'static str,
    /// For ids that several messages have.
    pub(super) by_key: &'static str,
}

impl Publisher {
    /// The first value of the producers that this publisher has no use for.
    pub(super) fn refuse(&self, producer: &ProducerSection) -> Result<(), Problem> {
        const LEFT_OUT: &str = "leave it out";
        let by_key = producer.identity == IdentityPolicy::MessageId
            && producer.message_id == MessageIdPolicy::BusinessKey;
        let resends = producer.retries != Retries::Protocol;
        let journals = producer.unfinished == Unfinished::Resent;
        let unanswered = producer.acks == Acks::None;
        let impossible = [
            (resends, "producer.retries", self.retries, LEFT_OUT),
            (journals, "producer.unfinished", self.unfinished, LEFT_OUT),
            (unanswered, "producer.acks", self.unanswered, self.answered),
            (by_key, "producer.message_id", self.by_key, LEFT_OUT),
        ];
        match impossible.into_iter().find(|(is_so, ..)| *is_so) {
            Some((_, key, why, cure)) => Err(Problem::new(key, why, cure)),
            None => Ok(()),
        }
    }
}
