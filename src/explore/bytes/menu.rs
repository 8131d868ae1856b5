//! The openings of a run by where they are.

use super::super::exhaustive::Alphabet;
use crate::choice::{Key, Opening};
use crate::id::NodeId;
use std::collections::BTreeMap;

/// What openings have in common that differ in their occurrence alone.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stream {
    Start,
    /// The first key of the stream.
    Asked(Key),
    Handled(NodeId),
}

impl Stream {
    fn of(opening: &Opening) -> Self {
        match *opening {
            Opening::Start => Self::Start,
            Opening::Asked { key, .. } => {
                Self::Asked(Key::new(key.site(), key.actor(), key.kind(), 0))
            }
            Opening::Handled { node, .. } => Self::Handled(node),
        }
    }
}

/// The streams of openings of a run, and of those that it was made from.
#[derive(Debug, Default)]
pub(super) struct Menu {
    places: BTreeMap<Stream, usize>,
    /// In the order of their first appearance in any of the runs: what this run has of each.
    streams: Vec<Vec<Opening>>,
}

impl Menu {
    /// Holds the openings of the next run, as far as there is something to try at them.
    pub(super) fn serve(&mut self, alphabet: &Alphabet, openings: &[Opening]) {
        self.streams.iter_mut().for_each(Vec::clear);
        for opening in openings {
            if alphabet.steps_at(opening).is_empty() {
                continue;
            }
            let next = self.streams.len();
            let place = *self.places.entry(Stream::of(opening)).or_insert(next);
            if place == next {
                self.streams.push(Vec::new());
            }
            self.streams[place].push(*opening);
        }
    }

    /// The opening at that place of that stream, or of the next one that this run has; both begin
    /// again from 0, the place so many times as is told. None if the run has none at all.
    pub(super) fn opening(&self, stream: u16, place: u16) -> Option<(&Opening, usize)> {
        let count = self.streams.len();
        let first = usize::from(stream).checked_rem(count)?;
        let mut around = (first..count).chain(0..first).map(|place| &self.streams[place]);
        let openings = around.find(|openings| !openings.is_empty())?;
        let place = usize::from(place);
        openings.get(place % openings.len()).map(|opening| (opening, place / openings.len()))
    }
}
