//! Histories as JSON Lines: one operation a line.

use super::{Event, History, Operation};
use crate::id::{GroupId, MessageId, NodeId};
use parse::Wrong;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _, Write};

mod parse;

/// A line that is not an operation, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The line is not an operation.
    #[error("line {line}: {what}")]
    NotAnOperation {
        /// The line, from 1.
        line: usize,
        /// The byte of the line where that shows, from 1.
        column: usize,
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
    /// The line is longer than any operation.
    #[error("line {line}: it is longer than {LINE_MAX} bytes")]
    TooLong {
        /// The line, from 1.
        line: usize,
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
            | Self::TooLong { line }
            | Self::Unreadable { line, .. } => line,
        }
    }

    /// The byte of the line where the error shows, from 1, if it is one of its bytes.
    pub const fn column(&self) -> Option<usize> {
        match *self {
            Self::NotAnOperation { column, .. } => Some(column),
            Self::Contradiction { .. } | Self::TooLong { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// What would be right in its place.
    pub const fn cure(&self) -> &'static str {
        match self {
            Self::NotAnOperation { .. } | Self::TooLong { .. } => {
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
    let mut reader = Reader::new(input);
    let mut history = History::default();
    while let Some(operation) = reader.read()? {
        history.push(operation);
    }
    Ok(history)
}

/// The longest line that is read, in bytes. No operation needs a hundredth of it.
pub const LINE_MAX: usize = 1 << 16;

/// Reads a history operation by operation. Of the text it holds one line, of at most [`LINE_MAX`]
/// bytes.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    text: Vec<u8>,
    line: usize,
    attempts: Attempts,
    acks: Acks,
}

impl<R: BufRead> Reader<R> {
    /// A reader before the first line of `input`.
    pub fn new(input: R) -> Self {
        let (attempts, acks) = Default::default();
        Self { input, text: Vec::new(), line: 0, attempts, acks }
    }

    /// The next operation; nothing at the end.
    ///
    /// # Errors
    /// As [`read`]. What comes after a line that is wrong says nothing.
    pub fn read(&mut self) -> Result<Option<Operation>, LineError> {
        self.text.clear();
        self.line += 1;
        let line = self.line;
        let unreadable = |source| LineError::Unreadable { line, source };
        let mut input = self.input.by_ref().take(LINE_MAX as u64 + 1);
        if input.read_until(b'\n', &mut self.text).map_err(unreadable)? == 0 {
            return Ok(None);
        }
        if self.text.len() > LINE_MAX {
            return Err(LineError::TooLong { line });
        }
        let operation = parse::operation(&self.text).map_err(|wrong| match wrong {
            Wrong::Text(error) => unreadable(io::Error::new(io::ErrorKind::InvalidData, error)),
            Wrong::Place { column, what } => LineError::NotAnOperation { line, column, what },
        })?;
        let taken = self.attempts.take(&operation).and_then(|()| self.acks.take(&operation));
        taken.map_err(|what| LineError::Contradiction { line, what })?;
        Ok(Some(operation))
    }

    /// The line that was read last, or as much of it as was read.
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

/// The attempts so far, each with whether it was answered: a session is (process, incarnation).
/// Attempts of messages with numbers close together share a cell, of 32 messages.
#[derive(Debug, Default)]
pub(super) struct Attempts(BTreeMap<(NodeId, u16, u16, u64), u64>);

impl Attempts {
    /// Takes in an operation.
    ///
    /// # Errors
    /// If it invokes an attempt again, or answers one that is not open: what is wrong.
    pub(super) fn take(&mut self, operation: &Operation) -> Result<(), String> {
        let (message, attempt, answers) = match operation.event {
            Event::SendInvoke { message, attempt, .. } => (message, attempt, false),
            Event::SendOk { message, attempt, .. }
            | Event::SendFail { message, attempt }
            | Event::SendInfo { message, attempt } => (message, attempt, true),
            _ => return Ok(()),
        };
        let word = message.word();
        let name = (operation.process, operation.incarnation, attempt, word >> 5);
        let cell = self.0.entry(name).or_default();
        let (sent, answered) = (1 << (word & 31), 1 << (32 + (word & 31)));
        let (was_sent, was_answered) = (*cell & sent != 0, *cell & answered != 0);
        *cell |= if answers { answered } else { sent };
        match (answers, was_sent, was_answered) {
            (false, false, _) | (true, true, false) => Ok(()),
            (true, false, _) => {
                Err(format!("attempt {attempt} of {message} is answered, never sent"))
            }
            (true, true, true) => Err(format!("attempt {attempt} of {message} is answered twice")),
            (false, true, _) => Err(format!("attempt {attempt} of {message} is sent twice")),
        }
    }
}

/// The acks so far, each with how many of a session are unanswered: a message that is handed out
/// again may be acked again.
#[derive(Debug, Default)]
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
