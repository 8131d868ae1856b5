//! Handling entries one at a time: look up, work, commit; and what to do when that fails.

use super::policy::{Apply, Dedup, OnFailure, Settle};
use super::{Consumer, Ctx, Stage};
use crate::digest::Digest;
use crate::id::{MessageId, PartitionId, SinkId, TimerId};
use crate::model::database::{Database, Known};
use crate::model::database_server::Outcome;
use crate::model::external::CallOutcome;
use crate::model::message::Entry;
use crate::model::record::{Handled, Tables};
use crate::model::site::Moment;
use crate::model::store::Seen;
use crate::node::Work;
use crate::time::{Instant, Span};
use std::mem;

/// The site at which a handling may fail.
const FAILING: u8 = 0;

/// Entries that a lane was handed, and how far their handling has come.
#[derive(Clone, Debug)]
pub(super) struct Task {
    partition: PartitionId,
    base: u64,
    entries: Vec<Entry>,
    /// The place of the entry that is being handled.
    place: usize,
    /// How often its handling has failed.
    failures: u16,
    /// What a database on another machine said of it.
    pub(super) seen: Box<[Seen]>,
    pub(super) step: Step,
}

/// What the handling of an entry does next, or waits for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To be looked up.
    Begin,
    /// Another machine is to say what is known of it.
    Looking,
    /// It has said so.
    Found,
    /// The work is to take its time.
    Working,
    /// The effect is to be committed.
    Act,
    /// A commit of the consumer's own is to become durable.
    Writing { what: Written, mark: u64 },
    /// Another machine is to carry out a transaction.
    Transacting { what: Written },
    /// That has come of it.
    Transacted { what: Written, outcome: Outcome },
    /// An external system is to act.
    Calling,
    /// That has come of it.
    Called(CallOutcome),
    /// The time before it is tried again is to pass.
    Backing,
    /// The next entry may come.
    Done,
}

/// What a commit is about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// That the message is known, before it has an effect.
    Note,
    /// The effect.
    Effect,
    /// The last there is to say about the entry.
    End,
}

/// Why a handling failed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Failure {
    /// Something else failed.
    Passing,
    /// The message can never be handled.
    Poison,
}

impl Task {
    pub(super) fn new(partition: PartitionId, base: u64, entries: Vec<Entry>) -> Self {
        let (seen, step) = (Box::default(), Step::Begin);
        Self { partition, base, entries, place: 0, failures: 0, seen, step }
    }

    /// Whether it waits for a commit of the consumer's own, and that is durable.
    pub(super) fn awaits(&self, database: &Database) -> bool {
        matches!(self.step, Step::Writing { mark, .. } if database.is_durable(mark))
    }

    /// The entry that is being handled, as a commit without a table.
    fn handled(&self) -> Option<Handled> {
        let &Entry { message, key, body, .. } = self.entries.get(self.place)?;
        Some(Handled {
            message,
            key,
            payload: body.fingerprint(),
            partition: self.partition,
            offset: self.base + self.place as u64,
            written: Instant::START,
            sink: SinkId(0),
            tables: Tables::default(),
        })
    }

    /// Takes the whole state into the digest. A task that is looked at waits.
    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        let (tag, mark) = match self.step {
            Step::Looking => (0, 0),
            Step::Working => (1, 0),
            Step::Backing => (2, 0),
            Step::Calling => (3, 0),
            Step::Transacting { what } => (4 + what as u64, 0),
            Step::Writing { what, mark } => (8 + what as u64, mark),
            Step::Begin
            | Step::Found
            | Step::Act
            | Step::Transacted { .. }
            | Step::Called(_)
            | Step::Done => (12, 0),
        };
        let small = u64::from(self.partition.0) << 16 | u64::from(self.failures);
        digest.word(small << 8 | tag).word(mark).word(self.base).word(self.place as u64);
        digest.word((self.entries.len() as u64) << 8 | self.seen.len() as u64);
        self.entries.iter().for_each(|entry| entry.fingerprint(digest));
        self.seen.iter().for_each(|seen| seen.fingerprint(digest));
    }
}

