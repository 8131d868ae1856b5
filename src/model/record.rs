//! What the disks of the built-in machines hold.

use super::custom::{CustomRecord, OwnRecord};
use super::message::{Entry, Identity};
use super::queue::QueueCommand;
use super::store::{Commit, SequenceId};
use crate::digest::Digest;
use crate::history::Effect;
use crate::id::{GroupId, MessageId, PartitionId, SinkId};
use crate::node;
use crate::time::Instant;

/// A record of a built-in machine's file, or of a user's own.
#[derive(Clone, PartialEq, Eq)]
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
    /// A database commit that drops every row of the projection.
    Cleared,
    /// The head of a volume, which a broker writes in one piece: a snapshot of what it remembers of
    /// producers, or a compacted log. It is whole if as many records follow.
    Volume {
        /// How many records follow.
        count: u32,
        /// The end of the log that it is about.
        end: u64,
    },
    /// In a snapshot: a request that the broker remembers.
    Remembered {
        /// When it was appended; 0 if nobody asks.
        appended_ms: u32,
        /// Its offset; 0 if nobody asks.
        offset: u64,
        /// The name it came under.
        identity: Identity,
    },
    /// In a compacted log: the offset of the entry that follows.
    Kept {
        /// The offset.
        offset: u64,
    },
    /// A database commit that says in several tables what became of an entry of a log. All of it is
    /// durable, or nothing.
    Handled(Handled),
    /// A commit of a store over several tables. All of it is durable, or nothing.
    Transaction(Box<Commit>),
    /// Values of a store's sequence up to this one may have been handed out.
    Sequence {
        /// The sequence.
        sequence: SequenceId,
        /// The value.
        logged: u64,
    },
    /// An external system has carried a call out.
    Called {
        /// The key that the call came with.
        key: Option<u64>,
        /// When, in milliseconds of the system's wall clock.
        at_ms: u64,
        /// What it acted on.
        message: MessageId,
        /// Where that shows.
        sink: SinkId,
        /// The fingerprint of the parameters.
        payload: u64,
    },
    /// A command on the log of a queue broker.
    Queue(QueueCommand),
    /// A record of a user's own.
    Custom(CustomRecord),
}

/// What became of an entry of a log.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    /// The message.
    pub message: MessageId,
    /// Its routing key: that of its row in a projection.
    pub key: u64,
    /// The fingerprint of what was handled.
    pub payload: u64,
    /// Where the entry was read.
    pub partition: PartitionId,
    /// At which offset.
    pub offset: u64,
    /// What the wall clock showed then; the start of time if nobody will ask.
    pub written: Instant,
    /// Where the effect lands, or the letter that is dead.
    pub sink: SinkId,
    /// The tables that the commit writes to.
    pub tables: Tables,
}

/// A set of tables of a consumer's database.
#[derive(Copy, Clone, PartialEq, Eq, Default)]
pub struct Tables(u8);

impl Tables {
    /// Effects.
    pub const EFFECTS: Self = Self(1);
    /// The inbox, whose unique key is the message.
    pub const INBOX: Self = Self(1 << 1);
    /// The projection, a row a key.
    pub const PROJECTION: Self = Self(1 << 2);
    /// The next offset to read of each partition.
    pub const POSITIONS: Self = Self(1 << 3);
    /// Messages whose handling failed because something else did.
    pub const FAILED: Self = Self(1 << 4);
    /// Messages whose handling failed because of what they say.
    pub const POISONED: Self = Self(1 << 5);

    /// These tables and `other`.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These tables, and `other` if that is `wanted`.
    #[must_use]
    pub const fn and_if(self, wanted: bool, other: Self) -> Self {
        if wanted { self.and(other) } else { self }
    }

