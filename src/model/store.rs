//! The engine of a database: tables of rows with unique keys, transactions over several of them,
//! sequences, in one file.
//!
//! A commit is one record of the journal, so that it is atomic by construction. What a transaction
//! has seen may have changed by its commit: whether that matters is the [`Isolation`]. It is judged
//! at the commit and by keys, in the manner of optimistic concurrency control; no lock is held
//! between a look and a commit, and no transaction relies on a scan, hence there are no phantoms
//! other than keys that were missing.

use super::message::Message;
use super::record::Record;
use super::site::Moment;
use super::tail::{Found, Synced, Tail};
use crate::digest::{Digest, SetDigest};
use crate::history::Effect;
use crate::id::{FileId, Ticket};
use crate::journal::Journals;
use crate::node::{Context, DiskError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
pub use transaction::{
    Change, Commit, Decision, Read, Row, Scan, ScanOrder, Seen, TableId, Transaction,
    UniqueViolation, Write,
};

mod transaction;

/// What a transaction may rely on (PostgreSQL 13.2).
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// Whatever it read was committed at the time, and may have changed since: lost updates, write
    /// skew and a check before an insert that proves nothing are all permitted.
    ReadCommitted,
    /// It commits only if everything that it read is still as it was, so that it might as well have
    /// run in an instant. PostgreSQL's serializable level aborts less often, only on dangerous
    /// patterns of dependencies between transactions, and promises the same.
    #[default]
    Serializable,
}

/// A sequence of a store, by number.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SequenceId(pub u8);

/// How many values of a sequence are logged at a time: PostgreSQL's `SEQ_LOG_VALS`.
pub const LOGGED_AHEAD: u64 = 32;

/// Tables and sequences in one file.
///
/// What was decided is in memory at once and on the disk later. Nobody may be told of a decision,
/// of a row or of its absence before all of it is durable, or a power cut takes it back: call
/// [`flush`](Self::flush) after each decision, and ask [`is_durable`](Self::is_durable) before
/// anything leaves the process.
#[derive(Clone, Debug)]
pub struct Store {
    tail: Tail,
    isolation: Isolation,
    tables: Vec<BTreeMap<u64, Held>>,
    sequences: Vec<Sequence>,
    effects: SetDigest,
}

/// A row and the commit that wrote it.
#[derive(Copy, Clone, Debug)]
struct Held {
    row: Row,
    revision: u64,
}

/// What of a sequence was handed out, and up to where the disk takes it to be.
#[derive(Copy, Clone, Debug, Default)]
struct Sequence {
    last: u64,
    logged: u64,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Store {
    /// The store in `file` as a boot finds it.
    pub fn open(file: FileId, isolation: Isolation, disk: Journals<'_, Record>) -> Self {
        let mut this = Self {
            tail: Tail::open(file, disk),
            isolation,
            tables: Vec::new(),
            sequences: Vec::new(),
            effects: SetDigest::new(),
        };
        for (position, stored) in disk.records(file) {
            match stored.intact() {
                Some(Record::Transaction(commit)) => this.enter(commit, position.0),
                Some(&Record::Sequence { sequence, logged }) => {
                    *this.sequence(sequence) = Sequence { last: logged, logged };
                }
                _ => {}
            }
        }
        this
    }

    /// Cuts a half-written commit off. Returns whether the store can be used: if a durable commit
    /// is damaged it cannot.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) -> bool {
        self.tail.start(ctx) != Found::Damage
    }

    /// Looks at a key.
    pub fn look(&self, table: TableId, key: u64) -> Seen {
        let held = self.tables.get(table.index()).and_then(|rows| rows.get(&key));
        let revision = held.map_or(0, |held| held.revision);
        Seen { table, key, row: held.map(|held| held.row), revision }
    }

    /// The rows of a table, in the order of their keys.
    pub fn rows(&self, table: TableId) -> impl Iterator<Item = (u64, Row)> {
        let rows = self.tables.get(table.index());
        rows.into_iter().flatten().map(|(&key, held)| (key, held.row))
    }

    /// Reads on in a table.
    pub fn scan(&self, scan: &Scan) -> Vec<Seen> {
        let &Scan { table, order, after, limit } = scan;
        let rows = self.tables.get(table.index()).into_iter().flatten();
        let rows = rows.map(|(&key, &Held { row, revision })| {
            let row = Some(row);
            Seen { table, key, row, revision }
        });
        let mut rows: Vec<Seen> = rows.filter(|seen| order.place(seen) > after).collect();
        rows.sort_by_key(|seen| order.place(seen));
        rows.truncate(limit.into());
        rows
    }

    /// Commits a transaction, or refuses it and does nothing.
    pub fn commit(&mut self, transaction: &Transaction, ctx: &mut Ctx<'_>) -> Decision {
        if self.isolation == Isolation::Serializable
            && let Some(&stale) = transaction.reads.iter().find(|read| self.has_changed(read))
        {
            Moment::SerializationAborted.note(ctx);
            return Decision::Aborted(stale);
        }
        let changes = match self.changes(&transaction.writes) {
            Ok(changes) => changes,
            Err(violation) => {
                Moment::UniqueRefused.note(ctx);
                return Decision::Conflict(violation);
            }
        };
        let changed = changes.len() as u16;
        let commit = Commit { changes, effects: transaction.effects.clone() };
        if commit != Commit::default() {
            let position = self.tail.end();
            self.enter(&commit, position);
            self.tail.append(Record::Transaction(Box::new(commit)), ctx);
        }
        Decision::Committed { changed }
    }

