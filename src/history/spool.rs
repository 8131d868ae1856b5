//! Histories kept in a file while they are judged, in records of one length.

use super::{DownCause, EndCause, Event, Operation, Recorded};
use crate::id::{GroupId, MessageId, NodeId, PartitionId, SinkId};
use crate::time::Instant;
use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;

/// The length of a record in bytes.
const RECORD: usize = 50;
/// Records that are written or read at once.
const BATCH: usize = 4096;

/// A history in a file of its own: whatever its length, it takes a few buffers of memory.
#[derive(Debug)]
pub struct Spool<F> {
    file: RefCell<F>,
    waiting: Vec<u8>,
    written: usize,
    failed: RefCell<Option<io::Error>>,
}

impl<F: Read + Write + Seek> Spool<F> {
    /// A spool that has `file`, which is empty, to itself.
    pub fn new(file: F) -> Self {
        Self {
            file: RefCell::new(file),
            waiting: Vec::with_capacity(RECORD * BATCH),
            written: 0,
            failed: RefCell::new(None),
        }
    }

    /// Adds an operation at the end.
    ///
    /// # Errors
    /// If the file fails.
    pub fn push(&mut self, operation: &Operation) -> io::Result<()> {
        self.waiting.extend_from_slice(&encode(operation));
        if self.waiting.len() < RECORD * BATCH { Ok(()) } else { self.flush() }
    }

    /// Writes what is buffered; to be called after the last operation, before any is looked up.
    ///
    /// # Errors
    /// If the file fails.
    pub fn flush(&mut self) -> io::Result<()> {
        let file = self.file.get_mut();
        file.seek(SeekFrom::End(0))?;
        file.write_all(&self.waiting)?;
        self.written += self.waiting.len() / RECORD;
        self.waiting.clear();
        Ok(())
    }

    /// The error that has cut a look-up short, if one has: what was concluded from it is void.
    pub fn failure(&self) -> Option<io::Error> {
        self.failed.borrow_mut().take()
    }

    /// The records from `place` on, as many as fit into `buffer` and are there.
    fn load<'b>(&self, place: usize, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
        let count = (buffer.len() / RECORD).min(self.written.saturating_sub(place));
        let buffer = &mut buffer[..count * RECORD];
        let mut file = self.file.borrow_mut();
        file.seek(SeekFrom::Start((place * RECORD) as u64))?;
        file.read_exact(buffer)?;
        Ok(buffer)
    }
}

impl<F: Read + Write + Seek> Recorded for Spool<F> {
    fn scan(&self, visit: &mut dyn FnMut(usize, &Operation) -> ControlFlow<()>) {
        let mut buffer = vec![0; RECORD * BATCH];
        let mut place = 0;
        while place < self.written {
            let records = match self.load(place, &mut buffer) {
                Ok(records) => records,
                Err(error) => {
                    *self.failed.borrow_mut() = Some(error);
                    return;
                }
            };
            for record in records.chunks_exact(RECORD) {
                if visit(place, &decode(record)).is_break() {
                    return;
                }
                place += 1;
            }
        }
    }

    fn at(&self, place: usize) -> Option<Operation> {
        let mut buffer = [0; RECORD];
        match self.load(place, &mut buffer) {
            Ok(record) => record.first_chunk::<RECORD>().map(|record| decode(record)),
            Err(error) => {
                *self.failed.borrow_mut() = Some(error);
                None
            }
        }
    }
}

/// What an event consists of: its kind, small numbers, words.
type Parts = (u8, [u16; 2], [u64; 4]);

const DOWN: [DownCause; 3] = [DownCause::Crash, DownCause::PowerCut, DownCause::Exit];
const END: [EndCause; 5] = [
    EndCause::Settled,
    EndCause::Quiescent,
    EndCause::Impatient,
    EndCause::Broken,
    EndCause::Budget,
];

fn encode(operation: &Operation) -> [u8; RECORD] {
    let (kind, [one, two], words) = parts(&operation.event);
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&operation.at.nanos().to_le_bytes());
    for (at, word) in words.iter().enumerate() {
        record[8 + at * 8..16 + at * 8].copy_from_slice(&word.to_le_bytes());
    }
    let small = [operation.process.0, operation.incarnation, one, two];
    for (at, number) in small.iter().enumerate() {
        record[40 + at * 2..42 + at * 2].copy_from_slice(&number.to_le_bytes());
    }
    record[48] = kind;
    record
}

