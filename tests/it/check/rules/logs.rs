//! The rules of logs: routing, one record an offset, none lost, none back.

use super::super::check;
use super::words;

/// Three records of one key, acknowledged at offsets 0 to 2 of partition 0.
const THREE: &str = "0 send 1\n 0 send 2\n 0 send 3\n 0 ok 1 @0:0\n 0 ok 2 @0:1\n 0 ok 3 @0:2\n";

#[test]
fn misrouted_by_key() {
    let sent = "0 send 1 k7\n 5 read 1 @0:0";
    check("at-most-once 0", &format!("{sent} k8\n 0 ok 1\n 0 end broken"), "misrouted");
    check("at-most-once 0", &format!("{sent} k7\n 0 ok 1\n 0 end settled"), "holds");
    check("order, durable", &format!("{sent} k8\n 0 ok 1\n 0 end settled"), "holds");
    // A retry may be made under another key, and the record be either's.
    let retried = "0 send 1 k7\n 0 info 1\n 0 send 1 #1 k8\n 0 info 1 #1\n 0 send 1 #2 k9\n";
    for key in [7, 8, 9] {
        let read = format!("{retried} 0 ok 1 #2\n 5 read 1 @0:0 k{key}\n 0 end settled");
        check("at-most-once 0", &read, "holds");
    }
    check("at-most-once 0", &format!("{retried} 5 read 1 @0:0 k6"), "misrouted");
    check("at-most-once 0", "0 send 1\n 0 send 1 #1 k8\n 5 read 2 @0:0 k8", "corrupted");
    // The key of an attempt that comes later is none of its own yet.
    check("at-most-once 0", "0 send 1 k7\n 5 read 1 @0:0 k8\n 0 send 1 #1 k8", "misrouted");
    words(
        "at-least-once",
        &format!("{sent} k8\n 0 end broken"),
        "m0.1 stands in the log under the key that it was sent under",
        "it was read under key 8 from partition-0 at offset 0 at 2 ms, and nobody had sent it \
         under that key",
        &[1, 2],
    );
}

#[test]
fn misrouted_by_partition() {
    let away = "0 send 1\n 0 ok 1 @2:5\n 5 read 1 @3:5\n 0 end settled";
    check("at-most-once 0", away, "misrouted");
    check("at-least-once", away, "misrouted");
    // Two records in foreign partitions are one fault, a copy too many another.
    check("at-most-once 0, idempotent", away, "misrouted");
    check("idempotent", away, "duplicate-record");
    check("at-most-once 0", &away.replace("@3:5", "@2:6"), "holds");
    check("at-most-once 0", &away.replace("@2:5", ""), "holds");
    let later = "0 send 1\n 5 read 1 @2:5\n 5 read 1 @3:5\n 0 ok 1 @2:5\n 0 end settled";
    check("at-most-once 0", later, "misrouted");
    check("at-most-once 0", &later.replace("0 ok 1 @2:5", "0 ok 1"), "holds");
    // Nobody knows where the record of an attempt stands that was made again.
    let retried = "0 send 1\n 0 info 1\n 0 send 1 #1\n 0 ok 1 #1 @2:5\n 5 read 1 @3:5";
    check("at-most-once 0", retried, "holds");
    // What was told before it was sent is none of its own: here it is only corrupted.
    check("at-most-once 0", "5 read 1 @3:5\n 0 send 1\n 0 ok 1 @2:5", "corrupted");
    words(
        "at-least-once",
        away,
        "m0.1 stands in partition-2, where it was acknowledged",
        "at 3 ms it was read from partition-3",
        &[1, 2, 3],
    );
}

