//! The section of the database.

use crate::model::store::Isolation;
use serde::Deserialize;

/// A database on a machine of its own.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSection {
    /// What its transactions may rely on.
    pub isolation: Isolation,
}