fn decode(record: &[u8]) -> Operation {
    let word = |at: usize| {
        record[at..].first_chunk().map_or(0, |bytes: &[u8; 8]| u64::from_le_bytes(*bytes))
    };
    let small = |at: usize| {
        record[at..].first_chunk().map_or(0, |bytes: &[u8; 2]| u16::from_le_bytes(*bytes))
    };
    let words = [word(8), word(16), word(24), word(32)];
    Operation {
        at: Instant::from_nanos(word(0)),
        process: NodeId(small(40)),
        incarnation: small(42),
        event: event((record[48], [small(44), small(46)], words)),
    }
}

fn parts(event: &Event) -> Parts {
    let of = |message: MessageId, rest: [u64; 3]| [message.word(), rest[0], rest[1], rest[2]];
    match *event {
        Event::Plan { message, key } => (0, [0, 0], of(message, [key, 0, 0])),
        Event::SendInvoke { message, key, attempt, payload } => {
            (1, [attempt, 0], of(message, [key, payload, 0]))
        }
        Event::SendOk { message, attempt, partition, offset } => {
            let told = [u64::from(offset.is_some()), offset.unwrap_or(0), 0];
            (2, [attempt, partition.0], of(message, told))
        }
        Event::SendFail { message, attempt } => (3, [attempt, 0], of(message, [0; 3])),
        Event::SendInfo { message, attempt } => (4, [attempt, 0], of(message, [0; 3])),
        Event::Polled { group, message, key, partition, offset, payload } => {
            (5, [group.0, partition.0], of(message, [key, payload, offset]))
        }
        Event::CommitInvoke { group, partition, offset } => {
            (6, [group.0, partition.0], [offset, 0, 0, 0])
        }
        Event::CommitOk { group, partition, offset } => {
            (7, [group.0, partition.0], [offset, 0, 0, 0])
        }
        Event::CommitInfo { group, partition, offset } => {
            (8, [group.0, partition.0], [offset, 0, 0, 0])
        }
        Event::Received { group, message, key, delivery, payload } => {
            (9, [group.0, delivery], of(message, [key, payload, 0]))
        }
        Event::Returned { group, message } => (10, [group.0, 0], of(message, [0; 3])),
        Event::Lapsed { group } => (11, [group.0, 0], [0; 4]),
        Event::AckInvoke { group, message } => (12, [group.0, 0], of(message, [0; 3])),
        Event::AckOk { group, message } => (13, [group.0, 0], of(message, [0; 3])),
        Event::AckInfo { group, message } => (14, [group.0, 0], of(message, [0; 3])),
        Event::Acting { message, sink, token } => (15, [sink.0, 0], of(message, [token, 0, 0])),
        Event::Effect { message, sink, payload } => (16, [sink.0, 0], of(message, [payload, 0, 0])),
        Event::View { digest } => (17, [0, 0], [digest, 0, 0, 0]),
        Event::Boot => (18, [0, 0], [0; 4]),
        Event::Down { cause } => (19, [cause as u16, 0], [0; 4]),
        Event::Heal => (20, [0, 0], [0; 4]),
        Event::End { cause } => (21, [cause as u16, 0], [0; 4]),
    }
}

/// The event of its [`parts`]; a spool holds no others.
fn event((kind, [one, two], [word, a, b, c]): Parts) -> Event {
    let (message, attempt) = (MessageId::from_word(word), one);
    let (group, partition, sink) = (GroupId(one), PartitionId(two), SinkId(one));
    match kind {
        0 => Event::Plan { message, key: a },
        1 => Event::SendInvoke { message, key: a, attempt, payload: b },
        2 => Event::SendOk { message, attempt, partition, offset: (a == 1).then_some(b) },
        3 => Event::SendFail { message, attempt },
        4 => Event::SendInfo { message, attempt },
        5 => Event::Polled { group, message, key: a, partition, offset: c, payload: b },
        6 => Event::CommitInvoke { group, partition, offset: word },
        7 => Event::CommitOk { group, partition, offset: word },
        8 => Event::CommitInfo { group, partition, offset: word },
        9 => Event::Received { group, message, key: a, delivery: two, payload: b },
        10 => Event::Returned { group, message },
        11 => Event::Lapsed { group },
        12 => Event::AckInvoke { group, message },
        13 => Event::AckOk { group, message },
        14 => Event::AckInfo { group, message },
        15 => Event::Acting { message, sink, token: a },
        16 => Event::Effect { message, sink, payload: a },
        17 => Event::View { digest: word },
        18 => Event::Boot,
        19 => Event::Down { cause: DOWN[one as usize % DOWN.len()] },
        20 => Event::Heal,
        _ => Event::End { cause: END[one as usize % END.len()] },
    }
}
