//! The rules of consumers: they read record by record, and commit after the effect.

use super::super::check;
use super::words;

/// Four records, acknowledged at offsets 0 to 3 of partition 0.
const FOUR: &str = "0 send 1\n 0 send 2\n 0 send 3\n 0 send 4\n \
                    0 ok 1 @0:0\n 0 ok 2 @0:1\n 0 ok 3 @0:2\n 0 ok 4 @0:3\n";

#[test]
fn skipped_from_one_record_to_the_next() {
    let passed = format!("{FOUR} 5 read 1 @0:0\n 5 read 3 @0:2\n");
    for end in ["settled", "impatient", "budget", "broken"] {
        check("order", &format!("{passed} 0 end {end}"), "skipped");
    }
    check("order", &passed, "skipped");
    check("at-most-once", &format!("{passed} 0 end settled"), "holds");
    check("order", &format!("{FOUR} 5 read 1 @0:0\n 5 read 2 @0:1\n 5 read 3 @0:2"), "holds");
    // An offset where nobody knows of a record may be empty; each partition, group and session
    // counts for itself.
    check("order", "0 send 1\n 0 ok 1 @0:0\n 5 read 1 @0:0\n 5 read 9 @0:2", "holds");
    let other = format!("{FOUR} 5 read 1 @0:0\n 5 read 2 @0:1\n");
    check("order", &format!("{other} 6 read 1 @0:0\n 6 read 3 @0:2"), "skipped");
    check("order", &format!("{other} 5 read 1 @0:0 g1\n 5 read 2 @0:1 g1"), "holds");
    check("order", &format!("{other} 5 read 8 @1:7\n 5 read 3 @0:2"), "holds");
    // A record may become known late: it stood there all the same.
    let late = "0 send 2\n 5 read 1 @0:0\n 5 read 3 @0:2\n 0 ok 2 @0:1";
    check("order", late, "skipped");
    words(
        "order",
        &passed,
        "node-5 is handed every record of partition-0 in turn",
        "between the polls of 9 ms and 10 ms it came from offset 0 to 2, past m0.2 at offset 1",
        &[2, 6, 9, 10],
    );
    words(
        "order",
        &format!("{FOUR} 5 read 1 @0:0\n & 5 read 3 @0:2"),
        "node-5 is handed every record of partition-0 in turn",
        "inside one poll, at 9 ms, it came from offset 0 to 2, past m0.2 at offset 1",
        &[2, 6, 9, 9],
    );
}

#[test]
fn skipped_at_the_start_of_a_session() {
    check("order", &format!("{FOUR} 5 read 2 @0:1"), "skipped");
    check("order", &format!("{FOUR} 5 read 1 @0:0"), "holds");
    let settled = "5 boot\n 5 commits @0:1\n 5 committed @0:1\n 5.1 boot\n";
    check("order", &format!("{FOUR} {settled} 5.1 read 3 @0:2"), "skipped");
    check("order", &format!("{FOUR} {settled} 5.1 read 2 @0:1"), "holds");
    check("order", &format!("{settled} 5.1 read 3 @0:2"), "holds");
    // A commit that nobody has answered may be where it starts.
    let unanswered = "5 boot\n 5 commits @0:1\n 5 committed @0:1\n 5 commits @0:2\n 5.1 boot\n";
    for place in ["2 @0:1", "3 @0:2"] {
        check("order", &format!("{FOUR} {unanswered} 5.1 read {place}"), "holds");
    }
    check("order", &format!("{FOUR} {unanswered} 5.1 read 4 @0:3"), "skipped");
    check("order", &format!("{FOUR} {unanswered} 5.1 read 4 @0:3 g1"), "skipped");
    // It may have succeeded since the boot, too.
    let since = "5 boot\n 5.1 boot\n 5 commits @0:2\n 5 committed @0:2\n 5.1 read 3 @0:2";
    check("order", &format!("{FOUR} {since}"), "holds");
    check("order", &format!("{FOUR} {}", since.replace("@0:2", "@1:2")), "holds");
    words(
        "order",
        &format!("{FOUR} {settled} 5.1 read 4 @0:3"),
        "node-5 is handed every record of partition-0 in turn",
        "its first record, at 13 ms, was at offset 3 where its group stood at 1, past m0.2 at \
         offset 1",
        &[2, 6, 11, 12, 13],
    );
}

#[test]
fn a_consumer_need_not_be_handed_what_a_log_may_drop() {
    let passed = format!("{FOUR} 5 read 1 @0:0\n 5 read 4 @0:3\n 0 end settled");
    // Both were sent by 3 ms, and passed over at 10 ms.
    check("order, durable 7ms", &passed, "holds");
    check("order, durable 8ms", &passed, "lost-record");
    let others = format!("{FOUR} 5 read 1 @0:0\n 5 read 4 @0:3\n 6 read 1 @0:0\n 6 read 2 @0:1\n");
    check("order, durable 8ms", &format!("{others} 6 read 3 @0:2\n 0 end settled"), "skipped");
    check("order, durable 7ms", &format!("{others} 6 read 3 @0:2\n 0 end settled"), "holds");
    check("order, durable compacted", &passed, "holds");
    check("order, durable compacted", &passed.replace("send 2", "send 2 k1"), "lost-record");
    check("order, durable 8ms", &format!("{FOUR} 5 read 4 @0:3\n 0 end settled"), "skipped");
    check("order, durable 6ms", &format!("{FOUR} 5 read 4 @0:3\n 0 end settled"), "holds");
}

