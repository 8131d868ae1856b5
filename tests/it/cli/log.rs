//! A replay as log lines.

use super::{check_parts, complaint, json, postulate, report};
use std::fs;
use std::path::PathBuf;

const REPLAY: &str = "replay volatile-dedup-set --seed 0x11";

/// The lines of a log, each cut into time, machine, level and text, and what stands below them.
#[track_caller]
fn log(words: &str, exit: i32) -> (Vec<[String; 4]>, String) {
    let report = report(&mut postulate(words), exit);
    let (lines, end) = report.split_once("\n\n").unwrap();
    let cut = |line: &str| {
        let columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
        let columns: Vec<_> = columns.map(str::to_owned).collect();
        columns.try_into().unwrap_or_else(|_| panic!("{line:?}"))
    };
    (lines.lines().map(cut).collect(), end.to_owned())
}

#[test]
fn every_event_of_the_story_is_a_line_with_its_time_and_machine() {
    let (lines, end) = log(&format!("{REPLAY} --log info"), 1);
    check_parts(&end, &["violates duplicate-effect", "expected", "observed", "digest"]);
    let replay = json(&mut postulate(&format!("{REPLAY} --format json")), 1);
    let digest = replay["digest"].as_str().unwrap();
    assert!(end.contains(digest), "{end}");
    let trace = replay["trace"].as_array().unwrap();
    let mut told = 0;
    for event in trace {
        let text = event["text"].as_str().unwrap();
        let Some(machine) = event["machine"].as_str() else { continue };
        let (_, what) = text.split_once(": ").unwrap();
        let is_there = |line: &[String; 4]| {
            let name = line[1].split('\'').next().unwrap();
            name == machine && line[3] == what
        };
        told += usize::from(lines.iter().any(is_there));
    }
    let ends = trace.iter().filter(|event| event["text"].as_str().unwrap().contains("ends in"));
    let world = trace.iter().filter(|event| event["machine"].is_null());
    assert!(told + ends.count() + world.count() >= trace.len(), "{told} of {}", trace.len());
    assert!(lines.iter().any(|line| line[1] == "consumer-1'1"), "it was started again");
}

#[test]
fn the_level_says_how_much_is_told() {
    let levels = |level: &str| {
        let (lines, _) = log(&format!("{REPLAY} --log {level}"), 1);
        let has = |wanted| usize::from(lines.iter().any(|line| line[2] == wanted));
        (lines.len(), has("WARN"), has("INFO"), has("DEBUG"))
    };
    let (warn, info, debug) = (levels("warn"), levels("info"), levels("debug"));
    assert_eq!((warn.1, warn.2, warn.3), (1, 0, 0));
    assert_eq!((info.1, info.2, info.3), (1, 1, 0));
    assert_eq!((debug.1, debug.2, debug.3), (1, 1, 1));
    assert!(warn.0 < info.0 && info.0 < debug.0);
    assert_eq!(levels("shop=trace,postulate=info"), info);
}

#[test]
fn a_log_goes_to_a_file_and_a_history_beside_it() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (file, history) = (folder.join("run.log"), folder.join("run.jsonl"));
    let mut command = postulate(&format!("{REPLAY} --log warn"));
    let told = report(command.arg("-o").arg(&file).arg("--history").arg(&history), 1);
    assert_eq!(told.lines().count(), 1, "{told}");
    check_parts(&told, &["volatile-dedup-set seed 0x11", "duplicate-effect"]);
    check_parts(&fs::read_to_string(file).unwrap(), &["WARN", "crash of consumer-1", "expected"]);
    assert!(fs::read_to_string(history).unwrap().starts_with('{'));
}

#[test]
fn what_makes_no_log_is_refused() {
    let text = complaint(&mut postulate(&format!("{REPLAY} --log loud")));
    check_parts(&text, &["loud", "write warn, info or debug"]);
    for option in ["--format json", "--explain"] {
        let text = complaint(&mut postulate(&format!("{REPLAY} --log info {option}")));
        check_parts(&text, &["--log", "cannot be used with"]);
    }
}
