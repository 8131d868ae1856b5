//! The queue broker, single: one machine, one file of commands, in the manner of `RabbitMQ`, SQS,
//! NATS `JetStream` and Redis streams, as its policy says.
//!
//! A message is *ready*, then *in flight*: a consumer has it by a delivery, which has a number.
//! That ends with an acknowledgement, or the message is ready again, or it is a *dead letter*,
//! which has a queue of its own. What has happened to it is written down, and a boot reads it.
//!
//! A publisher names an exchange by the partition of its request: 0 is the one that the policy
//! routes by, n + 1 that of the queue n alone.
//!
//! A connection has no name here. Should the broker learn late that an old one of a subscriber is
//! gone, it closes the new one too, so that the subscriber knows to subscribe once more; to
//! subscribe again over the same one only states the credit anew.

use super::message::Message;
use super::record::Record;
use super::tail::{Found, Synced, Tail};
use crate::digest::Digest;
use crate::id::{FileId, NodeId, QueueId, Ticket, TimerId};
use crate::journal::Journals;
use crate::model::broker::Fsync;
use crate::node::{Context, DiskError, Node, Seat, Work};
use crate::time::{Instant, Span};
pub use command::{Publication, QueueCommand};
use dedup::Window;
use line::{Line, State};
pub use policy::{
    AckMatch, Alarm, AnswerWhen, Counting, Cursor, DeadLetter, DedupKept, Hiding, Hold, Overflow,
    Persistence, QueueOrder, QueuePolicy, Routing, Unroutable,
};
pub use preset::Preset;

mod boot;
mod command;
mod dedup;
mod ends;
mod handing;
mod intake;
mod line;
mod policy;
mod preset;
mod settling;

const COMMANDS: FileId = FileId(0);
/// Fires when a lease, a delay, a wait or a message's time is over.
const TICK: TimerId = TimerId(0);
/// Fires when an interval between syncs is over.
const INTERVAL: TimerId = TimerId(1);
/// How long a broker is down after its disk has failed it.
const DISK_FAILED: Span = Span::millis(10);

/// A queue broker on one machine.
#[derive(Clone, Debug)]
pub struct QueueBroker {
    policy: QueuePolicy,
    tail: Tail,
    /// Those for dead letters come after the others.
    lines: Vec<Line>,
    window: Window,
    /// The number of the next message.
    next: u64,
    subscriptions: Vec<Subscription>,
    /// Who is served next, of those that could be.
    turn: u32,
    parked: Vec<Parked>,
    /// What is said once a record is durable, in the order in which it is said.
    waiting: Vec<Waiting>,
    /// What an alarm keeps from being read.
    unread: Vec<(NodeId, Message)>,
    /// When the timer is to fire next.
    tick: Option<(Instant, Work)>,
    interval_runs: bool,
}

/// A consumer that is handed messages as they come.
#[derive(Copy, Clone, Debug)]
struct Subscription {
    consumer: NodeId,
    queue: QueueId,
    credit: u16,
}

/// A consumer that waits for messages.
#[derive(Copy, Clone, Debug)]
struct Parked {
    consumer: NodeId,
    request: u64,
    queue: QueueId,
    batch: u16,
    due: Instant,
}

