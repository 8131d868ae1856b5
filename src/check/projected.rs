//! Projections: read models that are not the newest of the log.

use super::evidence::violation;
use super::index::Slot;
use super::ledger::{Entry, Tally};
use super::{Promise, Rule, Violation, bit};
use crate::history::{Event, Operation, Recorded};
use crate::id::NodeId;
use crate::projection::{Row, view};

/// The last views of the projections, and what is known to stand in the log.
///
/// A message is taken as it was last read; if nobody has read it, as it was first sent.
#[derive(Debug, Default)]
pub(super) struct Projected {
    seats: Vec<(NodeId, Option<u64>)>,
    /// By slot.
    updates: Vec<Option<Update>>,
    /// By slot, who has read the message, as bits by their seats.
    readers: Vec<u64>,
    /// The seats that are behind by what they have not read: all of them or, if the log is said to
    /// drop records, none.
    waiting: u64,
}

#[derive(Copy, Clone, Debug)]
struct Update {
    row: Row,
    stands: bool,
    read: bool,
}

impl Projected {
    /// The checker of the promises about projections among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let replicas = promises.iter().filter_map(|promise| match promise {
            Promise::Projected { replicas } => Some(replicas),
            _ => None,
        });
        let seats = replicas.flatten().map(|&node| (node, None));
        let forgets = promises.iter().any(|promise| {
            matches!(
                promise,
                Promise::DurableLog { retention, compacted } if *compacted || retention.is_some()
            )
        });
        let seats: Vec<(NodeId, Option<u64>)> = seats.collect();
        let all = (0..seats.len()).fold(0, |all, seat| all | bit(seat));
        Self { seats, waiting: if forgets { 0 } else { all }, ..Self::default() }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.seats.iter_mut().for_each(|(_, view)| *view = None);
        self.updates.clear();
        self.readers.clear();
    }

    /// Whether projections are promised at all.
    pub(super) fn is_promised(&self) -> bool {
        !self.seats.is_empty()
    }

    /// A machine reports its view.
    pub(super) fn view(&mut self, process: NodeId, digest: u64) {
        let own = self.seats.iter_mut().filter(|(node, _)| *node == process);
        own.for_each(|(_, view)| *view = Some(digest));
    }

    /// Takes in an operation about a message. Of what is known to stand in the log a machine is
    /// behind by what it has not read.
    pub(super) fn observe(
        &mut self,
        operation: &Operation,
        (slot, entry): (Slot, &Entry),
        tally: &mut Tally,
    ) {
        let before = self.unread(slot);
        match operation.event {
            Event::SendInvoke { message, key, payload, .. } if entry.is_sent_once() => {
                let update = self.update(slot);
                if update.is_none_or(|update| !update.read) {
                    let row = Row { key, message, payload };
                    let stands = update.is_some_and(|update| update.stands);
                    *update = Some(Update { row, stands, read: false });
                }
            }
            Event::SendOk { .. } => {
                if let Some(update) = self.update(slot) {
                    update.stands = true;
                }
            }
            Event::Polled { message, key, payload, .. } => {
                let row = Row { key, message, payload };
                *self.update(slot) = Some(Update { row, stands: true, read: true });
                let seats = self.seats.iter().enumerate();
                let own = seats.filter(|(_, (node, _))| *node == operation.process);
                let own = own.fold(0, |own, (seat, _)| own | bit(seat));
                self.readers[slot as usize] |= own;
            }
            _ => return,
        }
        tally.behind += self.unread(slot);
        tally.behind -= before;
    }

    /// How many of the machines have not read a message that stands in the log.
    fn unread(&self, slot: Slot) -> u32 {
        match self.updates.get(slot as usize) {
            Some(Some(update)) if update.stands => {
                (self.waiting & !self.readers[slot as usize]).count_ones()
            }
            _ => 0,
        }
    }

    /// A machine that reported nothing, so that nothing can be said of its projection.
    pub(super) fn silent(&self) -> Option<NodeId> {
        self.seats.iter().find(|(_, view)| view.is_none()).map(|(node, _)| *node)
    }

    /// A projection that is not that of the log; to be asked at rest only.
    pub(super) fn stale(&self, history: &dyn Recorded) -> Option<Violation> {
        if !self.is_promised() {
            return None;
        }
        let standing = self.updates.iter().flatten().filter(|update| update.stands);
        let newest = view(standing.clone().map(|update| update.row)).value();
        let (node, _) =
            self.seats.iter().find(|(_, view)| view.is_some_and(|view| view != newest))?;
        let expected = format!(
            "{node:?} holds the newest update of each key, of all that were acknowledged or read"
        );
        let observed = format!(
            "what it holds in the end is not the newest of those {} updates",
            standing.count()
        );
        let views = |o: &Operation| o.process == *node && matches!(o.event, Event::View { .. });
        let last = history.last(views);
        let shows = |o: &Operation| Some(*o) == last || matches!(o.event, Event::End { .. });
        Some(violation(Rule::StaleProjection, (expected, observed), Vec::new(), history, shows))
    }

    fn update(&mut self, slot: Slot) -> &mut Option<Update> {
        if self.updates.len() <= slot as usize {
            self.updates.resize(slot as usize + 1, None);
            self.readers.resize(slot as usize + 1, 0);
        }
        &mut self.updates[slot as usize]
    }
}
