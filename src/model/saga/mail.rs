//! The mail of a machine: the letters it reads, one after another, and those it writes.

use super::letter::Letter;
use super::outbox::{Outbox, Sent};
use super::{Answers, Ctx};
use crate::digest::Digest;
use crate::id::{FileId, MessageId, NodeId, PartitionId, Ticket, TimerId};
use crate::journal::Journals;
use crate::model::consumer::{ConsumerClient, FetchPolicy, Progress};
use crate::model::message::{Entry, Message, Verdict};
use crate::model::producer::{ProducerClient, ProducerPolicy};
use crate::model::record::Record;
use crate::model::site::Moment;
use crate::model::store::{Decision, Isolation, Row, Store, TableId, Transaction, Write};
use crate::node::{DiskError, Seat};
use crate::time::Span;
use std::collections::VecDeque;

/// How far each topic is read: a row a topic, whose version is the next offset. Table 1 is the
/// outbox.
const POSITIONS: TableId = TableId(0);
/// The only file of a machine: its store.
const STORE: FileId = FileId(0);
/// How long a machine is down after its disk has failed it.
const DISK_FAILED: Span = Span::millis(10);
/// How long a fenced machine is down: its next incarnation has a higher epoch.
const FENCED: Span = Span::millis(10);

/// The store of a machine, and its letters.
#[derive(Clone, Debug)]
pub(super) struct Mail {
    pub(super) store: Store,
    answers: Answers,
    steps: u8,
    producer: ProducerClient,
    outbox: Outbox,
    reader: ConsumerClient,
    lanes: Vec<Lane>,
}

/// What was read of a topic.
#[derive(Clone, Debug, Default)]
struct Lane {
    /// What is still to be handled.
    entries: VecDeque<Entry>,
    /// The offset of the first of them, or of the next one to read.
    next: u64,
    /// Nothing more is asked for until all before this mark is durable.
    held: Option<u64>,
}

/// Who reads which topics, and how.
#[derive(Copy, Clone, Debug)]
pub(super) struct MailPolicy<'a> {
    pub(super) steps: u8,
    pub(super) answers: Answers,
    pub(super) producer: ProducerPolicy,
    pub(super) fetch: FetchPolicy,
    pub(super) reads: &'a [PartitionId],
}

impl Mail {
    /// The mail as a boot finds the machine's disk. Its timers count from 0.
    pub(super) fn open(
        policy: &MailPolicy<'_>,
        seat: &Seat<'_>,
        disk: Journals<'_, Record>,
    ) -> Self {
        let producer = ProducerClient::boot(policy.producer, TimerId(0), seat, disk).of_letters();
        let store = Store::open(STORE, Isolation::Serializable, disk);
        let (topics, timer) = (policy.reads.iter().copied(), TimerId(producer.timers()));
        Self {
            answers: policy.answers,
            steps: policy.steps,
            outbox: Outbox::open(&store),
            store,
            producer,
            reader: ConsumerClient::new(policy.fetch, topics, timer, seat.incarnation),
            lanes: vec![Lane::default(); policy.reads.len()],
        }
    }

    /// How many timers it uses.
    pub(super) fn timers(&self) -> u8 {
        self.producer.timers() + self.reader.timers()
    }

    /// Begins to publish and to read. Returns whether the store can be used; if it cannot, the
    /// machine stays down.
    pub(super) fn start(&mut self, ctx: &mut Ctx<'_>) -> bool {
        if !self.store.start(ctx) {
            // A durable row is gone: to go on would be to take a step again, or to forget one.
            ctx.exit();
            return false;
        }
        if !self.outbox.is_empty() {
            Moment::LetterRepublished.note(ctx);
        }
        self.producer.start(ctx);
        self.post_due(ctx);
        for (place, lane) in self.lanes.iter_mut().enumerate() {
            let topic = u64::from(self.reader.partition(place).0);
            let position = self.store.look(POSITIONS, topic).row;
            if position.is_some() {
                Moment::Resumed.note(ctx);
            }
            lane.next = position.map_or(0, |row| row.version);
            self.reader.poll(place, lane.next, ctx);
        }
        true
    }

