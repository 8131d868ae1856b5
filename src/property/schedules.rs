//! Schedules as a strategy.

use super::case::{Bench, Case};
use crate::explore::Proposals;
use crate::run::Subject;
use crate::schedule::{self, Schedule};
use crate::seed::Seed;
use crate::shrink::Budget;
use proptest::num::u64::ANY;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// Schedules of `subject`, each grown from a seed that proptest draws.
///
/// A failing one is rewritten as a quiet run and the steps that it took; these are then left out
/// and made plain by [`shrink`](crate::shrink), as far as the test goes on failing. A candidate
/// that ends in another way than the failing run, by another rule or by none, is not tried.
pub fn schedules(subject: &Arc<dyn Subject>) -> Schedules {
    let bench = Bench::new(subject);
    Schedules { bench, order: schedule::Strategy::default(), budget: Budget::default() }
}

/// The strategy of [`schedules`].
#[derive(Clone)]
pub struct Schedules {
    bench: Rc<Bench>,
    order: schedule::Strategy,
    budget: Budget,
}

impl Schedules {
    /// Handles what is due close together in this order; unless stated each seed draws one.
    #[must_use]
    pub fn ordered(mut self, order: schedule::Strategy) -> Self {
        self.order = order;
        self
    }

    /// Spends at most this on making a failure small.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }
}

impl fmt::Debug for Schedules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bench, order, budget } = self;
        let (name, runs) = (bench.subject.name(), budget.runs);
        write!(f, "schedules of {name} in the order {order}, shrunk within {runs} runs")
    }
}

impl Strategy for Schedules {
    type Tree = ScheduleTree;
    type Value = Case;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let seed = Seed(ANY.new_tree(runner)?.current());
        let schedule = Schedule::seeded(seed).ordered(self.order);
        let case = Case { bench: Rc::clone(&self.bench), schedule };
        Ok(ScheduleTree::new(case, self.budget))
    }
}

/// A schedule that becomes smaller while its test goes on failing.
///
/// What it proposes depends on its seed and on the verdicts alone, so that proptest may take
/// verdicts from a process that it forked, or from its cache.
#[derive(Debug)]
pub struct ScheduleTree {
    budget: Budget,
    /// The smallest schedule that is known to fail.
    smallest: Case,
    search: Search,
    /// Whether anybody has seen what is proposed. When proptest gives up, it complicates without
    /// looking.
    is_seen: Cell<bool>,
}

#[derive(Debug)]
enum Search {
    Before,
    Proposed {
        proposals: Box<Proposals>,
        candidate: Box<Schedule>,
        /// The last candidate that failed, which proptest tells the reason of.
        failed: Option<Box<Schedule>>,
    },
    Over,
}

impl ScheduleTree {
    pub(super) fn new(case: Case, budget: Budget) -> Self {
        Self { budget, smallest: case, search: Search::Before, is_seen: Cell::new(false) }
    }

    /// Proposes what comes next. Once that is nothing, it is the smallest failure by itself.
    fn propose(
        &mut self,
        proposals: Box<Proposals>,
        candidate: Option<Schedule>,
        failed: Option<Box<Schedule>>,
    ) -> bool {
        self.is_seen.set(false);
        if let Some(candidate) = candidate {
            let candidate = Box::new(candidate);
            self.search = Search::Proposed { proposals, candidate, failed };
            return true;
        }
        self.end(*proposals);
        failed.as_deref() != Some(&self.smallest.schedule)
    }

    /// Ends the search. If not even the rewritten schedule has failed, the seed is all there is.
    fn end(&mut self, proposals: Proposals) {
        if let Ok(shrunk) = proposals.end() {
            self.smallest.schedule = shrunk.schedule;
        }
    }
}

impl ValueTree for ScheduleTree {
    type Value = Case;

    fn current(&self) -> Case {
        self.is_seen.set(true);
        let mut case = self.smallest.clone();
        if let Search::Proposed { candidate, .. } = &self.search {
            case.schedule.clone_from(candidate);
        }
        case
    }

    fn simplify(&mut self) -> bool {
        match std::mem::replace(&mut self.search, Search::Over) {
            Search::Before => {
                let Case { bench, schedule } = &self.smallest;
                let proposals = Proposals::new(&bench.subject, schedule, self.budget);
                let mut proposals = Box::new(proposals);
                match proposals.first() {
                    first @ Some(_) => self.propose(proposals, first, None),
                    None => false,
                }
            }
            Search::Proposed { mut proposals, candidate, .. } => {
                let next = proposals.next(true);
                self.propose(proposals, next, Some(candidate))
            }
            Search::Over => false,
        }
    }

    fn complicate(&mut self) -> bool {
        match std::mem::replace(&mut self.search, Search::Over) {
            Search::Before => {
                self.search = Search::Before;
                false
            }
            Search::Proposed { proposals, .. } if !self.is_seen.get() => {
                self.end(*proposals);
                false
            }
            Search::Proposed { mut proposals, failed, .. } => {
                let next = proposals.next(false);
                self.propose(proposals, next, failed);
                true
            }
            Search::Over => false,
        }
    }
}
