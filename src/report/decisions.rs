//! The decisions of a run in words, with what is merely late drawn together.

use crate::choice::{Choice, Key};
use crate::run::Subject;
use crate::schedule::Schedule;
use crate::time::Span;

/// Fewer than so many of one kind are told one by one.
const TOGETHER_MIN: usize = 4;

/// The faults and decisions of `schedule`, a line each; messages of one kind and link that are late
/// and nothing else share a line, or jitter would bury what matters.
pub(super) fn told(schedule: &Schedule, subject: &dyn Subject) -> Vec<String> {
    let decisions: Vec<(Key, Choice)> =
        schedule.decisions.iter().map(|(&key, &choice)| (key, choice)).collect();
    let (late, other): (Vec<_>, Vec<_>) =
        decisions.into_iter().partition(|(_, choice)| matches!(choice, Choice::Late(_)));
    let faults = schedule.faults.iter().map(|fault| subject.tell_fault(fault));
    let other = other.into_iter().map(|(key, choice)| subject.tell_decision(key, choice));
    let late = late.chunk_by(|(one, _), (other, _)| alike(*one, *other));
    faults.chain(other).chain(late.flat_map(|group| told_late(group, subject))).collect()
}

fn told_late(group: &[(Key, Choice)], subject: &dyn Subject) -> Vec<String> {
    if group.len() < TOGETHER_MIN {
        return group.iter().map(|&(key, choice)| subject.tell_decision(key, choice)).collect();
    }
    let first = subject.tell_key(group[0].0);
    let last = group[group.len() - 1].0.occurrence() + 1;
    let most = group.iter().map(|&(_, choice)| lateness(choice)).max().unwrap_or_default();
    vec![format!("{first} to #{last}: {} of them late, by {most} at most", group.len())]
}

fn lateness(choice: Choice) -> Span {
    match choice {
        Choice::Late(late) => late,
        _ => Span::ZERO,
    }
}

fn alike(one: Key, other: Key) -> bool {
    (one.site(), one.actor(), one.kind()) == (other.site(), other.actor(), other.kind())
}
