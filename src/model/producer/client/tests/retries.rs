//! What goes out again, when, and by whom.

use super::*;
use crate::id::FileId;

#[test]
fn a_timeout_closes_the_connection_and_sends_all_again_in_order() {
    let (mut bench, mut producer) = started(POLICY, 3);
    let first = bench.take_sent();
    assert_eq!(bench.wake(&mut producer, 0), first);
    assert_eq!(bench.disconnects, 1);
    bench.with(|ctx| producer.disconnected(NodeId(0), ctx));
    assert_eq!(bench.take_sent(), first);
    bench.with(|ctx| producer.disconnected(NodeId(9), ctx));
    assert_eq!(bench.take_sent(), [], "another machine's connection");
}

#[test]
fn on_datagrams_a_timeout_just_sends_again() {
    let policy = ProducerPolicy { on_timeout: OnTimeout::Resend, ..POLICY };
    let (mut bench, mut producer) = started(policy, 2);
    let first = bench.take_sent();
    assert_eq!((bench.wake(&mut producer, 0), bench.disconnects), (first, 0));
}

#[test]
fn what_was_refused_for_its_predecessor_follows_it() {
    let (mut bench, mut producer) = started(POLICY, 3);
    bench.take_sent();
    let refused = Verdict::Refused(Refusal::OutOfOrder);
    assert_eq!(answer(&mut bench, &mut producer, 1, refused), []);
    assert_eq!(answer(&mut bench, &mut producer, 2, refused), []);
    let again = [Some((0, 1)), Some((0, 2))];
    assert_eq!(answer(&mut bench, &mut producer, 0, stored(0)), again);
}

#[test]
fn a_body_that_went_bad_on_the_way_is_sent_again() {
    let (mut bench, mut producer) = started(POLICY, 1);
    bench.take_sent();
    let again = [Some((0, 0))];
    assert_eq!(answer(&mut bench, &mut producer, 0, Verdict::Refused(Refusal::Corrupt)), again);
    assert_eq!(infos(&bench), 0);
}

#[test]
fn after_the_deadline_the_outcome_is_unknown_and_the_next_epoch_waits_for_the_window() {
    let policy = ProducerPolicy { deadline: Span::millis(80), ..POLICY };
    let (mut bench, mut producer) = started(policy, 3);
    bench.with(|ctx| enqueue(&mut producer, 3, ctx));
    bench.now += Span::millis(50);
    assert_eq!(bench.wake(&mut producer, 0).len(), 6, "three at first, three again");
    assert_eq!(answer(&mut bench, &mut producer, 0, stored(0)), [Some((0, 3))]);
    bench.now += Span::millis(50);
    // The messages 1 and 2 are given up; 3 is younger, and until it is done nothing new is sent.
    assert_eq!(names(&bench.wake(&mut producer, 0)), [Some((0, 3))]);
    assert_eq!(infos(&bench), 2);
    bench.with(|ctx| enqueue(&mut producer, 4, ctx));
    assert_eq!(bench.take_sent(), []);
    assert_eq!(answer(&mut bench, &mut producer, 3, stored(3)), [Some((1, 0))]);
}

const BACKOFF: Backoff = Backoff { first: Span::millis(100), max: Span::millis(300) };

#[test]
fn a_client_that_backs_off_waits_longer_each_time_and_sends_nothing_meanwhile() {
    let policy = ProducerPolicy { backoff: Some(BACKOFF), ..POLICY };
    let (mut bench, mut producer) = started(policy, 2);
    let first = bench.take_sent();
    for wait in [100, 200, 300, 300] {
        bench.timers.clear();
        assert_eq!(bench.wake(&mut producer, 0), [], "late");
        assert_eq!(bench.timers, [(TimerId(0), Span::millis(wait))]);
        bench.with(|ctx| producer.disconnected(NodeId(0), ctx));
        assert_eq!(bench.timers.len(), 1, "it waits already");
        assert_eq!(bench.wake(&mut producer, 0), first, "waited");
    }
    assert_eq!(bench.disconnects, 4);
    bench.wake(&mut producer, 0);
    bench.with(|ctx| enqueue(&mut producer, 2, ctx));
    assert_eq!(bench.take_sent(), [], "what is new waits too");
    assert_eq!(
        answer(&mut bench, &mut producer, 0, stored(0)),
        [],
        "a late answer changes nothing"
    );
    assert_eq!(names(&bench.wake(&mut producer, 0)), [Some((0, 1)), Some((0, 2))]);
    bench.timers.clear();
    bench.wake(&mut producer, 0);
    assert_eq!(bench.timers, [(TimerId(0), Span::millis(100))], "it counts anew since then");
}

