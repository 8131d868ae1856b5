//! Dense names: machines, messages, sinks, files, timers, tickets.

use crate::digest::Digest;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! dense_id {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(
            Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The number as an index.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

dense_id!(
    /// A machine of the system, by its place in [`machines`](crate::node::System::machines); below
    /// 4096.
    NodeId(u16), "node-"
);
dense_id!(
    /// Where effects land: a consumer group's table, an external system.
    SinkId(u16), "sink-"
);
dense_id!(
    /// A set of consumers that share one position in a log.
    GroupId(u16), "group-"
);
dense_id!(
    /// A partition of a log (a network partition is called a *cut*).
    PartitionId(u16), "partition-"
);
dense_id!(
    /// A queue of a queue broker.
    QueueId(u16), "queue-"
);
dense_id!(
    /// A numbered file of one machine's disk.
    FileId(u8), "file-"
);
dense_id!(
    /// A timer of one node. Setting it again replaces its deadline. Numbers are dense from 0.
    TimerId(u8), "timer-"
);
dense_id!(
    /// A `sometimes` site of a system, by its place in [`sites`](crate::node::System::sites); below
    /// 128.
    SiteId(u8), "site-"
);
dense_id!(
    /// A knob of a system, by its place in [`knobs`](crate::node::System::knobs).
    KnobId(u8), "knob-"
);
dense_id!(
    /// A sync that was asked for; its completion carries the same ticket.
    Ticket(u32), "ticket-"
);

/// The place of a record in a file: a logical index that survives truncation and discarding.
#[derive(
    Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

/// The logical name of a message, given by the workload.
///
/// It is never a wire id, a sequence number or a broker's id: those are the protocol's, and judging
/// by them would judge the protocol by itself.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(u64);

const DERIVED: u64 = 1 << 63;

impl MessageId {
    /// The `number`-th message of the client on machine `origin`.
    pub const fn new(origin: NodeId, number: u32) -> Self {
        Self((origin.0 as u64) << 32 | number as u64)
    }

    /// The `number`-th message sent while `parent` was handled. The same parent and number give the
    /// same id in every attempt, so that a redelivered cause yields the same consequences.
    pub fn derive(parent: Self, number: u32) -> Self {
        Self(Digest::new().word(parent.0).word(number as u64).value() | DERIVED)
    }

    /// The id as one word.
    #[inline]
    pub const fn word(self) -> u64 {
        self.0
    }

    /// The id that `word` was taken from; any word is an id, as histories recorded elsewhere need.
    pub const fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// The client and the number within it, of an id made by [`MessageId::new`].
    #[inline]
    pub const fn planned(self) -> Option<(NodeId, u32)> {
        if self.0 >> 48 == 0 { Some((NodeId((self.0 >> 32) as u16), self.0 as u32)) } else { None }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.planned() {
            Some((origin, number)) => write!(f, "m{}.{number}", origin.0),
            None => write!(f, "m{:016x}", self.0),
        }
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consequences_of_one_cause_keep_their_names() {
        let parent = MessageId::new(NodeId(3), 7);
        assert_eq!(MessageId::derive(parent, 1), MessageId::derive(parent, 1));
        assert_ne!(MessageId::derive(parent, 1), MessageId::derive(parent, 2));
        assert_eq!(MessageId::derive(parent, 1).planned(), None);
        assert_eq!(parent.planned(), Some((NodeId(3), 7)));
    }
}
