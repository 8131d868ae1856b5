//! The few operations that show a violation, and the words for them.

use super::{Rule, Violation};
use crate::history::{Event, Operation, Recorded};
use crate::id::MessageId;
use crate::time::Instant;
use std::ops::ControlFlow;

/// More operations than this hide the fault instead of showing it.
pub(super) const OPERATIONS_MAX: usize = 8;
/// So many messages, moments or waits are named; of the others only the number.
pub(super) const NAMED_MAX: usize = 3;

/// A violation shown by the operations that `shows` picks, with those of the messages it is `about`
/// around them as far as there is room.
pub(super) fn violation(
    rule: Rule,
    (expected, observed): (String, String),
    about: Vec<MessageId>,
    history: &dyn Recorded,
    shows: impl Fn(&Operation) -> bool,
) -> Violation {
    let operations = select(history, &about, shows);
    Violation { rule, expected, observed, about, operations }
}

/// See [`violation`].
pub(super) fn select(
    history: &dyn Recorded,
    about: &[MessageId],
    shows: impl Fn(&Operation) -> bool,
) -> Vec<Operation> {
    let (mut picked, mut surroundings) = (Vec::new(), Vec::new());
    history.scan(&mut |place, operation| {
        if shows(operation) {
            picked.push((place, *operation));
        } else if surroundings.len() < OPERATIONS_MAX
            && !matches!(operation.event, Event::Plan { .. })
            && operation.event.message().is_some_and(|message| about.contains(&message))
        {
            surroundings.push((place, *operation));
        }
        match picked.len() {
            OPERATIONS_MAX.. => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    surroundings.truncate(OPERATIONS_MAX - picked.len());
    picked.extend(surroundings);
    picked.sort_unstable_by_key(|&(place, _)| place);
    picked.into_iter().map(|(_, operation)| operation).collect()
}

/// When the operations happened that `which` picks.
pub(super) fn moments(history: &dyn Recorded, which: impl Fn(&Event) -> bool) -> Vec<Instant> {
    let mut moments = Vec::new();
    history.each(|operation| {
        if which(&operation.event) {
            moments.push(operation.at);
        }
    });
    moments
}

/// `once`, `twice`, `3 times`.
pub(super) fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

/// `1 thing`, `2 things`.
pub(super) fn things(count: u32) -> String {
    if count == 1 { "1 thing".to_owned() } else { format!("{count} things") }
}

/// `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`.
pub(super) fn list<T: ToString>(items: &[T]) -> String {
    let mut words: Vec<String> = items.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    if items.len() > NAMED_MAX {
        words.push(format!("{} more", items.len() - NAMED_MAX));
    }
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_a_person_would_write_them() {
        assert_eq!(list::<u8>(&[]), "");
        assert_eq!(list(&[1]), "1");
        assert_eq!(list(&[1, 2]), "1 and 2");
        assert_eq!(list(&[1, 2, 3]), "1, 2 and 3");
        assert_eq!(list(&[1, 2, 3, 4, 5]), "1, 2, 3 and 2 more");
    }
}
