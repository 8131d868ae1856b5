//! Reading: what logs hold and consumers are handed, record by record.
//!
//! The rules of a durable log (`inconsistent-offset`, `lost-record`, `resurrected`) and those of
//! orderly consumers (`skipped`, `rewound`) all come from two things: which record is known to
//! stand at which offset, and in which steps each consumer has gone through a partition.

use super::Promise;
use super::index::Slot;
use super::ledger::{Entry, Place};
use crate::history::{Event, Operation};
use crate::id::{GroupId, PartitionId};
use crate::time::{Instant, Span};
use commits::{Commits, Session};
use fronts::{Fronts, Mark};
use passed::Passed;
use shelf::Shelf;
use std::collections::BTreeMap;
use std::ops::Range;

mod commits;
mod excuse;
mod findings;
mod fronts;
mod passed;
mod shelf;

/// Watches the logs and their consumers, if a durable log or orderly consumers are promised.
///
/// Moments are numbers of operations, from 1; an operation is remembered by its moment.
#[derive(Debug, Default)]
pub(super) struct Reading {
    durable: bool,
    ordered: bool,
    retention: Option<Span>,
    compacted: bool,
    now: u64,
    /// When the last operation happened.
    at: Instant,
    /// How many sends were invoked.
    sends: u32,
    records: Vec<Known>,
    partitions: Vec<Partition>,
    fronts: Fronts,
    boots: BTreeMap<Session, u64>,
    names: BTreeMap<Name, u32>,
    cursors: Vec<Cursor>,
    /// The cursor that was used last.
    last: Option<(Name, u32)>,
    commits: Commits,
    /// The steps that left offsets out.
    steps: Vec<Step>,
    /// When the first attempt of each message was invoked, by slot; kept if there is a retention.
    births: Vec<Instant>,
    broken: Broken,
}

/// What no later operation can mend: the first of each kind.
#[derive(Debug, Default)]
struct Broken {
    /// The record that was known, and the moment.
    inconsistent: Option<(u32, u64)>,
    overtaker: Option<Overtaker>,
    resurrected: Option<Resurrected>,
    rewound: Option<Rewound>,
}

/// A message that is found in front of one that was acknowledged before it was sent.
#[derive(Copy, Clone, Debug)]
struct Overtaker {
    slot: Slot,
    place: Place,
    mark: Mark,
    told: u64,
}

/// A known record.
#[derive(Copy, Clone, Debug)]
struct Known {
    slot: Slot,
    place: Place,
    /// The key and the payload that it was first read with.
    read: Option<(u64, u64)>,
    acknowledged: bool,
    /// The moment at which it was last read, or 0.
    read_last: u64,
}

#[derive(Debug, Default)]
struct Partition {
    shelf: Shelf,
    passed: Passed,
    /// The smallest offset at which a consumer has begun to read.
    begun: Option<u64>,
    /// The greatest offset that was read.
    front: u64,
}

/// A consumer in one session, with its group and partition.
type Name = (Session, GroupId, PartitionId);

#[derive(Debug)]
struct Cursor {
    /// The moment of its process's boot; 0 if there is none.
    boot: u64,
    /// The smallest offset that its group had committed for good when it was booted.
    promised: Option<u64>,
    /// When it was handed a record last, and from which offset.
    read: u64,
    offset: u64,
    passed: Passed,
}

/// A step forward that left offsets out.
#[derive(Copy, Clone, Debug)]
struct Step {
    /// The first offset that it should have come to, and the one that it came to.
    from: u64,
    to: u64,
    partition: PartitionId,
    /// The moment before, unless this is the first record of a session; and the moment of the step.
    before: Option<u64>,
    read: u64,
    at: Instant,
}

#[derive(Copy, Clone, Debug)]
enum Resurrected {
    /// An offset was passed over by this step, and is read nevertheless.
    Passed { step: u32, read: u64 },
    /// An offset is read although the group had committed this one, or a greater one, before.
    Settled { committed: u64, read: u64 },
}

#[derive(Copy, Clone, Debug)]
enum Rewound {
    /// From one record to the next.
    Within { before: u64, read: u64 },
    /// At the first record of a session: in front of every offset where it may have started.
    AtStart { read: u64 },
}

