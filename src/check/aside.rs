//! The rules that not every system promises, in one place: where none is, they cost one test.

use super::Promise;
use super::ahead::Ahead;
use super::delivery::Delivery;
use super::ledger::Ledger;
use super::patterns::Patterns;
use super::projected::Projected;
use super::reading::Reading;
use super::unseen::Unseen;
use crate::history::{Event, Operation};

/// The checkers beside those of delivery, order and convergence.
#[derive(Debug)]
pub(super) struct Aside {
    pub(super) reading: Reading,
    pub(super) ahead: Ahead,
    pub(super) projected: Projected,
    pub(super) unseen: Unseen,
    pub(super) patterns: Patterns,
}

impl Aside {
    /// The checkers of what `promises` say.
    pub(super) fn new(promises: &[Promise]) -> Self {
        Self {
            reading: Reading::new(promises),
            ahead: Ahead::new(promises),
            projected: Projected::new(promises),
            unseen: Unseen::new(promises),
            patterns: Patterns::new(promises),
        }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.reading.reset();
        self.ahead.reset();
        self.projected.reset();
        self.unseen.reset();
        self.patterns.reset();
    }

    /// Whether any of them has anything to check.
    pub(super) fn is_promised(&self) -> bool {
        self.reading.is_promised()
            || self.ahead.is_promised()
            || self.projected.is_promised()
            || self.unseen.is_promised()
            || self.patterns.is_promised()
    }

    /// Takes in an operation that the ledger and `delivery` know already. Returns whether that
    /// breaks a promise for good.
    pub(super) fn observe(
        &mut self,
        operation: &Operation,
        ledger: &mut Ledger,
        delivery: &Delivery,
    ) -> bool {
        let mut broken = false;
        let others =
            self.unseen.is_promised() | self.ahead.is_promised() | self.projected.is_promised();
        let message = operation.event.message();
        let message = message.filter(|_| others || self.reading.is_about(&operation.event));
        let message = message.map(|message| {
            let (slot, entry, tally) = ledger.open(message);
            if self.unseen.is_promised() {
                match operation.event {
                    Event::SendOk { .. } => self.unseen.acknowledged(slot, tally),
                    Event::Polled { .. } | Event::Received { .. } => {
                        self.unseen.seen(slot, tally);
                    }
                    Event::Effect { sink, .. } if delivery.is_watched(sink) => {
                        self.unseen.seen(slot, tally);
                    }
                    _ => {}
                }
            }
            if self.projected.is_promised() {
                self.projected.observe(operation, (slot, entry), tally);
            }
            (slot, &*entry)
        });
        if let Event::View { digest } = operation.event {
            self.projected.view(operation.process, digest);
        }
        if self.ahead.is_promised() {
            broken |= self.ahead.observe(operation, message.map(|(slot, _)| slot));
        }
        if self.reading.is_promised() {
            broken |= self.reading.observe(operation, message);
        }
        if self.patterns.is_promised() {
            broken |= self.patterns.observe(operation, ledger);
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Handling;
    use crate::id::{GroupId, NodeId, SinkId};
    use crate::time::Span;

    #[test]
    fn systems_that_promise_none_of_these_do_not_pay_for_them() {
        let paid = |promise: Promise| Aside::new(&[promise]).is_promised();
        assert!(!Aside::new(&[]).is_promised());
        assert!(!paid(Promise::ExactlyOnce { sinks: vec![SinkId(0)] }));
        assert!(!paid(Promise::AtMostOnce { sinks: Vec::new() }));
        assert!(!paid(Promise::IdempotentProducer));
        assert!(!paid(Promise::Convergent { replicas: Vec::new() }));
        assert!(paid(Promise::AtLeastOnce { sinks: Vec::new() }));
        assert!(paid(Promise::PerKeyOrder));
        assert!(paid(Promise::DurableLog { retention: None, compacted: false }));
        assert!(paid(Promise::Projected { replicas: vec![NodeId(0)] }));
        let of = vec![Handling { group: GroupId(0), sink: SinkId(0) }];
        assert!(paid(Promise::NeverCommitsAhead { of }));
        assert!(!Aside::new(&[Promise::IdempotentProducer]).patterns.is_promised());
        assert!(!Aside::new(&[Promise::PerKeyOrder]).patterns.is_promised());
        for promise in of_patterns() {
            assert!(paid(promise.clone()), "{promise:?}");
        }
    }

    fn of_patterns() -> [Promise; 8] {
        let (sink, group) = (SinkId(0), GroupId(0));
        [
            Promise::Atomic { sinks: vec![sink] },
            Promise::Compensated { steps: Vec::new() },
            Promise::Accounted { of: Vec::new(), disjoint: false },
            Promise::OrderedEffects { of: Vec::new() },
            Promise::BoundedRedelivery { group, broker: NodeId(0), lease: None },
            Promise::SettledForGood { groups: vec![group] },
            Promise::Fenced { sinks: vec![sink] },
            Promise::BoundedBacklog { sink, cap: None, recovered: 0, within: Span::ZERO },
        ]
    }
}
