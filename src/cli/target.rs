//! From the word for a scenario to what is run.

use crate::files::read_at_most;
use crate::matrix::{NotACell, Place};
use crate::run::Subject;
use crate::scenario::{self, Scenario, ScenarioError, nearest};
use crate::zoo::{self, Specimen};
use miette::{Diagnostic, NamedSource, SourceSpan};
use std::io;
use std::path::Path;
use std::string::FromUtf8Error;
use std::sync::Arc;

/// A name that can be swept, and what is behind it.
pub(super) struct Listed {
    pub(super) name: &'static str,
    pub(super) about: String,
}

/// Why a word for a scenario leads to nothing that runs.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum Misled {
    #[error("no scenario is named {word:?}")]
    Unknown {
        word: String,
        #[help]
        advice: String,
    },
    #[error(transparent)]
    #[diagnostic(help("`postulate matrix` shows the whole table"))]
    NotACell(#[from] NotACell),
    #[error("the scenario {path} cannot be read")]
    Unreadable { path: String, source: io::Error },
    #[error("{error}")]
    Wrong {
        error: ScenarioError,
        #[source_code]
        text: NamedSource<String>,
        #[label("here")]
        place: Option<SourceSpan>,
    },
    #[error("{path}:{line}: the byte {byte:#04x} is no UTF-8: a scenario is a text file in UTF-8")]
    Garbled {
        path: String,
        line: usize,
        byte: u8,
        #[source_code]
        text: NamedSource<String>,
        #[label("here")]
        place: SourceSpan,
    },
    /// The texts that come with the crate are right, so code must have gone wrong.
    #[error(transparent)]
    Broken(#[from] ScenarioError),
}

/// The scenarios that are built in.
pub(super) fn scenarios() -> miette::Result<Vec<Listed>> {
    let listed = scenario::catalogue().iter().map(|entry| {
        let about = entry.scenario().map_err(Misled::from)?.about;
        Ok(Listed { name: entry.name, about })
    });
    listed.collect()
}

/// The bugs that are planted in them.
pub(super) fn specimens() -> Vec<Listed> {
    let listed = zoo::zoo().iter().map(|specimen| {
        let about = format!("{} with {}", specimen.twin, specimen.change());
        Listed { name: specimen.id, about }
    });
    listed.collect()
}

/// Whether `word` is the path of a TOML file, and no scenario that is built in.
pub(super) fn is_file(word: &str) -> bool {
    let is_built_in = scenario::catalogue().iter().any(|entry| entry.name == word);
    let is_planted = Specimen::named(word).is_some() || Place::named(word).is_some();
    !is_built_in && !is_planted && is_path(word)
}

/// What `word` means: a scenario of the catalogue, a specimen of the zoo, a cell of the matrix, or
/// a TOML file.
pub(super) fn resolve(word: &str) -> miette::Result<Arc<dyn Subject>> {
    if let Some(place) = Place::named(word) {
        return Ok(place.map_err(Misled::from)?.subject().map_err(Misled::from)?);
    }
    let known = scenario::catalogue().iter().find(|entry| entry.name == word);
    let system = match (known, Specimen::named(word)) {
        (Some(entry), _) => entry.scenario().and_then(Scenario::system).map_err(Misled::from)?,
        (None, Some(specimen)) => {
            specimen.scenario().and_then(Scenario::system).map_err(Misled::from)?
        }
        (None, None) if is_path(word) => {
            let bytes = read_at_most(Path::new(word), scenario::BYTES_MAX)
                .map_err(|source| Misled::Unreadable { path: word.to_owned(), source })?;
            let text = String::from_utf8(bytes).map_err(|error| garbled(word, &error))?;
            let scenario = Scenario::from_toml(word, &text).and_then(Scenario::system);
            scenario.map_err(|error| wrong(word, text, error))?
        }
        (None, None) => return Err(unknown(word).into()),
    };
    Ok(Arc::new(system))
}

fn is_path(word: &str) -> bool {
    let path = Path::new(word);
    path.extension().is_some() || path.components().count() > 1 || path.exists()
}

fn wrong(path: &str, text: String, error: ScenarioError) -> Misled {
    let place = error.span().map(SourceSpan::from);
    Misled::Wrong { error, text: NamedSource::new(path, text).with_language("TOML"), place }
}

/// Names the line of the first byte that is no text, and shows it as a reader would see it.
fn garbled(path: &str, error: &FromUtf8Error) -> Misled {
    let start = error.utf8_error().valid_up_to();
    let byte = error.as_bytes().get(start).copied().unwrap_or_default();
    let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
    let line = 1 + text[..start].matches('\n').count();
    Misled::Garbled {
        path: path.to_owned(),
        line,
        byte,
        text: NamedSource::new(path, text),
        place: (start, char::REPLACEMENT_CHARACTER.len_utf8()).into(),
    }
}

fn unknown(word: &str) -> Misled {
    let names = scenario::catalogue().iter().map(|entry| entry.name);
    let near = nearest(word, names.chain(zoo::zoo().iter().map(|specimen| specimen.id)));
    let advice = if near.is_empty() {
        "`postulate list` names all of them; a TOML file is given by its path".to_owned()
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    Misled::Unknown { word: word.to_owned(), advice }
}
