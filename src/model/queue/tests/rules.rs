//! What each value of the policy comes to, besides what the presets say.

use super::*;
use crate::id::{MessageId, PartitionId, Position};
use crate::model::message::{Acks, Entry, Identity, Produce, Refusal, Verdict};

const TWO: QueuePolicy = QueuePolicy { queues: 2, ..STRICT };

#[test]
fn a_message_goes_where_its_key_and_the_exchange_send_it() {
    for (routing, first, second) in [
        (Routing::FanOut, "c1: got 4, 5", "c2: got 4, 5"),
        (Routing::Direct, "c1: got 4", "c2: got 5"),
        (Routing::Topic, "c1: got 4, 5", "c2: got 5"),
    ] {
        let mut stage = run(
            QueuePolicy { routing, ..TWO },
            "p1 publishes 4 key 4 => p1: accepted 4
            p1 publishes 5 key 5  => p1: accepted 5",
        );
        assert_eq!(stage.step("c1 receives 9"), first, "{routing:?}");
        assert_eq!(stage.step("c2 receives 9 q1"), second, "{routing:?}");
    }
}

#[test]
fn what_cannot_be_taken_is_refused() {
    let mut stage = run(QueuePolicy { unbound: Some(7), ..STRICT }, "");
    assert_eq!(stage.step("p1 publishes 1 key 7"), "p1: unroutable 1");
    let body = stage.bench.desk.blobs.put(b"one");
    let mut entry = Entry::new(MessageId::new(NodeId(1), 1), 0, body);
    let produce = |entry, partition| Message::Produce {
        partition: PartitionId(partition),
        acks: Acks::All,
        produce: Produce { entry, identity: Identity::None },
    };
    let verdict = |sent: Vec<Message>| match sent[..] {
        [Message::Produced { verdict, .. }] => verdict,
        ref other => panic!("{other:?}"),
    };
    let nowhere = stage.bench.deliver(&mut stage.broker, 1, produce(entry, 2));
    assert_eq!(verdict(nowhere), Verdict::Refused(Refusal::UnknownPartition));
    entry.checksum ^= 1;
    let corrupt = stage.bench.deliver(&mut stage.broker, 1, produce(entry, 0));
    assert_eq!(verdict(corrupt), Verdict::Refused(Refusal::Corrupt));
    assert_eq!(stage.step("c1 receives 9"), "c1: got nothing");
}

/// AMQP's default exchange: each queue is bound to it by its own name.
#[test]
fn a_message_may_name_its_queue() {
    run(
        QueuePolicy { unbound: Some(7), routing: Routing::Direct, ..TWO },
        "p1 publishes 1 key 7 to 1 => p1: accepted 1
        p1 publishes 2 key 0 to 2  => p1: accepted 2
        c1 receives 9              => c1: got 1
        c1 receives 9 q1           => c1: got 2",
    );
}

#[test]
fn without_confirms_nothing_is_said() {
    run(
        QueuePolicy { unbound: Some(7), ..STRICT },
        "p1 publishes 1 unconfirmed
        p1 publishes 2 key 7 unconfirmed
        c1 receives 9 => c1: got 1",
    );
}

#[test]
fn a_transient_message_is_lost_with_the_process_and_waits_for_no_disk() {
    run(
        QueuePolicy { persistence: Persistence::Transient, ..STRICT },
        "cached disk
        p1 publishes 1  => p1: accepted 1
        p1 publishes 2  => p1: accepted 2
        c1 receives 1   => c1: got 1
        c1 rejects 1    => c1: done
        crash
        ends 1
        c1 receives 9   => c1: got nothing",
    );
}

#[test]
fn an_early_confirm_promises_what_a_power_cut_takes_back() {
    run(
        QueuePolicy { confirm: AnswerWhen::AtOnce, ..STRICT },
        "cached disk
        p1 publishes 1  => p1: accepted 1
        c1 receives 1   => c1: got 1
        power cut
        c1 receives 9   => c1: got nothing",
    );
    run(
        QueuePolicy { settled: AnswerWhen::AtOnce, ..STRICT },
        "cached disk
        p1 publishes 1
        sync            => p1: accepted 1
        c1 receives 1
        sync            => c1: got 1
        c1 acks 1       => c1: done
        power cut
        wait 500ms
        c1 receives 9
        sync            => c1: got 1 #2 again",
    );
}

