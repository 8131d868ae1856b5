use super::*;
use crate::id::{MessageId, NodeId};
use crate::model::bench::Bench;
use crate::model::producer::Producer;
use crate::node::Node;

const P: PartitionId = PartitionId(0);

const POLICY: ProducerPolicy = ProducerPolicy {
    broker: NodeId(0),
    partitions: 1,
    identity: IdentityPolicy::Idempotent,
    in_flight: 3,
    timeout: Span::millis(50),
    deadline: Span::secs(120),
    on_timeout: OnTimeout::Disconnect,
};

/// A producer with this many messages to send at once, and the bench it has been started on.
fn started(policy: ProducerPolicy, messages: u32) -> (Bench, Producer) {
    let mut bench = Bench::machine(1);
    bench.plan = (0..messages)
        .map(|number| Planned { node: NodeId(1), message: id(number), key: 0, at: Span::ZERO })
        .collect();
    let producer = bench.boot(|seat, _| Producer::boot(policy, seat));
    (bench, producer)
}

fn id(number: u32) -> MessageId {
    MessageId::new(NodeId(1), number)
}

/// The names of the batches in these messages: (epoch, sequence), or nothing for one without
/// identity.
fn names(sent: &[Message]) -> Vec<Option<(u32, u32)>> {
    sent.iter()
        .map(|message| {
            let Message::Produce { produce, .. } = message else { panic!("{message:?}") };
            produce.identity.batch().map(|batch| (batch.epoch, batch.sequence))
        })
        .collect()
}

fn answer(bench: &mut Bench, producer: &mut Producer, number: u32, verdict: Verdict) -> Sent {
    let message = Message::Produced { message: id(number), partition: P, verdict };
    names(&bench.deliver(producer, 0, message))
}

type Sent = Vec<Option<(u32, u32)>>;

fn stored(offset: u64) -> Verdict {
    Verdict::Stored { offset }
}

fn infos(bench: &Bench) -> usize {
    bench.events.iter().filter(|event| matches!(event, Event::SendInfo { .. })).count()
}

#[test]
fn the_window_limits_what_is_in_flight_and_sequences_follow() {
    let (mut bench, mut producer) = started(POLICY, 5);
    assert_eq!(names(&bench.take_sent()), [Some((0, 0)), Some((0, 1)), Some((0, 2))]);
    assert_eq!(answer(&mut bench, &mut producer, 0, stored(0)), [Some((0, 3))]);
    assert_eq!(answer(&mut bench, &mut producer, 2, stored(2)), [], "the oldest holds it");
    assert_eq!(answer(&mut bench, &mut producer, 1, stored(1)), [Some((0, 4))]);
    assert_eq!(answer(&mut bench, &mut producer, 2, stored(2)), [], "a stale answer");
}

#[test]
fn a_send_is_invoked_before_it_is_transmitted_and_ok_when_it_is_acknowledged() {
    let (mut bench, mut producer) = started(POLICY, 1);
    let Message::Produce { produce: Produce { entry, .. }, .. } = bench.take_sent()[0] else {
        panic!()
    };
    let payload = entry.body.fingerprint();
    answer(&mut bench, &mut producer, 0, stored(7));
    let ok = Event::SendOk { message: id(0), attempt: 0, partition: P, offset: Some(7) };
    let invoke = Event::SendInvoke { message: id(0), key: 0, attempt: 0, payload };
    assert_eq!(bench.events, [invoke, ok]);
    assert_eq!(bench.timers, [], "nothing is awaited any more");
}

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
fn without_identity_a_retry_cannot_be_told_from_a_new_message() {
    let policy = ProducerPolicy { identity: IdentityPolicy::None, ..POLICY };
    let (mut bench, mut producer) = started(policy, 2);
    assert_eq!(names(&bench.take_sent()), [None, None]);
    assert_eq!(names(&bench.wake(&mut producer, 0)), [None, None]);
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
    bench.with(|ctx| producer_enqueue(&mut producer, 3, ctx));
    bench.now += Span::millis(50);
    assert_eq!(bench.wake(&mut producer, 0).len(), 6, "three at first, three again");
    assert_eq!(answer(&mut bench, &mut producer, 0, stored(0)), [Some((0, 3))]);
    bench.now += Span::millis(50);
    // The messages 1 and 2 are given up; 3 is younger, and until it is done nothing new is sent.
    assert_eq!(names(&bench.wake(&mut producer, 0)), [Some((0, 3))]);
    assert_eq!(infos(&bench), 2);
    bench.with(|ctx| producer_enqueue(&mut producer, 4, ctx));
    assert_eq!(bench.take_sent(), []);
    assert_eq!(answer(&mut bench, &mut producer, 3, stored(3)), [Some((1, 0))]);
}

fn producer_enqueue(producer: &mut Producer, number: u32, ctx: &mut Ctx<'_>) {
    let planned = Planned { node: NodeId(1), message: id(number), key: 0, at: Span::ZERO };
    producer.client.enqueue(planned);
    producer.client.send_due(ctx);
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
fn a_restarted_producer_has_a_higher_epoch() {
    let (mut bench, _) = started(POLICY, 1);
    bench.take_sent();
    bench.crash(None);
    bench.boot(|seat, _| Producer::boot(POLICY, seat));
    assert_eq!(names(&bench.take_sent()), [Some((1 << 16, 0))]);
}

#[test]
fn a_message_is_not_sent_before_its_time() {
    let (mut bench, mut producer) = started(POLICY, 0);
    let at = Span::millis(20);
    let planned = Planned { node: NodeId(1), message: id(0), key: 0, at };
    producer.client.enqueue(planned);
    bench.with(|ctx| producer.client.send_due(ctx));
    assert_eq!((bench.take_sent().len(), &bench.timers[..]), (0, &[(TimerId(1), at)][..]));
    bench.now += at;
    assert_eq!(bench.wake(&mut producer, 1).len(), 1);
}

#[test]
fn each_partition_has_its_own_window_and_sequences() {
    let policy = ProducerPolicy { partitions: 2, in_flight: 1, ..POLICY };
    let mut bench = Bench::machine(1);
    let planned = |number| Planned {
        node: NodeId(1),
        message: id(number),
        key: u64::from(number),
        at: Span::ZERO,
    };
    bench.plan = (0..4).map(planned).collect();
    bench.boot(|seat, _| Producer::boot(policy, seat));
    let sent: Vec<_> = bench
        .take_sent()
        .iter()
        .map(|message| match message {
            Message::Produce { partition, produce: Produce { identity, .. }, .. } => {
                (partition.0, identity.batch().unwrap().sequence)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sent, [(0, 0), (1, 0)]);
}
