//! Golden digests: whatever the engine, a model or a judge does otherwise than before shows here.

use postulate::run::{Outcome, Pulse, Run, Subject};
use postulate::scenario::catalogue;
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use postulate::zoo::zoo;
use std::fmt::Write as _;
use std::sync::Arc;

const SEEDS: u64 = 16;

fn line(name: &str, run: &Run) -> String {
    let events = run.stats.events;
    let verdict = match &run.outcome {
        Outcome::Holds => "holds",
        Outcome::Violated(violation) => violation.rule.slug(),
        Outcome::Unknown { .. } => "unknown",
        Outcome::Panicked(_) => "panicked",
    };
    format!("{name:<5} {:016x} {events:>5} events {verdict}\n", run.digest)
}

/// The quiet run of a system and its first seeds, a line each.
fn digests(subject: Arc<dyn Subject>) -> String {
    let mut text = format!("{}\n", subject.name());
    let mut worker = subject.worker(Arc::new(Pulse::default()));
    text.push_str(&line("quiet", &worker.run(&Schedule::quiet())));
    for seed in 0..SEEDS {
        text.push_str(&line(&seed.to_string(), &worker.run(&Schedule::seeded(Seed(seed)))));
    }
    text
}

#[test]
fn the_first_seeds_of_every_scenario_and_specimen_give_the_same_digests_as_ever() {
    let scenarios = catalogue().iter().map(|entry| entry.scenario().unwrap());
    let specimens = zoo().iter().map(|specimen| specimen.scenario().unwrap());
    let mut text = String::new();
    for scenario in scenarios.chain(specimens) {
        let _ = writeln!(text, "{}", digests(scenario.subject().unwrap()));
    }
    insta::assert_snapshot!(text);
}
