//! Sweeps: many seeds on several threads, judged as one.
//!
//! What a sweep reports does not depend on how many threads ran it. Seeds are handed out in chunks
//! and their results are merged in seed order, so examples are the lowest seeds, and a sweep that
//! stops early reports a prefix of its seeds. No clock is read here: the [`Watch`] of the caller
//! lets time pass, and says when it is up.

use crate::profile::Envelope;
use crate::run::{Inspection, Run, Subject, Worker};
use crate::schedule::{Schedule, Strategy};
use crate::seed::Seed;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;

mod bugs;
mod bytes;
mod capture;
mod course;
mod crew;
mod exhaustive;
mod finding;
mod ledger;
mod novelty;
mod proposals;
mod pursuit;
mod stake;
mod tally;
mod watched;

pub use bugs::{BUDGET, Inquiry, Look, Refusal, bugs};
pub use bytes::{Bytes, RECORD_BYTES, RECORDS_MAX, SEED_BYTES};
pub use capture::{Captured, capture};
pub use exhaustive::{
    Alphabet, Exhausted, Exhaustive, Letter, Level, NotASearch, Search, Step, exhaust,
};
pub use finding::{Divergence, Finding, Group, Parting};
pub use novelty::{Novelty, novelty};
pub use proposals::Proposals;
pub use pursuit::{Pursued, pursue};
pub use tally::{Ends, Hits, Tally};
pub use watched::Hung;

use course::{Course, Seeds};
use crew::{Crew, News};
use ledger::Ledger;

/// Of how many seeds one is run again to compare digests, unless all are.
pub const RECHECK_ONE_IN: u64 = 256;

/// After how many hung seeds a sweep ends: each of them keeps a thread spinning.
pub const HUNG_MAX: u64 = 32;

/// Into how many failures of a kind a sweep looks, unless it is told otherwise.
pub const LOOK_INTO: usize = 8;

/// What to sweep.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// The first seed.
    pub from: Seed,
    /// How many seeds.
    pub schedules: u64,
    /// In which order each of them runs what is due close together.
    pub strategy: Strategy,
    /// On how many threads.
    pub jobs: NonZeroUsize,
    /// After how many failing seeds to end.
    pub stop_after: Option<NonZeroU64>,
    /// Which seeds are run again.
    pub recheck: Recheck,
    /// How many ticks of the [`Watch`] a run may take for one event before it counts as hung.
    pub hung_after_ticks: u32,
    /// Into how many failures of each kind to look for [`bugs`]; so many of their seeds are kept.
    pub look_into: usize,
}

impl Default for Sweep {
    /// Ten thousand seeds from 0 on one thread; a run hangs after 100 ticks.
    fn default() -> Self {
        Self {
            from: Seed(0),
            schedules: 10_000,
            strategy: Strategy::Mix,
            jobs: NonZeroUsize::MIN,
            stop_after: None,
            recheck: Recheck::Sample,
            hung_after_ticks: 100,
            look_into: LOOK_INTO,
        }
    }
}

/// Which seeds of a sweep are run again, in the world that ran them and in a fresh one.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
pub enum Recheck {
    /// The first, and one in [`RECHECK_ONE_IN`] of the others.
    #[default]
    Sample,
    /// Every one.
    All,
}

/// The caller's eyes on a sweep: its clock, and where it shows progress.
pub trait Watch: Send + Sync {
    /// Lets a moment pass, a tenth of a second for instance. Called on a thread of its own.
    fn tick(&self);
    /// Whether the time is up. Asked between runs; what was begun is finished.
    fn is_over(&self) -> bool {
        false
    }
    /// Called about once a tick while the sweep runs.
    fn progress(&self, _progress: Progress) {}
    /// Called now and then while failures of a sweep are looked into.
    fn looking(&self, _look: &Look<'_>) {}
}

/// How far a sweep has come.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Seeds done.
    pub done: u64,
    /// Seeds asked for.
    pub asked: u64,
    /// Failing seeds among those done.
    pub failures: u64,
}

/// What came of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// The system.
    pub system: String,
    /// What was asked for.
    pub plan: Sweep,
    /// The faults that could bite.
    pub faults: Envelope,
    /// The counts over all seeds that were run.
    pub tally: Tally,
    /// What was found, each kind with its lowest seed, in the order of these.
    pub groups: Vec<Group>,
    /// Why fewer seeds were run than asked for.
    pub cut: Option<Cut>,
    /// What keeps a sweep without failures from holding.
    pub doubts: Vec<Doubt>,
}

/// Why a sweep ended before its last seed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The time was up.
    TimeLimit,
    /// As many seeds failed as were asked for.
    StopAfter,
    /// Too many seeds hung to go on.
    Hangs,
    /// An exhaustive search was not to run more schedules than these.
    Budget,
}

