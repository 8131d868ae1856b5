//! The log broker, single: one machine, one file a partition, in the manner of Kafka without
//! replicas.

use super::message::{Acks, Message, Produce, Reading, Refusal, Verdict};
use super::record::Record;
use super::tail::{Found, Synced, Tail};
use crate::digest::Digest;
use crate::id::{FileId, GroupId, NodeId, PartitionId, Ticket, TimerId};
use crate::journal::Journals;
use crate::node::{Context, DiskError, Node, Work};
use crate::time::{Instant, Span};
use partition::Partition;
pub use policy::{
    Cleanup, Fsync, OnFailedSync, Policy, ProducerState, SnapshotOf, StateKept, Verify,
};
pub use sequences::{REMEMBERED, UnknownProducer};

use super::site::Moment;

mod highest;
mod memory;
mod partition;
mod policy;
mod sequences;
mod shelf;
mod upkeep;
mod window;

/// The file of the groups' offsets; the partitions have the files after it.
const OFFSETS: FileId = FileId(0);
/// Fires when a parked fetch has waited long enough.
const PARKED: TimerId = TimerId(0);
/// Fires when an interval between syncs is over.
const INTERVAL: TimerId = TimerId(1);
/// Fires when it is time to look for old records.
const HOUSEKEEPING: TimerId = TimerId(2);
/// How long a broker is down after its disk has failed it.
const DISK_FAILED: Span = Span::millis(10);

/// A log broker on one machine.
#[derive(Clone, Debug)]
pub struct Broker {
    policy: Policy,
    partitions: Vec<Partition>,
    parked: Vec<Parked>,
    /// When the parked fetches are looked at next.
    alarm: Option<Instant>,
    offsets: Tail,
    /// The durable offset of each group and partition.
    committed: Vec<u64>,
    settling: Vec<Settling>,
    interval_runs: bool,
    housekeeping_runs: bool,
}

#[derive(Copy, Clone, Debug)]
struct Parked {
    client: NodeId,
    request: u64,
    partition: PartitionId,
    offset: u64,
    batch: u16,
    due: Instant,
}