#[test]
fn an_answer_ends_the_wait_if_it_was_for_the_last_one() {
    let policy = ProducerPolicy { backoff: Some(BACKOFF), ..POLICY };
    let (mut bench, mut producer) = started(policy, 1);
    bench.take_sent();
    bench.wake(&mut producer, 0);
    answer(&mut bench, &mut producer, 0, stored(0));
    assert_eq!(bench.timers, []);
    bench.with(|ctx| enqueue(&mut producer, 1, ctx));
    assert_eq!(names(&bench.take_sent()), [Some((0, 1))]);
}

#[test]
fn only_a_body_that_went_bad_goes_again_after_its_wait() {
    let policy = ProducerPolicy { backoff: Some(BACKOFF), ..POLICY };
    let (mut bench, mut producer) = started(policy, 3);
    bench.take_sent();
    assert_eq!(answer(&mut bench, &mut producer, 1, Verdict::Refused(Refusal::Corrupt)), []);
    assert_eq!(names(&bench.wake(&mut producer, 0)), [Some((0, 1))]);
    assert_eq!(bench.disconnects, 0);
}

#[test]
fn the_state_tells_a_wait_and_its_length_apart() {
    let policy = ProducerPolicy { backoff: Some(BACKOFF), ..POLICY };
    let (mut bench, mut producer) = started(policy, 1);
    let mut seen = vec![fingerprint(&producer)];
    for _ in 0..4 {
        bench.wake(&mut producer, 0);
        seen.push(fingerprint(&producer));
    }
    let different: std::collections::BTreeSet<u64> = seen.iter().copied().collect();
    assert_eq!(different.len(), seen.len());
}

/// What the history says of the message 0: which attempt, and how it ended.
fn attempts(bench: &Bench) -> Vec<(u16, &'static str)> {
    let told = |event: &Event| match *event {
        Event::SendInvoke { message, attempt, .. } => Some((message, attempt, "sent")),
        Event::SendOk { message, attempt, .. } => Some((message, attempt, "ok")),
        Event::SendInfo { message, attempt } => Some((message, attempt, "unknown")),
        _ => None,
    };
    let told = bench.events.iter().filter_map(told);
    told.filter(|&(message, ..)| message == id(0)).map(|(_, attempt, end)| (attempt, end)).collect()
}

#[test]
fn an_application_that_retries_sends_the_same_message_again_as_a_new_attempt() {
    let deadline = Span::millis(50);
    for (identity, again) in [
        (IdentityPolicy::Idempotent, [Some((1, 0)), Some((2, 0))]),
        (IdentityPolicy::None, [None; 2]),
    ] {
        let policy = ProducerPolicy { attempts: 3, identity, deadline, ..POLICY };
        let (mut bench, mut producer) = started(policy, 1);
        bench.take_sent();
        for name in again {
            bench.now += deadline;
            assert_eq!(names(&bench.wake(&mut producer, 0)), [name]);
        }
        bench.now += deadline;
        assert_eq!(bench.wake(&mut producer, 0), [], "enough");
        let expect =
            [(0, "sent"), (0, "unknown"), (1, "sent"), (1, "unknown"), (2, "sent"), (2, "unknown")];
        assert_eq!(attempts(&bench), expect);
    }
}

