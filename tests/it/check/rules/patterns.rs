//! The rules of patterns: all or nothing, accounts, and effects in order.

use super::super::check;
use super::words;

const STOPS: &str = "unknown: the history stops with 1 thing still to happen";

#[test]
fn torn() {
    let half = "0 send 1\n 0 ok 1\n 5 effect 1 s1\n";
    check("atomic 1 2", &format!("{half} 0 end settled"), "torn");
    check("atomic 1 2", &format!("{half} 6 effect 1 s2\n 0 end settled"), "holds");
    check("atomic 1", &format!("{half} 0 end settled"), "holds");
    check("atomic 1 1", &format!("{half} 0 end settled"), "holds");
    check("atomic 2 3", &format!("{half} 0 end settled"), "holds");
    check("atomic 1, atomic 2", &format!("{half} 0 end settled"), "holds");
    check("atomic 2 3, atomic 1 2", &format!("{half} 0 end quiescent"), "torn");
    // Whatever became of the send.
    check("atomic 1 2", "0 send 1\n 0 info 1\n 5 effect 1 s2\n 0 end settled", "torn");
    check("atomic 1 2", "0 send 1\n 0 ok 1\n 0 end settled", "holds");
    // Until all is at rest it may still come.
    check("atomic 1 2", half, STOPS);
    check("atomic 1 2", &format!("{half} 0 end impatient"), "livelock");
    words(
        "atomic 1 2",
        &format!("{half} 0 end settled"),
        "m0.1 has an effect at all of sink-1 and sink-2 in the end, or at none",
        "by the time all was at rest it had one at sink-1 and none at sink-2",
        &[1, 2, 3, 4],
    );
}

#[test]
fn uncompensated() {
    let promised = "compensated 1-2 3-4";
    let rests = |effects: &[u32], expect: &str| {
        let effects: Vec<_> = effects.iter().map(|sink| format!("5 effect 1 s{sink}\n")).collect();
        let effects = effects.concat();
        check(promised, &format!("0 send 1\n 0 ok 1\n {effects} 0 end settled"), expect);
        check("compensated 5-6", &format!("{effects} 0 end settled"), "holds");
    };
    rests(&[], "holds");
    rests(&[1, 3], "holds");
    rests(&[1, 2], "holds");
    rests(&[3, 1, 2, 4], "holds");
    rests(&[1, 2, 1, 3], "holds");
    rests(&[1], "uncompensated");
    rests(&[1, 3, 2], "uncompensated");
    // Twice is not once, nor is less than nothing.
    rests(&[1, 3, 1, 3], "uncompensated");
    rests(&[2, 4], "uncompensated");
    rests(&[1, 2, 2], "uncompensated");
    let half = "5 effect 1 s1\n";
    check(promised, half, STOPS);
    check(promised, &format!("{half} 0 end impatient"), "livelock");
    check("compensated", &format!("{half} 0 end settled"), "holds");
    let of_two = "5 effect 1 s1\n 5 effect 2 s3\n 0 end settled";
    check(promised, of_two, "uncompensated");
    words(
        promised,
        "5 effect 1 s1\n 5 effect 1 s3\n 5 effect 1 s2\n 0 end quiescent",
        "m0.1 has taken its step at each of sink-1 and sink-3 in the end, or each is undone",
        "by the time all was at rest the steps taken less those undone were 0 at sink-1 and \
         1 at sink-3",
        &[1, 2, 3, 4],
    );
}

#[test]
fn accounting() {
    let accepted = "0 send 1\n 0 ok 1\n";
    let end = "0 end settled";
    check("accounted 1+2", &format!("{accepted} {end}"), "accounting");
    check("accounted 1+2", &format!("{accepted} 5 effect 1 s1\n {end}"), "holds");
    check("accounted 1+2", &format!("{accepted} 5 effect 1 s2\n {end}"), "holds");
    check("accounted 1+2 3", &format!("{accepted} 5 effect 1 s2\n {end}"), "accounting");
    check("accounted 1+2, accounted 3", &format!("{accepted} 5 effect 1 s3\n {end}"), "accounting");
    check(
        "accounted 1 2",
        "0 send 1\n 5 effect 1 s1\n 5 effect 1 s2\n 0 ok 1\n 0 end settled",
        "holds",
    );
    // Only what was accepted has to be accounted for.
    check("accounted 1+2", &format!("0 send 1\n 0 info 1\n {end}"), "holds");
    check("accounted 1+2", &format!("0 send 1\n 0 fail 1\n {end}"), "holds");
    check("accounted 1+2", accepted, STOPS);
    check("accounted 1+2", &format!("{accepted} 0 end impatient"), "livelock");
    check("accounted 1, at-least-once 1", &format!("{accepted} {end}"), "lost");
    let again = format!("{accepted} 0 send 1 #1\n 0 ok 1 #1\n 5 effect 1 s1\n");
    check("accounted 1", &again, "holds");
    words(
        "accounted 1+2",
        &format!("{accepted} {end}"),
        "m0.1 has an effect at one of sink-1 and sink-2, for it was acknowledged",
        "it was acknowledged at 2 ms, and by the time all was at rest nobody had written down \
         what became of it",
        &[1, 2, 3],
    );
}

