//! Amazon SQS standard queues, by the Developer Guide and the API Reference.

use super::*;
use crate::choice::{Actor, Choice, Key, Site};
use crate::seed::Seed;

const STANDARD: QueuePolicy =
    QueuePolicy { lease: Span::millis(300), ..Preset::SqsStandard.policy(STRICT) };

#[test]
fn conforms_to_the_visibility_timeout() {
    let page = "Amazon SQS visibility timeout, \"Set and adjust visibility timeout\"";
    // Hidden for so long, then anybody's, with a receive count.
    check(
        STANDARD,
        page,
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        wait 299ms
        c2 receives 1    => c2: got nothing
        wait 1ms
        c2 receives 1    => c2: got 1 #2 again",
    );
    // It can be extended, also to be shorter, from the moment of the request.
    check(
        STANDARD,
        page,
        "p1 publishes 1       => p1: accepted 1
        c1 receives 1         => c1: got 1
        wait 200ms
        c1 extends 1 by 300ms => c1: done
        wait 299ms
        c2 receives 1         => c2: got nothing
        c1 extends 1 by 0ms   => c1: done
        c2 receives 1         => c2: got 1 #2 again",
    );
    // To give a message up is to set it to zero; then somebody else's handle is the latest.
    check(
        STANDARD,
        "API Reference, \"ChangeMessageVisibility\"",
        "p1 publishes 1       => p1: accepted 1
        c1 receives 1         => c1: got 1
        c1 returns 1          => c1: done
        c2 receives 1         => c2: got 1 #2 again
        c1 extends 1 by 300ms => c1: stale
        wait 300ms
        c2 extends 1 by 300ms => c2: stale",
    );
    // A lost connection means nothing.
    check(
        STANDARD,
        page,
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        c1 leaves
        c2 receives 1    => c2: got nothing
        wait 300ms
        c2 receives 1    => c2: got 1 #2 again",
    );
}

#[test]
fn conforms_to_delete_message() {
    let page = "API Reference, \"DeleteMessage\"";
    // By the latest handle, even if the visibility timeout is over.
    check(
        STANDARD,
        page,
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        wait 400ms
        c1 acks 1        => c1: done
        c2 receives 1    => c2: got nothing",
    );
    // By an old one the request succeeds, and the message is not deleted.
    check(
        STANDARD,
        page,
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        wait 300ms
        c2 receives 1    => c2: got 1 #2 again
        c1 acks 1        => c1: done
        wait 300ms
        c3 receives 1    => c3: got 1 #3 again",
    );
    // Whoever has the handle may use it, and twice.
    check(
        STANDARD,
        page,
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        c2 acks 1#1      => c2: done
        c1 acks 1        => c1: done
        wait 300ms
        c1 receives 1    => c1: got nothing",
    );
}

#[test]
fn conforms_to_receive_message() {
    // At most so many, and a long poll that ends with the first or with its time.
    check(
        STANDARD,
        "Amazon SQS short and long polling, \"Consuming messages using long polling\"",
        "c1 receives 2 waits 100ms
        wait 99ms
        p1 publishes 1           => p1: accepted 1; c1: got 1
        c1 receives 2 waits 50ms
        wait 50ms                => c1: got nothing
        p1 publishes 2           => p1: accepted 2
        p1 publishes 3           => p1: accepted 3
        p1 publishes 4           => p1: accepted 4
        c1 receives 2            => c1: got 2, 3",
    );
    // Several copies, each stored durably before the answer.
    check(
        STANDARD,
        "API Reference, \"SendMessage\"",
        "cached disk
        p1 publishes 1
        c1 receives 1   => c1: got nothing
        sync            => p1: accepted 1
        c1 receives 1
        sync            => c1: got 1
        power cut
        c2 receives 1   => c2: got nothing
        wait 300ms
        c2 receives 1
        sync            => c2: got 1 #2 again",
    );
}

#[test]
fn conforms_to_dead_letter_queues() {
    check(
        QueuePolicy { delivery_limit: Some(2), dead_letter: DeadLetter::AtLeastOnce, ..STANDARD },
        "Using dead-letter queues in Amazon SQS, \"Maximum receives\"",
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        wait 300ms
        c1 receives 1    => c1: got 1 #2 again
        wait 300ms
        c1 receives 1    => c1: got nothing
        c2 receives 1 q1 => c2: got 1 dead: deliverylimit",
    );
    check(
        QueuePolicy { ttl: Some(Span::millis(50)), ..STANDARD },
        "Amazon SQS queue parameters, \"Message retention period\"",
        "p1 publishes 1  => p1: accepted 1
        wait 50ms
        c1 receives 1    => c1: got nothing
        ends 1",
    );
}

/// A stage where the first choice at a site is another than the quiet one.
fn chosen(site: u8, value: u64) -> script::Stage {
    let mut bench = Bench::machine(0).write_through();
    let key = Key::new(Site::Node, Actor::Node(NodeId(0), 0), site, 0);
    bench.desk.decider.reset(Seed(0), false, [(key, Choice::Value(value))].into_iter(), false);
    script::Stage::new(STANDARD, bench)
}

/// SQS Developer Guide, "Amazon SQS standard queues": best-effort ordering.
#[test]
fn a_later_message_may_come_first() {
    let mut stage = chosen(0, 2);
    for number in 1..=4 {
        stage.step(&format!("p1 publishes {number}"));
    }
    assert_eq!(stage.step("c1 receives 4"), "c1: got 3, 1, 2, 4");
}

/// SQS Developer Guide, "Amazon SQS at-least-once delivery".
#[test]
fn a_message_in_flight_may_be_received_again() {
    let mut stage = chosen(1, 1);
    stage.step("p1 publishes 1");
    assert_eq!(stage.step("c1 receives 1"), "c1: got 1");
    assert_eq!(stage.step("c2 receives 1"), "c2: got 1 #2 again");
    assert_eq!(stage.step("c1 acks 1"), "c1: done");
    assert_eq!(stage.step("c3 receives 1"), "c3: got nothing");
    assert_eq!(stage.step("c2 acks 1"), "c2: done");
    assert_eq!(stage.step("wait 300ms"), "");
    assert_eq!(stage.step("c3 receives 1"), "c3: got nothing");
}
