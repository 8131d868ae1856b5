//! Messages and records in words: they are read in stories of failures more than anywhere else.

use super::message::{
    Acks, BatchId, Death, Delivery, Entry, HalfMessage, Identity, LocalEnd, LocalState, Message,
    Produce, QueueMessage, Reading, Receipt, Refusal, SettleOutcome, Settlement, Verdict, Wanted,
};
use super::record::{Handled, Record, Tables};
use crate::time::Span;
use std::fmt::{Debug, Formatter, Result};

mod tables;

impl Debug for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Produce { partition, acks, produce: Produce { entry, identity } } => {
                write!(f, "Produce {entry:?} to {partition:?}, {identity:?}")?;
                match acks {
                    Acks::All => Ok(()),
                    Acks::Leader => f.write_str(", acks of the leader"),
                    Acks::None => f.write_str(", without acks"),
                }
            }
            Self::Produced { message, partition, verdict } => {
                write!(f, "Produced {message} to {partition:?}: ")?;
                match verdict {
                    Verdict::Stored { offset } => write!(f, "stored at offset {offset}"),
                    Verdict::Duplicate => f.write_str("a duplicate"),
                    Verdict::Accepted => f.write_str("accepted"),
                    Verdict::Refused(refusal) => f.write_str(refused(*refusal)),
                }
            }
            Self::Fetch { request, partition, offset, batch, wait_max } => write!(
                f,
                "Fetch {partition:?} from offset {offset}, {batch} at most within {wait_max} ({})",
                Request(*request)
            ),
            Self::Fetched { request, partition, base, reading } => {
                write!(f, "Fetched {partition:?} from offset {base}: ")?;
                match reading {
                    Reading::Entries(entries) if entries.is_empty() => f.write_str("nothing")?,
                    Reading::Entries(entries) => write_all(f, entries)?,
                    Reading::OutOfRange { start } => {
                        write!(f, "out of range, the log starts at offset {start}")?;
                    }
                    Reading::Closed => f.write_str("the log is damaged")?,
                }
                write!(f, " ({})", Request(*request))
            }
            Self::Commit { request, group, partition, offset } => {
                write!(f, "Commit {group:?} in {partition:?} up to offset {offset}")?;
                request.map_or(Ok(()), |request| write!(f, " ({})", Request(request)))
            }
            Self::Committed { request, partition } => {
                write!(f, "Committed in {partition:?} ({})", Request(*request))
            }
            Self::OffsetFetch { request, group, partition } => {
                write!(f, "OffsetFetch {group:?} in {partition:?} ({})", Request(*request))
            }
            Self::OffsetFetched { request, partition, offset } => {
                write!(f, "OffsetFetched {partition:?}: offset {offset} ({})", Request(*request))
            }
            Self::Database(message) => message.fmt(f),
            Self::External(message) => message.fmt(f),
            Self::Queue(message) => message.fmt(f),
            Self::Half(message) => message.fmt(f),
            Self::Custom(message) => message.fmt(f),
        }
    }
}

const fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::OutOfOrder => "refused, out of order",
        Refusal::Fenced => "refused, fenced",
        Refusal::Corrupt => "refused, corrupt",
        Refusal::Closed => "refused, the log is damaged",
        Refusal::UnknownPartition => "refused, no such partition",
        Refusal::Undecided => "refused, undecided",
        Refusal::Unroutable => "returned, unroutable",
        Refusal::Full => "refused, the queue is full",
    }
}

fn write_all(f: &mut Formatter<'_>, entries: &[Entry]) -> Result {
    for (place, entry) in entries.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        entry.fmt(f)?;
    }
    Ok(())
}

/// The number of a request: that within the life of a client, and which life, if it is not the
/// first.
struct Request(u64);

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (life, number) = (self.0 >> 32, self.0 & u64::from(u32::MAX));
        match life {
            0 => write!(f, "request {number}"),
            _ => write!(f, "request {number}'{life}"),
        }
    }
}

impl Debug for Entry {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { message, key, body, .. } = self;
        let fault = if self.is_sound() { "" } else { ", checksum does not match" };
        write!(f, "{message} (key {key}, {body:?}{fault})")
    }
}

