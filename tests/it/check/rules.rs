//! Every rule: a legal history that it passes, an illegal one that it names, and the words for it.

use super::text::{history, promises};
use super::{check, judge};
use postulate::check::Verdict;

mod consumers;
mod logs;
mod patterns;
mod projections;
mod queues;

/// The violation of a history in words: what was expected, and what was observed; and the
/// operations that show it, by the milliseconds at which they were recorded.
#[track_caller]
fn words(promised: &str, text: &str, expected: &str, observed: &str, shown: &[u64]) {
    let verdict = judge(&history(text), &promises(promised));
    let Verdict::Violated(violation) = verdict else { panic!("{verdict:?}") };
    assert_eq!([&violation.expected[..], &violation.observed], [expected, observed]);
    let at: Vec<u64> = violation.operations.iter().map(|o| o.at.nanos() / 1_000_000).collect();
    assert_eq!(at, shown, "{violation:?}");
}

const ONCE: &str = "0 plan 1\n 0 send 1\n 5 effect 1\n 0 ok 1";

#[test]
fn one_effect_of_an_acknowledged_message_is_what_exactly_once_means() {
    check("exactly-once 0", &format!("{ONCE}\n 0 end settled"), "holds");
}

#[test]
fn duplicate_effect() {
    let twice = format!("{ONCE}\n 5 effect 1\n 0 end broken");
    check("exactly-once 0", &twice, "duplicate-effect");
    check("at-most-once 0", &twice, "duplicate-effect");
    check("at-least-once 0", &twice.replace("broken", "settled"), "holds");
    words(
        "exactly-once 0",
        &twice,
        "m0.1 takes effect at sink-0 at most once",
        "it took effect twice: at 3 ms and 5 ms",
        &[2, 3, 4, 5],
    );
}

#[test]
fn effects_at_different_sinks_are_no_duplicates() {
    let both = format!("{ONCE}\n 5 effect 1 s1\n 0 end settled");
    check("exactly-once 0 1", &both, "holds");
}

#[test]
fn phantom_effect_of_a_message_that_nobody_sent() {
    check("at-most-once 0", "0 plan 1\n 5 effect 1\n 0 end broken", "phantom-effect");
    check("at-most-once 0", "5 effect 1\n 0 send 1\n 0 ok 1", "phantom-effect");
    check("at-most-once 0", "0 send 1\n 5 effect 1\n 0 ok 1\n 0 end settled", "holds");
    words(
        "at-least-once 0",
        "0 send 1\n 5 effect 2\n 0 end broken",
        "m0.2 takes effect at sink-0 only if it was sent, and not if that failed",
        "it took effect at 2 ms, and nobody had sent it by then",
        &[2],
    );
}

#[test]
fn phantom_effect_of_a_message_whose_sends_all_failed() {
    let failed = "0 send 1\n 0 fail 1\n 5 effect 1\n";
    check("at-most-once 0", &format!("{failed} 0 end settled"), "phantom-effect");
    check("at-most-once 0", &format!("{failed} 0 send 1 #1\n 0 fail 1 #1"), "phantom-effect");
    check("at-most-once 0", &format!("{failed} 0 send 1 #1\n 0 ok 1 #1"), "holds");
    check("at-most-once 0", &format!("{failed} 0 send 1 #1\n 0 info 1 #1"), "holds");
    words(
        "at-most-once 0",
        failed,
        "m0.1 takes effect at sink-0 only if it was sent, and not if that failed",
        "it took effect at 3 ms, and every attempt to send it had definitely failed",
        &[1, 2, 3],
    );
}

#[test]
fn corrupted_effects_and_reads() {
    check("exactly-once 0", "0 send 1 =7\n 5 effect 1 =8\n 0 end broken", "corrupted");
    check("at-least-once 0", "0 send 1 =7\n 5 read 1 @0:0 =8\n 0 end broken", "corrupted");
    check("order", "0 send 1 =7\n 5 read 1 @0:0 =8\n 0 ok 1\n 0 end settled", "holds");
    let retried = "0 send 1 =7\n 0 fail 1\n 0 send 1 #1 =8\n 5 effect 1 =8\n 0 ok 1 #1";
    check("exactly-once 0", retried, "holds");
    words(
        "exactly-once 0",
        "0 send 1 =7\n 5 effect 1 =255\n 0 end broken",
        "the payload of m0.1 that is applied at sink-0 is the payload sent",
        "00000000000000ff was applied at sink-0 at 2 ms; others were sent",
        &[1, 2],
    );
}

