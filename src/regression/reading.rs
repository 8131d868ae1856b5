//! From the text of a file to a failure, or to what is wrong with it.

use super::{BYTES_MAX, FORMAT, Regression};
use crate::run::{self, Misfit, Subject};
use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;

/// Why a failure file cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegressionError {
    /// It is no text.
    #[error(
        "{file}:{line}: the byte {byte:#04x} is no UTF-8: a failure file is JSON; restore the \
         file, or delete it"
    )]
    Garbled {
        /// The file.
        file: String,
        /// Which line that is, from 1.
        line: usize,
        /// The byte.
        byte: u8,
    },
    /// It ends too early.
    #[error("{file}:{line}: the file is cut short; restore it, or delete it")]
    CutShort {
        /// The file.
        file: String,
        /// Its last line, from 1.
        line: usize,
    },
    /// It is no JSON, or no failure: a key nobody knows, a value of another type.
    #[error("{file}:{line}: {message}; mend the file, restore it, or delete it")]
    Malformed {
        /// The file.
        file: String,
        /// Which line is wrong, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// It is longer than any failure file.
    #[error("{file}: the file is longer than {BYTES_MAX} bytes: no failure file; delete it")]
    TooLong {
        /// The file.
        file: String,
    },
    /// It is of a format that this version does not know.
    #[error(
        "{file}:{line}: the file has format {found}, and postulate {} reads format {FORMAT}; \
         replay it with the version that wrote it{}, or delete it",
        env!("CARGO_PKG_VERSION"),
        writer.as_ref().map_or_else(String::new, |writer| format!(", {writer}"))
    )]
    Format {
        /// The file.
        file: String,
        /// The line that says so, from 1.
        line: usize,
        /// The format.
        found: String,
        /// The version that wrote it, if it says so.
        writer: Option<String>,
    },
    /// It is about another scenario.
    #[error(
        "{file}: the failure is one of the scenario {found:?}, not of {expected:?}; move the file \
         to where that is tested"
    )]
    OtherScenario {
        /// The file.
        file: String,
        /// Its scenario.
        found: String,
        /// The scenario that was to be replayed.
        expected: String,
    },
    /// Its schedule names what the scenario does not have.
    #[error("{file}: schedule.{misfit}; mend the schedule, or delete the file")]
    Misfit {
        /// The file.
        file: String,
        /// What that is.
        misfit: Misfit,
    },
}

/// What a file of any format has.
#[derive(Deserialize)]
struct Head {
    format: Option<Value>,
    postulate: Option<Value>,
}

impl Regression {
    /// The failure that a file holds; errors call it `file`.
    ///
    /// # Errors
    /// If it is no text, cut short, of another format, or no failure: the error names the line. And
    /// if it has more than [`BYTES_MAX`].
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, RegressionError> {
        if bytes.len() > BYTES_MAX {
            return Err(RegressionError::TooLong { file: file.to_owned() });
        }
        let text = str::from_utf8(bytes).map_err(|error| {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let line = 1 + before.matches('\n').count();
            if error.error_len().is_none() {
                return RegressionError::CutShort { file: file.to_owned(), line };
            }
            let byte = bytes[error.valid_up_to()];
            RegressionError::Garbled { file: file.to_owned(), line, byte }
        })?;
        let wrong = |error: &serde_json::Error| Self::wrong(file, text, error);
        // Another format may have other fields; which format it is comes first.
        let head: Head = serde_json::from_str(text).map_err(|error| wrong(&error))?;
        match head.format {
            Some(format) if format != FORMAT => {
                let line = text.lines().position(|line| line.contains("\"format\"")).unwrap_or(0);
                let writer = head.postulate.as_ref().and_then(Value::as_str).map(str::to_owned);
                let (file, found) = (file.to_owned(), format.to_string());
                Err(RegressionError::Format { file, line: line + 1, found, writer })
            }
            _ => serde_json::from_str(text).map_err(|error| wrong(&error)),
        }
    }

    /// Checks that its schedule can be run by `subject`; errors call the file `file`.
    ///
    /// # Errors
    /// If the schedule names a machine, a knob or a value that is not there.
    pub fn fit(&self, file: &str, subject: &dyn Subject) -> Result<(), RegressionError> {
        run::fit(subject, &self.schedule)
            .map_err(|misfit| RegressionError::Misfit { file: file.to_owned(), misfit })
    }

    /// Checks that it is a failure of `subject`: its scenario bears that name, and its schedule
    /// [fits](Self::fit). Errors call the file `file`.
    ///
    /// # Errors
    /// If either is not so.
    pub fn belongs(&self, file: &str, subject: &dyn Subject) -> Result<(), RegressionError> {
        if self.scenario.name == subject.name() {
            return self.fit(file, subject);
        }
        Err(RegressionError::OtherScenario {
            file: file.to_owned(),
            found: self.scenario.name.clone(),
            expected: subject.name().to_owned(),
        })
    }

    fn wrong(file: &str, text: &str, error: &serde_json::Error) -> RegressionError {
        let file = file.to_owned();
        // At the end of a line that ends the text, the last line is the one before.
        let lines = text.lines().count().max(1);
        let line = error.line().clamp(1, lines);
        if error.classify() == Category::Eof {
            return RegressionError::CutShort { file, line };
        }
        let message = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = message.strip_suffix(&place).unwrap_or(&message).to_owned();
        RegressionError::Malformed { file, line, message }
    }
}
