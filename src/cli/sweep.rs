//! `postulate sweep`.

use super::Exit;
use super::arguments::{Format, SweepArguments};
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::Screen;
use super::target;
use crate::explore::{Conclusion, Recheck, Sweep, Watch, sweep};
use crate::report::{Paste, Sight, sweep_json, sweep_text};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub(super) fn run(arguments: &SweepArguments, screen: &Screen) -> miette::Result<Exit> {
    let subject = target::resolve(&arguments.scenario)?;
    let plan = Sweep {
        from: arguments.from,
        schedules: arguments.schedules,
        strategy: arguments.strategy,
        jobs: arguments.jobs.unwrap_or_else(cores),
        stop_after: arguments.stop_after,
        recheck: if arguments.check_determinism { Recheck::All } else { Recheck::Sample },
        hung_after_ticks: HUNG_AFTER_TICKS,
    };
    let limit = arguments.time_limit.map(|limit| Duration::from_nanos(limit.nanos()));
    let clock = Arc::new(Clock::of_sweep(plan.schedules, limit));
    let watch: Arc<dyn Watch> = clock.clone();
    let swept = sweep(&subject, &plan, &watch);
    let wall = clock.elapsed();
    clock.clear();

    let scenario = arguments.scenario.clone();
    let paste = Paste::Replay { scenario: scenario.clone(), strategy: plan.strategy };
    let sight = Sight { scenario, wall, paste };
    screen.print(&match arguments.format {
        Format::Human => sweep_text(&swept, subject.as_ref(), &sight, screen.paint()),
        Format::Json => sweep_json(&swept, subject.as_ref(), &sight),
    })?;
    Ok(match swept.conclusion() {
        Conclusion::Holds => Exit::Holds,
        Conclusion::Violated => Exit::Violated,
        Conclusion::Nondeterministic => Exit::Nondeterministic,
        Conclusion::Unknown => Exit::Vacuous,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command line is a face of the crate and looks at the machine for it"
)]
pub(super) fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
