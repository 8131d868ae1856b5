//! Histories of Jepsen tests in EDN, one operation a line, as operations of our own.
//!
//! What each workload records is read off the tests of Jepsen itself (`jepsen.checker`): a *queue*
//! has `:enqueue`, `:dequeue` and `:drain`, a *set* has `:add` and `:read`. A `:type` of `:info`
//! leaves open whether the operation happened. What a client takes from a queue, or finds in the
//! last read of a set, is an effect at sink 0. What the nemesis does is passed over.
//!
//! ```text
//! {:type :invoke, :f :enqueue, :value 7, :process 0, :time 1000, :index 0}
//! {:type :ok, :f :enqueue, :value 7, :process 0, :time 2000, :index 1}
//! ```

use super::lines::LineError;
use super::{EndCause, Event, Operation};
use crate::id::{GroupId, MessageId, NodeId, SinkId};
use crate::time::Instant;
use clojure_reader::edn::{self, Edn};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufRead, Read as _};

/// The longest line that is read, in bytes: a drain or a read takes one line.
pub const LINE_MAX: usize = 1 << 24;

/// What a Jepsen test was about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Workload {
    /// `:enqueue`, `:dequeue` and `:drain`, of integers that are enqueued once each.
    Queue,
    /// `:add` and `:read`, of integers that are added once each.
    Set,
}

/// When, and in which session.
type Moment = (Instant, NodeId, u16);

/// Reads a history of Jepsen's operation by operation. Of the text it holds one line; of a set it
/// holds the last read.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    workload: Workload,
    text: Vec<u8>,
    line: usize,
    /// What the lines so far mean and was not handed out yet.
    ready: VecDeque<Operation>,
    /// What the last read of a set found, and who read it when.
    found: Option<(Moment, Vec<u64>)>,
    last: Instant,
    /// How many operations were about sending.
    sends: u64,
    /// The clients that are about to take or to read, with the sends before each began.
    taking: BTreeMap<u32, u64>,
    /// Whether all was taken that there was: a drain or a read has been completed.
    complete: bool,
    over: bool,
}

impl<R: BufRead> Reader<R> {
    /// A reader before the first line of `input`.
    pub fn new(input: R, workload: Workload) -> Self {
        Self {
            input,
            workload,
            text: Vec::new(),
            line: 0,
            ready: VecDeque::new(),
            found: None,
            last: Instant::START,
            sends: 0,
            taking: BTreeMap::new(),
            complete: false,
            over: false,
        }
    }

    /// The next operation; nothing at the end. The history has an end only if a drain of the queue,
    /// or a read of the set, began after the last send and was completed, and no client may have
    /// taken what it did not tell. Otherwise what is missing is not known to be lost.
    ///
    /// # Errors
    /// At the first line that is no operation of the workload, with its number.
    pub fn read(&mut self) -> Result<Option<Operation>, LineError> {
        loop {
            if let Some(operation) = self.ready.pop_front() {
                return Ok(Some(operation));
            }
            if self.over {
                return Ok(None);
            }
            self.take_line()?;
        }
    }

