//! A bench for services and participants: what they read and write, letter by letter.

use super::letter::{ACTS, Act, Letter};
use super::*;
use crate::choice::{Actor, Choice, Key, Site};
use crate::history::Event;
use crate::id::{FileId, GroupId, NodeId, TimerId};
use crate::journal::Journals;
use crate::model::bench::{Bench, PRODUCER};
use crate::model::broker::Verify;
use crate::model::consumer::CommitPolicy;
use crate::model::message::{Entry, Reading, Verdict};
use crate::model::producer::{OnTimeout, body_of};
use crate::model::site::Moment;
use crate::node::{DiskError, Node, Planned, Seat};
use crate::seed::Seed;
use std::collections::BTreeMap;

mod orders;
mod participants;

const STEPS: u8 = 3;
const SINKS: SagaSinks = SagaSinks { steps: STEPS };
const TIMEOUT: Span = Span::millis(60);

fn policy(style: SagaStyle) -> SagaPolicy {
    let (broker, timeout, on_timeout) = (NodeId(0), Span::millis(50), OnTimeout::Resend);
    let (partitions, attempts) = (SagaPolicy::topics(STEPS), u16::MAX);
    let producer = ProducerPolicy { partitions, attempts, ..PRODUCER };
    let (commit, checksum) = (CommitPolicy::Answered, Verify::Verify);
    let (group, batch, wait_max) = (GroupId(0), 10, Span::ZERO);
    SagaPolicy {
        style,
        steps: STEPS,
        timeout: Some(TIMEOUT),
        refusing: Ratio::new(1, 9).unwrap(),
        failing: Ratio::new(1, 9).unwrap(),
        backoff: Span::millis(10),
        tombstone: Tombstone::default(),
        steps_are: StepsAre::default(),
        compensation: Compensation::default(),
        decision: Decisions::default(),
        answer: Answers::default(),
        producer,
        fetch: FetchPolicy {
            broker,
            group,
            batch,
            timeout,
            wait_max,
            commit,
            on_timeout,
            checksum,
        },
    }
}

/// An order of the service on machine 1.
fn order(number: u32) -> MessageId {
    MessageId::new(NodeId(1), number)
}

fn letter(number: u32, step: u8, act: Act) -> Letter {
    Letter { order: order(number), step, act }
}

/// A machine on a bench, and the log in front of it.
struct Trial<N> {
    bench: Bench,
    node: N,
    boot: fn(SagaPolicy, &Seat<'_>, Journals<'_, Record>) -> N,
    /// The request and the offset that were asked for last, by topic.
    asked: BTreeMap<u16, (u64, u64)>,
}

impl<N: Node<Message = Message, Record = Record>> Trial<N> {
    fn new(
        mut bench: Bench,
        policy: SagaPolicy,
        boot: fn(SagaPolicy, &Seat<'_>, Journals<'_, Record>) -> N,
    ) -> Self {
        let node = bench.boot(|seat, disk| boot(policy, seat, disk));
        Self { bench, node, boot, asked: BTreeMap::new() }
    }

    /// The letters that were published since it was last asked, each as number, step and act.
    fn posted(&mut self) -> Vec<(u32, u8, Act)> {
        let mut letters = Vec::new();
        for message in self.bench.take_sent() {
            match message {
                Message::Fetch { request, partition, offset, .. } => {
                    self.asked.insert(partition.0, (request, offset));
                }
                Message::Produce { partition, produce, .. } => {
                    let letter = Letter::read(&produce.entry, 0..STEPS, &ACTS).unwrap();
                    assert_eq!(partition, letter.topic(STEPS));
                    let (_, number) = letter.order.planned().unwrap();
                    letters.push((number, letter.step, letter.act));
                }
                _ => {}
            }
        }
        letters
    }

    /// Hands letters to it that stand in one topic, and tells what it publishes then.
    fn hand(&mut self, letters: &[Letter]) -> Vec<(u32, u8, Act)> {
        let mut posted = self.posted();
        let partition = letters[0].topic(STEPS);
        let (request, base) = self.asked.remove(&partition.0).expect("it reads the topic");
        let entries = letters.iter().map(|letter| {
            let Planned { message, key, .. } = letter.posted();
            Entry::new(message, key, self.bench.desk.blobs.put(&body_of(message)))
        });
        let reading = Reading::Entries(entries.collect());
        let found = Message::Fetched { request, partition, base, reading };
        self.bench.with(|ctx| self.node.deliver(NodeId(0), found, ctx));
        posted.extend(self.posted());
        posted
    }

    /// The log has a letter.
    fn stored(&mut self, letter: Letter) {
        let (message, partition) = (letter.message(), letter.topic(STEPS));
        let produced = Message::Produced { message, partition, verdict: Verdict::Duplicate };
        self.bench.with(|ctx| self.node.deliver(NodeId(0), produced, ctx));
    }

    /// Ends the sync under way, and tells what is published then.
    fn sync(&mut self) -> Vec<(u32, u8, Act)> {
        let sent = self.bench.end_sync(&mut self.node, Ok::<(), DiskError>(()));
        self.bench.sent.extend(sent.into_iter().map(|message| (None, message)));
        self.posted()
    }

    /// Lets a timer fire that is set, and tells what is published then.
    fn fire(&mut self, timer: u8) -> Vec<(u32, u8, Act)> {
        let set = self.bench.timers.iter().rposition(|(set, _)| set.0 == timer).unwrap();
        let (_, after) = self.bench.timers[set];
        self.bench.timers.retain(|(set, _)| set.0 != timer);
        self.bench.now += after;
        self.bench.with(|ctx| self.node.wake(TimerId(timer), ctx));
        self.posted()
    }

    /// The machine starts over from what its disk has; how it behaves is the same. Tells what is
    /// published then.
    fn crash(&mut self, policy: SagaPolicy) -> Vec<(u32, u8, Act)> {
        self.bench.take_sent();
        self.bench.crash(None);
        self.asked.clear();
        let boot = self.boot;
        self.node = self.bench.boot(|seat, disk| boot(policy, seat, disk));
        self.posted()
    }

    /// Decides that the `occurrence`-th choice at `site` of this incarnation is not the quiet one.
    fn choose(&mut self, site: u8, occurrence: u32) {
        let actor = Actor::Node(self.bench.station.node, self.bench.station.incarnation);
        let key = Key::new(Site::Node, actor, site, occurrence);
        let choice = [(key, Choice::Value(1))];
        self.bench.desk.decider.reset(Seed(0), false, choice.into_iter(), false);
    }

    /// The sinks of all effects on its disk, in their order.
    fn effects(&self) -> Vec<SinkId> {
        let mut effects = Vec::new();
        let records = Journals::new(&self.bench.files);
        records.intact(FileId(0)).for_each(|record| record.effects(&mut effects));
        effects.into_iter().map(|effect| effect.sink).collect()
    }

    fn fingerprint(&self) -> u64 {
        let mut digest = crate::digest::Digest::new();
        self.node.fingerprint(&mut digest);
        digest.value()
    }
}