#[test]
fn inconsistent_offset_with_two_messages() {
    let one = "0 send 1\n 0 send 2\n 0 ok 1 @0:4\n";
    check("durable", &format!("{one} 0 ok 2 @0:4"), "inconsistent-offset");
    check("durable", &format!("{one} 5 read 2 @0:4"), "inconsistent-offset");
    check("durable", "5 read 1 @0:4\n 6 read 2 @0:4", "inconsistent-offset");
    check("durable", &format!("{one} 0 ok 2 @1:4\n 5 read 1 @0:4\n 6 read 1 @0:4"), "holds");
    check("at-most-once 0", &format!("{one} 0 ok 2 @0:4"), "holds");
    words(
        "durable",
        &format!("{one} 5 read 2 @0:4"),
        "offset 4 of partition-0 always shows one record",
        "it shows m0.1, and at 4 ms it showed m0.2",
        &[1, 2, 3, 4],
    );
}

#[test]
fn inconsistent_offset_with_two_payloads() {
    let two = "0 send 1\n 0 ok 1 @0:4\n 5 read 1 @0:4 =8\n 6 read 1 @0:4 =9";
    check("durable", two, "inconsistent-offset");
    // An acknowledgement does not say which attempt's payload stands there.
    check("durable", "0 send 1 =7\n 0 ok 1 @0:4\n 5 read 1 @0:4 =8\n 6 read 1 @0:4 =8", "holds");
    check("durable", &two.replace("=8", "=9"), "holds");
    words(
        "durable",
        two,
        "offset 4 of partition-0 always shows one record",
        "it shows m0.1 with another payload at 4 ms than before",
        &[1, 2, 3, 4],
    );
}

#[test]
fn order_across_clients() {
    let first = "0 send 1\n 0 ok 1 @0:4\n 1 send 2 k9\n";
    check("order", &format!("{first} 1 ok 2 @0:3"), "order");
    check("order", &format!("{first} 1 ok 2 @0:4"), "order");
    check("order", &format!("{first} 1 ok 2 @0:5"), "holds");
    check("order", &format!("{first} 1 ok 2 @1:3"), "holds");
    check("order", &format!("{first} 5 read 2 @0:3\n 1 ok 2"), "order");
    check("at-most-once 0", &format!("{first} 1 ok 2 @0:3"), "holds");
    // Only what was acknowledged before the first attempt is known to stand before it.
    check("order", "0 send 1\n 1 send 2\n 0 ok 1 @0:4\n 1 ok 2 @0:3", "holds");
    let retried = "1 send 2\n 1 info 2\n 0 send 1\n 0 ok 1 @0:4\n 1 send 2 #1\n 1 ok 2 #1 @0:3";
    check("order", retried, "holds");
    let again = "0 send 1\n 0 ok 1 @0:4\n 1 send 2\n 1 info 2\n 1 send 2 #1\n 1 ok 2 #1 @0:3";
    check("order", again, "order");
    let second = "0 send 1\n 0 ok 1 @0:4\n 1 send 2\n 1 ok 2 @0:9\n 5 read 2 @0:3";
    check("order", second, "order");
    // The furthest acknowledgement by then counts, not the last one and not a later one.
    let several = "0 send 1\n 0 send 3\n 0 send 4\n 0 ok 3 @0:8\n 0 ok 1 @0:4\n 1 send 2\n";
    check("order", &format!("{several} 0 ok 4 @0:20\n 1 ok 2 @0:6"), "order");
    check("order", &format!("{several} 0 ok 4 @0:20\n 1 ok 2 @0:10"), "holds");
    words(
        "order",
        &format!("{first} 5 read 2 @0:3"),
        "m0.2 stands behind m0.1 in partition-0, for m0.1 was acknowledged at offset 4 before \
         m0.2 was first sent",
        "m0.2 stands at offset 3, as was told at 4 ms",
        &[1, 2, 3, 4],
    );
}

