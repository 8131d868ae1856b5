//! Legal histories.

use super::super::text::{message, payload};
use super::queue::Queue;
use super::{CONSUMERS, Rng, at};
use postulate::digest::SetDigest;
use postulate::history::{DownCause, EndCause, Event, Operation};
use postulate::id::{NodeId, PartitionId, SinkId};
use postulate::projection::{Row, view};
use std::collections::{BTreeMap, VecDeque};

/// A history that keeps [`EVERYTHING`](super::EVERYTHING). Messages 0, 1 and 2 are sent once each,
/// by one session under one key, and acknowledged.
pub fn legal(rng: &mut Rng) -> Vec<Operation> {
    Author::default().write(rng)
}

/// A history of a log with retention and compaction, which keeps
/// [`OF_A_LOG_THAT_FORGETS`](super::OF_A_LOG_THAT_FORGETS).
pub fn forgetful(rng: &mut Rng) -> Vec<Operation> {
    Author { forgets: true, ..Author::default() }.write(rng)
}

/// The machine that has effects at a sink of its own.
const SERVER: NodeId = NodeId(7);
const REPLICAS: [NodeId; 2] = [NodeId(8), NodeId(9)];
const PROJECTION: NodeId = NodeId(10);
/// How old a record is before a log with retention drops it, in operations.
const RETENTION: usize = 6;

/// Writes a history, remembering what is still to be written.
#[derive(Default)]
struct Author {
    operations: Vec<Operation>,
    forgets: bool,
    unsent: VecDeque<u32>,
    pending: Vec<Pending>,
    /// By partition: what stands at each offset.
    log: [Vec<Option<u32>>; 2],
    keys: BTreeMap<u32, (NodeId, u64)>,
    born: BTreeMap<u32, usize>,
    consumers: [Consumer; 2],
    queue: Queue,
}

#[derive(Copy, Clone)]
enum Pending {
    Answer(Operation),
    /// The next attempt of the application.
    Retry(u32, u16),
}

#[derive(Default)]
struct Consumer {
    incarnation: u16,
    next: [u64; 2],
    committed: [u64; 2],
    applied: Vec<u32>,
    todo: VecDeque<Todo>,
}

#[derive(Copy, Clone)]
enum Todo {
    Read(u32, usize, u64),
    Apply(u32),
    Commit(usize, u64),
    Committed(usize, u64),
}

impl Author {
    fn write(mut self, rng: &mut Rng) -> Vec<Operation> {
        let messages = 3 + rng.below(3) as u32;
        for number in 0..messages {
            let owner = NodeId(if number < 3 { 0 } else { rng.below(2) as u16 });
            let key = if number < 3 { 0 } else { rng.below(3) as u64 };
            self.keys.insert(number, (owner, key));
            self.unsent.push_back(number);
            self.operations.push(at(owner, 0, Event::Plan { message: message(number), key }));
        }
        for (node, _) in CONSUMERS {
            self.operations.push(at(node, 0, Event::Boot));
        }
        loop {
            let busy: Vec<usize> = (0..2).filter(|&c| self.has_work(c)).collect();
            match rng.below(5) {
                0 if !self.unsent.is_empty() => {
                    let number = self.unsent.pop_front().expect("there is one");
                    self.invoke(number, 0, rng);
                }
                1 if !self.pending.is_empty() => {
                    let next = rng.below(self.pending.len());
                    match self.pending.swap_remove(next) {
                        Pending::Answer(operation) => self.operations.push(operation),
                        Pending::Retry(number, attempt) => self.invoke(number, attempt, rng),
                    }
                }
                2 if self.queue.has_work() => {
                    self.queue.work(&mut self.operations, &self.keys, rng);
                }
                _ if !busy.is_empty() => {
                    let consumer = rng.pick(&busy);
                    self.consume(consumer, rng);
                    if self.forgets {
                        self.forget(rng);
                    }
                }
                _ if self.unsent.is_empty()
                    && self.pending.is_empty()
                    && !self.queue.has_work() =>
                {
                    break;
                }
                _ => {}
            }
        }
        self.finish(rng)
    }

    /// Sends, lets the record land at once so that the log has the order of invocation, and leaves
    /// the answer for later.
    fn invoke(&mut self, number: u32, attempt: u16, rng: &mut Rng) {
        let (owner, key) = self.keys[&number];
        let message = message(number);
        let payload = payload(number);
        self.born.entry(number).or_insert(self.operations.len());
        let event = Event::SendInvoke { message, key, attempt, payload };
        self.operations.push(at(owner, 0, event));
        let fate = if number < 3 { 0 } else { rng.below(5) };
        let partition = PartitionId((key % 2) as u16);
        let info = Event::SendInfo { message, attempt };
        if fate <= 2 {
            let log = &mut self.log[partition.index()];
            let ok = Event::SendOk { message, attempt, partition, offset: Some(log.len() as u64) };
            log.push(Some(number));
            self.queue.push(number);
            let answer = if fate < 2 { ok } else { info };
            self.pending.push(Pending::Answer(at(owner, 0, answer)));
        } else {
            let fail = Event::SendFail { message, attempt };
            let answer = if fate == 3 { fail } else { info };
            self.operations.push(at(owner, 0, answer));
        }
        if fate >= 2 && attempt < 2 && rng.below(2) == 0 {
            self.pending.push(Pending::Retry(number, attempt + 1));
        }
    }

