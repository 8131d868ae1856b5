//! Projections: read models that are not the newest of the log.

use super::evidence::violation;
use super::index::Slot;
use super::ledger::Entry;
use super::{Promise, Rule, Violation};
use crate::history::{Event, History, Operation};
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
        let seats = replicas.flatten().map(|&node| (node, None)).collect();
        Self { seats, updates: Vec::new() }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.seats.iter_mut().for_each(|(_, view)| *view = None);
        self.updates.clear();
    }

    /// Whether projections are promised at all.
    pub(super) fn is_promised(&self) -> bool {
        !self.seats.is_empty()
    }

    /// Takes in an operation, with the slot of the message that it is about.
    pub(super) fn observe(&mut self, operation: &Operation, message: Option<(Slot, &Entry)>) {
        if let Event::View { digest } = operation.event {
            let own = self.seats.iter_mut().filter(|(node, _)| *node == operation.process);
            own.for_each(|(_, view)| *view = Some(digest));
        }
        let Some((slot, entry)) = message else { return };
        match operation.event {
            Event::SendInvoke { message, key, payload, .. } if entry.attempts == 1 => {
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
            }
            _ => {}
        }
    }

    /// A machine that reported nothing, so that nothing can be said of its projection.
    pub(super) fn silent(&self) -> Option<NodeId> {
        self.seats.iter().find(|(_, view)| view.is_none()).map(|(node, _)| *node)
    }

    /// A projection that is not that of the log; to be asked at rest only.
    pub(super) fn stale(&self, history: &History) -> Option<Violation> {
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
        let views = |o: &&Operation| o.process == *node && matches!(o.event, Event::View { .. });
        let last = history.operations().iter().rfind(views);
        let shows = |o: &Operation| Some(o) == last || matches!(o.event, Event::End { .. });
        Some(violation(Rule::StaleProjection, (expected, observed), Vec::new(), history, shows))
    }

    fn update(&mut self, slot: Slot) -> &mut Option<Update> {
        if self.updates.len() <= slot as usize {
            self.updates.resize(slot as usize + 1, None);
        }
        &mut self.updates[slot as usize]
    }
}