    /// Handles a message. Returns the lane in which there is something to handle now.
    pub(super) fn deliver(&mut self, message: Message, ctx: &mut Ctx<'_>) -> Option<usize> {
        if let Message::Produced { message: letter, verdict, .. } = message {
            let was_flying = self.producer.deliver(&message, ctx);
            if was_flying && matches!(verdict, Verdict::Stored { .. } | Verdict::Duplicate) {
                self.arrived(letter, ctx);
            }
            if self.producer.is_fenced() {
                ctx.restart(FENCED);
            }
            return None;
        }
        let handed = self.reader.deliver(message, ctx);
        let Progress::Handed { lane, base, entries, .. } = handed else { return None };
        self.lanes[lane].next = base;
        self.lanes[lane].entries.extend(entries);
        Some(lane)
    }

    /// What is to be handled next in a lane.
    pub(super) fn front(&self, lane: usize) -> Option<Entry> {
        self.lanes[lane].entries.front().copied()
    }

    /// What was in front is handled: that is `transaction` and `letters`, and they are committed
    /// together with the position.
    pub(super) fn settle(
        &mut self,
        lane: usize,
        transaction: Transaction,
        letters: &[Letter],
        ctx: &mut Ctx<'_>,
    ) {
        let key = u64::from(self.reader.partition(lane).0);
        let one = &mut self.lanes[lane];
        let Some(Entry { message, .. }) = one.entries.pop_front() else { return };
        one.next += 1;
        let row = Row { message, version: one.next, payload: 0 };
        let moved = Write::Upsert { table: POSITIONS, key, row };
        let mark = self.commit(transaction.write(moved), letters, ctx);
        self.lanes[lane].held = Some(mark);
        self.go_on(ctx);
    }

    /// Commits `transaction` together with `letters`, which are published when they are durable.
    /// Returns the mark of the commit.
    pub(super) fn commit(
        &mut self,
        mut transaction: Transaction,
        letters: &[Letter],
        ctx: &mut Ctx<'_>,
    ) -> u64 {
        let rows =
            (self.answers == Answers::Outbox).then(|| self.outbox.enter(letters, &mut transaction));
        let decision = self.store.commit(&transaction, ctx);
        debug_assert!(
            matches!(decision, Decision::Committed { .. }),
            "nobody else writes to this store: {decision:?}"
        );
        let mark = self.store.flush(ctx);
        self.outbox.stage(letters, rows, mark);
        mark
    }

    /// Publishes what is durable, and reads on where all that was read is handled and durable.
    pub(super) fn go_on(&mut self, ctx: &mut Ctx<'_>) {
        self.post_due(ctx);
        for (place, lane) in self.lanes.iter_mut().enumerate() {
            let held = lane.held.filter(|_| lane.entries.is_empty());
            if held.is_some_and(|mark| self.store.is_durable(mark)) {
                lane.held = None;
                self.reader.poll(place, lane.next, ctx);
            }
        }
    }

    /// Handles a timer. Returns whether it was one of the mail's.
    pub(super) fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) -> bool {
        self.producer.wake(timer, ctx) || self.reader.wake(timer, ctx)
    }

    /// Handles the end of a sync.
    pub(super) fn synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Ctx<'_>,
    ) {
        match self.store.synced(ticket, result, ctx) {
            Ok(_) => self.go_on(ctx),
            // Memory holds rows that the disk never will: start over from the disk.
            Err(_) => ctx.restart(DISK_FAILED),
        }
    }

    /// A connection is gone.
    pub(super) fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        self.producer.disconnected(peer, ctx);
        self.reader.disconnected(peer, ctx);
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        self.store.fingerprint(digest);
        self.producer.fingerprint(digest);
        self.outbox.fingerprint(digest);
        self.reader.fingerprint(digest);
        for Lane { entries, next, held } in &self.lanes {
            digest.word(entries.len() as u64).word(*next).word(held.unwrap_or(u64::MAX));
            for entry in entries {
                entry.fingerprint(digest);
            }
        }
    }

    fn post_due(&mut self, ctx: &mut Ctx<'_>) {
        while let Some((letter, sent)) = self.outbox.take(&self.store) {
            let (topic, posted) = (letter.topic(self.steps), letter.posted());
            match sent {
                Sent::Never => self.producer.enqueue_to(topic, posted),
                Sent::Perhaps => self.producer.enqueue_again(topic, posted.message, posted.key),
            }
        }
        self.producer.send_due(ctx);
    }

    /// The log has a letter. Its row goes with the next flush: until then a boot publishes it
    /// again.
    fn arrived(&mut self, letter: MessageId, ctx: &mut Ctx<'_>) {
        if let Some(delete) = self.outbox.arrived(letter) {
            self.store.commit(&Transaction::default().write(delete), ctx);
        }
    }
}
