//! Systems that do not run twice alike are caught by the sweep, and the built-in ones always do.

use crate::fake::Patient;
use crate::toy::{Quirk, Toy, survivable};
use postulate::check::Rule;
use postulate::explore::{Conclusion, Divergence, Finding, Recheck, Sweep, Swept, Watch, sweep};
use postulate::profile::Transport;
use postulate::run::{Inspection, Outcome, Pulse, Subject, Worker};
use postulate::scenario::Scenario;
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use postulate::zoo::Specimen;
use std::num::NonZeroUsize;
use std::sync::Arc;

fn swept(subject: &Arc<dyn Subject>, schedules: u64, jobs: usize, recheck: Recheck) -> Swept {
    let jobs = NonZeroUsize::new(jobs).unwrap();
    let plan = Sweep { schedules, jobs, recheck, ..Sweep::default() };
    let watch: Arc<dyn Watch> = Arc::new(Patient);
    sweep(subject, &plan, &watch)
}

fn toy(quirk: Quirk) -> Arc<dyn Subject> {
    Arc::new(Toy::new(quirk, Transport::Stream, survivable()))
}

/// What tells two runs of a wavering toy apart.
#[track_caller]
fn divergence(quirk: Quirk) -> Divergence {
    let swept = swept(&toy(quirk), 200, 2, Recheck::All);
    assert_eq!(swept.conclusion(), Conclusion::Nondeterministic, "{quirk:?}");
    assert_eq!(swept.tally.rechecked, 200);
    let group = swept.groups.iter().find(|group| group.name == "nondeterministic").unwrap();
    let Finding::Nondeterministic(divergence) = &group.finding else { panic!("{group:?}") };
    (**divergence).clone()
}

/// The first event that differs is one that says `part`.
#[track_caller]
fn check_parting(quirk: Quirk, part: &str) {
    let parting = divergence(quirk).parting.expect("the traces part");
    let told = |event: &Option<postulate::run::TraceEvent>| {
        event.as_ref().is_some_and(|event| event.text.contains(part))
    };
    assert!(told(&parting.one) || told(&parting.other), "{quirk:?}: {parting:#?}");
}

#[test]
fn a_payload_byte_that_wavers_is_caught_where_it_is_first_sent() {
    check_parting(Quirk::WaveringPayload, "Put");
}

#[test]
fn a_timer_that_wavers_is_caught() {
    check_parting(Quirk::WaveringTimer, "wakes");
}

#[test]
fn a_disk_record_that_wavers_is_caught_where_it_is_appended() {
    check_parting(Quirk::WaveringRecord, "append");
}
