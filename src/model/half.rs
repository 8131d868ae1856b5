//! The broker of half messages: transactional messages as `RocketMQ` has them.
//!
//! A service hands a message over that nobody may read yet, carries out its local transaction, and
//! then says how that ended: committed, and the message is published, or rolled back, and it is
//! dropped. If it never says so, the broker asks back. In `RocketMQ` the two halves of this broker
//! are one: half messages stand in the topic `RMQ_SYS_TRANS_HALF_TOPIC` until an *op* message says
//! that they are decided (`TransactionalMessageServiceImpl`). Here they stand in a store of a
//! machine beside the log, which publishes by a producer client of its own.
//!
//! What differs: a check-back goes to the machine that the message is of and not to any member of
//! its producer group, the broker opens a connection for it, and the end of a local transaction is
//! answered, where `endTransactionOneway` is not.

use super::message::{Entry, HalfMessage, LocalEnd, LocalState, Message, Verdict};
use super::producer::ProducerClient;
use super::record::Record;
use super::site::Moment;
use super::store::{Isolation, Row, Store, TableId, Transaction, Write};
use crate::digest::Digest;
use crate::id::{FileId, MessageId, NodeId, Ticket, TimerId};
use crate::journal::Journals;
use crate::node::{Context, DiskError, Node, Planned, Seat, Work};
use crate::time::{Instant, Span};
pub use policy::{HalfPolicy, ImmunityBy, LocalPolicy, RunningAnswer};
use std::collections::{BTreeMap, VecDeque};

mod policy;

/// File 0 would be the producer client's journal.
const STORE: FileId = FileId(1);
/// A row a half message: its version says where it stands, its payload is the routing key.
const HALVES: TableId = TableId(0);
/// A row a half message, whose version is the time of its birth.
const BIRTHS: TableId = TableId(1);
/// How long the broker is down after its disk has failed it.
const DISK_FAILED: Span = Span::millis(10);
/// How long a fenced broker is down: its next incarnation has a higher epoch.
const FENCED: Span = Span::millis(10);

/// Where a half message stands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Stand {
    /// The broker has asked so many times what is to become of it.
    Undecided { asked: u32 },
    /// As before, but the broker does not ask any more.
    Overlooked,
    /// It is to be published.
    Committed,
    /// The log has it.
    Published,
    /// It is dropped, as its service has said.
    RolledBack,
    /// It is dropped, as nobody has said anything.
    Discarded,
}

/// A broker of half messages.
#[derive(Clone, Debug)]
pub struct HalfBroker {
    policy: HalfPolicy,
    store: Store,
    producer: ProducerClient,
    /// What is looked at in each round, by message, and since when.
    line: BTreeMap<u64, Instant>,
    /// Whether a round is to come.
    is_due: bool,
    /// What the first reading of this round took for immune.
    immune: Vec<u64>,
    /// What is said once all before the mark is durable.
    answers: VecDeque<(u64, NodeId, HalfMessage)>,
    /// What is published once all before the mark is durable.
    outgoing: VecDeque<Outgoing>,
}

/// A committed message on its way.
#[derive(Copy, Clone, Debug)]
struct Outgoing {
    mark: u64,
    message: MessageId,
    key: u64,
    /// An earlier process may have sent it.
    again: bool,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Stand {
    const fn word(self) -> u64 {
        match self {
            Self::Undecided { asked } => (asked as u64) << 8,
            Self::Overlooked => 1,
            Self::Committed => 2,
            Self::Published => 3,
            Self::RolledBack => 4,
            Self::Discarded => 5,
        }
    }

    const fn from_word(word: u64) -> Self {
        match word & 0xff {
            0 => Self::Undecided { asked: (word >> 8) as u32 },
            1 => Self::Overlooked,
            2 => Self::Committed,
            3 => Self::Published,
            4 => Self::RolledBack,
            _ => Self::Discarded,
        }
    }
}

impl HalfBroker {
    /// The broker as a boot finds its disk.
    pub fn boot(policy: HalfPolicy, seat: &Seat<'_>, disk: Journals<'_, Record>) -> Self {
        let producer = ProducerClient::boot(policy.producer, TimerId(0), seat, disk).of_letters();
        Self {
            policy,
            store: Store::open(STORE, Isolation::Serializable, disk),
            producer,
            line: BTreeMap::new(),
            is_due: false,
            immune: Vec::new(),
            answers: VecDeque::new(),
            outgoing: VecDeque::new(),
        }
    }

    /// Fires when the next round is due.
    fn round(&self) -> TimerId {
        TimerId(self.producer.timers())
    }

    /// Fires when what is immune is looked at for the second time in a round.
    fn second_look(&self) -> TimerId {
        TimerId(self.producer.timers() + 1)
    }

    /// Takes up what an earlier process has left. How old an undecided half message is nobody
    /// knows but by wall clocks: it is as if it had come now.
    fn resume(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now();
        for (word, row) in self.store.rows(HALVES) {
            match Stand::from_word(row.version) {
                Stand::Undecided { .. } => _ = self.line.insert(word, now),
                Stand::Committed => {
                    Moment::LetterRepublished.note(ctx);
                    let Row { message, payload: key, .. } = row;
                    self.outgoing.push_back(Outgoing { mark: 0, message, key, again: true });
                }
                _ => {}
            }
        }
        self.await_round(ctx);
    }

