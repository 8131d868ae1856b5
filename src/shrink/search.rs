//! The search: the smallest failure so far, and what was tried.

use super::{Budget, Progress, Shrunk, Size, Stage};
use crate::choice::Key;
use crate::digest::Digest;
use crate::profile::FaultClass;
use crate::run::{Inspection, Run, Subject, Worker};
use crate::schedule::{Fault, Part, Schedule};
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;

pub(super) struct Search<'a> {
    worker: &'a mut dyn Worker,
    pub(super) subject: &'a dyn Subject,
    watch: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
    budget: Budget,
    group: String,
    /// The classes of faults that may bite: those that the promises are made under, and those that
    /// bit from the start.
    pub(super) classes: BTreeSet<FaultClass>,
    /// The run that everything starts from.
    pub(super) origin: Schedule,
    before: Size,
    /// What the workload alone comes to, once somebody has asked.
    alone: Option<String>,
    /// The smallest failure so far.
    pub(super) best: Schedule,
    run: Run,
    tried: BTreeSet<u64>,
    pub(super) stage: Stage,
    pub(super) runs: u64,
    cached: u64,
    pub(super) is_over: bool,
}

/// A step of a schedule.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A fault, by its place in the list.
    Fault(usize),
    /// A decision.
    Decision(Key),
}

/// The steps of a schedule, faults first.
pub(super) fn steps(schedule: &Schedule) -> Vec<Step> {
    let faults = (0..schedule.faults.len()).map(Step::Fault);
    faults.chain(schedule.decisions.keys().copied().map(Step::Decision)).collect()
}

/// The schedule that lacks some steps of this one.
pub(super) fn without(schedule: &Schedule, left_out: &[Step]) -> Schedule {
    let mut lesser = schedule.clone();
    let mut place = 0;
    lesser.faults.retain(|_: &Fault| {
        place += 1;
        !left_out.contains(&Step::Fault(place - 1))
    });
    for step in left_out {
        if let Step::Decision(key) = step {
            lesser.decisions.remove(key);
        }
    }
    lesser
}

impl<'a> Search<'a> {
    /// A search that starts from `origin`, which has been run twice by now.
    pub(super) fn new(
        worker: &'a mut dyn Worker,
        subject: &'a dyn Subject,
        origin: Schedule,
        run: Run,
        budget: Budget,
        watch: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Self {
        let may_bite = |class: &FaultClass| {
            subject.profile().envelope.has(*class) || run.coverage.bites(*class) > 0
        };
        let before = Size::of(&origin, &run);
        Self {
            worker,
            subject,
            watch,
            budget,
            group: run.outcome.group(),
            classes: FaultClass::ALL.iter().copied().filter(may_bite).collect(),
            before,
            alone: None,
            tried: BTreeSet::from([hash(&origin)]),
            best: origin.clone(),
            origin,
            run,
            stage: Stage::Classes,
            runs: 2,
            cached: 0,
            is_over: false,
        }
    }

    /// Goes through the stages until none of them changes anything.
    pub(super) fn settle(&mut self) {
        loop {
            let before = self.best.clone();
            self.leave_out_steps();
            self.replace_steps();
            if self.best.steps() == before.steps() {
                self.leave_out_parts();
                self.round_values();
            }
            if self.is_over || self.best == before {
                return;
            }
        }
    }

    /// The last look: whatever the budget, faults strike upon something that edits of the system
    /// do not shift.
    pub(super) fn end(mut self) -> Shrunk {
        const RUNS: u64 = 3;
        let exhausted = self.is_over;
        (self.is_over, self.budget.runs) = (false, self.budget.runs.max(self.runs + RUNS));
        self.name_occasions();
        self.is_over = exhausted;
        Shrunk {
            size: Size::of(&self.best, &self.run),
            schedule: self.best,
            run: self.run,
            before: self.before,
            runs: self.runs,
            cached: self.cached,
            exhausted: self.is_over,
        }
    }

    /// Runs a candidate; if it fails in the same way, it is the smallest from now on.
    pub(super) fn attempt(&mut self, candidate: Schedule) -> bool {
        self.attempt_unless(candidate, None)
    }

    /// As [`attempt`](Self::attempt), unless `control` does not do what the workload alone does.
    pub(super) fn attempt_unless(
        &mut self,
        candidate: Schedule,
        control: Option<Schedule>,
    ) -> bool {
        if !self.tried.insert(hash(&candidate)) {
            self.cached += 1;
            return false;
        }
        let Some(run) = self.run(&candidate) else { return false };
        if !self.is_same_failure(&run) {
            return false;
        }
        if let Some(control) = control {
            let Some(alone) = self.alone() else { return false };
            let Some(control) = self.run(&control) else { return false };
            if control.outcome.group() != alone {
                return false;
            }
        }
        if !self.fails_in_full(&candidate) {
            return false;
        }
        self.best = candidate;
        self.run = run;
        true
    }

    /// Whether other steps fail with all machines, too, and not since nobody is there to do the
    /// work of one that is left out.
    fn fails_in_full(&mut self, candidate: &Schedule) -> bool {
        let is_machine = |part: &Part| matches!(part, Part::Machine(_));
        let has_other_steps =
            candidate.faults != self.best.faults || candidate.decisions != self.best.decisions;
        if !has_other_steps || !candidate.omit.iter().any(is_machine) {
            return true;
        }
        let mut full = candidate.clone();
        full.omit.retain(|part| !is_machine(part));
        self.run(&full).is_some_and(|run| self.is_same_failure(&run))
    }

    /// What the workload comes to without any step.
    fn alone(&mut self) -> Option<String> {
        if self.alone.is_none() {
            let quiet = without(&self.origin, &steps(&self.origin));
            self.alone = self.run(&quiet).map(|run| run.outcome.group());
        }
        self.alone.clone()
    }

    /// Looks into the smallest failure.
    pub(super) fn inspect(&mut self) -> Option<Inspection> {
        self.may_run().then(|| self.worker.inspect(&self.best))
    }

    /// The decisions of a candidate that nothing asks for.
    pub(super) fn unmet(&mut self, candidate: &Schedule) -> Option<Vec<Key>> {
        self.may_run().then(|| self.worker.inspect(candidate).unmet)
    }

    fn run(&mut self, candidate: &Schedule) -> Option<Run> {
        self.may_run().then(|| self.worker.run(candidate))
    }

    /// Tells how far it is and takes a run off the budget, if there is one left.
    fn may_run(&mut self) -> bool {
        if !self.is_over {
            let smallest = Size::of(&self.best, &self.run);
            let progress = Progress { stage: self.stage, runs: self.runs, smallest };
            self.is_over = (self.watch)(&progress).is_break() || self.runs >= self.budget.runs;
        }
        self.runs += u64::from(!self.is_over);
        !self.is_over
    }

    fn is_same_failure(&self, run: &Run) -> bool {
        let is_outside =
            |class: &&FaultClass| run.coverage.bites(**class) > 0 && !self.classes.contains(class);
        run.outcome.group() == self.group && !FaultClass::ALL.iter().any(|class| is_outside(&class))
    }
}

/// The hash of a candidate, by which it is known again.
fn hash(schedule: &Schedule) -> u64 {
    let mut hash = Rolling(Digest::new());
    schedule.hash(&mut hash);
    hash.finish()
}

struct Rolling(Digest);

impl Hasher for Rolling {
    fn finish(&self) -> u64 {
        self.0.value()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.bytes(bytes);
    }

    fn write_u64(&mut self, word: u64) {
        self.0.word(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.0.word(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.0.word(word.cast_unsigned() as u64);
    }
}
