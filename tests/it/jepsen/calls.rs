//! Queues and registers, judged by their calls.

use crate::cli::{check_parts, complaint, json, postulate, report};
use serde_json::{Value, json};
use std::fs;
use std::panic::Location;
use std::path::{Path, PathBuf};

/// A file of operations, each as its process, type, function and value.
fn recorded(operations: &str, caller: &Location<'_>) -> PathBuf {
    let lines = operations.split("; ").enumerate().map(|(turn, operation)| {
        let mut words = operation.splitn(4, ' ');
        let mut word = || words.next().unwrap();
        let (process, kind, f, time) = (word(), word(), word(), (turn + 1) * 1_000_000);
        let value = word();
        format!("{{:process {process}, :type :{kind}, :f :{f}, :value {value}, :time {time}}}\n")
    });
    let name = format!("calls-{}-{}.edn", caller.line(), caller.column());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, lines.collect::<String>()).unwrap();
    path
}

/// Judges operations: the exit code, and what the report says.
#[track_caller]
fn check(words: &str, operations: &str, exit: i32, parts: &[&str]) {
    let path = recorded(operations, Location::caller());
    check_parts(&report(postulate(&format!("check {words}")).arg(&path), exit), parts);
}

/// Refuses operations.
#[track_caller]
fn refuse(words: &str, operations: &str, parts: &[&str]) {
    let path = recorded(operations, Location::caller());
    check_parts(&complaint(postulate(&format!("check {words}")).arg(&path)), parts);
}

const FIFO: &str = "--from jepsen-queue --promise fifo";
const REGISTER: &str = "--from jepsen-register --promise register";

const PUT: &str = "0 invoke enqueue 1; 0 ok enqueue 1; 0 invoke enqueue 2; 0 ok enqueue 2";

#[test]
fn queues_hand_out_what_came_first() {
    let legal = |rest: &str| check(FIFO, &format!("{PUT}; {rest}"), 0, &[" holds: "]);
    legal("1 invoke dequeue nil; 1 ok dequeue 1; 1 invoke dequeue nil; 1 ok dequeue 2");
    legal("1 invoke drain nil; 1 ok drain [1 2]");
    legal("1 invoke dequeue nil; 1 fail dequeue nil");
    // Two at once come in any order.
    let both = "1 invoke dequeue nil; 2 invoke dequeue nil; 1 ok dequeue 2; 2 ok dequeue 1";
    legal(both);
    legal("1 invoke drain nil; 2 invoke dequeue nil; 1 ok drain [2]; 2 ok dequeue 1");
    let swapped = "1 invoke dequeue nil; 1 ok dequeue 2; 1 invoke dequeue nil; 1 ok dequeue 1";
    check(
        FIFO,
        &format!("{PUT}; {swapped}"),
        1,
        &[
            "violates unlinearizable: 8 operations",
            "what was put in first was taken out last",
            "shown by 1 ms process 0 enqueues 1, until 2 ms",
            "5 ms process 1 dequeues 2, until 6 ms",
            "7 ms process 1 dequeues 1, until 8 ms",
        ],
    );
    let drained = format!("{PUT}; 1 invoke drain nil; 1 ok drain [2 1]");
    check(FIFO, &drained, 1, &["taken out last"]);
    let left = format!("{PUT}; 1 invoke drain nil; 1 ok drain [2]");
    check(FIFO, &left, 1, &["was not taken out"]);
    let twice = format!("{PUT}; 1 invoke drain nil; 1 ok drain [1 1]");
    check(FIFO, &twice, 1, &["taken out twice"]);
    check(FIFO, "1 invoke dequeue nil; 1 ok dequeue 9", 1, &["nobody had put it in"]);
}

#[test]
fn what_a_client_does_not_know_of_a_queue_may_have_happened() {
    let legal = |operations: &str| check(FIFO, operations, 0, &[" holds: "]);
    let second = "1 invoke dequeue nil; 1 ok dequeue 2";
    legal(&format!("{PUT}; 2 invoke dequeue nil; 2 info dequeue nil; {second}"));
    legal(&format!("{PUT}; 2 invoke dequeue nil; {second}"));
    legal(&format!("{PUT}; 2 invoke drain nil; 2 info drain nil; {second}"));
    legal(&format!("{PUT}; 2 invoke drain nil; 2 info drain [1]; {second}"));
    legal("0 invoke enqueue 1; 0 info enqueue 1; 1 invoke dequeue nil; 1 ok dequeue 1");
    let late = "2 invoke dequeue nil; 1 invoke dequeue nil; 1 ok dequeue 2; 1 invoke dequeue nil; \
                1 ok dequeue 1";
    check(FIFO, &format!("{PUT}; {late}"), 1, &["taken out last"]);
    let failed = "0 invoke enqueue 1; 0 fail enqueue 1; 1 invoke dequeue nil; 1 ok dequeue 1";
    check(FIFO, failed, 1, &["nobody had put it in"]);
    check(FIFO, "0 invoke dequeue nil; 0 fail dequeue nil", 4, &["nobody has called the queue"]);
}

