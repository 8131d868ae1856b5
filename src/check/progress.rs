//! Progress: deadlock and livelock.

use super::evidence::{NAMED_MAX, OPERATIONS_MAX, list, violation};
use super::ledger::{Entry, Ledger};
use super::{Rule, Violation};
use crate::history::{Event, Operation, Recorded};
use crate::id::MessageId;
use crate::time::Instant;

/// The run came to rest at `end` with something owed.
pub(super) fn deadlock(
    ledger: &Ledger,
    owed: u32,
    end: Instant,
    history: &dyn Recorded,
) -> Violation {
    let about = waits(ledger);
    let expected = "every planned send is made and every send is answered before all comes to rest";
    let observed = format!("all came to rest at {end} while {}", tell(ledger, owed, history));
    let shows = |o: &Operation| begins(o, &about) || matches!(o.event, Event::End { .. });
    violation(Rule::Deadlock, (expected.to_owned(), observed), about.clone(), history, shows)
}

/// The run was still busy at `end`, and had been so for the declared patience without progress.
pub(super) fn livelock(
    ledger: &Ledger,
    owed: u32,
    end: Instant,
    history: &dyn Recorded,
) -> Violation {
    let about = waits(ledger);
    let expected = "what is owed keeps falling after the faults are over, until nothing is";
    let progress = |o: &Operation| matches!(o.event, Event::SendOk { .. } | Event::Effect { .. });
    let last = history.last(progress);
    let since = last.map_or_else(
        || "nothing was ever acknowledged or took effect".to_owned(),
        |o| format!("the last acknowledgement or effect was at {}", o.at),
    );
    let observed =
        format!("the run was still busy at {end} while {}; {since}", tell(ledger, owed, history));
    let shows = |o: &Operation| {
        begins(o, &about) || Some(*o) == last || matches!(o.event, Event::Heal | Event::End { .. })
    };
    violation(Rule::Livelock, (expected.to_owned(), observed), about.clone(), history, shows)
}

/// The messages whose sends keep somebody waiting, as many as there is room for.
fn waits(ledger: &Ledger) -> Vec<MessageId> {
    waiting(ledger).map(|entry| entry.message).take(OPERATIONS_MAX / 2).collect()
}

fn waiting(ledger: &Ledger) -> impl Iterator<Item = &Entry> {
    ledger.all().iter().filter(|entry| entry.open > 0 || entry.is_unsent())
}

fn begins(operation: &Operation, about: &[MessageId]) -> bool {
    matches!(operation.event, Event::Plan { .. } | Event::SendInvoke { .. })
        && operation.event.message().is_some_and(|message| about.contains(&message))
}

/// Who waits for what.
fn tell(ledger: &Ledger, owed: u32, history: &dyn Recorded) -> String {
    let mut sends_owed = 0;
    let mut reasons = Vec::new();
    for entry in waiting(ledger) {
        sends_owed += entry.open.max(1);
        let message = entry.message;
        reasons.push(match reasons.len() {
            NAMED_MAX.. => String::new(),
            _ if entry.open > 0 => format!("{:?} waits for the answer to {message}", entry.process),
            _ => format!("{} has yet to send {message}", planner(message, history)),
        });
    }
    let others = owed - sends_owed;
    if others > 0 {
        let things =
            if others == 1 { "1 more thing is" } else { &format!("{others} more things are") };
        reasons.insert(reasons.len().min(NAMED_MAX - 1), format!("{things} still to happen"));
    }
    if reasons.is_empty() { "nothing was owed".to_owned() } else { list(&reasons) }
}

/// Whose plan the message is in.
fn planner(message: MessageId, history: &dyn Recorded) -> String {
    let plans = |o: &Operation| matches!(o.event, Event::Plan { message: m, .. } if m == message);
    match history.first(plans) {
        Some(plan) => format!("{:?}", plan.process),
        None => "somebody".to_owned(),
    }
}
