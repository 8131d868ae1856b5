//! The relay of an outbox: it reads what services have committed to say, publishes it, and marks it
//! when the log has it (microservices.io, transactional outbox; polling publisher and transaction
//! log tailing).
//!
//! Whatever is published and not marked yet when the relay dies is published again: who reads the
//! log must know a message again. Several relays agree by a lease on who publishes; a former
//! holder that does not know it yet may still publish what it has in line, and marks nothing.

use super::database_server::{DatabaseClient, Outcome, Reply};
use super::message::{Message, Verdict};
use super::producer::ProducerClient;
use super::record::Record;
use super::site::Moment;
use super::store::{Row, Scan, Seen, Transaction, Write};
use crate::digest::Digest;
use crate::id::{MessageId, NodeId, Ticket, TimerId};
use crate::journal::Journals;
use crate::node::{Context, DiskError, Node, Planned, Seat, Work};
use crate::time::{Instant, Span};
pub use policy::{MarkWhen, Ownership, ReadBy, RelayPolicy};
use std::collections::{BTreeSet, VecDeque};

mod policy;

/// The lane of the database in which the relay looks, reads and keeps its lease.
const READS: usize = 0;
/// The lane in which it marks.
const MARKS: usize = 1;
/// The rows of the ledger: the lease, whose version is the token; its beats; how far the relay has
/// come.
const LEASE: u64 = 0;
const BEAT: u64 = 1;
const PLACE: u64 = 2;
/// How long a fenced relay is down: its next incarnation has a higher epoch.
const FENCED: Span = Span::millis(10);

/// A relay.
#[derive(Clone, Debug)]
pub struct Relay {
    policy: RelayPolicy,
    producer: ProducerClient,
    database: DatabaseClient,
    stage: Stage,
    /// The token that it has tried to take, or has taken; 0 if none.
    token: u64,
    /// The row of the lease, if it holds that; without leases, that there is none.
    held: Option<Seen>,
    /// What the lease and its last beat were when they were seen to change, and when that was.
    watched: Option<(u64, u64, Instant)>,
    /// When the lease has to be beaten.
    beat_due: Instant,
    /// Up to where it has read.
    after: u64,
    /// Whether what is read may have been published already.
    again: bool,
    /// What it has read and not marked, in order.
    read: VecDeque<Reading>,
    /// What is in line at the producer, or on its way: none is put there twice.
    in_line: BTreeSet<u64>,
    /// What is being marked.
    marking: Vec<u64>,
}

/// What its first lane is about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Stage {
    Resting,
    Looking,
    Taking,
    Beating,
    Scanning,
}

