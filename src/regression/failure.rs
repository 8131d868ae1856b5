//! What went wrong, as a file keeps it.

use crate::check::Rule;
use crate::run::Outcome;
use serde::{Deserialize, Serialize};

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Failure {
    /// A promise was broken.
    Violation {
        /// The rule.
        rule: Rule,
        /// What it asks for.
        expected: String,
        /// What was seen instead.
        observed: String,
    },
    /// A node panicked.
    Panic {
        /// The file and the line that it came from.
        location: String,
        /// What it said.
        message: String,
    },
    /// A callback did not return.
    Hang {
        /// The machine whose callback it was.
        machine: String,
    },
}

impl Failure {
    /// What failed in a run with this outcome.
    pub fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Holds | Outcome::Unknown { .. } => None,
            Outcome::Violated(violation) => Some(Self::Violation {
                rule: violation.rule,
                expected: violation.expected.clone(),
                observed: violation.observed.clone(),
            }),
            Outcome::Panicked(panic) => Some(Self::Panic {
                location: panic.location.clone(),
                message: panic.message.clone(),
            }),
        }
    }

    /// The rule, the place of the panic, or the machine that hangs.
    pub fn group(&self) -> String {
        match self {
            Self::Violation { rule, .. } => rule.slug().to_owned(),
            Self::Panic { location, .. } => format!("panic at {location}"),
            Self::Hang { machine } => format!("hung in {machine}"),
        }
    }

    /// What names of files begin with.
    pub(super) const fn slug(&self) -> &'static str {
        match self {
            Self::Violation { rule, .. } => rule.slug(),
            Self::Panic { .. } => "panic",
            Self::Hang { .. } => "hang",
        }
    }

    /// Whether a run with this outcome fails alike: by the same rule, or by a panic of the same
    /// line, or one that says the same and has moved within its file.
    pub(super) fn is_alike(&self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Self::Violation { rule, .. }, Outcome::Violated(violation)) => *rule == violation.rule,
            (Self::Panic { location, message }, Outcome::Panicked(panic)) => {
                let file = |place: &str| place.rsplit_once(':').map(|(file, _)| file.to_owned());
                *location == panic.location
                    || *message == panic.message && file(location) == file(&panic.location)
            }
            _ => false,
        }
    }
}
