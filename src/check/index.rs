//! Dense numbers for the messages of a history.

use crate::id::MessageId;

/// The number of a message: an index into what the checkers keep of each.
pub(super) type Slot = u32;

/// An open-addressing table. Ids come from workloads, from hashing and from foreign histories
/// alike, and one path serves them all; the hash is fixed, so that a verdict never depends on the
/// process.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// A power of two, at most half full.
    cells: Vec<Slot>,
    messages: Vec<MessageId>,
}

const EMPTY: Slot = Slot::MAX;
const CELLS_MIN: usize = 64;
/// The golden ratio: its product spreads consecutive numbers evenly over the upper bits.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Index {
    /// Forgets every message.
    pub(super) fn reset(&mut self) {
        self.cells.fill(EMPTY);
        self.messages.clear();
    }

    /// The number of `message`, the next one if it is new.
    #[inline]
    pub(super) fn slot(&mut self, message: MessageId) -> Slot {
        let mask = self.cells.len().wrapping_sub(1);
        let mut cell = home(message, mask);
        while let Some(&slot) = self.cells.get(cell) {
            if self.messages.get(slot as usize) == Some(&message) {
                return slot;
            }
            if slot == EMPTY {
                break;
            }
            cell = (cell + 1) & mask;
        }
        self.enter(message)
    }

    /// The message with the number `slot`.
    pub(super) fn message(&self, slot: Slot) -> MessageId {
        self.messages[slot as usize]
    }

    #[inline(never)]
    fn enter(&mut self, message: MessageId) -> Slot {
        let slot = self.messages.len() as Slot;
        self.messages.push(message);
        if self.messages.len() * 2 > self.cells.len() {
            self.grow();
        } else {
            self.seat(slot);
        }
        slot
    }

    fn grow(&mut self) {
        let cells = (self.cells.len() * 2).max(CELLS_MIN);
        self.cells.clear();
        self.cells.resize(cells, EMPTY);
        for slot in 0..self.messages.len() as Slot {
            self.seat(slot);
        }
    }

    fn seat(&mut self, slot: Slot) {
        let mask = self.cells.len() - 1;
        let mut cell = home(self.message(slot), mask);
        while self.cells[cell] != EMPTY {
            cell = (cell + 1) & mask;
        }
        self.cells[cell] = slot;
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
                assert_eq!(index.message(slot as Slot), id);
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
