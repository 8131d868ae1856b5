//! How much of a step.

use super::super::exhaustive::Step;
use crate::choice::{Choice, Key, Opening, Site};
use crate::clock::DRIFT_MAX;
use crate::schedule::{Fault, Trouble};
use crate::time::Span;

/// The most actions after which a crash falls.
const ACTIONS_MAX: u32 = 16;

/// The step with its spans and numbers changed by `how`, of which 0 leaves them as they are.
///
/// Spans are multiplied by 1 to 2 in thirty-seconds, which the lower five bits say, and by a power
/// of 2 from 1/16 to 8, which the upper three do. Numbers are moved on, and begin again at the
/// least that is not quiet.
pub(super) fn stretched(step: Step, how: u8, opening: &Opening, latency: Span) -> Step {
    let among = match *opening {
        Opening::Asked { among, .. } => among,
        Opening::Start | Opening::Handled { .. } => None,
    };
    match step {
        Step::Fault(Fault { when, what }) => Step::Fault(Fault { when, what: troubled(what, how) }),
        Step::Decision(key, choice) => {
            Step::Decision(key, chosen(key, choice, how, among, latency))
        }
    }
}

fn chosen(key: Key, choice: Choice, how: u8, among: Option<u64>, latency: Span) -> Choice {
    let moved = |value: u64| match among {
        Some(among @ 2..) => 1 + (value - 1 + u64::from(how)) % (among - 1),
        _ => value,
    };
    match choice {
        Choice::Late(late) => Choice::Late(times(late, how)),
        Choice::Twice { late, again } => Choice::Twice { late, again: times(again, how) },
        Choice::Corrupted { bit, late } => Choice::Corrupted { bit: bit + u64::from(how), late },
        Choice::OnlyWithin(within) if how == 0 => Choice::OnlyWithin(within),
        Choice::OnlyWithin(_) => Choice::OnlyWithin(times(latency, how)),
        Choice::AfterAction(actions) => {
            Choice::AfterAction(1 + (actions - 1 + u32::from(how)) % ACTIONS_MAX)
        }
        Choice::Undone(undone) => Choice::Undone(moved(u64::from(undone)) as u32),
        Choice::Misdirected(back) => Choice::Misdirected(back + u32::from(how)),
        Choice::Value(value) => Choice::Value(moved(value)),
        Choice::Skew(skew) if key.site() == Site::Drift => {
            Choice::Skew(times_signed(skew, how).clamp(-i64::from(DRIFT_MAX), DRIFT_MAX.into()))
        }
        Choice::Skew(skew) => Choice::Skew(times_signed(skew, how)),
        Choice::Lost | Choice::Torn | Choice::Failed(_) | Choice::Lied(_) | Choice::Missed => {
            choice
        }
    }
}

fn troubled(trouble: Trouble, how: u8) -> Trouble {
    match trouble {
        Trouble::Crash { node, down } => Trouble::Crash { node, down: times(down, how) },
        Trouble::PowerCut { node, down } => Trouble::PowerCut { node, down: times(down, how) },
        Trouble::Pause { node, lasting } => Trouble::Pause { node, lasting: times(lasting, how) },
        Trouble::Cut { from, to, lasting } => {
            Trouble::Cut { from, to, lasting: times(lasting, how) }
        }
        Trouble::Hold { from, to, lasting } => {
            Trouble::Hold { from, to, lasting: times(lasting, how) }
        }
        Trouble::Grey { from, to, slower, loss, duplicate, lasting } => {
            let slower = times(slower, how);
            Trouble::Grey { from, to, slower, loss, duplicate, lasting }
        }
        Trouble::ClockStep { node, by } => Trouble::ClockStep { node, by: times_signed(by, how) },
        Trouble::FullDisk { node, lasting } => {
            Trouble::FullDisk { node, lasting: times(lasting, how) }
        }
        Trouble::BitRot { node, file, back } => {
            Trouble::BitRot { node, file, back: back + u32::from(how) }
        }
        Trouble::Disconnect { .. } => trouble,
    }
}

fn times(span: Span, how: u8) -> Span {
    Span::nanos_of(scaled(span.nanos(), how).max(1))
}

fn times_signed(number: i64, how: u8) -> i64 {
    let scaled = scaled(number.unsigned_abs(), how).min(i64::MAX as u64) as i64;
    if number < 0 { -scaled } else { scaled }
}

fn scaled(number: u64, how: u8) -> u64 {
    let number = u128::from(number) * u128::from(32 + (how & 31));
    let scaled = match how >> 5 {
        up @ 0..4 => number << up >> 5,
        down => number >> (8 - down) >> 5,
    };
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(number: u64, how: u8, expected: u64) {
        assert_eq!(scaled(number, how), expected);
    }

    #[test]
    fn spans_are_stretched_from_a_sixteenth_to_almost_sixteen_times() {
        check(320, 0, 320);
        check(320, 1, 330);
        check(320, 31, 630);
        check(320, 1 << 5, 640);
        check(320, 3 << 5 | 31, 5_040);
        check(320, 4 << 5, 20);
        check(320, 7 << 5, 160);
        check(u64::MAX, 3 << 5, u64::MAX);
    }

    #[test]
    fn no_choice_becomes_the_quiet_one() {
        let key = Key::new(Site::Node, crate::choice::Actor::Run, 0, 0);
        for how in 0..=u8::MAX {
            let value = chosen(key, Choice::Value(2), how, Some(3), Span::nanos_of(9));
            assert!(matches!(value, Choice::Value(1 | 2)), "{value:?}");
            assert_ne!(times(Span::nanos_of(1), how), Span::ZERO);
        }
    }
}
