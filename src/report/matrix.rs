//! The guarantee matrix as text and as JSON.

use super::json::pretty;
use super::words::{Paint, Tone, count, field, wrap};
use crate::matrix::{Cell, FAULTS, Failure, Fault, Method, Place, STRESS, Verdict};
use crate::scenario::PromiseName;
use crate::seed::Seed;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

pub use page::matrix_page;

mod page;

/// The width of the names of promises.
const NAME: usize = 22;
/// The width of a column.
const COLUMN: usize = 6;

/// A cell as programs read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatrixCell {
    /// The method.
    pub method: String,
    /// The column.
    pub fault: String,
    /// The promise.
    pub promise: String,
    /// `holds`, `violated` or `not-stressed`.
    pub verdict: String,
    /// In at least how many schedules the promise was kept while the column's faults bit; if it is
    /// violated, how many were run.
    pub schedules: u64,
    /// The seed of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Seed>,
    /// How many faults and decisions the failure takes when it is made small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions: Option<usize>,
    /// The column that the seed belongs to, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<String>,
    /// The rule that is broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// In how many schedules a promise was broken so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u64>,
    /// The failure in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub story: Option<String>,
    /// What was expected: `holds` or `violated`, or `not-stressed` where the column's faults make
    /// no difference.
    pub expected: String,
    /// Why.
    pub source: String,
    /// Why it says something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
}

impl MatrixCell {
    /// The cell in words.
    pub fn of(cell: &Cell) -> Self {
        let Cell { place, schedules, stressed, verdict, .. } = cell;
        let expected = place.expected();
        let failure = match verdict {
            Verdict::Violated(failure) => Some(&**failure),
            Verdict::Holds | Verdict::NotStressed => None,
        };
        let other = failure.map(|failure| failure.under).filter(|under| *under != place.fault);
        Self {
            method: place.method.id.to_owned(),
            fault: place.fault.to_string(),
            promise: place.promise.to_string(),
            verdict: verdict.slug().to_owned(),
            schedules: if failure.is_some() { *schedules } else { *stressed },
            seed: failure.map(|failure| failure.seed),
            decisions: failure.map(|failure| failure.decisions),
            under: other.map(|under| under.to_string()),
            rule: failure.map(|failure| failure.group.clone()),
            failures: failure.map(|failure| failure.count),
            story: failure.map(|failure| failure.story.clone()),
            expected: cell.wanted().to_owned(),
            source: expected.source.to_owned(),
            difference: cell.difference().map(|it| it.because.to_owned()),
        }
    }
}

/// Whether a cell says something else than was expected, and nobody has explained it.
pub fn is_unexplained(cell: &Cell) -> bool {
    cell.is_other() && cell.difference().is_none()
}

/// The matrix as one JSON array of cells.
pub fn matrix_json(cells: &[Cell]) -> String {
    pretty(&cells.iter().map(MatrixCell::of).collect::<Vec<_>>())
}

/// The matrix for people, at most 100 columns wide: a table, and what breaks each promise that is
/// not kept.
pub fn matrix_text(cells: &[Cell], paint: Paint) -> String {
    let told: Vec<MatrixCell> = cells.iter().map(MatrixCell::of).collect();
    let mut text = table(&told, paint);
    text.push('\n');
    text.push_str(&legend(cells));
    let stories = stories(cells, paint);
    if !stories.is_empty() {
        let _ = write!(text, "\n{}\n{stories}", paint.tint(Tone::Strong, "What breaks them"));
    }
    let others = others(cells, paint);
    if !others.is_empty() {
        let heading = paint.tint(Tone::Strong, "Otherwise than expected");
        let _ = write!(text, "\n{heading}\n{others}");
    }
    text
}

/// The table alone, of cells as programs read them.
pub fn matrix_rows(cells: &[MatrixCell]) -> String {
    table(cells, Paint::Plain)
}

