//! The worker machine: takes messages from a queue, handles some of them at a time, and settles
//! each.
//!
//! What is not settled comes again, to this worker or to another: whatever a worker does, it may do
//! twice, or somebody else may be doing it too. The inbox, a row with a unique key in the commit of
//! the effect, makes the second time harmless; the fence, a row that knows the latest token, keeps
//! out who is late; the row of a key whose message has failed keeps its successors back.

use super::consumer::Settle;
use super::message::{Delivery, Message, QueueMessage, SettleOutcome};
use super::record::Record;
use super::site::Moment;
use super::store::{Isolation, Store};
use crate::digest::Digest;
use crate::history::Event;
use crate::id::{FileId, MessageId, NodeId, Ticket, TimerId};
use crate::journal::Journals;
use crate::node::{Context, DiskError, Node, Seat, Work};
use crate::time::{Instant, Span};
use hand::{Hand, Step};
use intake::Asking;
pub use policy::{Acts, Claim, Confirm, Fence, Intake, Setback, Successors, WorkerPolicy};
use resource::Resource;
use std::collections::{BTreeMap, BTreeSet};

mod hand;
mod handling;
mod intake;
mod policy;
mod resource;
mod settling;

const STORE: FileId = FileId(0);
/// How long a worker is down after its disk has failed it.
const DISK_FAILED: Span = Span::millis(10);
/// Fires when the queue is to be asked, or its answer is late.
const INTAKE: TimerId = TimerId(0);
/// Fires when what is held is to be held for longer.
const HEARTBEAT: TimerId = TimerId(1);
/// The timers of the client of the other machine are those from here on, then come those of the
/// messages in hand.
const LANES: u8 = 2;
/// How many messages a worker can tell apart at a time.
const SLOTS_MAX: usize = 160;

