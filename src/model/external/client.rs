//! The client of an external system: the protocol by which any node calls it.

use crate::digest::Digest;
use crate::id::{MessageId, NodeId, TimerId};
use crate::model::message::{CallAnswer, ExternalMessage, Message};
use crate::model::record::Record;
use crate::model::site::Moment;
use crate::node::{Context, Work};
use crate::time::Span;
use serde::Deserialize;

/// By which key a client names its calls.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPolicy {
    /// By one that follows from the message, so that a repeated call has the same, also after a
    /// restart.
    #[default]
    Message,
    /// By a fresh one for each attempt, as a client library does that makes up a random key
    /// wherever it is called: copies look like new calls.
    Attempt,
    /// By none.
    None,
}

/// How a client of an external system behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct CallPolicy {
    /// Where the system is.
    pub server: NodeId,
    /// How calls are named.
    pub key: KeyPolicy,
    /// How long an answer may take; then the client closes the connection.
    pub timeout: Span,
    /// How long the client waits before it tries again; twice as long after each attempt.
    pub backoff: Span,
    /// How often it tries in all; at least once.
    pub attempts: u8,
}

/// A client of an external system with some lanes, each of which makes one call at a time. It uses
/// one timer a lane, from the first it was given on.
#[derive(Clone, Debug)]
pub struct ExternalClient {
    policy: CallPolicy,
    timer: TimerId,
    lanes: Vec<Lane>,
    requests: u64,
}

#[derive(Copy, Clone, Debug)]
struct Lane {
    message: MessageId,
    payload: u64,
    /// How often the call was sent.
    attempts: u8,
    /// The request whose answer is awaited.
    request: u64,
    phase: Phase,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Calling,
    /// Until the next attempt.
    Waiting,
}

/// What came of a call, as far as its client can tell.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It was carried out, and that is durable.
    Done,
    /// Its key is another call's: nothing was done.
    KeyReused,
    /// No attempt was answered: it was carried out, as often as there were attempts at most, or
    /// was not, or will be yet. To call again is another set of attempts.
    Unknown,
}

type Ctx<'a> = Context<'a, Message, Record>;

const IDLE: Lane = Lane {
    message: MessageId::from_word(0),
    payload: 0,
    attempts: 0,
    request: 0,
    phase: Phase::Idle,
};

impl ExternalClient {
    /// A client with so many lanes, whose timers are those from `timer` on. Its requests are told
    /// apart from those of earlier incarnations.
    pub fn new(policy: CallPolicy, lanes: usize, timer: TimerId, incarnation: u16) -> Self {
        let requests = u64::from(incarnation) << 32;
        Self { policy, timer, lanes: vec![IDLE; lanes], requests }
    }

    /// How many timers the client uses.
    pub fn timers(&self) -> u8 {
        self.lanes.len() as u8
    }

    /// Asks the system to act on `message`, the fingerprint of the parameters being `payload`. A
    /// [`CallOutcome`] comes.
    pub fn call(&mut self, lane: usize, message: MessageId, payload: u64, ctx: &mut Ctx<'_>) {
        self.lanes[lane] = Lane { message, payload, ..IDLE };
        self.attempt(lane, ctx);
    }

    /// Handles a message. Returns the lane that it is for, and what came of the call there.
    pub fn deliver(
        &mut self,
        message: &Message,
        ctx: &mut Ctx<'_>,
    ) -> Option<(usize, CallOutcome)> {
        let &Message::External(ExternalMessage::Called { request, answer }) = message else {
            return None;
        };
        let awaits = |lane: &Lane| lane.phase == Phase::Calling && lane.request == request;
        let lane = self.lanes.iter().position(awaits)?;
        self.lanes[lane].phase = Phase::Idle;
        ctx.cancel(self.timer_of(lane));
        let outcome = match answer {
            CallAnswer::Done => CallOutcome::Done,
            CallAnswer::KeyReused => CallOutcome::KeyReused,
        };
        Some((lane, outcome))
    }

    /// Handles a timer. Returns the lanes whose calls now have an
    /// [unknown](CallOutcome::Unknown) outcome: the connection was all lanes'.
    pub fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) -> Vec<usize> {
        let lane = timer.index().checked_sub(self.timer.index());
        let Some(lane) = lane.filter(|&lane| lane < self.lanes.len()) else { return Vec::new() };
        match self.lanes[lane].phase {
            Phase::Idle => Vec::new(),
            Phase::Calling => {
                ctx.disconnect(self.policy.server);
                self.reconnect(ctx)
            }
            Phase::Waiting => {
                Moment::CallRepeated.note(ctx);
                self.attempt(lane, ctx);
                Vec::new()
            }
        }
    }

    /// A connection is gone. Returns the lanes whose calls now have an
    /// [unknown](CallOutcome::Unknown) outcome.
    pub fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) -> Vec<usize> {
        if peer == self.policy.server { self.reconnect(ctx) } else { Vec::new() }
    }

    /// Takes the whole state into the digest.
    pub fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.requests);
        for lane in &self.lanes {
            digest.word((lane.phase as u64) << 8 | u64::from(lane.attempts)).word(lane.request);
            digest.word(lane.message.word()).word(lane.payload);
        }
    }

    /// What was unanswered is tried again later, or given up.
    fn reconnect(&mut self, ctx: &mut Ctx<'_>) -> Vec<usize> {
        let mut unknown = Vec::new();
        for lane in 0..self.lanes.len() {
            let Lane { phase, attempts, .. } = self.lanes[lane];
            if phase != Phase::Calling {
                continue;
            }
            if attempts >= self.policy.attempts {
                self.lanes[lane].phase = Phase::Idle;
                ctx.cancel(self.timer_of(lane));
                unknown.push(lane);
            } else {
                self.lanes[lane].phase = Phase::Waiting;
                let backoff = self.policy.backoff.times(1 << (attempts - 1).min(20));
                ctx.set_timer(self.timer_of(lane), backoff, Work::Progress);
            }
        }
        unknown
    }

    fn attempt(&mut self, lane: usize, ctx: &mut Ctx<'_>) {
        self.requests += 1;
        let request = self.requests;
        let one = &mut self.lanes[lane];
        (one.request, one.phase) = (request, Phase::Calling);
        one.attempts += 1;
        let Lane { message, payload, .. } = *one;
        let key = match self.policy.key {
            KeyPolicy::Message => Some(message.word()),
            KeyPolicy::Attempt => {
                let own = u64::from(ctx.node().0);
                Some(Digest::new().word(own).word(request).value())
            }
            KeyPolicy::None => None,
        };
        let call = ExternalMessage::Call { request, key, message, payload };
        ctx.send(self.policy.server, Message::External(call));
        ctx.set_timer(self.timer_of(lane), self.policy.timeout, Work::Progress);
    }

    fn timer_of(&self, lane: usize) -> TimerId {
        TimerId(self.timer.0 + lane as u8)
    }
}
