use super::*;
use crate::id::SinkId;
use crate::model::bench::Bench;
use crate::model::consumer::tests::{boot, entries, policy, serve};
use crate::model::consumer::{Apply, HandlingPolicy, Settle};
use crate::model::database_server::{DatabaseServer, SessionPolicy};
use crate::model::external::{CallPolicy, External, ExternalPolicy, KeyPolicy, Keys};
use crate::model::message::{DatabaseMessage, Entry, ExternalMessage};
use crate::model::store::Isolation;
use crate::node::Node;
use crate::time::Span;

const SERVER: NodeId = NodeId(9);

/// A consumer and the machine that its effects land on, each on a bench of its own.
struct Pair<S> {
    bench: Bench,
    consumer: Consumer,
    policy: ConsumerPolicy,
    other: Bench,
    server: S,
    log: Vec<Entry>,
    /// How many answers to what changes something are lost from here on.
    lost: usize,
    commits: Vec<u64>,
}

impl<S: Node<Message = Message, Record = crate::model::Record>> Pair<S> {
    fn new(policy: ConsumerPolicy, server: impl FnOnce(&mut Bench) -> S, messages: u32) -> Self {
        let mut bench = Bench::machine(1);
        let log = entries(&mut bench, 0..messages);
        let mut other = Bench::machine(SERVER.0).write_through();
        let server = server(&mut other);
        let consumer = boot(&mut bench, policy);
        let commits = Vec::new();
        Self { bench, consumer, policy, other, server, log, lost: 0, commits }
    }

    fn restart(&mut self) {
        self.bench.crash(Some(u32::MAX));
        self.bench.timers.clear();
        self.consumer = boot(&mut self.bench, self.policy);
    }

    /// Lets everything happen that can, the timers of waits for answers last.
    fn live(&mut self) {
        loop {
            self.commits.extend(serve(&mut self.bench, &mut self.consumer, &self.log, 0));
            for message in self.bench.take_sent() {
                for answer in self.other.deliver(&mut self.server, 1, message) {
                    self.answer(answer);
                }
            }
            let sent = if self.bench.sent.is_empty() { self.wait() } else { Some(Vec::new()) };
            let Some(sent) = sent else { return };
            self.bench.sent.extend(sent.into_iter().map(|message| (None, message)));
        }
    }

    fn answer(&mut self, answer: Message) {
        let changes = matches!(
            answer,
            Message::Database(DatabaseMessage::Transacted { .. })
                | Message::External(ExternalMessage::Called { .. })
        );
        if changes && self.lost > 0 {
            self.lost -= 1;
            return;
        }
        let sent = self.bench.deliver(&mut self.consumer, SERVER.0, answer);
        self.bench.sent.extend(sent.into_iter().map(|message| (None, message)));
    }

    /// Ends a sync, or fires the next timer that is not the broker client's.
    fn wait(&mut self) -> Option<Vec<Message>> {
        if !self.bench.syncs.is_empty() {
            return Some(self.bench.end_sync(&mut self.consumer, Ok(())));
        }
        let own = self.consumer.client.timers();
        let timers = self.bench.timers.iter().enumerate().filter(|(_, (timer, _))| timer.0 >= own);
        let (place, _) = timers.min_by_key(|(_, (_, after))| *after)?;
        let (timer, after) = self.bench.timers.remove(place);
        self.bench.now += after;
        Some(self.bench.wake(&mut self.consumer, timer.0))
    }

    /// How many effects the other machine has.
    fn effects(&self) -> usize {
        let mut effects = Vec::new();
        for (_, stored) in self.other.files.iter().flat_map(crate::journal::Journal::records) {
            stored.intact().into_iter().for_each(|record| record.effects(&mut effects));
        }
        effects.len()
    }
}

fn database(isolation: Isolation) -> impl FnOnce(&mut Bench) -> DatabaseServer {
    move |bench| bench.boot(|_, disk| DatabaseServer::boot(isolation, disk))
}

fn shared(settle: Settle, dedup: Dedup) -> ConsumerPolicy {
    let session = SessionPolicy { server: SERVER, timeout: Span::millis(150) };
    ConsumerPolicy {
        apply: Apply::Database,
        target: Target::Database(session),
        ..policy(settle, dedup)
    }
}

/// How often a message takes effect in a database whose answer to the commit is lost.
#[track_caller]
fn check_lost_answer(settle: Settle, dedup: Dedup, applied: usize) {
    let serializable = database(Isolation::Serializable);
    let mut pair = Pair::new(shared(settle, dedup), serializable, 1);
    pair.lost = 1;
    pair.live();
    assert_eq!(pair.effects(), applied, "{settle:?} {dedup:?}");
    assert_eq!(pair.bench.reached(Moment::CommitUnknown.site()), 1);
    assert!(pair.bench.timers.iter().all(|(timer, _)| timer.0 < 2), "it waits for nothing");
}

