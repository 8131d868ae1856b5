//! Offsets that were passed over.

use std::collections::BTreeMap;
use std::ops::Range;

/// Ranges of offsets, each with the number of the first step that passed over it.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// From the start of a piece to its end and its step. Pieces do not overlap.
    pieces: BTreeMap<u64, (u64, u32)>,
}

impl Passed {
    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        self.pieces.clear();
    }

    /// A step passes over `range`; steps come in the order of their numbers.
    pub(super) fn insert(&mut self, range: Range<u64>, step: u32) {
        let before = self.pieces.range(..=range.start).next_back();
        let mut start = before.map_or(range.start, |(_, (end, _))| range.start.max(*end));
        while start < range.end {
            let next = self.pieces.range(start..range.end).next();
            let (end, resume) = next.map_or((range.end, range.end), |(at, (end, _))| (*at, *end));
            if start < end {
                self.pieces.insert(start, (end, step));
            }
            start = resume;
        }
    }

    /// The first step that passed over `offset`.
    #[inline]
    pub(super) fn first(&self, offset: u64) -> Option<u32> {
        let (_, &(end, step)) = self.pieces.range(..=offset).next_back()?;
        (offset < end).then_some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ranges: &[(u64, u64)], expect: &[Option<u32>]) {
        let mut passed = Passed::default();
        for (&(start, end), step) in ranges.iter().zip(0..) {
            passed.insert(start..end, step);
        }
        let found: Vec<_> = (0..expect.len() as u64).map(|offset| passed.first(offset)).collect();
        assert_eq!(found, expect, "{ranges:?}");
    }

    #[test]
    fn each_offset_keeps_the_first_step() {
        const A: Option<u32> = Some(0);
        const B: Option<u32> = Some(1);
        const C: Option<u32> = Some(2);
        check(&[], &[None, None]);
        check(&[(1, 3)], &[None, A, A, None]);
        check(&[(1, 3), (1, 3)], &[None, A, A, None]);
        check(&[(1, 3), (2, 5)], &[None, A, A, B, B, None]);
        check(&[(2, 4), (0, 3)], &[B, B, A, A, None]);
        check(&[(1, 2), (3, 4), (0, 5)], &[C, A, C, B, C, None]);
        check(&[(0, 5), (1, 2)], &[A, A, A, A, A, None]);
        check(&[(1, 3), (3, 4)], &[None, A, A, B, None]);
    }
}