/// What is said once the record at a position is durable.
#[derive(Clone, Debug)]
struct Waiting {
    position: u64,
    to: NodeId,
    message: Message,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl QueueBroker {
    /// The broker as a boot finds its disk.
    pub fn boot(policy: QueuePolicy, seat: &Seat<'_>, disk: Journals<'_, Record>) -> Self {
        boot::boot(policy, seat.incarnation, disk)
    }

    /// Writes a command down, if the policy has it so, and tells where it stands.
    fn write(&mut self, command: QueueCommand, ctx: &mut Ctx<'_>) -> u64 {
        let is_end = matches!(command, QueueCommand::Dropped { .. });
        if self.policy.persistence == Persistence::Transient && !is_end {
            return 0;
        }
        let position = self.tail.append(Record::Queue(command), ctx);
        match self.policy.fsync {
            Fsync::BeforeAck => self.tail.flush(ctx),
            Fsync::Interval(every) if !self.interval_runs => {
                self.interval_runs = true;
                ctx.set_timer(INTERVAL, every, Work::Progress);
            }
            Fsync::Interval(_) | Fsync::Never => {}
        }
        position
    }

    /// Whether the record at `position` is as durable as `confirm` asks for.
    fn is_kept(&self, position: u64, confirm: AnswerWhen) -> bool {
        confirm == AnswerWhen::AtOnce
            || self.policy.persistence == Persistence::Transient
            || position < self.tail.durable()
    }

    /// Says something to a machine: once the record at `position` is durable, if `confirm` asks for
    /// that. What `asking` sent is being handled: it is answered over the same connection.
    fn say(
        &mut self,
        (to, message): (NodeId, Message),
        (position, confirm): (u64, AnswerWhen),
        asking: Option<NodeId>,
        ctx: &mut Ctx<'_>,
    ) {
        if !self.is_kept(position, confirm) {
            self.waiting.push(Waiting { position, to, message });
        } else if asking == Some(to) {
            ctx.reply(message);
        } else {
            ctx.answer(to, message);
        }
    }

    /// More is durable: says what waited for that, and goes on with what did.
    fn advanced(&mut self, ctx: &mut Ctx<'_>) {
        let end = self.tail.durable();
        self.waiting.retain_mut(|waiting| {
            if waiting.position < end {
                // Taken apart from its place: it goes away at once.
                ctx.answer(waiting.to, waiting.message.clone());
            }
            waiting.position >= end
        });
        self.lines.iter_mut().for_each(|line| line.land(end));
        self.bury(ctx);
    }

    /// What follows from whatever has happened: messages that are over their time or their limit
    /// end, others are handed out, and the timer is set for what comes next.
    fn settle_down(&mut self, asking: Option<NodeId>, ctx: &mut Ctx<'_>) {
        let now = ctx.now();
        self.end_leases(now, ctx);
        self.expire(ctx);
        self.hand_out(now, asking, ctx);
        self.read_on(ctx);
        self.set_tick(now, ctx);
    }

    fn set_tick(&mut self, now: Instant, ctx: &mut Ctx<'_>) {
        let mut next: Option<(Instant, Work)> = None;
        let mut at = |due: Instant, work| {
            if due != Instant::NEVER && next.is_none_or(|(set, _)| due < set) {
                next = Some((due, work));
            }
        };
        let ttl = self.policy.ttl.map(|ttl| (ttl, ctx.wall()));
        for slot in self.lines.iter().flat_map(|line| line.slots.values()) {
            match slot.state {
                State::Held(holding) => at(holding.until, Work::Progress),
                State::Ready(from) if from > now => at(from, Work::Progress),
                State::Ready(_) | State::Landing(_) | State::Dying(..) => {}
            }
            if let Some((ttl, wall)) = ttl.filter(|_| slot.can_expire()) {
                at(now + ends::left(slot.at_ms, ttl, wall), Work::Progress);
            }
        }
        self.parked.iter().for_each(|parked| at(parked.due, Work::Background));
        if next == self.tick {
            return;
        }
        match next {
            Some((due, work)) => ctx.set_timer(TICK, due.since(now), work),
            None => ctx.cancel(TICK),
        }
        self.tick = next;
    }

    fn is_damaged(&self) -> bool {
        self.tail.found() == Found::Damage
    }
}

impl Node for QueueBroker {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.tail.start(ctx);
        self.resume(ctx);
        self.settle_down(None, ctx);
    }

    fn deliver(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        self.read(from, message, ctx);
        self.settle_down(Some(from), ctx);
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        match timer {
            TICK => {
                self.tick = None;
                self.end_waits(ctx);
            }
            INTERVAL => {
                self.interval_runs = false;
                self.tail.flush(ctx);
                self.advanced(ctx);
            }
            _ => return,
        }
        self.settle_down(None, ctx);
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        match self.tail.synced(ticket, result, ctx) {
            Synced::Advanced => {
                self.advanced(ctx);
                if self.policy.fsync == Fsync::BeforeAck {
                    self.tail.flush(ctx);
                }
                self.settle_down(None, ctx);
            }
            // Memory holds what the disk never will: start over from the disk.
            Synced::Failed => ctx.restart(DISK_FAILED),
            Synced::Other => {}
        }
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        self.hang_up(peer, ctx);
        self.settle_down(None, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.tail.fingerprint(digest);
        self.lines.iter().for_each(|line| line.fingerprint(digest));
        self.window.fingerprint(digest);
        digest.word(self.next).word(u64::from(self.turn) << 1 | u64::from(self.interval_runs));
        let (tick, work) = self.tick.unwrap_or((Instant::NEVER, Work::Background));
        digest.word(tick.nanos()).word(work as u64);
        digest.word((self.subscriptions.len() as u64) << 32 | self.parked.len() as u64);
        for one in &self.subscriptions {
            let small = u64::from(one.queue.0) << 16 | u64::from(one.credit);
            digest.word(u64::from(one.consumer.0) << 32 | small);
        }
        for one in &self.parked {
            let small = u64::from(one.queue.0) << 16 | u64::from(one.batch);
            digest.word(u64::from(one.consumer.0) << 32 | small);
            digest.word(one.request).word(one.due.nanos());
        }
        digest.word((self.waiting.len() as u64) << 32 | self.unread.len() as u64);
        for one in &self.waiting {
            digest.word(one.position).word(u64::from(one.to.0));
            crate::node::Message::fingerprint(&one.message, digest);
        }
        for (from, message) in &self.unread {
            digest.word(u64::from(from.0));
            crate::node::Message::fingerprint(message, digest);
        }
    }
}

#[cfg(test)]
mod tests;
