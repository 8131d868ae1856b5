//! The rules of queues: deliveries and their causes, what is settled, tokens, backlogs.

use super::super::check;
use super::words;

#[test]
fn what_is_received_is_what_was_sent() {
    let sent = "0 send 1 k7\n";
    check("at-least-once", &format!("{sent} 5 gets 1 k7\n 0 ok 1\n 0 end settled"), "holds");
    check("at-least-once", &format!("{sent} 5 gets 1 k7 =9\n 0 ok 1"), "corrupted");
    check("at-most-once", &format!("{sent} 5 gets 1 k8"), "misrouted");
    check("at-most-once", "5 gets 1\n 0 send 1", "corrupted");
    check("order, settled g0", &format!("{sent} 5 gets 1 k8\n 0 ok 1"), "holds");
    check("at-least-once", &format!("{sent} 0 ok 1\n 5 lapses\n 0 end settled"), "unseen");
    words(
        "at-most-once",
        &format!("{sent} 5 gets 1 k7 =255"),
        "the payload of m0.1 that is received by group-0 is the payload sent",
        "00000000000000ff was received by group-0 at 2 ms; others were sent",
        &[1, 2],
    );
    words(
        "at-most-once",
        &format!("{sent} 5 gets 1 k8 g3"),
        "m0.1 is handed out under the key that it was sent under",
        "it was received under key 8 by group-3 at 2 ms, and nobody had sent it under that key",
        &[1, 2],
    );
}

/// A message that was sent once and received.
const GOT: &str = "0 send 1\n 0 ok 1\n 5 gets 1\n";

#[test]
fn redelivery_bound() {
    let again = |cause: &str, expect: &str| {
        let text = format!("{GOT} {cause}\n 6 gets 1\n 0 end settled");
        check("bounded g0 n9", &text, expect);
        check("settled g0", &text, "holds");
    };
    again("7 boot", "redelivery-bound");
    // Each of these explains one delivery more.
    for cause in ["5 returns 1", "5 down", "5 lapses", "5 wonders 1", "9 down"] {
        again(cause, "holds");
        let thrice = format!("{GOT} {cause}\n 6 gets 1\n 7 gets 1\n 0 end settled");
        check("bounded g0 n9", &thrice, "redelivery-bound");
        // It may be told late: when the message was handed out is not known.
        if cause != "9 down" {
            let late = format!("{GOT} 6 gets 1\n 6 acks 1\n 6 acked 1\n {cause}\n 0 end settled");
            check("bounded g0 n9", &late, "holds");
        }
    }
    // Others do not: of another session, message, group or machine, or after a confirmation.
    for cause in ["6 returns 1", "5.1 down", "8 down", "6 lapses", "5 returns 2", "5 lapses g1"] {
        again(cause, "redelivery-bound");
    }
    again("5 acks 1\n 5 acked 1\n 5 down", "redelivery-bound");
    again("5 returns 1\n 5 down", "holds");
    // Nor does one delivery end twice, or the queue go down when nothing was sent yet.
    let twice = format!("{GOT} 5 returns 1\n 5 lapses\n 6 gets 1\n 7 gets 1\n 0 end settled");
    check("bounded g0 n9", &twice, "redelivery-bound");
    let before = format!("9 down\n {GOT} 6 gets 1\n 0 end settled");
    check("bounded g0 n9", &before, "redelivery-bound");
    let after = format!("{GOT} 6 gets 1\n 9 down\n 0 end settled");
    check("bounded g0 n9", &after, "redelivery-bound");
    words(
        "bounded g0 n9",
        &format!("{GOT} 5 lapses\n 6 gets 1\n 7 gets 1\n 0 end settled"),
        "group-0 receives m0.1 twice at most: once for each time that it was sent, and once more \
         for each cause",
        "it received it 3 times: at 3 ms, 5 ms and 6 ms",
        &[1, 2, 3, 5, 6],
    );
}

