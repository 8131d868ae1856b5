//! What can be wrong with a scenario, and where.

use super::advice::advise;
use super::{BYTES_MAX, Scenario};
use serde::Deserialize;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Why a scenario cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// The text is not TOML, or not a scenario: a key nobody knows, a value of another type or out
    /// of bounds.
    #[error("{place}: {message}")]
    Text {
        /// Where.
        place: Box<Place>,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// The text is longer than that of any scenario.
    #[error("{file}: the text is longer than {BYTES_MAX} bytes: no scenario")]
    TooLong {
        /// The name of the text.
        file: String,
    },
    /// Values that do not go together.
    #[error("{place}: {key}: {wrong}; {right}")]
    Impossible {
        /// Where.
        place: Box<Place>,
        /// The key of the value at fault.
        key: &'static str,
        /// What is wrong.
        wrong: String,
        /// What would be right.
        right: String,
    },
    /// The scenario names a program that no code supplied.
    #[error("{place}: the program {program:?} is not attached; supply it with `Scenario::attach`")]
    Unattached {
        /// Where it is named.
        place: Box<Place>,
        /// The name of the program.
        program: String,
    },
    /// Code supplied a program that the scenario does not name.
    #[error("{file}: no [[program]] is named {program:?}; the scenario names {known}")]
    NoSuchProgram {
        /// The name of the scenario.
        file: String,
        /// The name of the program.
        program: String,
        /// The names that there are.
        known: String,
    },
    /// No scenario of the catalogue has this name.
    #[error("no scenario is named {name:?}; there are {known}")]
    NoSuchScenario {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of the text.
    pub file: String,
    /// Where, in bytes, if that is known.
    pub span: Option<Range<usize>>,
    /// Which line that is, from 1.
    pub line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

impl ScenarioError {
    /// Where in the text it is, in bytes.
    pub fn span(&self) -> Option<Range<usize>> {
        self.place()?.span.clone()
    }

    /// Which line it is in, from 1.
    pub fn line(&self) -> Option<usize> {
        self.place()?.line
    }

    /// Where it is, if it is in a text.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Text { place, .. }
            | Self::Impossible { place, .. }
            | Self::Unattached { place, .. } => Some(place),
            Self::TooLong { .. } | Self::NoSuchProgram { .. } | Self::NoSuchScenario { .. } => None,
        }
    }

    pub(super) fn text(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let span = error.span().or_else(|| span_of_line(text, error));
        let place = Box::new(Place::new(file, Some(text), span));
        let variants = error.span().and_then(|span| variants(text, span));
        Self::Text { place, message: advise(error.message(), variants.as_deref()) }
    }
}

impl Place {
    /// A text without places in it.
    pub(super) fn whole(file: &str) -> Self {
        Self::new(file, None, None)
    }

    fn new(file: &str, text: Option<&str>, span: Option<Range<usize>>) -> Self {
        let line = text.zip(span.as_ref()).map(|(text, span)| line_of(text, span.start));
        Self { file: file.to_owned(), span, line }
    }
}

/// The text that a scenario was read from.
#[derive(Clone)]
pub(super) struct Origin {
    file: String,
    text: Arc<str>,
}

/// The text is that of the scenario, which says all of it already.
impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Origin {
    pub(super) fn new(file: &str, text: &str) -> Self {
        Self { file: file.to_owned(), text: text.into() }
    }

    /// Where the program of this name is named.
    pub(super) fn program(&self, name: &str) -> Place {
        let span = toml::de::DeTable::parse(&self.text).ok().and_then(|document| {
            let programs = document.get_ref().get("program")?.get_ref().as_array()?;
            let names = programs.iter().filter_map(|program| program.get_ref().get("name"));
            let mut spans = names.filter(|found| found.get_ref().as_str() == Some(name));
            spans.next().map(toml::Spanned::span)
        });
        Place::new(&self.file, Some(&self.text), span)
    }
}

/// A value at fault, before it is looked up in a text.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) key: &'static str,
    pub(super) wrong: String,
    pub(super) right: String,
}

