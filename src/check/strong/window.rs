//! The few calls of a register that show that no order is possible.

use super::{Accessing, Budget, Call, Finding, Object, Register, search};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Calls of which there is no order, nor of all calls therefore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The places of the calls, by their beginnings. What was answered later than `odd`, or at the
    /// same time and stands behind it, is taken for pending.
    pub calls: Vec<usize>,
    /// The place of the one without which there is an order.
    pub odd: usize,
    /// What the register may hold once the others are in order; empty if they are too many to tell.
    pub held: BTreeSet<Option<u64>>,
}

/// Calls that are looked at in all while calls are left out.
const WORK_MAX: usize = 20_000_000;
/// So many calls of a window are put into every order.
const HELD_MAX: usize = 20;

/// The window that shows why there is no order of `calls`; nothing if there is one, or it is not
/// found within `budget`.
///
/// The history is cut at the first answer that no order explains. Then calls are left out without
/// which there is none either. Calls may be left out if an order of all would be one of the others
/// too: reads always, and writes that none of the others can have seen, because each of those was
/// over by then or something else was sure to take effect in between.
pub fn window(register: &Register, calls: &[Call<Accessing>], budget: Budget) -> Option<Window> {
    let fails = |picked: &Picked<'_>| {
        matches!(search(register, &picked.all(), budget), Finding::Impossible { .. })
    };
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by_key(|&place| calls[place].began);
    let upto = |last: (u64, usize)| {
        let mut picked = Picked { calls, kept: Vec::new(), last, source: None };
        let known = |&place: &usize| {
            let call = picked.call(place);
            call.began <= last.0 && (!is_read(&call) || call.ended.is_some())
        };
        picked.kept = order.iter().copied().filter(known).collect();
        picked
    };
    let mut ends: Vec<(u64, usize)> =
        (0..).zip(calls).filter_map(|(place, call)| Some((call.ended?, place))).collect();
    ends.sort_unstable();
    let first = ends.partition_point(|&last| !fails(&upto(last)));
    let mut picked = upto(*ends.get(first)?);
    picked.source = picked.source();
    let (mut size, mut work) = (picked.kept.len().div_ceil(2), 0);
    while size > 0 {
        let mut from = 0;
        while from < picked.kept.len() && work < WORK_MAX {
            work += picked.kept.len();
            let without = picked.without(from..(from + size).min(picked.kept.len()));
            if without.kept.len() < picked.kept.len() && fails(&without) {
                picked = without;
            } else {
                from += size;
            }
        }
        size /= 2;
    }
    let held = picked.held(register);
    Some(Window { odd: picked.last.1, calls: picked.kept, held })
}

/// Some of the calls, as they were known when one was answered.
struct Picked<'a> {
    calls: &'a [Call<Accessing>],
    /// Their places, by their beginnings.
    kept: Vec<usize>,
    /// The last answer: when, and to which call.
    last: (u64, usize),
    /// The last call that may have written what that one saw. Without it there would be no order
    /// either, but nobody would see why.
    source: Option<usize>,
}

