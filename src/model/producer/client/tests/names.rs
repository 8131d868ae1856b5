//! By which names messages go out: identities, restarts, epochs.

use super::*;

/// The names of what is sent by the process before a crash, and by the one after it.
fn over_a_restart(restart: Restart) -> [Vec<BatchId>; 2] {
    let policy = ProducerPolicy { restart, ..POLICY };
    let (mut bench, _) = started(policy, 2);
    let before = batches(&bench.take_sent());
    bench.crash(None);
    bench.boot(|seat, disk| Producer::boot(policy, seat, disk));
    [before, batches(&bench.take_sent())]
}

fn batches(sent: &[Message]) -> Vec<BatchId> {
    sent.iter().map(|message| produce(message).identity.batch().unwrap()).collect()
}

/// The messages and the names of what is sent.
fn named(sent: &[Message]) -> Vec<(u32, (u32, u32))> {
    let numbers = sent.iter().map(|message| produce(message).entry.message.word() as u32);
    numbers.zip(names(sent).into_iter().flatten()).collect()
}

const fn batch(producer: u32, epoch: u32, sequence: u32) -> BatchId {
    BatchId { producer: ProducerId(producer), epoch, sequence }
}

#[test]
fn a_restarted_producer_has_a_higher_epoch_or_a_new_id_or_reuses_its_names() {
    let first = [batch(1, 0, 0), batch(1, 0, 1)];
    for (restart, after) in [
        (Restart::Bump, [batch(1, 1 << 16, 0), batch(1, 1 << 16, 1)]),
        (Restart::FreshId, [batch(1 << 16 | 1, 0, 0), batch(1 << 16 | 1, 0, 1)]),
        (Restart::Reuse, first),
    ] {
        assert_eq!(over_a_restart(restart), [first.to_vec(), after.to_vec()], "{restart:?}");
    }
}

#[test]
fn without_identity_a_retry_cannot_be_told_from_a_new_message() {
    let policy = ProducerPolicy { identity: IdentityPolicy::None, ..POLICY };
    let (mut bench, mut producer) = started(policy, 2);
    assert_eq!(names(&bench.take_sent()), [None, None]);
    assert_eq!(names(&bench.wake(&mut producer, 0)), [None, None]);
}

#[test]
fn a_message_is_named_by_an_id_of_its_own_or_by_its_business_key() {
    let by = |message_id| {
        let policy = ProducerPolicy { identity: IdentityPolicy::MessageId, message_id, ..POLICY };
        let (mut bench, _) = started(policy, 2);
        let ids = bench.take_sent().into_iter().map(|message| produce(&message).identity);
        ids.collect::<Vec<_>>()
    };
    let logical = [id(0), id(1)].map(|message| Identity::Message(message.word()));
    assert_eq!(by(MessageIdPolicy::Logical), logical);
    assert_eq!(by(MessageIdPolicy::BusinessKey), [Identity::Message(0); 2]);
}

/// Five messages are in flight, the first is given up, and the broker refuses those at these places
/// after it, in this order. Returns what is sent at each refusal.
fn after_a_gap(bump: EpochBump, refused: &[u32]) -> Vec<Vec<(u32, (u32, u32))>> {
    let policy = ProducerPolicy { bump, in_flight: 5, deadline: Span::millis(50), ..POLICY };
    let (mut bench, mut producer) = started(policy, 1);
    bench.now += Span::millis(10);
    (1..5).for_each(|number| bench.with(|ctx| enqueue(&mut producer, number, ctx)));
    bench.take_sent();
    bench.now += Span::millis(40);
    let again = named(&bench.wake(&mut producer, 0));
    assert_eq!(again, [(1, (0, 1)), (2, (0, 2)), (3, (0, 3)), (4, (0, 4))]);
    let out_of_order = Verdict::Refused(Refusal::OutOfOrder);
    let answers = refused.iter().map(|&number| {
        let message =
            Message::Produced { message: id(number), partition: P, verdict: out_of_order };
        named(&bench.deliver(&mut producer, 0, message))
    });
    answers.collect()
}

#[test]
fn after_a_gap_the_window_drains_or_is_renumbered_when_its_oldest_is_refused() {
    let nothing = Vec::new;
    let renumbered = vec![(1, (1, 0)), (2, (1, 1)), (3, (1, 2)), (4, (1, 3))];
    // The heap of 0 to 4 without its top: 4 sinks below 1 and, on its left side, below 3.
    let shuffled = vec![(1, (1, 0)), (3, (1, 1)), (2, (1, 2)), (4, (1, 3))];
    for (bump, refused, sent) in [
        (EpochBump::Drain, [1, 2], [nothing(), nothing()]),
        (EpochBump::Renumber, [2, 1], [nothing(), renumbered.clone()]),
        (EpochBump::Renumber, [1, 2], [renumbered.clone(), nothing()]),
        (EpochBump::RenumberArbitrary, [2, 1], [nothing(), shuffled]),
        (EpochBump::OnRefusal, [2, 1], [renumbered, nothing()]),
    ] {
        assert_eq!(after_a_gap(bump, &refused), sent, "{bump:?} {refused:?}");
    }
}

