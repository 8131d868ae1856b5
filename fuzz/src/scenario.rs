//! Any text as a scenario file.

use postulate::run::{Outcome, Subject};
use postulate::scenario::{Scenario, ScenarioError};
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use std::sync::Arc;

/// The most machines of a scenario that is run.
const MACHINES_MAX: usize = 32;

/// The most messages of a producer of a scenario that is run.
const MESSAGES_MAX: u32 = 1_000;

/// After how many events a run ends.
const EVENTS_MAX: u64 = 20_000;

/// Reads `bytes` as the text of a scenario. What is refused has to be refused at a place in the
/// text; what is accepted runs one schedule, if it is small, whatever comes of that.
///
/// # Panics
/// If a refusal names no place in the text, or a machine of the run panics.
pub fn try_out(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let scenario = match Scenario::from_toml("fuzzed.toml", text) {
        Ok(scenario) => scenario,
        Err(error) => return check_refusal(&error, text),
    };
    let messages = scenario.workload.messages.get();
    match scenario.subject() {
        Ok(subject) if messages <= MESSAGES_MAX && subject.machines().len() <= MACHINES_MAX => {
            run(&subject);
        }
        Ok(_) => {}
        Err(error) => check_refusal(&error, text),
    }
}

fn run(subject: &Arc<dyn Subject>) {
    let schedule = Schedule { events_max: Some(EVENTS_MAX), ..Schedule::seeded(Seed(1)) };
    let run = Arc::clone(subject).worker(Arc::default()).run(&schedule);
    if let Outcome::Panicked(panic) = run.outcome {
        panic!("{} panicked at {}: {}", subject.name(), panic.location, panic.message);
    }
}

fn check_refusal(error: &ScenarioError, text: &str) {
    let told = error.to_string();
    let line = match (error.line(), error) {
        (Some(line), _) => line,
        // What is not stated stands nowhere.
        (None, ScenarioError::Impossible { .. } | ScenarioError::TooLong { .. }) => return,
        (None, _) => panic!("no line is named: {told}"),
    };
    let lines = text.split('\n').count();
    assert!((1..=lines).contains(&line), "there is no line {line}: {told}");
    if let Some(span) = error.span() {
        assert!(text.get(span.clone()).is_some(), "{span:?} is no part of the text: {told}");
    }
}
