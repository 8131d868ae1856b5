//! What was found by a sweep, kind by kind and bug by bug, as text and as JSON.

use super::decisions;
use super::shrunk::{BugJson, omitted};
use super::sweep::Sight;
use super::telling::Telling;
use super::words::{LABEL, Paint, Tone, count, counted, field};
use crate::explore::{Finding, Group, Inquiry};
use crate::history::Operation;
use crate::run::Subject;
use crate::seed::Seed;
use crate::shrink::{Distinct, Shrunk, Size};
use serde::Serialize;
use std::fmt::Write as _;

/// A kind of failure for people: its bugs, each with its smallest example, or if nobody looked for
/// bugs what the lowest seed shows.
pub(super) fn group_text(
    group: &Group,
    subject: &dyn Subject,
    sight: &Sight,
    paint: Paint,
) -> String {
    let mut text = kind_text(group, sight, paint);
    let bugs = bugs_of(group, sight);
    for (number, bug) in bugs.iter().enumerate() {
        text.push_str(&bug_text(number + 1, bug, subject, sight, paint));
    }
    if bugs.is_empty() {
        text.push_str(&lowest_text(group, subject, sight, paint));
    }
    text
}

/// The bugs that a kind of failure is, as far as anybody looked into it.
pub(super) fn bugs_of<'a>(group: &Group, sight: &'a Sight) -> &'a [Distinct] {
    inquiry_into(group, sight).map_or(&[][..], |inquiry| &inquiry.bugs)
}

/// How often a kind of failure was met, and how much is known of it.
pub(super) fn kind_text(group: &Group, sight: &Sight, paint: Paint) -> String {
    let tone = if group.finding.is_failure() { Tone::Bad } else { Tone::Doubtful };
    let name = paint.tint(tone, &group.name);
    let schedules = counted(group.count, "schedule");
    let mut text = format!("{name} in {schedules}, first at seed {}\n", group.seed);
    if let Some(inquiry) = inquiry_into(group, sight) {
        text.push_str(&inquiry_text(inquiry, paint));
    }
    text
}

/// What the lowest seed of a kind shows.
pub(super) fn lowest_text(
    group: &Group,
    subject: &dyn Subject,
    sight: &Sight,
    paint: Paint,
) -> String {
    let telling = Telling::of_finding(&group.finding, subject.machines());
    let mut text = telling.text(subject.machines(), paint);
    if let Finding::Hung { .. } = group.finding {
        let why = "not at all: each try would hang as well";
        text.push_str(&field(2, "shrunk", why, paint));
    }
    text.push_str(&lines_to_paste(group.seed, &group.name, sight, paint));
    text
}

fn inquiry_into<'a>(group: &Group, sight: &'a Sight) -> Option<&'a Inquiry> {
    sight.inquiries.iter().find(|inquiry| inquiry.group == group.name)
}

/// How many bugs there are, and among which failures; it never speaks for the others.
fn inquiry_text(inquiry: &Inquiry, paint: Paint) -> String {
    let Inquiry { failures, looked_into, bugs, refused, .. } = inquiry;
    let bugs = counted(bugs.len() as u64, "distinct bug");
    let others = failures - looked_into;
    let told = match (*looked_into, others) {
        (1, 0) => String::new(),
        (_, 0) => format!("{bugs} among all {}", counted(*failures, "failure")),
        (1, _) => format!("{bugs} at this seed; {} not looked into", were(others)),
        (_, _) => {
            let looked = counted(*looked_into, "lowest seed");
            format!("{bugs} among the {looked}; {} not looked into", were(others))
        }
    };
    let mut text = String::new();
    if !told.is_empty() {
        let _ = writeln!(text, "  {}", paint.tint(Tone::Strong, &told));
    }
    for (seed, why) in refused {
        let why = paint.tint(Tone::Doubtful, &format!("seed {seed} is no example: {why}"));
        text.push_str(&field(2, "not shrunk", &why, paint));
    }
    text
}

fn were(others: u64) -> String {
    match others {
        1 => "the other one was".to_owned(),
        _ => format!("the other {} were", count(others)),
    }
}

