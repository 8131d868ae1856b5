//! Specimens of the zoo as text and as JSON.

use super::json::pretty;
use super::words::{Paint, Tone, WIDTH, count, field, wrap};
use crate::zoo::{Checked, Difference, Measurement, Needs, Shrinkage, Specimen};
use serde::Serialize;
use std::fmt::Write as _;
use std::time::Duration;

/// The widths of the columns of a verdict.
const VERDICT: usize = 7;
const CHECK: usize = 15;

/// A specimen, and what was asked about it.
#[derive(Clone, Debug)]
pub struct Exhibit {
    /// The specimen.
    pub specimen: &'static Specimen,
    /// Its witness in words, if it is to be told in full.
    pub witness: Option<Vec<String>>,
    /// Its line in the file of its twin.
    pub difference: Option<Difference>,
    /// How soon it was found.
    pub measured: Option<Measurement>,
    /// How small its failures get.
    pub shrunk: Option<Shrinkage>,
    /// What came of the claims about it.
    pub checked: Option<Vec<Checked>>,
}

/// Specimens for people, at most 100 columns wide: what was asked about them, or else a list.
pub fn zoo_text(exhibits: &[Exhibit], paint: Paint) -> String {
    let differences = exhibits.iter().filter_map(|exhibit| exhibit.difference.as_ref());
    let differences = differences.map(|difference| difference_text(difference, paint));
    let verdicts = exhibits.iter().filter_map(|exhibit| {
        exhibit.checked.as_ref().map(|checked| verdict_text(exhibit.specimen, checked, paint))
    });
    let in_full = exhibits.iter().filter_map(|exhibit| {
        exhibit.witness.as_ref().map(|witness| full_text(exhibit.specimen, witness, paint))
    });
    let mut parts: Vec<String> = in_full.chain(differences).collect();
    parts.extend(measured_text(exhibits, paint));
    parts.extend(shrunk_text(exhibits, paint));
    parts.extend(verdicts);
    if parts.is_empty() {
        return list_text(exhibits, paint);
    }
    parts.join("\n")
}

/// Specimens as one JSON array.
pub fn zoo_json(exhibits: &[Exhibit]) -> String {
    pretty(&exhibits.iter().map(ExhibitJson::of).collect::<Vec<_>>())
}

/// One specimen in full.
fn full_text(specimen: &Specimen, witness: &[String], paint: Paint) -> String {
    let name = format!("{} {}", specimen.number, specimen.id);
    let mut text = format!("{}\n", paint.tint(Tone::Strong, &name));
    let mut tell = |label: &str, what: &str| text.push_str(&field(2, label, what, paint));
    tell("mechanism", specimen.mechanism);
    tell("source", specimen.source);
    tell("breaks", specimen.breaks.slug());
    tell("scenario", &format!("{} with {}", specimen.twin, specimen.change()));
    tell("needs", &needs(specimen));
    for (index, line) in witness.iter().enumerate() {
        tell(if index == 0 { "witness" } else { "" }, line);
    }
    text
}

fn needs(specimen: &Specimen) -> String {
    match specimen.needs {
        Needs::Faults(triggers) => {
            let names: Vec<_> = triggers.iter().map(|class| class.slug()).collect();
            match names.split_last() {
                Some((last, others)) if !others.is_empty() => {
                    format!("{} or {last}", others.join(", "))
                }
                _ => names.join(""),
            }
        }
        Needs::Nothing => "nothing: the quiet run fails".to_owned(),
        Needs::Interleaving => "an interleaving, and no fault".to_owned(),
    }
}

/// Two lines a specimen: what it is, and below it where it is published.
fn list_text(exhibits: &[Exhibit], paint: Paint) -> String {
    const NUMBER: usize = 4;
    let heads = ["no", "specimen", "breaks", "in the scenario"].map(str::to_owned);
    let rows = exhibits.iter().map(|Exhibit { specimen, .. }| {
        let number = specimen.number.to_string();
        [number, specimen.id.into(), specimen.breaks.slug().into(), specimen.twin.into()]
    });
    let mut lines = aligned([heads].into_iter().chain(rows), [NUMBER, 0, 0, 0]).into_iter();
    let mut text = String::new();
    let _ = writeln!(text, "{}", paint.tint(Tone::Faint, &lines.next().unwrap_or_default()));
    for (line, exhibit) in lines.zip(exhibits) {
        let _ = writeln!(text, "{line}");
        for part in wrap(exhibit.specimen.source, WIDTH - NUMBER - 2) {
            let _ = writeln!(text, "{:NUMBER$}  {}", "", paint.tint(Tone::Faint, &part));
        }
    }
    text
}

