//! The kafka workload: logs, as `jepsen.tests.kafka` records them.
//!
//! A key of Jepsen's is a partition, and a routing key; the value v of the key k is the message
//! `mk.v`. The first time that a value is read is its effect at sink 0. Where consumers stand,
//! Jepsen does not record: it is taken from what they read. A stretch of a key that a consumer is
//! to read record by record is a group of its own, and a commit of which nobody knows says where it
//! may begin:
//!
//! - A new client (a crashed one comes back under another number), and one that has assigned itself
//!   partitions or subscribed to topics, begins anywhere. Jepsen itself is stricter: a partition
//!   that is assigned again is to be read on.
//! - A client that has subscribed may stand anywhere else at its next operation, for the topics may
//!   have been rebalanced; and inside one, in the keys of its `:rebalance-log`.
//! - After a transaction that failed a client goes on where the last successful operation left it,
//!   or where it had begun if there is none. After any other operation that failed, or of which
//!   nobody knows, it goes on anywhere.

use super::source::{Entry, Kind, Wrong, items, number, unfit};
use super::{Moment, Output};
use crate::history::{EndCause, Event};
use crate::id::{GroupId, MessageId, NodeId, PartitionId, SinkId};
use crate::time::Instant;
use clojure_reader::edn::Edn;
use std::collections::{BTreeMap, BTreeSet};

/// Logs and their clients in the course of a history.
#[derive(Debug, Default)]
pub(super) struct Logs {
    keys: BTreeMap<u16, Key>,
    consumers: BTreeMap<u32, Consumer>,
    /// The values that were read, 64 to a cell.
    seen: BTreeMap<(u16, u32), u64>,
    /// What was acknowledged without an offset.
    vague: Vec<(u16, u32)>,
}

/// What is known of a log.
#[derive(Debug, Default)]
struct Key {
    groups: u32,
    /// The least and the greatest offset that was acknowledged or read.
    known: Option<(u64, u64)>,
    /// How far a consumer has read that sought the beginning.
    sought: Option<u64>,
    /// Where the consumer began that began first, and how far it has read.
    longest: Option<(u64, u64)>,
}

#[derive(Debug, Default)]
struct Consumer {
    subscribed: bool,
    /// Whether it begins at the beginning.
    sought: bool,
    places: BTreeMap<u16, Place>,
}

/// Where a consumer stands in a log.
#[derive(Copy, Clone, Debug)]
struct Place {
    group: GroupId,
    began: u64,
    sought: bool,
    next: u64,
    /// Where it stood after the last operation that succeeded.
    kept: Option<u64>,
    then: Then,
}

/// Where a consumer may go on.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Then {
    Next,
    Kept,
    Anywhere,
}

impl Logs {
    pub(super) fn take(&mut self, entry: &Entry<'_>, out: &mut Output) -> Result<(), Wrong> {
        let Entry { process, kind, .. } = *entry;
        match (entry.f, kind) {
            ("send" | "poll" | "txn", Kind::Invoke) => invoke(entry, out),
            ("send" | "poll" | "txn", _) => self.complete(entry, out),
            ("assign" | "subscribe", Kind::Ok | Kind::Info) => {
                let subscribed = entry.f == "subscribe";
                let sought = entry.of("seek-to-beginning?") == Some(&Edn::Bool(true));
                let consumer = Consumer { subscribed, sought, places: BTreeMap::new() };
                self.consumers.insert(process, consumer);
                Ok(())
            }
            ("crash", Kind::Ok | Kind::Info) => {
                self.consumers.remove(&process);
                Ok(())
            }
            ("assign" | "subscribe" | "crash" | "debug-topic-partitions", _) => Ok(()),
            (f, _) => Err(Wrong::Key("f", format!("a log has no operation :{f}"))),
        }
    }

    /// Sends and polls are answered, or not.
    fn complete(&mut self, entry: &Entry<'_>, out: &mut Output) -> Result<(), Wrong> {
        let Entry { process, kind, .. } = *entry;
        let who = Moment::of(entry);
        let rebalanced = rebalanced(entry)?;
        for step in steps(entry)? {
            match step {
                Step::Send { key, value, offset } => {
                    self.sent(who, kind, (key, value, offset), out)?;
                }
                Step::Poll(records) => {
                    for (key, value, offset) in records {
                        let is_rebalanced = rebalanced.contains(&key);
                        self.read(process, who, (key, value, offset), is_rebalanced, out)?;
                    }
                }
            }
        }
        out.close_session(who, kind)?;
        if entry.f != "send"
            && let Some(consumer) = self.consumers.get_mut(&process)
        {
            consumer.stand((entry.f, kind));
        }
        Ok(())
    }

