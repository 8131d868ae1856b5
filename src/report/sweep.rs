//! A sweep as text.

use super::Paste;
use super::bugs::group_text;
use super::words::{Paint, Tone, WIDTH, count, counted, digest, field, share};
use crate::explore::{
    Conclusion, Cut, Doubt, Ends, Hits, Inquiry, LOOK_INTO, Novelty, Recheck, Search, Swept,
};
use crate::id::SiteId;
use crate::profile::FaultClass;
use crate::run::Subject;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// What the reader of a sweep sees besides the sweep itself.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The scenario as it was named.
    pub scenario: String,
    /// How long the sweep took by the wall clock.
    pub wall: Duration,
    /// How to see a failure again.
    pub paste: Paste,
    /// What the failures are, as far as anybody looked into them.
    pub inquiries: Vec<Inquiry>,
    /// The files that failures are kept in, by [what](crate::explore::Captured::what) they are.
    pub kept: BTreeMap<String, String>,
    /// What its runs were like, if that was asked for.
    pub novelty: Option<Novelty>,
}

/// A sweep for people, at most 100 columns wide: the verdict, each kind of failure with its bugs
/// and the lines that show them again, the rate, and what was at stake.
pub fn sweep_text(swept: &Swept, subject: &dyn Subject, sight: &Sight, paint: Paint) -> String {
    let mut text = headline(swept, &sight.scenario, paint);
    text.push('\n');
    for group in &swept.groups {
        text.push_str(&group_text(group, subject, sight, paint));
        text.push('\n');
    }
    if !swept.groups.is_empty() {
        let _ = writeln!(text, "{}", paint.tint(Tone::Faint, "the sweep"));
    }
    text.push_str(&facts_text(swept, sight.wall, paint));
    if let Some(novelty) = &sight.novelty {
        text.push_str(&novelty_text(novelty, paint));
    }
    text.push_str(&table("faults that bit", &fault_rows(swept), swept, paint));
    text.push_str(&table("sites reached", &site_rows(swept, subject), swept, paint));
    text.push_str(&ending_text(swept, paint));
    text
}

/// The verdict of a sweep in a line.
pub fn headline(swept: &Swept, scenario: &str, paint: Paint) -> String {
    let (tone, verdict) = verdict(swept);
    format!("{} {}\n", paint.tint(Tone::Strong, scenario), paint.tint(tone, &verdict))
}

/// The verdict over all, in a sentence.
pub(super) fn verdict(swept: &Swept) -> (Tone, String) {
    let schedules = counted(swept.tally.schedules, "schedule");
    match swept.conclusion() {
        Conclusion::Holds => (Tone::Good, format!("holds: no failure in {schedules}")),
        Conclusion::Violated => {
            let failures = count(swept.tally.failures());
            (Tone::Bad, format!("violated: {failures} of {schedules} failed"))
        }
        Conclusion::Nondeterministic => {
            let seeds = counted(swept.tally.nondeterministic, "seed");
            (Tone::Bad, format!("nondeterministic: {seeds} of {schedules} did not run twice alike"))
        }
        Conclusion::Unknown => {
            (Tone::Doubtful, format!("unknown: {schedules} show nothing either way"))
        }
    }
}

fn facts_text(swept: &Swept, wall: Duration, paint: Paint) -> String {
    let facts = facts(swept, wall).into_iter();
    facts.map(|(label, fact)| field(2, label, &fact, paint)).collect()
}

/// What a sweep did, each fact with its label.
pub(super) fn facts(swept: &Swept, wall: Duration) -> Vec<(&'static str, String)> {
    let tally = &swept.tally;
    let last = swept.plan.from.0.wrapping_add(tally.schedules.saturating_sub(1));
    let cut = match swept.cut {
        None => String::new(),
        Some(cut) => {
            let (done, asked) = (count(tally.schedules), count(swept.plan.schedules));
            format!(": {done} of {asked}, as {}", ended_early(cut))
        }
    };
    let to = if tally.schedules > 1 { format!(" to {last:#x}") } else { String::new() };
    let messages = format!(
        "{} delivered; {} invoked, {} acknowledged; {}",
        count(tally.delivered),
        counted(tally.invoked, "send"),
        share(tally.acknowledged, tally.invoked),
        counted(tally.effects, "effect"),
    );
    let alike = match (tally.nondeterministic, swept.plan.recheck) {
        (0, Recheck::All) => "every seed, and no difference".to_owned(),
        (0, Recheck::Sample) => format!("{}, and no difference", counted(tally.rechecked, "seed")),
        (differ, _) => format!("{}, {} differ", counted(tally.rechecked, "seed"), count(differ)),
    };
    vec![
        ("seeds", format!("{}{to}{cut}", swept.plan.from)),
        ("digest", digest(tally.digest)),
        ("rate", rate(tally.schedules, tally.delivered, wall)),
        ("runs", runs(swept)),
        ("messages", messages),
        ("run again", alike),
    ]
}

