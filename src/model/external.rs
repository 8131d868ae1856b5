//! The external system: something that acts at once and takes part in no transaction, such as a
//! payment provider.
//!
//! A call that comes with an *idempotency key* is carried out once as long as the key is
//! remembered: a copy of it gets the same answer, and one with other parameters is refused. Stripe
//! keeps keys for at least 24 hours; after that a call with an old key is a new call.

use super::message::{CallAnswer, ExternalMessage, Message};
use super::record::Record;
use super::site::Moment;
use super::tail::{Found, Synced, Tail};
use crate::digest::{Digest, SetDigest};
use crate::id::{FileId, MessageId, NodeId, SinkId, Ticket};
use crate::journal::Journals;
use crate::node::{Context, DiskError, Node};
use crate::time::Span;
pub use client::{CallOutcome, CallPolicy, ExternalClient, KeyPolicy};
use serde::Deserialize;
use std::collections::BTreeMap;

mod client;

/// What an external system does about idempotency keys.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keys {
    /// It remembers them for a while.
    #[default]
    Honoured,
    /// It does not look at them: every call is carried out.
    Ignored,
}

/// How an external system behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ExternalPolicy {
    /// Where what it does shows.
    pub sink: SinkId,
    /// What it does about keys.
    pub keys: Keys,
    /// How long it remembers a key, by its own wall clock.
    pub retention: Span,
}

const CALLS: FileId = FileId(0);
/// How long the system is down after its disk has failed it.
const DISK_FAILED: Span = Span::millis(10);

/// An external system.
#[derive(Clone, Debug)]
pub struct External {
    policy: ExternalPolicy,
    tail: Tail,
    keys: BTreeMap<u64, Known>,
    effects: SetDigest,
    answers: Vec<Answer>,
}

/// What is known of a key.
#[derive(Copy, Clone, Debug)]
struct Known {
    at_ms: u64,
    message: MessageId,
    payload: u64,
    /// Where the call stands in the journal.
    position: u64,
}

/// An answer that waits until the call that it is about is durable.
#[derive(Copy, Clone, Debug)]
struct Answer {
    position: u64,
    client: NodeId,
    request: u64,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl External {
    /// The system as a boot finds its disk.
    pub fn boot(policy: ExternalPolicy, disk: Journals<'_, Record>) -> Self {
        let mut this = Self {
            policy,
            tail: Tail::open(CALLS, disk),
            keys: BTreeMap::new(),
            effects: SetDigest::new(),
            answers: Vec::new(),
        };
        for (position, stored) in disk.records(CALLS) {
            if let Some(&Record::Called { key, at_ms, message, payload, .. }) = stored.intact() {
                let known = Known { at_ms, message, payload, position: position.0 };
                this.enter(key, known);
            }
        }
        this
    }

    fn call(
        &mut self,
        (client, request): (NodeId, u64),
        key: Option<u64>,
        (message, payload): (MessageId, u64),
        ctx: &mut Ctx<'_>,
    ) {
        let key = key.filter(|_| self.policy.keys == Keys::Honoured);
        let at_ms = ctx.wall().nanos() / 1_000_000;
        let position = match key.and_then(|key| self.known(key, at_ms, ctx)) {
            Some(known) if (known.message, known.payload) != (message, payload) => {
                return ctx.reply(called(request, CallAnswer::KeyReused));
            }
            Some(known) => {
                Moment::KeyKnown.note(ctx);
                known.position
            }
            None => {
                let sink = self.policy.sink;
                let record = Record::Called { key, at_ms, message, sink, payload };
                let position = self.tail.append(record, ctx);
                self.enter(key, Known { at_ms, message, payload, position });
                self.tail.flush(ctx);
                position
            }
        };
        if position < self.tail.durable() {
            ctx.reply(called(request, CallAnswer::Done));
        } else {
            self.answers.push(Answer { position, client, request });
        }
    }

    /// What is known of `key`, unless it is too old.
    fn known(&self, key: u64, now_ms: u64, ctx: &mut Ctx<'_>) -> Option<Known> {
        let known = *self.keys.get(&key)?;
        let age_ms = now_ms.saturating_sub(known.at_ms);
        if age_ms < self.policy.retention.nanos() / 1_000_000 {
            return Some(known);
        }
        Moment::KeyExpired.note(ctx);
        None
    }

    fn enter(&mut self, key: Option<u64>, known: Known) {
        self.effects.insert(known.message.word(), known.payload);
        if let Some(key) = key {
            self.keys.insert(key, known);
        }
    }

    fn answer_due(&mut self, ctx: &mut Ctx<'_>) {
        let durable = self.tail.durable();
        self.answers.retain(|&Answer { position, client, request }| {
            if position < durable {
                ctx.send(client, called(request, CallAnswer::Done));
            }
            position >= durable
        });
    }
}

fn called(request: u64, answer: CallAnswer) -> Message {
    Message::External(ExternalMessage::Called { request, answer })
}

impl Node for External {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        if self.tail.start(ctx) == Found::Damage {
            // Which calls it has carried out is no longer known: better none than some twice.
            ctx.exit();
        }
    }

    fn deliver(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        if let Message::External(call) = message
            && let ExternalMessage::Call { request, key, message, payload } = call
        {
            self.call((from, request), key, (message, payload), ctx);
        }
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        match self.tail.synced(ticket, result, ctx) {
            Synced::Other => {}
            Synced::Advanced => {
                self.tail.flush(ctx);
                self.answer_due(ctx);
            }
            // Memory holds calls that the disk never will: start over from the disk.
            Synced::Failed => ctx.restart(DISK_FAILED),
        }
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.tail.fingerprint(digest);
        digest.word(self.effects.value()).word(self.keys.len() as u64);
        for (&key, known) in &self.keys {
            digest.word(key).word(known.at_ms).word(known.message.word());
            digest.word(known.payload).word(known.position);
        }
        for answer in &self.answers {
            digest.word(u64::from(answer.client.0)).word(answer.position).word(answer.request);
        }
    }

    /// The calls that it has carried out: the fold of its sink.
    fn view(&self) -> Option<u64> {
        Some(self.effects.value())
    }
}

#[cfg(test)]
mod tests;
