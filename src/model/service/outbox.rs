//! Operations of a service whose state and outbox stand in one database: both are written by one
//! transaction, and somebody else publishes what is in the outbox.
//!
//! The number of a row comes from a sequence, before the transaction commits. So a row may appear
//! whose number is lower than that of a row which is there already.

use crate::digest::Digest;
use crate::history::{Effect, Event};
use crate::id::{MessageId, NodeId, SinkId, TimerId};
use crate::model::database_server::{DatabaseClient, Outcome, Reply, SessionPolicy};
use crate::model::message::Message;
use crate::model::record::Record;
use crate::model::store::{Row, SequenceId, TableId, Transaction, Write};
use crate::node::{Context, Planned};
use std::collections::VecDeque;

/// Where a service keeps its state, and what it has to say.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct OutboxPolicy {
    /// How it speaks to the database.
    pub session: SessionPolicy,
    /// Its state: a row an operation, whose key is the message.
    pub state: TableId,
    /// Its outbox: a row a message, whose payload is the routing key.
    pub outbox: TableId,
    /// Where the numbers of those rows come from.
    pub numbers: SequenceId,
    /// How many operations are carried out at a time.
    pub at_a_time: u16,
}

type Ctx<'a> = Context<'a, Message, Record>;

/// The operations under way.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    policy: OutboxPolicy,
    sink: SinkId,
    database: DatabaseClient,
    /// What was begun and has no lane yet.
    waiting: VecDeque<Operation>,
    lanes: Vec<Option<Operation>>,
}

#[derive(Copy, Clone, Debug)]
struct Operation {
    message: MessageId,
    key: u64,
    payload: u64,
    /// The number of its row, once it is allotted.
    number: Option<u64>,
}

impl Outbox {
    /// No operation yet. Uses timers from `timer` on.
    pub(super) fn new(
        policy: OutboxPolicy,
        sink: SinkId,
        timer: TimerId,
        incarnation: u16,
    ) -> Self {
        let lanes = usize::from(policy.at_a_time);
        let database = DatabaseClient::new(policy.session, lanes, timer, incarnation);
        Self { policy, sink, database, waiting: VecDeque::new(), lanes: vec![None; lanes] }
    }

    /// Begins an operation.
    pub(super) fn begin(&mut self, planned: &Planned, payload: u64, ctx: &mut Ctx<'_>) {
        let &Planned { message, key, .. } = planned;
        ctx.record(Event::invoke(message, key, payload));
        self.waiting.push_back(Operation { message, key, payload, number: None });
        self.take_up(ctx);
    }

    /// Gives lanes to what waits.
    fn take_up(&mut self, ctx: &mut Ctx<'_>) {
        for lane in 0..self.lanes.len() {
            if self.lanes[lane].is_none()
                && let Some(operation) = self.waiting.pop_front()
            {
                self.lanes[lane] = Some(operation);
                self.database.next_value(lane, self.policy.numbers, ctx);
            }
        }
    }

    /// Handles what the database says.
    pub(super) fn deliver(&mut self, message: Message, ctx: &mut Ctx<'_>) {
        let Some((lane, reply)) = self.database.deliver(message, ctx) else { return };
        match reply {
            Reply::Value(number) => {
                if let Some(operation) = &mut self.lanes[lane] {
                    operation.number = Some(number);
                }
                self.commit(lane, ctx);
            }
            // That its state is there already is an earlier attempt's doing.
            Reply::Outcome(Outcome::Committed { .. } | Outcome::Conflict(_)) => {
                if let Some(Operation { message, .. }) = self.lanes[lane].take() {
                    ctx.record(Event::acknowledged(message));
                }
                self.take_up(ctx);
            }
            Reply::Outcome(Outcome::Aborted(_) | Outcome::Unknown) => self.commit(lane, ctx),
            Reply::Rows(_) => {}
        }
    }

    /// The state and the row that speaks of it, together or not at all.
    fn commit(&mut self, lane: usize, ctx: &mut Ctx<'_>) {
        let Some(Operation { message, key, payload, number: Some(number) }) = self.lanes[lane]
        else {
            return;
        };
        let OutboxPolicy { state, outbox, .. } = self.policy;
        let row = Row { message, version: 0, payload };
        let letter = Row { payload: key, ..row };
        let change = Transaction::default()
            .write(Write::Insert { table: state, key: message.word(), row })
            .write(Write::Insert { table: outbox, key: number, row: letter })
            .effect(Effect { message, sink: self.sink, payload });
        self.database.transact(lane, change, ctx);
    }

    /// Handles a timer.
    pub(super) fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        for lane in self.database.wake(timer, ctx) {
            self.commit(lane, ctx);
        }
    }

    /// A connection is gone.
    pub(super) fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        for lane in self.database.disconnected(peer, ctx) {
            self.commit(lane, ctx);
        }
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        self.database.fingerprint(digest);
        digest.word(self.waiting.len() as u64);
        for operation in self.waiting.iter().chain(self.lanes.iter().flatten()) {
            let &Operation { message, key, payload, number } = operation;
            digest.word(message.word()).word(key).word(payload).word(number.unwrap_or(0));
        }
    }
}
