//! Handling entries one at a time: look up, work, commit; and what to do when that fails.

use super::policy::{Apply, Dedup, OnFailure, Settle};
use super::{Consumer, Ctx, Stage};
use crate::digest::Digest;
use crate::id::{MessageId, PartitionId, SinkId, TimerId};
use crate::model::database::{Database, Known};
use crate::model::message::Entry;
use crate::model::record::{Handled, Tables};
use crate::model::site::Moment;
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
    step: Step,
}

/// What the handling of an entry does next, or waits for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Step {
    /// To be looked up.
    Begin,
    /// Its dedup row is to become durable before anything else.
    Noting { mark: u64 },
    /// The work is to take its time.
    Working,
    /// The effect is to be committed.
    Act,
    /// The effect is to become durable.
    Committing { mark: u64 },
    /// All that was committed for it, or made it known, is to become durable.
    Ending { mark: u64 },
    /// The time before it is tried again is to pass.
    Backing,
    /// The next entry may come.
    Done,
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
        Self { partition, base, entries, place: 0, failures: 0, step: Step::Begin }
    }

    /// Whether it waits for a commit, and that is durable.
    pub(super) fn awaits(&self, database: &Database) -> bool {
        match self.step {
            Step::Noting { mark } | Step::Committing { mark } | Step::Ending { mark } => {
                database.is_durable(mark)
            }
            Step::Begin | Step::Working | Step::Act | Step::Backing | Step::Done => false,
        }
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

    /// Takes the whole state into the digest.
    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        let (tag, mark) = match self.step {
            Step::Begin => (0, 0),
            Step::Noting { mark } => (1, mark),
            Step::Working => (2, 0),
            Step::Act => (3, 0),
            Step::Committing { mark } => (4, mark),
            Step::Ending { mark } => (5, mark),
            Step::Backing => (6, 0),
            Step::Done => (7, 0),
        };
        let small = u64::from(self.partition.0) << 16 | u64::from(self.failures);
        digest.word(small << 8 | tag).word(mark).word(self.base).word(self.place as u64);
        digest.word(self.entries.len() as u64);
        self.entries.iter().for_each(|entry| entry.fingerprint(digest));
    }
}