/// The line that runs the same schedules again. Whatever ended the sweep early, it ran a prefix of
/// those that were asked for.
pub(super) fn again(swept: &Swept, sight: &Sight, search: Search) -> String {
    let (plan, schedules) = (&swept.plan, swept.tally.schedules);
    let scenario = match &sight.paste {
        Paste::Replay { scenario, .. } => scenario,
        Paste::Test { name } => {
            let name = name.as_ref().map_or_else(String::new, |name| format!(" {name}"));
            return format!("POSTULATE_SCHEDULES={schedules} cargo test{name}");
        }
    };
    let mut line = format!("postulate sweep {scenario}");
    if let Search::Seeds(_) = search {
        let _ = write!(line, " --from {}", plan.from);
    }
    if search != Search::default() {
        let _ = write!(line, " --strategy {search}");
    }
    if matches!(search, Search::Seeds(_)) || swept.cut.is_some() {
        let _ = write!(line, " --schedules {schedules}");
    }
    if plan.look_into != LOOK_INTO {
        let _ = write!(line, " --look-into {}", plan.look_into);
    }
    line
}

fn novelty_text(novelty: &Novelty, paint: Paint) -> String {
    let Novelty { schedules, states, orders } = *novelty;
    let of = counted(schedules, "schedule");
    let states = counted(states, "distinct abstract state");
    let orders = counted(orders, "distinct partial order");
    field(2, "novelty", &format!("{states} and {orders} in the first {of}"), paint)
}

pub(super) fn ended_early(cut: Cut) -> &'static str {
    match cut {
        Cut::TimeLimit => "the time was up",
        Cut::StopAfter => "enough failed",
        Cut::Hangs => "too many hung",
        Cut::Budget => "no more were asked for",
    }
}

pub(super) fn rate(schedules: u64, delivered: u64, wall: Duration) -> String {
    let millis = wall.as_millis() as u64;
    if millis == 0 {
        return "less than a millisecond".to_owned();
    }
    let per_second = |number: u64| count(number.saturating_mul(1_000) / millis);
    let took = match millis {
        ..1_000 => format!("{millis} ms"),
        _ => format!("{:.1} s", wall.as_secs_f64()),
    };
    format!(
        "{took}, {} schedules and {} messages a second",
        per_second(schedules),
        per_second(delivered)
    )
}

pub(super) fn runs(swept: &Swept) -> String {
    let tally = &swept.tally;
    let Ends { settled, quiescent, impatient, broken, budget, aborted } = tally.ends;
    let verdicts = listed(&[
        (tally.held, "held"),
        (tally.violated, "violated"),
        (tally.panicked, "panicked"),
        (tally.hung, "hung"),
        (tally.nondeterministic, "nondeterministic"),
        (tally.unknown, "unknown"),
    ]);
    let ends = listed(&[
        (settled, "settled"),
        (quiescent, "quiescent"),
        (impatient, "impatient"),
        (broken, "broken off"),
        (budget, "over budget"),
        (aborted, "aborted"),
    ]);
    format!("{verdicts}; at the end {ends}")
}

fn listed(counts: &[(u64, &str)]) -> String {
    let some: Vec<_> = counts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", count(*number)))
        .collect();
    if some.is_empty() { "none".to_owned() } else { some.join(", ") }
}

pub(super) struct Row {
    pub(super) name: String,
    pub(super) hits: Hits,
}

pub(super) fn fault_rows(swept: &Swept) -> Vec<Row> {
    at_stake(swept)
        .map(|class| Row { name: class.slug().to_owned(), hits: swept.tally.bites(class) })
        .collect()
}

