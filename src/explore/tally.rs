//! The counts of a sweep.

use super::Finding;
use crate::coverage::SITES_MAX;
use crate::digest::Digest;
use crate::history::EndCause;
use crate::id::SiteId;
use crate::profile::FaultClass;
use crate::run::{Run, Stats};
use crate::seed::Seed;

/// Counts over the runs of a sweep, the same in whatever order they are taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Seeds run.
    pub schedules: u64,
    /// Runs that kept every promise.
    pub held: u64,
    /// Runs that broke one.
    pub violated: u64,
    /// Runs in which a node panicked.
    pub panicked: u64,
    /// Runs in which a callback did not return.
    pub hung: u64,
    /// Seeds that did not run twice alike.
    pub nondeterministic: u64,
    /// Runs without a verdict.
    pub unknown: u64,
    /// Seeds that were run again.
    pub rechecked: u64,
    /// The digest of all runs and their seeds.
    pub digest: u64,
    /// Events handled.
    pub events: u64,
    /// Messages handed to the network.
    pub sent: u64,
    /// Messages that reached a callback.
    pub delivered: u64,
    /// Sends invoked.
    pub invoked: u64,
    /// Sends acknowledged.
    pub acknowledged: u64,
    /// Effects committed.
    pub effects: u64,
    /// How the runs ended.
    pub ends: Ends,
    faults: [Hits; FaultClass::ALL.len()],
    sites: [Hits; SITES_MAX],
}

/// How often something happened.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// In how many runs.
    pub runs: u64,
    /// How many times altogether.
    pub times: u64,
}

/// Runs by why they ended.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Nothing was owed and every fault was spent.
    pub settled: u64,
    /// Only background work was left.
    pub quiescent: u64,
    /// They were busy for too long without progress.
    pub impatient: u64,
    /// A promise was broken for good.
    pub broken: u64,
    /// The budget of events or of virtual time was spent.
    pub budget: u64,
    /// They did not end by themselves: a node panicked or hung.
    pub aborted: u64,
}

/// Stands for the run of a seed that has none because it hung.
const NO_DIGEST: u64 = u64::MAX;

impl Default for Tally {
    fn default() -> Self {
        Self {
            schedules: 0,
            held: 0,
            violated: 0,
            panicked: 0,
            hung: 0,
            nondeterministic: 0,
            unknown: 0,
            rechecked: 0,
            digest: 0,
            events: 0,
            sent: 0,
            delivered: 0,
            invoked: 0,
            acknowledged: 0,
            effects: 0,
            ends: Ends::default(),
            faults: [Hits::default(); FaultClass::ALL.len()],
            sites: [Hits::default(); SITES_MAX],
        }
    }
}

impl Tally {
    /// Seeds that failed in whatever way.
    pub fn failures(&self) -> u64 {
        self.violated + self.panicked + self.hung + self.nondeterministic
    }

    /// How often faults of `class` met something that they could change.
    pub fn bites(&self, class: FaultClass) -> Hits {
        self.faults[class as usize]
    }

    /// How often `site` was reached.
    pub fn reached(&self, site: SiteId) -> Hits {
        self.sites[site.index()]
    }

    /// Takes in a run that came to an end, and what was found in it.
    pub(super) fn enter(&mut self, run: &Run, found: Option<&Finding>) {
        self.judge(run.seed, run.digest, found);
        self.move_by(&run.stats);
        for &class in FaultClass::ALL {
            self.faults[class as usize].hit(run.coverage.bites(class));
        }
        for (site, hits) in self.sites.iter_mut().enumerate() {
            hits.hit(run.coverage.reached(SiteId(site as u8)));
        }
    }

    /// Takes in a seed whose run never ended.
    pub(super) fn enter_hung(&mut self, seed: Seed, found: &Finding) {
        self.judge(seed, NO_DIGEST, Some(found));
        self.ends.aborted += 1;
    }

    /// Takes in the counts of other seeds.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.held += other.held;
        self.violated += other.violated;
        self.panicked += other.panicked;
        self.hung += other.hung;
        self.nondeterministic += other.nondeterministic;
        self.unknown += other.unknown;
        self.rechecked += other.rechecked;
        self.digest = self.digest.wrapping_add(other.digest);
        self.events += other.events;
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.invoked += other.invoked;
        self.acknowledged += other.acknowledged;
        self.effects += other.effects;
        self.ends.absorb(other.ends);
        for (mine, others) in self.faults.iter_mut().zip(&other.faults) {
            mine.absorb(*others);
        }
        for (mine, others) in self.sites.iter_mut().zip(&other.sites) {
            mine.absorb(*others);
        }
    }

    fn judge(&mut self, seed: Seed, digest: u64, found: Option<&Finding>) {
        self.schedules += 1;
        // A sum, so that the order of the seeds does not matter.
        let one = Digest::new().word(seed.0).word(digest).value();
        self.digest = self.digest.wrapping_add(one);
        *match found {
            None => &mut self.held,
            Some(Finding::Violated(_)) => &mut self.violated,
            Some(Finding::Panicked(_)) => &mut self.panicked,
            Some(Finding::Hung { .. }) => &mut self.hung,
            Some(Finding::Nondeterministic(_)) => &mut self.nondeterministic,
            Some(Finding::Unknown { .. }) => &mut self.unknown,
        } += 1;
    }

    fn move_by(&mut self, stats: &Stats) {
        self.events += stats.events;
        self.sent += stats.sent;
        self.delivered += stats.delivered;
        self.invoked += stats.invoked;
        self.acknowledged += stats.acknowledged;
        self.effects += stats.effects;
        *match stats.cause {
            Some(EndCause::Settled) => &mut self.ends.settled,
            Some(EndCause::Quiescent) => &mut self.ends.quiescent,
            Some(EndCause::Impatient) => &mut self.ends.impatient,
            Some(EndCause::Broken) => &mut self.ends.broken,
            Some(EndCause::Budget) => &mut self.ends.budget,
            None => &mut self.ends.aborted,
        } += 1;
    }
}

impl Hits {
    fn hit(&mut self, times: u32) {
        self.runs += u64::from(times > 0);
        self.times += u64::from(times);
    }

    fn absorb(&mut self, other: Self) {
        self.runs += other.runs;
        self.times += other.times;
    }
}

impl Ends {
    fn absorb(&mut self, other: Self) {
        self.settled += other.settled;
        self.quiescent += other.quiescent;
        self.impatient += other.impatient;
        self.broken += other.broken;
        self.budget += other.budget;
        self.aborted += other.aborted;
    }
}
