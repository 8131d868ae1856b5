//! The line of a file that is wrong, without the file.

use crate::history::lines::LineError;
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// Bytes shown on either side of an error.
const SHOWN: usize = 120;

/// A part of a line, which knows which line it is of.
#[derive(Debug)]
pub(super) struct Excerpt {
    file: String,
    text: String,
    /// From 0.
    line: usize,
    /// Where the error shows in the line, from 0.
    column: usize,
}

impl Excerpt {
    /// The part of `line` around the error, and where the error shows in that.
    pub(super) fn of(file: &str, line: &[u8], error: &LineError) -> (Self, SourceSpan) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let place = error.column().map_or(0, |column| (column - 1).min(line.len()));
        let from = place.saturating_sub(SHOWN);
        let to = line.len().min(place + SHOWN);
        // Stand-ins for what is no text have another length than that has.
        let before = String::from_utf8_lossy(&line[from..place]).into_owned();
        let after = String::from_utf8_lossy(&line[place..to]);
        let length = if error.column().is_some() { after.len().min(1) } else { after.len() };
        let span = (before.len(), length).into();
        let text = before + &after;
        (Self { file: file.to_owned(), text, line: error.line() - 1, column: place }, span)
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        _: &SourceSpan,
        _: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let Self { file, text, line, column } = self;
        let whole = (0, text.len()).into();
        let contents =
            MietteSpanContents::new_named(file.clone(), text.as_bytes(), whole, *line, *column, 1);
        Ok(Box::new(contents.with_language("JSON")))
    }
}
