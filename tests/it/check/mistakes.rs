//! Mistakes that checkers of message systems are known to make, and promises of a system's own.

use super::check;
use super::text::{history, message, promises, tell};
use postulate::check::{Checker, CustomPromise, Judge, Promise, Rule, Verdict, Violation, judge};
use postulate::history::{Event, History, Operation, lines};
use postulate::id::SinkId;
use std::sync::Arc;

/// Passing a history without anything in it.
#[test]
fn an_empty_history_proves_nothing() {
    check("exactly-once 0", "", "unknown: the history is empty");
}

/// Counting duplicates and passing nevertheless; a test for duplicates that cannot fire.
#[test]
fn one_duplicate_among_many_effects_suffices() {
    let text =
        lines_for(200, |number| format!("0 send {number}\n 5 effect {number}\n 0 ok {number}\n"));
    check("exactly-once 0", &format!("{text} 0 end settled"), "holds");
    check("exactly-once 0", &format!("{text} 5 effect 199\n 0 end settled"), "duplicate-effect");
}

/// Taking a failed write that shows up for a recovered one.
#[test]
fn an_effect_of_a_failed_send_is_not_recovered() {
    check("exactly-once 0", "0 send 1\n 0 fail 1\n 5 effect 1\n 0 end settled", "phantom-effect");
}

/// A value that nobody wrote crashing the checker, or reading as unknown.
#[test]
fn a_value_that_nobody_wrote_is_named() {
    check("exactly-once 0", "5 effect 4000000000 =3\n 0 end settled", "phantom-effect");
    check("exactly-once 0", "5 read 4000000000 @9:9 =3\n 0 end settled", "corrupted");
    check("idempotent, order, durable", "5 read 4 @9:8\n 5 read 4 @9:9\n 0 end settled", "holds");
    check(
        "never-ahead g0:s0, projected 1",
        "5 read 4 @9:8\n 1 view 0\n 0 end settled",
        "stale-projection",
    );
}

/// The last reader crashing at the end of the run, so that nothing can be said of what it left.
#[test]
fn a_reader_that_is_down_at_the_end_leaves_nothing_open() {
    let down = "0 send 1\n 0 ok 1 @0:0\n 5 boot\n 5 down\n 0 end quiescent";
    check("at-least-once", down, "unseen");
    check("at-least-once 0, order", down, "lost");
    check("order, durable", down, "holds");
}

/// Taking a message under the wrong key for no anomaly at all.
#[test]
fn a_record_under_the_wrong_key_or_in_the_wrong_partition_is_an_anomaly() {
    let sent = "0 send 1 k1\n 0 ok 1 @0:0\n";
    check("exactly-once 0", &format!("{sent} 5 read 1 @0:0 k2\n 5 effect 1"), "misrouted");
    check("exactly-once 0", &format!("{sent} 5 read 1 @1:0 k1\n 5 effect 1"), "misrouted");
}

/// An error code that only may mean failure is information, not failure.
#[test]
fn an_indeterminate_send_neither_must_nor_must_not_take_effect() {
    check("exactly-once 0", "0 send 1\n 0 info 1\n 0 end settled", "holds");
    check("exactly-once 0", "0 send 1\n 0 info 1\n 5 effect 1\n 0 end settled", "holds");
    let fail_after_info = "0 send 1\n 0 info 1\n 0 send 1 #1\n 0 fail 1 #1\n 5 effect 1";
    check("exactly-once 0", &format!("{fail_after_info}\n 0 end settled"), "holds");
}

/// A verdict of two values, so that a run cut short reads as a pass.
#[test]
fn what_was_cut_short_is_unknown() {
    let waiting = "0 send 1\n 0 ok 1";
    check("exactly-once 0", waiting, "unknown: the history stops with 1 thing still to happen");
    let spent = format!("{waiting}\n 0 end budget");
    check(
        "exactly-once 0",
        &spent,
        "unknown: the budget of the run was spent with 1 thing still to happen",
    );
    let nothing_owed = "0 send 1\n 5 effect 1\n 0 ok 1\n 0 end budget";
    let why = "unknown: the budget of the run was spent with 0 things still to happen";
    check("exactly-once 0", nothing_owed, why);
    let stopped = "unknown: the run was stopped by a broken promise that is not judged here";
    check("exactly-once 0", "0 send 1\n 5 effect 1\n 0 ok 1\n 0 end broken", stopped);
    let before = "unknown: the history stops before the replicas could be compared";
    check("convergent 1 2", "1 view 5\n 2 view 5", before);
}

/// An oracle that compares a value with itself: a lone replica still has to equal the effects.
#[test]
fn a_lone_replica_is_compared_with_the_effects() {
    let text = "0 send 1\n 5 effect 1\n 0 ok 1\n 5 view 0\n 5 view 0\n 0 end settled";
    check("convergent 5:s0", text, "diverged");
}

