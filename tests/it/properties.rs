//! Properties of scenarios: whatever a pipe is like, it keeps its promises and runs twice alike; a
//! broken one is found out, and shrunk to what it takes to break it.

use postulate::check::Rule;
use postulate::model::consumer::Dedup;
use postulate::model::producer::IdentityPolicy;
use postulate::profile::{FaultClass, Transport};
use postulate::run::{Outcome, Pulse, Run, Subject};
use postulate::scenario::{Bounded, Positive, PromiseName, Scenario, VarySection};
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use postulate::time::Span;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};
use std::error::Error;
use std::sync::Arc;

/// Seeds that every shape is run with.
const SEEDS: u64 = 12;

/// What a pipe is like.
#[derive(Clone, Debug)]
struct Shape {
    producers: u32,
    messages: u32,
    keys: u32,
    pace: u64,
    partitions: u32,
    in_flight: u32,
    timeout: u64,
    groups: u32,
    members: u32,
    batch: u32,
    wait_max: u64,
    transport: Transport,
    envelope: Vec<FaultClass>,
}

/// Any shape; times are in milliseconds.
fn shapes() -> impl Strategy<Value = Shape> {
    let workload = (1..=3_u32, 1..=8_u32, 1..=3_u32, 0..=30_u64, 1..=3_u32);
    let clients = (1..=5_u32, 15..=200_u64, 1..=2_u32, 1..=2_u32, 1..=10_u32, 0..=100_u64);
    let transports = select(vec![Transport::Stream, Transport::Datagram]);
    let surroundings = transports.prop_flat_map(|transport| {
        let classes = withstood(transport);
        let most = classes.len();
        (Just(transport), subsequence(classes, 0..=most))
    });
    (workload, clients, surroundings).prop_map(|(workload, clients, (transport, envelope))| {
        let (producers, messages, keys, pace, partitions) = workload;
        let (in_flight, timeout, groups, members, batch, wait_max) = clients;
        Shape {
            producers,
            messages,
            keys,
            pace,
            partitions,
            in_flight,
            timeout,
            groups,
            members,
            batch,
            wait_max,
            transport,
            envelope,
        }
    })
}

/// The faults that the pipe withstands. Streams double nothing, datagrams have no connection.
fn withstood(transport: Transport) -> Vec<FaultClass> {
    let mut classes = Scenario::named("exactly-once-pipe").unwrap().run.envelope;
    if transport == Transport::Datagram {
        classes.retain(|&class| class != FaultClass::Disconnect);
        classes.push(FaultClass::Duplicate);
    }
    classes
}

/// The pipe of this shape.
fn pipe(shape: &Shape) -> Result<Scenario, Box<dyn Error>> {
    let mut pipe = Scenario::named("exactly-once-pipe")?;
    pipe.workload.producers = Bounded::new(shape.producers)?;
    pipe.workload.messages = Bounded::new(shape.messages)?;
    pipe.workload.keys = Bounded::new(shape.keys)?;
    pipe.workload.pace = Span::millis(shape.pace);
    pipe.broker.partitions = Bounded::new(shape.partitions)?;
    pipe.producer.in_flight = Bounded::new(shape.in_flight)?;
    pipe.producer.timeout = Positive::try_from(Span::millis(shape.timeout))?;
    pipe.consumer.groups = Bounded::new(shape.groups)?;
    pipe.consumer.members = Bounded::new(shape.members)?;
    pipe.consumer.batch = Bounded::new(shape.batch)?;
    pipe.consumer.wait_max = Span::millis(shape.wait_max);
    pipe.network.transport = shape.transport;
    pipe.run.envelope.clone_from(&shape.envelope);
    // What is drawn here is not drawn again by the seeds.
    pipe.vary = VarySection::default();
    if shape.members > 1 {
        pipe.promises.retain(|&promise| promise != PromiseName::Convergent);
    }
    Ok(pipe)
}

/// Runs the first seeds, each in a world that has run others and in a fresh one.
fn runs(scenario: Scenario, seeds: u64) -> impl Iterator<Item = (Run, Run)> {
    let subject: Arc<dyn Subject> = scenario.subject().expect("every shape is possible");
    let fresh = move || Arc::clone(&subject).worker(Arc::new(Pulse::default()));
    let mut worn = fresh();
    (0..seeds).map(move |seed| {
        let schedule = Schedule::seeded(Seed(seed));
        (worn.run(&schedule), fresh().run(&schedule))
    })
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_pipe_of_any_shape_keeps_its_promises_and_runs_twice_alike(shape in shapes()) {
        for (run, again) in runs(pipe(&shape).unwrap(), SEEDS) {
            prop_assert_eq!(&run.outcome, &Outcome::Holds, "seed {}", run.seed);
            prop_assert_eq!(run, again);
        }
    }
}

/// What is left of a failing shape when nothing can be taken away from it.
fn shrunk(property: impl Fn(Shape) -> TestCaseResult) -> Shape {
    let config = Config { failure_persistence: None, ..Config::default() };
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    match TestRunner::new_with_rng(config, random).run(&shapes(), property) {
        Err(TestError::Fail(_, shape)) => shape,
        other => panic!("the pipe is broken, and no shape of it was found out: {other:?}"),
    }
}

/// Breaks the pipe by `change`; gives back the least shape that still violates `rule`.
fn least_broken(rule: Rule, change: impl Fn(&mut Scenario)) -> Shape {
    shrunk(|shape| {
        let mut broken = pipe(&shape).unwrap();
        change(&mut broken);
        let violates = |run: &Run| matches!(&run.outcome, Outcome::Violated(it) if it.rule == rule);
        prop_assert!(!runs(broken, 16 * SEEDS).any(|(run, _)| violates(&run)));
        Ok(())
    })
}

/// One producer with a message or two, and few faults.
#[track_caller]
fn check_small(shape: &Shape) {
    assert_eq!((shape.producers, shape.groups, shape.partitions), (1, 1, 1), "{shape:?}");
    assert!(shape.messages <= 2 && shape.envelope.len() <= 2, "{shape:?}");
}

#[test]
fn a_consumer_that_forgets_is_shrunk_to_a_message_and_a_death() {
    let forgets = |pipe: &mut Scenario| pipe.consumer.dedup = Dedup::Memory;
    let shape = least_broken(Rule::DuplicateEffect, forgets);
    check_small(&shape);
    let deaths = [FaultClass::Crash, FaultClass::PowerCut, FaultClass::RollingRestart];
    assert!(shape.envelope.iter().any(|class| deaths.contains(class)), "{shape:?}");
}

/// It takes no fault at all: a timeout below the latency does.
#[test]
fn a_producer_without_identity_is_shrunk_to_a_message_and_a_retry() {
    let forgets = |pipe: &mut Scenario| pipe.producer.identity = IdentityPolicy::None;
    check_small(&least_broken(Rule::DuplicateRecord, forgets));
}
