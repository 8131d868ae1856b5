//! Logs, as Jepsen's kafka workload records them.

use super::read;
use crate::cli::{check_parts, complaint, postulate, report};
use postulate::check::{Promise, Verdict, judge};
use postulate::history::jepsen::Workload;
use postulate::history::{Event, History};
use postulate::id::SinkId;
use std::fs;
use std::path::Path;

/// A history of operations, each as its process, type, function and value, and what else a line
/// says behind a bar.
fn history(operations: &str) -> History {
    read(Workload::Kafka, &text(operations)).unwrap()
}

fn text(operations: &str) -> String {
    let lines = operations.split("; ").enumerate().map(|(turn, operation)| {
        let (operation, more) = operation.split_once(" | ").unwrap_or((operation, ""));
        let mut words = operation.splitn(4, ' ');
        let mut word = || words.next().unwrap();
        let (process, kind, f, time) = (word(), word(), word(), (turn + 1) * 1_000_000);
        let value = word();
        format!(
            "{{:process {process}, :type :{kind}, :f :{f}, :value {value}, :time {time} {more}}}\n"
        )
    });
    lines.collect()
}

#[track_caller]
fn check(promise: Promise, operations: &str, expect: &str) {
    let history = history(operations);
    let found = match judge(&history, &[promise]) {
        Verdict::Holds => "holds".to_owned(),
        Verdict::Unknown { .. } => "unknown".to_owned(),
        Verdict::Violated(violation) => violation.rule.slug().to_owned(),
    };
    assert_eq!(found, expect, "{operations}\n{:#?}", history.operations());
}

#[track_caller]
fn durable(operations: &str, expect: &str) {
    check(Promise::DurableLog { retention: None, compacted: false }, operations, expect);
}

#[track_caller]
fn ordered(operations: &str, expect: &str) {
    check(Promise::PerKeyOrder, operations, expect);
}

#[track_caller]
fn delivered(operations: &str, expect: &str) {
    check(Promise::AtLeastOnce { sinks: vec![SinkId(0)] }, operations, expect);
}

/// The values 1 to 4 of the key 5 at the offsets 0, 1, 3 and 4: 2 is a transaction's marker.
const SENT: &str = "0 invoke send [[:send 5 1] [:send 5 2]]; 0 ok send [[:send 5 [0 1]] \
                    [:send 5 [1 2]]]; 0 invoke txn [[:send 5 3] [:send 5 4]]; \
                    0 ok txn [[:send 5 [3 3]] [:send 5 [4 4]]]";
const ALL: &str = "1 invoke poll [[:poll]]; 1 ok poll [[:poll {5 [[0 1] [1 2] [3 3] [4 4]]}]]";

fn after_sends(rest: &str) -> String {
    format!("{SENT}; {rest}")
}

#[test]
fn a_log_that_is_read_to_its_end_keeps_every_promise() {
    let all = after_sends(ALL);
    durable(&all, "holds");
    ordered(&all, "holds");
    delivered(&all, "holds");
    check(Promise::AtLeastOnce { sinks: Vec::new() }, &all, "holds");
    check(Promise::IdempotentProducer, &all, "holds");
    check(Promise::ExactlyOnce { sinks: vec![SinkId(0)] }, &all, "holds");
    // Others may read it again.
    check(
        Promise::ExactlyOnce { sinks: vec![SinkId(0)] },
        &format!("{all}; {}", ALL.replace("1 invoke", "2 invoke").replace("; 1 ok", "; 2 ok")),
        "holds",
    );
}

#[test]
fn what_was_acknowledged_and_lies_behind_a_reader_is_lost() {
    let gap = "1 invoke poll [[:poll]]; 1 ok poll [[:poll {5 [[0 1] [3 3] [4 4]]}]]";
    durable(&after_sends(gap), "lost-record");
    delivered(&after_sends(gap), "lost");
    // Somebody else has read it.
    let other = "2 invoke poll [[:poll]]; 2 ok poll [[:poll {5 [[1 2]]}]]";
    durable(&after_sends(&format!("{gap}; {other}")), "holds");
    // A log that nobody has read to its end may hold it still.
    let begun = "1 invoke poll [[:poll]]; 1 ok poll [[:poll {5 [[0 1] [1 2]]}]]";
    delivered(&after_sends(begun), "unknown");
    // Nobody has read from the beginning: what was in front may have been read and not told.
    let late = "1 invoke poll [[:poll]]; 1 ok poll [[:poll {5 [[3 3] [4 4]]}]]";
    delivered(&after_sends(late), "unknown");
    let sought = "1 invoke assign [5] | :seek-to-beginning? true; 1 ok assign [5] | \
                  :seek-to-beginning? true";
    delivered(&after_sends(&format!("{sought}; {late}")), "lost");
    // What nobody knows of is no loss, and failed for certain neither.
    let info = "2 invoke send [[:send 5 9]]; 2 info send [[:send 5 9]]";
    delivered(&after_sends(&format!("{info}; {ALL}")), "holds");
    let failed = "2 invoke send [[:send 5 9]]; 2 fail send [[:send 5 9]]";
    delivered(&after_sends(&format!("{failed}; {ALL}")), "holds");
    let open = "2 invoke send [[:send 5 9]]";
    delivered(&after_sends(&format!("{open}; {ALL}")), "holds");
    // An acknowledgement that does not say where.
    let vague = "2 invoke send [[:send 5 9]]; 2 ok send [[:send 5 [nil 9]]]";
    delivered(&after_sends(&format!("{vague}; {ALL}")), "unknown");
}

