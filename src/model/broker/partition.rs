//! One partition: its log, what is durable of it, and who waits for that.

use super::Policy;
use super::sequences::{Judgement, Sequences};
use crate::digest::Digest;
use crate::id::{FileId, MessageId, NodeId, PartitionId};
use crate::journal::Journals;
use crate::model::message::{Entry, Produce, Reading, Refusal, Verdict};
use crate::model::site::Moment;
use crate::model::tail::{Found, Tail};
use crate::model::{Fsync, Message, ProducerState, Record, Verify};
use crate::node::Context;

/// A partition of a log, in a file of its own.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    id: PartitionId,
    pub(super) tail: Tail,
    log: Vec<Entry>,
    sequences: Sequences,
    /// Who is to be told once their entry is durable.
    waiting: Vec<Waiting>,
}

#[derive(Copy, Clone, Debug)]
struct Waiting {
    client: NodeId,
    message: MessageId,
    offset: u64,
}

impl Partition {
    /// The partition as a boot finds it: the log, and the producer state rebuilt from it.
    pub(super) fn open(id: PartitionId, file: FileId, disk: Journals<'_, Record>) -> Self {
        let tail = Tail::open(file, disk);
        let mut log = Vec::with_capacity(64.max(tail.end() as usize));
        let mut sequences = Sequences::default();
        for (position, stored) in disk.records(file).take(tail.end() as usize) {
            if let Some(Record::Entry { entry, identity, .. }) = stored.intact() {
                log.push(*entry);
                if let Some(batch) = identity.batch() {
                    sequences.note(batch, position.0);
                }
            }
        }
        Self { id, tail, log, sequences, waiting: Vec::new() }
    }

    fn is_closed(&self) -> bool {
        self.tail.found() == Found::Damage
    }

    /// Handles a request to append. Returns the answer, if it can be given at once.
    #[inline]
    pub(super) fn produce(
        &mut self,
        from: NodeId,
        produce: &Produce,
        policy: &Policy,
        ctx: &mut Context<'_, Message, Record>,
    ) -> Option<Verdict> {
        let Produce { entry, identity } = *produce;
        if self.is_closed() {
            return Some(Verdict::Refused(Refusal::Closed));
        }
        if policy.checksum == Verify::Verify && !entry.is_sound() {
            Moment::CorruptRefused.note(ctx);
            return Some(Verdict::Refused(Refusal::Corrupt));
        }
        let batch = match policy.producer_state {
            ProducerState::FiveBatches => identity.batch(),
            ProducerState::None => None,
        };
        let judged = batch
            .map_or(Judgement::Fresh, |batch| self.sequences.judge(batch, policy.unknown_producer));
        let offset = match judged {
            Judgement::Fresh => {
                let record = Record::Entry { appended_ms: 0, entry, identity };
                let offset = self.tail.append(record, ctx);
                self.log.push(entry);
                // Only after the append: state that runs ahead of the log answers "duplicate" for
                // what was never stored (Pulsar #5218).
                if let Some(batch) = batch {
                    self.sequences.note(batch, offset);
                }
                offset
            }
            Judgement::Duplicate(offset) => {
                Moment::DuplicateAnswered.note(ctx);
                offset
            }
            Judgement::Refused(refusal) => {
                if refusal == Refusal::Fenced {
                    Moment::Fenced.note(ctx);
                } else {
                    Moment::OutOfOrder.note(ctx);
                }
                return Some(Verdict::Refused(refusal));
            }
        };
        if policy.fsync != Fsync::BeforeAck {
            return Some(Verdict::Stored { offset });
        }
        self.tail.flush(ctx);
        if offset < self.tail.durable() {
            return Some(Verdict::Stored { offset });
        }
        if judged != Judgement::Fresh {
            Moment::DuplicateWaited.note(ctx);
        }
        self.waiting.push(Waiting { client: from, message: entry.message, offset });
        None
    }

    /// The end of what may be read: what a power cut could still undo is shown to nobody.
    #[inline]
    pub(super) fn visible(&self, fsync: Fsync) -> u64 {
        match fsync {
            Fsync::BeforeAck => self.tail.durable(),
            Fsync::Interval(_) | Fsync::Never => self.tail.end(),
        }
    }

    /// What a fetch finds now; nothing if it has to wait for data.
    #[inline]
    pub(super) fn read(&self, offset: u64, batch: u16, fsync: Fsync) -> Option<Reading> {
        if self.is_closed() {
            return Some(Reading::Closed);
        }
        if offset > self.tail.end() {
            return Some(Reading::OutOfRange);
        }
        let visible = self.visible(fsync);
        if offset >= visible {
            return None;
        }
        let last = visible.min(offset + u64::from(batch));
        Some(Reading::Entries(self.log[offset as usize..last as usize].to_vec()))
    }

    /// More is durable: acknowledges what waited for it.
    pub(super) fn acknowledge(&mut self, ctx: &mut Context<'_, Message, Record>) {
        let (durable, partition) = (self.tail.durable(), self.id);
        self.waiting.retain(|&Waiting { client, message, offset }| {
            if offset < durable {
                let verdict = Verdict::Stored { offset };
                ctx.send(client, Message::Produced { message, partition, verdict });
            }
            offset >= durable
        });
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        self.tail.fingerprint(digest);
        self.log.iter().for_each(|entry| entry.fingerprint(digest));
        self.sequences.fingerprint(digest);
        digest.word(self.waiting.len() as u64);
        for waiting in &self.waiting {
            digest.word(u64::from(waiting.client.0)).word(waiting.message.word());
            digest.word(waiting.offset);
        }
    }
}