#[test]
fn a_message_that_is_sent_again_keeps_its_id() {
    let (identity, deadline) = (IdentityPolicy::MessageId, Span::millis(50));
    let policy = ProducerPolicy { attempts: 2, identity, deadline, ..POLICY };
    let (mut bench, mut producer) = started(policy, 1);
    let first = bench.take_sent();
    bench.now += deadline;
    assert_eq!(bench.wake(&mut producer, 0).last(), first.last());
}

#[test]
fn a_batch_that_is_sent_again_is_alone_in_its_epoch() {
    let policy = ProducerPolicy { attempts: 2, deadline: Span::millis(80), ..POLICY };
    let (mut bench, mut producer) = started(policy, 1);
    bench.now += Span::millis(50);
    bench.with(|ctx| enqueue(&mut producer, 1, ctx));
    bench.take_sent();
    bench.now += Span::millis(50);
    assert_eq!(names(&bench.wake(&mut producer, 0)), [Some((0, 1))], "it is younger");
    bench.with(|ctx| enqueue(&mut producer, 2, ctx));
    let before = fingerprint(&producer);
    assert_eq!(answer(&mut bench, &mut producer, 1, stored(0)), [Some((1, 0))]);
    assert_ne!(fingerprint(&producer), before);
    assert_eq!(answer(&mut bench, &mut producer, 0, stored(1)), [Some((2, 0))]);
    let expect = [(0, "sent"), (0, "unknown"), (1, "sent"), (1, "ok")];
    assert_eq!(attempts(&bench), expect);
}

#[test]
fn fire_and_forget_is_reported_as_done_at_once_and_never_sent_again() {
    let (identity, acks) = (IdentityPolicy::None, Acks::None);
    let policy = ProducerPolicy { identity, acks, in_flight: 1, ..POLICY };
    let (mut bench, mut producer) = started(policy, 2);
    let wanted = |message: &Message| match message {
        Message::Produce { acks, .. } => *acks,
        other => panic!("{other:?}"),
    };
    let sent = bench.take_sent();
    assert_eq!(sent.iter().map(wanted).collect::<Vec<_>>(), [Acks::None; 2]);
    let ok = Event::SendOk { message: id(0), attempt: 0, partition: P, offset: None };
    assert_eq!(bench.events[1], ok);
    assert_eq!(bench.timers, []);
    bench.with(|ctx| producer.disconnected(NodeId(0), ctx));
    assert_eq!(bench.take_sent(), []);
}

#[test]
fn the_answer_that_is_wanted_is_asked_for_in_every_copy() {
    let (identity, acks) = (IdentityPolicy::None, Acks::Leader);
    let (mut bench, mut producer) = started(ProducerPolicy { identity, acks, ..POLICY }, 1);
    let first = bench.take_sent();
    assert!(matches!(first[..], [Message::Produce { acks: Acks::Leader, .. }]));
    assert_eq!(bench.wake(&mut producer, 0), first);
}

const JOURNAL: Option<FileId> = Some(FileId(0));

/// Sends three messages, of which the second is acknowledged, and dies; the power goes if `undone`
/// operations of the disk are undone by that. Returns what the next process sends at once.
fn after_a_crash(policy: ProducerPolicy, undone: Option<u32>) -> Vec<(u32, Option<(u32, u32)>)> {
    let (mut bench, mut producer) = started(policy, 3);
    answer(&mut bench, &mut producer, 1, stored(0));
    bench.crash(undone);
    bench.plan = vec![planned(3)];
    bench.boot(|seat, disk| Producer::boot(policy, seat, disk));
    let sent = bench.take_sent();
    let numbers = sent.iter().map(|message| produce(message).entry.message.word() as u32);
    numbers.zip(names(&sent)).collect()
}

#[test]
fn what_a_dead_process_left_unacknowledged_is_sent_again_if_it_was_written_down() {
    let named = ProducerPolicy { identity: IdentityPolicy::MessageId, ..POLICY };
    let kept = ProducerPolicy { journal: JOURNAL, ..named };
    assert_eq!(after_a_crash(named, None), [(3, None)]);
    assert_eq!(after_a_crash(kept, None), [(0, None), (2, None), (3, None)]);
    // Nothing was synced yet: the acknowledgement is undone first, then the last send.
    assert_eq!(after_a_crash(kept, Some(1)), [(0, None), (1, None), (2, None)]);
    assert_eq!(after_a_crash(kept, Some(4)), [(3, None)]);
    let batches = ProducerPolicy { journal: JOURNAL, ..POLICY };
    assert_eq!(after_a_crash(batches, None), [(0, Some((1 << 16, 0)))], "alone in its epoch");
}

