//! Small histories: legal by construction, with an anomaly planted, or mutated at random.

use super::text::{message, payload};
use postulate::check::{Promise, Rule};
use postulate::digest::SetDigest;
use postulate::history::{EndCause, Event, History, Operation};
use postulate::id::{GroupId, MessageId, NodeId, PartitionId, SinkId};
use postulate::time::{Instant, Span};
use std::collections::BTreeMap;

/// The machine that effects happen at, and the two replicas that [`everything`] names.
const SERVER: NodeId = NodeId(7);
const REPLICAS: [NodeId; 2] = [NodeId(8), NodeId(9)];
const SINKS: [SinkId; 2] = [SinkId(0), SinkId(1)];

/// A small generator of numbers, the same everywhere.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Every promise at once: what [`legal`] keeps.
pub const EVERYTHING: &str = "exactly-once 0 1, idempotent, order, convergent 8 9:s0";

/// A history that keeps [`EVERYTHING`]. Messages 0 and 1 are sent once each, by one session under
/// one key, and acknowledged.
pub fn legal(rng: &mut Rng) -> Vec<Operation> {
    let mut author = Author::default();
    let messages = 2 + rng.below(3) as u32;
    for number in 0..messages {
        author.plan(number, rng);
    }
    let mut unsent: Vec<u32> = (0..messages).collect();
    while !(unsent.is_empty() && author.pending.is_empty()) {
        if author.pending.is_empty() || (!unsent.is_empty() && rng.below(3) == 0) {
            let number = unsent.remove(0);
            author.invoke(number, 0, rng);
        } else {
            let next = rng.below(author.pending.len());
            author.write(next, rng);
        }
    }
    author.finish(rng)
}

/// Breaks `rule`, and no rule before it, in a history made by [`legal`].
pub fn plant(rule: Rule, operations: &mut Vec<Operation>, rng: &mut Rng) {
    let end = operations.len() - 1;
    let place = |number| {
        let found = operations.iter().find_map(|o| match o.event {
            Event::SendOk { message: m, partition, offset, .. } if m == message(number) => {
                Some((partition, offset.expect("acknowledged with its offset")))
            }
            _ => None,
        });
        found.expect("acknowledged by construction")
    };
    match rule {
        Rule::DuplicateEffect => {
            let effect = any(operations, rng, |event| matches!(event, Event::Effect { .. }));
            operations.insert(effect + 1, operations[effect]);
        }
        Rule::PhantomEffect => {
            let event = Event::Effect { message: message(77), sink: rng.pick(&SINKS), payload: 1 };
            operations.insert(rng.below(end), at(SERVER, 0, event));
        }
        Rule::Corrupted => {
            let effect = any(operations, rng, |event| {
                matches!(event, Event::Effect { .. } | Event::Polled { .. })
            });
            match &mut operations[effect].event {
                Event::Effect { payload, .. } | Event::Polled { payload, .. } => *payload += 1,
                event => unreachable!("{event:?} was not asked for"),
            }
        }
        Rule::DuplicateRecord => {
            let (partition, offset) = place(0);
            operations.insert(end, read(0, partition, offset + 1000));
        }
        Rule::Order => {
            let (one, other) = (place(0).1, place(1).1);
            for operation in operations {
                move_record(&mut operation.event, &[(0, other), (1, one)]);
            }
        }
        Rule::Lost => {
            let sink = rng.pick(&SINKS);
            operations.retain(|o| {
                !matches!(o.event, Event::Effect { message: m, sink: s, .. }
                    if m == message(0) && s == sink)
            });
        }
        Rule::Diverged => {
            let stray = rng.pick(&REPLICAS);
            for operation in operations.iter_mut().filter(|o| o.process == stray) {
                if let Event::View { digest } = &mut operation.event {
                    *digest ^= 1;
                }
            }
        }
        Rule::Deadlock => operations
            .retain(|o| !matches!(o.event, Event::SendOk { message: m, .. } if m == message(0))),
        Rule::Livelock => operations[end].event = Event::End { cause: EndCause::Impatient },
        Rule::Custom => unreachable!("nothing to plant"),
    }
}

/// A history with up to three random changes in which every answer still has its own open send.
pub fn mutated(rng: &mut Rng) -> Vec<Operation> {
    loop {
        let mut operations = legal(rng);
        for _ in 0..rng.below(4) {
            mutate(&mut operations, rng);
        }
        if is_sound(&operations) {
            return operations;
        }
    }
}

/// Any operations at all, sound or not.
pub fn arbitrary(rng: &mut Rng) -> Vec<Operation> {
    let mut operations = legal(rng);
    operations.extend(legal(rng));
    for _ in 0..20 {
        mutate(&mut operations, rng);
    }
    operations
}

