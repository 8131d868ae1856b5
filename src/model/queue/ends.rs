//! How a message ends that is not acknowledged: as a dead letter, or dropped.

use super::{Ctx, DeadLetter, Publication, QueueBroker, QueueCommand, State};
use crate::history::Effect;
use crate::id::{QueueId, SinkId};
use crate::model::message::Death;
use crate::model::queue::line::Slot;
use crate::model::site::Moment;
use crate::time::{Instant, Span};

/// How long a message has until it expires, if it was published `at_ms` and the wall clock shows
/// `wall`.
pub(super) fn left(at_ms: u64, ttl: Span, wall: Instant) -> Span {
    let end = Instant::START + Span::nanos_of(at_ms * 1_000_000) + ttl;
    end.since(wall)
}

impl Slot {
    /// Whether its age counts: nobody holds it, and it is no dead letter.
    pub(super) const fn can_expire(&self) -> bool {
        matches!(self.state, State::Ready(_)) && self.death.is_none()
    }
}

impl QueueBroker {
    /// Ends the messages that are too old.
    pub(super) fn expire(&mut self, ctx: &mut Ctx<'_>) {
        let Some(ttl) = self.policy.ttl else { return };
        let wall = ctx.wall();
        for queue in 0..self.lines.len() {
            let slots = self.lines[queue].slots.iter();
            let is_over =
                |slot: &Slot| slot.can_expire() && left(slot.at_ms, ttl, wall) == Span::ZERO;
            let over: Vec<u64> =
                slots.filter(|(_, slot)| is_over(slot)).map(|(&number, _)| number).collect();
            for number in over {
                Moment::Expired.note(ctx);
                self.end(QueueId(queue as u16), number, Death::Expired, ctx);
            }
        }
    }

    /// Ends a message. Returns the record after which it is certain that it does not come again.
    pub(super) fn end(
        &mut self,
        queue: QueueId,
        number: u64,
        death: Death,
        ctx: &mut Ctx<'_>,
    ) -> u64 {
        let slot = *self.slot_mut(queue, number);
        if let Some(to) = self.policy.dead_letters(queue) {
            Moment::DeadLettered.note(ctx);
            if self.policy.dead_letter == DeadLetter::AtMostOnce {
                self.lines[queue.index()].slots.remove(&number);
                let removed = self.write(QueueCommand::Removed { queue, number }, ctx);
                self.publish_letter(to, &slot, death, ctx);
                return removed;
            }
            let died = self.write(QueueCommand::Died { queue, number, death }, ctx);
            let letter = self.publish_letter(to, &slot, death, ctx);
            self.slot_mut(queue, number).state = State::Dying(death, letter);
            self.bury(ctx);
            return died;
        }
        Moment::MessageDropped.note(ctx);
        self.lines[queue.index()].slots.remove(&number);
        let group = queue.0 % self.policy.queues;
        let end = Effect {
            message: slot.entry.message,
            sink: SinkId(self.policy.dropped.0 + group),
            payload: slot.entry.body.fingerprint(),
        };
        self.write(QueueCommand::Dropped { queue, number, death, end }, ctx)
    }

    /// Publishes a dead letter, and tells where it stands.
    pub(super) fn publish_letter(
        &mut self,
        to: QueueId,
        slot: &Slot,
        death: Death,
        ctx: &mut Ctx<'_>,
    ) -> u64 {
        let (number, entry, at_ms) = (self.number(), slot.entry, slot.at_ms);
        let death = Some((to, death));
        let publication = Publication { number, queues: 0, death, at_ms, id: None, entry };
        let position = self.write(QueueCommand::Published(Box::new(publication)), ctx);
        let state = if self.is_kept(position, self.policy.confirm) {
            State::Ready(Instant::START)
        } else {
            State::Landing(position)
        };
        let mut letter = Slot::new(entry, at_ms, state);
        letter.death = death.map(|(_, death)| death);
        self.lines[to.index()].slots.insert(number, letter);
        position
    }

    /// Removes the messages whose dead letters are confirmed.
    pub(super) fn bury(&mut self, ctx: &mut Ctx<'_>) {
        if self.policy.dead_letter != DeadLetter::AtLeastOnce {
            return;
        }
        for queue in 0..self.lines.len() {
            let dying = self.lines[queue].slots.iter().filter_map(|(&number, slot)| {
                let State::Dying(_, position) = slot.state else { return None };
                self.is_kept(position, self.policy.confirm).then_some(number)
            });
            let dying: Vec<u64> = dying.collect();
            for number in dying {
                self.lines[queue].slots.remove(&number);
                let queue = QueueId(queue as u16);
                self.write(QueueCommand::Removed { queue, number }, ctx);
            }
        }
    }
}
