use super::*;
use Act::{Confirm, Confirmed, Do, Done, Refused, Undo, Undone};
use Phase::{Cancelled, Completed, Confirming, Doing, Undoing};
use SagaStyle::{Chain, Choreographed, Orchestrated, Tcc};

/// What a service of this style hears in turn (nothing means that its patience is at an end), and
/// what it does each time; the last phase.
#[track_caller]
fn check(style: SagaStyle, heard: &[(Option<(u8, Act)>, &[(u8, Act)])], last: Phase) {
    let rules = Rules { style, steps: 3 };
    let (mut course, begun) = rules.begin();
    let first: &[(u8, Act)] = if style == Tcc { &[(0, Do), (1, Do), (2, Do)] } else { &[(0, Do)] };
    assert_eq!(begun, first);
    for (place, (heard, expected)) in heard.iter().enumerate() {
        assert_eq!(Course::from_word(course.word()), course);
        let next = match *heard {
            Some((step, act)) => rules.answered(course, step, act),
            None => rules.overdue(course),
        };
        let (next, orders) = next.unwrap_or((course, Vec::new()));
        assert_eq!(&orders, expected, "at {place}");
        course = next;
    }
    assert_eq!(course.phase, last);
}

#[test]
fn an_orchestrated_order_goes_step_by_step_and_back_the_same_way() {
    let taken: [(Option<(u8, Act)>, &[(u8, Act)]); 2] =
        [(Some((0, Done)), &[(1, Do)]), (Some((1, Done)), &[(2, Do)])];
    let go = |rest: &[(Option<(u8, Act)>, &[(u8, Act)])], last| {
        let heard: Vec<_> = taken.iter().chain(rest).copied().collect();
        check(Orchestrated, &heard, last);
    };
    go(&[(Some((2, Done)), &[])], Completed);
    go(&[(Some((0, Done)), &[]), (Some((2, Done)), &[])], Completed);
    let back: [(Option<(u8, Act)>, &[(u8, Act)]); 2] =
        [(Some((1, Undone)), &[(0, Undo)]), (Some((0, Undone)), &[])];
    go(&[&[(Some((2, Refused)), &[(1, Undo)] as &[_])], &back[..]].concat(), Cancelled);
    // What is overdue may have been done: it is undone too.
    let overdue = [&[(None, &[(2, Undo)] as &[_]), (Some((2, Undone)), &[(1, Undo)])], &back[..]];
    go(&overdue.concat(), Cancelled);
    // Nothing else ends an undoing: no late answer, no second loss of patience.
    go(&[(None, &[(2, Undo)]), (Some((2, Done)), &[]), (None, &[])], Undoing);
    go(&[(None, &[(2, Undo)]), (Some((2, Refused)), &[])], Undoing);
    check(Orchestrated, &[(Some((0, Refused)), &[])], Cancelled);
    check(Orchestrated, &[(Some((1, Done)), &[]), (Some((0, Confirmed)), &[])], Doing);
}

#[test]
fn of_choreographed_orders_only_the_ends_are_heard() {
    check(Choreographed, &[(Some((0, Done)), &[]), (Some((1, Refused)), &[])], Doing);
    check(Choreographed, &[(Some((2, Done)), &[])], Completed);
    for act in [Refused, Undone] {
        check(Choreographed, &[(Some((0, act)), &[])], Cancelled);
    }
    // It is called off at its far end, and then it is too late for it to be done.
    let overdue: (Option<(u8, Act)>, &[(u8, Act)]) = (None, &[(2, Undo)]);
    check(Choreographed, &[overdue, (Some((2, Done)), &[])], Undoing);
    for act in [Refused, Undone] {
        check(Choreographed, &[overdue, (Some((0, act)), &[])], Cancelled);
    }
    check(Chain, &[(Some((2, Done)), &[])], Completed);
    check(
        Choreographed,
        &[(Some((2, Done)), &[]), (None, &[]), (Some((0, Undone)), &[])],
        Completed,
    );
}

#[test]
fn reservations_are_all_confirmed_or_all_cancelled() {
    let all = |act| [(0, act), (1, act), (2, act)];
    let confirm: &[(u8, Act)] = &all(Confirm);
    let cancel: &[(u8, Act)] = &all(Undo);
    let two: [(Option<(u8, Act)>, &[(u8, Act)]); 2] =
        [(Some((2, Done)), &[]), (Some((0, Done)), &[])];
    let go = |rest: &[(Option<(u8, Act)>, &[(u8, Act)])], last| {
        let heard: Vec<_> = two.iter().chain(rest).copied().collect();
        check(Tcc, &heard, last);
    };
    go(&[(Some((0, Done)), &[])], Doing);
    let confirmed: [(Option<(u8, Act)>, &[(u8, Act)]); 3] =
        [(Some((1, Done)), confirm), (Some((1, Confirmed)), &[]), (Some((0, Confirmed)), &[])];
    // After the decision there is no way back.
    go(&[&confirmed[..], &[(None, &[]), (Some((2, Undone)), &[])]].concat(), Confirming);
    go(&[&confirmed[..], &[(Some((2, Confirmed)), &[])]].concat(), Completed);
    go(&[(None, cancel), (Some((1, Done)), &[]), (Some((1, Undone)), &[])], Undoing);
    let cancelled: [(Option<(u8, Act)>, &[(u8, Act)]); 4] = [
        (None, cancel),
        (Some((1, Undone)), &[]),
        (Some((2, Undone)), &[]),
        (Some((0, Undone)), &[]),
    ];
    go(&cancelled, Cancelled);
    // Who has refused has nothing to cancel.
    let refused: [(Option<(u8, Act)>, &[(u8, Act)]); 3] = [
        (Some((1, Refused)), &[(0, Undo), (2, Undo)]),
        (Some((0, Undone)), &[]),
        (Some((2, Undone)), &[]),
    ];
    go(&refused, Cancelled);
}
