//! Workers of queues: the scenarios about failed handlings reach what they are about.

use postulate::harness::Harness;
use postulate::model::Moment;
use postulate::scenario::{Scenario, ScenarioError};

/// A scenario holds, and so many of 300 runs at least reach each of these moments.
#[track_caller]
fn reaches(name: &str, least: u64, moments: &[Moment]) -> Result<(), ScenarioError> {
    let swept = Harness::new(Scenario::named(name)?.subject()?).schedules(300).run();
    for &moment in moments {
        let runs = swept.tally.reached(moment.site()).runs;
        assert!(runs >= least, "{name}: {moment:?} in {runs} runs");
    }
    Ok(())
}

#[test]
fn what_fails_is_published_anew_and_its_successors_wait() -> Result<(), ScenarioError> {
    let mut moments = vec![Moment::FailureGivenBack, Moment::FailureRepublished];
    moments.extend([Moment::SuccessorHeld, Moment::SuccessorRejected, Moment::FailureRejected]);
    reaches("retry-topic", 250, &moments)?;
    // A publication whose answer is lost is made again, and a copy is left where a worker dies.
    reaches("retry-topic", 50, &[Moment::DuplicateAnswered, Moment::InboxHit, Moment::LeaseOver])
}

#[test]
fn what_fails_is_given_back_and_its_successors_wait() -> Result<(), ScenarioError> {
    let mut moments = vec![Moment::FailureGivenBack, Moment::SuccessorHeld];
    moments.extend([Moment::SuccessorRejected, Moment::FailureRejected]);
    reaches("delayed-redelivery", 250, &moments)?;
    reaches("delayed-redelivery", 50, &[Moment::SettledLate, Moment::LeaseOver])
}
