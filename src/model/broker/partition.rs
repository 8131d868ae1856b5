//! One partition: its log, what is durable of it, and who waits for that.

use super::memory::{Judgement, Memory, Noted, millis};
use super::policy::{Cleanup, Policy, ProducerState, SnapshotOf, StateKept, Verify};
use super::upkeep::{Kept, Upkeep, compacted, records_of};
use crate::digest::Digest;
use crate::id::{FileId, MessageId, NodeId, PartitionId, Ticket};
use crate::journal::Journals;
use crate::model::message::{Acks, Entry, Identity, Produce, Reading, Refusal, Verdict};
use crate::model::site::Moment;
use crate::model::tail::{Found, Synced, Tail};
use crate::model::{Message, Record};
use crate::node::{Context, DiskError};
use crate::time::Span;

/// A partition of a log, in a file of its own.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    id: PartitionId,
    pub(super) tail: Tail,
    /// The offset of the first entry of `log`.
    floor: u64,
    log: Vec<Entry>,
    /// What compaction has left below that.
    cleaned: Vec<(u64, Entry)>,
    memory: Memory,
    /// Who is to be told once their entry is durable.
    waiting: Vec<Waiting>,
    upkeep: Option<Box<Upkeep>>,
    damaged: bool,
}

#[derive(Copy, Clone, Debug)]
struct Waiting {
    client: NodeId,
    message: MessageId,
    offset: u64,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Partition {
    /// The partition as a boot finds it: the log, and what it remembers rebuilt from that and from
    /// the newest snapshot.
    ///
    /// Partition p of n has the file p + 1 for its log, p + 1 + n for its snapshots, and
    /// p + 1 + 2 n for what compaction leaves; the last two only if a policy asks for them.
    pub(super) fn open(id: PartitionId, policy: &Policy, disk: Journals<'_, Record>) -> Self {
        let file = |shelf: u16| FileId((1 + id.0 + shelf * policy.partitions) as u8);
        let tail = Tail::open(file(0), disk);
        let (mut upkeep, mut cleaned, mut from) = (None, Vec::new(), 0);
        let mut memory = Memory::new(policy);
        if let Some(kept) = Upkeep::open(policy, [1, 2].map(file), disk) {
            let Kept { upkeep: found, remembered, cleaned: entries } = kept;
            let end = found.snapshots.end();
            if end <= tail.end() || policy.snapshot_of == SnapshotOf::Memory {
                remembered.into_iter().for_each(|noted| memory.note(noted));
                from = end;
            }
            cleaned = entries;
            upkeep = Some(Box::new(found));
        }
        let floor = upkeep.as_ref().map_or(0, |found| found.cleaned.end()).max(tail.first());
        let mut log = Vec::with_capacity(64.max((tail.end() - floor.min(tail.end())) as usize));
        for (position, stored) in disk.records(file(0)).filter(|(at, _)| at.0 < tail.end()) {
            let offset = position.0;
            let Some(&Record::Entry { appended_ms, entry, identity }) = stored.intact() else {
                continue;
            };
            if offset >= from {
                memory.note(Noted { offset, identity, appended_ms });
            }
            if offset >= floor {
                log.push(entry);
                if let Some(upkeep) = &mut upkeep {
                    upkeep.found(policy, appended_ms);
                }
            }
        }
        if policy.producer_state_kept == StateKept::WithLog {
            memory.forget_below(floor);
        }
        if let Some(upkeep) = &mut upkeep {
            upkeep.durable = memory.clone();
        }
        // A log that ends before what was compacted of it has lost what was durable.
        let damaged = tail.found() == Found::Damage || floor > tail.end();
        Self { id, tail, floor, log, cleaned, memory, waiting: Vec::new(), upkeep, damaged }
    }

    /// Cuts off what a boot cannot use.
    pub(super) fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.tail.start(ctx);
        let Some(upkeep) = &mut self.upkeep else { return };
        if upkeep.snapshots.end() > 0 {
            Moment::SnapshotRead.note(ctx);
        }
        self.damaged |= upkeep.start(ctx);
        if self.tail.cut() < self.floor && !self.damaged {
            // A crash fell between the compacted part and the end of what it stands for.
            self.tail.discard(self.floor, ctx);
        }
    }

