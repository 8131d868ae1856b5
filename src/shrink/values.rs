//! Making values small and round, and faults plain, so that a person can read what is left.

use super::Stage;
use super::search::{Search, Step, steps};
use crate::choice::{Choice, Key, Site};
use crate::schedule::{Fault, Schedule, Trigger, Trouble};
use crate::seed::Ratio;
use crate::time::{Instant, Span};

const MILLISECOND: u64 = 1_000_000;

impl Search<'_> {
    /// Gives each step the plainest values under which the failure stays.
    pub(super) fn round_values(&mut self) {
        self.stage = Stage::Values;
        if self.best.heal_at.is_some() {
            let schedule = Schedule { heal_at: None, ..self.best.clone() };
            self.attempt(schedule);
        }
        for step in steps(&self.best) {
            match step {
                Step::Fault(number) => self.round_fault(number),
                Step::Decision(key) => self.round_decision(key),
            }
        }
        self.name_occasions();
    }

    /// Says upon what a fault strikes in place of after how many events: that holds for longer when
    /// the system is edited.
    pub(super) fn name_occasions(&mut self) {
        let is_counted = |fault: &Fault| matches!(fault.when, Trigger::After { .. });
        if !self.best.faults.iter().any(is_counted) {
            return;
        }
        let Some(seen) = self.inspect() else { return };
        if seen.rewritten.faults.len() == self.best.faults.len() {
            let mut schedule = self.best.clone();
            for (fault, rewritten) in schedule.faults.iter_mut().zip(seen.rewritten.faults) {
                if is_counted(fault) {
                    fault.when = rewritten.when;
                }
            }
            self.attempt(schedule);
        }
    }

    fn round_fault(&mut self, number: usize) {
        let attempt = |search: &mut Self, fault: Fault| {
            let mut schedule = search.best.clone();
            schedule.faults[number] = fault;
            search.attempt(schedule)
        };
        // What is shorter first: a fault that strikes once and for all can be told in fewer words.
        for aspect in [plainer, shorter, earlier] {
            while aspect(&self.best.faults[number]).into_iter().any(|fault| attempt(self, fault)) {}
        }
    }

    fn round_decision(&mut self, key: Key) {
        let choice = self.best.decisions[&key];
        // A clock that drifts by more than it does is no plainer, and beyond a limit it cannot.
        let is_more = |other: &Choice| match (key.site(), choice, other) {
            (Site::Drift, Choice::Skew(skew), Choice::Skew(other)) => {
                other.unsigned_abs() > skew.unsigned_abs()
            }
            _ => false,
        };
        let rounded = rounder(choice).into_iter().filter(|it| !is_more(it)).any(|choice| {
            let mut schedule = self.best.clone();
            schedule.decisions.insert(key, choice);
            self.attempt(schedule)
        });
        if !rounded {
            return;
        }
        // A second value of the same choice may be next.
        if matches!(
            self.best.decisions[&key],
            Choice::Twice { .. } | Choice::Corrupted { .. } | Choice::Garbled { .. }
        ) {
            self.round_decision(key);
        }
    }
}

/// The same decision with smaller or rounder values, the plainest first.
fn rounder(choice: Choice) -> Vec<Choice> {
    let from_zero = |span: Span| {
        let zero = (span > Span::ZERO).then_some(Span::ZERO);
        zero.into_iter().chain(rounder_spans(span))
    };
    match choice {
        Choice::Lost | Choice::Torn | Choice::Missed => Vec::new(),
        Choice::Late(late) => rounder_spans(late).into_iter().map(Choice::Late).collect(),
        Choice::Twice { late, again } => {
            let first = from_zero(late).map(|late| Choice::Twice { late, again });
            first.chain(from_zero(again).map(|again| Choice::Twice { late, again })).collect()
        }
        Choice::Corrupted { bit, late } => {
            let late_ones = from_zero(late).map(|late| Choice::Corrupted { bit, late });
            let bits = smaller(bit, 0).into_iter().map(|bit| Choice::Corrupted { bit, late });
            late_ones.chain(bits).collect()
        }
        Choice::Garbled { bits, late } => {
            let late_ones = from_zero(late).map(|late| Choice::Garbled { bits, late });
            late_ones.chain(bits.fewer().map(|bits| Choice::Garbled { bits, late })).collect()
        }
        Choice::OnlyWithin(within) => from_zero(within).map(Choice::OnlyWithin).collect(),
        Choice::AfterAction(actions) => few(actions).map(Choice::AfterAction).collect(),
        Choice::Undone(undone) => few(undone).map(Choice::Undone).collect(),
        Choice::Misdirected(back) => few(back).map(Choice::Misdirected).collect(),
        Choice::Failed(late) => from_zero(late).map(Choice::Failed).collect(),
        Choice::Lied(late) => from_zero(late).map(Choice::Lied).collect(),
        Choice::Value(value) => smaller(value, 1).into_iter().map(Choice::Value).collect(),
        Choice::Skew(skew) => rounder_skews(skew).map(Choice::Skew).collect(),
    }
}

