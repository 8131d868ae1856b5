//! Verdicts on queues and registers, with the calls that show them.

use super::{Budget, Finding, Queue, Register, Spent, fifo, search, window};
use crate::check::evidence::list;
use crate::check::{Rule, Verdict, Violation};
use crate::history::calls::{Accessing, Caller, Calls, Queueing};
use crate::time::Instant;
use serde::Serialize;
use std::fmt;

/// A verdict on calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The verdict. Its violation names no operations: calls show it.
    pub verdict: Verdict,
    /// The few calls that show a violation, by their beginnings.
    pub shown: Vec<Shown>,
    /// What was spent, if the verdict is unknown for that.
    pub spent: Option<Spent>,
}

/// A call, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// When it began.
    pub at: Instant,
    /// When it was answered, if it was.
    pub until: Option<Instant>,
    /// Who called.
    pub process: u32,
    /// Whom.
    pub object: String,
    /// What the client did, such as `writes 7`.
    pub call: String,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process, call, .. } = self;
        write!(f, "process {process} {call}")?;
        match self.until {
            Some(until) => write!(f, ", until {until}"),
            None => f.write_str(", without an answer"),
        }
    }
}

impl Shown {
    fn of<A: fmt::Display>(calls: &Calls<A>, place: usize) -> Self {
        let Caller { process, began, ended } = calls.callers[place];
        let call = calls.calls[place].action.to_string();
        Self { at: began, until: ended, process, object: calls.object.clone(), call }
    }
}

/// Judges whether a queue handed its values out first in, first out: by its bad patterns, and where
/// these leave it open, by the search within `budget`.
pub fn judge_queue(queue: &Calls<Queueing>, budget: Budget) -> Judged {
    if queue.calls.is_empty() {
        return Judged::unknown("nobody has called the queue".to_owned(), None);
    }
    let found = match fifo(&queue.calls) {
        Finding::Unknown { why: open, .. } => match search(&Queue, &queue.calls, budget) {
            Finding::Unknown { why, spent } => {
                Finding::Unknown { why: format!("{why}, and {open}"), spent }
            }
            found => found,
        },
        found => found,
    };
    let (why, places) = match found {
        Finding::Linearizable => return Judged::holds(),
        Finding::Unknown { why, spent } => return Judged::unknown(why, spent),
        Finding::Impossible { why, calls } => (why, calls),
    };
    let expected = "the queue hands out each value once, in the order in which they were put in";
    Judged::violated((expected.to_owned(), why), queue, places)
}

/// Judges whether registers, which hold `register.start` at first, are read as they were written,
/// each by itself and within `budget`.
pub fn judge_registers(
    registers: &[Calls<Accessing>],
    register: &Register,
    budget: Budget,
) -> Judged {
    if registers.iter().all(|calls| calls.calls.is_empty()) {
        return Judged::unknown("nobody has called a register".to_owned(), None);
    }
    let mut unknown = None;
    for calls in registers {
        match search(register, &calls.calls, budget) {
            Finding::Linearizable => {}
            Finding::Unknown { why, spent } => {
                let why = format!("of {}, {why}", calls.object);
                unknown = unknown.or(Some(Judged::unknown(why, spent)));
            }
            Finding::Impossible { why, calls: places } => {
                return misread(calls, register, budget)
                    .unwrap_or_else(|| Judged::violated((expected(calls), why), calls, places));
            }
        }
    }
    unknown.unwrap_or_else(Judged::holds)
}

fn expected(calls: &Calls<Accessing>) -> String {
    let object = &calls.object;
    format!("the calls of {object} take effect one by one, each between its beginning and its end")
}

/// The verdict on a register by its window.
fn misread(calls: &Calls<Accessing>, register: &Register, budget: Budget) -> Option<Judged> {
    let found = window(register, &calls.calls, budget)?;
    let odd = Shown::of(calls, found.odd);
    let held = found.held.iter().map(|held| match held {
        Some(value) => value.to_string(),
        None => "nothing".to_owned(),
    });
    let held: Vec<String> = held.collect();
    let (process, call, at) = (odd.process, &odd.call, odd.until.unwrap_or(odd.at));
    let observed = if held.is_empty() {
        format!("process {process} {call}, as it was told at {at}, and no order explains that")
    } else {
        format!(
            "after the other calls shown it holds {}, and process {process} {call}, as it was told \
             at {at}: no order explains that",
            list(&held).replace(" and ", " or ")
        )
    };
    Some(Judged::violated((expected(calls), observed), calls, found.calls))
}

impl Judged {
    const fn holds() -> Self {
        Self { verdict: Verdict::Holds, shown: Vec::new(), spent: None }
    }

    const fn unknown(why: String, spent: Option<Spent>) -> Self {
        Self { verdict: Verdict::Unknown { why }, shown: Vec::new(), spent }
    }

    fn violated<A: fmt::Display>(
        (expected, observed): (String, String),
        calls: &Calls<A>,
        mut places: Vec<usize>,
    ) -> Self {
        places.sort_by_key(|&place| calls.calls[place].began);
        let shown = places.into_iter().map(|place| Shown::of(calls, place)).collect();
        let (rule, about, operations) = (Rule::Unlinearizable, Vec::new(), Vec::new());
        let violation = Violation { rule, expected, observed, about, operations };
        Self { verdict: Verdict::Violated(Box::new(violation)), shown, spent: None }
    }
}
