//! Torn: messages with an effect here and none there.

use super::super::evidence::{list, violation};
use super::super::index::Slot;
use super::super::ledger::{Ledger, Tally};
use super::super::{Promise, Rule, Violation};
use super::sinks::{Sinks, of};
use crate::history::{Event, Operation, Recorded};
use crate::id::SinkId;

/// At which of the sinks that belong together each message has an effect.
#[derive(Debug)]
pub(in super::super) struct Torn {
    circles: Vec<Circle>,
}

#[derive(Debug)]
struct Circle {
    sinks: Sinks,
    /// By slot.
    landed: Vec<u64>,
}

impl Circle {
    /// The sinks without an effect of a message that has one at others.
    fn missing(&self, landed: u64) -> u64 {
        if landed == 0 { 0 } else { self.sinks.all() & !landed }
    }
}

impl Torn {
    /// The checker of the promises of atomicity among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let circles = promises.iter().filter_map(|promise| match promise {
            Promise::Atomic { sinks } => {
                Some(Circle { sinks: Sinks::new(sinks), landed: Vec::new() })
            }
            _ => None,
        });
        Self { circles: circles.collect() }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.circles.iter_mut().for_each(|circle| circle.landed.clear());
    }

    /// An effect lands: now it is due at the other sinks too.
    pub(super) fn effect(&mut self, slot: Slot, sink: SinkId, tally: &mut Tally) {
        for circle in &mut self.circles {
            let landed = of(&mut circle.landed, slot, 0);
            let before = *landed;
            *landed |= circle.sinks.bit(sink);
            let after = *landed;
            tally.behind += circle.missing(after).count_ones();
            tally.behind -= circle.missing(before).count_ones();
        }
    }

    /// A message with an effect at one sink and none at another; to be asked at rest only.
    pub(in super::super) fn torn(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        let (circle, slot) = self.circles.iter().find_map(|circle| {
            let torn = circle.landed.iter().position(|landed| circle.missing(*landed) != 0);
            Some((circle, torn?))
        })?;
        let message = ledger.entry(slot as Slot).message;
        let landed = circle.landed[slot];
        let all = circle.sinks.names(circle.sinks.all());
        let expected =
            format!("{message} has an effect at all of {} in the end, or at none", list(&all));
        let observed = format!(
            "by the time all was at rest it had one at {} and none at {}",
            list(&circle.sinks.names(landed)),
            list(&circle.sinks.names(circle.missing(landed)))
        );
        let shows = |o: &Operation| match o.event {
            Event::Effect { message: m, sink, .. } => m == message && circle.sinks.bit(sink) != 0,
            Event::End { .. } => true,
            _ => false,
        };
        Some(violation(Rule::Torn, (expected, observed), vec![message], history, shows))
    }
}
