//! Hand-written histories, and the definition transcribed.

use super::{
    Accessing, Budget, Call, Finding, Object, Queue, Queueing, Register, Window, fifo, search,
    window,
};
use Accessing::{Read, Replace, Write};
use Queueing::{Dequeue, Enqueue};

const AMPLE: Budget = Budget { steps: 1_000_000, bytes: 1 << 24 };

fn call<A>(began: u64, ended: u64, action: A) -> Call<A> {
    Call { began, ended: (ended > 0).then_some(ended), action }
}

/// Tries every order of every choice of pending calls.
fn naive<O: Object>(object: &O, calls: &[Call<O::Action>]) -> bool {
    fn go<O: Object>(
        object: &O,
        calls: &[Call<O::Action>],
        left: &mut Vec<usize>,
        state: &O::State,
    ) -> bool {
        if left.iter().all(|&place| calls[place].ended.is_none()) {
            return true;
        }
        for at in 0..left.len() {
            let place = left[at];
            if left.iter().any(|&other| calls[other].is_before(&calls[place])) {
                continue;
            }
            let answered = calls[place].ended.is_some();
            let Some(after) = object.step(state, calls[place].action, answered) else { continue };
            left.remove(at);
            let found = go(object, calls, left, &after);
            left.insert(at, place);
            if found {
                return true;
            }
        }
        false
    }
    go(object, calls, &mut (0..calls.len()).collect(), &object.start())
}

/// Random numbers below a bound, from a fixed seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % bound
    }

    fn call<A>(&mut self, action: A) -> Call<A> {
        let began = self.below(10);
        let ended = began + 1 + self.below(5);
        let ended = (self.below(8) > 0).then_some(ended);
        Call { began, ended, action }
    }
}

const HISTORIES: usize = 100_000;

/// A random call of a register that holds little.
fn accessing(dice: &mut Dice) -> Accessing {
    let (one, two) = (dice.below(2), dice.below(2));
    match dice.below(5) {
        0 => Read(None),
        1 | 2 => Read(Some(one)),
        3 => Write(one),
        _ => Replace(one, two),
    }
}

#[test]
fn registers_are_judged_as_the_definition_says_a_hundred_thousand_times() {
    let mut dice = Dice(1);
    let mut legal = 0;
    for _ in 0..HISTORIES {
        let calls: Vec<Call<Accessing>> = (0..=dice.below(6))
            .map(|_| {
                let action = accessing(&mut dice);
                dice.call(action)
            })
            .collect();
        let expected = naive(&Register::default(), &calls);
        legal += usize::from(expected);
        let found = search(&Register::default(), &calls, AMPLE);
        assert_eq!(found == Finding::Linearizable, expected, "{calls:?}: {found:?}");
        assert!(!matches!(found, Finding::Unknown { .. }), "{calls:?}");
    }
    assert!((HISTORIES / 10..HISTORIES * 9 / 10).contains(&legal), "{legal} are legal");
}

#[test]
fn queues_are_judged_as_the_definition_says_a_hundred_thousand_times() {
    let mut dice = Dice(2);
    let (mut legal, mut decided) = (0, 0);
    for _ in 0..HISTORIES {
        let values = 1 + dice.below(3);
        let mut calls: Vec<Call<Queueing>> =
            (0..values).map(|value| dice.call(Enqueue(value))).collect();
        for value in 0..=dice.below(values + 1) {
            let nothing = dice.below(12) == 0;
            calls.push(dice.call(Dequeue((!nothing).then_some(value))));
        }
        if dice.below(12) == 0 {
            calls.push(dice.call(Enqueue(0)));
        }
        let expected = naive(&Queue, &calls);
        legal += usize::from(expected);
        let found = search(&Queue, &calls, AMPLE);
        assert_eq!(found == Finding::Linearizable, expected, "{calls:?}: {found:?}");
        match fifo(&calls) {
            Finding::Unknown { why, .. } => {
                let plain = |call: &Call<Queueing>| match call.action {
                    Enqueue(_) => true,
                    Dequeue(value) => value.is_some() && call.ended.is_some(),
                };
                let twice = why.contains("more than once");
                assert!(twice || !calls.iter().all(plain), "{calls:?}: {why}");
            }
            found => {
                decided += 1;
                assert_eq!(found == Finding::Linearizable, expected, "{calls:?}: {found:?}");
            }
        }
    }
    assert!((HISTORIES / 10..HISTORIES * 9 / 10).contains(&legal), "{legal} are legal");
    assert!(decided > HISTORIES / 2, "only {decided} are decided");
}