/// An offset on its way to the disk.
#[derive(Copy, Clone, Debug)]
struct Settling {
    position: u64,
    slot: usize,
    offset: u64,
    client: NodeId,
    partition: PartitionId,
    request: Option<u64>,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Broker {
    /// The broker as a boot finds its disk.
    pub fn boot(policy: Policy, disk: Journals<'_, Record>) -> Self {
        let open = |p| Partition::open(PartitionId(p), &policy, disk);
        let mut committed = [0].repeat(usize::from(policy.groups) * usize::from(policy.partitions));
        for (_, stored) in disk.records(OFFSETS) {
            if let Some(&Record::GroupOffset { group, partition, offset }) = stored.intact()
                && let Some(slot) = policy.slot(group, partition)
            {
                committed[slot] = offset.max(committed[slot]);
            }
        }
        Self {
            policy,
            partitions: (0..policy.partitions).map(open).collect(),
            parked: Vec::new(),
            alarm: None,
            offsets: Tail::open(OFFSETS, disk),
            committed,
            settling: Vec::new(),
            interval_runs: false,
            housekeeping_runs: false,
        }
    }

    #[inline]
    fn produce(
        &mut self,
        from: NodeId,
        (to, acks): (PartitionId, Acks),
        produce: &Produce,
        ctx: &mut Ctx<'_>,
    ) {
        let message = produce.entry.message;
        let Some(partition) = self.partitions.get_mut(to.index()) else {
            let verdict = Verdict::Refused(Refusal::UnknownPartition);
            return answer(from, acks, Message::Produced { message, partition: to, verdict }, ctx);
        };
        let visible = partition.visible(&self.policy);
        if let Some(verdict) = partition.produce(from, acks, produce, &self.policy, ctx) {
            answer(from, acks, Message::Produced { message, partition: to, verdict }, ctx);
        }
        if !self.parked.is_empty() && partition.visible(&self.policy) > visible {
            self.wake_readers(to, ctx);
        }
        self.start_interval(ctx);
        self.start_housekeeping(ctx);
    }

    #[inline]
    fn fetch(&mut self, fetch: Parked, wait_max: Span, ctx: &mut Ctx<'_>) {
        let Parked { request, partition, offset, .. } = fetch;
        let found = match self.partitions.get(partition.index()) {
            Some(log) => log.read(offset, fetch.batch, &self.policy),
            None => Some((offset, Reading::Closed)),
        };
        match found {
            None if wait_max > Span::ZERO => self.park(fetch, wait_max, ctx),
            found => {
                let (base, reading) = found.unwrap_or((offset, Reading::Entries(Vec::new())));
                ctx.reply(Message::Fetched { request, partition, base, reading });
            }
        }
    }

    /// A long poll: the fetch waits for data, for its wait or for a duplicate of it at most.
    fn park(&mut self, fetch: Parked, wait_max: Span, ctx: &mut Ctx<'_>) {
        Moment::FetchParked.note(ctx);
        let again = |old: &Parked| (old.client, old.request) != (fetch.client, fetch.request);
        self.parked.retain(again);
        self.parked.push(Parked { due: ctx.now() + wait_max, ..fetch });
        self.set_alarm(ctx);
    }

    fn set_alarm(&mut self, ctx: &mut Ctx<'_>) {
        let next = self.parked.iter().map(|fetch| fetch.due).min();
        if next == self.alarm {
            return;
        }
        match next {
            Some(due) => {
                let wait = due.since(ctx.now());
                ctx.set_timer(PARKED, wait, Work::Background);
            }
            None => ctx.cancel(PARKED),
        }
        self.alarm = next;
    }

    /// More can be read in a partition: answers the fetches that waited for it.
    fn wake_readers(&mut self, grown: PartitionId, ctx: &mut Ctx<'_>) {
        let (log, policy) = (&self.partitions[grown.index()], &self.policy);
        self.parked.retain(|fetch| {
            if fetch.partition != grown {
                return true;
            }
            match log.read(fetch.offset, fetch.batch, policy) {
                Some(found) => answer_parked(fetch, found, ctx),
                None => return true,
            }
            false
        });
        self.set_alarm(ctx);
    }

    fn end_waits(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now();
        self.parked.retain(|fetch| {
            if fetch.due <= now {
                answer_parked(fetch, (fetch.offset, Reading::Entries(Vec::new())), ctx);
            }
            fetch.due > now
        });
        self.alarm = None;
        self.set_alarm(ctx);
    }

    #[inline]
    fn commit(
        &mut self,
        client: NodeId,
        request: Option<u64>,
        (group, partition): (GroupId, PartitionId),
        offset: u64,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(slot) = self.policy.slot(group, partition) else { return };
        let position = self.offsets.append(Record::GroupOffset { group, partition, offset }, ctx);
        if self.policy.fsync == Fsync::BeforeAck {
            self.offsets.flush(ctx);
        }
        if self.settling.is_empty() && position < self.settled_end() {
            // Nothing to wait for: in line it would leave at once.
            self.committed[slot] = offset.max(self.committed[slot]);
            if let Some(request) = request {
                ctx.reply(Message::Committed { request, partition });
            }
        } else {
            self.settling.push(Settling { position, slot, offset, client, partition, request });
            self.settle(Some(client), ctx);
        }
        self.start_interval(ctx);
    }

    /// The end of the offsets that are as durable as the policy asks for.
    #[inline]
    fn settled_end(&self) -> u64 {
        match self.policy.fsync {
            Fsync::BeforeAck => self.offsets.durable(),
            Fsync::Interval(_) | Fsync::Never => self.offsets.end(),
        }
    }

    /// Enters the offsets that are as durable as the policy asks for. What `asking` sent is being
    /// handled: it is answered over the same connection.
    fn settle(&mut self, asking: Option<NodeId>, ctx: &mut Ctx<'_>) {
        let done = self.settled_end();
        let committed = &mut self.committed;
        self.settling.retain(|one| {
            if one.position >= done {
                return true;
            }
            // A commit that comes late takes nothing back; Kafka has the generation for that.
            committed[one.slot] = one.offset.max(committed[one.slot]);
            if let Some(request) = one.request {
                let message = Message::Committed { request, partition: one.partition };
                if asking == Some(one.client) {
                    ctx.reply(message);
                } else {
                    ctx.answer(one.client, message);
                }
            }
            false
        });
    }

    fn start_interval(&mut self, ctx: &mut Ctx<'_>) {
        let Fsync::Interval(every) = self.policy.fsync else { return };
        if !self.interval_runs {
            self.interval_runs = true;
            ctx.set_timer(INTERVAL, every, Work::Background);
        }
    }

    fn end_interval(&mut self, ctx: &mut Ctx<'_>) {
        self.interval_runs = false;
        self.offsets.flush(ctx);
        for partition in &mut self.partitions {
            partition.tail.flush(ctx);
            partition.advanced(&self.policy, ctx);
        }
    }

    #[inline]
    fn start_housekeeping(&mut self, ctx: &mut Ctx<'_>) {
        if self.policy.cleanup != Cleanup::Keep && !self.housekeeping_runs {
            self.housekeeping_runs = true;
            ctx.set_timer(HOUSEKEEPING, self.policy.housekeeping, Work::Background);
        }
    }

    fn keep_house(&mut self, ctx: &mut Ctx<'_>) {
        self.housekeeping_runs = false;
        for partition in &mut self.partitions {
            partition.keep_house(&self.policy, ctx);
        }
        if self.partitions.iter().any(Partition::has_records) {
            self.start_housekeeping(ctx);
        }
    }

    /// A sync has failed: of the log of this partition, or of another file.
    fn sync_failed(&mut self, log: Option<usize>, ctx: &mut Ctx<'_>) {
        if self.policy.on_failed_sync == OnFailedSync::Restart {
            // Memory holds what the disk never will: start over from the disk, as PostgreSQL does
            // since 2018. What waited for an acknowledgement gets none.
            return ctx.restart(DISK_FAILED);
        }
        if let Some(index) = log {
            self.partitions[index].roll_back(&self.policy, ctx);
        } else {
            // Offsets that were not kept are committed anew when no answer comes.
            let end = self.offsets.end();
            self.settling.retain(|one| one.position < end);
        }
    }

    fn tail_advanced(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        let before_ack = self.policy.fsync == Fsync::BeforeAck;
        let partition = &mut self.partitions[index];
        partition.advanced(&self.policy, ctx);
        if before_ack {
            partition.acknowledge(ctx);
            partition.tail.flush(ctx);
            self.wake_readers(PartitionId(index as u16), ctx);
        } else if !partition.tail.is_durable() {
            self.start_interval(ctx);
        }
    }
}

/// Answers a request to append, unless no answer is wanted. A refusal then ends the connection, as
/// Kafka's does: that much the producer learns.
#[inline]
fn answer(from: NodeId, acks: Acks, message: Message, ctx: &mut Ctx<'_>) {
    if acks != Acks::None {
        ctx.reply(message);
    } else if let Message::Produced { verdict: Verdict::Refused(_), .. } = message {
        ctx.disconnect(from);
    }
}

fn answer_parked(fetch: &Parked, (base, reading): (u64, Reading), ctx: &mut Ctx<'_>) {
    let Parked { client, request, partition, .. } = *fetch;
    ctx.answer(client, Message::Fetched { request, partition, base, reading });
}

impl Node for Broker {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        for partition in &mut self.partitions {
            partition.start(ctx);
        }
        if self.partitions.iter().any(Partition::has_records) {
            self.start_housekeeping(ctx);
        }
        if self.offsets.start(ctx) == Found::Damage {
            // Where the groups stand is no longer known: better no broker than a wrong one.
            ctx.exit();
        }
    }

