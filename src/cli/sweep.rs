//! `postulate sweep`.

use super::Exit;
use super::arguments::{Format, SweepArguments};
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::Screen;
use super::target;
use crate::explore::{
    Conclusion, Exhaustive, Recheck, Search, Sweep, Swept, Watch, exhaust, sweep,
};
use crate::report::{Paste, Sight, exhausted_json, exhausted_text, sweep_json, sweep_text};
use crate::run::Subject;
use crate::schedule::{Schedule, Strategy};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How many seeds are run unless another number is asked for.
const SCHEDULES: u64 = 300_000;

pub(super) fn run(arguments: &SweepArguments, screen: &Screen) -> miette::Result<Exit> {
    let subject = target::resolve(&arguments.scenario)?;
    match arguments.strategy {
        Search::Seeds(strategy) => run_seeds(arguments, strategy, &subject, screen),
        Search::Exhaustive(steps) => run_all(arguments, steps, &subject, screen),
    }
}

fn run_seeds(
    arguments: &SweepArguments,
    strategy: Strategy,
    subject: &Arc<dyn Subject>,
    screen: &Screen,
) -> miette::Result<Exit> {
    let schedules = arguments.schedules.unwrap_or(SCHEDULES);
    let plan = Sweep { schedules, strategy, ..plan(arguments) };
    let clock = clock(arguments, plan.schedules);
    let watch: Arc<dyn Watch> = clock.clone();
    let swept = sweep(subject, &plan, &watch);
    let wall = clock.elapsed();
    clock.clear();

    let scenario = arguments.scenario.clone();
    let paste = Paste::Replay { scenario: scenario.clone(), strategy };
    let sight = Sight { scenario, wall, paste };
    screen.print(&match arguments.format {
        Format::Human => sweep_text(&swept, subject.as_ref(), &sight, screen.paint()),
        Format::Json => sweep_json(&swept, subject.as_ref(), &sight),
    })?;
    Ok(exit(&swept))
}

fn run_all(
    arguments: &SweepArguments,
    steps: u32,
    subject: &Arc<dyn Subject>,
    screen: &Screen,
) -> miette::Result<Exit> {
    let clock = clock(arguments, 1);
    let watch: Arc<dyn Watch> = clock.clone();
    let search = Exhaustive { base: Schedule::quiet(), steps, budget: arguments.schedules };
    let exhausted = exhaust(subject, &search, &plan(arguments), &watch);
    let wall = clock.elapsed();
    clock.clear();
    let scenario = &arguments.scenario;
    screen.print(&match arguments.format {
        Format::Human => {
            exhausted_text(&exhausted, subject.as_ref(), scenario, wall, screen.paint())
        }
        Format::Json => exhausted_json(&exhausted, subject.as_ref(), scenario, wall),
    })?;
    Ok(exit(&exhausted.swept))
}

fn plan(arguments: &SweepArguments) -> Sweep {
    Sweep {
        from: arguments.from,
        jobs: arguments.jobs.unwrap_or_else(cores),
        stop_after: arguments.stop_after,
        recheck: if arguments.check_determinism { Recheck::All } else { Recheck::Sample },
        hung_after_ticks: HUNG_AFTER_TICKS,
        ..Sweep::default()
    }
}

fn clock(arguments: &SweepArguments, schedules: u64) -> Arc<Clock> {
    let limit = arguments.time_limit.map(|limit| Duration::from_nanos(limit.nanos()));
    Arc::new(Clock::of_sweep(schedules, limit))
}

fn exit(swept: &Swept) -> Exit {
    match swept.conclusion() {
        Conclusion::Holds => Exit::Holds,
        Conclusion::Violated => Exit::Violated,
        Conclusion::Nondeterministic => Exit::Nondeterministic,
        Conclusion::Unknown => Exit::Vacuous,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command line is a face of the crate and looks at the machine for it"
)]
pub(super) fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
