//! What a client does about answers that are bad, late or missing.

use super::{Again, Ctx, Flying, ProducerClient};
use crate::history::Event;
use crate::id::TimerId;
use crate::model::message::Refusal;
use crate::model::producer::policy::{Backoff, IdentityPolicy, OnTimeout};
use crate::model::record::Record;
use crate::model::site::Moment;
use crate::node::Work;

/// The choice of how much a wait deviates from what it doubles to.
const JITTER: u8 = 0;

impl ProducerClient {
    #[cold]
    pub(super) fn refused(
        &mut self,
        index: usize,
        place: usize,
        refusal: Refusal,
        ctx: &mut Ctx<'_>,
    ) {
        let Flying { produce, attempt, repeated, .. } = self.lanes[index].flying[place];
        let message = produce.entry.message;
        match refusal {
            // Its predecessor is missing: it goes again once that has arrived.
            Refusal::OutOfOrder => {
                self.lanes[index].flying[place].refused = true;
                self.missing_before(index, place, ctx);
            }
            Refusal::Corrupt | Refusal::Full => match self.policy.backoff {
                Some(backoff) => {
                    self.lanes[index].flying[place].refused = true;
                    self.back_off(index, backoff, ctx);
                }
                None if refusal == Refusal::Corrupt => {
                    Moment::RetrySent.note(ctx);
                    self.transmit(index, place, ctx);
                }
                // At once it would be refused again. This copy is nowhere, or not everywhere.
                None => {
                    self.give_up(index, place, ctx);
                    self.done(index, place, ctx);
                }
            },
            // The first copy's own answer comes, or the timer asks again.
            Refusal::Undecided => {}
            // This copy is nowhere; an earlier one may be.
            Refusal::Closed => {
                self.give_up(index, place, ctx);
                self.done(index, place, ctx);
            }
            // A queue may have been bound for it when an earlier copy came.
            Refusal::Unroutable if repeated => {
                self.give_up(index, place, ctx);
                self.done(index, place, ctx);
            }
            // No earlier copy can have escaped that.
            Refusal::UnknownPartition | Refusal::Unroutable => {
                self.tell(Event::SendFail { message, attempt }, ctx);
                if self.journal.is_some() {
                    self.write_down(Record::Answered { message }, ctx);
                }
                self.done(index, place, ctx);
            }
            Refusal::Fenced => {
                self.fenced = true;
                let flying = self.lanes.iter_mut().flat_map(|lane| lane.flying.drain(..));
                for one in flying.collect::<Vec<_>>() {
                    let (message, attempt) = (one.produce.entry.message, one.attempt);
                    self.tell(Event::SendInfo { message, attempt }, ctx);
                }
            }
        }
    }

    /// The outcome of a message stays unknown; the application may send it again.
    fn give_up(&mut self, index: usize, place: usize, ctx: &mut Ctx<'_>) {
        Moment::GaveUp.note(ctx);
        let lane = &mut self.lanes[index];
        let Flying { produce, attempt, .. } = lane.flying[place];
        let (message, key) = (produce.entry.message, produce.entry.key);
        lane.draining = self.policy.identity == IdentityPolicy::Idempotent;
        if attempt + 1 < self.policy.attempts {
            lane.again.push(Again { message, key, attempt: attempt + 1 });
        }
        self.tell(Event::SendInfo { message, attempt }, ctx);
    }

    /// The first of what the application sends again, if it may go now.
    ///
    /// An answer names the message and not the batch, so one to an earlier attempt looks like one
    /// to this. A batch is therefore sent again alone in its epoch: should it be taken for stored
    /// while its own sequence never arrives, nothing will wait for that sequence.
    #[cold]
    pub(super) fn next_again(&mut self, index: usize, ctx: &mut Ctx<'_>) -> Option<Again> {
        let is_batch = self.policy.identity == IdentityPolicy::Idempotent;
        let lane = &mut self.lanes[index];
        if is_batch && !lane.flying.is_empty() {
            return None;
        }
        Moment::SentAgain.note(ctx);
        lane.draining = is_batch;
        Some(lane.again.remove(0))
    }

    /// The timer of a lane: its answers are late, or it has waited long enough.
    pub(super) fn timed_out(&mut self, index: usize, ctx: &mut Ctx<'_>) {
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
        let lane = &mut self.lanes[index];
        let waited = std::mem::take(&mut lane.waiting);
        match self.policy.on_timeout {
            _ if lane.flying.is_empty() => {}
            _ if waited => self.send_refused(index, ctx),
            OnTimeout::Resend => self.retry(index, ctx),
            OnTimeout::Disconnect => {
                ctx.disconnect(self.policy.broker);
                (0..self.lanes.len()).for_each(|lane| self.retry(lane, ctx));
            }
        }
        self.fill(index, ctx);
    }

    /// All that is unanswered is to go again: at once, or when the lane has waited.
    pub(super) fn retry(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        let lane = &mut self.lanes[index];
        if lane.flying.is_empty() {
            return;
        }
        if let Some(backoff) = self.policy.backoff {
            lane.flying.iter_mut().for_each(|one| one.refused = true);
            return self.back_off(index, backoff, ctx);
        }
        Moment::RetrySent.note(ctx);
        self.transmit_all(index, ctx);
    }

    /// Sends all that is unanswered, in the order of the sequences.
    pub(super) fn transmit_all(&mut self, index: usize, ctx: &mut Ctx<'_>) {
        for place in 0..self.lanes[index].flying.len() {
            self.transmit(index, place, ctx);
        }
        self.set_timer(index, ctx);
    }

    fn back_off(&mut self, index: usize, backoff: Backoff, ctx: &mut Ctx<'_>) {
        let lane = &mut self.lanes[index];
        if lane.waiting {
            return;
        }
        Moment::BackedOff.note(ctx);
        let wait = backoff.wait(lane.retries, ctx.choose(JITTER, Backoff::JITTERS));
        lane.waiting = true;
        lane.retries = lane.retries.saturating_add(1);
        ctx.set_timer(TimerId(self.timer.0 + index as u8), wait, Work::Progress);
    }
}
