//! The history of a run: what clients saw and which effects were committed, in the order it
//! happened.
//!
//! An operation is *invoked*, then at most once *ok* (it took effect), *fail* (it definitely did
//! not) or *info* (nobody knows). One that is still open at the end counts as *info*.

use crate::id::{GroupId, MessageId, NodeId, PartitionId, SinkId};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

pub use recorded::Recorded;
pub use spool::Spool;

pub mod calls;
pub mod jepsen;
pub mod lines;
mod recorded;
mod spool;

/// One line of a history: when, who, what.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// When it was recorded.
    pub at: Instant,
    /// The machine it is about.
    pub process: NodeId,
    /// The incarnation of the machine: a restarted client is a new one.
    pub incarnation: u16,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened. The world records plans, effects, views, boots, deaths and the end; nodes record
/// the rest.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// The process is to send this message; recorded before anything runs.
    Plan {
        /// The message.
        message: MessageId,
        /// Its routing key.
        key: u64,
    },
    /// A send begins. A retry by the protocol is the same attempt; one by the application is a new
    /// one.
    SendInvoke {
        /// The message.
        message: MessageId,
        /// Its routing key.
        key: u64,
        /// Which attempt of the application, from 0.
        attempt: u16,
        /// The fingerprint of what is sent.
        payload: u64,
    },
    /// A send is acknowledged.
    SendOk {
        /// The message.
        message: MessageId,
        /// Which attempt.
        attempt: u16,
        /// Where it was stored, if the acknowledgement says so.
        partition: PartitionId,
        /// At which offset of the partition, if the acknowledgement says so.
        offset: Option<u64>,
    },
    /// A send definitely did not happen.
    SendFail {
        /// The message.
        message: MessageId,
        /// Which attempt.
        attempt: u16,
    },
    /// Nobody knows whether a send happened.
    SendInfo {
        /// The message.
        message: MessageId,
        /// Which attempt.
        attempt: u16,
    },
    /// A poll returned this record: one line a record, in the order of the reply.
    Polled {
        /// The consumer's group.
        group: GroupId,
        /// The message.
        message: MessageId,
        /// Its routing key.
        key: u64,
        /// The partition it was read from.
        partition: PartitionId,
        /// Its offset there.
        offset: u64,
        /// The fingerprint of what was read.
        payload: u64,
    },
    /// A commit of a consumed position begins.
    CommitInvoke {
        /// The consumer's group.
        group: GroupId,
        /// The partition.
        partition: PartitionId,
        /// The next offset to read.
        offset: u64,
    },
    /// A commit of a consumed position is acknowledged.
    CommitOk {
        /// The consumer's group.
        group: GroupId,
        /// The partition.
        partition: PartitionId,
        /// The next offset to read.
        offset: u64,
    },
    /// Nobody knows whether a commit happened.
    CommitInfo {
        /// The consumer's group.
        group: GroupId,
        /// The partition.
        partition: PartitionId,
        /// The next offset to read.
        offset: u64,
    },
    /// A queue handed this message to a consumer.
    Received {
        /// The consumers of the queue.
        group: GroupId,
        /// The message.
        message: MessageId,
        /// Its routing key.
        key: u64,
        /// The number of the delivery as the queue counts it, from 1; 0 if it does not say.
        delivery: u16,
        /// The fingerprint of what was received.
        payload: u64,
    },
    /// A consumer gave a message that it had received back to its queue.
    Returned {
        /// The consumers of the queue.
        group: GroupId,
        /// The message.
        message: MessageId,
    },
    /// A consumer learnt that it holds nothing any more of what it had received: its connection is
    /// gone, or its lease is over. The queue may have handed it to others before.
    Lapsed {
        /// The consumers of the queue.
        group: GroupId,
    },
    /// The settling of a message for good begins.
    AckInvoke {
        /// The consumers of the queue.
        group: GroupId,
        /// The message.
        message: MessageId,
    },
    /// The queue has confirmed that the message is settled for good.
    AckOk {
        /// The consumers of the queue.
        group: GroupId,
        /// The message.
        message: MessageId,
    },
    /// Nobody knows whether the message was settled.
    AckInfo {
        /// The consumers of the queue.
        group: GroupId,
        /// The message.
        message: MessageId,
    },
    /// A client begins to act on something that one may act on at a time.
    Acting {
        /// The act, which is what takes effect.
        message: MessageId,
        /// Where.
        sink: SinkId,
        /// What the client believes entitles it: a later owner has a greater one.
        token: u64,
    },
    /// An effect became durable and committed: recorded by the world, from the record that means
    /// it.
    Effect {
        /// The message that caused it.
        message: MessageId,
        /// Where it landed.
        sink: SinkId,
        /// The fingerprint of what was applied.
        payload: u64,
    },
    /// What a replica holds; recorded when the run is settled and again when it ends.
    View {
        /// The digest of its replicated state.
        digest: u64,
    },
    /// The process started.
    Boot,
    /// The process ended.
    Down {
        /// How.
        cause: DownCause,
    },
    /// Every fault is over from here on.
    Heal,
    /// The run is over.
    End {
        /// Why.
        cause: EndCause,
    },
}

