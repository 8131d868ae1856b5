//! Brokers that behave differently have different fingerprints.

use super::*;
use std::fmt::Write as _;

/// The digest after a trace, whatever is said in it.
fn after(policy: QueuePolicy, trace: &str) -> u64 {
    let mut lines = trace.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    let bench = Bench::machine(0);
    let is_cached = lines.next_if_eq(&"cached disk").is_some();
    let bench = if is_cached { bench } else { bench.write_through() };
    let mut stage = script::Stage::new(policy, bench);
    lines.for_each(|line| _ = stage.step(line));
    stage.digest()
}

#[track_caller]
fn differ(policy: QueuePolicy, common: &str, further: &[&str]) {
    let mut digests = std::collections::BTreeSet::new();
    for more in further {
        assert!(digests.insert(after(policy, &format!("{common}\n{more}"))), "{more:?} alike");
    }
}

#[test]
fn what_is_in_the_queues_and_whose_it_is_shows() {
    let dead = QueuePolicy { dead_letter: DeadLetter::AtLeastOnce, ..STRICT };
    differ(
        dead,
        "p1 publishes 1",
        &[
            "",
            "p1 publishes 2",
            "p1 publishes 3",
            "p1 publishes 2 key 1",
            "c1 receives 1",
            "c2 receives 1",
            "c1 subscribes 1",
            "c1 receives 1\nc1 acks 1",
            "c1 receives 1\nc1 returns 1",
            "c1 receives 1\nc1 returns 1 after 5ms",
            "c1 receives 1\nc1 returns 1 after 6ms",
            "c1 receives 1\nc1 rejects 1",
            "c1 receives 1\nc1 extends 1 by 5ms",
            "wait 1ms\nc1 receives 1",
        ],
    );
    let expiring = QueuePolicy { ttl: Some(Span::secs(9)), ..STRICT };
    differ(expiring, "", &["p1 publishes 1", "wait 1ms\np1 publishes 1"]);
    let flag = QueuePolicy { count: Counting::Flag, ..STRICT };
    differ(flag, "p1 publishes 1\nc1 receives 1", &["", "crash"]);
}

#[test]
fn who_waits_for_what_shows() {
    differ(
        STRICT,
        "",
        &[
            "",
            "c1 receives 1 waits 5ms",
            "c2 receives 1 waits 5ms",
            "c1 receives 2 waits 5ms",
            "c1 receives 1 waits 6ms",
            "c1 subscribes 1",
            "c1 subscribes 2",
            "c2 subscribes 1",
        ],
    );
    differ(
        STRICT,
        "cached disk",
        &[
            "",
            "p1 publishes 1",
            "p2 publishes 1",
            "p1 publishes 1 unconfirmed",
            "p1 publishes 1\nsync",
            "p1 publishes 1\nsync\nc1 receives 1",
        ],
    );
    let alarmed = QueuePolicy { length_max: Some(1), overflow: Overflow::Backpressure, ..STRICT };
    let waiting = ["", "p1 publishes 2", "p2 publishes 2", "p1 publishes 3"];
    differ(alarmed, "p1 publishes 1", &waiting);
    let known = QueuePolicy { dedup: Some(Span::secs(9)), ..STRICT };
    differ(known, "", &["p1 publishes 1", "p1 publishes 1 id 1", "p1 publishes 1 id 2"]);
    let seldom = QueuePolicy { fsync: Fsync::Interval(Span::millis(5)), ..STRICT };
    differ(seldom, "cached disk", &["p1 publishes 1", "p1 publishes 1\ninterval"]);
}

/// What the disk holds shows, too: commands that mean something else have other fingerprints.
#[test]
fn commands_that_differ_in_any_field_have_other_fingerprints() {
    use crate::history::Effect;
    use crate::id::MessageId;
    use crate::model::message::{Death, Entry};
    use crate::node::Record as _;
    let mut bench = Bench::machine(0);
    let body = bench.desk.blobs.put(b"one");
    let message = MessageId::new(NodeId(1), 1);
    let entry = Entry::new(message, 5, body);
    let plain = Publication { number: 1, queues: 1, death: None, at_ms: 1, id: None, entry };
    let publications = [
        plain,
        Publication { number: 2, ..plain },
        Publication { queues: 2, ..plain },
        Publication { death: Some((QueueId(0), Death::Rejected)), ..plain },
        Publication { death: Some((QueueId(1), Death::Rejected)), ..plain },
        Publication { death: Some((QueueId(0), Death::Expired)), ..plain },
        Publication { at_ms: 2, ..plain },
        Publication { id: Some(0), ..plain },
        Publication { id: Some(1), ..plain },
        Publication { entry: Entry { key: 6, ..entry }, ..plain },
    ];
    let end = Effect { message, sink: DROPPED, payload: 1 };
    let mut commands: Vec<QueueCommand> =
        publications.map(|one| QueueCommand::Published(Box::new(one))).into();
    for (queue, number) in [(0, 1), (1, 1), (0, 2)] {
        let queue = QueueId(queue);
        let delivered = |attempt, owner, lease| QueueCommand::Delivered {
            queue,
            number,
            attempt,
            owner: NodeId(owner),
            lease: Span::nanos_of(lease),
        };
        commands.extend(
            [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2)].map(|(a, o, l)| delivered(a, o, l)),
        );
        let delays = [0, 1].map(Span::nanos_of);
        commands.extend(delays.map(|delay| QueueCommand::Requeued { queue, number, delay }));
        commands.push(QueueCommand::Acked { queue, number });
        commands.push(QueueCommand::Removed { queue, number });
        for death in [Death::MaxLen, Death::DeliveryLimit] {
            commands.push(QueueCommand::Died { queue, number, death });
            commands.push(QueueCommand::Dropped { queue, number, death, end });
        }
        let ends = [
            Effect { message: MessageId::new(NodeId(1), 2), ..end },
            Effect { sink: SinkId(9), ..end },
            Effect { payload: 2, ..end },
        ];
        commands.extend(ends.map(|end| {
            let death = Death::MaxLen;
            QueueCommand::Dropped { queue, number, death, end }
        }));
    }
    let (mut digests, mut words) = (std::collections::BTreeSet::new(), String::new());
    for command in &commands {
        let mut digest = Digest::new();
        Record::Queue(command.clone()).fingerprint(&mut digest);
        assert!(digests.insert(digest.value()), "{command:?}");
        let _ = writeln!(words, "{command:?}");
    }
    assert!(words.contains("Acked number 1 of queue-0\n"), "{words}");
    assert!(words.contains("Dropped m1.1, number 1 of queue-0, MaxLen: sink-5\n"), "{words}");
}