/// The verdict of a sweep.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// No seed failed and something was at stake.
    Holds,
    /// Seeds failed.
    Violated,
    /// A seed did not run twice alike: nothing that was found can be trusted.
    Nondeterministic,
    /// Nothing can be concluded.
    Unknown,
}

/// Why nothing can be concluded from a sweep without failures.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// No run was judged at all.
    NoRun,
    /// No message was acknowledged.
    NothingAcknowledged,
    /// No message was delivered.
    NothingDelivered,
    /// No run ended settled.
    NothingSettled,
    /// The promises are made under faults, and none bit.
    NothingBit,
    /// More than one run in a thousand has no verdict.
    TooManyUnknown,
}

impl Swept {
    /// The verdict.
    pub fn conclusion(&self) -> Conclusion {
        if self.tally.nondeterministic > 0 {
            Conclusion::Nondeterministic
        } else if self.tally.failures() > 0 {
            Conclusion::Violated
        } else if self.doubts.is_empty() {
            Conclusion::Holds
        } else {
            Conclusion::Unknown
        }
    }

    /// The groups that are failures, which all but the unknown runs are.
    pub fn failures(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| group.finding.is_failure())
    }
}

/// Runs the seeds of `plan`, past those that fail, panic or hang.
///
/// A hung run cannot be ended: its thread is abandoned, and goes on until the process ends.
///
/// # Panics
/// If the engine itself does, or the operating system refuses a thread.
pub fn sweep(subject: &Arc<dyn Subject>, plan: &Sweep, watch: &Arc<dyn Watch>) -> Swept {
    let mut ledger = Ledger::new(subject.as_ref(), *plan);
    follow(Arc::new(Seeds::of(plan)), subject, *plan, watch, &mut ledger);
    ledger.close()
}

/// Runs a course to its end, or until no further schedule counts.
fn follow(
    course: Arc<dyn Course>,
    subject: &Arc<dyn Subject>,
    plan: Sweep,
    watch: &Arc<dyn Watch>,
    ledger: &mut Ledger,
) {
    let mut crew = Crew::assemble(subject, plan, course, watch);
    while !ledger.is_closed() {
        match crew.news() {
            Some(News::Tick) => {
                crew.replace_hung();
                watch.progress(ledger.progress());
            }
            Some(News::Done { chunk, pieces }) => ledger.enter(&chunk, pieces),
            None => break,
        }
    }
    crew.dismiss();
    watch.progress(ledger.progress());
}

/// Runs one schedule with an eye on whether it hangs, and keeps what an investigation needs.
///
/// # Errors
/// If a callback does not return: its machine.
///
/// # Panics
/// If the engine itself does, or the operating system refuses a thread.
pub fn inspect(
    subject: &Arc<dyn Subject>,
    schedule: &Schedule,
    hung_after_ticks: u32,
    watch: &Arc<dyn Watch>,
) -> Result<Inspection, Hung> {
    let schedule = schedule.clone();
    watched::run(subject, hung_after_ticks, watch, move |worker| worker.inspect(&schedule))
}

/// Runs one schedule in a fresh world with an eye on whether it hangs.
///
/// # Errors
/// If a callback does not return: its machine.
///
/// # Panics
/// If the engine itself does, or the operating system refuses a thread.
pub fn run(
    subject: &Arc<dyn Subject>,
    schedule: &Schedule,
    hung_after_ticks: u32,
    watch: &Arc<dyn Watch>,
) -> Result<Run, Hung> {
    let schedule = schedule.clone();
    watched::run(subject, hung_after_ticks, watch, move |worker| worker.run(&schedule))
}

/// Runs schedules one after another in one world with an eye on whether one hangs.
///
/// # Errors
/// If a callback does not return: its machine.
///
/// # Panics
/// If the engine itself does, or the operating system refuses a thread.
pub fn run_all(
    subject: &Arc<dyn Subject>,
    schedules: Vec<Schedule>,
    hung_after_ticks: u32,
    watch: &Arc<dyn Watch>,
) -> Result<Vec<Run>, Hung> {
    watched::run(subject, hung_after_ticks, watch, move |worker| {
        schedules.iter().map(|schedule| worker.run(schedule)).collect()
    })
}

/// Does `task` with one world, with an eye on whether a run of it hangs.
///
/// # Errors
/// If a callback does not return: its machine.
///
/// # Panics
/// If the task or the engine itself does, or the operating system refuses a thread.
pub fn with_worker<T: Send + 'static>(
    subject: &Arc<dyn Subject>,
    hung_after_ticks: u32,
    watch: &Arc<dyn Watch>,
    task: impl FnOnce(&mut dyn Worker) -> T + Send + 'static,
) -> Result<T, Hung> {
    watched::run(subject, hung_after_ticks, watch, task)
}
