//! Logs and their consumers: what stands where, who passed over it, and who came back.

use super::{Naive, Outcome};
use postulate::check::Promise;
use postulate::history::{Event, Operation};
use postulate::id::{GroupId, MessageId, NodeId, PartitionId};
use postulate::time::{Instant, Span};
use std::collections::BTreeSet;

/// A consumer in one session: the polls of its group from one partition, in order.
#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) group: GroupId,
    pub(super) partition: PartitionId,
    /// Its process was booted, before the first of the polls.
    pub(super) boot: Option<usize>,
    /// When, and which offset.
    polls: Vec<(usize, u64)>,
}

/// A consumer goes from one offset to a greater one.
#[derive(Copy, Clone, Debug)]
struct Pass {
    cursor: usize,
    partition: PartitionId,
    from: u64,
    to: u64,
    at: usize,
}

impl Pass {
    fn over(&self, (partition, offset): (PartitionId, u64)) -> bool {
        self.partition == partition && self.from < offset && offset < self.to
    }
}

type Place = (PartitionId, u64);

/// Somebody tells who stands where.
#[derive(Copy, Clone, Debug)]
pub(super) struct Told {
    pub(super) at: usize,
    pub(super) place: Place,
    pub(super) message: MessageId,
    /// The key and the payload, if it is a poll that tells it.
    read: Option<(u64, u64)>,
}

pub(super) fn told(all: &[Operation]) -> Vec<Told> {
    let told = |(at, o): (usize, &Operation)| match o.event {
        Event::SendOk { message, partition, offset: Some(offset), .. } => {
            Some(Told { at, place: (partition, offset), message, read: None })
        }
        Event::Polled { message, key, partition, offset, payload, .. } => {
            let read = Some((key, payload));
            Some(Told { at, place: (partition, offset), message, read })
        }
        _ => None,
    };
    all.iter().enumerate().filter_map(told).collect()
}

pub(super) fn cursors(all: &[Operation]) -> Vec<Cursor> {
    let name = |o: &Operation| match o.event {
        Event::Polled { group, partition, .. } => {
            Some(((o.process, o.incarnation), group, partition))
        }
        _ => None,
    };
    let names: BTreeSet<((NodeId, u16), GroupId, PartitionId)> =
        all.iter().filter_map(name).collect();
    let cursor = |(session, group, partition)| {
        let own = |(at, o): (usize, &Operation)| match o.event {
            Event::Polled { offset, .. } if name(o) == Some((session, group, partition)) => {
                Some((at, offset))
            }
            _ => None,
        };
        let polls: Vec<(usize, u64)> = all.iter().enumerate().filter_map(own).collect();
        let boots = |o: &Operation| o.event == Event::Boot && (o.process, o.incarnation) == session;
        let boot = all[..polls[0].0].iter().position(boots);
        Cursor { group, partition, boot, polls }
    };
    names.into_iter().map(cursor).collect()
}

