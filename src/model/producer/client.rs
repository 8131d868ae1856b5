//! The producer client: the protocol by which any node gets its messages into a log.

use crate::digest::Digest;
use crate::history::Event;
use crate::id::{MessageId, NodeId, PartitionId, TimerId};
use crate::model::message::{
    Acks, BatchId, Entry, Identity, Message, Produce, ProducerId, Refusal, Verdict,
};
use crate::model::record::Record;
use crate::model::site::Moment;
use crate::node::{Context, Planned, Work};
use crate::time::{Instant, Span};
use serde::Deserialize;

/// The most requests in flight per partition for which brokers remember enough (KAFKA-5494).
pub const IN_FLIGHT_MAX: u8 = crate::model::broker::REMEMBERED as u8;

/// How a producer names its batches.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityPolicy {
    /// Not at all: the broker cannot tell a retry from a new message.
    None,
    /// (producer id, epoch, sequence), as in KIP-98. The machine's number stands for the producer
    /// id, and its incarnation for the epoch that an `InitProducerId` which never fails would
    /// return.
    #[default]
    Idempotent,
}

/// What a client does when an answer does not come.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnTimeout {
    /// Closes the connection and asks again over a new one, as Kafka's `NetworkClient` does.
    Disconnect,
    /// Asks again.
    Resend,
}

/// How a producer behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ProducerPolicy {
    /// Where the log is.
    pub broker: NodeId,
    /// How many partitions it has; a message goes to the one of its key modulo their number.
    pub partitions: u16,
    /// How batches are named.
    pub identity: IdentityPolicy,
    /// How many requests to one partition may be unanswered, 1 to [`IN_FLIGHT_MAX`].
    pub in_flight: u8,
    /// How long an answer may take.
    pub timeout: Span,
    /// After this long a message is given up at its next timeout; its outcome is then unknown.
    pub deadline: Span,
    /// What a late answer leads to.
    pub on_timeout: OnTimeout,
}

/// A producer client. It uses one timer a partition and one more, from the first it was given on.
#[derive(Clone, Debug)]
pub struct ProducerClient {
    policy: ProducerPolicy,
    timer: TimerId,
    lanes: Vec<Lane>,
    /// When the next message that must not be sent yet is due.
    pace: Option<Instant>,
    fenced: bool,
    /// Whether the owner has entered in the history that a send begins, before it put it in line.
    begun: bool,
}

/// What goes to one partition, in order.
#[derive(Clone, Debug, Default)]
struct Lane {
    queue: Vec<Planned>,
    /// How many of the queue have left it.
    taken: usize,
    /// In the order of their sequences.
    flying: Vec<Flying>,
    /// Epochs begun in this incarnation after the first.
    bumps: u16,
    sequence: u32,
    /// A sequence was given up and may be missing: nothing new is sent in this epoch.
    draining: bool,
}

#[derive(Copy, Clone, Debug)]
struct Flying {
    /// What is sent, and sent again. Its identity holds: no epoch begins while anything flies.
    produce: Produce,
    sequence: u32,
    since: Instant,
    /// The broker wants its predecessor first.
    refused: bool,
}

type Ctx<'a> = Context<'a, Message, Record>;

const ATTEMPT: u16 = 0;

/// What a message says.
#[inline]
pub(in crate::model) fn body_of(message: MessageId) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&message.word().to_le_bytes());
    bytes[8..].copy_from_slice(&(!message.word()).to_le_bytes());
    bytes
}

impl Lane {
    /// The window is counted from the oldest unanswered batch, not by unanswered ones: if answers
    /// to later batches let it slide on, the retry of the oldest would fall out of what the broker
    /// remembers.
    #[inline]
    fn has_room(&self, in_flight: u8) -> bool {
        self.flying
            .first()
            .is_none_or(|oldest| self.sequence.wrapping_sub(oldest.sequence) < u32::from(in_flight))
    }
}