/// A row that was read.
#[derive(Copy, Clone, Debug)]
struct Reading {
    /// Where it stands in the order of reading.
    place: u64,
    key: u64,
    message: MessageId,
    /// It may be marked.
    is_sent: bool,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Relay {
    /// The relay as a boot finds it: it remembers nothing.
    pub fn boot(policy: RelayPolicy, seat: &Seat<'_>, disk: Journals<'_, Record>) -> Self {
        let producer = ProducerClient::boot(policy.producer, TimerId(0), seat, disk).of_letters();
        let timer = TimerId(producer.timers() + 1);
        let database = DatabaseClient::new(policy.session, 2, timer, seat.incarnation);
        Self {
            policy,
            producer,
            database: database.with_idle_lane(READS),
            stage: Stage::Resting,
            token: 0,
            held: None,
            watched: None,
            beat_due: Instant::START,
            after: 0,
            again: true,
            read: VecDeque::new(),
            in_line: BTreeSet::new(),
            marking: Vec::new(),
        }
    }

    /// Fires when it is time to look again.
    fn poll(&self) -> TimerId {
        TimerId(self.producer.timers())
    }

    fn rest(&mut self, ctx: &mut Ctx<'_>) {
        self.stage = Stage::Resting;
        ctx.set_timer(self.poll(), self.policy.poll, Work::Background);
    }

    /// Looks at the ledger: who holds the lease, and how far the reading is.
    fn look(&mut self, ctx: &mut Ctx<'_>) {
        self.stage = Stage::Looking;
        let keys = [LEASE, BEAT, PLACE].map(|key| (self.policy.ledger, key));
        self.database.select(READS, Box::new(keys), ctx);
    }

    fn looked(&mut self, seen: &[Seen], ctx: &mut Ctx<'_>) {
        let &[lease, beat, place] = seen else { return };
        let own = own(ctx.node());
        let holder = lease.row.map(|row| (row.message, row.version));
        let is_shared = self.policy.ownership == Ownership::Everybody;
        if is_shared || holder == Some((own, self.token)) {
            if self.token > 1 && self.held.is_none() {
                Moment::RelayTookOver.note(ctx);
            }
            self.held = Some(lease);
            self.after = place.row.map_or(0, |row| row.version);
            // Before the first holder nobody has published.
            self.again = is_shared || self.token > 1;
            self.beat_due = ctx.now() + self.beats();
            self.scan(ctx);
        } else if self.is_free(&lease, &beat, holder.is_none_or(|(holder, _)| holder == own), ctx) {
            self.token = holder.map_or(0, |(_, token)| token) + 1;
            let (table, version) = (self.policy.ledger, self.token);
            let row = Row { message: own, version, payload: 0 };
            let taken = Transaction::default()
                .read(&lease)
                .write(Write::Upsert { table, key: LEASE, row })
                .write(Write::Upsert { table, key: BEAT, row });
            self.stage = Stage::Taking;
            self.database.transact(READS, taken, ctx);
        } else {
            self.rest(ctx);
        }
    }

    /// Whether the lease may be taken: nobody holds it but an earlier process of this machine, or
    /// its holder has not been heard of for as long as it lasts.
    fn is_free(&mut self, lease: &Seen, beat: &Seen, is_own: bool, ctx: &mut Ctx<'_>) -> bool {
        let now = ctx.now();
        let (lease, beat) = (lease.revision, beat.revision);
        let since = match self.watched {
            Some((known, last, since)) if (known, last) == (lease, beat) => since,
            _ => now,
        };
        self.watched = Some((lease, beat, since));
        is_own || now.since(since) >= self.policy.lease
    }

    const fn beats(&self) -> Span {
        Span::nanos_of(self.policy.lease.nanos() / 3)
    }

    /// The holder goes on: it keeps the lease, then reads.
    fn go_on(&mut self, ctx: &mut Ctx<'_>) {
        if self.policy.ownership == Ownership::Everybody || ctx.now() < self.beat_due {
            return self.scan(ctx);
        }
        let row = Row { message: own(ctx.node()), version: self.token, payload: 0 };
        let beat = Write::Upsert { table: self.policy.ledger, key: BEAT, row };
        self.stage = Stage::Beating;
        let beat = self.depending(Transaction::default().write(beat));
        self.database.transact(READS, beat, ctx);
    }

    /// A transaction that commits only if the lease is still held.
    fn depending(&self, transaction: Transaction) -> Transaction {
        match (self.policy.ownership, &self.held) {
            (Ownership::Lease, Some(lease)) => transaction.read(lease),
            _ => transaction,
        }
    }

    /// Somebody else holds the lease.
    fn lose(&mut self, ctx: &mut Ctx<'_>) {
        Moment::RelayFenced.note(ctx);
        (self.held, self.watched) = (None, None);
        self.read.clear();
    }

    fn scan(&mut self, ctx: &mut Ctx<'_>) {
        let RelayPolicy { outbox: table, read, batch: limit, .. } = self.policy;
        self.stage = Stage::Scanning;
        let scan = Scan { table, order: read.order(), after: self.after, limit };
        self.database.scan(READS, scan, ctx);
    }

    /// Puts in line what is new.
    fn scanned(&mut self, rows: &[Seen], ctx: &mut Ctx<'_>) {
        let RelayPolicy { read, mark, batch, .. } = self.policy;
        for seen in rows {
            let Some(Row { message, payload: key, .. }) = seen.row else { continue };
            let place = read.order().place(seen);
            if read.keeps_place() {
                self.after = place;
            }
            if self.read.iter().any(|reading| reading.message == message) {
                continue;
            }
            let is_sent = mark == MarkWhen::Read;
            self.read.push_back(Reading { place, key: seen.key, message, is_sent });
            if self.in_line.insert(message.word()) {
                self.line_up(message, key, ctx);
            }
        }
        self.producer.send_due(ctx);
        self.mark(ctx);
        let is_all = rows.len() < usize::from(batch);
        // Behind a full batch there may be more of what an earlier holder has published.
        self.again &= !is_all;
        if is_all || !read.keeps_place() {
            self.rest(ctx);
        } else {
            self.scan(ctx);
        }
    }

    fn line_up(&mut self, message: MessageId, key: u64, ctx: &mut Ctx<'_>) {
        if self.again {
            Moment::LetterRepublished.note(ctx);
            let partition = self.producer.partition_of(message, key);
            self.producer.enqueue_again(partition, message, key);
        } else {
            let (node, at) = (ctx.node(), Span::ZERO);
            self.producer.enqueue(Planned { node, message, key, at });
        }
    }

    /// Marks what may be marked.
    fn mark(&mut self, ctx: &mut Ctx<'_>) {
        if !self.marking.is_empty() || self.held.is_none() {
            return;
        }
        let sent = |reading: &&Reading| reading.is_sent;
        self.marking = if self.policy.read.keeps_place() {
            self.read.iter().take_while(sent).map(|reading| reading.message.word()).collect()
        } else {
            self.read.iter().filter(sent).map(|reading| reading.message.word()).collect()
        };
        self.write_marks(ctx);
    }

    fn write_marks(&mut self, ctx: &mut Ctx<'_>) {
        let is_marked = |reading: &&Reading| self.marking.contains(&reading.message.word());
        let marked = self.read.iter().filter(is_marked);
        let RelayPolicy { outbox, ledger: table, read, .. } = self.policy;
        let mut marks = Transaction::default();
        if read.keeps_place() {
            let Some(&Reading { place: version, message, .. }) = marked.last() else { return };
            let row = Row { message, version, payload: 0 };
            marks.writes.push(Write::Upsert { table, key: PLACE, row });
        } else {
            marks
                .writes
                .extend(marked.map(|reading| Write::Delete { table: outbox, key: reading.key }));
        }
        if !marks.writes.is_empty() {
            let marks = self.depending(marks);
            self.database.transact(MARKS, marks, ctx);
        }
    }

    /// What came of the marks, or of what the first lane was about.
    fn outcome(&mut self, lane: usize, outcome: Outcome, ctx: &mut Ctx<'_>) {
        let is_done = matches!(outcome, Outcome::Committed { .. });
        let is_lost = matches!(outcome, Outcome::Aborted(_) | Outcome::Conflict(_));
        if lane == MARKS {
            if !is_done && !is_lost && self.held.is_some() {
                return self.write_marks(ctx);
            }
            let marked = std::mem::take(&mut self.marking);
            if is_done {
                self.read.retain(|reading| !marked.contains(&reading.message.word()));
            } else if self.held.is_some() {
                self.lose(ctx);
            }
            return self.mark(ctx);
        }
        match self.stage {
            Stage::Beating if is_lost => {
                if self.held.is_some() {
                    self.lose(ctx);
                }
                self.look(ctx);
            }
            Stage::Beating if self.held.is_some() => {
                if is_done {
                    self.beat_due = ctx.now() + self.beats();
                }
                self.go_on(ctx);
            }
            Stage::Beating | Stage::Taking => self.look(ctx),
            Stage::Resting | Stage::Looking | Stage::Scanning => {}
        }
    }

    /// The answers of these lanes will not come.
    fn unanswered(&mut self, lanes: &[usize], ctx: &mut Ctx<'_>) {
        for &lane in lanes {
            self.outcome(lane, Outcome::Unknown, ctx);
        }
    }

    /// The log has a message.
    fn confirmed(&mut self, message: MessageId, ctx: &mut Ctx<'_>) {
        self.in_line.remove(&message.word());
        for reading in self.read.iter_mut().filter(|reading| reading.message == message) {
            reading.is_sent = true;
        }
        self.mark(ctx);
    }
}

/// Under which name a relay holds a lease.
const fn own(node: NodeId) -> MessageId {
    MessageId::new(node, 0)
}

impl Node for Relay {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.producer.start(ctx);
        self.look(ctx);
    }

