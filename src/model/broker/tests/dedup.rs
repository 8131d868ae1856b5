//! How the brokers of the wild know a request again, and what they make of it.

use super::*;

const PULSAR: Policy = Policy {
    producer_state: ProducerState::HighestSequence,
    on_failed_sync: OnFailedSync::Truncate,
    ..POLICY
};
const PULSAR_OF_OLD: Policy =
    Policy { producer_state: ProducerState::SequenceAdvancedBeforePersist, ..PULSAR };
const JET_STREAM: Policy =
    Policy { producer_state: ProducerState::IdWindow, dedup_window: Span::millis(100), ..POLICY };
const UNDECIDED: Verdict = Refused(Refusal::Undecided);

/// Delivers the batches of producer 1 in this epoch, and tells the answers.
fn ask(bench: &mut Bench, broker: &mut Broker, epoch: u32, sequences: &[u32]) -> Vec<Message> {
    let mut answers = Vec::new();
    for &sequence in sequences {
        let request = named(bench, sequence, batch(epoch, sequence));
        answers.extend(bench.deliver(broker, 1, request));
    }
    answers
}

fn send_id(bench: &mut Bench, broker: &mut Broker, number: u32, id: u64) -> Vec<Message> {
    let request = named(bench, number, Identity::Message(id));
    bench.deliver(broker, 1, request)
}

#[test]
fn a_sequence_up_to_the_persisted_one_is_a_duplicate_and_up_to_the_pushed_one_undecided() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, PULSAR);
    assert_eq!(ask(&mut bench, &mut broker, 0, &[4]), []);
    assert_eq!(ask(&mut bench, &mut broker, 0, &[4]), [produced(4, UNDECIDED)]);
    assert_eq!(bench.end_sync(&mut broker, Ok(())), [produced(4, Stored { offset: 0 })]);
    let duplicate = |number| produced(number, Verdict::Duplicate);
    assert_eq!(ask(&mut bench, &mut broker, 0, &[4, 3]), [duplicate(4), duplicate(3)]);
    // An id may leave a gap, and whatever falls into it afterwards is taken for a duplicate.
    assert_eq!(ask(&mut bench, &mut broker, 0, &[9]), []);
    assert_eq!(ask(&mut bench, &mut broker, 0, &[7, 4]), [produced(7, UNDECIDED), duplicate(4)]);
    bench.end_sync(&mut broker, Ok(()));
    assert_eq!(ask(&mut bench, &mut broker, 0, &[7]), [duplicate(7)]);
    // A later epoch is a higher id.
    assert_eq!(ask(&mut bench, &mut broker, 1, &[0]), []);
    assert_eq!(bench.file(LOG).end().0, 3);
    assert_eq!(bench.reached(Moment::Undecided.site()), 2);
}

#[test]
fn the_highest_sequence_is_found_again_in_the_log() {
    for (undone, answer) in [(None, vec![produced(1, Verdict::Duplicate)]), (Some(1), vec![])] {
        let mut bench = Bench::machine(0);
        let mut broker = boot(&mut bench, PULSAR);
        ask(&mut bench, &mut broker, 0, &[0]);
        bench.end_sync(&mut broker, Ok(()));
        ask(&mut bench, &mut broker, 0, &[1]);
        bench.crash(undone);
        let mut broker = boot(&mut bench, PULSAR);
        assert_eq!(ask(&mut bench, &mut broker, 0, &[0]), [produced(0, Verdict::Duplicate)]);
        assert_eq!(ask(&mut bench, &mut broker, 0, &[1]), answer, "{undone:?}");
    }
}

#[test]
fn after_a_failed_sync_the_retry_is_stored_unless_the_sequence_went_ahead_of_the_log() {
    for (policy, retried) in [(PULSAR, vec![]), (PULSAR_OF_OLD, vec![Verdict::Duplicate; 2])] {
        let mut bench = Bench::machine(0);
        let mut broker = boot(&mut bench, policy);
        append(&mut bench, &mut broker, &[0]);
        ask(&mut bench, &mut broker, 0, &[1, 2]);
        assert_eq!(bench.end_sync(&mut broker, Err(DiskError::Failed)), []);
        assert_eq!((bench.exits.len(), bench.disconnects), (0, 1));
        assert_eq!(bench.file(LOG).end().0, 1, "what a sync did not write is cut off");
        let answers = [1, 2].into_iter().zip(retried).map(|(n, verdict)| produced(n, verdict));
        assert_eq!(ask(&mut bench, &mut broker, 0, &[1, 2]), answers.collect::<Vec<_>>());
        let stored = if policy == PULSAR { 3 } else { 1 };
        assert_eq!(bench.file(LOG).end().0, stored);
    }
}

#[test]
fn what_stands_in_no_durable_log_was_acknowledged_as_a_duplicate_once() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, PULSAR_OF_OLD);
    assert_eq!(ask(&mut bench, &mut broker, 0, &[0]), []);
    assert_eq!(ask(&mut bench, &mut broker, 0, &[0]), [produced(0, Verdict::Duplicate)]);
    bench.crash(Some(1));
    assert_eq!(bench.file(LOG).end().0, 0);
}

