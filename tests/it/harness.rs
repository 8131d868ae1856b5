//! The harness as a test meets it.

use crate::fake::{Act, Fake};
use postulate::check::Rule;
use postulate::harness::{self, Harness};
use postulate::profile::{Envelope, FaultClass};
use postulate::zoo::Specimen;
use std::env::current_exe;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
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
    Harness::new(Fake::subject(act)).schedules(500)
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
    let report = complaint(Harness::new(Fake::under(envelope, |_| Act::Hold)).schedules(10));
    assert!(report.contains("No fault bit"), "{report}");
    assert!(
        report.lines().any(|line| line.contains("crash") && line.contains("never")),
        "{report}"
    );
}

/// Runs the test below with a variable set, and tells whether it passed and what it printed.
fn child_with(variable: &str, value: &str) -> (bool, String) {
    child("a_sweep_without_variables_is_as_the_test_says", &[(variable, value)])
}

/// Runs a test of this module with variables set.
fn child(test: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let output = Command::new(current_exe().unwrap())
        .args(["--exact", &format!("harness::{test}"), "--nocapture", "--include-ignored"])
        .envs(variables.iter().copied())
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
    Harness::new(Fake::subject(act)).schedules(40).run();
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
fn the_failure_of_a_seed_is_explained_and_has_a_page() {
    let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join("explained-by-a-test.html");
    let _ = fs::remove_file(&page);
    let variables = [("POSTULATE_SEED", "0x11"), ("POSTULATE_PAGE", page.to_str().unwrap())];
    let (passed, text) = child("a_sweep_that_finds_a_bug", &variables);
    assert!(!passed, "{text}");
    check_parts(
        &text,
        &[
            "volatile-dedup-set seed 0x11 violates duplicate-effect",
            "What it takes: 1 step, shrunk from ",
            "see it     POSTULATE_SEED=0x11 cargo test harness::a_sweep_that_finds_a_bug",
            "the page is in ",
        ],
    );
    assert!(fs::read_to_string(&page).unwrap().contains("<h1>"));
    let nowhere = [("POSTULATE_SEED", "0x11"), ("POSTULATE_PAGE", "/nowhere/it.html")];
    let (_, text) = child("a_sweep_that_finds_a_bug", &nowhere);
    check_parts(&text, &["What it takes: 1 step", "/nowhere/it.html cannot be written"]);
}

#[test]
fn a_variable_that_makes_no_sense_fails_the_test_and_says_what_would() {
    let (passed, text) = child_with("POSTULATE_JOBS", "many");
    assert!(!passed);
    assert!(text.contains("POSTULATE_JOBS=\"many\" makes no sense"), "{text}");
    assert!(text.contains("a number of threads, at least 1"), "{text}");
}

#[test]
#[ignore = "it fails, and is run by the test below"]
fn a_sweep_that_finds_a_bug() {
    let forgetful = Specimen::named("volatile-dedup-set").unwrap();
    Harness::new(forgetful.subject().unwrap()).schedules(500).run();
}

#[test]
#[ignore = "the bug of the test above is gone; it is run by the test below"]
fn a_sweep_after_the_bug_is_gone() {
    let mut mended = Specimen::named("volatile-dedup-set").unwrap().fixed_twin().unwrap();
    mended.name = "volatile-dedup-set".to_owned();
    Harness::new(mended.subject().unwrap()).schedules(50).run();
}

#[test]
#[ignore = "the bug is wanted there; it is run by the test below"]
fn a_sweep_that_wants_the_bug() {
    let forgetful = Specimen::named("volatile-dedup-set").unwrap().subject().unwrap();
    Harness::new(forgetful).schedules(500).expect_violation(Rule::DuplicateEffect).run();
}

#[track_caller]
fn check_parts(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

#[test]
fn a_failure_is_kept_and_replayed_first_until_its_bug_is_gone() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kept");
    let _ = fs::remove_dir_all(&folder);
    let variable = ("POSTULATE_REGRESSIONS", folder.to_str().unwrap());
    let run = |test: &str| child(test, &[variable]);

    let (passed, text) = run("a_sweep_that_finds_a_bug");
    assert!(!passed, "{text}");
    check_parts(&text, &["of 500 schedules failed", "see it", "kept", "duplicate-effect-"]);
    check_parts(
        &text,
        &[
            "1 distinct bug among the 8 lowest seeds",
            "bug 1: crash of consumer",
            "steps      after",
        ],
    );
    let files = fs::read_dir(folder.join("volatile-dedup-set")).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    let [file] = &files[..] else { panic!("one kind of failure, one file: {files:?}") };
    assert!(text.contains(file.to_str().unwrap()), "{text}");

    let (passed, text) = run("a_sweep_that_finds_a_bug");
    assert!(!passed, "{text}");
    check_parts(
        &text,
        &["a failure that is kept reproduces", "the run is the recorded one", "expected", "crash"],
    );
    assert!(!text.contains("of 500 schedules failed"), "it is replayed first:\n{text}");

    let (passed, text) = run("a_sweep_that_wants_the_bug");
    assert!(passed, "{text}");
    let (passed, text) = run("a_sweep_after_the_bug_is_gone");
    assert!(passed, "{text}");
    check_parts(&text, &["gone: no duplicate-effect", "or keep it as a guard"]);

    let whole = fs::read_to_string(file).unwrap();
    for (wrong, right) in [
        (whole[..200].to_owned(), "the file is cut short"),
        (whole.replace("\"volatile-dedup-set\"", "\"w1\""), "one of the scenario \"w1\""),
        (whole.replace("\"format\": 1", "\"format\": 7"), "has format 7"),
    ] {
        fs::write(file, wrong).unwrap();
        let (passed, text) = run("a_sweep_after_the_bug_is_gone");
        assert!(!passed, "{text}");
        check_parts(&text, &[file.to_str().unwrap(), right]);
    }
}
