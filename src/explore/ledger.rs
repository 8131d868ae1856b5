//! Puts the results of chunks together in seed order.

use super::crew::Chunk;
use super::finding::{Finding, Group};
use super::tally::Tally;
use super::{Cut, Doubt, HUNG_MAX, Progress, Sweep, Swept};
use crate::profile::{Envelope, FaultClass};
use crate::run::Subject;
use crate::seed::Seed;
use std::collections::BTreeMap;

/// Seeds in a row, of which the last may have been found to do something.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) tally: Tally,
    pub(super) found: Option<(Seed, Finding)>,
}

#[derive(Debug)]
pub(super) struct Ledger {
    system: String,
    plan: Sweep,
    tally: Tally,
    groups: Vec<Group>,
    cut: Option<Cut>,
    /// The first seed that is not in yet, and what lies beyond it.
    next: u64,
    early: BTreeMap<u64, (u64, Vec<Piece>)>,
}

impl Ledger {
    pub(super) fn new(subject: &dyn Subject, plan: Sweep) -> Self {
        Self {
            system: subject.name().to_owned(),
            plan,
            tally: Tally::default(),
            groups: Vec::new(),
            cut: None,
            next: 0,
            early: BTreeMap::new(),
        }
    }

    /// Whether no further seed counts.
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

    pub(super) fn close(mut self, envelope: Envelope) -> Swept {
        if self.cut.is_none() && self.tally.schedules < self.plan.schedules {
            self.cut = Some(Cut::TimeLimit);
        }
        Swept {
            doubts: doubts(&self.tally, envelope),
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
        match self.groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.count += 1,
            None => self.groups.push(Group { name, count: 1, seed, finding }),
        }
        if self.plan.stop_after.is_some_and(|limit| self.tally.failures() >= limit.get()) {
            self.cut = Some(Cut::StopAfter);
        } else if self.tally.hung >= HUNG_MAX {
            self.cut = Some(Cut::Hangs);
        }
    }
}

fn doubts(tally: &Tally, envelope: Envelope) -> Vec<Doubt> {
    if tally.schedules == 0 {
        return vec![Doubt::NoRun];
    }
    let bit = FaultClass::ALL.iter().any(|&class| tally.bites(class).times > 0);
    [
        (tally.acknowledged == 0, Doubt::NothingAcknowledged),
        (tally.delivered == 0, Doubt::NothingDelivered),
        (tally.ends.settled == 0, Doubt::NothingSettled),
        (envelope != Envelope::CALM && !bit, Doubt::NothingBit),
        (tally.unknown.saturating_mul(1_000) > tally.schedules, Doubt::TooManyUnknown),
    ]
    .into_iter()
    .filter_map(|(applies, doubt)| applies.then_some(doubt))
    .collect()
}