#[test]
fn accounting_for_a_message_twice() {
    let twice = "5 effect 1 s1\n 6 effect 1 s2\n";
    check("accounted 1+2 disjoint", twice, "accounting");
    check("accounted 1+2", twice, "holds");
    check("accounted 1 2 disjoint", twice, "holds");
    check("accounted 1+2 disjoint", "5 effect 1 s1\n 6 effect 2 s2", "holds");
    check("accounted 1+2 disjoint", "5 effect 1 s1\n 6 effect 1 s1", "holds");
    words(
        "accounted 3+2+1 disjoint",
        &format!("{twice} 0 end broken"),
        "m0.1 has an effect at one of sink-3, sink-2 and sink-1 only",
        "it took effect at sink-1 at 1 ms and at sink-2 at 2 ms",
        &[1, 2],
    );
}

#[test]
fn overtaken() {
    let sent = "0 send 1 k7\n 0 send 2 k7\n";
    let answers = "0 ok 1\n 0 ok 2\n 0 end settled";
    let swapped = format!("{sent} 5 effect 2\n 5 effect 1\n {answers}");
    check("ordered 0", &swapped, "overtaken");
    check("ordered 1 0", &swapped, "overtaken");
    check("ordered 1", &swapped, "holds");
    check("order", &swapped, "holds");
    check("ordered 0", &format!("{sent} 5 effect 1\n 5 effect 2\n {answers}"), "holds");
    check("ordered 0", &format!("{sent} 5 effect 2\n {answers}"), "holds");
    // The first effects count.
    let doubled = format!("{sent} 5 effect 1\n 5 effect 2\n 5 effect 1\n {answers}");
    check("ordered 0", &doubled, "holds");
    // Each sink, session and key counts for itself.
    let apart = format!("{sent} 5 effect 2 s1\n 5 effect 1\n {answers}");
    check("ordered 0 1", &apart, "holds");
    check("ordered 0", &swapped.replacen("k7", "k8", 1), "holds");
    check("ordered 0", &swapped.replace("0 send 2", "1 send 2"), "holds");
    check("ordered 0", &swapped.replace("0 send 2", "0.1 send 2"), "holds");
    // With three, those in the middle too.
    let three = format!("{sent} 0 send 3 k7\n 5 effect 1\n 5 effect 3\n 5 effect 2");
    check("ordered 0", &three, "overtaken");
    words(
        "ordered 0",
        &swapped,
        "m0.1 takes effect at sink-0 before m0.2, for node-0 sent it first, under one key",
        "m0.2 took effect at 3 ms and m0.1 at 4 ms (key 7)",
        &[1, 2, 3, 4, 5, 6],
    );
}

#[test]
fn what_is_sent_again_may_be_overtaken() {
    let sent = "0 send 1\n 0 send 2\n 0 info 1\n 0 info 2\n";
    let again = |number: u32| format!("0 send {number} #1\n 0 ok {number} #1\n");
    for number in [1, 2] {
        let text = format!("{sent} {} 5 effect 2\n 5 effect 1\n", again(number));
        check("ordered 0", &text, "holds");
    }
    check("ordered 0", &format!("{sent} 5 effect 2\n {} 5 effect 1", again(1)), "holds");
    // Not if it took effect before that.
    check("ordered 0", &format!("{sent} 5 effect 2\n 5 effect 1\n {}", again(1)), "overtaken");
    check("ordered 0", &format!("{sent} 5 effect 2\n {} 5 effect 1", again(2)), "overtaken");
    check("ordered 0", "5 effect 2\n 5 effect 1\n 0 send 1\n 0 send 2\n 0 ok 1\n 0 ok 2", "holds");
}

#[test]
fn successors_of_a_dead_letter() {
    let sent = "0 send 1\n 0 send 2\n";
    let dead = format!("{sent} 5 effect 1 s9\n 5 effect 2\n");
    let answers = "0 ok 1\n 0 ok 2\n 0 end settled";
    check("ordered 0>9", &format!("{dead} {answers}"), "overtaken");
    check("ordered 0", &format!("{dead} {answers}"), "holds");
    check("ordered 0>8", &format!("{dead} {answers}"), "holds");
    let follows = format!("{sent} 5 effect 1 s9\n 5 effect 2 s9\n {answers}");
    check("ordered 0>9", &follows, "holds");
    // What came before it is its predecessor, or was done already.
    check("ordered 0>9", &format!("{sent} 5 effect 2 s9\n 5 effect 1\n {answers}"), "holds");
    check("ordered 0>9", &format!("{sent} 5 effect 2\n 5 effect 1 s9\n {answers}"), "holds");
    let before = format!("{sent} 5 effect 1\n 5 effect 2\n 5 effect 1 s9\n 5 effect 2\n {answers}");
    check("ordered 0>9", &before, "holds");
    check("ordered 0>9", &dead.replacen("0 send 1", "1 send 1", 1), STOPS_TWICE);
    let resent = "0 send 1\n 0 send 2\n 0 info 1\n 0 send 1 #1\n 5 effect 1 s9\n 5 effect 2\n";
    check("ordered 0>9", &format!("{resent} 0 ok 1 #1\n 0 ok 2"), "holds");
    words(
        "ordered 0>9",
        &format!("{dead} {answers}"),
        "m0.2 does not take effect at sink-0 once m0.1 is a dead letter, for node-0 sent it later, \
         under one key",
        "m0.1 became a dead letter at 3 ms, and m0.2 took effect at 4 ms (key 0)",
        &[1, 2, 3, 4, 5, 6],
    );
}

const STOPS_TWICE: &str = "unknown: the history stops with 2 things still to happen";