/// The same fault in a plainer form.
fn plainer(fault: &Fault) -> Vec<Fault> {
    let of = |what| Fault { when: fault.when, what };
    match &fault.what {
        &Trouble::PowerCut { node, down } => vec![of(Trouble::Crash { node, down })],
        Trouble::Cut { from, to, lasting } => {
            let lesser_from = one_less(from).map(|from| (from, to.clone()));
            let lesser_to = one_less(to).map(|to| (from.clone(), to));
            let lasting = *lasting;
            lesser_from
                .chain(lesser_to)
                .map(|(from, to)| of(Trouble::Cut { from, to, lasting }))
                .collect()
        }
        // A quiet run draws neither losses nor duplicates.
        &Trouble::Grey { from, to, slower, loss, duplicate, lasting } => {
            let never = Ratio::NEVER;
            if loss.is_never() && duplicate.is_never() {
                return Vec::new();
            }
            vec![of(Trouble::Grey { from, to, slower, loss: never, duplicate: never, lasting })]
        }
        _ => Vec::new(),
    }
}

/// The lists that lack one of these machines, if there are several.
fn one_less<T: Clone>(all: &[T]) -> impl Iterator<Item = Vec<T>> {
    let number = if all.len() > 1 { all.len() } else { 0 };
    (0..number).map(|place| {
        let mut lesser = all.to_vec();
        lesser.remove(place);
        lesser
    })
}

/// The same fault with smaller or rounder values.
fn shorter(fault: &Fault) -> Vec<Fault> {
    let of = |what| Fault { when: fault.when, what };
    let spans = |span: Span, make: &dyn Fn(Span) -> Trouble| -> Vec<Fault> {
        rounder_spans(span).into_iter().map(|span| of(make(span))).collect()
    };
    match &fault.what {
        &Trouble::Crash { node, down } => spans(down, &|down| Trouble::Crash { node, down }),
        &Trouble::PowerCut { node, down } => spans(down, &|down| Trouble::PowerCut { node, down }),
        &Trouble::Pause { node, lasting } => {
            spans(lasting, &|lasting| Trouble::Pause { node, lasting })
        }
        Trouble::Disconnect { .. } => Vec::new(),
        Trouble::Cut { from, to, lasting } => {
            spans(*lasting, &|lasting| Trouble::Cut { from: from.clone(), to: to.clone(), lasting })
        }
        &Trouble::Hold { from, to, lasting } => {
            spans(lasting, &|lasting| Trouble::Hold { from, to, lasting })
        }
        &Trouble::Grey { from, to, slower, loss, duplicate, lasting } => {
            let grey =
                |slower, lasting| Trouble::Grey { from, to, slower, loss, duplicate, lasting };
            let mut all = spans(slower, &|slower| grey(slower, lasting));
            all.extend(spans(lasting, &|lasting| grey(slower, lasting)));
            all
        }
        &Trouble::ClockStep { node, by } => {
            rounder_skews(by).map(|by| of(Trouble::ClockStep { node, by })).collect()
        }
        &Trouble::FullDisk { node, lasting } => {
            spans(lasting, &|lasting| Trouble::FullDisk { node, lasting })
        }
        &Trouble::BitRot { node, file, back } => smaller(back.into(), 0)
            .into_iter()
            .map(|back| of(Trouble::BitRot { node, file, back: back as u32 }))
            .collect(),
    }
}

