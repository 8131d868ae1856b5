//! Order across clients: nothing new lands in front of what was acknowledged before it was sent.

use super::super::index::Slot;
use super::super::ledger::Place;

/// How far each partition had been acknowledged, at every moment that counts.
///
/// A moment is the number of sends invoked by then: that is all the precision that the rule needs.
#[derive(Debug, Default)]
pub(super) struct Fronts {
    /// By partition; within one, moments and offsets both grow.
    marks: Vec<Vec<Mark>>,
}

/// At this moment an offset was acknowledged that was greater than all before.
#[derive(Copy, Clone, Debug)]
pub(super) struct Mark {
    moment: u32,
    pub(super) offset: u64,
    /// The message that stands there.
    pub(super) slot: Slot,
}

impl Fronts {
    /// Forgets every acknowledgement.
    pub(super) fn reset(&mut self) {
        self.marks.iter_mut().for_each(Vec::clear);
    }

    /// A message is acknowledged at `place`.
    #[inline]
    pub(super) fn acknowledged(&mut self, slot: Slot, place: Place, moment: u32) {
        let Place { partition, offset } = place;
        if self.marks.len() <= partition.index() {
            self.marks.resize_with(partition.index() + 1, Vec::new);
        }
        let marks = &mut self.marks[partition.index()];
        if marks.last().is_none_or(|last| last.offset < offset) {
            marks.push(Mark { moment, offset, slot });
        }
    }

    /// The acknowledgement that had reached `place` before the `first` send was invoked.
    #[inline]
    pub(super) fn ahead(&self, first: u32, place: Place) -> Option<Mark> {
        let marks = self.marks.get(place.partition.index())?;
        if marks.last()?.offset < place.offset {
            return None;
        }
        let by_then = &marks[..marks.partition_point(|mark| mark.moment <= first)];
        by_then.last().copied().filter(|mark| mark.offset >= place.offset)
    }
}
