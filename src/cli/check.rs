//! `postulate check`.

use super::Exit;
use super::arguments::{CheckArguments, Format};
use super::screen::Screen;
use super::target;
use crate::check::{Promise, Verdict, judge};
use crate::history::lines::{self, LineError};
use crate::report::{Checked, check_json, check_text};
use miette::{Diagnostic, NamedSource, SourceSpan};
use std::io::{self, Read};
use std::{fs, iter};

/// The name of standard input or output among files.
pub(super) const STANDARD_STREAM: &str = "-";

/// Why a history cannot be judged.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum Misread {
    #[error("the history {file} cannot be read")]
    Unreadable { file: String, source: io::Error },
    #[error("{file}: {error}")]
    Wrong {
        file: String,
        error: LineError,
        #[source_code]
        text: NamedSource<String>,
        #[label("here")]
        place: SourceSpan,
        #[help]
        cure: &'static str,
    },
}

pub(super) fn run(arguments: &CheckArguments, screen: &Screen) -> miette::Result<Exit> {
    let subject = target::resolve(&arguments.scenario)?;
    let mut checked = Vec::new();
    for file in &arguments.histories {
        checked.push(check(file, subject.promises())?);
    }
    screen.print(&match arguments.format {
        Format::Human => check_text(&checked, subject.as_ref(), screen.paint()),
        Format::Json => check_json(&arguments.scenario, &checked),
    })?;
    let is = |wanted: fn(&Verdict) -> bool| checked.iter().any(|one| wanted(&one.verdict));
    Ok(if is(|verdict| matches!(verdict, Verdict::Violated(_))) {
        Exit::Violated
    } else if is(|verdict| matches!(verdict, Verdict::Unknown { .. })) {
        Exit::Vacuous
    } else {
        Exit::Holds
    })
}

fn check(file: &str, promises: &[Promise]) -> miette::Result<Checked> {
    let unreadable = |source| Misread::Unreadable { file: file.to_owned(), source };
    let text = text(file).map_err(unreadable)?;
    match lines::read(text.as_slice()) {
        Ok(history) => Ok(Checked {
            file: file.to_owned(),
            operations: history.operations().len() as u64,
            verdict: judge(&history, promises),
        }),
        Err(error) => Err(wrong(file, &text, error).into()),
    }
}

fn text(file: &str) -> io::Result<Vec<u8>> {
    if file != STANDARD_STREAM {
        return fs::read(file);
    }
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text)?;
    Ok(text)
}

fn wrong(file: &str, text: &[u8], error: LineError) -> Misread {
    let text = String::from_utf8_lossy(text).into_owned();
    let ends = text.match_indices('\n').map(|(end, _)| end + 1);
    let start = iter::once(0).chain(ends).nth(error.line() - 1).unwrap_or(text.len());
    let length = text[start..].lines().next().map_or(0, str::len);
    Misread::Wrong {
        file: file.to_owned(),
        cure: error.cure(),
        error,
        place: (start, length).into(),
        text: NamedSource::new(file, text).with_language("JSON"),
    }
}
