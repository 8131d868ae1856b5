//! Local transactions of a service, each with a half message that goes before it.
//!
//! An operation is begun when its half message is sent, and acknowledged when the broker has
//! decided, durably, to publish it. It has failed when the service has rolled back, durably.
//! If the broker does not confirm in time nobody knows: it asks back, and what comes of that tells
//! no client.

use crate::digest::Digest;
use crate::history::{Effect, Event};
use crate::id::{MessageId, NodeId, SinkId, TimerId};
use crate::model::half::{LocalPolicy, RunningAnswer};
use crate::model::message::{Entry, HalfMessage, LocalEnd, LocalState, Message};
use crate::model::producer::body_of;
use crate::model::record::Record;
use crate::model::site::Moment;
use crate::model::store::{Decision, Row, Store, TableId, Transaction, Write};
use crate::node::{Context, Planned, Work};
use crate::time::{Instant, Span};
use std::collections::BTreeMap;

/// How a local transaction has ended, for ever: a row a message, whose key decides who was first.
/// Version 1 is a commit; version 0 is a rollback, or a tombstone that forbids a later commit.
const ENDS: TableId = TableId(2);
/// The site of how long a local transaction takes.
const WORK: u8 = 1;
/// The site of whether it rolls back.
const REFUSING: u8 = 2;
/// How many lengths there are, from the least to the greatest.
const LENGTHS: u64 = 16;

type Ctx<'a> = Context<'a, Message, Record>;

/// The local transactions of a service.
#[derive(Clone, Debug)]
pub(super) struct Locals {
    policy: LocalPolicy,
    sink: SinkId,
    state: TableId,
    timer: TimerId,
    /// What was begun and is not over, by the words of the messages.
    open: BTreeMap<u64, Local>,
    /// What the broker was told to be committed and has not confirmed, and until when that is
    /// waited for.
    told: BTreeMap<u64, Instant>,
    /// What is said to the broker once all before the mark is durable: that nothing was found, and
    /// never will be.
    buried: Vec<(u64, MessageId)>,
}

/// A local transaction.
#[derive(Copy, Clone, Debug)]
struct Local {
    key: u64,
    /// What the wall clock showed when it began.
    born: Instant,
    phase: Phase,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// The broker is to confirm the half message.
    Preparing,
    /// The work is to take its time.
    Working { until: Instant, end: LocalEnd },
    /// The end is on its way to the disk.
    Ending { mark: u64, end: LocalEnd },
}

impl Locals {
    /// None yet, for a service whose state is the table `state`. Uses three timers from `timer` on.
    pub(super) fn new(policy: LocalPolicy, sink: SinkId, state: TableId, timer: TimerId) -> Self {
        let (open, told, buried) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { policy, sink, state, timer, open, told, buried }
    }

    /// Fires when an answer to a half message is overdue.
    const fn patience(&self) -> TimerId {
        self.timer
    }

    /// Fires when work is done.
    const fn work(&self) -> TimerId {
        TimerId(self.timer.0 + 1)
    }

    /// Fires when a confirmation is overdue.
    const fn doubt(&self) -> TimerId {
        TimerId(self.timer.0 + 2)
    }

    /// Begins an operation: its half message goes first.
    pub(super) fn begin(&mut self, planned: &Planned, payload: u64, ctx: &mut Ctx<'_>) {
        let &Planned { message, key, .. } = planned;
        ctx.record(Event::invoke(message, key, payload));
        let local = Local { key, born: ctx.wall(), phase: Phase::Preparing };
        if !self.open.values().any(|local| local.phase == Phase::Preparing) {
            ctx.set_timer(self.patience(), self.policy.timeout, Work::Progress);
        }
        self.open.insert(message.word(), local);
        self.prepare(message, local, ctx);
    }

    fn prepare(&self, message: MessageId, local: Local, ctx: &mut Ctx<'_>) {
        let entry = Entry::new(message, local.key, ctx.blob(&body_of(message)));
        let half = HalfMessage::Prepare { entry, born: local.born };
        ctx.send(self.policy.broker, Message::Half(half));
    }

