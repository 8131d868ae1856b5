//! Transactions as data: what they read, what they write, what they mean.

use crate::digest::Digest;
use crate::history::Effect;
use crate::id::MessageId;
use serde::{Deserialize, Serialize};

/// A table of a store, by number.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableId(pub u8);

impl TableId {
    /// The number as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a row holds besides its key.
#[derive(Copy, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The message that wrote it last.
    pub message: MessageId,
    /// Its version, as its writer counts; what [`Write::UpsertIfNewer`] goes by.
    pub version: u64,
    /// The fingerprint of what it holds.
    pub payload: u64,
}

/// What a look at a key found.
#[derive(Copy, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The table.
    pub table: TableId,
    /// The key.
    pub key: u64,
    /// The row, if there is one.
    pub row: Option<Row>,
    /// Which commit wrote the row: a number above 0 that no other commit of this store has; 0 if
    /// there is no row. PostgreSQL's `xmin` tells the same.
    pub revision: u64,
}

/// Which rows of a table are read on, and in which order.
#[derive(Copy, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// The table.
    pub table: TableId,
    /// The order.
    pub order: ScanOrder,
    /// The place in that order behind which it begins: 0 for the first row.
    pub after: u64,
    /// The most rows.
    pub limit: u16,
}

/// In which order a table is read.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScanOrder {
    /// By keys: `WHERE key > $1 ORDER BY key`.
    ByKey,
    /// By the commits that wrote the rows, as change capture sees them: PostgreSQL's logical
    /// decoding hands transactions out in the order of their commits.
    ByCommit,
}

impl ScanOrder {
    /// Where a row stands in this order.
    pub const fn place(self, seen: &Seen) -> u64 {
        match self {
            Self::ByKey => seen.key,
            Self::ByCommit => seen.revision,
        }
    }
}

impl Scan {
    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        let &Self { table, order, after, limit } = self;
        digest.word(u64::from(table.0)).word((order as u64) << 32 | u64::from(limit)).word(after);
    }
}

/// That a transaction has seen a key in some revision.
#[derive(Copy, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The table.
    pub table: TableId,
    /// The key.
    pub key: u64,
    /// The revision of the row; 0 if there was none.
    pub revision: u64,
}

/// A write of a transaction.
#[derive(Copy, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Write {
    /// A row that must be new: keys are unique, and the transaction fails if this one is taken.
    Insert {
        /// The table.
        table: TableId,
        /// The key.
        key: u64,
        /// The row.
        row: Row,
    },
    /// A row, whether or not there is one: `INSERT … ON CONFLICT DO UPDATE`.
    Upsert {
        /// The table.
        table: TableId,
        /// The key.
        key: u64,
        /// The row.
        row: Row,
    },
    /// A row, unless there is one whose version is as high or higher: `ON CONFLICT DO UPDATE …
    /// WHERE excluded.version > version`. To change nothing is no failure.
    UpsertIfNewer {
        /// The table.
        table: TableId,
        /// The key.
        key: u64,
        /// The row.
        row: Row,
    },
    /// No row any more. To find none is no failure.
    Delete {
        /// The table.
        table: TableId,
        /// The key.
        key: u64,
    },
}

/// What is committed together, or not at all.
///
/// ```
/// use postulate::history::Effect;
/// use postulate::id::{MessageId, NodeId, SinkId};
/// use postulate::model::store::{Row, TableId, Transaction, Write};
///
/// const INBOX: TableId = TableId(0);
/// let message = MessageId::new(NodeId(1), 7);
/// let row = Row { message, version: 0, payload: 9 };
/// let transaction = Transaction::default()
///     .write(Write::Insert { table: INBOX, key: message.word(), row })
///     .effect(Effect { message, sink: SinkId(0), payload: 9 });
/// assert_eq!((transaction.writes.len(), transaction.effects.len()), (1, 1));
/// ```
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Transaction {
    /// What it has read and relies on.
    pub reads: Vec<Read>,
    /// What it writes, in this order.
    pub writes: Vec<Write>,
    /// What its commit means: lines that it adds to sinks, where nothing but another write of the
    /// same transaction keeps them from being added twice.
    pub effects: Vec<Effect>,
}