#[test]
fn rewound() {
    let two = format!("{FOUR} 5 read 1 @0:0\n 5 read 2 @0:1\n");
    check("order", &format!("{two} 5 read 1 @0:0\n 0 end broken"), "rewound");
    check("order", &format!("{two} 5 read 2 @0:1"), "rewound");
    check("order", &format!("{two} 5 read 3 @0:2"), "holds");
    check("order", &format!("{two} 6 read 1 @0:0"), "holds");
    check("order", &format!("{two} 5 read 1 @0:0 g1"), "holds");
    check("order", &format!("{two} 5 read 9 @1:0"), "holds");
    check("at-most-once", &format!("{two} 5 read 1 @0:0\n 0 end settled"), "holds");
    check("durable", &format!("{two} 5 read 1 @0:0"), "holds");
    // A session begins where its group stands, which is the start of the log if nothing was
    // committed.
    check("order", &format!("{two} 5.1 boot\n 5.1 read 1 @0:0"), "holds");
    let settled = "5 commits @0:2\n 5 committed @0:2\n 5.1 boot\n";
    check("order", &format!("{two} {settled} 5.1 read 3 @0:2"), "holds");
    check("order", &format!("{two} {settled} 5.1 read 2 @0:1"), "rewound");
    check("order", &format!("{two} {settled} 5.1 read 1 @0:0"), "rewound");
    words(
        "order",
        &format!("{two} 5 read 1 @0:0"),
        "node-5 goes forward in partition-0",
        "between the polls of 10 ms and 11 ms it came from offset 1 to m0.1 at offset 0",
        &[1, 5, 9, 10, 11],
    );
    words(
        "order",
        &format!("{two} & 5 read 2 @0:1"),
        "node-5 goes forward in partition-0",
        "inside one poll, at 10 ms, it came from offset 1 to m0.2 at offset 1",
        &[2, 6, 10, 10],
    );
    words(
        "order",
        &format!("{two} {settled} 5.1 read 2 @0:1"),
        "node-5 goes on in partition-0 where its group stands",
        "its first record, at 14 ms, was m0.2 at offset 1, before every offset that the group had \
         committed or tried to",
        &[2, 6, 10, 12, 13, 14],
    );
}

#[test]
fn committed_ahead() {
    let promised = "never-ahead g0:s0";
    let handed = "0 send 1\n 0 send 2\n 5 read 1 @0:0\n 5 read 2 @0:1\n 5 effect 1\n";
    check(promised, &format!("{handed} 5 commits @0:2\n 0 end broken"), "committed-ahead");
    let first = format!("{handed} 5 commits @0:1\n");
    check(promised, &format!("{first} 5 effect 2\n 5 commits @0:2\n 0 ok 1\n 0 ok 2"), "holds");
    check(promised, &format!("{handed} 5 effect 2\n 5 commits @0:9\n 0 ok 1\n 0 ok 2"), "holds");
    check(promised, &format!("{handed} 5 committed @0:2\n 0 ok 1\n 0 ok 2"), "holds");
    check("durable", &format!("{handed} 5 commits @0:2\n 0 ok 1\n 0 ok 2"), "holds");
    // The effect is due at the group's own sink, for what its group was handed there.
    let elsewhere = format!("{handed} 5 effect 2 s1\n 5 commits @0:2\n 0 ok 1\n 0 ok 2");
    check(promised, &elsewhere, "committed-ahead");
    check("never-ahead g0:s0 g0:s1", &elsewhere, "committed-ahead");
    check("never-ahead g1:s0", &elsewhere, "holds");
    let other = |commit: &str| format!("{handed} 5 commits {commit}\n 0 ok 1\n 0 ok 2");
    check(promised, &other("@1:2"), "holds");
    check(promised, &other("@0:2 g1"), "holds");
    // Whichever of its sessions was handed it, and whoever commits.
    check(promised, &format!("{handed} 5.1 commits @0:2"), "committed-ahead");
    check(promised, &format!("{handed} 6 commits @0:2"), "committed-ahead");
    // An effect of an earlier delivery will do; one that comes later will not.
    check(promised, "5 effect 1\n 5.1 read 1 @0:0\n 5.1 commits @0:1", "holds");
    check(promised, "5 read 1 @0:0\n 5 commits @0:1\n 5 effect 1", "committed-ahead");
    words(
        promised,
        &format!("{handed} 5 commits @0:2\n 0 end broken"),
        "group-0 commits past m0.2, at offset 1 of partition-0, once its effect at sink-0 is \
         durable",
        "it committed offset 2 at 6 ms, when there was no such effect",
        &[2, 4, 6],
    );
}

#[test]
fn a_record_that_the_log_has_dropped_since_holds_up_no_commit() {
    let restarted = "5 read 1 @0:0\n 5.1 boot\n 5.1 read 2 @0:1\n 5.1 effect 2\n 5.1 commits @0:2";
    check("never-ahead g0:s0, durable", restarted, "committed-ahead");
    for promised in ["durable 1ms", "durable compacted"] {
        check(&format!("never-ahead g0:s0, {promised}"), restarted, "holds");
        let same = restarted.replace("5.1", "5");
        check(&format!("never-ahead g0:s0, {promised}"), &same, "committed-ahead");
    }
}
