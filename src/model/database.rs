//! The database of a consumer: one journal record a commit, so that a commit is atomic by
//! construction.

use super::message::{Entry, Message};
use super::record::{Handled, Record, Tables};
use super::site::Moment;
use super::tail::{Found, Synced, Tail};
use crate::digest::{Digest, SetDigest};
use crate::id::{FileId, MessageId, PartitionId, SinkId, Ticket};
use crate::journal::Journals;
use crate::node::{Context, DiskError};
use crate::projection::Row;
use crate::time::Instant;
use inbox::Inbox;
pub use inbox::{InboxExpiry, Known};
pub use projection::Guard;
use projection::Projection;
pub(super) use set::MessageSet;

mod inbox;
mod projection;
mod set;

/// Tables of effects, of dead letters and of a projection, an inbox, and the positions of
/// partitions, in one file.
#[derive(Clone, Debug)]
pub struct Database {
    tail: Tail,
    sink: SinkId,
    applied: u32,
    view: SetDigest,
    inbox: Inbox,
    /// What had been applied when the process booted.
    recovered: MessageSet,
    /// The next offset to read of each partition.
    positions: Vec<u64>,
    projection: Projection,
    dead_letters: MessageSet,
}

/// What a database is made of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where its effects land.
    pub sink: SinkId,
    /// How many partitions have a position.
    pub partitions: u16,
    /// When the rows of the inbox expire.
    pub expiry: InboxExpiry,
    /// Which updates the projection takes.
    pub guard: Guard,
}

