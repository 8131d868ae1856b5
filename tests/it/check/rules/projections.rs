//! The rules of what ought to be seen in the end: readers and projections.

use super::super::check;
use super::super::text::{message, payload};
use super::words;
use postulate::projection::{Row, view};

#[test]
fn unseen() {
    let acknowledged = "0 send 1\n 0 ok 1\n";
    check("at-least-once", &format!("{acknowledged} 0 end settled"), "unseen");
    check("exactly-once", &format!("{acknowledged} 0 end quiescent"), "unseen");
    check("at-most-once", &format!("{acknowledged} 0 end settled"), "holds");
    check("at-least-once", &format!("{acknowledged} 5 read 1 @0:0\n 0 end settled"), "holds");
    let before = "0 send 1\n 5 read 1 @0:0\n 0 ok 1\n 0 end settled";
    check("at-least-once", before, "holds");
    // An effect will do if its sink is one of the promises'; where it is due it comes first.
    let applied = format!("{acknowledged} 5 effect 1\n 0 end settled");
    check("at-least-once, at-most-once 0", &applied, "holds");
    check("at-least-once, at-most-once 1", &applied, "unseen");
    check("at-least-once 0", &format!("{acknowledged} 0 end settled"), "lost");
    check("at-least-once, exactly-once 0", &format!("{acknowledged} 0 end settled"), "lost");
    // Only an acknowledgement obliges anybody, and until all is at rest it may still be read.
    check("at-least-once", "0 send 1\n 0 info 1\n 0 end settled", "holds");
    check("at-least-once", &format!("{acknowledged} 0 end impatient"), "livelock");
    let stops = "unknown: the history stops with 1 thing still to happen";
    check("at-least-once", acknowledged, stops);
    let again = format!("{acknowledged} 0 send 1 #1\n 0 ok 1 #1\n 5 read 1 @0:0\n 0 end settled");
    check("at-least-once", &again, "holds");
    words(
        "at-least-once",
        &format!("{acknowledged} 0 end settled"),
        "somebody reads m0.1, for it was acknowledged",
        "it was acknowledged at 2 ms, and by the time all was at rest nobody had read it",
        &[1, 2, 3],
    );
}

/// The digest of a projection with these rows: key, number of the message, payload.
fn digest(rows: &[(u64, u32, u64)]) -> u64 {
    let row = |&(key, number, payload)| Row { key, message: message(number), payload };
    view(rows.iter().map(row)).value()
}

#[test]
fn stale_projection() {
    let stands = "0 send 1 k7\n 0 send 2 k7\n 0 send 3 k8\n \
                  0 ok 1\n 5 read 2 @0:1 k7\n 0 info 2\n 0 ok 3\n";
    let newest = digest(&[(7, 2, payload(2)), (8, 3, payload(3))]);
    let judged = |digest: u64, expect: &str| {
        check("projected 9", &format!("{stands} 9 view {digest}\n 0 end settled"), expect);
    };
    judged(newest, "holds");
    judged(digest(&[(7, 1, payload(1)), (8, 3, payload(3))]), "stale-projection");
    judged(digest(&[(7, 2, payload(2))]), "stale-projection");
    judged(digest(&[(7, 2, payload(1)), (8, 3, payload(3))]), "stale-projection");
    // Each is judged for itself, by its last view, once all is at rest.
    let views = format!("{stands} 9 view {newest}\n 8 view 5\n");
    check("projected 9", &format!("{views} 0 end settled"), "holds");
    check("projected 9 8", &format!("{views} 0 end settled"), "stale-projection");
    check("projected 9, projected 8", &format!("{views} 0 end quiescent"), "stale-projection");
    check("projected 9 8", &format!("{views} 8 view {newest}\n 0 end settled"), "holds");
    check("projected 9 8", &format!("{views} 0 end impatient"), "livelock");
    let before = "unknown: the history stops before the replicas could be compared";
    check("projected 9", &views, before);
    let silent = "unknown: node-7 never reported its view";
    check("projected 9 7", &format!("{views} 0 end settled"), silent);
    words(
        "projected 9",
        &format!("{stands} 9 view 5\n 0 end settled"),
        "node-9 holds the newest update of each key, of all that were acknowledged or read",
        "what it holds in the end is not the newest of those 3 updates",
        &[8, 9],
    );
}

#[test]
fn a_projection_takes_what_was_read_before_what_was_sent() {
    let judged = |text: &str, rows: &[(u64, u32, u64)]| {
        let text = format!("{text}\n 9 view {}\n 0 end settled", digest(rows));
        check("projected 9", &text, "holds");
        let other = text.replace("9 view", "9 view 1\n 8 view");
        check("projected 9", &other, "stale-projection");
    };
    judged("0 send 1 k7 =5\n 0 info 1", &[]);
    judged("0 send 1 k7 =5\n 0 ok 1", &[(7, 1, 5)]);
    judged("0 send 1 k7 =5\n 0 info 1\n 0 send 1 #1 k8 =6\n 0 ok 1 #1", &[(7, 1, 5)]);
    judged("0 send 1 k7 =5\n 5 read 1 @0:0 k8 =6\n 0 ok 1", &[(8, 1, 6)]);
    judged("5 read 1 @0:0 k8 =6\n 0 send 1 k7 =5\n 0 ok 1", &[(8, 1, 6)]);
    judged("5 read 1 @0:0 k8 =6\n 6 read 1 @0:0 k8 =7", &[(8, 1, 7)]);
    judged("0 send 1 k7 =5\n 0 send 2 k7 =6\n 0 ok 2\n 0 ok 1", &[(7, 2, 6)]);
}
