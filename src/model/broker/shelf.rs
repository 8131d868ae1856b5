//! A file of volumes, each written in one piece: a newer one takes the place of the older once it
//! is durable, as Kafka's `.cleaned` files and snapshots do by their names.

use crate::digest::Digest;
use crate::id::{FileId, Ticket};
use crate::journal::Journals;
use crate::model::tail::{Found, Synced, Tail};
use crate::model::{Message, Record};
use crate::node::{Context, DiskError};

/// A file that holds one whole volume at any time, and parts of another.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    tail: Tail,
    newest: Option<Volume>,
    /// On its way to the disk.
    writing: Option<Volume>,
}

#[derive(Copy, Clone, Debug)]
struct Volume {
    /// Where its head stands.
    at: u64,
    /// Where the record after its last stands.
    next: u64,
    /// The end of the log that it is about.
    end: u64,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Shelf {
    /// The shelf as a boot finds it, and what its newest whole volume holds.
    pub(super) fn open(file: FileId, disk: Journals<'_, Record>) -> (Self, Vec<Record>) {
        let tail = Tail::open(file, disk);
        let whole = |at: u64, record: &Record| match *record {
            Record::Volume { count, end } => {
                let next = at + 1 + u64::from(count);
                (next <= tail.end()).then_some(Volume { at, next, end })
            }
            _ => None,
        };
        let newest = disk
            .records(file)
            .filter_map(|(at, stored)| whole(at.0, stored.intact()?))
            .max_by_key(|volume| volume.at);
        let held = |volume: Volume| {
            let inside =
                disk.records(file).filter(move |(at, _)| volume.at < at.0 && at.0 < volume.next);
            inside.filter_map(|(_, stored)| stored.intact().cloned()).collect()
        };
        let content = newest.map_or_else(Vec::new, held);
        (Self { tail, newest, writing: None }, content)
    }

    /// Cuts off what is no whole volume. Returns whether what was durable is damaged.
    pub(super) fn start(&mut self, ctx: &mut Ctx<'_>) -> bool {
        let found = self.tail.start(ctx);
        let whole = self.newest.map_or(self.tail.first(), |volume| volume.next);
        if whole < self.tail.end() {
            self.tail.cut_back(whole, ctx);
        }
        found == Found::Damage
    }

    /// The end of the log that the newest durable volume is about; 0 if there is none.
    pub(super) fn end(&self) -> u64 {
        self.newest.map_or(0, |volume| volume.end)
    }

    /// The end of the log that the newest volume is about, durable or not.
    pub(super) fn end_written(&self) -> u64 {
        self.writing.or(self.newest).map_or(0, |volume| volume.end)
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Writes a volume about the log up to `end`.
    ///
    /// # Panics
    /// If another is on its way.
    pub(super) fn write(&mut self, end: u64, records: Vec<Record>, ctx: &mut Ctx<'_>) {
        assert!(self.writing.is_none(), "one volume at a time");
        let count = records.len() as u32;
        let at = self.tail.append(Record::Volume { count, end }, ctx);
        for record in records {
            self.tail.append(record, ctx);
        }
        self.writing = Some(Volume { at, next: self.tail.end(), end });
        self.tail.flush(ctx);
    }

    /// If the volume that was on its way is durable, it is the newest, and the older one goes.
    /// Returns whether it is.
    pub(super) fn has_landed(&mut self, ctx: &mut Ctx<'_>) -> bool {
        let Some(landed) = self.writing.take_if(|one| one.next <= self.tail.durable()) else {
            return false;
        };
        self.newest = Some(landed);
        if landed.at > self.tail.cut() {
            // It goes for good with the next volume's sync: two whole ones do no harm.
            self.tail.discard(landed.at, ctx);
        }
        true
    }

    /// A sync has ended.
    pub(super) fn synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Ctx<'_>,
    ) -> Synced {
        let synced = self.tail.synced(ticket, result, ctx);
        if synced == Synced::Failed {
            self.writing = None;
        }
        synced
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        self.tail.fingerprint(digest);
        for volume in [self.newest, self.writing] {
            let Volume { at, next, end } = volume.unwrap_or(Volume { at: 0, next: 0, end: 0 });
            digest.word(at).word(next).word(end);
        }
    }
}