/// The same fault at an earlier or rounder time.
fn earlier(fault: &Fault) -> Vec<Fault> {
    let of = |when| Fault { when, what: fault.what.clone() };
    match fault.when {
        Trigger::At(at) => {
            let zero = (at > Instant::START).then_some(0);
            let times = zero.into_iter().chain(rounder_nanos(at.nanos()));
            times.map(|nanos| of(Trigger::At(Instant::from_nanos(nanos)))).collect()
        }
        Trigger::After { node, events } => {
            few(events).map(|events| of(Trigger::After { node, events })).collect()
        }
        Trigger::Upon { node, what, nth } => {
            few(nth).map(|nth| of(Trigger::Upon { node, what, nth })).collect()
        }
        Trigger::Done { node, what, nth } => {
            few(nth).map(|nth| of(Trigger::Done { node, what, nth })).collect()
        }
    }
}

/// Smaller numbers from 1 on.
fn few(number: u32) -> impl Iterator<Item = u32> {
    smaller(number.into(), 1).into_iter().map(|number| number as u32)
}

/// Numbers below this one but no less than `least`, in rising order: a few small ones, its half and
/// its predecessor.
fn smaller(number: u64, least: u64) -> Vec<u64> {
    let mut numbers: Vec<u64> = (least..least + 4).collect();
    numbers.extend([number / 2, number.saturating_sub(1)]);
    numbers.retain(|&smaller| smaller < number && smaller >= least);
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn rounder_spans(span: Span) -> Vec<Span> {
    rounder_nanos(span.nanos()).into_iter().map(Span::nanos_of).collect()
}

fn rounder_skews(skew: i64) -> impl Iterator<Item = i64> {
    let sign = skew.signum();
    rounder_nanos(skew.unsigned_abs())
        .into_iter()
        .filter_map(move |size| i64::try_from(size).ok().map(|size| size * sign))
}

/// Lengths that are easier to read than this one, the easiest first: 1, 2 and 5 by powers of ten,
/// and the length itself in fewer digits.
fn rounder_nanos(nanos: u64) -> Vec<u64> {
    let tens = std::iter::successors(Some(MILLISECOND / 1_000), |ten: &u64| ten.checked_mul(10));
    let tens = tens.take_while(|&ten| ten <= nanos.max(10 * MILLISECOND));
    let mut rounder: Vec<u64> =
        tens.flat_map(|ten| [1, 2, 5].map(|times| ten.saturating_mul(times))).collect();
    let mut digit = 1_u64;
    while digit <= nanos {
        rounder.extend([nanos - nanos % digit, (nanos - nanos % digit).saturating_add(digit)]);
        let Some(next) = digit.checked_mul(10) else { break };
        digit = next;
    }
    rounder.retain(|&other| other > 0 && burden(other) < burden(nanos));
    rounder.sort_unstable_by_key(|&other| burden(other));
    rounder.dedup();
    rounder
}

/// How hard a length is to read: by its digits, whole milliseconds before parts of them, and short
/// before long.
fn burden(nanos: u64) -> (u32, bool, u64) {
    let mut significant = nanos;
    while significant > 0 && significant.is_multiple_of(10) {
        significant /= 10;
    }
    (significant.checked_ilog10().map_or(0, |digits| digits + 1), nanos < MILLISECOND, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rounder_is_easier_to_read_and_the_easiest_comes_first() {
        for nanos in [1, 999, 4_837_211, 5_000_000, 128_104_000, u64::MAX] {
            let rounder = rounder_nanos(nanos);
            let burdens: Vec<_> = rounder.iter().map(|&other| burden(other)).collect();
            assert!(burdens.is_sorted(), "{nanos}: {rounder:?}");
            assert!(burdens.last().is_none_or(|&last| last < burden(nanos)), "{nanos}");
        }
        let rounder = rounder_nanos(4_837_211);
        assert_eq!(rounder[..4], [1_000_000, 2_000_000, 4_000_000, 5_000_000]);
        assert!(rounder.contains(&4_800_000) && rounder.contains(&4_840_000), "{rounder:?}");
    }

    #[test]
    fn numbers_fall_to_the_least_of_them() {
        assert!(smaller(1, 1).is_empty());
        assert_eq!(smaller(2, 1), [1]);
        assert_eq!(smaller(100, 0), [0, 1, 2, 3, 50, 99]);
    }
}
