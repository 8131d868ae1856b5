//! Logs: duplicate records, records in foreign partitions, and order.

use super::evidence::violation;
use super::index::Slot;
use super::lanes::Lanes;
use super::ledger::{Entry, Ledger, Place};
use super::{Promise, Rule, Violation};
use crate::history::{Event, Operation, Recorded};
use crate::id::MessageId;
use std::collections::{BTreeMap, BTreeSet};

/// Where each message stands in the log, as acknowledgements and polls tell.
#[derive(Debug, Default)]
pub(super) struct Log {
    idempotent: bool,
    ordered: bool,
    /// Whether records are to stand where their messages were acknowledged.
    routed: bool,
    /// Places other than the one that was told first; one may stand here several times.
    further: Vec<(Slot, Place)>,
    duplicate: Option<Duplicate>,
    lanes: Lanes,
}

#[derive(Copy, Clone, Debug)]
struct Duplicate {
    message: MessageId,
    places: [Place; 2],
    told: Operation,
}

impl Log {
    /// The checker of the log promises among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        Self {
            idempotent: promises.iter().any(|p| matches!(p, Promise::IdempotentProducer)),
            ordered: promises.iter().any(|p| matches!(p, Promise::PerKeyOrder)),
            routed: promises.iter().any(is_about_delivery),
            ..Self::default()
        }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.further.clear();
        self.duplicate = None;
    }

    /// Whether there is a promise about places in logs at all.
    #[inline]
    pub(super) fn is_promised(&self) -> bool {
        self.idempotent | self.ordered | self.routed
    }

    /// A message is found at an offset. Returns whether that breaks a promise for good.
    ///
    /// Only an attempt made by now can have written the record: what is found before the first one
    /// is none of the message's, and one that is made later excuses nothing.
    #[inline]
    pub(super) fn found(
        &mut self,
        (slot, entry): (Slot, &mut Entry),
        operation: &Operation,
        place: Place,
    ) -> bool {
        if !entry.is_sent() {
            return false;
        }
        match entry.found() {
            Some(first) if first == place => false,
            Some(first) => self.found_elsewhere(entry, operation, (slot, [first, place])),
            None => {
                entry.find(place);
                false
            }
        }
    }

    /// A message that was sent once and stands in the log twice.
    pub(super) fn duplicate_record(&self, history: &dyn Recorded) -> Option<Violation> {
        let Duplicate { message, places, told } = self.duplicate?;
        let expected = format!("{message}, which was sent once, stands in the log once");
        let [first, other] = places.map(|place| place.to_string());
        let observed =
            format!("it stands at {first}, and at {} it was found at {other} too", told.at);
        let mut shown = [false; 2];
        let mut evidence = Vec::new();
        history.each(|o| {
            let spot = place_of(&o.event).filter(|_| o.event.message() == Some(message));
            let which = places.iter().position(|&place| Some(place) == spot);
            if which.is_some_and(|which| !std::mem::replace(&mut shown[which], true)) {
                evidence.push(*o);
            }
        });
        let shows = |o: &Operation| evidence.contains(o);
        Some(violation(Rule::DuplicateRecord, (expected, observed), vec![message], history, shows))
    }

    /// A message that was sent once, is acknowledged in one partition and read from another.
    ///
    /// Whether it was sent once shows at the end only: what a later attempt stores may stand
    /// anywhere.
    pub(super) fn misrouted(&self, ledger: &Ledger, history: &dyn Recorded) -> Option<Violation> {
        let strays = self.further.iter().filter(|(slot, place)| {
            let entry = ledger.entry(*slot);
            let home = entry.found().map(|found| found.partition);
            entry.is_sent_once() && home != Some(place.partition)
        });
        let strays: BTreeSet<MessageId> =
            strays.map(|(slot, _)| ledger.entry(*slot).message).collect();
        if !self.routed || strays.is_empty() {
            return None;
        }
        let (message, home, read) = first_stray(&strays, history)?;
        let at = |o: &Operation| place_of(&o.event).expect("it was picked for its place");
        let expected =
            format!("{message} stands in {:?}, where it was acknowledged", at(&home).partition);
        let observed = format!("at {} it was read from {:?}", read.at, at(&read).partition);
        let shows = |o: &Operation| *o == home || *o == read;
        Some(violation(Rule::Misrouted, (expected, observed), vec![message], history, shows))
    }

    /// Two messages of one session and key that stand in the log the wrong way round.
    pub(super) fn order(&mut self, ledger: &Ledger, history: &dyn Recorded) -> Option<Violation> {
        if !self.ordered {
            return None;
        }
        let (earlier, later) = self.lanes.inversion(ledger, &self.further)?;
        let first = ledger.entry(earlier.slot);
        let about = [first.message, ledger.entry(later.slot).message];
        let [one, two] = about;
        let (node, key, partition) = (first.process, first.key, earlier.place.partition);
        let expected = format!(
            "{one} stands before {two} in {partition:?}, for {node:?} sent it first, under one key"
        );
        let observed = format!(
            "{one} stands at offset {}, behind {two} at offset {} (key {key})",
            earlier.place.offset, later.place.offset
        );
        let shows = |o: &Operation| match o.event {
            Event::SendInvoke { message, .. } => about.contains(&message),
            _ => [earlier, later].iter().zip(about).any(|(row, message)| {
                o.event.message() == Some(message) && place_of(&o.event) == Some(row.place)
            }),
        };
        Some(violation(Rule::Order, (expected, observed), about.to_vec(), history, shows))
    }

    #[cold]
    fn found_elsewhere(
        &mut self,
        entry: &Entry,
        operation: &Operation,
        (slot, places): (Slot, [Place; 2]),
    ) -> bool {
        let [first, place] = places;
        if self.ordered || (self.routed && first.partition != place.partition) {
            self.further.push((slot, place));
        }
        if !self.idempotent || !entry.is_sent_once() {
            return false;
        }
        let message = entry.message;
        self.duplicate.get_or_insert(Duplicate { message, places, told: *operation });
        true
    }
}

