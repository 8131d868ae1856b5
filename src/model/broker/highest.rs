//! Producer state in the manner of Pulsar: the highest sequence id of each producer.

use super::memory::Noted;
use crate::digest::Digest;
use crate::model::message::{BatchId, Identity, ProducerId};
use std::collections::BTreeMap;

/// The producers of one partition, each with its highest batch.
#[derive(Clone, Debug, Default)]
pub(super) struct Highest {
    producers: BTreeMap<u32, (u32, u32)>,
}

impl Highest {
    /// Whether a batch of this id or of a higher one was noted.
    pub(super) fn has(&self, batch: BatchId) -> bool {
        let highest = self.producers.get(&batch.producer.0);
        highest.is_some_and(|&highest| (batch.epoch, batch.sequence) <= highest)
    }

    pub(super) fn note(&mut self, batch: BatchId) {
        let highest = self.producers.entry(batch.producer.0).or_default();
        *highest = (batch.epoch, batch.sequence).max(*highest);
    }

    pub(super) fn noted(&self) -> Vec<Noted> {
        let noted = |(&producer, &(epoch, sequence)): (&u32, &(u32, u32))| {
            let batch = BatchId { producer: ProducerId(producer), epoch, sequence };
            Noted { offset: 0, identity: Identity::Batch(batch), appended_ms: 0 }
        };
        self.producers.iter().map(noted).collect()
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.producers.len() as u64);
        for (&producer, &(epoch, sequence)) in &self.producers {
            digest.word(u64::from(producer)).word(u64::from(epoch) << 32 | u64::from(sequence));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(producer: u32, epoch: u32, sequence: u32) -> BatchId {
        BatchId { producer: ProducerId(producer), epoch, sequence }
    }

    /// After batch 3 of epoch 1 of producer 7.
    #[track_caller]
    fn check(asked: BatchId, known: bool) {
        let mut highest = Highest::default();
        highest.note(batch(7, 1, 3));
        highest.note(batch(7, 1, 2));
        assert_eq!(highest.has(asked), known, "{asked:?}");
        let mut again = Highest::default();
        highest.noted().into_iter().filter_map(|n| n.identity.batch()).for_each(|b| again.note(b));
        assert_eq!(again.has(asked), known, "after a snapshot: {asked:?}");
    }

    #[test]
    fn whatever_is_not_above_the_highest_is_known() {
        check(batch(7, 1, 3), true);
        check(batch(7, 1, 0), true);
        check(batch(7, 0, 9), true);
        check(batch(7, 1, 4), false);
        check(batch(7, 2, 0), false);
        check(batch(8, 0, 0), false);
    }
}
