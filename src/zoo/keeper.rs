//! Who looks after the specimens: measures how soon they are found, and sweeps their twins.

use super::measurement::{Failure, Measurement, Trial};
use super::shrinkage::{Sample, Shrinkage};
use super::verification::{Case, Checked};
use super::{Approach, Specimen, verification};
use crate::digest::Digest;
use crate::explore::{self, Exhausted, Exhaustive, Sweep, Swept, Watch};
use crate::run::{Outcome, Subject, Worker};
use crate::scenario::{Scenario, ScenarioError};
use crate::schedule::{Schedule, Strategy};
use crate::seed::Seed;
use crate::shrink::{Budget, Progress, Shrunk, shrink};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// How much a keeper does for each specimen.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Effort {
    /// How many searches for a first failure.
    pub trials: NonZeroU32,
    /// What a search runs of its seeds.
    pub approach: Approach,
    /// After how many schedules a search is given up.
    pub cap: NonZeroU64,
    /// Over how many schedules a twin must be clean.
    pub twin: Margin,
    /// Over how many schedules the specimen breaks no other rule, and masked none.
    pub specimen: Margin,
    /// The most schedules of the search for a witness with fewer decisions.
    pub smaller: NonZeroU64,
    /// On how many threads; what is found does not depend on it.
    pub jobs: NonZeroUsize,
    /// How many ticks of the [`Watch`] a run may take for one event before it counts as hung.
    pub hung_after_ticks: u32,
}

/// A number of schedules, in view of how hard a specimen is to find.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Margin {
    /// No fewer than this.
    pub least: u64,
    /// No fewer than so many times the schedules that nine of ten searches get by with.
    pub times_p90: u64,
}

impl Default for Effort {
    /// Enough to vouch for a specimen: 31 searches of 20,000 schedules at most, on one thread.
    fn default() -> Self {
        Self {
            trials: NonZeroU32::MIN.saturating_add(30),
            approach: Approach::default(),
            cap: NonZeroU64::MIN.saturating_add(19_999),
            twin: Margin { least: 100_000, times_p90: 100 },
            specimen: Margin { least: 20_000, times_p90: 20 },
            smaller: NonZeroU64::MIN.saturating_add(199_999),
            jobs: NonZeroUsize::MIN,
            hung_after_ticks: Sweep::default().hung_after_ticks,
        }
    }
}

impl Margin {
    /// The number for a specimen that was found like this.
    pub fn schedules(self, measured: &Measurement) -> u64 {
        self.least.max(self.times_p90.saturating_mul(measured.p90()))
    }
}

/// Measures and verifies specimens.
pub struct Keeper {
    effort: Effort,
    watch: Arc<dyn Watch>,
}

impl Keeper {
    /// A keeper who makes such an effort; `watch` sees the progress of each of its sweeps.
    pub fn new(effort: Effort, watch: Arc<dyn Watch>) -> Self {
        Self { effort, watch }
    }

    /// What the keeper does for each specimen.
    pub fn effort(&self) -> &Effort {
        &self.effort
    }

    /// Searches for the specimen, each time from other seeds.
    ///
    /// # Errors
    /// None in a tested crate, as [`Specimen::scenario`].
    pub fn measure(&self, specimen: &Specimen) -> Result<Measurement, ScenarioError> {
        let Effort { approach, cap, trials, .. } = self.effort;
        let (subject, cap) = (approach.subject(specimen)?, cap.get());
        let trials = (0..trials.get()).map(|trial| match approach {
            Approach::Swarm(strategy) => self.search(&subject, strategy, trial, cap),
            Approach::Baseline => self.search_plainly(&subject, trial, cap),
        });
        Ok(Measurement { approach, cap, trials: trials.collect() })
    }

    /// Makes the failures small with which the first so many searches ended as they should;
    /// `elapsed` tells how much time has passed since some moment.
    ///
    /// # Errors
    /// None in a tested crate, as [`Specimen::scenario`].
    pub fn shrink(
        &self,
        specimen: &Specimen,
        measured: &Measurement,
        most: usize,
        elapsed: &dyn Fn() -> Duration,
    ) -> Result<Shrinkage, ScenarioError> {
        let approach = measured.approach;
        let subject = approach.subject(specimen)?;
        let witness = specimen.witness_schedule()?.steps();
        let mut shrinkage = Shrinkage { witness, samples: Vec::new(), refused: Vec::new() };
        let rule = specimen.breaks.slug();
        let failures = measured.failures().filter(|failure| failure.group == rule);
        for &Failure { seed, .. } in failures.take(most) {
            let before = elapsed();
            let failing = approach.schedule(seed, subject.as_ref());
            match self.shrink_one(&subject, failing) {
                Ok(shrunk) => {
                    let took = elapsed().saturating_sub(before);
                    shrinkage.samples.push(Sample::of(&shrunk, took));
                }
                Err(why) => shrinkage.refused.push((seed, why)),
            }
        }
        Ok(shrinkage)
    }

    /// Sweeps the scenario named `twin`, which specimens share.
    ///
    /// # Errors
    /// If there is none.
    pub fn sweep_twin(&self, twin: &str, schedules: u64) -> Result<Swept, ScenarioError> {
        Ok(self.sweep(&Scenario::named(twin)?.subject()?, schedules))
    }

