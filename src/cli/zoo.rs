//! `postulate zoo`.

use super::Exit;
use super::arguments::{Format, ZooArguments};
use super::progress::{Clock, HUNG_AFTER_TICKS};
use super::screen::Screen;
use super::sweep::cores;
use crate::explore::Watch;
use crate::report::{Exhibit, zoo_json, zoo_text};
use crate::scenario::{ScenarioError, nearest};
use crate::zoo::{Approach, Checked, Effort, Keeper, Measurement, Specimen, zoo};
use miette::Diagnostic;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many failures of each specimen are shrunk.
const SHRUNK_MAX: usize = 8;

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum Misled {
    #[error("no specimen is named {word:?}")]
    Unknown {
        word: String,
        #[help]
        advice: String,
    },
    #[error("no specimen can be vouched for by the baseline")]
    #[diagnostic(help("leave out --verify, or --strategy baseline"))]
    Baseline,
    /// The specimens that come with the crate are right, so code must have gone wrong.
    #[error(transparent)]
    Broken(#[from] ScenarioError),
}

pub(super) fn run(arguments: &ZooArguments, screen: &Screen) -> miette::Result<Exit> {
    let specimens = chosen(&arguments.specimens)?;
    if arguments.verify && arguments.strategy == Approach::Baseline {
        return Err(Misled::Baseline.into());
    }
    let clock = Arc::new(Clock::of_stages());
    let exhibits = exhibits(arguments, &specimens, &clock).map_err(Misled::from)?;
    clock.clear();
    screen.print(&match arguments.format {
        Format::Human => zoo_text(&exhibits, screen.paint()),
        Format::Json => zoo_json(&exhibits),
    })?;
    let is_amiss = |exhibit: &Exhibit| {
        let is_missing = exhibit.measured.as_ref().is_some_and(|measured| !measured.is_found());
        let fails = |checked: &Vec<Checked>| checked.iter().any(|checked| !checked.holds);
        is_missing || exhibit.checked.as_ref().is_some_and(fails)
    };
    Ok(if exhibits.iter().any(is_amiss) { Exit::Violated } else { Exit::Holds })
}

fn chosen(words: &[String]) -> Result<Vec<&'static Specimen>, Misled> {
    if words.is_empty() {
        return Ok(zoo().iter().collect());
    }
    words.iter().map(|word| Specimen::named(word).ok_or_else(|| unknown(word))).collect()
}

fn unknown(word: &str) -> Misled {
    let near = nearest(word, zoo().iter().map(|specimen| specimen.id));
    let advice = if near.is_empty() {
        "`postulate zoo` lists all of them; a number will do".to_owned()
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    Misled::Unknown { word: word.to_owned(), advice }
}

/// Specimens that are named and about which nothing is asked are told in full.
fn exhibits(
    arguments: &ZooArguments,
    specimens: &[&'static Specimen],
    clock: &Arc<Clock>,
) -> Result<Vec<Exhibit>, ScenarioError> {
    let effort = Effort {
        trials: arguments.trials,
        approach: arguments.strategy,
        cap: arguments.cap,
        jobs: arguments.jobs.unwrap_or_else(cores),
        hung_after_ticks: HUNG_AFTER_TICKS,
        ..Effort::default()
    };
    let watch: Arc<dyn Watch> = clock.clone();
    let keeper = Keeper::new(effort, watch);
    let mut measured = Vec::new();
    if arguments.measure || arguments.verify {
        for specimen in specimens {
            clock.stage(format!("searching for {}", specimen.id));
            measured.push(keeper.measure(specimen)?);
        }
    }
    let mut shrunk = Vec::new();
    if arguments.measure {
        for (specimen, measured) in specimens.iter().zip(&measured) {
            clock.stage(format!("shrinking {}", specimen.id));
            let elapsed = &|| clock.elapsed();
            shrunk.push(keeper.shrink(specimen, measured, SHRUNK_MAX, elapsed)?);
        }
    }
    let mut checked = Vec::new();
    if arguments.verify {
        checked = verify(&keeper, specimens, &measured, clock)?;
    }
    let mut measured = measured.into_iter().filter(|_| arguments.measure);
    let mut shrunk = shrunk.into_iter();
    let mut checked = checked.into_iter();
    let ZooArguments { diff, verify, measure, .. } = *arguments;
    let is_asked = diff || verify || measure;
    let in_full = !is_asked && !arguments.specimens.is_empty();
    let exhibits = specimens.iter().map(|specimen| {
        Ok(Exhibit {
            specimen,
            witness: in_full.then(|| specimen.told_witness()).transpose()?,
            difference: arguments.diff.then(|| specimen.difference()).transpose()?,
            measured: measured.next(),
            shrunk: shrunk.next(),
            checked: checked.next(),
        })
    });
    exhibits.collect()
}

/// A twin that specimens share is swept once, for the one of them that asks for the most.
fn verify(
    keeper: &Keeper,
    specimens: &[&'static Specimen],
    measured: &[Measurement],
    clock: &Clock,
) -> Result<Vec<Vec<Checked>>, ScenarioError> {
    let mut asked = BTreeMap::new();
    for (specimen, measured) in specimens.iter().zip(measured) {
        let most = asked.entry(specimen.twin).or_insert(0);
        *most = keeper.effort().twin.schedules(measured).max(*most);
    }
    let mut twins = BTreeMap::new();
    for (twin, schedules) in asked {
        clock.stage(format!("sweeping {twin}"));
        twins.insert(twin, keeper.sweep_twin(twin, schedules)?);
    }
    let verified = specimens.iter().zip(measured).map(|(specimen, measured)| {
        clock.stage(format!("verifying {}", specimen.id));
        keeper.verify(specimen, measured, &twins[specimen.twin])
    });
    verified.collect()
}
