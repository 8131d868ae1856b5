//! An exhaustive search: what was tried, how much of it was run, what failed with the fewest steps.

use super::decisions;
use super::json::{cut, pretty, verdict};
use super::sweep::{
    Sight, doubt_text, ended_early, fault_rows, headline, rate, runs, site_rows, table,
};
use super::telling::Telling;
use super::words::{LABEL, Paint, Tone, count, counted, digest, field};
use crate::explore::{Conclusion, Exhausted, Group, Level};
use crate::history::Operation;
use crate::run::Subject;
use crate::schedule::Schedule;
use serde::Serialize;
use std::fmt::Write as _;

/// An exhaustive search of a scenario for people, at most 100 columns wide where words allow it.
pub fn exhausted_text(
    exhausted: &Exhausted,
    subject: &dyn Subject,
    sight: &Sight,
    paint: Paint,
) -> String {
    let Exhausted { swept, .. } = exhausted;
    let mut text = headline(swept, &sight.scenario, paint);
    text.push('\n');
    for line in claim(exhausted) {
        let _ = writeln!(text, "  {line}");
    }
    text.push('\n');
    let mut fact = |label: &str, fact: &str| text.push_str(&field(2, label, fact, paint));
    fact("digest", &digest(swept.tally.digest));
    fact("rate", &rate(swept.tally.schedules, swept.tally.delivered, sight.wall));
    fact("runs", &runs(swept));
    fact("run again", &counted(swept.tally.rechecked, "schedule"));
    text.push_str(&alphabet(exhausted, paint));
    text.push_str(&table("faults that bit", &fault_rows(swept), swept, paint));
    text.push_str(&table("sites reached", &site_rows(swept, subject), swept, paint));
    for (group, example) in swept.groups.iter().zip(&exhausted.examples) {
        text.push('\n');
        text.push_str(&group_text(group, example, subject, sight, paint));
    }
    if swept.conclusion() == Conclusion::Unknown {
        for &doubt in &swept.doubts {
            let _ = writeln!(text, "\n{}", paint.tint(Tone::Doubtful, doubt_text(doubt)));
        }
    }
    text
}

/// What may be claimed: no more than was run.
fn claim(exhausted: &Exhausted) -> Vec<String> {
    let Exhausted { swept, levels, .. } = exhausted;
    let mut lines = Vec::new();
    let whole = |level: &&Level| level.run == level.schedules;
    let complete: u64 = levels.iter().take_while(whole).map(|level| level.run).sum();
    if let Some(steps) = exhausted.complete_steps() {
        lines.push(format!(
            "Every schedule with at most {} from the alphabet below was run: {}.",
            counted(steps.into(), "decision"),
            counted(complete, "schedule")
        ));
    }
    if let Some(&Level { steps, schedules, run }) = levels.iter().find(|level| !whole(level)) {
        let why = swept.cut.map_or("a run hung", ended_early);
        let (run, decisions) = (count(run), counted(steps.into(), "decision"));
        let schedules = counted(schedules, "schedule");
        lines.push(format!("Of {schedules} with {decisions} {run} were run: {why}."));
    } else if !exhausted.is_complete() {
        let why = swept.cut.map_or("a run hung", ended_early);
        lines.push(format!("Schedules with more decisions were not run: {why}."));
    }
    lines
}

fn alphabet(exhausted: &Exhausted, paint: Paint) -> String {
    const NUMBER: usize = 8;
    let head = format!("  {:>NUMBER$}  alphabet", "places");
    let mut text = format!("\n{}\n", paint.tint(Tone::Faint, &head));
    let some = exhausted.letters.iter().filter(|(_, number)| *number > 0);
    for &(letter, number) in some {
        let _ = writeln!(text, "  {:>NUMBER$}  {}", count(number), exhausted.alphabet.tell(letter));
    }
    let note = "Counted for the quiet run; a decision may open places for the next.";
    let _ = writeln!(text, "  {:>NUMBER$}  {}", "", paint.tint(Tone::Faint, note));
    text
}

