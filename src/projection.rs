//! Projections: of each key the newest update.
//!
//! A projection folds a log into one row a key. Records may come twice, late, and from several
//! producers and partitions, so the newest update is the one with the greatest version and not the
//! one that comes last (conditional writes, "last writer wins by version"). A consumer that keeps a
//! projection and the judge that checks it share these definitions.

use crate::digest::{Digest, SetDigest};
use crate::id::MessageId;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// An update of a key, or the row that it leaves.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key.
    pub key: u64,
    /// The message that made the update; its [`version`] is the row's.
    pub message: MessageId,
    /// The fingerprint of what it says.
    pub payload: u64,
}

/// The version of the update that `message` makes; no two messages have the same.
///
/// Of two planned messages the one with the higher number within its producer is newer, and of
/// equal numbers the one whose producer has the higher number. Ids of other kinds take part in the
/// same order, by their lower and then their upper half.
///
/// ```
/// use postulate::id::{MessageId, NodeId};
/// use postulate::projection::version;
///
/// let second = MessageId::new(NodeId(1), 2);
/// assert!(version(second) < version(MessageId::new(NodeId(0), 3)));
/// assert!(version(second) < version(MessageId::new(NodeId(4), 2)));
/// ```
pub const fn version(message: MessageId) -> u64 {
    message.word().rotate_left(32)
}

impl Row {
    /// Takes the row into the view of a projection: the set of its rows, each as key, message and
    /// payload.
    pub fn enter(self, view: &mut SetDigest) {
        let value = Digest::new().word(self.message.word()).word(self.payload).value();
        view.insert(self.key, value);
    }
}

/// The view of the projection of `updates`, in whatever order they come and however often. Of two
/// updates by one message the one that comes first stays.
///
/// ```
/// use postulate::id::{MessageId, NodeId};
/// use postulate::projection::{Row, view};
///
/// let row = |number| Row { key: 7, message: MessageId::new(NodeId(0), number), payload: 0 };
/// assert_eq!(view([row(2), row(1), row(2)]), view([row(2)]));
/// ```
pub fn view(updates: impl IntoIterator<Item = Row>) -> SetDigest {
    let mut rows = BTreeMap::<u64, Row>::new();
    for update in updates {
        match rows.entry(update.key) {
            Entry::Vacant(place) => _ = place.insert(update),
            Entry::Occupied(mut row) if version(row.get().message) < version(update.message) => {
                row.insert(update);
            }
            Entry::Occupied(_) => {}
        }
    }
    let mut view = SetDigest::new();
    for row in rows.into_values() {
        row.enter(&mut view);
    }
    view
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    fn row(key: u64, origin: u16, number: u32) -> Row {
        Row { key, message: MessageId::new(NodeId(origin), number), payload: 9 }
    }

    #[test]
    fn every_word_of_a_row_shows() {
        let one = row(1, 2, 3);
        for other in [row(0, 2, 3), row(1, 0, 3), row(1, 2, 0), Row { payload: 0, ..one }] {
            assert_ne!(view([one]), view([other]), "{other:?}");
        }
        assert_eq!(view([]), SetDigest::new());
    }

    #[test]
    fn the_newest_of_each_key_stays_in_whatever_order_they_come() {
        let newest = view([row(1, 0, 5), row(2, 1, 4)]);
        let all = [row(1, 0, 5), row(1, 9, 4), row(2, 0, 4), row(2, 1, 4), row(1, 0, 0)];
        assert_eq!(view(all), newest);
        assert_eq!(view(all.into_iter().rev()), newest);
    }

    #[test]
    fn of_two_updates_by_one_message_the_first_stays() {
        let changed = Row { payload: 1, ..row(1, 0, 0) };
        assert_eq!(view([row(1, 0, 0), changed]), view([row(1, 0, 0)]));
    }
}
