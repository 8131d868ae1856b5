//! `postulate replay --explain`.

use super::Exit;
use super::aim::Aim;
use super::arguments::{ReplayArguments, ReplayFormat};
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::Screen;
use crate::explain::{Effort, Explored, NotExplained, explain_failure};
use crate::explore::Watch;
use crate::report::{
    Account, Explained, Paint, Paste, explained_mermaid, explained_text, hung_json,
};
use crate::shrink::Budget;
use miette::{Diagnostic, IntoDiagnostic};
use std::sync::Arc;

/// An option that makes no sense here.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum Misled {
    #[error("{option} is about the whole run, and an explanation is about a failure")]
    #[diagnostic(help("run the command twice, once with {option} and once with --explain"))]
    OfStories { option: &'static str },
    #[error("--whole is about explanations, and none is asked for")]
    #[diagnostic(help("add --explain, or --format html, mermaid or perfetto"))]
    OfExplanations,
}

/// Whether an explanation is asked for.
///
/// # Errors
/// If it is not, but options for one are there.
pub(super) fn is_wanted(arguments: &ReplayArguments) -> miette::Result<bool> {
    let is_wanted = arguments.explain || arguments.format.explains();
    if arguments.whole && !is_wanted {
        return Err(Misled::OfExplanations.into());
    }
    Ok(is_wanted)
}

pub(super) fn run(arguments: &ReplayArguments, aim: Aim, screen: &Screen) -> miette::Result<Exit> {
    let only_for_stories =
        [("--rewrite", arguments.rewrite), ("--history", arguments.history.is_some())];
    if let Some((option, _)) = only_for_stories.into_iter().find(|&(_, is_given)| is_given) {
        return Err(Misled::OfStories { option }.into());
    }
    let Aim { scenario, subject, schedule, kept } = aim;
    let clock = Arc::new(Clock::of_search());
    let watch: Arc<dyn Watch> = clock.clone();
    // What a file holds was made small before it was written, or somebody wants it as it is.
    let smaller = (!arguments.whole && kept.is_none()).then(Budget::default);
    let effort = Effort::default();
    let end = explain_failure(&subject, &schedule, smaller, effort, HUNG_AFTER_TICKS, &watch);
    clock.clear();
    let seed = schedule.seed;
    let Explored { explanation, before } = match end {
        Err(hung) => {
            screen.print(&match arguments.format {
                ReplayFormat::Json => hung_json(&scenario, seed, &hung, None),
                _ => format!("{scenario} seed {seed} hangs: {hung}\n"),
            })?;
            return Ok(Exit::Violated);
        }
        Ok(Err(NotExplained::Holds)) => {
            screen
                .print(&format!("{scenario} seed {seed} holds: there is nothing to explain\n"))?;
            return Ok(Exit::Holds);
        }
        Ok(Err(why @ NotExplained::Unknown { .. })) => {
            screen.print(&format!("{scenario} seed {seed}: {why}\n"))?;
            return Ok(Exit::Vacuous);
        }
        Ok(Err(why @ NotExplained::Drifted { .. })) => return Err(why).into_diagnostic(),
        Ok(Ok(explored)) => explored,
    };
    let replay = if let Some((file, _)) = &kept {
        format!("postulate replay {file} --explain")
    } else {
        let strategy = schedule.strategy;
        Paste::Replay { scenario: scenario.clone(), strategy }.line(seed) + " --explain"
    };
    let group = explanation.group();
    let account = Account { scenario, explanation, before, replay };
    let report = match arguments.format {
        ReplayFormat::Text => {
            let paint = if arguments.output.is_some() { Paint::Plain } else { screen.paint() };
            explained_text(&account, subject.as_ref(), paint)
        }
        ReplayFormat::Json => Explained::of(&account, subject.as_ref()).json(),
        ReplayFormat::Html => Explained::of(&account, subject.as_ref()).html(),
        ReplayFormat::Mermaid => explained_mermaid(&account, subject.as_ref()),
        ReplayFormat::Perfetto => Explained::of(&account, subject.as_ref()).perfetto(),
    };
    let verdict = format!("{} seed {seed} violates {group}", account.scenario);
    screen.deliver(&report, arguments.output.as_deref(), &verdict)?;
    Ok(Exit::Violated)
}
