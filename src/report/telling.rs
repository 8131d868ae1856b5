//! Findings in the words of a failure: what was expected, what was seen, what shows it.

use super::operation;
use super::words::{Paint, Tone, digest, field};
use crate::check::{Verdict, Violation};
use crate::explore::{Divergence, Finding};
use crate::history::Operation;
use crate::id::NodeId;
use crate::node::Machine;
use crate::run::{Outcome, Panic, TraceEvent};

/// Operations printed for one failure.
const OPERATIONS_MAX: usize = 16;

/// What a failure says.
pub(super) struct Telling {
    pub(super) expected: String,
    pub(super) observed: String,
    pub(super) operations: Vec<Operation>,
}

/// What was expected of a run, what was observed, and the operations that show it; nothing if every
/// promise was kept.
pub fn outcome_text(outcome: &Outcome, machines: &[Machine], paint: Paint) -> String {
    let telling = Telling::of_outcome(outcome, machines);
    telling.map_or_else(String::new, |telling| telling.text(machines, paint))
}

impl Telling {
    pub(super) fn of_finding(finding: &Finding, machines: &[Machine]) -> Self {
        match finding {
            Finding::Violated(violation) => Self::of_violation(violation).named(machines),
            Finding::Panicked(panic) => Self::of_panic(panic, machines),
            Finding::Hung { machine } => Self::brief(
                "every callback returns".to_owned(),
                format!("a callback of {machine} does not return"),
            ),
            Finding::Nondeterministic(divergence) => Self::brief(
                "the same schedule always gives the same run".to_owned(),
                diverged(divergence),
            ),
            Finding::Unknown { why } => Self::brief("a verdict".to_owned(), why.clone()),
        }
    }

    /// Nothing, if every promise was kept.
    pub(super) fn of_outcome(outcome: &Outcome, machines: &[Machine]) -> Option<Self> {
        Some(match outcome {
            Outcome::Holds => return None,
            Outcome::Violated(violation) => Self::of_violation(violation).named(machines),
            Outcome::Panicked(panic) => Self::of_panic(panic, machines),
            Outcome::Unknown { why } => Self::brief("a verdict".to_owned(), why.clone()),
        })
    }

    /// Nothing, if every promise was kept.
    pub(super) fn of_verdict(verdict: &Verdict) -> Option<Self> {
        Some(match verdict {
            Verdict::Holds => return None,
            Verdict::Violated(violation) => Self::of_violation(violation),
            Verdict::Unknown { why } => Self::brief("a verdict".to_owned(), why.clone()),
        })
    }

    pub(super) fn text(&self, machines: &[Machine], paint: Paint) -> String {
        let mut text = field(2, "expected", &self.expected, paint);
        text.push_str(&field(2, "observed", &self.observed, paint));
        for (index, operation) in self.operations.iter().take(OPERATIONS_MAX).enumerate() {
            let label = if index == 0 { "shown by" } else { "" };
            text.push_str(&field(2, label, &operation::tell(machines, operation), paint));
        }
        let left = self.operations.len().saturating_sub(OPERATIONS_MAX);
        if left > 0 {
            let more = paint.tint(Tone::Faint, &format!("and {left} more"));
            text.push_str(&field(2, "", &more, paint));
        }
        text
    }

    fn of_violation(violation: &Violation) -> Self {
        Self {
            expected: violation.expected.clone(),
            observed: violation.observed.clone(),
            operations: violation.operations.clone(),
        }
    }

    /// Calls machines by their names: a checker knows only their numbers.
    fn named(self, machines: &[Machine]) -> Self {
        let name = |text: String| {
            // From behind, or `node-1` would be found in `node-12`.
            machines.iter().enumerate().rev().fold(text, |text, (number, machine)| {
                text.replace(&format!("{:?}", NodeId(number as u16)), &machine.name)
            })
        };
        Self { expected: name(self.expected), observed: name(self.observed), ..self }
    }

    fn of_panic(panic: &Panic, machines: &[Machine]) -> Self {
        let name = operation::machine(machines, panic.node);
        Self::brief(
            "no callback panics".to_owned(),
            format!("{name} panicked at {}: {}", panic.location, panic.message),
        )
    }

    fn brief(expected: String, observed: String) -> Self {
        Self { expected, observed, operations: Vec::new() }
    }
}

fn diverged(divergence: &Divergence) -> String {
    let digests = if divergence.swept == divergence.again {
        "two runs have one digest but not one verdict".to_owned()
    } else {
        format!("two runs: {} and {}", digest(divergence.swept), digest(divergence.again))
    };
    let Some(parting) = &divergence.parting else {
        return format!("{digests}; two more runs did not show where they part");
    };
    if let (None, None) = (&parting.one, &parting.other) {
        return format!(
            "{digests}\nall {} events are alike: a machine ends in another state, of which it has \
             sent nothing",
            parting.common
        );
    }
    let event = |event: &Option<TraceEvent>| match event {
        Some(event) => format!("at {} {} [{}]", event.at, event.text, digest(event.digest)),
        None => "the end of the run".to_owned(),
    };
    format!(
        "{digests}\nthey part after {} events in common:\n- {}\n- {}",
        parting.common,
        event(&parting.one),
        event(&parting.other)
    )
}
