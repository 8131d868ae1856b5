use super::*;
use crate::id::{GroupId, PartitionId, QueueId, SinkId};
use crate::model::bench::Bench;
use crate::model::broker::Verify;
use crate::model::consumer::{Dedup, Target};
use crate::model::message::{Entry, Receipt, SettleOutcome};
use crate::seed::Ratio;

mod failures;
mod fences;
mod pulling;

const BROKER: u16 = 0;
const GROUP: GroupId = GroupId(0);
const SINK: SinkId = SinkId(0);
/// Longer than anything else here.
const TIMEOUT: Span = Span::millis(100);
const WORK: Span = Span::millis(10);
const BACKOFF: Span = Span::millis(20);

fn policy() -> WorkerPolicy {
    WorkerPolicy {
        broker: NodeId(BROKER),
        queue: QueueId(0),
        group: GROUP,
        joins: Span::ZERO,
        intake: Intake::Push,
        prefetch: 4,
        hands: 2,
        is_bound: true,
        heartbeat: None,
        timeout: TIMEOUT,
        checksum: Verify::Verify,
        settle: Settle::After,
        confirm: Confirm::Unanswered,
        dedup: Dedup::Inbox,
        sink: SINK,
        target: Target::Own,
        work: Span::ZERO,
        failing: Ratio::NEVER,
        poison: None,
        setback: Setback::Retry,
        successors: Successors::Held,
        retries: 1,
        backoff: BACKOFF,
        to_queue: PartitionId(3),
        acts: None,
        passes: 0,
    }
}

/// A worker on a bench, and the queue's part played by hand.
struct Rig {
    bench: Bench,
    worker: Worker,
    policy: WorkerPolicy,
}

impl Rig {
    fn new(policy: WorkerPolicy) -> Self {
        let mut bench = Bench::machine(1).write_through();
        let worker = bench.boot(|seat, disk| Worker::boot(policy, seat, disk));
        Self { bench, worker, policy }
    }

    fn restart(&mut self) {
        self.bench.crash(None);
        self.bench.timers.clear();
        self.bench.sent.clear();
        let policy = self.policy;
        self.worker = self.bench.boot(|seat, disk| Worker::boot(policy, seat, disk));
    }

    /// Message `number`, of key `number / 10`, in its `attempt`-th delivery.
    fn delivery(&mut self, number: u32, attempt: u16) -> Delivery {
        let message = MessageId::new(NodeId(9), number);
        let body = self.bench.desk.blobs.put(&message.word().to_le_bytes());
        let receipt = Receipt { queue: QueueId(0), number: number.into(), attempt };
        let entry = Entry::new(message, u64::from(number / 10), body);
        Delivery { receipt, attempt, redelivered: attempt > 1, death: None, entry }
    }

    /// Hands the worker a message, and tells what it said.
    fn push(&mut self, number: u32, attempt: u16) -> Vec<String> {
        let delivery = Box::new(self.delivery(number, attempt));
        self.hear(QueueMessage::Deliver(delivery))
    }

    fn hear(&mut self, message: QueueMessage) -> Vec<String> {
        let message = Message::Queue(message);
        told(&self.bench.deliver(&mut self.worker, BROKER, message))
    }

    /// Answers a settlement.
    fn answer(&mut self, request: u64, outcome: SettleOutcome) -> Vec<String> {
        self.hear(QueueMessage::Settled { request, outcome })
    }

    /// Fires the timer that was set last to this length.
    fn fire(&mut self, span: Span) -> Vec<String> {
        let place = self.bench.timers.iter().rposition(|&(_, set)| set == span);
        let (timer, _) = self.bench.timers.remove(place.expect("such a timer"));
        told(&self.bench.wake(&mut self.worker, timer.0))
    }

    fn disconnect(&mut self) -> Vec<String> {
        let worker = &mut self.worker;
        self.bench.with(|ctx| worker.disconnected(NodeId(BROKER), ctx));
        told(&self.bench.take_sent())
    }