impl Event {
    /// The first attempt to send `message` begins.
    pub const fn invoke(message: MessageId, key: u64, payload: u64) -> Self {
        Self::SendInvoke { message, key, attempt: 0, payload }
    }

    /// The first attempt to send `message` is acknowledged by something that is no log.
    pub const fn acknowledged(message: MessageId) -> Self {
        Self::SendOk { message, attempt: 0, partition: PartitionId(0), offset: None }
    }

    /// The message it is about, if it is about one.
    pub const fn message(&self) -> Option<MessageId> {
        match *self {
            Self::Plan { message, .. }
            | Self::SendInvoke { message, .. }
            | Self::SendOk { message, .. }
            | Self::SendFail { message, .. }
            | Self::SendInfo { message, .. }
            | Self::Polled { message, .. }
            | Self::Received { message, .. }
            | Self::Returned { message, .. }
            | Self::AckInvoke { message, .. }
            | Self::AckOk { message, .. }
            | Self::AckInfo { message, .. }
            | Self::Acting { message, .. }
            | Self::Effect { message, .. } => Some(message),
            Self::CommitInvoke { .. }
            | Self::CommitOk { .. }
            | Self::CommitInfo { .. }
            | Self::Lapsed { .. }
            | Self::View { .. }
            | Self::Boot
            | Self::Down { .. }
            | Self::Heal
            | Self::End { .. } => None,
        }
    }
}

/// How a process ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DownCause {
    /// It died; its machine did not.
    Crash,
    /// Its machine lost power.
    PowerCut,
    /// It ended by itself.
    Exit,
}

/// Why a run is over.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndCause {
    /// Nothing was owed, every fault was spent, the drain window passed, and what was still on its
    /// way had come.
    Settled,
    /// Only background work was left for longer than the largest timeout.
    Quiescent,
    /// It was busy, and what is owed had not fallen for the declared patience.
    Impatient,
    /// A promise was broken for good.
    Broken,
    /// The budget of events or of virtual time was spent.
    Budget,
}

/// An effect, as a durable record means it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The message that caused it.
    pub message: MessageId,
    /// Where it landed.
    pub sink: SinkId,
    /// The fingerprint of what was applied.
    pub payload: u64,
}

/// An append-only list of operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    operations: Vec<Operation>,
}

impl History {
    /// The history that consists of `operations`.
    pub fn new(operations: Vec<Operation>) -> Self {
        Self { operations }
    }

    /// Its operations, oldest first.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Adds an operation at the end, and gives it back as it stands there.
    #[inline]
    pub fn push(&mut self, operation: Operation) -> &Operation {
        let place = self.operations.len();
        self.operations.push(operation);
        &self.operations[place]
    }

    pub(crate) fn clear(&mut self) {
        self.operations.clear();
    }
}
