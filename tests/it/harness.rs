//! The harness as a test meets it.

use crate::fake::{Act, Fake};
use postulate::check::Rule;
use postulate::harness::{self, Harness};
use postulate::profile::{Envelope, FaultClass};
use std::env::current_exe;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

fn broken(seed: u64) -> Act {
    match seed {
        42 | 300 => Act::Break(Rule::DuplicateEffect),
        _ => Act::Hold,
    }
}

/// What `harness` panics with.
#[track_caller]
fn complaint(harness: Harness) -> String {
    let end = catch_unwind(AssertUnwindSafe(|| harness.run()));
    *end.expect_err("the harness complains").downcast::<String>().expect("in words")
}

fn small(act: fn(u64) -> Act) -> Harness {
    Harness::new(Fake::subject(act)).schedules(500).without_regressions()
}

#[test]
fn a_sweep_that_holds_returns_its_counts() {
    assert_eq!(harness::check(Fake::subject(|_| Act::Hold)).tally.held, 10_000);
}

#[test]
fn a_failure_panics_with_all_that_is_needed_to_see_it_again() {
    let report = complaint(small(broken));
    for part in [
        "2 of 500 schedules failed",
        "duplicate-effect in 2 schedules, first at seed 0x2a",
        "expected   one effect a message",
        "observed   two",
        "POSTULATE_SEED=0x2a cargo test \
         harness::a_failure_panics_with_all_that_is_needed_to_see_it_again",
    ] {
        assert!(report.contains(part), "{part:?} is not in:\n{report}");
    }
}

#[test]
fn a_planted_bug_is_expected_to_be_found() {
    let swept = small(broken).expect_violation(Rule::DuplicateEffect).run();
    assert_eq!(swept.tally.violated, 2);
    let report = complaint(small(broken).expect_violation(Rule::Lost));
    assert!(report.starts_with("no schedule violated lost, which was expected"), "{report}");
    let report = complaint(small(|_| Act::Panic("here")).expect_violation(Rule::Lost));
    assert!(report.starts_with("a violation of lost was expected, and nothing worse"), "{report}");
}

#[test]
fn a_sweep_that_proves_nothing_fails_the_test() {
    let envelope = Envelope::CALM.with(FaultClass::Crash);
    let idle = Harness::new(Fake::under(envelope, |_| Act::Hold)).schedules(10);
    let report = complaint(idle.without_regressions());
    assert!(report.contains("No fault bit"), "{report}");
    assert!(
        report.lines().any(|line| line.contains("crash") && line.contains("never")),
        "{report}"
    );
}

/// Runs the test below with a variable set, and tells whether it passed and what it printed.
fn child_with(variable: &str, value: &str) -> (bool, String) {
    let output = Command::new(current_exe().unwrap())
        .args(["--exact", "harness::a_sweep_without_variables_is_as_the_test_says", "--nocapture"])
        .env(variable, value)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_sweep_without_variables_is_as_the_test_says() {
    let act = |seed| match seed {
        42 => Act::Break(Rule::Lost),
        7 => Act::Idle,
        _ => Act::Hold,
    };
    Harness::new(Fake::subject(act)).schedules(40).without_regressions().run();
}

#[test]
fn one_seed_runs_alone_and_tells_its_story() {
    let (passed, text) = child_with("POSTULATE_SEED", "0x2a");
    assert!(!passed, "{text}");
    for part in ["fake seed 0x2a violates lost", "broker handles Produce", "1 of 1 schedule failed"]
    {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    let (passed, text) = child_with("POSTULATE_SEED", "7");
    assert!(passed, "one run may have nothing at stake:\n{text}");
    assert!(text.contains("fake seed 0x7 holds"), "{text}");
}

#[test]
fn a_variable_that_makes_no_sense_fails_the_test_and_says_what_would() {
    let (passed, text) = child_with("POSTULATE_JOBS", "many");
    assert!(!passed);
    assert!(text.contains("POSTULATE_JOBS=\"many\" makes no sense"), "{text}");
    assert!(text.contains("a number of threads, at least 1"), "{text}");
}
