//! What a command runs: a seed of a scenario, or what a failure file holds.

use super::target;
use crate::files::read_at_most;
use crate::regression::{self, Regression, RegressionError};
use crate::run::Subject;
use crate::schedule::{Schedule, Strategy};
use crate::seed::Seed;
use miette::{Diagnostic, WrapErr};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How the name of a failure file ends.
const FILE_ENDING: &str = ".json";

/// What is to be run.
pub(super) struct Aim {
    /// The scenario, as it is named to the reader.
    pub(super) scenario: String,
    pub(super) subject: Arc<dyn Subject>,
    pub(super) schedule: Schedule,
    /// The file that says so.
    pub(super) kept: Option<(String, Regression)>,
}

/// Why there is nothing to run.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum Misled {
    #[error("a scenario is run from a seed")]
    #[diagnostic(help("add --seed SEED, or name a failure file, which ends in {FILE_ENDING}"))]
    NoSeed,
    #[error("{word} is a scenario already")]
    #[diagnostic(help(
        "leave out --scenario, or name a failure file, which ends in {FILE_ENDING}"
    ))]
    NoFile { word: String },
    #[error("a failure file says what is late, and needs no strategy for it")]
    #[diagnostic(help("leave out --strategy"))]
    NoStrategy,
    #[error("the failure file {file} cannot be read")]
    Unreadable { file: String, source: io::Error },
    #[error(transparent)]
    Wrong(#[from] RegressionError),
}

impl Aim {
    /// What `word` names; `other` is the scenario to run a file in instead of its own.
    pub(super) fn at(
        word: &str,
        other: Option<&str>,
        seed: Option<Seed>,
        strategy: Option<Strategy>,
    ) -> miette::Result<Self> {
        if word.ends_with(FILE_ENDING) {
            if strategy.is_some() {
                return Err(Misled::NoStrategy.into());
            }
            return Self::at_file(word, other);
        }
        let scenario = word.to_owned();
        if other.is_some() {
            return Err(Misled::NoFile { word: scenario }.into());
        }
        let subject = target::resolve(word)?;
        let seed = seed.ok_or(Misled::NoSeed)?;
        let schedule = Schedule::seeded(seed).ordered(strategy.unwrap_or_default());
        Ok(Self { scenario, subject, schedule, kept: None })
    }

    fn at_file(file: &str, other: Option<&str>) -> miette::Result<Self> {
        let bytes = read_at_most(Path::new(file), regression::BYTES_MAX)
            .map_err(|source| Misled::Unreadable { file: file.to_owned(), source })?;
        let regression = Regression::parse(file, &bytes).map_err(Misled::from)?;
        let origin = &regression.scenario;
        let named = origin.file.as_ref().unwrap_or(&origin.name);
        let scenario = other.unwrap_or(named).to_owned();
        let subject = target::resolve(&scenario).wrap_err_with(|| {
            format!(
                "{file} is a failure of the scenario {}: if a test found it, that test replays \
                 it; --scenario names another one",
                origin.name
            )
        })?;
        if other.is_some() {
            regression.fit(file, subject.as_ref()).map_err(Misled::from)?;
        } else {
            regression.belongs(file, subject.as_ref()).map_err(Misled::from)?;
        }
        let schedule = regression.schedule.clone();
        Ok(Self { scenario, subject, schedule, kept: Some((file.to_owned(), regression)) })
    }
}
