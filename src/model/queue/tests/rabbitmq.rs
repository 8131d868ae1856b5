//! `RabbitMQ`'s classic queues, by its manual.

use super::*;

const CLASSIC: QueuePolicy = Preset::RabbitmqClassic.policy(STRICT);

/// A section of the page on confirms.
fn page(section: &str) -> String {
    format!("Consumer Acknowledgements and Publisher Confirms, \"{section}\"")
}

#[test]
fn conforms_to_consumer_acknowledgements_and_publisher_confirms() {
    // A persistent message is confirmed once it is on the disk.
    check(
        CLASSIC,
        &page("When Will Published Messages Be Confirmed by the Broker?"),
        "cached disk
        p1 publishes 1
        sync             => p1: accepted 1
        power cut
        c1 receives 1    => c1: got 1 again",
    );
    // An unroutable one as soon as the exchange has found no queue for it.
    check(
        QueuePolicy { unbound: Some(7), ..CLASSIC },
        &page("When Will Published Messages Be Confirmed by the Broker?"),
        "cached disk
        p1 publishes 1 key 7 => p1: accepted 1
        c1 receives 1        => c1: got nothing",
    );
    // What a consumer holds is requeued when its connection is gone, and comes back marked.
    check(
        CLASSIC,
        &page("Automatic Requeueing of Deliveries"),
        "p1 publishes 1  => p1: accepted 1
        c1 subscribes 5  => c1: got 1
        c2 subscribes 5
        c1 leaves        => c2: got 1 again
        c2 acks 1        => c2: done
        c2 leaves
        c1 receives 1    => c1: got nothing",
    );
}

#[test]
fn conforms_to_deliveries_and_their_acknowledgements() {
    // No time limits a delivery.
    check(
        CLASSIC,
        &page("Delivery Acknowledgement Timeout"),
        "p1 publishes 1  => p1: accepted 1
        c1 subscribes 1  => c1: got 1
        c2 subscribes 1
        wait 60000ms
        c1 acks 1        => c1: done",
    );
    // An acknowledgement belongs to the channel that had the delivery.
    check(
        CLASSIC,
        &page("Delivery Identifiers: Delivery Tags"),
        "p1 publishes 1  => p1: accepted 1
        c1 subscribes 1  => c1: got 1
        c2 acks 1#1      => c2: stale
        c1 acks 1        => c1: done
        c1 acks 1        => c1: stale",
    );
    // Requeued, a message takes its old place; discarded, it is gone.
    check(
        CLASSIC,
        &page("Negative Acknowledgement and Requeuing of Deliveries"),
        "p1 publishes 1  => p1: accepted 1
        p1 publishes 2   => p1: accepted 2
        c1 receives 1    => c1: got 1
        c1 returns 1     => c1: done
        c1 receives 2    => c1: got 1 again, 2
        c1 rejects 2     => c1: done
        ends 2
        c1 leaves
        c1 receives 2    => c1: got 1 again",
    );
    // No more than the prefetch count is unacknowledged.
    check(
        CLASSIC,
        &page("Channel Prefetch Setting (QoS)"),
        "p1 publishes 1  => p1: accepted 1
        p1 publishes 2   => p1: accepted 2
        p1 publishes 3   => p1: accepted 3
        c1 subscribes 2  => c1: got 1; c1: got 2
        c1 acks 2        => c1: done; c1: got 3
        c1 rejects 1     => c1: done",
    );
    // Consumers take turns.
    check(
        CLASSIC,
        "AMQP 0-9-1 Model Explained, \"Queues\"",
        "c1 subscribes 9
        c2 subscribes 9
        p1 publishes 1   => p1: accepted 1; c1: got 1
        p1 publishes 2   => p1: accepted 2; c2: got 2
        p1 publishes 3   => p1: accepted 3; c1: got 3",
    );
}

#[test]
fn conforms_to_unroutable_message_handling() {
    check(
        QueuePolicy { unbound: Some(7), unroutable: Unroutable::Returned, ..CLASSIC },
        "Publishers, \"Unroutable Message Handling\"",
        "p1 publishes 1 key 7 => p1: unroutable 1
        p1 publishes 2 key 8  => p1: accepted 2",
    );
}

