//! `postulate sweep`.

use super::Exit;
use super::arguments::{SweepArguments, SweepFormat};
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::{self, Screen};
use super::target;
use crate::explain::{Effort, explain_failure};
use crate::explore::{
    BUDGET, Captured, Conclusion, Exhausted, Exhaustive, Hung, Inquiry, LOOK_INTO, Recheck, Search,
    Sweep, Swept, Watch, bugs, capture, exhaust, inspect, novelty, sweep,
};
use crate::regression::{Origin, Regression};
use crate::report::{
    Account, Explained, Paint, Paste, Sight, exhausted_json, exhausted_junit, exhausted_text,
    headline, sweep_json, sweep_junit, sweep_page, sweep_text,
};
use crate::run::Subject;
use crate::schedule::{Schedule, Strategy};
use crate::shrink::{Distinct, Size};
use miette::{Diagnostic, IntoDiagnostic, WrapErr};
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How many seeds are run unless another number is asked for.
const SCHEDULES: u64 = 300_000;

/// How many of them are run again to see what they are like, if that is asked for.
const OBSERVED: u64 = 10_000;

/// An option that makes no sense for an exhaustive search.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("an exhaustive search has no seeds, and {option} is about these")]
#[diagnostic(help(
    "leave {option} out: of what such a search finds, the first example is the smallest"
))]
struct NotOfSets {
    option: &'static str,
}

pub(super) fn run(arguments: &SweepArguments, screen: &Screen) -> miette::Result<Exit> {
    let subject = target::resolve(&arguments.scenario)?;
    if let Some(file) = &arguments.output {
        screen::reserve(file)?;
    }
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
    let inquiries = bugs(subject, &swept, BUDGET, &watch);
    clock.clear();

    let scenario = arguments.scenario.clone();
    let paste = Paste::Replay { scenario: scenario.clone(), strategy };
    let kept = match &arguments.save {
        Some(folder) => keep(folder, subject, &swept, &inquiries, &scenario, &watch)?,
        None => BTreeMap::new(),
    };
    // A seed that hangs was told by the sweep, and what its run was like nobody knows.
    let first = Sweep { schedules: plan.schedules.min(OBSERVED), ..plan };
    let novelty = if arguments.novelty { novelty(subject, &first, &watch).ok() } else { None };
    let sight = Sight { scenario, wall, paste, inquiries, kept, novelty };
    let report = match arguments.format {
        SweepFormat::Human => {
            sweep_text(&swept, subject.as_ref(), &sight, paint(arguments, screen))
        }
        SweepFormat::Json => sweep_json(&swept, subject.as_ref(), &sight),
        SweepFormat::Junit => sweep_junit(&swept, subject.as_ref(), &sight),
        SweepFormat::Html => {
            let bugs = sight.inquiries.iter().flat_map(|inquiry| &inquiry.bugs).map(|bug| {
                let Distinct { signature, smallest, .. } = bug;
                (signature.to_string(), smallest.schedule.clone(), Some(smallest.before))
            });
            let explained = explained(subject, bugs, &sight, &watch);
            clock.clear();
            sweep_page(&swept, subject.as_ref(), &sight, arguments.strategy, &explained)
        }
    };
    deliver(&report, &swept, arguments, screen)?;
    Ok(exit(&swept))
}

fn run_all(
    arguments: &SweepArguments,
    steps: u32,
    subject: &Arc<dyn Subject>,
    screen: &Screen,
) -> miette::Result<Exit> {
    let only_for_seeds =
        [("--look-into", arguments.look_into.is_some()), ("--novelty", arguments.novelty)];
    if let Some((option, _)) = only_for_seeds.into_iter().find(|&(_, is_given)| is_given) {
        return Err(NotOfSets { option }.into());
    }
    let clock = clock(arguments, 1);
    let watch: Arc<dyn Watch> = clock.clone();
    let search = Exhaustive { base: Schedule::quiet(), steps, budget: arguments.schedules };
    let exhausted = exhaust(subject, &search, &plan(arguments), &watch);
    let wall = clock.elapsed();
    clock.clear();
    let scenario = arguments.scenario.clone();
    let paste = Paste::Replay { scenario: scenario.clone(), strategy: Strategy::default() };
    let kept = match &arguments.save {
        Some(folder) => keep_examples(folder, subject, &exhausted, &scenario, &watch)?,
        None => BTreeMap::new(),
    };
    let sight = Sight { scenario, wall, paste, inquiries: Vec::new(), kept, novelty: None };
    let report = match arguments.format {
        SweepFormat::Human => {
            exhausted_text(&exhausted, subject.as_ref(), &sight, paint(arguments, screen))
        }
        SweepFormat::Json => exhausted_json(&exhausted, subject.as_ref(), &sight),
        SweepFormat::Junit => exhausted_junit(&exhausted, subject.as_ref(), &sight),
        SweepFormat::Html => {
            let examples = exhausted.swept.groups.iter().zip(&exhausted.examples);
            let examples =
                examples.map(|(group, example)| (group.name.clone(), example.clone(), None));
            let explained = explained(subject, examples, &sight, &watch);
            sweep_page(&exhausted.swept, subject.as_ref(), &sight, arguments.strategy, &explained)
        }
    };
    deliver(&report, &exhausted.swept, arguments, screen)?;
    Ok(exit(&exhausted.swept))
}

