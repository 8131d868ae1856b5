//! Histories of Jepsen tests, one operation a line in EDN or JSON, as operations of our own.
//!
//! What each workload records is read off the tests of Jepsen itself (`jepsen.checker`,
//! `jepsen.tests.kafka`, `jepsen.tests.linearizable-register`): a *queue* has `:enqueue`,
//! `:dequeue` and `:drain`, a *set* has `:add` and `:read`, *logs* have `:send`, `:poll` and
//! `:txn`, *registers* have `:read`, `:write` and `:cas`. A `:type` of `:info` leaves open whether
//! the operation happened, and so does none at all. What a client takes from a queue, finds in the
//! last read of a set, or is the first to read from a log, is an effect at sink 0. What the nemesis
//! does is passed over. Queues and registers may be read as calls instead, by [`CallReader`].
//!
//! ```text
//! {:type :invoke, :f :enqueue, :value 7, :process 0, :time 1000, :index 0}
//! {:type :ok, :f :enqueue, :value 7, :process 0, :time 2000, :index 1}
//! {"type": "invoke", "f": "dequeue", "value": null, "process": 1, "time": 3000}
//! ```
//!
//! In JSON a string is a keyword and an array a vector, and the number of a log that is a key of an
//! object stands in quotes; so that a harness in any language can have its history judged.

use super::lines::{Attempts, LineError};
use super::{Event, Operation};
use crate::id::{MessageId, NodeId};
use crate::time::Instant;
use kafka::Logs;
use source::{Entry, Kind, Source, Wrong};
use std::collections::{BTreeSet, VecDeque};
use std::io::BufRead;
use stock::Stock;

pub use calling::CallReader;
pub use source::LINE_MAX;

mod calling;
mod json;
mod kafka;
mod source;
mod stock;

/// What a Jepsen test was about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Workload {
    /// `:enqueue`, `:dequeue` and `:drain`, of integers that are enqueued once each.
    Queue,
    /// `:add` and `:read`, of integers that are added once each.
    Set,
    /// `:send`, `:poll` and `:txn`, of integers that are sent to a key once each, with `:assign`,
    /// `:subscribe` and `:crash`: the workload of `jepsen.tests.kafka`.
    Kafka,
}

/// What there is to know of a workload so far.
#[derive(Debug)]
enum Kept {
    Stock(Stock),
    Logs(Logs),
}

impl Kept {
    fn new(workload: Workload) -> Self {
        match workload {
            Workload::Queue => Self::Stock(Stock::queue()),
            Workload::Set => Self::Stock(Stock::set()),
            Workload::Kafka => Self::Logs(Logs::default()),
        }
    }

    fn take(&mut self, entry: &Entry<'_>, out: &mut Output) -> Result<(), Wrong> {
        match self {
            Self::Stock(stock) => stock.take(entry, out),
            Self::Logs(logs) => logs.take(entry, out),
        }
    }

    fn finish(&mut self, last: Instant, out: &mut Output) -> Result<(), Wrong> {
        match self {
            Self::Stock(stock) => stock.finish(last, out),
            Self::Logs(logs) => logs.finish(last, out),
        }
    }
}

/// Reads a history of Jepsen's operation by operation. Of the text it holds one line; of a set it
/// holds the last read, of logs which values were read and where consumers stand.
#[derive(Debug)]
pub struct Reader<R> {
    source: Source<R>,
    kept: Kept,
    out: Output,
    over: bool,
}

impl<R: BufRead> Reader<R> {
    /// A reader before the first line of `input`.
    pub fn new(input: R, workload: Workload) -> Self {
        let kept = Kept::new(workload);
        Self { source: Source::new(input), kept, out: Output::default(), over: false }
    }

