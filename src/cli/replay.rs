//! `postulate replay`.

use super::Exit;
use super::arguments::{ReplayArguments, ReplayFormat};
use super::check::STANDARD_STREAM;
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::Screen;
use super::target;
use crate::explore::{self, Hung, Watch};
use crate::history::lines;
use crate::regression::{Comparison, Ending, Regression, RegressionError};
use crate::report::{
    Recorded, Replayed, Rewriting, hung_json, recorded_text, replay_json, replay_text,
};
use crate::run::{Inspection, Outcome, Subject};
use crate::schedule::Schedule;
use miette::{Diagnostic, IntoDiagnostic, WrapErr};
use std::sync::Arc;
use std::{fs, io};

/// How the name of a failure file ends.
const FILE_ENDING: &str = ".json";

/// Why nothing can be replayed.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum Misled {
    #[error("a scenario is replayed from a seed")]
    #[diagnostic(help("add --seed SEED, or name a failure file, which ends in {FILE_ENDING}"))]
    NoSeed,
    #[error("{word} is a scenario already")]
    #[diagnostic(help(
        "leave out --scenario, or name a failure file, which ends in {FILE_ENDING}"
    ))]
    NoFile { word: String },
    #[error("the failure file {file} cannot be read")]
    Unreadable { file: String, source: io::Error },
    #[error(transparent)]
    Wrong(#[from] RegressionError),
}

/// What is to be run.
struct Aim {
    /// The scenario, as it is named to the reader.
    scenario: String,
    subject: Arc<dyn Subject>,
    schedule: Schedule,
    /// The file that says so.
    kept: Option<(String, Regression)>,
}

pub(super) fn run(arguments: &ReplayArguments, screen: &Screen) -> miette::Result<Exit> {
    let Aim { scenario, subject, schedule, kept } = aim(arguments)?;
    let watch: Arc<dyn Watch> = Arc::new(Clock::of_run());
    let recorded = |compare: &dyn Fn(&Regression) -> Comparison| {
        kept.as_ref().map(|(file, regression)| Recorded {
            file: file.clone(),
            regression: regression.clone(),
            comparison: compare(regression),
        })
    };
    let inspection = match explore::inspect(&subject, &schedule, HUNG_AFTER_TICKS, &watch) {
        Ok(inspection) => inspection,
        Err(hung) => {
            let recorded = recorded(&|regression| regression.compare_hung(&hung.machine));
            screen.print(&told_hang(
                &scenario,
                &schedule,
                &hung,
                recorded.as_ref(),
                arguments,
                screen,
            ))?;
            return Ok(Exit::Violated);
        }
    };
    let rewriting = arguments.rewrite.then(|| {
        let rewritten = &inspection.rewritten;
        Rewriting(explore::run(&subject, rewritten, HUNG_AFTER_TICKS, &watch))
    });
    let recorded = recorded(&|regression| regression.compare(subject.as_ref(), &inspection));
    let exit = exit(&inspection, rewriting.as_ref(), recorded.as_ref());
    if let Some(file) = &arguments.history {
        let mut text = Vec::new();
        lines::write(&inspection.history, &mut text).into_diagnostic()?;
        if file == STANDARD_STREAM {
            screen.print(&String::from_utf8_lossy(&text))?;
            return Ok(exit);
        }
        let failed = || format!("the history cannot be written to {file}");
        fs::write(file, text).into_diagnostic().wrap_err_with(failed)?;
    }
    let replayed = Replayed { scenario, inspection, rewriting, recorded };
    screen.print(&match arguments.format {
        ReplayFormat::Text => replay_text(&replayed, subject.as_ref(), screen.paint()),
        ReplayFormat::Json => replay_json(&replayed, subject.as_ref()),
    })?;
    Ok(exit)
}

/// A seed of a scenario, or what a failure file holds.
fn aim(arguments: &ReplayArguments) -> miette::Result<Aim> {
    let word = &arguments.target;
    if word.ends_with(FILE_ENDING) {
        return aim_of_file(word, arguments.scenario.as_deref());
    }
    let scenario = word.clone();
    if arguments.scenario.is_some() {
        return Err(Misled::NoFile { word: scenario }.into());
    }
    let subject = target::resolve(word)?;
    let seed = arguments.seed.ok_or(Misled::NoSeed)?;
    let schedule = Schedule::seeded(seed).ordered(arguments.strategy);
    Ok(Aim { scenario, subject, schedule, kept: None })
}

fn aim_of_file(file: &str, other: Option<&str>) -> miette::Result<Aim> {
    let bytes =
        fs::read(file).map_err(|source| Misled::Unreadable { file: file.to_owned(), source })?;
    let regression = Regression::parse(file, &bytes).map_err(Misled::from)?;
    let origin = &regression.scenario;
    let named = origin.file.as_ref().unwrap_or(&origin.name);
    let scenario = other.unwrap_or(named).to_owned();
    let subject = target::resolve(&scenario).wrap_err_with(|| {
        format!(
            "{file} is a failure of the scenario {}: if a test found it, that test replays it; \
             --scenario names another one",
            origin.name
        )
    })?;
    if other.is_some() {
        regression.fit(file, subject.as_ref()).map_err(Misled::from)?;
    } else {
        regression.belongs(file, subject.as_ref()).map_err(Misled::from)?;
    }
    let schedule = regression.schedule.clone();
    Ok(Aim { scenario, subject, schedule, kept: Some((file.to_owned(), regression)) })
}

fn exit(
    inspection: &Inspection,
    rewriting: Option<&Rewriting>,
    recorded: Option<&Recorded>,
) -> Exit {
    let run = &inspection.run;
    if rewriting.is_some_and(|again| !again.same_digest(run) || !again.same_verdict(run)) {
        return Exit::Nondeterministic;
    }
    let has_diverged = recorded.is_some_and(|it| it.comparison.ending == Ending::Diverged);
    match run.outcome {
        Outcome::Holds if has_diverged => Exit::Vacuous,
        Outcome::Holds => Exit::Holds,
        Outcome::Violated(_) | Outcome::Panicked(_) => Exit::Violated,
        Outcome::Unknown { .. } => Exit::Vacuous,
    }
}

fn told_hang(
    scenario: &str,
    schedule: &Schedule,
    hung: &Hung,
    recorded: Option<&Recorded>,
    arguments: &ReplayArguments,
    screen: &Screen,
) -> String {
    match arguments.format {
        ReplayFormat::Text => {
            let mut text = format!("{scenario} seed {} hangs: {hung}\n", schedule.seed);
            if let Some(recorded) = recorded {
                text.push_str(&recorded_text(recorded, screen.paint()));
            }
            text
        }
        ReplayFormat::Json => hung_json(scenario, schedule.seed, hung, recorded),
    }
}
