//! What a broker of half messages and the services that send them say to each other.

use super::Entry;
use crate::blob::Blobs;
use crate::digest::Digest;
use crate::id::MessageId;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// A half message, what becomes of it, and questions about it (`RocketMQ`'s transactional
/// messages).
#[derive(Copy, Clone, PartialEq, Eq)]
pub enum HalfMessage {
    /// A service hands over a message that nobody may read yet.
    Prepare {
        /// The message.
        entry: Entry,
        /// What the service's wall clock showed when it began (`bornTimestamp`).
        born: Instant,
    },
    /// The broker's answer: the half message is durable.
    Prepared {
        /// The message.
        message: MessageId,
    },
    /// The service's local transaction is over (`EndTransactionRequestHeader`).
    Resolve {
        /// The message.
        message: MessageId,
        /// How it ended.
        end: LocalEnd,
    },
    /// The broker's answer.
    Resolved {
        /// The message.
        message: MessageId,
        /// Whether the broker has decided so, durably: it may have decided otherwise before.
        accepted: bool,
    },
    /// The broker asks what became of a local transaction (`CheckTransactionState`).
    CheckBack {
        /// The message.
        message: MessageId,
    },
    /// The service's answer.
    CheckedBack {
        /// The message.
        message: MessageId,
        /// What it knows.
        state: LocalState,
    },
}

/// How a local transaction has ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LocalEnd {
    /// It is committed, and the message is to be published (`COMMIT_MESSAGE`).
    Committed,
    /// It is rolled back, and the message is to be dropped (`ROLLBACK_MESSAGE`).
    RolledBack,
}

/// What a service says about a local transaction.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LocalState {
    /// It is still running (`UNKNOW`, as `RocketMQ` spells it).
    Running,
    /// It is over.
    Ended(LocalEnd),
}

/// The size of what is said besides a body: a header with the names of the group and the message.
const HEADER: u32 = 48;

impl HalfMessage {
    /// The kinds, in their order.
    pub(super) const KINDS: [&str; 6] =
        ["Prepare", "Prepared", "Resolve", "Resolved", "CheckBack", "CheckedBack"];

    pub(super) const fn kind(&self) -> u8 {
        match self {
            Self::Prepare { .. } => 0,
            Self::Prepared { .. } => 1,
            Self::Resolve { .. } => 2,
            Self::Resolved { .. } => 3,
            Self::CheckBack { .. } => 4,
            Self::CheckedBack { .. } => 5,
        }
    }

    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(u64::from(self.kind()));
        match self {
            Self::Prepare { entry, born } => {
                entry.fingerprint(digest);
                digest.word(born.nanos());
            }
            Self::Prepared { message } | Self::CheckBack { message } => {
                digest.word(message.word());
            }
            Self::Resolve { message, end } => {
                digest.word(message.word()).word(*end as u64);
            }
            Self::Resolved { message, accepted } => {
                digest.word(message.word()).word((*accepted).into());
            }
            Self::CheckedBack { message, state } => {
                let state = match state {
                    LocalState::Running => 0,
                    LocalState::Ended(end) => 1 + *end as u64,
                };
                digest.word(message.word()).word(state);
            }
        }
    }

    pub(super) const fn size(&self) -> u32 {
        match self {
            Self::Prepare { entry, .. } => HEADER.saturating_add(entry.body.len()),
            _ => HEADER,
        }
    }

    pub(super) fn corrupt(&mut self, bit: u64, blobs: &mut Blobs) -> bool {
        match self {
            Self::Prepare { entry, .. } => entry.corrupt(bit, blobs),
            _ => false,
        }
    }
}

/// Messages that all differ.
#[cfg(test)]
pub(super) fn variants(entry: Entry) -> Vec<HalfMessage> {
    let other = MessageId::from_word(entry.message.word() + 1);
    let mut all = Vec::new();
    for (message, key, born) in [(entry.message, 1, 0), (other, 1, 0), (other, 2, 0), (other, 1, 1)]
    {
        let born = Instant::from_nanos(born);
        all.push(HalfMessage::Prepare { entry: Entry { message, key, ..entry }, born });
    }
    for message in [entry.message, other] {
        all.push(HalfMessage::Prepared { message });
        all.push(HalfMessage::CheckBack { message });
        let ends = [LocalEnd::Committed, LocalEnd::RolledBack];
        all.extend(ends.map(|end| HalfMessage::Resolve { message, end }));
        all.extend([false, true].map(|accepted| HalfMessage::Resolved { message, accepted }));
        let states = ends.map(LocalState::Ended).into_iter().chain([LocalState::Running]);
        all.extend(states.map(|state| HalfMessage::CheckedBack { message, state }));
    }
    all
}
