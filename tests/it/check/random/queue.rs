//! Legal histories of a queue with two workers.

use super::super::text::{message, payload};
use super::{Rng, at};
use postulate::history::{DownCause, Event, Operation};
use postulate::id::{GroupId, NodeId, SinkId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The group of the workers.
pub const WORKERS: GroupId = GroupId(2);
/// The queue.
pub const QUEUE: NodeId = NodeId(15);
/// Where the workers act under tokens.
pub const FENCED: SinkId = SinkId(10);
/// The dead letters.
pub const DEAD: SinkId = SinkId(9);
/// Where what is no dead letter has an effect: both.
pub const DONE: [SinkId; 2] = [SinkId(3), SinkId(4)];
/// The steps of an operation, and what undoes them.
pub const STEPS: [[SinkId; 2]; 2] = [[SinkId(5), SinkId(6)], [SinkId(7), SinkId(8)]];

/// A queue that hands out one message after the other, each until it is settled.
#[derive(Default)]
pub struct Queue {
    waiting: VecDeque<u32>,
    current: Option<Current>,
    /// What is still to be said of deliveries that are over.
    notices: Vec<Operation>,
    deliveries: u64,
    incarnations: [u16; 2],
    effects: BTreeSet<(u32, SinkId)>,
    /// Whether a message was done or became a dead letter, and whether its steps are undone.
    fates: BTreeMap<u32, (bool, bool)>,
    dead: BTreeSet<(NodeId, u64)>,
}

struct Current {
    number: u32,
    worker: usize,
    todo: VecDeque<Event>,
}

impl Queue {
    /// A message is stored.
    pub fn push(&mut self, number: u32) {
        self.waiting.push_back(number);
    }

    pub fn has_work(&self) -> bool {
        self.current.is_some() || !self.waiting.is_empty() || !self.notices.is_empty()
    }

    /// The next thing happens; `keys` says who sent each message under which key.
    pub fn work(
        &mut self,
        operations: &mut Vec<Operation>,
        keys: &BTreeMap<u32, (NodeId, u64)>,
        rng: &mut Rng,
    ) {
        if !self.notices.is_empty() && rng.below(3) == 0 {
            operations.push(self.notices.swap_remove(0));
            return;
        }
        let Some(current) = &mut self.current else {
            if let Some(number) = self.waiting.pop_front() {
                let worker = rng.below(2);
                self.tell(worker, operations);
                self.hand_out((number, worker), keys, rng);
            }
            return;
        };
        let worker = current.worker;
        let Some(event) = current.todo.pop_front() else {
            self.current = None;
            return;
        };
        if let Event::Effect { sink, .. } = event
            && sink != FENCED
            && !self.effects.insert((current.number, sink))
        {
            return;
        }
        operations.push(self.by(worker, event));
        if rng.below(14) == 0 {
            self.interrupt(operations, rng);
        }
    }

    fn by(&self, worker: usize, event: Event) -> Operation {
        at(NodeId(13 + worker as u16), self.incarnations[worker], event)
    }

    /// A worker says what is still to be said before it receives anything else.
    fn tell(&mut self, worker: usize, operations: &mut Vec<Operation>) {
        let own = |notice: &Operation| notice.process == NodeId(13 + worker as u16);
        operations.extend(self.notices.iter().copied().filter(own));
        self.notices.retain(|notice| !own(notice));
    }

    /// Hands a message to a worker, which is to do it all.
    fn hand_out(
        &mut self,
        (number, worker): (u32, usize),
        keys: &BTreeMap<u32, (NodeId, u64)>,
        rng: &mut Rng,
    ) {
        self.deliveries += 1;
        let (group, token) = (WORKERS, self.deliveries);
        let of @ (message, payload) = (message(number), payload(number));
        let lane = keys[&number];
        let dies = number > 2 && (self.dead.contains(&lane) || rng.below(4) == 0);
        let (dies, undone) = *self.fates.entry(number).or_insert((dies, rng.below(2) == 0));
        if dies {
            self.dead.insert(lane);
        }
        let effect = |(message, payload), sink| Event::Effect { message, sink, payload };
        let mut todo = VecDeque::new();
        let delivery = rng.below(2) as u16;
        todo.push_back(Event::Received { group, message, key: lane.1, delivery, payload });
        if rng.below(3) == 0 {
            let act = self::message(1000 + token as u32);
            todo.push_back(Event::Acting { message: act, sink: FENCED, token });
            todo.push_back(effect((act, 0), FENCED));
        }
        if dies {
            todo.push_back(effect(of, DEAD));
        } else {
            let [one, other] = STEPS;
            let last = if undone { one[1] } else { other[0] };
            let sinks = [one[0], DONE[0], last, DONE[1]];
            todo.extend(sinks.map(|sink| effect(of, sink)));
        }
        todo.extend([Event::AckInvoke { group, message }, Event::AckOk { group, message }]);
        self.current = Some(Current { number, worker, todo });
    }

    /// The delivery ends, and the message is handed out again; of a queue that goes down nobody
    /// says anything.
    fn interrupt(&mut self, operations: &mut Vec<Operation>, rng: &mut Rng) {
        let Some(Current { number, worker, todo }) = self.current.take() else { return };
        let (group, message) = (WORKERS, message(number));
        let is_settling = todo.len() == 1;
        match rng.below(5) {
            _ if todo.is_empty() => return,
            0 if !is_settling => {
                operations.push(self.by(worker, Event::Returned { group, message }));
            }
            1 => {
                let down = Event::Down { cause: DownCause::Crash };
                self.tell(worker, operations);
                if is_settling {
                    operations.push(self.by(worker, Event::AckInfo { group, message }));
                }
                operations.push(self.by(worker, down));
                self.incarnations[worker] += 1;
                operations.push(self.by(worker, Event::Boot));
            }
            2 => {
                let down = Event::Down { cause: DownCause::PowerCut };
                operations.extend([down, Event::Boot].map(|event| at(QUEUE, 0, event)));
            }
            3 if is_settling => {
                operations.push(self.by(worker, Event::AckInfo { group, message }));
                // It may have settled it.
                if rng.below(2) == 0 {
                    return;
                }
            }
            // The notice may come late.
            _ => self.notices.push(self.by(worker, Event::Lapsed { group })),
        }
        self.waiting.push_front(number);
    }
}