/// A search that explodes: 40 000 records of one key, sent in order and stored in reverse.
#[test]
fn a_long_history_is_judged_in_no_time() {
    let sent = lines_for(40_000, |number| format!("0 send {number}\n"));
    let kept = lines_for(40_000, |number| format!("0 ok {number} @0:{number}\n"));
    let reversed = lines_for(40_000, |number| format!("0 ok {number} @0:{}\n", 40_000 - number));
    check("order, idempotent", &(sent.clone() + &kept), "holds");
    check("order, idempotent", &(sent + &reversed), "order");
}

/// A search that explodes: a consumer that passes over every other record, many that begin again
/// and again, records at absurd offsets, and commits that nobody answers.
#[test]
fn long_histories_of_consumers_are_judged_in_no_time() {
    let sent = lines_for(20_000, |number| format!("0 send {number}\n 0 ok {number} @0:{number}\n"));
    let every_other = |reader: u32| {
        lines_for(10_000, |half| format!("{reader} read {0} @0:{0}\n", half * 2 + reader % 2))
    };
    let both = format!("{sent}{}{}", every_other(6), every_other(7));
    check("durable", &format!("{both} 0 end settled"), "lost-record");
    check("durable compacted, order", &format!("{both} 0 end settled"), "holds");
    check("durable 1ms, order", &format!("{both} 0 end settled"), "holds");
    check("durable 99s, order", &both, "skipped");
    let back = lines_for(20_000, |number| format!("5 read {0} @0:{0}\n", 19_999 - number));
    check("durable, order", &format!("{sent}{back} 0 end settled"), "skipped");
    check("durable", &format!("{sent}{back} 0 end settled"), "holds");
    let again = lines_for(10_000, |number| {
        format!("5.{number} boot\n 5.{number} commits @0:0\n 5.{number} read 0 @0:0\n")
    });
    check("durable, order, never-ahead g1:s0", &format!("{sent}{again} 0 end settled"), "holds");
    let far = lines_for(20_000, |number| {
        let offset = u64::MAX - 7 * u64::from(number);
        format!("0 send {number}\n 0 ok {number} @0:{offset}\n 5 read {number} @0:{offset}\n")
    });
    check("durable", &format!("{far} 0 end settled"), "holds");
    check("order", &format!("{far} 0 end settled"), "order");
}

/// Counting completions only, so that what was never begun or answered is no matter.
#[test]
fn what_was_planned_and_not_done_counts() {
    check("exactly-once 0", "0 plan 1\n 0 plan 2\n 0 end quiescent", "deadlock");
    let half = "0 plan 1\n 0 plan 2\n 0 send 1\n 5 effect 1\n 0 ok 1\n 0 end settled";
    check("exactly-once 0", half, "deadlock");
    check("exactly-once 0", &half.replace("0 plan 2\n", ""), "holds");
}

fn lines_for(messages: u32, text: impl Fn(u32) -> String) -> String {
    (0..messages).map(text).collect()
}

/// The error of the reader for a text in JSON Lines.
#[track_caller]
fn refuse(text: &str, expect: &str) {
    let error = lines::read(text.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with(expect), "{error}");
}

const BOOT: &str = r#"{"at":"1ms","process":0,"incarnation":0,"kind":"boot"}"#;

#[test]
fn a_line_that_is_no_operation_is_refused_by_its_number() {
    assert_eq!(lines::read(BOOT.as_bytes()).unwrap().operations().len(), 1);
    refuse(&format!("{BOOT}\n{{\"at\":\"2ms\"}}"), "line 2: missing field");
    refuse(&format!("{BOOT}\n\n{BOOT}"), "line 2: EOF");
    refuse(&BOOT.replace("boot", "reboot"), "line 1: unknown variant `reboot`");
}

