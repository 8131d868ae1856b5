//! Producer state: what a partition remembers of each producer's batches (KIP-98).

use super::memory::{Judgement, Noted};
use crate::digest::Digest;
use crate::model::message::{BatchId, Identity, ProducerId, Refusal};
use std::collections::BTreeMap;

/// The batches a broker remembers of each producer and partition: as many as a Kafka producer may
/// have in flight (KAFKA-5494).
pub const REMEMBERED: usize = 5;

/// Producers of lower ids are found by index: a machine's number makes a small one.
const DENSE: usize = 64;

/// The producers of one partition, by producer id.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequences {
    dense: Vec<Producer>,
    sparse: BTreeMap<u32, Producer>,
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
///
/// With [`Accept`](Self::Accept) a first batch that is lost and overtaken by the second is refused
/// for ever after: the producer holds it for out of order, and nothing comes before it. That is
/// Kafka's own (KAFKA-14312, KAFKA-15591, KAFKA-19880), and no mistake of the model.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownProducer {
    /// Takes any sequence, as Kafka does since 2.5: the state may have been retired with the log
    /// (KIP-360).
    #[default]
    Accept,
    /// Takes any sequence, but demands 0 while the log has never held a record, as Kafka does from
    /// 4.5 on (KAFKA-15591).
    RefuseOnNewLog,
    /// Demands sequence 0, as Kafka does of transactions since KIP-890.
    Refuse,
}

impl Sequences {
    /// Judges a batch that would be appended at `end`.
    #[inline]
    pub(super) fn judge(&self, batch: BatchId, unknown: UnknownProducer, end: u64) -> Judgement {
        let Some(known) = self.find(batch.producer) else {
            return judge_unknown(batch, unknown, end);
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
        let known = match self.dense.get_mut(index) {
            Some(known) => known,
            None => Self::meet(&mut self.dense, &mut self.sparse, batch.producer),
        };
        if batch.epoch > known.epoch {
            *known = Producer { epoch: batch.epoch, ..Producer::default() };
        }
        known.newest = known.newest.checked_sub(1).unwrap_or(REMEMBERED as u8 - 1);
        let newest = Batch { sequence: batch.sequence, offset };
        known.batches[usize::from(known.newest)] = newest;
        known.remembered = (known.remembered + 1).min(REMEMBERED as u8);
    }

    /// Forgets the batches below `start`, and the producers that have none left. Returns whether
    /// that was anything.
    pub(super) fn forget_below(&mut self, start: u64) -> bool {
        let before = self.count();
        for known in self.dense.iter_mut().chain(self.sparse.values_mut()) {
            let kept = known.batches().filter(|batch| batch.offset >= start).count();
            known.remembered = kept as u8;
            if kept == 0 {
                *known = Producer::default();
            }
        }
        self.sparse.retain(|_, known| known.remembered > 0);
        self.count() < before
    }

    /// The batches that are remembered, those of each producer in the order of their appends.
    pub(super) fn noted(&self) -> Vec<Noted> {
        let mut noted = Vec::new();
        for (producer, known) in self.producers() {
            let mut batches: Vec<_> = known.batches().collect();
            batches.reverse();
            noted.extend(batches.into_iter().map(|&Batch { sequence, offset }| {
                let batch = BatchId { producer, epoch: known.epoch, sequence };
                Noted { offset, identity: Identity::Batch(batch), appended_ms: 0 }
            }));
        }
        noted
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        for (ProducerId(id), known) in self.producers() {
            if id >> 24 != 0 {
                digest.word(u64::from(id));
            }
            digest.word((id as u64) << 40 | u64::from(known.remembered) << 32 | known.epoch as u64);
            for batch in known.batches() {
                digest.word(u64::from(batch.sequence)).word(batch.offset);
            }
        }
    }

    #[inline]
    fn find(&self, producer: ProducerId) -> Option<&Producer> {
        match self.dense.get(producer.0 as usize) {
            Some(known) => (known.remembered > 0).then_some(known),
            None => self.sparse.get(&producer.0),
        }
    }

    #[cold]
    fn meet<'a>(
        dense: &'a mut Vec<Producer>,
        sparse: &'a mut BTreeMap<u32, Producer>,
        producer: ProducerId,
    ) -> &'a mut Producer {
        let index = producer.0 as usize;
        if index >= DENSE {
            return sparse.entry(producer.0).or_default();
        }
        dense.resize(index + 1, Producer::default());
        &mut dense[index]
    }

    fn producers(&self) -> impl Iterator<Item = (ProducerId, &Producer)> {
        let dense = self.dense.iter().zip(0..).map(|(known, id)| (ProducerId(id), known));
        let sparse = self.sparse.iter().map(|(&id, known)| (ProducerId(id), known));
        dense.chain(sparse).filter(|(_, known)| known.remembered > 0)
    }

    fn count(&self) -> usize {
        self.producers().map(|(_, known)| usize::from(known.remembered)).sum()
    }
}

