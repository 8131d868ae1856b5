//! The report of a sweep, as a browser shows it.

use super::browser::{Window, probe};
use super::past;
use crate::fake::Patient;
use postulate::explain::{Effort, explain};
use postulate::explore::{BUDGET, Search, Sweep, Watch, bugs, sweep};
use postulate::report::{Account, Explained, Paste, Sight, sweep_page};
use postulate::run::{Subject, Worker};
use postulate::schedule::{Schedule, Strategy};
use postulate::zoo::Specimen;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

fn patient() -> Arc<dyn Watch> {
    Arc::new(Patient)
}

/// Wide, and high enough for each diagram to show its first events.
const WINDOW: Window = Window { width: 1280, height: 1400 };

fn subject(name: &str) -> Arc<dyn Subject> {
    Specimen::named(name).unwrap().subject().unwrap()
}

fn explained(subject: &Arc<dyn Subject>, schedule: &Schedule) -> Explained {
    let mut worker: Box<dyn Worker> = Arc::clone(subject).worker(Arc::default());
    let effort = Effort { points: 4, redraws: 4, varied: 0 };
    let explanation = explain(worker.as_mut(), subject.as_ref(), schedule, effort).unwrap();
    let (scenario, replay) = (subject.name().to_owned(), "postulate replay it".to_owned());
    let account = Account { scenario, explanation, before: None, replay };
    Explained::of(&account, subject.as_ref())
}

/// The page of a sweep of a specimen, and the failures on it in their order.
fn page(name: &str, schedules: u64) -> (String, Vec<Explained>) {
    let subject = subject(name);
    let plan = Sweep { schedules, look_into: 4, ..Sweep::default() };
    let swept = sweep(&subject, &plan, &patient());
    let inquiries = bugs(&subject, &swept, BUDGET, &patient());
    let found = inquiries.iter().flat_map(|inquiry| &inquiry.bugs);
    let failures: Vec<(String, Explained)> = found
        .map(|bug| (bug.signature.to_string(), explained(&subject, &bug.smallest.schedule)))
        .collect();
    let in_order = failures.iter().map(|(_, explained)| explained.clone()).collect();
    let sight = Sight {
        scenario: name.to_owned(),
        wall: Duration::from_millis(40),
        paste: Paste::Replay { scenario: name.to_owned(), strategy: Strategy::Mix },
        inquiries,
        kept: BTreeMap::new(),
        novelty: None,
    };
    let search = Search::Seeds(Strategy::Mix);
    let failures: BTreeMap<_, _> = failures.into_iter().collect();
    (sweep_page(&swept, subject.as_ref(), &sight, search, &failures), in_order)
}

#[test]
fn every_bug_of_a_sweep_has_a_diagram_that_can_be_clicked() {
    let (page, failures) = page("upsert-without-version", 60);
    assert!(failures.len() > 1, "{} bugs", failures.len());
    let expected: Vec<_> = failures
        .iter()
        .map(|failure| {
            let event = failure.past[4];
            let before = past(failure, event);
            json!({ "event": event, "lit": before, "steps": failure.steps.len() })
        })
        .collect();
    let script = r#"
        const found = [];
        for (const bug of all(".bug")) {
          bug.scrollIntoView();
          await until(() => bug.querySelectorAll(".row").length > 4);
          const row = [...bug.querySelectorAll(".row")][4];
          const event = Number(row.dataset.event);
          const steps = bug.querySelectorAll(".steps li").length;
          row.click();
          const lit = [...bug.querySelectorAll(".row.lit")].map((it) => Number(it.dataset.event));
          found.push({ event, lit, steps });
        }
        return found;
    "#;
    if let Some(found) = probe(&page, &WINDOW, script) {
        assert_eq!(found, json!(expected));
    }
}

#[test]
fn what_was_at_stake_stands_on_the_page_and_how_to_run_it_again() {
    let twin = Specimen::named("volatile-dedup-set").unwrap().fixed_twin().unwrap();
    let subject = twin.subject().unwrap();
    let plan = Sweep { schedules: 90, ..Sweep::default() };
    let swept = sweep(&subject, &plan, &patient());
    let sight = Sight {
        scenario: "exactly-once-pipe".to_owned(),
        wall: Duration::from_millis(40),
        paste: Paste::Replay { scenario: "exactly-once-pipe".to_owned(), strategy: Strategy::Mix },
        inquiries: Vec::new(),
        kept: BTreeMap::new(),
        novelty: None,
    };
    let search = Search::Seeds(Strategy::Mix);
    let page = sweep_page(&swept, subject.as_ref(), &sight, search, &BTreeMap::new());
    let script = r#"
        return {
          verdict: one("h1").textContent,
          bound: one(".summary p.good").textContent,
          again: one(".stakes .paste code").textContent,
          faults: all(".stake")[0].querySelectorAll("tr").length - 1,
          wide: document.documentElement.scrollWidth <= innerWidth,
        };
    "#;
    let faults = swept.faults.classes().count();
    let bound =
        "No failure in 90 holding runs: at 95 % confidence, fewer than 1 in 30 schedules fail.";
    let expected = json!({
        "verdict": "holds: no failure in 90 schedules",
        "bound": bound,
        "again": "postulate sweep exactly-once-pipe --from 0x0 --schedules 90",
        "faults": faults,
        "wide": true,
    });
    for width in [1280, 420] {
        let window = Window { width, height: 1400 };
        if let Some(found) = probe(&page, &window, script) {
            assert_eq!(found, expected, "{width} pixels wide");
        }
    }
}
