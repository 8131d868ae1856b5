//! Other forms of a step: the same at the same place with other values, or at other times.

use crate::choice::{Choice, Flips, Key, Site};
use crate::clock::DRIFT_MAX;
use crate::schedule::{Fault, Trigger, Trouble};
use crate::time::{Instant, Span};

/// A length is tried at these multiples of itself, in sixteenths.
const SIXTEENTHS: [u64; 8] = [1, 2, 4, 8, 32, 64, 128, 256];

/// Of a frame, one bit of each of so many bytes is tried.
const OTHER_BYTES: u32 = 32;

/// So many neighbours of a count are tried on either side.
const NEIGHBOURS: u32 = 4;

/// The same decision with other values; none if it has no value.
pub(super) fn other_choices(key: Key, choice: Choice) -> Vec<Choice> {
    let can_be = |other: &Choice| match (key.site(), other) {
        (Site::Drift, Choice::Skew(skew)) => skew.unsigned_abs() <= DRIFT_MAX as u64,
        _ => true,
    };
    let mut others = other_values(choice);
    others.retain(can_be);
    others
}

fn other_values(choice: Choice) -> Vec<Choice> {
    let spans = |span: Span, make: &dyn Fn(Span) -> Choice| -> Vec<Choice> {
        other_spans(span).into_iter().map(make).collect()
    };
    match choice {
        Choice::Lost | Choice::Torn | Choice::Missed => Vec::new(),
        Choice::Late(late) => spans(late, &Choice::Late),
        Choice::Twice { late, again } => {
            let mut others = spans(late, &|late| Choice::Twice { late, again });
            others.extend(spans(again, &|again| Choice::Twice { late, again }));
            others
        }
        Choice::Corrupted { bit, late } => {
            (0..8).filter(|&n| n != bit).map(|bit| Choice::Corrupted { bit, late }).collect()
        }
        Choice::Garbled { bits, late } => {
            let others = (0..OTHER_BYTES).map(|byte| Flips::one(byte * 8 + byte % 8));
            others
                .filter(|&other| other != bits)
                .map(|bits| Choice::Garbled { bits, late })
                .collect()
        }
        Choice::OnlyWithin(within) => spans(within, &Choice::OnlyWithin),
        Choice::AfterAction(count) => neighbours(count).map(Choice::AfterAction).collect(),
        Choice::Undone(count) => neighbours(count).map(Choice::Undone).collect(),
        Choice::Misdirected(count) => neighbours(count).map(Choice::Misdirected).collect(),
        Choice::Failed(late) => spans(late, &Choice::Failed),
        Choice::Lied(late) => spans(late, &Choice::Lied),
        Choice::Value(value) => (1..8).filter(|&other| other != value).map(Choice::Value).collect(),
        Choice::Skew(skew) => {
            let sizes = other_spans(Span::nanos_of(skew.unsigned_abs())).into_iter();
            let sizes = sizes.filter_map(|size| i64::try_from(size.nanos()).ok());
            sizes.flat_map(|size| [size, -size]).map(Choice::Skew).collect()
        }
    }
}

/// The same fault, lasting for another while.
pub(super) fn other_troubles(fault: &Fault) -> Vec<Fault> {
    let spans = |span: Span, make: &dyn Fn(Span) -> Trouble| -> Vec<Fault> {
        let others = other_spans(span).into_iter().map(make);
        others.map(|what| Fault { when: fault.when, what }).collect()
    };
    match &fault.what {
        &Trouble::Crash { node, down } => spans(down, &|down| Trouble::Crash { node, down }),
        &Trouble::PowerCut { node, down } => spans(down, &|down| Trouble::PowerCut { node, down }),
        &Trouble::Pause { node, lasting } => {
            spans(lasting, &|lasting| Trouble::Pause { node, lasting })
        }
        Trouble::Cut { from, to, lasting } => {
            spans(*lasting, &|lasting| Trouble::Cut { from: from.clone(), to: to.clone(), lasting })
        }
        &Trouble::Hold { from, to, lasting } => {
            spans(lasting, &|lasting| Trouble::Hold { from, to, lasting })
        }
        &Trouble::Grey { from, to, slower, loss, duplicate, lasting } => {
            spans(lasting, &|lasting| Trouble::Grey { from, to, slower, loss, duplicate, lasting })
        }
        &Trouble::ClockStep { node, by } => {
            let sizes = other_spans(Span::nanos_of(by.unsigned_abs())).into_iter();
            let sizes = sizes.filter_map(|size| i64::try_from(size.nanos()).ok());
            let steps = sizes.map(|size| Trouble::ClockStep { node, by: size * by.signum() });
            steps.map(|what| Fault { when: fault.when, what }).collect()
        }
        &Trouble::FullDisk { node, lasting } => {
            spans(lasting, &|lasting| Trouble::FullDisk { node, lasting })
        }
        Trouble::Disconnect { .. } | Trouble::BitRot { .. } => Vec::new(),
    }
}

/// The same fault at other times.
pub(super) fn other_times(fault: &Fault) -> Vec<Fault> {
    let times: Vec<Trigger> = match fault.when {
        Trigger::At(at) => {
            let since = at.since(Instant::START).max(Span::millis(1));
            other_spans(since).into_iter().map(|span| Trigger::At(Instant::START + span)).collect()
        }
        Trigger::After { node, events } => {
            neighbours(events).map(|events| Trigger::After { node, events }).collect()
        }
        Trigger::Upon { node, what, nth } => {
            neighbours(nth).map(|nth| Trigger::Upon { node, what, nth }).collect()
        }
        Trigger::Done { node, what, nth } => {
            neighbours(nth).map(|nth| Trigger::Done { node, what, nth }).collect()
        }
    };
    times.into_iter().map(|when| Fault { when, what: fault.what.clone() }).collect()
}

fn other_spans(span: Span) -> Vec<Span> {
    let nanos = span.nanos();
    let others = SIXTEENTHS.map(|times| nanos.saturating_mul(times) / 16);
    others.into_iter().filter(|&other| other != nanos && other > 0).map(Span::nanos_of).collect()
}

/// The counts from 1 on around this one.
fn neighbours(count: u32) -> impl Iterator<Item = u32> {
    let around = count.saturating_sub(NEIGHBOURS).max(1)..=count.saturating_add(NEIGHBOURS);
    around.filter(move |&other| other != count)
}