#[cold]
fn judge_unknown(batch: BatchId, unknown: UnknownProducer, end: u64) -> Judgement {
    let accepts = match unknown {
        UnknownProducer::Accept => true,
        UnknownProducer::RefuseOnNewLog => end > 0,
        UnknownProducer::Refuse => false,
    };
    if accepts || batch.sequence == 0 {
        Judgement::Fresh
    } else {
        Judgement::Refused(Refusal::OutOfOrder)
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
        let asked = batch(judged.0, judged.1);
        let judgement = sequences.judge(asked, UnknownProducer::Accept, 20);
        assert_eq!(judgement, expect);
        let mut again = Sequences::default();
        for Noted { offset, identity, .. } in sequences.noted() {
            again.note(identity.batch().unwrap(), offset);
        }
        let judgement = again.judge(asked, UnknownProducer::Accept, 20);
        assert_eq!(judgement, expect, "after a snapshot");
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
        use UnknownProducer::{Accept, Refuse, RefuseOnNewLog};
        let sequences = Sequences::default();
        for (policy, end, expect) in [
            (Accept, 0, Judgement::Fresh),
            (RefuseOnNewLog, 0, OUT_OF_ORDER),
            (RefuseOnNewLog, 1, Judgement::Fresh),
            (Refuse, 1, OUT_OF_ORDER),
        ] {
            assert_eq!(sequences.judge(batch(0, 3), policy, end), expect, "{policy:?}");
            assert_eq!(sequences.judge(batch(0, 0), policy, end), Judgement::Fresh);
        }
    }

    #[test]
    fn ids_may_be_large_and_far_apart() {
        let name =
            |producer, sequence| BatchId { producer: ProducerId(producer), epoch: 0, sequence };
        let mut sequences = Sequences::default();
        for (producer, offset) in [(3, 10), (u32::MAX, 11), (1 << 16 | 3, 12), (0, 13)] {
            sequences.note(name(producer, 0), offset);
            let again = sequences.judge(name(producer, 0), UnknownProducer::Refuse, 20);
            assert_eq!(again, Judgement::Duplicate(offset));
        }
        assert_eq!(sequences.judge(name(2 << 16, 1), UnknownProducer::Refuse, 20), OUT_OF_ORDER);
        assert!(sequences.dense.len() <= DENSE);
    }

    #[test]
    fn batches_are_forgotten_with_their_records_and_a_producer_with_its_last() {
        let mut sequences = Sequences::default();
        let late = BatchId { producer: ProducerId(1 << 20), epoch: 0, sequence: 0 };
        for (batch, offset) in [(batch(1, 0), 10), (batch(1, 1), 11), (late, 12)] {
            sequences.note(batch, offset);
        }
        let judge = |s: &Sequences, batch| s.judge(batch, UnknownProducer::Accept, 20);
        assert!(sequences.forget_below(11));
        assert_eq!(judge(&sequences, batch(1, 0)), OUT_OF_ORDER, "the producer is known still");
        assert_eq!(judge(&sequences, batch(1, 1)), Judgement::Duplicate(11));
        assert!(sequences.forget_below(12));
        assert_eq!(judge(&sequences, batch(1, 1)), Judgement::Fresh);
        assert_eq!(judge(&sequences, batch(0, 9)), Judgement::Fresh, "its epoch is gone too");
        assert_eq!(judge(&sequences, late), Judgement::Duplicate(12));
        assert!(!sequences.forget_below(12));
    }
}
