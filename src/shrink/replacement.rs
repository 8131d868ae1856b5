//! Putting one step in the place of two.

use super::Stage;
use super::search::{Search, steps, without};
use crate::choice::{Choice, Key};
use crate::schedule::{Fault, Schedule};

/// With more steps than this none is replaced.
const AMONG_MAX: usize = 12;

/// How many candidates may be tried each time.
const TRIES_MAX: usize = 4_000;

/// A step by itself.
#[derive(Clone, Debug)]
enum Part {
    Fault(Fault),
    Decision(Key, Choice),
}

impl Search<'_> {
    /// Puts one step that the failing run took in the place of two that are left.
    pub(super) fn replace_steps(&mut self) {
        self.stage = Stage::Replacements;
        let left = steps(&self.best);
        if !(2..=AMONG_MAX).contains(&left.len()) {
            return;
        }
        let alphabet = self.alphabet();
        let mut tries = 0;
        for (number, &one) in left.iter().enumerate() {
            for &other in &left[number + 1..] {
                let lesser = without(&self.best, &[one, other]);
                for part in &alphabet {
                    tries += 1;
                    if tries > TRIES_MAX || self.is_over {
                        return;
                    }
                    if self.attempt(part.joined(&lesser)) {
                        return;
                    }
                }
            }
        }
    }

    /// The steps of the failing run that are not among those left.
    fn alphabet(&self) -> Vec<Part> {
        let Schedule { faults, decisions, .. } = &self.origin;
        let faults = faults.iter().filter(|fault| !self.best.faults.contains(fault));
        let decisions = decisions.iter().map(|(&key, &choice)| (key, choice));
        let decisions = decisions.filter(|(key, _)| !self.best.decisions.contains_key(key));
        let decisions = decisions.map(|(key, choice)| Part::Decision(key, choice));
        faults.cloned().map(Part::Fault).chain(decisions).collect()
    }
}

impl Part {
    fn joined(&self, schedule: &Schedule) -> Schedule {
        let mut greater = schedule.clone();
        match self {
            Self::Fault(fault) => greater.faults.push(fault.clone()),
            Self::Decision(key, choice) => _ = greater.decisions.insert(*key, *choice),
        }
        greater
    }
}
