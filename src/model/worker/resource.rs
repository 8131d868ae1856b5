//! Where effects land: in a database of the worker's own, in one that several share, or at an
//! external system; and the rows by which a worker tells what it may do.

use super::hand::{Step, Task, Written};
use super::policy::WorkerPolicy;
use super::{Ctx, Worker};
use crate::digest::Digest;
use crate::history::Effect;
use crate::id::{GroupId, MessageId, NodeId, TimerId};
use crate::model::consumer::{Dedup, Target};
use crate::model::database_server::{DatabaseClient, Outcome, Reply};
use crate::model::external::{CallOutcome, ExternalClient};
use crate::model::message::Message;
use crate::model::site::Moment;
use crate::model::store::{self, Decision, Seen, TableId, Transaction, Write};

/// Where effects land.
#[derive(Clone, Debug)]
pub(super) enum Resource {
    /// In the worker's own store.
    Own,
    Database(DatabaseClient),
    External(ExternalClient),
}

/// A group's tables, three to a group: the inbox; the keys whose messages have failed; the latest
/// token of the resource.
const INBOX: u8 = 0;
const KEYS: u8 = 1;
const FENCE: u8 = 2;
const TABLES: u8 = 3;
/// The versions of the rows of keys.
const HELD: u64 = 0;
const DEAD: u64 = 1;
/// The key of the only row of the fence; its version is the token.
const LATEST: u64 = 0;

/// What the rows say of a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Rows {
    /// Whether it was handled.
    pub(super) is_known: bool,
    /// What of its key has failed.
    pub(super) key: Option<Row>,
    /// The latest token.
    pub(super) token: Option<u64>,
}

/// A message that has failed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The message.
    pub(super) message: MessageId,
    /// Whether it is a dead letter, and does not come again.
    pub(super) is_dead: bool,
}

impl Rows {
    pub(super) fn of(seen: &[Seen], message: MessageId, group: GroupId) -> Self {
        let mut rows = Self::default();
        for (one, row) in seen.iter().filter_map(|one| Some((one, one.row?))) {
            if one.table == table(group, INBOX) {
                rows.is_known = one.key == message.word();
            } else if one.table == table(group, KEYS) {
                let is_dead = row.version == DEAD;
                rows.key = Some(Row { message: row.message, is_dead });
            } else {
                rows.token = Some(row.version);
            }
        }
        rows
    }
}

impl Resource {
    /// The policy's, with a client whose timers are those from `timer` on if it needs one.
    pub(super) fn new(policy: &WorkerPolicy, timer: TimerId, incarnation: u16) -> Self {
        let lanes = usize::from(policy.hands);
        match policy.target {
            Target::Own => Self::Own,
            Target::Database(session) => {
                Self::Database(DatabaseClient::new(session, lanes, timer, incarnation))
            }
            Target::External(call) => {
                Self::External(ExternalClient::new(call, lanes, timer, incarnation))
            }
        }
    }

    pub(super) const fn is_own(&self) -> bool {
        matches!(self, Self::Own)
    }

    /// Takes the whole state into the digest.
    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        match self {
            Self::Own => {}
            Self::Database(client) => client.fingerprint(digest),
            Self::External(client) => client.fingerprint(digest),
        }
    }
}

impl Worker {
    /// Asks what is known of a message; there may be nothing to ask.
    pub(super) fn look(&mut self, slot: usize, ctx: &mut Ctx<'_>) {
        let Some(task) = self.hand.get_mut(slot) else { return };
        let (entry, group) = (task.delivery.entry, self.policy.group);
        let mut keys = Vec::new();
        if self.policy.dedup == Dedup::Inbox {
            keys.push((table(group, INBOX), entry.message.word()));
        }
        if self.policy.keeps_keys() {
            keys.push((table(group, KEYS), entry.key));
        }
        if self.policy.is_fenced() {
            keys.push((table(group, FENCE), LATEST));
        }
        match &mut self.resource {
            Resource::Database(client) if !keys.is_empty() => {
                task.step = Step::Looking;
                let lane = usize::from(task.lane.unwrap_or_default());
                client.select(lane, keys.into(), ctx);
            }
            _ => {
                let store = &self.store;
                let seen = keys.iter().map(|&(table, key)| store.look(table, key)).collect();
                self.looked(slot, seen, ctx);
            }
        }
    }