#[test]
fn lost_record_that_a_consumer_passed_over() {
    let passed = format!("{THREE} 5 read 1 @0:0\n 5 read 3 @0:2\n");
    for rest in ["settled", "quiescent"] {
        check("durable", &format!("{passed} 0 end {rest}"), "lost-record");
    }
    check("at-most-once 0", &format!("{passed} 0 end settled"), "holds");
    // Somebody may read it still, if the history went on.
    check("durable", &format!("{passed} 0 end impatient"), "livelock");
    let stops = "unknown: the history stops with a record passed over and not read";
    check("durable", &passed, stops);
    check("durable", &format!("{passed} 6 read 2 @0:1\n 0 end settled"), "holds");
    check("durable", &format!("{THREE} 6 read 2 @0:1\n 0 end settled"), "holds");
    let before = format!("{THREE} 6 read 2 @0:1\n 5 read 1 @0:0\n 5 read 3 @0:2\n 0 end settled");
    check("durable", &before, "lost-record");
    // It need not have been acknowledged, if somebody has read it.
    let read = "6 read 2 @0:1\n 5 read 1 @0:0\n 5 read 3 @0:2\n 0 end settled";
    check("durable", read, "lost-record");
    // A gap is a pass only within one session, group and partition.
    check("durable", "6 read 2 @0:1\n 5 read 1 @0:0\n 5.1 read 3 @0:2\n 0 end settled", "holds");
    check("durable", "6 read 2 @0:1\n 5 read 1 @0:0\n 5 read 3 @0:2 g1\n 0 end settled", "holds");
    check("durable", "6 read 2 @0:1\n 5 read 1 @0:0\n 5 read 3 @1:2\n 0 end settled", "holds");
    check("durable", "5 read 1 @0:0\n 5 read 3 @0:2\n 0 end settled", "holds");
    words(
        "durable",
        &format!("{passed} 0 end settled"),
        "m0.2 can be read at offset 1 of partition-0, for it is known to stand there",
        "node-5 passed over it at 8 ms, and nobody has read it since",
        &[2, 5, 7, 8],
    );
}

#[test]
fn lost_record_that_nobody_ever_reads() {
    let between = format!("{THREE} 5 read 1 @0:0\n 6 read 3 @0:2\n 0 end settled");
    check("durable", &between, "lost-record");
    check("at-most-once 0", &between, "holds");
    // Nobody began before it, or nobody read beyond it, or it was never known.
    check("durable", &between.replace("5 read 1 @0:0", "5 read 3 @0:2"), "holds");
    check("durable", &between.replace("6 read 3 @0:2", "6 read 1 @0:0"), "holds");
    check("durable", &between.replace("0 ok 2 @0:1", "0 ok 2"), "holds");
    words(
        "durable",
        &between,
        "m0.2 can be read at offset 1 of partition-0, for it is known to stand there",
        "nobody has ever read it, though others read on both sides of it",
        &[2, 5, 9],
    );
}

#[test]
fn a_log_may_drop_what_is_old() {
    // The record is sent at 2 ms and passed over at 8 ms.
    let passed = format!("{THREE} 5 read 1 @0:0\n 5 read 3 @0:2\n 0 end settled");
    check("durable 6ms", &passed, "holds");
    check("durable 7ms", &passed, "lost-record");
    check("durable 7ms, durable 5ms", &passed, "holds");
    check("durable 6ms, order", &passed, "holds");
    check("durable 7ms, order", &passed, "lost-record");
    // The age when it was passed over counts, not the one at the end.
    check("durable 8ms", &passed.replace("0 end", "9 boot\n 9 boot\n 0 end"), "lost-record");
    // Nobody saw it sent: it may be of any age.
    let unsent = "6 read 2 @0:1\n 5 read 1 @0:0\n 5 read 3 @0:2\n 0 end settled";
    check("durable 3ms", unsent, "holds");
    check("durable 4ms", unsent, "lost-record");
    // A retry makes it no younger.
    let retried = format!("0 send 2\n 0 info 2\n 0 send 2 #1\n 0 ok 2 #1 @0:1\n {unsent}");
    check("durable 6ms", &retried, "holds");
    check("durable 7ms", &retried, "lost-record");
}