/// A kind of failure for people, by its first example.
pub(super) fn group_text(
    group: &Group,
    example: &Schedule,
    subject: &dyn Subject,
    sight: &Sight,
    paint: Paint,
) -> String {
    let tone = if group.finding.is_failure() { Tone::Bad } else { Tone::Doubtful };
    let name = paint.tint(tone, &group.name);
    let schedules = counted(group.count, "schedule");
    let mut text = format!("{name} in {schedules}\n");
    let steps = decisions::told(example, subject);
    if steps.is_empty() {
        text.push_str(&field(2, "takes", "nothing: the quiet run", paint));
    }
    for (number, step) in steps.iter().enumerate() {
        text.push_str(&field(2, if number == 0 { "takes" } else { "" }, step, paint));
    }
    let telling = Telling::of_finding(&group.finding, subject.machines());
    text.push_str(&telling.text(subject.machines(), paint));
    if let Some(file) = sight.kept.get(&group.name) {
        // A line to paste stays whole, however long it is.
        let label = paint.tint(Tone::Faint, &format!("{:<LABEL$}", "kept"));
        let line = paint.tint(Tone::Strong, &sight.paste.kept(file));
        let _ = writeln!(text, "  {label}{line}");
    }
    text
}

/// An exhaustive search of a scenario as one JSON object.
pub fn exhausted_json(exhausted: &Exhausted, subject: &dyn Subject, sight: &Sight) -> String {
    let Exhausted { search, swept, levels, .. } = exhausted;
    let letters = exhausted.letters.iter().filter(|(_, number)| *number > 0);
    let groups = swept.groups.iter().zip(&exhausted.examples);
    pretty(&ExhaustedJson {
        scenario: &sight.scenario,
        verdict: verdict(swept.conclusion()),
        decisions: search.steps,
        complete: exhausted.complete_steps(),
        levels: levels.iter().map(LevelJson::of).collect(),
        alphabet: letters
            .map(|&(letter, places)| LetterJson { what: exhausted.alphabet.tell(letter), places })
            .collect(),
        schedules: swept.tally.schedules,
        failures: swept.tally.failures(),
        digest: digest(swept.tally.digest),
        wall_s: sight.wall.as_secs_f64(),
        cut: swept.cut.map(cut),
        doubts: swept.doubts.iter().copied().map(doubt_text).collect(),
        groups: groups
            .map(|(group, schedule)| GroupJson::of(group, schedule, subject, sight))
            .collect(),
    })
}

#[derive(Serialize)]
struct ExhaustedJson<'a> {
    scenario: &'a str,
    verdict: &'static str,
    decisions: u32,
    complete: Option<u32>,
    levels: Vec<LevelJson>,
    alphabet: Vec<LetterJson>,
    schedules: u64,
    failures: u64,
    digest: String,
    wall_s: f64,
    cut: Option<&'static str>,
    doubts: Vec<&'static str>,
    groups: Vec<GroupJson<'a>>,
}

#[derive(Serialize)]
struct LevelJson {
    decisions: u32,
    schedules: u64,
    run: u64,
}

#[derive(Serialize)]
struct LetterJson {
    what: String,
    places: u64,
}

#[derive(Serialize)]
struct GroupJson<'a> {
    rule: &'a str,
    count: u64,
    expected: String,
    observed: String,
    operations: Vec<Operation>,
    decisions: Vec<String>,
    schedule: &'a Schedule,
    file: Option<&'a str>,
}

impl LevelJson {
    fn of(&Level { steps, schedules, run }: &Level) -> Self {
        Self { decisions: steps, schedules, run }
    }
}

impl<'a> GroupJson<'a> {
    fn of(
        group: &'a Group,
        schedule: &'a Schedule,
        subject: &dyn Subject,
        sight: &'a Sight,
    ) -> Self {
        let Telling { expected, observed, operations } =
            Telling::of_finding(&group.finding, subject.machines());
        Self {
            rule: &group.name,
            count: group.count,
            expected,
            observed,
            operations,
            decisions: decisions::told(schedule, subject),
            schedule,
            file: sight.kept.get(&group.name).map(String::as_str),
        }
    }
}
