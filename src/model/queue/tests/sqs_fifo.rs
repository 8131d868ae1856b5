//! Amazon SQS FIFO queues, by the Developer Guide and the API Reference.

use super::*;

const FIFO: QueuePolicy = QueuePolicy {
    lease: Span::millis(300),
    dedup: Some(Span::millis(500)),
    ..Preset::SqsFifo.policy(STRICT)
};

#[test]
fn conforms_to_the_delivery_logic() {
    let page = "FIFO queue delivery logic in Amazon SQS, \"Receiving messages\"";
    // While one of a group is in flight, no other of it is returned; of other groups they are.
    check(
        FIFO,
        page,
        "p1 publishes 1 key 1 => p1: accepted 1
        p1 publishes 2 key 1  => p1: accepted 2
        p1 publishes 3 key 2  => p1: accepted 3
        c1 receives 1         => c1: got 1
        c2 receives 5         => c2: got 3
        c2 receives 5         => c2: got nothing
        c1 acks 1             => c1: done
        c2 receives 5         => c2: got 2",
    );
    // One request may return several of a group, in their order.
    check(
        FIFO,
        page,
        "p1 publishes 1 key 1 => p1: accepted 1
        p1 publishes 2 key 1  => p1: accepted 2
        p1 publishes 3 key 1  => p1: accepted 3
        c1 receives 2         => c1: got 1, 2
        c1 acks 1             => c1: done
        c2 receives 1         => c2: got nothing
        c1 acks 2             => c1: done
        c2 receives 1         => c2: got 3",
    );
    // One that becomes visible again comes before its successors.
    check(
        FIFO,
        page,
        "p1 publishes 1 key 1 => p1: accepted 1
        p1 publishes 2 key 1  => p1: accepted 2
        c1 receives 1         => c1: got 1
        wait 300ms
        c2 receives 1         => c2: got 1 #2 again",
    );
    // A message that is hidden for a while holds its group back.
    check(
        FIFO,
        "Amazon SQS delay queues, \"Message timers\"",
        "p1 publishes 1 key 1  => p1: accepted 1
        p1 publishes 2 key 1   => p1: accepted 2
        c1 receives 1          => c1: got 1
        c1 returns 1 after 50ms => c1: done
        c2 receives 2          => c2: got nothing
        wait 50ms
        c2 receives 2          => c2: got 1 #2 again, 2",
    );
}

#[test]
fn conforms_to_delete_message() {
    let page = "API Reference, \"DeleteMessage\"";
    // Not by a handle that has expired.
    check(
        FIFO,
        page,
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        wait 300ms
        c1 acks 1        => c1: stale
        c2 receives 1    => c2: got 1 #2 again
        c1 acks 1        => c1: stale
        c2 acks 1        => c2: done",
    );
    // By whoever has one that has not.
    check(
        FIFO,
        page,
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        wait 299ms
        c2 acks 1#1      => c2: done
        wait 300ms
        c1 receives 1    => c1: got nothing",
    );
}

#[test]
fn conforms_to_exactly_once_processing() {
    let page = "Exactly-once processing in Amazon SQS, \"Deduplication ID\"";
    check(
        FIFO,
        page,
        "p1 publishes 1 id 7 => p1: accepted 1
        p1 publishes 1 id 7  => p1: duplicate 1
        p2 publishes 2 id 8  => p2: accepted 2
        c1 receives 1        => c1: got 1
        c1 acks 1            => c1: done
        p1 publishes 1 id 7  => p1: duplicate 1
        c1 receives 5        => c1: got 2",
    );
    // Within the interval, even if the first has been deleted; after it, no longer.
    check(
        FIFO,
        page,
        "p1 publishes 1 id 7 => p1: accepted 1
        wait 499ms
        p1 publishes 1 id 7  => p1: duplicate 1
        wait 1ms
        p1 publishes 1 id 7  => p1: accepted 1",
    );
    // A restart of a server forgets none of it.
    check(
        FIFO,
        page,
        "p1 publishes 1 id 7 => p1: accepted 1
        c1 receives 1        => c1: got 1
        c1 acks 1            => c1: done
        crash
        p1 publishes 1 id 7  => p1: duplicate 1
        c1 receives 1        => c1: got nothing",
    );
    // A copy is answered once the first is stored.
    check(
        FIFO,
        page,
        "cached disk
        p1 publishes 1 id 7
        p1 publishes 1 id 7
        sync                => p1: accepted 1; p1: duplicate 1",
    );
}

#[test]
fn conforms_to_the_visibility_timeout_and_dead_letter_queues() {
    check(
        FIFO,
        "Amazon SQS visibility timeout, \"Set and adjust visibility timeout\"",
        "p1 publishes 1 key 1 => p1: accepted 1
        p1 publishes 2 key 1  => p1: accepted 2
        c1 receives 1         => c1: got 1
        wait 200ms
        c1 extends 1 by 300ms => c1: done
        wait 299ms
        c2 receives 1         => c2: got nothing
        wait 1ms
        c1 extends 1 by 300ms => c1: stale
        c2 receives 1         => c2: got 1 #2 again",
    );
    // The dead letter lets its successors go.
    check(
        QueuePolicy { delivery_limit: Some(1), dead_letter: DeadLetter::AtLeastOnce, ..FIFO },
        "Using dead-letter queues in Amazon SQS, \"Maximum receives\"",
        "p1 publishes 1 key 1 => p1: accepted 1
        p1 publishes 2 key 1  => p1: accepted 2
        c1 receives 1         => c1: got 1
        wait 300ms
        c1 receives 1         => c1: got 2
        c2 receives 9 q1      => c2: got 1 dead: deliverylimit",
    );
}
