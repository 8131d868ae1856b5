//! Sets of messages.

use crate::digest::Digest;
use crate::id::{MessageId, NodeId};
use std::collections::BTreeSet;

/// So many messages of a client have a bit. A number far beyond what was planned is one that went
/// bad on its way, and no reason to make room for all before it.
const NUMBERED: u32 = 1 << 20;

/// A set of messages: a bit for each planned one, a tree for the rest.
#[derive(Clone, Debug, Default)]
pub(in crate::model) struct MessageSet {
    /// The first 64 messages of each client: few runs have more, and they need no second look.
    first: Vec<u64>,
    /// The messages of each client after those.
    later: Vec<Vec<u64>>,
    others: BTreeSet<u64>,
}

impl MessageSet {
    #[inline]
    pub(in crate::model) fn has(&self, message: MessageId) -> bool {
        match message.planned() {
            Some((origin, number @ ..64)) => {
                self.first.get(origin.index()).is_some_and(|bits| bits >> number & 1 == 1)
            }
            _ => self.has_far(message),
        }
    }

    #[cold]
    fn has_far(&self, message: MessageId) -> bool {
        let Some((origin, number)) = numbered(message) else {
            return self.others.contains(&message.word());
        };
        let bits = self.later.get(origin.index());
        let bits = bits.and_then(|bits| bits.get(number as usize / 64 - 1));
        bits.is_some_and(|bits| bits >> (number % 64) & 1 == 1)
    }

    /// Adds `message`. Returns whether it was new.
    #[inline]
    pub(in crate::model) fn insert(&mut self, message: MessageId) -> bool {
        if let Some((origin, number @ ..64)) = message.planned()
            && let Some(bits) = self.first.get_mut(origin.index())
        {
            let known = *bits;
            *bits |= 1 << number;
            return known != *bits;
        }
        self.insert_far(message)
    }

    #[cold]
    fn insert_far(&mut self, message: MessageId) -> bool {
        let Some((origin, number)) = numbered(message) else {
            return self.others.insert(message.word());
        };
        if self.first.len() <= origin.index() {
            self.first.resize(origin.index() + 1, 0);
        }
        let Some(word) = (number as usize / 64).checked_sub(1) else {
            self.first[origin.index()] |= 1 << number;
            return true;
        };
        if self.later.len() <= origin.index() {
            self.later.resize(origin.index() + 1, Vec::new());
        }
        let bits = &mut self.later[origin.index()];
        if bits.len() <= word {
            bits.resize(word + 1, 0);
        }
        let known = bits[word];
        bits[word] |= 1 << (number % 64);
        known != bits[word]
    }

    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        for (origin, &first) in self.first.iter().enumerate() {
            let later: &[u64] = self.later.get(origin).map_or(&[], |bits| bits);
            if first != 0 || !later.is_empty() {
                digest.word((origin as u64) << 32 | (1 + later.len() as u64)).word(first);
                for &word in later {
                    digest.word(word);
                }
            }
        }
        self.others.iter().for_each(|&word| _ = digest.word(word));
    }
}

/// The client and the number of a message that has a bit.
fn numbered(message: MessageId) -> Option<(NodeId, u32)> {
    message.planned().filter(|&(_, number)| number < NUMBERED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_knows_planned_messages_and_derived_ones() {
        let mut set = MessageSet::default();
        let id = |number| MessageId::new(NodeId(3), number);
        let planned = id(200);
        for message in [planned, id(63), id(64), id(0), MessageId::derive(planned, 0)] {
            assert!(!set.has(message));
            assert!(set.insert(message));
            assert!(set.has(message));
            assert!(!set.insert(message));
        }
        assert!(!set.has(MessageId::new(NodeId(3), 199)));
        assert!(!set.has(MessageId::new(NodeId(2), 200)));
    }

    #[test]
    fn a_number_that_went_bad_takes_no_room_for_those_before_it() {
        let mut set = MessageSet::default();
        let within = MessageId::new(NodeId(0), NUMBERED - 1);
        for message in
            [within, MessageId::new(NodeId(0), NUMBERED), MessageId::new(NodeId(0), u32::MAX)]
        {
            assert!(!set.has(message));
            assert!(set.insert(message));
            assert!(set.has(message) && !set.insert(message));
        }
        let words: usize = set.later.iter().map(Vec::len).sum();
        assert_eq!((words, set.others.len()), (NUMBERED as usize / 64 - 1, 2));
    }
}