/// A history of these operations, a millisecond apart.
pub fn stamped(mut operations: Vec<Operation>) -> History {
    for (operation, millis) in operations.iter_mut().zip(1..) {
        operation.at = Instant::START + Span::millis(millis);
    }
    History::new(operations)
}

/// Some of the promises.
pub fn promises(rng: &mut Rng) -> Vec<Promise> {
    super::text::promises(rng.pick(&[
        EVERYTHING,
        EVERYTHING,
        EVERYTHING,
        "at-least-once 0 1, order",
        "at-least-once 1, at-most-once 0, idempotent",
        "at-most-once 0 1, convergent 8, convergent 9:s0",
        "convergent 8:s0 9:s0, order",
        "idempotent, order",
        "order",
        "exactly-once 1",
    ]))
}

/// Writes a legal history, remembering what is still to be written.
#[derive(Default)]
struct Author {
    operations: Vec<Operation>,
    pending: Vec<Pending>,
    /// The next offset of each partition.
    ends: [u64; 2],
    /// The incarnation of each client.
    incarnations: [u16; 2],
    keys: BTreeMap<u32, (NodeId, u64)>,
    applied: Vec<(u32, SinkId)>,
}

#[derive(Copy, Clone)]
enum Pending {
    Write(Operation),
    /// The next attempt of the application.
    Retry(u32, u16),
    Apply(u32, SinkId),
}

impl Author {
    fn plan(&mut self, number: u32, rng: &mut Rng) {
        let owner = NodeId(if number < 2 { 0 } else { rng.below(2) as u16 });
        let key = if number < 2 { 0 } else { rng.below(2) as u64 };
        self.keys.insert(number, (owner, key));
        self.operations.push(at(owner, 0, Event::Plan { message: message(number), key }));
    }

    /// Sends, lets the record land at once so that the log has the order of invocation, and leaves
    /// the answer, a poll and the effects for later.
    fn invoke(&mut self, number: u32, attempt: u16, rng: &mut Rng) {
        let (owner, key) = self.keys[&number];
        let incarnation = self.incarnations[owner.index()];
        let message = message(number);
        let payload = payload(number);
        let event = Event::SendInvoke { message, key, attempt, payload };
        self.operations.push(at(owner, incarnation, event));
        let fate = if number < 2 { 0 } else { rng.below(5) };
        let partition = PartitionId(key as u16);
        if fate <= 2 {
            let offset = self.ends[key as usize];
            self.ends[key as usize] += 1;
            let ok = Event::SendOk { message, attempt, partition, offset: Some(offset) };
            let info = Event::SendInfo { message, attempt };
            let answer = if fate < 2 { ok } else { info };
            self.pending.push(Pending::Write(at(owner, incarnation, answer)));
            self.pending.push(Pending::Write(read(number, partition, offset)));
            self.pending.extend(SINKS.map(|sink| Pending::Apply(number, sink)));
        } else {
            let fail = Event::SendFail { message, attempt };
            let info = Event::SendInfo { message, attempt };
            let answer = if fate == 3 { fail } else { info };
            self.operations.push(at(owner, incarnation, answer));
        }
        if fate >= 2 && attempt < 2 && rng.below(2) == 0 {
            self.pending.push(Pending::Retry(number, attempt + 1));
        }
    }

    fn write(&mut self, pending: usize, rng: &mut Rng) {
        match self.pending.swap_remove(pending) {
            Pending::Write(operation) => self.operations.push(operation),
            Pending::Retry(number, attempt) => self.invoke(number, attempt, rng),
            Pending::Apply(number, sink) if self.applied.contains(&(number, sink)) => {}
            Pending::Apply(number, sink) => {
                self.applied.push((number, sink));
                let effect =
                    Event::Effect { message: message(number), sink, payload: payload(number) };
                self.operations.push(at(SERVER, 0, effect));
            }
        }
    }

    fn finish(mut self, rng: &mut Rng) -> Vec<Operation> {
        let mut set = SetDigest::new();
        for (number, _) in self.applied.iter().filter(|(_, sink)| *sink == SINKS[0]) {
            set.insert(message(*number).word(), payload(*number));
        }
        for _ in 0..2 {
            let view = Event::View { digest: set.value() };
            self.operations.extend(REPLICAS.map(|node| at(node, 0, view)));
        }
        let cause = rng.pick(&[EndCause::Settled, EndCause::Quiescent]);
        self.operations.push(at(NodeId(0), 0, Event::End { cause }));
        self.operations
    }
}

