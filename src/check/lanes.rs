//! Order within lanes: one session, one key, one partition.

use super::index::Slot;
use super::ledger::{Entry, Ledger, Place};
use crate::digest::fold;
use crate::id::{NodeId, PartitionId};

/// Finds messages of one lane that stand the wrong way round, in one pass over the messages.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// A power of two, at most half full: the lanes by the hash of their names.
    cells: Vec<u32>,
    known: Vec<Lane>,
    /// Who sent at each turn.
    turns: Vec<Slot>,
    positions: Vec<Position>,
}

/// A message, and its place in the log.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) slot: Slot,
    pub(super) place: Place,
}

#[derive(Copy, Clone, Debug)]
struct Lane {
    name: Name,
    last: Position,
}

type Name = (u64, NodeId, u16, PartitionId);

const NOBODY: Slot = Slot::MAX;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Lanes {
    /// The first two messages of a lane that stand in another order than they were sent in;
    /// `further` are places besides the first one found of each message.
    pub(super) fn inversion(
        &mut self,
        ledger: &Ledger,
        further: &[(Slot, Place)],
    ) -> Option<(Position, Position)> {
        self.line_up(ledger);
        if !further.is_empty() {
            self.line_up_further(ledger, further);
        }
        self.known.clear();
        self.cells.clear();
        self.cells.resize((self.positions.len() * 2).next_power_of_two(), NOBODY);
        for &position in &self.positions {
            let name = name(ledger.entry(position.slot), position.place);
            let mask = self.cells.len() - 1;
            let mut cell = home(name, mask);
            while let Some(lane) = self.known.get(self.cells[cell] as usize)
                && lane.name != name
            {
                cell = (cell + 1) & mask;
            }
            match self.known.get_mut(self.cells[cell] as usize) {
                Some(lane) if position.place.offset < lane.last.place.offset => {
                    return Some((lane.last, position));
                }
                Some(lane) => lane.last = position,
                None => {
                    self.cells[cell] = self.known.len() as u32;
                    self.known.push(Lane { name, last: position });
                }
            }
        }
        None
    }

    /// The messages that were sent once and found, in the order in which they were sent.
    fn line_up(&mut self, ledger: &Ledger) {
        self.turns.clear();
        self.turns.resize(ledger.invocations() as usize, NOBODY);
        for (entry, slot) in ledger.all().iter().zip(0..) {
            if entry.is_sent_once() {
                self.turns[entry.invoked as usize] = slot;
            }
        }
        self.positions.clear();
        let sent = self.turns.iter().filter(|&&slot| slot != NOBODY);
        self.positions.extend(sent.filter_map(|&slot| {
            let place = ledger.entry(slot).found()?;
            Some(Position { slot, place })
        }));
    }

    /// Adds the further places; of those in one partition the one with the smallest offset is the
    /// position of a message.
    #[cold]
    fn line_up_further(&mut self, ledger: &Ledger, further: &[(Slot, Place)]) {
        let once = further.iter().filter(|(slot, _)| ledger.entry(*slot).is_sent_once());
        self.positions.extend(once.map(|&(slot, place)| Position { slot, place }));
        self.positions.sort_unstable_by_key(|Position { slot, place }| {
            (ledger.entry(*slot).invoked, place.partition, place.offset)
        });
        self.positions.dedup_by_key(|position| (position.slot, position.place.partition));
    }
}

fn name(entry: &Entry, place: Place) -> Name {
    (entry.key, entry.process, entry.incarnation, place.partition)
}

fn home((key, process, incarnation, partition): Name, mask: usize) -> usize {
    let rest = (process.0 as u64) << 32 | (incarnation as u64) << 16 | partition.0 as u64;
    (fold(key ^ rest.wrapping_mul(FACTOR), FACTOR) >> 32) as usize & mask
}
