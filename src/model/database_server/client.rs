//! The database client: the protocol by which any node uses a database on another machine.

use crate::digest::Digest;
use crate::id::{NodeId, TimerId};
use crate::model::message::{DatabaseMessage, Message};
use crate::model::record::Record;
use crate::model::site::Moment;
use crate::model::store::{
    Decision, Read, Scan, Seen, SequenceId, TableId, Transaction, UniqueViolation,
};
use crate::node::{Context, Work};
use crate::time::Span;

/// How a database client behaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Where the database is.
    pub server: NodeId,
    /// How long an answer may take; then the client closes the connection.
    pub timeout: Span,
}

/// A database client with some lanes, each of which does one thing at a time. It uses one timer a
/// lane, from the first it was given on.
///
/// What is only read is asked for again until it is answered. A transaction is sent once: if its
/// answer does not come, its outcome is unknown, and it may even be carried out later, should it
/// still be on its way. The owner who must know looks again, and the owner who must not commit
/// twice inserts a unique key: a second commit is then a [`Outcome::Conflict`], whichever of the
/// two was first.
#[derive(Clone, Debug)]
pub struct DatabaseClient {
    policy: SessionPolicy,
    timer: TimerId,
    lanes: Vec<Lane>,
    requests: u64,
}

#[derive(Clone, Debug)]
struct Lane {
    /// The request whose answer is awaited.
    request: u64,
    phase: Phase,
    /// Whether anything is owed while it waits.
    work: Work,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Looking(Box<[(TableId, u64)]>),
    Scanning(Scan),
    Counting(SequenceId),
    Committing,
}

/// What the owner of a client is told about a lane, which is idle from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// What it looked at: durable, and so at some moment between question and answer.
    Rows(Box<[Seen]>),
    /// The value of a sequence that it was given.
    Value(u64),
    /// What came of its transaction.
    Outcome(Outcome),
}