#[test]
fn a_delivery_is_bounded_by_group_and_once_all_is_at_rest() {
    let both = format!("{GOT} 6 gets 1 g1\n");
    check("bounded g0 n9", &format!("{both} 0 end settled"), "holds");
    check("bounded g1 n9, bounded g0 n9", &format!("{both} 0 end settled"), "holds");
    let again = format!("{GOT} 6 gets 1\n");
    check("bounded g1 n9", &format!("{again} 0 end settled"), "holds");
    check("bounded g1 n9, bounded g0 n9", &format!("{again} 0 end quiescent"), "redelivery-bound");
    check("bounded g0 n9", &format!("{again} 0 end impatient"), "livelock");
    let why = "unknown: the history stops before the cause of every delivery is known";
    check("bounded g0 n9", &again, why);
    // Each attempt may have put it into the queue.
    let resent = format!("{GOT} 0 send 1 #1\n 0 ok 1 #1\n 6 gets 1\n 0 end settled");
    check("bounded g0 n9", &resent, "holds");
    check("bounded g0 n9", &resent.replace("0 end", "7 gets 1\n 0 end"), "redelivery-bound");
    check("bounded g0 n9", "5 gets 1\n 0 end settled", "holds");
    check("bounded g0 n9", "5 gets 1\n 5 gets 1\n 0 end settled", "redelivery-bound");
}

#[test]
fn a_lease_explains_a_delivery_if_there_was_time_for_it() {
    // Sent at 1 ms, received last at 4 ms.
    let again = format!("{GOT} 6 gets 1\n 6 acks 1\n 6 acked 1\n 0 end settled");
    check("bounded g0 n9 3ms", &again, "holds");
    check("bounded g0 n9 4ms", &again, "redelivery-bound");
    // Each lease takes its time.
    let twice = format!("{GOT} 6 gets 1\n 7 boot\n 7 gets 1\n 0 end settled");
    check("bounded g0 n9 2ms", &twice, "holds");
    check("bounded g0 n9 3ms", &twice, "redelivery-bound");
    check("bounded g0 n9 3ms", &twice.replace("7 boot", "5 lapses"), "holds");
}

#[test]
fn settled_for_good() {
    let settled = format!("{GOT} 5 acks 1\n 5 acked 1\n");
    check("settled g0", &format!("{settled} 5 gets 1"), "resurrected");
    check("settled g1 g0", &format!("{settled} 6 boot\n 6 gets 1"), "resurrected");
    check("settled g0", &format!("{settled} 5 gets 1 g1"), "holds");
    check("settled g1", &format!("{settled} 5 gets 1"), "holds");
    check("settled g0", &format!("{settled} 5 gets 2"), "holds");
    // To another session it may have been under way, and so may any before the confirmation.
    check("settled g0", &format!("6 boot\n {settled} 6 gets 1\n 6 gets 1"), "holds");
    check("settled g0", &format!("{settled} 6 gets 1\n 6 boot"), "holds");
    check("settled g0", &format!("{GOT} 5 acks 1\n 5 gets 1\n 5 acked 1"), "holds");
    check("settled g0", &format!("{GOT} 5 acks 1\n 5 wonders 1\n 5 gets 1"), "holds");
    // What is sent again comes again, if it was sent by then.
    let resent = "0 send 1 #1\n 0 ok 1 #1";
    check("settled g0", &format!("{settled} {resent}\n 5 gets 1"), "holds");
    check("settled g0", &format!("{settled} 5 gets 1\n {resent}"), "resurrected");
    words(
        "settled g0",
        &format!("{settled} 6 boot\n 6 gets 1"),
        "group-0 does not receive m0.1 again once it is settled for good",
        "the queue confirmed to node-5 at 5 ms that it is, and handed it to node-6 at 7 ms",
        &[1, 2, 3, 4, 5, 6, 7],
    );
}

#[test]
fn fence() {
    let owner = "5 acts 1 s3 t4\n 5 effect 1 s3\n";
    check("fenced 3", &format!("{owner} 6 acts 2 s3 t3\n 6 effect 2 s3"), "fence");
    check("fenced 3", &format!("{owner} 6 acts 2 s3 t4\n 6 effect 2 s3"), "holds");
    check("fenced 3", &format!("{owner} 6 acts 2 s3 t5\n 6 effect 2 s3"), "holds");
    check("fenced 3", &format!("{owner} 5 effect 1 s3"), "holds");
    check("fenced 3", &format!("{owner} 6 acts 2 s3 t3"), "holds");
    check("fenced 2", &format!("{owner} 6 acts 2 s3 t3\n 6 effect 2 s3"), "holds");
    // When it takes effect counts, not when it was begun.
    let begun = "6 acts 2 s3 t3\n";
    check("fenced 3", &format!("{begun} 6 effect 2 s3\n {owner}"), "holds");
    check("fenced 3", &format!("{begun} {owner} 6 effect 2 s3"), "fence");
    // Each sink counts for itself.
    check("fenced 3 2", &format!("{owner} 6 acts 2 s2 t3\n 6 effect 2 s2"), "holds");
    // Whoever begins an act twice may have done it under either token.
    check("fenced 3", &format!("{begun} {owner} 6 acts 2 s3 t9\n 6 effect 2 s3"), "holds");
    let either = "6 acts 2 s3 t3\n 6 acts 2 s3 t9\n 6 effect 2 s3\n";
    check("fenced 3", &format!("{either} {owner}"), "holds");
    words(
        "fenced 3",
        &format!("{owner} 6 acts 2 s3 t3\n 6 effect 2 s3"),
        "nothing under token 3 takes effect at sink-3 once something under token 4 has",
        "m0.1 took effect at 2 ms under token 4, and m0.2 at 4 ms under token 3",
        &[1, 2, 3, 4],
    );
}