impl Consumer {
    /// Goes on with a task until it has to wait or is done.
    pub(super) fn proceed(&mut self, lane: usize, mut task: Box<Task>, ctx: &mut Ctx<'_>) {
        while let Some(handled) = task.handled() {
            task.step = match task.step {
                Step::Begin => self.begin(lane, &handled, ctx),
                Step::Noting { mark } if self.database.is_durable(mark) => self.work(lane, ctx),
                Step::Act => self.act(lane, &mut task.failures, &handled, ctx),
                Step::Committing { mark } if self.database.is_durable(mark) => {
                    self.complete(&handled, ctx)
                }
                Step::Ending { mark } if self.database.is_durable(mark) => Step::Done,
                Step::Done => {
                    task.place += 1;
                    task.failures = 0;
                    Step::Begin
                }
                Step::Noting { .. }
                | Step::Working
                | Step::Committing { .. }
                | Step::Ending { .. }
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

    /// Handles a timer that is not the client's.
    pub(super) fn wake_handling(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        let Some(lane) = timer.0.checked_sub(self.client.timers()).map(usize::from) else { return };
        let Some(Stage::Handling(task)) = self.lanes.get_mut(lane) else { return };
        task.step = match task.step {
            Step::Working => Step::Act,
            Step::Backing => Step::Begin,
            _ => return,
        };
        self.resume(lane, ctx);
    }

    fn begin(&mut self, lane: usize, handled: &Handled, ctx: &mut Ctx<'_>) -> Step {
        let message = handled.message;
        if self.database.had_applied(message) {
            Moment::Redelivered.note(ctx);
        }
        if self.database.is_dead_letter(message) || self.is_known(message, ctx) {
            return self.pass(handled, ctx);
        }
        match self.policy.dedup {
            Dedup::InboxBeforeEffect => {
                let mark = self.write(handled, Tables::INBOX, ctx);
                return Step::Noting { mark };
            }
            Dedup::MemoryBeforeEffect => _ = self.seen.insert(message),
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

    fn act(
        &mut self,
        lane: usize,
        failures: &mut u16,
        handled: &Handled,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        if let Some(failure) = self.fails(handled.message, ctx) {
            Moment::HandlingFailed.note(ctx);
            *failures = failures.saturating_add(1);
            return self.failed(lane, *failures, failure, handled, ctx);
        }
        // What was looked up may have changed since: a unique key judges when the commit is made.
        let has_changed = match self.policy.dedup {
            Dedup::Inbox | Dedup::Memory => self.is_known(handled.message, ctx),
            _ => false,
        };
        if has_changed {
            return self.pass(handled, ctx);
        }
        let (dedup, apply) = (self.policy.dedup, self.policy.apply);
        if dedup == Dedup::Memory {
            self.seen.insert(handled.message);
        }
        let tables = Tables::EFFECTS
            .and_if(dedup.joins_effect(), Tables::INBOX)
            .and_if(apply == Apply::Upsert, Tables::PROJECTION)
            .and_if(self.keeps_positions() && dedup != Dedup::InboxAfterEffect, Tables::POSITIONS);
        Step::Committing { mark: self.write(handled, tables, ctx) }
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
        failures: u16,
        failure: Failure,
        handled: &Handled,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        let handling = self.policy.handling;
        match handling.on_failure {
            OnFailure::Skip if failures > handling.retries => {
                Moment::FailureSkipped.note(ctx);
                self.pass(handled, ctx)
            }
            OnFailure::Park if failures > handling.retries => {
                Moment::FailureParked.note(ctx);
                let letters = match failure {
                    Failure::Passing => Tables::FAILED,
                    Failure::Poison => Tables::POISONED,
                };
                let tables = letters.and_if(self.keeps_positions(), Tables::POSITIONS);
                Step::Ending { mark: self.write(handled, tables, ctx) }
            }
            OnFailure::Retry | OnFailure::Skip | OnFailure::Park => {
                self.wait(lane, handling.backoff, ctx);
                Step::Backing
            }
        }
    }

    /// The effect is durable.
    fn complete(&mut self, handled: &Handled, ctx: &mut Ctx<'_>) -> Step {
        if self.policy.dedup != Dedup::InboxAfterEffect {
            return Step::Done;
        }
        let tables = Tables::INBOX.and_if(self.keeps_positions(), Tables::POSITIONS);
        Step::Ending { mark: self.write(handled, tables, ctx) }
    }

    /// Goes past an entry that needs no effect. The commit that made it known may be another
    /// lane's, and not be durable yet.
    fn pass(&mut self, handled: &Handled, ctx: &mut Ctx<'_>) -> Step {
        if self.keeps_positions() {
            let (partition, next) = (handled.partition, handled.offset + 1);
            self.moves(partition, next, ctx);
            self.database.advance(partition, next, ctx);
        }
        Step::Ending { mark: self.database.flush(ctx) }
    }

    /// Commits `handled` in `tables`. Returns the mark by which that is durable.
    fn write(&mut self, handled: &Handled, tables: Tables, ctx: &mut Ctx<'_>) -> u64 {
        if tables.has(Tables::POSITIONS) {
            self.moves(handled.partition, handled.offset + 1, ctx);
        }
        let is_dead = tables.has(Tables::dead_letters());
        let sink = if is_dead { self.policy.handling.dead_letters } else { self.policy.sink };
        self.database.commit(Handled { sink, tables, ..*handled }, ctx);
        self.database.flush(ctx)
    }

    fn wait(&self, lane: usize, span: Span, ctx: &mut Ctx<'_>) {
        ctx.set_timer(TimerId(self.client.timers() + lane as u8), span, Work::Progress);
    }

    fn keeps_positions(&self) -> bool {
        self.policy.settle == Settle::Atomic
    }
}

#[cfg(test)]
mod tests;
