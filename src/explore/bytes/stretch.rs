//! How much of a step.

use super::super::exhaustive::Step;
use crate::choice::{Choice, Key, Opening, Site};
use crate::profile::{
    DRAWN_DRIFT_MAX, DRAWN_OFFSET_MAX, NOTICE_LATENCIES_MAX, Profile, TIMER_LATE_MAX,
};
use crate::schedule::{Fault, Trouble};
use crate::time::Span;

/// The most actions after which a crash falls.
const ACTIONS_MAX: u32 = 16;

/// The most records that a misdirected one lands early.
const BACK_MAX: u32 = 8;

/// How much there is at most: no more than a seed draws, since what keeps its promises keeps them
/// under faults that pass. What the heal ends needs no bound.
#[derive(Debug)]
pub(super) struct Measure {
    latency: Span,
    message: Span,
    timer: Span,
    sync: Span,
    notice: Span,
    slower: Span,
}

impl Measure {
    pub(super) fn of(profile: &Profile) -> Self {
        let latency = profile.link.latency.max(Span::NANO);
        Self {
            latency,
            message: profile.delay_max().max(Span::NANO),
            timer: TIMER_LATE_MAX,
            sync: profile.sync_late_max().max(Span::NANO),
            notice: latency.times(NOTICE_LATENCIES_MAX),
            slower: profile.slower_max().max(Span::NANO),
        }
    }

    /// The step with its spans and numbers changed by `how`, of which 0 leaves them as they are.
    ///
    /// Spans are multiplied by 1 to 2 in thirty-seconds, which the lower five bits say, and by a
    /// power of 2 from 1/16 to 8, which the upper three do. Numbers are moved on, and begin again
    /// at the least that is not quiet.
    pub(super) fn stretched(&self, step: Step, how: u8, opening: &Opening) -> Step {
        let among = match *opening {
            Opening::Asked { among, .. } => among,
            Opening::Start | Opening::Handled { .. } => None,
        };
        match step {
            Step::Fault(Fault { when, what }) => {
                Step::Fault(Fault { when, what: self.troubled(what, how) })
            }
            Step::Decision(key, choice) => {
                Step::Decision(key, self.chosen(key, choice, how, among))
            }
        }
    }

    fn chosen(&self, key: Key, choice: Choice, how: u8, among: Option<u64>) -> Choice {
        let moved = |value: u64| match among {
            Some(among @ 2..) => 1 + (value - 1 + u64::from(how)) % (among - 1),
            _ => value,
        };
        let on = |number: u32, most: u32| 1 + (number - 1 + u32::from(how)) % most;
        match choice {
            Choice::Late(late) => Choice::Late(times(late, how).min(self.late_max(key.site()))),
            Choice::Twice { late, again } => {
                Choice::Twice { late, again: times(again, how).min(self.message) }
            }
            Choice::Corrupted { bit, late } => {
                Choice::Corrupted { bit: bit + u64::from(how), late }
            }
            Choice::Garbled { bits, late } => {
                Choice::Garbled { bits: bits.moved(u32::from(how)), late }
            }
            Choice::OnlyWithin(within) if how == 0 => Choice::OnlyWithin(within),
            Choice::OnlyWithin(_) => Choice::OnlyWithin(times(self.latency, how)),
            Choice::AfterAction(actions) => Choice::AfterAction(on(actions, ACTIONS_MAX)),
            Choice::Undone(undone) => Choice::Undone(moved(u64::from(undone)) as u32),
            Choice::Misdirected(back) => Choice::Misdirected(on(back, BACK_MAX)),
            Choice::Value(value) => Choice::Value(moved(value)),
            Choice::Skew(skew) => {
                let is_drift = key.site() == Site::Drift;
                let most = if is_drift { DRAWN_DRIFT_MAX } else { DRAWN_OFFSET_MAX };
                Choice::Skew(times_signed(skew, how, most))
            }
            Choice::Lost | Choice::Torn | Choice::Failed(_) | Choice::Lied(_) | Choice::Missed => {
                choice
            }
        }
    }

    fn late_max(&self, site: Site) -> Span {
        match site {
            Site::Timer => self.timer,
            Site::Sync => self.sync,
            Site::Notice => self.notice,
            _ => self.message,
        }
    }

    fn troubled(&self, trouble: Trouble, how: u8) -> Trouble {
        match trouble {
            Trouble::Crash { node, down } => Trouble::Crash { node, down: times(down, how) },
            Trouble::PowerCut { node, down } => Trouble::PowerCut { node, down: times(down, how) },
            Trouble::Pause { node, lasting } => {
                Trouble::Pause { node, lasting: times(lasting, how) }
            }
            Trouble::Cut { from, to, lasting } => {
                Trouble::Cut { from, to, lasting: times(lasting, how) }
            }
            Trouble::Hold { from, to, lasting } => {
                Trouble::Hold { from, to, lasting: times(lasting, how) }
            }
            Trouble::Grey { from, to, slower, loss, duplicate, lasting } => {
                let slower = times(slower, how).min(self.slower);
                Trouble::Grey { from, to, slower, loss, duplicate, lasting }
            }
            Trouble::ClockStep { node, by } => {
                Trouble::ClockStep { node, by: times_signed(by, how, DRAWN_OFFSET_MAX) }
            }
            Trouble::FullDisk { node, lasting } => {
                Trouble::FullDisk { node, lasting: times(lasting, how) }
            }
            Trouble::BitRot { node, file, back } => {
                Trouble::BitRot { node, file, back: back + u32::from(how) }
            }
            Trouble::Disconnect { .. } => trouble,
        }
    }
}

fn times(span: Span, how: u8) -> Span {
    Span::nanos_of(scaled(span.nanos(), how).max(1))
}

fn times_signed(number: i64, how: u8, most: u64) -> i64 {
    let scaled = scaled(number.unsigned_abs(), how).min(most).cast_signed();
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
    use crate::choice::Actor;
    use crate::id::NodeId;

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
    fn nothing_becomes_quiet_or_more_than_a_seed_draws() {
        let measure = Measure::of(&Profile::default());
        let node = Actor::Node(NodeId(0), 0);
        for how in 0..=u8::MAX {
            let chosen = |site, choice| {
                let key = Key::new(site, node, 0, 0);
                measure.chosen(key, choice, how, Some(3))
            };
            assert!(matches!(chosen(Site::Node, Choice::Value(2)), Choice::Value(1 | 2)));
            let long = Choice::Late(Span::secs(9));
            let late = |site| match chosen(site, long) {
                Choice::Late(late) => late,
                other => panic!("{other:?}"),
            };
            assert!((Span::NANO..=TIMER_LATE_MAX).contains(&late(Site::Timer)));
            assert!((Span::NANO..=Profile::default().delay_max()).contains(&late(Site::Message)));
            let drift = chosen(Site::Drift, Choice::Skew(-50_000));
            assert!(matches!(drift, Choice::Skew(-50_000..=-3_125)), "{drift:?}");
        }
    }
}
