//! Where cells say something else than was expected, and why.

use super::{Fault, Place};
use crate::scenario::PromiseName;

/// Cells of a method and promise that say something else than was expected.
#[derive(Copy, Clone, Debug)]
pub struct Difference {
    /// The method.
    pub method: &'static str,
    /// The promise.
    pub promise: PromiseName,
    /// The columns.
    pub faults: &'static [Fault],
    /// What they say: `holds`, `violated` or `not-stressed`.
    pub says: &'static str,
    /// Why.
    pub because: &'static str,
}

/// All differences.
pub fn differences() -> &'static [Difference] {
    DIFFERENCES
}

impl Place {
    /// Why this place says `says` in spite of what was expected.
    pub(super) fn explained(&self, says: &str) -> Option<&'static Difference> {
        DIFFERENCES.iter().find(|it| {
            (it.method, it.promise) == (self.method.id, self.promise)
                && it.faults.contains(&self.fault)
                && it.says == says
        })
    }
}

const DIFFERENCES: &[Difference] = &[];