    /// Sends every half message again that is not confirmed.
    fn prepare_again(&mut self, ctx: &mut Ctx<'_>) {
        let mut any = false;
        for (&word, &local) in &self.open {
            if local.phase == Phase::Preparing {
                any = true;
                Moment::RetrySent.note(ctx);
                self.prepare(MessageId::from_word(word), local, ctx);
            }
        }
        if any {
            ctx.set_timer(self.patience(), self.policy.timeout, Work::Progress);
        }
    }

    /// Handles what the broker says.
    pub(super) fn deliver(&mut self, said: HalfMessage, store: &mut Store, ctx: &mut Ctx<'_>) {
        match said {
            HalfMessage::Prepared { message } => self.prepared(message, ctx),
            HalfMessage::Resolved { message, accepted } => {
                if self.told.remove(&message.word()).is_some() {
                    ctx.record(if accepted {
                        Event::acknowledged(message)
                    } else {
                        Event::SendInfo { message, attempt: 0 }
                    });
                }
            }
            HalfMessage::CheckBack { message } => self.checked(message, store, ctx),
            HalfMessage::Prepare { .. }
            | HalfMessage::Resolve { .. }
            | HalfMessage::CheckedBack { .. } => {}
        }
    }

    /// The half message is safe: the work begins.
    fn prepared(&mut self, message: MessageId, ctx: &mut Ctx<'_>) {
        let LocalPolicy { work, work_width, refusing, .. } = self.policy;
        let Some(local) = self.open.get_mut(&message.word()) else { return };
        if local.phase != Phase::Preparing {
            return;
        }
        let longer = work_width.nanos() / (LENGTHS - 1) * ctx.choose(WORK, LENGTHS);
        let refused = !refusing.is_never() && ctx.chance(REFUSING, refusing);
        let end = if refused { LocalEnd::RolledBack } else { LocalEnd::Committed };
        let until = ctx.now() + work + Span::nanos_of(longer);
        local.phase = Phase::Working { until, end };
        if !self.open.values().any(|local| local.phase == Phase::Preparing) {
            ctx.cancel(self.patience());
        }
        self.await_work(ctx);
    }

    fn await_work(&self, ctx: &mut Ctx<'_>) {
        let until = self.open.values().filter_map(|local| match local.phase {
            Phase::Working { until, .. } => Some(until),
            Phase::Preparing | Phase::Ending { .. } => None,
        });
        if let Some(until) = until.min() {
            let now = ctx.now();
            ctx.set_timer(self.work(), until.since(now), Work::Progress);
        }
    }

    /// Handles a timer.
    pub(super) fn wake(&mut self, timer: TimerId, store: &mut Store, ctx: &mut Ctx<'_>) {
        if timer == self.patience() {
            self.prepare_again(ctx);
        } else if timer == self.work() {
            self.end_due(store, ctx);
        } else if timer == self.doubt() {
            self.give_up(ctx);
        }
    }

    /// Waits no longer for what is overdue.
    fn give_up(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now();
        self.told.retain(|&word, until| {
            let is_awaited = *until > now;
            if !is_awaited {
                let message = MessageId::from_word(word);
                ctx.record(Event::SendInfo { message, attempt: 0 });
            }
            is_awaited
        });
        self.await_told(ctx);
    }

    fn await_told(&self, ctx: &mut Ctx<'_>) {
        if let Some(&until) = self.told.values().min() {
            let now = ctx.now();
            ctx.set_timer(self.doubt(), until.since(now), Work::Progress);
        }
    }

    /// Ends every local transaction whose work is done.
    fn end_due(&mut self, store: &mut Store, ctx: &mut Ctx<'_>) {
        let now = ctx.now();
        let due = self.open.iter().filter_map(|(&word, local)| match local.phase {
            Phase::Working { until, end } if until <= now => Some((word, end)),
            _ => None,
        });
        let due: Vec<(u64, LocalEnd)> = due.collect();
        for (word, wanted) in due {
            let message = MessageId::from_word(word);
            let end = self.commit(message, wanted, store, ctx);
            let phase = Phase::Ending { mark: store.flush(ctx), end };
            self.open.entry(word).and_modify(|local| local.phase = phase);
        }
        self.await_work(ctx);
        self.go_on(store, ctx);
    }

