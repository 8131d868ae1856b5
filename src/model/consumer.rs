//! The consumer machine: reads its share of a log and applies it to a database of its own.

use super::database::{Beside, Database, MessageSet};
use super::message::{Entry, Message};
use super::record::Record;
use super::site::Moment;
use crate::digest::Digest;
use crate::history::Event;
use crate::id::{FileId, NodeId, PartitionId, SinkId, Ticket, TimerId};
use crate::journal::Journals;
use crate::node::{Context, DiskError, Node, Seat};
use crate::time::Span;
pub use client::{CommitPolicy, ConsumerClient, FetchPolicy, Progress};
use serde::Deserialize;

mod client;

/// When a consumer settles what it was handed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settle {
    /// It commits the offset before the effect: at most once.
    Before,
    /// It commits the offset once the effect is durable: at least once.
    #[default]
    After,
    /// The offset sits in the same database commit as the effect, and is read from there at boot.
    Atomic,
}

/// How a consumer tells that it has applied a message already.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dedup {
    /// By a row with a unique key in the same commit as the effect.
    #[default]
    Inbox,
    /// By a set of ids in memory, which a restart empties.
    Memory,
    /// Not at all.
    None,
}

/// Where a consumer starts to read.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resume {
    /// Where its group stands.
    #[default]
    Committed,
    /// At the start of the log, every time.
    Earliest,
}

/// How a consumer behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ConsumerPolicy {
    /// How it reads and commits.
    pub fetch: FetchPolicy,
    /// How many partitions the log has.
    pub partitions: u16,
    /// Its place among the members of its group: it reads the partitions of this number modulo
    /// theirs.
    pub member: u16,
    /// How many members the group has.
    pub members: u16,
    /// Where its effects land.
    pub sink: SinkId,
    /// When it settles.
    pub settle: Settle,
    /// How it tells duplicates.
    pub dedup: Dedup,
    /// Where it starts.
    pub resume: Resume,
    /// After how many effects it reads no further.
    pub enough: Option<u32>,
}

const DATABASE: FileId = FileId(0);
/// How long a consumer is down after its disk has failed it.
const DISK_FAILED: Span = Span::millis(10);

/// A machine that consumes.
#[derive(Clone, Debug)]
pub struct Consumer {
    policy: ConsumerPolicy,
    client: ConsumerClient,
    database: Database,
    seen: MessageSet,
    lanes: Vec<Stage>,
}