#[test]
fn what_is_read_was_sent_and_did_not_fail() {
    let read = "1 invoke poll [[:poll]]; 1 ok poll [[:poll {5 [[0 1] [1 2] [3 3] [4 4] [5 9]]}]]";
    let send = |kind: &str| {
        after_sends(&format!("2 invoke send [[:send 5 9]]; 2 {kind} send [[:send 5 9]]; {read}"))
    };
    delivered(&send("fail"), "phantom-effect");
    // It shows up late.
    delivered(&send("info"), "holds");
    delivered(&after_sends(read), "corrupted");
    // The value was sent, and under another key.
    let astray = "2 invoke send [[:send 6 9]]; 2 info send [[:send 6 9]]";
    delivered(&after_sends(&format!("{astray}; {read}")), "corrupted");
}

#[test]
fn a_record_stands_in_one_place_and_a_place_has_one_record() {
    let twice = format!("{ALL}; 2 invoke poll [[:poll]]; 2 ok poll [[:poll {{5 [[7 4]]}}]]");
    check(Promise::IdempotentProducer, &after_sends(&twice), "duplicate-record");
    let other = "2 invoke send [[:send 5 9]]; 2 ok send [[:send 5 [1 9]]]";
    durable(&after_sends(other), "inconsistent-offset");
    let read = "1 invoke poll [[:poll]]; 1 ok poll [[:poll {5 [[0 2]]}]]";
    durable(&after_sends(read), "inconsistent-offset");
    // A send that may not have happened may tell an offset that others have got.
    let info = "2 invoke send [[:send 5 9]]; 2 info send [[:send 5 [1 9]]]";
    durable(&after_sends(&format!("{info}; {ALL}")), "holds");
    let backwards = "0 invoke send [[:send 5 1] [:send 5 2]]; \
                     0 ok send [[:send 5 [1 1]] [:send 5 [0 2]]]";
    ordered(backwards, "order");
}

/// Reads of the process 1, each with its type and function, and the offsets it is told.
fn polls(polls: &[(&str, &str, &[u64])]) -> String {
    let values = [(0, 1), (1, 2), (3, 3), (4, 4)];
    let of = |offset: &u64| values.iter().find(|(at, _)| at == offset).unwrap();
    let tell = |offset: &u64| format!("[{offset} {}]", of(offset).1);
    let polls = polls.iter().map(|(kind, f, offsets)| {
        if matches!(*f, "assign" | "subscribe" | "crash") {
            return format!("1 invoke {f} [5]; 1 {kind} {f} [5]");
        }
        let told: Vec<String> = offsets.iter().map(tell).collect();
        format!("1 invoke {f} [[:poll]]; 1 {kind} {f} [[:poll {{5 [{}]}}]]", told.join(" "))
    });
    after_sends(&polls.collect::<Vec<_>>().join("; "))
}

#[test]
fn a_consumer_reads_record_by_record() {
    let check = |of: &[(&str, &str, &[u64])], expect| ordered(&polls(of), expect);
    check(&[("ok", "poll", &[0, 1]), ("ok", "poll", &[3, 4])], "holds");
    // Inside one poll, and between two.
    check(&[("ok", "poll", &[0, 3, 4])], "skipped");
    check(&[("ok", "poll", &[0]), ("ok", "poll", &[3, 4])], "skipped");
    check(&[("ok", "poll", &[1, 0])], "rewound");
    check(&[("ok", "poll", &[0, 1, 3]), ("ok", "poll", &[1, 3, 4])], "rewound");
    // It begins anywhere, and so it does after an assignment, forwards and backwards.
    check(&[("ok", "poll", &[3, 4])], "holds");
    check(&[("ok", "poll", &[0]), ("ok", "assign", &[]), ("ok", "poll", &[3, 4])], "holds");
    check(&[("ok", "poll", &[3]), ("ok", "assign", &[]), ("ok", "poll", &[0, 1, 3])], "holds");
    check(&[("ok", "poll", &[3]), ("fail", "assign", &[]), ("ok", "poll", &[0])], "rewound");
    check(&[("ok", "poll", &[3]), ("info", "crash", &[]), ("ok", "poll", &[0, 1])], "holds");
    check(&[("ok", "assign", &[]), ("ok", "poll", &[0, 3])], "skipped");
}

