//! Histories that leave the process: exported by one, judged by another, with the same verdict.

use crate::cli::{check_parts, complaint, json, postulate, report};
use postulate::history::lines;
use postulate::run::{Inspection, Outcome, Pulse, Subject};
use postulate::scenario::{Scenario, catalogue};
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use postulate::zoo::zoo;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

/// Files to judge in one call.
const BATCH: u64 = 100;

/// Every scenario of the catalogue and every specimen, as the command line knows them.
fn subjects() -> Vec<(&'static str, Arc<dyn Subject>)> {
    let scenarios = catalogue().iter().map(|entry| (entry.name, entry.scenario()));
    let specimens = zoo().iter().map(|specimen| (specimen.id, specimen.scenario()));
    let subjects = scenarios.chain(specimens);
    subjects.map(|(name, scenario)| (name, scenario.and_then(Scenario::subject).unwrap())).collect()
}

/// What `check` is to say of a run, without its file.
fn verdict(Inspection { run, history, .. }: &Inspection) -> Value {
    let length = history.operations().len();
    let told = |verdict, group, expected: Value, observed, operations: Value| {
        json!({ "length": length, "verdict": verdict, "group": group, "expected": expected,
            "observed": observed, "operations": operations })
    };
    match &run.outcome {
        Outcome::Holds => told("holds", "holds", Value::Null, Value::Null, json!([])),
        Outcome::Violated(it) => told(
            "violated",
            it.rule.slug(),
            json!(it.expected),
            json!(it.observed),
            json!(it.operations),
        ),
        Outcome::Unknown { why } => {
            told("unknown", "unknown", json!("a verdict"), json!(why), json!([]))
        }
        Outcome::Panicked(panic) => panic!("seed {}: {panic:?}", run.seed),
    }
}

/// Exports the runs of `seeds`, has them judged by other processes, and compares. Gives back how
/// many were violated.
fn compare(name: &str, subject: &Arc<dyn Subject>, seeds: Range<u64>) -> u64 {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("histories").join(name);
    fs::create_dir_all(&folder).unwrap();
    let mut worker = Arc::clone(subject).worker(Arc::new(Pulse::default()));
    let mut violated = 0;
    for first in seeds.clone().step_by(BATCH as usize) {
        let batch = first..seeds.end.min(first + BATCH);
        let (mut files, mut expected) = (Vec::<PathBuf>::new(), Vec::new());
        for seed in batch {
            let inspection = worker.inspect(&Schedule::seeded(Seed(seed)));
            let mut text = Vec::new();
            lines::write(&inspection.history, &mut text).unwrap();
            let file = folder.join(format!("{seed}.jsonl"));
            fs::write(&file, text).unwrap();
            let mut told = verdict(&inspection);
            told["file"] = json!(file);
            violated += u64::from(told["verdict"] == "violated");
            files.push(file);
            expected.push(told);
        }
        let is = |word: &str| expected.iter().any(|told| told["verdict"] == word);
        let exit = if is("violated") { 1 } else { 4 * i32::from(is("unknown")) };
        let mut command = postulate(&format!("check --format json --scenario {name}"));
        let told = json(command.args(&files), exit);
        assert_eq!(told["histories"], Value::Array(expected), "{name} from seed {first}");
        for file in files {
            fs::remove_file(file).unwrap();
        }
    }
    violated
}

/// Runs in all; an unoptimised test tries fewer.
const RUNS: u64 = if cfg!(debug_assertions) { 500 } else { 10_000 };

#[test]
fn another_process_gives_each_of_ten_thousand_histories_the_verdict_of_its_run() {
    let subjects = subjects();
    let each = RUNS.div_ceil(subjects.len() as u64);
    let compared = subjects.iter().map(|(name, subject)| compare(name, subject, 0..each));
    let violated: u64 = compared.sum();
    assert!(violated * 100 >= RUNS, "only {violated} of {RUNS} histories were violated");
}

/// The first seed of a specimen that breaks a promise.
fn failing() -> (Seed, String) {
    let sweep = json(
        &mut postulate("sweep volatile-dedup-set --schedules 20000 --stop-after 1 --format json"),
        1,
    );
    let group = &sweep["groups"][0];
    (group["seed"].as_str().unwrap().parse().unwrap(), group["rule"].as_str().unwrap().to_owned())
}

#[test]
fn a_replay_writes_its_history_beside_its_story() {
    let (seed, rule) = failing();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (broken, held) = (folder.join("broken.jsonl"), folder.join("held.jsonl"));
    let words = format!("replay volatile-dedup-set --seed {seed} --history");
    let story = report(postulate(&words).arg(&broken), 1);
    let told = &story[story.rfind("  expected ").unwrap()..story.rfind("  digest ").unwrap()];
    report(postulate("replay exactly-once-pipe --seed 0 --history").arg(&held), 0);

    let check = || postulate("check --scenario exactly-once-pipe");
    let text = report(check().arg(&held).arg(&broken), 1);
    check_parts(&text, &["held.jsonl holds: ", &format!("broken.jsonl violates {rule}: "), told]);
    // The verdict is that of the history under the promises that are asked about.
    report(postulate("check --scenario w1").arg(&held), 0);
    let length = fs::read_to_string(&held).unwrap().lines().count();
    check_parts(&report(check().arg(&held), 0), &[&format!("holds: {length} operations")]);
}

