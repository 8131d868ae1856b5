//! The few operations that show a violation, and the words for them.

use super::{Rule, Violation};
use crate::history::{Event, History, Operation};
use crate::id::MessageId;
use crate::time::Instant;

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
    history: &History,
    shows: impl Fn(&Operation) -> bool,
) -> Violation {
    let operations = select(history, &about, shows);
    Violation { rule, expected, observed, about, operations }
}

/// See [`violation`].
pub(super) fn select(
    history: &History,
    about: &[MessageId],
    shows: impl Fn(&Operation) -> bool,
) -> Vec<Operation> {
    let all = history.operations();
    let mut picked: Vec<usize> =
        (0..all.len()).filter(|&at| shows(&all[at])).take(OPERATIONS_MAX).collect();
    let surroundings = (0..all.len()).filter(|&at| {
        let event = &all[at].event;
        !matches!(event, Event::Plan { .. })
            && !shows(&all[at])
            && event.message().is_some_and(|message| about.contains(&message))
    });
    let room = OPERATIONS_MAX - picked.len();
    picked.extend(surroundings.take(room));
    picked.sort_unstable();
    picked.into_iter().map(|at| all[at]).collect()
}

/// When the operations happened that `which` picks.
pub(super) fn moments(history: &History, which: impl Fn(&Event) -> bool) -> Vec<Instant> {
    history
        .operations()
        .iter()
        .filter(|operation| which(&operation.event))
        .map(|operation| operation.at)
        .collect()
}

/// `once`, `twice`, `3 times`.
pub(super) fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
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
