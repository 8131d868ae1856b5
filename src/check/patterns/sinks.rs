//! A few sinks as bits.

use super::super::SINKS_MAX;
use crate::id::SinkId;

/// Some of the sinks that a promise names, each of which is a bit.
#[derive(Clone, Debug)]
pub(super) struct Sinks(Vec<SinkId>);

impl Sinks {
    /// These sinks, each once.
    ///
    /// # Panics
    /// If there are more of them than there is room for.
    pub(super) fn new(named: &[SinkId]) -> Self {
        let mut sinks: Vec<SinkId> = Vec::new();
        for sink in named {
            if !sinks.contains(sink) {
                sinks.push(*sink);
            }
        }
        assert!(sinks.len() <= SINKS_MAX, "promises name more than {SINKS_MAX} sinks");
        Self(sinks)
    }

    /// The bit of a sink; none for a foreign one.
    pub(super) fn bit(&self, sink: SinkId) -> u64 {
        self.0.iter().position(|own| *own == sink).map_or(0, |place| 1 << place)
    }

    /// The bits of all of them.
    pub(super) fn all(&self) -> u64 {
        (0..self.0.len()).fold(0, |all, place| all | 1 << place)
    }

    /// Those that are set in `bits`, in words.
    pub(super) fn names(&self, bits: u64) -> Vec<String> {
        let set = self.0.iter().enumerate().filter(|(place, _)| bits & (1 << place) != 0);
        set.map(|(_, sink)| format!("{sink:?}")).collect()
    }
}

/// What is kept of the message with the number `slot`; `fresh` if that is nothing yet.
pub(super) fn of<T: Clone>(all: &mut Vec<T>, slot: u32, fresh: T) -> &mut T {
    if all.len() <= slot as usize {
        all.resize(slot as usize + 1, fresh);
    }
    &mut all[slot as usize]
}
