//! How a worker comes by messages: what it asks the queue for, and when.

use super::policy::{Claim, Intake};
use super::{Ctx, HEARTBEAT, INTAKE, Worker};
use crate::digest::Digest;
use crate::model::broker::Verify;
use crate::model::message::{Delivery, Message, QueueMessage, Settlement, Wanted};
use crate::model::site::Moment;
use crate::node::Work;
use crate::time::{Instant, Span};

/// How long a worker waits before it calls again after its connection was lost.
const RECONNECT: Span = Span::millis(5);

/// What the queue was asked for.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Asking {
    state: State,
    /// What was handed out to this worker may not have arrived.
    missed: bool,
    /// When others were last asked to share.
    claimed: Instant,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
enum State {
    /// The worker has not begun.
    #[default]
    Before,
    /// The connection was lost a moment ago.
    Parted,
    /// It is handed messages as they come; it has asked whether the connection is alive, or has
    /// had the answer.
    Subscribed { alive: Option<u64> },
    /// An answer is awaited.
    Asked { request: u64, wanted: Wanted },
    /// Its hands are full.
    Full,
}

impl Asking {
    /// Stops to expect anything. Returns whether anything was to come.
    pub(super) fn stop(&mut self) -> bool {
        let was_open = !matches!(self.state, State::Before | State::Parted);
        self.missed = true;
        if was_open {
            self.state = State::Parted;
        }
        was_open
    }

    /// Takes the whole state into the digest.
    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        let (tag, request) = match self.state {
            State::Before => (0, 0),
            State::Parted => (1, 0),
            State::Subscribed { alive } => (2, alive.unwrap_or(0)),
            State::Asked { request, wanted: Wanted::Ready } => (3, request),
            State::Asked { request, wanted: Wanted::Own } => (4, request),
            State::Asked { request, wanted: Wanted::Idle(_) } => (5, request),
            State::Full => (6, 0),
        };
        digest.word(tag << 1 | u64::from(self.missed)).word(request).word(self.claimed.nanos());
    }
}

impl Worker {
    /// Begins to consume, also again after a lost connection.
    pub(super) fn open(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(lease) = self.policy.heartbeat {
            ctx.set_timer(HEARTBEAT, third(lease), Work::Background);
        }
        match self.policy.intake {
            Intake::Push => {
                let (queue, credit) = (self.policy.queue, self.policy.prefetch);
                let message = QueueMessage::Subscribe { queue, credit };
                ctx.send(self.policy.broker, Message::Queue(message));
                self.ask_life(ctx);
            }
            Intake::Pull { claim, .. } => {
                self.asking.missed = claim.is_some();
                self.ask(ctx);
            }
        }
    }

    /// Asks for the next messages if there is room for some and nothing was asked for.
    pub(super) fn ask_on(&mut self, ctx: &mut Ctx<'_>) {
        if self.asking.state == State::Full {
            self.ask(ctx);
        }
    }

    /// Asks for no message at all, to see whether the connection is alive (AMQP's heartbeat
    /// frames): nothing else tells a subscriber that nothing more will come.
    fn ask_life(&mut self, ctx: &mut Ctx<'_>) {
        let (request, queue) = (self.next_request(), self.policy.queue);
        self.asking.state = State::Subscribed { alive: Some(request) };
        let (wanted, batch, wait_max) = (Wanted::Ready, 0, Span::ZERO);
        let message = QueueMessage::Receive { request, queue, wanted, batch, wait_max };
        ctx.send(self.policy.broker, Message::Queue(message));
        ctx.set_timer(INTAKE, self.policy.timeout, Work::Background);
    }