impl Debug for QueueMessage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Subscribe { queue, credit } => {
                write!(f, "Subscribe to {queue:?}, {credit} at a time")
            }
            Self::Deliver(delivery) => write!(f, "Deliver {delivery:?}"),
            Self::Receive { request, queue, wanted, batch, wait_max } => {
                let wanted = match wanted {
                    Wanted::Ready => "what is ready".to_owned(),
                    Wanted::Own => "what this consumer holds".to_owned(),
                    Wanted::Idle(span) => format!("what was held for {span}"),
                };
                write!(f, "Receive from {queue:?} {wanted}, {batch} at most within {wait_max}")?;
                write!(f, " ({})", Request(*request))
            }
            Self::Received { request, deliveries } if deliveries.is_empty() => {
                write!(f, "Received nothing ({})", Request(*request))
            }
            Self::Received { request, deliveries } => {
                f.write_str("Received ")?;
                for (place, delivery) in deliveries.iter().enumerate() {
                    write!(f, "{}{delivery:?}", if place == 0 { "" } else { ", " })?;
                }
                write!(f, " ({})", Request(*request))
            }
            Self::Settle { request, receipt, settlement } => {
                match settlement {
                    Settlement::Ack => write!(f, "Ack {receipt:?}"),
                    Settlement::Requeue(Span::ZERO) => write!(f, "Requeue {receipt:?}"),
                    Settlement::Requeue(delay) => write!(f, "Requeue {receipt:?} in {delay}"),
                    Settlement::Reject => write!(f, "Reject {receipt:?}"),
                    Settlement::Extend(by) => write!(f, "Extend {receipt:?} by {by}"),
                }?;
                request.map_or(Ok(()), |request| write!(f, " ({})", Request(request)))
            }
            Self::Settled { request, outcome } => {
                let outcome = match outcome {
                    SettleOutcome::Done => "done",
                    SettleOutcome::Stale => "stale",
                };
                write!(f, "Settled: {outcome} ({})", Request(*request))
            }
        }
    }
}

impl Debug for HalfMessage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Prepare { entry, born } => write!(f, "Prepare {entry:?}, born at {born}"),
            Self::Prepared { message } => write!(f, "Prepared {message}"),
            Self::Resolve { message, end } => write!(f, "Resolve {message}: {}", ended(*end)),
            Self::Resolved { message, accepted } => {
                let outcome = if *accepted { "done" } else { "it was decided otherwise" };
                write!(f, "Resolved {message}: {outcome}")
            }
            Self::CheckBack { message } => write!(f, "CheckBack {message}"),
            Self::CheckedBack { message, state } => {
                let state = match state {
                    LocalState::Running => "still running",
                    LocalState::Ended(end) => ended(*end),
                };
                write!(f, "CheckedBack {message}: {state}")
            }
        }
    }
}

const fn ended(end: LocalEnd) -> &'static str {
    match end {
        LocalEnd::Committed => "committed",
        LocalEnd::RolledBack => "rolled back",
    }
}

impl Debug for Delivery {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{:?} as {:?}", self.entry, self.receipt)?;
        f.write_str(if self.redelivered { ", redelivered" } else { "" })?;
        self.death.map_or(Ok(()), |death| match death {
            Death::Rejected => f.write_str(", dead: rejected"),
            Death::Expired => f.write_str(", dead: expired"),
            Death::MaxLen => f.write_str(", dead: the queue was full"),
            Death::DeliveryLimit => f.write_str(", dead: delivered too often"),
        })
    }
}

impl Debug for Receipt {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{:?} number {} delivery {}", self.queue, self.number, self.attempt)
    }
}

impl Debug for Identity {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::None => f.write_str("no identity"),
            Self::Message(id) => write!(f, "id {id:x}"),
            Self::Batch(BatchId { producer, epoch, sequence }) => {
                write!(f, "producer {} epoch {epoch} sequence {sequence}", producer.0)
            }
        }
    }
}

