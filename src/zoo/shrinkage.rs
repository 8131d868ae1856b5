//! How small the failures of a specimen get.

use crate::seed::Seed;
use crate::shrink::Shrunk;
use std::time::Duration;

/// Failures of one specimen that were shrunk, beside its witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrinkage {
    /// How many steps the witness takes.
    pub witness: usize,
    /// The failures that became small.
    pub samples: Vec<Sample>,
    /// Those that could not be shrunk, and why not.
    pub refused: Vec<(Seed, String)>,
}

/// One failure that was shrunk.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The seed that fails.
    pub seed: Seed,
    /// How many steps are left.
    pub steps: usize,
    /// In how many runs.
    pub runs: u64,
    /// How long that took.
    pub took: Duration,
}

impl Sample {
    /// The figures of a failure whose shrinking took so long.
    pub(super) fn of(shrunk: &Shrunk, took: Duration) -> Self {
        let Shrunk { run, size, runs, .. } = shrunk;
        Self { seed: run.seed, steps: size.steps, runs: *runs, took }
    }
}

impl Shrinkage {
    /// The steps of the smallest failure, if there is one.
    pub fn smallest(&self) -> Option<usize> {
        self.samples.iter().map(|sample| sample.steps).min()
    }

    /// The steps that are left of the failure in the middle, if there is one.
    pub fn median_steps(&self) -> Option<usize> {
        median(self.samples.iter().map(|sample| sample.steps))
    }

    /// The runs that half of the failures got by with.
    pub fn median_runs(&self) -> Option<u64> {
        median(self.samples.iter().map(|sample| sample.runs))
    }

    /// The time that half of the failures got by with.
    pub fn median_took(&self) -> Option<Duration> {
        median(self.samples.iter().map(|sample| sample.took))
    }

    /// Whether the smallest failure is at most half as large again as the witness, and none was
    /// refused.
    pub fn is_small(&self) -> bool {
        let is_small = |steps| 2 * steps <= 3 * self.witness;
        self.refused.is_empty() && self.smallest().is_some_and(is_small)
    }
}

/// The least of these that half of them are no greater than.
fn median<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    let middle = values.len().div_ceil(2);
    values.into_iter().nth(middle.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_values_are_no_greater_than_the_median() {
        for (values, expected) in
            [(vec![], None), (vec![7], Some(7)), (vec![9, 1], Some(1)), (vec![3, 9, 1], Some(3))]
        {
            assert_eq!(median(values.iter().copied()), expected, "{values:?}");
        }
    }

    #[test]
    fn a_failure_is_small_up_to_half_as_large_again_as_the_witness() {
        for (witness, steps, is_small) in
            [(0, 0, true), (0, 1, false), (1, 1, true), (1, 2, false), (2, 3, true), (3, 5, false)]
        {
            let sample = Sample { seed: Seed(0), steps, runs: 1, took: Duration::ZERO };
            let shrinkage = Shrinkage { witness, samples: vec![sample], refused: vec![] };
            assert_eq!(shrinkage.is_small(), is_small, "{steps} beside {witness}");
        }
        let none = Shrinkage { witness: 1, samples: vec![], refused: vec![] };
        assert!(!none.is_small());
    }
}
