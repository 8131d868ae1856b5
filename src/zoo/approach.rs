//! How a specimen is searched for.

use super::Specimen;
use crate::digest::Digest;
use crate::id::NodeId;
use crate::profile::{Swarm, Transport};
use crate::run::Subject;
use crate::scenario::{Between, ScenarioError, VarySection};
use crate::schedule::{Fault, Schedule, Strategy, Trigger, Trouble};
use crate::seed::{Ratio, Seed};
use crate::time::{Instant, Span};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What is run of a seed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Approach {
    /// The specimen under the swarm, in such an order of what is due close together.
    Swarm(Strategy),
    /// What the others are measured against: no swarm and no races, but latencies of 1 to 10 ms,
    /// one message lost in 20, one datagram doubled in 50, and one crash, of any machine at any
    /// time before the heal.
    Baseline,
}

/// Text that is not an approach.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is no way to search: write mix, time, pct, pos, walk or baseline")]
pub struct NotAnApproach {
    text: String,
}

const BASELINE: &str = "baseline";

/// How long the machine that crashes in the baseline is down.
const DOWN: Span = Span::millis(10);

impl Approach {
    /// Its name.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Swarm(strategy) => strategy.slug(),
            Self::Baseline => BASELINE,
        }
    }

    /// What is run.
    pub(super) fn subject(self, specimen: &Specimen) -> Result<Arc<dyn Subject>, ScenarioError> {
        let mut scenario = specimen.scenario()?;
        if self == Self::Baseline {
            scenario.run.swarm = Swarm::Off;
            scenario.run.envelope.clear();
            scenario.vary = VarySection::default();
            scenario.network.latency = Between::micros(1_000, 10_000);
            scenario.network.loss = one_in(20);
            if scenario.network.transport == Transport::Datagram {
                scenario.network.duplicate = one_in(50);
            }
        }
        scenario.subject()
    }

    /// The schedule of `seed` for a subject of [`subject`](Self::subject).
    pub(super) fn schedule(self, seed: Seed, subject: &dyn Subject) -> Schedule {
        let schedule = Schedule::seeded(seed);
        match self {
            Self::Swarm(strategy) => schedule.ordered(strategy),
            Self::Baseline => {
                let draw = |number| Digest::new().bytes(b"crash").word(seed.0).word(number).value();
                let node = NodeId((draw(0) % subject.machines().len() as u64) as u16);
                let at = draw(1) % subject.profile().heal_at.nanos().max(1);
                let when = Trigger::At(Instant::from_nanos(at));
                let what = Trouble::Crash { node, down: DOWN };
                let faults = vec![Fault { when, what }];
                Schedule { faults, ..schedule }.ordered(Strategy::Time)
            }
        }
    }
}

fn one_in(many: u32) -> Ratio {
    Ratio::new(1, many).unwrap_or(Ratio::NEVER)
}

impl Default for Approach {
    fn default() -> Self {
        Self::Swarm(Strategy::Mix)
    }
}

impl fmt::Display for Approach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl FromStr for Approach {
    type Err = NotAnApproach;

    fn from_str(text: &str) -> Result<Self, NotAnApproach> {
        if text == BASELINE {
            return Ok(Self::Baseline);
        }
        let strategy = text.parse().map(Self::Swarm);
        strategy.map_err(|_| NotAnApproach { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approaches_are_read_as_they_are_written() {
        for approach in Strategy::ALL.map(Approach::Swarm).into_iter().chain([Approach::Baseline]) {
            assert_eq!(approach.to_string().parse::<Approach>().unwrap(), approach);
        }
        assert!("swarm".parse::<Approach>().is_err());
    }

    #[test]
    fn the_baseline_crashes_every_machine_at_all_times_and_draws_no_other_fault() {
        let specimen = Specimen::named("volatile-dedup-set").unwrap();
        let subject = Approach::Baseline.subject(specimen).unwrap();
        let heal_at = Instant::START + subject.profile().heal_at;
        let mut crashed = vec![0; subject.machines().len()];
        let mut late = 0;
        for seed in 0..1_000 {
            let schedule = Approach::Baseline.schedule(Seed(seed), subject.as_ref());
            let [Fault { when: Trigger::At(at), what: Trouble::Crash { node, .. } }] =
                schedule.faults[..]
            else {
                panic!("one crash at a time: {schedule:?}");
            };
            assert!(at < heal_at);
            late += u32::from(at.nanos() > heal_at.nanos() / 2);
            crashed[node.index()] += 1;
        }
        assert!(crashed.iter().all(|&times| times > 1_000 / crashed.len() / 2), "{crashed:?}");
        assert!((400..600).contains(&late), "{late} of 1000 crash in the second half");
        assert_eq!(subject.profile().swarm, Swarm::Off);
    }
}
