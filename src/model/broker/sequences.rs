//! Producer state: what a partition remembers of each producer's batches (KIP-98).

use crate::digest::Digest;
use crate::model::message::{BatchId, Refusal};

/// The batches a broker remembers of each producer and partition: as many as a Kafka producer may
/// have in flight (KAFKA-5494).
pub const REMEMBERED: usize = 5;

/// The producers of one partition, by producer id.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequences {
    producers: Vec<Producer>,
}

#[derive(Copy, Clone, Debug, Default)]
struct Producer {
    epoch: u32,
    /// Its last batches, in a ring.
    batches: [Batch; REMEMBERED],
    /// Where the newest of them stands; each is followed by the one before it.
    newest: u8,
    remembered: u8,
}

#[derive(Copy, Clone, Debug, Default)]
struct Batch {
    sequence: u32,
    offset: u64,
}

/// What a broker does about a producer that it does not know.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownProducer {
    /// Takes any sequence, as Kafka does: the state may have been retired with the log.
    #[default]
    Accept,
    /// Demands sequence 0, as Kafka does of transactions since KIP-890.
    Refuse,
}

/// What a batch is to a partition.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Fresh,
    /// It stands at this offset already.
    Duplicate(u64),
    Refused(Refusal),
}

impl Sequences {
    #[inline]
    pub(super) fn judge(&self, batch: BatchId, unknown: UnknownProducer) -> Judgement {
        let known =
            self.producers.get(batch.producer.0 as usize).filter(|known| known.remembered > 0);
        let Some(known) = known else {
            return match (unknown, batch.sequence) {
                (UnknownProducer::Accept, _) | (UnknownProducer::Refuse, 0) => Judgement::Fresh,
                (UnknownProducer::Refuse, _) => Judgement::Refused(Refusal::OutOfOrder),
            };
        };
        if batch.epoch < known.epoch {
            return Judgement::Refused(Refusal::Fenced);
        }
        let expected =
            if batch.epoch > known.epoch { 0 } else { known.newest().sequence.wrapping_add(1) };
        if batch.sequence == expected { Judgement::Fresh } else { known.judge_stray(batch) }
    }

    /// Remembers a batch that was appended at `offset`.
    #[inline]
    pub(super) fn note(&mut self, batch: BatchId, offset: u64) {
        let index = batch.producer.0 as usize;
        if self.producers.len() <= index {
            self.meet(index);
        }
        let known = &mut self.producers[index];
        if batch.epoch > known.epoch {
            *known = Producer { epoch: batch.epoch, ..Producer::default() };
        }
        known.newest = known.newest.checked_sub(1).unwrap_or(REMEMBERED as u8 - 1);
        let newest = Batch { sequence: batch.sequence, offset };
        known.batches[usize::from(known.newest)] = newest;
        known.remembered = (known.remembered + 1).min(REMEMBERED as u8);
    }

    #[cold]
    fn meet(&mut self, index: usize) {
        self.producers.resize(index + 1, Producer::default());
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        for (id, known) in self.producers.iter().enumerate().filter(|(_, p)| p.remembered > 0) {
            digest.word((id as u64) << 40 | u64::from(known.remembered) << 32 | known.epoch as u64);
            for batch in known.batches() {
                digest.word(u64::from(batch.sequence)).word(batch.offset);
            }
        }
    }
}

impl Producer {
    #[inline]
    fn newest(&self) -> Batch {
        self.batches[usize::from(self.newest)]
    }

    /// The batches that are remembered, the newest first.
    fn batches(&self) -> impl Iterator<Item = &Batch> {
        let (older, newer) = self.batches.split_at(usize::from(self.newest));
        newer.iter().chain(older).take(usize::from(self.remembered))
    }

    /// Judges a batch that does not follow the newest one.
    #[cold]
    fn judge_stray(&self, batch: BatchId) -> Judgement {
        let original = self.batches().find(|seen| seen.sequence == batch.sequence);
        match original.filter(|_| batch.epoch == self.epoch) {
            Some(original) => Judgement::Duplicate(original.offset),
            None => Judgement::Refused(Refusal::OutOfOrder),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::ProducerId;

    const OUT_OF_ORDER: Judgement = Judgement::Refused(Refusal::OutOfOrder);

    fn batch(epoch: u32, sequence: u32) -> BatchId {
        BatchId { producer: ProducerId(3), epoch, sequence }
    }

    /// After these batches were appended at the offsets from 10 on, the last one is judged so.
    #[track_caller]
    fn check(appended: &[(u32, u32)], judged: (u32, u32), expect: Judgement) {
        let mut sequences = Sequences::default();
        for (&(epoch, sequence), offset) in appended.iter().zip(10..) {
            sequences.note(batch(epoch, sequence), offset);
        }
        let judgement = sequences.judge(batch(judged.0, judged.1), UnknownProducer::Accept);
        assert_eq!(judgement, expect);
    }

    #[test]
    fn batches_follow_one_another() {
        check(&[], (0, 7), Judgement::Fresh);
        check(&[(0, 0)], (0, 1), Judgement::Fresh);
        check(&[(0, 0)], (0, 2), OUT_OF_ORDER);
        check(&[(0, u32::MAX)], (0, 0), Judgement::Fresh);
    }

    #[test]
    fn the_last_five_are_known_again_with_their_offsets() {
        let six = [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (0, 5)];
        check(&six, (0, 5), Judgement::Duplicate(15));
        check(&six, (0, 1), Judgement::Duplicate(11));
        check(&six, (0, 0), OUT_OF_ORDER);
    }

    #[test]
    fn an_epoch_fences_the_lower_ones_and_starts_at_zero() {
        check(&[(1, 0)], (0, 1), Judgement::Refused(Refusal::Fenced));
        check(&[(1, 4)], (2, 0), Judgement::Fresh);
        check(&[(1, 4)], (2, 5), OUT_OF_ORDER);
        check(&[(1, 0), (2, 0)], (2, 1), Judgement::Fresh);
    }

    #[test]
    fn an_unknown_producer_is_met_as_the_policy_says() {
        let sequences = Sequences::default();
        assert_eq!(sequences.judge(batch(0, 3), UnknownProducer::Refuse), OUT_OF_ORDER);
        assert_eq!(sequences.judge(batch(0, 0), UnknownProducer::Refuse), Judgement::Fresh);
    }
}