#[test]
fn a_line_that_contradicts_an_earlier_one_is_refused_by_its_number() {
    let refuse = |text: &str, expect: &str| {
        let mut exported = Vec::new();
        lines::write(&history(text), &mut exported).unwrap();
        refuse(&String::from_utf8(exported).unwrap(), expect);
    };
    refuse("0 send 1\n 0 ok 2", "line 2: attempt 0 of m0.2 is answered, never sent");
    refuse("0 send 1\n 1 ok 1", "line 2: attempt 0 of m0.1 is answered, never sent");
    refuse("0 send 1\n 0.1 ok 1", "line 2: attempt 0 of m0.1 is answered, never sent");
    refuse("0 send 1\n 0 info 1\n 0 ok 1", "line 3: attempt 0 of m0.1 is answered twice");
    refuse("0 send 1\n 0 info 1\n 0 send 1", "line 3: attempt 0 of m0.1 is sent twice");
    let never = "an ack of m0.1 by group-0 is answered, never sent";
    refuse("5 acked 1", &format!("line 1: {never}"));
    for acks in ["6 acks 1", "5.1 acks 1", "5 acks 2", "5 gets 1"] {
        refuse(&format!("{acks}\n 5 acked 1"), &format!("line 2: {never}"));
    }
    let other = "line 2: an ack of m0.1 by group-1 is answered, never sent";
    refuse("5 acks 1\n 5 wonders 1 g1", other);
    let twice = "line 3: the ack of m0.1 by group-0 is answered twice";
    refuse("5 acks 1\n 5 acked 1\n 5 acked 1", twice);
    refuse("5 acks 1\n 5 wonders 1\n 5 acked 1", twice);
}

#[test]
fn a_message_may_be_acked_once_for_each_time_that_it_is_handed_out() {
    for text in ["5 acks 1\n 5 wonders 1\n 5 acks 1\n 5 acked 1", "5 acks 1\n 5 acks 1\n 5 acked 1"]
    {
        let mut exported = Vec::new();
        lines::write(&history(text), &mut exported).unwrap();
        assert_eq!(lines::read(&exported[..]).unwrap(), history(text));
    }
}

/// No more than `limit` sends may be planned; the first is awaited.
#[derive(Debug)]
struct FewPlans {
    limit: usize,
}

#[derive(Debug)]
struct PlanCounter {
    limit: usize,
    plans: usize,
}

impl CustomPromise for FewPlans {
    fn checker(&self) -> Box<dyn Checker> {
        Box::new(PlanCounter { limit: self.limit, plans: 0 })
    }
}

impl Checker for PlanCounter {
    fn reset(&mut self) {
        self.plans = 0;
    }

    fn observe(&mut self, operation: &Operation) {
        self.plans += usize::from(matches!(operation.event, Event::Plan { .. }));
    }

    fn owed(&self) -> u32 {
        u32::from(self.plans == 0)
    }

    fn broken(&self) -> Option<Violation> {
        (self.plans > self.limit).then(|| Violation {
            rule: Rule::Custom,
            expected: format!("at most {} plans", self.limit),
            observed: format!("{} plans", self.plans),
            about: vec![message(1)],
            operations: Vec::new(),
        })
    }

    fn conclude(&mut self) -> Verdict {
        Verdict::Holds
    }
}

#[test]
fn a_promise_of_the_systems_own_is_judged_with_the_others() {
    let promises = [Promise::Custom(Arc::new(FewPlans { limit: 1 }))];
    let told = |text: &str| tell(&judge(&history(text), &promises));
    let once = "0 plan 1\n 0 send 1\n 0 ok 1\n";
    assert_eq!(told(&format!("{once} 0 end settled")), "holds");
    assert_eq!(told(&format!("{once} 0 plan 1\n 0 end broken")), "custom");
    assert_eq!(told("0 heal\n 0 end quiescent"), "deadlock");
    let mut judge = Judge::new(&promises);
    for _ in 0..2 {
        judge.reset();
        assert_eq!((judge.owed(), judge.broken()), (1, false));
        let text = history(&format!("{once} 0 plan 1\n 0 end broken"));
        text.operations().iter().for_each(|operation| judge.observe(operation));
        assert_eq!((judge.owed(), judge.broken()), (0, true));
        let Verdict::Violated(violation) = judge.conclude(&text) else { panic!("it is broken") };
        assert_eq!(violation.operations.len(), 2, "the sends of what it is about");
    }
}

#[test]
#[should_panic(expected = "promises name more than 64 sinks")]
fn more_sinks_than_there_is_room_for_are_refused_before_the_run() {
    Judge::new(&[Promise::AtMostOnce { sinks: (0..65).map(SinkId).collect() }]);
}

#[test]
fn the_last_sink_that_there_is_room_for_is_judged() {
    let sinks: Vec<String> = (0..64).map(|sink| sink.to_string()).collect();
    let twice = "0 send 1\n 5 effect 1 s63\n 5 effect 1 s63\n 0 end broken";
    check(&format!("at-most-once {}", sinks.join(" ")), twice, "duplicate-effect");
}

#[test]
fn no_promise_still_wants_what_was_planned() {
    let verdict = |text: &str| tell(&judge(&history(text), &[]));
    assert_eq!(verdict("0 plan 1\n 0 end quiescent"), "deadlock");
    assert_eq!(verdict("0 plan 1\n 0 send 1\n 0 fail 1\n 0 end settled"), "holds");
    assert_eq!(
        tell(&judge(&History::default(), &promises("order"))),
        "unknown: the history is empty"
    );
}