impl ProducerClient {
    /// A client whose timers are those from `timer` on.
    pub fn new(policy: ProducerPolicy, timer: TimerId) -> Self {
        let lanes = vec![Lane::default(); usize::from(policy.partitions)];
        Self { policy, timer, lanes, pace: None, fenced: false, begun: false }
    }

    /// The client of an owner that does something else first when a send begins, and enters itself
    /// in the history that it does.
    #[must_use]
    pub fn of_sends_begun(self) -> Self {
        Self { begun: true, ..self }
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
        let lane = match self.policy.partitions {
            1 => 0,
            partitions => (planned.key % u64::from(partitions)) as usize,
        };
        self.lanes[lane].queue.push(planned);
    }

    /// Whether another producer with the same id and a higher epoch was met. The client sends
    /// nothing more; its machine should start over.
    #[inline]
    pub fn is_fenced(&self) -> bool {
        self.fenced
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
        match verdict {
            Verdict::Stored { offset } => {
                let offset = Some(offset);
                ctx.record(Event::SendOk { message, attempt: ATTEMPT, partition, offset });
                self.done(partition.index(), place, ctx);
            }
            Verdict::Refused(refusal) => self.refused(partition.index(), place, refusal, ctx),
        }
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

    /// A connection is gone: what was unanswered is sent again over the next one.
    pub fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        if peer == self.policy.broker {
            (0..self.lanes.len()).for_each(|lane| self.resend(lane, ctx));
        }
    }

    /// Takes the whole state into the digest.
    pub fn fingerprint(&self, digest: &mut Digest) {
        let flags = u64::from(self.fenced) | u64::from(self.begun) << 1;
        digest.word(self.pace.map_or(u64::MAX, Instant::nanos)).word(flags);
        for lane in &self.lanes {
            let small = u64::from(lane.bumps) << 1 | u64::from(lane.draining);
            digest.word(small << 32 | u64::from(lane.sequence));
            let queue = &lane.queue[lane.taken..];
            digest.word((queue.len() as u64) << 8 | lane.flying.len() as u64);
            for planned in queue {
                digest.word(planned.message.word()).word(planned.key).word(planned.at.nanos());
            }
            for one in &lane.flying {
                digest.word(u64::from(one.sequence) << 1 | u64::from(one.refused));
                let Entry { message, key, body, .. } = one.produce.entry;
                digest.word(message.word()).word(key).word(body.fingerprint());
                digest.word(one.since.nanos());
            }
        }
    }

