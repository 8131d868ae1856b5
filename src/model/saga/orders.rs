//! The service that accepts orders and sees to it that each comes to an end.

use super::course::{Course, Phase, Rules};
use super::letter::{ANSWERS, Letter};
use super::mail::{Mail, MailPolicy};
use super::{Answers, Ctx, Decisions, SagaPolicy, effect, payload_of, replies};
use crate::digest::Digest;
use crate::history::Event;
use crate::id::{MessageId, NodeId, Ticket, TimerId};
use crate::journal::Journals;
use crate::model::message::{Entry, Message};
use crate::model::record::Record;
use crate::model::site::Moment;
use crate::model::store::{Row, TableId, Transaction, Write};
use crate::node::{Context, DiskError, Node, Planned, Seat, Work};
use crate::time::Instant;
use std::collections::BTreeMap;

/// A row an order: where it stands.
const ORDERS: TableId = TableId(2);

/// A service with a plan of orders.
#[derive(Clone, Debug)]
pub struct Orders {
    policy: SagaPolicy,
    mail: Mail,
    /// What is yet to begin, the last one first.
    planned: Vec<Planned>,
    /// What has begun and is on its way to the disk.
    begun: Vec<(u64, MessageId)>,
    /// The orders that are not over, by the words of their names.
    open: BTreeMap<u64, Open>,
}

/// An order that is not over.
#[derive(Copy, Clone, Debug)]
struct Open {
    course: Course,
    /// Since when this process has been waiting for what it waits for.
    since: Instant,
}

impl Orders {
    /// The service as a boot finds its disk; it carries out the plan of `seat`.
    pub fn boot(policy: SagaPolicy, seat: &Seat<'_>, disk: Journals<'_, Record>) -> Self {
        let answers = match policy.decision {
            Decisions::Durable => Answers::Outbox,
            Decisions::InMemory => Answers::AfterCommit,
        };
        let SagaPolicy { steps, producer, fetch, .. } = policy;
        let mail = MailPolicy { steps, answers, producer, fetch, reads: &[replies(steps)] };
        let mail = Mail::open(&mail, seat, disk);
        let planned = seat.plan.iter().rev().copied().collect();
        Self { policy, mail, planned, begun: Vec::new(), open: BTreeMap::new() }
    }

    const fn rules(&self) -> Rules {
        Rules { style: self.policy.style, steps: self.policy.steps }
    }

    /// Fires when the next order is due.
    pub(super) fn pace(&self) -> TimerId {
        TimerId(self.mail.timers())
    }

    /// Fires when an order is overdue.
    pub(super) fn patience(&self) -> TimerId {
        TimerId(self.mail.timers() + 1)
    }

    /// Takes up the orders of an earlier process that are not over.
    fn resume(&mut self, ctx: &mut Ctx<'_>) {
        let since = ctx.now();
        for (order, row) in self.mail.store.rows(ORDERS) {
            let course = Course::from_word(row.version);
            if !course.is_over() {
                Moment::SagaResumed.note(ctx);
                self.open.insert(order, Open { course, since });
            }
        }
    }

    /// Begins every order that is due.
    fn begin_due(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(&Planned { message, key, at, .. }) = self.planned.last() {
            let (now, due) = (ctx.now(), Instant::START + at);
            if due > now {
                ctx.set_timer(self.pace(), due.since(now), Work::Progress);
                break;
            }
            self.planned.pop();
            let payload = payload_of(message, ctx);
            ctx.record(Event::invoke(message, key, payload));
            let (course, orders) = self.rules().begin();
            let (change, letters) = self.decide(message, course, &orders, ctx);
            let change = change.effect(effect(message, self.policy.sinks().accepted(), ctx));
            let mark = self.mail.commit(change, &letters, ctx);
            self.begun.push((mark, message));
        }
        self.accept(ctx);
    }

    /// Acknowledges the orders that are durable: from then on the service stands in for them.
    fn accept(&mut self, ctx: &mut Ctx<'_>) {
        let durable = self.begun.partition_point(|&(mark, _)| self.mail.store.is_durable(mark));
        for (_, order) in self.begun.drain(..durable) {
            ctx.record(Event::acknowledged(order));
        }
        self.mail.go_on(ctx);
    }

