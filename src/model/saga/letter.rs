//! Letters: what services and participants write to each other about an order.

use super::{replies, topics_of};
use crate::id::{MessageId, PartitionId};
use crate::model::message::Entry;
use crate::node::Planned;
use crate::time::Span;

/// What a letter is about an order, and about which of its steps.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) order: MessageId,
    pub(super) step: u8,
    pub(super) act: Act,
}

/// What is to be done about a step, or was.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Act {
    Do,
    Undo,
    Confirm,
    Done,
    Refused,
    Undone,
    Confirmed,
}

/// The order of the discriminants.
pub(super) const ACTS: [Act; 7] =
    [Act::Do, Act::Undo, Act::Confirm, Act::Done, Act::Refused, Act::Undone, Act::Confirmed];

/// What may stand in the two topics of a participant.
pub(super) const TAKEN_UP: [&[Act]; 2] = [&[Act::Do], &[Act::Undo, Act::Confirm]];
/// What may stand in the topic of the services.
pub(super) const ANSWERS: &[Act] = &[Act::Done, Act::Refused, Act::Undone, Act::Confirmed];

impl Letter {
    /// The name under which it stands in the log. It follows from what it says, so that a copy has
    /// the same.
    pub(super) fn message(self) -> MessageId {
        MessageId::derive(self.order, self.word() as u32)
    }

    /// The step and the act as a word.
    pub(super) const fn word(self) -> u64 {
        (self.step as u64) << 8 | self.act as u64
    }

    /// The letter about `order` whose [`word`](Self::word) is `word`.
    pub(super) fn from_word(order: MessageId, word: u64) -> Self {
        Self { order, step: (word >> 8) as u8, act: ACTS[(word & 0xff) as usize] }
    }

    /// Where it goes.
    pub(super) const fn topic(self, steps: u8) -> PartitionId {
        match self.act {
            Act::Do => topics_of(self.step)[0],
            Act::Undo | Act::Confirm => topics_of(self.step)[1],
            Act::Done | Act::Refused | Act::Undone | Act::Confirmed => replies(steps),
        }
    }

    /// It as a client sends it. All letters about an order have the order as their key.
    pub(super) fn posted(self) -> Planned {
        let (message, key) = (self.message(), self.order.word());
        Planned { node: crate::id::NodeId(0), message, key, at: Span::ZERO }
    }

    /// The letter that an entry is, if it says one of `acts` of one of `steps`. A name tells what
    /// it was derived from only to whom knows what to try.
    pub(super) fn read(
        entry: &Entry,
        steps: impl Iterator<Item = u8>,
        acts: &[Act],
    ) -> Option<Self> {
        let order = MessageId::from_word(entry.key);
        let candidates =
            steps.flat_map(|step| acts.iter().map(move |&act| Self { order, step, act }));
        { candidates }.find(|letter| letter.message() == entry.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::Blobs;
    use crate::id::NodeId;

    const ORDER: MessageId = MessageId::new(NodeId(1), 7);

    fn entry(letter: Letter) -> Entry {
        let Planned { message, key, .. } = letter.posted();
        Entry::new(message, key, Blobs::default().put(b"body"))
    }

    #[test]
    fn a_letter_is_read_as_it_was_written() {
        for (act, step) in ACTS.into_iter().flat_map(|act| (0..4).map(move |step| (act, step))) {
            let letter = Letter { order: ORDER, step, act };
            assert_eq!(Letter::read(&entry(letter), 0..4, &ACTS), Some(letter));
            assert_eq!(Letter::from_word(ORDER, letter.word()), letter);
            let others: Vec<Act> = ACTS.into_iter().filter(|&other| other != act).collect();
            assert_eq!(Letter::read(&entry(letter), 0..4, &others), None, "{letter:?}");
        }
    }

    #[test]
    fn what_undoes_a_step_travels_apart_from_what_takes_it() {
        let topic = |act| Letter { order: ORDER, step: 1, act }.topic(3);
        let topics = ACTS.map(topic);
        assert_eq!(topics.map(|topic| topic.0), [2, 3, 3, 6, 6, 6, 6]);
    }
}
