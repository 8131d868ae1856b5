//! Queues and registers by their calls.
//!
//! Calls are in the order in which the history has their beginnings and ends: that is the order of
//! time that Jepsen itself judges by (`knossos.history`).

use super::super::calls::{Accessing, Call, Caller, Calls, Queueing};
use super::super::lines::LineError;
use super::source::{Entry, Kind, Source, Wrong, items, number, unfit};
use crate::time::Instant;
use clojure_reader::edn::Edn;
use std::collections::BTreeMap;
use std::io::BufRead;

/// Reads the calls of a history of Jepsen's. Of the text it holds one line.
#[derive(Debug)]
pub struct CallReader<R, A> {
    source: Source<R>,
    pairs: Pairs<A>,
    take: fn(&mut Pairs<A>, &Entry<'_>) -> Result<(), Wrong>,
}

impl<R: BufRead> CallReader<R, Queueing> {
    /// Reads `:enqueue`, `:dequeue` and `:drain` of one queue.
    ///
    /// What a drain returns is as many dequeues, in the order of its answer if nothing else began
    /// or ended meanwhile. A drain without an answer is as many dequeues without one as there are
    /// values that nobody is known to have taken. A dequeue that failed is none: whether the queue
    /// was empty is not told.
    pub fn queue(input: R) -> Self {
        let mut pairs = Pairs::default();
        pairs.object("the queue".to_owned());
        Self { source: Source::new(input), pairs, take: take_queueing }
    }
}

impl<R: BufRead> CallReader<R, Accessing> {
    /// Reads `:read`, `:write` and `:cas` of registers: of one, or of one for each key if values
    /// are pairs of a key and a value (`jepsen.independent`).
    pub fn registers(input: R) -> Self {
        Self { source: Source::new(input), pairs: Pairs::default(), take: take_accessing }
    }
}

impl<R: BufRead, A: Copy + PartialEq> CallReader<R, A> {
    /// Takes in the next line; whether there was one.
    ///
    /// # Errors
    /// If it is no operation of this workload, or answers what its process has not invoked, or
    /// comes while its process waits for an answer, with its number.
    pub fn read(&mut self) -> Result<bool, LineError> {
        let Self { source, pairs, take } = self;
        source.take(|entry| take(pairs, &entry))
    }

    /// The line that was read last, or as much of it as was read.
    pub fn text(&self) -> &[u8] {
        self.source.text()
    }

    /// How many operations were read.
    pub fn operations(&self) -> u64 {
        self.pairs.operations
    }

    /// The calls, object by object; what is open never has an answer.
    pub fn finish(mut self) -> Vec<Calls<A>> {
        for open in std::mem::take(&mut self.pairs.open).into_values() {
            self.pairs.leave(open);
        }
        let Pairs { mut objects, cut, left, .. } = self.pairs;
        if let Some((open, action)) = cut {
            let call = Call { began: open.began, ended: None, action };
            let caller = Caller { process: open.process, began: open.at, ended: None };
            let Calls { calls, callers, .. } = &mut objects[open.object];
            calls.extend(std::iter::repeat_n(call, left));
            callers.extend(std::iter::repeat_n(caller, left));
        }
        objects
    }
}

/// A call that has begun.
#[derive(Copy, Clone, Debug)]
struct Open<A> {
    process: u32,
    object: usize,
    f: &'static str,
    began: u64,
    at: Instant,
    doing: Doing<A>,
}

/// What a call may do whose answer is not known.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Doing<A> {
    /// What makes no difference then.
    Reading,
    Once(A),
    /// That, any number of times.
    Often(A),
}

/// Beginnings and ends.
#[derive(Debug)]
struct Pairs<A> {
    objects: Vec<Calls<A>>,
    names: BTreeMap<String, usize>,
    open: BTreeMap<u32, Open<A>>,
    clock: u64,
    operations: u64,
    /// The first call without an answer of those that may do something often, and what.
    cut: Option<(Open<A>, A)>,
    /// How many values were put into a queue and taken out by no call that tells.
    left: usize,
}