impl Picked<'_> {
    /// The call at a place.
    fn call(&self, place: usize) -> Call<Accessing> {
        let call = self.calls[place];
        Call { ended: call.ended.filter(|&ended| (ended, place) <= self.last), ..call }
    }

    fn all(&self) -> Vec<Call<Accessing>> {
        self.kept.iter().map(|&place| self.call(place)).collect()
    }

    fn source(&self) -> Option<usize> {
        let odd = self.last.1;
        let value = seen(&self.calls[odd])?;
        let mut writers = self.kept.iter().copied().rev().filter(|&place| place != odd);
        writers.find(|&place| written(&self.calls[place]) == Some(value))
    }

    /// The same but for those of `range` that may be left out.
    fn without(&self, range: Range<usize>) -> Self {
        let sure = self.sure();
        let stays = |&place: &usize| place == self.last.1 || Some(place) == self.source;
        let mut out: BTreeSet<usize> =
            self.kept[range].iter().copied().filter(|place| !stays(place)).collect();
        loop {
            let seers = self.seers(&out);
            let seen = |&place: &usize| {
                let call = self.call(place);
                let Some(value) = written(&call) else { return false };
                // What begins later sees what another has made of it.
                let covered = call.ended.map_or(u64::MAX, |ended| {
                    let next = sure.partition_point(|&(began, _)| began <= ended);
                    sure.get(next).map_or(u64::MAX, |&(_, ended)| ended)
                });
                let Some(seers) = seers.get(&value) else { return false };
                let count = seers.partition_point(|&(began, _)| began <= covered);
                count > 0 && seers[count - 1].1 >= call.began
            };
            let stay: Vec<usize> = out.iter().copied().filter(seen).collect();
            if stay.is_empty() {
                break;
            }
            for place in stay {
                out.remove(&place);
            }
        }
        let kept = self.kept.iter().copied().filter(|place| !out.contains(place)).collect();
        Self { kept, ..*self }
    }

    /// What is sure to take effect: when each began, in that order, and the first end of it and
    /// those after it.
    fn sure(&self) -> Vec<(u64, u64)> {
        let all = self.kept.iter().map(|&place| self.call(place));
        let writes = all.filter(|call| !is_read(call));
        let mut sure: Vec<(u64, u64)> =
            writes.filter_map(|call| Some((call.began, call.ended?))).collect();
        for at in (1..sure.len()).rev() {
            sure[at - 1].1 = sure[at - 1].1.min(sure[at].1);
        }
        sure
    }

    /// Who of those that are not `out` sees a value, by value: when each began, in that order, and
    /// the last end of it and those before it.
    fn seers(&self, out: &BTreeSet<usize>) -> BTreeMap<u64, Vec<(u64, u64)>> {
        let mut seers = BTreeMap::<u64, Vec<(u64, u64)>>::new();
        for &place in self.kept.iter().filter(|place| !out.contains(place)) {
            let call = self.call(place);
            if let Some(value) = seen(&call) {
                let seers = seers.entry(value).or_default();
                let before = seers.last().map_or(0, |&(_, ended)| ended);
                seers.push((call.began, call.ended.unwrap_or(u64::MAX).max(before)));
            }
        }
        seers
    }

    /// What the register may hold once all calls but the odd one are in order.
    fn held(&self, register: &Register) -> BTreeSet<Option<u64>> {
        let others = self.kept.iter().filter(|&&place| place != self.last.1);
        let others: Vec<_> = others.map(|&place| self.call(place)).collect();
        let mut held = BTreeSet::new();
        if others.len() > HELD_MAX {
            return held;
        }
        let mut known = BTreeSet::from([(0_u32, register.start())]);
        let mut next = vec![(0_u32, register.start())];
        while let Some((done, state)) = next.pop() {
            let left = || (0..others.len()).filter(|at| done & (1 << at) == 0);
            if left().all(|at| others[at].ended.is_none()) {
                held.insert(state);
            }
            for at in left().filter(|&at| !left().any(|it| others[it].is_before(&others[at]))) {
                let call = &others[at];
                let after = register.step(&state, call.action, call.ended.is_some());
                if let Some(after) = after
                    && known.insert((done | 1 << at, after))
                {
                    next.push((done | 1 << at, after));
                }
            }
        }
        held
    }
}

fn is_read(call: &Call<Accessing>) -> bool {
    matches!(call.action, Accessing::Read(_))
}

/// What a call leaves in the register.
fn written(call: &Call<Accessing>) -> Option<u64> {
    match call.action {
        Accessing::Read(_) => None,
        Accessing::Write(value) | Accessing::Replace(_, value) => Some(value),
    }
}

/// What a call must find in the register.
fn seen(call: &Call<Accessing>) -> Option<u64> {
    match call.action {
        Accessing::Read(value) => value,
        Accessing::Write(_) => None,
        Accessing::Replace(value, _) => Some(value),
    }
}
