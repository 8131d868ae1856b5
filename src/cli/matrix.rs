//! `postulate matrix`.

use super::Exit;
use super::arguments::{MatrixArguments, MatrixFormat};
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::{self, Screen};
use super::sweep::cores;
use crate::explain::{self, explain_failure};
use crate::explore::Watch;
use crate::matrix::{Cell, Effort, FAULTS, Fault, Method, Place, Verdict, methods, row};
use crate::report::{
    Account, Paint, explained_text, is_unexplained, matrix_json, matrix_page, matrix_text,
};
use crate::scenario::{ScenarioError, nearest};
use crate::schedule::Schedule;
use crate::shrink::Budget;
use miette::Diagnostic;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum Misled {
    #[error("the matrix has no {what} {word:?}")]
    Unknown {
        what: &'static str,
        word: String,
        #[help]
        advice: String,
    },
    /// The methods that come with the crate are right, so code must have gone wrong.
    #[error(transparent)]
    Broken(#[from] ScenarioError),
}

pub(super) fn run(arguments: &MatrixArguments, screen: &Screen) -> miette::Result<Exit> {
    let rows = chosen_methods(&arguments.methods)?;
    let faults = chosen_faults(&arguments.faults)?;
    if let Some(file) = &arguments.output {
        screen::reserve(file)?;
    }
    let clock = Arc::new(Clock::of_stages());
    let watch: Arc<dyn Watch> = clock.clone();
    let effort = Effort {
        schedules: arguments.schedules.get(),
        jobs: arguments.jobs.unwrap_or_else(cores),
        hung_after_ticks: HUNG_AFTER_TICKS,
    };
    let mut cells = Vec::new();
    for (place, method) in rows.iter().enumerate() {
        for expected in method.expected {
            let (id, promise) = (method.id, expected.promise);
            clock.stage(format!("{} of {}: {id}, {promise}", place + 1, rows.len()));
            cells.extend(row(method, promise, &faults, &effort, &watch).map_err(Misled::from)?);
        }
    }
    let report = match arguments.format {
        MatrixFormat::Human => {
            let paint = if arguments.output.is_some() { Paint::Plain } else { screen.paint() };
            matrix_text(&cells, paint)
        }
        MatrixFormat::Json => matrix_json(&cells),
        MatrixFormat::Html => matrix_page(&cells, &explained(&cells, &clock, &watch)?),
    };
    clock.clear();
    let strays = cells.iter().filter(|cell| is_unexplained(cell)).count();
    let verdict = format!("{} cells, {strays} otherwise than expected or explained", cells.len());
    screen.deliver(&report, arguments.output.as_deref(), &verdict)?;
    Ok(if strays == 0 { Exit::Holds } else { Exit::Violated })
}

fn chosen_methods(words: &[String]) -> Result<Vec<&'static Method>, Misled> {
    if words.is_empty() {
        return Ok(methods().iter().collect());
    }
    let names = || methods().iter().map(|method| method.id);
    words
        .iter()
        .map(|word| Method::named(word).ok_or_else(|| unknown("method", word, names())))
        .collect()
}

/// In the order of the columns, whatever the order of the words.
fn chosen_faults(words: &[String]) -> Result<Vec<Fault>, Misled> {
    let names = || FAULTS.iter().map(|fault| fault.slug());
    if let Some(word) = words.iter().find(|word| !names().any(|name| name == word.as_str())) {
        return Err(unknown("column", word, names()));
    }
    let is_chosen = |fault: &Fault| words.is_empty() || words.iter().any(|it| it == fault.slug());
    Ok(FAULTS.iter().copied().filter(is_chosen).collect())
}

fn unknown(
    what: &'static str,
    word: &str,
    names: impl Iterator<Item = &'static str> + Clone,
) -> Misled {
    let near = nearest(word, names.clone());
    let advice = if near.is_empty() {
        format!("it has {}", names.collect::<Vec<_>>().join(", "))
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    Misled::Unknown { what, word: word.to_owned(), advice }
}

/// The failures in words, by the words of the places that they are shown at.
fn explained(
    cells: &[Cell],
    clock: &Clock,
    watch: &Arc<dyn Watch>,
) -> Result<BTreeMap<String, String>, Misled> {
    let mut explained = BTreeMap::new();
    for cell in cells {
        let Verdict::Violated(failure) = &cell.verdict else { continue };
        let own = Place { fault: failure.under, ..cell.place };
        let word = own.word();
        clock.stage(format!("explaining {word}"));
        let subject = own.subject()?;
        let (schedule, budget) = (Schedule::seeded(failure.seed), Some(Budget::default()));
        let effort = explain::Effort::default();
        let end = explain_failure(&subject, &schedule, budget, effort, HUNG_AFTER_TICKS, watch);
        let Ok(Ok(explored)) = end else { continue };
        let replay = format!("postulate replay {word} --seed {} --explain", failure.seed);
        let (explanation, before) = (explored.explanation, explored.before);
        let account = Account { scenario: word, explanation, before, replay };
        let text = explained_text(&account, subject.as_ref(), Paint::Plain);
        explained.insert(cell.place.word(), text);
    }
    Ok(explained)
}