    /// Has an order take a course from now on: what that writes, and what is sent.
    fn decide(
        &mut self,
        order: MessageId,
        course: Course,
        orders: &[(u8, super::letter::Act)],
        ctx: &mut Ctx<'_>,
    ) -> (Transaction, Vec<Letter>) {
        let mut change = Transaction::default();
        if self.policy.decision == Decisions::Durable {
            let row = Row { message: order, version: course.word(), payload: 0 };
            change.writes.push(Write::Upsert { table: ORDERS, key: order.word(), row });
        }
        let sinks = self.policy.sinks();
        if course.is_over() {
            self.open.remove(&order.word());
            change.effects.push(effect(order, sinks.closed(), ctx));
            if course.phase == Phase::Cancelled {
                change.effects.push(effect(order, sinks.cancelled(), ctx));
            }
        } else {
            let since = ctx.now();
            self.open.insert(order.word(), Open { course, since });
        }
        let letters = orders.iter().map(|&(step, act)| Letter { order, step, act }).collect();
        self.watch(ctx);
        (change, letters)
    }

    /// Handles every answer that has come.
    fn handle(&mut self, lane: usize, ctx: &mut Ctx<'_>) {
        while let Some(entry) = self.mail.front(lane) {
            let (change, letters) = self.answered(&entry, ctx).unwrap_or_default();
            self.mail.settle(lane, change, &letters, ctx);
        }
    }

    fn answered(&mut self, entry: &Entry, ctx: &mut Ctx<'_>) -> Option<(Transaction, Vec<Letter>)> {
        // Every service reads all answers.
        let Open { course, .. } = *self.open.get(&entry.key)?;
        let Letter { order, step, act } = Letter::read(entry, 0..self.policy.steps, ANSWERS)?;
        let Some((course, orders)) = self.rules().answered(course, step, act) else {
            Moment::AnswerUnawaited.note(ctx);
            return None;
        };
        Some(self.decide(order, course, &orders, ctx))
    }

    /// Sets the timer for the next order that will be overdue.
    fn watch(&self, ctx: &mut Ctx<'_>) {
        let Some(timeout) = self.policy.timeout else { return };
        let doing = self.open.values().filter(|open| open.course.phase == Phase::Doing);
        match doing.map(|open| open.since + timeout).min() {
            Some(due) => {
                let now = ctx.now();
                ctx.set_timer(self.patience(), due.since(now.min(due)), Work::Progress);
            }
            None => ctx.cancel(self.patience()),
        }
    }

    /// Calls off what is overdue.
    fn call_off(&mut self, ctx: &mut Ctx<'_>) {
        let Some(timeout) = self.policy.timeout else { return };
        let now = ctx.now();
        let overdue = self.open.iter().filter(|(_, open)| open.since + timeout <= now);
        let overdue: Vec<(u64, Course)> =
            overdue.map(|(&order, open)| (order, open.course)).collect();
        for (order, course) in overdue {
            let Some((course, orders)) = self.rules().overdue(course) else { continue };
            Moment::StepOverdue.note(ctx);
            let order = MessageId::from_word(order);
            let (change, letters) = self.decide(order, course, &orders, ctx);
            self.mail.commit(change, &letters, ctx);
        }
        self.watch(ctx);
        self.mail.go_on(ctx);
    }
}

impl Node for Orders {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Context<'_, Message, Record>) {
        if self.mail.start(ctx) {
            self.resume(ctx);
            self.watch(ctx);
            self.begin_due(ctx);
        }
    }

    fn deliver(&mut self, _from: NodeId, message: Message, ctx: &mut Context<'_, Message, Record>) {
        if let Some(lane) = self.mail.deliver(message, ctx) {
            self.handle(lane, ctx);
        }
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Context<'_, Message, Record>) {
        if timer == self.pace() {
            self.begin_due(ctx);
        } else if timer == self.patience() {
            self.call_off(ctx);
        } else {
            self.mail.wake(timer, ctx);
        }
    }

    fn synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Context<'_, Message, Record>,
    ) {
        self.mail.synced(ticket, result, ctx);
        self.accept(ctx);
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Context<'_, Message, Record>) {
        self.mail.disconnected(peer, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.mail.fingerprint(digest);
        digest.word((self.planned.len() as u64) << 32 | self.begun.len() as u64);
        for (mark, order) in &self.begun {
            digest.word(*mark).word(order.word());
        }
        digest.word(self.open.len() as u64);
        for (order, Open { course, since }) in &self.open {
            digest.word(*order).word(course.word()).word(since.nanos());
        }
    }
}
