//! Which requests are answered, and when (Kafka's `acks`).

use super::*;

fn with_acks(request: Message, acks: Acks) -> Message {
    let Message::Produce { partition, produce, .. } = request else { panic!("not a request") };
    Message::Produce { partition, acks, produce }
}

#[test]
fn the_leader_answers_once_it_has_appended_durable_or_not() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, POLICY);
    let request = with_acks(produce(&mut bench, 0), Acks::Leader);
    let stored = [produced(0, Stored { offset: 0 })];
    assert_eq!(bench.deliver(&mut broker, 1, request.clone()), stored);
    assert_eq!(bench.deliver(&mut broker, 1, request), stored, "and so it answers a duplicate");
    let nothing = [fetched(7, 0, &[])];
    assert_eq!(bench.deliver(&mut broker, 2, fetch(7, 0, 0)), nothing, "nobody reads it yet");
    assert_eq!(bench.syncs.len(), 1, "it becomes durable all the same");
    bench.crash(Some(1));
    boot(&mut bench, POLICY);
    assert_eq!(bench.file(LOG).end().0, 0);
}

#[test]
fn without_acks_nothing_is_answered_and_a_refusal_ends_the_connection() {
    let mut bench = Bench::machine(0).write_through();
    let mut broker = boot(&mut bench, POLICY);
    for (sequence, disconnects) in [(0, 0), (0, 0), (2, 1)] {
        let request = with_acks(produce(&mut bench, sequence), Acks::None);
        assert_eq!(bench.deliver(&mut broker, 1, request), []);
        assert_eq!(bench.disconnects, disconnects);
    }
    assert_eq!(bench.file(LOG).end().0, 1);
    let Message::Produce { produce, .. } = produce(&mut bench, 1) else { panic!("not a request") };
    let nowhere = Message::Produce { partition: PartitionId(9), acks: Acks::None, produce };
    assert_eq!(bench.deliver(&mut broker, 1, nowhere), []);
    assert_eq!(bench.disconnects, 2);
}