impl Reading {
    /// The checker of the promises about logs and consumers among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let mut reading = Self::default();
        for promise in promises {
            match promise {
                Promise::PerKeyOrder => reading.ordered = true,
                Promise::DurableLog { retention, compacted } => {
                    reading.durable = true;
                    reading.compacted |= compacted;
                    reading.retention = reading.retention.into_iter().chain(*retention).min();
                }
                _ => {}
            }
        }
        reading
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.now = 0;
        self.sends = 0;
        self.records.clear();
        self.fronts.reset();
        for partition in &mut self.partitions {
            partition.shelf.reset();
            partition.passed.reset();
            partition.begun = None;
            partition.front = 0;
        }
        self.boots.clear();
        self.names.clear();
        self.cursors.clear();
        self.last = None;
        self.commits.reset();
        self.steps.clear();
        self.births.clear();
        self.broken = Broken::default();
    }

    /// Whether anything is promised about logs or consumers.
    #[inline]
    pub(super) fn is_promised(&self) -> bool {
        self.durable | self.ordered
    }

    /// Whether anything depends on what is known of the message of this event.
    #[inline]
    pub(super) fn is_about(&self, event: &Event) -> bool {
        match event {
            Event::SendOk { .. } | Event::Polled { .. } => self.is_promised(),
            Event::SendInvoke { .. } => self.retention.is_some(),
            _ => false,
        }
    }

    /// Takes in an operation, with what is known of the message that it is about, where it
    /// [matters](Self::is_about). Returns whether that breaks a promise for good.
    #[inline]
    pub(super) fn observe(
        &mut self,
        operation: &Operation,
        message: Option<(Slot, &Entry)>,
    ) -> bool {
        self.now += 1;
        self.at = operation.at;
        let session = (operation.process, operation.incarnation);
        match operation.event {
            Event::SendInvoke { .. } => {
                self.sends += 1;
                if let Some((slot, entry)) = message
                    && self.retention.is_some()
                    && entry.is_sent_once()
                {
                    self.born(slot, operation.at);
                }
                false
            }
            Event::SendOk { partition, offset: Some(offset), .. } => {
                let place = Place { partition, offset };
                message.is_some_and(|message| self.acknowledged(message, place))
            }
            Event::Polled { group, key, partition, offset, payload, .. } => {
                let place = Place { partition, offset };
                let name = (session, group, partition);
                message.is_some_and(|message| self.polled(message, place, (key, payload), name))
            }
            Event::CommitInvoke { group, partition, offset } => {
                self.commits.lane(group, partition).invoke(session, offset, self.now);
                false
            }
            Event::CommitOk { group, partition, offset } => {
                self.commits.lane(group, partition).settle(session, offset, self.now);
                false
            }
            Event::Boot => {
                self.boots.entry(session).or_insert(self.now);
                false
            }
            _ => false,
        }
    }

    fn acknowledged(&mut self, (slot, entry): (Slot, &Entry), place: Place) -> bool {
        let (number, alike) = self.tell(slot, place, None);
        self.records[number as usize].acknowledged = true;
        let overtakes = self.overtakes((slot, entry), place);
        if self.ordered && entry.is_sent() {
            self.fronts.acknowledged(slot, place, self.sends);
        }
        self.is_split(number, alike) | overtakes
    }

    fn polled(
        &mut self,
        (slot, entry): (Slot, &Entry),
        place: Place,
        read: (u64, u64),
        name: Name,
    ) -> bool {
        let (number, alike) = self.tell(slot, place, Some(read));
        self.records[number as usize].read_last = self.now;
        let overtakes = self.overtakes((slot, entry), place);
        self.is_split(number, alike) | overtakes | self.step(name, place.offset)
    }

    /// Notes it if a message stands in front of what was acknowledged before it was first sent.
    #[inline]
    fn overtakes(&mut self, (slot, entry): (Slot, &Entry), place: Place) -> bool {
        if !self.ordered || !entry.is_sent() {
            return false;
        }
        let Some(mark) = self.fronts.ahead(entry.invoked, place) else { return false };
        let told = self.now;
        self.broken.overtaker.get_or_insert(Overtaker { slot, place, mark, told });
        true
    }

    /// Notes it if an offset shows something else than the record that is known there.
    #[inline]
    fn is_split(&mut self, number: u32, alike: bool) -> bool {
        let split = self.durable && !alike;
        if split {
            self.broken.inconsistent.get_or_insert((number, self.now));
        }
        split
    }

    /// A record is told of. Returns its number, and whether that is the record that is known there.
    #[inline]
    fn tell(&mut self, slot: Slot, place: Place, read: Option<(u64, u64)>) -> (u32, bool) {
        let at = place.partition.index();
        if self.partitions.len() <= at {
            self.partitions.resize_with(at + 1, Partition::default);
        }
        let shelf = &mut self.partitions[at].shelf;
        let Some(number) = shelf.get(place.offset) else {
            let number = self.records.len() as u32;
            shelf.put(place.offset, number);
            self.records.push(Known { slot, place, read, acknowledged: false, read_last: 0 });
            return (number, true);
        };
        let known = &mut self.records[number as usize];
        if known.slot != slot {
            return (number, false);
        }
        let first = known.read.or(read);
        known.read = first;
        let alike = read.is_none_or(|(_, payload)| first.is_some_and(|first| first.1 == payload));
        (number, alike)
    }

    /// A consumer is handed the record at `offset`.
    #[inline]
    fn step(&mut self, name: Name, offset: u64) -> bool {
        let number = match self.last {
            Some((last, number)) if last == name => number,
            _ => match self.names.get(&name) {
                Some(&number) => number,
                None => return self.begin(name, offset),
            },
        };
        self.last = Some((name, number));
        let back = self.durable && self.came_back(name, number, offset);
        let cursor = &mut self.cursors[number as usize];
        let before = std::mem::replace(&mut cursor.read, self.now);
        let from = std::mem::replace(&mut cursor.offset, offset);
        let partition = &mut self.partitions[name.2.index()];
        partition.front = partition.front.max(offset);
        if offset <= from && self.ordered {
            let rewound = Rewound::Within { before, read: self.now };
            self.broken.rewound.get_or_insert(rewound);
            return true;
        }
        if offset.saturating_sub(from) > 1 {
            let step = self.steps.len() as u32;
            partition.passed.insert(from + 1..offset, step);
            cursor.passed.insert(from + 1..offset, step);
            self.stepped(name.2, from + 1..offset, Some(before));
        }
        back
    }

    /// A consumer is handed its first record of a partition in this session.
    fn begin(&mut self, name: Name, offset: u64) -> bool {
        let (session, group, at) = name;
        let number = self.cursors.len() as u32;
        self.names.insert(name, number);
        self.last = Some((name, number));
        let boot = self.boots.get(&session).copied().unwrap_or(0);
        let lane = self.commits.lane(group, at);
        let start = lane.start(boot, offset);
        let promised = lane.promised(boot);
        let passed = Passed::default();
        self.cursors.push(Cursor { boot, promised, read: self.now, offset, passed });
        let partition = &mut self.partitions[at.index()];
        partition.begun = Some(partition.begun.map_or(offset, |begun| begun.min(offset)));
        partition.front = partition.front.max(offset);
        let back = self.durable && self.came_back(name, number, offset);
        match start {
            Some(from) if self.ordered && from < offset => self.stepped(at, from..offset, None),
            None if self.ordered => {
                self.broken.rewound.get_or_insert(Rewound::AtStart { read: self.now });
                return true;
            }
            _ => {}
        }
        back
    }

    fn stepped(&mut self, partition: PartitionId, over: Range<u64>, before: Option<u64>) {
        let (from, to) = (over.start, over.end);
        let (read, at) = (self.now, self.at);
        self.steps.push(Step { from, to, partition, before, read, at });
    }

    /// Notes it if a record comes back that the session of the cursor with this `number`, or one
    /// before it, has passed over; or that the group had settled before that session began.
    fn came_back(&mut self, (_, group, at): Name, number: u32, offset: u64) -> bool {
        let cursor = &self.cursors[number as usize];
        let passed = self.partitions[at.index()].passed.first(offset).filter(|&step| {
            self.steps[step as usize].read < cursor.boot || cursor.passed.first(offset).is_some()
        });
        let settled = cursor.promised.filter(|&committed| {
            offset < committed && !self.commits.lane(group, at).reaches(cursor.boot, offset)
        });
        let read = self.now;
        let found = match (passed, settled) {
            (Some(step), _) => Resurrected::Passed { step, read },
            (None, Some(committed)) => Resurrected::Settled { committed, read },
            (None, None) => return false,
        };
        self.broken.resurrected.get_or_insert(found);
        true
    }

    fn born(&mut self, slot: Slot, at: Instant) {
        if self.births.len() <= slot as usize {
            self.births.resize(slot as usize + 1, Instant::START);
        }
        self.births[slot as usize] = at;
    }
}