    fn sent(
        &mut self,
        who: Moment,
        kind: Kind,
        (key, value, offset): (u16, u32, Option<u64>),
        out: &mut Output,
    ) -> Result<(), Wrong> {
        let (message, attempt) = (message(key, value), 0);
        let partition = PartitionId(key);
        if kind == Kind::Ok {
            match offset {
                Some(offset) => self.keys.entry(key).or_default().know(offset),
                None => self.vague.push((key, value)),
            }
        }
        out.push(
            who,
            match kind {
                Kind::Fail => Event::SendFail { message, attempt },
                Kind::Ok => Event::SendOk { message, attempt, partition, offset },
                Kind::Info | Kind::Invoke => Event::SendInfo { message, attempt },
            },
        )
    }

    fn read(
        &mut self,
        process: u32,
        who: Moment,
        (key, value, offset): (u16, u32, Option<u64>),
        is_rebalanced: bool,
        out: &mut Output,
    ) -> Result<(), Wrong> {
        let (message, partition) = (message(key, value), PartitionId(key));
        let payload = message.word();
        if let Some(offset) = offset {
            let log = self.keys.entry(key).or_default();
            let consumer = self.consumers.entry(process).or_default();
            let (group, from) = consumer.group(log, (key, offset), is_rebalanced)?;
            if let Some(offset) = from {
                out.push(who, Event::CommitInvoke { group, partition, offset })?;
                out.push(who, Event::CommitInfo { group, partition, offset })?;
            }
            let key = u64::from(key);
            out.push(who, Event::Polled { group, message, key, partition, offset, payload })?;
        }
        let cell = self.seen.entry((key, value >> 6)).or_default();
        let bit = 1 << (value & 63);
        if *cell & bit == 0 {
            *cell |= bit;
            out.push(who, Event::Effect { message, sink: SinkId(0), payload })?;
        }
        Ok(())
    }

    /// The history has an end only if of every log a consumer has read all that is known of it:
    /// from the beginning, or from the first offset that is known, to the last.
    pub(super) fn finish(&mut self, last: Instant, out: &mut Output) -> Result<(), Wrong> {
        out.close(last)?;
        let seen = |&(key, value): &(u16, u32)| {
            self.seen.get(&(key, value >> 6)).is_some_and(|cell| cell & (1 << (value & 63)) != 0)
        };
        if !self.keys.is_empty()
            && self.keys.values().all(Key::is_read)
            && self.vague.iter().all(seen)
        {
            let who = Moment { at: last, process: NodeId(0), incarnation: 0 };
            out.push(who, Event::End { cause: EndCause::Quiescent })?;
        }
        Ok(())
    }
}

impl Key {
    fn know(&mut self, offset: u64) {
        let (least, greatest) = self.known.unwrap_or((offset, offset));
        self.known = Some((least.min(offset), greatest.max(offset)));
    }

    /// A consumer that stands at `place` has read as far as `offset`.
    fn reach(&mut self, place: &Place, offset: u64) {
        self.know(offset);
        if place.sought {
            self.sought = self.sought.max(Some(offset));
        }
        self.longest = match self.longest {
            Some((began, _)) if place.began < began => Some((place.began, offset)),
            Some((began, reached)) if place.began == began => Some((began, reached.max(offset))),
            Some(longest) => Some(longest),
            None => Some((place.began, offset)),
        };
    }

    fn is_read(&self) -> bool {
        let Some((least, greatest)) = self.known else { return true };
        let from_first = self.longest.is_some_and(|(began, end)| began <= least && end >= greatest);
        from_first || self.sought.is_some_and(|end| end >= greatest)
    }

    fn new_group(&mut self) -> Result<GroupId, Wrong> {
        let group = u16::try_from(self.groups).map_err(|_| {
            Wrong::Key("value", "a key is read from more than 65536 places".to_owned())
        })?;
        self.groups += 1;
        Ok(GroupId(group))
    }
}

impl Consumer {
    /// The group that reads the record at `offset`, and where it may begin if it is a new one.
    fn group(
        &mut self,
        log: &mut Key,
        (key, offset): (u16, u64),
        is_rebalanced: bool,
    ) -> Result<(GroupId, Option<u64>), Wrong> {
        let stood = self.places.get(&key).copied();
        let (mut place, from) = match stood {
            Some(place) if offset == place.next && place.then != Then::Kept => (place, None),
            Some(Place { then: Then::Kept, kept: Some(kept), .. }) if offset < kept => {
                // What it should not go back to shows in the stretch that it goes back in.
                (self.places[&key], None)
            }
            Some(place @ Place { then: Then::Kept, kept: Some(kept), .. }) => {
                (Place { group: log.new_group()?, ..place }, Some(kept))
            }
            Some(place) if place.then == Then::Next && !is_rebalanced => (place, None),
            _ => {
                let (group, sought) = (log.new_group()?, self.sought);
                let (began, next, kept, then) = (offset, offset, None, Then::Next);
                (Place { group, began, sought, next, kept, then }, Some(offset))
            }
        };
        place.then = Then::Next;
        place.next = offset.saturating_add(1);
        log.reach(&place, offset);
        let group = place.group;
        self.places.insert(key, place);
        Ok((group, from))
    }

