//! One queue: its messages, and whose each of them is.

use super::policy::{QueueOrder, QueuePolicy};
use crate::digest::Digest;
use crate::id::{NodeId, QueueId};
use crate::model::message::{Death, Delivery, Entry, Receipt};
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// A queue.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) id: QueueId,
    /// By their numbers, which are their places.
    pub(super) slots: BTreeMap<u64, Slot>,
}

/// A message in a queue.
#[derive(Copy, Clone, Debug)]
pub(super) struct Slot {
    pub(super) entry: Entry,
    /// When it was published, in milliseconds of the wall clock.
    pub(super) at_ms: u64,
    /// Why it is a dead letter, if it is one.
    pub(super) death: Option<Death>,
    /// The deliveries so far.
    pub(super) attempt: u16,
    /// Whether it may have been delivered before this process began.
    pub(super) recovered: bool,
    pub(super) state: State,
}

/// Whose a message is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody's yet: the record at this position must be durable first.
    Landing(u64),
    /// Nobody's, from then on.
    Ready(Instant),
    /// A consumer's.
    Held(Holding),
    /// The dead letters', once the record at this position is durable.
    Dying(Death, u64),
}

/// How a consumer has a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Holding {
    pub(super) owner: NodeId,
    pub(super) since: Instant,
    /// When it is nobody's again.
    pub(super) until: Instant,
    /// Whether it was pushed to a subscriber, whose credit it takes.
    pub(super) pushed: bool,
}

impl Line {
    pub(super) const fn new(id: QueueId) -> Self {
        Self { id, slots: BTreeMap::new() }
    }

    /// How many messages wait in it: those that nobody holds.
    pub(super) fn waiting(&self) -> usize {
        let waits = |slot: &&Slot| matches!(slot.state, State::Landing(_) | State::Ready(_));
        self.slots.values().filter(waits).count()
    }

    /// The oldest message that nobody holds.
    pub(super) fn head(&self) -> Option<u64> {
        let waits = |slot: &Slot| matches!(slot.state, State::Landing(_) | State::Ready(_));
        self.slots.iter().find(|(_, slot)| waits(slot)).map(|(&number, _)| number)
    }

    /// The messages that may be delivered now, the next one first. `besides` are those of the same
    /// answer.
    pub(super) fn deliverable(
        &self,
        policy: &QueuePolicy,
        now: Instant,
        besides: &[u64],
    ) -> Vec<u64> {
        let is_ready = |slot: &Slot| matches!(slot.state, State::Ready(from) if from <= now);
        if policy.order == QueueOrder::Groups {
            return self.heads_of_groups(is_ready, besides);
        }
        let ready = self.slots.iter().filter(|(_, slot)| is_ready(slot));
        let mut ready: Vec<u64> = ready.map(|(&number, _)| number).collect();
        if policy.priorities.is_some() {
            ready.sort_by_key(|number| {
                std::cmp::Reverse(policy.priority(self.slots[number].entry.key))
            });
        }
        ready
    }

    /// Of each key the first message, if it may be delivered.
    fn heads_of_groups(&self, is_ready: impl Fn(&Slot) -> bool, besides: &[u64]) -> Vec<u64> {
        let mut seen = BTreeSet::new();
        let mut heads = Vec::new();
        for (&number, slot) in &self.slots {
            if matches!(slot.state, State::Dying(..)) || besides.contains(&number) {
                continue;
            }
            if seen.insert(slot.entry.key) && is_ready(slot) {
                heads.push(number);
            }
        }
        heads
    }

    /// The messages that `owner` holds.
    pub(super) fn held_by(&self, owner: NodeId) -> Vec<u64> {
        self.held(|holding| holding.owner == owner)
    }

    /// The messages that somebody holds in such a way.
    pub(super) fn held(&self, such: impl Fn(Holding) -> bool) -> Vec<u64> {
        let held = |slot: &Slot| matches!(slot.state, State::Held(holding) if such(holding));
        self.slots.iter().filter(|(_, slot)| held(slot)).map(|(&number, _)| number).collect()
    }

    /// How much of the credit of `owner` is taken.
    pub(super) fn credit_taken(&self, owner: NodeId) -> usize {
        self.held(|holding| holding.pushed && holding.owner == owner).len()
    }

    /// Records up to `end` are durable: who waited for that is ready.
    pub(super) fn land(&mut self, end: u64) {
        for slot in self.slots.values_mut() {
            if matches!(slot.state, State::Landing(position) if position < end) {
                slot.state = State::Ready(Instant::START);
            }
        }
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(u64::from(self.id.0) << 32 | self.slots.len() as u64);
        for (&number, slot) in &self.slots {
            digest.word(number);
            slot.fingerprint(digest);
        }
    }
}

impl Slot {
    pub(super) const fn new(entry: Entry, at_ms: u64, state: State) -> Self {
        Self { entry, at_ms, death: None, attempt: 0, recovered: false, state }
    }

    /// The message as it is handed out by its latest delivery. `counted` is what the broker says of
    /// the number of deliveries.
    pub(super) const fn delivery(
        &self,
        queue: QueueId,
        number: u64,
        (attempt, redelivered): (u16, bool),
    ) -> Delivery {
        let receipt = Receipt { queue, number, attempt: self.attempt };
        Delivery { receipt, attempt, redelivered, death: self.death, entry: self.entry }
    }

    fn fingerprint(&self, digest: &mut Digest) {
        let death = self.death.map_or(0, |death| 1 + death as u64);
        let flags = u64::from(self.recovered) << 8 | death;
        digest.word(flags << 16 | u64::from(self.attempt)).word(self.at_ms);
        self.entry.fingerprint(digest);
        match self.state {
            State::Landing(position) => digest.word(1 << 32).word(position),
            State::Ready(from) => digest.word(2 << 32).word(from.nanos()),
            State::Held(Holding { owner, since, until, pushed }) => digest
                .word(3 << 32 | u64::from(pushed) << 16 | u64::from(owner.0))
                .word(since.nanos())
                .word(until.nanos()),
            State::Dying(death, position) => digest.word(4 << 32 | death as u64).word(position),
        };
    }
}
