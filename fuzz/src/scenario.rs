//! Any text as a scenario file.

use postulate::run::Subject;
use postulate::scenario::{Scenario, ScenarioError};
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use std::sync::Arc;

/// The most machines of a scenario that is run.
const MACHINES_MAX: usize = 32;

/// After how many events a run ends.
const EVENTS_MAX: u64 = 20_000;

/// Reads `bytes` as the text of a scenario. What is refused has to be refused at a place in the
/// text; what is accepted runs one schedule, if it is small, whatever comes of that.
///
/// # Panics
/// If a refusal names no place in the text.
pub fn try_out(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match Scenario::from_toml("fuzzed.toml", text).and_then(Scenario::subject) {
        Ok(subject) => run(&subject),
        Err(error) => check_refusal(&error, text),
    }
}

fn run(subject: &Arc<dyn Subject>) {
    if subject.machines().len() > MACHINES_MAX {
        return;
    }
    let schedule = Schedule { events_max: Some(EVENTS_MAX), ..Schedule::seeded(Seed(1)) };
    let run = Arc::clone(subject).worker(Arc::default()).run(&schedule);
    if let postulate::run::Outcome::Panicked(panic) = run.outcome {
        panic!("{} panicked at {}: {}", subject.name(), panic.location, panic.message);
    }
}

fn check_refusal(error: &ScenarioError, text: &str) {
    let told = error.to_string();
    let line = error.line().unwrap_or_else(|| panic!("no line is named: {told}"));
    assert!((1..=text.lines().count().max(1)).contains(&line), "there is no line {line}: {told}");
    if let Some(span) = error.span() {
        assert!(text.get(span.clone()).is_some(), "{span:?} is no part of the text: {told}");
    }
}