    /// The next operation; nothing at the end. The history has an end only if a drain of the queue,
    /// or a read of the set, began after the last send and was completed, and no client may have
    /// taken what it did not tell; or if of every log a client has read all that is known of it,
    /// from the beginning or the first known offset to the last. Otherwise what is missing is not
    /// known to be lost.
    ///
    /// # Errors
    /// At the first line that is no operation of the workload, or that answers what was not
    /// invoked, or invokes it again, with its number.
    pub fn read(&mut self) -> Result<Option<Operation>, LineError> {
        loop {
            if let Some(operation) = self.out.ready.pop_front() {
                return Ok(Some(operation));
            }
            if self.over {
                return Ok(None);
            }
            let Self { source, kept, out, .. } = self;
            if !source.take(|entry| kept.take(&entry, out))? {
                self.over = true;
                let last = source.last();
                source.finish(|| kept.finish(last, out))?;
            }
        }
    }

    /// The line that was read last, or as much of it as was read.
    pub fn text(&self) -> &[u8] {
        self.source.text()
    }
}

/// When, and in which session.
#[derive(Copy, Clone, Debug)]
struct Moment {
    at: Instant,
    process: NodeId,
    incarnation: u16,
}

impl Moment {
    /// A process of Jepsen's is one session: after a crash it has another number.
    fn of(entry: &Entry<'_>) -> Self {
        let Entry { at, process, .. } = *entry;
        Self { at, process: NodeId(process as u16), incarnation: (process >> 16) as u16 }
    }
}

/// What the lines so far mean.
#[derive(Debug, Default)]
struct Output {
    /// What was not handed out yet.
    ready: VecDeque<Operation>,
    attempts: Attempts,
    /// The sends without an answer.
    open: BTreeSet<(NodeId, u16, MessageId)>,
}

impl Output {
    /// A send of a message, which stands under the key 0, begins or is answered.
    fn send(
        &mut self,
        who: Moment,
        kind: Kind,
        message: MessageId,
        payload: u64,
    ) -> Result<(), Wrong> {
        let event = match kind {
            Kind::Invoke => Event::invoke(message, 0, payload),
            Kind::Ok => Event::acknowledged(message),
            Kind::Fail => Event::SendFail { message, attempt: 0 },
            Kind::Info => Event::SendInfo { message, attempt: 0 },
        };
        self.push(who, event)
    }

    fn push(&mut self, who: Moment, event: Event) -> Result<(), Wrong> {
        let Moment { at, process, incarnation } = who;
        let operation = Operation { at, process, incarnation, event };
        self.attempts.take(&operation).map_err(Wrong::Contradiction)?;
        match event {
            Event::SendInvoke { message, .. } => {
                self.open.insert((process, incarnation, message));
            }
            Event::SendOk { message, .. }
            | Event::SendFail { message, .. }
            | Event::SendInfo { message, .. } => {
                self.open.remove(&(process, incarnation, message));
            }
            _ => {}
        }
        self.ready.push_back(operation);
        Ok(())
    }

    /// An operation of this session is over: what of it is without an answer ends as it did.
    fn close_session(&mut self, who: Moment, kind: Kind) -> Result<(), Wrong> {
        let Moment { process, incarnation, .. } = who;
        let first = (process, incarnation, MessageId::from_word(0));
        let last = (process, incarnation, MessageId::from_word(u64::MAX));
        let open: Vec<MessageId> = self.open.range(first..=last).map(|&(.., it)| it).collect();
        for message in open {
            let event = match kind {
                Kind::Fail => Event::SendFail { message, attempt: 0 },
                _ => Event::SendInfo { message, attempt: 0 },
            };
            self.push(who, event)?;
        }
        Ok(())
    }

    /// The history is over: nobody knows of the sends that are without an answer.
    fn close(&mut self, last: Instant) -> Result<(), Wrong> {
        for (process, incarnation, message) in std::mem::take(&mut self.open) {
            let who = Moment { at: last, process, incarnation };
            self.push(who, Event::SendInfo { message, attempt: 0 })?;
        }
        Ok(())
    }
}
