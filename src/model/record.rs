//! What the disks of the built-in machines hold.

use super::custom::{CustomRecord, OwnRecord};
use super::message::{Entry, Identity};
use crate::digest::Digest;
use crate::history::Effect;
use crate::id::{GroupId, MessageId, PartitionId, SinkId};
use crate::node;

/// A record of a built-in machine's file, or of a user's own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(u8)] // A tag hidden in a field is smaller, and slower to read.
pub enum Record {
    /// An entry of a partition's log; its offset is its position in the file.
    Entry {
        /// When it was appended, in milliseconds of the broker's wall clock (KIP-32's
        /// `LogAppendTime`); 0 if the broker's policy does not ask for it.
        appended_ms: u32,
        /// The entry.
        entry: Entry,
        /// The name it came under: what the broker remembers is rebuilt from it.
        identity: Identity,
    },
    /// A group's position in a partition.
    GroupOffset {
        /// The group.
        group: GroupId,
        /// The partition.
        partition: PartitionId,
        /// The next offset to read.
        offset: u64,
    },
    /// A producer begins to send a message.
    Sending {
        /// The message.
        message: MessageId,
        /// Its routing key.
        key: u64,
        /// Which attempt of the application, from 0.
        attempt: u16,
    },
    /// The message is acknowledged to its producer, or has definitely failed.
    Answered {
        /// The message.
        message: MessageId,
    },
    /// A database commit that has an effect. All of it is durable, or nothing.
    Applied {
        /// The message that was applied.
        message: MessageId,
        /// To which table.
        sink: SinkId,
        /// The fingerprint of what was applied.
        payload: u64,
        /// Whether the commit has a row whose unique key is the message: the inbox.
        inbox: bool,
        /// The next offset to read, if it is kept beside the effect.
        position: Option<(PartitionId, u64)>,
    },
    /// A database commit that only moves the position beside the effects.
    Moved {
        /// The partition.
        partition: PartitionId,
        /// The next offset to read.
        next: u64,
    },
    /// A record of a user's own.
    Custom(CustomRecord),
}

impl Record {
    /// A record of a user's own.
    pub fn custom<R: OwnRecord + PartialEq>(record: R) -> Self {
        Self::Custom(CustomRecord::new(record))
    }

    /// The user's own record, if this is one of type `R`.
    pub fn as_custom<R: OwnRecord>(&self) -> Option<&R> {
        match self {
            Self::Custom(record) => record.get(),
            _ => None,
        }
    }

    /// The effects that the record means once it is durable.
    #[inline]
    pub fn effects(&self, effects: &mut Vec<Effect>) {
        match *self {
            Self::Applied { message, sink, payload, .. } => {
                effects.push(Effect { message, sink, payload });
            }
            Self::Entry { .. }
            | Self::GroupOffset { .. }
            | Self::Sending { .. }
            | Self::Answered { .. }
            | Self::Moved { .. } => {}
            Self::Custom(ref record) => record.effects(effects),
        }
    }
}

impl node::Record for Record {
    #[inline]
    fn fingerprint(&self, digest: &mut Digest) {
        match self {
            Self::Entry { appended_ms, entry, identity } => {
                identity.fingerprint(digest);
                entry.fingerprint(digest);
                if *appended_ms != 0 {
                    digest.word(6 << 48 | u64::from(*appended_ms));
                }
            }
            Self::GroupOffset { group, partition, offset } => {
                let tag = 2 << 32 | u64::from(group.0) << 16 | u64::from(partition.0);
                digest.word(tag).word(*offset);
            }
            Self::Sending { message, key, attempt } => {
                digest.word(11 << 48 | u64::from(*attempt)).word(message.word()).word(*key);
            }
            Self::Answered { message } => {
                digest.word(12 << 48).word(message.word());
            }
            Self::Applied { message, sink, payload, inbox, position } => {
                let (partition, next) = position.unwrap_or_default();
                let flags = u64::from(*inbox) | u64::from(position.is_some()) << 1;
                digest
                    .word(3 << 48 | flags << 32 | u64::from(sink.0) << 16 | u64::from(partition.0));
                digest.word(next).word(message.word()).word(*payload);
            }
            Self::Moved { partition, next } => {
                digest.word(4 << 48 | u64::from(partition.0)).word(*next);
            }
            Self::Custom(record) => {
                digest.word(5 << 48);
                record.fingerprint(digest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::Blobs;
    use crate::id::NodeId;
    use crate::model::message::{BatchId, ProducerId};
    use crate::node::Record as _;

    #[test]
    fn records_that_differ_in_any_field_have_other_fingerprints() {
        let body = Blobs::default().put(b"body");
        let message = MessageId::new(NodeId(1), 1);
        let entry = Entry::new(message, 1, body);
        let batch =
            |epoch| Identity::Batch(BatchId { producer: ProducerId(1), epoch, sequence: 1 });
        let stored = |appended_ms, entry, identity| Record::Entry { appended_ms, entry, identity };
        let applied = |payload, inbox, position| Record::Applied {
            message,
            sink: SinkId(1),
            payload,
            inbox,
            position,
        };
        let here = (PartitionId(0), 1);
        let records = [
            stored(0, entry, Identity::None),
            stored(1, entry, Identity::None),
            stored(0, entry, Identity::Message(1)),
            stored(0, entry, batch(1)),
            stored(0, entry, batch(2)),
            stored(0, Entry { key: 2, ..entry }, Identity::None),
            Record::GroupOffset { group: GroupId(0), partition: PartitionId(1), offset: 1 },
            Record::GroupOffset { group: GroupId(1), partition: PartitionId(0), offset: 1 },
            Record::GroupOffset { group: GroupId(0), partition: PartitionId(1), offset: 2 },
            Record::Sending { message, key: 1, attempt: 0 },
            Record::Sending { message, key: 2, attempt: 0 },
            Record::Sending { message, key: 1, attempt: 1 },
            Record::Answered { message },
            Record::Answered { message: MessageId::new(NodeId(1), 2) },
            applied(1, false, None),
            applied(2, false, None),
            applied(1, true, None),
            applied(1, true, Some(here)),
            applied(1, true, Some((PartitionId(1), 1))),
            applied(1, true, Some((PartitionId(0), 2))),
            Record::Moved { partition: here.0, next: here.1 },
            Record::Moved { partition: here.0, next: 2 },
        ];
        let digests: std::collections::BTreeSet<u64> = records
            .iter()
            .map(|record| {
                let mut digest = Digest::new();
                record.fingerprint(&mut digest);
                digest.value()
            })
            .collect();
        assert_eq!(digests.len(), records.len());
    }

    #[test]
    fn records_stay_small() {
        assert!(size_of::<Record>() <= 64, "{} bytes", size_of::<Record>());
    }
}
