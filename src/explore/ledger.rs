//! Puts the results of chunks together in the order of the course.

use super::crew::Chunk;
use super::finding::{Finding, Group};
use super::tally::Tally;
use super::{Cut, HUNG_MAX, Progress, Sweep, Swept, stake};
use crate::profile::Envelope;
use crate::run::Subject;
use crate::seed::Seed;
use std::collections::BTreeMap;

/// Schedules in a row, of which the last may have been found to do something.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) tally: Tally,
    pub(super) found: Option<(Seed, Finding)>,
}

#[derive(Debug)]
pub(super) struct Ledger {
    system: String,
    faults: Envelope,
    plan: Sweep,
    tally: Tally,
    groups: Vec<Group>,
    cut: Option<Cut>,
    /// The first place that is not in yet, and what lies beyond it.
    next: u64,
    early: BTreeMap<u64, (u64, Vec<Piece>)>,
}

impl Ledger {
    pub(super) fn new(subject: &dyn Subject, plan: Sweep) -> Self {
        Self {
            system: subject.name().to_owned(),
            faults: stake::faults(subject.profile()),
            plan,
            tally: Tally::default(),
            groups: Vec::new(),
            cut: None,
            next: 0,
            early: BTreeMap::new(),
        }
    }

    /// So many schedules are to come.
    pub(super) fn expect(&mut self, schedules: u64) {
        self.plan.schedules += schedules;
    }

    /// No further schedule counts, for this reason, unless there was another before.
    pub(super) fn cut(&mut self, cut: Cut) {
        self.cut.get_or_insert(cut);
    }

    /// Whether all that were expected are in.
    pub(super) fn is_complete(&self) -> bool {
        self.tally.schedules == self.plan.schedules
    }

    /// Whether no further schedule counts.
    pub(super) fn is_closed(&self) -> bool {
        self.cut.is_some()
    }

    pub(super) fn enter(&mut self, chunk: &Chunk, pieces: Vec<Piece>) {
        self.early.insert(chunk.start, (chunk.end, pieces));
        while let Some((end, pieces)) = self.early.remove(&self.next) {
            self.next = end;
            for piece in pieces {
                if self.is_closed() {
                    return;
                }
                self.take(piece);
            }
        }
    }

    pub(super) fn progress(&self) -> Progress {
        Progress {
            done: self.tally.schedules,
            asked: self.plan.schedules,
            failures: self.tally.failures(),
        }
    }

    pub(super) fn close(mut self) -> Swept {
        if self.cut.is_none() && self.tally.schedules < self.plan.schedules {
            self.cut = Some(Cut::TimeLimit);
        }
        Swept {
            doubts: stake::doubts(&self.tally, self.faults),
            faults: self.faults,
            system: self.system,
            plan: self.plan,
            tally: self.tally,
            groups: self.groups,
            cut: self.cut,
        }
    }

    fn take(&mut self, piece: Piece) {
        self.tally.absorb(&piece.tally);
        let Some((seed, finding)) = piece.found else { return };
        let name = finding.group();
        let place = self.groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
            self.groups.push(Group { name, count: 0, seed, finding, lowest: Vec::new() });
            self.groups.len() - 1
        });
        let group = &mut self.groups[place];
        group.count += 1;
        if group.lowest.len() < self.plan.look_into {
            group.lowest.push(seed);
        }
        if self.plan.stop_after.is_some_and(|limit| self.tally.failures() >= limit.get()) {
            self.cut = Some(Cut::StopAfter);
        } else if self.tally.hung >= HUNG_MAX {
            self.cut = Some(Cut::Hangs);
        }
    }
}
