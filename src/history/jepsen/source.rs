//! Files in EDN or JSON, one operation a line.

use super::super::lines::LineError;
use super::json;
use crate::time::Instant;
use clojure_reader::edn::{self, Edn};
use clojure_reader::error::Code;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _};

/// The longest line that is read, in bytes: a drain or a read takes one line.
pub const LINE_MAX: usize = 1 << 24;

/// A file of which one line is held at a time.
#[derive(Debug)]
pub(super) struct Source<R> {
    input: R,
    text: Vec<u8>,
    line: usize,
    last: Instant,
}

/// What becomes of an operation.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// What a client does.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) at: Instant,
    pub(super) process: u32,
    pub(super) kind: Kind,
    pub(super) f: &'a str,
    /// Nil if there is none.
    pub(super) value: &'a Edn<'a>,
    map: &'a BTreeMap<Edn<'a>, Edn<'a>>,
}

/// What is wrong with a line.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It shows at this byte, from 1.
    Place(usize, String),
    /// It shows at this key.
    Key(&'static str, String),
    /// It contradicts an earlier line.
    Contradiction(String),
}

impl Wrong {
    /// As an error in this line.
    fn at(self, line: usize, text: &str) -> LineError {
        match self {
            Self::Place(column, what) => LineError::NotAnOperation { line, column, what },
            Self::Key(key, what) => {
                let column = [format!(":{key}"), format!("\"{key}\"")]
                    .iter()
                    .find_map(|word| text.find(word))
                    .map_or(1, |place| place + 1);
                LineError::NotAnOperation { line, column, what }
            }
            Self::Contradiction(what) => LineError::Contradiction { line, what },
        }
    }
}

/// The value that stands for none.
const NIL: &Edn<'static> = &Edn::Nil;

