//! Scenarios and schedules at once.

use super::case::{Bench, Case};
use super::scenarios::{Scenarios, Shape};
use super::schedules::ScheduleTree;
use crate::digest::fold;
use crate::run::{Outcome, Run};
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::shrink::Budget;
use proptest::num::u64::ANY;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::{Reason, TestRunner};
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// With how many seeds a smaller shape is run before it counts as one that does not fail.
const SEEDS: u64 = 64;

/// With how many, if only the test can tell.
const SEEDS_ASKED: u64 = 8;

/// Schedules of scenarios of any shape.
///
/// What fails is shrunk twice: first the shape, each with a few seeds, since the same seed is
/// another schedule in another shape; then the schedule in the smallest shape that failed.
pub fn trials(scenarios: Scenarios) -> Trials {
    Trials { scenarios, budget: Budget::default() }
}

/// The strategy of [`trials`].
#[derive(Clone, Debug)]
pub struct Trials {
    scenarios: Scenarios,
    budget: Budget,
}

impl Trials {
    /// Spends at most this on making a schedule small.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }
}

/// A schedule of a scenario of some shape: what [`trials`] draws.
#[derive(Clone)]
pub struct Trial {
    /// The shape of the scenario.
    pub shape: Shape,
    /// The schedule.
    pub case: Case,
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let between = if f.alternate() { "\n" } else { "; " };
        self.shape.fmt(f)?;
        f.write_str(between)?;
        self.case.fmt(f)
    }
}

impl Strategy for Trials {
    type Tree = TrialTree;
    type Value = Trial;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let shapes = self.scenarios.new_tree(runner)?;
        let seed = Seed(ANY.new_tree(runner)?.current());
        let shape = shapes.current();
        let bench = shape.subject().map_err(|error| Reason::from(error.to_string()))?;
        let case = Case { bench: Bench::new(&bench), schedule: Schedule::seeded(seed) };
        Ok(TrialTree {
            shapes,
            seed,
            budget: self.budget,
            ends: None,
            smallest: Trial { shape, case },
            stage: Stage::Shape(None),
            is_seen: Cell::new(false),
        })
    }
}

/// A trial that becomes smaller while its test goes on failing.
pub struct TrialTree {
    shapes: Box<dyn ValueTree<Value = Shape>>,
    seed: Seed,
    budget: Budget,
    /// How the failing run ends; a candidate that ends otherwise is not tried.
    ends: Option<Ends>,
    smallest: Trial,
    stage: Stage,
    is_seen: Cell<bool>,
}

struct Ends {
    group: String,
    seeds: u64,
}

enum Stage {
    Shape(Option<Box<Candidate>>),
    Schedule(Box<ScheduleTree>),
}

struct Candidate {
    trial: Trial,
    /// Which of the seeds that are tried it has.
    number: u64,
}

impl Ends {
    fn of(run: &Run) -> Self {
        let seeds = match run.outcome {
            Outcome::Violated(_) | Outcome::Panicked(_) => SEEDS,
            Outcome::Holds | Outcome::Unknown { .. } => SEEDS_ASKED,
        };
        Self { group: run.outcome.group(), seeds }
    }
}

impl TrialTree {
    /// Proposes the next shape that ends alike; after the last one, the schedule of the smallest.
    fn advance(&mut self, mut fails: bool) -> bool {
        loop {
            let has_next = if fails { self.shapes.simplify() } else { self.shapes.complicate() };
            if !has_next {
                let mut tree = ScheduleTree::new(self.smallest.case.clone(), self.budget);
                let has_next = tree.simplify();
                self.stage = Stage::Schedule(Box::new(tree));
                return has_next;
            }
            let shape = self.shapes.current();
            let Ok(subject) = shape.subject() else { return false };
            let case = Case { bench: Bench::new(&subject), schedule: Schedule::quiet() };
            if self.propose(&Trial { shape, case }, 0) {
                return true;
            }
            fails = false;
        }
    }

    /// Proposes a shape with a seed that makes it end alike, if one of those from `number` on does.
    fn propose(&mut self, trial: &Trial, number: u64) -> bool {
        let ends = self.ends.get_or_insert_with(|| Ends::of(&self.smallest.case.run()));
        for number in number..ends.seeds {
            let seed = if number == 0 { self.seed } else { Seed(fold(self.seed.0, number)) };
            let schedule = Schedule::seeded(seed);
            let case = Case { bench: Rc::clone(&trial.case.bench), schedule };
            if case.run().outcome.group() == ends.group {
                let trial = Trial { shape: trial.shape.clone(), case };
                self.stage = Stage::Shape(Some(Box::new(Candidate { trial, number })));
                self.is_seen.set(false);
                return true;
            }
        }
        false
    }
}

impl ValueTree for TrialTree {
    type Value = Trial;

    fn current(&self) -> Trial {
        self.is_seen.set(true);
        match &self.stage {
            Stage::Shape(Some(candidate)) => candidate.trial.clone(),
            Stage::Shape(None) => self.smallest.clone(),
            Stage::Schedule(tree) => {
                Trial { shape: self.smallest.shape.clone(), case: tree.current() }
            }
        }
    }

    fn simplify(&mut self) -> bool {
        match &mut self.stage {
            Stage::Schedule(tree) => tree.simplify(),
            Stage::Shape(candidate) => {
                if let Some(candidate) = candidate.take() {
                    self.smallest = candidate.trial;
                }
                self.advance(true)
            }
        }
    }

    fn complicate(&mut self) -> bool {
        match &mut self.stage {
            Stage::Schedule(tree) => tree.complicate(),
            Stage::Shape(candidate) => {
                let Some(candidate) = candidate.take() else { return false };
                let Candidate { trial, number } = *candidate;
                if !self.is_seen.get() {
                    return false;
                }
                if !self.propose(&trial, number + 1) {
                    // With nothing left to try, what is smallest is the current one again.
                    self.advance(false);
                }
                true
            }
        }
    }
}
