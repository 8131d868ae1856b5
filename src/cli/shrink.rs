//! `postulate shrink`.

use super::arguments::{Format, ShrinkArguments};
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::Screen;
use super::{Exit, target};
use crate::explore::{self, Watch};
use crate::report::{Bugs, hung_json, shrunk_json, shrunk_text};
use crate::run::{Outcome, Subject, Worker};
use crate::schedule::{Schedule, Strategy};
use crate::seed::Seed;
use crate::shrink::{Budget, NotShrunk, Shrunk, shrink};
use std::ops::ControlFlow;
use std::sync::Arc;

/// How many seeds are run in search of each further failure.
const SEARCH_MAX: u64 = 20_000;

/// After how many runs it is shown again how far a search is.
const TOLD_EVERY: u64 = 256;

pub(super) fn run(arguments: &ShrinkArguments, screen: &Screen) -> miette::Result<Exit> {
    let subject = target::resolve(&arguments.scenario)?;
    let clock = Arc::new(Clock::of_search());
    let watch: Arc<dyn Watch> = clock.clone();
    let search = Search {
        subject: Arc::clone(&subject),
        clock: Arc::clone(&clock),
        budget: Budget { runs: arguments.budget.get() },
        wanted: arguments.seeds.get() as usize,
        seed: arguments.seed,
        strategy: arguments.strategy,
    };
    let found = explore::with_worker(&subject, HUNG_AFTER_TICKS, &watch, move |worker| {
        search.failures(worker)
    });
    clock.clear();
    let found = match found {
        Ok(found) => found,
        Err(hung) => {
            let ShrinkArguments { scenario, seed, .. } = arguments;
            screen.print(&match arguments.format {
                Format::Human => format!("{scenario} seed {seed}: a candidate hangs: {hung}\n"),
                Format::Json => hung_json(scenario, *seed, &hung, None),
            })?;
            return Ok(Exit::Violated);
        }
    };
    let bugs = Bugs {
        scenario: arguments.scenario.clone(),
        seed: arguments.seed,
        failures: found.0,
        refused: found.1,
    };
    screen.print(&match arguments.format {
        Format::Human => shrunk_text(&bugs, subject.as_ref(), screen.paint()),
        Format::Json => shrunk_json(&bugs, subject.as_ref()),
    })?;
    let drifts = |(_, why): &(Seed, NotShrunk)| matches!(why, NotShrunk::Drifted { .. });
    Ok(if bugs.refused.iter().any(drifts) {
        Exit::Nondeterministic
    } else if bugs.failures.is_empty() {
        Exit::Vacuous
    } else {
        Exit::Violated
    })
}

struct Search {
    subject: Arc<dyn Subject>,
    clock: Arc<Clock>,
    budget: Budget,
    wanted: usize,
    seed: Seed,
    strategy: Strategy,
}

/// Failures made small, and seeds whose failure could not be.
type Found = (Vec<Shrunk>, Vec<(Seed, NotShrunk)>);

impl Search {
    /// The failure of the seed, and those of the next seeds that fail.
    fn failures(&self, worker: &mut dyn Worker) -> Found {
        let mut found: Found = (Vec::new(), Vec::new());
        self.enter(self.seed, worker, &mut found);
        let mut seed = self.seed;
        let mut idle = 0;
        while !found.0.is_empty() && found.0.len() < self.wanted && idle < SEARCH_MAX {
            seed = Seed(seed.0.wrapping_add(1));
            idle += 1;
            let outcome = worker.run(&self.schedule(seed)).outcome;
            if matches!(outcome, Outcome::Violated(_) | Outcome::Panicked(_)) {
                self.enter(seed, worker, &mut found);
                idle = 0;
            }
        }
        found
    }

    fn schedule(&self, seed: Seed) -> Schedule {
        Schedule::seeded(seed).ordered(self.strategy)
    }

    fn enter(&self, seed: Seed, worker: &mut dyn Worker, found: &mut Found) {
        let schedule = self.schedule(seed);
        let watch = &mut |progress: &crate::shrink::Progress| {
            if progress.runs.is_multiple_of(TOLD_EVERY) {
                let (runs, steps) = (progress.runs, progress.smallest.steps);
                let stage = progress.stage;
                self.clock.told(format!("seed {seed}: {steps} steps after {runs} runs ({stage})"));
            }
            ControlFlow::Continue(())
        };
        match shrink(worker, self.subject.as_ref(), &schedule, self.budget, watch) {
            Ok(shrunk) => found.0.push(shrunk),
            Err(why) => found.1.push((seed, why)),
        }
    }
}
