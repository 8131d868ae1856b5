//! Positions that are on their way to the disk beside the effects.

use crate::digest::Digest;
use crate::id::PartitionId;
use std::collections::VecDeque;

/// Moved positions that are not durable yet, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves(VecDeque<Move>);

#[derive(Copy, Clone, Debug)]
struct Move {
    /// What has to be durable.
    mark: u64,
    partition: PartitionId,
    next: u64,
}

impl Moves {
    /// The position of `partition` moves to `next` once what is before `mark` is durable.
    pub(super) fn begin(&mut self, mark: u64, partition: PartitionId, next: u64) {
        self.0.push_back(Move { mark, partition, next });
    }

    /// The oldest move, if it `is_durable`; it is forgotten.
    pub(super) fn next(&mut self, is_durable: impl Fn(u64) -> bool) -> Option<(PartitionId, u64)> {
        let first = self.0.front().copied().filter(|first| is_durable(first.mark))?;
        self.0.pop_front();
        Some((first.partition, first.next))
    }

    /// Takes the whole state into the digest.
    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        for one in &self.0 {
            digest.word(one.mark).word(u64::from(one.partition.0)).word(one.next);
        }
    }
}
