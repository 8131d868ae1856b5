//! The section of the broker of half messages.

use crate::model::half::ImmunityBy;
use crate::scenario::bounded::{Bounded, Positive};
use serde::Deserialize;

/// A broker of half messages on a machine of its own, for services that write by such: it keeps a
/// message unread until its service says that the local transaction is committed, asks when that is
/// not said, and publishes as `[producer]` says.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HalfSection {
    /// How often it looks at the half messages of which nobody has said what becomes of them.
    pub check: Positive,
    /// How old a half message must be before it asks.
    pub immunity: Positive,
    /// By what that age is told.
    pub immunity_by: ImmunityBy,
    /// How often it asks before it discards a half message.
    pub check_max: Bounded<1, 1_000_000>,
    /// How old a half message may become before it is discarded unasked.
    pub age_max: Positive,
}

impl Default for HalfSection {
    fn default() -> Self {
        Self {
            check: Positive::millis(20),
            immunity: Positive::millis(60),
            immunity_by: ImmunityBy::default(),
            check_max: Bounded::of::<1_000>(),
            age_max: Positive::millis(3_600_000),
        }
    }
}