    fn stand(&self, message: MessageId) -> Option<(Stand, u64)> {
        let row = self.store.look(HALVES, message.word()).row?;
        Some((Stand::from_word(row.version), row.payload))
    }

    fn write(&mut self, message: MessageId, key: u64, stand: Stand, ctx: &mut Ctx<'_>) {
        let row = Row { message, version: stand.word(), payload: key };
        let change = Write::Upsert { table: HALVES, key: message.word(), row };
        self.store.commit(&Transaction::default().write(change), ctx);
    }

    /// Takes a half message over, unless it has it. One that was dropped is a new one: its service
    /// would not send it again if its local transaction were over.
    fn prepare(&mut self, from: NodeId, entry: &Entry, born: Instant, ctx: &mut Ctx<'_>) {
        if !entry.is_sound() {
            Moment::CorruptRefused.note(ctx);
            return;
        }
        let &Entry { message, key, .. } = entry;
        // It would be asked about where nobody knows it.
        if message.planned().is_some_and(|(service, _)| service != from) {
            return;
        }
        let is_known =
            !matches!(self.stand(message), None | Some((Stand::RolledBack | Stand::Discarded, _)));
        if !is_known {
            let table = (HALVES, Stand::Undecided { asked: 0 }.word());
            let change = [table, (BIRTHS, born.nanos())].into_iter().fold(
                Transaction::default(),
                |change, (table, version)| {
                    let row = Row { message, version, payload: key };
                    change.write(Write::Upsert { table, key: message.word(), row })
                },
            );
            self.store.commit(&change, ctx);
            self.line.insert(message.word(), ctx.now());
            self.await_round(ctx);
        }
        self.say(from, HalfMessage::Prepared { message }, ctx);
    }

    /// Answers once all that was written so far is durable.
    fn say(&mut self, to: NodeId, answer: HalfMessage, ctx: &mut Ctx<'_>) {
        let mark = self.store.flush(ctx);
        self.answers.push_back((mark, to, answer));
    }

    /// A local transaction has ended. Returns whether that is now decided, as it may have been
    /// before.
    fn decide(&mut self, message: MessageId, end: LocalEnd, ctx: &mut Ctx<'_>) -> bool {
        match (self.stand(message), end) {
            (Some((Stand::Undecided { .. } | Stand::Overlooked, key)), _) => {
                self.line.remove(&message.word());
                let stand = match end {
                    LocalEnd::Committed => Stand::Committed,
                    LocalEnd::RolledBack => Stand::RolledBack,
                };
                self.write(message, key, stand, ctx);
                let mark = self.store.flush(ctx);
                if end == LocalEnd::Committed {
                    self.outgoing.push_back(Outgoing { mark, message, key, again: false });
                }
                true
            }
            (Some((Stand::Committed | Stand::Published, _)), LocalEnd::Committed)
            | (Some((Stand::RolledBack | Stand::Discarded, _)), LocalEnd::RolledBack) => true,
            _ => false,
        }
    }

    /// Says and publishes what is durable.
    fn go_on(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(&(mark, to, answer)) = self.answers.front() {
            if !self.store.is_durable(mark) {
                break;
            }
            self.answers.pop_front();
            ctx.answer(to, Message::Half(answer));
        }
        while let Some(&Outgoing { mark, message, key, again }) = self.outgoing.front() {
            if !self.store.is_durable(mark) {
                break;
            }
            self.outgoing.pop_front();
            if again {
                let partition = self.producer.partition_of(message, key);
                self.producer.enqueue_again(partition, message, key);
            } else {
                let (node, at) = (ctx.node(), Span::ZERO);
                self.producer.enqueue(Planned { node, message, key, at });
            }
        }
        self.producer.send_due(ctx);
    }

    fn await_round(&mut self, ctx: &mut Ctx<'_>) {
        if !self.is_due && !self.line.is_empty() {
            self.is_due = true;
            ctx.set_timer(self.round(), self.policy.check, Work::Progress);
        }
    }

    /// How old a half message is in nanoseconds. It is below zero if it is yet to be born.
    fn age(&self, message: u64, since: Instant, ctx: &mut Ctx<'_>) -> i64 {
        let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
        match self.policy.immunity_by {
            ImmunityBy::OwnClockOnce | ImmunityBy::ComparedTwice => {
                signed(ctx.now().since(since).nanos())
            }
            ImmunityBy::BirthTime => {
                let born = self.store.look(BIRTHS, message).row.map_or(0, |row| row.version);
                signed(ctx.wall().nanos()) - signed(born)
            }
        }
    }

    /// Whether a half message of this age is too young to be asked about. By its birth one that is
    /// no older than now is not: its clock is ahead.
    fn is_immune(&self, age: i64) -> bool {
        let is_ahead = self.policy.immunity_by == ImmunityBy::BirthTime && age <= 0;
        !is_ahead && u64::try_from(age).is_ok_and(|age| age < self.policy.immunity.nanos())
    }

