//! Causal pasts against a second program that works them out from the JSON.

use super::naive::Naive;
use super::{LEAST, account, seeded, worker};
use crate::toy::{Quirk, Toy};
use postulate::profile::{Envelope, FaultClass, Transport};
use postulate::report::Explained;
use postulate::run::Subject;
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use postulate::zoo::zoo;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Failures by random seeds, a specimen.
const SEEDED: usize = 3;

/// A failure as those read it who have nothing but its JSON.
fn read(name: &str, subject: &Arc<dyn Subject>, schedule: &Schedule) -> Explained {
    let account = account(name, subject, schedule, LEAST);
    let json = Explained::of(&account, subject.as_ref()).json();
    serde_json::from_str(&json).unwrap()
}

/// Systems that panic, lose and say too much.
fn toys() -> impl Iterator<Item = (Arc<dyn Subject>, Schedule)> {
    let quirks = [Quirk::Panics, Quirk::NoDedup, Quirk::AckBeforeSync];
    let transports = [Transport::Stream, Transport::Datagram];
    let pairs = quirks.into_iter().flat_map(move |quirk| transports.map(|it| (quirk, it)));
    pairs.flat_map(|(quirk, transport)| {
        let envelope: Envelope = FaultClass::ALL.iter().copied().collect();
        let subject: Arc<dyn Subject> = Arc::new(Toy::new(quirk, transport, envelope));
        let mut worker = worker(&subject);
        let schedules = (0..2_000).map(|seed| Schedule::seeded(Seed(seed)));
        let failing = schedules.filter(|schedule| {
            let group = worker.run(schedule).outcome.group();
            !["holds", "unknown"].contains(&group.as_str())
        });
        let failing: Vec<Schedule> = failing.take(2).collect();
        failing.into_iter().map(move |schedule| (Arc::clone(&subject), schedule))
    })
}

/// Compares; gives of how many syncs and notices the cause was clear, and of how many it was not.
fn check(name: &str, run: &Explained) -> (usize, usize) {
    let naive = Naive::of(run);
    let tell = |events: BTreeSet<usize>| {
        let told = events.into_iter().map(|it| {
            let event = &run.events[it];
            format!("\n  {it}: {} at {:?} {}", event.at, event.machine, event.text)
        });
        told.collect::<String>()
    };
    for (event, led) in run.events.iter().zip(&naive.led) {
        let told = event.causes.iter().copied().collect();
        let (more, less) = (led.difference(&told), told.difference(led));
        assert!(
            *led == told,
            "{name}: {}\nis led to, says the naive program alone, by{}\nsays the page alone, by{}",
            tell([event.id].into()),
            tell(more.copied().collect()),
            tell(less.copied().collect()),
        );
    }
    assert_eq!(naive.past(&run.anchors), run.past, "{name}");
    (naive.clear, naive.asked)
}

#[test]
fn pasts_are_what_a_naive_program_makes_of_the_json() {
    let (mut failures, mut clear, mut asked, mut kinds) = (0, 0, 0, BTreeSet::new());
    let mut meet = |name: &str, subject: &Arc<dyn Subject>, schedule: &Schedule| {
        let run = read(name, subject, schedule);
        let weighed = check(&format!("{name} {}", schedule.seed), &run);
        (clear, asked) = (clear + weighed.0, asked + weighed.1);
        failures += 1;
        kinds.extend(run.events.into_iter().map(|event| event.kind));
        kinds.extend(run.bands.into_iter().map(|band| band.kind));
    };
    for specimen in zoo() {
        let subject = specimen.subject().unwrap();
        meet(specimen.id, &subject, &specimen.witness_schedule().unwrap());
        for schedule in seeded(specimen, &subject, SEEDED) {
            meet(specimen.id, &subject, &schedule);
        }
    }
    for (subject, schedule) in toys() {
        meet("toy", &subject, &schedule);
    }
    assert!(failures >= 60, "{failures} failures only");
    // Of systems with queues the JSON leaves more open than of others.
    assert!(3 * clear > 2 * asked, "{asked} causes were asked for, and {clear} were clear");
    for kind in ["cut", "grey", "hold", "pause", "resume", "drop", "void", "dead", "notice", "heal"]
    {
        assert!(kinds.contains(kind), "no {kind} among {kinds:?}");
    }
}
