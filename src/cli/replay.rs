//! `postulate replay`.

use super::Exit;
use super::aim::Aim;
use super::arguments::{ReplayArguments, ReplayFormat};
use super::check::STANDARD_STREAM;
use super::explain;
use super::log;
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::Screen;
use crate::explore::{self, Hung, Watch};
use crate::history::{History, lines};
use crate::regression::{Comparison, Ending, Regression};
use crate::report::{
    Paint, Recorded, Replayed, Rewriting, end_text, hung_json, recorded_text, replay_json,
    replay_text,
};
use crate::run::{Inspection, Outcome};
use crate::schedule::Schedule;
use miette::{IntoDiagnostic, WrapErr};
use std::fs;
use std::sync::Arc;

pub(super) fn run(arguments: &ReplayArguments, screen: &Screen) -> miette::Result<Exit> {
    let ReplayArguments { target, scenario, seed, strategy, .. } = arguments;
    let aim = Aim::at(target, scenario.as_deref(), *seed, *strategy)?;
    if explain::is_wanted(arguments)? {
        return explain::run(arguments, aim, screen);
    }
    let Aim { scenario, subject, schedule, kept } = aim;
    let watch: Arc<dyn Watch> = Arc::new(Clock::of_run());
    let recorded = |compare: &dyn Fn(&Regression) -> Comparison| {
        kept.as_ref().map(|(file, regression)| Recorded {
            file: file.clone(),
            regression: regression.clone(),
            comparison: compare(regression),
        })
    };
    let paint = if arguments.output.is_some() { Paint::Plain } else { screen.paint() };
    let (log, end) = if let Some(wanted) = &arguments.log {
        log::inspect(&subject, &schedule, wanted, paint, &watch)
    } else {
        (String::new(), explore::inspect(&subject, &schedule, HUNG_AFTER_TICKS, &watch))
    };
    let inspection = match end {
        Ok(inspection) => inspection,
        Err(hung) => {
            let recorded = recorded(&|regression| regression.compare_hung(&hung.machine));
            screen.print(&log)?;
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
        write_history(&inspection.history, file, screen)?;
        if file == STANDARD_STREAM {
            return Ok(exit);
        }
    }
    let verdict = format!("{scenario} seed {}: {}", schedule.seed, inspection.run.outcome.group());
    let replayed = Replayed { scenario, inspection, rewriting, recorded };
    let report = match arguments.format {
        ReplayFormat::Json => replay_json(&replayed, subject.as_ref()),
        _ if arguments.log.is_some() => {
            format!("{log}\n{}", end_text(&replayed, subject.as_ref(), paint))
        }
        _ => replay_text(&replayed, subject.as_ref(), paint),
    };
    screen.deliver(&report, arguments.output.as_deref(), &verdict)?;
    Ok(exit)
}

fn write_history(history: &History, file: &str, screen: &Screen) -> miette::Result<()> {
    let mut text = Vec::new();
    lines::write(history, &mut text).into_diagnostic()?;
    if file == STANDARD_STREAM {
        return screen.print(&String::from_utf8_lossy(&text));
    }
    let failed = || format!("the history cannot be written to {file}");
    fs::write(file, text).into_diagnostic().wrap_err_with(failed)
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
        _ => hung_json(scenario, schedule.seed, hung, recorded),
    }
}