impl Naive<'_> {
    fn is_durable(&self) -> bool {
        self.promises.iter().any(|p| matches!(p, Promise::DurableLog { .. }))
    }

    fn retention(&self) -> Option<Span> {
        let retention = |promise: &Promise| match promise {
            Promise::DurableLog { retention, .. } => *retention,
            _ => None,
        };
        self.promises.iter().filter_map(retention).min()
    }

    fn is_compacted(&self) -> bool {
        self.promises.iter().any(|p| matches!(p, Promise::DurableLog { compacted: true, .. }))
    }

    pub(super) fn inconsistent_offset(&self) -> bool {
        let clash = |one: &Told| {
            self.told.iter().any(|other| {
                let payloads = one.read.zip(other.read);
                let differ = payloads.is_some_and(|((_, one), (_, other))| one != other);
                one.place == other.place && (one.message != other.message || differ)
            })
        };
        self.is_durable() && self.told.iter().any(clash)
    }

    fn passes(cursors: &[Cursor]) -> Vec<Pass> {
        let mut passes = Vec::new();
        for (number, cursor) in cursors.iter().enumerate() {
            for pair in cursor.polls.windows(2) {
                let ((_, from), (at, to)) = (pair[0], pair[1]);
                let partition = cursor.partition;
                passes.push(Pass { cursor: number, partition, from, to, at });
            }
        }
        passes.sort_by_key(|pass| pass.at);
        passes
    }

    fn known(&self) -> BTreeSet<Place> {
        self.told.iter().map(|told| told.place).collect()
    }

    /// The message that a known place was first told to hold.
    fn holder(&self, place: Place) -> MessageId {
        self.told.iter().find(|told| told.place == place).expect("the place is known").message
    }

    /// The key that a record was read with, or the keys that its message was sent under.
    fn keys(&self, place: Place) -> BTreeSet<u64> {
        let holder = self.holder(place);
        let mut own = self.told.iter().filter(|t| t.place == place && t.message == holder);
        match own.find_map(|t| t.read) {
            Some((key, _)) => BTreeSet::from([key]),
            None => self.keys_before(holder, self.all.len()),
        }
    }

    /// Whether a record may be missing that was passed over at this time.
    fn is_excused(&self, place: Place, passed: Instant) -> bool {
        let holder = self.holder(place);
        let born = self.attempts(holder).first().map_or(Instant::START, |(_, o)| o.at);
        let expired = self.retention().is_some_and(|retention| passed.since(born) >= retention);
        expired || (self.is_compacted() && self.is_obsolete(place))
    }

    /// A later known record has its key, or a message that nobody was told the place of may.
    fn is_obsolete(&self, place: Place) -> bool {
        let keys = self.keys(place);
        let known = self.known();
        let mut later = known.iter().filter(|p| p.0 == place.0 && p.1 > place.1);
        let placed: BTreeSet<MessageId> = known.iter().map(|p| self.holder(*p)).collect();
        let mut hidden = self.messages().into_iter().filter(|m| {
            matches!(self.outcome(*m), Outcome::Info | Outcome::Ok) && !placed.contains(m)
        });
        later.any(|place| !self.keys(*place).is_disjoint(&keys))
            || hidden.any(|m| !self.keys_before(m, self.all.len()).is_disjoint(&keys))
    }

    /// A known record that was passed over and is read by nobody afterwards; or one that was
    /// acknowledged and never read, when a session began at or before it and somebody read beyond.
    pub(super) fn lost_record(&self) -> bool {
        let passes = Self::passes(&self.cursors);
        let end = self.all.last().map_or(Instant::START, |o| o.at);
        let lost = |place: Place| {
            let mut told_here = self.told.iter().filter(|t| t.place == place);
            if let Some(pass) = passes.iter().find(|pass| pass.over(place)) {
                return !told_here.any(|t| t.read.is_some() && t.at > pass.at)
                    && !self.is_excused(place, self.all[pass.at].at);
            }
            let here = |cursor: &&Cursor| cursor.partition == place.0;
            let acknowledged = told_here.clone().any(|t| t.read.is_none());
            let read = told_here.any(|t| t.read.is_some());
            let begun = self.cursors.iter().filter(here).any(|cursor| cursor.polls[0].1 <= place.1);
            let mut all = self.cursors.iter().filter(here).flat_map(|cursor| &cursor.polls);
            let beyond = all.any(|(_, offset)| *offset > place.1);
            acknowledged && !read && begun && beyond && !self.is_excused(place, end)
        };
        self.is_durable() && self.known().into_iter().any(lost)
    }

    /// A record is read that its session, or one before it, has passed over; or that its group had
    /// settled before its session began, if no commit explains it.
    pub(super) fn resurrected(&self) -> bool {
        let passes = Self::passes(&self.cursors);
        let returns = |(number, cursor): (usize, &Cursor)| {
            cursor.polls.iter().any(|&(at, offset)| {
                let gone = passes.iter().any(|pass| {
                    let since = cursor.boot.is_some_and(|boot| boot > pass.at);
                    let place = (cursor.partition, offset);
                    pass.at < at && pass.over(place) && (pass.cursor == number || since)
                });
                let standing = self.standing(cursor);
                let settled = !standing.is_empty()
                    && standing.iter().all(|committed| offset < *committed)
                    && self.unsettled(cursor, at).iter().all(|committed| offset < *committed);
                gone || settled
            })
        };
        self.is_durable() && self.cursors.iter().enumerate().any(returns)
    }

    /// Where a session may have begun.
    fn beginnings(&self, cursor: &Cursor) -> Vec<u64> {
        let mut beginnings = self.standing(cursor);
        if beginnings.is_empty() {
            beginnings.push(0);
        }
        beginnings.extend(self.unsettled(cursor, cursor.polls[0].0));
        beginnings
    }

    /// A record that may not be missing stands between two that were handed out one after the
    /// other, or between the first one and every place before it where the session may have begun.
    pub(super) fn skipped(&self) -> bool {
        let known = self.known();
        let visible = |partition: PartitionId, from: u64, to: u64, at: usize| {
            known.iter().any(|place| {
                place.0 == partition
                    && from <= place.1
                    && place.1 < to
                    && !self.is_excused(*place, self.all[at].at)
            })
        };
        let within = Self::passes(&self.cursors).iter().any(|pass| {
            pass.from < pass.to && visible(pass.partition, pass.from + 1, pass.to, pass.at)
        });
        let at_start = self.cursors.iter().any(|cursor| {
            let (at, offset) = cursor.polls[0];
            let mut before = self.beginnings(cursor);
            before.retain(|beginning| *beginning <= offset);
            !before.is_empty()
                && before.iter().all(|from| visible(cursor.partition, *from, offset, at))
        });
        self.is_ordered() && (within || at_start)
    }

    /// A record is handed out at or before the last one, or before every place where its session
    /// may have begun.
    pub(super) fn rewound(&self) -> bool {
        let back = |cursor: &Cursor| {
            let (_, first) = cursor.polls[0];
            cursor.polls.windows(2).any(|pair| pair[1].1 <= pair[0].1)
                || self.beginnings(cursor).iter().all(|beginning| first < *beginning)
        };
        self.is_ordered() && self.cursors.iter().any(back)
    }
}