#[test]
fn registers_are_read_as_they_were_written() {
    let legal = |operations: &str| check(REGISTER, operations, 0, &[" holds: "]);
    let first = "0 invoke read nil; 0 ok read nil; 0 invoke write 3; 0 ok write 3";
    legal(&format!("{first}; 0 invoke read nil; 0 ok read 3"));
    let swap = "0 invoke write 3; 0 ok write 3; 1 invoke cas [3 4]; 1 ok cas [3 4]";
    legal(&format!("{swap}; 0 invoke read nil; 0 ok read 4"));
    // What failed did not happen, and what nobody knows may have, late too.
    legal(&format!("{swap}; 0 invoke cas [9 5]; 0 fail cas [9 5]; 0 invoke read nil; 0 ok read 4"));
    let late = "2 invoke write 5; 2 info write 5; 0 invoke read nil; 0 ok read 4; \
                0 invoke read nil; 0 ok read 5";
    legal(&format!("{swap}; {late}"));
    check(
        REGISTER,
        &format!("{swap}; 0 invoke read nil; 0 ok read 3"),
        1,
        &[
            "violates unlinearizable: 6 operations",
            "the calls of the register take effect one by one",
            "after the other calls shown it holds 4, and process 0 reads 3, as it was told at 6 ms",
            "3 ms process 1 replaces 3 by 4, until 4 ms",
        ],
    );
    let back = format!("{swap}; {late}; 0 invoke read nil; 0 ok read 4");
    check(REGISTER, &back, 1, &["it holds 5, and process 0 reads 4"]);
    let held = "0 invoke read nil; 0 ok read 0";
    check(REGISTER, held, 1, &["it holds nothing, and process 0 reads 0"]);
    check(&format!("{REGISTER} --initial 0"), held, 0, &[" holds: "]);
    check(REGISTER, "0 invoke read nil; 0 info read nil", 4, &["nobody has called a register"]);
}

#[test]
fn each_register_is_judged_by_itself() {
    let apart = "0 invoke write [1 3]; 0 ok write [1 3]; 1 invoke read [2 nil]; 1 ok read [2 nil]; \
                 0 invoke cas [1 [3 4]]; 0 ok cas [1 [3 4]]; 1 invoke read [1 nil]";
    check(REGISTER, &format!("{apart}; 1 ok read [1 4]"), 0, &[" holds: "]);
    check(REGISTER, &format!("{apart}; 1 ok read [1 3]"), 1, &["the calls of register 1 take"]);
    refuse(REGISTER, &format!("{apart}; 1 ok read [2 4]"), &["line 8", "not invoked"]);
}

#[test]
fn a_search_that_is_spent_says_how_to_go_on() {
    let mut calls: Vec<String> = (0..20).map(|n| format!("{n} invoke write {n}")).collect();
    calls.extend(["90 invoke read nil".to_owned(), "90 ok read 99".to_owned()]);
    calls.extend((0..20).map(|n| format!("{n} ok write {n}")));
    let check = |words: &str, parts: &[&str]| {
        check(&format!("{REGISTER} {words}"), &calls.join("; "), 4, parts);
    };
    check("--steps 1000", &["unknown: 42 operations", "in 1000 steps", "--steps allows more"]);
    check("--memory 10_000", &["in 10000 bytes", "--memory allows more"]);
}

#[test]
fn calls_are_told_in_json_like_operations() {
    let operations = "0 invoke write 3; 0 ok write 3; 1 invoke read nil; 1 ok read 4; \
                      2 invoke write 4";
    let path = recorded(operations, Location::caller());
    let words = format!("check {REGISTER} --format json");
    let told = json(postulate(&words).arg(&path), 1);
    assert_eq!(told["verdict"], "violated");
    let history = &told["histories"][0];
    assert_eq!((&history["group"], &history["length"]), (&json!("unlinearizable"), &json!(5)));
    let shown = history["operations"].as_array().unwrap();
    let read = json!({
        "at": "3000000ns", "until": "4000000ns", "process": 1, "object": "the register",
        "call": "reads 4"
    });
    assert!(shown.contains(&read), "{shown:?}");
    assert_eq!(told["scenario"], Value::Null);
}

#[test]
fn calls_that_contradict_each_other_are_refused_in_their_line() {
    refuse(FIFO, "0 invoke dequeue nil; 0 invoke dequeue nil", &["line 2", "waits for the answer"]);
    refuse(FIFO, "0 ok dequeue 7", &["line 1", "not invoked"]);
    refuse(FIFO, "0 invoke enqueue 7; 0 ok enqueue 8", &["line 2", "another :enqueue"]);
    refuse(FIFO, "0 invoke push 7", &["a queue has no operation :push"]);
    refuse(REGISTER, "0 invoke cas 7", &["a pair of integers"]);
    refuse(REGISTER, "0 invoke write nil", &["an integer from 0"]);
    refuse(REGISTER, "0 invoke write [[1] 2]", &["a key and a value"]);
    refuse(REGISTER, "0 invoke append 2", &["no operation :append"]);
}

#[test]
fn only_calls_are_judged_as_calls() {
    let check = |words: &str, parts: &[&str]| {
        let words = format!("check nowhere.edn {words}");
        check_parts(&complaint(&mut postulate(&words)), parts);
    };
    check("--promise fifo", &["the promise fifo needs", "--from jepsen-queue"]);
    check("--promise register --from jepsen-queue", &["--from jepsen-register"]);
    let both = "--promise exactly-once,fifo --sink 0 --from jepsen-queue";
    check(both, &["the promise fifo needs to be asked about alone"]);
    let other = "check /dev/null --promise exactly-once --sink 0 --from jepsen-register";
    check_parts(&complaint(&mut postulate(other)), &["--promise register"]);
    check("--promise accounted --sink 0 --steps 9", &["--steps or --memory is for the promise"]);
    check("--promise fifo --from jepsen-queue --initial 0", &["--initial is for the promise"]);
    check("--promise lifo", &["`exactly-once`", "or `fifo` or `register`"]);
}