/// Kafka's word for it: the publisher may be content with a broker that has the message.
#[test]
fn a_publisher_need_not_wait_for_the_disk() {
    run(
        STRICT,
        "cached disk
        p1 publishes 1 early => p1: accepted 1
        c1 receives 1        => c1: got nothing",
    );
}

#[test]
fn a_confirm_waits_for_the_interval_between_syncs() {
    run(
        QueuePolicy { fsync: Fsync::Interval(Span::millis(10)), ..STRICT },
        "cached disk
        p1 publishes 1
        p1 publishes 2
        interval
        sync            => p1: accepted 1; p1: accepted 2",
    );
    run(
        QueuePolicy {
            fsync: Fsync::Never,
            confirm: AnswerWhen::AtOnce,
            settled: AnswerWhen::AtOnce,
            ..STRICT
        },
        "cached disk
        p1 publishes 1  => p1: accepted 1
        c1 receives 1   => c1: got 1
        c1 acks 1       => c1: done
        power cut
        c1 receives 1   => c1: got nothing",
    );
}

#[test]
fn only_its_holder_settles_a_message_and_only_while_it_is() {
    run(
        STRICT,
        "p1 publishes 1 => p1: accepted 1
        c1 receives 1   => c1: got 1
        c2 acks 1#1     => c2: stale
        c2 rejects 1#1  => c2: stale
        c2 returns 1#1  => c2: stale
        c2 extends 1#1 by 9ms => c2: stale
        wait 500ms
        c1 acks 1       => c1: stale
        c1 receives 1   => c1: got 1 #2 again
        c1 acks 1#1     => c1: stale
        c1 acks 1#2     => c1: done
        c1 acks 1#2     => c1: stale",
    );
}

#[test]
fn deliveries_are_counted_as_far_as_the_policy_says() {
    for (count, after_return, after_crash) in [
        (Counting::Durable, "c1: got 1 #2 again", "c1: got 1 #3 again"),
        (Counting::Memory, "c1: got 1 #2 again", "c1: got 1"),
        (Counting::Flag, "c1: got 1 again", "c1: got 1 again"),
    ] {
        let mut stage = run(
            QueuePolicy { count, ..STRICT },
            "p1 publishes 1 => p1: accepted 1
            c1 receives 1   => c1: got 1
            c1 returns 1    => c1: done",
        );
        assert_eq!(stage.step("c1 receives 1"), after_return, "{count:?}");
        stage.step("crash");
        stage.step("wait 500ms");
        assert_eq!(stage.step("c1 receives 1"), after_crash, "{count:?}");
    }
}

#[test]
fn a_delivery_that_counts_leaves_once_it_is_durable() {
    let trace = "cached disk
        p1 publishes 1
        sync            => p1: accepted 1";
    run(STRICT, &format!("{trace}\nc1 subscribes 1\nsync => c1: got 1"));
    // All of an answer, that is.
    run(
        STRICT,
        "cached disk
        p1 publishes 1
        p1 publishes 2
        sync            => p1: accepted 1
        sync            => p1: accepted 2
        c1 receives 2
        sync
        sync            => c1: got 1, 2",
    );
    let flag = QueuePolicy { count: Counting::Flag, ..STRICT };
    run(flag, &format!("{trace}\nc1 subscribes 1 => c1: got 1"));
}

#[test]
fn a_restart_leaves_leases_delays_and_extensions_alone() {
    run(
        STRICT,
        "p1 publishes 1 => p1: accepted 1
        p1 publishes 2  => p1: accepted 2
        p1 publishes 3  => p1: accepted 3
        c1 receives 3   => c1: got 1, 2, 3
        c1 extends 2 by 900ms => c1: done
        c1 returns 3 after 700ms => c1: done
        wait 100ms
        crash
        c2 receives 9   => c2: got nothing
        wait 499ms
        c2 receives 9   => c2: got nothing
        wait 1ms
        c2 receives 9   => c2: got 1 #2 again
        c1 acks 2       => c1: done
        wait 199ms
        c2 receives 9   => c2: got nothing
        wait 1ms
        c2 receives 9   => c2: got 3 #2 again",
    );
}

