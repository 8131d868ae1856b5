//! The section of the relays.

use crate::model::relay::{MarkWhen, Ownership, ReadBy};
use crate::scenario::bounded::{Bounded, Positive};
use serde::Deserialize;

/// Relays on machines of their own, for services that write by an outbox: they publish, as
/// `[producer]` says, what the services have committed to say.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelaySection {
    /// How many there are.
    pub count: Bounded<1, 8>,
    /// How they find what is to be published.
    pub read: ReadBy,
    /// When they write down that it is published.
    pub mark: MarkWhen,
    /// How long they wait before they look again.
    pub poll: Positive,
    /// How many rows they read at a time.
    pub batch: Bounded<1, 1_000>,
    /// Which of them publish.
    pub ownership: Ownership,
    /// How long a lease lasts without a beat of its holder.
    pub lease: Positive,
}

impl Default for RelaySection {
    fn default() -> Self {
        Self {
            count: Bounded::of::<1>(),
            read: ReadBy::default(),
            mark: MarkWhen::default(),
            poll: Positive::millis(10),
            batch: Bounded::of::<100>(),
            ownership: Ownership::default(),
            lease: Positive::millis(150),
        }
    }
}
