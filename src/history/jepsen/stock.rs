//! Queues and sets: what is put in, and what is taken out or found.

use super::source::{Entry, Kind, Wrong};
use super::{Moment, Output};
use crate::history::{EndCause, Event};
use crate::id::{GroupId, MessageId, NodeId, SinkId};
use crate::time::Instant;
use std::collections::BTreeMap;

/// A queue, or a set, in the course of its history.
#[derive(Debug, Default)]
pub(super) struct Stock {
    is_set: bool,
    /// What the last read of a set found, and who read it when.
    found: Option<(Moment, Vec<u64>)>,
    /// How many operations were about sending.
    sends: u64,
    /// The clients that are about to take or to read, with the sends before each began.
    taking: BTreeMap<u32, u64>,
    /// Whether all was taken that there was: a drain or a read has been completed.
    complete: bool,
}

impl Stock {
    pub(super) fn queue() -> Self {
        Self::default()
    }

    pub(super) fn set() -> Self {
        Self { is_set: true, ..Self::default() }
    }

    pub(super) fn take(&mut self, entry: &Entry<'_>, out: &mut Output) -> Result<(), Wrong> {
        let Entry { process, kind, value, .. } = *entry;
        let who = Moment::of(entry);
        match (self.is_set, entry.f) {
            (false, "enqueue") | (true, "add") => {
                self.complete = false;
                self.sends += 1;
                let value = entry.number()?;
                return out.send(who, kind, MessageId::from_word(value), value);
            }
            (false, "dequeue") => {
                if kind == Kind::Ok {
                    receive(who, entry.number()?, out)?;
                }
            }
            // A drain that was cut short may tell what it had taken by then.
            (false, "drain") => {
                if kind == Kind::Ok || super::source::items(value).is_some() {
                    for value in entry.numbers()? {
                        receive(who, value, out)?;
                    }
                }
            }
            (true, "read") => {
                if kind == Kind::Ok {
                    let found = entry.numbers()?;
                    if self.is_late(process) || !self.complete {
                        self.found = Some((who, found));
                    }
                }
            }
            (is_set, f) => {
                let what = if is_set { "set" } else { "queue" };
                return Err(Wrong::Key("f", format!("a {what} has no operation :{f}")));
            }
        }
        self.taken(process, entry.f, kind);
        Ok(())
    }

    /// A client begins or ends to take or to read. Nobody knows what it took if it ends by info.
    fn taken(&mut self, process: u32, f: &str, kind: Kind) {
        match kind {
            Kind::Invoke => drop(self.taking.insert(process, self.sends)),
            Kind::Ok | Kind::Fail => {
                self.complete |= kind == Kind::Ok && f != "dequeue" && self.is_late(process);
                self.taking.remove(&process);
            }
            Kind::Info => {}
        }
    }

    /// Whether nothing was sent since this client began to take or to read.
    fn is_late(&self, process: u32) -> bool {
        self.taking.get(&process) == Some(&self.sends)
    }

    pub(super) fn finish(&mut self, last: Instant, out: &mut Output) -> Result<(), Wrong> {
        if let Some((who, values)) = self.found.take() {
            for value in values {
                let (message, sink) = (MessageId::from_word(value), SinkId(0));
                out.push(who, Event::Effect { message, sink, payload: value })?;
            }
        }
        out.close(last)?;
        if self.complete && (self.is_set || self.taking.is_empty()) {
            let who = Moment { at: last, process: NodeId(0), incarnation: 0 };
            out.push(who, Event::End { cause: EndCause::Quiescent })?;
        }
        Ok(())
    }
}

fn receive(who: Moment, value: u64, out: &mut Output) -> Result<(), Wrong> {
    let (message, group, payload) = (MessageId::from_word(value), GroupId(0), value);
    out.push(who, Event::Received { group, message, key: 0, delivery: 0, payload })?;
    out.push(who, Event::Effect { message, sink: SinkId(0), payload })
}