#[test]
fn a_subscriber_may_be_moved_between_polls_and_not_inside_one() {
    let check = |of: &[(&str, &str, &[u64])], expect| ordered(&polls(of), expect);
    let subscribed = ("ok", "subscribe", &[][..]);
    check(&[subscribed, ("ok", "poll", &[0]), ("ok", "poll", &[3, 4])], "holds");
    check(&[subscribed, ("ok", "poll", &[0, 1, 3]), ("ok", "poll", &[0, 1])], "holds");
    check(&[subscribed, ("ok", "poll", &[0, 3])], "skipped");
    let moved = polls(&[subscribed, ("ok", "poll", &[0, 3])]);
    ordered(&format!("{moved} | :rebalance-log [{{:keys [5]}}]"), "holds");
    ordered(&format!("{moved} | :rebalance-log [{{:keys [6]}}]"), "skipped");
}

#[test]
fn a_transaction_that_failed_is_read_again() {
    let check = |of: &[(&str, &str, &[u64])], expect| ordered(&polls(of), expect);
    let first = ("ok", "txn", &[0][..]);
    check(&[first, ("fail", "txn", &[1, 3]), ("ok", "txn", &[1, 3, 4])], "holds");
    check(&[first, ("fail", "txn", &[1]), ("fail", "txn", &[1]), ("ok", "txn", &[1])], "holds");
    check(&[first, ("fail", "txn", &[1]), ("ok", "txn", &[3, 4])], "skipped");
    check(&[first, ("fail", "txn", &[1]), ("ok", "txn", &[0, 1])], "rewound");
    check(&[first, ("fail", "txn", &[3])], "skipped");
    // Whether this one is over, nobody knows.
    check(&[first, ("info", "txn", &[1]), ("ok", "txn", &[1, 3])], "holds");
    check(&[first, ("info", "txn", &[1]), ("ok", "txn", &[3])], "holds");
    check(&[first, ("info", "txn", &[3])], "skipped");
    check(&[("fail", "txn", &[0]), ("ok", "txn", &[0, 1])], "holds");
}

#[test]
fn what_is_no_operation_of_the_workload_is_refused() {
    let check = |operation: &str, what: &str| {
        let error = read(Workload::Kafka, &text(&after_sends(operation))).unwrap_err();
        assert_eq!(error.line(), 5, "{error}");
        assert!(error.to_string().contains(what), "{error}");
    };
    check("1 ok poll 7", "a vector of sends and polls");
    check("1 ok poll [[:poll 7]]", "[:poll {key [[offset value]]}]");
    check("1 ok poll [[:poll {5 [[1]]}]]", "[:poll {key [[offset value]]}]");
    check("1 invoke send [[:send 65536 1]]", "a key has 16 bits");
    check("1 invoke send [[:send 5 4294967296]]", "4294967296 has more than 32");
    check("1 invoke send [[:send :a 1]]", "an integer from 0, and not :a");
    check("1 ok send [[:send 5 [0 1]]]", "answered, never sent");
    check("0 invoke send [[:send 5 1]]", "sent twice");
    check("1 invoke commit nil", "a log has no operation :commit");
    let passed = after_sends("1 info debug-topic-partitions [5]; :nemesis info kill :all");
    assert!(matches!(history(&passed).operations()[1].event, Event::SendInvoke { .. }));
}

#[test]
fn the_command_judges_logs() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kafka.edn");
    let check = |operations: &str, words: &str, exit: i32, parts: &[&str]| {
        fs::write(&path, text(operations)).unwrap();
        let words = format!("check --from jepsen-kafka {words}");
        check_parts(&report(postulate(&words).arg(&path), exit), parts);
    };
    let every = "--promise exactly-once,idempotent-producer,per-key-order,durable-log --sink 0";
    check(&after_sends(ALL), every, 0, &["kafka.edn holds: "]);
    let skipped = polls(&[("ok", "poll", &[0]), ("ok", "poll", &[3, 4])]);
    let parts = &["violates skipped", "past m5.2 at offset 1", "partition-5"];
    check(&skipped, "--promise per-key-order", 1, parts);
    fs::write(&path, "{:process 0, :type :ok, :f :poll, :value [[:poll 7]]}").unwrap();
    let wrong = "check --from jepsen-kafka --promise durable-log";
    check_parts(&complaint(postulate(wrong).arg(&path)), &["kafka.edn:1:35]"]);
}
