use super::*;
use crate::id::{Position, TimerId};
use crate::model::bench::Bench;
use CallAnswer::{Done, KeyReused};

const POLICY: ExternalPolicy =
    ExternalPolicy { sink: SinkId(3), keys: Keys::Honoured, retention: Span::secs(24 * 3_600) };
const SERVER: NodeId = NodeId(0);

fn boot(bench: &mut Bench, policy: ExternalPolicy) -> External {
    bench.boot(|_, disk| External::boot(policy, disk))
}

fn id(number: u32) -> MessageId {
    MessageId::new(NodeId(1), number)
}

fn call(request: u64, key: Option<u64>, number: u32) -> Message {
    let (message, payload) = (id(number), u64::from(number));
    Message::External(ExternalMessage::Call { request, key, message, payload })
}

/// How many effects the disk holds.
fn effects(bench: &mut Bench) -> usize {
    let mut effects = Vec::new();
    for (_, stored) in bench.file(CALLS).records() {
        stored.intact().into_iter().for_each(|record| record.effects(&mut effects));
    }
    assert!(effects.iter().all(|effect| effect.sink == POLICY.sink));
    effects.len()
}

/// What comes of two calls, the second so long after the first and, if it is `after_a_crash`, of a
/// later process.
#[track_caller]
fn check(
    policy: ExternalPolicy,
    (first, second): (Message, Message),
    later: Span,
    (answer, carried_out): (CallAnswer, usize),
) {
    for after_a_crash in [false, true] {
        let mut bench = Bench::machine(0).write_through();
        let mut external = boot(&mut bench, policy);
        assert_eq!(bench.deliver(&mut external, 1, first.clone()), [called(1, Done)]);
        bench.now += later;
        if after_a_crash {
            bench.crash(None);
            external = boot(&mut bench, policy);
        }
        assert_eq!(bench.deliver(&mut external, 1, second.clone()), [called(2, answer)]);
        assert_eq!(effects(&mut bench), carried_out);
    }
}

#[test]
fn a_key_makes_of_two_calls_one_for_as_long_as_it_is_remembered() {
    let twice = |key| (call(1, key, 7), call(2, key, 7));
    let (at_once, in_time) = (Span::ZERO, Span::secs(24 * 3_600 - 1));
    check(POLICY, twice(Some(5)), at_once, (Done, 1));
    check(POLICY, twice(Some(5)), in_time, (Done, 1));
    check(POLICY, twice(Some(5)), POLICY.retention, (Done, 2));
    check(POLICY, twice(None), at_once, (Done, 2));
    let ignored = ExternalPolicy { keys: Keys::Ignored, ..POLICY };
    check(ignored, twice(Some(5)), at_once, (Done, 2));
}

#[test]
fn a_key_is_one_calls_until_it_is_forgotten() {
    let reuse = (call(1, Some(5), 7), call(2, Some(5), 8));
    check(POLICY, reuse.clone(), Span::ZERO, (KeyReused, 1));
    check(POLICY, reuse, POLICY.retention, (Done, 2));
    check(POLICY, (call(1, Some(5), 7), call(2, Some(6), 8)), Span::ZERO, (Done, 2));
}

#[test]
fn a_wall_clock_that_steps_forward_forgets_early_and_one_that_steps_back_late() {
    for (step, carried_out) in [(3_600, 2), (-3_600, 1)] {
        let mut bench = Bench::machine(0).write_through();
        let policy = ExternalPolicy { retention: Span::secs(600), ..POLICY };
        let mut external = boot(&mut bench, policy);
        bench.now += Span::secs(7_200);
        bench.deliver(&mut external, 1, call(1, Some(5), 7));
        bench.station.clock.step(step * 1_000_000_000);
        bench.deliver(&mut external, 1, call(2, Some(5), 7));
        assert_eq!(effects(&mut bench), carried_out);
    }
}

#[test]
fn a_call_is_answered_once_it_is_durable_and_its_copy_not_before() {
    let mut bench = Bench::machine(0);
    let mut external = boot(&mut bench, POLICY);
    assert_eq!(bench.deliver(&mut external, 1, call(1, Some(5), 7)), []);
    assert_eq!(bench.deliver(&mut external, 1, call(2, Some(5), 7)), []);
    assert_eq!(bench.deliver(&mut external, 1, call(3, Some(6), 8)), []);
    assert_eq!(bench.end_sync(&mut external, Ok(())), [called(1, Done), called(2, Done)]);
    assert_eq!(bench.reached(Moment::KeyKnown.site()), 1);
    // The power takes the third and its key with it: it is carried out when it comes again.
    bench.crash(Some(9));
    let mut external = boot(&mut bench, POLICY);
    assert_eq!(bench.deliver(&mut external, 1, call(4, Some(5), 7)), [called(4, Done)]);
    assert_eq!(bench.deliver(&mut external, 1, call(5, Some(6), 8)), []);
    assert_eq!(bench.end_sync(&mut external, Ok(())), [called(5, Done)]);
    assert_eq!(effects(&mut bench), 2);
}

#[test]
fn a_failed_sync_ends_the_process_and_damage_closes_the_system() {
    let mut bench = Bench::machine(0);
    let mut external = boot(&mut bench, POLICY);
    bench.deliver(&mut external, 1, call(1, Some(5), 7));
    assert_eq!(bench.end_sync(&mut external, Err(DiskError::Failed)), []);
    assert_eq!(bench.exits, [Some(DISK_FAILED)]);

    let mut bench = Bench::machine(0).write_through();
    let mut external = boot(&mut bench, POLICY);
    (0..2).for_each(|n| _ = bench.deliver(&mut external, 1, call(n.into(), None, n)));
    bench.crash(None);
    bench.file(CALLS).damage(Position(0));
    boot(&mut bench, POLICY);
    assert_eq!(bench.exits, [None]);
}

