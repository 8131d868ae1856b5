//! Histories as JSON Lines: one operation a line.

use super::{Event, History, Operation};
use crate::id::{MessageId, NodeId};
use std::collections::BTreeMap;
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
    /// The line is an operation that contradicts an earlier one.
    #[error("line {line}: {what}")]
    Contradiction {
        /// The line, from 1.
        line: usize,
        /// What is contradictory.
        what: String,
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
/// # Errors At the first line that is not an operation, or that answers a send which is not open,
/// or that invokes an attempt again; with its number.
pub fn read(input: impl BufRead) -> Result<History, LineError> {
    let mut history = History::default();
    let mut attempts = Attempts::default();
    for (number, line) in input.lines().enumerate() {
        let line_number = number + 1;
        let text = line.map_err(|source| LineError::Unreadable { line: line_number, source })?;
        let operation: Operation = serde_json::from_str(&text)
            .map_err(|source| LineError::NotAnOperation { line: line_number, source })?;
        attempts
            .take(&operation)
            .map_err(|what| LineError::Contradiction { line: line_number, what })?;
        history.push(operation);
    }
    Ok(history)
}

/// The attempts so far, each with whether it was answered: a session is (process, incarnation).
#[derive(Default)]
struct Attempts(BTreeMap<(NodeId, u16, MessageId, u16), bool>);

impl Attempts {
    fn take(&mut self, operation: &Operation) -> Result<(), String> {
        let session = (operation.process, operation.incarnation);
        let (message, attempt, answers) = match operation.event {
            Event::SendInvoke { message, attempt, .. } => (message, attempt, false),
            Event::SendOk { message, attempt, .. }
            | Event::SendFail { message, attempt }
            | Event::SendInfo { message, attempt } => (message, attempt, true),
            _ => return Ok(()),
        };
        let known = self.0.insert((session.0, session.1, message, attempt), answers);
        match (known, answers) {
            (None, false) | (Some(false), true) => Ok(()),
            (None, true) => Err(format!("attempt {attempt} of {message} is answered, never sent")),
            (Some(true), true) => Err(format!("attempt {attempt} of {message} is answered twice")),
            (Some(_), false) => Err(format!("attempt {attempt} of {message} is sent twice")),
        }
    }
}
