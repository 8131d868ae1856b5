//! Histories that somebody wrote to do harm: refused in bounded memory.

use postulate::check::{Judge, Promise};
use postulate::history::lines::{LINE_MAX, LineError, Reader};
use postulate::history::{Event, Operation, Recorded, Spool};
use postulate::id::{NodeId, SinkId};
use postulate::time::Instant;
use std::io::{self, BufReader, Cursor, Read};

/// So much of one byte, and no memory for it.
struct Padding {
    byte: u8,
    left: u64,
}

impl Read for Padding {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.left.min(buffer.len() as u64) as usize;
        buffer[..length].fill(self.byte);
        self.left -= length as u64;
        Ok(length)
    }
}

const BOOT: &[u8] = br#"{"at":"1ms","process":0,"incarnation":0,"kind":"boot"}"#;
const GIBIBYTE: u64 = 1 << 30;

/// What is said of a second line that begins with `start` and goes on with a GiB of `byte`. Of that
/// the reader takes in what it may hold, and no more.
#[track_caller]
fn refused(start: &[u8], byte: u8) {
    let mut padding = Padding { byte, left: GIBIBYTE };
    {
        let input = BOOT.chain(&b"\n"[..]).chain(start).chain(&mut padding);
        let mut reader = Reader::new(BufReader::new(input));
        assert!(reader.read().unwrap().is_some());
        let error = reader.read().unwrap_err();
        assert!(matches!(error, LineError::TooLong { line: 2 }), "{error}");
        assert!(reader.text().len() <= LINE_MAX + 1);
    }
    let taken = GIBIBYTE - padding.left;
    assert!(taken < 2 * LINE_MAX as u64, "it took {taken} bytes in");
}

#[test]
fn a_gibibyte_on_one_line_is_refused_before_it_is_read() {
    refused(b"", b' ');
    refused(b"{\"at\":\"", b'1');
    refused(b"{\"at\":\"1ms\",\"kind\":\"boot\",\"process\":", b'0');
    refused(b"", b'[');
    refused(br#"{"at":"1ms","process":0,"incarnation":0,"kind":"boot"}"#, b' ');
}

/// What is said of one line.
#[track_caller]
fn wrong(line: &[u8], column: usize, part: &str) {
    let error = Reader::new(line).read().unwrap_err();
    assert_eq!((error.line(), error.column()), (1, Some(column)), "{error}");
    assert!(error.to_string().contains(part), "{error}");
}

#[test]
fn deep_nesting_and_numbers_beyond_their_type_are_refused_in_their_place() {
    let deep = b"[".repeat(LINE_MAX - 1);
    assert!(Reader::new(deep.as_slice()).read().is_err());
    let open =
        [&br#"{"at":"1ms","process":0,"incarnation":0,"kind":"#[..], &deep[..40_000]].concat();
    assert!(Reader::new(open.as_slice()).read().is_err());
    wrong(br#"{"at":"1ms","process":65536,"incarnation":0,"kind":"boot"}"#, 27, "65536");
    wrong(br#"{"at":"1ms","process":0,"incarnation":0,"kind":"boot","sink":1}"#, 55, "`sink`");
    wrong(br#"{"at":"1ms","process":0,"incarnation":0,"kind":"heal","key":null}"#, 55, "`key`");
}

#[test]
fn a_history_in_a_spool_is_judged_as_one_in_memory_is() {
    let (process, incarnation) = (NodeId(0), 0);
    let message = postulate::id::MessageId::new(process, 3);
    let events = [
        Event::Boot,
        Event::invoke(message, 1, 7),
        Event::acknowledged(message),
        Event::Effect { message, sink: SinkId(0), payload: 7 },
        Event::Effect { message, sink: SinkId(0), payload: 7 },
    ];
    let at =
        |(nanos, event)| Operation { at: Instant::from_nanos(nanos), process, incarnation, event };
    // More than one batch of either kind.
    let filler = std::iter::repeat_n(Event::Heal, 10_000);
    let operations: Vec<Operation> = (0..).zip(filler.chain(events)).map(at).collect();
    let mut judge = Judge::new(&[Promise::ExactlyOnce { sinks: vec![SinkId(0)] }]);
    let mut spool = Spool::new(Cursor::new(Vec::new()));
    for operation in &operations {
        judge.observe(operation);
        spool.push(operation).unwrap();
    }
    spool.flush().unwrap();
    let history = postulate::history::History::new(operations.clone());
    assert_eq!(judge.conclude(&spool), judge.conclude(&history));
    let mut again = Vec::new();
    (&spool as &dyn Recorded).each(|operation| again.push(*operation));
    assert_eq!(again, operations);
    assert_eq!(spool.at(10_002), Some(operations[10_002]));
    assert!(spool.failure().is_none());
}
