//! Finds what is kept of a message by its id.

use super::ledger::Entry;
use crate::id::MessageId;

/// The number of a message: its place among all messages of a history, in the order in which the
/// history names them first.
pub(super) type Slot = u32;

/// An open-addressing table. Ids come from workloads, from hashing and from foreign histories
/// alike, and one path serves them all; the hash is fixed, so that a verdict never depends on the
/// process.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// A power of two, at most half full; a large one 7/8.
    cells: Vec<Slot>,
    entries: Vec<Entry>,
}

/// No slot: beyond every entry.
const EMPTY: Slot = Slot::MAX;
const CELLS_MIN: usize = 64;
/// From here on memory counts for more than the steps of a look-up.
const CELLS_LARGE: usize = 1 << 18;
/// The golden ratio: its product spreads consecutive numbers evenly over the upper bits.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Index {
    /// Forgets every message.
    pub(super) fn reset(&mut self) {
        self.cells.fill(EMPTY);
        self.entries.clear();
    }

    /// The number of `message`, the next one if it is new.
    #[inline]
    pub(super) fn slot(&mut self, message: MessageId) -> Slot {
        let mask = self.cells.len().wrapping_sub(1);
        let mut cell = home(message, mask);
        while let Some(&slot) = self.cells.get(cell) {
            match self.entries.get(slot as usize) {
                Some(entry) if entry.message == message => return slot,
                Some(_) => cell = (cell + 1) & mask,
                None => break,
            }
        }
        self.enter(message, cell)
    }

    /// What is kept of a message.
    #[inline]
    pub(super) fn entry(&self, slot: Slot) -> &Entry {
        &self.entries[slot as usize]
    }

    /// What is kept of a message.
    #[inline]
    pub(super) fn entry_mut(&mut self, slot: Slot) -> &mut Entry {
        &mut self.entries[slot as usize]
    }

    /// What is kept of all messages, by slot.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    #[inline(never)]
    fn enter(&mut self, message: MessageId, cell: usize) -> Slot {
        let slot = self.entries.len() as Slot;
        self.entries.push(Entry::new(message));
        if self.has_room() {
            self.cells[cell] = slot;
        } else {
            self.grow();
        }
        slot
    }

    fn has_room(&self) -> bool {
        let (entries, cells) = (self.entries.len(), self.cells.len());
        entries * 2 <= cells || (cells >= CELLS_LARGE && entries * 8 <= cells * 7)
    }

    fn grow(&mut self) {
        let cells = (self.cells.len() * 2).max(CELLS_MIN);
        self.cells.clear();
        self.cells.resize(cells, EMPTY);
        for (entry, slot) in self.entries.iter().zip(0..) {
            let mut cell = home(entry.message, cells - 1);
            while self.cells[cell] != EMPTY {
                cell = (cell + 1) & (cells - 1);
            }
            self.cells[cell] = slot;
        }
    }
}

#[inline]
fn home(message: MessageId, mask: usize) -> usize {
    (message.word().wrapping_mul(FACTOR) >> 32) as usize & mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    #[test]
    fn numbers_are_dense_and_stay() {
        let mut index = Index::default();
        let ids: Vec<MessageId> = (0..500)
            .map(|number| match number % 3 {
                0 => MessageId::new(NodeId(number as u16), number),
                1 => MessageId::from_word(u64::MAX - u64::from(number)),
                _ => MessageId::new(NodeId(u16::MAX), u32::MAX - number),
            })
            .collect();
        for round in 0..2 {
            for (slot, &id) in ids.iter().enumerate() {
                assert_eq!(index.slot(id) as usize, slot, "round {round}");
                assert_eq!(index.entry(slot as Slot).message, id);
            }
        }
        index.reset();
        assert_eq!(index.slot(ids[7]), 0);
    }

    #[test]
    fn absurd_numbers_cost_no_more_than_small_ones() {
        let mut index = Index::default();
        index.slot(MessageId::new(NodeId(u16::MAX), u32::MAX));
        assert_eq!(index.cells.len(), CELLS_MIN);
    }
}
