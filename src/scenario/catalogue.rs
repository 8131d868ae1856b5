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

macro_rules! entry {
    ($name:literal) => {
        Entry { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".toml")) }
    };
}

/// The default scenario first.
const CATALOGUE: &[Entry] = &[
    entry!("exactly-once-pipe"),
    entry!("at-least-once-pipe"),
    entry!("at-most-once-pipe"),
    entry!("renumbering-pipe"),
    entry!("log-with-dedup-window"),
    entry!("log-with-highest-sequence"),
    entry!("log-with-snapshots"),
    entry!("log-with-retention"),
    entry!("log-with-compaction"),
    entry!("inbox-service"),
    entry!("projections"),
    entry!("rebuilt-projections"),
    entry!("external-payments"),
    entry!("log-first-service"),
    entry!("outbox-free-dual-write"),
    entry!("work-queue"),
    entry!("notification-fan-out"),
    entry!("burst-to-a-slow-consumer"),
    entry!("dead-letter-handling"),
    entry!("lock-by-queue"),
    entry!("leased-work"),
    entry!("claimed-stream"),
    entry!("order-payment-inventory"),
    entry!("order-choreography"),
    entry!("order-tcc"),
    entry!("event-chain"),
    entry!("half-message-orders"),
    entry!("payment-service"),
    entry!("best-effort-notification"),
    entry!("w1"),
    entry!("corrupt-link"),
    entry!("retry-topic"),
    entry!("delayed-redelivery"),
];

/// The scenarios that come with the crate, the default one first.
pub fn catalogue() -> &'static [Entry] {
    CATALOGUE
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
