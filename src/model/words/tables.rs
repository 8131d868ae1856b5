//! What a database is told, tells and writes down, in words.

use super::Request;
use crate::history::Effect;
use crate::id::MessageId;
use crate::model::message::DatabaseMessage;
use crate::model::store::{
    Change, Commit, Decision, Read, Row, Scan, ScanOrder, Seen, TableId, Transaction,
    UniqueViolation, Write,
};
use std::fmt::{Debug, Display, Formatter, Result};

/// A key of a table. Most are those of messages.
struct Place(TableId, u64);

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let &Self(table, key) = self;
        match u32::try_from(key) {
            Ok(number) => write!(f, "table-{}[{number}]", table.0),
            Err(_) => write!(f, "table-{}[{}]", table.0, MessageId::from_word(key)),
        }
    }
}

impl Debug for DatabaseMessage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let request = match self {
            Self::Select { request, keys } => {
                f.write_str("Select ")?;
                list(f, keys.iter().map(|&(table, key)| Place(table, key)))?;
                request
            }
            Self::Selected { request, seen } => {
                write!(f, "Selected {seen:?}")?;
                request
            }
            Self::Transact { request, transaction } => {
                write!(f, "Transact {transaction:?}")?;
                request
            }
            Self::Transacted { request, decision } => {
                write!(f, "Transacted: {decision:?}")?;
                request
            }
            Self::NextValue { request, sequence } => {
                write!(f, "NextValue of sequence-{}", sequence.0)?;
                request
            }
            Self::Allotted { request, value } => {
                write!(f, "Allotted {value}")?;
                request
            }
            Self::Scan { request, scan } => {
                write!(f, "Scan {scan:?}")?;
                request
            }
            Self::Scanned { request, rows } => {
                write!(f, "Scanned {rows:?}")?;
                request
            }
        };
        write!(f, " ({})", Request(*request))
    }
}

impl Debug for Transaction {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { reads, writes, effects } = self;
        let mut parts: Vec<String> = reads.iter().map(|read| format!("{read:?}")).collect();
        parts.extend(writes.iter().map(|write| format!("{write:?}")));
        parts.extend(effects.iter().map(meaning));
        f.write_str(&parts.join("; "))
    }
}

impl Debug for Commit {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let parts = self.changes.iter().map(|change| format!("{change:?}"));
        let parts: Vec<String> = parts.chain(self.effects.iter().map(meaning)).collect();
        write!(f, "a commit: {}", parts.join("; "))
    }
}

impl Debug for Write {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match *self {
            Self::Insert { table, key, row } => {
                write!(f, "insert {} = {row:?}", Place(table, key))
            }
            Self::Upsert { table, key, row } => write!(f, "put {} = {row:?}", Place(table, key)),
            Self::UpsertIfNewer { table, key, row } => {
                write!(f, "put {} = {row:?} if newer", Place(table, key))
            }
            Self::Delete { table, key } => write!(f, "delete {}", Place(table, key)),
        }
    }
}

impl Debug for Change {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let &Self { table, key, row } = self;
        match row {
            Some(row) => write!(f, "{} = {row:?}", Place(table, key)),
            None => write!(f, "{} is gone", Place(table, key)),
        }
    }
}

impl Debug for Seen {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let &Self { table, key, row, revision } = self;
        match row {
            Some(row) => write!(f, "{} = {row:?}, revision {revision}", Place(table, key)),
            None => write!(f, "no {}", Place(table, key)),
        }
    }
}

impl Debug for Read {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let &Self { table, key, revision } = self;
        match revision {
            0 => write!(f, "if there is no {}", Place(table, key)),
            _ => write!(f, "if {} is revision {revision}", Place(table, key)),
        }
    }
}

impl Debug for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let &Self { message, version, payload } = self;
        write!(f, "{message}")?;
        if version > 0 {
            write!(f, " version {version}")?;
        }
        match u32::try_from(payload) {
            Ok(0) => Ok(()),
            Ok(number) => write!(f, " with {number}"),
            Err(_) => write!(f, " with {:08x}…", payload >> 32),
        }
    }
}

impl Debug for Scan {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let &Self { table, order, after, limit } = self;
        let order = match order {
            ScanOrder::ByKey => "keys",
            ScanOrder::ByCommit => "commits",
        };
        write!(f, "table-{} by {order} after {after}, {limit} at most", table.0)
    }
}

