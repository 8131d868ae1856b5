//! Scenario files that somebody got wrong: each is refused in its line, with what would be right.

use crate::cli::{complaint, postulate};
use postulate::scenario::{Scenario, catalogue};
use std::fs;
use std::path::Path;

/// A wrong file.
struct Malformed {
    /// What was done to it.
    how: String,
    text: Vec<u8>,
    /// The line that is to be named.
    line: usize,
    /// What would be right: the complaint has one of these.
    cures: Vec<String>,
}

/// Every how many-th of the wrong lines goes through the binary too.
const BINARY_EVERY: usize = 20;

#[test]
fn every_malformed_file_is_refused_in_its_line_with_what_would_be_right() {
    let (lines, wholes) = (malformed_lines(), malformed_wholes());
    assert!(lines.len() >= 300, "only {} lines were got wrong", lines.len());
    let mut complaints = Vec::new();
    for file in lines.iter().chain(&wholes) {
        if let Ok(text) = str::from_utf8(&file.text) {
            let refused = Scenario::from_toml("it.toml", text).and_then(Scenario::system);
            let shown = refused.map(drop).map_err(|error| error.to_string());
            complaints.extend(file.complaint("it.toml", &shown.expect_err(&file.how)));
        }
    }
    let chosen: Vec<_> = lines.iter().step_by(BINARY_EVERY).chain(&wholes).collect();
    assert!(chosen.len() >= 100, "only {} went through the binary", chosen.len());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("malformed.toml");
    for file in chosen {
        fs::write(&path, &file.text).unwrap();
        let shown = complaint(postulate("sweep --schedules 1").arg(&path));
        complaints.extend(file.complaint("malformed.toml", &shown));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

impl Malformed {
    /// What is wrong with what is said of this file, if anything is.
    fn complaint(&self, name: &str, shown: &str) -> Option<String> {
        let is_placed = shown.contains(&format!("{name}:{}: ", self.line));
        let is_cured = self.cures.iter().any(|cure| shown.contains(cure.as_str()));
        if is_placed && is_cured && !shown.contains("panicked") {
            return None;
        }
        let Self { how, line, cures, .. } = self;
        Some(format!("{how}: not in line {line} or without {cures:?}: {shown}"))
    }
}

/// Every line of the catalogue that states a value, got wrong in every way that there is.
fn malformed_lines() -> Vec<Malformed> {
    let mut files = Vec::new();
    for entry in catalogue() {
        for (index, line) in entry.text.lines().enumerate() {
            for (what, wrong, offset, cures) in slips(line) {
                let mut lines: Vec<&str> = entry.text.lines().collect();
                lines[index] = &wrong;
                files.push(Malformed {
                    how: format!("{} line {}: {what}", entry.name, index + 1),
                    text: lines.join("\n").into_bytes(),
                    line: index + 1 + offset,
                    cures,
                });
            }
        }
    }
    files
}

/// What was done to a line, the line after that, how many lines further down it shows, and what
/// would be right.
type Slip = (&'static str, String, usize, Vec<String>);

/// The ways to get a line wrong.
fn slips(line: &str) -> Vec<Slip> {
    let slip = |what, wrong: String, offset, cures: &[&str]| -> Slip {
        (what, wrong, offset, cures.iter().map(ToString::to_string).collect())
    };
    if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        if section.contains(['[', '.']) {
            return Vec::new();
        }
        return vec![
            slip(
                "a misspelt section",
                format!("[{section}x]"),
                0,
                &[&format!("did you mean `{section}`?"), "is missing here"],
            ),
            slip("an open section", format!("[{section}"), 0, &["expected"]),
            slip("a section stated twice", format!("{line}\n{line}"), 1, &["state it once"]),
        ];
    }
    let Some((key, value)) = line.split_once(" = ") else { return Vec::new() };
    if key.contains([' ', '#']) || value == "[" {
        return Vec::new();
    }
    let mut slips = vec![
        slip(
            "a misspelt key",
            format!("{key}x = {value}"),
            0,
            &[&format!("did you mean `{key}`?")],
        ),
        slip("a key stated twice", format!("{line}\n{line}"), 1, &["state it once"]),
        slip("no sign between", format!("{key} {value}"), 0, &["expected"]),
        slip("no value", format!("{key} ="), 0, &["expected"]),
        slip("two values", format!("{line} {value}"), 0, &["expected"]),
    ];
    slips.extend(
        slips_of_value(value)
            .into_iter()
            .map(|(what, wrong, cure)| slip(what, format!("{key} = {wrong}"), 0, &[cure.as_str()])),
    );
    slips
}

/// The ways to get a value wrong: what was done, the value after that, and what would be right.
fn slips_of_value(value: &str) -> Vec<(&'static str, String, String)> {
    let slip = |what, wrong: &str, cure: &str| (what, wrong.to_owned(), cure.to_owned());
    let word = value.trim_matches('"');
    let starts_with_digit = word.starts_with(|first: char| first.is_ascii_digit());
    match value.chars().next() {
        Some('"') if word.contains(' ') => vec![slip("no text", "7", "expected text in quotes")],
        Some('"') if word.contains('/') => vec![
            slip("a ratio above one", "\"3/2\"", "such as \"1/20\""),
            slip("a ratio of nothing", "\"1/0\"", "such as \"1/20\""),
            slip("no ratio", "0.05", "such as \"1/20\""),
        ],
        Some('"') if starts_with_digit => vec![
            slip("a time without a unit", "\"50\"", "\"50ms\""),
            slip("a time below zero", "\"-1s\"", "\"50ms\""),
            slip("a time without an end", "\"99999999999999y\"", "\"50ms\""),
            slip("a bare number for a time", "50", "\"50ms\""),
            slip("no time but a list", "[\"1ms\"]", "\"50ms\""),
            slip("an open quote", "\"50ms", "expected"),
        ],
        Some('"') => vec![
            slip("an open quote", &value[..value.len() - 1], "expected"),
            slip("a number for a word", "7", "in quotes"),
        ],
        Some('0'..='9') => vec![
            slip("a number below zero", "-3", "a number from "),
            slip("a huge number", "9223372036854775807", "a number from "),
            slip("a number beyond all", "99999999999999999999999999", "number"),
            slip("a number in words", "\"three\"", "a number from "),
            slip("half a number", "1.5", "a number from "),
            slip("a table for a number", "{ least = 1 }", "a number from "),
        ],
        Some('[') => vec![slip("no list", "true", "expected ")],
        Some('t' | 'f') => vec![
            slip("a word for yes", "\"yes\"", "expected true or false"),
            slip("a word without quotes", "yes", "expected"),
        ],
        _ => Vec::new(),
    }
}

const LEAST: &str = "name = \"least\"\npromises = [\"exactly-once\"]\n\
    [workload]\nproducers = 1\nmessages = 2\n";

/// Files that are wrong as a whole, or in what they say together.
fn malformed_wholes() -> Vec<Malformed> {
    let file = |how: &str, text: Vec<u8>, line, cure: &str| Malformed {
        how: how.to_owned(),
        text,
        line,
        cures: vec![cure.to_owned()],
    };
    let without = |key: &str| {
        let lines = LEAST.lines().filter(|line| !line.starts_with(key));
        lines.collect::<Vec<_>>().join("\n").into_bytes()
    };
    let more = |text: &str| format!("{LEAST}{text}").into_bytes();
    let missing = |key: &str| format!("`{key}` is missing here");
    let deep = |open: &str, close: &str| {
        more(&format!("x = {}1{}", open.repeat(5_000), close.repeat(5_000)))
    };
    let mut files = vec![
        file("empty", Vec::new(), 1, &missing("name")),
        file("a comment alone", b"# later\n".to_vec(), 1, &missing("name")),
        file("no name", without("name"), 1, &missing("name")),
        file("no promises", without("promises"), 1, &missing("promises")),
        file("no producers", without("producers"), 3, &missing("producers")),
        file("no messages", without("messages"), 3, &missing("messages")),
        file("no workload", LEAST[..LEAST.find("[w").unwrap()].into(), 1, &missing("workload")),
        file("nothing promised", LEAST.replace("\"exactly-once\"", "").into(), 2, "promise some"),
        file("a byte of zero", more("keys\0 = 3\n"), 6, "expected"),
        file("zeroes", vec![0; 64], 1, "expected"),
        file(
            "a byte that is no text",
            [&more("keys = 3 # caf")[..], b"\xe9\n"].concat(),
            6,
            "UTF-8",
        ),
        file("UTF-16", LEAST.encode_utf16().flat_map(u16::to_le_bytes).collect(), 1, "expected"),
        file("a program of machine code", b"\x7fELF\x02\x01\x01\0\xff".to_vec(), 1, "UTF-8"),
        file("JSON", b"{ \"name\": \"least\" }".to_vec(), 1, "expected"),
        file("YAML", b"name: least\n".to_vec(), 1, "expected"),
        file("deep lists", deep("[", "]"), 6, "expected"),
        file("deep tables", deep("{ x = ", " }"), 6, "expected"),
        file("a deep key", more(&format!("x{} = 1", ".x".repeat(5_000))), 6, "expected"),
        file("a long key", more(&format!("{} = 1", "x".repeat(100_000))), 6, "expected one of"),
        file("a section that is a list", more("[[broker]]\n"), 6, "write its keys"),
        file("a section that is a value", format!("broker = 1\n{LEAST}").into(), 1, "[brackets]"),
        file("a program that is no list", more("[program]\nname = \"a\"\n"), 6, "expected a list"),
        file("a key of another section", more("[broker]\ndedup = \"inbox\"\n"), 7, "`fsync`"),
        file(
            "no program at hand",
            more("[[program]]\nname = \"a\"\nmachine = \"m\"\n"),
            7,
            "attach",
        ),
        file("an unknown fault", more("[run]\nenvelope = [\"los\"]\n"), 7, "did you mean `loss`?"),
        file("half a range", more("[network]\nlatency = [\"1ms\"]\n"), 7, "two lengths of time"),
        file(
            "too long a range",
            more("[disk]\nsync = [\"1ms\", \"2ms\", \"3ms\"]\n"),
            7,
            "two lengths",
        ),
        file("no range", more("[disk]\nsync = \"1ms\"\n"), 7, "two lengths of time"),
    ];
    files.extend(PAIRS.iter().map(|&(text, line, cure)| file(text, more(text), line, cure)));
    files
}

/// Values that do not go together, after the least scenario; the line at fault, and what would be
/// right.
const PAIRS: &[(&str, usize, &str)] = &[
    ("[broker]\nfsync = \"interval\"\n", 6, "state both or neither"),
    ("[consumer]\nwait_max = \"9s\"\n", 7, "let consumer.timeout be the longer one"),
    ("[consumer]\nsettle = \"atomic\"\ncommit = \"answered\"\n", 8, "leave it out"),
    ("[disk]\nwrite_through = true\nsync = [\"1ms\", \"2ms\"]\n", 8, "write_through = false"),
    ("[network]\nduplicate = \"1/9\"\n", 7, "transport = \"datagram\""),
    ("[network]\nlatency = [\"9ms\", \"1ms\"]\n", 7, "the least first"),
    ("[producer]\ntimeout = \"0s\"\n", 7, "\"50ms\""),
    ("[run]\nenvelope = [\"duplicate\"]\n", 7, "leave \"duplicate\" out"),
    ("[run]\nheal_at = \"9s\"\ntime_max = \"9s\"\n", 7, "run.time_max"),
    ("[run]\nswarm = \"off\"\n[vary]\nbatch = [1]\n", 8, "run.swarm = \"on\""),
    ("[consumer]\ngroups = 64\nmembers = 64\n", 4, "at most 4000 in all"),
    ("[[program]]\nname = \"a\"\nmachine = \"m\"\nmessages = 10_000_000\n", 5, "at most 10000000"),
    ("[[program]]\nname = \"a\"\nmachine = \"m\"\nmessages = 10_000_001\n", 6, "at most 10000000"),
    ("[[program]]\nname = \"mine\"\nmachine = \"broker\"\n", 6, "a name of its own"),
];