    #[inline]
    fn deliver(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        match message {
            Message::Produce { partition, acks, produce } => {
                self.produce(from, (partition, acks), &produce, ctx);
            }
            Message::Fetch { request, partition, offset, batch, wait_max } => {
                let due = Instant::NEVER;
                let fetch = Parked { client: from, request, partition, offset, batch, due };
                self.fetch(fetch, wait_max, ctx);
            }
            Message::Commit { request, group, partition, offset } => {
                self.commit(from, request, (group, partition), offset, ctx);
            }
            Message::OffsetFetch { request, group, partition } => {
                let slot = self.policy.slot(group, partition);
                let offset = slot.map_or(0, |slot| self.committed[slot]);
                ctx.reply(Message::OffsetFetched { request, partition, offset });
            }
            Message::Produced { .. }
            | Message::Queue(_)
            | Message::Half(_)
            | Message::Fetched { .. }
            | Message::Committed { .. }
            | Message::OffsetFetched { .. }
            | Message::Database(_)
            | Message::External(_)
            | Message::Custom(_) => {}
        }
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        match timer {
            PARKED => self.end_waits(ctx),
            INTERVAL => self.end_interval(ctx),
            HOUSEKEEPING => self.keep_house(ctx),
            _ => {}
        }
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        match self.offsets.synced(ticket, result, ctx) {
            Synced::Advanced => {
                self.settle(None, ctx);
                if self.policy.fsync == Fsync::BeforeAck {
                    self.offsets.flush(ctx);
                }
                return;
            }
            Synced::Failed => return self.sync_failed(None, ctx),
            Synced::Other => {}
        }
        for index in 0..self.partitions.len() {
            match self.partitions[index].tail.synced(ticket, result, ctx) {
                Synced::Advanced => return self.tail_advanced(index, ctx),
                Synced::Failed => return self.sync_failed(Some(index), ctx),
                Synced::Other => {}
            }
            match self.partitions[index].shelf_synced(ticket, result, ctx) {
                Synced::Advanced => return self.partitions[index].advanced(&self.policy, ctx),
                Synced::Failed => return self.sync_failed(None, ctx),
                Synced::Other => {}
            }
        }
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.partitions.iter().for_each(|partition| partition.fingerprint(digest));
        self.offsets.fingerprint(digest);
        self.committed.iter().for_each(|&offset| _ = digest.word(offset));
        digest.word(u64::from(self.interval_runs) | u64::from(self.housekeeping_runs) << 1);
        digest.word(self.alarm.map_or(u64::MAX, Instant::nanos));
        for fetch in &self.parked {
            let small = u64::from(fetch.client.0) << 32 | u64::from(fetch.partition.0) << 16;
            digest.word(small | u64::from(fetch.batch)).word(fetch.request);
            digest.word(fetch.offset).word(fetch.due.nanos());
        }
        for one in &self.settling {
            let small = u64::from(one.client.0) << 17 | u64::from(one.request.is_some());
            digest.word(one.position).word(one.slot as u64).word(one.offset).word(small);
            digest.word(one.request.unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests;
