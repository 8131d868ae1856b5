//! The producer client: the protocol by which any node gets its messages into a log.

use super::journal::Journal;
use super::policy::{IdentityPolicy, MessageIdPolicy, Partitioner, ProducerPolicy};
use crate::digest::Digest;
use crate::history::Event;
use crate::id::{MessageId, NodeId, PartitionId, Ticket, TimerId};
use crate::journal::Journals;
use crate::model::message::{Acks, BatchId, Entry, Identity, Message, Produce, Verdict};
use crate::model::record::Record;
use crate::model::site::Moment;
use crate::node::{Context, DiskError, Planned, Seat, Work};
use crate::time::Instant;
pub(super) use lane::Again;
use lane::{Flying, Lane};

mod epoch;
mod lane;
mod retry;

/// A producer client. It uses one timer a partition and one more, from the first it was given on.
#[derive(Clone, Debug)]
pub struct ProducerClient {
    policy: ProducerPolicy,
    timer: TimerId,
    lanes: Vec<Lane>,
    /// When the next message that must not be sent yet is due.
    pace: Option<Instant>,
    fenced: bool,
    /// The name of this process's first batch.
    first: BatchId,
    journal: Option<Journal>,
    tells: Tells,
}

/// What a client enters in the history.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Tells {
    /// What becomes of every send.
    Sends,
    /// The same, but for the beginning of a first attempt: the owner enters that before it puts the
    /// message in line.
    Answers,
    /// Nothing.
    Nothing,
}

type Ctx<'a> = Context<'a, Message, Record>;

/// What a message says.
#[inline]
pub(in crate::model) fn body_of(message: MessageId) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&message.word().to_le_bytes());
    bytes[8..].copy_from_slice(&(!message.word()).to_le_bytes());
    bytes
}

impl ProducerClient {
    /// A client whose timers are those from `timer` on. If it keeps a journal, what that says to be
    /// unfinished is in line already.
    pub fn boot(
        policy: ProducerPolicy,
        timer: TimerId,
        seat: &Seat<'_>,
        disk: Journals<'_, Record>,
    ) -> Self {
        let lanes = vec![Lane::default(); usize::from(policy.partitions)];
        let first = policy.restart.first_batch(seat.id, seat.incarnation);
        let journal = policy.journal.map(|file| Journal::open(file, disk));
        let (pace, fenced, tells) = (None, false, Tells::Sends);
        let mut client = Self { policy, timer, lanes, pace, fenced, first, journal, tells };
        for again in policy.journal.map_or(Vec::new(), |file| Journal::unfinished(file, disk)) {
            let lane = client.lane_of(again.message, again.key);
            client.lanes[lane].again.push(again);
        }
        client
    }

    /// The client of an owner that does something else first when a send begins, and enters itself
    /// in the history that it does.
    #[must_use]
    pub fn of_sends_begun(self) -> Self {
        Self { tells: Tells::Answers, ..self }
    }

    /// The client of an owner whose messages are no operations of a client of the system, but what
    /// machines say to each other in the course of one: they do not show in the history.
    #[must_use]
    pub fn of_letters(self) -> Self {
        Self { tells: Tells::Nothing, ..self }
    }

    /// How many timers the client uses.
    pub fn timers(&self) -> u8 {
        self.lanes.len() as u8 + 1
    }

    /// Makes room for so many messages, evenly over the partitions.
    pub(super) fn expect(&mut self, messages: usize) {
        let each = messages.div_ceil(self.lanes.len().max(1));
        self.lanes.iter_mut().for_each(|lane| lane.queue.reserve_exact(each));
    }

    /// Puts a message in line. [`send_due`](Self::send_due) sends what may be sent.
    #[inline]
    pub fn enqueue(&mut self, planned: Planned) {
        let lane = self.lane_of(planned.message, planned.key);
        self.lanes[lane].queue.push(planned);
    }

    /// The partition to which a message goes unless the owner chooses another.
    pub fn partition_of(&self, message: MessageId, key: u64) -> PartitionId {
        PartitionId(self.lane_of(message, key) as u16)
    }

    /// Puts a message in line for a partition of the owner's choice.
    ///
    /// # Panics
    /// If there is no such partition.
    pub fn enqueue_to(&mut self, partition: PartitionId, planned: Planned) {
        self.lanes[partition.index()].queue.push(planned);
    }

    /// Puts a message in line for a partition of the owner's choice, which an earlier process of
    /// the machine may have sent. It goes before all that has not been sent.
    ///
    /// # Panics
    /// If there is no such partition.
    pub fn enqueue_again(&mut self, partition: PartitionId, message: MessageId, key: u64) {
        self.lanes[partition.index()].again.push(Again { message, key, attempt: 1 });
    }

