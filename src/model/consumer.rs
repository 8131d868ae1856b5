//! The consumer machine: reads its share of a log and applies it to a database of its own.

use super::database::{Beside, Database, Layout, MessageSet};
pub use super::database::{Guard, InboxExpiry};
use super::message::{Entry, Message};
use super::record::Record;
use super::site::Moment;
use crate::digest::Digest;
use crate::history::Event;
use crate::id::{FileId, NodeId, PartitionId, Ticket, TimerId};
use crate::journal::Journals;
use crate::node::{Context, DiskError, Node, Seat};
use crate::time::Span;
pub use client::{CommitPolicy, ConsumerClient, FetchPolicy, Progress};
use handling::Task;
use moves::Moves;
pub use policy::{
    Apply, ConsumerPolicy, Dedup, HandlingPolicy, OnFailure, Rebuild, Resume, Settle, Target,
};
use remote::Remote;

mod client;
mod handling;
mod moves;
mod policy;
mod remote;

const DATABASE: FileId = FileId(0);
/// How long a consumer is down after its disk has failed it.
const DISK_FAILED: Span = Span::millis(10);

/// A machine that consumes.
#[derive(Clone, Debug)]
pub struct Consumer {
    policy: ConsumerPolicy,
    /// Whether what it is handed is applied at once, and not entry by entry.
    plain: bool,
    client: ConsumerClient,
    database: Database,
    seen: MessageSet,
    lanes: Vec<Stage>,
    moves: Moves,
    remote: Remote,
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
    /// The database on another machine is to say where to start.
    Opening,
    /// Entries are handled one at a time.
    Handling(Box<Task>),
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Consumer {
    /// The consumer as a boot finds its disk.
    pub fn boot(policy: ConsumerPolicy, seat: &Seat<'_>, disk: Journals<'_, Record>) -> Self {
        let share = (policy.member..policy.partitions).step_by(usize::from(policy.members));
        let share = share.map(PartitionId);
        let client = ConsumerClient::new(policy.fetch, share, TimerId(0), seat.incarnation);
        let lanes: Vec<_> = client.partitions().map(|_| Stage::Reading).collect();
        // Behind those of the client are a timer a lane for the handling, then the remote client's.
        let timer = TimerId(client.timers() + lanes.len() as u8);
        let remote = Remote::new(&policy, lanes.len(), timer, seat.incarnation);
        let ConsumerPolicy { sink, partitions, inbox_expiry: expiry, guard, .. } = policy;
        let database = Database::open(DATABASE, Layout { sink, partitions, expiry, guard }, disk);
        Self {
            policy,
            plain: policy.is_plain(),
            client,
            database,
            seen: MessageSet::default(),
            lanes,
            moves: Moves::default(),
            remote,
        }
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
            Settle::After | Settle::Atomic => self.take_on(lane, partition, base, entries, ctx),
        }
    }

    #[inline]
    fn take_on(
        &mut self,
        lane: usize,
        partition: PartitionId,
        base: u64,
        entries: Vec<Entry>,
        ctx: &mut Ctx<'_>,
    ) {
        if self.plain {
            self.apply(lane, partition, base, &entries, ctx);
        } else {
            self.proceed(lane, Box::new(Task::new(partition, base, entries)), ctx);
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
            if let Some((partition, next)) = position {
                self.moves(partition, next, ctx);
            }
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
        match &self.lanes[lane] {
            &Stage::Applying { mark, next } if self.database.is_durable(mark) => {
                self.lanes[lane] = Stage::Reading;
                self.applied(lane, next, ctx);
            }
            Stage::Handling(task) if task.awaits(&self.database) => {
                self.resume(lane, ctx);
            }
            _ => {}
        }
    }

    /// What was read before `next` is applied and durable.
    #[inline]
    fn applied(&mut self, lane: usize, next: u64, ctx: &mut Ctx<'_>) {
        match self.policy.settle {
            Settle::After if !self.client.commit(lane, next, ctx) => return,
            Settle::After | Settle::Before => {}
            Settle::Atomic => self.confirm_moves(ctx),
        }
        self.read_on(lane, next, ctx);
    }

    /// A position is to be moved by the next commit.
    fn moves(&mut self, partition: PartitionId, next: u64, ctx: &mut Ctx<'_>) {
        let group = self.policy.fetch.group;
        ctx.record(Event::CommitInvoke { group, partition, offset: next });
        self.moves.begin(self.database.end() + 1, partition, next);
    }

    /// Tells of the positions that are durable by now.
    fn confirm_moves(&mut self, ctx: &mut Ctx<'_>) {
        let group = self.policy.fetch.group;
        while let Some((partition, offset)) = self.moves.next(|mark| self.database.is_durable(mark))
        {
            ctx.record(Event::CommitOk { group, partition, offset });
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
            Stage::Settling { base, entries } => self.take_on(lane, partition, base, entries, ctx),
            Stage::Reading | Stage::Opening | Stage::Applying { .. } | Stage::Handling(_) => {
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
        if self.policy.rebuild != Rebuild::Never && self.database.clear(ctx) {
            Moment::ProjectionRebuilt.note(ctx);
        }
        let resume = match self.policy.rebuild {
            Rebuild::FromStart => Resume::Earliest,
            Rebuild::Never | Rebuild::FromCommitted => self.policy.resume,
        };
        for lane in 0..self.lanes.len() {
            match (resume, self.policy.settle) {
                (Resume::Earliest, _) => self.client.poll(lane, 0, ctx),
                (Resume::Committed, Settle::Before | Settle::After) => {
                    self.client.locate(lane, ctx);
                }
                (Resume::Committed, Settle::Atomic) if self.ask_position(lane, ctx) => {}
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
        if !self.plain && matches!(message, Message::Database(_) | Message::External(_)) {
            return self.remote_answer(message, ctx);
        }
        match self.client.deliver(message, ctx) {
            Progress::None => {}
            Progress::Handed { lane, partition, base, entries } => {
                self.handed(lane, partition, base, entries, ctx);
            }
            Progress::Settled { lane } => self.settled(lane, self.client.partition(lane), ctx),
        }
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        if !self.client.wake(timer, ctx) && !self.wake_handling(timer, ctx) {
            self.wake_remote(timer, ctx);
        }
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        match self.database.synced(ticket, result, ctx) {
            Ok(()) => {
                self.confirm_moves(ctx);
                (0..self.lanes.len()).for_each(|lane| self.go_on(lane, ctx));
            }
            // Memory holds commits that the disk never will: start over from the disk.
            Err(_) => ctx.restart(DISK_FAILED),
        }
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        self.client.disconnected(peer, ctx);
        self.remote_disconnected(peer, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.client.fingerprint(digest);
        self.database.fingerprint(digest);
        self.seen.fingerprint(digest);
        self.moves.fingerprint(digest);
        self.remote.fingerprint(digest);
        for stage in &self.lanes {
            match stage {
                Stage::Reading => _ = digest.word(0),
                Stage::Applying { mark, next } => _ = digest.word(1).word(*mark).word(*next),
                Stage::Opening => _ = digest.word(4),
                Stage::Handling(task) => task.fingerprint(digest.word(3)),
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
        match self.policy.apply {
            Apply::Insert => Some(self.database.view()),
            Apply::Upsert => Some(self.database.projected()),
            Apply::Database | Apply::External => None,
        }
    }
}

#[cfg(test)]
mod tests;