    /// Makes the next commit of a handling.
    pub(super) fn act(&mut self, slot: usize, what: Written, ctx: &mut Ctx<'_>) {
        let Some(task) = self.hand.get_mut(slot) else { return };
        let entry = task.delivery.entry;
        if let Resource::External(client) = &mut self.resource {
            task.step = Step::Calling;
            let lane = usize::from(task.lane.unwrap_or_default());
            return client.call(lane, entry.message, entry.body.fingerprint(), ctx);
        }
        let Some(task) = self.hand.get(slot) else { return };
        let (group, payload) = (self.policy.group, entry.body.fingerprint());
        let row = store::Row { message: entry.message, version: 0, payload };
        let mut transaction = task.seen.iter().fold(Transaction::default(), Transaction::read);
        if what == Written::Effect {
            if self.policy.dedup == Dedup::Inbox {
                let (table, key) = (table(group, INBOX), entry.message.word());
                transaction = transaction.write(Write::Insert { table, key, row });
            }
            if Rows::of(&task.seen, entry.message, group).key.is_some() {
                let (table, key) = (table(group, KEYS), entry.key);
                transaction = transaction.write(Write::Delete { table, key });
            }
            let (message, sink) = (entry.message, self.policy.sink);
            transaction = transaction.effect(Effect { message, sink, payload });
        }
        if let (Some(message), Some(acts)) = (self.announce(task, ctx), self.policy.acts) {
            transaction = transaction.effect(Effect { message, sink: acts.sink, payload });
        }
        if self.policy.is_fenced() {
            let (table, key) = (table(group, FENCE), LATEST);
            let row = store::Row { version: task.token(), ..row };
            transaction = transaction.write(Write::Upsert { table, key, row });
        }
        self.transact(slot, what, transaction, ctx);
    }

    /// Writes down what becomes of a message that has failed, if its successors depend on that.
    pub(super) fn remember(&mut self, slot: usize, what: Written, ctx: &mut Ctx<'_>) {
        let Some(task) = self.hand.get(slot) else { return };
        let (group, entry) = (self.policy.group, task.delivery.entry);
        let is_dead = what == Written::Dead;
        let known = Rows::of(&task.seen, entry.message, group).key;
        if !self.policy.keeps_keys() || known.is_some_and(|row| row.is_dead == is_dead) {
            return self.written(slot, what, ctx);
        }
        let version = if is_dead { DEAD } else { HELD };
        let row = store::Row { message: entry.message, version, payload: 0 };
        let (table, key) = (table(group, KEYS), entry.key);
        let transaction = task.seen.iter().fold(Transaction::default(), Transaction::read);
        let transaction = transaction.write(Write::Upsert { table, key, row });
        self.transact(slot, what, transaction, ctx);
    }

    fn transact(
        &mut self,
        slot: usize,
        what: Written,
        transaction: Transaction,
        ctx: &mut Ctx<'_>,
    ) {
        let Some(task) = self.hand.get_mut(slot) else { return };
        if let Resource::Database(client) = &mut self.resource {
            task.step = Step::Transacting { what };
            let lane = usize::from(task.lane.unwrap_or_default());
            return client.transact(lane, transaction, ctx);
        }
        match self.store.commit(&transaction, ctx) {
            Decision::Committed { .. } => self.written_at(slot, what, ctx),
            Decision::Conflict(_) => {
                Moment::InboxHit.note(ctx);
                self.written_at(slot, Written::Known, ctx);
            }
            Decision::Aborted(_) => self.look_again(slot, ctx),
        }
    }

    /// Goes on once all that the worker's own store has decided is durable.
    pub(super) fn written_at(&mut self, slot: usize, what: Written, ctx: &mut Ctx<'_>) {
        let mark = self.store.flush(ctx);
        if self.store.is_durable(mark) {
            self.written(slot, what, ctx);
        } else if let Some(task) = self.hand.get_mut(slot) {
            task.step = Step::Writing { what, mark };
        }
    }