    fn ask(&mut self, ctx: &mut Ctx<'_>) {
        let Intake::Pull { batch, wait_max, claim } = self.policy.intake else { return };
        let held = self.hand.held() as u16;
        let room = self.policy.prefetch.saturating_sub(held);
        if room == 0 {
            self.asking.state = State::Full;
            return ctx.cancel(INTAKE);
        }
        let now = ctx.now();
        let batch = batch.min(room);
        let (wanted, batch, wait_max) = match claim {
            // What is in hand already stands before what is not.
            Some(_) if self.asking.missed => (Wanted::Own, held + batch, Span::ZERO),
            Some(Claim { idle }) if now.since(self.asking.claimed) >= idle => {
                (Wanted::Idle(idle), batch, Span::ZERO)
            }
            _ => (Wanted::Ready, batch, wait_max),
        };
        let (request, queue) = (self.next_request(), self.policy.queue);
        self.asking.state = State::Asked { request, wanted };
        let message = QueueMessage::Receive { request, queue, wanted, batch, wait_max };
        ctx.send(self.policy.broker, Message::Queue(message));
        ctx.set_timer(INTAKE, self.policy.timeout, Work::Background);
    }

    /// The queue has handed out what it was asked for.
    pub(super) fn received(&mut self, request: u64, deliveries: Vec<Delivery>, ctx: &mut Ctx<'_>) {
        let State::Asked { request: asked, wanted } = self.asking.state else {
            if self.asking.state == (State::Subscribed { alive: Some(request) }) {
                self.asking.state = State::Subscribed { alive: None };
            }
            return;
        };
        if asked != request {
            return;
        }
        let mut is_new = false;
        for delivery in deliveries {
            // What is in hand is not received again by being read again.
            let number = delivery.receipt.number;
            let is_it = |one: &super::hand::Task| one.delivery.receipt.number == number;
            if wanted != Wanted::Ready && self.hand.find(is_it).is_some() {
                continue;
            }
            is_new = true;
            self.receive(delivery, ctx);
        }
        match wanted {
            Wanted::Ready => {}
            Wanted::Own => {
                self.asking.missed = is_new;
                if is_new {
                    Moment::OwnReadAgain.note(ctx);
                }
            }
            Wanted::Idle(_) => {
                self.asking.claimed = ctx.now();
                if is_new {
                    Moment::IdleClaimed.note(ctx);
                }
            }
        }
        self.begin_ready(ctx);
        self.ask(ctx);
    }

    /// The answer is late, or it is time to call.
    pub(super) fn wake_intake(&mut self, ctx: &mut Ctx<'_>) {
        match self.asking.state {
            State::Before | State::Parted => self.open(ctx),
            State::Subscribed { alive: None } => self.ask_life(ctx),
            State::Asked { .. } | State::Subscribed { alive: Some(_) } => {
                Moment::AskedAgain.note(ctx);
                self.hang_up(ctx);
            }
            State::Full => {}
        }
    }

    /// Closes the connection, since an answer is late.
    pub(super) fn hang_up(&mut self, ctx: &mut Ctx<'_>) {
        ctx.disconnect(self.policy.broker);
        self.lapsed(ctx);
    }

    /// Calls again in a moment.
    pub(super) fn reconnect(&mut self, ctx: &mut Ctx<'_>) {
        if self.asking.state == State::Parted {
            ctx.set_timer(INTAKE, RECONNECT, Work::Background);
        }
    }

    /// Holds on to what is held.
    pub(super) fn beat(&mut self, ctx: &mut Ctx<'_>) {
        let Some(lease) = self.policy.heartbeat else { return };
        ctx.set_timer(HEARTBEAT, third(lease), Work::Background);
        for slot in self.hand.in_order() {
            let Some(task) = self.hand.get(slot).filter(|task| task.holds()) else { continue };
            Moment::LeaseExtended.note(ctx);
            let (receipt, settlement) = (task.delivery.receipt, Settlement::Extend(lease));
            let message = QueueMessage::Settle { request: None, receipt, settlement };
            ctx.send(self.policy.broker, Message::Queue(message));
        }
    }

    pub(super) fn is_unsound(&self, delivery: &Delivery) -> bool {
        self.policy.checksum == Verify::Verify && !delivery.entry.is_sound()
    }
}

/// Three heartbeats a lease, so that one may be lost.
fn third(lease: Span) -> Span {
    Span::nanos_of((lease.nanos() / 3).max(1))
}
