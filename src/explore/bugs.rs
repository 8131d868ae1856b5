//! From the failures of a sweep to the few bugs that they are.

use super::pursuit::TOLD_EVERY;
use super::{Conclusion, Finding, Group, Hung, Swept, Watch, with_worker};
use crate::run::Subject;
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::shrink::{self, Budget, Distinct, NotShrunk, Shrunk, Size, distinct, shrink};
use std::ops::ControlFlow;
use std::sync::Arc;

/// How many runs the failures of one kind may take altogether: enough for eight of the kind that
/// takes long.
pub const BUDGET: Budget = Budget { runs: 40_000 };

/// What the failures of one kind are, as far as they were looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// The name of their [`Group`].
    pub group: String,
    /// How many failures of this kind the sweep found.
    pub failures: u64,
    /// Into how many of them somebody looked: those of the lowest seeds.
    pub looked_into: u64,
    /// The distinct bugs among these, the most frequent first, each with its smallest example.
    pub bugs: Vec<Distinct>,
    /// The seeds that were looked into in vain, and why.
    pub refused: Vec<(Seed, Refusal)>,
}

/// Why a failure that was looked into belongs to no bug.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be made small.
    #[error(transparent)]
    NotShrunk(#[from] NotShrunk),
    /// A smaller schedule never ends.
    #[error("while it was made small, {0}")]
    Hung(#[from] Hung),
    /// Run again, the seed fails in another way.
    #[error("run again, it is {0}")]
    Other(String),
    /// It was not small yet when the budget was spent, so nobody knows what it takes.
    #[error("the budget was spent before it was small")]
    Spent,
}

/// How far a look into the failures of a sweep has come.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Look<'a> {
    /// The kind of failure; the system, where the kind is not known before.
    pub group: &'a str,
    /// The seed that is being made small.
    pub seed: Seed,
    /// How many of this kind were looked into before.
    pub done: usize,
    /// Into how many to look.
    pub asked: usize,
    /// Runs made for this seed.
    pub runs: u64,
    /// The smallest failure so far.
    pub smallest: Size,
}

/// Looks into the first failures of each kind that `swept` found, as many as its
/// [plan](super::Sweep::look_into) says: [shrinks](shrink()) them and tells them apart by
/// what they then take. `budget` is for all failures of a kind together, of which each takes at
/// most the [default](Budget::default).
///
/// Hangs are left out, since they cannot be run to their end, and so is all that was found in a
/// system that is nondeterministic. Once the time of the watch is up, only one failure of each kind
/// is looked into.
///
/// What comes out does not depend on the number of threads that swept, nor, while there is time,
/// on any clock.
///
/// # Panics
/// If the engine itself does, or the operating system refuses a thread.
pub fn bugs(
    subject: &Arc<dyn Subject>,
    swept: &Swept,
    budget: Budget,
    watch: &Arc<dyn Watch>,
) -> Vec<Inquiry> {
    if swept.conclusion() == Conclusion::Nondeterministic {
        return Vec::new();
    }
    let can_shrink = |group: &&Group| {
        let fails = matches!(group.finding, Finding::Violated(_) | Finding::Panicked(_));
        fails && !group.lowest.is_empty()
    };
    let examiner = Examiner { subject, swept, watch };
    let groups = swept.groups.iter().filter(can_shrink);
    groups.map(|group| examiner.look_into(group, budget)).collect()
}

struct Examiner<'a> {
    subject: &'a Arc<dyn Subject>,
    swept: &'a Swept,
    watch: &'a Arc<dyn Watch>,
}

impl Examiner<'_> {
    fn look_into(&self, group: &Group, budget: Budget) -> Inquiry {
        let (mut small, mut refused) = (Vec::new(), Vec::new());
        let mut left = budget.runs;
        for (done, &seed) in group.lowest.iter().enumerate() {
            if done > 0 && (left == 0 || self.watch.is_over()) {
                break;
            }
            let budget = Budget { runs: left.min(Budget::default().runs) };
            match self.shrink(group, done, seed, budget) {
                Ok(shrunk) => {
                    left = left.saturating_sub(shrunk.runs);
                    small.push(shrunk);
                }
                Err(why) => {
                    // Each candidate that hangs keeps a thread spinning: one is enough.
                    let is_hung = matches!(why, Refusal::Hung(_));
                    refused.push((seed, why));
                    if is_hung {
                        break;
                    }
                }
            }
        }
        let looked_into = (small.len() + refused.len()) as u64;
        let (bugs, spent) = self.tell_apart(small);
        refused.extend(spent.into_iter().map(|seed| (seed, Refusal::Spent)));
        refused.sort_by_key(|&(seed, _)| group.lowest.iter().position(|&other| other == seed));
        Inquiry { group: group.name.clone(), failures: group.count, looked_into, bugs, refused }
    }

    /// The bugs, and the seeds whose failures are not small enough to tell: what is left of them
    /// would look like bugs of their own. Without any other example the smallest of them is one.
    fn tell_apart(&self, small: Vec<Shrunk>) -> (Vec<Distinct>, Vec<Seed>) {
        let (mut spent, mut ended): (Vec<_>, Vec<_>) =
            small.into_iter().partition(|shrunk| shrunk.exhausted);
        if ended.is_empty() {
            let smallest = (0..spent.len()).min_by_key(|&place| spent[place].size);
            ended.extend(smallest.map(|place| spent.remove(place)));
        }
        let spent = spent.into_iter().map(|shrunk| shrunk.run.seed).collect();
        (distinct(ended, self.subject.as_ref()), spent)
    }

    fn shrink(
        &self,
        group: &Group,
        done: usize,
        seed: Seed,
        budget: Budget,
    ) -> Result<Shrunk, Refusal> {
        let plan = self.swept.plan;
        let failing = Schedule::seeded(seed).ordered(plan.strategy);
        let (theirs, watch, name) =
            (Arc::clone(self.subject), Arc::clone(self.watch), group.name.clone());
        let asked = group.lowest.len();
        let found = with_worker(self.subject, plan.hung_after_ticks, self.watch, move |worker| {
            let told = &mut |progress: &shrink::Progress| {
                let shrink::Progress { runs, smallest, .. } = *progress;
                if runs.is_multiple_of(TOLD_EVERY) {
                    watch.looking(&Look { group: &name, seed, done, asked, runs, smallest });
                }
                ControlFlow::Continue(())
            };
            shrink(worker, theirs.as_ref(), &failing, budget, told)
        })?;
        let shrunk = found?;
        let again = shrunk.run.outcome.group();
        if again == group.name { Ok(shrunk) } else { Err(Refusal::Other(again)) }
    }
}