    /// Commits how a local transaction ends: as `wanted`, unless it was buried before.
    fn commit(
        &self,
        message: MessageId,
        wanted: LocalEnd,
        store: &mut Store,
        ctx: &mut Ctx<'_>,
    ) -> LocalEnd {
        let key = message.word();
        let payload = ctx.blob(&body_of(message)).fingerprint();
        let version = u64::from(wanted == LocalEnd::Committed);
        let row = Row { message, version, payload };
        let mut change = Transaction::default().write(Write::Insert { table: ENDS, key, row });
        if wanted == LocalEnd::Committed {
            let row = Row { version: 0, ..row };
            change = change.write(Write::Insert { table: self.state, key, row }).effect(Effect {
                message,
                sink: self.sink,
                payload,
            });
        } else {
            Moment::LocalRolledBack.note(ctx);
        }
        match store.commit(&change, ctx) {
            Decision::Committed { .. } => wanted,
            Decision::Conflict(_) | Decision::Aborted(_) => LocalEnd::RolledBack,
        }
    }

    /// Says to the broker what is durable.
    pub(super) fn go_on(&mut self, store: &Store, ctx: &mut Ctx<'_>) {
        let broker = self.policy.broker;
        let over = self.open.iter().filter_map(|(&word, local)| match local.phase {
            Phase::Ending { mark, end } if store.is_durable(mark) => Some((word, end)),
            _ => None,
        });
        let over: Vec<(u64, LocalEnd)> = over.collect();
        for (word, end) in over {
            self.open.remove(&word);
            let message = MessageId::from_word(word);
            match end {
                LocalEnd::Committed => {
                    _ = self.told.insert(word, ctx.now() + self.policy.timeout);
                }
                LocalEnd::RolledBack => ctx.record(Event::SendFail { message, attempt: 0 }),
            }
            ctx.send(broker, Message::Half(HalfMessage::Resolve { message, end }));
        }
        self.await_told(ctx);
        for (_, message) in self.buried.extract_if(.., |(mark, _)| store.is_durable(*mark)) {
            let state = LocalState::Ended(LocalEnd::RolledBack);
            ctx.answer(broker, Message::Half(HalfMessage::CheckedBack { message, state }));
        }
    }

    /// The broker asks. What is in memory is running: neither its row nor the absence of one is
    /// sure. Of what is not there the rows say the truth, and if there is none, there never will
    /// be: an earlier process has begun it and is dead.
    fn checked(&mut self, message: MessageId, store: &mut Store, ctx: &mut Ctx<'_>) {
        let state = if self.open.contains_key(&message.word()) {
            Moment::LocalRunning.note(ctx);
            match self.policy.running {
                RunningAnswer::StillRunning => LocalState::Running,
                RunningAnswer::Rollback => LocalState::Ended(LocalEnd::RolledBack),
            }
        } else {
            match store.look(ENDS, message.word()).row {
                Some(Row { version: 0, .. }) => return self.bury(message, store, ctx),
                Some(_) => LocalState::Ended(LocalEnd::Committed),
                None => {
                    Moment::LocalNeverEnded.note(ctx);
                    let row = Row { message, version: 0, payload: 0 };
                    let tomb = Write::Insert { table: ENDS, key: message.word(), row };
                    store.commit(&Transaction::default().write(tomb), ctx);
                    return self.bury(message, store, ctx);
                }
            }
        };
        ctx.reply(Message::Half(HalfMessage::CheckedBack { message, state }));
    }

    /// Says that a local transaction is rolled back, once the row that says so is durable.
    fn bury(&mut self, message: MessageId, store: &mut Store, ctx: &mut Ctx<'_>) {
        let mark = store.flush(ctx);
        self.buried.push((mark, message));
        self.go_on(store, ctx);
    }

    /// A connection is gone.
    pub(super) fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        if peer == self.policy.broker {
            self.prepare_again(ctx);
        }
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.open.len() as u64);
        for (word, Local { key, born, phase }) in &self.open {
            let (tag, when) = match phase {
                Phase::Preparing => (0, 0),
                Phase::Working { until, end } => (1 + *end as u64, until.nanos()),
                Phase::Ending { mark, end } => (3 + *end as u64, *mark),
            };
            digest.word(*word).word(*key).word(born.nanos()).word(tag).word(when);
        }
        digest.word((self.told.len() as u64) << 32 | self.buried.len() as u64);
        for (word, until) in &self.told {
            digest.word(*word).word(until.nanos());
        }
        for (mark, message) in &self.buried {
            digest.word(*mark).word(message.word());
        }
    }
}
