//! What can be wrong with a scenario, and where.

use std::ops::Range;

/// Why a scenario cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// The text is not TOML, or not a scenario: a key nobody knows, a value of another type or out of bounds.
    #[error("{}{message}", at(file, *line))]
    Text {
        /// The name of the text.
        file: String,
        /// What is wrong, and what would be right.
        message: String,
        /// Where, in bytes of the text.
        span: Option<Range<usize>>,
        /// Which line that is, from 1.
        line: Option<usize>,
    },
    /// Values that do not go together.
    #[error("{}{key}: {wrong}; {right}", at(file, *line))]
    Impossible {
        /// The name of the text.
        file: String,
        /// The key of the value at fault.
        key: &'static str,
        /// What is wrong.
        wrong: String,
        /// What would be right.
        right: String,
        /// Where, in bytes of the text.
        span: Option<Range<usize>>,
        /// Which line that is, from 1.
        line: Option<usize>,
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

impl ScenarioError {
    /// Where in the text it is, in bytes.
    pub fn span(&self) -> Option<Range<usize>> {
        match self {
            Self::Text { span, .. } | Self::Impossible { span, .. } => span.clone(),
            Self::Unattached { .. } | Self::NoSuchProgram { .. } | Self::NoSuchScenario { .. } => {
                None
            }
        }
    }

    /// Which line it is in, from 1.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Text { line, .. } | Self::Impossible { line, .. } => *line,
            Self::Unattached { .. } | Self::NoSuchProgram { .. } | Self::NoSuchScenario { .. } => {
                None
            }
        }
    }

    pub(super) fn text(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let span = error.span();
        let line = span.as_ref().map(|span| line_of(text, span.start));
        Self::Text { file: file.to_owned(), message: error.message().to_owned(), span, line }
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
        let line = text.zip(span.as_ref()).map(|(text, span)| line_of(text, span.start));
        ScenarioError::Impossible { file: file.to_owned(), key, wrong, right, span, line }
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
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            _ => {
                span = Some(value.span());
                break;
            }
        }
    }
    span
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

fn at(file: &str, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{file}:{line}: "),
        None => format!("{file}: "),
    }
}