/// A machine that works off a queue.
#[derive(Clone, Debug)]
pub struct Worker {
    policy: WorkerPolicy,
    incarnation: u16,
    /// What the queue was asked for, and how that goes.
    asking: Asking,
    requests: u64,
    hand: Hand,
    resource: Resource,
    store: Store,
    seen: BTreeSet<MessageId>,
    /// How often the handling of a message that was given back has failed, as far as the worker
    /// remembers.
    failures: BTreeMap<MessageId, u16>,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Worker {
    /// The worker as a boot finds its disk.
    pub fn boot(policy: WorkerPolicy, seat: &Seat<'_>, disk: Journals<'_, Record>) -> Self {
        let incarnation = seat.incarnation;
        Self {
            policy,
            incarnation,
            asking: Asking::default(),
            requests: u64::from(incarnation) << 32,
            hand: Hand::default(),
            resource: Resource::new(&policy, TimerId(LANES), incarnation),
            store: Store::open(STORE, Isolation::Serializable, disk),
            seen: BTreeSet::new(),
            failures: BTreeMap::new(),
        }
    }

    fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Takes a message in hand.
    fn receive(&mut self, delivery: Delivery, ctx: &mut Ctx<'_>) {
        let entry = delivery.entry;
        let Some(slot) = self.hand.take(delivery, self.slots_max()) else { return };
        if self.is_unsound(&delivery) {
            Moment::CorruptDiscarded.note(ctx);
            return self.discard(slot, ctx);
        }
        ctx.record(Event::Received {
            group: self.policy.group,
            message: entry.message,
            key: entry.key,
            delivery: delivery.attempt,
            payload: entry.body.fingerprint(),
        });
        if self.policy.settle == Settle::Before {
            self.ack(slot, ctx);
        }
    }

    fn slots_max(&self) -> usize {
        SLOTS_MAX.min(usize::from(u8::MAX - LANES - self.policy.hands))
    }

    fn timer_of(&self, slot: usize) -> TimerId {
        TimerId(LANES + self.policy.hands + slot as u8)
    }

    fn wait(&self, slot: usize, span: Span, ctx: &mut Ctx<'_>) {
        ctx.set_timer(self.timer_of(slot), span, Work::Progress);
    }

    /// A timer of a message in hand.
    fn wake_task(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        let Some(slot) = timer.0.checked_sub(LANES + self.policy.hands).map(usize::from) else {
            return;
        };
        match self.hand.get(slot).map(|task| task.step) {
            Some(Step::Working) => self.worked(slot, ctx),
            Some(Step::Backing) => self.backed(slot, ctx),
            Some(Step::Publishing) => self.publish(slot, ctx),
            Some(Step::Settling { settlement, .. }) => {
                Moment::SettledAgain.note(ctx);
                self.request_settlement(slot, settlement, ctx);
            }
            _ => {}
        }
    }

    /// Ends what the worker says about a message: lets it go and takes the next.
    fn release(&mut self, slot: usize, ctx: &mut Ctx<'_>) {
        ctx.cancel(self.timer_of(slot));
        self.hand.release(slot);
        self.begin_ready(ctx);
        self.ask_on(ctx);
    }

    /// The connection with the queue is gone.
    fn lapsed(&mut self, ctx: &mut Ctx<'_>) {
        let was_subscribed = self.asking.stop();
        if !self.policy.is_bound {
            self.settle_again(ctx);
        } else if was_subscribed {
            let group = self.policy.group;
            for (slot, task) in self.hand.lapse() {
                ctx.cancel(self.timer_of(slot));
                if let Step::Settling { settlement, .. } = task.step {
                    settling::unsettled(group, &task, settlement, ctx);
                }
            }
            Moment::WorkerLapsed.note(ctx);
            ctx.record(Event::Lapsed { group });
        }
        self.reconnect(ctx);
    }

    /// Handles an answer of the queue broker.
    fn hear(&mut self, message: QueueMessage, ctx: &mut Ctx<'_>) {
        match message {
            QueueMessage::Deliver(delivery) if self.policy.intake == Intake::Push => {
                self.receive(*delivery, ctx);
                self.begin_ready(ctx);
            }
            QueueMessage::Received { request, deliveries } => {
                self.received(request, deliveries, ctx);
            }
            QueueMessage::Settled { request, outcome } => self.settled(request, outcome, ctx),
            QueueMessage::Deliver(_)
            | QueueMessage::Subscribe { .. }
            | QueueMessage::Receive { .. }
            | QueueMessage::Settle { .. } => {}
        }
    }

    /// The queue has said what it did about a settlement.
    fn settled(&mut self, request: u64, outcome: SettleOutcome, ctx: &mut Ctx<'_>) {
        let is_it = |step| matches!(step, Step::Settling { request: one, .. } if one == request);
        if let Some(slot) = self.hand.find(|task| is_it(task.step)) {
            self.settlement_answered(slot, outcome, ctx);
        }
    }
}

impl Node for Worker {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        if !self.store.start(ctx) {
            // A durable commit is gone: to go on would be to serve a table with a hole in it.
            return ctx.exit();
        }
        let (now, joins) = (ctx.now(), Instant::START + self.policy.joins);
        if joins > now {
            return ctx.set_timer(INTAKE, joins.since(now), Work::Progress);
        }
        self.open(ctx);
    }

    fn deliver(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        match message {
            Message::Queue(message) if from == self.policy.broker => self.hear(message, ctx),
            Message::Produced { message, verdict, .. } => self.published(message, verdict, ctx),
            message => self.resource_answer(message, ctx),
        }
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        if timer == INTAKE {
            self.wake_intake(ctx);
        } else if timer == HEARTBEAT {
            self.beat(ctx);
        } else if timer.0 < LANES + self.policy.hands {
            self.wake_resource(timer, ctx);
        } else {
            self.wake_task(timer, ctx);
        }
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        match self.store.synced(ticket, result, ctx) {
            Ok(_) => self.written_so_far(ctx),
            // Memory holds commits that the disk never will: start over from the disk.
            Err(_) => ctx.restart(DISK_FAILED),
        }
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        if peer == self.policy.broker {
            self.lapsed(ctx);
        }
        self.resource_disconnected(peer, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.asking.fingerprint(digest);
        digest.word(self.requests).word(u64::from(self.incarnation));
        self.hand.fingerprint(digest);
        self.resource.fingerprint(digest);
        self.store.fingerprint(digest);
        digest.word((self.seen.len() as u64) << 32 | self.failures.len() as u64);
        self.seen.iter().for_each(|message| _ = digest.word(message.word()));
        for (message, &failures) in &self.failures {
            digest.word(message.word()).word(u64::from(failures));
        }
    }

    fn view(&self) -> Option<u64> {
        self.resource.is_own().then(|| self.store.effects())
    }
}

#[cfg(test)]
mod tests;
