//! A participant: the machine that takes one of the steps of every order, and undoes it.

use super::letter::{Act, Letter, TAKEN_UP};
use super::mail::{Mail, MailPolicy};
use super::{Compensation, Ctx, SagaPolicy, SagaStyle, StepsAre, Tombstone, effect, topics_of};
use crate::digest::Digest;
use crate::id::{NodeId, SinkId, Ticket, TimerId};
use crate::journal::Journals;
use crate::model::message::{Entry, Message};
use crate::model::record::Record;
use crate::model::site::Moment;
use crate::model::store::{Row, TableId, Transaction, Write};
use crate::node::{Context, DiskError, Node, Seat, Work};

/// A row an order, whose version says what became of the step.
const STEPS: TableId = TableId(2);
/// The choice of whether a step is refused. 0 is the producer client's.
pub(super) const REFUSING: u8 = 1;
/// The choice of whether a handling fails.
pub(super) const FAILING: u8 = 2;

/// What became of the step of an order. Seata's `tcc_fence_log` tells the same of a branch: tried,
/// committed, rolled back, suspended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Status {
    /// It was taken, or reserved.
    Taken = 1,
    /// What was reserved is confirmed.
    Confirmed,
    /// It is undone.
    Undone,
    /// It was undone before it was ever taken, and will not be.
    Suspended,
    /// It was refused.
    Refused,
}

/// What handling a letter comes to.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Outcome {
    status: Option<Status>,
    sink: Option<SinkId>,
    answer: Option<Act>,
}

const NOTHING: Outcome = Outcome { status: None, sink: None, answer: None };

/// A participant.
#[derive(Clone, Debug)]
pub struct Participant {
    policy: SagaPolicy,
    step: u8,
    mail: Mail,
}

impl Participant {
    /// The participant that takes `step`, as a boot finds its disk.
    pub fn boot(policy: SagaPolicy, step: u8, seat: &Seat<'_>, disk: Journals<'_, Record>) -> Self {
        let SagaPolicy { steps, producer, fetch, answer: answers, .. } = policy;
        let mail = MailPolicy { steps, answers, producer, fetch, reads: &topics_of(step) };
        Self { policy, step, mail: Mail::open(&mail, seat, disk) }
    }

    /// Fires when a failed handling in a lane is to be repeated.
    pub(super) fn again(&self, lane: usize) -> TimerId {
        TimerId(self.mail.timers() + lane as u8)
    }

    /// Handles what has come in a lane, up to the first handling that fails.
    fn handle(&mut self, lane: usize, ctx: &mut Ctx<'_>) {
        while let Some(entry) = self.mail.front(lane) {
            let own = self.step..=self.step;
            let Some(letter) = Letter::read(&entry, own, TAKEN_UP[lane]) else {
                self.mail.settle(lane, Transaction::default(), &[], ctx);
                continue;
            };
            let failing = self.policy.failing;
            if !failing.is_never() && ctx.chance(FAILING, failing) {
                Moment::HandlingFailed.note(ctx);
                if letter.act != Act::Undo || self.policy.compensation == Compensation::Retried {
                    return ctx.set_timer(self.again(lane), self.policy.backoff, Work::Progress);
                }
                Moment::FailureSkipped.note(ctx);
                let answer = self.route(letter, Act::Undone);
                self.mail.settle(lane, Transaction::default(), &[answer], ctx);
                continue;
            }
            self.take_up(lane, letter, &entry, ctx);
        }
    }

    /// Does what a letter says.
    fn take_up(&mut self, lane: usize, letter: Letter, entry: &Entry, ctx: &mut Ctx<'_>) {
        let seen = self.mail.store.look(STEPS, letter.order.word());
        let status = seen.row.and_then(|row| Status::from_word(row.version));
        let outcome = match letter.act {
            Act::Do => self.take(status, ctx),
            Act::Undo => self.undo(status, ctx),
            Act::Confirm => self.confirm(status, ctx),
            Act::Done | Act::Refused | Act::Undone | Act::Confirmed => NOTHING,
        };
        let mut change = Transaction::default().read(&seen);
        if let Some(status) = outcome.status {
            let row = Row { message: entry.message, version: status as u64, payload: 0 };
            let (table, key) = (STEPS, letter.order.word());
            change.writes.push(match seen.row {
                None => Write::Insert { table, key, row },
                Some(_) => Write::Upsert { table, key, row },
            });
        }
        change.effects.extend(outcome.sink.map(|sink| effect(letter.order, sink, ctx)));
        let answer = outcome.answer.map(|answer| self.route(letter, answer));
        self.mail.settle(lane, change, answer.as_slice(), ctx);
    }