    fn has_work(&self, consumer: usize) -> bool {
        !self.consumers[consumer].todo.is_empty() || (0..2).any(|p| self.has_more(consumer, p))
    }

    fn has_more(&self, consumer: usize, p: usize) -> bool {
        self.log[p][self.consumers[consumer].next[p] as usize..].iter().any(Option::is_some)
    }

    fn consume(&mut self, number: usize, rng: &mut Rng) {
        let (node, group) = CONSUMERS[number];
        let Some(todo) = self.consumers[number].todo.pop_front() else {
            return self.poll(number, rng);
        };
        let one = &mut self.consumers[number];
        let partition = |p: usize| PartitionId(p as u16);
        let event = match todo {
            Todo::Read(read, p, offset) => {
                let (message, payload) = (message(read), payload(read));
                let key = self.keys[&read].1;
                Event::Polled { group, message, key, partition: partition(p), offset, payload }
            }
            Todo::Apply(read) if one.applied.contains(&read) => return,
            Todo::Apply(read) => {
                one.applied.push(read);
                let sink = SinkId(group.0);
                Event::Effect { message: message(read), sink, payload: payload(read) }
            }
            Todo::Commit(p, offset) => {
                Event::CommitInvoke { group, partition: partition(p), offset }
            }
            Todo::Committed(p, offset) => {
                one.committed[p] = offset;
                Event::CommitOk { group, partition: partition(p), offset }
            }
        };
        self.operations.push(at(node, one.incarnation, event));
        match todo {
            Todo::Apply(read) if number == 0 => {
                let (message, payload) = (message(read), payload(read));
                let effect = Event::Effect { message, sink: SinkId(2), payload };
                self.operations.push(at(SERVER, 0, effect));
            }
            // Nobody answers, and the group may or may not have moved. The last one is answered.
            Todo::Commit(p, offset) if self.has_more(number, p) && rng.below(5) == 0 => {
                self.consumers[number].todo.pop_front();
                if rng.below(2) == 0 {
                    self.consumers[number].committed[p] = offset;
                }
            }
            _ => {}
        }
        if rng.below(12) == 0 {
            self.restart(number);
        }
    }

    fn poll(&mut self, number: usize, rng: &mut Rng) {
        let one = &mut self.consumers[number];
        let first = rng.below(2);
        let rest = |p: usize, next: u64| {
            let rest = self.log[p].iter().zip(0..).skip(next as usize);
            rest.filter_map(|(number, offset)| Some(((*number)?, offset)))
        };
        let p = if rest(first, one.next[first]).next().is_some() { first } else { 1 - first };
        let batch: Vec<(u32, u64)> = rest(p, one.next[p]).take(1 + rng.below(2)).collect();
        one.todo.extend(batch.iter().map(|&(read, offset)| Todo::Read(read, p, offset)));
        one.todo.extend(batch.iter().map(|&(read, _)| Todo::Apply(read)));
        if let Some((_, offset)) = batch.last() {
            one.next[p] = offset + 1;
            one.todo.extend([Todo::Commit(p, offset + 1), Todo::Committed(p, offset + 1)]);
        }
    }

    fn restart(&mut self, number: usize) {
        let (node, _) = CONSUMERS[number];
        let one = &mut self.consumers[number];
        let cause = DownCause::Crash;
        self.operations.push(at(node, one.incarnation, Event::Down { cause }));
        one.incarnation += 1;
        one.todo.clear();
        one.next = one.committed;
        self.operations.push(at(node, one.incarnation, Event::Boot));
    }

    /// Drops a record that is old, or that a later one of its key has made obsolete.
    fn forget(&mut self, rng: &mut Rng) {
        let now = self.operations.len();
        let log = &mut self.log[rng.below(2)];
        if log.is_empty() {
            return;
        }
        let offset = rng.below(log.len());
        let Some(number) = log[offset] else { return };
        let key = self.keys[&number].1;
        let obsolete = log[offset + 1..].iter().flatten().any(|later| self.keys[later].1 == key);
        if obsolete || now - self.born[&number] >= RETENTION {
            log[offset] = None;
        }
    }

    fn finish(mut self, rng: &mut Rng) -> Vec<Operation> {
        let mut set = SetDigest::new();
        for number in &self.consumers[0].applied {
            set.insert(message(*number).word(), payload(*number));
        }
        let row = |number: &u32| Row {
            key: self.keys[number].1,
            message: message(*number),
            payload: payload(*number),
        };
        let rows = view(self.log.iter().flatten().flatten().map(row));
        for _ in 0..2 {
            let view = Event::View { digest: set.value() };
            self.operations.extend(REPLICAS.map(|node| at(node, 0, view)));
            self.operations.push(at(PROJECTION, 0, Event::View { digest: rows.value() }));
        }
        let cause = rng.pick(&[EndCause::Settled, EndCause::Quiescent]);
        self.operations.push(at(NodeId(0), 0, Event::End { cause }));
        self.operations
    }
}
