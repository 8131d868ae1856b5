//! What goes out: messages handed to subscribers and to who has asked.

use super::{
    AnswerWhen, Counting, Ctx, Cursor, Hiding, Hold, Parked, QueueBroker, QueueCommand, QueueOrder,
    QueuePolicy, State, Subscription,
};
use crate::id::{NodeId, QueueId};
use crate::model::message::{Death, Delivery, Message, QueueMessage, Wanted};
use crate::model::queue::line::Holding;
use crate::model::site::Moment;
use crate::seed::Ratio;
use crate::time::{Instant, Span};

/// The choice of which of the first messages goes first, where order is a matter of best effort.
const ORDER: u8 = 0;
/// The choice whether a delivered message stays visible.
const SEEN: u8 = 1;
/// How many messages may change places.
const LOOSE: usize = 3;

/// How often a delivered message stays visible, where that can be.
fn seldom() -> Ratio {
    Ratio::new(1, 32).expect("one is less than 32")
}

impl QueueBroker {
    /// A consumer subscribes, or says once more how many messages it may hold. Nothing ever comes
    /// from a queue that there is not.
    pub(super) fn subscribe(
        &mut self,
        consumer: NodeId,
        queue: QueueId,
        credit: u16,
        ctx: &mut Ctx<'_>,
    ) {
        if queue.index() >= self.lines.len() {
            return;
        }
        if self.policy.order == QueueOrder::SingleActive {
            // What was to be handed over the old connection is handed out anew.
            self.waiting.retain(|waiting| {
                let is_delivery =
                    matches!(waiting.message, Message::Queue(QueueMessage::Deliver(_)));
                waiting.to != consumer || !is_delivery
            });
            for number in self.lines[queue.index()].held_by(consumer) {
                Moment::HolderGone.note(ctx);
                self.give_back(queue, number, Instant::START, ctx);
            }
        }
        let is_it = |one: &&mut Subscription| one.consumer == consumer && one.queue == queue;
        match self.subscriptions.iter_mut().find(is_it) {
            Some(subscription) => subscription.credit = credit,
            None => self.subscriptions.push(Subscription { consumer, queue, credit }),
        }
    }

    pub(super) fn receive(
        &mut self,
        (consumer, request): (NodeId, u64),
        (queue, wanted): (QueueId, Wanted),
        (batch, wait_max): (u16, Span),
        is_now: bool,
        ctx: &mut Ctx<'_>,
    ) {
        // Who asks again waits for the new answer only.
        self.parked.retain(|parked| (parked.consumer, parked.queue) != (consumer, queue));
        let now = ctx.now();
        let due = if wanted == Wanted::Ready { now + wait_max } else { now };
        let parked = Parked { consumer, request, queue, batch, due };
        if self.is_damaged() || queue.index() >= self.lines.len() {
            let asking = is_now.then_some(consumer);
            return self.answer_receive(parked, (Vec::new(), None), asking, ctx);
        }
        if wanted == Wanted::Ready {
            self.parked.push(parked);
            return;
        }
        let line = &self.lines[queue.index()];
        let numbers = match wanted {
            Wanted::Idle(least) => line.held(|holding| now.since(holding.since) >= least),
            Wanted::Own | Wanted::Ready => line.held_by(consumer),
        };
        let mut handed = (Vec::new(), None);
        for number in numbers {
            if handed.0.len() == usize::from(batch) {
                break;
            }
            if self.is_spent(queue, number) {
                self.end(queue, number, Death::DeliveryLimit, ctx);
                continue;
            }
            Moment::Claimed.note(ctx);
            let (delivery, position) = self.hand(queue, number, (consumer, false), now, ctx);
            handed.0.push(delivery);
            handed.1 = position.or(handed.1);
        }
        self.answer_receive(parked, handed, is_now.then_some(consumer), ctx);
    }

    /// Hands out what is ready, as far as somebody takes it.
    pub(super) fn hand_out(&mut self, now: Instant, asking: Option<NodeId>, ctx: &mut Ctx<'_>) {
        if self.is_damaged() {
            return;
        }
        let mut place = 0;
        while let Some(&parked) = self.parked.get(place) {
            let handed = self.gather(parked, now, ctx);
            if handed.0.is_empty() && parked.due > now {
                place += 1;
            } else {
                self.parked.remove(place);
                self.answer_receive(parked, handed, asking, ctx);
            }
        }
        for queue in 0..self.lines.len() {
            self.push_out(QueueId(queue as u16), now, asking, ctx);
        }
    }

    /// The waits that are over are answered with nothing.
    pub(super) fn end_waits(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now();
        self.hand_out(now, None, ctx);
    }