/// Whether the report carries colours: a file does not.
fn paint(arguments: &SweepArguments, screen: &Screen) -> Paint {
    if arguments.output.is_some() { Paint::Plain } else { screen.paint() }
}

fn deliver(
    report: &str,
    swept: &Swept,
    arguments: &SweepArguments,
    screen: &Screen,
) -> miette::Result<()> {
    let verdict = headline(swept, &arguments.scenario, screen.paint());
    screen.deliver(report, arguments.output.as_deref(), verdict.trim_end())
}

/// Explains failures, each by what it is called; those that cannot be are left out.
fn explained(
    subject: &Arc<dyn Subject>,
    failures: impl Iterator<Item = (String, Schedule, Option<Size>)>,
    sight: &Sight,
    watch: &Arc<dyn Watch>,
) -> BTreeMap<String, Explained> {
    let told = failures.filter_map(|(what, schedule, before)| {
        let end =
            explain_failure(subject, &schedule, None, Effort::default(), HUNG_AFTER_TICKS, watch);
        let explanation = end.ok()?.ok()?.explanation;
        let replay = match sight.kept.get(&what) {
            Some(file) => format!("postulate replay {file} --explain"),
            None => format!("{} --explain", sight.paste.line(schedule.seed)),
        };
        let scenario = sight.scenario.clone();
        let account = Account { scenario, explanation, before, replay };
        Some((what, Explained::of(&account, subject.as_ref())))
    });
    told.collect()
}

fn plan(arguments: &SweepArguments) -> Sweep {
    Sweep {
        from: arguments.from,
        jobs: arguments.jobs.unwrap_or_else(cores),
        stop_after: arguments.stop_after,
        recheck: if arguments.check_determinism { Recheck::All } else { Recheck::Sample },
        hung_after_ticks: HUNG_AFTER_TICKS,
        look_into: arguments.look_into.unwrap_or(LOOK_INTO),
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

/// Keeps an example of each bug; gives the files by what they are examples of.
fn keep(
    folder: &str,
    subject: &Arc<dyn Subject>,
    swept: &Swept,
    inquiries: &[Inquiry],
    word: &str,
    watch: &Arc<dyn Watch>,
) -> miette::Result<BTreeMap<String, String>> {
    let mut kept = BTreeMap::new();
    let captured = capture(subject, swept, inquiries, &origin(subject, word), watch);
    for Captured { what, regression } in captured {
        kept.insert(what, write(folder, &regression)?);
    }
    Ok(kept)
}

/// As [`keep`], of examples that have no more decisions than it takes.
fn keep_examples(
    folder: &str,
    subject: &Arc<dyn Subject>,
    exhausted: &Exhausted,
    word: &str,
    watch: &Arc<dyn Watch>,
) -> miette::Result<BTreeMap<String, String>> {
    let mut kept = BTreeMap::new();
    for (group, example) in exhausted.swept.groups.iter().zip(&exhausted.examples) {
        let origin = origin(subject, word);
        let regression = match inspect(subject, example, HUNG_AFTER_TICKS, watch) {
            Ok(seen) => Regression::of(origin, subject.as_ref(), example, &seen),
            Err(Hung { machine }) => {
                Some(Regression::of_hang(origin, subject.as_ref(), example, &machine))
            }
        };
        if let Some(regression) = regression {
            kept.insert(group.name.clone(), write(folder, &regression)?);
        }
    }
    Ok(kept)
}

fn origin(subject: &Arc<dyn Subject>, word: &str) -> Origin {
    let file = target::is_file(word).then(|| word.to_owned());
    Origin { name: subject.name().to_owned(), file }
}

fn write(folder: &str, regression: &Regression) -> miette::Result<String> {
    let path = Path::new(folder).join(regression.path());
    let written = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = written.and_then(|()| fs::write(&path, regression.text()));
    let path = path.display().to_string();
    let failed = || format!("the failure cannot be written to {path}");
    written.into_diagnostic().wrap_err_with(failed)?;
    Ok(path)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command line is a face of the crate and looks at the machine for it"
)]
pub(super) fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
