//! Histories as JSON Lines: one operation a line.

use super::{Event, History, Operation};
use crate::id::{GroupId, MessageId, NodeId};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

/// A line that is not an operation, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The line is not an operation.
    #[error("line {line}: {what}")]
    NotAnOperation {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
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

impl LineError {
    /// The line, from 1.
    pub const fn line(&self) -> usize {
        match *self {
            Self::NotAnOperation { line, .. }
            | Self::Contradiction { line, .. }
            | Self::Unreadable { line, .. } => line,
        }
    }

    /// What would be right in its place.
    pub const fn cure(&self) -> &'static str {
        match self {
            Self::NotAnOperation { .. } => {
                "write one operation a line, such as \
                 {\"at\":\"1ms\",\"process\":0,\"incarnation\":0,\"kind\":\"boot\"}"
            }
            Self::Contradiction { .. } => {
                "a session invokes each attempt of a message once and has it answered at most \
                 once, and so it has each ack"
            }
            Self::Unreadable { .. } => "a history is UTF-8 text",
        }
    }
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
/// At the first line that is not an operation, or has a key that no such operation has, or answers
/// a send or an ack which is not open, or invokes an attempt again; with its number.
pub fn read(input: impl BufRead) -> Result<History, LineError> {
    let mut history = History::default();
    let mut attempts = Attempts::default();
    let mut acks = Acks::default();
    for (number, text) in input.lines().enumerate() {
        let line = number + 1;
        let text = text.map_err(|source| LineError::Unreadable { line, source })?;
        let operation =
            operation(&text).map_err(|what| LineError::NotAnOperation { line, what })?;
        let taken = attempts.take(&operation).and_then(|()| acks.take(&operation));
        taken.map_err(|what| LineError::Contradiction { line, what })?;
        history.push(operation);
    }
    Ok(history)
}

fn operation(text: &str) -> Result<Operation, String> {
    let operation: Operation = serde_json::from_str(text).map_err(|error| without_place(&error))?;
    // A misspelt key must not pass for one that may be left out.
    let object = |value: Result<Value, serde_json::Error>| match value {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(format!("{other} is no object")),
        Err(error) => Err(without_place(&error)),
    };
    let stated = object(serde_json::from_str(text))?;
    let known = object(serde_json::to_value(operation))?;
    match stated.keys().find(|&key| !known.contains_key(key)) {
        None => Ok(operation),
        Some(key) => {
            let known: Vec<_> = known.keys().map(|key| format!("`{key}`")).collect();
            Err(format!("unknown field `{key}`, expected one of {}", known.join(", ")))
        }
    }
}

/// What an error says, without the place: the line is always its first.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
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

/// The acks so far, each with how many of a session are unanswered: a message that is handed out
/// again may be acked again.
#[derive(Default)]
struct Acks(BTreeMap<(NodeId, u16, GroupId, MessageId), u32>);

impl Acks {
    fn take(&mut self, operation: &Operation) -> Result<(), String> {
        let session = (operation.process, operation.incarnation);
        let name = |group, message| (session.0, session.1, group, message);
        match operation.event {
            Event::AckInvoke { group, message } => {
                *self.0.entry(name(group, message)).or_insert(0) += 1;
                Ok(())
            }
            Event::AckOk { group, message } | Event::AckInfo { group, message } => {
                match self.0.get_mut(&name(group, message)) {
                    Some(0) => Err(format!("the ack of {message} by {group:?} is answered twice")),
                    Some(open) => {
                        *open -= 1;
                        Ok(())
                    }
                    None => {
                        Err(format!("an ack of {message} by {group:?} is answered, never sent"))
                    }
                }
            }
            _ => Ok(()),
        }
    }
}