fn difference_text(difference: &Difference, paint: Paint) -> String {
    difference.to_string().lines().fold(String::new(), |mut text, line| {
        let line = match line.as_bytes().first() {
            _ if line.starts_with("---") => paint.tint(Tone::Strong, line),
            Some(b'-') => paint.tint(Tone::Bad, line),
            Some(b'+') => paint.tint(Tone::Good, line),
            _ => paint.tint(Tone::Faint, line),
        };
        let _ = writeln!(text, "{line}");
        text
    })
}

fn measured_text(exhibits: &[Exhibit], paint: Paint) -> Option<String> {
    let measured = exhibits.iter().filter_map(|exhibit| {
        exhibit.measured.as_ref().map(|measured| (exhibit.specimen, measured))
    });
    let measured: Vec<_> = measured.collect();
    let (_, first) = measured.first()?;
    let heads = ["no", "specimen", "found", "median", "p90", "most", "broken first"];
    let rows = measured.iter().map(|(specimen, told)| {
        let lengths = [told.median(), told.p90(), told.most()].map(count);
        let [median, p90, most] = lengths;
        let found = format!("{} of {}", told.found(), told.trials.len());
        let rules = told.rules().into_iter().map(|(rule, times)| format!("{rule} {times}"));
        let rules = rules.collect::<Vec<_>>().join(", ");
        [specimen.number.to_string(), specimen.id.into(), found, median, p90, most, rules]
    });
    let rows = [heads.map(str::to_owned)].into_iter().chain(rows);
    let mut lines = aligned(rows, [4, 0, 9, 8, 8, 8, 0]).into_iter();
    let mut text = paint.tint(Tone::Faint, &lines.next().unwrap_or_default()) + "\n";
    for (line, (specimen, told)) in lines.zip(&measured) {
        let is_right = told.is_found() && told.strays(specimen.breaks).next().is_none();
        let line = if is_right { line } else { paint.tint(Tone::Bad, &line) };
        let _ = writeln!(text, "{line}");
    }
    let note = format!(
        "Schedules to the first failure, in {} searches from seeds of their own; one that finds \
         none is given up after {} and counts as that many.",
        first.trials.len(),
        count(first.cap)
    );
    for part in wrap(&note, WIDTH) {
        let _ = writeln!(text, "{}", paint.tint(Tone::Faint, &part));
    }
    Some(text)
}

fn shrunk_text(exhibits: &[Exhibit], paint: Paint) -> Option<String> {
    let shrunk = exhibits.iter().filter_map(|Exhibit { specimen, shrunk, .. }| {
        shrunk.as_ref().map(|shrunk| (specimen, shrunk))
    });
    let shrunk: Vec<_> = shrunk.collect();
    let most = shrunk.iter().map(|(_, told)| told.samples.len()).max()?;
    let heads = ["no", "specimen", "shrunk", "witness", "smallest", "median", "ms", "runs"];
    let rows = shrunk.iter().map(|(specimen, told)| {
        let [smallest, median] =
            [told.smallest(), told.median_steps()].map(|steps| steps.map(wide));
        let figures = [
            smallest,
            median,
            told.median_took().map(|took| format!("{:.1}", milliseconds(took))),
            told.median_runs().map(count),
        ];
        let [smallest, median, took, runs] = figures.map(|told| told.unwrap_or_else(|| "-".into()));
        let shrunk =
            format!("{} of {}", told.samples.len(), told.samples.len() + told.refused.len());
        let (number, id) = (specimen.number.to_string(), specimen.id.to_owned());
        [number, id, shrunk, wide(told.witness), smallest, median, took, runs]
    });
    let rows = [heads.map(str::to_owned)].into_iter().chain(rows);
    let mut lines = aligned(rows, [4, 0, 8, 7, 8, 8, 8, 8]).into_iter();
    let mut text = paint.tint(Tone::Faint, &lines.next().unwrap_or_default()) + "\n";
    for (line, (_, told)) in lines.zip(&shrunk) {
        let line = if told.is_small() { line } else { paint.tint(Tone::Bad, &line) };
        let _ = writeln!(text, "{line}");
        for (seed, why) in &told.refused {
            let _ = writeln!(text, "      seed {seed}: {why}");
        }
    }
    let note = format!(
        "Faults and decisions that are left of the failures of at most {most} searches, beside \
         those of the witness; median time and runs to shrink one."
    );
    for part in wrap(&note, WIDTH) {
        let _ = writeln!(text, "{}", paint.tint(Tone::Faint, &part));
    }
    Some(text)
}

