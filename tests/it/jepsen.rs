//! Histories that Jepsen has recorded.

use crate::cli::{check_parts, complaint, postulate};
use postulate::check::{Promise, Verdict, judge};
use postulate::history::History;
use postulate::history::jepsen::{Reader, Workload};
use postulate::history::lines::LineError;
use postulate::id::SinkId;
use std::fs;
use std::path::Path;

mod calls;
mod json;
mod kafka;

fn read(workload: Workload, text: &str) -> Result<History, LineError> {
    let mut reader = Reader::new(text.as_bytes(), workload);
    let mut history = History::default();
    while let Some(operation) = reader.read()? {
        history.push(operation);
    }
    Ok(history)
}

/// Judges operations, each as its process, type, function and value.
#[track_caller]
fn check(workload: Workload, operations: &str, expect: &str) {
    let lines = operations.split("; ").map(|operation| {
        let mut words = operation.splitn(4, ' ');
        let mut word = || words.next().unwrap();
        let (process, kind, f) = (word(), word(), word());
        format!("{{:process {process}, :type :{kind}, :f :{f}, :value {}}}\n", word())
    });
    let history = read(workload, &lines.collect::<String>()).unwrap();
    let promise = Promise::ExactlyOnce { sinks: vec![SinkId(0)] };
    let found = match judge(&history, &[promise]) {
        Verdict::Holds => "holds",
        Verdict::Unknown { .. } => "unknown",
        Verdict::Violated(violation) => violation.rule.slug(),
    };
    assert_eq!(found, expect, "{operations}");
}

const SENT: &str = "0 invoke enqueue 7; 0 ok enqueue 7; 1 invoke enqueue 8; 1 info enqueue 8";
const ADDED: &str = "0 invoke add 7; 0 ok add 7; 1 invoke add 8; 1 fail add 8";

#[test]
fn queues_are_judged() {
    let check = |rest: &str, expect| {
        check(Workload::Queue, &format!("{SENT}; {rest}"), expect);
    };
    check("2 invoke drain nil; 2 ok drain [7]", "holds");
    check("2 invoke drain nil; 2 ok drain [8 7]", "holds");
    check("2 invoke dequeue nil; 2 ok dequeue 7; 2 invoke drain nil; 2 ok drain []", "holds");
    check("2 invoke drain nil; 2 ok drain [8]", "lost");
    check("2 invoke drain nil; 2 ok drain [7 7]", "duplicate-effect");
    // What a client received was sent by nobody, which comes before what it did with it.
    check("2 invoke drain nil; 2 ok drain [7 9]", "corrupted");
    check("2 invoke drain nil; 2 ok drain [8]; 3 invoke dequeue nil; 3 ok dequeue 7", "holds");
    // Who may have taken it does not say so.
    check("3 invoke dequeue nil; 2 invoke drain nil; 2 ok drain []", "unknown");
    let cut = "3 invoke dequeue nil; 3 info dequeue nil; 2 invoke drain nil; 2 ok drain []";
    check(cut, "unknown");
    check("2 invoke dequeue nil; 2 fail dequeue nil", "unknown");
    check("2 info drain [7 7]", "duplicate-effect");
    // A send without an answer may have happened.
    check("0 invoke enqueue 9; 2 invoke drain nil; 2 ok drain [7]", "holds");
    check("0 invoke enqueue 9; 2 invoke drain nil; 2 ok drain [7 9]", "holds");
}

#[test]
fn sets_are_judged_by_the_last_read() {
    let check = |rest: &str, expect| check(Workload::Set, &format!("{ADDED}; {rest}"), expect);
    check("2 invoke read nil; 2 ok read #{7}", "holds");
    check("2 invoke read nil; 2 ok read #{}", "lost");
    check("2 invoke read nil; 2 ok read #{7 8}", "phantom-effect");
    check("2 invoke read nil; 2 ok read [7 7]", "duplicate-effect");
    check("2 invoke read nil; 2 ok read #{}; 2 invoke read nil; 2 ok read #{7}", "holds");
    check("2 invoke read nil; 2 fail read nil", "unknown");
    // This read may have come before the add.
    check("2 invoke read nil; 0 invoke add 9; 0 ok add 9; 2 ok read #{7}", "unknown");
}