    fn sent(&mut self) -> Vec<String> {
        told(&self.bench.take_sent())
    }

    /// What it has entered in the history since last asked, effects included.
    fn events(&mut self) -> Vec<String> {
        self.bench.events.drain(..).map(|event| told_event(&event)).collect()
    }

    /// The messages that have had an effect, as often as they have.
    fn effects(&self) -> Vec<u32> {
        let mut effects = Vec::new();
        for journal in &self.bench.files {
            let records = journal.records().filter_map(|(_, stored)| stored.intact());
            records.for_each(|record| record.effects(&mut effects));
        }
        let ours = effects.into_iter().filter(|effect| effect.sink == SINK);
        ours.filter_map(|effect| effect.message.planned()).map(|(_, number)| number).collect()
    }
}

/// Messages in a few words each, but for those that ask for none.
fn told(sent: &[Message]) -> Vec<String> {
    let asks_life = |message: &&Message| {
        matches!(message, Message::Queue(QueueMessage::Receive { batch: 0, .. }))
    };
    sent.iter().filter(|message| !asks_life(message)).map(told_one).collect()
}

fn told_one(message: &Message) -> String {
    match message {
        Message::Queue(QueueMessage::Subscribe { credit, .. }) => format!("subscribe {credit}"),
        Message::Queue(QueueMessage::Receive { request, wanted, batch, .. }) => {
            format!("receive {wanted:?} {batch} #{}", request & 0xff)
        }
        Message::Queue(QueueMessage::Settle { request, receipt, settlement }) => {
            let request = request.map_or(String::new(), |request| format!(" #{}", request & 0xff));
            format!("{settlement:?} {}.{}{request}", receipt.number, receipt.attempt)
        }
        Message::Produce { partition, produce, .. } => {
            let number = produce.entry.message.planned().map_or(0, |(_, number)| number);
            format!("publish {number} to {}", partition.0)
        }
        other => format!("{other:?}"),
    }
}