/// What a commit holds besides the effect.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// A row in the inbox.
    pub inbox: bool,
    /// The next offset to read.
    pub position: Option<(PartitionId, u64)>,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Database {
    /// The database in `file` as a boot finds it.
    pub fn open(file: FileId, layout: Layout, disk: Journals<'_, Record>) -> Self {
        let mut this = Self {
            tail: Tail::open(file, disk),
            sink: layout.sink,
            applied: 0,
            view: SetDigest::new(),
            inbox: Inbox::new(layout.expiry, layout.partitions),
            recovered: MessageSet::default(),
            positions: [0].repeat(usize::from(layout.partitions)),
            projection: Projection::new(layout.guard),
            dead_letters: MessageSet::default(),
        };
        for (_, stored) in disk.records(file) {
            match stored.intact() {
                Some(&Record::Applied { message, payload, inbox, position, .. }) => {
                    this.recovered.insert(message);
                    if inbox {
                        this.inbox.keep(message);
                    }
                    this.enter(message, payload, position);
                }
                Some(&Record::Moved { partition, next }) => this.move_to(partition, next),
                Some(Record::Cleared) => _ = this.projection.clear(),
                Some(Record::Handled(handled)) => {
                    if handled.tables.has(Tables::EFFECTS) {
                        this.recovered.insert(handled.message);
                    }
                    this.take(handled);
                }
                _ => {}
            }
        }
        this
    }

    /// Cuts a half-written commit off. Returns whether the database can be used: if a durable
    /// commit is damaged it cannot.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) -> bool {
        self.tail.start(ctx) != Found::Damage
    }

    /// Whether `message` had been applied before this process booted.
    #[inline]
    pub fn had_applied(&self, message: MessageId) -> bool {
        self.recovered.has(message)
    }

    /// How many effects there are.
    #[inline]
    pub fn applied(&self) -> u32 {
        self.applied
    }

    /// The next offset of `partition` to read, as kept beside the effects.
    pub fn position(&self, partition: PartitionId) -> u64 {
        self.positions[partition.index()]
    }

    /// Commits the effect of `entry` and what is `beside` it. Returns whether that was done: a
    /// second row of the same message in the inbox would violate its key.
    #[inline]
    pub fn apply(&mut self, entry: &Entry, beside: Beside, ctx: &mut Ctx<'_>) -> bool {
        let (message, payload) = (entry.message, entry.body.fingerprint());
        let Beside { inbox, position } = beside;
        if inbox && !self.inbox.keep(message) {
            return false;
        }
        let record = Record::Applied { message, sink: self.sink, payload, inbox, position };
        self.tail.append(record, ctx);
        self.enter(message, payload, position);
        true
    }

    /// What the inbox knows of `message`.
    pub fn ask_inbox(&self, message: MessageId, ctx: &mut Ctx<'_>) -> Known {
        let wall = if self.inbox.is_dated() { ctx.wall() } else { Instant::START };
        self.inbox.ask(message, wall)
    }

    /// Whether `message` is a dead letter.
    pub fn is_dead_letter(&self, message: MessageId) -> bool {
        self.dead_letters.has(message)
    }

    /// Commits the rows of `handled` in all its tables. Rows of an inbox that expire are dated, as
    /// by a column `created_at`, whatever it is that judges them later. No key is looked at: that a
    /// row is new is the caller's to know.
    pub fn commit(&mut self, handled: Handled, ctx: &mut Ctx<'_>) {
        let is_dated = self.inbox.is_dated() && handled.tables.has(Tables::INBOX);
        let written = if is_dated { ctx.wall() } else { Instant::START };
        let handled = Handled { written, ..handled };
        self.tail.append(Record::Handled(handled), ctx);
        if !self.take(&handled) {
            Moment::UpdateSuperseded.note(ctx);
        }
    }

    /// Commits nothing but a position.
    pub fn advance(&mut self, partition: PartitionId, next: u64, ctx: &mut Ctx<'_>) {
        self.tail.append(Record::Moved { partition, next }, ctx);
        self.move_to(partition, next);
    }

    /// Commits that the projection has no row any more. Returns whether it had one.
    pub fn clear(&mut self, ctx: &mut Ctx<'_>) -> bool {
        let had_any = self.projection.clear();
        if had_any {
            self.tail.append(Record::Cleared, ctx);
        }
        had_any
    }

    /// Sees to it that all commits become durable. Returns a mark for
    /// [`is_durable`](Self::is_durable).
    #[inline]
    pub fn flush(&mut self, ctx: &mut Ctx<'_>) -> u64 {
        self.tail.flush(ctx);
        self.tail.end()
    }

    /// Where the next commit goes.
    pub fn end(&self) -> u64 {
        self.tail.end()
    }

    /// Whether everything before `mark` is durable.
    #[inline]
    pub fn is_durable(&self, mark: u64) -> bool {
        mark <= self.tail.durable()
    }

    /// A sync has ended. An error means that a commit was lost: the process must start over.
    ///
    /// # Errors
    /// If the sync was the database's and failed.
    pub fn synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), DiskError> {
        match self.tail.synced(ticket, result, ctx) {
            Synced::Other => Ok(()),
            Synced::Advanced => {
                self.tail.flush(ctx);
                Ok(())
            }
            Synced::Failed => result,
        }
    }

    /// The digest of the table of effects.
    pub fn view(&self) -> u64 {
        self.view.value()
    }

    /// The digest of the projection.
    pub fn projected(&self) -> u64 {
        self.projection.view()
    }

    /// Takes the whole state into the digest.
    pub fn fingerprint(&self, digest: &mut Digest) {
        self.tail.fingerprint(digest);
        digest.word(u64::from(self.applied) << 16 | u64::from(self.sink.0)).word(self.view());
        self.inbox.fingerprint(digest);
        self.recovered.fingerprint(digest);
        self.positions.iter().for_each(|&position| _ = digest.word(position));
        self.projection.fingerprint(digest);
        self.dead_letters.fingerprint(digest);
    }

    /// Enters the rows of a commit. Returns false if a guard refused one.
    fn take(&mut self, handled: &Handled) -> bool {
        let Handled { message, key, payload, partition, offset, tables, .. } = *handled;
        if tables.has(Tables::EFFECTS) {
            self.enter(message, payload, None);
        }
        if tables.has(Tables::INBOX) {
            self.inbox.enter(handled);
        }
        if tables.has(Tables::dead_letters()) {
            self.dead_letters.insert(message);
        }
        if tables.has(Tables::POSITIONS) {
            self.move_to(partition, offset + 1);
        }
        !tables.has(Tables::PROJECTION) || self.projection.enter(Row { key, message, payload })
    }

    #[inline]
    fn enter(&mut self, message: MessageId, payload: u64, position: Option<(PartitionId, u64)>) {
        self.applied += 1;
        self.view.insert(message.word(), payload);
        if let Some((partition, next)) = position {
            self.move_to(partition, next);
        }
    }

    fn move_to(&mut self, partition: PartitionId, next: u64) {
        if let Some(position) = self.positions.get_mut(partition.index()) {
            *position = next;
        }
    }
}

#[cfg(test)]
mod tests;