#[test]
fn what_is_no_operation_is_refused_in_its_place() {
    let fine = concat!(
        "{:process 0, :type :invoke, :f :enqueue, :value 1}\n\n",
        "{:process :nemesis, :type :info, :f :kill, :value [\"n1\"]}\n",
        "#jepsen.history.Op{:process 1, :type :invoke, :f :drain, :time 5}\n",
    );
    // A send, and that nobody knows what became of it.
    assert_eq!(read(Workload::Queue, fine).unwrap().operations().len(), 2);
    for (wrong, what) in [
        ("{:process 0", ""),
        ("7", "is a map"),
        ("{:type :ok}", "`:process`"),
        ("{:process 0, :type :ok}", "`:f`"),
        ("{:process -1, :type :ok, :f :drain}", "from 0"),
        ("{:process 0, :type :maybe, :f :drain}", ":maybe"),
        ("{:process 0, :type :ok, :f :push, :value 1}", ":push"),
        ("{:process 0, :type :ok, :f :enqueue, :value \"a\"}", "integer"),
        ("{:process 0, :type :ok, :f :drain, :value 7}", "collection"),
        ("{:process 0, :type :fail, :f :drain, :time -1}", "`:time`"),
        ("{:process 0, :type :fail, :f :drain} {}", "one operation"),
        (&"[".repeat(100_000), ""),
    ] {
        let error = read(Workload::Queue, &format!("{fine}{wrong}")).unwrap_err();
        assert_eq!(error.line(), 5, "{wrong}");
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn what_contradicts_an_earlier_line_is_refused() {
    let line = |operation: &str| {
        let words: Vec<&str> = operation.split(' ').collect();
        let [process, kind, f, value] = words[..] else { panic!("{operation}") };
        format!("{{:process {process}, :type :{kind}, :f :{f}, :value {value}}}\n")
    };
    let check = |workload, operations: &[&str], what: &str| {
        let text: String = operations.iter().copied().map(line).collect();
        let error = read(workload, &text).unwrap_err();
        assert!(matches!(error, LineError::Contradiction { .. }), "{error:?}");
        assert_eq!(error.line(), operations.len(), "{error}");
        assert_eq!(error.column(), None);
        assert!(error.to_string().contains(what), "{error}");
    };
    let again = ["0 invoke enqueue 7", "0 ok enqueue 7", "0 invoke enqueue 7"];
    check(Workload::Queue, &again, "sent twice");
    check(Workload::Queue, &["0 invoke enqueue 7", "0 invoke enqueue 7"], "sent twice");
    check(Workload::Queue, &["0 ok enqueue 7"], "never sent");
    check(Workload::Queue, &["0 invoke enqueue 7", "1 ok enqueue 7"], "never sent");
    check(Workload::Queue, &["0 invoke enqueue 7", "0 fail enqueue 8"], "never sent");
    let twice = ["0 invoke add 7", "0 info add 7", "0 ok add 7"];
    check(Workload::Set, &twice, "answered twice");
    // Another client may send the same again.
    let shared = ["0 invoke add 7", "0 fail add 7", "1 invoke add 7", "1 ok add 7"];
    let text: String = shared.map(line).concat();
    assert_eq!(read(Workload::Set, &text).unwrap().operations().len(), 4);
}

#[test]
fn what_is_wrong_is_shown_where_it_stands() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong.edn");
    let check = |line: &str, place: &str| {
        fs::write(&path, format!("\n{line}\n")).unwrap();
        let words = "check --from jepsen-queue --promise exactly-once --sink 0";
        check_parts(&complaint(postulate(words).arg(&path)), &[&format!("wrong.edn:2:{place}]")]);
    };
    check("{:process 0, :type :ok, :f :dequeue, :value \"a\"}", "38");
    check("{:process 0, :type :ok, :f :dequeue, :value 1} ]", "48");
    check("{:process 0, :type :maybe, :f :dequeue}", "14");
    check("{:process 0, :type :ok, :f :enqueue, :value 1}", "1");
}

#[test]
fn what_is_no_edn_is_told_in_words() {
    let check = |line: &str, column: usize, words: &str| {
        let error = read(Workload::Queue, line).unwrap_err();
        assert_eq!(error.to_string(), format!("line 1: {words}"));
        assert_eq!(error.column(), Some(column), "{line}");
    };
    check("{:process 0, :process 1}", 24, "a key is there twice");
    check("{:process 0, :value #{1 1}}", 26, "a set holds a value once");
    check("{:process 0", 12, "the line ends before the operation does");
    check("{:process 0]}", 12, "`]` closes nothing");
    check("{:process 0, : 1}", 14, "a keyword has letters after its colon");
    check("{:process 0, :value 1.5}", 21, "numbers are whole ones");
    check("{:process 0, :value 12ab}", 21, "numbers are whole ones");
    check(r#"{:process 0, :value "\q"}"#, 23, "it is no EDN: InvalidEscape");
}