#[test]
fn a_log_may_drop_what_a_later_record_makes_obsolete() {
    let passed = "0 send 1\n 0 send 2 k7\n 0 send 3\n 0 ok 1 @0:0\n 0 ok 2 @0:1\n 0 ok 3 @0:2\n \
                  5 read 1 @0:0\n 5 read 3 @0:2\n";
    let end = "0 end settled";
    check("durable compacted", &format!("{passed} {end}"), "lost-record");
    check("durable compacted, order", &format!("{passed} {end}"), "lost-record");
    // A later record of the key excuses it, in the same partition and known somehow.
    let later = |told: &str| format!("{passed} 0 send 4 k7\n {told}\n {end}");
    check("durable compacted", &later("0 ok 4 @0:3"), "holds");
    check("durable compacted", &later("0 info 4\n 5 read 4 @0:3 k7"), "holds");
    check("durable compacted, order", &later("0 ok 4 @0:3"), "holds");
    check("durable", &later("0 ok 4 @0:3"), "lost-record");
    check("durable compacted", &later("0 ok 4 @1:3"), "lost-record");
    check("durable compacted", &later("0 ok 4 @0:3").replace("4 k7", "4 k8"), "lost-record");
    // So does one that may stand there, although nobody was told where.
    check("durable compacted", &later("0 info 4"), "holds");
    check("durable compacted", &later("0 ok 4"), "holds");
    check("durable compacted", &later("0 fail 4"), "lost-record");
    // What was read tells the key, whatever was sent.
    let read = format!("6 read 2 @0:1 k5\n {passed}");
    check("durable compacted", &format!("{read} 5 read 4 @0:3 k5\n {end}"), "holds");
    check("durable compacted", &format!("{read} 5 read 4 @0:3 k7\n {end}"), "lost-record");
    // A retry may have stored it under the other key.
    let retried = passed.replace("0 send 2 k7", "0 send 2 k6\n 0 info 2\n 0 send 2 #1 k7");
    let retried = retried.replace("0 ok 2", "0 ok 2 #1");
    for key in [6, 7] {
        let later = format!("{retried} 5 read 4 @0:3 k{key}\n {end}");
        check("durable compacted", &later, "holds");
    }
}

#[test]
fn resurrected_after_it_was_passed_over() {
    let passed = "5 boot\n 5 read 1 @0:0\n 5 read 3 @0:2\n";
    check("durable", &format!("{passed} 5 read 2 @0:1"), "resurrected");
    check("durable", &format!("{passed} 6 boot\n 6 read 2 @0:1 g1"), "resurrected");
    check("at-most-once", &format!("{passed} 6 boot\n 6 read 2 @0:1"), "corrupted");
    // A reply may have been under way to a session that began before, and to another group.
    check("durable", &format!("6 boot\n {passed} 6 read 2 @0:1 g1"), "holds");
    check("durable", &format!("{passed} 6 read 2 @0:1 g1"), "holds");
    check("durable", &format!("{passed} 5 read 2 @0:1 g1"), "holds");
    check("durable", &format!("{passed} 6 boot\n 6 read 2 @1:1"), "holds");
    check("durable", &format!("{passed} 6 boot\n 6 read 1 @0:0\n 6 read 3 @0:2"), "holds");
    // Nothing excuses a return: what is dropped for its age stays away.
    check("durable 1ms compacted", &format!("{passed} 6 boot\n 6 read 2 @0:1"), "resurrected");
    // The first pass counts, be it of another session.
    let twice = "6 boot\n 6 read 1 @0:0\n 6 read 5 @0:4\n 5 boot\n 5 read 3 @0:2\n 5 read 5 @0:4\n";
    check("durable", &format!("{twice} 5 read 4 @0:3"), "resurrected");
    words(
        "durable",
        &format!("{passed} 6 boot\n 6 read 2 @0:1"),
        "what is gone from offset 1 of partition-0 does not come back",
        "node-5 passed over it at 3 ms, and at 5 ms node-6 was handed m0.2 there",
        &[2, 3, 4, 5],
    );
}

