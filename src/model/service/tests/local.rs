//! Services that send half messages: what they say of their local transactions, and when.

use super::*;
use crate::choice::{Actor, Choice, Key, Site};
use crate::model::half::{LocalPolicy, RunningAnswer};
use crate::model::message::{HalfMessage, LocalEnd, LocalState};
use crate::seed::{Ratio, Seed};
use LocalEnd::{Committed, RolledBack};

const HALF_BROKER: u16 = 5;
const PATIENCE: u8 = 4;
const WORK: u8 = 5;
const DOUBT: u8 = 6;
/// The site of whether a local transaction rolls back.
const REFUSING: u8 = 2;
const WORK_TIME: Span = Span::millis(20);

fn local(refusing: Ratio, running: RunningAnswer) -> ServicePolicy {
    let local = LocalPolicy {
        broker: NodeId(HALF_BROKER),
        timeout: Span::millis(50),
        work: WORK_TIME,
        work_width: Span::ZERO,
        refusing,
        running,
    };
    ServicePolicy { local: Some(local), ..policy(WritePolicy::HalfMessage) }
}

struct Trial {
    bench: Bench,
    policy: ServicePolicy,
    service: Service,
}

impl Trial {
    /// A service that has one order to carry out.
    fn new(policy: ServicePolicy) -> Self {
        let mut bench = Bench::machine(1);
        bench.plan = vec![Planned::new(NodeId(1), 0)];
        let service = bench.boot(|seat, disk| Service::boot(policy, seat, disk));
        Self { bench, policy, service }
    }

    fn committing() -> Self {
        Self::new(local(Ratio::NEVER, RunningAnswer::StillRunning))
    }

    fn hears(&mut self, said: HalfMessage) -> Vec<HalfMessage> {
        halves(&self.bench.deliver(&mut self.service, HALF_BROKER, Message::Half(said)))
    }

    fn wakes(&mut self, timer: u8) -> Vec<HalfMessage> {
        halves(&self.bench.wake(&mut self.service, timer))
    }

    fn synced(&mut self) -> Vec<HalfMessage> {
        let mut sent = Vec::new();
        while !self.bench.syncs.is_empty() {
            sent.append(&mut self.bench.end_sync(&mut self.service, Ok(())));
        }
        halves(&sent)
    }

    /// The half message is prepared and the work is done. Returns what is said before that is on
    /// the disk.
    fn works(&mut self) -> &'static str {
        assert_eq!(short(&self.sent()), "prepare");
        assert_eq!(short(&self.hears(HalfMessage::Prepared { message: id(0) })), "");
        self.bench.now += WORK_TIME;
        short(&self.wakes(WORK))
    }

    /// The local transaction will roll back.
    fn refuses(&mut self) {
        let actor = Actor::Node(NodeId(1), 0);
        let choice = (Key::new(Site::Node, actor, REFUSING, 0), Choice::Value(1));
        self.bench.desk.decider.reset(Seed(0), false, [choice].into_iter(), false);
    }

    fn sent(&mut self) -> Vec<HalfMessage> {
        halves(&self.bench.take_sent())
    }

    fn crash(&mut self, undone: Option<u32>) {
        self.bench.crash(undone);
        self.bench.plan.clear();
        let policy = self.policy;
        self.service = self.bench.boot(|seat, disk| Service::boot(policy, seat, disk));
    }

    /// What was recorded of the operation, in order.
    fn outcome(&mut self) -> Vec<&'static str> {
        let events = std::mem::take(&mut self.bench.events).into_iter();
        let word = |event| match event {
            Event::SendInvoke { .. } => "begun",
            Event::SendOk { .. } => "done",
            Event::SendFail { .. } => "undone",
            Event::SendInfo { .. } => "unknown",
            other => unreachable!("{other:?} is not of a service"),
        };
        events.map(word).collect()
    }
}

fn halves(sent: &[Message]) -> Vec<HalfMessage> {
    let half = |message: &Message| match message {
        Message::Half(half) => *half,
        other => unreachable!("{other:?} is no half message"),
    };
    sent.iter().map(half).collect()
}

/// What is said about the only operation, in short.
fn short(said: &[HalfMessage]) -> &'static str {
    match said {
        [] => "",
        [HalfMessage::Prepare { .. }] => "prepare",
        [HalfMessage::Resolve { end: Committed, .. }] => "commit",
        [HalfMessage::Resolve { end: RolledBack, .. }] => "roll back",
        [HalfMessage::CheckedBack { state: LocalState::Running, .. }] => "running",
        [HalfMessage::CheckedBack { state: LocalState::Ended(Committed), .. }] => "was committed",
        [HalfMessage::CheckedBack { state: LocalState::Ended(RolledBack), .. }] => {
            "was rolled back"
        }
        _ => "more",
    }
}

const ASKED: HalfMessage = HalfMessage::CheckBack { message: MessageId::new(NodeId(1), 0) };

