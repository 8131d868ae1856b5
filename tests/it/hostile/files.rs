//! Scenarios and failure files.

use crate::cli::postulate;
use postulate::regression::{self, Regression};
use postulate::scenario::{self, Scenario};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of one gibibyte that begins and ends as one that is accepted; most of it is a hole.
fn padded(name: &str, start: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut file = File::create(&path).unwrap();
    file.write_all(start.as_bytes()).unwrap();
    file.seek(SeekFrom::Start(1 << 30)).unwrap();
    file.write_all(b"\n").unwrap();
    path
}

/// Runs the command in an address space of less than half of the file; it has to refuse the file
/// with `parts`.
#[track_caller]
fn refused(words: &str, path: &Path, parts: &[&str]) {
    let program = postulate("");
    let script = format!("ulimit -v 400000; exec \"$0\" {words} \"$1\"");
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", &script]).arg(program.get_program()).arg(path).output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    for part in parts {
        assert!(complaint.contains(part), "{part:?} is not in {complaint}");
    }
}

#[test]
fn a_gibibyte_of_padding_is_refused_in_bounded_memory() {
    let scenario = padded("padded.toml", include_str!("../../../scenarios/w1.toml"));
    refused("sweep --schedules 1", &scenario, &["padded.toml", "longer than 1048576 bytes"]);
    let failure = padded("padded.json", include_str!("../../zoo/ack-before-effect.json"));
    refused("replay", &failure, &["padded.json", "longer than 4194304 bytes"]);
    fs::remove_file(scenario).unwrap();
    fs::remove_file(failure).unwrap();
}

/// What is repeated to fill a text, between a beginning and an end.
struct Deep {
    start: &'static str,
    repeated: &'static str,
    end: &'static str,
}

impl Deep {
    fn text(&self, bytes: usize) -> String {
        let Self { start, repeated, end } = self;
        let times = (bytes - start.len() - end.len()) / repeated.len();
        format!("{start}{}{end}", repeated.repeat(times))
    }
}

const fn deep(start: &'static str, repeated: &'static str, end: &'static str) -> Deep {
    Deep { start, repeated, end }
}

/// As the reader is no more than a parser for text that somebody else has written, what it needs
/// is a few times the text at most, whatever that says.
#[test]
fn a_failure_file_that_is_one_long_list_is_refused_in_bounded_memory() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("listed.json");
    for list in ["{\"format\":[", "{\"format\":1,\"schedule\":{\"decisions\":["] {
        let text = format!("{list}{}0]}}", "0,".repeat(regression::BYTES_MAX / 2 - 40));
        fs::write(&path, text).unwrap();
        refused("replay", &path, &["listed.json:1: "]);
    }
    fs::remove_file(path).unwrap();
}

#[test]
fn a_scenario_as_deep_or_as_wide_as_can_be_is_refused() {
    let texts = [
        deep("a = ", "[", ""),
        deep("a = ", "{ a = ", ""),
        deep("a", ".a", " = 1"),
        deep("[a", ".a", "]"),
        deep("[[a", ".a", "]]"),
        deep("", "[[program]]\n", ""),
        deep("", "[a]\n", ""),
        deep("", "\n", ""),
        deep("", "#", ""),
        deep("name = \"", "x", "\""),
        deep("promises = [", "\"order\",", "]"),
        deep("network = [", "[],", "]"),
        deep("name = ", "9", ""),
    ];
    for deep in texts {
        let text = deep.text(scenario::BYTES_MAX);
        assert!(Scenario::from_toml("deep.toml", &text).is_err(), "{:?}", deep.repeated);
    }
    // As many lists as there is room for, in a table and in tables of their own.
    for line in ["k{} = []\n", "[k{}]\nk = []\n"] {
        let lines = (0..20_000).map(|number| line.replace("{}", &number.to_string()));
        let text: String = lines.collect();
        assert!(Scenario::from_toml("wide.toml", &text).is_err(), "{line:?}");
    }
    let text = " ".repeat(scenario::BYTES_MAX + 1);
    let error = Scenario::from_toml("long.toml", &text).unwrap_err();
    assert!(error.to_string().starts_with("long.toml: the text is longer than "), "{error}");
}

#[test]
fn a_failure_file_as_deep_or_as_wide_as_can_be_is_refused() {
    let texts = [
        deep("", "[", ""),
        deep("", "{\"a\":", ""),
        deep("{\"format\":", "[", ""),
        deep("{\"format\":[", "0,", "0]}"),
        deep("{\"format\":1,\"schedule\":", "[", ""),
        deep("{\"format\":1,\"steps\":[", "\"\",", "\"\"]}"),
        deep("{\"format\":1,\"postulate\":\"", "x", "\"}"),
        deep("{\"format\":1,\"schedule\":{\"decisions\":[", "{},", "{}]}}"),
        deep("", " ", ""),
        deep("", "\n", ""),
    ];
    for deep in texts {
        let text = deep.text(regression::BYTES_MAX);
        let read = Regression::parse("deep.json", text.as_bytes());
        assert!(read.is_err(), "{:?}", deep.repeated);
    }
    let text = " ".repeat(regression::BYTES_MAX + 1);
    let error = Regression::parse("long.json", text.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("long.json: the file is longer than "), "{error}");
}
