//! The names of batches: which id and epoch, and when a new epoch begins.

use super::{Ctx, Flying, ProducerClient};
use crate::id::NodeId;
use crate::model::message::{BatchId, Identity, ProducerId};
use crate::model::producer::policy::{EpochBump, Restart};
use crate::model::site::Moment;

impl Restart {
    /// The name of the first batch that the `incarnation`-th process on a machine sends to each
    /// partition.
    pub(super) fn first_batch(self, node: NodeId, incarnation: u16) -> BatchId {
        let (node, life) = (u32::from(node.0), u32::from(incarnation) << 16);
        let (producer, epoch) = match self {
            Self::Bump => (node, life),
            Self::FreshId => (life | node, 0),
            Self::Reuse => (node, 0),
        };
        BatchId { producer: ProducerId(producer), epoch, sequence: 0 }
    }
}

impl ProducerClient {
    /// A new epoch is safe only when nothing of the old one can still be acknowledged: to send a
    /// batch of unknown outcome again under a new name is to write it twice (KIP-360, KAFKA-14034).
    pub(super) fn end_epoch(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        let lane = &mut self.lanes[index];
        if lane.draining && lane.flying.is_empty() {
            Moment::EpochBumped.note(ctx);
            lane.draining = false;
            lane.bumps += 1;
            lane.sequence = 0;
        }
    }

    /// The broker misses something before the batch at `place`. If that is the oldest in flight,
    /// and is not refused under a name that it has no longer, there is a gap which nothing will
    /// fill (Kafka's `TransactionManager.canRetry`).
    pub(super) fn missing_before(&mut self, index: usize, place: usize, ctx: &mut Ctx<'_>) {
        let lane = &self.lanes[index];
        let is_current = !lane.flying[place].renamed;
        match self.policy.bump {
            EpochBump::Drain => {}
            EpochBump::Renumber | EpochBump::RenumberArbitrary => {
                if place == 0 && (is_current || lane.draining) {
                    self.renumber(index, ctx);
                }
            }
            EpochBump::OnRefusal => {
                if is_current {
                    (0..self.lanes.len()).for_each(|lane| self.renumber(lane, ctx));
                }
            }
        }
    }

    /// Begins a new epoch at once: what is in flight follows under new names.
    fn renumber(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        let lane = &mut self.lanes[index];
        if lane.flying.is_empty() {
            return;
        }
        Moment::EpochBumped.note(ctx);
        if self.policy.bump == EpochBump::RenumberArbitrary {
            shuffle(&mut lane.flying);
        }
        lane.draining = false;
        lane.waiting = false;
        lane.bumps += 1;
        let epoch = self.first.epoch + u32::from(lane.bumps);
        for (one, sequence) in lane.flying.iter_mut().zip(0..) {
            one.produce.identity = Identity::Batch(BatchId { epoch, sequence, ..self.first });
            one.sequence = sequence;
            one.renamed = true;
        }
        lane.sequence = lane.flying.len() as u32;
        self.transmit_all(index, ctx);
    }
}

/// Brings batches that are in order into the order in which a binary heap keeps them once their
/// predecessor has been taken from its top: the last one goes there and sinks.
fn shuffle(flying: &mut [Flying]) {
    flying.rotate_right(1);
    let mut place = 0;
    while let Some(child) = (2 * place + 1..flying.len().min(2 * place + 3))
        .min_by_key(|&child| flying[child].sequence)
        .filter(|&child| flying[child].sequence < flying[place].sequence)
    {
        flying.swap(place, child);
        place = child;
    }
}
