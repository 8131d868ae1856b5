use super::*;
use crate::model::bench::{Bench, PRODUCER};
use crate::model::message::{ProducerId, Refusal};
use crate::model::producer::{Backoff, EpochBump, OnTimeout, Producer, Restart};
use crate::node::Node;
use crate::time::Span;

mod names;
mod retries;

const P: PartitionId = PartitionId(0);

const POLICY: ProducerPolicy =
    ProducerPolicy { in_flight: 3, on_timeout: OnTimeout::Disconnect, ..PRODUCER };

/// A producer with this many messages to send at once, and the bench it has been started on.
fn started(policy: ProducerPolicy, messages: u32) -> (Bench, Producer) {
    let mut bench = Bench::machine(1);
    bench.plan = (0..messages).map(planned).collect();
    let producer = bench.boot(|seat, disk| Producer::boot(policy, seat, disk));
    (bench, producer)
}

fn planned(number: u32) -> Planned {
    Planned::new(NodeId(1), number)
}

/// Gives a running producer one more message.
fn enqueue(producer: &mut Producer, number: u32, ctx: &mut Ctx<'_>) {
    producer.client.enqueue(planned(number));
    producer.client.send_due(ctx);
}

fn produce(message: &Message) -> Produce {
    let Message::Produce { produce, .. } = message else { panic!("{message:?}") };
    *produce
}

fn fingerprint(producer: &Producer) -> u64 {
    let mut digest = Digest::new();
    producer.fingerprint(&mut digest);
    digest.value()
}

fn id(number: u32) -> MessageId {
    MessageId::new(NodeId(1), number)
}

/// The names of the batches in these messages: (epoch, sequence), or nothing for one without
/// identity.
fn names(sent: &[Message]) -> Vec<Option<(u32, u32)>> {
    let name = |batch: BatchId| (batch.epoch, batch.sequence);
    sent.iter().map(|message| produce(message).identity.batch().map(name)).collect()
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
fn a_message_is_not_sent_before_its_time() {
    let (mut bench, mut producer) = started(POLICY, 0);
    let at = Span::millis(20);
    producer.client.enqueue(Planned { at, ..planned(0) });
    bench.with(|ctx| producer.client.send_due(ctx));
    assert_eq!((bench.take_sent().len(), &bench.timers[..]), (0, &[(TimerId(1), at)][..]));
    bench.now += at;
    assert_eq!(bench.wake(&mut producer, 1).len(), 1);
}
