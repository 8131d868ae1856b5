//! Handling a message: look up, work, commit; and what to do when that fails.

use super::hand::{Step, Task, Written};
use super::policy::{Setback, Successors};
use super::resource::{Row, Rows};
use super::{Ctx, Worker};
use crate::history::Event;
use crate::id::MessageId;
use crate::model::consumer::{Dedup, Settle};
use crate::model::message::Settlement;
use crate::model::site::Moment;
use crate::model::store::Seen;
use crate::time::Span;

/// The site at which a handling may fail.
const FAILING: u8 = 0;

impl Worker {
    /// Begins to handle what may be, as long as a hand is free.
    pub(super) fn begin_ready(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(slot) = self.next_ready() {
            let lane = self.hand.free_lane(self.policy.hands);
            if let Some(task) = self.hand.get_mut(slot) {
                task.lane = lane;
                self.look(slot, ctx);
            }
        }
    }

    fn next_ready(&self) -> Option<usize> {
        self.hand.free_lane(self.policy.hands)?;
        let holds_back = self.policy.successors == Successors::Held;
        let is_before = self.policy.settle == Settle::Before;
        self.hand.in_order().into_iter().find(|&slot| {
            let is_ready =
                |task: &Task| task.step == Step::Waiting && (task.is_settled || !is_before);
            self.hand.get(slot).is_some_and(is_ready)
                && !(holds_back && self.hand.has_predecessor(slot))
        })
    }

    /// It is known by now what the database says of a message.
    pub(super) fn looked(&mut self, slot: usize, seen: Box<[Seen]>, ctx: &mut Ctx<'_>) {
        let Some(task) = self.hand.get_mut(slot) else { return };
        task.seen = seen;
        let message = task.delivery.entry.message;
        let rows = Rows::of(&task.seen, message, self.policy.group);
        if rows.is_known {
            Moment::InboxHit.note(ctx);
            return self.known(slot, ctx);
        }
        if rows.token.is_some_and(|token| token > task.token()) {
            Moment::ActRefused.note(ctx);
            return self.settle(slot, Settlement::Requeue(Span::ZERO), ctx);
        }
        match rows.key {
            Some(Row { message: failed, is_dead: true }) => {
                if failed != message {
                    Moment::SuccessorRejected.note(ctx);
                }
                return self.settle(slot, Settlement::Reject, ctx);
            }
            Some(Row { message: failed, is_dead: false }) if failed != message => {
                Moment::SuccessorHeld.note(ctx);
                // At once: of two that wait for different times the later one may come first.
                return self.settle(slot, Settlement::Requeue(Span::ZERO), ctx);
            }
            _ => {}
        }
        if self.policy.dedup == Dedup::Memory && self.seen.contains(&message) {
            Moment::MemoryHit.note(ctx);
            return self.ack(slot, ctx);
        }
        self.work(slot, ctx);
    }

    fn work(&mut self, slot: usize, ctx: &mut Ctx<'_>) {
        let Some(task) = self.hand.get_mut(slot) else { return };
        if task.worked || self.policy.work == Span::ZERO {
            return self.worked(slot, ctx);
        }
        task.step = Step::Working;
        self.wait(slot, self.policy.work, ctx);
    }

    /// The work before a commit is done.
    pub(super) fn worked(&mut self, slot: usize, ctx: &mut Ctx<'_>) {
        let Some(task) = self.hand.get_mut(slot) else { return };
        let is_retried = std::mem::replace(&mut task.worked, true);
        let message = task.delivery.entry.message;
        let what = self.next_commit(slot);
        if what != Written::Act && !is_retried && self.fails(message, ctx) {
            return self.failed(slot, ctx);
        }
        if what == Written::Effect && self.policy.dedup == Dedup::Memory {
            self.seen.insert(message);
        }
        self.act(slot, what, ctx);
    }

    /// What the next commit of a handling is.
    fn next_commit(&self, slot: usize) -> Written {
        let Some(task) = self.hand.get(slot) else { return Written::Effect };
        let times = self.policy.acts.map_or(1, |acts| acts.times);
        if task.acts + 1 < times {
            Written::Act
        } else if task.delivery.receipt.attempt < self.policy.passes {
            Written::Pass
        } else {
            Written::Effect
        }
    }