impl<A> Default for Pairs<A> {
    fn default() -> Self {
        let (objects, names, open) = Default::default();
        Self { objects, names, open, clock: 0, operations: 0, cut: None, left: 0 }
    }
}

impl<A: Copy + PartialEq> Pairs<A> {
    fn object(&mut self, name: String) -> usize {
        if let Some(&object) = self.names.get(&name) {
            return object;
        }
        let object = self.objects.len();
        self.objects.push(Calls::new(name.clone()));
        self.names.insert(name, object);
        object
    }

    fn begin(
        &mut self,
        entry: &Entry<'_>,
        (object, f): (usize, &'static str),
        doing: Doing<A>,
    ) -> Result<(), Wrong> {
        self.operations += 1;
        self.clock += 1;
        let Entry { process, at, .. } = *entry;
        let open = Open { process, object, f, began: self.clock, at, doing };
        match self.open.insert(process, open) {
            None => Ok(()),
            Some(before) => Err(Wrong::Contradiction(format!(
                "process {process} invokes :{f} while it waits for the answer to its :{}",
                before.f
            ))),
        }
    }

    /// The call that this is the answer to.
    fn end(
        &mut self,
        entry: &Entry<'_>,
        (object, f): (usize, &'static str),
    ) -> Result<Open<A>, Wrong> {
        self.operations += 1;
        let process = entry.process;
        match self.open.remove(&process) {
            Some(open) if open.f == f && open.object == object => Ok(open),
            _ => Err(Wrong::Contradiction(format!(
                "process {process} is answered to a :{f} that it has not invoked"
            ))),
        }
    }

    /// A call is answered as it was invoked.
    fn settle(
        &mut self,
        entry: &Entry<'_>,
        of: (usize, &'static str),
        told: A,
    ) -> Result<(), Wrong> {
        let open = self.end(entry, of)?;
        if open.doing != Doing::Once(told) {
            let (process, f) = (entry.process, of.1);
            return Err(Wrong::Contradiction(format!(
                "process {process} is answered to another :{f} than it has invoked"
            )));
        }
        self.answer(open, told, entry.at);
        Ok(())
    }

    /// A call is answered; what it did is known.
    fn answer(&mut self, open: Open<A>, action: A, at: Instant) {
        self.clock += 1;
        self.add(open, action, Some((self.clock, at)));
    }

    /// Nobody knows what became of a call.
    fn leave(&mut self, open: Open<A>) {
        match open.doing {
            Doing::Reading => {}
            Doing::Once(action) => self.add(open, action, None),
            Doing::Often(action) => {
                if self.cut.is_none_or(|(before, _)| open.began < before.began) {
                    self.cut = Some((open, action));
                }
            }
        }
    }

    fn add(&mut self, open: Open<A>, action: A, ended: Option<(u64, Instant)>) {
        let Open { process, began, at, object, .. } = open;
        let Calls { calls, callers, .. } = &mut self.objects[object];
        calls.push(Call { began, ended: ended.map(|(ended, _)| ended), action });
        callers.push(Caller { process, began: at, ended: ended.map(|(_, at)| at) });
    }
}

fn take_queueing(pairs: &mut Pairs<Queueing>, entry: &Entry<'_>) -> Result<(), Wrong> {
    match entry.f {
        "enqueue" => take_enqueue(pairs, entry),
        "dequeue" => {
            let of = (0, "dequeue");
            match entry.kind {
                Kind::Invoke => pairs.begin(entry, of, Doing::Once(Queueing::Dequeue(None))),
                Kind::Ok => {
                    let value = entry.number()?;
                    let open = pairs.end(entry, of)?;
                    pairs.left = pairs.left.saturating_sub(1);
                    pairs.answer(open, Queueing::Dequeue(Some(value)), entry.at);
                    Ok(())
                }
                Kind::Fail => pairs.end(entry, of).map(drop),
                Kind::Info => pairs.end(entry, of).map(|open| pairs.leave(open)),
            }
        }
        "drain" => take_drain(pairs, entry),
        f => Err(Wrong::Key("f", format!("a queue has no operation :{f}"))),
    }
}

fn take_enqueue(pairs: &mut Pairs<Queueing>, entry: &Entry<'_>) -> Result<(), Wrong> {
    let of = (0, "enqueue");
    let action = Queueing::Enqueue(entry.number()?);
    match entry.kind {
        Kind::Invoke => {
            pairs.left += 1;
            pairs.begin(entry, of, Doing::Once(action))
        }
        Kind::Ok => pairs.settle(entry, of, action),
        Kind::Fail => {
            pairs.left = pairs.left.saturating_sub(1);
            pairs.end(entry, of).map(drop)
        }
        Kind::Info => pairs.end(entry, of).map(|open| pairs.leave(open)),
    }
}

fn take_drain(pairs: &mut Pairs<Queueing>, entry: &Entry<'_>) -> Result<(), Wrong> {
    let of = (0, "drain");
    if entry.kind == Kind::Invoke {
        return pairs.begin(entry, of, Doing::Often(Queueing::Dequeue(None)));
    }
    // A drain that was cut short may tell what it had taken by then.
    let tells = entry.kind == Kind::Ok || items(entry.value).is_some();
    let values = if tells && entry.kind != Kind::Fail { entry.numbers()? } else { Vec::new() };
    let mut open = pairs.end(entry, of)?;
    if entry.kind == Kind::Info {
        pairs.leave(open);
    }
    pairs.left = pairs.left.saturating_sub(values.len());
    // Where nothing else began or ended meanwhile, one after the other is the same to all others.
    let alone = pairs.clock == open.began;
    pairs.clock += 1;
    for value in values {
        let ended = Some((pairs.clock, entry.at));
        pairs.add(open, Queueing::Dequeue(Some(value)), ended);
        if alone {
            open.began = pairs.clock + 1;
            pairs.clock += 2;
        }
    }
    Ok(())
}

fn take_accessing(pairs: &mut Pairs<Accessing>, entry: &Entry<'_>) -> Result<(), Wrong> {
    let (f, parts) = match entry.f {
        "read" => ("read", 1),
        "write" => ("write", 1),
        "cas" => ("cas", 2),
        f => return Err(Wrong::Key("f", format!("a register has no operation :{f}"))),
    };
    let (name, value) = keyed(entry.value, parts)?;
    let of = (pairs.object(name), f);
    if f == "read" {
        return match entry.kind {
            Kind::Invoke => pairs.begin(entry, of, Doing::Reading),
            Kind::Ok => {
                let value = if *value == Edn::Nil { None } else { Some(number(value)?) };
                let open = pairs.end(entry, of)?;
                pairs.answer(open, Accessing::Read(value), entry.at);
                Ok(())
            }
            Kind::Fail | Kind::Info => pairs.end(entry, of).map(drop),
        };
    }
    let action = match items(value) {
        Some([from, to]) if f == "cas" => Accessing::Replace(number(from)?, number(to)?),
        _ if f == "cas" => return Err(unfit("a pair of integers, or a key and one", entry.value)),
        _ => Accessing::Write(number(value)?),
    };
    match entry.kind {
        Kind::Invoke => pairs.begin(entry, of, Doing::Once(action)),
        Kind::Ok => pairs.settle(entry, of, action),
        Kind::Fail => pairs.end(entry, of).map(drop),
        Kind::Info => pairs.end(entry, of).map(|open| pairs.leave(open)),
    }
}

/// What a register is called, and the value: alone it has `parts` parts.
fn keyed<'a>(value: &'a Edn<'a>, parts: usize) -> Result<(String, &'a Edn<'a>), Wrong> {
    let alone = Ok(("the register".to_owned(), value));
    let Some([key, inner]) = items(value) else { return alone };
    if parts == 2 && items(inner).is_none() {
        return alone;
    }
    match key {
        Edn::Int(_) | Edn::Key(_) | Edn::Str(_) | Edn::Symbol(_) => {
            Ok((format!("register {key}"), inner))
        }
        other => Err(unfit("a value, or a key and a value", other)),
    }
}