#[test]
fn who_has_no_answer_to_a_commit_asks_again_and_a_row_tells() {
    for settle in [Settle::After, Settle::Atomic] {
        check_lost_answer(settle, Dedup::Inbox, 1);
        check_lost_answer(settle, Dedup::Checked, 1);
        check_lost_answer(settle, Dedup::InboxBeforeEffect, 0);
    }
    check_lost_answer(Settle::After, Dedup::InboxAfterEffect, 2);
    check_lost_answer(Settle::After, Dedup::None, 2);
    check_lost_answer(Settle::Atomic, Dedup::None, 1);
}

/// How often a message takes effect that stands in both partitions, each of whose lanes has looked
/// before either has committed.
#[track_caller]
fn check_isolation(isolation: Isolation, dedup: Dedup, applied: usize) {
    let handling = HandlingPolicy { work: Span::millis(5), ..HandlingPolicy::SMOOTH };
    let policy = ConsumerPolicy { handling, partitions: 2, ..shared(Settle::After, dedup) };
    let mut pair = Pair::new(policy, database(isolation), 1);
    pair.live();
    assert_eq!((pair.effects(), &pair.commits[..]), (applied, &[1, 1][..]), "{isolation:?}");
}

#[test]
fn a_check_before_an_insert_needs_a_unique_key_or_a_serializable_database() {
    check_isolation(Isolation::ReadCommitted, Dedup::Checked, 2);
    check_isolation(Isolation::Serializable, Dedup::Checked, 1);
    check_isolation(Isolation::ReadCommitted, Dedup::Inbox, 1);
    check_isolation(Isolation::Serializable, Dedup::Inbox, 1);
}

#[test]
fn a_position_in_the_database_is_where_the_next_incarnation_starts() {
    let policy = shared(Settle::Atomic, Dedup::None);
    let mut pair = Pair::new(policy, database(Isolation::Serializable), 3);
    pair.live();
    let (group, partition) = (policy.fetch.group, PartitionId(0));
    for offset in 1..=3 {
        assert!(pair.bench.events.contains(&Event::CommitInvoke { group, partition, offset }));
        assert!(pair.bench.events.contains(&Event::CommitOk { group, partition, offset }));
    }
    pair.restart();
    pair.live();
    assert_eq!((pair.effects(), pair.commits.len()), (3, 0));
    assert_eq!(pair.bench.reached(Moment::Resumed.site()), 1);
}

#[test]
fn a_dead_letter_in_the_database_is_found_there() {
    let handling = HandlingPolicy {
        poison: Some(1),
        on_failure: OnFailure::Park,
        backoff: Span::millis(10),
        dead_letters: SinkId(7),
        ..HandlingPolicy::SMOOTH
    };
    let policy = ConsumerPolicy { handling, ..shared(Settle::After, Dedup::Inbox) };
    let mut pair = Pair::new(policy, database(Isolation::Serializable), 2);
    pair.live();
    pair.restart();
    pair.live();
    assert_eq!((pair.effects(), &pair.commits[..]), (2, &[2, 2][..]));
}

/// How often a payment is made of which so many answers are lost.
#[track_caller]
fn check_payment(key: KeyPolicy, lost: usize, applied: usize) {
    let call = CallPolicy {
        server: SERVER,
        key,
        timeout: Span::millis(150),
        backoff: Span::millis(10),
        attempts: 3,
    };
    let handling = HandlingPolicy { backoff: Span::millis(10), ..HandlingPolicy::SMOOTH };
    let policy = ConsumerPolicy {
        apply: Apply::External,
        target: Target::External(call),
        handling,
        ..policy(Settle::After, Dedup::None)
    };
    let system =
        ExternalPolicy { sink: SinkId(1), keys: Keys::Honoured, retention: Span::secs(9_999) };
    let mut pair = Pair::new(policy, |bench| bench.boot(|_, disk| External::boot(system, disk)), 1);
    pair.lost = lost;
    pair.live();
    assert_eq!((pair.effects(), &pair.commits[..]), (applied, &[1][..]), "{key:?}, {lost}");
    let failed = pair.bench.reached(Moment::HandlingFailed.site());
    assert_eq!(failed, lost as u32 / 3, "three calls without an answer are a failure");
}

#[test]
fn a_payment_is_settled_once_it_is_answered_and_its_key_keeps_it_from_being_made_twice() {
    for lost in [0, 1, 2, 4] {
        check_payment(KeyPolicy::Message, lost, 1);
        check_payment(KeyPolicy::Attempt, lost, 1 + lost);
        check_payment(KeyPolicy::None, lost, 1 + lost);
    }
}
