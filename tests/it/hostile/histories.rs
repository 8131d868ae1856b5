//! Histories.

use postulate::history::lines::{LINE_MAX, LineError, Reader};
use std::io::{self, BufReader, Read};

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
