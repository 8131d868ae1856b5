//! The known records of a partition, by offset.

use std::collections::BTreeMap;
use std::ops::Range;

/// From offsets to the numbers of records. Offsets are dense in a log, so a vector holds them; one
/// that is absurdly far out goes into a map, since a foreign history may name any.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    dense: Vec<u32>,
    /// Offsets beyond the vector.
    far: BTreeMap<u64, u32>,
    records: u64,
}

const NOTHING: u32 = u32::MAX;
/// The vector has room for so many offsets, and for so many more a record.
const ROOM: u64 = 256;
const ROOM_OF_A_RECORD: u64 = 4;

impl Shelf {
    /// Forgets every record.
    pub(super) fn reset(&mut self) {
        self.dense.clear();
        self.far.clear();
        self.records = 0;
    }

    /// The record at `offset`.
    #[inline]
    pub(super) fn get(&self, offset: u64) -> Option<u32> {
        match usize::try_from(offset).ok().and_then(|near| self.dense.get(near)) {
            Some(&number) => (number != NOTHING).then_some(number),
            None if self.far.is_empty() => None,
            None => self.far.get(&offset).copied(),
        }
    }

    /// Puts a record at `offset`, where there is none.
    pub(super) fn put(&mut self, offset: u64, number: u32) {
        self.records += 1;
        if offset >= ROOM + ROOM_OF_A_RECORD * self.records {
            self.far.insert(offset, number);
            return;
        }
        let end = offset as usize + 1;
        if self.dense.len() < end {
            self.dense.resize(end, NOTHING);
            while let Some(entry) = self.far.first_entry()
                && *entry.key() < end as u64
            {
                let (near, number) = entry.remove_entry();
                self.dense[near as usize] = number;
            }
        }
        self.dense[offset as usize] = number;
    }

    /// All records, in order.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = u32> {
        let near = self.dense.iter().copied().filter(|number| *number != NOTHING);
        near.chain(self.far.values().copied())
    }

    /// The records in a range of offsets, in order.
    pub(super) fn range(&self, offsets: Range<u64>) -> impl Iterator<Item = u32> {
        let end = self.dense.len() as u64;
        let near = offsets.start.min(end) as usize..offsets.end.min(end) as usize;
        let far = offsets.start.max(end)..offsets.end.max(end);
        let near = self.dense.get(near).unwrap_or_default().iter().copied();
        near.filter(|number| *number != NOTHING)
            .chain(self.far.range(far).map(|(_, number)| *number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_and_far_offsets_are_found_in_order() {
        let mut shelf = Shelf::default();
        let offsets = [0, u64::MAX, 263, 264, 3, 1 << 40, 262, 270, 290];
        for (&offset, number) in offsets.iter().zip(0..) {
            assert_eq!(shelf.get(offset), None, "{offset}");
            shelf.put(offset, number);
        }
        for (&offset, number) in offsets.iter().zip(0..) {
            assert_eq!(shelf.get(offset), Some(number), "{offset}");
        }
        let all: Vec<u32> = shelf.all().collect();
        assert_eq!(all, [0, 4, 6, 2, 3, 7, 8, 5, 1]);
        assert_eq!(shelf.range(263..270).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(shelf.range(280..1 << 41).collect::<Vec<_>>(), [8, 5]);
        assert_eq!(shelf.range(1..3).count(), 0);
        assert!(shelf.dense.len() < 300, "an absurd offset takes no room");
        shelf.reset();
        assert_eq!(shelf.all().count(), 0);
        assert_eq!(shelf.get(0), None);
    }

    #[test]
    fn what_was_far_is_near_once_there_are_many() {
        let mut shelf = Shelf::default();
        shelf.put(301, 0);
        assert_eq!(shelf.far.len(), 1);
        (1..100).for_each(|number| shelf.put(u64::from(number) * 4, number));
        assert_eq!((shelf.far.len(), shelf.get(301)), (0, Some(0)));
    }
}
