//! A numbered file of typed records, with the gap between written and durable.

use crate::id::{FileId, Position};

/// A record as a boot finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored<R> {
    /// As it was written.
    Intact(R),
    /// Torn, rotten, overwritten or never written: its checksum says so.
    Damaged,
}

impl<R> Stored<R> {
    /// The record, if it is intact.
    #[inline]
    pub fn intact(&self) -> Option<&R> {
        match self {
            Self::Intact(record) => Some(record),
            Self::Damaged => None,
        }
    }
}

/// One file: what is in it, and which operations on it are not durable yet.
#[derive(Debug)]
pub struct Journal<R> {
    base: u64,
    records: Vec<Stored<R>>,
    cached: Vec<Cached<R>>,
    operations: u64,
}

#[derive(Debug)]
struct Cached<R> {
    number: u64,
    change: Change<R>,
    /// A record that a failed sync covered: no later one will write it. What was cut off is not
    /// forgotten so: a file's bounds are written with the next sync that succeeds.
    forgotten: bool,
}

#[derive(Debug)]
enum Change<R> {
    Append { position: u64 },
    Truncate { from: u64, removed: Vec<Stored<R>> },
    Discard { before: u64, removed: Vec<Stored<R>> },
}

/// How much of a file a sync covers: the operations made before it was asked for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub struct Extent(u64);

impl<R> Default for Journal<R> {
    fn default() -> Self {
        Self { base: 0, records: Vec::new(), cached: Vec::new(), operations: 0 }
    }
}

impl<R> Journal<R> {
    /// The position of the next record.
    #[inline]
    pub fn end(&self) -> Position {
        Position(self.base + self.records.len() as u64)
    }

    /// The position of the first record that was not discarded.
    pub fn start(&self) -> Position {
        Position(self.base)
    }

    /// The records from the first to the last, each with its position.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = (Position, &Stored<R>)> {
        let base = self.base;
        self.records.iter().enumerate().map(move |(n, stored)| (Position(base + n as u64), stored))
    }

    /// The record at `position`.
    #[inline]
    pub fn get(&self, position: Position) -> Option<&Stored<R>> {
        self.records.get(usize::try_from(position.0.checked_sub(self.base)?).ok()?)
    }

    /// The last record, if it is intact.
    #[inline]
    pub fn newest(&self) -> Option<&R> {
        self.records.last().and_then(Stored::intact)
    }

    /// How many operations are not durable.
    pub fn unsynced(&self) -> usize {
        self.cached.len()
    }

    /// What a sync asked for now covers.
    pub fn extent(&self) -> Extent {
        Extent(self.operations)
    }

    /// Appends a record that is durable at once.
    #[inline]
    pub(crate) fn append_through(&mut self, record: R) -> Position {
        let position = self.end();
        self.records.push(Stored::Intact(record));
        position
    }

    /// Appends a record to the cache.
    pub(crate) fn append(&mut self, record: R) -> Position {
        let position = self.end();
        self.records.push(Stored::Intact(record));
        self.note(Change::Append { position: position.0 });
        position
    }

    /// Removes the records from `from` on.
    pub(crate) fn truncate(&mut self, from: Position, through: bool) {
        let from = from.0.max(self.base);
        let kept = usize::try_from(from - self.base).unwrap_or(usize::MAX).min(self.records.len());
        let removed = self.records.split_off(kept);
        if !removed.is_empty() && !through {
            self.note(Change::Truncate { from, removed });
        }
    }

    /// Removes the records before `before`; positions stay.
    pub(crate) fn discard(&mut self, before: Position, through: bool) {
        let before = before.0.clamp(self.base, self.end().0);
        let removed: Vec<_> = self.records.drain(..(before - self.base) as usize).collect();
        self.base = before;
        if !removed.is_empty() && !through {
            self.note(Change::Discard { before, removed });
        }
    }

    /// Makes what `extent` covers durable; the positions of the records that became so go to
    /// `durable`.
    pub(crate) fn sync(&mut self, extent: Extent, durable: &mut Vec<Position>) {
        let covered = self.cached.partition_point(|cached| cached.number < extent.0);
        let mut kept = Vec::new();
        for cached in self.cached.drain(..covered) {
            match cached.change {
                _ if cached.forgotten => kept.push(cached),
                Change::Append { position } => durable.push(Position(position)),
                Change::Truncate { from, .. } => {
                    durable.retain(|position| position.0 < from);
                    // What was forgotten there is gone for good, and its place may be written anew.
                    kept.retain(|cached: &Cached<R>| match cached.change {
                        Change::Append { position } => position < from,
                        _ => true,
                    });
                }
                Change::Discard { .. } => {}
            }
        }
        self.cached.splice(..0, kept);
    }

    /// A sync of `extent` failed: the cache thinks it clean, and no later sync writes it.
    pub(crate) fn forget(&mut self, extent: Extent) -> bool {
        let covered = self.cached.partition_point(|cached| cached.number < extent.0);
        for cached in &mut self.cached[..covered] {
            cached.forgotten |= matches!(cached.change, Change::Append { .. });
        }
        covered > 0
    }

    /// The process died and the machine did not: the cache is written, but for what was forgotten.
    pub(crate) fn crash(&mut self, durable: &mut Vec<Position>) {
        self.sync(Extent(u64::MAX), durable);
    }

    /// The machine lost power: the last `undone` unsynced operations are undone, truncations
    /// included, what was forgotten is lost, and the rest is found written, but for the last of it
    /// if that was `torn`. Returns how many records were lost and whether one was torn.
    pub(crate) fn power_cut(
        &mut self,
        undone: u32,
        torn: bool,
        durable: &mut Vec<Position>,
    ) -> (u32, bool) {
        let before = self.intact();
        for _ in 0..undone {
            let Some(Cached { change, forgotten, .. }) = self.cached.pop() else { break };
            match change {
                // What stands behind it may be durable.
                Change::Append { position } if forgotten => _ = self.damage(Position(position)),
                Change::Append { position } => self.drop_from(position),
                Change::Truncate { from, removed } => {
                    self.drop_from(from);
                    self.records.extend(removed);
                }
                Change::Discard { before, mut removed } => {
                    self.base = before - removed.len() as u64;
                    removed.append(&mut self.records);
                    self.records = removed;
                }
            }
        }
        self.sync(Extent(u64::MAX), durable);
        for cached in std::mem::take(&mut self.cached) {
            if let Change::Append { position } = cached.change {
                self.damage(Position(position));
            }
        }
        while let Some(Stored::Damaged) = self.records.last() {
            self.records.pop();
        }
        let lost = before.saturating_sub(self.intact()) as u32;
        let last = Position(self.end().0.wrapping_sub(1));
        let tore = torn && durable.last() == Some(&last) && self.damage(last);
        if tore {
            durable.pop();
        }
        (lost, tore)
    }

    /// The record at `position` is found damaged from now on. Returns whether it was intact.
    pub(crate) fn damage(&mut self, position: Position) -> bool {
        let Some(index) = position.0.checked_sub(self.base) else { return false };
        match self.records.get_mut(index as usize) {
            Some(stored @ Stored::Intact(_)) => {
                *stored = Stored::Damaged;
                true
            }
            _ => false,
        }
    }

    /// The file as it was before the first operation, keeping its memory.
    pub(crate) fn clear(&mut self) {
        self.base = 0;
        self.operations = 0;
        self.records.clear();
        self.cached.clear();
    }

    fn note(&mut self, change: Change<R>) {
        self.cached.push(Cached { number: self.operations, change, forgotten: false });
        self.operations += 1;
    }

    fn drop_from(&mut self, position: u64) {
        self.records.truncate(position.saturating_sub(self.base) as usize);
    }

    fn intact(&self) -> usize {
        self.records.iter().filter(|stored| stored.intact().is_some()).count()
    }
}

