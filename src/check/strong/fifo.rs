//! Queues by their bad patterns.

use super::{Call, Finding, Queueing};
use std::collections::BTreeMap;

#[derive(Copy, Clone, Default)]
struct Life {
    enqueued: Option<usize>,
    dequeued: Option<usize>,
}

/// Judges a queue whose values are distinct, in O(n log n).
///
/// The patterns do not decide where a value is put in twice, nor all of it where a dequeue is
/// pending, which may have taken any value, or has found the queue empty: what they find is so, but
/// if they find nothing, it is unknown and for [`search`](super::search()) to tell.
pub fn fifo(calls: &[Call<Queueing>]) -> Finding {
    let mut lives = BTreeMap::<u64, Life>::new();
    let (mut open, mut empty, mut again, mut twice) = (false, false, None, None);
    for (place, call) in calls.iter().enumerate() {
        match (call.action, call.ended) {
            (Queueing::Enqueue(value), _) => {
                let life = lives.entry(value).or_default();
                again = again.or(life.enqueued.map(|_| value));
                life.enqueued = Some(place);
            }
            (Queueing::Dequeue(_), None) => open = true,
            (Queueing::Dequeue(None), _) => empty = true,
            (Queueing::Dequeue(Some(value)), _) => {
                let life = lives.entry(value).or_default();
                twice = twice.or(life.dequeued.map(|first| (value, first, place)));
                life.dequeued = Some(place);
            }
        }
    }
    if let Some(value) = again {
        return unknown(format!("{value} was put in more than once"));
    }
    if let Some((value, first, second)) = twice {
        let why = format!("{value} was put in once at most and taken out twice");
        return Finding::Impossible { why, calls: vec![first, second] };
    }
    if let Some(found) = lives.iter().find_map(|(value, life)| unborn(calls, *value, *life)) {
        return found;
    }
    match overtaken(calls, &lives, open) {
        Some(found) => found,
        None if open => unknown("a dequeue without an answer may have taken any value".to_owned()),
        None if empty => unknown("a dequeue has found the queue empty".to_owned()),
        None => Finding::Linearizable,
    }
}

fn unknown(why: String) -> Finding {
    Finding::Unknown { why, spent: None }
}

/// A value that was taken out before anybody had put it in.
fn unborn(calls: &[Call<Queueing>], value: u64, life: Life) -> Option<Finding> {
    let taken = life.dequeued?;
    let (why, calls) = match life.enqueued {
        None => (format!("{value} was taken out, and nobody had put it in"), vec![taken]),
        Some(put) if calls[taken].is_before(&calls[put]) => {
            (format!("{value} was taken out before it was put in"), vec![taken, put])
        }
        Some(_) => return None,
    };
    Some(Finding::Impossible { why, calls })
}

/// A value that was put in before another and taken out after it, or not at all: one sweep over the
/// enqueues by time. `open` dequeues may have taken what nobody is known to have.
fn overtaken(calls: &[Call<Queueing>], lives: &BTreeMap<u64, Life>, open: bool) -> Option<Finding> {
    let mut ends = Vec::new();
    let mut begins = Vec::new();
    for life in lives.values() {
        let Some(put) = life.enqueued else { continue };
        // When it began to be taken out, if ever.
        let out = life.dequeued.map_or(u64::MAX, |taken| calls[taken].began);
        if let Some(ended) = calls[put].ended
            && (life.dequeued.is_some() || !open)
        {
            ends.push((ended, out, life));
        }
        if let Some(over) = life.dequeued.and_then(|taken| calls[taken].ended) {
            begins.push((calls[put].began, over, life));
        }
    }
    ends.sort_unstable_by_key(|&(ended, ..)| ended);
    begins.sort_unstable_by_key(|&(began, ..)| began);
    let mut earlier = ends.into_iter().peekable();
    let mut latest: Option<(u64, &Life)> = None;
    for (began, over, life) in begins {
        while let Some((_, out, own)) = earlier.next_if(|&(ended, ..)| ended < began) {
            if latest.is_none_or(|(last, _)| last < out) {
                latest = Some((out, own));
            }
        }
        if let Some((out, first)) = latest
            && over < out
        {
            let shown = [first.enqueued, life.enqueued, life.dequeued, first.dequeued];
            let why = match first.dequeued {
                Some(_) => "what was put in first was taken out last",
                None => "what was put in first was not taken out, and what came later was",
            };
            let calls = shown.into_iter().flatten().collect();
            return Some(Finding::Impossible { why: why.to_owned(), calls });
        }
    }
    None
}