fn wide(number: usize) -> String {
    count(number as u64)
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

fn verdict_text(specimen: &Specimen, checked: &[Checked], paint: Paint) -> String {
    let name = format!("{} {}", specimen.number, specimen.id);
    let held = checked.iter().filter(|checked| checked.holds).count();
    let (tone, verdict) = if held == checked.len() {
        (Tone::Good, format!("all {held} checks hold"))
    } else {
        (Tone::Bad, format!("{} of {} checks fail", checked.len() - held, checked.len()))
    };
    let mut text = format!("{}  {}\n", paint.tint(Tone::Strong, &name), paint.tint(tone, &verdict));
    let margin = 2 + VERDICT + CHECK;
    for Checked { check, holds, told } in checked {
        let (tone, word) = if *holds { (Tone::Good, "holds") } else { (Tone::Bad, "fails") };
        let word = paint.tint(tone, &format!("{word:<VERDICT$}"));
        for (index, line) in wrap(told, WIDTH - margin).iter().enumerate() {
            let _ = if index == 0 {
                writeln!(text, "  {word}{:<CHECK$}{line}", check.slug())
            } else {
                writeln!(text, "{:margin$}{line}", "")
            };
        }
    }
    text
}

/// Lines of cells, two spaces apart; a column is as wide as its widest cell, or, if a width is
/// given for it, set flush right in that.
fn aligned<const N: usize>(
    rows: impl Iterator<Item = [String; N]>,
    right: [usize; N],
) -> Vec<String> {
    let rows: Vec<_> = rows.collect();
    let mut widths = right;
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).zip(right).map(|((cell, width), right)| match right {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[derive(Serialize)]
struct ExhibitJson<'a> {
    id: &'a str,
    number: u16,
    source: &'a str,
    rule: &'a str,
    scenario: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<DiffJson<'a>>,
    #[serde(flatten)]
    measured: Option<MeasuredJson>,
    #[serde(flatten)]
    shrunk: Option<ShrunkJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<CheckJson<'a>>>,
}

#[derive(Serialize)]
struct DiffJson<'a> {
    file: &'a str,
    line: usize,
    before: Option<&'a str>,
    after: &'a str,
}

#[derive(Serialize)]
struct MeasuredJson {
    strategy: &'static str,
    trials: u64,
    found: u64,
    median: u64,
    p90: u64,
}

#[derive(Serialize)]
struct ShrunkJson {
    decisions: Option<u64>,
    decisions_median: Option<u64>,
    witness_decisions: u64,
    shrink_ms: Option<f64>,
    shrink_runs: Option<u64>,
    not_shrunk: u64,
}

impl ShrunkJson {
    fn of(shrunk: &Shrinkage) -> Self {
        Self {
            decisions: shrunk.smallest().map(|steps| steps as u64),
            decisions_median: shrunk.median_steps().map(|steps| steps as u64),
            witness_decisions: shrunk.witness as u64,
            shrink_ms: shrunk.median_took().map(milliseconds),
            shrink_runs: shrunk.median_runs(),
            not_shrunk: shrunk.refused.len() as u64,
        }
    }
}

#[derive(Serialize)]
struct CheckJson<'a> {
    check: &'static str,
    holds: bool,
    told: &'a str,
}

impl<'a> ExhibitJson<'a> {
    fn of(exhibit: &'a Exhibit) -> Self {
        let Exhibit { specimen, difference, measured, shrunk, checked, .. } = exhibit;
        Self {
            id: specimen.id,
            number: specimen.number,
            source: specimen.source,
            rule: specimen.breaks.slug(),
            scenario: specimen.twin,
            diff: difference.as_ref().map(|difference| DiffJson {
                file: &difference.file,
                line: difference.line,
                before: difference.before.as_deref(),
                after: &difference.after,
            }),
            measured: measured.as_ref().map(|told| MeasuredJson {
                strategy: told.approach.slug(),
                trials: told.trials.len() as u64,
                found: told.found(),
                median: told.median(),
                p90: told.p90(),
            }),
            shrunk: shrunk.as_ref().map(ShrunkJson::of),
            checks: checked.as_ref().map(|checked| checked.iter().map(CheckJson::of).collect()),
        }
    }
}

impl<'a> CheckJson<'a> {
    fn of(Checked { check, holds, told }: &'a Checked) -> Self {
        Self { check: check.slug(), holds: *holds, told }
    }
}
