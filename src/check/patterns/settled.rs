//! Settled for good: messages that come back after their queue has confirmed that they are done.

use super::super::evidence::violation;
use super::super::index::Slot;
use super::super::ledger::{Entry, Ledger};
use super::super::{Promise, Rule, Violation};
use crate::history::{Event, Operation, Recorded};
use crate::id::{GroupId, NodeId};
use std::collections::BTreeMap;

/// Which messages are settled, and who may know.
///
/// A message may have been under way to one consumer when another had it confirmed. It was handed
/// out again if it comes to a session that began afterwards, or to the one that had it confirmed,
/// which hears from its queue in order. What was sent more than once may be in the queue more than
/// once.
#[derive(Debug, Default)]
pub(in super::super) struct Settled {
    groups: Vec<GroupId>,
    now: u64,
    /// When each session began.
    boots: BTreeMap<Session, u64>,
    confirmed: BTreeMap<(GroupId, Slot), Confirmed>,
    by: BTreeMap<(GroupId, Slot, Session), Operation>,
    first: Option<(Slot, Operation, Operation)>,
}

type Session = (NodeId, u16);

/// The first confirmation of a message.
#[derive(Copy, Clone, Debug)]
struct Confirmed {
    moment: u64,
    operation: Operation,
}

impl Settled {
    /// The checker of what is promised to be settled for good among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let groups = promises.iter().filter_map(|promise| match promise {
            Promise::SettledForGood { groups } => Some(groups),
            _ => None,
        });
        Self { groups: groups.flatten().copied().collect(), ..Self::default() }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.now = 0;
        self.boots.clear();
        self.confirmed.clear();
        self.by.clear();
        self.first = None;
    }

    /// Another operation happens.
    pub(super) fn tick(&mut self) {
        self.now += 1;
    }

    /// A session begins.
    pub(super) fn boot(&mut self, operation: &Operation) {
        if !self.groups.is_empty() {
            self.boots.entry(session(operation)).or_insert(self.now);
        }
    }

    /// A queue confirms that a message is settled.
    pub(super) fn confirmed(&mut self, operation: &Operation, group: GroupId, slot: Slot) {
        if self.groups.contains(&group) {
            let confirmed = Confirmed { moment: self.now, operation: *operation };
            self.confirmed.entry((group, slot)).or_insert(confirmed);
            self.by.entry((group, slot, session(operation))).or_insert(*operation);
        }
    }

    /// A consumer receives a message. Returns whether that breaks a promise for good.
    pub(super) fn received(
        &mut self,
        operation: &Operation,
        group: GroupId,
        (slot, entry): (Slot, &Entry),
    ) -> bool {
        let Some(confirmed) = self.confirmed.get(&(group, slot)) else { return false };
        if entry.is_sent_again() {
            return false;
        }
        let session = session(operation);
        let is_later = self.boots.get(&session).is_some_and(|boot| *boot > confirmed.moment);
        let own = self.by.get(&(group, slot, session)).copied();
        let Some(before) = own.or(is_later.then_some(confirmed.operation)) else { return false };
        self.first.get_or_insert((slot, before, *operation));
        true
    }

    /// A message that was received again.
    pub(in super::super) fn resurrected(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        let (slot, confirmed, again) = self.first?;
        let message = ledger.entry(slot).message;
        let Event::Received { group, .. } = again.event else { return None };
        let expected =
            format!("{group:?} does not receive {message} again once it is settled for good");
        let observed = format!(
            "the queue confirmed to {:?} at {} that it is, and handed it to {:?} at {}",
            confirmed.process, confirmed.at, again.process, again.at
        );
        let shows = |o: &Operation| {
            let boots = o.event == Event::Boot && session(o) == session(&again);
            *o == confirmed || *o == again || boots
        };
        Some(violation(Rule::Resurrected, (expected, observed), vec![message], history, shows))
    }
}

fn session(operation: &Operation) -> Session {
    (operation.process, operation.incarnation)
}