#[test]
fn resurrected_after_a_durable_commit() {
    let settled = "5 boot\n 5 commits @0:5\n 5 committed @0:5\n";
    let again = "5.1 boot\n 5.1 read 3 @0:3";
    check("durable", &format!("{settled} {again}"), "resurrected");
    check("durable", &format!("{settled} 5.1 boot\n 5.1 read 5 @0:5"), "holds");
    check("durable", &format!("{settled} 5.1 boot\n 5.1 read 3 @0:3 g1"), "holds");
    check("durable", &format!("{settled} 5.1 boot\n 5.1 read 3 @1:3"), "holds");
    check("order", &format!("{settled} {again}"), "rewound");
    check("durable, order", &format!("{settled} {again}"), "resurrected");
    // A session that began before the commit may hold older replies.
    check("durable", &format!("6 boot\n {settled} 6 read 3 @0:3"), "holds");
    check("durable", &format!("{settled} 5 read 3 @0:3"), "holds");
    check("durable", &format!("{settled} 6 read 3 @0:3"), "holds");
    // Nor is a commit durable before it is acknowledged.
    check("durable", &format!("5 boot\n 5 commits @0:5\n {again}"), "holds");
    check("durable", &format!("5 commits @0:5\n 5 gives-up @0:5\n {again}"), "holds");
    // Later reads of the session count as the first one does.
    check("durable", &format!("{settled} {again}\n 5.1 read 4 @0:4"), "resurrected");
    let back = format!("{settled} 5.1 boot\n 5.1 read 6 @0:6\n 5.1 read 3 @0:3");
    check("durable", &back, "resurrected");
    words(
        "durable",
        &format!("{settled} {again}"),
        "nothing is handed again that was settled before the session began: there the group had \
         committed offset 5 of partition-0",
        "it was handed m0.3 at offset 3 at 5 ms",
        &[3, 4, 5],
    );
}

#[test]
fn commits_that_come_late_excuse_a_group_that_is_further_back() {
    let settled = "5 boot\n 5 commits @0:5\n 5 committed @0:5\n";
    let again = "5.1 boot\n 5.1 read 3 @0:3";
    let holds = |text: &str| {
        check("durable", text, "holds");
        check("order", text, "holds");
    };
    // One that nobody has answered may take effect at any time, even after the restart.
    holds(&format!("5 boot\n 5 commits @0:3\n 5 commits @0:5\n 5 committed @0:5\n {again}"));
    holds(&format!("{settled} 6 commits @0:3\n {again}"));
    holds(&format!("{settled} 5.1 boot\n 6 commits @0:3\n 5.1 read 3 @0:3"));
    holds(&format!("6 commits @0:3\n {settled} 5.1 boot\n 6 committed @0:3\n 5.1 read 3 @0:3"));
    check("durable", &format!("{settled} {again}\n 6 commits @0:3"), "resurrected");
    check("order", &format!("{settled} {again}\n 6 commits @0:3"), "rewound");
    // One that succeeded later is the last word, though it be smaller.
    holds(&format!("{settled} 6 commits @0:3\n 6 committed @0:3\n {again}"));
    // Of two that were under way together, either may be.
    let crossed = "5 boot\n 6 commits @0:3\n 5 commits @0:5\n 6 committed @0:3\n 5 committed @0:5";
    holds(&format!("{crossed}\n {again}"));
    holds(&format!("{crossed}\n 5.1 boot\n 5.1 read 5 @0:5"));
    // One that came before the last began is past.
    let past = "5 boot\n 5 commits @0:3\n 5 committed @0:3\n 5 commits @0:5\n 5 committed @0:5";
    check("durable", &format!("{past}\n {again}"), "resurrected");
    // A commit that was answered is answered once.
    let twice = "5 boot\n 5 commits @0:3\n 5 commits @0:3\n 5 committed @0:3\n \
                 5 commits @0:5\n 5 committed @0:5";
    holds(&format!("{twice}\n {again}"));
    let both = twice.replace("5 committed @0:3", "5 committed @0:3\n 5 committed @0:3");
    check("durable", &format!("{both}\n {again}"), "resurrected");
    // Another session's answer does not close it.
    let foreign = "5 boot\n 5 commits @0:3\n 6 committed @0:3\n 5 commits @0:5\n 5 committed @0:5";
    holds(&format!("{foreign}\n {again}"));
}
