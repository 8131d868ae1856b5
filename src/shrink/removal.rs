//! Leaving out steps: whole classes, then classes at one place, then halves down to single ones.

use super::Stage;
use super::search::{Search, Step, steps, without};
use crate::choice::{Actor, Choice, Site};
use crate::id::NodeId;
use crate::profile::FaultClass;
use crate::schedule::{Schedule, Trouble};

/// With more steps than this, no two are tried at once.
const PAIRS_AMONG_MAX: usize = 12;

/// What a step is, whatever it is about.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Fault(FaultClass),
    Decision(Site, Way),
}

/// A kind of choice.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Late,
    Lost,
    Twice,
    Corrupted,
    Other,
}

/// Where a step takes place: the machine or link, and the kind of message, timer or file.
type At = (Option<NodeId>, Option<NodeId>, u8);

impl Search<'_> {
    /// Leaves out steps until no single one can be, and no two if there are few.
    pub(super) fn leave_out_steps(&mut self) {
        loop {
            let before = self.best.steps();
            self.stage = Stage::Classes;
            self.attempt(without(&self.best, &steps(&self.best)));
            self.leave_out_alike(class);
            self.stage = Stage::Places;
            self.leave_out_alike(|schedule, step| {
                (class(schedule, step), Some(place(schedule, step)))
            });
            self.stage = Stage::Halves;
            self.leave_out_halves();
            self.tidy();
            if self.best.steps() == before {
                self.stage = Stage::Pairs;
                self.leave_out_pairs();
            }
            if self.is_over || self.best.steps() == before {
                return;
            }
        }
    }

    /// Leaves out all steps with one label, for each label; the most frequent first.
    fn leave_out_alike<L: Ord + Copy>(&mut self, label: impl Fn(&Schedule, Step) -> L) {
        let mut labels: Vec<L> =
            steps(&self.best).into_iter().map(|step| label(&self.best, step)).collect();
        labels.sort_unstable();
        let mut counted: Vec<(usize, L)> =
            labels.chunk_by(|one, other| one == other).map(|same| (same.len(), same[0])).collect();
        counted.sort_by_key(|&(count, label)| (std::cmp::Reverse(count), label));
        for (_, one) in counted {
            let mut alike = steps(&self.best);
            alike.retain(|&step| label(&self.best, step) == one);
            if !alike.is_empty() {
                self.attempt(without(&self.best, &alike));
            }
        }
    }

    fn leave_out_halves(&mut self) {
        let mut size = self.best.steps().div_ceil(2);
        while size > 0 && !self.is_over {
            let mut from = 0;
            loop {
                let steps = steps(&self.best);
                if from >= steps.len() {
                    break;
                }
                let to = (from + size).min(steps.len());
                if !self.attempt(without(&self.best, &steps[from..to])) {
                    from = to;
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    fn leave_out_pairs(&mut self) {
        let steps = steps(&self.best);
        if steps.len() > PAIRS_AMONG_MAX {
            return;
        }
        for (number, &one) in steps.iter().enumerate() {
            for &other in &steps[number + 1..] {
                if self.attempt(without(&self.best, &[one, other])) {
                    return;
                }
            }
        }
    }

    /// Drops decisions that nothing asks for, and takes the run's own if they are fewer.
    fn tidy(&mut self) {
        let Some(seen) = self.inspect() else { return };
        if !seen.unmet.is_empty() {
            let unmet: Vec<_> = seen.unmet.into_iter().map(Step::Decision).collect();
            self.attempt(without(&self.best, &unmet));
        }
        if seen.rewritten.steps() < self.best.steps() {
            self.attempt(seen.rewritten);
        }
    }
}

fn class(schedule: &Schedule, step: Step) -> Class {
    match step {
        Step::Fault(number) => Class::Fault(schedule.faults[number].what.class()),
        Step::Decision(key) => Class::Decision(key.site(), way(schedule.decisions[&key])),
    }
}

fn place(schedule: &Schedule, step: Step) -> At {
    match step {
        Step::Fault(number) => match &schedule.faults[number].what {
            Trouble::Crash { node, .. }
            | Trouble::PowerCut { node, .. }
            | Trouble::Pause { node, .. }
            | Trouble::Disconnect { node }
            | Trouble::ClockStep { node, .. }
            | Trouble::FullDisk { node, .. } => (Some(*node), None, 0),
            Trouble::BitRot { node, file, .. } => (Some(*node), None, file.0),
            Trouble::Cut { from, to, .. } => (from.first().copied(), to.first().copied(), 0),
            Trouble::Hold { from, to, .. } | Trouble::Grey { from, to, .. } => {
                (Some(*from), Some(*to), 0)
            }
        },
        Step::Decision(key) => match key.actor() {
            Actor::Link(from, to) => (Some(from), Some(to), key.kind()),
            Actor::Node(node, _) => (Some(node), None, key.kind()),
            Actor::Run => (None, None, key.kind()),
        },
    }
}

const fn way(choice: Choice) -> Way {
    match choice {
        Choice::Late(_) => Way::Late,
        Choice::Lost => Way::Lost,
        Choice::Twice { .. } => Way::Twice,
        Choice::Corrupted { .. } | Choice::Garbled { .. } => Way::Corrupted,
        _ => Way::Other,
    }
}
