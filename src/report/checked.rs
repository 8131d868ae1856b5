//! Verdicts on histories that were read from files.

use super::telling::Telling;
use super::words::{Paint, Tone, counted, field};
use crate::check::Verdict;
use crate::check::strong::Shown;
use crate::history::Operation;
use crate::node::Machine;
use serde::Serialize;

pub use page::check_page;

mod page;

/// A history judged by promises.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The file as it was named.
    pub file: String,
    /// How many operations it holds.
    pub operations: u64,
    /// The verdict.
    pub verdict: Verdict,
    /// The calls that show it, if it is about calls.
    pub calls: Vec<Shown>,
}

impl Checked {
    /// The file and its verdict in a line.
    pub fn told(&self) -> String {
        let Self { file, operations, verdict, .. } = self;
        format!("{file} {}: {}", verdict_of(verdict), counted(*operations, "operation"))
    }
}

fn verdict_of(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Violated(violation) => format!("violates {}", violation.rule),
        verdict => word(verdict).to_owned(),
    }
}

/// What came of each history, for people. Machines without a name are called by their numbers.
pub fn check_text(checked: &[Checked], machines: &[Machine], paint: Paint) -> String {
    checked.iter().map(|checked| text_of(checked, machines, paint)).collect()
}

/// What came of the histories as one JSON object; `scenario` is what they were judged by, unless it
/// was promises alone.
pub fn check_json(scenario: Option<&str>, checked: &[Checked]) -> String {
    super::json::pretty(&CheckJson {
        scenario,
        verdict: overall(checked),
        histories: checked.iter().map(HistoryJson::of).collect(),
    })
}

fn text_of(checked: &Checked, machines: &[Machine], paint: Paint) -> String {
    let tone = match &checked.verdict {
        Verdict::Holds => Tone::Good,
        Verdict::Unknown { .. } => Tone::Doubtful,
        Verdict::Violated(_) => Tone::Bad,
    };
    let verdict = verdict_of(&checked.verdict);
    let (file, verdict) = (paint.tint(Tone::Strong, &checked.file), paint.tint(tone, &verdict));
    let length = counted(checked.operations, "operation");
    let told = Telling::of_verdict(&checked.verdict);
    let mut told = told.map_or_else(String::new, |told| told.text(machines, paint));
    for (index, call) in checked.calls.iter().take(CALLS_MAX).enumerate() {
        let label = if index == 0 { "shown by" } else { "" };
        told.push_str(&field(2, label, &format!("{:>10}  {call}", call.at.to_string()), paint));
    }
    let left = checked.calls.len().saturating_sub(CALLS_MAX);
    if left > 0 {
        told.push_str(&field(2, "", &paint.tint(Tone::Faint, &format!("and {left} more")), paint));
    }
    format!("{file} {verdict}: {length}\n{told}")
}

/// Calls printed for one verdict.
const CALLS_MAX: usize = 16;

/// One broken promise breaks the whole; what cannot be told keeps it from holding.
fn overall(checked: &[Checked]) -> &'static str {
    let verdicts = || checked.iter().map(|checked| word(&checked.verdict));
    let is = |word: &str| verdicts().any(|verdict| verdict == word);
    ["violated", "unknown"].into_iter().find(|word| is(word)).unwrap_or("holds")
}

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Violated(_) => "violated",
        Verdict::Unknown { .. } => "unknown",
    }
}

#[derive(Serialize)]
struct CheckJson<'a> {
    scenario: Option<&'a str>,
    verdict: &'static str,
    histories: Vec<HistoryJson<'a>>,
}

#[derive(Serialize)]
struct HistoryJson<'a> {
    file: &'a str,
    length: u64,
    verdict: &'static str,
    group: &'static str,
    expected: Option<String>,
    observed: Option<String>,
    operations: Vec<ShownJson<'a>>,
}

/// What shows a verdict.
#[derive(Serialize)]
#[serde(untagged)]
enum ShownJson<'a> {
    Operation(Operation),
    Call(&'a Shown),
}

impl<'a> HistoryJson<'a> {
    fn of(checked: &'a Checked) -> Self {
        let group = match &checked.verdict {
            Verdict::Violated(violation) => violation.rule.slug(),
            verdict => word(verdict),
        };
        let (expected, observed, operations) = match Telling::of_verdict(&checked.verdict) {
            None => (None, None, Vec::new()),
            Some(told) => (Some(told.expected), Some(told.observed), told.operations),
        };
        let operations = operations.into_iter().map(ShownJson::Operation);
        let calls = checked.calls.iter().map(ShownJson::Call);
        let operations = operations.chain(calls).collect();
        Self {
            file: &checked.file,
            length: checked.operations,
            verdict: word(&checked.verdict),
            group,
            expected,
            observed,
            operations,
        }
    }
}
