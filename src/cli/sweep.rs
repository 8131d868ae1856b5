//! `postulate sweep`.

use super::Exit;
use super::arguments::{Format, SweepArguments};
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::Screen;
use super::target;
use crate::explore::{
    BUDGET, Captured, Conclusion, Inquiry, Recheck, Sweep, Swept, Watch, bugs, capture, sweep,
};
use crate::regression::Origin;
use crate::report::{Paste, Sight, sweep_json, sweep_text};
use crate::run::Subject;
use miette::{IntoDiagnostic, WrapErr};
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
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
        look_into: arguments.look_into,
    };
    let limit = arguments.time_limit.map(|limit| Duration::from_nanos(limit.nanos()));
    let clock = Arc::new(Clock::of_sweep(plan.schedules, limit));
    let watch: Arc<dyn Watch> = clock.clone();
    let swept = sweep(&subject, &plan, &watch);
    let wall = clock.elapsed();
    let inquiries = bugs(&subject, &swept, BUDGET, &watch);
    clock.clear();

    let scenario = arguments.scenario.clone();
    let paste = Paste::Replay { scenario: scenario.clone(), strategy: plan.strategy };
    let kept = match &arguments.save {
        Some(folder) => keep(folder, &subject, &swept, &inquiries, &scenario, &watch)?,
        None => BTreeMap::new(),
    };
    let sight = Sight { scenario, wall, paste, inquiries, kept };
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

/// Keeps an example of each bug; gives the files by what they are examples of.
fn keep(
    folder: &str,
    subject: &Arc<dyn Subject>,
    swept: &Swept,
    inquiries: &[Inquiry],
    word: &str,
    watch: &Arc<dyn Watch>,
) -> miette::Result<BTreeMap<String, String>> {
    let file = target::is_file(word).then(|| word.to_owned());
    let origin = Origin { name: subject.name().to_owned(), file };
    let mut kept = BTreeMap::new();
    for Captured { what, regression } in capture(subject, swept, inquiries, &origin, watch) {
        let path = Path::new(folder).join(regression.path());
        let written = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = written.and_then(|()| fs::write(&path, regression.text()));
        let path = path.display().to_string();
        let failed = || format!("the failure cannot be written to {path}");
        written.into_diagnostic().wrap_err_with(failed)?;
        kept.insert(what, path);
    }
    Ok(kept)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command line is a face of the crate and looks at the machine for it"
)]
pub(super) fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