impl Problem {
    pub(super) fn new(
        key: &'static str,
        wrong: impl Into<String>,
        right: impl Into<String>,
    ) -> Self {
        Self { key, wrong: wrong.into(), right: right.into() }
    }

    /// The error, with the place of the key in `text`, or of the section if the key is not stated.
    pub(super) fn locate(self, file: &str, text: Option<&str>) -> ScenarioError {
        let Self { key, wrong, right } = self;
        let span = text.and_then(|text| span_of(text, key));
        let place = Box::new(Place::new(file, text, span));
        ScenarioError::Impossible { place, key, wrong, right }
    }
}

fn span_of(text: &str, key: &str) -> Option<Range<usize>> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut span = None;
    for part in key.split('.') {
        let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref() == part) else {
            break;
        };
        span = Some(name.span());
        let toml::de::DeValue::Table(inner) = value.get_ref() else {
            return Some(value.span());
        };
        table = inner;
    }
    span
}

/// Refuses a text that nobody would write.
pub(super) fn refuse_long(file: &str, text: &str) -> Result<(), ScenarioError> {
    if text.len() > BYTES_MAX {
        return Err(ScenarioError::TooLong { file: file.to_owned() });
    }
    Ok(())
}

/// Refuses a list in the place of a section: the parser would take its values for those of the
/// section's keys, in the order in which this crate happens to have them.
pub(super) fn refuse_unnamed(file: &str, text: &str) -> Result<(), ScenarioError> {
    let Ok(document) = toml::de::DeTable::parse(text) else { return Ok(()) };
    let Some((section, span)) = unnamed(document.get_ref(), &mut Vec::new()) else {
        return Ok(());
    };
    let place = Box::new(Place::new(file, Some(text), Some(span)));
    let message = format!("`{section}` is no list: write its keys under [{section}], once");
    Err(ScenarioError::Text { place, message })
}

/// A number that no scenario holds.
const NO_SECTION: i64 = i64::MIN;

/// The first list below `path` that stands for a section: a number in its place is told so.
fn unnamed(
    document: &toml::de::DeTable<'_>,
    path: &mut Vec<String>,
) -> Option<(String, Range<usize>)> {
    for (key, value) in document {
        path.push(key.get_ref().to_string());
        let found = match value.get_ref() {
            toml::de::DeValue::Table(inner) => unnamed(inner, path),
            toml::de::DeValue::Array(_) => is_section(path).then(|| (path.join("."), key.span())),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        path.pop();
    }
    None
}

/// Whether a scenario has a section at `path`.
fn is_section(path: &[String]) -> bool {
    let mut value = toml::Value::Integer(NO_SECTION);
    for key in path.iter().rev() {
        value = toml::Value::Table([(key.clone(), value)].into_iter().collect());
    }
    let refusal = format!("integer `{NO_SECTION}`, expected struct ");
    let error = Scenario::deserialize(value).err();
    error.is_some_and(|error| error.message().contains(&refusal))
}

/// The line with which the parser begins to complain so, if it does not say where.
fn span_of_line(text: &str, error: &toml::de::Error) -> Option<Range<usize>> {
    let starts: Vec<_> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(end, _)| end + 1)).collect();
    let complains = |end: usize| {
        let again = toml::from_str::<toml::Table>(&text[..end]).err();
        again.is_some_and(|again| again.message() == error.message())
    };
    let line = starts.partition_point(|&start| !complains(start)).checked_sub(1)?;
    let end = starts.get(line + 1).map_or(text.len(), |next| next - 1);
    Some(starts[line]..end)
}

/// The words that are known where a value stands that is no word: what the parser says of an empty
/// one.
fn variants(text: &str, span: Range<usize>) -> Option<String> {
    let emptied = format!("{}\"\"{}", text.get(..span.start)?, text.get(span.end..)?);
    let error = toml::from_str::<Scenario>(&emptied).err()?;
    let known = error.message().strip_prefix("unknown variant ``, ")?;
    Some(known.to_owned())
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}