impl<R: BufRead> Source<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, text: Vec::new(), line: 0, last: Instant::START }
    }

    /// The line that was read last, or as much of it as was read.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// When the last operation was.
    pub(super) fn last(&self) -> Instant {
        self.last
    }

    /// Hands the operation of the next line to `visit`, if it is one of a client; whether there was
    /// a line.
    ///
    /// # Errors
    /// If the line is no operation, or `visit` refuses it.
    pub(super) fn take(
        &mut self,
        visit: impl FnOnce(Entry<'_>) -> Result<(), Wrong>,
    ) -> Result<bool, LineError> {
        self.text.clear();
        self.line += 1;
        let line = self.line;
        let unreadable = |source| LineError::Unreadable { line, source };
        let mut limited = self.input.by_ref().take(LINE_MAX as u64 + 1);
        let length = limited.read_until(b'\n', &mut self.text).map_err(unreadable)?;
        if length == 0 {
            return Ok(false);
        }
        if length > LINE_MAX {
            let what = format!("it is longer than {LINE_MAX} bytes");
            return Err(LineError::NotAnOperation { line, column: 1, what });
        }
        let text = str::from_utf8(&self.text)
            .map_err(|error| unreadable(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        let taken = take_operation(text, &mut self.last, visit);
        taken.map(|()| true).map_err(|wrong| wrong.at(line, text))
    }

    /// Hands over what the end of the file means.
    ///
    /// # Errors
    /// If that contradicts a line.
    pub(super) fn finish(
        &self,
        visit: impl FnOnce() -> Result<(), Wrong>,
    ) -> Result<(), LineError> {
        visit().map_err(|wrong| wrong.at(self.line, ""))
    }
}

fn take_operation(
    text: &str,
    last: &mut Instant,
    visit: impl FnOnce(Entry<'_>) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let edn = if json::is_json(text) { json::read(text)? } else { one(text)? };
    match entry(&edn, last)? {
        Some(entry) => visit(entry),
        None => Ok(()),
    }
}

/// The value in EDN that a line is.
fn one(text: &str) -> Result<Edn<'_>, Wrong> {
    let (edn, rest) = edn::read(text)
        .map_err(|error| Wrong::Place(error.ptr.unwrap_or(0) + 1, misread(&error.code)))?;
    if !rest.trim().is_empty() {
        let blank = rest.len() - rest.trim_start().len();
        let place = text.len() - rest.len() + blank + 1;
        return Err(Wrong::Place(place, "a line is one operation".to_owned()));
    }
    Ok(edn)
}

/// What keeps a line from being EDN.
fn misread(code: &Code) -> String {
    match code {
        Code::HashMapDuplicateKey => "a key is there twice".to_owned(),
        Code::SetDuplicateKey => "a set holds a value once".to_owned(),
        Code::UnexpectedEOF => "the line ends before the operation does".to_owned(),
        Code::UnmatchedDelimiter(what) => format!("`{what}` closes nothing"),
        Code::InvalidKeyword => "a keyword has letters after its colon".to_owned(),
        Code::InvalidNumber | Code::NoFloatFeature => "numbers are whole ones".to_owned(),
        other => format!("it is no EDN: {other:?}"),
    }
}

/// What a line says of a client; nothing if it is about the nemesis.
fn entry<'a>(edn: &'a Edn<'a>, last: &mut Instant) -> Result<Option<Entry<'a>>, Wrong> {
    // Written out as a record, an operation is tagged with its type.
    let edn = if let Edn::Tagged(_, inner) = edn { inner } else { edn };
    let Edn::Map(map) = edn else {
        return Err(Wrong::Place(1, "an operation is a map".to_owned()));
    };
    let process = match of(map, "process") {
        Some(Edn::Int(process)) => u32::try_from(*process).map_err(|_| {
            Wrong::Key("process", format!("`:process` is a number from 0, and not {process}"))
        })?,
        Some(Edn::Key(_)) => return Ok(None),
        _ => return Err(Wrong::Key("process", "`:process` is a number, or :nemesis".to_owned())),
    };
    match of(map, "time") {
        Some(Edn::Int(nanos)) if *nanos >= 0 => *last = Instant::from_nanos(nanos.unsigned_abs()),
        None => {}
        Some(_) => {
            let what = "`:time` is in nanoseconds from the start".to_owned();
            return Err(Wrong::Key("time", what));
        }
    }
    let f = word(map, "f")?;
    let kind = match word(map, "type")? {
        "invoke" => Kind::Invoke,
        "ok" => Kind::Ok,
        "fail" => Kind::Fail,
        "info" => Kind::Info,
        other => {
            let what = format!("`:type` is :invoke, :ok, :fail or :info, and not :{other}");
            return Err(Wrong::Key("type", what));
        }
    };
    let value = of(map, "value").unwrap_or(NIL);
    Ok(Some(Entry { at: *last, process, kind, f, value, map }))
}

fn word<'a>(map: &'a BTreeMap<Edn<'a>, Edn<'a>>, key: &'static str) -> Result<&'a str, Wrong> {
    match of(map, key) {
        Some(Edn::Key(word)) => Ok(word),
        _ => Err(Wrong::Key(key, format!("`:{key}` is a keyword of each operation"))),
    }
}

fn of<'a>(map: &'a BTreeMap<Edn<'a>, Edn<'a>>, key: &'static str) -> Option<&'a Edn<'a>> {
    map.get(&Edn::Key(key.into()))
}

impl<'a> Entry<'a> {
    /// What else the line says.
    pub(super) fn of(&self, key: &'static str) -> Option<&'a Edn<'a>> {
        of(self.map, key)
    }

    /// The value, which is to be an integer.
    pub(super) fn number(&self) -> Result<u64, Wrong> {
        number(self.value)
    }

    /// The value, which is to be a collection of integers.
    pub(super) fn numbers(&self) -> Result<Vec<u64>, Wrong> {
        match self.value {
            Edn::Set(values) => values.iter().map(number).collect(),
            value => match items(value) {
                Some(values) => values.iter().map(number).collect(),
                None => Err(unfit("a collection of integers", value)),
            },
        }
    }
}

pub(super) fn number(value: &Edn<'_>) -> Result<u64, Wrong> {
    match value {
        Edn::Int(number) if *number >= 0 => Ok(number.unsigned_abs()),
        other => Err(unfit("an integer from 0", other)),
    }
}

/// What stands in a vector, or a list.
pub(super) fn items<'a>(value: &'a Edn<'a>) -> Option<&'a [Edn<'a>]> {
    match value {
        Edn::Vector(items) | Edn::List(items) => Some(items),
        _ => None,
    }
}

/// The value, or a part of it, is not what it is to be.
pub(super) fn unfit(wanted: &str, value: &Edn<'_>) -> Wrong {
    let mut told = value.to_string();
    if told.chars().count() > TOLD_MAX {
        told = told.chars().take(TOLD_MAX).chain("…".chars()).collect();
    }
    Wrong::Key("value", format!("`:value` is {wanted}, and not {told}"))
}

/// So many letters of a value are told.
const TOLD_MAX: usize = 60;