#[test]
fn an_answer_to_a_renumbered_batch_may_be_to_an_older_copy_so_the_epoch_ends() {
    let policy = ProducerPolicy { bump: EpochBump::Renumber, ..POLICY };
    let (mut bench, mut producer) = started(policy, 3);
    bench.take_sent();
    let refused = Verdict::Refused(Refusal::OutOfOrder);
    let renumbered = [Some((1, 0)), Some((1, 1)), Some((1, 2))];
    assert_eq!(answer(&mut bench, &mut producer, 0, refused), renumbered);
    bench.with(|ctx| enqueue(&mut producer, 3, ctx));
    assert_eq!(answer(&mut bench, &mut producer, 0, stored(0)), [], "nothing new is sent");
    assert_eq!(answer(&mut bench, &mut producer, 1, refused), [Some((2, 0)), Some((2, 1))]);
    assert_eq!(answer(&mut bench, &mut producer, 1, stored(1)), []);
    assert_eq!(answer(&mut bench, &mut producer, 2, stored(2)), [Some((3, 0))]);
}

#[test]
fn who_bumps_on_any_refusal_does_so_on_every_partition() {
    let policy = ProducerPolicy { bump: EpochBump::OnRefusal, partitions: 2, ..POLICY };
    let mut bench = Bench::machine(1);
    let keyed = |number| Planned { key: u64::from(number), ..planned(number) };
    bench.plan = (0..3).map(keyed).collect();
    let mut producer = bench.boot(|seat, disk| Producer::boot(policy, seat, disk));
    bench.take_sent();
    let refused = Verdict::Refused(Refusal::OutOfOrder);
    let again = [Some((1, 0)), Some((1, 1)), Some((1, 0))];
    assert_eq!(answer(&mut bench, &mut producer, 2, refused), again);
    assert_eq!(answer(&mut bench, &mut producer, 2, refused), [], "an older copy was refused");
}

#[test]
fn only_what_no_copy_can_have_escaped_is_a_definite_failure() {
    for (refusal, fails, unknown, exits) in [
        (Refusal::UnknownPartition, 1, 0, 0),
        (Refusal::Closed, 0, 1, 0),
        (Refusal::Fenced, 0, 1, 1),
    ] {
        let (mut bench, mut producer) = started(POLICY, 1);
        bench.take_sent();
        assert_eq!(answer(&mut bench, &mut producer, 0, Verdict::Refused(refusal)), []);
        let failed = |event: &&Event| matches!(event, Event::SendFail { .. });
        let failures = bench.events.iter().filter(failed).count();
        assert_eq!((failures, infos(&bench), bench.exits.len()), (fails, unknown, exits));
    }
}

#[test]
fn partitions_are_chosen_by_key_or_in_turn() {
    for (partitioner, expect) in [
        (Partitioner::Key, [(0, 0), (0, 1), (1, 0), (1, 1)]),
        (Partitioner::RoundRobin, [(0, 0), (0, 1), (1, 0), (1, 1)]),
    ] {
        let policy = ProducerPolicy { partitions: 2, partitioner, ..POLICY };
        let mut bench = Bench::machine(1);
        // By key the first two go together, and the last two; in turn the first and the third.
        let key = |number| u64::from(number / 2);
        bench.plan = (0..4).map(|n| Planned { key: key(n), ..planned(n) }).collect();
        bench.boot(|seat, disk| Producer::boot(policy, seat, disk));
        let sent = bench.take_sent();
        let numbers: Vec<u32> =
            sent.iter().map(|message| produce(message).entry.message.word() as u32).collect();
        assert_eq!(places(&sent), expect);
        let together = if partitioner == Partitioner::Key { [0, 1, 2, 3] } else { [0, 2, 1, 3] };
        assert_eq!(numbers, together);
    }
}

#[test]
fn each_partition_has_its_own_window_and_sequences() {
    let policy = ProducerPolicy { partitions: 2, in_flight: 1, ..POLICY };
    let mut bench = Bench::machine(1);
    bench.plan = (0..4).map(|n| Planned { key: u64::from(n), ..planned(n) }).collect();
    bench.boot(|seat, disk| Producer::boot(policy, seat, disk));
    assert_eq!(places(&bench.take_sent()), [(0, 0), (1, 0)]);
}

/// The partition and the sequence of each.
fn places(sent: &[Message]) -> Vec<(u16, u32)> {
    let place = |message: &Message| match message {
        Message::Produce { partition, produce, .. } => {
            (partition.0, produce.identity.batch().unwrap().sequence)
        }
        other => panic!("{other:?}"),
    };
    sent.iter().map(place).collect()
}

#[test]
fn the_state_tells_names_apart() {
    let digests =
        [EpochBump::Renumber, EpochBump::RenumberArbitrary, EpochBump::Drain].map(|bump| {
            let policy = ProducerPolicy { bump, ..POLICY };
            let (mut bench, mut producer) = started(policy, 3);
            answer(&mut bench, &mut producer, 0, Verdict::Refused(Refusal::OutOfOrder));
            fingerprint(&producer)
        });
    assert_eq!(std::collections::BTreeSet::from(digests).len(), 3);
}
