//! Which schedules a crew runs, each by its place.

use super::Sweep;
use crate::run::{Run, Worker};
use crate::schedule::{Schedule, Strategy};
use crate::seed::Seed;
use std::ops::Range;

/// Schedules in a row. Which one is at a place does not depend on who asks, or when.
pub(super) trait Course: Send + Sync {
    /// The places.
    fn places(&self) -> Range<u64>;
    /// The seed of the schedule at `place`.
    fn seed(&self, place: u64) -> Seed;
    /// One who shows a thread the way.
    fn guide(&self) -> Box<dyn Guide + '_>;
}

/// Shows one thread the way along a course.
pub(super) trait Guide {
    /// Runs the schedule at `place`.
    fn run(&mut self, place: u64, worker: &mut dyn Worker) -> (Schedule, Run);
}

/// Seeds in a row.
pub(super) struct Seeds {
    from: Seed,
    schedules: u64,
    strategy: Strategy,
}

impl Seeds {
    pub(super) fn of(&Sweep { from, schedules, strategy, .. }: &Sweep) -> Self {
        Self { from, schedules, strategy }
    }
}

impl Course for Seeds {
    fn places(&self) -> Range<u64> {
        0..self.schedules
    }

    fn seed(&self, place: u64) -> Seed {
        Seed(self.from.0.wrapping_add(place))
    }

    fn guide(&self) -> Box<dyn Guide + '_> {
        Box::new(self)
    }
}

impl Guide for &Seeds {
    fn run(&mut self, place: u64, worker: &mut dyn Worker) -> (Schedule, Run) {
        let schedule = Schedule::seeded(self.seed(place)).ordered(self.strategy);
        let run = worker.run(&schedule);
        (schedule, run)
    }
}