    /// The messages for who has asked, and the record that must be durable first.
    fn gather(
        &mut self,
        parked: Parked,
        now: Instant,
        ctx: &mut Ctx<'_>,
    ) -> (Vec<Delivery>, Option<u64>) {
        let (mut deliveries, mut last, mut numbers) = (Vec::new(), None, Vec::new());
        while deliveries.len() < usize::from(parked.batch)
            && let Some(number) = self.next_of(parked.queue, now, &numbers, ctx)
        {
            let to = (parked.consumer, false);
            let (delivery, position) = self.hand(parked.queue, number, to, now, ctx);
            deliveries.push(delivery);
            numbers.push(number);
            last = position.or(last);
        }
        (deliveries, last)
    }

    fn answer_receive(
        &mut self,
        parked: Parked,
        (deliveries, position): (Vec<Delivery>, Option<u64>),
        asking: Option<NodeId>,
        ctx: &mut Ctx<'_>,
    ) {
        let received = QueueMessage::Received { request: parked.request, deliveries };
        let when = self.once(position);
        self.say((parked.consumer, Message::Queue(received)), when, asking, ctx);
    }

    /// When something may be said that follows from a record.
    fn once(&self, position: Option<u64>) -> (u64, AnswerWhen) {
        position.map_or((0, AnswerWhen::AtOnce), |position| (position, self.policy.confirm))
    }

    /// Hands the messages of a queue to those who have subscribed to it, in turn.
    fn push_out(
        &mut self,
        queue: QueueId,
        now: Instant,
        asking: Option<NodeId>,
        ctx: &mut Ctx<'_>,
    ) {
        while let Some(consumer) = self.taker(queue) {
            let Some(number) = self.next_of(queue, now, &[], ctx) else { return };
            self.turn = self.turn.wrapping_add(1);
            let (delivery, position) = self.hand(queue, number, (consumer, true), now, ctx);
            let message = Message::Queue(QueueMessage::Deliver(Box::new(delivery)));
            let when = self.once(position);
            self.say((consumer, message), when, asking, ctx);
        }
    }

    /// The subscriber whose turn it is, of those that may hold another message (AMQP's
    /// `prefetch-count`).
    fn taker(&self, queue: QueueId) -> Option<NodeId> {
        let line = &self.lines[queue.index()];
        let takes = |one: &&Subscription| line.credit_taken(one.consumer) < usize::from(one.credit);
        let of_queue = self.subscriptions.iter().filter(|one| one.queue == queue);
        let active = match self.policy.order {
            QueueOrder::SingleActive => 1,
            QueueOrder::Queue | QueueOrder::BestEffort | QueueOrder::Groups => usize::MAX,
        };
        let takers: Vec<NodeId> =
            of_queue.take(active).filter(takes).map(|one| one.consumer).collect();
        let turn = self.turn as usize % takers.len().max(1);
        takers.get(turn).copied()
    }

    /// The message of a queue that goes next.
    fn next_of(
        &mut self,
        queue: QueueId,
        now: Instant,
        besides: &[u64],
        ctx: &mut Ctx<'_>,
    ) -> Option<u64> {
        let ready = self.lines[queue.index()].deliverable(&self.policy, now, besides);
        let loose = ready.len().min(LOOSE);
        if self.policy.order != QueueOrder::BestEffort || loose < 2 {
            return ready.first().copied();
        }
        Some(ready[ctx.choose(ORDER, loose as u64) as usize])
    }

    /// A message becomes a consumer's. Returns what that consumer is handed, and the record that
    /// must be durable first.
    fn hand(
        &mut self,
        queue: QueueId,
        number: u64,
        (owner, pushed): (NodeId, bool),
        now: Instant,
        ctx: &mut Ctx<'_>,
    ) -> (Delivery, Option<u64>) {
        let QueuePolicy { hold, lease, hiding, count, .. } = self.policy;
        let until = if hold == Hold::Lease { now + lease } else { Instant::NEVER };
        let slot = self.slot_mut(queue, number);
        slot.attempt = slot.attempt.saturating_add(1);
        slot.state = State::Held(Holding { owner, since: now, until, pushed });
        let (attempt, again) = (slot.attempt, slot.attempt > 1 || slot.recovered);
        let said = match count {
            Counting::Durable | Counting::Memory => (attempt, attempt > 1),
            Counting::Flag => (0, again),
        };
        let delivery = slot.delivery(queue, number, said);
        if again {
            Moment::DeliveredAgain.note(ctx);
        }
        let delivered = QueueCommand::Delivered { queue, number, attempt, owner, lease };
        let position = self.keeps_deliveries().then(|| self.write(delivered, ctx));
        if hiding == Hiding::Usual && ctx.chance(SEEN, seldom()) {
            Moment::StayedVisible.note(ctx);
            self.slot_mut(queue, number).state = State::Ready(Instant::START);
        }
        (delivery, position)
    }

    /// Whether what is delivered is written down.
    pub(super) fn keeps_deliveries(&self) -> bool {
        self.policy.count == Counting::Durable && self.policy.cursor == Cursor::Durable
    }
}
