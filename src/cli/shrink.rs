//! `postulate shrink`.

use super::Exit;
use super::aim::Aim;
use super::arguments::{Format, ShrinkArguments};
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::Screen;
use crate::explore::{self, Pursued, Watch};
use crate::regression::Regression;
use crate::report::{Bugs, Fate, ShrunkFile, hung_json, shrunk_json, shrunk_text};
use crate::run::Subject;
use crate::seed::Seed;
use crate::shrink::{Budget, NotShrunk, Shrunk, Size};
use miette::{Diagnostic, IntoDiagnostic, WrapErr};
use std::fs;
use std::sync::Arc;

/// Why nothing is done.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum Misled {
    #[error("{word} is a scenario, and no failure file to write again")]
    #[diagnostic(help("leave out --save; `postulate sweep --save DIR` writes failure files"))]
    NoFile { word: String },
    #[error("a failure file is one failure, and the seeds after its own are none of it")]
    #[diagnostic(help("leave out --seeds, or name a scenario and --seed SEED"))]
    NoSeeds,
}

pub(super) fn run(arguments: &ShrinkArguments, screen: &Screen) -> miette::Result<Exit> {
    let ShrinkArguments { target, scenario, seed, strategy, save, .. } = arguments;
    let Aim { scenario, subject, schedule, kept } =
        Aim::at(target, scenario.as_deref(), *seed, *strategy)?;
    if *save && kept.is_none() {
        return Err(Misled::NoFile { word: scenario }.into());
    }
    if arguments.seeds.is_some() && kept.is_some() {
        return Err(Misled::NoSeeds.into());
    }
    let clock = Arc::new(Clock::of_search());
    let watch: Arc<dyn Watch> = clock.clone();
    let seed = schedule.seed;
    let wanted = arguments.seeds.map_or(1, |seeds| seeds.get() as usize);
    let budget = Budget { runs: arguments.budget.get() };
    let found = explore::pursue(&subject, &schedule, wanted, budget, HUNG_AFTER_TICKS, &watch);
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
    let file = match (&kept, &found.failures[..]) {
        (Some((file, regression)), [shrunk]) => {
            Some(written_again(file, regression, shrunk, *save, &subject, &watch)?)
        }
        _ => None,
    };
    let Pursued { failures, refused } = found;
    let bugs = Bugs { scenario, seed, failures, refused, file };
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