#[test]
fn conforms_to_queue_length_limit() {
    let capped = QueuePolicy { length_max: Some(2), ..CLASSIC };
    // The oldest go, and what is unacknowledged does not count.
    check(
        capped,
        "Queue Length Limit, \"Default max-length Behaviour\"",
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        p1 publishes 2   => p1: accepted 2
        p1 publishes 3   => p1: accepted 3
        p1 publishes 4   => p1: accepted 4
        ends 2
        c2 receives 3    => c2: got 3, 4",
    );
    // One that refuses says so, and the other queues take the message all the same.
    check(
        QueuePolicy { queues: 2, overflow: Overflow::RejectPublish, ..capped },
        "Queue Length Limit, \"Queue Overflow Behaviour\"",
        "p1 publishes 1  => p1: accepted 1
        p1 publishes 2   => p1: accepted 2
        c2 receives 9 q1 => c2: got 1, 2
        p1 publishes 3   => p1: full 3
        c1 receives 9    => c1: got 1, 2
        c2 receives 9 q1 => c2: got 3",
    );
}

#[test]
fn conforms_to_time_to_live() {
    let short = QueuePolicy { ttl: Some(Span::millis(50)), ..CLASSIC };
    check(
        short,
        "Time-To-Live and Expiration, \"Per-Queue Message TTL in Queues\"",
        "p1 publishes 1  => p1: accepted 1
        wait 30ms
        p1 publishes 2   => p1: accepted 2
        wait 20ms
        ends 1
        c1 receives 9    => c1: got 2",
    );
    // What is requeued keeps the age that it has.
    check(
        short,
        "Time-To-Live and Expiration, \"Per-Queue Message TTL in Queues\"",
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        wait 80ms
        c1 returns 1     => c1: done
        ends 1
        c1 receives 1    => c1: got nothing",
    );
}

#[test]
fn conforms_to_dead_letter_exchanges() {
    let dead = QueuePolicy { dead_letter: DeadLetter::AtMostOnce, ..CLASSIC };
    // For each reason, in the order in which they died.
    check(
        QueuePolicy { ttl: Some(Span::millis(50)), length_max: Some(2), ..dead },
        "Dead Letter Exchanges, \"What is a Dead Letter Exchange\"",
        "p1 publishes 1  => p1: accepted 1
        p1 publishes 2   => p1: accepted 2
        p1 publishes 3   => p1: accepted 3
        c1 receives 1    => c1: got 2
        c1 rejects 2     => c1: done
        wait 50ms
        c2 receives 9 q1 => c2: got 1 dead: maxlen, 2 dead: rejected, 3 dead: expired
        c1 receives 9    => c1: got nothing",
    );
    // Removed, and published without a confirm: what falls between is lost.
    check(
        dead,
        "Dead Letter Exchanges, \"Dead-lettering Safety\"",
        "cached disk
        p1 publishes 1
        sync             => p1: accepted 1
        c1 receives 1    => c1: got 1
        c1 rejects 1     => c1: done
        c2 receives 9 q1 => c2: got nothing
        power cut
        c1 receives 1    => c1: got 1 again",
    );
}

#[test]
fn conforms_to_alarms_and_priorities_and_restarts() {
    check(
        QueuePolicy { length_max: Some(1), overflow: Overflow::Backpressure, ..CLASSIC },
        "Memory and Disk Alarms, \"Effects on Data Safety and Connections\"",
        "p1 publishes 1  => p1: accepted 1
        p1 publishes 2
        c1 receives 1    => c1: got 1
        c1 acks 1        => c1: done; p1: accepted 2",
    );
    check(
        QueuePolicy { priorities: Some(3), ..CLASSIC },
        "Classic Queues Support Priorities, \"Overview\"",
        "p1 publishes 1 key 1 => p1: accepted 1
        p1 publishes 2 key 2  => p1: accepted 2
        p1 publishes 3 key 1  => p1: accepted 3
        c1 receives 3         => c1: got 2, 1, 3",
    );
    check(
        CLASSIC,
        "Reliability Guide, \"Ensuring that Messages are Processed\"",
        "p1 publishes 1  => p1: accepted 1
        c1 receives 1    => c1: got 1
        crash
        c2 receives 1    => c2: got 1 again",
    );
}

#[test]
fn nothing_comes_from_a_queue_that_is_not_there() {
    let active = QueuePolicy { order: QueueOrder::SingleActive, ..CLASSIC };
    for policy in [CLASSIC, active] {
        run(
            policy,
            "c1 subscribes 1 q9
            p1 publishes 1   => p1: accepted 1
            c1 receives 1 q9 => c1: got nothing
            c2 receives 1    => c2: got 1",
        );
    }
}
