//! Bytes on the link: bits of frames flip, and their readers look at the checksum or do not.

use postulate::check::Rule;
use postulate::choice::{Choice, Flips};
use postulate::model::broker::Verify;
use postulate::profile::{FaultClass, Framing, Transport};
use postulate::run::{Examined, Outcome, PassageFate, Subject, Worker};
use postulate::scenario::{Expect, Scenario, catalogue};
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use postulate::shrink::{Budget, shrink};
use postulate::time::Span;
use std::ops::ControlFlow;
use std::sync::Arc;

fn corrupt_link() -> Scenario {
    Scenario::named("corrupt-link").unwrap()
}

/// Nobody compares a checksum, neither of frames nor of bodies.
fn unchecked() -> Scenario {
    let mut scenario = corrupt_link();
    scenario.network.framing = Some(Framing::Unchecked);
    scenario.broker.checksum = Verify::Trust;
    scenario.consumer.checksum = Verify::Trust;
    scenario
}

/// The same scenario under corruption alone.
fn corrupted_alone(mut scenario: Scenario) -> Scenario {
    scenario.run.envelope = vec![FaultClass::Corrupt];
    scenario
}

fn worker(scenario: Scenario) -> (Arc<dyn Subject>, Box<dyn Worker>) {
    let subject = scenario.subject().unwrap();
    let worker = Arc::clone(&subject).worker(Arc::default());
    (subject, worker)
}

fn failures(scenario: Scenario, seeds: u64) -> Vec<(Seed, Rule)> {
    let (_, mut worker) = worker(scenario);
    let runs = (0..seeds).map(|seed| worker.run(&Schedule::seeded(Seed(seed))));
    let rules = runs.filter_map(|run| match run.outcome {
        Outcome::Violated(violation) => Some((run.seed, violation.rule)),
        Outcome::Holds => None,
        other => panic!("seed {}: {other:?}", run.seed.0),
    });
    rules.collect()
}

#[test]
fn with_the_checksum_off_corruption_is_found() {
    let found = failures(corrupted_alone(unchecked()), 400);
    let corrupted = found.iter().filter(|(_, rule)| *rule == Rule::Corrupted).count();
    assert!(corrupted > 10, "{found:?}");
}

#[test]
fn the_checksum_of_frames_is_enough_against_it_and_that_of_bodies_is_not() {
    assert_eq!(failures(corrupt_link(), 1_000), []);
    let mut frames_alone = unchecked();
    frames_alone.network.framing = Some(Framing::Checked);
    assert_eq!(failures(frames_alone, 1_000), []);
    let mut bodies_alone = corrupted_alone(corrupt_link());
    bodies_alone.network.framing = Some(Framing::Unchecked);
    let found = failures(bodies_alone, 400);
    // The number of a message can be flipped too.
    assert!(found.iter().any(|(_, rule)| *rule == Rule::Corrupted), "{found:?}");
}

#[test]
fn what_is_flipped_is_told_and_small_when_it_is_shrunk() {
    let (subject, mut worker) = worker(unchecked());
    let runs = (0..).map(|seed| worker.run(&Schedule::seeded(Seed(seed))));
    let is_corrupted =
        |outcome: &Outcome| matches!(outcome, Outcome::Violated(it) if it.rule == Rule::Corrupted);
    let run = runs.into_iter().find(|run| is_corrupted(&run.outcome)).unwrap();
    let failing = Schedule::seeded(run.seed);
    let watch = &mut |_: &_| ControlFlow::Continue(());
    let shrunk =
        shrink(worker.as_mut(), subject.as_ref(), &failing, Budget::default(), watch).unwrap();
    let decisions: Vec<_> = shrunk.schedule.decisions.iter().collect();
    let [(key, choice @ Choice::Garbled { bits, .. })] = decisions[..] else {
        panic!("{decisions:?}");
    };
    assert_eq!(bits.bits().count(), 1, "{bits}");
    let told = subject.tell_decision(*key, *choice);
    assert!(told.starts_with(&format!("flip {bits} of the frame of ")), "{told}");
    let inspection = worker.inspect(&shrunk.schedule);
    assert!(is_corrupted(&inspection.run.outcome));
    assert!(inspection.trace.iter().any(|line| line.text.contains("it will be read as")));
}

/// The first message of a run has its version flipped, by transport.
fn check_refused(transport: Transport, expected: &str) {
    let mut scenario = corrupted_alone(corrupt_link());
    scenario.network.transport = transport;
    let (_, mut worker) = worker(scenario);
    let story = |worker: &mut dyn Worker, schedule: &Schedule| {
        let Examined { chronicle, inspection, .. } = worker.examine(schedule);
        assert_eq!(inspection.run.outcome, Outcome::Holds);
        (chronicle.messages, inspection.trace)
    };
    let (messages, _) = story(worker.as_mut(), &Schedule::quiet());
    let key = messages[0].key.unwrap();
    let bits = Flips::new(&[32]).unwrap();
    let mut schedule = Schedule::quiet();
    schedule.decisions.insert(key, Choice::Garbled { bits, late: Span::ZERO });
    let (messages, spoilt) = story(worker.as_mut(), &schedule);
    let told = spoilt.iter().find(|line| line.text.contains("refuses a frame from "));
    assert!(messages[0].corrupted && messages[0].fate == PassageFate::Dead, "{:?}", messages[0]);
    assert!(told.unwrap().text.ends_with(expected), "{told:?}");
}

#[test]
fn a_stream_does_not_survive_a_refused_frame_and_datagrams_do() {
    check_refused(Transport::Stream, "closes the connection");
    check_refused(Transport::Datagram, "drops it");
}

/// The scenarios that keep their promises, with corruption among their faults.
fn spoilt(framing: Framing) -> impl Iterator<Item = Scenario> {
    let right = catalogue().iter().map(|entry| entry.scenario().unwrap());
    let right = right.filter(|it| it.expect != Expect::Violated && !it.run.envelope.is_empty());
    right.map(move |mut scenario| {
        scenario.network.framing = Some(framing);
        if !scenario.run.envelope.contains(&FaultClass::Corrupt) {
            scenario.run.envelope.push(FaultClass::Corrupt);
        }
        scenario
    })
}

#[test]
fn every_promise_is_kept_under_corruption_where_frames_are_checked() {
    for scenario in spoilt(Framing::Checked) {
        let name = scenario.name.clone();
        assert_eq!(failures(scenario, 200), [], "{name}");
    }
}

#[test]
fn no_machine_panics_whatever_it_reads() {
    let found = spoilt(Framing::Unchecked).map(|scenario| failures(scenario, 400).len());
    assert!(found.filter(|&failures| failures > 0).count() > 20);
}