fn at(process: NodeId, incarnation: u16, event: Event) -> Operation {
    Operation { at: Instant::START, process, incarnation, event }
}

fn read(number: u32, partition: PartitionId, offset: u64) -> Operation {
    let (message, key, payload) = (message(number), u64::from(partition.0), payload(number));
    at(SERVER, 0, Event::Polled { group: GroupId(0), message, key, partition, offset, payload })
}

fn any(operations: &[Operation], rng: &mut Rng, which: impl Fn(&Event) -> bool) -> usize {
    let all: Vec<usize> = (0..operations.len()).filter(|&i| which(&operations[i].event)).collect();
    rng.pick(&all)
}

fn move_record(event: &mut Event, moves: &[(u32, u64)]) {
    let (m, old) = match event {
        Event::SendOk { message, offset: Some(offset), .. }
        | Event::Polled { message, offset, .. } => (message, offset),
        _ => return,
    };
    if let Some((_, new)) = moves.iter().find(|(number, _)| message(*number) == *m) {
        *old = *new;
    }
}

fn mutate(operations: &mut Vec<Operation>, rng: &mut Rng) {
    if operations.len() < 2 {
        return;
    }
    let one = rng.below(operations.len());
    let other = rng.below(operations.len());
    match rng.below(18) {
        0..3 => {
            operations.remove(one);
        }
        3 => operations.truncate(one),
        4 => operations.swap(one, other),
        5 | 6 => operations.insert(other, operations[one]),
        7 => {
            if let Some(last) = operations.last_mut() {
                let causes = [
                    EndCause::Settled,
                    EndCause::Quiescent,
                    EndCause::Impatient,
                    EndCause::Broken,
                    EndCause::Budget,
                ];
                last.event = Event::End { cause: rng.pick(&causes) };
            }
        }
        8 => operations[one].process = NodeId(rng.below(10) as u16),
        9 => operations[one].incarnation ^= 1,
        10 | 11 => {
            let moves = [(0, rng.below(4) as u64), (1, rng.below(4) as u64)];
            for operation in operations {
                move_record(&mut operation.event, &moves);
            }
        }
        _ => bend(&mut operations[one].event, rng),
    }
}

/// Changes one field.
fn bend(event: &mut Event, rng: &mut Rng) {
    let number = rng.below(5) as u32;
    match event {
        Event::SendOk { offset, partition, .. } => match rng.below(3) {
            0 => *offset = None,
            1 => *partition = PartitionId(rng.below(2) as u16),
            _ => *offset = Some(rng.below(4) as u64),
        },
        Event::Polled { message: m, offset, partition, payload, .. } => match rng.below(5) {
            0 => *m = message(number),
            1 => *payload ^= 1,
            2 => *partition = PartitionId(rng.below(2) as u16),
            _ => *offset = rng.below(4) as u64,
        },
        Event::Effect { message: m, sink, payload } => match rng.below(3) {
            0 => *m = message(number),
            1 => *payload ^= 1,
            _ => *sink = SinkId(rng.below(3) as u16),
        },
        Event::SendInvoke { key, payload, message: m, .. } => match rng.below(4) {
            0 => *key ^= 1,
            1 => *payload ^= 1,
            _ => *m = message(number),
        },
        Event::SendFail { message: m, attempt } => {
            *event = Event::SendInfo { message: *m, attempt: *attempt };
        }
        Event::SendInfo { message: m, attempt } => {
            *event = Event::SendFail { message: *m, attempt: *attempt };
        }
        Event::Plan { message: m, .. } => *m = message(number),
        Event::View { digest } => *digest ^= 1,
        _ => {}
    }
}

/// Whether each attempt is invoked once and answered at most once, afterwards, by its own session.
fn is_sound(operations: &[Operation]) -> bool {
    let sends: Vec<_> = operations.iter().filter_map(send).collect();
    sends.iter().enumerate().all(|(at, (attempt, answers))| {
        let before = |what| sends[..at].contains(&(*attempt, what));
        before(false) == *answers && !before(true)
    })
}

type Session = (NodeId, u16);

/// The attempt that an operation begins or answers, and whether it answers it.
fn send(o: &Operation) -> Option<((Session, MessageId, u16), bool)> {
    let session = (o.process, o.incarnation);
    match o.event {
        Event::SendInvoke { message, attempt, .. } => Some(((session, message, attempt), false)),
        Event::SendOk { message, attempt, .. }
        | Event::SendFail { message, attempt }
        | Event::SendInfo { message, attempt } => Some(((session, message, attempt), true)),
        _ => None,
    }
}