    /// The line that was read last, or as much of it as was read.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    fn take_line(&mut self) -> Result<(), LineError> {
        self.text.clear();
        self.line += 1;
        let line = self.line;
        let mut limited = self.input.by_ref().take(LINE_MAX as u64 + 1);
        let read = limited.read_until(b'\n', &mut self.text);
        let length = read.map_err(|source| LineError::Unreadable { line, source })?;
        if length == 0 {
            self.finish();
            return Ok(());
        }
        if length > LINE_MAX {
            let what = format!("it is longer than {LINE_MAX} bytes");
            return Err(LineError::NotAnOperation { line, column: 1, what });
        }
        let text = std::mem::take(&mut self.text);
        let taken = match str::from_utf8(&text) {
            Ok(text) => self
                .take_operation(text)
                .map_err(|(column, what)| LineError::NotAnOperation { line, column, what }),
            Err(error) => {
                let source = io::Error::new(io::ErrorKind::InvalidData, error);
                Err(LineError::Unreadable { line, source })
            }
        };
        self.text = text;
        taken
    }

    fn take_operation(&mut self, text: &str) -> Result<(), (usize, String)> {
        if text.trim().is_empty() {
            return Ok(());
        }
        let parsed = edn::read(text);
        let (edn, rest) =
            parsed.map_err(|error| (error.column.unwrap_or(1).max(1), error.to_string()))?;
        if !rest.trim().is_empty() {
            return Err((text.len() - rest.len() + 1, "a line is one operation".to_owned()));
        }
        self.take(&edn).map_err(|what| (1, what))
    }

    fn take(&mut self, edn: &Edn<'_>) -> Result<(), String> {
        // Written out as a record, an operation is tagged with its type.
        let edn = if let Edn::Tagged(_, inner) = edn { inner } else { edn };
        let Edn::Map(map) = edn else { return Err("an operation is a map".to_owned()) };
        let of = |key: &'static str| map.get(&Edn::Key(key.into()));
        let word = |key: &'static str| match of(key) {
            Some(Edn::Key(word)) => Ok(word.to_string()),
            _ => Err(format!("`:{key}` is a keyword of each operation")),
        };
        let process = match of("process") {
            Some(Edn::Int(process)) => u32::try_from(*process)
                .map_err(|_| format!("`:process` is a number from 0, and not {process}"))?,
            Some(Edn::Key(_)) => return Ok(()),
            _ => return Err("`:process` is a number, or :nemesis".to_owned()),
        };
        let at = match of("time") {
            Some(Edn::Int(nanos)) if *nanos >= 0 => Instant::from_nanos(nanos.unsigned_abs()),
            None => self.last,
            Some(_) => return Err("`:time` is in nanoseconds from the start".to_owned()),
        };
        self.last = at;
        let who = (at, NodeId(process as u16), (process >> 16) as u16);
        let nil = Edn::Nil;
        let value = of("value").unwrap_or(&nil);
        let (f, kind) = (word("f")?, word("type")?);
        if !matches!(kind.as_str(), "invoke" | "ok" | "fail" | "info") {
            return Err(format!("`:type` is :invoke, :ok, :fail or :info, and not :{kind}"));
        }
        match (self.workload, f.as_str()) {
            (Workload::Queue, "enqueue") | (Workload::Set, "add") => {
                self.send(who, &kind, number(value)?);
            }
            (Workload::Queue, "dequeue") if kind == "ok" => self.receive(who, number(value)?),
            // A drain that was cut short may tell what it had taken by then.
            (Workload::Queue, "drain") if kind == "ok" || matches!(value, Edn::Vector(_)) => {
                for value in numbers(value)? {
                    self.receive(who, value);
                }
            }
            (Workload::Set, "read") if kind == "ok" => {
                let found = numbers(value)?;
                if self.is_late(process) || !self.complete {
                    self.found = Some((who, found));
                }
            }
            (Workload::Queue, "dequeue" | "drain") | (Workload::Set, "read") => {}
            (workload, f) => return Err(format!("a {workload:?} has no operation :{f}")),
        }
        if matches!(f.as_str(), "dequeue" | "drain" | "read") {
            self.taken(process, &f, &kind);
        }
        Ok(())
    }

    /// A client begins or ends to take or to read. Nobody knows what it took if it ends by info.
    fn taken(&mut self, process: u32, f: &str, kind: &str) {
        match kind {
            "invoke" => drop(self.taking.insert(process, self.sends)),
            "ok" | "fail" => {
                self.complete |= kind == "ok" && f != "dequeue" && self.is_late(process);
                self.taking.remove(&process);
            }
            _ => {}
        }
    }

    /// Whether nothing was sent since this client began to take or to read.
    fn is_late(&self, process: u32) -> bool {
        self.taking.get(&process) == Some(&self.sends)
    }

    fn send(&mut self, who: Moment, kind: &str, value: u64) {
        let message = MessageId::from_word(value);
        self.complete = false;
        self.sends += 1;
        self.push(
            who,
            match kind {
                "invoke" => Event::invoke(message, 0, value),
                "ok" => Event::acknowledged(message),
                "fail" => Event::SendFail { message, attempt: 0 },
                _ => Event::SendInfo { message, attempt: 0 },
            },
        );
    }

    fn receive(&mut self, who: Moment, value: u64) {
        let (message, group, payload) = (MessageId::from_word(value), GroupId(0), value);
        self.push(who, Event::Received { group, message, key: 0, delivery: 0, payload });
        self.push(who, Event::Effect { message, sink: SinkId(0), payload });
    }

    fn push(&mut self, (at, process, incarnation): Moment, event: Event) {
        self.ready.push_back(Operation { at, process, incarnation, event });
    }

    fn finish(&mut self) {
        self.over = true;
        if let Some((who, values)) = self.found.take() {
            for value in values {
                let (message, sink) = (MessageId::from_word(value), SinkId(0));
                let event = Event::Effect { message, sink, payload: value };
                self.push(who, event);
            }
        }
        if self.complete && (self.workload == Workload::Set || self.taking.is_empty()) {
            let event = Event::End { cause: EndCause::Quiescent };
            self.push((self.last, NodeId(0), 0), event);
        }
    }
}

fn number(value: &Edn<'_>) -> Result<u64, String> {
    match value {
        Edn::Int(number) if *number >= 0 => Ok(number.unsigned_abs()),
        other => Err(format!("`:value` is an integer from 0, and not {other}")),
    }
}

fn numbers(value: &Edn<'_>) -> Result<Vec<u64>, String> {
    match value {
        Edn::Vector(values) | Edn::List(values) => values.iter().map(number).collect(),
        Edn::Set(values) => values.iter().map(number).collect(),
        other => Err(format!("`:value` is a collection of integers, and not {other}")),
    }
}
