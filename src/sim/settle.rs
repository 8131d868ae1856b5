//! When a run is over: settled, quiescent, impatient, broken, or out of budget.

use super::chronicle::Mark;
use super::world::World;
use crate::digest::Digest;
use crate::history::{EndCause, Event};
use crate::id::NodeId;
use crate::node::{Node, System};
use crate::profile::Profile;
use crate::schedule::Schedule;
use crate::time::{Instant, Span};

#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Settle {
    pub(super) heal_at: Instant,
    pub(super) healed: bool,
    /// The longest that a timer set so far takes, drift and lateness included.
    pub(super) longest_timeout: Span,
    /// The longest that a sync asked for so far takes.
    pub(super) longest_sync: Span,
    healed_at: Instant,
    /// No event after this is handled before it was asked whether the run is over.
    deadline: Instant,
    /// Since when nothing is owed and no fault is left.
    settled_at: Option<Instant>,
    /// Nothing was owed at some time while a fault was still to strike: the run went on for it.
    pub(super) awaited_faults: bool,
    owed: u32,
    owed_changed_at: Instant,
    owed_fell_at: Instant,
    /// When something that means progress was last pending.
    busy_at: Instant,
    patience: Span,
    drain: Span,
    /// The most that a seed lets a message be late by.
    delay_max: Span,
    events_max: u64,
    time_max: Span,
}

impl Settle {
    pub(super) fn new(profile: &Profile, schedule: &Schedule, heal_at: Instant) -> Self {
        Self {
            heal_at: schedule.heal_at.unwrap_or(heal_at),
            patience: schedule.patience.unwrap_or(profile.patience),
            drain: schedule.drain.unwrap_or(profile.drain),
            delay_max: profile.delay_max(),
            events_max: schedule.events_max.unwrap_or(profile.events_max).min(u32::MAX.into()),
            time_max: schedule.time_max.unwrap_or(profile.time_max),
            deadline: Instant::START + schedule.time_max.unwrap_or(profile.time_max),
            ..Self::default()
        }
    }

    /// How long background work may take to stir something up. The longest timer may fire last,
    /// what it asks for may go into a connection that nobody knows to be gone, and is then asked
    /// for again. Whoever reads on may be waiting for a sync, which takes as long as it takes, and
    /// need another one.
    fn catch_up(&self) -> Span {
        self.longest_timeout.times(3) + self.longest_sync.times(2)
    }

    /// How long a settled run goes on: as asked for, and long enough for replicas to catch up.
    fn window(&self) -> Span {
        if self.drain == Span::ZERO { Span::ZERO } else { self.drain.max(self.catch_up()) }
    }

    /// How long after the heal what was sent before it may come and be seen to: a copy that no one
    /// waits for, but that whoever reads it must have written down before views are compared.
    fn stale(&self) -> Span {
        self.delay_max + self.heal_at.since(Instant::START) + self.catch_up()
    }

    pub(super) fn heal(&mut self, now: Instant) {
        self.healed = true;
        self.healed_at = now;
        self.busy_at = now;
        self.deadline = Instant::START;
    }
}

impl<S: System> World<S> {
    /// After every event: has a promise been broken for good, has what is owed changed, is all
    /// done?
    #[inline]
    pub(super) fn take_stock(&mut self) {
        let owed = self.ledger.owed();
        let settle = &self.settle;
        let as_before = owed == settle.owed && owed != 0 && !settle.healed;
        if !as_before || self.ledger.broken() || self.stats.events >= settle.events_max {
            self.take_stock_closely(owed);
        }
    }

    fn take_stock_closely(&mut self, owed: u32) {
        if owed != self.settle.owed {
            if owed < self.settle.owed {
                self.settle.owed_fell_at = self.now;
            }
            self.settle.owed = owed;
            self.settle.owed_changed_at = self.now;
        }
        if self.ledger.broken() {
            self.end(EndCause::Broken);
        } else if owed != 0 || !self.faults.spent() {
            self.settle.awaited_faults |= owed == 0;
            self.settle.settled_at = None;
        } else if self.settle.settled_at.is_none() {
            self.settled();
        }
        if self.settle.healed && self.progress + self.timers.progress() > 0 {
            self.settle.busy_at = self.now;
        }
        if self.stats.events >= self.settle.events_max {
            self.end(EndCause::Budget);
        }
    }

    /// Nothing is owed and no fault is left: what remains of the faulty time is cut short.
    fn settled(&mut self) {
        self.settle.settled_at = Some(self.now);
        if self.settle.drain == Span::ZERO {
            self.end(EndCause::Settled);
            return;
        }
        self.heal();
        self.record_views();
    }

    /// Whether the run is over before the next event, which is due at `next`.
    #[inline]
    pub(super) fn outlasted(&mut self, next: Instant) -> bool {
        next > self.settle.deadline && self.has_ended_before(next)
    }

    fn has_ended_before(&mut self, next: Instant) -> bool {
        let settle = &self.settle;
        if settle.settled_at.is_some_and(|since| next > since + settle.window())
            && (self.is_idle() || next > settle.healed_at + settle.window() + settle.stale())
        {
            self.end(EndCause::Settled);
        } else if settle.healed && self.outlasted_healed(next) {
            // Ended there.
        } else if next.since(Instant::START) > self.settle.time_max {
            let cause = if next == Instant::NEVER { EndCause::Quiescent } else { EndCause::Budget };
            self.end(cause);
        }
        self.stats.cause.is_some()
    }

    /// Whether nothing is pending that means progress.
    fn is_idle(&self) -> bool {
        self.progress + self.timers.progress() == 0 && !self.has_input_left()
    }

    fn outlasted_healed(&mut self, next: Instant) -> bool {
        let settle = &self.settle;
        let idle = self.is_idle();
        let still_since = settle.busy_at.max(settle.owed_changed_at);
        let fallen_at = settle.owed_fell_at.max(settle.healed_at);
        if idle && next > still_since + settle.catch_up() {
            self.end(EndCause::Quiescent);
        } else if settle.owed > 0 && next > fallen_at + settle.patience {
            self.end(EndCause::Impatient);
        }
        self.stats.cause.is_some()
    }

    fn end(&mut self, cause: EndCause) {
        if self.stats.cause.is_none() {
            self.record_views();
            self.note_rest();
            self.tell_moment(None, Mark::End, |_| format!("the run ends: {cause:?}"));
            self.record(NodeId(0), Event::End { cause });
            self.stats.cause = Some(cause);
            if self.trace.is_some() {
                self.tell_end_states();
            }
        }
    }

    /// State that was never sent shows here alone: two runs that differ in nothing else part at the
    /// line of the machine that holds it.
    #[cold]
    fn tell_end_states(&mut self) {
        for number in 0..self.machines.len() {
            let mut digest = Digest::new();
            if let Some(program) = &self.machines[number].node {
                program.fingerprint(&mut digest);
                let state = digest.value();
                let node = NodeId(number as u16);
                self.tell(Some(node), |_| format!("ends in state {state:016x}"));
            }
        }
    }
}
