//! Any bytes as a schedule of a scenario that keeps its promises.
//!
//! The environment variable [`SCENARIO`] says of which: a scenario of the catalogue, a specimen of
//! the zoo (which is then to fail), or the path of a TOML file. Unless it is set, the first byte
//! picks one of the catalogue; if it is, the first byte is passed over all the same, so that an
//! input is always the same schedule.

use postulate::explain::{Effort, explain_failure};
use postulate::explore::{Bytes, Watch, inspect};
use postulate::regression::{Origin, Regression};
use postulate::report::{Account, Paint, explained_text};
use postulate::run::{Outcome, Subject};
use postulate::scenario::{Expect, Scenario, catalogue};
use postulate::schedule::Schedule;
use postulate::shrink::Budget;
use postulate::zoo::Specimen;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use std::{env, fs};

/// The environment variable that names the scenario.
pub const SCENARIO: &str = "POSTULATE_FUZZ_SCENARIO";

/// After how many ticks an event counts as one without end, when a failure is made small.
const HUNG_AFTER_TICKS: u32 = 100;

/// What is run.
struct Stage {
    origin: Origin,
    subject: Arc<dyn Subject>,
    bytes: Bytes,
}

/// The scenarios that are run: one, or all of the catalogue that are to keep their promises.
#[expect(clippy::disallowed_methods, reason = "which one is said from outside")]
static CAST: LazyLock<Vec<(Origin, Scenario)>> = LazyLock::new(|| match env::var(SCENARIO) {
    Ok(word) => vec![named(&word)],
    Err(_) => catalogue()
        .iter()
        .map(|entry| (Origin::named(entry.name), entry.scenario().expect("it is in the catalogue")))
        .filter(|(_, scenario)| scenario.expect != Expect::Violated)
        .collect(),
});

thread_local! {
    static STAGES: RefCell<BTreeMap<usize, Stage>> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs the schedule that `bytes` stand for.
///
/// # Panics
/// If it breaks a promise or a node panics, with the story of the failure once it is made small,
/// and the path of a failure file; and if [`SCENARIO`] names no scenario.
pub fn try_out(bytes: &[u8]) {
    let (which, bytes) = bytes.split_first().map_or((0, bytes), |(&first, rest)| (first, rest));
    let which = usize::from(which) % CAST.len();
    STAGES.with_borrow_mut(|stages| {
        let stage = stages.entry(which).or_insert_with(|| Stage::of(&CAST[which]));
        let (schedule, run) = stage.bytes.run(bytes);
        if let Outcome::Violated(_) | Outcome::Panicked(_) = run.outcome {
            stage.tell(&schedule);
        }
    });
}

fn named(word: &str) -> (Origin, Scenario) {
    let is_file = Path::new(word).extension().is_some_and(|extension| extension == "toml");
    let (file, scenario) = if is_file {
        let text = fs::read_to_string(word).unwrap_or_else(|error| panic!("{word}: {error}"));
        (Some(word.to_owned()), Scenario::from_toml(word, &text))
    } else if let Some(specimen) = Specimen::named(word) {
        (None, specimen.scenario())
    } else {
        (None, Scenario::named(word))
    };
    let scenario = scenario.unwrap_or_else(|error| panic!("{SCENARIO}: {error}"));
    (Origin { name: scenario.name.clone(), file }, scenario)
}

impl Stage {
    fn of((origin, scenario): &(Origin, Scenario)) -> Self {
        let subject = scenario.clone().subject().unwrap_or_else(|error| panic!("{error}"));
        let bytes = Bytes::new(&subject);
        Self { origin: origin.clone(), subject, bytes }
    }

    /// Makes a failure small, keeps it as a file and panics with its story.
    fn tell(&self, failing: &Schedule) -> ! {
        let watch: Arc<dyn Watch> = Arc::new(Patient);
        let (budget, effort) = (Some(Budget::default()), Effort::default());
        let explained =
            explain_failure(&self.subject, failing, budget, effort, HUNG_AFTER_TICKS, &watch);
        let (schedule, story) = match explained {
            Ok(Ok(explored)) => {
                let schedule = explored.explanation.schedule.clone();
                let account = Account {
                    scenario: self.origin.name.clone(),
                    explanation: explored.explanation,
                    before: explored.before,
                    replay: "the failure file below".to_owned(),
                };
                let story = explained_text(&account, self.subject.as_ref(), Paint::Plain);
                (schedule, story)
            }
            Ok(Err(why)) => (failing.clone(), why.to_string()),
            Err(hung) => (failing.clone(), hung.to_string()),
        };
        let file = self.keep(&schedule, &watch);
        panic!("{} fails\n\n{story}\n\n{file}", self.origin.name);
    }

    /// Writes a failure file; gives the line that replays it.
    fn keep(&self, failing: &Schedule, watch: &Arc<dyn Watch>) -> String {
        let seen = match inspect(&self.subject, failing, HUNG_AFTER_TICKS, watch) {
            Ok(seen) => seen,
            Err(hung) => return hung.to_string(),
        };
        let regression = Regression::of(self.origin.clone(), self.subject.as_ref(), failing, &seen);
        let Some(regression) = regression else { return "it does not fail again".to_owned() };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("failures");
        let path = folder.join(regression.path());
        let written = path.parent().map_or(Ok(()), fs::create_dir_all);
        match written.and_then(|()| fs::write(&path, regression.text())) {
            Ok(()) => format!("postulate replay {}", path.display()),
            Err(error) => format!("{} cannot be written: {error}", path.display()),
        }
    }
}

/// Looks now and then whether a run hangs.
struct Patient;

impl Watch for Patient {
    #[expect(clippy::disallowed_methods, reason = "it waits beside the run, not in it")]
    fn tick(&self) {
        std::thread::sleep(Duration::from_millis(100));
    }
}