/// What a lane of the client is at.
#[derive(Clone, Debug)]
enum Stage {
    /// The client polls, or commits what is applied.
    Reading,
    /// The offset is being committed; then these are applied.
    Settling { base: u64, entries: Vec<Entry> },
    /// What was applied is to become durable.
    Applying { mark: u64, next: u64 },
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Consumer {
    /// The consumer as a boot finds its disk.
    pub fn boot(policy: ConsumerPolicy, seat: &Seat<'_>, disk: Journals<'_, Record>) -> Self {
        let share = (policy.member..policy.partitions).step_by(usize::from(policy.members));
        let share = share.map(PartitionId);
        let client = ConsumerClient::new(policy.fetch, share, TimerId(0), seat.incarnation);
        let lanes = client.partitions().map(|_| Stage::Reading).collect();
        let database = Database::open(DATABASE, policy.sink, policy.partitions, disk);
        Self { policy, client, database, seen: MessageSet::default(), lanes }
    }

    #[inline]
    fn handed(
        &mut self,
        lane: usize,
        partition: PartitionId,
        base: u64,
        entries: Vec<Entry>,
        ctx: &mut Ctx<'_>,
    ) {
        let group = self.policy.fetch.group;
        for (entry, offset) in entries.iter().zip(base..) {
            let &Entry { message, key, body, .. } = entry;
            let payload = body.fingerprint();
            ctx.record(Event::Polled { group, message, key, partition, offset, payload });
        }
        match self.policy.settle {
            Settle::Before => {
                let next = base + entries.len() as u64;
                self.lanes[lane] = Stage::Settling { base, entries };
                if self.client.commit(lane, next, ctx) {
                    self.settled(lane, partition, ctx);
                }
            }
            Settle::After | Settle::Atomic => self.apply(lane, partition, base, &entries, ctx),
        }
    }

    #[inline]
    fn apply(
        &mut self,
        lane: usize,
        partition: PartitionId,
        base: u64,
        entries: &[Entry],
        ctx: &mut Ctx<'_>,
    ) {
        let inbox = self.policy.dedup == Dedup::Inbox;
        let atomic = self.policy.settle == Settle::Atomic;
        for (entry, offset) in entries.iter().zip(base..) {
            let position = atomic.then(|| (partition, offset + 1));
            if self.database.had_applied(entry.message) {
                Moment::Redelivered.note(ctx);
            }
            let hit = if self.policy.dedup == Dedup::Memory && !self.seen.insert(entry.message) {
                Moment::MemoryHit
            } else if !self.database.apply(entry, Beside { inbox, position }, ctx) {
                Moment::InboxHit
            } else {
                continue;
            };
            hit.note(ctx);
            if let Some((partition, next)) = position {
                self.database.advance(partition, next, ctx);
            }
        }
        // Also when every entry was known: the commit that made it known may not be durable yet.
        let mark = self.database.flush(ctx);
        let next = base + entries.len() as u64;
        if self.database.is_durable(mark) {
            self.applied(lane, next, ctx);
        } else {
            self.lanes[lane] = Stage::Applying { mark, next };
        }
    }

    /// Settles what was applied in a lane, if it has become durable.
    fn go_on(&mut self, lane: usize, ctx: &mut Ctx<'_>) {
        if let Stage::Applying { mark, next } = self.lanes[lane]
            && self.database.is_durable(mark)
        {
            self.lanes[lane] = Stage::Reading;
            self.applied(lane, next, ctx);
        }
    }

    /// What was read before `next` is applied and durable.
    #[inline]
    fn applied(&mut self, lane: usize, next: u64, ctx: &mut Ctx<'_>) {
        if self.policy.settle != Settle::After || self.client.commit(lane, next, ctx) {
            self.read_on(lane, next, ctx);
        }
    }

    #[inline]
    fn read_on(&mut self, lane: usize, next: u64, ctx: &mut Ctx<'_>) {
        if self.policy.enough.is_some_and(|enough| self.database.applied() >= enough) {
            self.client.stop(lane, ctx);
        } else {
            self.client.poll(lane, next, ctx);
        }
    }

    /// The offset is committed.
    fn settled(&mut self, lane: usize, partition: PartitionId, ctx: &mut Ctx<'_>) {
        match std::mem::replace(&mut self.lanes[lane], Stage::Reading) {
            Stage::Settling { base, entries } => self.apply(lane, partition, base, &entries, ctx),
            Stage::Reading | Stage::Applying { .. } => {
                self.read_on(lane, self.client.next(lane), ctx);
            }
        }
    }
}

impl Node for Consumer {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        if !self.database.start(ctx) {
            // A durable commit is gone: to go on would be to serve a table with a hole in it.
            return ctx.exit();
        }
        for lane in 0..self.lanes.len() {
            match (self.policy.resume, self.policy.settle) {
                (Resume::Earliest, _) => self.client.poll(lane, 0, ctx),
                (Resume::Committed, Settle::Before | Settle::After) => {
                    self.client.locate(lane, ctx);
                }
                (Resume::Committed, Settle::Atomic) => {
                    let next = self.database.position(self.client.partition(lane));
                    if next > 0 {
                        Moment::Resumed.note(ctx);
                    }
                    self.client.poll(lane, next, ctx);
                }
            }
        }
    }

    #[inline]
    fn deliver(&mut self, _from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        match self.client.deliver(message, ctx) {
            Progress::None => {}
            Progress::Handed { lane, partition, base, entries } => {
                self.handed(lane, partition, base, entries, ctx);
            }
            Progress::Settled { lane } => self.settled(lane, self.client.partition(lane), ctx),
        }
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        self.client.wake(timer, ctx);
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        match self.database.synced(ticket, result, ctx) {
            Ok(()) => (0..self.lanes.len()).for_each(|lane| self.go_on(lane, ctx)),
            // Memory holds commits that the disk never will: start over from the disk.
            Err(_) => ctx.restart(DISK_FAILED),
        }
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        self.client.disconnected(peer, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.client.fingerprint(digest);
        self.database.fingerprint(digest);
        self.seen.fingerprint(digest);
        for stage in &self.lanes {
            match stage {
                Stage::Reading => _ = digest.word(0),
                Stage::Applying { mark, next } => _ = digest.word(1).word(*mark).word(*next),
                Stage::Settling { base, entries } => {
                    digest.word(2).word(*base).word(entries.len() as u64);
                    for entry in entries {
                        entry.fingerprint(digest);
                    }
                }
            }
        }
    }

    fn view(&self) -> Option<u64> {
        Some(self.database.view())
    }
}

#[cfg(test)]
mod tests;