    /// Whether the specimen is one: every claim about it, given how soon it was found and a sweep
    /// of its twin.
    ///
    /// # Errors
    /// None in a tested crate, as [`Specimen::scenario`].
    pub fn verify(
        &self,
        specimen: &Specimen,
        measured: &Measurement,
        twin: &Swept,
    ) -> Result<Vec<Checked>, ScenarioError> {
        verification::verify(&Case::new(self, specimen, measured, twin)?)
    }

    pub(super) fn watch(&self) -> &Arc<dyn Watch> {
        &self.watch
    }

    pub(super) fn sweep(&self, subject: &Arc<dyn Subject>, schedules: u64) -> Swept {
        self.sweep_from(subject, Sweep { schedules, ..Sweep::default() })
    }

    pub(super) fn exhaust(&self, subject: &Arc<dyn Subject>, search: &Exhaustive) -> Exhausted {
        let Effort { jobs, hung_after_ticks, .. } = self.effort;
        let plan = Sweep { jobs, hung_after_ticks, ..Sweep::default() };
        explore::exhaust(subject, search, &plan, &self.watch)
    }

    fn sweep_from(&self, subject: &Arc<dyn Subject>, plan: Sweep) -> Swept {
        let Effort { jobs, hung_after_ticks, .. } = self.effort;
        explore::sweep(subject, &Sweep { jobs, hung_after_ticks, ..plan }, &self.watch)
    }

    fn shrink_one(&self, subject: &Arc<dyn Subject>, failing: Schedule) -> Result<Shrunk, String> {
        let own = Arc::clone(subject);
        let task = move |worker: &mut dyn Worker| {
            let watch = &mut |_: &Progress| ControlFlow::Continue(());
            shrink(worker, own.as_ref(), &failing, Budget::default(), watch)
        };
        let ticks = self.effort.hung_after_ticks;
        let shrunk = explore::with_worker(subject, ticks, &self.watch, task);
        shrunk.map_err(|hung| hung.to_string())?.map_err(|why| why.to_string())
    }

    /// All threads work on one search, so that none of them waits for the longest.
    fn search(
        &self,
        subject: &Arc<dyn Subject>,
        strategy: Strategy,
        trial: u32,
        cap: u64,
    ) -> Trial {
        let from = start(trial);
        let stop_after = Some(NonZeroU64::MIN);
        let plan = Sweep { from, schedules: cap, strategy, stop_after, ..Sweep::default() };
        let swept = self.sweep_from(subject, plan);
        let failure = swept
            .failures()
            .next()
            .map(|group| Failure { seed: group.seed, group: group.finding.group() });
        Trial { from, schedules: swept.tally.schedules, failure }
    }

    /// A search that no sweep makes, schedule by schedule.
    fn search_plainly(&self, subject: &Arc<dyn Subject>, trial: u32, cap: u64) -> Trial {
        const AT_ONCE: u64 = 64;
        let from = start(trial);
        let Effort { approach, hung_after_ticks, .. } = self.effort;
        let mut done = 0;
        while done < cap {
            let seeds = (done..cap.min(done + AT_ONCE)).map(|n| Seed(from.0.wrapping_add(n)));
            let schedules: Vec<_> =
                seeds.map(|seed| approach.schedule(seed, subject.as_ref())).collect();
            done += schedules.len() as u64;
            let runs = explore::run_all(subject, schedules, hung_after_ticks, &self.watch);
            let runs = runs.unwrap_or_default();
            let broken = runs.iter().find(|run| matches!(run.outcome, Outcome::Violated(_)));
            if let Some(run) = broken {
                let failure = Failure { seed: run.seed, group: run.outcome.group() };
                let schedules = run.seed.0.wrapping_sub(from.0) + 1;
                return Trial { from, schedules, failure: Some(failure) };
            }
        }
        Trial { from, schedules: done, failure: None }
    }
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("effort", &self.effort).finish_non_exhaustive()
    }
}

/// Where a search starts: hashed, so that no search runs into the seeds of another.
fn start(trial: u32) -> Seed {
    Seed(Digest::new().bytes(b"zoo").word(trial.into()).value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_do_not_overlap() {
        let mut starts: Vec<u64> = (0..1_000).map(|trial| start(trial).0).collect();
        starts.sort_unstable();
        let cap = Effort::default().cap.get();
        assert!(starts.windows(2).all(|pair| pair[1] - pair[0] > cap));
        assert!(starts[0].wrapping_sub(starts[999]) > cap, "the last wraps into the first");
    }

    #[test]
    fn a_margin_grows_with_the_search() {
        let margin = Margin { least: 1_000, times_p90: 20 };
        let trial = Trial { from: Seed(0), schedules: 0, failure: None };
        let approach = Approach::default();
        let found_within = |cap| Measurement { approach, cap, trials: vec![trial.clone()] };
        assert_eq!(margin.schedules(&found_within(50)), 1_000);
        assert_eq!(margin.schedules(&found_within(51)), 1_020);
    }
}