    /// Whether one of `other` is among them.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The tables of dead letters.
    pub const fn dead_letters() -> Self {
        Self::FAILED.and(Self::POISONED)
    }
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
            Self::Entry { .. } | Self::GroupOffset { .. } => {}
            ref other => other.rarer_effects(effects),
        }
    }

    /// The effects of what the benchmark's machines do not write; apart, so that what they do
    /// write stays in line.
    #[inline(never)]
    fn rarer_effects(&self, effects: &mut Vec<Effect>) {
        match *self {
            Self::Applied { message, sink, payload, .. }
            | Self::Called { message, sink, payload, .. } => {
                effects.push(Effect { message, sink, payload });
            }
            Self::Handled(Handled { message, sink, payload, tables, .. }) => {
                if tables.has(Tables::EFFECTS.and(Tables::dead_letters())) {
                    effects.push(Effect { message, sink, payload });
                }
            }
            Self::Transaction(ref commit) => effects.extend_from_slice(&commit.effects),
            Self::Entry { .. }
            | Self::GroupOffset { .. }
            | Self::Sequence { .. }
            | Self::Sending { .. }
            | Self::Answered { .. }
            | Self::Moved { .. }
            | Self::Cleared
            | Self::Volume { .. }
            | Self::Remembered { .. }
            | Self::Kept { .. } => {}
            Self::Queue(ref command) => command.effects(effects),
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
            Self::Cleared => _ = digest.word(23 << 48),
            Self::Volume { count, end } => {
                digest.word(19 << 48 | u64::from(*count)).word(*end);
            }
            Self::Remembered { appended_ms, offset, identity } => {
                digest.word(20 << 48 | u64::from(*appended_ms)).word(*offset);
                identity.fingerprint(digest);
            }
            Self::Kept { offset } => _ = digest.word(21 << 48).word(*offset),
            Self::Handled(handled) => {
                let Handled { message, key, payload, partition, offset, .. } = *handled;
                let tables = u64::from(handled.tables.0) << 32;
                let places = u64::from(handled.sink.0) << 16 | u64::from(partition.0);
                digest.word(7 << 48 | tables | places).word(message.word()).word(key);
                digest.word(payload).word(offset).word(handled.written.nanos());
            }
            Self::Transaction(commit) => {
                digest.word(16 << 48);
                commit.fingerprint(digest);
            }
            Self::Sequence { sequence, logged } => {
                digest.word(17 << 48 | u64::from(sequence.0)).word(*logged);
            }
            Self::Called { key, at_ms, message, sink, payload } => {
                digest.word(18 << 48 | u64::from(key.is_some()) << 32 | u64::from(sink.0));
                digest.word(key.unwrap_or(0)).word(*at_ms);
                digest.word(message.word()).word(*payload);
            }
            Self::Queue(command) => {
                digest.word(22 << 48);
                command.fingerprint(digest);
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
    use crate::model::store::{Change, Row, TableId};
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
            Record::Cleared,
        ];
        let records: Vec<Record> = records
            .into_iter()
            .chain(handlings(message))
            .chain(commits(message))
            .chain(calls(message))
            .chain(volumes())
            .collect();
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

    fn handlings(message: MessageId) -> impl Iterator<Item = Record> {
        let handled = Handled {
            message,
            key: 1,
            payload: 1,
            partition: PartitionId(1),
            offset: 1,
            written: Instant::START,
            sink: SinkId(1),
            tables: Tables::EFFECTS,
        };
        let handlings = [
            handled,
            Handled { message: MessageId::new(NodeId(1), 2), ..handled },
            Handled { key: 2, ..handled },
            Handled { payload: 2, ..handled },
            Handled { partition: PartitionId(2), ..handled },
            Handled { offset: 2, ..handled },
            Handled { written: Instant::from_nanos(2), ..handled },
            Handled { sink: SinkId(2), ..handled },
            Handled { tables: Tables::INBOX, ..handled },
        ];
        handlings.into_iter().map(Record::Handled)
    }

    fn commits(message: MessageId) -> impl Iterator<Item = Record> {
        let row = Row { message, version: 0, payload: 0 };
        let change = Change { table: TableId(0), key: 0, row: Some(row) };
        let effect = Effect { message, sink: SinkId(0), payload: 0 };
        let changes = [
            change,
            Change { table: TableId(1), ..change },
            Change { key: 1, ..change },
            Change { row: None, ..change },
            Change { row: Some(Row { version: 1, ..row }), ..change },
            Change { row: Some(Row { payload: 1, ..row }), ..change },
        ]
        .map(|change| Commit { changes: vec![change], effects: vec![] });
        let effects =
            [effect, Effect { sink: SinkId(1), ..effect }, Effect { payload: 1, ..effect }]
                .map(|effect| Commit { changes: vec![], effects: vec![effect] });
        let commits = changes.into_iter().chain(effects);
        let sequences = [(0, 1), (1, 1), (0, 2)]
            .map(|(sequence, logged)| Record::Sequence { sequence: SequenceId(sequence), logged });
        commits.map(|commit| Record::Transaction(Box::new(commit))).chain(sequences)
    }

    fn volumes() -> impl Iterator<Item = Record> {
        let remembered = |appended_ms, offset, id| Record::Remembered {
            appended_ms,
            offset,
            identity: Identity::Message(id),
        };
        let remembered =
            [(0, 1, 1), (1, 1, 1), (0, 2, 1), (0, 1, 2)].map(|(a, b, c)| remembered(a, b, c));
        let heads = [(1, 2), (2, 2), (1, 1)].map(|(count, end)| Record::Volume { count, end });
        let kept = [1, 2].map(|offset| Record::Kept { offset });
        heads.into_iter().chain(remembered).chain(kept)
    }

    fn calls(message: MessageId) -> impl Iterator<Item = Record> {
        [(None, 0, 0, 0), (Some(0), 0, 0, 0), (Some(1), 0, 0, 0), (None, 1, 0, 0)]
            .into_iter()
            .chain([(None, 0, 1, 0), (None, 0, 0, 1)])
            .map(move |(key, at_ms, sink, payload)| {
                let sink = SinkId(sink);
                Record::Called { key, at_ms, message, sink, payload }
            })
    }

    #[test]
    fn only_an_effect_and_a_dead_letter_are_effects() {
        let at = |tables| {
            let (message, sink) = (MessageId::new(NodeId(1), 1), SinkId(3));
            let (key, payload, offset, partition) = (1, 5, 7, PartitionId(0));
            let written = Instant::START;
            Handled { message, key, payload, partition, offset, written, sink, tables }
        };
        for (tables, effects) in [
            (Tables::EFFECTS.and(Tables::INBOX), 1),
            (Tables::INBOX.and(Tables::POSITIONS), 0),
            (Tables::FAILED, 1),
            (Tables::POISONED.and(Tables::POSITIONS), 1),
        ] {
            let mut found = Vec::new();
            Record::Handled(at(tables)).effects(&mut found);
            assert_eq!(found.len(), effects, "{tables:?}");
        }
    }

    #[test]
    fn records_stay_small() {
        assert!(size_of::<Record>() <= 64, "{} bytes", size_of::<Record>());
    }
}
