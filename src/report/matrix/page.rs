//! The guarantee matrix as a page: a table whose cells open.

use super::{MatrixCell, asked, replay, rows, short};
use crate::matrix::{Cell, FAULTS, Fault, Verdict};
use crate::report::explained::page::{STYLE, rendered};
use crate::report::words::count;
use askama::Template;
use std::collections::BTreeMap;

const MATRIX_STYLE: &str = include_str!("matrix.css");
const MATRIX_SCRIPT: &str = include_str!("matrix.js");

#[derive(Template)]
#[template(path = "matrix/matrix.html")]
struct Page {
    version: &'static str,
    schedules: String,
    columns: Vec<(&'static str, String)>,
    groups: Vec<Topic>,
    details: Vec<Detail>,
    style: &'static str,
    matrix_style: &'static str,
    script: &'static str,
}

struct Topic {
    name: &'static str,
    methods: Vec<Row>,
}

/// A method and a promise.
struct Row {
    method: Option<(&'static str, &'static str)>,
    promise: String,
    cells: Vec<Mark>,
}

struct Mark {
    id: String,
    class: &'static str,
    text: String,
    told: String,
    is_other: bool,
}

/// What a cell opens.
struct Detail {
    id: String,
    title: String,
    verdict: String,
    class: &'static str,
    facts: Vec<(&'static str, String)>,
    replay: Option<String>,
    explained: Option<String>,
}

/// One HTML file with the matrix; `explained` has the failures in words, by the words of their
/// places. It needs no other file and no network.
pub fn matrix_page(cells: &[Cell], explained: &BTreeMap<String, String>) -> String {
    let columns: Vec<Fault> =
        FAULTS.iter().copied().filter(|f| cells.iter().any(|c| c.place.fault == *f)).collect();
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        schedules: count(asked(cells)),
        columns: columns.iter().map(|&fault| (short(fault), fault.to_string())).collect(),
        groups: topics(cells, &columns),
        details: cells.iter().map(|cell| detail(cell, explained)).collect(),
        style: STYLE,
        matrix_style: MATRIX_STYLE,
        script: MATRIX_SCRIPT,
    };
    rendered(&page)
}

fn topics(cells: &[Cell], columns: &[Fault]) -> Vec<Topic> {
    let mut topics: Vec<Topic> = Vec::new();
    let mut method = "";
    for row in rows(cells) {
        let place = &row[0].place;
        let name = place.method.topic;
        if topics.last().is_none_or(|topic| topic.name != name) {
            topics.push(Topic { name, methods: Vec::new() });
        }
        let is_new = place.method.id != method;
        method = place.method.id;
        let marks = columns.iter().map(|fault| {
            row.iter().find(|cell| cell.place.fault == *fault).map_or_else(nothing, mark)
        });
        let row = Row {
            method: is_new.then_some((place.method.id, place.method.about)),
            promise: place.promise.to_string(),
            cells: marks.collect(),
        };
        topics.last_mut().expect("one was pushed").methods.push(row);
    }
    topics
}

fn nothing() -> Mark {
    let (id, text, told) = (String::new(), String::new(), String::new());
    Mark { id, class: "absent", text, told, is_other: false }
}

fn mark(cell: &Cell) -> Mark {
    let (text, _) = super::mark(&MatrixCell::of(cell));
    let place = &cell.place;
    Mark {
        id: id(cell),
        class: cell.verdict.slug(),
        text,
        told: format!(
            "{}, {}, {}: {}",
            place.method.id,
            place.promise,
            place.fault,
            cell.verdict.slug()
        ),
        is_other: cell.is_other(),
    }
}

/// The name of a cell within the page.
fn id(cell: &Cell) -> String {
    let place = &cell.place;
    format!("{}.{}.{}", place.method.id, place.fault, place.promise)
}

fn detail(cell: &Cell, explained: &BTreeMap<String, String>) -> Detail {
    let MatrixCell { verdict, schedules, rule, failures, story, expected, source, .. } =
        MatrixCell::of(cell);
    let place = &cell.place;
    let mut facts = Vec::new();
    if let (Some(rule), Some(story)) = (rule, story) {
        facts.push(("rule", rule));
        facts.push(("story", story));
    }
    facts.push(match failures {
        Some(failures) => {
            ("schedules", format!("{} of {} broke it", count(failures), count(schedules)))
        }
        None => (
            "schedules",
            format!(
                "kept in {} in which the faults bit, of {}",
                count(schedules),
                count(cell.schedules)
            ),
        ),
    });
    facts.push(("expected", format!("{expected}: {source}")));
    if let Some(difference) = cell.difference() {
        facts.push(("but", difference.because.to_owned()));
    }
    let replay = match &cell.verdict {
        Verdict::Violated(failure) => Some(replay(place, failure)),
        Verdict::Holds | Verdict::NotStressed => None,
    };
    Detail {
        id: id(cell),
        title: format!("{}, {}, {}", place.method.id, place.promise, place.fault),
        class: cell.verdict.slug(),
        verdict,
        facts,
        replay,
        explained: explained.get(&place.word()).cloned(),
    }
}