impl Consumer {
    /// Goes on with a task until it has to wait or is done.
    pub(super) fn proceed(&mut self, lane: usize, mut task: Box<Task>, ctx: &mut Ctx<'_>) {
        while let Some(handled) = task.handled() {
            task.step = match task.step {
                Step::Begin => self.begin(lane, &handled, ctx),
                Step::Found => self.found(lane, &task.seen, &handled, ctx),
                Step::Act => self.act(lane, &mut task, &handled, ctx),
                Step::Writing { what, mark } if self.database.is_durable(mark) => {
                    self.written(lane, &mut task, what, &handled, ctx)
                }
                Step::Transacted { what, outcome } => {
                    self.transacted(lane, &mut task, (what, outcome), &handled, ctx)
                }
                Step::Called(CallOutcome::Done) => {
                    self.written(lane, &mut task, Written::Effect, &handled, ctx)
                }
                Step::Called(CallOutcome::Unknown) => {
                    self.failed(lane, &mut task, Failure::Passing, &handled, ctx)
                }
                Step::Called(CallOutcome::KeyReused) => {
                    self.failed(lane, &mut task, Failure::Poison, &handled, ctx)
                }
                Step::Done => {
                    task.place += 1;
                    task.failures = 0;
                    task.seen = Box::default();
                    Step::Begin
                }
                Step::Looking
                | Step::Working
                | Step::Writing { .. }
                | Step::Transacting { .. }
                | Step::Calling
                | Step::Backing => {
                    self.lanes[lane] = Stage::Handling(task);
                    return;
                }
            };
        }
        let next = task.base + task.entries.len() as u64;
        self.applied(lane, next, ctx);
    }

    /// What a task of a lane waited for has happened.
    pub(super) fn resume(&mut self, lane: usize, ctx: &mut Ctx<'_>) {
        if let Stage::Handling(task) = mem::replace(&mut self.lanes[lane], Stage::Reading) {
            self.proceed(lane, task, ctx);
        }
    }

    /// Handles a timer that is not the client's. Returns whether it was one of a handling.
    pub(super) fn wake_handling(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) -> bool {
        let Some(lane) = timer.0.checked_sub(self.client.timers()).map(usize::from) else {
            return false;
        };
        let Some(stage) = self.lanes.get_mut(lane) else { return false };
        if let Stage::Handling(task) = stage {
            task.step = match task.step {
                Step::Working => Step::Act,
                Step::Backing => Step::Begin,
                step => step,
            };
            self.resume(lane, ctx);
        }
        true
    }

    /// What the handling in a lane waited for has come.
    pub(super) fn come(&mut self, lane: usize, next: impl FnOnce(&mut Task), ctx: &mut Ctx<'_>) {
        if let Stage::Handling(task) = &mut self.lanes[lane] {
            next(task);
            self.resume(lane, ctx);
        }
    }

    fn begin(&mut self, lane: usize, handled: &Handled, ctx: &mut Ctx<'_>) -> Step {
        if let Some(step) = self.look(lane, handled, ctx) {
            return step;
        }
        let message = handled.message;
        if self.database.had_applied(message) {
            Moment::Redelivered.note(ctx);
        }
        let is_known = self.database.is_dead_letter(message) || self.is_known(message, ctx);
        self.looked_up(lane, is_known, &[], handled, ctx)
    }

    /// It is known by now whether the message is.
    pub(super) fn looked_up(
        &mut self,
        lane: usize,
        is_known: bool,
        seen: &[Seen],
        handled: &Handled,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        if is_known {
            return self.pass(lane, seen, handled, ctx);
        }
        match self.policy.dedup {
            Dedup::InboxBeforeEffect => {
                return self.write(lane, (Written::Note, Tables::INBOX), seen, handled, ctx);
            }
            Dedup::MemoryBeforeEffect => _ = self.seen.insert(handled.message),
            _ => {}
        }
        self.work(lane, ctx)
    }

    /// Whether `message` is known to have been applied, by the policy's way to tell.
    fn is_known(&mut self, message: MessageId, ctx: &mut Ctx<'_>) -> bool {
        let dedup = self.policy.dedup;
        if dedup.asks_memory() && self.seen.has(message) {
            Moment::MemoryHit.note(ctx);
            return true;
        }
        if !dedup.asks_inbox() {
            return false;
        }
        let known = self.database.ask_inbox(message, ctx);
        match known {
            Known::New => {}
            Known::Expired => Moment::RowExpired.note(ctx),
            Known::Present => Moment::InboxHit.note(ctx),
        }
        known == Known::Present
    }

    fn work(&mut self, lane: usize, ctx: &mut Ctx<'_>) -> Step {
        let work = self.policy.handling.work;
        if work == Span::ZERO {
            return Step::Act;
        }
        self.wait(lane, work, ctx);
        Step::Working
    }

