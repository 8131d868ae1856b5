//! A projection: a table with a row a key, which updates replace.

use crate::digest::{Digest, SetDigest};
use crate::projection::{Row, version};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Which updates of a row a projection takes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// Those whose version is greater than the row's, as Elasticsearch's `version_type=external`
    /// and `INSERT … ON CONFLICT … DO UPDATE … WHERE` do.
    #[default]
    Version,
    /// All: the last to arrive wins.
    None,
}

/// The rows by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Projection {
    guard: Guard,
    rows: BTreeMap<u64, Row>,
}

impl Projection {
    pub(super) fn new(guard: Guard) -> Self {
        Self { guard, rows: BTreeMap::new() }
    }

    /// Updates the row of `update`'s key. Returns false if the guard refused it.
    pub(super) fn enter(&mut self, update: Row) -> bool {
        match self.rows.entry(update.key) {
            Entry::Vacant(place) => _ = place.insert(update),
            Entry::Occupied(mut row) => {
                let is_newer = version(row.get().message) < version(update.message);
                if self.guard == Guard::Version && !is_newer {
                    return false;
                }
                row.insert(update);
            }
        }
        true
    }

    /// Drops all rows. Returns whether there were any.
    pub(super) fn clear(&mut self) -> bool {
        let had_any = !self.rows.is_empty();
        self.rows.clear();
        had_any
    }

    /// What it holds.
    pub(super) fn view(&self) -> u64 {
        let mut view = SetDigest::new();
        self.rows.values().for_each(|row| row.enter(&mut view));
        view.value()
    }

    /// Takes the whole state into the digest.
    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        for row in self.rows.values() {
            digest.word(row.key).word(row.message.word()).word(row.payload);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{MessageId, NodeId};
    use crate::projection::view;

    fn row(key: u64, number: u32) -> Row {
        Row { key, message: MessageId::new(NodeId(1), number), payload: u64::from(number) }
    }

    #[test]
    fn a_guard_keeps_the_newest_and_without_one_the_last_stays() {
        let updates = [row(1, 3), row(2, 0), row(1, 5), row(1, 4), row(2, 0)];
        for (guard, taken, holds) in [
            (Guard::Version, [true, true, true, false, false], [row(1, 5), row(2, 0)]),
            (Guard::None, [true; 5], [row(1, 4), row(2, 0)]),
        ] {
            let mut projection = Projection::new(guard);
            assert_eq!(updates.map(|update| projection.enter(update)), taken);
            assert_eq!(projection.view(), view(holds).value(), "{guard:?}");
        }
    }
}