    /// Looks at everything that is undecided, and asks about what is old enough.
    fn look_round(&mut self, ctx: &mut Ctx<'_>) {
        self.is_due = false;
        let line: Vec<(u64, Instant)> = self.line.iter().map(|(&w, &since)| (w, since)).collect();
        for (word, since) in line {
            let message = MessageId::from_word(word);
            let Some((Stand::Undecided { asked }, key)) = self.stand(message) else { continue };
            let age = self.age(word, since, ctx);
            let is_aged = u64::try_from(age).is_ok_and(|age| age > self.policy.age_max.nanos());
            if is_aged || asked >= self.policy.check_max {
                Moment::HalfDiscarded.note(ctx);
                self.line.remove(&word);
                self.write(message, key, Stand::Discarded, ctx);
            } else if self.is_immune(age) {
                Moment::HalfImmune.note(ctx);
                if self.policy.immunity_by == ImmunityBy::ComparedTwice {
                    self.immune.push(word);
                }
            } else {
                Moment::HalfCheckedBack.note(ctx);
                self.write(message, key, Stand::Undecided { asked: asked + 1 }, ctx);
                if let Some((service, _)) = message.planned() {
                    ctx.send(service, Message::Half(HalfMessage::CheckBack { message }));
                }
            }
        }
        self.store.flush(ctx);
        if !self.immune.is_empty() {
            // The least time after which a clock can show another one: a tick of it.
            ctx.set_timer(self.second_look(), Span::NANO, Work::Progress);
        }
        self.await_round(ctx);
    }

    /// Puts back what is immune still; the rest of what was is not looked at again.
    fn look_again(&mut self, ctx: &mut Ctx<'_>) {
        for word in std::mem::take(&mut self.immune) {
            let Some(&since) = self.line.get(&word) else { continue };
            let message = MessageId::from_word(word);
            let age = self.age(word, since, ctx);
            if let Some((Stand::Undecided { .. }, key)) = self.stand(message)
                && !self.is_immune(age)
            {
                self.line.remove(&word);
                self.write(message, key, Stand::Overlooked, ctx);
            }
        }
        self.store.flush(ctx);
    }
}

impl Node for HalfBroker {
    type Message = Message;
    type Record = Record;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        if !self.store.start(ctx) {
            // A durable row is gone: to go on would be to drop what is committed.
            return ctx.exit();
        }
        self.producer.start(ctx);
        self.resume(ctx);
        self.go_on(ctx);
    }

    fn deliver(&mut self, from: NodeId, message: Message, ctx: &mut Ctx<'_>) {
        match message {
            Message::Produced { message: sent, verdict, .. } => {
                let was_flying = self.producer.deliver(&message, ctx);
                let is_there = matches!(verdict, Verdict::Stored { .. } | Verdict::Duplicate);
                if was_flying
                    && is_there
                    && let Some((Stand::Committed, key)) = self.stand(sent)
                {
                    // The row goes with the next flush: until then a boot publishes again.
                    self.write(sent, key, Stand::Published, ctx);
                }
                if self.producer.is_fenced() {
                    ctx.restart(FENCED);
                }
            }
            Message::Half(HalfMessage::Prepare { entry, born }) => {
                self.prepare(from, &entry, born, ctx);
            }
            Message::Half(HalfMessage::Resolve { message, end }) => {
                let accepted = self.decide(message, end, ctx);
                self.say(from, HalfMessage::Resolved { message, accepted }, ctx);
            }
            Message::Half(HalfMessage::CheckedBack { message, state }) => {
                if let LocalState::Ended(end) = state {
                    self.decide(message, end, ctx);
                }
            }
            _ => return,
        }
        self.go_on(ctx);
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        if timer == self.round() {
            self.look_round(ctx);
        } else if timer == self.second_look() {
            self.look_again(ctx);
        } else {
            self.producer.wake(timer, ctx);
        }
        self.go_on(ctx);
    }

    fn synced(&mut self, ticket: Ticket, result: Result<(), DiskError>, ctx: &mut Ctx<'_>) {
        match self.store.synced(ticket, result, ctx) {
            Ok(_) => self.go_on(ctx),
            // Memory holds rows that the disk never will: start over from the disk.
            Err(_) => ctx.restart(DISK_FAILED),
        }
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        self.producer.disconnected(peer, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        self.store.fingerprint(digest);
        self.producer.fingerprint(digest);
        digest.word((self.line.len() as u64) << 1 | u64::from(self.is_due));
        for (message, since) in &self.line {
            digest.word(*message).word(since.nanos());
        }
        digest.word(self.immune.len() as u64);
        self.immune.iter().for_each(|message| _ = digest.word(*message));
        digest.word(self.answers.len() as u64);
        for (mark, to, answer) in &self.answers {
            digest.word(*mark).word(to.0.into());
            answer.fingerprint(digest);
        }
        digest.word(self.outgoing.len() as u64);
        for Outgoing { mark, message, key, again } in &self.outgoing {
            digest.word(*mark << 1 | u64::from(*again)).word(message.word()).word(*key);
        }
    }
}

#[cfg(test)]
mod tests;