#[test]
fn the_work_begins_when_the_half_message_is_safe_and_its_end_is_told_when_it_is_durable() {
    let mut trial = Trial::committing();
    assert_eq!(trial.works(), "");
    assert_eq!(effects(&mut trial.bench), [0]);
    assert_eq!(short(&trial.synced()), "commit");
    assert_eq!(trial.outcome(), ["begun"]);
    trial.hears(HalfMessage::Resolved { message: id(0), accepted: true });
    trial.hears(HalfMessage::Resolved { message: id(0), accepted: true });
    assert_eq!(trial.outcome(), ["done"]);
    assert_eq!(trial.service.view(), Some(Trial::committed_view()));
}

impl Trial {
    /// The view of a service that has carried out its order.
    fn committed_view() -> u64 {
        let mut bench = Bench::machine(1);
        let payload = bench.desk.blobs.put(&body_of(id(0))).fingerprint();
        let mut fold = crate::digest::SetDigest::new();
        fold.insert(id(0).word(), payload);
        fold.value()
    }
}

#[test]
fn what_is_refused_changes_nothing_and_fails() {
    let mut trial = Trial::new(local(Ratio::new(1, 2).unwrap(), RunningAnswer::StillRunning));
    trial.refuses();
    assert_eq!(trial.works(), "");
    assert_eq!(short(&trial.synced()), "roll back");
    assert_eq!((effects(&mut trial.bench), trial.outcome()), (vec![], vec!["begun", "undone"]));
    assert_eq!(short(&trial.hears(ASKED)), "was rolled back");
}

#[test]
fn what_the_broker_has_decided_otherwise_or_does_not_confirm_nobody_knows() {
    let mut trial = Trial::committing();
    trial.works();
    trial.synced();
    trial.hears(HalfMessage::Resolved { message: id(0), accepted: false });
    assert_eq!(trial.outcome(), ["begun", "unknown"]);

    let mut trial = Trial::committing();
    trial.works();
    trial.synced();
    trial.bench.now += Span::millis(49);
    trial.wakes(DOUBT);
    assert_eq!(trial.outcome(), ["begun"]);
    trial.bench.now += Span::millis(1);
    trial.wakes(DOUBT);
    trial.hears(HalfMessage::Resolved { message: id(0), accepted: true });
    assert_eq!(trial.outcome(), ["unknown"]);
}

#[test]
fn a_half_message_is_sent_again_until_it_is_confirmed() {
    let mut trial = Trial::committing();
    trial.sent();
    assert_eq!(short(&trial.wakes(PATIENCE)), "prepare");
    let peer = NodeId(HALF_BROKER);
    trial.bench.with(|ctx| trial.service.disconnected(peer, ctx));
    assert_eq!(short(&trial.sent()), "prepare");
    trial.hears(HalfMessage::Prepared { message: id(0) });
    trial.bench.with(|ctx| trial.service.disconnected(peer, ctx));
    assert_eq!((short(&trial.sent()), short(&trial.wakes(PATIENCE))), ("", ""));
    assert_eq!(trial.outcome(), ["begun"]);
}

#[test]
fn of_what_is_running_nobody_knows_the_end_and_who_says_so_is_wrong() {
    for (answer, said) in
        [(RunningAnswer::StillRunning, "running"), (RunningAnswer::Rollback, "was rolled back")]
    {
        let mut trial = Trial::new(local(Ratio::NEVER, answer));
        trial.sent();
        assert_eq!(short(&trial.hears(ASKED)), said);
        trial.hears(HalfMessage::Prepared { message: id(0) });
        assert_eq!(short(&trial.hears(ASKED)), said);
        trial.bench.now += WORK_TIME;
        trial.wakes(WORK);
        // The row is there, and may be undone.
        assert_eq!(short(&trial.hears(ASKED)), said);
        trial.synced();
        assert_eq!(short(&trial.hears(ASKED)), "was committed");
    }
}

#[test]
fn what_an_earlier_process_has_left_is_committed_or_buried_before_that_is_said() {
    for (undone, said) in [(None, "was committed"), (Some(9), "")] {
        let mut trial = Trial::committing();
        trial.works();
        trial.crash(undone);
        assert_eq!(short(&trial.hears(ASKED)), said);
        let buried = if undone.is_some() { "was rolled back" } else { "" };
        assert_eq!(short(&trial.synced()), buried);
        trial.crash(Some(9));
        let lasting = if undone.is_some() { buried } else { said };
        assert_eq!(short(&trial.hears(ASKED)), lasting);
    }
}

#[test]
fn an_order_that_was_buried_while_it_was_prepared_rolls_back() {
    let mut trial = Trial::committing();
    trial.sent();
    trial.crash(None);
    trial.hears(ASKED);
    trial.synced();
    trial.bench.plan = vec![Planned::new(NodeId(1), 0)];
    let policy = trial.policy;
    trial.service = trial.bench.boot(|seat, disk| Service::boot(policy, seat, disk));
    // Nothing is left to wait for: the tombstone is durable.
    assert_eq!(trial.works(), "roll back");
    assert_eq!(effects(&mut trial.bench), [] as [u32; 0]);
}
