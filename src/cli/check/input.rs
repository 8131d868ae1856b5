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
    /// Nothing, if what is recorded is calls and no more.
    pub(super) fn new(input: R, from: Recording) -> Option<Self> {
        let workload = match from {
            Recording::JsonLines => return Some(Self::Lines(lines::Reader::new(input))),
            Recording::JepsenQueue => Workload::Queue,
            Recording::JepsenSet => Workload::Set,
            Recording::JepsenKafka => Workload::Kafka,
            Recording::JepsenRegister => return None,
        };
        Some(Self::Jepsen(jepsen::Reader::new(input, workload)))
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
        match self {
            Self::Jepsen(_) => cure(error),
            Self::Lines(_) => error.cure(),
        }
    }
}

/// What would be right in place of a line of Jepsen's.
pub(super) const fn cure(error: &LineError) -> &'static str {
    match error {
        LineError::NotAnOperation { .. } => {
            "write one operation a line, with :f and :value as the workload has them, such as \
             {:process 0, :type :invoke, :f :enqueue, :value 7, :time 1000} of a queue, or in JSON \
             {\"process\": 0, \"type\": \"invoke\", \"f\": \"enqueue\", \"value\": 7, \
             \"time\": 1000}"
        }
        LineError::Contradiction { .. } => {
            "a process invokes one operation at a time and has it answered once, and sends no \
             value twice"
        }
        LineError::TooLong { .. } | LineError::Unreadable { .. } => error.cure(),
    }
}
