//! Systems that do not run twice alike are caught by a sweep; the built-in ones always do.

use crate::fake::Patient;
use crate::toy::{Quirk, Toy, survivable};
use postulate::explore::{Conclusion, Divergence, Finding, Recheck, Sweep, Swept, Watch, sweep};
use postulate::profile::Transport;
use postulate::run::{Outcome, Pulse, Run, Subject};
use postulate::scenario::Scenario;
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use postulate::zoo::Specimen;
use std::num::NonZeroUsize;
use std::sync::Arc;

fn swept(subject: &Arc<dyn Subject>, schedules: u64, jobs: usize, recheck: Recheck) -> Swept {
    let jobs = NonZeroUsize::new(jobs).unwrap();
    // On a busy machine a thread may be kept waiting for longer than a callback should take, and a
    // run that is taken for hung has no digest.
    let hung_after_ticks = 10_000;
    let plan = Sweep { schedules, jobs, recheck, hung_after_ticks, ..Sweep::default() };
    let watch: Arc<dyn Watch> = Arc::new(Patient);
    let swept = sweep(subject, &plan, &watch);
    assert_eq!(swept.tally.hung, 0, "{}", subject.name());
    swept
}

fn scenario(name: &str) -> Arc<dyn Subject> {
    Scenario::named(name).and_then(Scenario::subject).unwrap()
}

/// What tells two runs of a wavering toy apart.
#[track_caller]
fn divergence(quirk: Quirk) -> Divergence {
    let toy: Arc<dyn Subject> = Arc::new(Toy::wavering(quirk, Transport::Stream));
    let swept = swept(&toy, 200, 1, Recheck::All);
    assert_eq!(swept.conclusion(), Conclusion::Nondeterministic, "{quirk:?}");
    assert_eq!(swept.tally.rechecked, 200);
    let group = swept.groups.iter().find(|group| group.name == "nondeterministic").unwrap();
    let Finding::Nondeterministic(divergence) = &group.finding else { panic!("{group:?}") };
    (**divergence).clone()
}

/// The first event that differs says `part`.
#[track_caller]
fn check_parting(quirk: Quirk, part: &str) {
    let parting = divergence(quirk).parting.expect("the traces part");
    let event = parting.one.as_ref().expect("an event that the other trace has not");
    assert!(event.text.contains(part), "{quirk:?}: {parting:#?}");
    assert!(parting.common > 0, "{quirk:?}: {parting:#?}");
}

#[test]
fn a_payload_byte_that_wavers_is_caught() {
    check_parting(Quirk::OtherPayload, "server: Put");
}

#[test]
fn a_timer_that_wavers_is_caught() {
    check_parting(Quirk::OtherTimer, "fires");
}

#[test]
fn a_disk_record_that_wavers_is_caught() {
    check_parting(Quirk::OtherRecord, "server: ");
}

#[test]
fn state_that_is_never_sent_and_wavers_is_caught_at_the_end() {
    check_parting(Quirk::OtherState, "server: ends in state");
}

#[test]
fn a_toy_that_does_not_waver_is_not_accused() {
    let toy: Arc<dyn Subject> =
        Arc::new(Toy::new(Quirk::OtherState, Transport::Stream, survivable()));
    assert_eq!(swept(&toy, 200, 2, Recheck::All).conclusion(), Conclusion::Holds);
}

#[test]
fn sweeps_of_the_pipe_and_of_w1_have_one_digest_on_any_number_of_jobs_and_after_a_panic() {
    let panicking: Arc<dyn Subject> =
        Arc::new(Toy::new(Quirk::Panics, Transport::Stream, survivable()));
    for name in ["exactly-once-pipe", "w1"] {
        let digest = |jobs| swept(&scenario(name), 300, jobs, Recheck::Sample).tally.digest;
        let one = digest(1);
        for jobs in [1, 2, 3] {
            assert_eq!(digest(jobs), one, "{name} on {jobs} jobs");
        }
        assert!(swept(&panicking, 50, 2, Recheck::Sample).tally.panicked > 0);
        assert_eq!(digest(2), one, "{name} after a panic");
    }
}

/// Runs seeds until `enough` of those that `are_meant` were rewritten as quiet + decisions and
/// replayed, and asserts that each came out the same.
#[track_caller]
fn check_rewriting(subject: &Arc<dyn Subject>, enough: usize, are_meant: fn(&Run) -> bool) {
    let mut worker = Arc::clone(subject).worker(Arc::new(Pulse::default()));
    let mut rewritten = 0;
    for seed in 0..5_000 {
        let schedule = Schedule::seeded(Seed(seed));
        if !are_meant(&worker.run(&schedule)) {
            continue;
        }
        let inspection = worker.inspect(&schedule);
        let again = worker.run(&inspection.rewritten);
        let name = subject.name();
        assert_eq!(again.digest, inspection.run.digest, "{name} seed {seed:#x}");
        assert_eq!(again.outcome, inspection.run.outcome, "{name} seed {seed:#x}");
        rewritten += 1;
        if rewritten == enough {
            return;
        }
    }
    panic!("{}: only {rewritten} seeds were meant", subject.name());
}

#[test]
fn failing_seeds_of_every_specimen_are_rewritten_and_break_the_same_rule_again() {
    for name in ["1", "2", "28"] {
        let subject = Specimen::named(name).unwrap().scenario().unwrap().subject().unwrap();
        check_rewriting(&subject, 200, |run| matches!(run.outcome, Outcome::Violated(_)));
    }
}

#[test]
fn seeds_of_the_pipe_are_rewritten_and_end_the_same() {
    check_rewriting(&scenario("exactly-once-pipe"), 2_000, |run| run.outcome == Outcome::Holds);
}

#[test]
fn seeds_of_w1_are_rewritten_and_end_the_same() {
    check_rewriting(&scenario("w1"), 2_000, |run| run.outcome == Outcome::Holds);
}