const CALLS_BY: CallPolicy = CallPolicy {
    server: SERVER,
    key: KeyPolicy::Message,
    timeout: Span::millis(50),
    backoff: Span::millis(10),
    attempts: 3,
};

/// A client, and the calls that it has sent.
fn client(policy: CallPolicy) -> (Bench, ExternalClient) {
    (Bench::machine(1), ExternalClient::new(policy, 2, TimerId(4), 0))
}

fn keys(sent: &[Message]) -> Vec<Option<u64>> {
    let key = |message: &Message| match message {
        Message::External(ExternalMessage::Call { key, .. }) => *key,
        other => panic!("{other:?}"),
    };
    sent.iter().map(key).collect()
}

#[test]
fn a_client_tries_again_ever_later_and_then_does_not_know() {
    let (mut bench, mut client) = client(CALLS_BY);
    bench.with(|ctx| client.call(0, id(7), 7, ctx));
    for wait_ms in [10, 20] {
        assert_eq!(bench.timers.last(), Some(&(TimerId(4), CALLS_BY.timeout)));
        bench.timers.clear();
        assert_eq!(bench.with(|ctx| client.wake(TimerId(4), ctx)), [] as [usize; 0]);
        assert_eq!(bench.timers, [(TimerId(4), Span::millis(wait_ms))]);
        assert_eq!(bench.with(|ctx| client.wake(TimerId(4), ctx)), [] as [usize; 0]);
    }
    assert_eq!(bench.with(|ctx| client.wake(TimerId(4), ctx)), [0]);
    assert_eq!((bench.disconnects, bench.reached(Moment::CallRepeated.site())), (3, 2));
    assert_eq!(keys(&bench.take_sent()), [Some(id(7).word()); 3]);
    // The answer to an attempt that was given up says nothing any more.
    assert_eq!(bench.with(|ctx| client.deliver(&called(1, Done), ctx)), None);
}

#[test]
fn an_answer_ends_the_call_that_it_is_for() {
    for (answer, outcome) in [(Done, CallOutcome::Done), (KeyReused, CallOutcome::KeyReused)] {
        let (mut bench, mut client) = client(CALLS_BY);
        bench.with(|ctx| client.call(0, id(7), 7, ctx));
        bench.with(|ctx| client.call(1, id(8), 8, ctx));
        assert_eq!(bench.with(|ctx| client.deliver(&called(2, answer), ctx)), Some((1, outcome)));
        assert_eq!(bench.timers, [(TimerId(4), CALLS_BY.timeout)]);
        assert_eq!(bench.with(|ctx| client.wake(TimerId(5), ctx)), [] as [usize; 0]);
        // The other lane's call waits for its next attempt, and no answer ends it before.
        assert_eq!(bench.with(|ctx| client.disconnected(SERVER, ctx)), [] as [usize; 0]);
        assert_eq!(bench.with(|ctx| client.deliver(&called(1, answer), ctx)), None);
    }
}

#[test]
fn keys_follow_from_the_message_or_from_the_attempt() {
    let sent = |policy, incarnation| {
        let mut bench = Bench::machine(1);
        let policy = CallPolicy { key: policy, ..CALLS_BY };
        let mut client = ExternalClient::new(policy, 1, TimerId(0), incarnation);
        bench.with(|ctx| client.call(0, id(7), 7, ctx));
        (0..2).for_each(|_| _ = bench.with(|ctx| client.wake(TimerId(0), ctx)));
        keys(&bench.take_sent())
    };
    assert_eq!(sent(KeyPolicy::Message, 0), [Some(id(7).word()); 2]);
    assert_eq!(sent(KeyPolicy::Message, 0), sent(KeyPolicy::Message, 1));
    assert_eq!(sent(KeyPolicy::None, 0), [None; 2]);
    let mut fresh = sent(KeyPolicy::Attempt, 0);
    fresh.extend(sent(KeyPolicy::Attempt, 1));
    fresh.sort_unstable();
    fresh.dedup();
    assert_eq!(fresh.len(), 4);
}

#[test]
fn states_that_differ_have_other_fingerprints() {
    let print = |steps: &dyn Fn(&mut Bench, &mut ExternalClient)| {
        let (mut bench, mut client) = client(CALLS_BY);
        steps(&mut bench, &mut client);
        let mut digest = Digest::new();
        client.fingerprint(&mut digest);
        digest.value()
    };
    let states: std::collections::BTreeSet<u64> = [
        print(&|_, _| {}),
        print(&|bench, client| bench.with(|ctx| client.call(0, id(7), 7, ctx))),
        print(&|bench, client| bench.with(|ctx| client.call(1, id(7), 7, ctx))),
        print(&|bench, client| bench.with(|ctx| client.call(0, id(8), 7, ctx))),
        print(&|bench, client| {
            bench.with(|ctx| client.call(0, id(7), 7, ctx));
            bench.with(|ctx| client.disconnected(SERVER, ctx));
        }),
    ]
    .into();
    assert_eq!(states.len(), 5);

    let state = |key, number, at: Span| {
        let mut bench = Bench::machine(0);
        let mut external = boot(&mut bench, POLICY);
        bench.now += at;
        bench.deliver(&mut external, 1, call(1, key, number));
        let mut digest = Digest::new();
        external.fingerprint(&mut digest);
        digest.value()
    };
    let states: std::collections::BTreeSet<u64> = [
        state(None, 7, Span::ZERO),
        state(None, 8, Span::ZERO),
        state(Some(5), 7, Span::ZERO),
        state(Some(6), 7, Span::ZERO),
        state(Some(5), 7, Span::secs(1)),
    ]
    .into();
    assert_eq!(states.len(), 5);
}
