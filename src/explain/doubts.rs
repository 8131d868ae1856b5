//! Operations of which nobody knows whether they happened, and whether that matters.

use crate::check::{Promise, Verdict, judge};
use crate::history::{Event, History, Operation};
use crate::run::Examined;

/// An operation without a known outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubted {
    /// Its line in the history.
    pub line: usize,
    /// The line.
    pub operation: Operation,
    /// How the history is judged if it was acknowledged: `holds`, a rule, or `unknown`.
    pub if_ok: String,
    /// How it is judged if it was refused; none for what cannot be refused.
    pub if_fail: Option<String>,
    /// Whether one of these is another verdict.
    pub matters: bool,
}

/// The operations in the past of the failure that ended as *info*.
pub(super) fn doubts(examined: &Examined, promises: &[Promise], past: &[usize]) -> Vec<Doubted> {
    let Some(broken) = examined.inspection.run.outcome.violation() else { return Vec::new() };
    let group = broken.rule.slug();
    let operations = examined.inspection.history.operations();
    let entered = &examined.chronicle.entered;
    let mut doubts = Vec::new();
    for (line, &operation) in operations.iter().enumerate() {
        let is_past = entered.get(line).copied().flatten();
        if is_past.is_none_or(|moment| past.binary_search(&moment).is_err()) {
            continue;
        }
        let Some((ok, fail)) = otherwise(operation.event, operations) else { continue };
        let judged = |event| {
            let mut history = operations.to_vec();
            history[line].event = event;
            verdict(&judge(&History::new(history), promises))
        };
        let (if_ok, if_fail) = (judged(ok), fail.map(judged));
        let is_other = |verdict: &String| verdict != group;
        let matters = is_other(&if_ok) || if_fail.as_ref().is_some_and(is_other);
        doubts.push(Doubted { line, operation, if_ok, if_fail, matters });
    }
    doubts
}

/// What would stand there if the outcome were known: acknowledged, or refused.
fn otherwise(event: Event, operations: &[Operation]) -> Option<(Event, Option<Event>)> {
    match event {
        Event::SendInfo { message, attempt } => {
            // Acknowledged where the message stands, if anybody has read it there.
            let read = operations.iter().find_map(|operation| match operation.event {
                Event::Polled { message: other, partition, offset, .. } if other == message => {
                    Some((partition, offset))
                }
                _ => None,
            });
            let ok = match read {
                Some((partition, offset)) => {
                    Event::SendOk { message, attempt, partition, offset: Some(offset) }
                }
                None => Event::SendOk {
                    message,
                    attempt,
                    partition: crate::id::PartitionId(0),
                    offset: None,
                },
            };
            Some((ok, Some(Event::SendFail { message, attempt })))
        }
        Event::CommitInfo { group, partition, offset } => {
            Some((Event::CommitOk { group, partition, offset }, None))
        }
        Event::AckInfo { group, message } => Some((Event::AckOk { group, message }, None)),
        _ => None,
    }
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Holds => "holds".to_owned(),
        Verdict::Violated(violation) => violation.rule.slug().to_owned(),
        Verdict::Unknown { .. } => "unknown".to_owned(),
    }
}
