//! Delivery: lost, duplicate, phantom and corrupted effects, and records under a foreign key.

use super::evidence::{list, moments, times, violation};
use super::index::Slot;
use super::ledger::{Entry, Ledger, Outcome, Tally};
use super::{Promise, Rule, SINKS_MAX, Violation};
use crate::history::{Event, Operation, Recorded};
use crate::id::{MessageId, SinkId};
use std::collections::BTreeMap;

/// Watches the effects of each message at each promised sink.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    sinks: Vec<SinkId>,
    /// From a sink's number to its place in `sinks`, or to [`NOWHERE`].
    places: Vec<u8>,
    /// The sinks of at most once, as bits by place.
    at_most_once: u64,
    /// The sinks of at least once, as bits by place.
    at_least_once: u64,
    promised: bool,
    /// Where messages have effects beyond the sinks that an entry has room for, as bits by place.
    beyond: BTreeMap<MessageId, u64>,
    duplicate: Option<Operation>,
    phantom: Option<Operation>,
    corrupted: Option<Operation>,
    misrouted: Option<Operation>,
}

const NOWHERE: u8 = u8::MAX;
/// Sinks that an entry has room for.
const ROOM: usize = u8::BITS as usize;

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
            delivery.promised = true;
            for &sink in sinks {
                let place = delivery.place(sink);
                delivery.at_most_once |= u64::from(most) << place;
                delivery.at_least_once |= u64::from(least) << place;
            }
        }
        delivery
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.beyond.clear();
        self.duplicate = None;
        self.phantom = None;
        self.corrupted = None;
        self.misrouted = None;
    }

    /// Whether there is a delivery promise at all.
    #[inline]
    pub(super) fn is_promised(&self) -> bool {
        self.promised
    }

    /// Whether a sink is one of the promises'.
    pub(super) fn is_watched(&self, sink: SinkId) -> bool {
        self.sinks.contains(&sink)
    }

    /// A message is acknowledged for the first time: it is owed an effect at each sink without one.
    #[inline]
    pub(super) fn acknowledged(&self, entry: &Entry, tally: &mut Tally) {
        let missing = self.at_least_once & !self.landed(entry);
        if missing != 0 {
            tally.owed += missing.count_ones();
        }
    }

    /// An effect lands. Returns whether that breaks a promise for good.
    #[inline]
    pub(super) fn effect(
        &mut self,
        ledger: &mut Ledger,
        operation: &Operation,
        (message, sink, payload): (MessageId, SinkId, u64),
    ) -> bool {
        let sink = match self.places.get(sink.index()) {
            Some(&place) if place != NOWHERE => 1 << place,
            _ => return false,
        };
        let (slot, entry, tally) = ledger.open(message);
        let first = if let Ok(sink) = u8::try_from(sink) {
            let first = entry.landed & sink == 0;
            entry.landed |= sink;
            first
        } else {
            let landed = self.beyond.entry(message).or_default();
            let first = *landed & sink == 0;
            *landed |= sink;
            first
        };
        if first && self.at_least_once & sink != 0 && entry.is_acknowledged() {
            tally.owed -= 1;
        }
        let phantom = !entry.is_sent();
        let duplicate = !first && self.at_most_once & sink != 0;
        let corrupted = !phantom && !entry.was_sent_as((slot, tally), payload);
        let broken = duplicate | phantom | corrupted;
        if broken {
            self.note(operation, [duplicate, phantom, corrupted, false]);
        }
        broken
    }

    /// A record is read. Returns whether that breaks a promise for good: a message that nobody has
    /// sent is corrupted too, since what was read is not what anybody sent, and is then not also
    /// misrouted.
    #[inline]
    pub(super) fn read(
        &mut self,
        (slot, entry, tally): (Slot, &Entry, &Tally),
        operation: &Operation,
        (key, payload): (u64, u64),
    ) -> bool {
        if !self.promised {
            return false;
        }
        let corrupted = !entry.was_sent_as((slot, tally), payload);
        let misrouted =
            entry.key != key && entry.is_sent() && !entry.was_sent_under((slot, tally), key);
        let broken = corrupted | misrouted;
        if broken {
            self.note(operation, [false, false, corrupted, misrouted]);
        }
        broken
    }

    /// An effect of a message more than once.
    pub(super) fn duplicate_effect(&self, history: &dyn Recorded) -> Option<Violation> {
        let (message, sink) = effect_of(self.duplicate.as_ref()?)?;
        let here = is_effect(message, sink);
        let at = moments(history, &here);
        let expected = format!("{message} takes effect at {sink:?} at most once");
        let observed = format!("it took effect {}: at {}", times(at.len()), list(&at));
        let words = (expected, observed);
        Some(violation(Rule::DuplicateEffect, words, vec![message], history, |o| here(&o.event)))
    }

    /// An effect of a message that was never attempted, or whose attempts all failed.
    pub(super) fn phantom_effect(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
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
    pub(super) fn corrupted(
        &self,
        ledger: &mut Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        let operation = self.corrupted.as_ref()?;
        let (message, payload, what) = match operation.event {
            Event::Effect { message, sink, payload } => {
                (message, payload, format!("applied at {sink:?}"))
            }
            Event::Polled { message, payload, partition, offset, .. } => {
                (message, payload, format!("read from {partition:?} at offset {offset}"))
            }
            Event::Received { group, message, payload, .. } => {
                (message, payload, format!("received by {group:?}"))
            }
            _ => return None,
        };
        let (_, entry, _) = ledger.open(message);
        let expected = format!("the payload of {message} that is {what} is the payload sent");
        let but = if entry.is_sent() { "others were sent" } else { "nobody sent it" };
        let observed = format!("{payload:016x} was {what} at {}; {but}", operation.at);
        let shows = |o: &Operation| {
            o == operation
                || matches!(o.event, Event::SendInvoke { message: sent, .. } if sent == message)
        };
        Some(violation(Rule::Corrupted, (expected, observed), vec![message], history, shows))
    }

    /// A record under a key that its message was never sent under.
    pub(super) fn misrouted(&self, history: &dyn Recorded) -> Option<Violation> {
        let operation = self.misrouted.as_ref()?;
        let (message, stands, how) = match operation.event {
            Event::Polled { message, key, partition, offset, .. } => {
                let how = format!("read under key {key} from {partition:?} at offset {offset}");
                (message, "stands in the log", how)
            }
            Event::Received { group, message, key, .. } => {
                (message, "is handed out", format!("received under key {key} by {group:?}"))
            }
            _ => return None,
        };
        let expected = format!("{message} {stands} under the key that it was sent under");
        let observed =
            format!("it was {how} at {}, and nobody had sent it under that key", operation.at);
        let shows = |o: &Operation| {
            o == operation
                || matches!(o.event, Event::SendInvoke { message: sent, .. } if sent == message)
        };
        Some(violation(Rule::Misrouted, (expected, observed), vec![message], history, shows))
    }

    /// An acknowledged message without an effect; to be asked at rest only.
    pub(super) fn lost(&self, ledger: &Ledger, history: &dyn Recorded) -> Option<Violation> {
        let missing = |entry: &Entry| {
            let owed = if entry.is_acknowledged() { self.at_least_once } else { 0 };
            owed & !self.landed(entry)
        };
        let entry = ledger.all().iter().find(|entry| missing(entry) != 0)?;
        let all: u32 = ledger.all().iter().map(|entry| missing(entry).count_ones()).sum();
        let others = all - 1;
        let message = entry.message;
        let sink = self.sink(missing(entry))?;
        let acknowledged =
            |event: &Event| matches!(event, Event::SendOk { message: m, .. } if *m == message);
        let expected = format!("{message} takes effect at {sink:?}, for it was acknowledged");
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

    /// The place of a sink, a new one if need be.
    fn place(&mut self, sink: SinkId) -> u8 {
        if self.places.len() <= sink.index() {
            self.places.resize(sink.index() + 1, NOWHERE);
        }
        let place = &mut self.places[sink.index()];
        if *place == NOWHERE {
            assert!(self.sinks.len() < SINKS_MAX, "promises name more than {SINKS_MAX} sinks");
            *place = self.sinks.len() as u8;
            self.sinks.push(sink);
        }
        *place
    }

    /// The sinks where a message has an effect, as bits by place.
    #[inline]
    fn landed(&self, entry: &Entry) -> u64 {
        let beyond = if self.sinks.len() > ROOM { self.beyond.get(&entry.message) } else { None };
        u64::from(entry.landed) | beyond.copied().unwrap_or(0)
    }

    /// The first of the sinks that are set in `bits`.
    fn sink(&self, bits: u64) -> Option<SinkId> {
        self.sinks.get(bits.trailing_zeros() as usize).copied()
    }

    fn failed_yet_landed(&self, ledger: &Ledger) -> Option<(MessageId, SinkId, &'static str)> {
        if !ledger.has_failures() {
            return None;
        }
        let failed = |entry: &&Entry| {
            self.landed(entry) != 0 && entry.is_sent() && entry.outcome() == Outcome::Fail
        };
        let entry = ledger.all().iter().find(failed)?;
        let sink = self.sink(self.landed(entry))?;
        Some((entry.message, sink, "every attempt to send it had definitely failed"))
    }

    #[cold]
    fn note(
        &mut self,
        operation: &Operation,
        [duplicate, phantom, corrupted, misrouted]: [bool; 4],
    ) {
        if duplicate {
            self.duplicate.get_or_insert(*operation);
        }
        if phantom {
            self.phantom.get_or_insert(*operation);
        }
        if corrupted {
            self.corrupted.get_or_insert(*operation);
        }
        if misrouted {
            self.misrouted.get_or_insert(*operation);
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
