//! Failure files: a failure that is kept, and fails again until its bug is gone.
//!
//! A file holds what it takes to see a failure again, and what it looked like: the scenario, the
//! schedule (as a rule a quiet run and the few decisions that make it fail), the rule that was
//! broken, the digest of the run, and a [trail] of its events. The key of a decision names a link,
//! a kind of message and how many went before, never a step of the run; most edits of a system
//! leave a file standing.
//!
//! Everything here is a pure function of text and runs. Faces of the crate read and write the
//! files.
//!
//! ```
//! use postulate::regression::{Ending, Origin, Regression};
//! use postulate::zoo::Specimen;
//! use std::sync::Arc;
//!
//! let forgetful = Specimen::named("volatile-dedup-set").expect("a specimen of the zoo");
//! let (subject, schedule) = (forgetful.subject()?, forgetful.witness_schedule()?);
//! let mut worker = Arc::clone(&subject).worker(Arc::default());
//! let run = worker.inspect(&schedule);
//! let origin = Origin::named(forgetful.id);
//! let kept = Regression::of(origin, subject.as_ref(), &schedule, &run).expect("it fails");
//! assert!(kept.path().starts_with("volatile-dedup-set/duplicate-effect-"));
//!
//! let read = Regression::parse("kept.json", kept.text().as_bytes()).unwrap();
//! read.fit("kept.json", subject.as_ref()).unwrap();
//! let again = read.compare(subject.as_ref(), &worker.inspect(&read.schedule));
//! assert_eq!(again.ending, Ending::Reproduced);
//! # Ok::<(), postulate::scenario::ScenarioError>(())
//! ```
//!
//! [trail]: Trail

use crate::digest::Digest;
use crate::id::NodeId;
use crate::run::{Inspection, Subject};
use crate::schedule::{Part, Schedule};
use serde::{Deserialize, Serialize};

mod comparison;
mod failure;
mod layout;
mod reading;
mod trail;

pub use comparison::{Comparison, Ending, Parted};
pub use failure::Failure;
pub use reading::RegressionError;
pub use trail::{TRAIL_MAX, Trail};

/// The format of files that this version writes, and the only one that it reads.
pub const FORMAT: u32 = 1;

/// The most bytes that a failure file has: a schedule of ten thousand decisions has fewer.
pub const BYTES_MAX: usize = 4 << 20;

/// A failure that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    format: u32,
    postulate: String,
    id: String,
    /// Where it comes from.
    pub scenario: Origin,
    /// What went wrong.
    pub failure: Failure,
    /// The faults, decisions and omissions of the schedule in words, for readers alone.
    pub steps: Vec<String>,
    /// The schedule that fails. Its seed is the one that the failure was found with.
    pub schedule: Schedule,
    /// The digest of the run, unless it had no end.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "trail::hex")]
    pub digest: Option<u64>,
    /// The way that the run went, unless it had no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail: Option<Trail>,
}

/// The scenario of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Its name.
    pub name: String,
    /// The TOML file that it is in, as it was named to the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl Origin {
    /// A scenario that is known by its name.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), file: None }
    }
}

impl Regression {
    /// The failure of a run; nothing, if the run holds or has no verdict. `inspection` is that of
    /// `schedule`.
    pub fn of(
        scenario: Origin,
        subject: &dyn Subject,
        schedule: &Schedule,
        inspection: &Inspection,
    ) -> Option<Self> {
        let failure = Failure::of(&inspection.run.outcome)?;
        let mut regression = Self::new(scenario, subject, schedule, failure);
        regression.digest = Some(inspection.run.digest);
        regression.trail = Some(Trail::of(&inspection.trace));
        Some(regression)
    }

    /// The failure of a run that had no end: a callback of `machine` did not return.
    pub fn of_hang(
        scenario: Origin,
        subject: &dyn Subject,
        schedule: &Schedule,
        machine: &str,
    ) -> Self {
        let failure = Failure::Hang { machine: machine.to_owned() };
        Self::new(scenario, subject, schedule, failure)
    }

    fn new(scenario: Origin, subject: &dyn Subject, schedule: &Schedule, failure: Failure) -> Self {
        Self {
            format: FORMAT,
            postulate: env!("CARGO_PKG_VERSION").to_owned(),
            id: identity(&scenario, &failure, schedule),
            scenario,
            failure,
            steps: told(schedule, subject),
            schedule: schedule.clone(),
            digest: None,
            trail: None,
        }
    }

    /// Where the file belongs, below the folder of all of them: `<scenario>/<rule>-<hash>.json`.
    /// The hash is of what the failure is, so that one that is found again has the same file.
    pub fn path(&self) -> String {
        format!("{}/{}.json", folder(&self.scenario.name), self.id)
    }

    /// The text of the file.
    ///
    /// # Panics
    /// Never: all that it holds can be written.
    pub fn text(&self) -> String {
        let compact = serde_json::to_string(self).expect("a regression is plain data");
        layout::laid_out(&compact)
    }

    /// The version of this crate that wrote it, if it was another one.
    pub fn other_version(&self) -> Option<&str> {
        (self.postulate != env!("CARGO_PKG_VERSION")).then_some(&self.postulate)
    }

    /// Whether somebody has changed its scenario, its rule or its schedule since it was written.
    pub fn is_edited(&self) -> bool {
        self.id != identity(&self.scenario, &self.failure, &self.schedule)
    }
}

/// The folder of the failures of a scenario: its name, as far as every file system takes it.
pub fn folder(scenario: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let plain: String =
        scenario.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect();
    if plain == scenario && !plain.is_empty() && !plain.starts_with('.') {
        return plain;
    }
    // Two names that look alike now must not share a folder.
    let plain = plain.trim_start_matches('.');
    format!("{plain}-{:08x}", Digest::new().bytes(scenario.as_bytes()).value() as u32)
}

/// The faults, the decisions and the omissions of a schedule in words.
fn told(schedule: &Schedule, subject: &dyn Subject) -> Vec<String> {
    let faults = schedule.faults.iter().map(|fault| subject.tell_fault(fault));
    let decisions = schedule.decisions.iter();
    let decisions = decisions.map(|(&key, &choice)| subject.tell_decision(key, choice));
    let machine = |node: NodeId| match subject.machines().get(node.index()) {
        Some(machine) => machine.name.clone(),
        None => format!("{node:?}"),
    };
    let omitted = schedule.omit.iter().map(|part| match *part {
        Part::Machine(node) => format!("without {}", machine(node)),
        Part::Client(node) => format!("without the sends of {}", machine(node)),
        Part::Operation(message) => format!("without the send of {message}"),
    });
    faults.chain(decisions).chain(omitted).collect()
}

fn identity(scenario: &Origin, failure: &Failure, schedule: &Schedule) -> String {
    let schedule = serde_json::to_string(schedule).expect("a schedule is plain data");
    let mut digest = Digest::new();
    for part in [&scenario.name, &failure.group(), &schedule] {
        digest.bytes(part.as_bytes());
    }
    format!("{}-{:016x}", failure.slug(), digest.value())
}