#[test]
fn after_a_restart_nothing_has_been_idle() {
    run(
        QueuePolicy { hold: Hold::UntilClaimed, ..STRICT },
        "p1 publishes 1 => p1: accepted 1
        c1 receives 1   => c1: got 1
        wait 90ms
        crash
        c2 claims 1 idle 50ms => c2: got nothing
        wait 50ms
        c2 claims 1 idle 50ms => c2: got 1 #2 again",
    );
}

#[test]
fn a_connection_takes_what_hung_on_it_with_it() {
    // Its subscription, its wait, and what was to be said over it.
    run(
        STRICT,
        "cached disk
        c1 subscribes 1
        c2 receives 1 waits 9ms
        c1 leaves
        c2 leaves
        p1 publishes 1
        p1 leaves
        sync
        c3 receives 1
        sync            => c3: got 1",
    );
    let mut stage = run(STRICT, "c1 subscribes 1");
    assert_eq!(stage.step("c2 leaves"), "");
    assert_eq!(stage.bench.disconnects, 0, "a stranger");
    stage.step("c1 leaves");
    assert_eq!(stage.bench.disconnects, 1, "a newer connection would lack its subscription");
}

#[test]
fn who_subscribes_again_changes_the_credit() {
    run(
        STRICT,
        "p1 publishes 1 => p1: accepted 1
        p1 publishes 2  => p1: accepted 2
        p1 publishes 3  => p1: accepted 3
        c1 subscribes 1 => c1: got 1
        c1 subscribes 2 => c1: got 2
        c1 subscribes 2
        c1 acks 1       => c1: done; c1: got 3",
    );
    // What it has asked for takes none of that.
    run(
        STRICT,
        "p1 publishes 1 => p1: accepted 1
        p1 publishes 2  => p1: accepted 2
        c1 receives 1   => c1: got 1
        c1 subscribes 1 => c1: got 2",
    );
}

#[test]
fn what_is_given_back_for_a_while_comes_when_that_is_over() {
    run(
        STRICT,
        "p1 publishes 1 => p1: accepted 1
        c1 subscribes 1 => c1: got 1
        c1 returns 1 after 9ms => c1: done
        wait 8ms
        wait 1ms        => c1: got 1 #2 again",
    );
}

#[test]
fn who_asks_again_waits_for_one_answer() {
    run(
        STRICT,
        "c1 receives 1 waits 9ms
        c1 receives 1 waits 20ms
        wait 9ms
        wait 11ms       => c1: got nothing
        c1 receives 1 waits 9ms
        c2 receives 1 waits 9ms
        p1 publishes 1  => p1: accepted 1; c1: got 1
        wait 9ms        => c2: got nothing",
    );
}

#[test]
fn an_alarm_stops_publishers_until_there_is_room() {
    let capped = QueuePolicy { length_max: Some(2), overflow: Overflow::Backpressure, ..STRICT };
    let full = "p1 publishes 1 => p1: accepted 1
        p2 publishes 2  => p2: accepted 2
        p1 publishes 3
        p2 publishes 4
        p1 publishes 3
        c1 receives 2   => c1: got 1, 2";
    run(
        capped,
        &format!(
            "{full}
            c1 acks 1       => c1: done; p1: accepted 3
            c1 acks 2       => c1: done; p2: accepted 4
            c1 receives 9   => c1: got 3, 4
            c1 acks 3       => c1: done"
        ),
    );
    run(capped, &format!("{full}\np1 leaves\nc1 acks 1 => c1: done; p2: accepted 4"));
    // Over a shared connection the acknowledgement is not read either.
    let shared = QueuePolicy { alarm: Alarm::BlocksConnection, ..capped };
    let full = full.rsplit_once('\n').unwrap().0;
    run(
        shared,
        &format!(
            "c1 subscribes 2\n{}",
            "p1 publishes 1 => p1: accepted 1; c1: got 1
            p1 publishes 2  => p1: accepted 2; c1: got 2
            p1 publishes 3
            c1 acks 1
            c1 acks 2
            wait 499ms"
        ),
    );
    run(shared, &format!("{full}\nc1 receives 2"));
}