    fn take(&self, status: Option<Status>, ctx: &mut Ctx<'_>) -> Outcome {
        let repeats = self.policy.steps_are == StepsAre::Repeated;
        match status {
            None => {}
            Some(Status::Suspended) => {
                Moment::LateStepRefused.note(ctx);
                return NOTHING;
            }
            Some(Status::Taken | Status::Confirmed | Status::Undone) if repeats => {}
            Some(_) => {
                Moment::StepKnown.note(ctx);
                return NOTHING;
            }
        }
        let refusing = self.policy.refusing;
        if !refusing.is_never() && ctx.chance(REFUSING, refusing) {
            Moment::StepRefused.note(ctx);
            return Outcome { sink: None, ..outcome(Status::Refused, Act::Refused) };
        }
        let sink = Some(self.policy.sinks().does(self.step));
        Outcome { sink, ..outcome(Status::Taken, Act::Done) }
    }

    fn undo(&self, status: Option<Status>, ctx: &mut Ctx<'_>) -> Outcome {
        let repeats = self.policy.steps_are == StepsAre::Repeated;
        match status {
            None if self.policy.tombstone == Tombstone::None => {
                Outcome { status: None, ..outcome(Status::Suspended, Act::Undone) }
            }
            None => {
                Moment::UndoneUntaken.note(ctx);
                outcome(Status::Suspended, Act::Undone)
            }
            // Who was told of the refusal undoes what came before it already.
            Some(Status::Refused) if !self.is_orchestrated() => NOTHING,
            Some(Status::Refused) => outcome(Status::Suspended, Act::Undone),
            Some(Status::Undone) if !repeats => {
                Moment::StepKnown.note(ctx);
                NOTHING
            }
            Some(Status::Taken | Status::Undone) => {
                Moment::StepUndone.note(ctx);
                let sink = Some(self.policy.sinks().undoes(self.step));
                Outcome { sink, ..outcome(Status::Undone, Act::Undone) }
            }
            // Whoever decides to confirm does not decide to cancel.
            Some(Status::Suspended | Status::Confirmed) => NOTHING,
        }
    }

    fn confirm(&self, status: Option<Status>, ctx: &mut Ctx<'_>) -> Outcome {
        let repeats = self.policy.steps_are == StepsAre::Repeated;
        match status {
            Some(Status::Confirmed) if !repeats => {
                Moment::StepKnown.note(ctx);
                NOTHING
            }
            Some(Status::Taken | Status::Confirmed) => {
                let sink = Some(self.policy.sinks().confirms(self.step));
                Outcome { sink, ..outcome(Status::Confirmed, Act::Confirmed) }
            }
            None | Some(Status::Undone | Status::Suspended | Status::Refused) => NOTHING,
        }
    }

    const fn is_orchestrated(&self) -> bool {
        matches!(self.policy.style, SagaStyle::Orchestrated | SagaStyle::Tcc)
    }

    /// Who is told: the service, or the next participant on the way that the order takes.
    fn route(&self, Letter { order, step, .. }: Letter, answer: Act) -> Letter {
        let reply = Letter { order, step, act: answer };
        if self.is_orchestrated() {
            return reply;
        }
        match answer {
            Act::Done if step + 1 < self.policy.steps => {
                Letter { order, step: step + 1, act: Act::Do }
            }
            Act::Refused | Act::Undone if step > 0 => {
                Letter { order, step: step - 1, act: Act::Undo }
            }
            _ => reply,
        }
    }
}

const fn outcome(status: Status, answer: Act) -> Outcome {
    Outcome { status: Some(status), sink: None, answer: Some(answer) }
}

impl Status {
    const fn from_word(word: u64) -> Option<Self> {
        Some(match word {
            1 => Self::Taken,
            2 => Self::Confirmed,
            3 => Self::Undone,
            4 => Self::Suspended,
            5 => Self::Refused,
            _ => return None,
        })
    }
}

impl Node for Participant {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Context<'_, Message, Record>) {
        _ = self.mail.start(ctx);
    }

    fn deliver(&mut self, _from: NodeId, message: Message, ctx: &mut Context<'_, Message, Record>) {
        if let Some(lane) = self.mail.deliver(message, ctx) {
            self.handle(lane, ctx);
        }
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Context<'_, Message, Record>) {
        match TAKEN_UP.iter().enumerate().find(|(lane, _)| self.again(*lane) == timer) {
            Some((lane, _)) => self.handle(lane, ctx),
            None => _ = self.mail.wake(timer, ctx),
        }
    }

    fn synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Context<'_, Message, Record>,
    ) {
        self.mail.synced(ticket, result, ctx);
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Context<'_, Message, Record>) {
        self.mail.disconnected(peer, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.mail.fingerprint(digest);
    }
}
