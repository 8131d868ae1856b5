//! The broker of half messages: what it says and publishes, moment by moment.

use super::*;
use crate::id::PartitionId;
use crate::model::bench::{Bench, PRODUCER};
use crate::model::message::Refusal;
use crate::model::producer::body_of;
use LocalEnd::{Committed, RolledBack};

/// The service whose half messages they are.
const SERVICE: u16 = 1;
const ROUND: u8 = 2;
const SECOND_LOOK: u8 = 3;

fn policy() -> HalfPolicy {
    HalfPolicy {
        producer: PRODUCER,
        check: Span::millis(15),
        immunity: Span::millis(60),
        immunity_by: ImmunityBy::OwnClockOnce,
        check_max: 3,
        age_max: Span::secs(2),
    }
}

fn id(number: u32) -> MessageId {
    MessageId::new(NodeId(SERVICE), number)
}

/// What a broker sends, in short.
fn short(message: &Message) -> String {
    let number = |message: &MessageId| message.planned().expect("a message of the service").1;
    match message {
        Message::Half(HalfMessage::Prepared { message }) => {
            format!("prepared {}", number(message))
        }
        Message::Half(HalfMessage::Resolved { message, accepted }) => {
            format!("{} {}", if *accepted { "agreed" } else { "refused" }, number(message))
        }
        Message::Half(HalfMessage::CheckBack { message }) => format!("asks {}", number(message)),
        Message::Produce { produce, .. } => format!("publishes {}", number(&produce.entry.message)),
        other => format!("{other:?}"),
    }
}

struct Trial {
    bench: Bench,
    broker: HalfBroker,
}

impl Trial {
    fn new(policy: HalfPolicy) -> Self {
        let mut bench = Bench::machine(9);
        let broker = bench.boot(|seat, disk| HalfBroker::boot(policy, seat, disk));
        Self { bench, broker }
    }

    fn told(&mut self, message: HalfMessage) -> Vec<String> {
        let sent = self.bench.deliver(&mut self.broker, SERVICE, Message::Half(message));
        sent.iter().map(short).collect()
    }

    /// What is said at once, and once all is on the disk.
    fn synced(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        while !self.bench.syncs.is_empty() {
            sent.append(&mut self.bench.end_sync(&mut self.broker, Ok(())));
        }
        sent.iter().map(short).collect()
    }

    fn half(&mut self, number: u32, born: Instant) -> HalfMessage {
        let body = self.bench.desk.blobs.put(&body_of(id(number)));
        HalfMessage::Prepare { entry: Entry::new(id(number), 0, body), born }
    }

    /// A half message is taken over.
    fn prepare(&mut self, number: u32) {
        let half = self.half(number, self.bench.now);
        let mut said = self.told(half);
        said.append(&mut self.synced());
        assert_eq!(said, [format!("prepared {number}")]);
    }

    fn resolve(&mut self, number: u32, end: LocalEnd) -> Vec<String> {
        let mut said = self.told(HalfMessage::Resolve { message: id(number), end });
        said.append(&mut self.synced());
        said
    }

    fn answer(&mut self, number: u32, state: LocalState) -> Vec<String> {
        let mut said = self.told(HalfMessage::CheckedBack { message: id(number), state });
        said.append(&mut self.synced());
        said
    }

    /// The log has a message.
    fn stored(&mut self, number: u32) {
        let verdict = Verdict::Stored { offset: number.into() };
        let stored = Message::Produced { message: id(number), partition: PartitionId(0), verdict };
        self.bench.deliver(&mut self.broker, 0, stored);
    }

    /// The next round, so much later.
    fn round(&mut self, later: Span) -> Vec<String> {
        self.bench.now += later;
        assert!(self.bench.timers.iter().any(|(timer, _)| *timer == TimerId(ROUND)), "none is due");
        self.bench.timers.retain(|(timer, _)| *timer != TimerId(ROUND));
        let sent = self.bench.wake(&mut self.broker, ROUND);
        self.synced();
        sent.iter().map(short).collect()
    }

    /// The process dies and boots again.
    fn crash(&mut self, undone: Option<u32>) -> Vec<String> {
        self.bench.crash(undone);
        self.bench.timers.clear();
        self.bench.take_sent();
        let policy = self.broker.policy;
        self.broker = self.bench.boot(|seat, disk| HalfBroker::boot(policy, seat, disk));
        let mut sent: Vec<String> = self.bench.take_sent().iter().map(short).collect();
        sent.append(&mut self.synced());
        sent
    }

