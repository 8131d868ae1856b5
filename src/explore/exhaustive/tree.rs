//! Every set of steps once, by its place.
//!
//! A set grows from the set that lacks the last of its steps: the one that takes effect last in
//! the run of the set itself. Up to there both runs are alike, so the opening of that step is in
//! the run of the lesser set, after the steps of it. Hence every set has one parent, no set comes
//! twice, and a step may sit at an opening that an earlier one has brought about.

use super::super::course::{Course, Guide};
use super::{Alphabet, Letter, Step};
use crate::run::{Probe, Run, Worker};
use crate::schedule::Schedule;
use crate::seed::Seed;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Which opening of a run, and which of the steps that may be taken there.
type Standing = (u32, u32);

/// A step that a set may grow by.
struct Shoot {
    standing: Standing,
    letter: Letter,
    step: Step,
}

/// The sets of fewer steps than those of a level.
#[derive(Clone)]
pub(super) struct Roots {
    base: Schedule,
    alphabet: Arc<Alphabet>,
    /// For each number of steps: where the sets that grow from each set of so many begin, among all
    /// that have one step more, and how many these are.
    starts: Vec<Arc<[u64]>>,
}

/// The sets of so many steps.
pub(super) struct LevelOfSets {
    roots: Roots,
    first: u64,
    count: u64,
    /// How many sets grow from each, if any are to.
    children: Option<Box<[AtomicU32]>>,
}

impl Roots {
    pub(super) fn new(base: Schedule, alphabet: Alphabet) -> Self {
        Self { base, alphabet: Arc::new(alphabet), starts: Vec::new() }
    }

    pub(super) fn alphabet(&self) -> &Alphabet {
        &self.alphabet
    }

    /// How many steps the sets that grow from here have.
    pub(super) fn steps(&self) -> usize {
        self.starts.len()
    }

    /// How many sets grow from here.
    pub(super) fn count(&self) -> u64 {
        self.starts.last().map_or(1, |starts| starts.last().copied().unwrap_or(0))
    }

    /// `count` of the sets that grow from here, of which the first is at the place `first`.
    pub(super) fn level(&self, first: u64, count: u64, is_last: bool) -> LevelOfSets {
        let blank = || (0..count).map(|_| AtomicU32::new(0)).collect();
        let children = if is_last { None } else { Some(blank()) };
        LevelOfSets { roots: self.clone(), first, count, children }
    }

    /// How many steps of each kind a set of none may grow by.
    pub(super) fn letters(&self, quiet: &Probe) -> Vec<(Letter, u64)> {
        let mut counts: Vec<_> = Letter::ALL.iter().map(|&letter| (letter, 0)).collect();
        for shoot in shoots(&self.alphabet, &self.base, None, quiet) {
            counts[shoot.letter as usize].1 += 1;
        }
        counts
    }
}

impl LevelOfSets {
    /// The sets that grow from these, once all of them were run.
    pub(super) fn grown(&self) -> Roots {
        let mut roots = self.roots.clone();
        let counts = self.children.iter().flat_map(|children| children.iter());
        let mut end = 0;
        let ends = counts.map(|count| {
            end += u64::from(count.load(Ordering::Relaxed));
            end
        });
        roots.starts.push([0].into_iter().chain(ends).collect());
        roots
    }

    /// The schedule at `place`.
    pub(super) fn schedule(&self, place: u64, worker: &mut dyn Worker) -> Schedule {
        Way::along(self).to(place, worker).0
    }
}

impl Course for LevelOfSets {
    fn places(&self) -> Range<u64> {
        self.first..self.first + self.count
    }

    fn seed(&self, place: u64) -> Seed {
        Seed(place)
    }

    fn guide(&self) -> Box<dyn Guide + '_> {
        Box::new(Way::along(self))
    }
}

/// The way to a set of a level, as one thread goes it: what the last set and its ancestors may grow
/// by.
struct Way<'a> {
    level: &'a LevelOfSets,
    ancestors: Vec<Ancestor>,
}

struct Ancestor {
    number: u64,
    schedule: Schedule,
    shoots: Vec<Shoot>,
}

impl<'a> Way<'a> {
    fn along(level: &'a LevelOfSets) -> Self {
        Self { level, ancestors: Vec::new() }
    }

    /// The schedule at `place`, and the standing of its last step.
    fn to(&mut self, place: u64, worker: &mut dyn Worker) -> (Schedule, Option<Standing>) {
        let roots = &self.level.roots;
        let mut numbers = vec![place - self.level.first];
        for starts in roots.starts.iter().rev() {
            let number = numbers[numbers.len() - 1];
            numbers.push(starts.partition_point(|&start| start <= number) as u64 - 1);
        }
        numbers.reverse();
        let (mut schedule, mut standing) = (roots.base.clone(), None);
        for (depth, starts) in roots.starts.iter().enumerate() {
            let number = numbers[depth];
            if self.ancestors.get(depth).is_none_or(|ancestor| ancestor.number != number) {
                self.ancestors.truncate(depth);
                let probe = worker.probe(&schedule);
                let shoots = shoots(&roots.alphabet, &schedule, standing, &probe);
                self.ancestors.push(Ancestor { number, schedule, shoots });
            }
            let Ancestor { schedule: lesser, shoots, .. } = &self.ancestors[depth];
            let shoot = shoots.get((numbers[depth + 1] - starts[number as usize]) as usize);
            schedule = lesser.clone();
            // A run that is not the same twice may have lost it; that is found by running again.
            if let Some(Shoot { standing: latest, step, .. }) = shoot {
                standing = Some(*latest);
                step.clone().join(&mut schedule);
            }
        }
        schedule.seed = self.level.seed(place);
        (schedule, standing)
    }
}

impl Guide for Way<'_> {
    fn run(&mut self, place: u64, worker: &mut dyn Worker) -> (Schedule, Run) {
        let (schedule, standing) = self.to(place, worker);
        let Some(children) = &self.level.children else {
            let run = worker.run(&schedule);
            return (schedule, run);
        };
        let probe = worker.probe(&schedule);
        let alphabet = &self.level.roots.alphabet;
        let count = shoots(alphabet, &schedule, standing, &probe).len();
        let number = (place - self.level.first) as usize;
        children[number].store(count as u32, Ordering::Relaxed);
        (schedule, probe.run)
    }
}

/// What the set of a schedule, whose last step stands there, may grow by.
fn shoots(
    alphabet: &Alphabet,
    schedule: &Schedule,
    last: Option<Standing>,
    probe: &Probe,
) -> Vec<Shoot> {
    let skipped = last.map_or(0, |(place, _)| place);
    let mut shoots = Vec::new();
    for (place, opening) in (0..).zip(&probe.openings).skip(skipped as usize) {
        for (rank, (letter, step)) in (0..).zip(alphabet.steps_at(opening)) {
            let standing = (place, rank);
            let is_free = match &step {
                Step::Decision(key, _) => !schedule.decisions.contains_key(key),
                Step::Fault(_) => true,
            };
            if is_free && last.is_none_or(|last| standing > last) {
                shoots.push(Shoot { standing, letter, step });
            }
        }
    }
    shoots
}
