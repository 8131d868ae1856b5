//! A history in whatever it was written.

use crate::cli::arguments::Recording;
use crate::history::Operation;
use crate::history::jepsen::{self, Workload};
use crate::history::lines::{self, LineError};
use std::io::BufRead;

/// A file that is read operation by operation.
pub(super) enum Input<R> {
    Lines(lines::Reader<R>),
    Jepsen(jepsen::Reader<R>),
}

impl<R: BufRead> Input<R> {
    pub(super) fn new(input: R, from: Recording) -> Self {
        match from {
            Recording::JsonLines => Self::Lines(lines::Reader::new(input)),
            Recording::JepsenQueue => Self::Jepsen(jepsen::Reader::new(input, Workload::Queue)),
            Recording::JepsenSet => Self::Jepsen(jepsen::Reader::new(input, Workload::Set)),
        }
    }

    pub(super) fn read(&mut self) -> Result<Option<Operation>, LineError> {
        match self {
            Self::Lines(reader) => reader.read(),
            Self::Jepsen(reader) => reader.read(),
        }
    }

    /// The line that was read last.
    pub(super) fn text(&self) -> &[u8] {
        match self {
            Self::Lines(reader) => reader.text(),
            Self::Jepsen(reader) => reader.text(),
        }
    }

    /// What would be right in place of a wrong line.
    pub(super) fn cure(&self, error: &LineError) -> &'static str {
        match (self, error) {
            (Self::Jepsen(_), LineError::NotAnOperation { .. }) => {
                "write one operation a line, such as \
                 {:process 0, :type :invoke, :f :enqueue, :value 7, :time 1000}"
            }
            _ => error.cure(),
        }
    }
}