#[test]
fn a_dead_letter_is_published_durably_before_its_message_is_removed() {
    let dead = QueuePolicy { dead_letter: DeadLetter::AtLeastOnce, ..STRICT };
    let rejected = "cached disk
        p1 publishes 1
        sync            => p1: accepted 1
        c1 receives 1
        sync            => c1: got 1
        c1 rejects 1";
    // The rejection is durable, the letter is not: it is published again.
    run(
        dead,
        &format!(
            "{rejected}
            sync          => c1: done
            power cut
            c2 receives 9 q1 => c2: got nothing
            sync
            c2 receives 9 q1
            sync
            sync          => c2: got 1 dead: rejected
            c1 receives 9 => c1: got nothing"
        ),
    );
    // Meanwhile nobody has a say about it.
    run(dead, &format!("{rejected}\nc1 acks 1 => c1: stale\nsync => c1: done"));
    // It holds nobody back.
    run(
        QueuePolicy { order: QueueOrder::Groups, ..dead },
        "cached disk
        p1 publishes 1
        p1 publishes 2
        sync            => p1: accepted 1
        sync            => p1: accepted 2
        c1 receives 1
        sync            => c1: got 1
        c1 rejects 1
        c1 receives 1
        sync            => c1: done
        sync            => c1: got 2",
    );
    // The letter is durable, its message's removal is not: there are two letters.
    run(
        dead,
        &format!(
            "{rejected}
            sync          => c1: done
            sync
            power cut
            sync
            c2 receives 9 q1
            sync
            sync          => c2: got 1 dead: rejected, 1 dead: rejected
            c1 receives 9 => c1: got nothing"
        ),
    );
}

#[test]
fn a_dead_letter_has_one_place_once_all_is_on_the_disk_and_dies_once_more_in_its_own_name() {
    let dead = QueuePolicy { dead_letter: DeadLetter::AtLeastOnce, ..STRICT };
    run(
        dead,
        "p1 publishes 1 => p1: accepted 1
        c1 receives 1   => c1: got 1
        c1 rejects 1    => c1: done
        crash
        c2 receives 9 q1 => c2: got 1 dead: rejected",
    );
    // A letter is dropped if it dies once more, in the name of its group.
    run(
        QueuePolicy { delivery_limit: Some(1), queues: 2, ..dead },
        "p1 publishes 1      => p1: accepted 1
        c1 receives 1 q1     => c1: got 1
        c1 rejects 1 q1      => c1: done
        c1 receives 1 q3     => c1: got 1 dead: rejected
        c1 returns 1 q3      => c1: done
        c1 receives 1 q3     => c1: got 1 #2 again dead: rejected
        c1 rejects 1 q3      => c1: done
        ends 1@q1",
    );
}

#[test]
fn at_most_once_a_letter_is_lost_between_its_removal_and_its_publication() {
    let dead = QueuePolicy { dead_letter: DeadLetter::AtMostOnce, ..STRICT };
    run(
        dead,
        "cached disk
        p1 publishes 1
        sync            => p1: accepted 1
        c1 receives 1
        sync            => c1: got 1
        c1 rejects 1
        sync            => c1: done
        power cut
        c1 receives 9   => c1: got nothing
        c2 receives 9 q1 => c2: got nothing",
    );
}

#[test]
fn a_limit_ends_what_is_delivered_too_often_however_it_comes_back() {
    let limited = QueuePolicy { delivery_limit: Some(1), ..STRICT };
    let given = "p1 publishes 1 => p1: accepted 1\nc1 receives 1 => c1: got 1\n";
    run(limited, &format!("{given}c1 returns 1 => c1: done\nends 1"));
    run(limited, &format!("{given}wait 500ms\nends 1"));
    let tied = QueuePolicy { hold: Hold::UntilDisconnect, ..limited };
    run(tied, &format!("{given}c1 leaves\nends 1"));
    run(tied, &format!("{given}crash\nends 1"));
    let claimed = QueuePolicy { hold: Hold::UntilClaimed, ..limited };
    run(claimed, &format!("{given}c2 claims 1 idle 0ms => c2: got nothing\nends 1"));
}

