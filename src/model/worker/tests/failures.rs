//! What becomes of messages whose handling fails, and of their successors.

use super::*;
use crate::model::message::{Identity, Refusal, Verdict};
use std::collections::BTreeSet;

/// A policy under which the messages 3, 7, 11, … can never be handled.
fn poisoned(setback: Setback, successors: Successors) -> WorkerPolicy {
    WorkerPolicy { poison: Some(4), setback, successors, ..policy() }
}

#[test]
fn who_retries_keeps_the_message_and_its_successors() {
    let mut rig = Rig::new(poisoned(Setback::Retry, Successors::Held));
    rig.sent();
    assert!(rig.push(3, 1).is_empty());
    assert!(rig.push(4, 1).is_empty());
    assert_eq!(rig.push(20, 1), ["Ack 20.1"]);
    for _ in 0..5 {
        assert!(rig.fire(BACKOFF).is_empty());
    }
    assert_eq!(rig.effects(), [20]);
}

#[test]
fn successors_of_a_dead_letter_follow_it_also_after_a_restart() {
    let mut rig = Rig::new(poisoned(Setback::Reject, Successors::Held));
    rig.sent();
    assert!(rig.push(3, 1).is_empty());
    assert!(rig.push(4, 1).is_empty());
    assert_eq!(rig.fire(BACKOFF), ["Reject 3.1", "Reject 4.1"]);
    rig.restart();
    rig.sent();
    assert_eq!(rig.push(3, 2), ["Reject 3.2"]);
    assert_eq!(rig.push(5, 1), ["Reject 5.1"]);
    assert_eq!(rig.push(20, 1), ["Ack 20.1"]);
    assert_eq!(rig.effects(), [20]);
    let acks = ["ack-invoke 3", "ack-invoke 4", "ack-invoke 3", "ack-invoke 5", "ack-invoke 20"];
    let events: Vec<_> = rig.events().into_iter().filter(|one| one.starts_with("ack")).collect();
    assert_eq!(events, acks);
}

#[test]
fn successors_that_proceed_overtake() {
    let mut rig = Rig::new(poisoned(Setback::Reject, Successors::Proceed));
    rig.sent();
    assert!(rig.push(3, 1).is_empty());
    assert_eq!(rig.push(4, 1), ["Ack 4.1"]);
    assert_eq!(rig.fire(BACKOFF), ["Reject 3.1"]);
    assert_eq!(rig.push(5, 1), ["Ack 5.1"]);
    assert_eq!(rig.effects(), [4, 5]);
}

#[test]
fn what_is_given_back_holds_its_successors_until_it_is_done() {
    let failing = Ratio::NEVER;
    let policy =
        WorkerPolicy { retries: 9, failing, ..poisoned(Setback::Requeue, Successors::Held) };
    let mut rig = Rig::new(policy);
    rig.sent();
    assert_eq!(rig.push(3, 1), ["Requeue(20 ms) 3.1"]);
    assert_eq!(rig.push(4, 1), ["Requeue(0 s) 4.1"]);
    // The key is held in the database, whatever the worker remembers; now the message is sound.
    rig.policy.poison = None;
    rig.restart();
    rig.sent();
    assert_eq!(rig.push(4, 2), ["Requeue(0 s) 4.2"]);
    assert_eq!(rig.push(3, 2), ["Ack 3.2"]);
    assert_eq!(rig.push(4, 3), ["Ack 4.3"]);
    assert_eq!(rig.effects(), [3, 4]);
    let returned = rig.events().into_iter().filter(|one| one.starts_with("returned"));
    assert_eq!(returned.collect::<Vec<_>>(), ["returned 3", "returned 4", "returned 4"]);
}

#[test]
fn what_is_given_back_too_often_is_rejected() {
    let mut rig = Rig::new(poisoned(Setback::Requeue, Successors::Held));
    rig.sent();
    assert_eq!(rig.push(3, 1), ["Requeue(20 ms) 3.1"]);
    assert_eq!(rig.push(3, 2), ["Reject 3.2"]);
    assert_eq!(rig.push(4, 1), ["Reject 4.1"]);
    assert!(rig.effects().is_empty());
}

