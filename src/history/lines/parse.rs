//! From the text of one line to its operation.

use crate::history::{DownCause, EndCause, Event, Operation};
use crate::id::{GroupId, MessageId, NodeId, PartitionId, SinkId};
use crate::time::Instant;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::str::Utf8Error;

/// Why a line is no operation.
pub(super) enum Wrong {
    /// It is no text.
    Text(Utf8Error),
    /// Something at a byte of it, counted from 1.
    Place { column: usize, what: String },
}

/// The operation that a line is.
pub(super) fn operation(line: &[u8]) -> Result<Operation, Wrong> {
    let column = match serde_json::from_slice::<Fields>(line) {
        Ok(stated) => match stated.operation() {
            Some(operation) => return Ok(operation),
            None => None,
        },
        Err(error) => Some(error.column().max(1)),
    };
    let text = str::from_utf8(line).map_err(Wrong::Text)?;
    // The general reader decides, and finds the words.
    slowly(text).map_err(|what| {
        let column = misfit(text, &what).or(column).unwrap_or_else(|| text.trim_end().len().max(1));
        Wrong::Place { column, what }
    })
}

/// The keys of all operations, side by side: reading them by kind would keep each line twice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    at: Instant,
    process: NodeId,
    incarnation: u16,
    kind: Kind,
    #[serde(default)]
    message: Given<MessageId>,
    #[serde(default)]
    key: Given<u64>,
    #[serde(default)]
    attempt: Given<u16>,
    #[serde(default)]
    payload: Given<u64>,
    #[serde(default)]
    partition: Given<PartitionId>,
    #[serde(default)]
    offset: Given<Option<u64>>,
    #[serde(default)]
    group: Given<GroupId>,
    #[serde(default)]
    delivery: Given<u16>,
    #[serde(default)]
    sink: Given<SinkId>,
    #[serde(default)]
    token: Given<u64>,
    #[serde(default)]
    digest: Given<u64>,
    #[serde(default)]
    cause: Given<Cause>,
}

/// The value of a key that need not be there. Null is a value, which most keys cannot have.
struct Given<T>(Option<T>);

impl<T> Default for Given<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

#[derive(Copy, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Plan,
    SendInvoke,
    SendOk,
    SendFail,
    SendInfo,
    Polled,
    CommitInvoke,
    CommitOk,
    CommitInfo,
    Received,
    Returned,
    Lapsed,
    AckInvoke,
    AckOk,
    AckInfo,
    Acting,
    Effect,
    View,
    Boot,
    Down,
    Heal,
    End,
}

#[derive(Copy, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Cause {
    Crash,
    PowerCut,
    Exit,
    Settled,
    Quiescent,
    Impatient,
    Broken,
    Budget,
}

impl Cause {
    fn of_down(self) -> Option<DownCause> {
        match self {
            Self::Crash => Some(DownCause::Crash),
            Self::PowerCut => Some(DownCause::PowerCut),
            Self::Exit => Some(DownCause::Exit),
            _ => None,
        }
    }

    fn of_end(self) -> Option<EndCause> {
        match self {
            Self::Settled => Some(EndCause::Settled),
            Self::Quiescent => Some(EndCause::Quiescent),
            Self::Impatient => Some(EndCause::Impatient),
            Self::Broken => Some(EndCause::Broken),
            Self::Budget => Some(EndCause::Budget),
            _ => None,
        }
    }
}

impl Fields {
    /// Nothing, if a key is missing or is not one of this kind.
    fn operation(mut self) -> Option<Operation> {
        let event = self.event()?;
        let left = self.message.0.is_some()
            || self.key.0.is_some()
            || self.attempt.0.is_some()
            || self.payload.0.is_some()
            || self.partition.0.is_some()
            || self.offset.0.is_some()
            || self.group.0.is_some()
            || self.delivery.0.is_some()
            || self.sink.0.is_some()
            || self.token.0.is_some()
            || self.digest.0.is_some()
            || self.cause.0.is_some();
        let Self { at, process, incarnation, .. } = self;
        (!left).then_some(Operation { at, process, incarnation, event })
    }