    /// Whether another producer with the same id and a higher epoch was met. The client sends
    /// nothing more; its machine should start over.
    #[inline]
    pub fn is_fenced(&self) -> bool {
        self.fenced
    }

    /// Begins: sends what is in line, as far as the window and the messages' own times permit.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(journal) = &mut self.journal {
            journal.start(ctx);
        }
        self.send_due(ctx);
    }

    /// Sends what is in line, as far as the window and the messages' own times permit.
    pub fn send_due(&mut self, ctx: &mut Ctx<'_>) {
        for lane in 0..self.lanes.len() {
            self.fill(lane, ctx);
        }
    }

    /// Handles a message. Returns whether it was one for the client.
    #[inline]
    pub fn deliver(&mut self, message: &Message, ctx: &mut Ctx<'_>) -> bool {
        let &Message::Produced { message, partition, verdict } = message else { return false };
        let Some(lane) = self.lanes.get_mut(partition.index()) else { return false };
        let is_it = |one: &Flying| one.produce.entry.message == message;
        let Some(place) = lane.flying.iter().position(is_it) else {
            // The answer to a copy of something that is done.
            return false;
        };
        let offset = match verdict {
            Verdict::Stored { offset } => Some(offset),
            Verdict::Duplicate | Verdict::Accepted => None,
            Verdict::Refused(refusal) => {
                self.refused(partition.index(), place, refusal, ctx);
                return true;
            }
        };
        let Flying { attempt, renamed, .. } = lane.flying[place];
        if renamed {
            // The copy that was written may be one under another name, and the sequence of this
            // name missing for good.
            lane.draining = true;
        }
        self.tell(Event::SendOk { message, attempt, partition, offset }, ctx);
        if self.journal.is_some() {
            self.write_down(Record::Answered { message }, ctx);
        }
        self.done(partition.index(), place, ctx);
        true
    }

    /// Handles a timer. Returns whether it was the client's.
    pub fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) -> bool {
        let Some(lane) = timer.index().checked_sub(self.timer.index()) else { return false };
        match lane.cmp(&self.lanes.len()) {
            std::cmp::Ordering::Less => self.timed_out(lane, ctx),
            std::cmp::Ordering::Equal => {
                self.pace = None;
                self.send_due(ctx);
            }
            std::cmp::Ordering::Greater => return false,
        }
        true
    }

    /// Handles the end of a sync of the journal.
    pub fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        if let Some(journal) = &mut self.journal {
            journal.synced(ticket, result, ctx);
        }
    }

    /// A connection is gone: what was unanswered is sent again over the next one.
    pub fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        if peer == self.policy.broker {
            (0..self.lanes.len()).for_each(|lane| self.retry(lane, ctx));
        }
    }

    /// Takes the whole state into the digest.
    pub fn fingerprint(&self, digest: &mut Digest) {
        let flags = u64::from(self.fenced) | (self.tells as u64) << 1;
        digest.word(self.pace.map_or(u64::MAX, Instant::nanos)).word(flags);
        self.lanes.iter().for_each(|lane| lane.fingerprint(digest));
        if let Some(journal) = &self.journal {
            journal.fingerprint(digest);
        }
    }

    #[inline]
    fn lane_of(&self, message: MessageId, key: u64) -> usize {
        match (self.policy.partitions, self.policy.partitioner) {
            (1, _) => 0,
            (partitions, Partitioner::Key) => (key % u64::from(partitions)) as usize,
            // A planned message has its number in the lower half of its id.
            (partitions, Partitioner::RoundRobin) => {
                message.word() as u32 as usize % usize::from(partitions)
            }
        }
    }

    #[inline]
    fn fill(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        loop {
            let lane = &mut self.lanes[index];
            let halted = self.fenced | lane.draining | lane.waiting;
            if halted || !lane.has_room(self.policy.in_flight) {
                return;
            }
            let (next, now) = if lane.again.is_empty() {
                let Some(&Planned { message, key, at, .. }) = lane.queue.get(lane.taken) else {
                    lane.queue.clear();
                    lane.taken = 0;
                    return;
                };
                let (due, now) = (Instant::START + at, ctx.now());
                if due > now {
                    return self.wait_until(due, now, ctx);
                }
                lane.taken += 1;
                ((message, key, 0), now)
            } else {
                let Some(Again { message, key, attempt }) = self.next_again(index, ctx) else {
                    return;
                };
                ((message, key, attempt), ctx.now())
            };
            self.invoke(index, next, now, ctx);
        }
    }

    fn wait_until(&mut self, due: Instant, now: Instant, ctx: &mut Ctx<'_>) {
        if self.pace.is_none_or(|set| due < set) {
            self.pace = Some(due);
            let timer = TimerId(self.timer.0 + self.lanes.len() as u8);
            ctx.set_timer(timer, due.since(now), Work::Progress);
        }
    }

    #[inline]
    fn invoke(
        &mut self,
        index: usize,
        (message, key, attempt): (MessageId, u64, u16),
        since: Instant,
        ctx: &mut Ctx<'_>,
    ) {
        let body = ctx.blob(&body_of(message));
        let payload = body.fingerprint();
        if attempt > 0 || self.tells != Tells::Answers {
            self.tell(Event::SendInvoke { message, key, attempt, payload }, ctx);
        }
        if self.journal.is_some() {
            self.write_down(Record::Sending { message, key, attempt }, ctx);
        }
        let lane = &mut self.lanes[index];
        let sequence = lane.sequence;
        lane.sequence = sequence.wrapping_add(1);
        let entry = Entry::new(message, key, body);
        let identity = match self.policy.identity {
            IdentityPolicy::Idempotent => Identity::Batch(BatchId {
                epoch: self.first.epoch + u32::from(lane.bumps),
                sequence,
                ..self.first
            }),
            IdentityPolicy::None => Identity::None,
            IdentityPolicy::MessageId => Identity::Message(match self.policy.message_id {
                MessageIdPolicy::Logical => message.word(),
                MessageIdPolicy::BusinessKey => key,
            }),
        };
        let (produce, acks) = (Produce { entry, identity }, self.policy.acks);
        let partition = PartitionId(index as u16);
        if acks == Acks::None {
            return self.fire(partition, produce, attempt, ctx);
        }
        let is_first = lane.flying.is_empty();
        let (refused, renamed, repeated) = (false, false, false);
        lane.flying.push(Flying { produce, sequence, attempt, refused, renamed, repeated, since });
        ctx.send(self.policy.broker, Message::Produce { partition, acks, produce });
        if is_first {
            self.set_timer(index, ctx);
        }
    }

    /// Sends what nobody will answer, and forgets it: with `acks=0` Kafka reports success at once,
    /// and -1 for the offset.
    #[cold]
    fn fire(&self, partition: PartitionId, produce: Produce, attempt: u16, ctx: &mut Ctx<'_>) {
        let (acks, message) = (Acks::None, produce.entry.message);
        ctx.send(self.policy.broker, Message::Produce { partition, acks, produce });
        self.tell(Event::SendOk { message, attempt, partition, offset: None }, ctx);
    }

    fn transmit(&mut self, index: usize, place: usize, ctx: &mut Ctx<'_>) {
        let one = &mut self.lanes[index].flying[place];
        (one.refused, one.repeated) = (false, true);
        let (partition, produce, acks) = (PartitionId(index as u16), one.produce, self.policy.acks);
        ctx.send(self.policy.broker, Message::Produce { partition, acks, produce });
    }

    #[inline]
    fn tell(&self, event: Event, ctx: &mut Ctx<'_>) {
        if self.tells != Tells::Nothing {
            ctx.record(event);
        }
    }

    #[inline]
    fn set_timer(&self, index: usize, ctx: &mut Ctx<'_>) {
        let timer = TimerId(self.timer.0 + index as u8);
        ctx.set_timer(timer, self.policy.timeout, Work::Progress);
    }

    /// A message has its outcome and leaves the window.
    #[inline]
    fn done(&mut self, index: usize, place: usize, ctx: &mut Ctx<'_>) {
        let lane = &mut self.lanes[index];
        if lane.waiting || lane.retries > 0 {
            // What is left waits on, and the next wait is a first one.
            lane.waiting &= lane.flying.len() > 1;
            lane.retries = 0;
        }
        if lane.flying.len() == 1 {
            lane.flying.clear();
            if lane.draining {
                self.end_epoch(index, ctx);
            }
            self.fill(index, ctx);
            if self.lanes[index].flying.is_empty() {
                ctx.cancel(TimerId(self.timer.0 + index as u8));
            }
            return;
        }
        lane.flying.remove(place);
        if place == 0 && !lane.waiting {
            self.send_refused(index, ctx);
        }
        self.fill(index, ctx);
    }

    /// The oldest has left the window: what came before its time goes again.
    fn send_refused(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        for next in 0..self.lanes[index].flying.len() {
            if self.lanes[index].flying[next].refused {
                Moment::RetrySent.note(ctx);
                self.transmit(index, next, ctx);
            }
        }
        self.set_timer(index, ctx);
    }

    #[cold]
    fn write_down(&mut self, record: Record, ctx: &mut Ctx<'_>) {
        if let Some(journal) = &mut self.journal {
            journal.append(record, ctx);
        }
    }
}

#[cfg(test)]
mod tests;