#[test]
fn a_message_is_settled_once_it_is_published_anew() {
    let mut rig = Rig::new(poisoned(Setback::Republish, Successors::Proceed));
    rig.sent();
    assert_eq!(rig.push(3, 1), ["publish 3 to 3"]);
    assert_eq!(rig.fire(TIMEOUT), ["publish 3 to 3"]);
    let (message, partition) = (MessageId::new(NodeId(9), 3), PartitionId(3));
    let mut answered = |verdict| {
        let produced = Message::Produced { message, partition, verdict };
        told(&rig.bench.deliver(&mut rig.worker, BROKER, produced))
    };
    // What is refused stands nowhere yet.
    assert!(answered(Verdict::Refused(Refusal::Full)).is_empty());
    assert_eq!(answered(Verdict::Accepted), ["Ack 3.1"]);
    // It comes again: it is not settled for good.
    assert_eq!(rig.events(), ["received 3.1", "returned 3"]);
    assert_eq!(rig.push(3, 2), ["Reject 3.2"]);
}

#[test]
fn what_fails_again_is_published_under_another_name() {
    let mut names = BTreeSet::new();
    // The places in the queue are those of two processes of it.
    for (number, attempt) in [(5, 1), (5, 2), (1 << 40 | 5, 1)] {
        let mut rig = Rig::new(poisoned(Setback::Republish, Successors::Proceed));
        let mut delivery = rig.delivery(3, attempt);
        delivery.receipt.number = number;
        let delivery = Message::Queue(QueueMessage::Deliver(Box::new(delivery)));
        for said in rig.bench.deliver(&mut rig.worker, BROKER, delivery) {
            let Message::Produce { produce, .. } = said else { continue };
            let Identity::Message(name) = produce.identity else { continue };
            names.insert(name);
        }
    }
    assert_eq!(names.len(), 3);
}

#[test]
fn a_message_that_waits_for_its_next_try_takes_no_hand() {
    let policy = WorkerPolicy { hands: 1, ..poisoned(Setback::Reject, Successors::Held) };
    let mut rig = Rig::new(policy);
    rig.sent();
    assert!(rig.push(3, 1).is_empty());
    assert_eq!(rig.push(20, 1), ["Ack 20.1"]);
    assert_eq!(rig.fire(BACKOFF), ["Reject 3.1"]);
}

#[test]
fn failures_are_counted_until_the_message_has_ended() {
    let setback = poisoned(Setback::Requeue, Successors::Proceed);
    let mut rig = Rig::new(WorkerPolicy { dedup: Dedup::None, ..setback });
    rig.sent();
    assert_eq!(rig.push(3, 1), ["Requeue(20 ms) 3.1"]);
    rig.worker.policy.poison = None;
    assert_eq!(rig.push(3, 2), ["Ack 3.2"]);
    rig.worker.policy.poison = setback.poison;
    // However it ended: what comes all the same has as many tries as before.
    for attempt in [3, 5] {
        assert_eq!(rig.push(3, attempt), [format!("Requeue(20 ms) 3.{attempt}")]);
        assert_eq!(rig.push(3, attempt + 1), [format!("Reject 3.{}", attempt + 1)]);
    }
}

#[test]
fn what_is_not_the_workers_any_more_is_not_published_anew() {
    let mut rig = Rig::new(poisoned(Setback::Republish, Successors::Held));
    rig.bench.station.write_through = false;
    rig.sent();
    // That its successors are to wait is being written down.
    assert!(rig.push(3, 1).is_empty());
    assert!(rig.disconnect().is_empty());
    let sent = rig.bench.end_sync(&mut rig.worker, Ok(()));
    assert_eq!(told(&sent), Vec::<String>::new());
    assert_eq!(rig.events(), ["received 3.1", "lapsed"]);
}
