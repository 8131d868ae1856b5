//! What becomes of messages in flight: what their consumers say, and what happens without them.

use super::{AckMatch, AnswerWhen, Ctx, Cursor, Hold, QueueBroker, QueueCommand, State};
use crate::id::{NodeId, QueueId};
use crate::model::message::{Death, Message, QueueMessage, Receipt, SettleOutcome, Settlement};
use crate::model::queue::line::Slot;
use crate::model::site::Moment;
use crate::time::Instant;

/// What a settlement matches.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Matched {
    /// A message that it settles.
    Message,
    /// Nothing.
    Nothing,
    /// Nothing, and the consumer is told otherwise.
    Pretended,
}

impl QueueBroker {
    /// A consumer says what becomes of a message.
    pub(super) fn settle(
        &mut self,
        (from, is_now): (NodeId, bool),
        request: Option<u64>,
        receipt: Receipt,
        settlement: Settlement,
        ctx: &mut Ctx<'_>,
    ) {
        let (outcome, position) = match self.matched(from, receipt, settlement) {
            Matched::Message => (SettleOutcome::Done, self.carry_out(receipt, settlement, ctx)),
            Matched::Pretended => (SettleOutcome::Done, None),
            Matched::Nothing => (SettleOutcome::Stale, None),
        };
        if outcome == SettleOutcome::Stale {
            Moment::StaleSettlement.note(ctx);
        }
        let Some(request) = request else { return };
        let when =
            position.map_or((0, AnswerWhen::AtOnce), |position| (position, self.policy.settled));
        let settled = Message::Queue(QueueMessage::Settled { request, outcome });
        self.say((from, settled), when, is_now.then_some(from), ctx);
    }

    fn matched(&self, from: NodeId, receipt: Receipt, settlement: Settlement) -> Matched {
        let line = self.lines.get(receipt.queue.index());
        let slot = line.and_then(|line| line.slots.get(&receipt.number));
        let is_it = slot.is_some_and(|slot| {
            let latest = slot.attempt == receipt.attempt;
            let (is_held, is_own) = match slot.state {
                State::Held(holding) => (true, holding.owner == from),
                State::Landing(_) | State::Ready(_) => (false, false),
                State::Dying(..) => return false,
            };
            match self.policy.ack {
                // Only what is held can be held for longer.
                _ if matches!(settlement, Settlement::Extend(_)) && !is_held => false,
                AckMatch::Strict => latest && is_own,
                AckMatch::Attempt => latest && is_held,
                AckMatch::LatestAttempt => latest,
                AckMatch::Message => slot.attempt > 0,
            }
        });
        match (is_it, self.policy.ack, settlement) {
            (true, ..) => Matched::Message,
            (false, AckMatch::LatestAttempt, Settlement::Ack) => Matched::Pretended,
            (false, ..) => Matched::Nothing,
        }
    }

    /// Does what a consumer asks for about a message. Returns the record that says so, if there is
    /// one.
    fn carry_out(
        &mut self,
        receipt: Receipt,
        settlement: Settlement,
        ctx: &mut Ctx<'_>,
    ) -> Option<u64> {
        let Receipt { queue, number, .. } = receipt;
        let now = ctx.now();
        match settlement {
            Settlement::Ack => {
                self.lines[queue.index()].slots.remove(&number);
                let is_kept = self.policy.cursor == Cursor::Durable;
                is_kept.then(|| self.write(QueueCommand::Acked { queue, number }, ctx))
            }
            Settlement::Requeue(delay) => {
                let requeued = QueueCommand::Requeued { queue, number, delay };
                let position = self.keeps_deliveries().then(|| self.write(requeued, ctx));
                self.give_back(queue, number, now + delay, ctx).or(position)
            }
            Settlement::Reject => Some(self.end(queue, number, Death::Rejected, ctx)),
            Settlement::Extend(by) => {
                let is_leased = self.policy.hold == Hold::Lease;
                let slot = self.slot_mut(queue, number);
                let attempt = slot.attempt;
                let State::Held(holding) = &mut slot.state else { return None };
                let owner = holding.owner;
                if is_leased {
                    holding.until = now + by;
                } else {
                    holding.since = now;
                }
                let delivered =
                    QueueCommand::Delivered { queue, number, attempt, owner, lease: by };
                self.keeps_deliveries().then(|| self.write(delivered, ctx))
            }
        }
    }

    /// A message is nobody's again, from an instant on; unless it has been delivered too often.
    /// Returns the record that says so, if there is one.
    pub(super) fn give_back(
        &mut self,
        queue: QueueId,
        number: u64,
        from: Instant,
        ctx: &mut Ctx<'_>,
    ) -> Option<u64> {
        self.slot_mut(queue, number).state = State::Ready(from);
        if !self.is_spent(queue, number) {
            return None;
        }
        Moment::DeliveryLimit.note(ctx);
        Some(self.end(queue, number, Death::DeliveryLimit, ctx))
    }

    /// Whether a message has been delivered as often as it may be.
    pub(super) fn is_spent(&self, queue: QueueId, number: u64) -> bool {
        let Some(slot) = self.lines[queue.index()].slots.get(&number) else { return false };
        // A dead letter has nowhere to go.
        slot.death.is_none() && self.policy.delivery_limit.is_some_and(|most| slot.attempt >= most)
    }

    /// Leases that are over leave their messages to others.
    pub(super) fn end_leases(&mut self, now: Instant, ctx: &mut Ctx<'_>) {
        if self.policy.hold != Hold::Lease {
            return;
        }
        for queue in 0..self.lines.len() {
            for number in self.lines[queue].held(|holding| holding.until <= now) {
                Moment::LeaseOver.note(ctx);
                self.give_back(QueueId(queue as u16), number, Instant::START, ctx);
            }
        }
    }

    /// The connection with a machine is gone, and with it whatever hung on it.
    pub(super) fn hang_up(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        self.parked.retain(|parked| parked.consumer != peer);
        self.waiting.retain(|waiting| waiting.to != peer);
        self.unread.retain(|&(from, _)| from != peer);
        let before = self.subscriptions.len();
        self.subscriptions.retain(|one| one.consumer != peer);
        if self.subscriptions.len() < before {
            // Should the consumer have subscribed over a newer connection already, it learns so
            // that it has to once more.
            ctx.disconnect(peer);
        }
        if self.policy.hold != Hold::UntilDisconnect {
            return;
        }
        for queue in 0..self.lines.len() {
            for number in self.lines[queue].held_by(peer) {
                Moment::HolderGone.note(ctx);
                self.give_back(QueueId(queue as u16), number, Instant::START, ctx);
            }
        }
    }

    /// A message that is in its queue.
    pub(super) fn slot_mut(&mut self, queue: QueueId, number: u64) -> &mut Slot {
        let slots = &mut self.lines[queue.index()].slots;
        slots.get_mut(&number).expect("the message is in its queue")
    }
}
