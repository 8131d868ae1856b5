//! The command, as a shell meets it.

mod explain;
mod kept;
mod log;
mod shell;
mod shrink;
mod zoo;

use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// What the tests' own environment might say.
const SURROUNDINGS: &[&str] = &[
    "POSTULATE_SEED",
    "POSTULATE_SCHEDULES",
    "POSTULATE_JOBS",
    "POSTULATE_TIME_LIMIT",
    "POSTULATE_CHECK_DETERMINISM",
    "NO_COLOR",
    "CARGO_TERM_COLOR",
    "CLICOLOR_FORCE",
];

pub fn postulate(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postulate"));
    command.args(words.split_whitespace());
    for name in SURROUNDINGS {
        command.env_remove(name);
    }
    command
}

/// What a command wrote to its standard output, once it has ended as expected and complained of
/// nothing.
#[track_caller]
pub fn report(command: &mut Command, exit: i32) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (text, complaint) =
        (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(exit), "{text}{complaint}");
    assert_eq!(complaint, "", "nothing is said off the terminal but the report");
    text
}

/// What a command complained of, once it has ended as misused and reported nothing.
#[track_caller]
pub fn complaint(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (text, complaint) =
        (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.code(), Some(2), "{text}{complaint}");
    assert_eq!(text, "");
    complaint
}

#[track_caller]
pub fn json(command: &mut Command, exit: i32) -> Value {
    serde_json::from_str(&report(command, exit)).unwrap()
}

/// Wherever lines are broken: where paths stand in them, that depends on the folder of the crate.
#[track_caller]
pub fn check_parts(text: &str, parts: &[&str]) {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(text.contains(part) || flat.contains(part), "{part:?} is not in:\n{text}");
    }
}

/// A scenario file with one line of the default scenario changed.
fn changed(name: &str, line: &str, other: &str) -> PathBuf {
    let original = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/exactly-once-pipe.toml");
    let text = fs::read_to_string(original).unwrap();
    assert!(text.contains(line), "{line:?} is not in the scenario");
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text.replace(line, other)).unwrap();
    path
}

#[test]
fn the_list_names_scenarios_and_planted_bugs() {
    let text = report(&mut postulate("list"), 0);
    check_parts(&text, &["exactly-once-pipe ", "w1 ", "consumer.dedup = \"memory\""]);
}

#[test]
fn a_sweep_that_holds_is_one_json_object() {
    let sweep = json(&mut postulate("sweep --schedules 600 --format json"), 0);
    assert_eq!(sweep["scenario"], "exactly-once-pipe");
    assert_eq!(sweep["verdict"], "holds");
    assert_eq!(sweep["schedules"], 600);
    assert_eq!(sweep["failures"], 0);
    assert_eq!(sweep["groups"], Value::Array(Vec::new()));
    assert!(sweep["digest"].as_str().unwrap().starts_with("0x"));
    for number in ["events", "messages", "wall_s", "bound"] {
        assert!(sweep[number].as_f64().unwrap() > 0.0, "{number}: {sweep}");
    }
    let faults = sweep["coverage"]["faults"].as_object().unwrap();
    assert!(faults["crash"]["runs"].as_u64() <= faults["crash"]["bites"].as_u64());
    let site = &sweep["coverage"]["sites"]["retry-sent"];
    assert!(site["runs"].as_u64().unwrap() > 0, "{sweep}");
}

#[test]
fn a_sweep_is_the_same_on_any_number_of_jobs() {
    let sweep = |jobs: u32| {
        let words = format!("sweep w1 --schedules 300 --jobs {jobs} --format json");
        let mut sweep = json(&mut postulate(&words), 0);
        sweep.as_object_mut().unwrap().remove("wall_s");
        sweep
    };
    let one = sweep(1);
    assert_eq!(one, sweep(2));
    assert_eq!(one, sweep(3));
}

#[test]
fn a_planted_bug_is_found_and_the_line_to_paste_shows_it_again() {
    let words = "sweep volatile-dedup-set --schedules 20000 --stop-after 1";
    let text = report(&mut postulate(words), 1);
    check_parts(&text, &["duplicate-effect in 1 schedule", "expected", "observed", "shown by"]);
    let line = text.lines().find_map(|line| line.split_once("postulate replay ")).unwrap().1;

    let story = report(&mut postulate(&format!("replay {line}")), 1);
    check_parts(
        &story,
        &["violates duplicate-effect", "a quiet run, and ", "expected", "observed"],
    );
    let story = report(&mut postulate(&format!("replay {line} --rewrite")), 1);
    check_parts(&story, &["as quiet + decisions: duplicate-effect again, with the same digest"]);

    let replay = json(&mut postulate(&format!("replay {line} --rewrite --format json")), 1);
    assert_eq!(replay["verdict"], "violated");
    assert_eq!(replay["group"], "duplicate-effect");
    assert_eq!(replay["rewritten"]["same_digest"], true);
    assert_eq!(replay["schedule"]["baseline"], "quiet");
    assert!(!replay["trace"].as_array().unwrap().is_empty());
}