impl Debug for Record {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Entry { appended_ms, entry, identity } => {
                write!(f, "Entry {entry:?}, {identity:?}")?;
                if *appended_ms == 0 { Ok(()) } else { write!(f, ", at {appended_ms} ms") }
            }
            Self::GroupOffset { group, partition, offset } => {
                write!(f, "GroupOffset {group:?} in {partition:?} up to {offset}")
            }
            Self::Sending { message, key, attempt } => {
                write!(f, "Sending {message} (key {key}, attempt {attempt})")
            }
            Self::Answered { message } => write!(f, "Answered {message}"),
            Self::Applied { message, sink, payload, inbox, position } => {
                write!(f, "Applied {message} at {sink:?} (payload {:08x}…)", payload >> 32)?;
                f.write_str(if *inbox { ", with a row in the inbox" } else { "" })?;
                position.map_or(Ok(()), |(partition, next)| {
                    write!(f, ", with {partition:?} up to {next}")
                })
            }
            Self::Cleared => write!(f, "Cleared"),
            Self::Moved { partition, next } => write!(f, "Moved {partition:?} up to {next}"),
            Self::Volume { count, end } => {
                write!(f, "Volume of {count} records, up to offset {end}")
            }
            Self::Remembered { appended_ms, offset, identity } => {
                write!(f, "Remembered {identity:?} at offset {offset}, at {appended_ms} ms")
            }
            Self::Kept { offset } => write!(f, "Kept at offset {offset}"),
            Self::Handled(Handled {
                message,
                key,
                payload,
                partition,
                offset,
                sink,
                tables,
                ..
            }) => {
                write!(f, "Handled {message} (key {key}, payload {:08x}…) ", payload >> 32)?;
                write!(f, "of {partition:?} offset {offset} at {sink:?}: {tables:?}")
            }
            Self::Transaction(commit) => commit.fmt(f),
            Self::Sequence { sequence, logged } => write!(f, "{sequence:?} up to {logged}"),
            Self::Called { key, at_ms, message, sink, payload } => {
                write!(f, "Called {message} at {sink:?} (payload {:08x}…)", payload >> 32)?;
                key.map_or(Ok(()), |key| write!(f, ", key {key:x}"))?;
                write!(f, ", at {at_ms} ms")
            }
            Self::Queue(command) => command.fmt(f),
            Self::Custom(record) => record.fmt(f),
        }
    }
}

impl Debug for Tables {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let named = [
            (Self::EFFECTS, "effects"),
            (Self::INBOX, "inbox"),
            (Self::PROJECTION, "projection"),
            (Self::POSITIONS, "positions"),
            (Self::FAILED, "failed"),
        ];
        let names: Vec<&str> =
            named.iter().filter(|(table, _)| self.has(*table)).map(|(_, name)| *name).collect();
        f.write_str(&names.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::Blobs;
    use crate::id::{GroupId, MessageId, NodeId, PartitionId};
    use crate::model::message::ProducerId;

    #[track_caller]
    fn check(said: &impl Debug, expected: &str) {
        assert_eq!(format!("{said:?}"), expected);
    }

    #[test]
    fn messages_are_told_in_words() {
        let body = Blobs::default().put(b"one");
        let entry = Entry::new(MessageId::new(NodeId(1), 4), 2, body);
        let partition = PartitionId(0);
        let payload = format!("payload {:08x}…", body.fingerprint() >> 32);
        let batch = BatchId { producer: ProducerId(7), epoch: 1, sequence: 3 };
        let produce = Produce { entry, identity: Identity::Batch(batch) };
        check(
            &Message::Produce { partition, acks: Acks::Leader, produce },
            &format!(
                "Produce m1.4 (key 2, {payload}) to partition-0, producer 7 epoch 1 sequence 3, \
                 acks of the leader"
            ),
        );
        let flipped = Entry { checksum: entry.checksum ^ 1, ..entry };
        check(&flipped, &format!("m1.4 (key 2, {payload}, checksum does not match)"));
        let reading = Reading::Entries(Vec::new());
        check(
            &Message::Fetched { request: 1 << 32 | 5, partition, base: 9, reading },
            "Fetched partition-0 from offset 9: nothing (request 5'1)",
        );
        let commit = Message::Commit { request: None, group: GroupId(1), partition, offset: 4 };
        check(&commit, "Commit group-1 in partition-0 up to offset 4");
    }
}
