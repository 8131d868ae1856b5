//! What an external system and its clients say to each other.

use crate::digest::Digest;
use crate::id::MessageId;
use serde::{Deserialize, Serialize};

/// A call to an external system, or its answer.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExternalMessage {
    /// A client asks the system to act.
    Call {
        /// The number of the request; each attempt at a call has another.
        request: u64,
        /// By which key the system is to know a repeated call.
        key: Option<u64>,
        /// What it is to act on.
        message: MessageId,
        /// The fingerprint of the parameters.
        payload: u64,
    },
    /// The system's answer.
    Called {
        /// The number of the request.
        request: u64,
        /// What became of it.
        answer: CallAnswer,
    },
}

/// What became of a call.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallAnswer {
    /// It was carried out, now or when a call came with the same key, and that is durable.
    Done,
    /// The key came with other parameters before: nothing was done.
    KeyReused,
}

/// The size of the parameters on the wire.
const PARAMETERS: u32 = 64;

impl ExternalMessage {
    /// The kinds, in their order.
    pub(super) const KINDS: [&str; 2] = ["Call", "Called"];

    pub(super) const fn kind(&self) -> u8 {
        match self {
            Self::Call { .. } => 0,
            Self::Called { .. } => 1,
        }
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        match self {
            Self::Call { request, key, message, payload } => {
                digest.word(u64::from(key.is_some())).word(key.unwrap_or(0));
                digest.word(*request).word(message.word()).word(*payload);
            }
            Self::Called { request, answer } => {
                digest.word(2 + *answer as u64).word(*request);
            }
        }
    }

    pub(super) const fn size(&self) -> u32 {
        match self {
            Self::Call { .. } => PARAMETERS,
            Self::Called { .. } => 0,
        }
    }
}

/// Messages that all differ.
#[cfg(test)]
pub(super) fn variants() -> Vec<ExternalMessage> {
    let mut all = Vec::new();
    for request in [0, 1] {
        for key in [None, Some(0), Some(1)] {
            for (message, payload) in [(0, 0), (1, 0), (0, 1)] {
                let message = MessageId::from_word(message);
                all.push(ExternalMessage::Call { request, key, message, payload });
            }
        }
        let answers = [CallAnswer::Done, CallAnswer::KeyReused];
        all.extend(answers.map(|answer| ExternalMessage::Called { request, answer }));
    }
    all
}
