//! The service machine: for each planned operation it changes its own state and publishes a
//! message, two writes to two systems that know nothing of each other.
//!
//! Written one after the other, a crash in between leaves the first without the second, and
//! nobody is left who knows that it is missing: the operation was begun, its outcome is unknown,
//! and a later incarnation does not begin it again. The way out without an outbox is to write one
//! of the two only, and to derive the other from it.

use super::consumer::{ConsumerClient, FetchPolicy, Progress};
use super::half::LocalPolicy;
use super::message::{Entry, Message, Verdict};
use super::producer::{ProducerClient, ProducerPolicy, body_of};
use super::record::Record;
use super::site::Moment;
use super::store::{Decision, Isolation, Row, Store, TableId, Transaction, Write};
use crate::digest::Digest;
use crate::history::{Effect, Event};
use crate::id::{FileId, MessageId, NodeId, PartitionId, SinkId, Ticket, TimerId};
use crate::journal::Journals;
use crate::node::{Context, DiskError, Node, Planned, Seat, Work};
use crate::time::{Instant, Span};
use local::Locals;
use outbox::Outbox;
pub use outbox::OutboxPolicy;
use serde::Deserialize;

mod local;
mod outbox;

/// In which order a service writes its state and the log.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WritePolicy {
    /// It writes to the log only, reads it like everybody else, and folds its state from it.
    #[default]
    LogFirst,
    /// It commits its state, then publishes: a crash in between leaves a state that nobody else
    /// hears of.
    DatabaseFirst,
    /// It publishes, then commits its state: a crash in between leaves a message about something
    /// that the service does not know.
    PublishThenCommit,
    /// It hands a half message to a broker that keeps it unread, commits its state, and says that
    /// it has; if it never does, that broker asks (`RocketMQ`'s transactional messages).
    HalfMessage,
    /// It commits its state and a row of an outbox in one transaction of a database, and a relay
    /// publishes that (microservices.io, transactional outbox).
    Outbox,
}

/// How a service behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ServicePolicy {
    /// In which order it writes.
    pub write: WritePolicy,
    /// How it publishes.
    pub producer: ProducerPolicy,
    /// How it reads the log, if it does.
    pub fetch: FetchPolicy,
    /// Where a change of its state shows.
    pub sink: SinkId,
    /// How it carries out the local transactions of half messages, if it sends such.
    pub local: Option<LocalPolicy>,
    /// How it writes its outbox, if it has one.
    pub outbox: Option<OutboxPolicy>,
}

/// File 0 is the producer client's journal, if it keeps one.
const STORE: FileId = FileId(1);
/// The service's state: a row an operation, whose key is the message.
const STATE: TableId = TableId(0);
/// How far the log is folded: a row a partition, whose version is the next offset.
const POSITIONS: TableId = TableId(1);
/// How long a service is down after its disk has failed it.
const DISK_FAILED: Span = Span::millis(10);
/// How long a fenced service is down: its next incarnation has a higher epoch.
const FENCED: Span = Span::millis(10);

/// A service with a state and messages about it.
#[derive(Clone, Debug)]
pub struct Service {
    policy: ServicePolicy,
    store: Store,
    producer: ProducerClient,
    /// The operations that the service has yet to begin, if it begins them and not its producer.
    planned: Vec<Planned>,
    /// The operations whose rows are on their way to the disk, each with the mark of its row.
    begun: Vec<(u64, Planned)>,
    reader: ConsumerClient,
    /// What is on its way to the disk in each lane of the reader.
    folding: Vec<Option<Folding>>,
    locals: Option<Locals>,
    outbox: Option<Outbox>,
}

