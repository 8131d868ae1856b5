//! The end of a file: what was appended, what of it is durable, and what a boot found there.

use super::Record;
use super::site::Moment;
use crate::digest::Digest;
use crate::id::{FileId, Position, Ticket};
use crate::journal::{Journals, Stored};
use crate::node::{Context, DiskError};

/// The end of an append-only file. At most one sync is under way; what is appended meanwhile is
/// covered by the next one (group commit).
#[derive(Clone, Debug)]
pub(super) struct Tail {
    file: FileId,
    /// The first record, as far as that is durable.
    start: u64,
    /// The first record that was not discarded.
    cut: u64,
    end: u64,
    durable: u64,
    syncing: Option<Syncing>,
    found: Found,
}

/// What a sync under way will make durable.
#[derive(Copy, Clone, Debug)]
struct Syncing {
    ticket: Ticket,
    cut: u64,
    end: u64,
}

/// What a boot found at the end of a file.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Every record is intact.
    Sound,
    /// Only the last records are damaged. Nothing after them was durable, so they are taken for a
    /// write that a power cut tore, and cut off.
    TornTail,
    /// An intact record follows a damaged one: what was durable is lost.
    Damage,
}

/// What the end of a sync means for a file.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Synced {
    /// Nothing: the ticket is another file's.
    Other,
    /// More is durable.
    Advanced,
    /// What was to become durable never will.
    Failed,
}

impl Tail {
    /// Looks at `file` as a boot finds it.
    pub(super) fn open(file: FileId, disk: Journals<'_, Record>) -> Self {
        let intact = |&(_, stored): &(Position, &Stored<Record>)| stored.intact().is_some();
        let start = disk.records(file).next().map_or(disk.end(file).0, |(first, _)| first.0);
        let end = disk.records(file).rev().find(intact).map_or(start, |(last, _)| last.0 + 1);
        let found = if !disk.records(file).take_while(|&(at, _)| at.0 < end).all(|at| intact(&at)) {
            Found::Damage
        } else if end < disk.end(file).0 {
            Found::TornTail
        } else {
            Found::Sound
        };
        // What a dead process left in the cache was written by its machine, and a power cut leaves
        // nothing unwritten: all that is found is durable.
        Self { file, start, cut: start, end, durable: end, syncing: None, found }
    }

    /// Cuts a torn tail off. Returns what was found.
    pub(super) fn start(&mut self, ctx: &mut Context<'_, super::Message, Record>) -> Found {
        match self.found {
            Found::Sound => {}
            Found::TornTail => {
                Moment::TailTruncated.note(ctx);
                ctx.truncate(self.file, Position(self.end));
            }
            Found::Damage => Moment::DamageFound.note(ctx),
        }
        self.found
    }

    /// Appends a record and tells its position.
    #[inline]
    pub(super) fn append(
        &mut self,
        record: Record,
        ctx: &mut Context<'_, super::Message, Record>,
    ) -> u64 {
        let position = ctx.append(self.file, record).0;
        self.end = position + 1;
        position
    }

    /// Sees to it that all that was appended becomes durable; on a disk that writes through it is.
    #[inline]
    pub(super) fn flush(&mut self, ctx: &mut Context<'_, super::Message, Record>) {
        if (self.is_durable() && self.start == self.cut) || self.syncing.is_some() {
            return;
        }
        match ctx.sync(self.file) {
            Some(ticket) => {
                self.syncing = Some(Syncing { ticket, cut: self.cut, end: self.end });
            }
            None => (self.start, self.durable) = (self.cut, self.end),
        }
    }

    /// Removes the records before `before`. The start moves once that is durable, so that nobody
    /// is told that a record is gone which a power cut may bring back.
    pub(super) fn discard(&mut self, before: u64, ctx: &mut Context<'_, super::Message, Record>) {
        debug_assert!(before <= self.durable, "only what is durable is let go");
        ctx.discard(self.file, Position(before));
        self.cut = before;
    }

    /// Removes the records from `from` on: what a boot found there is of no use.
    pub(super) fn cut_back(&mut self, from: u64, ctx: &mut Context<'_, super::Message, Record>) {
        ctx.truncate(self.file, Position(from));
        self.end = from;
        self.durable = self.durable.min(from);
    }

    /// A sync has ended. After a failed one the file is cut back to what is durable.
    pub(super) fn synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Context<'_, super::Message, Record>,
    ) -> Synced {
        let Some(covered) = self.syncing.take_if(|asked| asked.ticket == ticket) else {
            return Synced::Other;
        };
        if result.is_ok() {
            (self.start, self.durable) = (covered.cut, covered.end);
            return Synced::Advanced;
        }
        // The cache now takes the suffix for clean, so that no later sync writes it and a restarted
        // process would find it as if it were durable (PostgreSQL's "fsyncgate" of 2018). Nobody
        // was told of it: it goes, and is written anew when it is sent anew. A crash within this
        // very callback can still beat the truncation; no process can mend that without rewriting
        // its whole file at every boot.
        Moment::SyncFailed.note(ctx);
        ctx.truncate(self.file, Position(self.durable));
        self.end = self.durable;
        Synced::Failed
    }

    /// Where the log starts, as far as that is durable.
    #[inline]
    pub(super) const fn first(&self) -> u64 {
        self.start
    }

    /// The first record that was not discarded.
    pub(super) const fn cut(&self) -> u64 {
        self.cut
    }

    /// Where the next record goes.
    #[inline]
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// The end of what is durable.
    #[inline]
    pub(super) const fn durable(&self) -> u64 {
        self.durable
    }

    /// Whether all that was appended is durable.
    #[inline]
    pub(super) const fn is_durable(&self) -> bool {
        self.durable == self.end
    }

    /// What the boot found.
    pub(super) const fn found(&self) -> Found {
        self.found
    }

    /// Takes the state into the digest.
    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        let (ticket, covered) =
            self.syncing.map_or((0, 0), |one| (1 + u64::from(one.ticket.0), one.end));
        digest.word(self.found as u64 | u64::from(self.file.0) << 8 | ticket << 16);
        digest.word(self.end).word(self.durable).word(covered);
        if self.cut > 0 {
            digest.word(self.start).word(self.cut).word(self.syncing.map_or(0, |one| one.cut));
        }
    }
}
