//! Settling: saying what becomes of a message, until the queue has confirmed it.

use super::hand::{Step, Task};
use super::policy::Confirm;
use super::{Ctx, Worker};
use crate::history::Event;
use crate::id::{GroupId, MessageId};
use crate::model::consumer::Settle;
use crate::model::message::{
    Acks, Identity, Message, Produce, QueueMessage, SettleOutcome, Settlement, Verdict,
};
use crate::model::site::Moment;
use crate::time::Span;

impl Task {
    /// Whether the worker has the message and wants to keep it.
    pub(super) fn holds(&self) -> bool {
        self.is_ours && !self.is_settled && !matches!(self.step, Step::Settling { .. })
    }
}

/// Nobody knows what came of a settlement.
pub(super) fn unsettled(group: GroupId, task: &Task, settlement: Settlement, ctx: &mut Ctx<'_>) {
    let message = task.delivery.entry.message;
    if is_final(task, settlement) {
        ctx.record(Event::AckInfo { group, message });
    }
}

/// Whether the message is not to come again. What was published anew is.
fn is_final(task: &Task, settlement: Settlement) -> bool {
    match settlement {
        Settlement::Ack => !task.moved_on,
        Settlement::Reject => true,
        Settlement::Requeue(_) | Settlement::Extend(_) => false,
    }
}

impl Worker {
    /// Says that a message is done.
    pub(super) fn ack(&mut self, slot: usize, ctx: &mut Ctx<'_>) {
        self.settle(slot, Settlement::Ack, ctx);
    }

    /// Gives a message back that cannot be read.
    pub(super) fn discard(&mut self, slot: usize, ctx: &mut Ctx<'_>) {
        self.settle(slot, Settlement::Requeue(Span::ZERO), ctx);
    }

    /// Says what becomes of a message, if that is the worker's to say.
    pub(super) fn settle(&mut self, slot: usize, settlement: Settlement, ctx: &mut Ctx<'_>) {
        let group = self.policy.group;
        let Some(task) = self.hand.get_mut(slot) else { return };
        if !task.is_ours || task.is_settled {
            if !task.is_ours {
                Moment::HandledAfterLapse.note(ctx);
            }
            return self.release(slot, ctx);
        }
        task.lane = None;
        let message = task.delivery.entry.message;
        if is_final(task, settlement) {
            ctx.record(Event::AckInvoke { group, message });
        } else if !task.moved_on {
            ctx.record(Event::Returned { group, message });
        }
        self.request_settlement(slot, settlement, ctx);
    }

    /// Sends a settlement, also again.
    pub(super) fn request_settlement(
        &mut self,
        slot: usize,
        settlement: Settlement,
        ctx: &mut Ctx<'_>,
    ) {
        let is_answered = self.policy.confirm == Confirm::Answered;
        let request = is_answered.then(|| self.next_request());
        let Some(task) = self.hand.get_mut(slot) else { return };
        let receipt = task.delivery.receipt;
        let message = QueueMessage::Settle { request, receipt, settlement };
        ctx.send(self.policy.broker, Message::Queue(message));
        match request {
            Some(request) => {
                task.step = Step::Settling { request, settlement };
                self.wait(slot, self.policy.timeout, ctx);
                self.begin_ready(ctx);
            }
            None => self.is_done(slot, settlement, ctx),
        }
    }

    /// The queue has answered.
    pub(super) fn settlement_answered(
        &mut self,
        slot: usize,
        outcome: SettleOutcome,
        ctx: &mut Ctx<'_>,
    ) {
        let group = self.policy.group;
        let Some(task) = self.hand.get(slot) else { return };
        let Step::Settling { settlement, .. } = task.step else { return };
        let message = task.delivery.entry.message;
        match outcome {
            SettleOutcome::Done => {
                if is_final(task, settlement) {
                    ctx.record(Event::AckOk { group, message });
                }
                self.is_done(slot, settlement, ctx);
            }
            SettleOutcome::Stale => {
                Moment::SettledLate.note(ctx);
                unsettled(group, task, settlement, ctx);
                self.release(slot, ctx);
            }
        }
    }

    /// A message is settled: it is handled now, or it was.
    fn is_done(&mut self, slot: usize, settlement: Settlement, ctx: &mut Ctx<'_>) {
        let is_before = self.policy.settle == Settle::Before && settlement == Settlement::Ack;
        match self.hand.get_mut(slot) {
            Some(task) if is_before => {
                (task.is_settled, task.step) = (true, Step::Waiting);
                ctx.cancel(self.timer_of(slot));
                self.begin_ready(ctx);
                self.ask_on(ctx);
            }
            _ => self.release(slot, ctx),
        }
    }

    /// Asks again what became of all settlements, over another connection.
    pub(super) fn settle_again(&mut self, ctx: &mut Ctx<'_>) {
        for slot in self.hand.in_order() {
            if let Some(&Step::Settling { settlement, .. }) =
                self.hand.get(slot).map(|task| &task.step)
            {
                Moment::SettledAgain.note(ctx);
                self.request_settlement(slot, settlement, ctx);
            }
        }
    }

    /// Publishes a message anew; the old one is settled once that is confirmed.
    pub(super) fn publish(&mut self, slot: usize, ctx: &mut Ctx<'_>) {
        let group = self.policy.group;
        let Some(task) = self.hand.get_mut(slot) else { return };
        if !task.is_ours || task.is_settled {
            return self.release(slot, ctx);
        }
        let entry = task.delivery.entry;
        if task.step != Step::Publishing {
            Moment::FailureRepublished.note(ctx);
            ctx.record(Event::Returned { group, message: entry.message });
        }
        (task.step, task.lane) = (Step::Publishing, None);
        // A later delivery that fails again leads to another message.
        let receipt = task.delivery.receipt;
        let name = MessageId::derive(receipt.name(entry.message), receipt.attempt.into());
        let produce = Produce { entry, identity: Identity::Message(name.word()) };
        let (partition, acks) = (self.policy.to_queue, Acks::All);
        ctx.send(self.policy.broker, Message::Produce { partition, acks, produce });
        self.wait(slot, self.policy.timeout, ctx);
        self.begin_ready(ctx);
    }

    /// The queue has answered a publication.
    pub(super) fn published(&mut self, message: MessageId, verdict: Verdict, ctx: &mut Ctx<'_>) {
        let is_it =
            |task: &Task| task.step == Step::Publishing && task.delivery.entry.message == message;
        let Some(slot) = self.hand.find(is_it) else { return };
        match verdict {
            // It goes again when the time for an answer is over.
            Verdict::Refused(_) => {}
            Verdict::Stored { .. } | Verdict::Duplicate | Verdict::Accepted => {
                if let Some(task) = self.hand.get_mut(slot) {
                    task.moved_on = true;
                }
                self.ack(slot, ctx);
            }
        }
    }
}