#[test]
fn what_is_shown_of_a_register_has_no_order_itself() {
    let mut dice = Dice(3);
    let (mut shown, mut smaller) = (0, 0);
    for _ in 0..HISTORIES / 4 {
        let calls: Vec<Call<Accessing>> = (0..=dice.below(8))
            .map(|_| {
                let action = accessing(&mut dice);
                dice.call(action)
            })
            .collect();
        let register = Register::default();
        let found = window(&register, &calls, AMPLE);
        assert_eq!(found.is_none(), naive(&register, &calls), "{calls:?}");
        let Some(Window { calls: places, odd, held }) = found else { continue };
        let until = calls[odd].ended.unwrap();
        let picked: Vec<_> = {
            let kept = places.iter();
            let kept = kept.map(|&place| calls[place]);
            kept.map(|call| Call { ended: call.ended.filter(|&end| end <= until), ..call })
                .collect()
        };
        assert!(places.contains(&odd), "{calls:?}");
        assert!(!naive(&register, &picked), "{calls:?}: {places:?}");
        assert!(!held.is_empty(), "{calls:?}: without {odd} there is an order of {places:?}");
        shown += 1;
        smaller += usize::from(places.len() < calls.len());
    }
    assert!(smaller * 2 > shown && shown > HISTORIES / 40, "{smaller} of {shown}");
}

#[test]
fn one_old_read_at_the_end_of_a_long_register_is_shown_by_four_calls() {
    // One client writes, then one reads while another replaces, over and over.
    let mut calls = Vec::new();
    for turn in 0..10_000_u64 {
        let now = turn * 10;
        calls.push(call(now, now + 4, Write(turn % 5)));
        calls.push(call(now + 5, now + 8, Read(Some(turn % 5))));
        calls.push(call(now + 5, now + 9, Replace(turn % 5, turn % 5)));
    }
    let ample = Budget { steps: 10_000_000, bytes: 1 << 30 };
    assert_eq!(search(&Register::default(), &calls, ample), Finding::Linearizable);
    let last = calls.len() - 2;
    calls[last].action = Read(Some(3));
    let found = window(&Register::default(), &calls, ample).unwrap();
    assert_eq!(found.odd, last);
    assert!(found.calls.len() <= 4, "{found:?}");
    assert_eq!(found.held, [Some(4)].into());
}

#[track_caller]
fn check_queue(calls: &[Call<Queueing>], part: &str, shown: &[usize]) {
    match fifo(calls) {
        Finding::Linearizable => assert_eq!(part, "", "it is legal"),
        Finding::Impossible { why, calls } => {
            assert!(!part.is_empty() && why.contains(part), "{why}");
            assert_eq!(calls, shown);
        }
        Finding::Unknown { why, .. } => assert!(shown.is_empty() && why.contains(part), "{why}"),
    }
}

