//! Any text as a failure file.

use postulate::regression::{Regression, RegressionError};
use postulate::run::{Outcome, Subject};
use postulate::scenario::Scenario;
use postulate::schedule::Schedule;
use postulate::time::Span;
use postulate::zoo::Specimen;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How errors call the file.
const FILE: &str = "fuzzed.json";

/// After how many events a replay ends.
const EVENTS_MAX: u64 = 20_000;

/// After how much virtual time a replay ends.
const TIME_MAX: Span = Span::secs(60);

thread_local! {
    static SUBJECTS: RefCell<BTreeMap<String, Arc<dyn Subject>>> =
        const { RefCell::new(BTreeMap::new()) };
}

/// Reads `bytes` as a failure file. One that is refused has to be refused in one of its lines; one
/// that is accepted is written and read again, and replayed for a while if its scenario is built
/// in.
///
/// # Panics
/// If a refusal names no line of the text, if the file that was read is another once it is written,
/// or if a schedule that fits its scenario makes a machine panic.
pub fn try_out(bytes: &[u8]) {
    let kept = match Regression::parse(FILE, bytes) {
        Ok(kept) => kept,
        Err(error) => return check_refusal(&error, bytes),
    };
    let again = Regression::parse(FILE, kept.text().as_bytes());
    assert_eq!(again.as_ref(), Ok(&kept), "{}", kept.text());
    let Some(subject) = subject(&kept.scenario.name) else { return };
    if kept.belongs(FILE, subject.as_ref()).is_err() {
        return;
    }
    let bounded = Schedule {
        events_max: Some(kept.schedule.events_max.unwrap_or(EVENTS_MAX).min(EVENTS_MAX)),
        time_max: Some(kept.schedule.time_max.unwrap_or(TIME_MAX).min(TIME_MAX)),
        ..kept.schedule.clone()
    };
    let seen = Arc::clone(&subject).worker(Arc::default()).inspect(&bounded);
    if let Outcome::Panicked(panic) = &seen.run.outcome {
        panic!("{} panicked at {}: {}", subject.name(), panic.location, panic.message);
    }
    kept.compare(subject.as_ref(), &seen);
}

/// The scenario of the catalogue, or the specimen, of that name.
fn subject(name: &str) -> Option<Arc<dyn Subject>> {
    SUBJECTS.with_borrow_mut(|subjects| {
        if let Some(known) = subjects.get(name) {
            return Some(Arc::clone(known));
        }
        let scenario = match Specimen::named(name) {
            Some(specimen) => specimen.scenario(),
            None => Scenario::named(name),
        };
        let subject = scenario.ok()?.subject().ok()?;
        subjects.insert(name.to_owned(), Arc::clone(&subject));
        Some(subject)
    })
}

fn check_refusal(error: &RegressionError, bytes: &[u8]) {
    let line = match *error {
        RegressionError::Garbled { line, .. }
        | RegressionError::CutShort { line, .. }
        | RegressionError::Malformed { line, .. }
        | RegressionError::Format { line, .. } => line,
        RegressionError::TooLong { .. } => return,
        RegressionError::OtherScenario { .. } | RegressionError::Misfit { .. } => {
            panic!("no scenario was named: {error}")
        }
    };
    let lines = bytes.split(|&byte| byte == b'\n').count();
    assert!((1..=lines).contains(&line), "there is no line {line}: {error}");
}
