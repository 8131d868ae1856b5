//! A sweep as a page: the verdict, each bug with its story and its diagram, and what was at stake.

use super::explained::Explained;
use super::explained::page::{SCRIPT, STYLE, article, rendered};
use super::sweep::{Row, Sight, again, ending, facts, fault_rows, site_rows, verdict};
use super::telling::Telling;
use super::words::{Tone, count, counted, share};
use crate::explore::{Group, Recheck, Search, Swept};
use crate::run::Subject;
use askama::Template;
use std::collections::BTreeMap;

/// What a sweep looks like beyond what each failure does.
const SWEEP_STYLE: &str = include_str!("sweep_page/sweep.css");

#[derive(Template)]
#[template(path = "sweep_page/sweep.html")]
struct Page<'a> {
    scenario: &'a str,
    version: &'static str,
    tone: &'static str,
    verdict: String,
    groups: Vec<Kind>,
    facts: Vec<(&'static str, String)>,
    ending: Vec<String>,
    faults: Vec<Hit>,
    sites: Vec<Hit>,
    again: String,
    options: Vec<(&'static str, String)>,
    style: &'static str,
    sweep_style: &'static str,
    script: &'static str,
}

/// Failures of one kind.
struct Kind {
    name: String,
    told: String,
    bugs: Vec<Bug>,
    /// What the lowest seed shows, if nobody looked for bugs.
    finding: Option<(String, String)>,
    replay: String,
    refused: Vec<String>,
}

/// A distinct bug.
struct Bug {
    name: String,
    told: String,
    file: Option<String>,
    article: Option<String>,
    replay: String,
}

/// How often something came up.
struct Hit {
    name: String,
    share: String,
    times: String,
    /// The share in percent, for a bar.
    width: u64,
}

/// One HTML file that shows a sweep; `explained` has the failures that were explained, by the
/// signature of the bug or the name of the kind of failure. It needs no other file and no network.
pub fn sweep_page(
    swept: &Swept,
    subject: &dyn Subject,
    sight: &Sight,
    search: Search,
    explained: &BTreeMap<String, Explained>,
) -> String {
    let (tone, verdict) = verdict(swept);
    let hits = |rows: Vec<Row>| rows.iter().map(|row| hit(row, swept)).collect();
    let page = Page {
        scenario: &sight.scenario,
        version: env!("CARGO_PKG_VERSION"),
        tone: class(tone),
        verdict,
        groups: swept.groups.iter().map(|it| kind(it, subject, sight, explained)).collect(),
        facts: facts(swept, sight.wall),
        ending: ending(swept),
        faults: hits(fault_rows(swept)),
        sites: hits(site_rows(swept, subject)),
        again: again(swept, sight, search),
        options: options(swept),
        style: STYLE,
        sweep_style: SWEEP_STYLE,
        script: SCRIPT,
    };
    rendered(&page)
}

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Doubtful | Tone::Strong | Tone::Faint => "doubtful",
    }
}

fn kind(
    group: &Group,
    subject: &dyn Subject,
    sight: &Sight,
    explained: &BTreeMap<String, Explained>,
) -> Kind {
    let inquiry = sight.inquiries.iter().find(|inquiry| inquiry.group == group.name);
    let looked = inquiry.map_or_else(String::new, |inquiry| {
        let bugs = counted(inquiry.bugs.len() as u64, "distinct bug");
        format!("; {} looked into: {bugs}", count(inquiry.looked_into))
    });
    let told =
        format!("{}, first at seed {}{looked}", counted(group.count, "schedule"), group.seed);
    let mut bugs: Vec<Bug> = inquiry
        .map_or(&[][..], |it| &it.bugs)
        .iter()
        .map(|bug| {
            let what = bug.signature.to_string();
            let seed = bug.smallest.run.seed;
            Bug {
                name: bug.signature.told(),
                told: format!("{}, smallest at {seed}", counted(bug.seeds.len() as u64, "seed")),
                file: sight.kept.get(&what).cloned(),
                article: explained.get(&what).map(article),
                replay: sight.paste.line(seed),
            }
        })
        .collect();
    // What an exhaustive search finds is small already, and an example of its kind.
    if let (true, Some(example)) = (bugs.is_empty(), explained.get(&group.name)) {
        bugs.push(Bug {
            name: "the first example".to_owned(),
            told: String::new(),
            file: sight.kept.get(&group.name).cloned(),
            article: Some(article(example)),
            replay: example.replay.clone(),
        });
    }
    let telling = Telling::of_finding(&group.finding, subject.machines());
    let refused = inquiry.map_or(&[][..], |it| &it.refused).iter();
    Kind {
        name: group.name.clone(),
        told,
        finding: bugs.is_empty().then_some((telling.expected, telling.observed)),
        bugs,
        replay: sight.paste.line(group.seed),
        refused: refused.map(|(seed, why)| format!("seed {seed} is no example: {why}")).collect(),
    }
}

fn hit(row: &Row, swept: &Swept) -> Hit {
    let Row { name, hits } = row;
    let runs = swept.tally.schedules.max(1);
    let (share, times) = match hits.times {
        0 => ("never".to_owned(), String::new()),
        times => (share(hits.runs, runs), count(times)),
    };
    Hit { name: name.clone(), share, times, width: (hits.runs * 100).div_ceil(runs) }
}

/// All that a sweep was told, so that it can be run again.
fn options(swept: &Swept) -> Vec<(&'static str, String)> {
    let plan = &swept.plan;
    let recheck = match plan.recheck {
        Recheck::All => "every seed",
        Recheck::Sample => "a sample",
    };
    let stop_after = plan.stop_after.map_or("none".to_owned(), |it| count(it.get()));
    vec![
        ("system", swept.system.clone()),
        ("first seed", plan.from.to_string()),
        ("schedules", count(plan.schedules)),
        ("strategy", plan.strategy.to_string()),
        ("jobs", plan.jobs.to_string()),
        ("stop after", stop_after),
        ("run again", recheck.to_owned()),
        ("look into", count(plan.look_into as u64)),
    ]
}
