//! The inbox: rows whose unique key is a message, and when they have had their time.

use super::MessageSet;
use crate::digest::Digest;
use crate::id::{MessageId, PartitionId};
use crate::model::record::Handled;
use crate::time::{Instant, Span};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// When a row of the inbox no longer counts.
///
/// A row must outlive every redelivery of its message. Only a clock that the redelivery obeys can
/// promise that: an offset does, since what is redelivered comes at the same one.
#[derive(Copy, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InboxExpiry {
    /// Never.
    #[default]
    Never,
    /// Once the partition that it came from has been handled so many offsets further.
    Entries(u32),
    /// Once the consumer's own wall clock shows so much more than when it was written. That clock
    /// steps, and another machine's differs.
    Clock(Span),
}

/// On one line, as it is written.
impl fmt::Debug for InboxExpiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Entries(entries) => write!(f, "entries = {entries}"),
            Self::Clock(span) => write!(f, "clock = {span}"),
        }
    }
}

/// Rows, each of which counts until it has expired.
#[derive(Clone, Debug, Default)]
pub(super) struct Inbox {
    expiry: InboxExpiry,
    /// The messages, if rows never expire.
    kept: MessageSet,
    /// The rows by message, if they do.
    rows: BTreeMap<u64, Row>,
    /// One above the greatest offset of each partition's rows.
    handled: Vec<u64>,
}

#[derive(Copy, Clone, Debug)]
struct Row {
    partition: PartitionId,
    offset: u64,
    written: Instant,
}

/// What an inbox knows of a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    New,
    /// It had a row, and that no longer counts.
    Expired,
    /// It has a row.
    Present,
}

impl Inbox {
    pub(super) fn new(expiry: InboxExpiry, partitions: u16) -> Self {
        let handled = match expiry {
            InboxExpiry::Entries(_) => [0].repeat(usize::from(partitions)),
            InboxExpiry::Never | InboxExpiry::Clock(_) => Vec::new(),
        };
        Self { expiry, handled, ..Self::default() }
    }

    /// Enters a message for good. Returns whether it was new.
    #[inline]
    pub(super) fn keep(&mut self, message: MessageId) -> bool {
        self.kept.insert(message)
    }

    /// Enters the row of a commit; one that has expired makes way.
    pub(super) fn enter(&mut self, handled: &Handled) {
        let Handled { message, partition, offset, written, .. } = *handled;
        if self.expiry == InboxExpiry::Never {
            self.kept.insert(message);
            return;
        }
        self.rows.insert(message.word(), Row { partition, offset, written });
        if let Some(end) = self.handled.get_mut(partition.index()) {
            *end = (offset + 1).max(*end);
        }
    }

    /// What is known of `message` when the wall clock shows `wall`.
    pub(super) fn ask(&self, message: MessageId, wall: Instant) -> Known {
        let has_expired = match (self.expiry, self.rows.get(&message.word())) {
            (InboxExpiry::Never, _) if self.kept.has(message) => false,
            (InboxExpiry::Never, _) | (_, None) => return Known::New,
            (InboxExpiry::Entries(entries), Some(row)) => {
                let end = self.handled.get(row.partition.index()).copied().unwrap_or(0);
                row.offset + u64::from(entries) < end.saturating_sub(1)
            }
            (InboxExpiry::Clock(span), Some(row)) => row.written + span < wall,
        };
        if has_expired { Known::Expired } else { Known::Present }
    }

    /// Whether rows are dated, and the wall clock is read to write and to judge them.
    pub(super) fn is_dated(&self) -> bool {
        self.expiry != InboxExpiry::Never
    }

    /// Takes the whole state into the digest.
    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        self.kept.fingerprint(digest);
        for (&message, row) in &self.rows {
            digest.word(message).word(u64::from(row.partition.0)).word(row.offset);
            digest.word(row.written.nanos());
        }
        self.handled.iter().for_each(|&end| _ = digest.word(end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{NodeId, SinkId};
    use crate::model::record::Tables;

    fn handled(number: u32, partition: u16, offset: u64, written: Span) -> Handled {
        Handled {
            message: MessageId::new(NodeId(1), number),
            key: 0,
            payload: 0,
            partition: PartitionId(partition),
            offset,
            written: Instant::START + written,
            sink: SinkId(0),
            tables: Tables::INBOX,
        }
    }

    /// What an inbox knows of message 0, entered at offset 10 of partition 0 at 1 s, after
    /// something was handled at `offset` of `partition` and when its clock shows `now`.
    #[track_caller]
    fn check(expiry: InboxExpiry, (partition, offset): (u16, u64), now: Span, expected: Known) {
        let mut inbox = Inbox::new(expiry, 2);
        let one = handled(0, 0, 10, Span::secs(1));
        assert_eq!(inbox.ask(one.message, Instant::START + now), Known::New);
        inbox.enter(&one);
        inbox.enter(&handled(1, partition, offset, Span::secs(1)));
        let known = inbox.ask(one.message, Instant::START + now);
        assert_eq!(known, expected, "{expiry:?} at {offset} of {partition}, {now}");
    }

    #[test]
    fn a_row_counts_until_the_clock_that_judges_it_has_passed_it() {
        let entries = InboxExpiry::Entries(5);
        check(entries, (0, 15), Span::secs(9_999), Known::Present);
        check(entries, (0, 16), Span::ZERO, Known::Expired);
        check(entries, (1, 99), Span::secs(9_999), Known::Present);
        let clock = InboxExpiry::Clock(Span::secs(2));
        check(clock, (0, 9_999), Span::secs(3), Known::Present);
        check(clock, (0, 11), Span::millis(3_001), Known::Expired);
        check(clock, (0, 11), Span::ZERO, Known::Present);
        check(InboxExpiry::Never, (0, 9_999), Span::secs(9_999), Known::Present);
    }

    #[test]
    fn a_row_that_is_written_anew_counts_anew() {
        let mut inbox = Inbox::new(InboxExpiry::Clock(Span::secs(2)), 1);
        inbox.enter(&handled(0, 0, 10, Span::secs(1)));
        inbox.enter(&handled(0, 0, 90, Span::secs(8)));
        let message = MessageId::new(NodeId(1), 0);
        assert_eq!(inbox.ask(message, Instant::START + Span::secs(9)), Known::Present);
    }
}