#[test]
fn an_act_that_nobody_began() {
    check("fenced 3", "5 effect 1 s3", "fence");
    check("fenced 3", "5 acts 1 s2 t4\n 5 effect 1 s3", "fence");
    check("fenced 3", "5 effect 1 s3\n 5 acts 1 s3 t4", "fence");
    words(
        "fenced 3",
        "5 acts 2 s3 t4\n 5 effect 1 s3",
        "what takes effect at sink-3 was begun by somebody under a token",
        "m0.1 took effect at 2 ms, and nobody had begun it by then",
        &[2],
    );
}

#[test]
fn a_backlog_beyond_its_cap() {
    let two = "0 send 1\n 0 send 2\n 0 ok 1\n 0 ok 2\n";
    check("backlog s0 cap1 rest9 9ms", two, "backlog");
    check("backlog s0 cap2 rest9 9ms", two, "holds");
    check("backlog s0 rest9 9ms", two, "holds");
    let between = "0 send 1\n 0 send 2\n 0 ok 1\n 5 effect 1\n 0 ok 2\n";
    check("backlog s0 cap1 rest9 9ms", between, "holds");
    check("backlog s1 cap1 rest9 9ms", between, "backlog");
    let before = "0 send 1\n 0 send 2\n 5 effect 2\n 0 ok 1\n 0 ok 2\n 0 ok 1";
    check("backlog s0 cap1 rest9 9ms", before, "holds");
    check("backlog s0 cap1 rest9 9ms", "0 send 1\n 0 send 2\n 0 info 2\n 0 ok 1", "holds");
    words(
        "backlog s0 cap1 rest9 9ms",
        two,
        "no more than 1 acknowledged messages wait for their effect at sink-0",
        "at 4 ms there were 2",
        &[2, 4],
    );
}

#[test]
fn a_backlog_that_is_not_worked_off() {
    let busy = "0 send 1\n 0 ok 1\n 5 boot\n 5 boot\n 5 boot\n";
    let done = format!("{busy} 5 effect 1\n 0 end settled");
    // Sent at 1 ms, done at 6 ms.
    check("backlog s0 rest0 5ms", &done, "holds");
    check("backlog s0 rest0 4ms", &done, "backlog");
    check("backlog s0 rest1 1ms", &done, "holds");
    // A later send gives it more time, and so does the end of the faults.
    check("backlog s0 rest0 4ms", &done.replacen("5 boot", "0 heal", 1), "holds");
    let more = done.replacen("5 boot", "0 send 2\n 0 info 2", 1);
    check("backlog s0 rest0 4ms", &more, "holds");
    check("backlog s0 rest0 3ms", &more, "backlog");
    // At rest it is over whatever the time.
    check("backlog s0 rest0 99s", &format!("{busy} 0 end quiescent"), "backlog");
    check("backlog s0 rest1 99s", &format!("{busy} 0 end quiescent"), "holds");
    // As long as more may be sent nobody can tell.
    check("backlog s0 rest0 1ms", &done.replace("settled", "impatient"), "livelock");
    check("backlog s0 rest0 1ms", &done.replace("0 end settled", ""), "holds");
    let stops = "unknown: the history stops with 1 thing still to happen";
    check("backlog s0 rest0 1ms", busy, stops);
    words(
        "backlog s0 rest0 2ms",
        &done,
        "within 2 ms of the last send and of the end of the faults no more than 0 acknowledged \
         messages wait for their effect at sink-0",
        "1 were still waiting 2 ms after 1 ms",
        &[1, 7],
    );
    words(
        "backlog s0 rest0 99s",
        &format!("{busy} 0 end quiescent"),
        "within 99 s of the last send and of the end of the faults no more than 0 acknowledged \
         messages wait for their effect at sink-0",
        "1 were waiting when all came to rest",
        &[1, 6],
    );
}