/// The classes that could bite, and those that did.
pub(super) fn at_stake(swept: &Swept) -> impl Iterator<Item = FaultClass> {
    let is_at_stake =
        |&class: &FaultClass| swept.faults.has(class) || swept.tally.bites(class).times > 0;
    FaultClass::ALL.iter().copied().filter(is_at_stake)
}

pub(super) fn site_rows(swept: &Swept, subject: &dyn Subject) -> Vec<Row> {
    let sites = subject.sites().iter().enumerate();
    sites
        .map(|(site, name)| Row {
            name: (*name).to_owned(),
            hits: swept.tally.reached(SiteId(site as u8)),
        })
        .collect()
}

/// Rows in two columns if they fit, read downwards.
pub(super) fn table(title: &str, rows: &[Row], swept: &Swept, paint: Paint) -> String {
    const INDENT: usize = 2;
    const SHARE: usize = 9;
    const TIMES: usize = 13;
    if rows.is_empty() {
        return String::new();
    }
    let name = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let name = name.max(title.chars().count());
    let width = INDENT + name + SHARE + TIMES;
    let columns = if rows.len() > 1 && 2 * width <= WIDTH { 2 } else { 1 };
    let height = rows.len().div_ceil(columns);

    let head = format!("{:INDENT$}{title:<name$}{:>SHARE$}{:>TIMES$}", "", "runs", "times");
    let bare = format!("{:INDENT$}{:<name$}{:>SHARE$}{:>TIMES$}", "", "", "runs", "times");
    let heads = if columns == 2 { head + &bare } else { head };
    let mut text = format!("\n{}\n", paint.tint(Tone::Faint, &heads));
    for line in 0..height {
        for row in [rows.get(line), rows.get(line + height)].into_iter().take(columns).flatten() {
            let Row { name: word, hits } = row;
            if hits.times == 0 {
                let never = paint.tint(Tone::Doubtful, &format!("{:>SHARE$}", "never"));
                let _ = write!(text, "{:INDENT$}{word:<name$}{never}{:TIMES$}", "", "");
            } else {
                let runs = share(hits.runs, swept.tally.schedules);
                let times = count(hits.times);
                let _ = write!(text, "{:INDENT$}{word:<name$}{runs:>SHARE$}{times:>TIMES$}", "");
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn ending_text(swept: &Swept, paint: Paint) -> String {
    let lines = ending(swept);
    let tone = swept.conclusion() == Conclusion::Unknown;
    let line = |line: String| if tone { paint.tint(Tone::Doubtful, &line) } else { line };
    match lines.into_iter().map(line).collect::<Vec<_>>() {
        lines if lines.is_empty() => String::new(),
        lines => format!("\n{}\n", lines.join("\n")),
    }
}

/// What a sweep without failures shows, or why it shows nothing.
pub(super) fn ending(swept: &Swept) -> Vec<String> {
    match swept.conclusion() {
        Conclusion::Holds => vec![format!(
            "No failure in {}: at 95 % confidence, fewer than {} schedules fail.",
            counted(swept.tally.held, "holding run"),
            bound_text(swept.tally.held)
        )],
        Conclusion::Unknown => {
            swept.doubts.iter().map(|&doubt| doubt_text(doubt).to_owned()).collect()
        }
        Conclusion::Violated | Conclusion::Nondeterministic => Vec::new(),
    }
}

/// The rule of three: with no failure in `held` runs, the share that fails is below 3/n at 95 %.
pub(super) fn bound(held: u64) -> Option<f64> {
    (held > 0).then(|| (3.0 / held as f64).min(1.0))
}

fn bound_text(held: u64) -> String {
    match held / 3 {
        0 | 1 => "all".to_owned(),
        one_in => format!("1 in {}", count(one_in)),
    }
}

pub(super) const fn doubt_text(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::NoRun => "No schedule was run.",
        Doubt::NothingAcknowledged => {
            "No message was acknowledged: no promise was put to the test."
        }
        Doubt::NothingDelivered => "No message was delivered: nothing happened.",
        Doubt::NothingSettled => "No run settled: what is owed in the end was never judged.",
        Doubt::NothingBit => "No fault bit although the promises are made under faults.",
        Doubt::TooManyUnknown => "More than one run in a thousand has no verdict.",
    }
}
