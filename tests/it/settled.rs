//! When a run is over: not before what is under way is seen to.

use postulate::choice::{Actor, Choice, Key, Site};
use postulate::id::NodeId;
use postulate::run::Outcome;
use postulate::scenario::Scenario;
use postulate::schedule::{Fault, Schedule, Trigger, Trouble};
use postulate::time::{Instant, Span};
use std::collections::BTreeSet;

/// A request of a producer that has died since comes later and later, until it comes when the run
/// is nearly over: whoever reads it then is not through with it yet.
#[test]
fn replicas_are_compared_when_what_came_last_is_written_down() {
    let mut pipe = Scenario::named("exactly-once-pipe").unwrap();
    (pipe.workload.producers, pipe.workload.messages) =
        (1.try_into().unwrap(), 1.try_into().unwrap());
    let mut worker = pipe.subject().unwrap().worker(std::sync::Arc::default());
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