    fn fails(&self, message: MessageId, ctx: &mut Ctx<'_>) -> bool {
        let number = message.planned().map_or(0, |(_, number)| number);
        if self.policy.poison.is_some_and(|every| number % every == every - 1) {
            return true;
        }
        let failing = self.policy.failing;
        !failing.is_never() && ctx.chance(FAILING, failing)
    }

    /// A handling has failed.
    pub(super) fn failed(&mut self, slot: usize, ctx: &mut Ctx<'_>) {
        Moment::HandlingFailed.note(ctx);
        let setback = self.policy.setback;
        let Some(task) = self.hand.get_mut(slot) else { return };
        task.worked = false;
        task.acts = 0;
        let failures = match setback {
            Setback::Retry | Setback::Reject => &mut task.failures,
            Setback::Requeue | Setback::Republish => {
                self.failures.entry(task.delivery.entry.message).or_default()
            }
        };
        *failures = failures.saturating_add(1);
        let is_over = *failures > self.policy.retries;
        match setback {
            Setback::Reject | Setback::Requeue | Setback::Republish if is_over => {
                Moment::FailureRejected.note(ctx);
                self.remember(slot, Written::Dead, ctx);
            }
            Setback::Retry | Setback::Reject => {
                (task.step, task.lane) = (Step::Backing, None);
                self.wait(slot, self.policy.backoff, ctx);
                self.begin_ready(ctx);
            }
            Setback::Requeue | Setback::Republish => {
                Moment::FailureGivenBack.note(ctx);
                self.remember(slot, Written::Held, ctx);
            }
        }
    }

    /// The time before a message is tried again has passed.
    pub(super) fn backed(&mut self, slot: usize, ctx: &mut Ctx<'_>) {
        if let Some(task) = self.hand.get_mut(slot) {
            task.step = Step::Waiting;
            self.begin_ready(ctx);
        }
    }

    /// A message is known.
    pub(super) fn known(&mut self, slot: usize, ctx: &mut Ctx<'_>) {
        if self.resource.is_own() {
            // The commit that made it known may not be durable yet.
            return self.written_at(slot, Written::Known, ctx);
        }
        self.ack(slot, ctx);
    }

    /// A commit is durable.
    pub(super) fn written(&mut self, slot: usize, what: Written, ctx: &mut Ctx<'_>) {
        let Some(task) = self.hand.get_mut(slot) else { return };
        // What was seen before is no longer so.
        task.seen = Box::default();
        match what {
            Written::Act => {
                task.acts += 1;
                task.worked = false;
                self.look(slot, ctx);
            }
            Written::Effect | Written::Known => {
                self.failures.remove(&task.delivery.entry.message);
                self.ack(slot, ctx);
            }
            Written::Pass => {
                Moment::LockPassed.note(ctx);
                self.settle(slot, Settlement::Requeue(Span::ZERO), ctx);
            }
            Written::Held => self.give_back(slot, ctx),
            Written::Dead => {
                self.failures.remove(&task.delivery.entry.message);
                self.settle(slot, Settlement::Reject, ctx);
            }
        }
    }

    /// A message is to come again later.
    fn give_back(&mut self, slot: usize, ctx: &mut Ctx<'_>) {
        if self.policy.setback == Setback::Republish {
            self.publish(slot, ctx);
        } else {
            self.settle(slot, Settlement::Requeue(self.policy.backoff), ctx);
        }
    }

    /// Nobody knows what came of a transaction, or it had seen what is no longer so: to think anew
    /// is to look again.
    pub(super) fn look_again(&mut self, slot: usize, ctx: &mut Ctx<'_>) {
        if let Some(task) = self.hand.get_mut(slot) {
            task.seen = Box::default();
            self.look(slot, ctx);
        }
    }

    /// Says in the history that the worker is about to act.
    pub(super) fn announce(&self, task: &Task, ctx: &mut Ctx<'_>) -> Option<MessageId> {
        let sink = self.policy.acts?.sink;
        let receipt = task.delivery.receipt;
        let act = u32::from(receipt.attempt) << 16 | u32::from(task.acts);
        let message = MessageId::derive(receipt.name(task.delivery.entry.message), act);
        ctx.record(Event::Acting { message, sink, token: task.token() });
        Some(message)
    }
}