    /// More of the worker's own store is durable.
    pub(super) fn written_so_far(&mut self, ctx: &mut Ctx<'_>) {
        for slot in self.hand.in_order() {
            match self.hand.get(slot).map(|task| task.step) {
                Some(Step::Writing { what, mark }) if self.store.is_durable(mark) => {
                    self.written(slot, what, ctx);
                }
                _ => {}
            }
        }
    }

    /// Handles an answer of the other machine.
    pub(super) fn resource_answer(&mut self, message: Message, ctx: &mut Ctx<'_>) {
        match &mut self.resource {
            Resource::Own => {}
            Resource::External(client) => {
                if let Some((lane, outcome)) = client.deliver(&message, ctx) {
                    self.called(lane, outcome, ctx);
                }
            }
            Resource::Database(client) => match client.deliver(message, ctx) {
                Some((lane, Reply::Rows(seen))) => {
                    if let Some(slot) = self.slot_of(lane, |step| step == Step::Looking) {
                        self.looked(slot, seen, ctx);
                    }
                }
                Some((lane, Reply::Outcome(outcome))) => self.transacted(lane, outcome, ctx),
                Some((_, Reply::Value(_))) | None => {}
            },
        }
    }

    /// Handles a timer of the client of the other machine.
    pub(super) fn wake_resource(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        let unknown = match &mut self.resource {
            Resource::Own => Vec::new(),
            Resource::Database(client) => client.wake(timer, ctx),
            Resource::External(client) => client.wake(timer, ctx),
        };
        self.unanswered(&unknown, ctx);
    }

    /// A connection is gone.
    pub(super) fn resource_disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        let unknown = match &mut self.resource {
            Resource::Own => Vec::new(),
            Resource::Database(client) => client.disconnected(peer, ctx),
            Resource::External(client) => client.disconnected(peer, ctx),
        };
        self.unanswered(&unknown, ctx);
    }

    /// Nobody knows what came of what these lanes had asked for.
    fn unanswered(&mut self, lanes: &[usize], ctx: &mut Ctx<'_>) {
        for &lane in lanes {
            match self.resource {
                Resource::Own => {}
                Resource::Database(_) => self.transacted(lane, Outcome::Unknown, ctx),
                Resource::External(_) => self.called(lane, CallOutcome::Unknown, ctx),
            }
        }
    }

    fn transacted(&mut self, lane: usize, outcome: Outcome, ctx: &mut Ctx<'_>) {
        let is_transacting = |step| matches!(step, Step::Transacting { .. });
        let Some(slot) = self.slot_of(lane, is_transacting) else { return };
        let Some(Step::Transacting { what }) = self.hand.get(slot).map(|task| task.step) else {
            return;
        };
        match outcome {
            Outcome::Committed { .. } => self.written(slot, what, ctx),
            // The key says that it was done before, perhaps by this very worker, which had no
            // answer to it.
            Outcome::Conflict(_) => {
                Moment::InboxHit.note(ctx);
                self.ack(slot, ctx);
            }
            Outcome::Aborted(_) | Outcome::Unknown => self.look_again(slot, ctx),
        }
    }

    fn called(&mut self, lane: usize, outcome: CallOutcome, ctx: &mut Ctx<'_>) {
        let Some(slot) = self.slot_of(lane, |step| step == Step::Calling) else { return };
        match outcome {
            CallOutcome::Done => self.written(slot, Written::Effect, ctx),
            CallOutcome::KeyReused | CallOutcome::Unknown => self.failed(slot, ctx),
        }
    }

    /// Where the message is that a lane is at.
    fn slot_of(&self, lane: usize, is_so: impl Fn(Step) -> bool) -> Option<usize> {
        let is_it = |task: &Task| task.lane.map(usize::from) == Some(lane) && is_so(task.step);
        self.hand.find(is_it)
    }
}

const fn table(group: GroupId, table: u8) -> TableId {
    TableId(group.0 as u8 * TABLES + table)
}