    /// Takes what the kind needs.
    fn event(&mut self) -> Option<Event> {
        Some(match self.kind {
            Kind::Plan => Event::Plan { message: self.message.0.take()?, key: self.key.0.take()? },
            Kind::SendInvoke => Event::SendInvoke {
                message: self.message.0.take()?,
                key: self.key.0.take()?,
                attempt: self.attempt.0.take()?,
                payload: self.payload.0.take()?,
            },
            Kind::SendOk => Event::SendOk {
                message: self.message.0.take()?,
                attempt: self.attempt.0.take()?,
                partition: self.partition.0.take()?,
                offset: self.offset.0.take().flatten(),
            },
            Kind::SendFail => {
                Event::SendFail { message: self.message.0.take()?, attempt: self.attempt.0.take()? }
            }
            Kind::SendInfo => {
                Event::SendInfo { message: self.message.0.take()?, attempt: self.attempt.0.take()? }
            }
            Kind::Polled => Event::Polled {
                group: self.group.0.take()?,
                message: self.message.0.take()?,
                key: self.key.0.take()?,
                partition: self.partition.0.take()?,
                offset: self.offset.0.take()??,
                payload: self.payload.0.take()?,
            },
            Kind::Effect => Event::Effect {
                message: self.message.0.take()?,
                sink: self.sink.0.take()?,
                payload: self.payload.0.take()?,
            },
            _ => return self.event_of_few(),
        })
    }

    fn event_of_few(&mut self) -> Option<Event> {
        let group = self.group.0.take();
        Some(match self.kind {
            Kind::CommitInvoke | Kind::CommitOk | Kind::CommitInfo => {
                let (group, partition) = (group?, self.partition.0.take()?);
                let offset = self.offset.0.take()??;
                match self.kind {
                    Kind::CommitInvoke => Event::CommitInvoke { group, partition, offset },
                    Kind::CommitOk => Event::CommitOk { group, partition, offset },
                    _ => Event::CommitInfo { group, partition, offset },
                }
            }
            Kind::Received => Event::Received {
                group: group?,
                message: self.message.0.take()?,
                key: self.key.0.take()?,
                delivery: self.delivery.0.take()?,
                payload: self.payload.0.take()?,
            },
            Kind::Returned | Kind::AckInvoke | Kind::AckOk | Kind::AckInfo => {
                let (group, message) = (group?, self.message.0.take()?);
                match self.kind {
                    Kind::Returned => Event::Returned { group, message },
                    Kind::AckInvoke => Event::AckInvoke { group, message },
                    Kind::AckOk => Event::AckOk { group, message },
                    _ => Event::AckInfo { group, message },
                }
            }
            Kind::Lapsed => Event::Lapsed { group: group? },
            _ if group.is_some() => return None,
            Kind::Acting => Event::Acting {
                message: self.message.0.take()?,
                sink: self.sink.0.take()?,
                token: self.token.0.take()?,
            },
            Kind::View => Event::View { digest: self.digest.0.take()? },
            Kind::Boot => Event::Boot,
            Kind::Heal => Event::Heal,
            Kind::Down => Event::Down { cause: self.cause.0.take()?.of_down()? },
            Kind::End => Event::End { cause: self.cause.0.take()?.of_end()? },
            _ => return None,
        })
    }
}

/// The same by the derived reader of operations, which keeps a line twice and names what is wrong.
fn slowly(text: &str) -> Result<Operation, String> {
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

/// The column of the key that `what` calls unknown.
fn misfit(text: &str, what: &str) -> Option<usize> {
    let key = what.strip_prefix("unknown field `")?.split('`').next()?;
    Some(text.find(&format!("\"{key}\""))? + 1)
}
