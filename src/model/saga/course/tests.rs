use super::*;
use Act::{Confirm, Confirmed, Do, Done, Refused, Undo, Undone};
use Phase::{Cancelled, Completed, Confirming, Doing, Undoing};
use SagaStyle::{Chain, Choreographed, Orchestrated, Tcc};

/// What a service hears of a step, and what it does then. If it hears nothing, its patience is at
/// an end.
type Turn = (Option<(u8, Act)>, Vec<(u8, Act)>);

fn hears(step: u8, act: Act, then: &[(u8, Act)]) -> Turn {
    (Some((step, act)), then.to_vec())
}

fn overdue(then: &[(u8, Act)]) -> Turn {
    (None, then.to_vec())
}

/// The phase after these turns of an order of this style.
#[track_caller]
fn check(style: SagaStyle, turns: &[&[Turn]], last: Phase) {
    let rules = Rules { style, steps: 3 };
    let (mut course, begun) = rules.begin();
    let first: &[(u8, Act)] = if style == Tcc { &[(0, Do), (1, Do), (2, Do)] } else { &[(0, Do)] };
    assert_eq!(begun, first);
    for (place, (heard, expected)) in turns.concat().into_iter().enumerate() {
        assert_eq!(Course::from_word(course.word()), course);
        let next = match heard {
            Some((step, act)) => rules.answered(course, step, act),
            None => rules.overdue(course),
        };
        let (next, orders) = next.unwrap_or((course, Vec::new()));
        assert_eq!(orders, expected, "turn {place}");
        course = next;
    }
    assert_eq!(course.phase, last);
}

#[test]
fn an_orchestrated_order_goes_step_by_step_and_back_the_same_way() {
    let taken = [hears(0, Done, &[(1, Do)]), hears(1, Done, &[(2, Do)])];
    let go = |rest: &[&[Turn]], last| check(Orchestrated, &[&[&taken[..]], rest].concat(), last);
    go(&[&[hears(2, Done, &[])]], Completed);
    go(&[&[hears(0, Done, &[]), hears(2, Done, &[])]], Completed);
    let back = [hears(1, Undone, &[(0, Undo)]), hears(0, Undone, &[])];
    go(&[&[hears(2, Refused, &[(1, Undo)])], &back], Cancelled);
    // What is overdue may have been done: it is undone too.
    let late = overdue(&[(2, Undo)]);
    go(&[&[late.clone(), hears(2, Undone, &[(1, Undo)])], &back], Cancelled);
    // Nothing else ends an undoing: no late answer, no second loss of patience.
    go(&[&[late.clone(), hears(2, Done, &[]), overdue(&[])]], Undoing);
    go(&[&[late, hears(2, Refused, &[])]], Undoing);
    check(Orchestrated, &[&[hears(0, Refused, &[])]], Cancelled);
    check(Orchestrated, &[&[hears(1, Done, &[]), hears(0, Confirmed, &[])]], Doing);
}

#[test]
fn of_choreographed_orders_only_the_ends_are_heard() {
    check(Choreographed, &[&[hears(0, Done, &[]), hears(1, Refused, &[])]], Doing);
    check(Choreographed, &[&[hears(2, Done, &[])]], Completed);
    check(Chain, &[&[hears(2, Done, &[])]], Completed);
    // It is called off at its far end, and then it is too late for it to be done.
    let late = overdue(&[(2, Undo)]);
    check(Choreographed, &[&[late.clone(), hears(2, Done, &[])]], Undoing);
    for act in [Refused, Undone] {
        check(Choreographed, &[&[hears(0, act, &[])]], Cancelled);
        check(Choreographed, &[&[late.clone(), hears(0, act, &[])]], Cancelled);
    }
    let over = [hears(2, Done, &[]), overdue(&[]), hears(0, Undone, &[])];
    check(Choreographed, &[&over], Completed);
}

#[test]
fn reservations_are_all_confirmed_or_all_cancelled() {
    let all = |act| [(0, act), (1, act), (2, act)];
    let two = [hears(2, Done, &[]), hears(0, Done, &[])];
    let go = |rest: &[&[Turn]], last| check(Tcc, &[&[&two[..]], rest].concat(), last);
    go(&[&[hears(0, Done, &[])]], Doing);
    let confirmed =
        [hears(1, Done, &all(Confirm)), hears(1, Confirmed, &[]), hears(0, Confirmed, &[])];
    // After the decision there is no way back.
    go(&[&confirmed, &[overdue(&[]), hears(2, Undone, &[])]], Confirming);
    go(&[&confirmed, &[hears(2, Confirmed, &[])]], Completed);
    let late = overdue(&all(Undo));
    go(&[&[late.clone(), hears(1, Done, &[]), hears(1, Undone, &[])]], Undoing);
    let cancelled = [hears(1, Undone, &[]), hears(2, Undone, &[]), hears(0, Undone, &[])];
    go(&[&[late], &cancelled], Cancelled);
    // Who has refused has nothing to cancel.
    let refused =
        [hears(1, Refused, &[(0, Undo), (2, Undo)]), hears(0, Undone, &[]), hears(2, Undone, &[])];
    go(&[&refused], Cancelled);
}
