//! Effects that land on other machines: in a database that several consumers share, or at an
//! external system.

use super::handling::{Step, Task, Written};
use super::policy::{ConsumerPolicy, Dedup, OnFailure, Target};
use super::{Consumer, Ctx, Stage};
use crate::digest::Digest;
use crate::history::{Effect, Event};
use crate::id::{NodeId, PartitionId, TimerId};
use crate::model::database_server::{DatabaseClient, Outcome, Reply};
use crate::model::external::{CallOutcome, ExternalClient};
use crate::model::message::Message;
use crate::model::record::{Handled, Tables};
use crate::model::site::Moment;
use crate::model::store::{Row, Seen, TableId, Transaction, Write};

/// The client of the other machine.
#[derive(Clone, Debug)]
pub(super) enum Remote {
    /// There is no other machine.
    None,
    Database(DatabaseClient),
    External(ExternalClient),
}

/// A group's tables in a shared database, three to a group: the inbox, the positions, whose
/// versions are the next offsets, and the dead letters.
const INBOX: u8 = 0;
const POSITIONS: u8 = 1;
const DEAD_LETTERS: u8 = 2;
const TABLES: u8 = 3;

impl Remote {
    /// The client of the policy's target, whose timers are those from `timer` on.
    pub(super) fn new(
        policy: &ConsumerPolicy,
        lanes: usize,
        timer: TimerId,
        incarnation: u16,
    ) -> Self {
        match policy.target {
            Target::Own => Self::None,
            Target::Database(session) => {
                Self::Database(DatabaseClient::new(session, lanes, timer, incarnation))
            }
            Target::External(call) => {
                Self::External(ExternalClient::new(call, lanes, timer, incarnation))
            }
        }
    }

    /// Takes the whole state into the digest.
    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        match self {
            Self::None => {}
            Self::Database(client) => client.fingerprint(digest),
            Self::External(client) => client.fingerprint(digest),
        }
    }
}

impl Consumer {
    /// Asks the database on another machine, if there is one, what is known of an entry; there may
    /// be nothing to ask.
    pub(super) fn look(
        &mut self,
        lane: usize,
        handled: &Handled,
        ctx: &mut Ctx<'_>,
    ) -> Option<Step> {
        let mut keys = Vec::new();
        let message = handled.message.word();
        if self.policy.dedup.asks_inbox() {
            keys.push((self.table(INBOX), message));
        }
        if self.keeps_positions() {
            keys.push(self.position(handled.partition));
        }
        if self.policy.handling.on_failure == OnFailure::Park {
            keys.push((self.table(DEAD_LETTERS), message));
        }
        match &mut self.remote {
            Remote::Database(client) if !keys.is_empty() => {
                client.select(lane, keys.into(), ctx);
                Some(Step::Looking)
            }
            _ => None,
        }
    }

    /// The database has said what is known of an entry.
    pub(super) fn found(
        &mut self,
        lane: usize,
        seen: &[Seen],
        handled: &Handled,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        let positions = self.table(POSITIONS);
        // A transaction that was given up has moved the position after all.
        let is_past = seen.iter().any(|one| {
            one.table == positions && one.row.is_some_and(|row| row.version > handled.offset)
        });
        if is_past {
            return Step::Done;
        }
        let is_known = seen.iter().any(|one| one.table != positions && one.row.is_some());
        if is_known {
            Moment::InboxHit.note(ctx);
        }
        self.looked_up(lane, is_known, seen, handled, ctx)
    }

    /// Sends a commit to the database. It relies on all that was `seen`.
    pub(super) fn transact(
        &mut self,
        lane: usize,
        seen: &[Seen],
        handled: &Handled,
        ctx: &mut Ctx<'_>,
    ) {
        let &Handled { message, payload, sink, tables, partition, offset, .. } = handled;
        let row = Row { message, version: offset, payload };
        let mut transaction = seen.iter().fold(Transaction::default(), Transaction::read);
        if tables.has(Tables::INBOX) {
            let (table, key) = (self.table(INBOX), message.word());
            transaction = transaction.write(match self.policy.dedup {
                Dedup::Checked => Write::Upsert { table, key, row },
                _ => Write::Insert { table, key, row },
            });
        }
        if tables.has(Tables::dead_letters()) {
            let (table, key) = (self.table(DEAD_LETTERS), message.word());
            transaction = transaction.write(Write::Insert { table, key, row });
        }
        if tables.has(Tables::EFFECTS.and(Tables::dead_letters())) {
            transaction = transaction.effect(Effect { message, sink, payload });
        }
        if tables.has(Tables::POSITIONS) {
            let group = self.policy.fetch.group;
            ctx.record(Event::CommitInvoke { group, partition, offset: offset + 1 });
            let (table, key) = self.position(partition);
            let row = Row { version: offset + 1, ..row };
            transaction = transaction.write(Write::Upsert { table, key, row });
        }
        if let Remote::Database(client) = &mut self.remote {
            client.transact(lane, transaction, ctx);
        }
    }

