//! What pages, diagrams and traces say of failures, against the facts of the runs.

use postulate::explain::{Effort, explain};
use postulate::report::Account;
use postulate::run::{Subject, Worker};
use postulate::schedule::Schedule;
use postulate::zoo::{Specimen, zoo};
use std::sync::Arc;

mod mermaid;
mod naive;
mod pasts;
mod perfetto;

/// Explanations of which only the past matters.
const LEAST: Effort = Effort { points: 2, redraws: 2, varied: 0 };

fn worker(subject: &Arc<dyn Subject>) -> Box<dyn Worker> {
    Arc::clone(subject).worker(Arc::default())
}

fn account(name: &str, subject: &Arc<dyn Subject>, schedule: &Schedule, effort: Effort) -> Account {
    let mut worker = worker(subject);
    let explanation =
        explain(worker.as_mut(), subject.as_ref(), schedule, effort, &mut || ()).unwrap();
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
