//! A place of the matrix as a word of the command line: `matrix:METHOD/FAULT/PROMISE`.

use super::{FAULTS, Method, Place, methods};
use std::fmt;

/// How such a word begins.
const PREFIX: &str = "matrix:";

/// Why a word that begins like a place is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACell {
    /// It has not three parts.
    #[error("a cell of the matrix is named {PREFIX}METHOD/FAULT/PROMISE")]
    Parts,
    /// One of the parts is unknown.
    #[error("the matrix has no {what} {word:?}: it has {known}")]
    Unknown {
        /// What the part is for.
        what: &'static str,
        /// The part.
        word: String,
        /// What might stand there.
        known: String,
    },
}

impl Place {
    /// The word for it, which every command that takes a scenario understands.
    pub fn word(&self) -> String {
        format!("{PREFIX}{}/{}/{}", self.method.id, self.fault, self.promise)
    }

    /// The place that `word` names; none if it is no such word at all.
    ///
    /// # Errors
    /// If it begins like one, and there is no such place.
    pub fn named(word: &str) -> Option<Result<Self, NotACell>> {
        let parts: Vec<&str> = word.strip_prefix(PREFIX)?.split('/').collect();
        Some(match parts[..] {
            [method, fault, promise] => Self::of(method, fault, promise),
            _ => Err(NotACell::Parts),
        })
    }

    fn of(method: &str, fault: &str, promise: &str) -> Result<Self, NotACell> {
        let found = Method::named(method)
            .ok_or_else(|| unknown("method", method, methods().iter().map(|it| it.id)))?;
        let fault =
            FAULTS.iter().copied().find(|it| it.slug() == fault).ok_or_else(|| {
                unknown("column", fault, FAULTS.iter().map(|column| column.slug()))
            })?;
        let promises = || found.expected.iter().map(|it| it.promise);
        let promise = promises()
            .find(|it| it.to_string() == promise)
            .ok_or_else(|| unknown("promise", promise, promises()))?;
        Ok(Self { method: found, fault, promise })
    }
}

fn unknown(
    what: &'static str,
    word: &str,
    known: impl Iterator<Item = impl fmt::Display>,
) -> NotACell {
    let known: Vec<String> = known.map(|it| it.to_string()).collect();
    NotACell::Unknown { what, word: word.to_owned(), known: known.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_by_its_word() {
        for method in methods() {
            for expected in method.expected {
                for &fault in FAULTS {
                    let word = Place { method, fault, promise: expected.promise }.word();
                    let found = Place::named(&word).unwrap().unwrap();
                    assert_eq!(found.word(), word);
                }
            }
        }
    }

    #[test]
    fn other_words_are_no_places_or_say_what_is_wrong() {
        let told = |word| match Place::named(word) {
            None => "none".to_owned(),
            Some(Ok(place)) => place.word(),
            Some(Err(error)) => error.to_string(),
        };
        assert_eq!(told("exactly-once-pipe"), "none");
        assert!(told("matrix:dedup-inbox/crash").contains("METHOD/FAULT/PROMISE"));
        assert!(told("matrix:nothing/crash/at-most-once").contains("no method \"nothing\""));
        assert!(told("matrix:dedup-inbox/rain/at-most-once").contains("no column \"rain\""));
        let wrong = told("matrix:dedup-inbox/crash/projected");
        assert!(wrong.contains("no promise \"projected\": it has at-most-once"), "{wrong}");
    }
}
