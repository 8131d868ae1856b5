//! A NATS `JetStream` work queue, by the documentation of NATS.

use super::*;

const WORK: QueuePolicy = QueuePolicy {
    lease: Span::millis(300),
    dedup: Some(Span::millis(500)),
    ..Preset::JetstreamWorkQueue.policy(STRICT)
};

/// With `sync_interval: always`.
const ALWAYS: QueuePolicy = QueuePolicy {
    fsync: Fsync::BeforeAck,
    confirm: AnswerWhen::Durable,
    settled: AnswerWhen::Durable,
    ..WORK
};

#[test]
fn conforms_to_streams() {
    // Kept until it is acknowledged, then removed.
    check(
        WORK,
        "JetStream Model Deep Dive, \"Stream Limits, Retention, and Policy\"",
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        c1 acks 1        => c1: done
        wait 300ms
        c1 receives 1    => c1: got nothing
        crash
        c1 receives 1    => c1: got nothing",
    );
    // Acknowledged to its publisher once it is stored, which is not yet on the disk.
    check(
        WORK,
        "Configuring JetStream, \"sync_interval\"",
        "cached disk
        p1 publishes 1  => p1: accepted 1
        interval
        sync
        p1 publishes 2  => p1: accepted 2
        power cut
        c1 receives 9   => c1: got 1",
    );
    check(
        ALWAYS,
        "Configuring JetStream, \"sync_interval\"",
        "cached disk
        p1 publishes 1
        sync             => p1: accepted 1
        power cut
        c1 receives 1
        sync             => c1: got 1",
    );
    // Each subject is one consumer's.
    check(
        QueuePolicy { queues: 2, ..WORK },
        "JetStream Model Deep Dive, \"Stream Limits, Retention, and Policy\"",
        "p1 publishes 1 key 0 => p1: accepted 1
        p1 publishes 2 key 1  => p1: accepted 2
        c1 receives 9         => c1: got 1
        c2 receives 9 q1      => c2: got 2",
    );
    // Discard new, or old.
    check(
        QueuePolicy { length_max: Some(1), overflow: Overflow::RejectPublish, ..WORK },
        "Streams, \"DiscardPolicy\"",
        "p1 publishes 1  => p1: accepted 1
        p1 publishes 2   => p1: full 2",
    );
    check(
        QueuePolicy { length_max: Some(1), ..WORK },
        "Streams, \"DiscardPolicy\"",
        "p1 publishes 1  => p1: accepted 1
        p1 publishes 2   => p1: accepted 2
        ends 1
        c1 receives 9    => c1: got 2",
    );
}

#[test]
fn conforms_to_message_deduplication() {
    let page = "JetStream Model Deep Dive, \"Message Deduplication\"";
    check(
        WORK,
        page,
        "p1 publishes 1 id 7 => p1: accepted 1
        p1 publishes 1 id 7  => p1: duplicate 1
        c1 receives 9        => c1: got 1
        wait 500ms
        p1 publishes 1 id 7  => p1: accepted 1",
    );
    // What was removed from the stream is known only to the process that saw it.
    check(
        WORK,
        page,
        "p1 publishes 1 id 7 => p1: accepted 1
        p1 publishes 2 id 8  => p1: accepted 2
        c1 receives 1        => c1: got 1
        c1 acks 1            => c1: done
        p1 publishes 1 id 7  => p1: duplicate 1
        crash
        p1 publishes 2 id 8  => p1: duplicate 2
        p1 publishes 1 id 7  => p1: accepted 1",
    );
}

#[test]
fn conforms_to_acknowledgement_models() {
    let page = "JetStream Model Deep Dive, \"Acknowledgement Models\"";
    // Without an answer within AckWait it is delivered again.
    check(
        WORK,
        page,
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        c1 leaves
        wait 299ms
        c2 receives 1    => c2: got nothing
        wait 1ms
        c2 receives 1    => c2: got 1 #2 again",
    );
    // A double ack is answered, and may be undone if the power goes before it is synced.
    check(
        WORK,
        "Configuring JetStream, \"sync_interval\"",
        "cached disk
        p1 publishes 1  => p1: accepted 1
        interval
        sync
        c1 receives 1   => c1: got 1
        c1 acks 1       => c1: done
        power cut
        wait 300ms
        c1 receives 1   => c1: got 1",
    );
    // Where each sync comes first, it is answered once it is durable.
    check(
        ALWAYS,
        "JetStream Model Deep Dive, \"Exactly Once Semantics\"",
        "cached disk
        p1 publishes 1
        sync             => p1: accepted 1
        c1 receives 1
        sync             => c1: got 1
        c1 acks 1
        sync             => c1: done
        power cut
        wait 300ms
        c1 receives 1    => c1: got nothing",
    );
    // A plain one is not, and may be lost.
    check(
        ALWAYS,
        page,
        "cached disk
        p1 publishes 1
        sync             => p1: accepted 1
        c1 receives 1
        sync             => c1: got 1
        c1 drops 1
        power cut
        wait 300ms
        c1 receives 1
        sync             => c1: got 1 #2 again",
    );
}

#[test]
fn conforms_to_acknowledgements_that_are_late_or_negative() {
    let page = "JetStream Model Deep Dive, \"Acknowledgement Models\"";
    // It goes by the sequence of the message: an ack of an earlier delivery counts.
    check(
        WORK,
        "nats-server #4786, \"an ack out of the window\"",
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        wait 300ms
        c2 receives 1    => c2: got 1 #2 again
        c1 acks 1        => c1: done
        c2 acks 1        => c2: stale
        wait 300ms
        c1 receives 1    => c1: got nothing",
    );
    // AckProgress starts the wait anew; Nak ends it, at once or after a delay; Term for good.
    check(
        WORK,
        page,
        "p1 publishes 1        => p1: accepted 1
        c1 receives 1          => c1: got 1
        wait 200ms
        c1 extends 1 by 300ms  => c1: done
        wait 299ms
        c2 receives 1          => c2: got nothing
        c1 returns 1           => c1: done
        c2 receives 1          => c2: got 1 #2 again
        c2 returns 1 after 40ms => c2: done
        wait 39ms
        c2 receives 1          => c2: got nothing
        wait 1ms
        c2 receives 1          => c2: got 1 #3 again
        c2 rejects 1           => c2: done
        wait 300ms
        c2 receives 1          => c2: got nothing
        ends 1",
    );
}

#[test]
fn conforms_to_consumers() {
    // MaxDeliver counts across restarts.
    check(
        QueuePolicy { delivery_limit: Some(2), ..WORK },
        "Consumers, \"MaxDeliver\"",
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        crash
        wait 300ms
        c1 receives 1    => c1: got 1 #2 again
        wait 300ms
        c1 receives 1    => c1: got nothing
        ends 1",
    );
    // A pull request waits until it expires.
    check(
        WORK,
        "Consumers, \"Pull consumers\"",
        "c1 receives 2 waits 50ms
        wait 50ms           => c1: got nothing
        c1 receives 2 waits 50ms
        p1 publishes 1      => p1: accepted 1; c1: got 1",
    );
}