#[test]
fn a_pipe_broken_by_one_word_of_its_file_is_found_out() {
    let path = changed("volatile.toml", "dedup = \"inbox\"", "dedup = \"memory\"");
    let mut sweep = postulate("sweep --schedules 20000 --stop-after 1");
    let text = report(sweep.arg(&path), 1);
    check_parts(&text, &["duplicate-effect", &format!("postulate replay {}", path.display())]);
}

#[test]
fn a_seed_that_holds_replays_and_says_so() {
    let text = report(&mut postulate("replay w1 --seed 0x2a --rewrite"), 0);
    check_parts(&text, &["w1 seed 0x2a holds", "holds again, with the same digest"]);
}

#[test]
fn a_sweep_of_nothing_is_unknown() {
    let sweep = json(&mut postulate("sweep --schedules 0 --format json"), 4);
    assert_eq!(sweep["verdict"], "unknown");
    assert_eq!(sweep["bound"], Value::Null);
}

#[test]
fn the_time_limit_ends_a_sweep() {
    let words = "sweep w1 --schedules 1_000_000_000 --time-limit 300ms --format json";
    let sweep = json(&mut postulate(words), 0);
    assert_eq!(sweep["cut"], "time-limit");
    assert!(sweep["schedules"].as_u64().unwrap() > 0);
}

#[test]
fn the_environment_sets_what_the_command_leaves_open() {
    let mut command = postulate("sweep w1 --format json");
    command.env("POSTULATE_SEED", "0x10").env("POSTULATE_SCHEDULES", "70");
    command.env("POSTULATE_CHECK_DETERMINISM", "1").env("POSTULATE_JOBS", "2");
    let sweep = json(&mut command, 0);
    assert_eq!((&sweep["from"], &sweep["schedules"]), (&"0x10".into(), &70.into()));
    assert_eq!(sweep["rechecked"], 70);
    let sweep = json(command.args(["--schedules", "30"]), 0);
    assert_eq!(sweep["schedules"], 30, "the command line has the last word");
    check_parts(&complaint(command.env("POSTULATE_JOBS", "many")), &["many", "--jobs"]);
}

#[test]
fn an_unknown_name_is_told_its_neighbours() {
    let text = complaint(&mut postulate("sweep exactly-one-pipe"));
    check_parts(&text, &["exactly-one-pipe", "did you mean exactly-once-pipe"]);
    let text = complaint(&mut postulate("replay kubernetes --seed 1"));
    check_parts(&text, &["`postulate list` names all of them"]);
}

#[test]
fn a_wrong_scenario_file_is_refused_with_file_line_and_what_would_be_right() {
    let path = changed("wrong.toml", "dedup = \"inbox\"", "dedup = \"sometimes\"");
    let text = complaint(postulate("sweep").arg(&path));
    let wrong = fs::read_to_string(&path).unwrap();
    let line = 1 + wrong.lines().position(|line| line.contains("sometimes")).unwrap();
    let place = format!("wrong.toml:{line}");
    check_parts(&text, &[&place, "`sometimes`", "expected one of `inbox`, "]);
    let text = complaint(&mut postulate("sweep nowhere.toml"));
    check_parts(&text, &["nowhere.toml cannot be read"]);
}

#[test]
fn wrong_words_are_refused_with_what_would_be_right() {
    check_parts(&complaint(&mut postulate("sweep --schedules many")), &["such as 300000"]);
    check_parts(&complaint(&mut postulate("sweep --time-limit 30")), &["a number and a unit"]);
    check_parts(&complaint(&mut postulate("replay w1 --seed x")), &["such as 42 or 0x2a"]);
    check_parts(&complaint(&mut postulate("replay w1")), &["--seed"]);
    complaint(&mut postulate("sweep --jobs 0"));
    complaint(&mut postulate("sweep --stop-after 0"));
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    let coloured = |command: &mut Command| report(command, 0).contains('\x1b');
    let sweep = || postulate("sweep w1 --schedules 50");
    assert!(!coloured(&mut sweep()));
    assert!(coloured(sweep().env("CARGO_TERM_COLOR", "always")));
    assert!(!coloured(sweep().env("CARGO_TERM_COLOR", "always").env("NO_COLOR", "1")));
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let mut command = postulate("replay exactly-once-pipe --seed 1");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}
