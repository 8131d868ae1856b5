//! Unseen: acknowledged messages that nobody ever reads.

use super::evidence::{list, moments, violation};
use super::index::Slot;
use super::ledger::{Ledger, Tally};
use super::{Promise, Rule, Violation};
use crate::history::{Event, Operation, Recorded};

/// Watches who sees each message, where delivery is promised at least once and no sink is named for
/// it. Where one is, a message that nobody has seen lacks an effect there: it is lost.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    promised: bool,
    /// By slot.
    seen: Vec<Sight>,
}

#[derive(Copy, Clone, Debug, Default)]
struct Sight {
    acknowledged: bool,
    seen: bool,
}

impl Sight {
    fn is_missing(self) -> bool {
        self.acknowledged && !self.seen
    }
}

impl Unseen {
    /// The checker of the promises about delivery among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let mut sinks = promises.iter().filter_map(|promise| match promise {
            Promise::AtLeastOnce { sinks } | Promise::ExactlyOnce { sinks } => Some(sinks),
            _ => None,
        });
        let first = sinks.next();
        let nameless = |sinks: &Vec<_>| sinks.is_empty();
        Self { promised: first.is_some_and(nameless) && sinks.all(nameless), seen: Vec::new() }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.seen.clear();
    }

    /// Whether anybody is to see messages.
    pub(super) fn is_promised(&self) -> bool {
        self.promised
    }

    /// A message is acknowledged: from now on somebody owes it a look.
    pub(super) fn acknowledged(&mut self, slot: Slot, tally: &mut Tally) {
        let before = *self.sight(slot);
        self.sight(slot).acknowledged = true;
        tally.owed += u32::from(!before.acknowledged && !before.seen);
    }

    /// A message is read, or takes effect at a promised sink.
    pub(super) fn seen(&mut self, slot: Slot, tally: &mut Tally) {
        let before = *self.sight(slot);
        self.sight(slot).seen = true;
        tally.owed -= u32::from(before.is_missing());
    }

    /// An acknowledged message that nobody has seen; to be asked at rest only.
    pub(super) fn unseen(&self, ledger: &Ledger, history: &dyn Recorded) -> Option<Violation> {
        if !self.promised {
            return None;
        }
        let slot = self.seen.iter().position(|sight| sight.is_missing())?;
        let message = ledger.entry(slot as Slot).message;
        let acknowledged =
            |event: &Event| matches!(event, Event::SendOk { message: m, .. } if *m == message);
        let expected = format!("somebody reads {message}, for it was acknowledged");
        let observed = format!(
            "it was acknowledged at {}, and by the time all was at rest nobody had read it",
            list(&moments(history, acknowledged))
        );
        let shows = |o: &Operation| acknowledged(&o.event) || matches!(o.event, Event::End { .. });
        Some(violation(Rule::Unseen, (expected, observed), vec![message], history, shows))
    }

    fn sight(&mut self, slot: Slot) -> &mut Sight {
        if self.seen.len() <= slot as usize {
            self.seen.resize(slot as usize + 1, Sight::default());
        }
        &mut self.seen[slot as usize]
    }
}