#[test]
fn duplicate_record() {
    let acknowledged = "0 send 1\n 0 ok 1 @2:5\n";
    let expect = "duplicate-record";
    check("idempotent", &format!("{acknowledged} 5 read 1 @2:6\n 0 end broken"), expect);
    check("idempotent", &format!("{acknowledged} 5 read 1 @3:5\n 0 end broken"), expect);
    check("idempotent", "0 send 1\n 0 info 1\n 5 read 1 @0:0\n 5 read 1 @0:1", expect);
    // Two groups read the same record; a retry by the application may store another one.
    let both = format!("{acknowledged} 5 read 1 @2:5\n 6 read 1 @2:5\n 0 end settled");
    check("idempotent", &both, "holds");
    check(
        "idempotent",
        "0 send 1\n 0 info 1\n 0 send 1 #1\n 0 ok 1 #1 @0:1\n 5 read 1 @0:0",
        "holds",
    );
    check("at-most-once 0", &format!("{acknowledged} 5 read 1 @2:6\n 0 end settled"), "holds");
    words(
        "idempotent",
        &format!("{acknowledged} 5 read 1 @2:6\n 0 end broken"),
        "m0.1, which was sent once, stands in the log once",
        "it stands at offset 5 of partition-2, and at 3 ms it was found at offset 6 of \
         partition-2 too",
        &[1, 2, 3],
    );
}

#[test]
fn order() {
    let sent = "0 send 1 k7\n 0 send 2 k7\n";
    let swapped = format!("{sent} 0 ok 1 @0:4\n 0 ok 2 @0:3\n 0 end settled");
    check("order", &swapped, "order");
    check("order", &format!("{sent} 0 ok 1 @0:3\n 0 ok 2 @0:4\n 0 end settled"), "holds");
    check("order", &format!("{sent} 0 ok 1\n 0 ok 2\n 5 read 2 @0:0\n 5 read 1 @0:1"), "order");
    check("at-most-once", &swapped, "holds");
    words(
        "order",
        &swapped,
        "m0.1 stands before m0.2 in partition-0, for node-0 sent it first, under one key",
        "m0.1 stands at offset 4, behind m0.2 at offset 3 (key 7)",
        &[1, 2, 3, 4],
    );
}

#[test]
fn order_is_a_matter_of_one_session_key_and_partition_without_retries() {
    let other_key = "0 send 1 k7\n 0 send 2 k8\n 0 ok 1 @0:4\n 0 ok 2 @0:3\n 0 end settled";
    check("order", other_key, "holds");
    let other_client = "0 send 1\n 1 send 2\n 0 ok 1 @0:4\n 1 ok 2 @0:3\n 0 end settled";
    check("order", other_client, "holds");
    let restarted = "0 send 1\n 0.1 send 2\n 0 ok 1 @0:4\n 0.1 ok 2 @0:3\n 0 end settled";
    check("order", restarted, "holds");
    let other_partition = "0 send 1\n 0 send 2\n 0 ok 1 @0:4\n 0 ok 2 @1:3\n 0 end settled";
    check("order", other_partition, "holds");
    let retried = "0 send 1\n 0 send 2\n 0 ok 2 @0:0\n 0 info 1\n 0 send 1 #1\n 0 ok 1 #1 @0:1";
    check("order", retried, "holds");
    // A duplicate behind the first record of a message does not move the message.
    let doubled = "0 send 1\n 0 send 2\n 0 ok 1 @0:2\n 0 ok 2 @0:1\n 5 read 1 @0:0";
    check("order", doubled, "holds");
}

#[test]
fn lost() {
    let acknowledged = "0 plan 1\n 0 send 1\n 0 ok 1\n 0 end";
    for rest in ["settled", "quiescent"] {
        check("exactly-once 0", &format!("{acknowledged} {rest}"), "lost");
        check("at-least-once 0", &format!("{acknowledged} {rest}"), "lost");
        check("at-most-once 0", &format!("{acknowledged} {rest}"), "holds");
    }
    check("at-least-once 0 1", &format!("{ONCE}\n 0 end settled"), "lost");
    check("at-least-once 0", "0 send 1\n 0 info 1\n 0 end settled", "holds");
    check("at-least-once 0", "0 send 1\n 0 fail 1\n 0 end settled", "holds");
    words(
        "exactly-once 0",
        "0 send 1\n 0 ok 1\n 0 send 2\n 0 ok 2\n 0 end quiescent",
        "m0.1 takes effect at sink-0, for it was acknowledged",
        "it was acknowledged at 2 ms, and by the time all was at rest it had no effect there; \
         1 more effect is missing",
        &[1, 2, 5],
    );
}

