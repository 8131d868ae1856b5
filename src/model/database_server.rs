//! The database machine: a [`Store`] that several machines share.
//!
//! A statement is one message and a transaction another, so that a machine looks, thinks, and
//! commits what it relies on together with what it writes; the isolation of the store decides
//! whether the look still has to hold. Nothing is answered before all that the answer goes by is
//! durable, be it a row, the lack of one, a commit or a refusal.
//!
//! A transaction whose answer is lost may be committed or not, and one that is sent twice is
//! carried out twice, unless a unique key forbids it.

use super::message::{DatabaseMessage, Message};
use super::record::Record;
use super::store::{Isolation, Store, TableId, Transaction};
use crate::digest::Digest;
use crate::id::{FileId, NodeId, Ticket};
use crate::journal::Journals;
use crate::node::{Context, DiskError, Node};
use crate::time::Span;
pub use client::{DatabaseClient, Outcome, Reply, SessionPolicy};

mod client;

const STORE: FileId = FileId(0);
/// How long a database is down after its disk has failed it.
const DISK_FAILED: Span = Span::millis(10);

/// A database on a machine of its own.
#[derive(Clone, Debug)]
pub struct DatabaseServer {
    store: Store,
    answers: Vec<Answer>,
}

/// An answer that waits until what it goes by is durable.
#[derive(Clone, Debug)]
struct Answer {
    mark: u64,
    client: NodeId,
    message: DatabaseMessage,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl DatabaseServer {
    /// The database as a boot finds its disk.
    pub fn boot(isolation: Isolation, disk: Journals<'_, Record>) -> Self {
        Self { store: Store::open(STORE, isolation, disk), answers: Vec::new() }
    }

    fn select(&self, request: u64, keys: &[(TableId, u64)]) -> DatabaseMessage {
        let seen = keys.iter().map(|&(table, key)| self.store.look(table, key));
        DatabaseMessage::Selected { request, seen: seen.collect() }
    }

    fn transact(&mut self, request: u64, of: &Transaction, ctx: &mut Ctx<'_>) -> DatabaseMessage {
        DatabaseMessage::Transacted { request, decision: self.store.commit(of, ctx) }
    }

    /// Answers what is being handled, at once or when all that was decided so far is durable.
    fn answer(&mut self, client: NodeId, message: DatabaseMessage, ctx: &mut Ctx<'_>) {
        let mark = self.store.flush(ctx);
        if self.store.is_durable(mark) {
            ctx.reply(Message::Database(message));
        } else {
            self.answers.push(Answer { mark, client, message });
        }
    }

    fn answer_due(&mut self, ctx: &mut Ctx<'_>) {
        let due = self.answers.partition_point(|answer| self.store.is_durable(answer.mark));
        for answer in self.answers.drain(..due) {
            ctx.send(answer.client, Message::Database(answer.message));
        }
    }
}

impl Node for DatabaseServer {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        if !self.store.start(ctx) {
            // A durable commit is gone: better no database than one with a hole in it.
            ctx.exit();
        }
    }

    fn deliver(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        let Message::Database(message) = message else { return };
        let answer = match message {
            DatabaseMessage::Select { request, keys } => self.select(request, &keys),
            DatabaseMessage::Transact { request, transaction } => {
                self.transact(request, &transaction, ctx)
            }
            DatabaseMessage::NextValue { request, sequence } => {
                let value = self.store.next_value(sequence, ctx);
                DatabaseMessage::Allotted { request, value }
            }
            DatabaseMessage::Scan { request, scan } => {
                DatabaseMessage::Scanned { request, rows: self.store.scan(&scan).into() }
            }
            DatabaseMessage::Selected { .. }
            | DatabaseMessage::Transacted { .. }
            | DatabaseMessage::Allotted { .. }
            | DatabaseMessage::Scanned { .. } => return,
        };
        self.answer(from, answer, ctx);
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        match self.store.synced(ticket, result, ctx) {
            Ok(_) => self.answer_due(ctx),
            // Memory holds commits that the disk never will: start over from the disk.
            Err(_) => ctx.restart(DISK_FAILED),
        }
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.store.fingerprint(digest);
        digest.word(self.answers.len() as u64);
        for Answer { mark, client, message } in &self.answers {
            digest.word(*mark).word(u64::from(client.0));
            message.fingerprint(digest);
        }
    }

    /// The effects of all commits: with a single sink, its fold.
    fn view(&self) -> Option<u64> {
        Some(self.store.effects())
    }
}

#[cfg(test)]
mod tests;
