//! What a database and its clients say to each other.

use crate::digest::Digest;
use crate::model::store::{Decision, Scan, Seen, SequenceId, TableId, Transaction};
use serde::{Deserialize, Serialize};

/// A request to a database, or its answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatabaseMessage {
    /// A client looks at keys.
    Select {
        /// The number of the request; never used twice by one machine.
        request: u64,
        /// The keys, each with its table.
        keys: Box<[(TableId, u64)]>,
    },
    /// The answer: it was so, and durable, at some moment since.
    Selected {
        /// The number of the request.
        request: u64,
        /// What was found, in the order asked for.
        seen: Box<[Seen]>,
    },
    /// A client commits a transaction.
    Transact {
        /// The number of the request.
        request: u64,
        /// The transaction.
        transaction: Box<Transaction>,
    },
    /// The answer: what is decided, and all that it goes by is durable.
    Transacted {
        /// The number of the request.
        request: u64,
        /// What is decided.
        decision: Decision,
    },
    /// A client asks for the next value of a sequence, outside of all transactions.
    NextValue {
        /// The number of the request.
        request: u64,
        /// The sequence.
        sequence: SequenceId,
    },
    /// The answer: a value that nobody else gets.
    Allotted {
        /// The number of the request.
        request: u64,
        /// The value.
        value: u64,
    },
    /// A client reads on in a table.
    Scan {
        /// The number of the request.
        request: u64,
        /// Which rows, in which order.
        scan: Scan,
    },
    /// The answer: these rows were there, and durable, at some moment since.
    Scanned {
        /// The number of the request.
        request: u64,
        /// The rows, in the order asked for.
        rows: Box<[Seen]>,
    },
}

/// The size of a row on the wire: a key and three small columns.
const ROW: u32 = 32;

impl DatabaseMessage {
    /// The kinds, in their order.
    pub(super) const KINDS: [&str; 8] = [
        "Select",
        "Selected",
        "Transact",
        "Transacted",
        "NextValue",
        "Allotted",
        "Scan",
        "Scanned",
    ];

    pub(super) const fn kind(&self) -> u8 {
        match self {
            Self::Select { .. } => 0,
            Self::Selected { .. } => 1,
            Self::Transact { .. } => 2,
            Self::Transacted { .. } => 3,
            Self::NextValue { .. } => 4,
            Self::Allotted { .. } => 5,
            Self::Scan { .. } => 6,
            Self::Scanned { .. } => 7,
        }
    }

    pub(in crate::model) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(u64::from(self.kind()));
        match self {
            Self::Select { request, keys } => {
                digest.word(*request).word(keys.len() as u64);
                for &(table, key) in keys {
                    digest.word(u64::from(table.0)).word(key);
                }
            }
            Self::Selected { request, seen } | Self::Scanned { request, rows: seen } => {
                digest.word(*request).word(seen.len() as u64);
                for one in seen {
                    one.fingerprint(digest);
                }
            }
            Self::Transact { request, transaction } => {
                digest.word(*request);
                transaction.fingerprint(digest);
            }
            Self::Transacted { request, decision } => {
                digest.word(*request);
                decision.fingerprint(digest);
            }
            Self::NextValue { request, sequence } => {
                digest.word(*request).word(u64::from(sequence.0));
            }
            Self::Allotted { request, value } => {
                digest.word(*request).word(*value);
            }
            Self::Scan { request, scan } => {
                digest.word(*request);
                scan.fingerprint(digest);
            }
        }
    }

    pub(super) fn size(&self) -> u32 {
        let rows = match self {
            Self::Select { keys, .. } => keys.len(),
            Self::Selected { seen, .. } | Self::Scanned { rows: seen, .. } => seen.len(),
            Self::Transact { transaction, .. } => {
                let Transaction { reads, writes, effects } = &**transaction;
                reads.len() + writes.len() + effects.len()
            }
            Self::Transacted { .. }
            | Self::NextValue { .. }
            | Self::Allotted { .. }
            | Self::Scan { .. } => 0,
        };
        ROW.saturating_mul(rows as u32)
    }
}

/// Messages that all differ.
#[cfg(test)]
pub(super) fn variants() -> Vec<DatabaseMessage> {
    use crate::history::Effect;
    use crate::id::{MessageId, NodeId, SinkId};
    use crate::model::store::{Read, Row, ScanOrder, UniqueViolation, Write};
    let mut all = Vec::new();
    let tables = [TableId(0), TableId(1)];
    let message = MessageId::new(NodeId(1), 1);
    let row = Row { message, version: 0, payload: 0 };
    let rows =
        [row, Row { message: MessageId::new(NodeId(2), 1), ..row }, Row { version: 1, ..row }];
    for request in [0, 1] {
        let mut transactions = vec![Transaction::default()];
        for table in tables {
            for key in [0, 1] {
                let one = [(table, key)];
                all.push(DatabaseMessage::Select { request, keys: Box::new(one) });
                let none = Seen { table, key, row: None, revision: 0 };
                let some = rows.map(|row| Seen { row: Some(row), revision: 1, ..none });
                let found = [none, Seen { revision: 2, ..some[0] }].into_iter().chain(some);
                all.extend(found.map(|seen| {
                    let seen: Box<[Seen]> = Box::new([seen]);
                    DatabaseMessage::Selected { request, seen }
                }));
                all.push(DatabaseMessage::Scanned { request, rows: Box::new([some[0]]) });
                for (order, limit) in
                    [(ScanOrder::ByKey, 1), (ScanOrder::ByCommit, 1), (ScanOrder::ByKey, 2)]
                {
                    let scan = Scan { table, order, after: key, limit };
                    all.push(DatabaseMessage::Scan { request, scan });
                }
                transactions.push(Transaction::default().read(&none));
                transactions.push(Transaction::default().read(&some[0]));
                let writes = rows.into_iter().map(|row| Write::Insert { table, key, row }).chain([
                    Write::Upsert { table, key, row },
                    Write::UpsertIfNewer { table, key, row },
                    Write::Delete { table, key },
                ]);
                transactions.extend(writes.map(|write| Transaction::default().write(write)));
                for decision in [
                    Decision::Conflict(UniqueViolation { table, key }),
                    Decision::Aborted(Read { table, key, revision: 0 }),
                    Decision::Aborted(Read { table, key, revision: 1 }),
                ] {
                    all.push(DatabaseMessage::Transacted { request, decision });
                }
            }
        }
        for (sink, payload) in [(0, 0), (1, 0), (0, 1)] {
            let effect = Effect { message, sink: SinkId(sink), payload };
            transactions.push(Transaction::default().effect(effect));
        }
        all.extend(transactions.into_iter().map(|transaction| DatabaseMessage::Transact {
            request,
            transaction: Box::new(transaction),
        }));
        all.extend([0, 1].map(|changed| {
            let decision = Decision::Committed { changed };
            DatabaseMessage::Transacted { request, decision }
        }));
        for number in [0, 1] {
            let sequence = SequenceId(number);
            all.push(DatabaseMessage::NextValue { request, sequence });
            all.push(DatabaseMessage::Allotted { request, value: number.into() });
        }
        all.push(DatabaseMessage::Scanned { request, rows: Box::default() });
        all.push(DatabaseMessage::Select { request, keys: Box::default() });
        all.push(DatabaseMessage::Selected { request, seen: Box::default() });
    }
    all
}