    #[inline]
    fn fill(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        loop {
            let lane = &mut self.lanes[index];
            if self.fenced || lane.draining || !lane.has_room(self.policy.in_flight) {
                return;
            }
            let Some(&planned) = lane.queue.get(lane.taken) else {
                lane.queue.clear();
                lane.taken = 0;
                return;
            };
            let now = ctx.now();
            let due = Instant::START + planned.at;
            if due > now {
                return self.wait_until(due, now, ctx);
            }
            lane.taken += 1;
            self.invoke(index, planned, now, ctx);
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
    fn invoke(&mut self, index: usize, planned: Planned, since: Instant, ctx: &mut Ctx<'_>) {
        let Planned { message, key, .. } = planned;
        let body = ctx.blob(&body_of(message));
        let payload = body.fingerprint();
        if !self.begun {
            ctx.record(Event::SendInvoke { message, key, attempt: ATTEMPT, payload });
        }
        let lane = &mut self.lanes[index];
        let sequence = lane.sequence;
        lane.sequence = sequence.wrapping_add(1);
        let identity = match self.policy.identity {
            IdentityPolicy::None => Identity::None,
            IdentityPolicy::Idempotent => Identity::Batch(BatchId {
                producer: ProducerId(u32::from(ctx.node().0)),
                epoch: u32::from(ctx.incarnation()) << 16 | u32::from(lane.bumps),
                sequence,
            }),
        };
        let entry = Entry::new(message, key, body);
        let produce = Produce { entry, identity };
        let is_first = lane.flying.is_empty();
        lane.flying.push(Flying { produce, sequence, since, refused: false });
        let partition = PartitionId(index as u16);
        ctx.send(self.policy.broker, Message::Produce { partition, acks: Acks::All, produce });
        if is_first {
            self.set_timer(index, ctx);
        }
    }

    fn transmit(&mut self, index: usize, place: usize, ctx: &mut Ctx<'_>) {
        let one = &mut self.lanes[index].flying[place];
        one.refused = false;
        let (partition, produce) = (PartitionId(index as u16), one.produce);
        ctx.send(self.policy.broker, Message::Produce { partition, acks: Acks::All, produce });
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
        if place == 0 {
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
    fn refused(&mut self, index: usize, place: usize, refusal: Refusal, ctx: &mut Ctx<'_>) {
        let message = self.lanes[index].flying[place].produce.entry.message;
        match refusal {
            // Its predecessor is missing: it goes again once that has arrived.
            Refusal::OutOfOrder => self.lanes[index].flying[place].refused = true,
            Refusal::Corrupt => {
                Moment::RetrySent.note(ctx);
                self.transmit(index, place, ctx);
            }
            Refusal::Closed => {
                self.give_up(index, place, ctx);
                self.done(index, place, ctx);
            }
            // The one refusal that no earlier copy can have escaped.
            Refusal::UnknownPartition => {
                ctx.record(Event::SendFail { message, attempt: ATTEMPT });
                self.done(index, place, ctx);
            }
            Refusal::Fenced => {
                self.fenced = true;
                for one in self.lanes.iter_mut().flat_map(|lane| lane.flying.drain(..)) {
                    let message = one.produce.entry.message;
                    ctx.record(Event::SendInfo { message, attempt: ATTEMPT });
                }
            }
        }
    }

    fn give_up(&mut self, index: usize, place: usize, ctx: &mut Ctx<'_>) {
        Moment::GaveUp.note(ctx);
        let lane = &mut self.lanes[index];
        let message = lane.flying[place].produce.entry.message;
        ctx.record(Event::SendInfo { message, attempt: ATTEMPT });
        lane.draining = self.policy.identity == IdentityPolicy::Idempotent;
    }

    /// A new epoch is safe only when nothing of the old one can still be acknowledged: to send a
    /// batch of unknown outcome again under a new name is to write it twice (KIP-360, KAFKA-12152).
    fn end_epoch(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        let lane = &mut self.lanes[index];
        if lane.draining && lane.flying.is_empty() {
            Moment::EpochBumped.note(ctx);
            lane.draining = false;
            lane.bumps += 1;
            lane.sequence = 0;
        }
    }

    fn timed_out(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        let now = ctx.now();
        let mut place = 0;
        while let Some(one) = self.lanes[index].flying.get(place) {
            if now.since(one.since) >= self.policy.deadline {
                self.give_up(index, place, ctx);
                self.lanes[index].flying.remove(place);
            } else {
                place += 1;
            }
        }
        self.end_epoch(index, ctx);
        match self.policy.on_timeout {
            _ if self.lanes[index].flying.is_empty() => {}
            OnTimeout::Resend => self.resend(index, ctx),
            OnTimeout::Disconnect => {
                ctx.disconnect(self.policy.broker);
                (0..self.lanes.len()).for_each(|lane| self.resend(lane, ctx));
            }
        }
        self.fill(index, ctx);
    }

    /// Sends all that is unanswered again, in the order of the sequences.
    fn resend(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        if self.lanes[index].flying.is_empty() {
            return;
        }
        Moment::RetrySent.note(ctx);
        for place in 0..self.lanes[index].flying.len() {
            self.transmit(index, place, ctx);
        }
        self.set_timer(index, ctx);
    }
}

#[cfg(test)]
mod tests;
