//! A search for the smallest failure whose candidates somebody else judges.

use super::crew::start;
use crate::id::NodeId;
use crate::run::{
    Examined, Inspection, Observed, Outcome, Panic, Probe, Pulse, Run, Subject, Worker,
};
use crate::schedule::Schedule;
use crate::seed::Seed;
use crate::shrink::{Budget, NotShrunk, Shrunk, shrink};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// The whole of [`shrink`], driven from outside: it proposes a schedule, is told whether that one
/// fails, and proposes the next.
///
/// This is how a failure is made small that only its finder can tell, such as an assertion about
/// the history of a run. What the run itself tells is not asked: a candidate that ends otherwise
/// than the failing schedule, by another rule or by none, is never proposed.
///
/// The candidates depend on the schedule and on the answers alone. The search runs on a thread of
/// its own, which waits while nobody answers and ends with this.
///
/// ```
/// use postulate::explore::Proposals;
/// use postulate::id::SiteId;
/// use postulate::run::Subject;
/// use postulate::schedule::Schedule;
/// use postulate::scenario::Scenario;
/// use postulate::seed::Seed;
/// use postulate::shrink::Budget;
/// use std::sync::Arc;
///
/// let subject = Scenario::named("exactly-once-pipe")?.subject()?;
/// let mut worker = Arc::clone(&subject).worker(Arc::default());
/// // No promise forbids that a message is deduplicated, but somebody wants to see how that comes.
/// let is_it = |name: &&str| *name == "broker-deduplicated";
/// let site = SiteId(subject.sites().iter().position(is_it).unwrap() as u8);
/// let mut shows = |it: &Schedule| worker.run(it).coverage.reached(site) > 0;
/// let schedule = (0..).map(|seed| Schedule::seeded(Seed(seed))).find(|it| shows(it)).unwrap();
///
/// let mut proposals = Proposals::new(&subject, &schedule, Budget::default());
/// let mut candidate = proposals.first();
/// while let Some(proposed) = candidate {
///     candidate = proposals.next(shows(&proposed));
/// }
/// assert_eq!(proposals.end().unwrap().schedule.steps(), 1);
/// # Ok::<(), postulate::scenario::ScenarioError>(())
/// ```
#[derive(Debug)]
pub struct Proposals {
    answers: Sender<bool>,
    asked: Receiver<Asked>,
    result: Option<Result<Shrunk, NotShrunk>>,
}

#[derive(Debug)]
enum Asked {
    Fails(Schedule),
    Done(Box<Result<Shrunk, NotShrunk>>),
}

impl Proposals {
    /// A search that starts from `failing`, within `budget`; runs that are not proposed count too.
    ///
    /// # Panics
    /// If the operating system refuses a thread.
    pub fn new(subject: &Arc<dyn Subject>, failing: &Schedule, budget: Budget) -> Self {
        let (answers, heard) = channel();
        let (asker, asked) = channel();
        let (subject, failing) = (Arc::clone(subject), failing.clone());
        start("postulate-shrink", move || {
            let ended = Cell::new(false);
            let worker = Arc::clone(&subject).worker(Arc::new(Pulse::default()));
            let mut judged = Judged { worker, ended: &ended, asker: &asker, heard, ends: None };
            let watch = &mut |_: &_| {
                if ended.get() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let shrunk = shrink(&mut judged, subject.as_ref(), &failing, budget, watch);
            // Nobody listens if the search was dropped.
            let _ = asker.send(Asked::Done(Box::new(shrunk)));
        });
        Self { answers, asked, result: None }
    }

    /// The first candidate: the failing schedule as a quiet one with the steps that it takes.
    pub fn first(&mut self) -> Option<Schedule> {
        self.listen()
    }

    /// The next candidate, after whether the one before fails as the first did.
    pub fn next(&mut self, fails: bool) -> Option<Schedule> {
        // Nobody listens once there are no more candidates.
        let _ = self.answers.send(fails);
        self.listen()
    }

    /// Ends the search; the smallest failure so far.
    ///
    /// # Errors
    /// If not even the first candidate failed.
    ///
    /// # Panics
    /// If the engine did.
    pub fn end(self) -> Result<Shrunk, NotShrunk> {
        let Self { answers, asked, result } = self;
        drop(answers);
        result.unwrap_or_else(|| {
            loop {
                if let Asked::Done(result) = asked.recv().expect(GONE) {
                    break *result;
                }
            }
        })
    }

    fn listen(&mut self) -> Option<Schedule> {
        if self.result.is_some() {
            return None;
        }
        match self.asked.recv().expect(GONE) {
            Asked::Fails(schedule) => Some(schedule),
            Asked::Done(result) => {
                self.result = Some(*result);
                None
            }
        }
    }
}

/// Why nobody asks any more, if the search has not ended.
const GONE: &str = "the engine does not panic";

/// A worker whose runs fail if somebody says so.
struct Judged<'a> {
    worker: Box<dyn Worker>,
    /// Whether nobody answers any more.
    ended: &'a Cell<bool>,
    asker: &'a Sender<Asked>,
    heard: Receiver<bool>,
    /// How the failing schedule ends; only what ends alike is asked about.
    ends: Option<String>,
}

impl Judged<'_> {
    fn judge(&mut self, schedule: &Schedule, outcome: Outcome) -> Outcome {
        if Some(outcome.group()) != self.ends {
            return outcome;
        }
        match self.ask(schedule) {
            Some(true) => failing(outcome),
            Some(false) => Outcome::Holds,
            None => {
                self.ended.set(true);
                Outcome::Unknown { why: "nobody says whether it fails".to_owned() }
            }
        }
    }

    fn ask(&self, schedule: &Schedule) -> Option<bool> {
        if self.ended.get() {
            return None;
        }
        self.asker.send(Asked::Fails(schedule.clone())).ok()?;
        self.heard.recv().ok()
    }
}

impl Worker for Judged<'_> {
    fn run(&mut self, schedule: &Schedule) -> Run {
        let run = self.worker.run(schedule);
        let outcome = self.judge(schedule, run.outcome);
        Run { outcome, ..run }
    }

    fn observe(&mut self, schedule: &Schedule) -> Observed {
        self.worker.observe(schedule)
    }

    fn examine(&mut self, schedule: &Schedule) -> Examined {
        self.worker.examine(schedule)
    }

    fn redraw(&mut self, schedule: &Schedule, keep: u64, seed: Seed) -> Run {
        self.worker.redraw(schedule, keep, seed)
    }

    fn redrawn(&mut self, schedule: &Schedule, keep: u64, seed: Seed) -> Schedule {
        self.worker.redrawn(schedule, keep, seed)
    }

    fn probe(&mut self, schedule: &Schedule) -> Probe {
        self.worker.probe(schedule)
    }

    /// Nothing but the failing schedule and what is known to fail is looked into.
    fn inspect(&mut self, schedule: &Schedule) -> Inspection {
        let mut seen = self.worker.inspect(schedule);
        if self.ends.is_none() {
            self.ends = Some(seen.run.outcome.group());
        }
        seen.run.outcome = failing(seen.run.outcome);
        seen
    }
}

/// What stands for the failure of a run that has none of its own.
fn failing(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Violated(_) | Outcome::Panicked(_) => outcome,
        Outcome::Holds | Outcome::Unknown { .. } => Outcome::Panicked(Box::new(Panic {
            message: "whoever asks says so".to_owned(),
            location: "the property".to_owned(),
            node: NodeId(0),
        })),
    }
}