#[test]
fn queues_by_hand() {
    let put = |began, ended, value| call(began, ended, Enqueue(value));
    let take = |began, ended, value| call(began, ended, Dequeue(Some(value)));
    check_queue(&[], "", &[]);
    check_queue(&[put(1, 2, 1), put(3, 4, 2), take(5, 6, 1), take(7, 8, 2)], "", &[]);
    // Puts that overlap come out either way.
    check_queue(&[put(1, 4, 1), put(2, 3, 2), take(5, 6, 2), take(7, 8, 1)], "", &[]);
    let swapped = [put(1, 2, 1), put(3, 4, 2), take(5, 6, 2), take(7, 8, 1)];
    check_queue(&swapped, "taken out last", &[0, 1, 2, 3]);
    let left = [put(1, 2, 1), put(3, 4, 2), take(5, 6, 2)];
    check_queue(&left, "was not taken out", &[0, 1, 2]);
    check_queue(&[put(1, 2, 1), take(3, 4, 1), take(5, 6, 1)], "taken out twice", &[1, 2]);
    check_queue(&[take(1, 2, 7)], "nobody had put it in", &[0]);
    check_queue(&[take(1, 2, 7), put(3, 4, 7)], "before it was put in", &[0, 1]);
    // A put without an answer may have happened; a take without one may have taken anything.
    check_queue(&[put(1, 0, 1), take(3, 4, 1)], "", &[]);
    let open = call(1, 0, Dequeue(None));
    check_queue(&[put(1, 2, 1), put(3, 4, 2), take(5, 6, 2), open], "without an answer", &[]);
}

#[test]
fn registers_by_hand() {
    let legal = |calls: &[Call<Accessing>]| {
        search(&Register::default(), calls, AMPLE) == Finding::Linearizable
    };
    assert!(legal(&[]));
    assert!(legal(&[call(1, 2, Write(1)), call(3, 4, Read(Some(1)))]));
    assert!(!legal(&[call(1, 2, Write(1)), call(3, 4, Read(None))]));
    // New, then old.
    let write = [call(1, 2, Write(1)), call(3, 9, Write(2))];
    let reads = [call(4, 5, Read(Some(2))), call(6, 7, Read(Some(1)))];
    assert!(!legal(&[write, reads].concat()));
    // A write without an answer may land late, once.
    let late = call(1, 0, Write(3));
    let back = [call(2, 3, Write(1)), call(4, 5, Read(Some(1))), call(6, 7, Read(Some(3)))];
    assert!(legal(&[&[late][..], &back].concat()));
    assert!(!legal(&[&[late][..], &back, &[call(8, 9, Read(Some(1)))]].concat()));
    assert!(!legal(&[call(1, 2, Write(1)), call(3, 4, Replace(2, 3))]));
    let impossible = [call(1, 2, Write(1)), call(3, 4, Read(Some(2)))];
    let found = search(&Register::default(), &impossible, AMPLE);
    assert!(matches!(&found, Finding::Impossible { calls, .. } if calls == &[1]), "{found:?}");
}

#[test]
fn a_search_ends_with_its_budget_and_says_so() {
    // Forty writes at once, and a read that none of them explains.
    let mut calls: Vec<_> = (0..40).map(|value| call(1, 100, Write(value))).collect();
    calls.push(call(50, 60, Read(Some(99))));
    let check = |steps, bytes, part: &str| {
        let found = search(&Register::default(), &calls, Budget { steps, bytes });
        assert!(matches!(&found, Finding::Unknown { why, .. } if why.contains(part)), "{found:?}");
    };
    check(10_000, usize::MAX, "10000 steps");
    check(u64::MAX, 1 << 20, "1048576 bytes");
}

#[test]
fn one_swap_at_the_end_of_a_long_queue_is_found() {
    let mut calls = Vec::new();
    for value in 0..200_000 {
        calls.push(call(value * 10, value * 10 + 15, Enqueue(value)));
        calls.push(call(value * 10 + 20, value * 10 + 32, Dequeue(Some(value))));
    }
    assert_eq!(fifo(&calls), Finding::Linearizable);
    let last = calls.len();
    for (place, value) in [(last - 1, 199_996), (last - 7, 199_999)] {
        calls[place].action = Dequeue(Some(value));
    }
    calls[last - 7].ended = Some(2_000_000);
    let Finding::Impossible { calls: shown, .. } = fifo(&calls) else { panic!("it is illegal") };
    assert!(shown.contains(&(last - 1)), "{shown:?}");
}
