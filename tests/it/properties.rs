//! Properties of scenarios: whatever a pipe is like, it keeps its promises and runs twice alike; a
//! broken one is found out, and shrunk to what it takes to break it.

mod persisted;
mod schedules;
mod trees;

use postulate::check::Rule;
use postulate::model::consumer::Dedup;
use postulate::model::producer::IdentityPolicy;
use postulate::profile::FaultClass;
use postulate::property::{Scenarios, Shape, config, scenarios, trials};
use postulate::run::{Outcome, Pulse, Run};
use postulate::scenario::Scenario;
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};
use std::sync::Arc;

/// Seeds that every shape is run with.
const SEEDS: u64 = 12;

/// Any shape of the pipe, and of one that is broken by `change`.
fn shapes(change: impl Fn(&mut Scenario)) -> Scenarios {
    let mut pipe = Scenario::named("exactly-once-pipe").unwrap();
    change(&mut pipe);
    // What it withstands over streams, and over datagrams a duplicate.
    let envelope = [&pipe.run.envelope[..], &[FaultClass::Duplicate]].concat();
    scenarios(&pipe).envelope(envelope)
}

/// Runs the first seeds, each in a world that has run others and in a fresh one.
fn runs(shape: &Shape, seeds: u64) -> impl Iterator<Item = (Run, Run)> + use<> {
    let subject = shape.subject().expect("every shape is possible");
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
    fn a_pipe_of_any_shape_keeps_its_promises_and_runs_twice_alike(shape in shapes(|_| ())) {
        for (run, again) in runs(&shape, SEEDS) {
            prop_assert_eq!(&run.outcome, &Outcome::Holds, "seed {}", run.seed);
            prop_assert_eq!(run, again);
        }
    }
}

/// What is left of a failing value when nothing can be taken away from it, and why it fails.
fn shrunk<S: Strategy>(
    strategy: &S,
    property: impl Fn(S::Value) -> TestCaseResult,
) -> (S::Value, String) {
    shrunk_under(Config { failure_persistence: None, ..config() }, strategy, property)
}

fn shrunk_under<S: Strategy>(
    config: Config,
    strategy: &S,
    property: impl Fn(S::Value) -> TestCaseResult,
) -> (S::Value, String) {
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    match TestRunner::new_with_rng(config, random).run(strategy, property) {
        Err(TestError::Fail(why, value)) => (value, why.message().to_owned()),
        other => panic!("it is broken, and was not found out: {other:?}"),
    }
}

/// Breaks the pipe by `change`; gives back the least shape that still violates `rule`.
fn least_broken(rule: Rule, change: impl Fn(&mut Scenario)) -> Shape {
    let property = |shape: Shape| {
        let violates = |run: &Run| matches!(&run.outcome, Outcome::Violated(it) if it.rule == rule);
        prop_assert!(!runs(&shape, 64 * SEEDS).any(|(run, _)| violates(&run)));
        Ok(())
    };
    shrunk(&shapes(change), property).0
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

#[test]
fn a_scenario_and_its_schedule_are_shrunk_together() {
    let forgets = |pipe: &mut Scenario| pipe.consumer.dedup = Dedup::Memory;
    let (trial, why) = shrunk(&trials(shapes(forgets)), |trial| trial.case.check().map(drop));
    let told = format!("{trial:#?}");
    check_small(&trial.shape);
    assert!(why.starts_with("duplicate-effect\n  expected"), "{why}");
    assert!(trial.case.schedule().steps() <= 2, "{told}");
    assert_eq!(trial.case.run().outcome.group(), "duplicate-effect", "{told}");
    assert!(told.contains("exactly-once-pipe\n  1 producer with "), "{told}");
    assert!(told.contains("\n  at ") || told.contains("\n  after "), "{told}");
}
