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
use passed::Passed;
use shelf::Shelf;
use std::collections::BTreeMap;

mod commits;
mod excuse;
mod findings;
mod passed;
mod shelf;

/// Watches the logs and their consumers, if a durable log or orderly consumers are promised.
///
/// Moments are numbers of operations, from 1.
#[derive(Debug, Default)]
pub(super) struct Reading {
    durable: bool,
    ordered: bool,
    retention: Option<Span>,
    compacted: bool,
    now: u64,
    /// When the last operation happened.
    at: Instant,
    records: Vec<Known>,
    partitions: Vec<Partition>,
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
    inconsistent: Option<(u32, Operation)>,
    resurrected: Option<Resurrected>,
    rewound: Option<Rewound>,
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
    /// What it was handed last.
    read: Operation,
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
    moment: u64,
    /// What was handed out before, unless this is the first record of a session.
    before: Option<Operation>,
    read: Operation,
}

#[derive(Copy, Clone, Debug)]
enum Resurrected {
    /// An offset was passed over by this step, and is read nevertheless.
    Passed { step: u32, read: Operation },
    /// An offset is read although the group had committed this one, or a greater one, before.
    Settled { committed: u64, read: Operation },
}

#[derive(Copy, Clone, Debug)]
enum Rewound {
    /// From one record to the next.
    Within { before: Operation, read: Operation },
    /// At the first record of a session: in front of every offset where it may have started.
    AtStart { read: Operation },
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
        self.records.clear();
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

    /// Takes in an operation, with what is known of the message that it is about. Returns whether
    /// that breaks a promise for good.
    pub(super) fn observe(
        &mut self,
        operation: &Operation,
        message: Option<(Slot, &Entry)>,
    ) -> bool {
        self.now += 1;
        self.at = operation.at;
        let session = (operation.process, operation.incarnation);
        match (operation.event, message) {
            (Event::SendInvoke { .. }, Some((slot, entry))) => {
                if self.retention.is_some() && entry.attempts == 1 {
                    self.born(slot, operation.at);
                }
                false
            }
            (Event::SendOk { partition, offset: Some(offset), .. }, Some((slot, _))) => {
                let (number, alike) = self.tell(slot, Place { partition, offset }, None);
                self.records[number as usize].acknowledged = true;
                self.durable && !alike && self.inconsistent_at(number, operation)
            }
            (Event::Polled { group, key, partition, offset, payload, .. }, Some((slot, _))) => {
                let place = Place { partition, offset };
                let (number, alike) = self.tell(slot, place, Some((key, payload)));
                self.records[number as usize].read_last = self.now;
                let split = self.durable && !alike && self.inconsistent_at(number, operation);
                split | self.step((session, group, partition), operation, offset)
            }
            (Event::CommitInvoke { group, partition, offset }, _) => {
                self.commits.lane(group, partition).invoke(session, offset, self.now);
                false
            }
            (Event::CommitOk { group, partition, offset }, _) => {
                self.commits.lane(group, partition).settle(session, offset, self.now);
                false
            }
            (Event::Boot, _) => {
                self.boots.entry(session).or_insert(self.now);
                false
            }
            _ => false,
        }
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
    fn step(&mut self, name: Name, operation: &Operation, offset: u64) -> bool {
        let cursor = match self.last {
            Some((last, cursor)) if last == name => Some(cursor),
            _ => self.names.get(&name).copied(),
        };
        let Some(number) = cursor else { return self.begin(name, operation, offset) };
        self.last = Some((name, number));
        let cursor = &mut self.cursors[number as usize];
        let partition = &mut self.partitions[name.2.index()];
        let returned = partition.passed.first(offset).filter(|&step| {
            self.steps[step as usize].moment < cursor.boot || cursor.passed.first(offset).is_some()
        });
        let before = std::mem::replace(&mut cursor.read, *operation);
        let from = std::mem::replace(&mut cursor.offset, offset);
        partition.front = partition.front.max(offset);
        if offset.saturating_sub(from) > 1 {
            let step = self.steps.len() as u32;
            partition.passed.insert(from + 1..offset, step);
            cursor.passed.insert(from + 1..offset, step);
            self.steps.push(Step {
                from: from + 1,
                to: offset,
                partition: name.2,
                moment: self.now,
                before: Some(before),
                read: *operation,
            });
        }
        let rewound = self.ordered && offset <= from;
        if rewound {
            self.broken.rewound.get_or_insert(Rewound::Within { before, read: *operation });
        }
        rewound | self.came_back(name, operation, offset, (number, returned))
    }

    /// A consumer is handed its first record of a partition in this session.
    fn begin(&mut self, name: Name, operation: &Operation, offset: u64) -> bool {
        let (session, group, at) = name;
        let number = self.cursors.len() as u32;
        self.names.insert(name, number);
        self.last = Some((name, number));
        let boot = self.boots.get(&session).copied().unwrap_or(0);
        let lane = self.commits.lane(group, at);
        let start = lane.start(boot, offset);
        let promised = lane.promised(boot);
        let passed = Passed::default();
        self.cursors.push(Cursor { boot, promised, read: *operation, offset, passed });
        let partition = &mut self.partitions[at.index()];
        partition.begun = Some(partition.begun.map_or(offset, |begun| begun.min(offset)));
        partition.front = partition.front.max(offset);
        let passed = partition.passed.first(offset);
        let returned = passed.filter(|&step| self.steps[step as usize].moment < boot);
        match start {
            Some(from) if self.ordered && from < offset => self.steps.push(Step {
                from,
                to: offset,
                partition: at,
                moment: self.now,
                before: None,
                read: *operation,
            }),
            None if self.ordered => {
                self.broken.rewound.get_or_insert(Rewound::AtStart { read: *operation });
            }
            _ => {}
        }
        let rewound = self.ordered && start.is_none();
        rewound | self.came_back(name, operation, offset, (number, returned))
    }

    /// Notes it if a record comes back that was passed over in the step `returned`, or that the
    /// group had settled before the session of the cursor with this `number` began.
    #[inline]
    fn came_back(
        &mut self,
        (_, group, partition): Name,
        operation: &Operation,
        offset: u64,
        (number, returned): (u32, Option<u32>),
    ) -> bool {
        let &Cursor { boot, promised, .. } = &self.cursors[number as usize];
        let settled = promised.filter(|&committed| {
            offset < committed && !self.commits.lane(group, partition).reaches(boot, offset)
        });
        let read = *operation;
        let found = match (returned, settled) {
            (Some(step), _) => Resurrected::Passed { step, read },
            (None, Some(committed)) => Resurrected::Settled { committed, read },
            (None, None) => return false,
        };
        if self.durable {
            self.broken.resurrected.get_or_insert(found);
        }
        self.durable
    }

    #[cold]
    fn inconsistent_at(&mut self, number: u32, operation: &Operation) -> bool {
        self.broken.inconsistent.get_or_insert((number, *operation));
        true
    }

    fn born(&mut self, slot: Slot, at: Instant) {
        if self.births.len() <= slot as usize {
            self.births.resize(slot as usize + 1, Instant::START);
        }
        self.births[slot as usize] = at;
    }
}
