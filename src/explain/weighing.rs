//! What each step of a failing run does to it.

use super::others::{other_choices, other_times, other_troubles};
use super::{Bench, anchors};
use crate::choice::{Choice, Key};
use crate::run::Examined;
use crate::schedule::{Fault, Schedule};

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A fault.
    Fault(Fault),
    /// A decision.
    Decision(Key, Choice),
}

/// A step, and what would be without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// The step.
    pub step: Step,
    /// How the run ends without it: `holds`, a rule, `unknown`, or the place of a panic.
    pub without: String,
    /// Whether the run does not fail in the same way without it.
    pub is_needed: bool,
    /// What other values of the step do: how long a fault lasts, how late a message is. None if
    /// none were tried.
    pub values: Option<Tried>,
    /// What other times of a fault do.
    pub times: Option<Tried>,
    /// The moments in which it took hold, by their places in the chronicle.
    pub moments: Vec<usize>,
}

/// How many of some variants of a run were run, and how many of these failed in the same way.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// How many were run.
    pub runs: u32,
    /// How many failed in the same way.
    pub failed: u32,
}

impl Weighed {
    /// What other values and other times of it do together; none if none were tried.
    pub fn tried(&self) -> Option<Tried> {
        let tried = [self.values, self.times].into_iter().flatten();
        tried.reduce(|one, other| Tried {
            runs: one.runs + other.runs,
            failed: one.failed + other.failed,
        })
    }
}

impl Tried {
    /// Whether all of them failed.
    pub const fn all(self) -> bool {
        self.failed == self.runs
    }
}

/// A schedule that holds, and how it differs from the failing one: without the step at this place,
/// or with another form of it.
pub(super) struct Passing {
    pub(super) schedule: Schedule,
    pub(super) step: usize,
    pub(super) other: Option<Step>,
}

/// Weighs the steps of `schedule`, of at most `varied` of them other values as well. Gives the
/// schedules that hold, too.
pub(super) fn weigh(
    bench: &mut Bench<'_>,
    schedule: &Schedule,
    examined: &Examined,
    varied: usize,
) -> (Vec<Weighed>, Vec<Passing>) {
    let group = examined.inspection.run.outcome.group();
    let mut scale = Scale { bench, schedule, group, passing: Vec::new() };
    let mut steps = Vec::new();
    let is_varied = schedule.steps() <= varied;
    for (place, lesser) in schedule.lesser().into_iter().enumerate() {
        let step = step(schedule, place);
        let without = scale.put(lesser, place, None);
        let (values, times) = match &step {
            _ if !is_varied => (None, None),
            Step::Fault(fault) => (
                scale.vary(place, other_troubles(fault).into_iter().map(Step::Fault)),
                scale.vary(place, other_times(fault).into_iter().map(Step::Fault)),
            ),
            Step::Decision(key, choice) => {
                let others = other_choices(*key, *choice).into_iter();
                (scale.vary(place, others.map(|choice| Step::Decision(*key, choice))), None)
            }
        };
        let moments = match &step {
            Step::Fault(fault) => anchors::struck(&examined.chronicle, place, &fault.what),
            Step::Decision(key, _) => anchors::decided(&examined.chronicle, *key),
        };
        let is_needed = without != scale.group;
        steps.push(Weighed { step, without, is_needed, values, times, moments });
    }
    (steps, scale.passing)
}

struct Scale<'a, 'b> {
    bench: &'a mut Bench<'b>,
    schedule: &'a Schedule,
    group: String,
    passing: Vec<Passing>,
}

impl Scale<'_, '_> {
    /// How a variant ends; it is remembered if it holds.
    fn put(&mut self, variant: Schedule, step: usize, other: Option<Step>) -> String {
        let group = self.bench.group(&variant);
        if group == "holds" {
            self.passing.push(Passing { schedule: variant, step, other });
        }
        group
    }

    fn vary(&mut self, place: usize, others: impl Iterator<Item = Step>) -> Option<Tried> {
        let mut tried = Tried::default();
        for other in others {
            let variant = with(self.schedule, place, &other);
            tried.runs += 1;
            tried.failed += u32::from(self.put(variant, place, Some(other)) == self.group);
        }
        (tried.runs > 0).then_some(tried)
    }
}

/// The step at `place`, faults first.
fn step(schedule: &Schedule, place: usize) -> Step {
    if let Some(fault) = schedule.faults.get(place) {
        return Step::Fault(fault.clone());
    }
    let mut decisions = schedule.decisions.iter();
    let decision = decisions.nth(place - schedule.faults.len());
    let (&key, &choice) = decision.expect("a step has a place");
    Step::Decision(key, choice)
}

/// The schedule with another step at `place`.
fn with(schedule: &Schedule, place: usize, other: &Step) -> Schedule {
    let mut variant = schedule.clone();
    match other {
        Step::Fault(fault) => variant.faults[place] = fault.clone(),
        Step::Decision(key, choice) => _ = variant.decisions.insert(*key, *choice),
    }
    variant
}