/// What came of a transaction, as far as its client can tell.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is committed, and durable.
    Committed {
        /// How many rows it wrote or deleted.
        changed: u16,
    },
    /// A key that it inserts is taken: nothing was done by this transaction. An earlier one of the
    /// same owner may have taken it.
    Conflict(UniqueViolation),
    /// It had read what has changed since: nothing was done. The owner looks again and thinks
    /// anew.
    Aborted(Read),
    /// There was no answer: it was committed, or was not, or will be yet.
    Unknown,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl DatabaseClient {
    /// A client with so many lanes, whose timers are those from `timer` on. Its requests are told
    /// apart from those of earlier incarnations.
    pub fn new(policy: SessionPolicy, lanes: usize, timer: TimerId, incarnation: u16) -> Self {
        let lanes = vec![Lane { request: 0, phase: Phase::Idle, work: Work::Progress }; lanes];
        Self { policy, timer, lanes, requests: u64::from(incarnation) << 32 }
    }

    /// The client with a lane that only looks whether there is anything to do.
    #[must_use]
    pub fn with_idle_lane(mut self, lane: usize) -> Self {
        self.lanes[lane].work = Work::Background;
        self
    }

    /// How many timers the client uses.
    pub fn timers(&self) -> u8 {
        self.lanes.len() as u8
    }

    /// Looks at keys; a [`Reply::Rows`] with as many answers comes, however long it takes.
    pub fn select(&mut self, lane: usize, keys: Box<[(TableId, u64)]>, ctx: &mut Ctx<'_>) {
        self.lanes[lane].phase = Phase::Looking(keys);
        self.ask(lane, ctx);
    }

    /// Reads on in a table; a [`Reply::Rows`] comes, however long it takes.
    pub fn scan(&mut self, lane: usize, scan: Scan, ctx: &mut Ctx<'_>) {
        self.lanes[lane].phase = Phase::Scanning(scan);
        self.ask(lane, ctx);
    }

    /// Takes the next value of a sequence; a [`Reply::Value`] comes, however long it takes. If an
    /// answer is lost its value is never used.
    pub fn next_value(&mut self, lane: usize, sequence: SequenceId, ctx: &mut Ctx<'_>) {
        self.lanes[lane].phase = Phase::Counting(sequence);
        self.ask(lane, ctx);
    }

    /// Commits a transaction; a [`Reply::Outcome`] comes.
    pub fn transact(&mut self, lane: usize, transaction: Transaction, ctx: &mut Ctx<'_>) {
        self.lanes[lane].phase = Phase::Committing;
        let request = self.next_request(lane, ctx);
        let transaction = Box::new(transaction);
        let message = DatabaseMessage::Transact { request, transaction };
        ctx.send(self.policy.server, Message::Database(message));
    }

    /// Handles a message. Returns the lane that it is for, and what it means there.
    pub fn deliver(&mut self, message: Message, ctx: &mut Ctx<'_>) -> Option<(usize, Reply)> {
        let Message::Database(message) = message else { return None };
        let (lane, reply) = match message {
            DatabaseMessage::Selected { request, seen } => {
                let lane = self.awaiting(request, |phase| matches!(phase, Phase::Looking(_)))?;
                (lane, Reply::Rows(seen))
            }
            DatabaseMessage::Transacted { request, decision } => {
                let lane = self.awaiting(request, |phase| *phase == Phase::Committing)?;
                (lane, Reply::Outcome(decision.into()))
            }
            DatabaseMessage::Scanned { request, rows } => {
                let lane = self.awaiting(request, |phase| matches!(phase, Phase::Scanning(_)))?;
                (lane, Reply::Rows(rows))
            }
            DatabaseMessage::Allotted { request, value } => {
                let lane = self.awaiting(request, |phase| matches!(phase, Phase::Counting(_)))?;
                (lane, Reply::Value(value))
            }
            DatabaseMessage::Select { .. }
            | DatabaseMessage::Transact { .. }
            | DatabaseMessage::Scan { .. }
            | DatabaseMessage::NextValue { .. } => return None,
        };
        self.lanes[lane].phase = Phase::Idle;
        ctx.cancel(self.timer_of(lane));
        Some((lane, reply))
    }

    /// Handles a timer. Returns the lanes whose transactions now have an
    /// [unknown](Outcome::Unknown) outcome: the connection was all lanes'.
    pub fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) -> Vec<usize> {
        let lane = timer.index().checked_sub(self.timer.index());
        match lane.and_then(|lane| self.lanes.get(lane)) {
            Some(lane) if lane.phase != Phase::Idle => {
                ctx.disconnect(self.policy.server);
                self.reconnect(ctx)
            }
            _ => Vec::new(),
        }
    }

    /// A connection is gone. Returns the lanes whose transactions now have an
    /// [unknown](Outcome::Unknown) outcome.
    pub fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) -> Vec<usize> {
        if peer == self.policy.server { self.reconnect(ctx) } else { Vec::new() }
    }

    /// Takes the whole state into the digest.
    pub fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.requests);
        for Lane { request, phase, .. } in &self.lanes {
            let (tag, keys): (u64, &[(TableId, u64)]) = match phase {
                Phase::Idle => (0, &[]),
                Phase::Looking(keys) => (1, keys),
                Phase::Committing => (2, &[]),
                Phase::Scanning(_) => (3, &[]),
                Phase::Counting(_) => (4, &[]),
            };
            digest.word(tag << 32 | keys.len() as u64).word(*request);
            for &(table, key) in keys {
                digest.word(u64::from(table.0)).word(key);
            }
            match phase {
                Phase::Scanning(scan) => scan.fingerprint(digest),
                Phase::Counting(sequence) => _ = digest.word(u64::from(sequence.0)),
                Phase::Idle | Phase::Looking(_) | Phase::Committing => {}
            }
        }
    }

    /// What was looked up is asked for again over the next connection; what was to be committed is
    /// given up.
    fn reconnect(&mut self, ctx: &mut Ctx<'_>) -> Vec<usize> {
        let mut unknown = Vec::new();
        for lane in 0..self.lanes.len() {
            match self.lanes[lane].phase {
                Phase::Idle => {}
                Phase::Looking(_) | Phase::Scanning(_) | Phase::Counting(_) => self.ask(lane, ctx),
                Phase::Committing => {
                    Moment::CommitUnknown.note(ctx);
                    self.lanes[lane].phase = Phase::Idle;
                    ctx.cancel(self.timer_of(lane));
                    unknown.push(lane);
                }
            }
        }
        unknown
    }

    fn ask(&mut self, lane: usize, ctx: &mut Ctx<'_>) {
        let phase = self.lanes[lane].phase.clone();
        let request = self.next_request(lane, ctx);
        let message = match phase {
            Phase::Looking(keys) => DatabaseMessage::Select { request, keys },
            Phase::Scanning(scan) => DatabaseMessage::Scan { request, scan },
            Phase::Counting(sequence) => DatabaseMessage::NextValue { request, sequence },
            Phase::Idle | Phase::Committing => return,
        };
        ctx.send(self.policy.server, Message::Database(message));
    }

    fn next_request(&mut self, lane: usize, ctx: &mut Ctx<'_>) -> u64 {
        self.requests += 1;
        self.lanes[lane].request = self.requests;
        ctx.set_timer(self.timer_of(lane), self.policy.timeout, self.lanes[lane].work);
        self.requests
    }

    /// The lane that awaits the answer to `request` in such a phase.
    fn awaiting(&self, request: u64, phase: impl Fn(&Phase) -> bool) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.request == request && phase(&lane.phase))
    }

    fn timer_of(&self, lane: usize) -> TimerId {
        TimerId(self.timer.0 + lane as u8)
    }
}

impl From<Decision> for Outcome {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Committed { changed } => Self::Committed { changed },
            Decision::Conflict(violation) => Self::Conflict(violation),
            Decision::Aborted(stale) => Self::Aborted(stale),
        }
    }
}