impl Debug for Decision {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match *self {
            Self::Committed { changed: 1 } => f.write_str("committed, 1 row"),
            Self::Committed { changed } => write!(f, "committed, {changed} rows"),
            Self::Conflict(UniqueViolation { table, key }) => {
                write!(f, "refused, for there is {} already", Place(table, key))
            }
            Self::Aborted(read) => write!(f, "aborted, not so: {read:?}"),
        }
    }
}

fn meaning(effect: &Effect) -> String {
    format!("effect of {} at {:?}", effect.message, effect.sink)
}

fn list(f: &mut Formatter<'_>, items: impl Iterator<Item = impl Display>) -> Result {
    for (place, item) in items.enumerate() {
        f.write_str(if place > 0 { ", " } else { "" })?;
        item.fmt(f)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{NodeId, SinkId};
    use crate::model::store::SequenceId;

    const MESSAGE: MessageId = MessageId::new(NodeId(1), 2);
    const ROW: Row = Row { message: MESSAGE, version: 3, payload: 0 };

    #[track_caller]
    fn check(message: &DatabaseMessage, expected: &str) {
        assert_eq!(format!("{message:?}"), expected);
    }

    #[test]
    fn what_a_database_is_asked_and_answers_is_told_in_words() {
        let (request, table) = (4, TableId(5));
        let none = Seen { table, key: MESSAGE.word(), row: None, revision: 0 };
        let some = Seen { key: 7, row: Some(ROW), revision: 6, ..none };
        let keys = Box::new([(table, 7), (table, MESSAGE.word())]);
        check(
            &DatabaseMessage::Select { request, keys },
            "Select table-5[7], table-5[m1.2] (request 4)",
        );
        check(
            &DatabaseMessage::Selected { request, seen: Box::new([none, some]) },
            "Selected [no table-5[m1.2], table-5[7] = m1.2 version 3, revision 6] (request 4)",
        );
        let row = Row { version: 0, payload: 9 << 32, ..ROW };
        let transaction = Transaction::default()
            .read(&none)
            .read(&some)
            .write(Write::Insert { table, key: 7, row })
            .write(Write::Upsert { table, key: 8, row: ROW })
            .write(Write::UpsertIfNewer { table, key: 8, row: Row { payload: 9, ..ROW } })
            .write(Write::Delete { table, key: 9 })
            .effect(Effect { message: MESSAGE, sink: SinkId(0), payload: 1 });
        check(
            &DatabaseMessage::Transact { request, transaction: Box::new(transaction) },
            "Transact if there is no table-5[m1.2]; if table-5[7] is revision 6; insert \
             table-5[7] = m1.2 with 00000009…; put table-5[8] = m1.2 version 3; put \
             table-5[8] = m1.2 version 3 with 9 if newer; delete table-5[9]; effect of m1.2 at \
             sink-0 (request 4)",
        );
        for (decision, words) in [
            (Decision::Committed { changed: 1 }, "committed, 1 row"),
            (Decision::Committed { changed: 0 }, "committed, 0 rows"),
            (
                Decision::Conflict(UniqueViolation { table, key: 7 }),
                "refused, for there is table-5[7] already",
            ),
            (
                Decision::Aborted(Read { table, key: 7, revision: 2 }),
                "aborted, not so: if table-5[7] is revision 2",
            ),
        ] {
            let message = DatabaseMessage::Transacted { request, decision };
            check(&message, &format!("Transacted: {words} (request 4)"));
        }
        let sequence = SequenceId(0);
        check(
            &DatabaseMessage::NextValue { request, sequence },
            "NextValue of sequence-0 (request 4)",
        );
        check(&DatabaseMessage::Allotted { request, value: 8 }, "Allotted 8 (request 4)");
        let scan = Scan { table, order: ScanOrder::ByCommit, after: 6, limit: 9 };
        check(
            &DatabaseMessage::Scan { request, scan },
            "Scan table-5 by commits after 6, 9 at most (request 4)",
        );
        check(
            &DatabaseMessage::Scanned { request, rows: Box::new([some]) },
            "Scanned [table-5[7] = m1.2 version 3, revision 6] (request 4)",
        );
    }

    #[test]
    fn a_commit_is_told_by_what_is_there_then() {
        let table = TableId(5);
        let changes = vec![
            Change { table, key: 7, row: Some(ROW) },
            Change { table, key: MESSAGE.word(), row: None },
        ];
        let effects = vec![Effect { message: MESSAGE, sink: SinkId(1), payload: 1 }];
        assert_eq!(
            format!("{:?}", Commit { changes, effects }),
            "a commit: table-5[7] = m1.2 version 3; table-5[m1.2] is gone; effect of m1.2 at \
             sink-1",
        );
    }
}