fn is_about_delivery(promise: &Promise) -> bool {
    matches!(
        promise,
        Promise::AtMostOnce { .. } | Promise::AtLeastOnce { .. } | Promise::ExactlyOnce { .. }
    )
}

/// The first of `strays` by id that was acknowledged in one partition and read from another: the
/// message, its acknowledgement, and the poll. Places told before it was sent are none of its own.
fn first_stray(
    strays: &BTreeSet<MessageId>,
    history: &dyn Recorded,
) -> Option<(MessageId, Operation, Operation)> {
    let mut told = BTreeMap::<MessageId, Vec<Operation>>::new();
    history.each(|operation| {
        let Some(message) = operation.event.message().filter(|m| strays.contains(m)) else {
            return;
        };
        if matches!(operation.event, Event::SendInvoke { .. }) {
            told.insert(message, Vec::new());
        } else if place_of(&operation.event).is_some()
            && let Some(told) = told.get_mut(&message)
        {
            told.push(*operation);
        }
    });
    let partition = |o: &Operation| place_of(&o.event).map(|place| place.partition);
    told.into_iter().find_map(|(message, told)| {
        let is_read = |o: &&Operation| matches!(o.event, Event::Polled { .. });
        let (reads, homes): (Vec<&Operation>, Vec<&Operation>) = told.iter().partition(is_read);
        let away = |home: &Operation| {
            reads.iter().find(|read| partition(read) != partition(home)).map(|read| **read)
        };
        homes.iter().find_map(|home| Some((message, **home, away(home)?)))
    })
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "offset {} of {:?}", self.offset, self.partition)
    }
}

fn place_of(event: &Event) -> Option<Place> {
    match *event {
        Event::SendOk { partition, offset: Some(offset), .. }
        | Event::Polled { partition, offset, .. } => Some(Place { partition, offset }),
        _ => None,
    }
}