/// The files of a machine as a boot finds them.
#[derive(Debug)]
pub struct Journals<'a, R> {
    files: &'a [Journal<R>],
}

impl<R> Copy for Journals<'_, R> {}

impl<R> Clone for Journals<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, R> Journals<'a, R> {
    /// The files, by number.
    pub fn new(files: &'a [Journal<R>]) -> Self {
        Self { files }
    }

    /// The records of `file`, oldest first; none if it was never written.
    pub fn records(
        self,
        file: FileId,
    ) -> impl DoubleEndedIterator<Item = (Position, &'a Stored<R>)> {
        self.files.get(file.index()).into_iter().flat_map(Journal::records)
    }

    /// The records of `file` that are intact, oldest first.
    pub fn intact(self, file: FileId) -> impl DoubleEndedIterator<Item = &'a R> {
        self.records(file).filter_map(|(_, stored)| stored.intact())
    }

    /// Where the next record of `file` goes.
    pub fn end(self, file: FileId) -> Position {
        self.files.get(file.index()).map_or(Position(0), Journal::end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Journal<char> {
        let mut journal = Journal::default();
        text.chars().for_each(|letter| _ = journal.append(letter));
        journal
    }

    fn text(journal: &Journal<char>) -> String {
        journal.records().map(|(_, stored)| stored.intact().copied().unwrap_or('?')).collect()
    }

    fn synced(journal: &mut Journal<char>) -> Vec<u64> {
        let mut durable = Vec::new();
        journal.sync(journal.extent(), &mut durable);
        durable.into_iter().map(|position| position.0).collect()
    }

    #[test]
    fn a_process_crash_keeps_the_cache_and_makes_it_durable() {
        let mut journal = written("abc");
        let mut durable = Vec::new();
        journal.crash(&mut durable);
        assert_eq!((text(&journal).as_str(), durable.len(), journal.unsynced()), ("abc", 3, 0));
    }

    #[test]
    fn a_power_cut_undoes_the_last_unsynced_operations_only() {
        for (undone, left) in [(0, "abcd"), (1, "abc"), (2, "ab"), (9, "ab")] {
            let mut journal = written("ab");
            assert_eq!(synced(&mut journal), [0, 1]);
            journal.append('c');
            journal.append('d');
            let mut durable = Vec::new();
            let (lost, _) = journal.power_cut(undone, false, &mut durable);
            assert_eq!(text(&journal), left);
            assert_eq!((lost, durable.len()), (4 - left.len() as u32, left.len() - 2));
        }
    }

    #[test]
    fn a_power_cut_undoes_truncations_and_discards() {
        let mut journal = written("abcd");
        synced(&mut journal);
        journal.truncate(Position(2), false);
        journal.append('x');
        journal.discard(Position(1), false);
        assert_eq!((text(&journal).as_str(), journal.start()), ("bx", Position(1)));
        journal.power_cut(3, false, &mut Vec::new());
        assert_eq!((text(&journal).as_str(), journal.start()), ("abcd", Position(0)));
    }

    #[test]
    fn a_record_truncated_before_its_sync_never_becomes_durable() {
        let mut journal = written("ab");
        journal.truncate(Position(1), false);
        journal.append('c');
        assert_eq!(synced(&mut journal), [0, 1]);
        assert_eq!(text(&journal), "ac");
    }

    #[test]
    fn a_sync_covers_what_was_written_before_it_was_asked_for() {
        let mut journal = written("a");
        let extent = journal.extent();
        journal.append('b');
        let mut durable = Vec::new();
        journal.sync(extent, &mut durable);
        assert_eq!((durable, journal.unsynced()), (vec![Position(0)], 1));
    }

    #[test]
    fn after_a_failed_sync_a_later_one_does_not_cover_the_old_suffix() {
        let mut journal = written("ab");
        assert!(journal.forget(journal.extent()));
        journal.append('c');
        assert_eq!(synced(&mut journal), [2]);
        journal.power_cut(0, false, &mut Vec::new());
        assert_eq!(text(&journal), "??c");
    }

    /// The bounds of the file were to be written twice, and then were.
    #[test]
    fn what_is_written_anew_after_two_failed_syncs_survives() {
        for undone in 0..5 {
            let mut journal = written("a");
            synced(&mut journal);
            for letter in ['x', 'y'] {
                journal.append(letter);
                journal.forget(journal.extent());
                journal.truncate(Position(1), false);
            }
            journal.append('b');
            assert_eq!(synced(&mut journal), [1]);
            journal.append('c');
            journal.power_cut(undone, false, &mut Vec::new());
            assert_eq!(text(&journal), if undone == 0 { "abc" } else { "ab" });
        }
    }

    #[test]
    fn a_power_cut_leaves_what_is_durable_behind_a_forgotten_record() {
        for undone in 0..3 {
            let mut journal = written("a");
            journal.forget(journal.extent());
            journal.append('b');
            assert_eq!(synced(&mut journal), [1]);
            journal.power_cut(undone, false, &mut Vec::new());
            assert_eq!(text(&journal), "?b");
        }
    }

    #[test]
    fn what_is_written_anew_over_a_forgotten_record_survives() {
        let mut journal = written("ab");
        journal.forget(journal.extent());
        journal.truncate(Position(0), false);
        journal.append('x');
        journal.append('y');
        assert_eq!(synced(&mut journal), [0, 1]);
        journal.power_cut(0, false, &mut Vec::new());
        assert_eq!(text(&journal), "xy");
    }

    #[test]
    fn a_forgotten_tail_is_cut_off_by_a_power_cut() {
        let mut journal = written("a");
        synced(&mut journal);
        journal.append('b');
        journal.forget(journal.extent());
        assert_eq!(journal.power_cut(0, false, &mut Vec::new()), (1, false));
        assert_eq!(text(&journal), "a");
    }

    #[test]
    fn a_torn_record_is_the_last_unsynced_one_and_means_nothing() {
        let mut journal = written("a");
        synced(&mut journal);
        journal.append('b');
        journal.append('c');
        let mut durable = Vec::new();
        assert_eq!(journal.power_cut(0, true, &mut durable), (0, true));
        assert_eq!((text(&journal).as_str(), durable), ("ab?", vec![Position(1)]));
        assert_eq!(written("").power_cut(0, true, &mut Vec::new()), (0, false));
    }

    #[test]
    fn positions_survive_discarding() {
        let mut journal = written("abc");
        journal.discard(Position(2), true);
        assert_eq!(journal.get(Position(2)), Some(&Stored::Intact('c')));
        assert_eq!(journal.get(Position(1)), None);
        assert_eq!(journal.end(), Position(3));
    }
}
