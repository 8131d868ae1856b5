//! Failures made small: exactly as small as they get where that is known, and small enough where it
//! is not.

pub mod puzzle;

use crate::fake::Act;
use postulate::check::Rule;
use postulate::choice::{Choice, Site};
use postulate::id::NodeId;
use postulate::matrix::Place;
use postulate::profile::FaultClass;
use postulate::run::{Outcome, Pulse, Subject, Worker, fit};
use postulate::schedule::{Baseline, Part, Schedule};
use postulate::seed::Seed;
use postulate::shrink::{Budget, NotShrunk, Shrunk, Signature, distinct, shrink, smallest};
use postulate::time::Span;
use postulate::zoo::{Specimen, zoo};
use puzzle::{DECISIONS, FAULTS, Puzzle, crash, has_crash, key, seeded};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

const BROKEN: Act = Act::Break(Rule::DuplicateEffect);

fn worker(subject: &Arc<dyn Subject>) -> Box<dyn Worker> {
    Arc::clone(subject).worker(Arc::new(Pulse::default()))
}

fn shrunk(subject: &Arc<dyn Subject>, failing: &Schedule) -> Result<Shrunk, NotShrunk> {
    within(Budget::default(), subject, failing)
}

fn within(
    budget: Budget,
    subject: &Arc<dyn Subject>,
    failing: &Schedule,
) -> Result<Shrunk, NotShrunk> {
    let watch = &mut |_: &_| ControlFlow::Continue(());
    shrink(worker(subject).as_mut(), subject.as_ref(), failing, budget, watch)
}

/// A puzzle that fails under such schedules shrinks to exactly these steps.
#[track_caller]
fn check(act: fn(&Schedule) -> Act, crashes: &[u16], late: &[u32]) {
    let found = shrunk(&Puzzle::subject(act), &seeded()).unwrap();
    let expected = Schedule {
        seed: Seed(5),
        faults: crashes.iter().copied().map(crash).collect(),
        decisions: late.iter().map(|&nth| (key(nth), Choice::Late(Span::millis(1)))).collect(),
        omit: found.schedule.omit.clone(),
        ..Schedule::quiet()
    };
    assert_eq!(found.schedule, expected);
    assert_eq!(found.size.steps, crashes.len() + late.len());
    assert_eq!(found.before.steps, DECISIONS as usize + usize::from(FAULTS));
    assert!(!found.exhausted);
}

#[test]
fn what_a_failure_takes_is_left_and_nothing_else() {
    check(|it| if has_crash(it, 3) { BROKEN } else { Act::Hold }, &[3], &[]);
    check(
        |it| {
            let both = it.decisions.contains_key(&key(12)) && it.decisions.contains_key(&key(77));
            if both && has_crash(it, 0) { BROKEN } else { Act::Hold }
        },
        &[0],
        &[12, 77],
    );
    check(|it| if it.decisions.len() >= 4 { BROKEN } else { Act::Hold }, &[], &[0, 1, 2, 3]);
}

#[test]
fn steps_that_only_make_sense_together_go_together() {
    // Without exactly one of the two it holds.
    check(
        |it| {
            let (one, other) = (has_crash(it, 1), has_crash(it, 2));
            if one == other && has_crash(it, 4) { BROKEN } else { Act::Hold }
        },
        &[4],
        &[],
    );
}

/// Without the machine less is enough, for nobody does its work.
#[test]
fn what_a_failure_takes_is_found_with_all_machines_there() {
    check(
        |it| {
            let is_gone = it.omit.contains(&Part::Machine(NodeId(2)));
            let is_late = it.decisions.contains_key(&key(12));
            if has_crash(it, 0) && (is_late || is_gone) { BROKEN } else { Act::Hold }
        },
        &[0],
        &[12],
    );
}