fn told_event(event: &Event) -> String {
    let number = event.message().and_then(MessageId::planned).map_or(0, |(_, number)| number);
    match event {
        Event::Received { delivery, .. } => format!("received {number}.{delivery}"),
        Event::Returned { .. } => format!("returned {number}"),
        Event::Lapsed { .. } => "lapsed".to_owned(),
        Event::AckInvoke { .. } => format!("ack-invoke {number}"),
        Event::AckOk { .. } => format!("ack-ok {number}"),
        Event::AckInfo { .. } => format!("ack-info {number}"),
        Event::Acting { token, .. } => format!("acting {}.{}", token >> 16, token & 0xffff),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_message_is_settled_once_its_effect_is_durable() {
    let mut rig = Rig::new(policy());
    rig.bench.station.write_through = false;
    assert_eq!(rig.sent(), ["subscribe 4"]);
    assert!(rig.push(1, 1).is_empty());
    assert_eq!(rig.effects(), [1]);
    let sent = rig.bench.end_sync(&mut rig.worker, Ok(()));
    assert_eq!(told(&sent), ["Ack 1.1"]);
    assert_eq!(rig.events(), ["received 1.1", "ack-invoke 1"]);
}

#[test]
fn what_is_known_is_settled_once_that_is_durable() {
    let mut rig = Rig::new(WorkerPolicy { successors: Successors::Proceed, ..policy() });
    rig.bench.station.write_through = false;
    rig.sent();
    assert!(rig.push(1, 1).is_empty());
    // The row of the inbox is there to be seen, and a power cut can still take it away.
    assert!(rig.push(1, 2).is_empty());
    let sent = rig.bench.end_sync(&mut rig.worker, Ok(()));
    assert_eq!(told(&sent), ["Ack 1.1", "Ack 1.2"]);
    assert_eq!(rig.effects(), [1]);
}

#[test]
fn a_message_settled_first_has_its_effect_once_that_is_confirmed() {
    for (confirm, first) in [(Confirm::Answered, "Ack 1.1 #2"), (Confirm::Unanswered, "Ack 1.1")] {
        let mut rig = Rig::new(WorkerPolicy { settle: Settle::Before, confirm, ..policy() });
        rig.sent();
        assert_eq!(rig.push(1, 1), [first]);
        if confirm == Confirm::Answered {
            assert!(rig.effects().is_empty());
            assert!(rig.answer(2, SettleOutcome::Done).is_empty());
        }
        assert_eq!(rig.effects(), [1]);
        assert_eq!(rig.worker.hand.held(), 0);
    }
}

#[test]
fn a_settlement_is_repeated_until_it_is_answered() {
    for (outcome, last) in [(SettleOutcome::Done, "ack-ok 1"), (SettleOutcome::Stale, "ack-info 1")]
    {
        let mut rig = Rig::new(WorkerPolicy { confirm: Confirm::Answered, ..policy() });
        rig.sent();
        assert_eq!(rig.push(1, 1), ["Ack 1.1 #2"]);
        assert_eq!(rig.fire(TIMEOUT), ["Ack 1.1 #3"]);
        assert!(rig.answer(2, outcome).is_empty(), "an answer to the first is late");
        assert_eq!(rig.worker.hand.held(), 1);
        rig.answer(3, outcome);
        assert_eq!(rig.worker.hand.held(), 0);
        assert_eq!(rig.events(), ["received 1.1", "ack-invoke 1", last]);
    }
}

#[test]
fn duplicates_are_told_by_what_outlives_a_restart_or_does_not() {
    for (dedup, twice, after_restart) in
        [(Dedup::Inbox, 1, 1), (Dedup::Memory, 1, 2), (Dedup::None, 2, 3)]
    {
        let mut rig = Rig::new(WorkerPolicy { dedup, ..policy() });
        rig.push(1, 1);
        assert_eq!(rig.push(1, 2), ["Ack 1.2"]);
        assert_eq!(rig.effects().len(), twice, "{dedup:?}");
        rig.restart();
        rig.sent();
        assert_eq!(rig.push(1, 3), ["Ack 1.3"]);
        assert_eq!(rig.effects().len(), after_restart, "{dedup:?}");
    }
}

#[test]
fn a_lost_connection_takes_what_was_not_begun() {
    let policy = WorkerPolicy { work: WORK, hands: 1, ..policy() };
    let mut rig = Rig::new(policy);
    rig.sent();
    rig.push(1, 1);
    rig.push(20, 1);
    assert!(rig.disconnect().is_empty());
    assert_eq!(rig.events(), ["received 1.1", "received 20.1", "lapsed"]);
    assert_eq!(rig.fire(Span::millis(5)), ["subscribe 4"]);
    // What was begun is done, and not this worker's to settle.
    assert!(rig.fire(WORK).is_empty());
    assert_eq!(rig.effects(), [1]);
    rig.push(1, 2);
    assert_eq!(rig.sent(), Vec::<String>::new());
    assert_eq!(rig.effects(), [1]);
    rig.push(20, 2);
    assert_eq!(rig.fire(WORK), ["Ack 20.2"]);
    assert_eq!(rig.effects(), [1, 20]);
}

#[test]
fn a_lost_connection_takes_nothing_where_a_lease_decides() {
    let confirm = Confirm::Answered;
    let mut rig = Rig::new(WorkerPolicy { is_bound: false, confirm, ..policy() });
    rig.sent();
    assert_eq!(rig.push(1, 1), ["Ack 1.1 #2"]);
    assert_eq!(rig.disconnect(), ["Ack 1.1 #3"]);
    assert_eq!(rig.answer(3, SettleOutcome::Done), Vec::<String>::new());
    assert_eq!(rig.events(), ["received 1.1", "ack-invoke 1", "ack-ok 1"]);
}

#[test]
fn hands_are_few_and_a_key_has_one() {
    let mut rig = Rig::new(WorkerPolicy { work: WORK, hands: 2, prefetch: 9, ..policy() });
    for number in [1, 2, 11, 21] {
        rig.push(number, 1);
    }
    let working = |rig: &Rig| -> Vec<u64> {
        let tasks = rig.worker.hand.in_order().into_iter();
        let tasks = tasks.filter_map(|slot| rig.worker.hand.get(slot));
        let working = tasks.filter(|task| task.step == Step::Working);
        working.map(|task| task.delivery.receipt.number).collect()
    };
    assert_eq!(working(&rig), [1, 11]);
    rig.fire(WORK);
    assert_eq!(working(&rig), [1, 21]);
    rig.fire(WORK);
    rig.fire(WORK);
    assert_eq!(working(&rig), [2]);
    // The successor of a key goes at once where order does not matter.
    let successors = Successors::Proceed;
    let mut rig = Rig::new(WorkerPolicy { work: WORK, successors, ..policy() });
    rig.push(1, 1);
    rig.push(2, 1);
    assert_eq!(working(&rig), [1, 2]);
}

#[test]
fn a_subscriber_that_hears_nothing_calls_again() {
    let mut rig = Rig::new(policy());
    rig.sent();
    // Request 1 asks whether the connection is alive; it is, and is asked again.
    rig.hear(QueueMessage::Received { request: 1, deliveries: Vec::new() });
    assert!(rig.fire(TIMEOUT).is_empty());
    assert_eq!(rig.bench.disconnects, 0);
    // Nobody answers request 2.
    assert!(rig.fire(TIMEOUT).is_empty());
    assert_eq!((rig.bench.disconnects, rig.events()), (1, vec!["lapsed".to_owned()]));
    assert_eq!(rig.fire(Span::millis(5)), ["subscribe 4"]);
}

#[test]
fn what_cannot_be_read_goes_back() {
    for (checksum, said) in [(Verify::Verify, "Requeue(0 s) 1.1"), (Verify::Trust, "Ack 1.1")] {
        let mut rig = Rig::new(WorkerPolicy { checksum, ..policy() });
        rig.sent();
        let mut delivery = rig.delivery(1, 1);
        delivery.entry.checksum += 1;
        assert_eq!(rig.hear(QueueMessage::Deliver(Box::new(delivery))), [said]);
    }
}

#[test]
fn who_joins_late_says_nothing_before() {
    let mut rig = Rig::new(WorkerPolicy { joins: Span::millis(70), ..policy() });
    assert!(rig.sent().is_empty());
    rig.bench.now = Instant::START + Span::millis(70);
    assert_eq!(rig.fire(Span::millis(70)), ["subscribe 4"]);
    rig.restart();
    assert_eq!(rig.sent(), ["subscribe 4"]);
}

#[test]
fn a_heartbeat_extends_what_is_held_every_third_of_a_lease() {
    let lease = Span::millis(90);
    let heartbeat = Some(lease);
    let mut rig = Rig::new(WorkerPolicy { heartbeat, work: WORK, is_bound: false, ..policy() });
    rig.sent();
    rig.push(1, 1);
    assert_eq!(rig.fire(Span::millis(30)), ["Extend(90 ms) 1.1"]);
    assert_eq!(rig.fire(Span::millis(30)), ["Extend(90 ms) 1.1"]);
    assert_eq!(rig.fire(WORK), ["Ack 1.1"]);
    assert!(rig.fire(Span::millis(30)).is_empty());
}

#[test]
fn what_is_being_settled_is_not_held_on_to() {
    let (heartbeat, confirm) = (Some(Span::millis(90)), Confirm::Answered);
    let mut rig = Rig::new(WorkerPolicy { heartbeat, confirm, is_bound: false, ..policy() });
    rig.sent();
    assert_eq!(rig.push(1, 1), ["Ack 1.1 #2"]);
    assert!(rig.fire(Span::millis(30)).is_empty());
}