    fn digest(&self) -> u64 {
        let mut digest = Digest::new();
        self.broker.fingerprint(&mut digest);
        digest.value()
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_half_message_of_another_service_is_not_taken_over() {
    let mut trial = Trial::new(policy());
    let body = trial.bench.desk.blobs.put(b"a body");
    let entry = Entry::new(MessageId::new(NodeId(SERVICE + 1), 0), 0, body);
    let before = trial.digest();
    let mut said = trial.told(HalfMessage::Prepare { entry, born: trial.bench.now });
    said.append(&mut trial.synced());
    assert_eq!((said.is_empty(), trial.digest()), (true, before));
}

#[test]
fn what_is_committed_is_published_once_that_is_durable_and_nothing_else_is() {
    let mut trial = Trial::new(policy());
    trial.prepare(0);
    trial.prepare(1);
    let commit = HalfMessage::Resolve { message: id(0), end: Committed };
    assert_eq!(trial.told(commit), NOTHING);
    assert_eq!(trial.synced(), ["agreed 0", "publishes 0"]);
    assert_eq!(trial.resolve(1, RolledBack), ["agreed 1"]);
    // Nothing is undecided, so nobody looks any more.
    trial.bench.timers.retain(|(timer, _)| *timer != TimerId(ROUND));
    let sent = trial.bench.wake(&mut trial.broker, ROUND);
    assert_eq!((sent.len(), trial.broker.is_due), (0, false));
}

#[test]
fn who_comes_first_decides() {
    for (first, second, told) in [
        (Committed, Committed, "agreed 0"),
        (Committed, RolledBack, "refused 0"),
        (RolledBack, RolledBack, "agreed 0"),
        (RolledBack, Committed, "refused 0"),
    ] {
        let mut trial = Trial::new(policy());
        trial.prepare(0);
        trial.resolve(0, first);
        assert_eq!(trial.resolve(0, second), [told], "{first:?} {second:?}");
        assert_eq!(trial.answer(0, LocalState::Ended(second)), NOTHING);
    }
    let mut trial = Trial::new(policy());
    assert_eq!(trial.resolve(7, Committed), ["refused 7"]);
}

#[test]
fn a_half_message_that_comes_twice_is_one_and_one_that_was_dropped_may_come_again() {
    let mut trial = Trial::new(policy());
    let half = trial.half(0, Instant::START);
    assert_eq!(trial.told(half), NOTHING);
    assert_eq!(trial.synced(), ["prepared 0"]);
    // It is durable, so that is said at once.
    assert_eq!(trial.told(half), ["prepared 0"]);
    trial.resolve(0, Committed);
    trial.prepare(0);
    assert_eq!(trial.resolve(0, Committed), ["agreed 0"]);

    let mut trial = Trial::new(policy());
    trial.prepare(0);
    trial.resolve(0, RolledBack);
    trial.prepare(0);
    assert_eq!(trial.resolve(0, Committed), ["agreed 0", "publishes 0"]);
}

#[test]
fn what_was_damaged_on_its_way_is_not_taken_over() {
    let mut trial = Trial::new(policy());
    let mut half = Message::Half(trial.half(0, Instant::START));
    assert!(crate::node::Message::corrupt(&mut half, 3, &mut trial.bench.desk.blobs));
    assert_eq!(trial.bench.deliver(&mut trial.broker, SERVICE, half), []);
    assert_eq!(trial.synced(), NOTHING);
    assert_eq!(trial.bench.reached(Moment::CorruptRefused.site()), 1);
}

#[test]
fn what_is_old_enough_is_asked_about_until_that_was_often_enough() {
    let mut trial = Trial::new(policy());
    trial.prepare(0);
    assert_eq!(trial.round(Span::millis(15)), NOTHING);
    assert_eq!(trial.round(Span::millis(44)), NOTHING);
    for _ in 0..3 {
        assert_eq!(trial.round(Span::millis(1)), ["asks 0"]);
        assert_eq!(trial.answer(0, LocalState::Running), NOTHING);
    }
    assert_eq!(trial.round(Span::millis(1)), NOTHING);
    assert_eq!(trial.bench.reached(Moment::HalfDiscarded.site()), 1);
    assert_eq!(trial.resolve(0, Committed), ["refused 0"]);
    assert_eq!(trial.resolve(0, RolledBack), ["agreed 0"]);
}

#[test]
fn an_answer_decides_and_what_is_too_old_is_not_asked_about() {
    let mut trial = Trial::new(policy());
    trial.prepare(0);
    trial.prepare(1);
    assert_eq!(trial.round(Span::millis(60)), ["asks 0", "asks 1"]);
    assert_eq!(trial.answer(0, LocalState::Ended(Committed)), ["publishes 0"]);
    assert_eq!(trial.answer(0, LocalState::Ended(Committed)), NOTHING);
    assert_eq!(trial.round(Span::secs(2)), NOTHING);
    assert_eq!(trial.bench.reached(Moment::HalfDiscarded.site()), 1);
    assert_eq!(trial.resolve(1, Committed), ["refused 1"]);
}

#[test]
fn an_age_that_is_read_twice_overlooks_what_grows_old_in_between() {
    for (second, asked) in [(Span::ZERO, true), (Span::millis(5), false)] {
        let immunity_by = ImmunityBy::ComparedTwice;
        let mut trial = Trial::new(HalfPolicy { immunity_by, ..policy() });
        trial.prepare(0);
        assert_eq!(trial.round(Span::millis(58)), NOTHING);
        trial.bench.now += second;
        trial.bench.wake(&mut trial.broker, SECOND_LOOK);
        trial.synced();
        let told: &[&str] = if asked { &["asks 0"] } else { &[] };
        assert_eq!(trial.round(Span::millis(15)), told);
        // It is not lost for one who remembers it.
        assert_eq!(trial.resolve(0, Committed), ["agreed 0", "publishes 0"]);
    }
}

#[test]
fn by_its_birth_a_half_message_of_another_clock_is_as_old_as_the_clocks_differ() {
    let born = |millis| Instant::START + Span::millis(millis);
    for (immunity_by, birth, asked, discarded) in [
        (ImmunityBy::BirthTime, born(9_990), false, 0),
        (ImmunityBy::BirthTime, born(9_900), true, 0),
        (ImmunityBy::BirthTime, born(20_000), true, 0),
        (ImmunityBy::BirthTime, born(0), false, 1),
        (ImmunityBy::OwnClockOnce, born(0), false, 0),
        (ImmunityBy::OwnClockOnce, born(20_000), false, 0),
    ] {
        let mut trial = Trial::new(HalfPolicy { immunity_by, ..policy() });
        trial.bench.now = born(10_000);
        let half = trial.half(0, birth);
        trial.told(half);
        trial.synced();
        let told: &[&str] = if asked { &["asks 0"] } else { &[] };
        assert_eq!(trial.round(Span::millis(15)), told, "{immunity_by:?} {birth}");
        assert_eq!(trial.bench.reached(Moment::HalfDiscarded.site()), discarded, "{birth}");
    }
}

#[test]
fn a_boot_takes_up_what_is_on_the_disk() {
    let mut trial = Trial::new(policy());
    trial.prepare(0);
    trial.prepare(1);
    trial.resolve(0, Committed);
    trial.told(HalfMessage::Resolve { message: id(1), end: Committed });
    // The second commit did not reach the disk, so its service is asked, from now on.
    assert_eq!(trial.crash(Some(1)), ["publishes 0"]);
    assert_eq!(trial.round(Span::millis(59)), NOTHING);
    assert_eq!(trial.round(Span::millis(1)), ["asks 1"]);
    trial.stored(0);
    trial.synced();
    assert_eq!(trial.answer(1, LocalState::Ended(RolledBack)), NOTHING);
    assert_eq!(trial.crash(None), NOTHING);
}

#[test]
fn a_disk_that_fails_and_a_higher_epoch_end_the_process() {
    let mut trial = Trial::new(policy());
    let half = trial.half(0, Instant::START);
    trial.told(half);
    trial.bench.end_sync(&mut trial.broker, Err(DiskError::Failed));
    assert_eq!(trial.bench.exits, [Some(DISK_FAILED)]);

    let mut trial = Trial::new(policy());
    trial.prepare(0);
    trial.resolve(0, Committed);
    let verdict = Verdict::Refused(Refusal::Fenced);
    let fenced = Message::Produced { message: id(0), partition: PartitionId(0), verdict };
    trial.bench.deliver(&mut trial.broker, 0, fenced);
    assert_eq!(trial.bench.exits, [Some(FENCED)]);
}

#[test]
fn brokers_that_go_on_differently_have_different_fingerprints() {
    let mut digests = std::collections::BTreeSet::new();
    let steps: [fn(&mut Trial); 10] = [
        |_| (),
        |trial| _ = trial.told(HalfMessage::Resolve { message: id(0), end: Committed }),
        |trial| _ = trial.resolve(0, Committed),
        |trial| _ = trial.resolve(0, RolledBack),
        |trial| _ = trial.round(Span::millis(1)),
        |trial| _ = trial.round(Span::millis(60)),
        |trial| trial.prepare(1),
        |trial| {
            trial.bench.now += Span::NANO;
            trial.prepare(1);
        },
        |trial| {
            let half = trial.half(1, Instant::START + Span::NANO);
            trial.told(half);
            trial.synced();
        },
        |trial| {
            trial.resolve(0, Committed);
            trial.stored(0);
        },
    ];
    for step in steps {
        let mut trial =
            Trial::new(HalfPolicy { immunity_by: ImmunityBy::ComparedTwice, ..policy() });
        trial.prepare(0);
        step(&mut trial);
        assert!(digests.insert(trial.digest()), "as before");
    }
}
