//! What a worker holds, and how far the handling of each message has come.

use crate::digest::Digest;
use crate::model::message::{Delivery, Settlement};
use crate::model::store::Seen;

/// A message in the worker's hands.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub(super) struct Task {
    pub(super) delivery: Delivery,
    /// Which arrival it is.
    arrival: u64,
    /// Whether the message is the worker's, as far as it knows. What was begun and is not its own
    /// any more is handled to its end, since nothing stops a handling half-way, and not settled.
    pub(super) is_ours: bool,
    /// Whether it was settled before the handling.
    pub(super) is_settled: bool,
    /// Whether it was published anew, and is settled here since it comes again so.
    pub(super) moved_on: bool,
    /// How often its handling has failed in this worker's hands.
    pub(super) failures: u16,
    /// How many acts are committed.
    pub(super) acts: u16,
    /// Whether the work before the next commit is done.
    pub(super) worked: bool,
    /// What the database said of it.
    pub(super) seen: Box<[Seen]>,
    /// With which hand it is being handled.
    pub(super) lane: Option<u8>,
    pub(super) step: Step,
}

/// What a task waits for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A free hand, and its predecessors.
    Waiting,
    /// The database is to say what is known of it.
    Looking,
    /// The work is to take its time.
    Working,
    /// A commit of the worker's own is to become durable.
    Writing { what: Written, mark: u64 },
    /// Another machine is to carry out a transaction.
    Transacting { what: Written },
    /// An external system is to act.
    Calling,
    /// The time before it is tried again is to pass.
    Backing,
    /// The queue is to confirm that it has it anew.
    Publishing,
    /// The queue is to confirm what becomes of it.
    Settling { request: u64, settlement: Settlement },
}

/// What a commit is about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// An act that is not the last.
    Act,
    /// Nothing: the message is known already, by a row that may not be durable yet.
    Known,
    /// The effect, with the last act.
    Effect,
    /// The last act of one who passes the lock on.
    Pass,
    /// That later messages of its key wait for it.
    Held,
    /// That later messages of its key follow it among the dead letters.
    Dead,
}

/// Everything that a worker holds, by slots that stay the same while a message is held.
#[derive(Clone, Debug, Default)]
pub(super) struct Hand {
    slots: Vec<Option<Box<Task>>>,
    arrivals: u64,
}

impl Task {
    /// What entitles its holder to act: a later delivery of the message has a greater one, and so
    /// has every delivery of a later message of a queue that hands out one at a time.
    pub(super) fn token(&self) -> u64 {
        self.delivery.receipt.number << 16 | u64::from(self.delivery.receipt.attempt)
    }

    /// Whether something was begun that cannot be stopped.
    fn is_begun(&self) -> bool {
        match self.step {
            Step::Waiting | Step::Backing | Step::Publishing | Step::Settling { .. } => false,
            Step::Looking
            | Step::Working
            | Step::Writing { .. }
            | Step::Transacting { .. }
            | Step::Calling => true,
        }
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.delivery.fingerprint(digest);
        let flags = u64::from(self.is_ours)
            | u64::from(self.is_settled) << 1
            | u64::from(self.worked) << 2
            | u64::from(self.moved_on) << 3
            | u64::from(self.lane.map_or(0, |lane| lane + 1)) << 8
            | u64::from(self.failures) << 16
            | u64::from(self.acts) << 32;
        digest.word(self.arrival).word(flags).word(self.seen.len() as u64);
        for seen in &self.seen {
            digest.word(seen.key).word(seen.revision);
        }
        let (tag, word) = match self.step {
            Step::Waiting => (0, 0),
            Step::Looking => (1, 0),
            Step::Working => (2, 0),
            Step::Writing { what, mark } => (3 | (what as u64) << 8, mark),
            Step::Transacting { what } => (4 | (what as u64) << 8, 0),
            Step::Calling => (5, 0),
            Step::Backing => (6, 0),
            Step::Publishing => (7, 0),
            Step::Settling { request, settlement } => {
                let kind = match settlement {
                    Settlement::Ack => 0,
                    Settlement::Requeue(_) => 1,
                    Settlement::Reject => 2,
                    Settlement::Extend(_) => 3,
                };
                (8 | kind << 8, request)
            }
        };
        digest.word(tag).word(word);
    }
}

impl Hand {
    /// Takes a message in hand, unless there are too many to tell apart; `slots` is how many.
    pub(super) fn take(&mut self, delivery: Delivery, slots: usize) -> Option<usize> {
        let free = self.slots.iter().position(Option::is_none);
        let slot = free.or_else(|| {
            (self.slots.len() < slots).then(|| {
                self.slots.push(None);
                self.slots.len() - 1
            })
        })?;
        self.arrivals += 1;
        self.slots[slot] = Some(Box::new(Task {
            delivery,
            arrival: self.arrivals,
            is_ours: true,
            is_settled: false,
            moved_on: false,
            failures: 0,
            acts: 0,
            worked: false,
            seen: Box::default(),
            lane: None,
            step: Step::Waiting,
        }));
        Some(slot)
    }

    pub(super) fn get(&self, slot: usize) -> Option<&Task> {
        self.slots.get(slot)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Task> {
        self.slots.get_mut(slot)?.as_deref_mut()
    }

    /// Lets a message go.
    pub(super) fn release(&mut self, slot: usize) {
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = None;
        }
    }

    /// The slots that are taken, as their messages arrived.
    pub(super) fn in_order(&self) -> Vec<usize> {
        let taken = self.slots.iter().enumerate();
        let taken = taken.filter_map(|(slot, task)| Some((task.as_ref()?.arrival, slot)));
        let mut taken: Vec<_> = taken.collect();
        taken.sort_unstable();
        taken.into_iter().map(|(_, slot)| slot).collect()
    }

    /// The slot of the first message, in the order of arrival, of which this is so.
    pub(super) fn find(&self, is_it: impl Fn(&Task) -> bool) -> Option<usize> {
        self.in_order().into_iter().find(|&slot| self.get(slot).is_some_and(&is_it))
    }

    /// How many messages are the worker's.
    pub(super) fn held(&self) -> usize {
        self.slots.iter().flatten().filter(|task| task.is_ours && !task.is_settled).count()
    }

    /// A hand that handles nothing.
    pub(super) fn free_lane(&self, hands: u8) -> Option<u8> {
        let lanes: Vec<u8> = self.slots.iter().flatten().filter_map(|task| task.lane).collect();
        (0..hands).find(|lane| !lanes.contains(lane))
    }

    /// Whether an earlier message of the same key is still in hand.
    pub(super) fn has_predecessor(&self, slot: usize) -> bool {
        let Some(task) = self.get(slot) else { return false };
        self.slots.iter().flatten().any(|other| {
            other.arrival < task.arrival && other.delivery.entry.key == task.delivery.entry.key
        })
    }

    /// Nothing is the worker's any more: lets go of what was not begun, and returns its slots with
    /// what it waited for.
    pub(super) fn lapse(&mut self) -> Vec<(usize, Box<Task>)> {
        let mut gone = Vec::new();
        for (slot, place) in self.slots.iter_mut().enumerate() {
            if place.as_ref().is_some_and(|task| !task.is_begun() && !task.is_settled) {
                gone.extend(place.take().map(|task| (slot, task)));
            } else if let Some(task) = place {
                task.is_ours = false;
            }
        }
        gone
    }

    /// Takes the whole state into the digest.
    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.arrivals).word(self.slots.len() as u64);
        for slot in &self.slots {
            digest.word(u64::from(slot.is_some()));
            if let Some(task) = slot {
                task.fingerprint(digest);
            }
        }
    }
}
