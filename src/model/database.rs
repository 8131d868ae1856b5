//! The database of a consumer: one journal record a commit, so that a commit is atomic by
//! construction.

use super::message::{Entry, Message};
use super::record::Record;
use super::tail::{Found, Synced, Tail};
use crate::digest::{Digest, SetDigest};
use crate::id::{FileId, MessageId, PartitionId, SinkId, Ticket};
use crate::journal::Journals;
use crate::node::{Context, DiskError};
use std::collections::BTreeSet;

/// A table of effects, an inbox and the positions of partitions, in one file.
#[derive(Clone, Debug)]
pub struct Database {
    tail: Tail,
    sink: SinkId,
    applied: u32,
    view: SetDigest,
    /// The inbox: rows whose unique key is the message.
    inbox: MessageSet,
    /// What had been applied when the process booted.
    recovered: MessageSet,
    /// The next offset to read of each partition.
    positions: Vec<u64>,
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
    /// The database in `file`, whose effects land at `sink`, as a boot finds it.
    pub fn open(file: FileId, sink: SinkId, partitions: u16, disk: Journals<'_, Record>) -> Self {
        let mut this = Self {
            tail: Tail::open(file, disk),
            sink,
            applied: 0,
            view: SetDigest::new(),
            inbox: MessageSet::default(),
            recovered: MessageSet::default(),
            positions: [0].repeat(usize::from(partitions)),
        };
        for (_, stored) in disk.records(file) {
            match stored.intact() {
                Some(&Record::Applied { message, payload, inbox, position, .. }) => {
                    this.recovered.insert(message);
                    if inbox {
                        this.inbox.insert(message);
                    }
                    this.enter(message, payload, position);
                }
                Some(&Record::Moved { partition, next }) => this.move_to(partition, next),
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
        if inbox && !self.inbox.insert(message) {
            return false;
        }
        let record = Record::Applied { message, sink: self.sink, payload, inbox, position };
        self.tail.append(record, ctx);
        self.enter(message, payload, position);
        true
    }

    /// Commits nothing but a position.
    pub fn advance(&mut self, partition: PartitionId, next: u64, ctx: &mut Ctx<'_>) {
        self.tail.append(Record::Moved { partition, next }, ctx);
        self.move_to(partition, next);
    }

    /// Sees to it that all commits become durable. Returns a mark for
    /// [`is_durable`](Self::is_durable).
    #[inline]
    pub fn flush(&mut self, ctx: &mut Ctx<'_>) -> u64 {
        self.tail.flush(ctx);
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

    /// Takes the whole state into the digest.
    pub fn fingerprint(&self, digest: &mut Digest) {
        self.tail.fingerprint(digest);
        digest.word(u64::from(self.applied) << 16 | u64::from(self.sink.0)).word(self.view());
        self.inbox.fingerprint(digest);
        self.recovered.fingerprint(digest);
        self.positions.iter().for_each(|&position| _ = digest.word(position));
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

/// A set of messages: a bit for each planned one, a tree for the rest.
#[derive(Clone, Debug, Default)]
pub(super) struct MessageSet {
    /// The first 64 messages of each client: few runs have more, and they need no second look.
    first: Vec<u64>,
    /// The messages of each client after those.
    later: Vec<Vec<u64>>,
    others: BTreeSet<u64>,
}

impl MessageSet {
    #[inline]
    pub(super) fn has(&self, message: MessageId) -> bool {
        match message.planned() {
            Some((origin, number @ ..64)) => {
                self.first.get(origin.index()).is_some_and(|bits| bits >> number & 1 == 1)
            }
            _ => self.has_far(message),
        }
    }

    #[cold]
    fn has_far(&self, message: MessageId) -> bool {
        let Some((origin, number)) = message.planned() else {
            return self.others.contains(&message.word());
        };
        let bits = self.later.get(origin.index());
        let bits = bits.and_then(|bits| bits.get(number as usize / 64 - 1));
        bits.is_some_and(|bits| bits >> (number % 64) & 1 == 1)
    }

    /// Adds `message`. Returns whether it was new.
    #[inline]
    pub(super) fn insert(&mut self, message: MessageId) -> bool {
        if let Some((origin, number @ ..64)) = message.planned()
            && let Some(bits) = self.first.get_mut(origin.index())
        {
            let known = *bits;
            *bits |= 1 << number;
            return known != *bits;
        }
        self.insert_far(message)
    }

    #[cold]
    fn insert_far(&mut self, message: MessageId) -> bool {
        let Some((origin, number)) = message.planned() else {
            return self.others.insert(message.word());
        };
        if self.first.len() <= origin.index() {
            self.first.resize(origin.index() + 1, 0);
        }
        let Some(word) = (number as usize / 64).checked_sub(1) else {
            self.first[origin.index()] |= 1 << number;
            return true;
        };
        if self.later.len() <= origin.index() {
            self.later.resize(origin.index() + 1, Vec::new());
        }
        let bits = &mut self.later[origin.index()];
        if bits.len() <= word {
            bits.resize(word + 1, 0);
        }
        let known = bits[word];
        bits[word] |= 1 << (number % 64);
        known != bits[word]
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        for (origin, &first) in self.first.iter().enumerate() {
            let later: &[u64] = self.later.get(origin).map_or(&[], |bits| bits);
            if first != 0 || !later.is_empty() {
                digest.word((origin as u64) << 32 | (1 + later.len() as u64)).word(first);
                for &word in later {
                    digest.word(word);
                }
            }
        }
        self.others.iter().for_each(|&word| _ = digest.word(word));
    }
}

#[cfg(test)]
mod tests;
