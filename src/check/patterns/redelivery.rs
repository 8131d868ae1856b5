//! Redelivery bound: messages that are received more often than there were causes.

use super::super::evidence::{list, moments, times, violation};
use super::super::index::Slot;
use super::super::ledger::Ledger;
use super::super::{Promise, Rule, Violation};
use super::sinks::of;
use crate::history::{Event, Operation, Recorded};
use crate::id::{GroupId, MessageId, NodeId};
use crate::time::{Instant, Span};
use std::collections::BTreeMap;

/// How often each message was received, and what explains it.
///
/// When a queue hands a message out is not in the history, only when a consumer has it, which may
/// be long after: so is when a consumer learns that a message is its own no more. The causes are
/// therefore counted over the whole run, and of leases as many as have room between the first send
/// of a message and the last time that it was received.
#[derive(Debug, Default)]
pub(in super::super) struct Redelivery {
    bounds: Vec<Bound>,
}

#[derive(Debug)]
struct Bound {
    group: GroupId,
    broker: NodeId,
    lease: Option<Span>,
    /// How often the queue went down.
    downs: u32,
    /// By slot.
    trails: Vec<Trail>,
    /// What each session holds, and in how many deliveries.
    hands: BTreeMap<(NodeId, u16), BTreeMap<Slot, u32>>,
}

/// What became of a message.
#[derive(Copy, Clone, Debug, Default)]
struct Trail {
    /// When it was sent first, and how often the queue had gone down by then.
    born: Option<(Instant, u32)>,
    sends: u32,
    received: u32,
    /// When it was received last, and how often the queue had gone down by then.
    last: (Instant, u32),
    /// Deliveries that ended and left the message unsettled.
    ended: u32,
}

impl Redelivery {
    /// The checker of the promises about redelivery among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let bounds = promises.iter().filter_map(|promise| match *promise {
            Promise::BoundedRedelivery { group, broker, lease } => Some(Bound {
                group,
                broker,
                lease,
                downs: 0,
                trails: Vec::new(),
                hands: BTreeMap::new(),
            }),
            _ => None,
        });
        Self { bounds: bounds.collect() }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        for bound in &mut self.bounds {
            bound.downs = 0;
            bound.trails.clear();
            bound.hands.clear();
        }
    }

    /// A message is sent.
    pub(super) fn sent(&mut self, operation: &Operation, slot: Slot) {
        for bound in &mut self.bounds {
            let trail = of(&mut bound.trails, slot, Trail::default());
            trail.sends += 1;
            trail.born.get_or_insert((operation.at, bound.downs));
        }
    }

    /// A consumer receives a message.
    pub(super) fn received(&mut self, operation: &Operation, group: GroupId, slot: Slot) {
        for bound in self.bounds.iter_mut().filter(|bound| bound.group == group) {
            let trail = of(&mut bound.trails, slot, Trail::default());
            trail.received += 1;
            trail.last = (operation.at, bound.downs);
            *bound.hands.entry(session(operation)).or_default().entry(slot).or_default() += 1;
        }
    }

    /// A consumer gives a message back, or does not know whether it settled it.
    pub(super) fn given_up(&mut self, operation: &Operation, group: GroupId, slot: Slot) {
        for bound in self.bounds.iter_mut().filter(|bound| bound.group == group) {
            bound.end(operation, slot);
        }
    }

    /// A queue confirms to a consumer that a message is settled.
    pub(super) fn confirmed(&mut self, operation: &Operation, group: GroupId, slot: Slot) {
        for bound in self.bounds.iter_mut().filter(|bound| bound.group == group) {
            if let Some(hand) = bound.hands.get_mut(&session(operation)) {
                hand.remove(&slot);
            }
        }
    }

    /// A consumer holds nothing any more.
    pub(super) fn lapsed(&mut self, operation: &Operation, group: GroupId) {
        for bound in self.bounds.iter_mut().filter(|bound| bound.group == group) {
            bound.end_all(operation);
        }
    }

    /// A process ends.
    pub(super) fn down(&mut self, operation: &Operation) {
        for bound in &mut self.bounds {
            bound.downs += u32::from(bound.broker == operation.process);
            bound.end_all(operation);
        }
    }

    /// A message that was received too often; to be asked at rest only.
    pub(in super::super) fn unbounded(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        let (bound, slot) = self.bounds.iter().find_map(|bound| {
            let beyond = |trail: &Trail| u64::from(trail.received) > bound.limit(trail);
            Some((bound, bound.trails.iter().position(beyond)?))
        })?;
        let message = ledger.entry(slot as Slot).message;
        let group = bound.group;
        let limit = bound.limit(&bound.trails[slot]);
        let received = |event: &Event| is_received(event, group, message);
        let at = moments(history, received);
        let expected = format!(
            "{group:?} receives {message} {} at most: once for each time that it was sent, and \
             once more for each cause",
            times(limit as usize)
        );
        let observed = format!("it received it {}: at {}", times(at.len()), list(&at));
        let words = (expected, observed);
        let shows = |o: &Operation| received(&o.event);
        Some(violation(Rule::RedeliveryBound, words, vec![message], history, shows))
    }
}

impl Bound {
    /// Every delivery of a message in a session's hands comes to an end.
    fn end(&mut self, operation: &Operation, slot: Slot) {
        let hand = self.hands.get_mut(&session(operation));
        if let Some(deliveries) = hand.and_then(|hand| hand.remove(&slot)) {
            self.trails[slot as usize].ended += deliveries;
        }
    }

    fn end_all(&mut self, operation: &Operation) {
        for (slot, deliveries) in self.hands.remove(&session(operation)).unwrap_or_default() {
            self.trails[slot as usize].ended += deliveries;
        }
    }

    /// How often a message may have been received.
    fn limit(&self, trail: &Trail) -> u64 {
        let (born, downs_before) = trail.born.unwrap_or_default();
        let (last, downs) = trail.last;
        let leases = self.lease.map_or(0, |lease| {
            let room = last.since(born).nanos();
            room.checked_div(lease.nanos()).unwrap_or(u64::MAX)
        });
        let known = trail.sends.max(1) + trail.ended + downs.saturating_sub(downs_before);
        leases.saturating_add(u64::from(known))
    }
}

fn is_received(event: &Event, of: GroupId, which: MessageId) -> bool {
    match event {
        Event::Received { group, message, .. } => *group == of && *message == which,
        _ => false,
    }
}

fn session(operation: &Operation) -> (NodeId, u16) {
    (operation.process, operation.incarnation)
}
