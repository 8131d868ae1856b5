//! The outbox of a machine: letters that stand in its store until the log has them.

use super::letter::Letter;
use crate::digest::Digest;
use crate::id::MessageId;
use crate::model::store::{Row, Store, TableId, Transaction, Write};
use std::collections::VecDeque;

/// Letters by number: the message, what it says, and the order it is about.
const OUTBOX: TableId = TableId(1);

/// What is to be published, in the order in which it was decided.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    next: u64,
    /// What is written and not known to be durable yet.
    staged: VecDeque<Staged>,
    /// What is on its way to the log, each letter with the row to delete when it is there.
    posted: Vec<(MessageId, u64)>,
}

/// A letter whose commit is on its way to the disk.
#[derive(Copy, Clone, Debug)]
struct Staged {
    letter: Letter,
    /// Its row, if it has one.
    row: Option<u64>,
    /// It is durable with everything before this mark.
    mark: u64,
    sent: Sent,
}

/// Whether the log may have a letter already.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Never,
    /// By an earlier process.
    Perhaps,
}

impl Outbox {
    /// The outbox as a boot finds it in the store: all that is there is to be published again.
    pub(super) fn open(store: &Store) -> Self {
        let staged = store.rows(OUTBOX).map(|(number, row)| {
            let letter = Letter::from_word(MessageId::from_word(row.payload), row.version);
            Staged { letter, row: Some(number), mark: 0, sent: Sent::Perhaps }
        });
        let staged: VecDeque<Staged> = staged.collect();
        let next = staged.back().and_then(|last| last.row).map_or(0, |last| last + 1);
        Self { next, staged, posted: Vec::new() }
    }

    /// Whether anything is left to publish.
    pub(super) fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }

    /// Adds rows for the letters to a transaction; returns their numbers from the first on.
    pub(super) fn enter(&mut self, letters: &[Letter], transaction: &mut Transaction) -> u64 {
        let first = self.next;
        for (letter, key) in letters.iter().zip(first..) {
            let (message, payload) = (letter.message(), letter.order.word());
            let row = Row { message, version: letter.word(), payload };
            transaction.writes.push(Write::Insert { table: OUTBOX, key, row });
        }
        self.next += letters.len() as u64;
        first
    }

    /// Takes over letters that may go once all before `mark` is durable, with the rows from `first`
    /// on, if they have any.
    pub(super) fn stage(&mut self, letters: &[Letter], first: Option<u64>, mark: u64) {
        let staged = letters.iter().zip(0..).map(|(&letter, place)| {
            let row = first.map(|first| first + place);
            Staged { letter, row, mark, sent: Sent::Never }
        });
        self.staged.extend(staged);
    }

    /// The next letter that may go.
    pub(super) fn take(&mut self, store: &Store) -> Option<(Letter, Sent)> {
        let Staged { letter, row, mark, sent } = *self.staged.front()?;
        if !store.is_durable(mark) {
            return None;
        }
        self.staged.pop_front();
        if let Some(row) = row {
            self.posted.push((letter.message(), row));
        }
        Some((letter, sent))
    }

    /// The log has a letter: what deletes its row, if it has one.
    pub(super) fn arrived(&mut self, message: MessageId) -> Option<Write> {
        let place = self.posted.iter().position(|&(posted, _)| posted == message)?;
        let (_, key) = self.posted.remove(place);
        Some(Write::Delete { table: OUTBOX, key })
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.next);
        digest.word((self.staged.len() as u64) << 32 | self.posted.len() as u64);
        for Staged { letter, row, mark, sent } in &self.staged {
            digest.word(letter.order.word()).word((*sent as u64) << 32 | letter.word());
            digest.word(row.unwrap_or(u64::MAX)).word(*mark);
        }
        for (message, row) in &self.posted {
            digest.word(message.word()).word(*row);
        }
    }
}
