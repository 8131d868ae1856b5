//! Histories as JSON Lines: one operation a line.

use super::{History, Operation};
use std::io::{self, BufRead, Write};

/// A line that is not an operation, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The line is not an operation.
    #[error("line {line}: {source}")]
    NotAnOperation {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The line could not be read.
    #[error("line {line}: {source}")]
    Unreadable {
        /// The line, from 1.
        line: usize,
        /// Why.
        source: io::Error,
    },
}

/// Writes a history, one operation a line.
///
/// # Errors
/// If `out` fails.
pub fn write(history: &History, out: &mut impl Write) -> io::Result<()> {
    for operation in history.operations() {
        serde_json::to_writer(&mut *out, operation)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Reads a history, one operation a line.
///
/// # Errors
/// At the first line that is not an operation, with its number.
pub fn read(input: impl BufRead) -> Result<History, LineError> {
    let mut history = History::default();
    for (number, line) in input.lines().enumerate() {
        let line_number = number + 1;
        let text = line.map_err(|source| LineError::Unreadable { line: line_number, source })?;
        let operation: Operation = serde_json::from_str(&text)
            .map_err(|source| LineError::NotAnOperation { line: line_number, source })?;
        history.push(operation);
    }
    Ok(history)
}
