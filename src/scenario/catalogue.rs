//! The scenarios that come with the crate.

use super::{Scenario, ScenarioError};

/// A scenario of the catalogue, not parsed yet.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The default scenario first.
const CATALOGUE: [Entry; 4] = [
    Entry {
        name: "exactly-once-pipe",
        text: include_str!("../../scenarios/exactly-once-pipe.toml"),
    },
    Entry {
        name: "at-least-once-pipe",
        text: include_str!("../../scenarios/at-least-once-pipe.toml"),
    },
    Entry {
        name: "at-most-once-pipe",
        text: include_str!("../../scenarios/at-most-once-pipe.toml"),
    },
    Entry { name: "w1", text: include_str!("../../scenarios/w1.toml") },
];

/// The scenarios that come with the crate, the default one first.
pub fn catalogue() -> &'static [Entry] {
    &CATALOGUE
}

impl Entry {
    /// The entry of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, ScenarioError> {
        CATALOGUE.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let known: Vec<_> = CATALOGUE.iter().map(|entry| entry.name).collect();
            ScenarioError::NoSuchScenario { name: name.to_owned(), known: known.join(", ") }
        })
    }

    /// The scenario.
    ///
    /// # Errors
    /// None in a tested crate: every text of the catalogue is a scenario.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        Scenario::from_toml(self.name, self.text)
    }
}
