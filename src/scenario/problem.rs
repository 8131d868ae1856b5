//! What can be wrong with a scenario, and where.

use std::fmt;
use std::ops::Range;

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
    #[error("{file}: the program {program:?} is not attached; supply it with `Scenario::attach`")]
    Unattached {
        /// The name of the scenario.
        file: String,
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
            Self::Text { place, .. } | Self::Impossible { place, .. } => Some(place),
            Self::Unattached { .. } | Self::NoSuchProgram { .. } | Self::NoSuchScenario { .. } => {
                None
            }
        }
    }

    pub(super) fn text(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let place = Box::new(Place::new(file, Some(text), error.span()));
        Self::Text { place, message: error.message().to_owned() }
    }
}

impl Place {
    fn new(file: &str, text: Option<&str>, span: Option<Range<usize>>) -> Self {
        let line = text.zip(span.as_ref()).map(|(text, span)| line_of(text, span.start));
        Self { file: file.to_owned(), span, line }
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

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}