#[test]
fn a_history_goes_through_a_pipe() {
    let (seed, rule) = failing();
    let words = format!("replay volatile-dedup-set --seed {seed} --history -");
    let history = report(&mut postulate(&words), 1);
    assert!(history.lines().all(|line| line.starts_with("{\"at\":")), "{history}");
    check_parts(&judged(history.as_bytes(), 1), &[&format!("- violates {rule}")]);
}

#[test]
fn what_cannot_be_told_is_neither_kept_nor_broken() {
    check_parts(&judged(b"", 4), &["- unknown: 0 operations", "the history is empty"]);
}

/// What `check -` reports of `history`.
#[track_caller]
fn judged(history: &[u8], exit: i32) -> String {
    let mut command = postulate("check - --scenario exactly-once-pipe");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(history).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), complaint.as_str()), (Some(exit), ""));
    String::from_utf8(output.stdout).unwrap()
}

const BOOT: &str = r#"{"at":"1ms","process":0,"incarnation":0,"kind":"boot"}"#;

/// A history whose third line is `line` is refused with that place and `parts`.
#[track_caller]
fn refused(line: &[u8], parts: &[&str]) {
    // Tests run at once, each call with a file of its own.
    let folder = format!("refused-{}", Location::caller().line());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("refused.jsonl");
    fs::write(&path, [BOOT.as_bytes(), b"\n", BOOT.as_bytes(), b"\n", line, b"\n"].concat())
        .unwrap();
    let text = complaint(postulate("check --scenario w1").arg(&path));
    check_parts(&text, &["refused.jsonl", "line 3: "]);
    check_parts(&text, parts);
}

#[test]
fn a_line_that_is_no_operation_is_refused_with_its_place_and_what_would_be_right() {
    refused(b"", &["EOF", "write one operation a line"]);
    refused(b"what is this", &["expected value", "write one operation a line"]);
    refused(b"{\"at\":\"1ms\"}", &["missing field `process`", "write one operation a line"]);
    refused(BOOT.replace("boot", "reboot").as_bytes(), &["`reboot`", "`boot`"]);
    refused(BOOT.replace("1ms", "1").as_bytes(), &["such as \"50ms\""]);
    refused(BOOT.replace('}', ",\"cause\":\"crash\"}").as_bytes(), &["unknown field `cause`"]);
    let answer =
        r#"{"at":"1ms","process":0,"incarnation":0,"kind":"send-info","message":1,"attempt":0}"#;
    refused(answer.as_bytes(), &["attempt 0 of m0.1 is answered, never sent", "invokes each"]);
    refused(b"\xff\xfe", &["UTF-8"]);
}

#[test]
fn promises_judge_without_a_scenario() {
    let (seed, rule) = failing();
    let broken = Path::new(env!("CARGO_TARGET_TMPDIR")).join("promised.jsonl");
    let words = format!("replay volatile-dedup-set --seed {seed} --history");
    report(postulate(&words).arg(&broken), 1);
    let check = |words: &str| {
        let mut command = postulate(&format!("check --promise {words}"));
        command.arg(&broken);
        command
    };
    let text = report(&mut check("exactly-once,idempotent-producer --sink 0"), 1);
    check_parts(&text, &[&format!("promised.jsonl violates {rule}: "), "node-"]);
    let told = json(&mut check("exactly-once --sink 0 --format json"), 1);
    assert_eq!((&told["scenario"], &told["verdict"]), (&Value::Null, &json!("violated")));
    // The run ended with its failure, so that what else is promised cannot be told.
    let text = report(&mut check("at-least-once --sink 0"), 4);
    check_parts(&text, &["by a broken promise that is not judged here"]);
    check_parts(&complaint(&mut check("at-least-once")), &["has effects", "--sink 0"]);
    check_parts(&complaint(&mut check("exactly-once")), &["exactly-once needs", "--sink 0"]);
    check_parts(&complaint(&mut check("never-commits-ahead --sink 0")), &["--group 0"]);
    check_parts(&complaint(&mut check("convergent")), &["only a scenario states", "--scenario"]);
    check_parts(&complaint(&mut check("exactly-twice")), &["exactly-twice", "`exactly-once`"]);
    let both = complaint(&mut check("exactly-once --sink 0 --scenario w1"));
    check_parts(&both, &["cannot be used with"]);
}

#[test]
fn a_wrong_line_is_shown_in_its_place_without_the_file() {
    refused(BOOT.replace("boot", "reboot").as_bytes(), &["refused.jsonl:3:55]", "\"reboot\""]);
    let long = BOOT.replace("boot", &"x".repeat(30_000));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("long.jsonl");
    fs::write(&path, long).unwrap();
    complaint(postulate("check --scenario w1").arg(&path));
    refused(&b" ".repeat(100_000), &["longer than 65536 bytes"]);
}

#[test]
fn a_file_or_a_scenario_that_is_not_there_is_named() {
    let text = complaint(&mut postulate("check nowhere.jsonl --scenario w1"));
    check_parts(&text, &["the history nowhere.jsonl cannot be read"]);
    let text = complaint(&mut postulate("check nowhere.jsonl --scenario w2"));
    check_parts(&text, &["did you mean w1?"]);
    check_parts(&complaint(&mut postulate("check --scenario w1")), &["<FILE>"]);
    let words = "replay w1 --seed 1 --history no-folder/w1.jsonl";
    check_parts(&complaint(&mut postulate(words)), &["cannot be written to no-folder/w1.jsonl"]);
}