#[test]
fn attempts_are_counted_over_restarts() {
    let policy = ProducerPolicy { journal: JOURNAL, ..POLICY };
    let (mut bench, _) = started(policy, 1);
    bench.plan.clear();
    for _ in 0..2 {
        bench.crash(None);
        bench.boot(|seat, disk| Producer::boot(policy, seat, disk));
    }
    assert_eq!(attempts(&bench), [(0, "sent"), (1, "sent"), (2, "sent")]);
}

#[test]
fn a_journal_is_synced_one_sync_at_a_time_and_a_failed_one_ends_the_process() {
    let (mut bench, mut producer) = started(ProducerPolicy { journal: JOURNAL, ..POLICY }, 3);
    assert_eq!(bench.syncs.len(), 1);
    bench.end_sync(&mut producer, Ok(()));
    assert_eq!(bench.syncs.len(), 1, "what was written meanwhile");
    bench.end_sync(&mut producer, Err(DiskError::Failed));
    assert_eq!(bench.exits.len(), 1);
}

/// What is entered in the history about the outcome of message 0.
fn outcomes(bench: &Bench) -> Vec<&'static str> {
    let outcome = |event: &Event| match event {
        Event::SendOk { .. } => Some("ok"),
        Event::SendFail { .. } => Some("fail"),
        Event::SendInfo { .. } => Some("info"),
        _ => None,
    };
    bench.events.iter().filter_map(outcome).collect()
}

#[test]
fn an_unroutable_message_has_failed_unless_another_copy_of_it_is_on_its_way() {
    for (repeated, outcome) in [(false, "fail"), (true, "info")] {
        let policy = ProducerPolicy { identity: IdentityPolicy::None, ..POLICY };
        let (mut bench, mut producer) = started(policy, 1);
        if repeated {
            bench.wake(&mut producer, 0);
        }
        bench.take_sent();
        let unroutable = Verdict::Refused(Refusal::Unroutable);
        assert_eq!(answer(&mut bench, &mut producer, 0, unroutable), []);
        assert_eq!(outcomes(&bench), [outcome]);
        assert_eq!(answer(&mut bench, &mut producer, 0, Verdict::Accepted), [], "it is done");
    }
}

#[test]
fn what_a_full_queue_refuses_goes_again_after_a_wait_until_the_deadline() {
    let backoff = Backoff { first: Span::millis(10), max: Span::millis(10) };
    let deadline = Span::millis(40);
    let policy = ProducerPolicy {
        identity: IdentityPolicy::None,
        backoff: Some(backoff),
        deadline,
        ..POLICY
    };
    let (mut bench, mut producer) = started(policy, 1);
    bench.take_sent();
    let full = Verdict::Refused(Refusal::Full);
    for _ in 0..3 {
        assert_eq!(answer(&mut bench, &mut producer, 0, full), [], "not at once");
        bench.now += Span::millis(11);
        assert_eq!(bench.wake(&mut producer, 0).len(), 1);
    }
    assert_eq!(answer(&mut bench, &mut producer, 0, full), []);
    bench.now += Span::millis(11);
    assert_eq!(bench.wake(&mut producer, 0), []);
    assert_eq!(outcomes(&bench), ["info"]);
}

#[test]
fn without_a_wait_between_retries_what_a_full_queue_refuses_is_given_up() {
    let policy = ProducerPolicy { identity: IdentityPolicy::None, ..POLICY };
    let (mut bench, mut producer) = started(policy, 1);
    bench.take_sent();
    assert_eq!(answer(&mut bench, &mut producer, 0, Verdict::Refused(Refusal::Full)), []);
    assert_eq!(outcomes(&bench), ["info"]);
}
