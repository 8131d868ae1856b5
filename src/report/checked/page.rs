//! Verdicts on histories as a page: for each what shows it, a lane a process.

use super::{Checked, overall, verdict_of, word};
use crate::check::strong::Shown;
use crate::history::{Event, Operation};
use crate::id::{GroupId, MessageId, NodeId, PartitionId};
use crate::node::Machine;
use crate::report::explained::page::{STYLE, rendered};
use crate::report::operation;
use crate::report::telling::Telling;
use crate::report::words::counted;
use askama::Template;

/// What the page looks like beyond other pages.
const CHECK_STYLE: &str = include_str!("check.css");

/// Rows drawn for one verdict.
const ROWS_MAX: usize = 200;

#[derive(Template)]
#[template(path = "checked/check.html")]
struct Page {
    verdict: &'static str,
    tone: &'static str,
    judged_by: String,
    version: &'static str,
    histories: Vec<History>,
    style: &'static str,
    check_style: &'static str,
    script: &'static str,
}

struct History {
    file: String,
    length: String,
    verdict: String,
    tone: &'static str,
    finding: Option<(String, String)>,
    lanes: Vec<String>,
    rows: Vec<Row>,
    more: Option<String>,
}

/// Something that happened: what each lane shows beside it.
struct Row {
    at: String,
    cells: Vec<String>,
    text: String,
}

/// One HTML file that shows the verdicts on histories. It needs no other file and no network.
/// `judged_by` names the scenario or the promises. Machines without a name are called by their
/// numbers.
pub fn check_page(judged_by: String, checked: &[Checked], machines: &[Machine]) -> String {
    let verdict = overall(checked);
    rendered(&Page {
        verdict,
        tone: tone(verdict),
        judged_by,
        version: env!("CARGO_PKG_VERSION"),
        histories: checked.iter().map(|one| history(one, machines)).collect(),
        style: STYLE,
        check_style: CHECK_STYLE,
        script: "",
    })
}

/// A class of the style sheet.
fn tone(verdict: &str) -> &'static str {
    match verdict {
        "holds" => "good",
        "violated" => "bad",
        _ => "doubtful",
    }
}

fn history(checked: &Checked, machines: &[Machine]) -> History {
    let telling = Telling::of_verdict(&checked.verdict);
    let operations = telling.as_ref().map_or(&[][..], |telling| &telling.operations);
    let mut marks: Vec<Mark> = operations.iter().map(|it| Mark::of(it, machines)).collect();
    marks.extend(checked.calls.iter().enumerate().flat_map(|(call, shown)| calls(call, shown)));
    marks.sort_by_key(|mark| mark.at);
    let left = marks.len().saturating_sub(ROWS_MAX);
    marks.truncate(ROWS_MAX);
    let lanes = lanes(&marks);
    History {
        file: checked.file.clone(),
        length: counted(checked.operations, "operation"),
        verdict: verdict_of(&checked.verdict),
        tone: tone(word(&checked.verdict)),
        finding: telling.map(|telling| (telling.expected, telling.observed)),
        rows: rows(&marks, &lanes),
        lanes,
        more: (left > 0).then(|| format!("and {left} more")),
    }
}

/// What is drawn in a lane.
struct Mark {
    at: crate::time::Instant,
    lane: String,
    text: String,
    span: Option<(End, Span)>,
}

/// Which end of a span it is.
#[derive(Copy, Clone, PartialEq, Eq)]
enum End {
    Begin,
    End,
}

/// What has a beginning and an end.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Span {
    Send(NodeId, u16, MessageId, u32),
    Commit(NodeId, u16, GroupId, PartitionId, u64),
    Call(usize),
}

impl Mark {
    fn of(operation: &Operation, machines: &[Machine]) -> Self {
        let &Operation { at, process, incarnation, ref event } = operation;
        let text = operation::who_what(machines, operation);
        let send = |message, attempt: u32| Span::Send(process, incarnation, message, attempt);
        let commit =
            |group, partition, offset| Span::Commit(process, incarnation, group, partition, offset);
        let span = match *event {
            Event::SendInvoke { message, attempt, .. } => {
                Some((End::Begin, send(message, attempt.into())))
            }
            Event::SendOk { message, attempt, .. }
            | Event::SendFail { message, attempt }
            | Event::SendInfo { message, attempt } => {
                Some((End::End, send(message, attempt.into())))
            }
            Event::CommitInvoke { group, partition, offset } => {
                Some((End::Begin, commit(group, partition, offset)))
            }
            Event::CommitOk { group, partition, offset }
            | Event::CommitInfo { group, partition, offset } => {
                Some((End::End, commit(group, partition, offset)))
            }
            _ => None,
        };
        Self { at, lane: operation::machine(machines, process), text, span }
    }
}

/// A call begins, and ends if it was answered.
fn calls(place: usize, shown: &Shown) -> impl Iterator<Item = Mark> {
    let Shown { at, until, process, object, call } = shown;
    let mark = |at, end, text| Mark {
        at,
        lane: format!("process {process}"),
        text,
        span: Some((end, Span::Call(place))),
    };
    let begin = mark(*at, End::Begin, format!("{object}: process {process} {call}"));
    let end = until.map(|until| mark(until, End::End, format!("process {process} has its answer")));
    [begin].into_iter().chain(end)
}

/// The lanes, in the order in which something happens there.
fn lanes(marks: &[Mark]) -> Vec<String> {
    let mut lanes: Vec<String> = Vec::new();
    for mark in marks {
        if !lanes.contains(&mark.lane) {
            lanes.push(mark.lane.clone());
        }
    }
    lanes
}

fn rows(marks: &[Mark], lanes: &[String]) -> Vec<Row> {
    let mut open: Vec<(Span, &str)> = Vec::new();
    let mut rows = Vec::new();
    for mark in marks {
        let cells = lanes.iter().map(|lane| cell(mark, lane, &open)).collect();
        rows.push(Row { at: mark.at.to_string(), cells, text: mark.text.clone() });
        match mark.span {
            Some((End::Begin, span)) => open.push((span, &mark.lane)),
            Some((End::End, span)) => open.retain(|(it, _)| *it != span),
            None => {}
        }
    }
    rows
}

/// The classes of a lane beside a mark, given what has begun before.
fn cell(mark: &Mark, lane: &str, open: &[(Span, &str)]) -> String {
    let is_ended = |span: Span| mark.span == Some((End::End, span));
    let goes_through = open.iter().any(|&(span, at)| at == lane && !is_ended(span));
    let own = match mark.span {
        _ if mark.lane != lane => "",
        Some((End::Begin, _)) => "begin",
        Some((End::End, span)) if open.iter().any(|&(it, _)| it == span) => "end",
        _ => "moment",
    };
    let through = if goes_through { " through" } else { "" };
    format!("{own}{through}")
}
