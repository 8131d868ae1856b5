//! Delivery: lost, duplicate, phantom and corrupted effects.

use super::evidence::{list, moments, times, violation};
use super::index::Slot;
use super::ledger::{Ledger, Outcome};
use super::{Promise, Rule, Violation};
use crate::history::{Event, History, Operation};
use crate::id::{MessageId, SinkId};

/// Counts the effects of each message at each promised sink.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    sinks: Vec<Sink>,
    /// From a sink's number to its place in `sinks`, or to [`NOWHERE`].
    places: Vec<u16>,
    /// Whether a message has an effect at a sink: a row of `sinks.len()` for each message.
    landed: Vec<bool>,
    /// Pairs of an acknowledged message and a sink that owes it an effect.
    missing: u32,
    duplicate: Option<Operation>,
    phantom: Option<Operation>,
    corrupted: Option<Operation>,
}

#[derive(Debug)]
struct Sink {
    id: SinkId,
    at_most_once: bool,
    at_least_once: bool,
}

const NOWHERE: u16 = u16::MAX;

impl Delivery {
    /// The checker of the delivery promises among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let mut delivery = Self::default();
        for promise in promises {
            let (sinks, most, least) = match promise {
                Promise::AtMostOnce { sinks } => (sinks, true, false),
                Promise::AtLeastOnce { sinks } => (sinks, false, true),
                Promise::ExactlyOnce { sinks } => (sinks, true, true),
                _ => continue,
            };
            for &id in sinks {
                let sink = delivery.sink(id);
                sink.at_most_once |= most;
                sink.at_least_once |= least;
            }
        }
        delivery
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.landed.clear();
        self.missing = 0;
        self.duplicate = None;
        self.phantom = None;
        self.corrupted = None;
    }

    /// Whether there is a delivery promise at all.
    #[inline]
    pub(super) fn is_promised(&self) -> bool {
        !self.sinks.is_empty()
    }

    /// How many effects acknowledged messages still wait for.
    #[inline]
    pub(super) fn owed(&self) -> u32 {
        self.missing
    }

    /// A message is acknowledged for the first time.
    #[inline]
    pub(super) fn acknowledged(&mut self, slot: Slot) {
        let row = self.row(slot);
        for (place, sink) in self.sinks.iter().enumerate() {
            self.missing += u32::from(sink.at_least_once && !self.landed[row + place]);
        }
    }

    /// An effect lands. Returns whether that breaks a promise for good.
    #[inline]
    pub(super) fn effect(
        &mut self,
        ledger: &mut Ledger,
        operation: &Operation,
        effect: (MessageId, SinkId, u64),
    ) -> bool {
        let (message, sink, payload) = effect;
        let place = match self.places.get(sink.index()) {
            Some(&place) if place != NOWHERE => place as usize,
            _ => return false,
        };
        let slot = ledger.slot(message);
        let row = self.row(slot);
        let sends = ledger.sends(slot);
        let landed = &mut self.landed[row + place];
        let sink = &self.sinks[place];
        let duplicate = *landed && sink.at_most_once;
        if !*landed && sink.at_least_once && sends.outcome() == Outcome::Ok {
            self.missing -= 1;
        }
        *landed = true;
        let phantom = sends.attempts == 0;
        let corrupted = !phantom && !ledger.was_sent_as(slot, payload);
        if duplicate | phantom | corrupted {
            self.note(operation, [duplicate, phantom, corrupted]);
            return true;
        }
        false
    }

    /// A record is read. Returns whether that breaks a promise for good: a message that nobody has
    /// sent is corrupted too, since what was read is not what anybody sent.
    #[inline]
    pub(super) fn read(
        &mut self,
        ledger: &Ledger,
        operation: &Operation,
        (slot, payload): (Slot, u64),
    ) -> bool {
        let corrupted = self.is_promised() && !ledger.was_sent_as(slot, payload);
        if corrupted {
            self.note(operation, [false, false, true]);
        }
        corrupted
    }

    /// An effect of a message more than once.
    pub(super) fn duplicate_effect(&self, history: &History) -> Option<Violation> {
        let (message, sink) = effect_of(self.duplicate.as_ref()?)?;
        let here = is_effect(message, sink);
        let at = moments(history, &here);
        let expected = format!("{message} takes effect at {sink:?} at most once");
        let observed = format!("it took effect {}: at {}", times(at.len()), list(&at));
        let words = (expected, observed);
        Some(violation(Rule::DuplicateEffect, words, vec![message], history, |o| here(&o.event)))
    }

    /// An effect of a message that was never attempted, or whose attempts all failed.
    pub(super) fn phantom_effect(&self, ledger: &Ledger, history: &History) -> Option<Violation> {
        let (message, sink, was) = match &self.phantom {
            Some(operation) => {
                let (message, sink) = effect_of(operation)?;
                (message, sink, "nobody had sent it by then")
            }
            None => self.failed_yet_landed(ledger)?,
        };
        let here = is_effect(message, sink);
        let expected = format!(
            "{message} takes effect at {sink:?} only if it was sent, and not if that failed"
        );
        let observed = format!("it took effect at {}, and {was}", list(&moments(history, &here)));
        let words = (expected, observed);
        Some(violation(Rule::PhantomEffect, words, vec![message], history, |o| here(&o.event)))
    }

    /// A payload that differs from what was sent.
    pub(super) fn corrupted(&self, ledger: &mut Ledger, history: &History) -> Option<Violation> {
        let operation = self.corrupted.as_ref()?;
        let (message, payload, what) = match operation.event {
            Event::Effect { message, sink, payload } => {
                (message, payload, format!("applied at {sink:?}"))
            }
            Event::Polled { message, payload, partition, offset, .. } => {
                (message, payload, format!("read from {partition:?} at offset {offset}"))
            }
            _ => return None,
        };
        let slot = ledger.slot(message);
        let expected = format!("the payload of {message} that is {what} is the payload sent");
        let but =
            if ledger.sends(slot).attempts == 0 { "nobody sent it" } else { "others were sent" };
        let observed = format!("{payload:016x} was {what} at {}; {but}", operation.at);
        let shows = |o: &Operation| {
            o == operation
                || matches!(o.event, Event::SendInvoke { message: sent, .. } if sent == message)
        };
        Some(violation(Rule::Corrupted, (expected, observed), vec![message], history, shows))
    }

    /// An acknowledged message without an effect; to be asked at rest only.
    pub(super) fn lost(&self, ledger: &Ledger, history: &History) -> Option<Violation> {
        if self.missing == 0 {
            return None;
        }
        let mut losses = ledger
            .all()
            .filter(|(_, sends)| sends.outcome() == Outcome::Ok)
            .flat_map(|(slot, _)| self.sinks.iter().map(move |sink| (slot, sink)))
            .filter(|&(slot, sink)| sink.at_least_once && !self.has_landed(slot, sink.id));
        let (slot, sink) = losses.next()?;
        let others = losses.count();
        let message = ledger.message(slot);
        let acknowledged =
            |event: &Event| matches!(event, Event::SendOk { message: m, .. } if *m == message);
        let expected = format!("{message} takes effect at {:?}, for it was acknowledged", sink.id);
        let observed = format!(
            "it was acknowledged at {}, and by the time all was at rest it had no effect there{}",
            list(&moments(history, acknowledged)),
            match others {
                0 => String::new(),
                1 => "; 1 more effect is missing".to_owned(),
                _ => format!("; {others} more effects are missing"),
            }
        );
        let shows = |o: &Operation| acknowledged(&o.event) || matches!(o.event, Event::End { .. });
        Some(violation(Rule::Lost, (expected, observed), vec![message], history, shows))
    }

    fn sink(&mut self, id: SinkId) -> &mut Sink {
        if self.places.len() <= id.index() {
            self.places.resize(id.index() + 1, NOWHERE);
        }
        let place = &mut self.places[id.index()];
        if *place == NOWHERE {
            *place = self.sinks.len() as u16;
            self.sinks.push(Sink { id, at_most_once: false, at_least_once: false });
        }
        &mut self.sinks[*place as usize]
    }

    /// Where the row of a message begins.
    #[inline]
    fn row(&mut self, slot: Slot) -> usize {
        let row = slot as usize * self.sinks.len();
        let end = row + self.sinks.len();
        if self.landed.len() < end {
            self.landed.resize(end, false);
        }
        row
    }

    fn has_landed(&self, slot: Slot, sink: SinkId) -> bool {
        let place = self.places[sink.index()] as usize;
        self.landed.get(slot as usize * self.sinks.len() + place) == Some(&true)
    }

    fn failed_yet_landed(&self, ledger: &Ledger) -> Option<(MessageId, SinkId, &'static str)> {
        let width = self.sinks.len();
        let landed = (0..self.landed.len()).filter(|&cell| self.landed[cell]);
        let mut failed = landed.filter(|&cell| {
            let sends = ledger.sends((cell / width) as Slot);
            sends.attempts > 0 && sends.outcome() == Outcome::Fail
        });
        let cell = failed.next()?;
        let message = ledger.message((cell / width) as Slot);
        Some((
            message,
            self.sinks[cell % width].id,
            "every attempt to send it had definitely failed",
        ))
    }

    #[cold]
    fn note(&mut self, operation: &Operation, [duplicate, phantom, corrupted]: [bool; 3]) {
        if duplicate {
            self.duplicate.get_or_insert(*operation);
        }
        if phantom {
            self.phantom.get_or_insert(*operation);
        }
        if corrupted {
            self.corrupted.get_or_insert(*operation);
        }
    }
}

fn effect_of(operation: &Operation) -> Option<(MessageId, SinkId)> {
    match operation.event {
        Event::Effect { message, sink, .. } => Some((message, sink)),
        _ => None,
    }
}

fn is_effect(message: MessageId, sink: SinkId) -> impl Fn(&Event) -> bool {
    move |event| match event {
        Event::Effect { message: m, sink: s, .. } => *m == message && *s == sink,
        _ => false,
    }
}