    fn deliver(&mut self, _from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        if let Message::Produced { message: sent, verdict, .. } = message {
            let was_flying = self.producer.deliver(&message, ctx);
            let is_there = matches!(verdict, Verdict::Stored { .. } | Verdict::Duplicate);
            if was_flying && is_there {
                self.confirmed(sent, ctx);
            }
            if self.producer.is_fenced() {
                ctx.restart(FENCED);
            }
            return;
        }
        match self.database.deliver(message, ctx) {
            Some((_, Reply::Rows(rows))) => match self.stage {
                Stage::Looking => self.looked(&rows, ctx),
                // A mark was refused meanwhile: it is somebody else's turn.
                Stage::Scanning if self.held.is_none() => self.look(ctx),
                Stage::Scanning => self.scanned(&rows, ctx),
                Stage::Resting | Stage::Taking | Stage::Beating => {}
            },
            Some((lane, Reply::Outcome(outcome))) => self.outcome(lane, outcome, ctx),
            Some((_, Reply::Value(_))) | None => {}
        }
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        if timer == self.poll() {
            match (self.stage, self.held) {
                (Stage::Resting, Some(_)) => self.go_on(ctx),
                (Stage::Resting, None) => self.look(ctx),
                _ => {}
            }
        } else if !self.producer.wake(timer, ctx) {
            let lanes = self.database.wake(timer, ctx);
            self.unanswered(&lanes, ctx);
        }
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        self.producer.synced(ticket, result, ctx);
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        self.producer.disconnected(peer, ctx);
        let lanes = self.database.disconnected(peer, ctx);
        self.unanswered(&lanes, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.producer.fingerprint(digest);
        self.database.fingerprint(digest);
        digest.word((self.stage as u64) << 1 | u64::from(self.again)).word(self.token);
        digest.word(self.held.map_or(u64::MAX, |held| held.revision));
        let (lease, beat, since) = self.watched.unwrap_or((u64::MAX, 0, Instant::START));
        digest.word(lease).word(beat).word(since.nanos());
        digest.word(self.beat_due.nanos()).word(self.after);
        digest.word(self.read.len() as u64);
        for &Reading { place, key, message, is_sent } in &self.read {
            digest.word(place << 1 | u64::from(is_sent)).word(key).word(message.word());
        }
        digest.word((self.in_line.len() as u64) << 32 | self.marking.len() as u64);
        for word in self.in_line.iter().chain(&self.marking) {
            digest.word(*word);
        }
    }
}

#[cfg(test)]
mod tests;
