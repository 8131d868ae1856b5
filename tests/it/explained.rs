//! What pages, diagrams and traces say of failures, against the facts of the runs.

use postulate::explain::{Effort, explain};
use postulate::report::Account;
use postulate::run::{Subject, Worker};
use postulate::schedule::{Schedule, Strategy};
use postulate::seed::Seed;
use postulate::zoo::{Specimen, zoo};
use std::sync::Arc;

mod mermaid;
mod naive;
mod pasts;
mod perfetto;

/// Explanations of which only the past matters.
const LEAST: Effort = Effort { points: 2, redraws: 2, varied: 0 };

/// Of how many seeds some are to fail.
const SEEDS_MAX: u64 = 30_000;

fn worker(subject: &Arc<dyn Subject>) -> Box<dyn Worker> {
    Arc::clone(subject).worker(Arc::default())
}

fn account(name: &str, subject: &Arc<dyn Subject>, schedule: &Schedule, effort: Effort) -> Account {
    let mut worker = worker(subject);
    let explanation = explain(worker.as_mut(), subject.as_ref(), schedule, effort).unwrap();
    let (scenario, replay) = (name.to_owned(), format!("postulate replay {name}.json --explain"));
    Account { scenario, explanation, before: None, replay }
}

/// The witness of a specimen, explained.
fn witness(specimen: &Specimen) -> (Arc<dyn Subject>, Account) {
    let subject = specimen.subject().unwrap();
    let account = account(specimen.id, &subject, &specimen.witness_schedule().unwrap(), LEAST);
    (subject, account)
}

/// Calls `check` with the explained witness of every specimen.
fn each_witness(check: impl Fn(&Specimen, &Arc<dyn Subject>, &Account)) {
    for specimen in zoo() {
        let (subject, account) = witness(specimen);
        check(specimen, &subject, &account);
    }
}

/// The failing runs of a specimen among its first seeds, under all strategies in turn.
fn seeded(specimen: &Specimen, subject: &Arc<dyn Subject>, most: usize) -> Vec<Schedule> {
    let mut worker = worker(subject);
    let strategy = |seed: u64| Strategy::ALL[seed as usize % Strategy::ALL.len()];
    let schedules = (0..SEEDS_MAX).map(|seed| Schedule::seeded(Seed(seed)).ordered(strategy(seed)));
    let failing = schedules.filter(|schedule| {
        let group = worker.run(schedule).outcome.group();
        group == specimen.breaks.slug()
    });
    failing.take(most).collect()
}