    fn act(&mut self, lane: usize, task: &mut Task, handled: &Handled, ctx: &mut Ctx<'_>) -> Step {
        if let Some(failure) = self.fails(handled.message, ctx) {
            return self.failed(lane, task, failure, handled, ctx);
        }
        let (dedup, apply) = (self.policy.dedup, self.policy.apply);
        // What was looked up may have changed since: a unique key judges when the commit is made.
        // That of another machine's database is judged there.
        let is_own = matches!(apply, Apply::Insert | Apply::Upsert);
        let judges_again = dedup == Dedup::Memory || dedup == Dedup::Inbox && is_own;
        if judges_again && self.is_known(handled.message, ctx) {
            return self.pass(lane, &task.seen, handled, ctx);
        }
        if dedup == Dedup::Memory {
            self.seen.insert(handled.message);
        }
        if apply == Apply::External {
            return self.call(lane, handled, ctx);
        }
        let tables = Tables::EFFECTS
            .and_if(dedup.joins_effect(), Tables::INBOX)
            .and_if(apply == Apply::Upsert, Tables::PROJECTION)
            .and_if(self.moves_position(Written::Effect), Tables::POSITIONS);
        self.write(lane, (Written::Effect, tables), &task.seen, handled, ctx)
    }

    fn fails(&self, message: MessageId, ctx: &mut Ctx<'_>) -> Option<Failure> {
        let handling = self.policy.handling;
        let number = message.planned().map_or(0, |(_, number)| number);
        if handling.poison.is_some_and(|every| number % every == every - 1) {
            return Some(Failure::Poison);
        }
        let fails = !handling.failing.is_never() && ctx.chance(FAILING, handling.failing);
        fails.then_some(Failure::Passing)
    }

    fn failed(
        &mut self,
        lane: usize,
        task: &mut Task,
        failure: Failure,
        handled: &Handled,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        Moment::HandlingFailed.note(ctx);
        task.failures = task.failures.saturating_add(1);
        let handling = self.policy.handling;
        match handling.on_failure {
            OnFailure::Skip if task.failures > handling.retries => {
                Moment::FailureSkipped.note(ctx);
                self.pass(lane, &task.seen, handled, ctx)
            }
            OnFailure::Park if task.failures > handling.retries => {
                Moment::FailureParked.note(ctx);
                let letters = match failure {
                    Failure::Passing => Tables::FAILED,
                    Failure::Poison => Tables::POISONED,
                };
                let tables = letters.and_if(self.moves_position(Written::End), Tables::POSITIONS);
                self.write(lane, (Written::End, tables), &task.seen, handled, ctx)
            }
            OnFailure::Retry | OnFailure::Skip | OnFailure::Park => {
                self.wait(lane, handling.backoff, ctx);
                Step::Backing
            }
        }
    }

    /// A commit is durable.
    pub(super) fn written(
        &mut self,
        lane: usize,
        task: &mut Task,
        what: Written,
        handled: &Handled,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        // What was seen before is no longer so.
        task.seen = Box::default();
        match what {
            Written::Note => self.work(lane, ctx),
            Written::Effect if self.policy.dedup == Dedup::InboxAfterEffect => {
                let moves = self.moves_position(Written::End);
                let tables = Tables::INBOX.and_if(moves, Tables::POSITIONS);
                self.write(lane, (Written::End, tables), &[], handled, ctx)
            }
            Written::Effect | Written::End => Step::Done,
        }
    }

    /// Goes past an entry that needs no effect.
    pub(super) fn pass(
        &mut self,
        lane: usize,
        seen: &[Seen],
        handled: &Handled,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        if self.moves_position(Written::End) {
            return self.write(lane, (Written::End, Tables::POSITIONS), seen, handled, ctx);
        }
        // The commit that made it known may be another lane's, and not be durable yet.
        Step::Writing { what: Written::End, mark: self.database.flush(ctx) }
    }

    /// Commits `handled` in `tables`.
    fn write(
        &mut self,
        lane: usize,
        (what, tables): (Written, Tables),
        seen: &[Seen],
        handled: &Handled,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        let is_dead = tables.has(Tables::dead_letters());
        let sink = if is_dead { self.policy.handling.dead_letters } else { self.policy.sink };
        let handled = Handled { sink, tables, ..*handled };
        if self.policy.apply == Apply::Database {
            self.transact(lane, seen, &handled, ctx);
            return Step::Transacting { what };
        }
        if tables.has(Tables::POSITIONS) {
            self.moves(handled.partition, handled.offset + 1, ctx);
        }
        self.database.commit(handled, ctx);
        Step::Writing { what, mark: self.database.flush(ctx) }
    }

    fn wait(&self, lane: usize, span: Span, ctx: &mut Ctx<'_>) {
        ctx.set_timer(TimerId(self.client.timers() + lane as u8), span, Work::Progress);
    }

    /// Whether the position is moved by such a commit: the last one about an entry.
    pub(super) fn moves_position(&self, what: Written) -> bool {
        let is_last = match what {
            Written::Note => false,
            Written::Effect => self.policy.dedup != Dedup::InboxAfterEffect,
            Written::End => true,
        };
        is_last && self.keeps_positions()
    }

    pub(super) fn keeps_positions(&self) -> bool {
        self.policy.settle == Settle::Atomic
    }
}

#[cfg(test)]
mod tests;
