//! Redis streams with consumer groups, by the documentation of Redis.

use super::*;

const STREAM: QueuePolicy = Preset::RedisStreams.policy(STRICT);

#[test]
fn conforms_to_xreadgroup() {
    let page = "XREADGROUP, \"Consumer groups in 30 seconds\"";
    // Each message goes to one consumer of a group, and to every group.
    check(
        QueuePolicy { queues: 2, ..STREAM },
        page,
        "p1 publishes 1  => p1: accepted 1
        p1 publishes 2   => p1: accepted 2
        c1 receives 1    => c1: got 1
        c2 receives 9    => c2: got 2
        c3 receives 9 q1 => c3: got 1, 2",
    );
    // It stays in the consumer's pending list for as long as it likes.
    check(
        STREAM,
        page,
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        c1 leaves
        wait 60000ms
        c2 receives 1    => c2: got nothing
        c1 receives 1    => c1: got nothing",
    );
    // By an id instead of `>` a consumer reads its own pending messages.
    check(
        STREAM,
        "XREADGROUP, \"Differences between XREAD and XREADGROUP\"",
        "p1 publishes 1  => p1: accepted 1
        p1 publishes 2   => p1: accepted 2
        c1 receives 1    => c1: got 1
        c2 receives 1    => c2: got 2
        c1 rereads 9     => c1: got 1 #2 again
        c1 acks 1        => c1: done
        c1 rereads 9     => c1: got nothing",
    );
    // BLOCK waits for new ones.
    check(
        STREAM,
        "XREAD, \"Blocking for data\"",
        "c1 receives 9 waits 100ms
        p1 publishes 1   => p1: accepted 1; c1: got 1
        c1 receives 9 waits 20ms
        wait 20ms        => c1: got nothing",
    );
}

#[test]
fn conforms_to_xack() {
    let page = "XACK, \"XACK\"";
    // It names a message, and neither a consumer nor a delivery.
    check(
        STREAM,
        page,
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        c2 acks 1#1      => c2: done
        c1 rereads 9     => c1: got nothing
        c1 acks 1        => c1: stale",
    );
    // So an old owner's settles what a new one is at work on.
    check(
        STREAM,
        page,
        "p1 publishes 1      => p1: accepted 1
        c1 receives 1        => c1: got 1
        wait 50ms
        c2 claims 1 idle 50ms => c2: got 1 #2 again
        c1 acks 1            => c1: done
        c2 acks 1            => c2: stale",
    );
}

#[test]
fn conforms_to_xautoclaim() {
    let page = "XAUTOCLAIM, \"XAUTOCLAIM\"";
    // What was idle for long enough, counted and no longer idle.
    check(
        STREAM,
        page,
        "p1 publishes 1       => p1: accepted 1
        p1 publishes 2        => p1: accepted 2
        c1 receives 1         => c1: got 1
        wait 30ms
        c1 receives 1         => c1: got 2
        wait 20ms
        c2 claims 9 idle 50ms => c2: got 1 #2 again
        c3 claims 9 idle 50ms => c3: got nothing
        wait 30ms
        c3 claims 9 idle 50ms => c3: got 2 #2 again",
    );
    check(
        STREAM,
        page,
        "p1 publishes 1      => p1: accepted 1
        p1 publishes 2       => p1: accepted 2
        c1 receives 2        => c1: got 1, 2
        c2 claims 1 idle 0ms => c2: got 1 #2 again
        c1 rereads 9         => c1: got 2 #2 again",
    );
}

#[test]
fn conforms_to_xclaim() {
    // To claim one's own resets its idle time.
    check(
        STREAM,
        "XCLAIM, \"XCLAIM\"",
        "p1 publishes 1        => p1: accepted 1
        c1 receives 1          => c1: got 1
        wait 40ms
        c1 extends 1 by 0ms    => c1: done
        wait 40ms
        c2 claims 9 idle 50ms  => c2: got nothing
        wait 10ms
        c2 claims 9 idle 50ms  => c2: got 1 #2 again",
    );
}

#[test]
fn conforms_to_persistence() {
    // appendfsync everysec: confirmed at once, durable later.
    check(
        STREAM,
        "Redis persistence, \"How durable is the append only file?\"",
        "cached disk
        p1 publishes 1  => p1: accepted 1
        interval
        sync
        p1 publishes 2  => p1: accepted 2
        power cut
        c1 receives 9   => c1: got 1",
    );
    // Pending lists are persisted with the rest.
    check(
        STREAM,
        "Redis Streams, \"Persistence, replication and message safety\"",
        "p1 publishes 1  => p1: accepted 1
        p1 publishes 2   => p1: accepted 2
        p1 publishes 3   => p1: accepted 3
        c1 receives 2    => c1: got 1, 2
        c1 acks 1        => c1: done
        crash
        c2 receives 9    => c2: got 3
        c1 rereads 9     => c1: got 2 #2 again",
    );
    // XADD with MAXLEN evicts the oldest.
    check(
        QueuePolicy { length_max: Some(2), ..STREAM },
        "XADD, \"Capped streams\"",
        "p1 publishes 1  => p1: accepted 1
        p1 publishes 2   => p1: accepted 2
        p1 publishes 3   => p1: accepted 3
        ends 1
        c1 receives 9    => c1: got 2, 3",
    );
    // The group that forgets its cursor reads again what it has acknowledged.
    check(
        QueuePolicy { cursor: Cursor::Memory, ..STREAM },
        "redis #7105, \"forgets last-delivered-id after restart\"",
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        c1 acks 1        => c1: done
        crash
        c1 receives 1    => c1: got 1",
    );
}