    /// Where it may go on after this operation.
    fn stand(&mut self, (f, kind): (&str, Kind)) {
        for place in self.places.values_mut() {
            place.then = match (f, kind) {
                (_, Kind::Ok) if self.subscribed => Then::Anywhere,
                (_, Kind::Ok) => Then::Next,
                ("txn", Kind::Fail) if place.kept.is_some() && !self.subscribed => Then::Kept,
                _ => Then::Anywhere,
            };
            if kind == Kind::Ok {
                place.kept = Some(place.next);
            }
        }
    }
}

/// A part of an operation.
enum Step {
    Send {
        key: u16,
        value: u32,
        offset: Option<u64>,
    },
    /// Keys, values, and offsets.
    Poll(Vec<(u16, u32, Option<u64>)>),
}

fn invoke(entry: &Entry<'_>, out: &mut Output) -> Result<(), Wrong> {
    for step in steps(entry)? {
        if let Step::Send { key, value, .. } = step {
            let message = message(key, value);
            let event = Event::invoke(message, u64::from(key), message.word());
            out.push(Moment::of(entry), event)?;
        }
    }
    Ok(())
}

fn message(key: u16, value: u32) -> MessageId {
    MessageId::new(NodeId(key), value)
}

/// The parts of an operation; none if it has no value.
fn steps(entry: &Entry<'_>) -> Result<Vec<Step>, Wrong> {
    match items(entry.value) {
        Some(parts) => parts.iter().map(step).collect(),
        None if *entry.value == Edn::Nil => Ok(Vec::new()),
        None => Err(unfit("a vector of sends and polls", entry.value)),
    }
}

fn step(part: &Edn<'_>) -> Result<Step, Wrong> {
    let no_step = || unfit("of [:send key value] and [:poll {key [[offset value]]}]", part);
    match items(part) {
        Some([Edn::Key(f), key, value]) if *f == "send" => {
            let key = bounded(key)?;
            let (offset, value) = match items(value) {
                Some([offset, value]) => (offset_of(offset)?, value),
                _ => (None, value),
            };
            Ok(Step::Send { key, value: bounded(value)?, offset })
        }
        Some([Edn::Key(f)]) if *f == "poll" => Ok(Step::Poll(Vec::new())),
        Some([Edn::Key(f), Edn::Nil]) if *f == "poll" => Ok(Step::Poll(Vec::new())),
        Some([Edn::Key(f), Edn::Map(polled)]) if *f == "poll" => {
            let mut records = Vec::new();
            for (key, pairs) in polled {
                let key = bounded(key)?;
                for pair in items(pairs).ok_or_else(no_step)? {
                    let Some([offset, value]) = items(pair) else { return Err(no_step()) };
                    records.push((key, bounded(value)?, offset_of(offset)?));
                }
            }
            Ok(Step::Poll(records))
        }
        _ => Err(no_step()),
    }
}

/// A key or a value.
fn bounded<N: TryFrom<u64>>(value: &Edn<'_>) -> Result<N, Wrong> {
    let number = number(value)?;
    let bits = 8 * size_of::<N>();
    N::try_from(number).map_err(|_| {
        Wrong::Key(
            "value",
            format!("a key has 16 bits and a value 32: {number} has more than {bits}"),
        )
    })
}

/// An offset, if it is told.
fn offset_of(value: &Edn<'_>) -> Result<Option<u64>, Wrong> {
    if *value == Edn::Nil { Ok(None) } else { number(value).map(Some) }
}

/// The keys whose consumers changed during this operation.
fn rebalanced(entry: &Entry<'_>) -> Result<BTreeSet<u16>, Wrong> {
    let mut keys = BTreeSet::new();
    for event in entry.of("rebalance-log").and_then(items).unwrap_or_default() {
        let Edn::Map(event) = event else { continue };
        let told = event.get(&Edn::Key("keys".into())).and_then(items);
        for key in told.unwrap_or_default() {
            keys.insert(bounded(key)?);
        }
    }
    Ok(keys)
}
