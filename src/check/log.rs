//! Logs: duplicate records and order.

use super::evidence::violation;
use super::index::Slot;
use super::ledger::{Ledger, Sends};
use super::{Promise, Rule, Violation};
use crate::history::{Event, History, Operation};
use crate::id::{MessageId, NodeId, PartitionId};

/// Where each message stands in the log, as acknowledgements and polls tell.
#[derive(Debug, Default)]
pub(super) struct Log {
    idempotent: bool,
    ordered: bool,
    /// The place of a message that was told first.
    first: Vec<Option<Place>>,
    /// Other places, told later; one may stand here several times.
    further: Vec<(Slot, Place)>,
    duplicate: Option<Duplicate>,
    lanes: Vec<Row>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Place {
    partition: PartitionId,
    offset: u64,
}

#[derive(Copy, Clone, Debug)]
struct Duplicate {
    message: MessageId,
    places: [Place; 2],
    told: Operation,
}

/// A place of a message, sorted so that those of one session, key and partition lie together in the
/// order of invocation.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    lane: (NodeId, u16, u64, PartitionId),
    invoked: u32,
    offset: u64,
    slot: Slot,
}

impl Log {
    /// The checker of the log promises among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        Self {
            idempotent: promises.iter().any(|p| matches!(p, Promise::IdempotentProducer)),
            ordered: promises.iter().any(|p| matches!(p, Promise::PerKeyOrder)),
            ..Self::default()
        }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.first.clear();
        self.further.clear();
        self.duplicate = None;
    }

    /// Whether there is a promise about logs at all.
    #[inline]
    pub(super) fn is_promised(&self) -> bool {
        self.idempotent | self.ordered
    }

    /// A message is found at an offset. Returns whether that breaks a promise for good.
    ///
    /// Only an attempt made by now can have written the record: what is found before the first one
    /// is none of the message's, and one that is made later excuses nothing.
    #[inline]
    pub(super) fn found(
        &mut self,
        ledger: &Ledger,
        operation: &Operation,
        (slot, partition, offset): (Slot, PartitionId, u64),
    ) -> bool {
        if ledger.sends(slot).attempts == 0 {
            return false;
        }
        let index = slot as usize;
        if self.first.len() <= index {
            self.first.resize(index + 1, None);
        }
        let place = Place { partition, offset };
        match self.first[index] {
            None => self.first[index] = Some(place),
            Some(first) if first != place => {
                return self.found_elsewhere(ledger, operation, (slot, [first, place]));
            }
            Some(_) => {}
        }
        false
    }

    /// A message that was sent once and stands in the log twice.
    pub(super) fn duplicate_record(&self, history: &History) -> Option<Violation> {
        let Duplicate { message, places, told } = self.duplicate?;
        let expected = format!("{message}, which was sent once, stands in the log once");
        let [first, other] = places.map(|place| place.to_string());
        let observed =
            format!("it stands at {first}, and at {} it was found at {other} too", told.at);
        let mut shown = [false; 2];
        let evidence: Vec<Operation> = history
            .operations()
            .iter()
            .filter(|o| {
                let spot = place_of(&o.event).filter(|_| o.event.message() == Some(message));
                let which = places.iter().position(|&place| Some(place) == spot);
                which.is_some_and(|which| !std::mem::replace(&mut shown[which], true))
            })
            .copied()
            .collect();
        let shows = |o: &Operation| evidence.contains(o);
        Some(violation(Rule::DuplicateRecord, (expected, observed), vec![message], history, shows))
    }

    /// Two messages of one session and key that stand in the log the wrong way round.
    pub(super) fn order(&mut self, ledger: &Ledger, history: &History) -> Option<Violation> {
        if !self.ordered {
            return None;
        }
        let (earlier, later) = self.first_inversion(ledger)?;
        let about = [earlier.slot, later.slot].map(|slot| ledger.message(slot));
        let [one, two] = about;
        let (node, _, key, partition) = earlier.lane;
        let expected = format!(
            "{one} stands before {two} in {partition:?}, for {node:?} sent it first, under one key"
        );
        let observed = format!(
            "{one} stands at offset {}, behind {two} at offset {} (key {key})",
            earlier.offset, later.offset
        );
        let shows = |o: &Operation| match o.event {
            Event::SendInvoke { message, .. } => about.contains(&message),
            _ => [earlier, later].iter().zip(about).any(|(row, message)| {
                let place = Place { partition, offset: row.offset };
                o.event.message() == Some(message) && place_of(&o.event) == Some(place)
            }),
        };
        Some(violation(Rule::Order, (expected, observed), about.to_vec(), history, shows))
    }

    #[cold]
    fn found_elsewhere(
        &mut self,
        ledger: &Ledger,
        operation: &Operation,
        (slot, places): (Slot, [Place; 2]),
    ) -> bool {
        if self.ordered {
            self.further.push((slot, places[1]));
        }
        if !self.idempotent || ledger.sends(slot).attempts != 1 {
            return false;
        }
        let message = ledger.message(slot);
        self.duplicate.get_or_insert(Duplicate { message, places, told: *operation });
        true
    }

    /// Neighbours suffice: offsets that never fall from one to the next never fall at all.
    fn first_inversion(&mut self, ledger: &Ledger) -> Option<(Row, Row)> {
        self.lanes.clear();
        let firsts = self.first.iter().enumerate();
        let firsts = firsts.filter_map(|(slot, place)| Some((slot as Slot, (*place)?)));
        let rows = firsts.chain(self.further.iter().copied()).filter_map(|(slot, place)| {
            let sends = ledger.sends(slot);
            (sends.attempts == 1).then(|| Row::new(slot, place, sends))
        });
        self.lanes.extend(rows);
        if !self.lanes.is_sorted() {
            self.lanes.sort_unstable();
        }
        // The first row of a message in a partition has its smallest offset: its position.
        self.lanes.dedup_by_key(|row| (row.lane, row.invoked));
        self.lanes
            .windows(2)
            .find(|pair| pair[0].lane == pair[1].lane && pair[1].offset < pair[0].offset)
            .map(|pair| (pair[0], pair[1]))
    }
}

impl Row {
    fn new(slot: Slot, place: Place, sends: &Sends) -> Self {
        Self {
            lane: (sends.process, sends.incarnation, sends.key, place.partition),
            invoked: sends.invoked,
            offset: place.offset,
            slot,
        }
    }
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
