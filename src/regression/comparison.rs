//! A replay beside the failure that was kept.

use super::Regression;
use crate::run::{Inspection, Outcome, Subject, TraceEvent};

/// How a replay compares with its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What it came to.
    pub ending: Ending,
    /// Whether the run is the recorded one to the last bit.
    pub is_same: bool,
    /// Where it leaves the recorded way, if it does so as far as the trail tells.
    pub parted: Option<Parted>,
    /// The faults that never struck and the decisions that nothing asked for, in words.
    pub missed: Vec<String>,
    /// Whether somebody has changed the file since it was written.
    pub is_edited: bool,
}

/// What a replay came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It fails as the file says.
    Reproduced,
    /// It holds although it met everything that made it fail: the bug is gone.
    Gone,
    /// It holds, but not all of the file was put to it; nothing can be said of the bug.
    Diverged,
    /// It fails in another way, or has no verdict.
    Otherwise {
        /// The name of that way.
        group: String,
    },
}

/// Where a replay leaves the recorded way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    /// How many events the two have in common.
    pub common: usize,
    /// The first event of the replay that is not in the recorded run; none, if the replay ends
    /// here.
    pub event: Option<TraceEvent>,
}

impl Regression {
    /// Compares a replay of its schedule with what was recorded.
    pub fn compare(&self, subject: &dyn Subject, replay: &Inspection) -> Comparison {
        let parted = self.trail.as_ref().and_then(|trail| trail.parts_from(&replay.trace));
        let parted =
            parted.map(|common| Parted { common, event: replay.trace.get(common).cloned() });
        let (missed, is_edited) = (self.missed(subject, replay), self.is_edited());
        let is_same = self.digest == Some(replay.run.digest) && parted.is_none();
        let ending = match &replay.run.outcome {
            outcome if self.failure.is_alike(outcome) => Ending::Reproduced,
            // A changed schedule may miss the bug for that reason alone.
            Outcome::Holds if parted.is_some() && (is_edited || !missed.is_empty()) => {
                Ending::Diverged
            }
            Outcome::Holds => Ending::Gone,
            other => Ending::Otherwise { group: other.group() },
        };
        Comparison { ending, is_same, parted, missed, is_edited }
    }

    /// Compares a replay in which a callback of `machine` did not return with what was recorded.
    pub fn compare_hung(&self, machine: &str) -> Comparison {
        let group = format!("hung in {machine}");
        let ending = if self.failure.group() == group {
            Ending::Reproduced
        } else {
            Ending::Otherwise { group }
        };
        let is_edited = self.is_edited();
        Comparison { ending, is_same: false, parted: None, missed: Vec::new(), is_edited }
    }

    fn missed(&self, subject: &dyn Subject, replay: &Inspection) -> Vec<String> {
        let Inspection { unmet, idle, .. } = replay;
        let faults = idle.iter().filter_map(|&place| self.schedule.faults.get(place));
        let faults = faults.map(|fault| subject.tell_fault(fault));
        let decisions = unmet.iter().map(|&key| match self.schedule.decisions.get(&key) {
            Some(&choice) => subject.tell_decision(key, choice),
            None => subject.tell_key(key),
        });
        faults.chain(decisions).collect()
    }
}
