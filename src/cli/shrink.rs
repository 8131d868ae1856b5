//! `postulate shrink`.

use super::Exit;
use super::aim::Aim;
use super::arguments::{Format, ShrinkArguments};
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::Screen;
use crate::explore::{self, Watch};
use crate::regression::Regression;
use crate::report::{Bugs, Fate, ShrunkFile, hung_json, shrunk_json, shrunk_text};
use crate::run::{Outcome, Subject, Worker};
use crate::schedule::{Schedule, Strategy};
use crate::seed::Seed;
use crate::shrink::{Budget, NotShrunk, Shrunk, Size, shrink};
use miette::{Diagnostic, IntoDiagnostic, WrapErr};
use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How many seeds are run in search of each further failure.
const SEARCH_MAX: u64 = 20_000;

/// After how many runs it is shown again how far a search is.
const TOLD_EVERY: u64 = 256;

/// Why nothing is written.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{word} is a scenario, and no failure file to write again")]
#[diagnostic(help("leave out --save; `postulate sweep --save DIR` writes failure files"))]
struct NoFile {
    word: String,
}

pub(super) fn run(arguments: &ShrinkArguments, screen: &Screen) -> miette::Result<Exit> {
    let ShrinkArguments { target, scenario, seed, strategy, save, .. } = arguments;
    let Aim { scenario, subject, schedule, kept } =
        Aim::at(target, scenario.as_deref(), *seed, *strategy)?;
    if *save && kept.is_none() {
        return Err(NoFile { word: scenario }.into());
    }
    let clock = Arc::new(Clock::of_search());
    let watch: Arc<dyn Watch> = clock.clone();
    let seed = schedule.seed;
    let search = Search {
        subject: Arc::clone(&subject),
        clock: Arc::clone(&clock),
        budget: Budget { runs: arguments.budget.get() },
        // The seeds after that of a file have nothing to do with it.
        wanted: if kept.is_some() { 1 } else { arguments.seeds.get() as usize },
        schedule,
        strategy: *strategy,
    };
    let found = explore::with_worker(&subject, HUNG_AFTER_TICKS, &watch, move |worker| {
        search.failures(worker)
    });
    clock.clear();
    let found = match found {
        Ok(found) => found,
        Err(hung) => {
            screen.print(&match arguments.format {
                Format::Human => format!("{scenario} seed {seed}: a candidate hangs: {hung}\n"),
                Format::Json => hung_json(&scenario, seed, &hung, None),
            })?;
            return Ok(Exit::Violated);
        }
    };
    let file = match (&kept, &found.0[..]) {
        (Some((file, regression)), [shrunk]) => {
            Some(written_again(file, regression, shrunk, *save, &subject, &watch)?)
        }
        _ => None,
    };
    let bugs = Bugs { scenario, seed, failures: found.0, refused: found.1, file };
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

/// Writes a failure file again if that is wanted and its failure is smaller now, and tells.
fn written_again(
    file: &str,
    regression: &Regression,
    shrunk: &Shrunk,
    is_wanted: bool,
    subject: &Arc<dyn Subject>,
    watch: &Arc<dyn Watch>,
) -> miette::Result<ShrunkFile> {
    let told = |fate| ShrunkFile { name: file.to_owned(), fate };
    let was = Size { steps: regression.schedule.steps(), ..shrunk.before };
    if regression.failure.group() != shrunk.run.outcome.group() {
        return Ok(told(Fate::Other { recorded: regression.failure.group() }));
    }
    if shrunk.size >= shrunk.before.max(was) {
        return Ok(told(Fate::SmallAlready));
    }
    if !is_wanted {
        return Ok(told(Fate::CanBeSmaller));
    }
    let seen = explore::inspect(subject, &shrunk.schedule, HUNG_AFTER_TICKS, watch);
    let seen = seen.into_diagnostic()?;
    let origin = regression.scenario.clone();
    let smaller = Regression::of(origin, subject.as_ref(), &shrunk.schedule, &seen)
        .expect("what was shrunk fails");
    let failed = || format!("the failure cannot be written to {file}");
    fs::write(file, smaller.text()).into_diagnostic().wrap_err_with(failed)?;
    Ok(told(Fate::Written))
}

struct Search {
    subject: Arc<dyn Subject>,
    clock: Arc<Clock>,
    budget: Budget,
    wanted: usize,
    schedule: Schedule,
    strategy: Strategy,
}

/// Failures made small, and seeds whose failure could not be.
type Found = (Vec<Shrunk>, Vec<(Seed, NotShrunk)>);

impl Search {
    /// The failure of the schedule, and those of the next seeds that fail.
    fn failures(&self, worker: &mut dyn Worker) -> Found {
        let mut found: Found = (Vec::new(), Vec::new());
        self.enter(&self.schedule, worker, &mut found);
        let mut seed = self.schedule.seed;
        let mut idle = 0;
        while !found.0.is_empty() && found.0.len() < self.wanted && idle < SEARCH_MAX {
            seed = Seed(seed.0.wrapping_add(1));
            idle += 1;
            let schedule = Schedule::seeded(seed).ordered(self.strategy);
            let outcome = worker.run(&schedule).outcome;
            if matches!(outcome, Outcome::Violated(_) | Outcome::Panicked(_)) {
                self.enter(&schedule, worker, &mut found);
                idle = 0;
            }
        }
        found
    }

    fn enter(&self, schedule: &Schedule, worker: &mut dyn Worker, found: &mut Found) {
        let seed = schedule.seed;
        let watch = &mut |progress: &crate::shrink::Progress| {
            if progress.runs.is_multiple_of(TOLD_EVERY) {
                let (runs, steps) = (progress.runs, progress.smallest.steps);
                let stage = progress.stage;
                self.clock.told(format!("seed {seed}: {steps} steps after {runs} runs ({stage})"));
            }
            ControlFlow::Continue(())
        };
        match shrink(worker, self.subject.as_ref(), schedule, self.budget, watch) {
            Ok(shrunk) => found.0.push(shrunk),
            Err(why) => found.1.push((seed, why)),
        }
    }
}
