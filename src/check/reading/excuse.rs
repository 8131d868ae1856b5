//! Which records a log may have dropped.

use super::super::index::Slot;
use super::super::ledger::{Ledger, Outcome};
use super::{Known, Reading};
use crate::time::Instant;
use std::collections::BTreeSet;

/// What a log with retention or compaction need not show any more.
#[derive(Debug)]
pub(super) struct Excuses<'a> {
    reading: &'a Reading,
    /// By number of record: whether compaction may have removed it.
    obsolete: Vec<bool>,
}

impl<'a> Excuses<'a> {
    /// The excuses by the end of the history.
    pub(super) fn new(reading: &'a Reading, ledger: &Ledger) -> Self {
        let obsolete = if reading.compacted { obsolete(reading, ledger) } else { Vec::new() };
        Self { reading, obsolete }
    }

    /// Whether the record with this number may be missing when it is passed over at this time.
    pub(super) fn excuse(&self, number: u32, passed: Instant) -> bool {
        let Known { slot, .. } = self.reading.records[number as usize];
        let born = self.reading.births.get(slot as usize).copied().unwrap_or(Instant::START);
        self.obsolete.get(number as usize) == Some(&true)
            || self.reading.retention.is_some_and(|retention| passed.since(born) >= retention)
    }
}

/// The records that a later one of the same key makes obsolete: one that is known in the partition,
/// or one that may stand there although nobody was told where. A record has the key that it was
/// read with, or any key that its message was sent under.
fn obsolete(reading: &Reading, ledger: &Ledger) -> Vec<bool> {
    let tally = ledger.tally();
    let keys_of = |slot: Slot| ledger.entry(slot).keys((slot, tally));
    let mut placed = vec![false; ledger.all().len()];
    reading.records.iter().for_each(|record| placed[record.slot as usize] = true);
    let mut somewhere = BTreeSet::new();
    for ((entry, placed), slot) in ledger.all().iter().zip(placed).zip(0..) {
        if !placed && entry.outcome() >= Outcome::Info {
            somewhere.extend(keys_of(slot));
        }
    }
    let mut obsolete = vec![false; reading.records.len()];
    for partition in &reading.partitions {
        let mut later = BTreeSet::new();
        for number in partition.shelf.all().rev() {
            let Known { slot, read, .. } = reading.records[number as usize];
            let keys: Vec<u64> = match read {
                Some((key, _)) => vec![key],
                None => keys_of(slot).collect(),
            };
            obsolete[number as usize] =
                keys.iter().any(|key| later.contains(key) || somewhere.contains(key));
            later.extend(keys);
        }
    }
    obsolete
}