/// That a key is taken.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UniqueViolation {
    /// The table.
    pub table: TableId,
    /// The key.
    pub key: u64,
}

/// What a store decides about a transaction.
#[derive(Copy, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// It is committed.
    Committed {
        /// How many rows it wrote or deleted: an upsert that was not newer, or a delete of
        /// nothing, does not count.
        changed: u16,
    },
    /// A key that it inserts is taken; nothing was done.
    Conflict(UniqueViolation),
    /// A key that it read is not what it was; nothing was done.
    Aborted(Read),
}

/// A committed transaction, as it stands in the journal of its store: what it came to.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Commit {
    /// The rows as they are from then on, or that there is none.
    pub changes: Vec<Change>,
    /// What it means.
    pub effects: Vec<Effect>,
}

/// A row as a commit leaves it.
#[derive(Copy, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table.
    pub table: TableId,
    /// The key.
    pub key: u64,
    /// The row, or that there is none.
    pub row: Option<Row>,
}

impl Transaction {
    /// Relies on what was seen.
    #[must_use]
    pub fn read(mut self, seen: &Seen) -> Self {
        let &Seen { table, key, revision, .. } = seen;
        self.reads.push(Read { table, key, revision });
        self
    }

    /// Writes.
    #[must_use]
    pub fn write(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }

    /// Adds a line to a sink.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }

    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        digest.word((self.reads.len() as u64) << 32 | self.writes.len() as u64);
        for read in &self.reads {
            read.fingerprint(digest);
        }
        for write in &self.writes {
            write.fingerprint(digest);
        }
        fingerprint_effects(&self.effects, digest);
    }
}

impl Write {
    /// The table and the key that are written.
    pub const fn place(&self) -> (TableId, u64) {
        match *self {
            Self::Insert { table, key, .. }
            | Self::Upsert { table, key, .. }
            | Self::UpsertIfNewer { table, key, .. }
            | Self::Delete { table, key } => (table, key),
        }
    }

    fn fingerprint(&self, digest: &mut Digest) {
        let (tag, row) = match self {
            Self::Insert { row, .. } => (0, Some(row)),
            Self::Upsert { row, .. } => (1, Some(row)),
            Self::UpsertIfNewer { row, .. } => (2, Some(row)),
            Self::Delete { .. } => (3, None),
        };
        let (table, key) = self.place();
        digest.word(tag << 8 | u64::from(table.0)).word(key);
        if let Some(row) = row {
            row.fingerprint(digest);
        }
    }
}

impl Row {
    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.message.word()).word(self.version).word(self.payload);
    }
}

impl Read {
    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(u64::from(self.table.0)).word(self.key).word(self.revision);
    }
}

impl Seen {
    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(u64::from(self.table.0)).word(self.key).word(self.revision);
        if let Some(row) = &self.row {
            row.fingerprint(digest);
        }
    }
}

impl Decision {
    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        match self {
            Self::Committed { changed } => _ = digest.word(u64::from(*changed)),
            Self::Conflict(UniqueViolation { table, key }) => {
                digest.word(1 << 32 | u64::from(table.0)).word(*key);
            }
            Self::Aborted(read) => {
                digest.word(2 << 32);
                read.fingerprint(digest);
            }
        }
    }
}

impl Commit {
    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.changes.len() as u64);
        for Change { table, key, row } in &self.changes {
            digest.word(u64::from(row.is_some()) << 8 | u64::from(table.0)).word(*key);
            if let Some(row) = row {
                row.fingerprint(digest);
            }
        }
        fingerprint_effects(&self.effects, digest);
    }
}

fn fingerprint_effects(effects: &[Effect], digest: &mut Digest) {
    digest.word(effects.len() as u64);
    for effect in effects {
        digest.word(u64::from(effect.sink.0)).word(effect.message.word()).word(effect.payload);
    }
}