    /// Handles a request to append. Returns the answer, if it can be given at once.
    #[inline]
    pub(super) fn produce(
        &mut self,
        from: NodeId,
        acks: Acks,
        produce: &Produce,
        policy: &Policy,
        ctx: &mut Ctx<'_>,
    ) -> Option<Verdict> {
        let Produce { entry, identity } = *produce;
        if self.damaged {
            return Some(Verdict::Refused(Refusal::Closed));
        }
        if policy.checksum == Verify::Verify && !entry.is_sound() {
            Moment::CorruptRefused.note(ctx);
            return Some(Verdict::Refused(Refusal::Corrupt));
        }
        let appended_ms = if self.upkeep.is_some() { stamp(policy, ctx) } else { 0 };
        let asked = (self.tail.end(), appended_ms);
        let judged = self.memory.judge(identity, policy.unknown_producer, asked);
        let offset = match judged {
            Judgement::Fresh => {
                let offset = self.tail.append(Record::Entry { appended_ms, entry, identity }, ctx);
                self.log.push(entry);
                // Only after the append: state that runs ahead of the log answers "duplicate" for
                // what was never stored (Pulsar #5218).
                let noted = Noted { offset, identity, appended_ms };
                self.memory.note(noted);
                if self.upkeep.is_some() {
                    self.appended(from, noted, policy, ctx);
                }
                offset
            }
            Judgement::Duplicate(offset) => {
                Moment::DuplicateAnswered.note(ctx);
                offset
            }
            Judgement::Known => return Some(self.known(identity, acks, policy, ctx)),
            Judgement::Refused(refusal) => {
                if refusal == Refusal::Fenced {
                    Moment::Fenced.note(ctx);
                } else {
                    Moment::OutOfOrder.note(ctx);
                }
                return Some(Verdict::Refused(refusal));
            }
        };
        if policy.acknowledges_early() {
            return Some(Verdict::Stored { offset });
        }
        self.tail.flush(ctx);
        if self.upkeep.is_some() {
            self.advanced(policy, ctx);
        }
        // An offset past the end is known from a snapshot alone: whoever believes that takes it for
        // durable.
        let vouched = offset < self.tail.durable() || offset >= self.tail.end();
        if vouched || acks != Acks::All {
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
    pub(super) fn visible(&self, policy: &Policy) -> u64 {
        if policy.acknowledges_early() { self.tail.end() } else { self.tail.durable() }
    }

    /// What a fetch finds now, and the offset of its first entry; nothing if it has to wait for
    /// data.
    #[inline]
    pub(super) fn read(&self, offset: u64, batch: u16, policy: &Policy) -> Option<(u64, Reading)> {
        if self.damaged {
            return Some((offset, Reading::Closed));
        }
        if offset > self.tail.end() {
            return Some((offset, Reading::OutOfRange { start: self.first() }));
        }
        if offset < self.floor {
            return self.read_below(offset, batch, policy);
        }
        let visible = self.visible(policy);
        if offset >= visible {
            return None;
        }
        let last = visible.min(offset + u64::from(batch));
        let range = (offset - self.floor) as usize..(last - self.floor) as usize;
        Some((offset, Reading::Entries(self.log[range].to_vec())))
    }

    /// More is durable: acknowledges what waited for it.
    pub(super) fn acknowledge(&mut self, ctx: &mut Ctx<'_>) {
        let (durable, partition) = (self.tail.durable(), self.id);
        self.waiting.retain(|&Waiting { client, message, offset }| {
            if offset < durable {
                let verdict = Verdict::Stored { offset };
                ctx.answer(client, Message::Produced { message, partition, verdict });
            }
            offset >= durable
        });
    }

    /// More is durable, or less is left: what hangs on that.
    #[cold]
    pub(super) fn advanced(&mut self, policy: &Policy, ctx: &mut Ctx<'_>) {
        self.drop_below(self.tail.first(), policy, ctx);
        let Some(upkeep) = &mut self.upkeep else { return };
        let ends = (self.tail.durable(), self.tail.end());
        upkeep.advance(ends.0);
        upkeep.snapshots.has_landed(ctx);
        let due = upkeep.snapshots.end_written() + u64::from(policy.snapshot_every.unwrap_or(0));
        if policy.snapshot_every.is_some()
            && policy.snapshot_of == SnapshotOf::DurableLog
            && due <= ends.0
        {
            upkeep.snapshot(policy.snapshot_of, &self.memory, ends, ctx);
            upkeep.snapshots.has_landed(ctx);
        }
        if upkeep.cleaned.has_landed(ctx) {
            self.adopt(ctx);
        }
    }

    /// A sync has ended, but not of the log: if it was of a file beside it, what it means.
    pub(super) fn shelf_synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Ctx<'_>,
    ) -> Synced {
        let Some(upkeep) = &mut self.upkeep else { return Synced::Other };
        match upkeep.snapshots.synced(ticket, result, ctx) {
            Synced::Other => upkeep.cleaned.synced(ticket, result, ctx),
            synced => synced,
        }
    }

    /// A sync of the log has failed, and what it covered is cut off: forgets it, and breaks with
    /// the producers so that they send it again, in order. What they sent before they learn of it
    /// is not heard.
    pub(super) fn roll_back(&mut self, policy: &Policy, ctx: &mut Ctx<'_>) {
        Moment::RolledBack.note(ctx);
        let Some(upkeep) = &mut self.upkeep else { return };
        self.log.truncate((self.tail.end() - self.floor) as usize);
        self.waiting.clear();
        if policy.producer_state != ProducerState::SequenceAdvancedBeforePersist {
            self.memory = upkeep.durable.clone();
        }
        for producer in upkeep.roll_back(self.log.len()) {
            ctx.disconnect(producer);
        }
    }

    /// Whether there is anything that the policy may want to get rid of.
    pub(super) fn has_records(&self) -> bool {
        !self.log.is_empty() && !self.damaged
    }

    /// Gets rid of what is old, as far as it is durable; a part of it at a later time, if something
    /// has to be durable first.
    pub(super) fn keep_house(&mut self, policy: &Policy, ctx: &mut Ctx<'_>) {
        let Some(upkeep) = self.upkeep.as_mut().filter(|_| !self.damaged) else { return };
        let ends = (self.tail.durable(), self.tail.end());
        let mut before = match policy.cleanup {
            Cleanup::Keep => return,
            Cleanup::Compact => ends.1,
            Cleanup::Delete { age, records } => {
                let now_ms = age.map_or(0, |_| wall_ms(ctx));
                let aged = age.map_or(0, |age| upkeep.aged(millis(age), now_ms));
                let most = records.map_or(u64::MAX, u64::from);
                let surplus = (self.log.len() as u64).saturating_sub(most);
                self.floor + aged.max(surplus)
            }
        };
        if before > ends.0 {
            // Kafka writes a segment to the disk before it lets another be the active one.
            self.tail.flush(ctx);
            before = ends.0;
        }
        if policy.snapshots_first() && upkeep.snapshots.end() < before {
            upkeep.snapshot(policy.snapshot_of, &self.memory, ends, ctx);
            upkeep.snapshots.has_landed(ctx);
            before = before.min(upkeep.snapshots.end());
        }
        if before <= self.floor {
            return;
        }
        if policy.cleanup == Cleanup::Compact {
            self.compact(before, ctx);
        } else if before > self.tail.cut() {
            self.tail.discard(before, ctx);
            self.tail.flush(ctx);
        }
        self.advanced(policy, ctx);
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        self.tail.fingerprint(digest);
        self.log.iter().for_each(|entry| entry.fingerprint(digest));
        self.memory.fingerprint(digest);
        digest.word(self.waiting.len() as u64);
        for waiting in &self.waiting {
            digest.word(u64::from(waiting.client.0)).word(waiting.message.word());
            digest.word(waiting.offset);
        }
        let Some(upkeep) = &self.upkeep else { return };
        upkeep.fingerprint(digest);
        digest.word(self.floor << 1 | u64::from(self.damaged)).word(self.cleaned.len() as u64);
        for (offset, entry) in &self.cleaned {
            digest.word(*offset);
            entry.fingerprint(digest);
        }
    }

    /// The first offset of the log. Compaction leaves it where it is.
    fn first(&self) -> u64 {
        if self.cleaned.is_empty() { self.floor } else { 0 }
    }

    /// What a fetch below the floor finds: entries that compaction has left, or that retention has
    /// deleted what it asks for.
    #[cold]
    fn read_below(&self, offset: u64, batch: u16, policy: &Policy) -> Option<(u64, Reading)> {
        if self.cleaned.is_empty() {
            return Some((offset, Reading::OutOfRange { start: self.floor }));
        }
        let first = self.cleaned.partition_point(|&(at, _)| at < offset);
        let Some(&(base, _)) = self.cleaned.get(first) else {
            return self.read(self.floor, batch, policy);
        };
        let run = self.cleaned[first..].iter().zip(base..).take(usize::from(batch));
        let run = run.take_while(|((at, _), expected)| at == expected);
        Some((base, Reading::Entries(run.map(|((_, entry), _)| *entry).collect())))
    }

    #[cold]
    fn appended(&mut self, from: NodeId, noted: Noted, policy: &Policy, ctx: &mut Ctx<'_>) {
        let Some(upkeep) = &mut self.upkeep else { return };
        upkeep.appended(policy, from, noted);
        let ends = (self.tail.durable(), self.tail.end());
        let every = policy.snapshot_every.filter(|_| policy.snapshot_of == SnapshotOf::Memory);
        if every.is_some_and(|every| upkeep.snapshots.end_written() + u64::from(every) <= ends.1) {
            upkeep.snapshot(policy.snapshot_of, &self.memory, ends, ctx);
            upkeep.snapshots.has_landed(ctx);
        }
    }

    /// The answer to a request that is not above the highest one of its producer.
    #[cold]
    fn known(
        &mut self,
        identity: Identity,
        acks: Acks,
        policy: &Policy,
        ctx: &mut Ctx<'_>,
    ) -> Verdict {
        let waits = policy.producer_state == ProducerState::HighestSequence
            && acks == Acks::All
            && !policy.acknowledges_early();
        if let Some(upkeep) = self.upkeep.as_mut().filter(|_| waits)
            && upkeep.durable.judge(identity, policy.unknown_producer, (0, 0)) != Judgement::Known
        {
            Moment::Undecided.note(ctx);
            return Verdict::Refused(Refusal::Undecided);
        }
        Moment::DuplicateAnswered.note(ctx);
        Verdict::Duplicate
    }

    /// Retention has deleted what stood below `start`.
    fn drop_below(&mut self, start: u64, policy: &Policy, ctx: &mut Ctx<'_>) {
        if start <= self.floor {
            return;
        }
        Moment::Deleted.note(ctx);
        let count = (start - self.floor) as usize;
        self.log.drain(..count);
        self.floor = start;
        if let Some(upkeep) = &mut self.upkeep {
            upkeep.dropped(count);
            if policy.producer_state_kept == StateKept::WithLog {
                upkeep.durable.forget_below(start);
                if self.memory.forget_below(start) {
                    Moment::StateForgotten.note(ctx);
                }
            }
        }
    }

    /// Writes what compaction leaves of the log below `end` in one piece. The log's own part goes
    /// only once that is durable.
    fn compact(&mut self, end: u64, ctx: &mut Ctx<'_>) {
        let Some(upkeep) = &mut self.upkeep else { return };
        let tail =
            self.log.iter().copied().zip(self.floor..).map(|(entry, offset)| (offset, entry));
        let below =
            self.cleaned.iter().copied().chain(tail).take_while(|&(offset, _)| offset < end);
        let before = below.clone().count();
        let kept = compacted(below);
        if kept.len() < before && !upkeep.cleaned.is_writing() {
            upkeep.cleaned.write(end, records_of(&kept), ctx);
        }
    }

    /// The compacted part is durable and stands for the log below its end.
    fn adopt(&mut self, ctx: &mut Ctx<'_>) {
        let Some(upkeep) = &mut self.upkeep else { return };
        Moment::Compacted.note(ctx);
        let end = upkeep.cleaned.end();
        let dirty = self.log.drain(..(end - self.floor) as usize).zip(self.floor..);
        let all = self.cleaned.drain(..).chain(dirty.map(|(entry, offset)| (offset, entry)));
        self.cleaned = compacted(all.collect::<Vec<_>>().into_iter());
        self.floor = end;
        self.tail.discard(end, ctx);
    }
}

/// The time of an append, if the policy asks for it.
fn stamp(policy: &Policy, ctx: &mut Ctx<'_>) -> u32 {
    if policy.stamps() { wall_ms(ctx) } else { 0 }
}

fn wall_ms(ctx: &mut Ctx<'_>) -> u32 {
    millis(Span::nanos_of(ctx.wall().nanos()))
}