#[test]
fn another_failure_is_not_taken_for_this_one() {
    // With fewer steps it breaks another rule, and panics elsewhere.
    check(
        |it| match (has_crash(it, 1), has_crash(it, 2)) {
            (true, true) => BROKEN,
            (true, false) => Act::Break(Rule::Lost),
            (false, true) => Act::Panic("src/a.rs:1"),
            (false, false) => Act::Hold,
        },
        &[1, 2],
        &[],
    );
    check(
        |it| match (has_crash(it, 1), has_crash(it, 2)) {
            (true, true) => Act::Panic("src/a.rs:1"),
            (true, false) => Act::Panic("src/b.rs:1"),
            (false, true) => BROKEN,
            (false, false) => Act::Hold,
        },
        &[1, 2],
        &[],
    );
}

#[test]
fn a_workload_that_fails_by_itself_has_no_steps_left() {
    let found = shrunk(&Puzzle::subject(|_| BROKEN), &seeded()).unwrap();
    assert!(found.is_workload_alone());
    assert_eq!(found.schedule, Schedule { seed: Seed(5), ..Schedule::quiet() });
    let subject = Puzzle::subject(|_| BROKEN);
    let told = Signature::of(&found, subject.as_ref()).to_string();
    assert_eq!(told, "duplicate-effect: the workload alone");
}

#[test]
fn values_become_small_and_round() {
    let late = |schedule: &Schedule| match schedule.decisions.get(&key(1)) {
        Some(&Choice::Late(late)) => late,
        _ => Span::ZERO,
    };
    let subject = Puzzle::subject(|it| {
        let is_late = it.decisions.get(&key(1)).is_some_and(
            |&choice| matches!(choice, Choice::Late(late) if late >= Span::micros(3_217)),
        );
        if is_late { BROKEN } else { Act::Hold }
    });
    let mut failing = Schedule::quiet();
    failing.decisions.insert(key(1), Choice::Late(Span::nanos_of(48_371_113)));
    let found = shrunk(&subject, &failing).unwrap();
    assert_eq!(late(&found.schedule), Span::millis(5), "1 ms and 2 ms are too short");
}

#[test]
fn the_budget_is_kept_and_what_is_smallest_by_then_given_back() {
    let subject = Puzzle::subject(|it| if has_crash(it, 3) { BROKEN } else { Act::Hold });
    let whole = shrunk(&subject, &seeded()).unwrap();
    let mut last = usize::MAX;
    for runs in [2, 3, 5, 8, 13, whole.runs - 1, whole.runs] {
        let found = within(Budget { runs }, &subject, &seeded()).unwrap();
        assert!(found.runs <= runs, "{} of {runs}", found.runs);
        assert_eq!(found.exhausted, runs < whole.runs, "{runs}");
        assert!(found.size.steps <= last, "with more runs it gets no larger");
        last = found.size.steps;
        assert_eq!(worker(&subject).run(&found.schedule), found.run);
    }
    assert_eq!(last, 1);
}

