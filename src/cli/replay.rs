//! `postulate replay`.

use super::Exit;
use super::arguments::{ReplayArguments, ReplayFormat};
use super::check::STANDARD_STREAM;
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::Screen;
use super::target;
use crate::explore::{self, Watch};
use crate::history::lines;
use crate::report::{Replayed, Rewriting, hung_json, replay_json, replay_text};
use crate::run::Outcome;
use crate::schedule::Schedule;
use miette::{IntoDiagnostic, WrapErr};
use std::fs;
use std::sync::Arc;

pub(super) fn run(arguments: &ReplayArguments, screen: &Screen) -> miette::Result<Exit> {
    let subject = target::resolve(&arguments.scenario)?;
    let watch: Arc<dyn Watch> = Arc::new(Clock::of_run());
    let schedule = Schedule::seeded(arguments.seed).ordered(arguments.strategy);
    let inspection = match explore::inspect(&subject, &schedule, HUNG_AFTER_TICKS, &watch) {
        Ok(inspection) => inspection,
        Err(hung) => {
            let ReplayArguments { scenario, seed, .. } = arguments;
            screen.print(&match arguments.format {
                ReplayFormat::Text => format!("{scenario} seed {seed} hangs: {hung}\n"),
                ReplayFormat::Json => hung_json(scenario, *seed, &hung),
            })?;
            return Ok(Exit::Violated);
        }
    };
    let rewriting = arguments.rewrite.then(|| {
        let rewritten = &inspection.rewritten;
        Rewriting(explore::run(&subject, rewritten, HUNG_AFTER_TICKS, &watch))
    });
    let exit = match (&rewriting, &inspection.run) {
        (Some(again), run) if !again.same_digest(run) || !again.same_verdict(run) => {
            Exit::Nondeterministic
        }
        (_, run) => match run.outcome {
            Outcome::Holds => Exit::Holds,
            Outcome::Violated(_) | Outcome::Panicked(_) => Exit::Violated,
            Outcome::Unknown { .. } => Exit::Vacuous,
        },
    };
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
    let replayed = Replayed { scenario: arguments.scenario.clone(), inspection, rewriting };
    screen.print(&match arguments.format {
        ReplayFormat::Text => replay_text(&replayed, subject.as_ref(), screen.paint()),
        ReplayFormat::Json => replay_json(&replayed, subject.as_ref()),
    })?;
    Ok(exit)
}
