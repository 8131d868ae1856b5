//! What comes in: requests of publishers and consumers, and an alarm that keeps them waiting.

use super::{
    Alarm, AnswerWhen, Ctx, Overflow, Publication, QueueBroker, QueueCommand, State, Unroutable,
};
use crate::id::{MessageId, NodeId, PartitionId, QueueId};
use crate::model::message::{
    Acks, Death, Identity, Message, Produce, QueueMessage, Refusal, Verdict,
};
use crate::model::queue::line::Slot;
use crate::model::site::Moment;
use crate::time::Instant;

/// How an answer to a publisher is addressed.
#[derive(Copy, Clone)]
struct Asked {
    from: NodeId,
    partition: PartitionId,
    acks: Acks,
    /// Whether the request is being handled, so that it is answered over the same connection.
    now: bool,
}

impl QueueBroker {
    /// Reads a message, unless an alarm forbids that.
    pub(super) fn read(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        let is_publication = matches!(message, Message::Produce { .. });
        let stops = match self.policy.alarm {
            Alarm::BlocksPublishers => is_publication,
            Alarm::BlocksConnection => true,
        };
        if stops && self.is_alarmed() {
            Moment::AlarmHeld.note(ctx);
            if !self.unread.contains(&(from, message.clone())) {
                self.unread.push((from, message));
            }
            return;
        }
        self.handle(from, &message, true, ctx);
    }

    /// Reads what an alarm has kept waiting, as long as there is room.
    pub(super) fn read_on(&mut self, ctx: &mut Ctx<'_>) {
        while !self.unread.is_empty() && !self.is_alarmed() {
            let (from, message) = self.unread.remove(0);
            self.handle(from, &message, false, ctx);
            let now = ctx.now();
            self.hand_out(now, None, ctx);
        }
    }

    /// Whether a queue is so full that publishers have to wait.
    fn is_alarmed(&self) -> bool {
        let Some(most) = self.policy.length_max else { return false };
        let mut own = self.lines[..usize::from(self.policy.queues)].iter();
        self.policy.overflow == Overflow::Backpressure
            && own.any(|line| line.slots.len() >= most as usize)
    }

    fn handle(&mut self, from: NodeId, message: &Message, now: bool, ctx: &mut Ctx<'_>) {
        match *message {
            Message::Produce { partition, acks, produce } => {
                let asked = Asked { from, partition, acks, now };
                self.publish(asked, produce, ctx);
            }
            Message::Queue(QueueMessage::Subscribe { queue, credit }) => {
                self.subscribe(from, queue, credit, ctx);
            }
            Message::Queue(QueueMessage::Receive { request, queue, wanted, batch, wait_max }) => {
                self.receive((from, request), (queue, wanted), (batch, wait_max), now, ctx);
            }
            Message::Queue(QueueMessage::Settle { request, receipt, settlement }) => {
                self.settle((from, now), request, receipt, settlement, ctx);
            }
            _ => {}
        }
    }

    fn publish(&mut self, asked: Asked, produce: Produce, ctx: &mut Ctx<'_>) {
        let Produce { entry, identity } = produce;
        let message = entry.message;
        let refusal = if self.is_damaged() {
            Some(Refusal::Closed)
        } else if asked.partition.index() > usize::from(self.policy.queues) {
            Some(Refusal::UnknownPartition)
        } else if !entry.is_sound() {
            Moment::CorruptRefused.note(ctx);
            Some(Refusal::Corrupt)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return self.answer(asked, (message, Verdict::Refused(refusal)), None, ctx);
        }
        let at_ms = ctx.wall().nanos() / 1_000_000;
        let id = match identity {
            Identity::Message(id) => Some(id).filter(|_| self.policy.dedup.is_some()),
            Identity::None | Identity::Batch(_) => None,
        };
        if let Some(position) = id.and_then(|id| self.window.find(id, at_ms)) {
            Moment::DuplicateAnswered.note(ctx);
            return self.answer(asked, (message, Verdict::Duplicate), Some(position), ctx);
        }
        let bound = match asked.partition.0 {
            0 => self.policy.route(entry.key),
            // AMQP's default exchange: every queue is bound by its name.
            queue => 1 << (queue - 1),
        };
        if bound == 0 {
            Moment::Unroutable.note(ctx);
            let verdict = match self.policy.unroutable {
                Unroutable::Returned => Verdict::Refused(Refusal::Unroutable),
                Unroutable::Dropped => Verdict::Accepted,
            };
            return self.answer(asked, (message, verdict), None, ctx);
        }
        let queues = bound & !self.full();
        if queues != bound {
            // What has room takes it all the same (RabbitMQ, "Queue Length Limit").
            Moment::QueueFull.note(ctx);
            self.answer(asked, (message, Verdict::Refused(Refusal::Full)), None, ctx);
        }
        if queues == 0 {
            return;
        }
        let (number, id) = (self.number(), id.filter(|_| queues == bound));
        let publication = Publication { number, queues, death: None, at_ms, id, entry };
        let position = self.write(QueueCommand::Published(Box::new(publication)), ctx);
        if let Some(id) = id {
            self.window.enter(id, at_ms, position);
        }
        self.enter(publication, position, ctx);
        if queues == bound {
            self.answer(asked, (message, Verdict::Accepted), Some(position), ctx);
        }
    }

    /// The queues that refuse what comes, a bit each.
    fn full(&self) -> u64 {
        let Some(most) = self.policy.length_max else { return 0 };
        if self.policy.overflow != Overflow::RejectPublish {
            return 0;
        }
        let own = self.lines[..usize::from(self.policy.queues)].iter();
        let full = own.filter(|line| line.waiting() >= most as usize);
        full.fold(0, |bits, line| bits | 1 << line.id.0)
    }

    /// Puts a message into its queues.
    fn enter(&mut self, publication: Publication, position: u64, ctx: &mut Ctx<'_>) {
        let state = if self.is_kept(position, self.policy.confirm) {
            State::Ready(Instant::START)
        } else {
            State::Landing(position)
        };
        for queue in 0..self.policy.queues {
            if publication.queues & 1 << queue == 0 {
                continue;
            }
            let slot = Slot::new(publication.entry, publication.at_ms, state);
            self.lines[usize::from(queue)].slots.insert(publication.number, slot);
            self.drop_heads(QueueId(queue), ctx);
        }
    }

    /// Makes room in a queue that holds too much and drops its head.
    fn drop_heads(&mut self, queue: QueueId, ctx: &mut Ctx<'_>) {
        let Some(most) = self.policy.length_max else { return };
        if self.policy.overflow != Overflow::DropHead {
            return;
        }
        while self.lines[queue.index()].waiting() > most as usize
            && let Some(head) = self.lines[queue.index()].head()
        {
            Moment::HeadDropped.note(ctx);
            self.end(queue, head, Death::MaxLen, ctx);
        }
    }

    /// The number of a message that comes.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Answers a publisher, if it wants that.
    fn answer(
        &mut self,
        asked: Asked,
        (message, verdict): (MessageId, Verdict),
        position: Option<u64>,
        ctx: &mut Ctx<'_>,
    ) {
        let confirm = match asked.acks {
            Acks::None => return,
            Acks::Leader => AnswerWhen::AtOnce,
            // What is about no record waits for none.
            Acks::All if position.is_none() => AnswerWhen::AtOnce,
            Acks::All => self.policy.confirm,
        };
        let said = Message::Produced { message, partition: asked.partition, verdict };
        let asking = asked.now.then_some(asked.from);
        self.say((asked.from, said), (position.unwrap_or(0), confirm), asking, ctx);
    }
}