    /// A transaction has come to something.
    pub(super) fn transacted(
        &mut self,
        lane: usize,
        task: &mut Task,
        (what, outcome): (Written, Outcome),
        handled: &Handled,
        ctx: &mut Ctx<'_>,
    ) -> Step {
        match outcome {
            Outcome::Committed { .. } => {
                if self.moves_position(what) {
                    let (group, partition) = (self.policy.fetch.group, handled.partition);
                    ctx.record(Event::CommitOk { group, partition, offset: handled.offset + 1 });
                }
                self.written(lane, task, what, handled, ctx)
            }
            // The key says that it was done before, perhaps by this very consumer, which had no
            // answer to it.
            Outcome::Conflict(_) => {
                Moment::InboxHit.note(ctx);
                self.pass(lane, &task.seen, handled, ctx)
            }
            // To think anew is to look again.
            Outcome::Aborted(_) | Outcome::Unknown => Step::Begin,
        }
    }

    /// Calls the external system.
    pub(super) fn call(&mut self, lane: usize, handled: &Handled, ctx: &mut Ctx<'_>) -> Step {
        if let Remote::External(client) = &mut self.remote {
            client.call(lane, handled.message, handled.payload, ctx);
        }
        Step::Calling
    }

    /// Asks the database where a lane's partition stands. Returns whether there is one to ask.
    pub(super) fn ask_position(&mut self, lane: usize, ctx: &mut Ctx<'_>) -> bool {
        let key = self.position(self.client.partition(lane));
        let Remote::Database(client) = &mut self.remote else { return false };
        client.select(lane, [key].into(), ctx);
        self.lanes[lane] = Stage::Opening;
        true
    }

    /// Handles an answer of the other machine.
    pub(super) fn remote_answer(&mut self, message: Message, ctx: &mut Ctx<'_>) {
        match &mut self.remote {
            Remote::None => {}
            Remote::External(client) => {
                if let Some((lane, outcome)) = client.deliver(&message, ctx) {
                    self.come(lane, |task| task.step = Step::Called(outcome), ctx);
                }
            }
            Remote::Database(client) => match client.deliver(message, ctx) {
                Some((lane, Reply::Rows(seen))) => self.rows(lane, seen, ctx),
                Some((lane, Reply::Outcome(outcome))) => self.outcome(lane, outcome, ctx),
                Some((_, Reply::Value(_))) | None => {}
            },
        }
    }

    /// Handles a timer of the client of the other machine.
    pub(super) fn wake_remote(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        let unknown = match &mut self.remote {
            Remote::None => Vec::new(),
            Remote::Database(client) => client.wake(timer, ctx),
            Remote::External(client) => client.wake(timer, ctx),
        };
        self.unanswered(&unknown, ctx);
    }

    /// A connection is gone.
    pub(super) fn remote_disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        let unknown = match &mut self.remote {
            Remote::None => Vec::new(),
            Remote::Database(client) => client.disconnected(peer, ctx),
            Remote::External(client) => client.disconnected(peer, ctx),
        };
        self.unanswered(&unknown, ctx);
    }

    /// Nobody knows what came of what these lanes had asked for.
    fn unanswered(&mut self, lanes: &[usize], ctx: &mut Ctx<'_>) {
        for &lane in lanes {
            match self.remote {
                Remote::None => {}
                Remote::Database(_) => self.outcome(lane, Outcome::Unknown, ctx),
                Remote::External(_) => {
                    self.come(lane, |task| task.step = Step::Called(CallOutcome::Unknown), ctx);
                }
            }
        }
    }

    fn rows(&mut self, lane: usize, seen: Box<[Seen]>, ctx: &mut Ctx<'_>) {
        if let Stage::Opening = self.lanes[lane] {
            let next = seen.first().and_then(|one| one.row).map_or(0, |row| row.version);
            if next > 0 {
                Moment::Resumed.note(ctx);
            }
            self.lanes[lane] = Stage::Reading;
            self.client.poll(lane, next, ctx);
            return;
        }
        self.come(
            lane,
            |task| {
                task.seen = seen;
                task.step = Step::Found;
            },
            ctx,
        );
    }

    fn outcome(&mut self, lane: usize, outcome: Outcome, ctx: &mut Ctx<'_>) {
        let next = |task: &mut Task| {
            if let Step::Transacting { what } = task.step {
                task.step = Step::Transacted { what, outcome };
            }
        };
        self.come(lane, next, ctx);
    }

    fn table(&self, table: u8) -> TableId {
        TableId(self.policy.fetch.group.0 as u8 * TABLES + table)
    }

    fn position(&self, partition: PartitionId) -> (TableId, u64) {
        (self.table(POSITIONS), u64::from(partition.0))
    }
}

#[cfg(test)]
mod tests;