/// What was read and is folded once all before `mark` is durable: the entries from `base` to
/// `next`.
#[derive(Copy, Clone, Debug)]
struct Folding {
    mark: u64,
    base: u64,
    next: u64,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Service {
    /// The service as a boot finds its disk; it carries out the plan of `seat`.
    pub fn boot(policy: ServicePolicy, seat: &Seat<'_>, disk: Journals<'_, Record>) -> Self {
        let mut producer = ProducerClient::boot(policy.producer, TimerId(0), seat, disk);
        let mut planned = Vec::new();
        match policy.write {
            WritePolicy::LogFirst | WritePolicy::PublishThenCommit => {
                seat.plan.iter().for_each(|&one| producer.enqueue(one));
            }
            WritePolicy::DatabaseFirst => {
                producer = producer.of_sends_begun();
                planned.extend(seat.plan.iter().rev());
            }
            WritePolicy::HalfMessage | WritePolicy::Outbox => {
                planned.extend(seat.plan.iter().rev());
            }
        }
        let read = match policy.write {
            WritePolicy::LogFirst => policy.producer.partitions,
            WritePolicy::DatabaseFirst
            | WritePolicy::PublishThenCommit
            | WritePolicy::HalfMessage
            | WritePolicy::Outbox => 0,
        };
        let (partitions, timer) = ((0..read).map(PartitionId), TimerId(producer.timers() + 1));
        let reader = ConsumerClient::new(policy.fetch, partitions, timer, seat.incarnation);
        let timer = TimerId(timer.0 + reader.timers());
        let locals = policy.local.map(|local| Locals::new(local, policy.sink, STATE, timer));
        let entering = |outbox| Outbox::new(outbox, policy.sink, timer, seat.incarnation);
        let outbox = policy.outbox.map(entering);
        Self {
            policy,
            store: Store::open(STORE, Isolation::Serializable, disk),
            producer,
            planned,
            begun: Vec::new(),
            reader,
            folding: vec![None; usize::from(read)],
            locals,
            outbox,
        }
    }

    /// Fires when the next operation is due.
    fn pace(&self) -> TimerId {
        TimerId(self.producer.timers())
    }

    /// Begins every operation that is due: its row, or its half message, goes first.
    fn begin_due(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(&planned) = self.planned.last() {
            let (now, due) = (ctx.now(), Instant::START + planned.at);
            if due > now {
                return ctx.set_timer(self.pace(), due.since(now), Work::Progress);
            }
            self.planned.pop();
            let Planned { message, key, .. } = planned;
            let payload = ctx.blob(&body_of(message)).fingerprint();
            if let Some(locals) = &mut self.locals {
                locals.begin(&planned, payload, ctx);
                continue;
            }
            if let Some(outbox) = &mut self.outbox {
                outbox.begin(&planned, payload, ctx);
                continue;
            }
            ctx.record(Event::invoke(message, key, payload));
            self.enter(message, payload, None, ctx);
            let mark = self.store.flush(ctx);
            self.begun.push((mark, planned));
        }
    }

    /// Publishes the operations whose rows are durable.
    fn publish(&mut self, ctx: &mut Ctx<'_>) {
        let durable = self.begun.partition_point(|&(mark, _)| self.store.is_durable(mark));
        for (_, planned) in self.begun.drain(..durable) {
            self.producer.enqueue(planned);
        }
        self.producer.send_due(ctx);
    }

    /// Changes the state by `message`, unless that was done, and moves the position in the log, if
    /// there is one, in the same commit.
    fn enter(
        &mut self,
        message: MessageId,
        payload: u64,
        position: Option<(PartitionId, u64)>,
        ctx: &mut Ctx<'_>,
    ) {
        let row = Row { message, version: 0, payload };
        let moved = position.map(|(partition, next)| {
            let (table, key) = (POSITIONS, u64::from(partition.0));
            Write::Upsert { table, key, row: Row { version: next, ..row } }
        });
        let mut change = Transaction::default()
            .write(Write::Insert { table: STATE, key: message.word(), row })
            .effect(Effect { message, sink: self.policy.sink, payload });
        change.writes.extend(moved);
        if let Decision::Conflict(_) = self.store.commit(&change, ctx)
            && let Some(moved) = moved
        {
            Moment::InboxHit.note(ctx);
            self.store.commit(&Transaction::default().write(moved), ctx);
        }
    }

    /// Folds what was read. The commit of an entry's row is that of the position, too.
    fn fold(
        &mut self,
        lane: usize,
        (partition, base): (PartitionId, u64),
        entries: &[Entry],
        ctx: &mut Ctx<'_>,
    ) {
        let group = self.policy.fetch.group;
        for (&Entry { message, key, body, .. }, offset) in entries.iter().zip(base..) {
            let payload = body.fingerprint();
            ctx.record(Event::Polled { group, message, key, partition, offset, payload });
            ctx.record(Event::CommitInvoke { group, partition, offset: offset + 1 });
            self.enter(message, payload, Some((partition, offset + 1)), ctx);
        }
        let (mark, next) = (self.store.flush(ctx), base + entries.len() as u64);
        self.folding[lane] = Some(Folding { mark, base, next });
        self.read_on(ctx);
    }

    /// Reads on in the lanes in which all that was folded is durable.
    fn read_on(&mut self, ctx: &mut Ctx<'_>) {
        let group = self.policy.fetch.group;
        for (lane, folding) in self.folding.iter_mut().enumerate() {
            let folded = folding.take_if(|folding| self.store.is_durable(folding.mark));
            let Some(Folding { base, next, .. }) = folded else { continue };
            let partition = self.reader.partition(lane);
            for offset in base + 1..=next {
                ctx.record(Event::CommitOk { group, partition, offset });
            }
            self.reader.poll(lane, next, ctx);
        }
    }
}

impl Node for Service {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        if !self.store.start(ctx) {
            // A durable row is gone: to go on would be to serve a state with a hole in it.
            return ctx.exit();
        }
        self.producer.start(ctx);
        self.begin_due(ctx);
        self.publish(ctx);
        for lane in 0..self.folding.len() {
            let partition = u64::from(self.reader.partition(lane).0);
            let position = self.store.look(POSITIONS, partition).row;
            if position.is_some() {
                Moment::Resumed.note(ctx);
            }
            self.reader.poll(lane, position.map_or(0, |row| row.version), ctx);
        }
    }