#[test]
fn after_a_failed_sync_batches_are_remembered_as_far_as_they_are_durable() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, Policy { on_failed_sync: OnFailedSync::Truncate, ..POLICY });
    append(&mut bench, &mut broker, &[0]);
    ask(&mut bench, &mut broker, 0, &[1, 2]);
    bench.end_sync(&mut broker, Err(DiskError::Full));
    assert_eq!(bench.reached(Moment::RolledBack.site()), 1);
    let early = [produced(2, Refused(Refusal::OutOfOrder))];
    assert_eq!(ask(&mut bench, &mut broker, 0, &[2]), early);
    assert_eq!(ask(&mut bench, &mut broker, 0, &[0]), [produced(0, Stored { offset: 0 })]);
    assert_eq!(ask(&mut bench, &mut broker, 0, &[1, 2]), []);
    bench.end_sync(&mut broker, Ok(()));
    let rest = bench.end_sync(&mut broker, Ok(()));
    assert_eq!(rest, [produced(2, Stored { offset: 2 })]);
    bench.crash(Some(9));
    assert_eq!(bench.file(LOG).end().0, 3, "what was written anew survives");
}

#[test]
fn offsets_that_a_sync_did_not_write_are_not_confirmed() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, PULSAR);
    let commit = |offset| Message::Commit { request: Some(offset), group: G, partition: P, offset };
    bench.deliver(&mut broker, 2, commit(5));
    assert_eq!(bench.end_sync(&mut broker, Err(DiskError::Failed)), []);
    assert_eq!(bench.deliver(&mut broker, 2, commit(4)), []);
    assert_eq!(bench.end_sync(&mut broker, Ok(())), [Committed { request: 4, partition: P }]);
}

#[test]
fn an_id_is_answered_with_the_offset_of_its_original_while_the_window_lasts() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, JET_STREAM);
    bench.now = Instant::START + Span::millis(40);
    assert_eq!(send_id(&mut bench, &mut broker, 0, 77), []);
    assert_eq!(send_id(&mut bench, &mut broker, 0, 77), [], "it waits for its original");
    let stored = produced(0, Stored { offset: 0 });
    assert_eq!(bench.end_sync(&mut broker, Ok(())), [stored.clone(), stored.clone()]);
    assert_eq!(send_id(&mut bench, &mut broker, 1, 78), []);
    bench.end_sync(&mut broker, Ok(()));
    bench.now += Span::millis(99);
    assert_eq!(send_id(&mut bench, &mut broker, 0, 77), [stored]);
    bench.now += Span::millis(1);
    assert_eq!(send_id(&mut bench, &mut broker, 0, 77), []);
    let again = [produced(0, Stored { offset: 2 })];
    assert_eq!(bench.end_sync(&mut broker, Ok(())), again, "the window has passed");
}

#[test]
fn the_window_is_rebuilt_from_the_log() {
    for undone in [None, Some(0)] {
        let mut bench = Bench::machine(0);
        let mut broker = boot(&mut bench, JET_STREAM);
        send_id(&mut bench, &mut broker, 0, 77);
        bench.now += Span::millis(60);
        send_id(&mut bench, &mut broker, 1, 78);
        bench.crash(undone);
        bench.now += Span::millis(60);
        let mut broker = boot(&mut bench, JET_STREAM);
        let kept = [produced(1, Stored { offset: 1 })];
        assert_eq!(send_id(&mut bench, &mut broker, 1, 78), kept, "all that is found is durable");
        assert_eq!(send_id(&mut bench, &mut broker, 0, 77), []);
    }
}

#[test]
fn an_id_that_a_power_cut_has_lost_is_new() {
    let mut bench = Bench::machine(0);
    let mut broker = boot(&mut bench, JET_STREAM);
    send_id(&mut bench, &mut broker, 0, 77);
    bench.crash(Some(1));
    let mut broker = boot(&mut bench, JET_STREAM);
    assert_eq!(send_id(&mut bench, &mut broker, 0, 77), []);
    assert_eq!(bench.end_sync(&mut broker, Ok(())), [produced(0, Stored { offset: 0 })]);
}

#[test]
fn each_policy_looks_at_its_own_kind_of_name_only() {
    for (policy, identity) in [
        (PULSAR, Identity::Message(1)),
        (JET_STREAM, batch(0, 0)),
        (POLICY, Identity::Message(1)),
        (POLICY, Identity::None),
    ] {
        let mut bench = Bench::machine(0).write_through();
        let mut broker = boot(&mut bench, policy);
        for offset in [0, 1] {
            let request = named(&mut bench, 0, identity);
            assert_eq!(bench.deliver(&mut broker, 1, request), [produced(0, Stored { offset })]);
        }
    }
}

#[test]
fn who_is_unknown_may_start_anywhere_but_in_a_log_that_never_held_anything() {
    let unknown_producer = UnknownProducer::RefuseOnNewLog;
    let mut bench = Bench::machine(0).write_through();
    let mut broker = boot(&mut bench, Policy { unknown_producer, ..POLICY });
    let early = [produced(3, Refused(Refusal::OutOfOrder))];
    assert_eq!(ask(&mut bench, &mut broker, 0, &[3]), early);
    let other = Identity::Batch(BatchId { producer: ProducerId(2), epoch: 0, sequence: 0 });
    let request = named(&mut bench, 9, other);
    bench.deliver(&mut broker, 2, request);
    assert_eq!(ask(&mut bench, &mut broker, 0, &[3]), [produced(3, Stored { offset: 1 })]);
}
