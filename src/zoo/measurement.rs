//! How many schedules it takes to find a specimen.

use super::Approach;
use crate::check::Rule;
use crate::seed::Seed;
use std::collections::BTreeMap;

/// Searches for the first failure, each from seeds of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// What the searches ran of their seeds.
    pub approach: Approach,
    /// After how many schedules a search is given up.
    pub cap: u64,
    /// The searches.
    pub trials: Vec<Trial>,
}

/// One search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Its first seed.
    pub from: Seed,
    /// How many schedules it ran, the failing one included.
    pub schedules: u64,
    /// What it found.
    pub failure: Option<Failure>,
}

/// The first failure of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed that failed.
    pub seed: Seed,
    /// The rule that it broke, or how else it failed.
    pub group: String,
}

impl Measurement {
    /// How many searches found a failure.
    pub fn found(&self) -> u64 {
        self.failures().count() as u64
    }

    /// What was found, in the order of the searches.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.trials.iter().filter_map(|trial| trial.failure.as_ref())
    }

    /// Whether most searches found a failure.
    pub fn is_found(&self) -> bool {
        2 * self.found() > self.trials.len() as u64
    }

    /// The schedules to the first failure that half of the searches got by with; a search that
    /// found none counts as the cap.
    pub fn median(&self) -> u64 {
        self.quantile(5)
    }

    /// The schedules to the first failure that nine of ten searches got by with; a search that
    /// found none counts as the cap.
    pub fn p90(&self) -> u64 {
        self.quantile(9)
    }

    /// The schedules of the longest search.
    pub fn most(&self) -> u64 {
        self.quantile(10)
    }

    /// How many searches ended with which rule.
    pub fn rules(&self) -> BTreeMap<&str, u64> {
        let mut rules = BTreeMap::new();
        for failure in self.failures() {
            *rules.entry(failure.group.as_str()).or_default() += 1;
        }
        rules
    }

    /// The failures by anything but `rule`.
    pub fn strays(&self, rule: Rule) -> impl Iterator<Item = &Failure> {
        self.failures().filter(move |failure| failure.group != rule.slug())
    }

    /// The least number of schedules that so many tenths of the searches got by with.
    fn quantile(&self, tenths: usize) -> u64 {
        let mut lengths: Vec<_> = self.trials.iter().map(|trial| trial.length(self.cap)).collect();
        lengths.sort_unstable();
        let rank = (lengths.len() * tenths).div_ceil(10).max(1);
        lengths.get(rank - 1).copied().unwrap_or(self.cap)
    }
}

impl Trial {
    fn length(&self, cap: u64) -> u64 {
        if self.failure.is_some() { self.schedules } else { cap }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches of these lengths, of which 1,000 is the cap.
    fn measurement(lengths: &[u64]) -> Measurement {
        let cap = 1_000;
        let trial = |&schedules: &u64| Trial {
            from: Seed(7),
            schedules,
            failure: (schedules < cap).then(|| Failure { seed: Seed(7), group: "lost".to_owned() }),
        };
        Measurement {
            approach: Approach::default(),
            cap,
            trials: lengths.iter().map(trial).collect(),
        }
    }

    #[track_caller]
    fn check(lengths: &[u64], [found, median, p90, most]: [u64; 4]) {
        let told = measurement(lengths);
        assert_eq!(
            [told.found(), told.median(), told.p90(), told.most()],
            [found, median, p90, most]
        );
    }

    #[test]
    fn quantiles_are_lengths_that_occurred() {
        check(&[5], [1, 5, 5, 5]);
        check(&[9, 1], [2, 1, 9, 9]);
        check(&[3, 1, 2], [3, 2, 3, 3]);
        check(&[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], [10, 5, 9, 10]);
        check(&(1..=31).collect::<Vec<_>>(), [31, 16, 28, 31]);
    }

    #[test]
    fn a_search_that_found_nothing_counts_as_the_cap() {
        check(&[1_000, 1, 2], [2, 2, 1_000, 1_000]);
        assert!(measurement(&[1_000, 1, 2]).is_found());
        assert!(!measurement(&[1_000, 1]).is_found());
        assert!(!measurement(&[]).is_found());
    }

    #[test]
    fn failures_are_told_apart_by_rule() {
        let mut told = measurement(&[1, 2, 3, 1_000]);
        told.trials[1].failure = Some(Failure { seed: Seed(8), group: "order".to_owned() });
        assert_eq!(told.rules(), BTreeMap::from([("lost", 2), ("order", 1)]));
        assert_eq!(told.strays(Rule::Lost).map(|stray| stray.seed).collect::<Vec<_>>(), [Seed(8)]);
    }
}