    fn deliver(&mut self, _from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        if let Message::Produced { message: sent, verdict, .. } = message {
            let was_flying = self.producer.deliver(&message, ctx);
            let is_stored = matches!(verdict, Verdict::Stored { .. });
            if was_flying && is_stored && self.policy.write == WritePolicy::PublishThenCommit {
                let payload = ctx.blob(&body_of(sent)).fingerprint();
                self.enter(sent, payload, None, ctx);
                self.store.flush(ctx);
            }
            if self.producer.is_fenced() {
                ctx.restart(FENCED);
            }
        } else if let (Message::Half(said), Some(locals)) = (&message, &mut self.locals) {
            locals.deliver(*said, &mut self.store, ctx);
        } else if let (Message::Database(_), Some(outbox)) = (&message, &mut self.outbox) {
            outbox.deliver(message, ctx);
        } else if let Progress::Handed { lane, partition, base, entries } =
            self.reader.deliver(message, ctx)
        {
            self.fold(lane, (partition, base), &entries, ctx);
        }
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        if timer == self.pace() {
            self.begin_due(ctx);
            self.publish(ctx);
        } else if !self.producer.wake(timer, ctx) && !self.reader.wake(timer, ctx) {
            if let Some(locals) = &mut self.locals {
                locals.wake(timer, &mut self.store, ctx);
            } else if let Some(outbox) = &mut self.outbox {
                outbox.wake(timer, ctx);
            }
        }
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        self.producer.synced(ticket, result, ctx);
        match self.store.synced(ticket, result, ctx) {
            Ok(_) => {
                if let Some(locals) = &mut self.locals {
                    locals.go_on(&self.store, ctx);
                }
                self.publish(ctx);
                self.read_on(ctx);
            }
            // Memory holds rows that the disk never will: start over from the disk.
            Err(_) => ctx.restart(DISK_FAILED),
        }
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        self.producer.disconnected(peer, ctx);
        self.reader.disconnected(peer, ctx);
        if let Some(locals) = &mut self.locals {
            locals.disconnected(peer, ctx);
        }
        if let Some(outbox) = &mut self.outbox {
            outbox.disconnected(peer, ctx);
        }
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.store.fingerprint(digest);
        self.producer.fingerprint(digest);
        self.reader.fingerprint(digest);
        digest.word((self.planned.len() as u64) << 32 | self.begun.len() as u64);
        for (mark, planned) in &self.begun {
            digest.word(*mark).word(planned.message.word());
        }
        for folding in &self.folding {
            let none = Folding { mark: u64::MAX, base: 0, next: 0 };
            let Folding { mark, base, next } = folding.unwrap_or(none);
            digest.word(mark).word(base).word(next);
        }
        if let Some(locals) = &self.locals {
            locals.fingerprint(digest);
        }
        if let Some(outbox) = &self.outbox {
            outbox.fingerprint(digest);
        }
    }

    fn view(&self) -> Option<u64> {
        Some(self.store.view(STATE))
    }
}

#[cfg(test)]
mod tests;
