//! What a run leaves behind that was written down: its decisions, its openings, its trace.

use super::observe::TraceEvent;
use super::world::World;
use crate::choice::{Key, Opening};
use crate::node::System;
use crate::schedule::{Baseline, Schedule, Strategy, Trigger};
use crate::time::{Instant, Span};

impl<S: System> World<S> {
    /// The run so far as a quiet schedule and the decisions that were taken.
    pub(crate) fn rewritten(&mut self) -> Schedule {
        self.leave_over();
        let decisions = self.desk.decider.taken().unwrap_or_default();
        let list = (0..).zip(self.faults.list());
        let faults = list
            .filter(|(_, (fault, _))| fault.when != Trigger::At(Instant::NEVER))
            .filter_map(|(n, (fault, _))| self.occasions.rewritten(n, fault))
            .collect();
        Schedule {
            seed: self.schedule.seed,
            baseline: Baseline::Quiet,
            strategy: Strategy::default(),
            faults,
            decisions: decisions.into_iter().collect(),
            heal_at: Some(self.settle.heal_at),
            patience: self.schedule.patience,
            drain: self.schedule.drain,
            events_max: self.schedule.events_max,
            time_max: self.schedule.time_max,
            omit: self.schedule.omit.clone(),
            inputs: self.inputs.clone(),
        }
    }

    pub(crate) fn unmet(&self) -> Vec<Key> {
        self.desk.decider.unmet().collect()
    }

    /// The openings of the run, and the longest that a timer took.
    pub(crate) fn openings(&mut self) -> (Vec<Opening>, Span) {
        (self.desk.decider.openings(), self.settle.longest_timeout)
    }

    /// The abstract states of the run, each once and in order, and its partial order.
    pub(crate) fn novelty(&mut self) -> (Vec<u64>, u64) {
        self.novelty.take().unwrap_or_default().told()
    }

    /// Those that a seed draws stand before those of the schedule.
    pub(crate) fn idle_faults(&self) -> Vec<usize> {
        let drawn = self.faults.list().len() - self.schedule.faults.len();
        self.faults.idle().filter_map(|place| place.checked_sub(drawn)).collect()
    }

    pub(crate) fn knob_values(&self) -> Vec<(&'static str, String)> {
        let knobs = self.system.knobs().iter().zip(&self.knobs);
        knobs.map(|(knob, &value)| (knob.name, knob.tell(value))).collect()
    }

    pub(crate) fn take_trace(&mut self) -> Vec<TraceEvent> {
        self.trace.take().unwrap_or_default()
    }
}
