//! The sweep of the command line as a test, as short as it is in a project that uses the crate, and
//! what it takes that a pipe that is right is never called wrong.

use postulate::choice::{Actor, Choice, Key, Site};
use postulate::harness::Harness;
use postulate::id::NodeId;
use postulate::run::Outcome;
use postulate::scenario::{Scenario, ScenarioError};
use postulate::schedule::{Fault, Schedule, Trigger, Trouble};
use postulate::time::{Instant, Span};
use std::collections::BTreeSet;
use std::sync::Arc;

#[test]
fn the_pipe_keeps_its_promises() -> Result<(), ScenarioError> {
    let pipe = Scenario::named("exactly-once-pipe")?.subject()?;
    Harness::new(pipe).schedules(2_000).run();
    Ok(())
}

/// A request of a producer that has died since comes later and later, until it comes when the run
/// is nearly over: whoever reads it then is not through with it yet.
#[test]
fn replicas_are_compared_when_what_came_last_is_written_down() {
    let mut pipe = Scenario::named("exactly-once-pipe").unwrap();
    (pipe.workload.producers, pipe.workload.messages) =
        (1.try_into().unwrap(), 1.try_into().unwrap());
    let mut worker = pipe.subject().unwrap().worker(Arc::default());
    let (producer, broker) = (NodeId(1), NodeId(0));
    let (when, down) = (Trigger::At(Instant::START + Span::micros(500)), Span::millis(1));
    let crash = Fault { when, what: Trouble::Crash { node: producer, down } };
    let key = Key::new(Site::Message, Actor::Link(producer, broker), 0, 0);
    let mut ends = BTreeSet::new();
    for late in (200_000..900_000).step_by(150).map(Span::micros) {
        let decisions = [(key, Choice::Late(late))].into();
        let faults = vec![crash.clone()];
        let run = worker.run(&Schedule { faults, decisions, ..Schedule::quiet() });
        assert_eq!(run.outcome, Outcome::Holds, "{late} late");
        ends.insert(run.stats.lasted);
    }
    assert!(ends.len() > 1, "it never comes when the run is nearly over");
}