/// A bug by its smallest example.
pub(super) fn bug_text(
    number: usize,
    bug: &Distinct,
    subject: &dyn Subject,
    sight: &Sight,
    paint: Paint,
) -> String {
    let Distinct { signature, seeds, smallest, .. } = bug;
    let name = paint.tint(Tone::Strong, &format!("bug {number}: {}", signature.told()));
    let times = match seeds.len() {
        1 => format!("seed {}", seeds[0]),
        more => format!("{more} seeds, smallest at seed {}", smallest.run.seed),
    };
    let mut text = format!("\n  {name} ({times})\n");
    let steps = decisions::told(&smallest.schedule, subject);
    for (number, step) in steps.iter().enumerate() {
        text.push_str(&field(2, if number == 0 { "steps" } else { "" }, step, paint));
    }
    if steps.is_empty() {
        text.push_str(&field(2, "steps", "none: the workload fails by itself", paint));
    }
    if let Some(telling) = Telling::of_outcome(&smallest.run.outcome, subject.machines()) {
        text.push_str(&telling.text(subject.machines(), paint));
    }
    text.push_str(&field(2, "shrunk", &shrunk_text(smallest, subject), paint));
    let what = signature.to_string();
    text.push_str(&lines_to_paste(smallest.run.seed, &what, sight, paint));
    text
}

/// How much of the failure is left, and without what.
fn shrunk_text(shrunk: &Shrunk, subject: &dyn Subject) -> String {
    let Shrunk { schedule, before, size, runs, exhausted, .. } = shrunk;
    let size_text = |size: &Size| {
        let steps = counted(size.steps as u64, "step");
        format!("{steps} and {}", counted(size.events, "event"))
    };
    let runs = counted(*runs, "run");
    let mut text = format!("from {} to {} in {runs}", size_text(before), size_text(size));
    if *exhausted {
        text.push_str(", when the budget was spent: it may be smaller still");
    }
    if !schedule.omit.is_empty() {
        let _ = write!(text, ", without {}", omitted(schedule, subject).join(", "));
    }
    text
}

/// Lines to paste stay whole, however long they are.
fn lines_to_paste(seed: Seed, what: &str, sight: &Sight, paint: Paint) -> String {
    let mut text = String::new();
    let mut line = |label: &str, line: &str| {
        let label = paint.tint(Tone::Faint, &format!("{label:<LABEL$}"));
        let _ = writeln!(text, "  {label}{}", paint.tint(Tone::Strong, line));
    };
    line("see it", &sight.paste.line(seed));
    if let Some(file) = sight.kept.get(what) {
        line("kept", &sight.paste.kept(file));
    }
    text
}

#[derive(Serialize)]
pub(super) struct GroupJson<'a> {
    rule: &'a str,
    count: u64,
    seed: Seed,
    expected: String,
    observed: String,
    operations: Vec<Operation>,
    replay: String,
    file: Option<&'a str>,
    looked_into: u64,
    bugs: Vec<FoundJson<'a>>,
    refused: Vec<RefusedJson>,
}

/// A bug of a sweep.
#[derive(Serialize)]
struct FoundJson<'a> {
    #[serde(flatten)]
    bug: BugJson<'a>,
    replay: String,
    file: Option<&'a str>,
}

#[derive(Serialize)]
struct RefusedJson {
    seed: Seed,
    told: String,
}

impl<'a> GroupJson<'a> {
    pub(super) fn of(group: &'a Group, subject: &dyn Subject, sight: &'a Sight) -> Self {
        let Telling { expected, observed, operations } =
            Telling::of_finding(&group.finding, subject.machines());
        let file = |what: &str| sight.kept.get(what).map(String::as_str);
        let inquiry = inquiry_into(group, sight);
        let bugs = inquiry.iter().flat_map(|inquiry| &inquiry.bugs).map(|bug| FoundJson {
            bug: BugJson::of(bug, subject),
            replay: sight.paste.line(bug.smallest.run.seed),
            file: file(&bug.signature.to_string()),
        });
        let refused = inquiry.iter().flat_map(|inquiry| &inquiry.refused);
        let refused = refused.map(|(seed, why)| RefusedJson { seed: *seed, told: why.to_string() });
        let bugs: Vec<_> = bugs.collect();
        Self {
            rule: &group.name,
            count: group.count,
            seed: group.seed,
            expected,
            observed,
            operations,
            replay: sight.paste.line(group.seed),
            file: file(&group.name).or_else(|| bugs.first().and_then(|bug| bug.file)),
            looked_into: inquiry.map_or(0, |inquiry| inquiry.looked_into),
            bugs,
            refused: refused.collect(),
        }
    }
}