fn table(cells: &[MatrixCell], paint: Paint) -> String {
    let columns: Vec<Fault> =
        FAULTS.iter().copied().filter(|f| cells.iter().any(|c| c.fault == f.slug())).collect();
    let mut text = format!("{:NAME$}", "");
    for fault in &columns {
        let _ = write!(text, "{:>COLUMN$}", short(*fault));
    }
    let (mut topic, mut method) = ("", "");
    for row in cells.chunk_by(|one, it| (&one.method, &one.promise) == (&it.method, &it.promise)) {
        let own = Method::named(&row[0].method).map_or("", |method| method.topic);
        if own != topic {
            topic = own;
            let _ = write!(text, "\n\n{}", paint.tint(Tone::Faint, topic));
        }
        if row[0].method != method {
            method = &row[0].method;
            let _ = write!(text, "\n{}", paint.tint(Tone::Strong, method));
        }
        let _ = write!(text, "\n  {:width$}", row[0].promise, width = NAME - 2);
        for fault in &columns {
            let cell = row.iter().find(|cell| cell.fault == fault.slug());
            let (mark, tone) = cell.map_or((String::new(), Tone::Faint), mark);
            let padding = COLUMN.saturating_sub(mark.chars().count());
            let _ = write!(text, "{:padding$}{}", "", paint.tint(tone, &mark));
        }
    }
    text.push('\n');
    text
}

fn mark(cell: &MatrixCell) -> (String, Tone) {
    match cell.decisions {
        Some(decisions) => (format!("✗{decisions}"), Tone::Bad),
        None if cell.verdict == "holds" => ("✓".to_owned(), Tone::Good),
        None if cell.expected == "not-stressed" => ("–".to_owned(), Tone::Faint),
        None => ("?".to_owned(), Tone::Doubtful),
    }
}

/// The cells of each method and promise.
fn rows(cells: &[Cell]) -> impl Iterator<Item = &[Cell]> {
    cells.chunk_by(|one, other| row_of(one) == row_of(other))
}

fn row_of(cell: &Cell) -> (&'static str, PromiseName) {
    (cell.place.method.id, cell.place.promise)
}

const fn short(fault: Fault) -> &'static str {
    use crate::profile::FaultClass::{
        ClockDrift, ClockStep, Disconnect, FailedSync, PowerCut, Zombie,
    };
    match fault {
        Fault::Alone(Disconnect) => "disc.",
        Fault::Alone(PowerCut) => "power",
        Fault::Alone(Zombie) => "zomb.",
        Fault::Alone(ClockDrift) => "drift",
        Fault::Alone(ClockStep) => "step",
        Fault::Alone(FailedSync) => "fsync",
        fault => fault.slug(),
    }
}

/// How many schedules each cell was to be run on.
fn asked(cells: &[Cell]) -> u64 {
    let run = cells.iter().filter(|cell| !cell.is_idle);
    run.map(|cell| cell.schedules).min().unwrap_or(0)
}

fn legend(cells: &[Cell]) -> String {
    let told = format!(
        "✓ holds: kept in all schedules, {} or more, and the column's faults bit in {}. ✗n \
         violated: a failure takes n faults and decisions. Not stressed: – the faults make no \
         difference here, ? they bit too rarely to tell.",
        count(asked(cells)),
        count(STRESS),
    );
    let mut text = wrap(&told, super::words::WIDTH).join("\n");
    text.push('\n');
    text
}

/// One failure for each promise that some column breaks: that with the fewest decisions.
fn stories(cells: &[Cell], paint: Paint) -> String {
    let mut text = String::new();
    for row in rows(cells) {
        let broken = row.iter().filter_map(|cell| match &cell.verdict {
            Verdict::Violated(failure) => Some((cell, &**failure)),
            Verdict::Holds | Verdict::NotStressed => None,
        });
        let Some((cell, failure)) = broken.min_by_key(|(_, failure)| failure.decisions) else {
            continue;
        };
        let place = &cell.place;
        let name = format!("{}, {}, {}", place.method.id, place.promise, failure.under);
        let _ = writeln!(text, "{}", paint.tint(Tone::Bad, &name));
        text.push_str(&field(2, "rule", &failure.group, paint));
        text.push_str(&field(2, "story", &failure.story, paint));
        text.push_str(&field(2, "see", &replay(place, failure), paint));
    }
    text
}

/// The line that explains a failure.
pub(super) fn replay(place: &Place, failure: &Failure) -> String {
    let own = Place { fault: failure.under, ..*place };
    format!("postulate replay {} --seed {} --explain", own.word(), failure.seed)
}

fn others(cells: &[Cell], paint: Paint) -> String {
    let mut text = String::new();
    for cell in cells.iter().filter(|cell| cell.is_other()) {
        let Place { method: Method { id, .. }, fault, promise } = cell.place;
        let says = cell.verdict.slug();
        let because = cell.difference().map_or("nobody knows why yet", |it| it.because);
        let _ = writeln!(text, "{id}, {promise}, {fault}: {says}, not {}", cell.wanted());
        text.push_str(&field(2, "expected", cell.place.expected().source, paint));
        text.push_str(&field(2, "but", because, paint));
    }
    text
}