    /// The next value of a sequence, from 1. It is outside of all transactions: an abort does not
    /// give it back, and a crash skips up to [`LOGGED_AHEAD`] values, so that there are gaps. A
    /// later commit is durable only together with it.
    pub fn next_value(&mut self, sequence: SequenceId, ctx: &mut Ctx<'_>) -> u64 {
        let counter = self.sequence(sequence);
        counter.last += 1;
        let Sequence { last, logged } = *counter;
        if last > logged {
            let logged = last + LOGGED_AHEAD;
            counter.logged = logged;
            self.tail.append(Record::Sequence { sequence, logged }, ctx);
        }
        last
    }

    /// Sees to it that all commits become durable. Returns a mark for
    /// [`is_durable`](Self::is_durable).
    pub fn flush(&mut self, ctx: &mut Ctx<'_>) -> u64 {
        self.tail.flush(ctx);
        self.tail.end()
    }

    /// Whether everything before `mark` is durable.
    pub fn is_durable(&self, mark: u64) -> bool {
        mark <= self.tail.durable()
    }

    /// A sync has ended; whether it was the store's is returned. The commits made meanwhile are
    /// flushed.
    ///
    /// # Errors
    /// If it failed: a commit was lost, memory holds what the disk never will, and the process must
    /// start over.
    pub fn synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Ctx<'_>,
    ) -> Result<bool, DiskError> {
        match self.tail.synced(ticket, result, ctx) {
            Synced::Other => Ok(false),
            Synced::Advanced => {
                self.tail.flush(ctx);
                Ok(true)
            }
            Synced::Failed => result.map(|()| true),
        }
    }

    /// The digest of the (message, payload) pairs of a table's rows: equal to that of another
    /// table, if keys and versions follow from the message.
    pub fn view(&self, table: TableId) -> u64 {
        let mut view = SetDigest::new();
        self.rows(table).for_each(|(_, row)| view.insert(row.message.word(), row.payload));
        view.value()
    }

    /// The digest of all effects of its commits, whatever their sinks.
    pub fn effects(&self) -> u64 {
        self.effects.value()
    }

    /// Takes the whole state into the digest.
    pub fn fingerprint(&self, digest: &mut Digest) {
        self.tail.fingerprint(digest);
        digest.word(self.effects.value()).word(self.isolation as u64);
        for rows in &self.tables {
            digest.word(rows.len() as u64);
            for (&key, held) in rows {
                digest.word(key).word(held.revision);
                held.row.fingerprint(digest);
            }
        }
        for sequence in &self.sequences {
            digest.word(sequence.last).word(sequence.logged);
        }
    }

    fn has_changed(&self, read: &Read) -> bool {
        self.look(read.table, read.key).revision != read.revision
    }

    /// What the writes come to, one after another.
    fn changes(&self, writes: &[Write]) -> Result<Vec<Change>, UniqueViolation> {
        let mut changes: Vec<Change> = Vec::with_capacity(writes.len());
        for write in writes {
            let (table, key) = write.place();
            let earlier = changes.iter().position(|one| (one.table, one.key) == (table, key));
            let row = match earlier {
                Some(earlier) => changes[earlier].row,
                None => self.look(table, key).row,
            };
            let row = match (*write, row) {
                (Write::Insert { .. }, Some(_)) => return Err(UniqueViolation { table, key }),
                (Write::UpsertIfNewer { row, .. }, Some(old)) if row.version <= old.version => {
                    continue;
                }
                (Write::Delete { .. }, None) => continue,
                (Write::Delete { .. }, Some(_)) => None,
                (
                    Write::Insert { row, .. }
                    | Write::Upsert { row, .. }
                    | Write::UpsertIfNewer { row, .. },
                    _,
                ) => Some(row),
            };
            match earlier {
                Some(earlier) => changes[earlier].row = row,
                None => changes.push(Change { table, key, row }),
            }
        }
        Ok(changes)
    }

    /// Takes in the commit that stands at `position` of the journal.
    fn enter(&mut self, commit: &Commit, position: u64) {
        for &Change { table, key, row } in &commit.changes {
            if self.tables.len() <= table.index() {
                self.tables.resize_with(table.index() + 1, BTreeMap::new);
            }
            let rows = &mut self.tables[table.index()];
            match row {
                Some(row) => _ = rows.insert(key, Held { row, revision: position + 1 }),
                None => _ = rows.remove(&key),
            }
        }
        for &Effect { message, payload, .. } in &commit.effects {
            self.effects.insert(message.word(), payload);
        }
    }

    fn sequence(&mut self, sequence: SequenceId) -> &mut Sequence {
        let place = usize::from(sequence.0);
        if self.sequences.len() <= place {
            self.sequences.resize(place + 1, Sequence::default());
        }
        &mut self.sequences[place]
    }
}

#[cfg(test)]
mod tests;