#[test]
fn diverged_from_a_peer() {
    check("convergent 1 2", "1 view 5\n 2 view 5\n 0 end settled", "holds");
    check("convergent 1 2", "1 view 5\n 2 view 6\n 0 end settled", "diverged");
    check("convergent 1, convergent 2", "1 view 5\n 2 view 6\n 0 end settled", "holds");
    check("order", "1 view 5\n 2 view 6\n 0 end settled", "holds");
    words(
        "convergent 1 2 3",
        "1 view 5\n 2 view 6\n 3 view 5\n 0 end quiescent",
        "all replicas hold the same in the end",
        "node-2 holds something else than node-1",
        &[1, 2],
    );
}

#[test]
fn diverged_from_the_effects() {
    let mut set = postulate::digest::SetDigest::new();
    set.insert(super::text::message(1).word(), super::text::payload(1));
    let right = format!("{ONCE}\n 5 view {}\n 0 end settled", set.value());
    check("convergent 5:s0", &right, "holds");
    let wrong = format!("{ONCE}\n 5 view {}\n 0 end settled", set.value() ^ 1);
    check("convergent 5", &wrong, "holds");
    check("convergent 5:s0", &wrong, "diverged");
    words(
        "convergent 5:s0",
        &wrong,
        "node-5 holds the effects committed at sink-0, and nothing else",
        "what node-5 holds in the end is not the set of those effects",
        &[5],
    );
}

#[test]
fn diverged_from_itself() {
    let restless = "1 view 5\n 1 view 6\n 0 end settled";
    check("convergent 1", restless, "diverged");
    check("convergent 1", "1 view 5\n 3 effect 9\n 1 view 6\n 0 end settled", "holds");
    words(
        "convergent 1",
        restless,
        "what node-1 holds stays as it is once the run is settled",
        "it changed from 0000000000000005 to 0000000000000006 with nothing to change it",
        &[1, 2],
    );
}

#[test]
fn a_replica_that_says_nothing_leaves_the_matter_open() {
    let silent = "unknown: node-2 never reported its view";
    check("convergent 1 2", "1 view 5\n 0 end settled", silent);
    check("convergent 1 2 3", "1 view 5\n 3 view 6\n 0 end settled", "diverged");
}

#[test]
fn deadlock() {
    check("at-least-once 0", "0 plan 1\n 0 end quiescent", "deadlock");
    check("order", "0 plan 1\n 0 send 1\n 0 end quiescent", "deadlock");
    check("order", "0 plan 1\n 0 send 1\n 0 info 1\n 0 end quiescent", "holds");
    // The send that nobody answers comes second to the message that was promised and lost.
    check("at-least-once 0", "0 send 1\n 0 send 2\n 0 ok 2\n 0 end quiescent", "lost");
    words(
        "order",
        "0 plan 1\n 3 plan 2\n 0 send 1\n 0 end quiescent",
        "every planned send is made and every send is answered before all comes to rest",
        "all came to rest at 4 ms while node-0 waits for the answer to m0.1 and \
         node-3 has yet to send m0.2",
        &[1, 2, 3, 4],
    );
}

#[test]
fn livelock() {
    let busy = "0 send 1\n 0 ok 1\n 0 send 2\n 0 end impatient";
    check("order", busy, "livelock");
    check("order", &busy.replace("impatient", "quiescent"), "deadlock");
    // The effect of m0.1 may still come, so it is not lost.
    check("at-least-once 0", "0 send 1\n 0 ok 1\n 0 end impatient", "livelock");
    words(
        "at-least-once 0",
        busy,
        "what is owed keeps falling after the faults are over, until nothing is",
        "the run was still busy at 4 ms while node-0 waits for the answer to m0.2 and \
         1 more thing is still to happen; the last acknowledgement or effect was at 2 ms",
        &[2, 3, 4],
    );
}

#[test]
fn safety_comes_before_progress() {
    let text = "0 send 1\n 0 send 2\n 5 effect 1\n 5 effect 1\n 0 end";
    for cause in ["settled", "quiescent", "impatient", "budget", "broken"] {
        check("exactly-once 0", &format!("{text} {cause}"), "duplicate-effect");
    }
}