#[test]
fn the_watch_sees_each_run_and_may_end_the_search() {
    let subject = Puzzle::subject(|it| if has_crash(it, 3) { BROKEN } else { Act::Hold });
    let mut seen = Vec::new();
    let watch = &mut |progress: &postulate::shrink::Progress| {
        seen.push((progress.runs, progress.smallest.steps));
        if seen.len() < 6 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let mut worker = worker(&subject);
    let budget = Budget::default();
    let found = shrink(worker.as_mut(), subject.as_ref(), &seeded(), budget, watch).unwrap();
    assert!(found.exhausted);
    assert_eq!(found.runs, 7, "two before the search, and one after each look but the last");
    assert_eq!(seen.len(), 6);
    assert!(seen.is_sorted_by(|one, other| one.0 < other.0 && one.1 >= other.1), "{seen:?}");
}

#[test]
fn what_does_not_fail_or_drifts_is_refused() {
    let refused = |subject: &Arc<dyn Subject>| shrunk(subject, &seeded()).unwrap_err();
    assert_eq!(refused(&Puzzle::subject(|_| Act::Hold)), NotShrunk::Holds);
    let NotShrunk::Unknown { why } = refused(&Puzzle::subject(|_| Act::Shrug)) else {
        panic!("a run without a verdict is no failure")
    };
    assert!(why.contains("budget"), "{why}");
    let digest = |it: &Schedule| u64::from(it.baseline == Baseline::Quiet);
    let drifted = refused(&Puzzle::drifting(|_| BROKEN, digest));
    let told = drifted.to_string();
    assert!(matches!(drifted, NotShrunk::Drifted { digest: 0, digest_again: 1, .. }), "{told}");
    assert!(told.contains("0x0000000000000001"), "{told}");
}

#[test]
fn of_several_failures_the_smallest_is_kept() {
    // The steps of the failure depend on the seed.
    let subject = Puzzle::subject(|it| {
        let is_whole = (0..it.seed.0 as u16).all(|node| has_crash(it, node));
        if is_whole && it.seed.0 > 0 { BROKEN } else { Act::Hold }
    });
    let seeds = |seeds: &[u64]| -> Vec<Schedule> {
        seeds.iter().map(|&seed| Schedule::seeded(Seed(seed))).collect()
    };
    let of = |failing: &[Schedule]| {
        let watch = &mut |_: &_| ControlFlow::Continue(());
        let mut worker = worker(&subject);
        smallest(worker.as_mut(), subject.as_ref(), failing, Budget::default(), watch)
    };
    let found = of(&seeds(&[4, 0, 2, 3])).unwrap();
    assert_eq!((found.run.seed, found.size.steps), (Seed(2), 2));
    assert_eq!(of(&seeds(&[0, 0])), Err(NotShrunk::Holds));
    let failing = seeds(&[4, 1, 1]);
    let bugs = distinct(failing.iter().map(|it| shrunk(&subject, it).unwrap()), subject.as_ref());
    let [bug] = bugs.as_slice() else { panic!("machines have one role: {bugs:?}") };
    assert_eq!((bug.count, bug.smallest.run.seed), (3, Seed(1)));
    assert_eq!(bug.signature.to_string(), "duplicate-effect: crash of machine");
}

/// The first seeds that break the rule of a specimen.
fn failing(specimen: &Specimen, number: usize) -> Vec<Schedule> {
    let mut worker = worker(&specimen.subject().unwrap());
    let seeded = (0..20_000).map(|seed| Schedule::seeded(Seed(seed)));
    let is_broken = |it: &Schedule| worker.run(it).outcome.group() == specimen.breaks.slug();
    seeded.filter(is_broken).take(number).collect()
}

/// Specimens of which only the best of many failures is near the witness.
const TANGLED: [&str; 2] = ["epoch-bump-on-unknown", "renumber-out-of-order"];

#[test]
fn failures_of_the_zoo_shrink_to_the_size_of_their_witnesses() {
    for specimen in zoo().iter().filter(|specimen| !TANGLED.contains(&specimen.id)) {
        let subject = specimen.subject().unwrap();
        let small = failing(specimen, 2)
            .iter()
            .map(|schedule| check_specimen(specimen, schedule, Budget::default()))
            .min();
        let most = specimen.witness_schedule().unwrap().steps() * 3 / 2;
        assert!(small.is_some_and(|steps| steps <= most), "{}: {small:?}", subject.name());
    }
}

#[test]
fn what_is_left_when_the_budget_ends_fails_all_the_same() {
    for id in TANGLED {
        let specimen = Specimen::named(id).unwrap();
        let schedule = &failing(specimen, 1)[0];
        check_specimen(specimen, schedule, Budget { runs: 1_500 });
    }
}

/// The failure becomes no larger, stays what it is, is none of the twin, and no step of it can be
/// left out unless the budget was spent. Returns how many steps are left.
#[track_caller]
fn check_specimen(specimen: &Specimen, schedule: &Schedule, budget: Budget) -> usize {
    let subject = specimen.subject().unwrap();
    let twin = specimen.fixed_twin().unwrap().subject().unwrap();
    let (mut planted, mut fixed) = (worker(&subject), worker(&twin));
    let rule = specimen.breaks.slug();
    let found = within(budget, &subject, schedule).unwrap();
    let told = format!("{} seed {}: {found:?}", specimen.id, schedule.seed);
    assert!(found.size <= found.before, "{told}");
    assert_eq!(found.size.steps, found.schedule.steps(), "{told}");
    assert_eq!(planted.run(&found.schedule), found.run, "{told}");
    assert_eq!(found.run.outcome.group(), rule, "{told}");
    assert_eq!(fixed.run(&found.schedule).outcome, Outcome::Holds, "{told}");
    let seen = planted.inspect(&found.schedule);
    assert_eq!(planted.run(&seen.rewritten).digest, found.run.digest, "{told}");
    if !found.exhausted {
        assert_eq!(seen.unmet, [], "{told}");
        for lesser in found.schedule.lesser() {
            assert_ne!(planted.run(&lesser).outcome.group(), rule, "{told}: {lesser:?}");
        }
    }
    found.size.steps
}

#[test]
fn the_same_failure_shrinks_alike_in_every_world() {
    for id in ["volatile-dedup-set", "upsert-without-version", "business-key-as-message-id"] {
        let specimen = Specimen::named(id).unwrap();
        let subject = specimen.subject().unwrap();
        let failing = failing(specimen, 2);
        let mut worn = worker(&subject);
        for schedule in &failing {
            let watch = &mut |_: &_| ControlFlow::Continue(());
            let budget = Budget::default();
            let again = shrink(worn.as_mut(), subject.as_ref(), schedule, budget, watch);
            assert_eq!(again, shrunk(&subject, schedule), "{id}");
        }
    }
}

#[test]
fn what_the_failure_does_without_is_left_out_but_never_what_must_be_there() {
    let specimen = Specimen::named("ack-before-effect").unwrap();
    let subject = specimen.subject().unwrap();
    let found = shrunk(&subject, &failing(specimen, 1)[0]).unwrap();
    let omitted: BTreeSet<_> = found.schedule.omit.iter().map(|part| format!("{part:?}")).collect();
    assert_eq!(omitted.len(), found.schedule.omit.len(), "nothing is left out twice");
    assert!(!omitted.is_empty(), "one message is enough to lose");
    // A message is lost as well if nobody is there to consume it: that is no failure.
    for (number, machine) in subject.machines().iter().enumerate() {
        let part = Part::Machine(NodeId(number as u16));
        let is_needed = ["broker", "consumer"].contains(&machine.role);
        assert!(!is_needed || !found.schedule.omit.contains(&part), "{}", machine.name);
    }
    let quiet = Schedule { omit: found.schedule.omit, ..Schedule::quiet() };
    assert_eq!(worker(&subject).run(&quiet).outcome, Outcome::Holds);
}

/// What a schedule says, a system has and can be: a failure file of it would be refused otherwise.
#[test]
fn what_is_shrunk_fits_its_system() {
    for specimen in zoo() {
        let subject = specimen.subject().unwrap();
        let mut worker = worker(&subject);
        let failing = (0..400).map(|seed| Schedule::seeded(Seed(seed)));
        let failing = failing.filter(|it| worker.run(it).outcome.group() == specimen.breaks.slug());
        for failing in failing.take(8) {
            let small = shrunk(&subject, &failing).unwrap().schedule;
            let misfit = fit(subject.as_ref(), &small).err();
            assert_eq!(misfit, None, "{} {}: {small:?}", specimen.id, failing.seed);
        }
    }
}

#[test]
fn what_is_shrunk_takes_no_fault_that_nobody_allowed() {
    // An envelope without delays: messages are late only as long as links are slow.
    let word = "matrix:inbox-expiring/clock-step/at-most-once";
    let subject = Place::named(word).unwrap().unwrap().subject().unwrap();
    let failing = (0..).map(|seed| Schedule::seeded(Seed(seed)));
    let mut worker = worker(&subject);
    let failing = { failing }.find(|it| worker.run(it).outcome.group() == "duplicate-effect");
    let found = shrunk(&subject, &failing.unwrap()).unwrap();
    assert_eq!(found.run.coverage.bites(FaultClass::Delay), 0, "{:?}", found.schedule);
    let jitter = subject.profile().link.jitter;
    let lates = found.schedule.decisions.iter().filter(|(key, _)| key.site() == Site::Message);
    for (key, choice) in lates {
        assert!(matches!(choice, Choice::Late(late) if *late <= jitter), "{key:?}: {choice:?}");
    }
}