#[test]
fn ids_are_known_for_a_window_and_as_far_as_a_restart_leaves_them() {
    for (kept, stored, settled) in [
        (DedupKept::All, "p1: duplicate 1", "p1: duplicate 2"),
        (DedupKept::Stored, "p1: duplicate 1", "p1: accepted 2"),
        (DedupKept::None, "p1: accepted 1", "p1: accepted 2"),
    ] {
        let dedup = Some(Span::millis(900));
        let mut stage = run(
            QueuePolicy { dedup, dedup_kept: kept, ..STRICT },
            "p1 publishes 2 id 2 => p1: accepted 2
            c1 receives 1        => c1: got 2
            c1 acks 2            => c1: done
            p1 publishes 1 id 1  => p1: accepted 1
            p1 publishes 1 id 1  => p1: duplicate 1
            crash",
        );
        assert_eq!(stage.step("p1 publishes 1 id 1"), stored, "{kept:?}");
        assert_eq!(stage.step("p1 publishes 2 id 2"), settled, "{kept:?}");
    }
    run(
        STRICT,
        "p1 publishes 1 id 1 => p1: accepted 1
        p1 publishes 1 id 1  => p1: accepted 1
        c1 receives 9        => c1: got 1, 1",
    );
    // What was refused is not known.
    run(
        QueuePolicy { dedup: Some(Span::millis(900)), length_max: Some(1), ..STRICT },
        "p1 publishes 1 id 1 => p1: accepted 1
        p1 publishes 2 id 2  => p1: full 2
        c1 receives 9        => c1: got 1
        p1 publishes 2 id 2  => p1: accepted 2",
    );
    // Nor is it if one queue has taken it and another has refused it.
    run(
        QueuePolicy { dedup: Some(Span::millis(900)), length_max: Some(1), ..TWO },
        "p1 publishes 1 id 1 => p1: accepted 1
        c2 receives 9 q1     => c2: got 1
        p1 publishes 2 id 2  => p1: full 2
        c1 receives 9        => c1: got 1
        c2 receives 9 q1     => c2: got 2
        p1 publishes 2 id 2  => p1: accepted 2",
    );
}

/// What a power cut has undone may be in somebody's hands, and its place is not used again.
#[test]
fn a_settlement_of_what_is_lost_settles_nothing_else() {
    run(
        QueuePolicy { confirm: AnswerWhen::AtOnce, ack: AckMatch::Message, ..STRICT },
        "cached disk
        p1 publishes 1  => p1: accepted 1
        c1 receives 1   => c1: got 1
        power cut
        p1 publishes 2  => p1: accepted 2
        c2 receives 1   => c2: got 2
        c1 acks 1       => c1: stale",
    );
}

#[test]
fn a_disk_that_fails_ends_the_process() {
    let mut stage = run(STRICT, "cached disk\np1 publishes 1");
    let sent = stage.bench.end_sync(&mut stage.broker, Err(DiskError::Failed));
    assert_eq!((sent, &stage.bench.exits[..]), (vec![], &[Some(DISK_FAILED)][..]));
}

#[test]
fn a_damaged_log_is_closed() {
    let mut stage = run(
        STRICT,
        "p1 publishes 1 => p1: accepted 1
        p1 publishes 2  => p1: accepted 2",
    );
    stage.bench.file(COMMANDS).damage(Position(0));
    stage.step("crash");
    assert_eq!(stage.step("p1 publishes 3"), "p1: closed 3");
    assert_eq!(stage.step("c1 receives 9 waits 9ms"), "c1: got nothing");
    assert_eq!(stage.step("c1 subscribes 9"), "");
}

#[test]
fn one_consumer_is_active_at_a_time() {
    let (hold, order) = (Hold::UntilDisconnect, QueueOrder::SingleActive);
    run(
        QueuePolicy { hold, order, ..STRICT },
        "c1 subscribes 2
        c2 subscribes 5
        p1 publishes 1        => p1: accepted 1; c1: got 1
        p1 publishes 2        => p1: accepted 2; c1: got 2
        p1 publishes 3        => p1: accepted 3
        c1 subscribes 2       => c1: got 1 #2 again; c1: got 2 #2 again
        c1 leaves             => c2: got 1 #3 again; c2: got 2 #3 again; c2: got 3",
    );
}

/// What waits for the disk when its connection is replaced goes out once, and in its place.
#[test]
fn nothing_is_handed_over_a_connection_that_was_replaced() {
    let (hold, order) = (Hold::UntilDisconnect, QueueOrder::SingleActive);
    run(
        QueuePolicy { hold, order, ..STRICT },
        "cached disk
        c1 subscribes 2
        p1 publishes 1
        sync                  => p1: accepted 1
        p1 publishes 2
        c1 subscribes 2
        sync
        sync                  => p1: accepted 2; c1: got 1 #2 again
        sync                  => c1: got 2",
    );
}
