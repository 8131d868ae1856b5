//! A schedule together with the system that runs it.

use crate::digest::Digest;
use crate::report::{Paint, outcome_text, schedule_lines};
use crate::run::{Inspection, Misfit, Outcome, Run, Subject, Worker, fit};
use crate::schedule::{Baseline, Schedule};
use proptest::test_runner::TestCaseError;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// A schedule, and the system that runs it: what [`schedules`](super::schedules) draws.
///
/// All cases of one strategy run in one world. In debug form a case is told in words, with the line
/// that brings it back.
#[derive(Clone)]
pub struct Case {
    pub(super) bench: Rc<Bench>,
    pub(super) schedule: Schedule,
}

/// A system and its world.
pub(super) struct Bench {
    pub(super) subject: Arc<dyn Subject>,
    worker: RefCell<Box<dyn Worker>>,
}

/// Text that is no case.
#[derive(Debug, thiserror::Error)]
pub enum NotACase {
    /// It is no schedule.
    #[error("this is no schedule: {0}")]
    Schedule(#[from] serde_json::Error),
    /// The system has not all that it names.
    #[error("this is no schedule of {system}: {misfit}")]
    Misfit {
        /// The system.
        system: String,
        /// What it has not.
        misfit: Box<Misfit>,
    },
}

impl Bench {
    pub(super) fn new(subject: &Arc<dyn Subject>) -> Rc<Self> {
        let worker = Arc::clone(subject).worker(Arc::default());
        Rc::new(Self { subject: Arc::clone(subject), worker: RefCell::new(worker) })
    }
}

impl Case {
    /// A schedule that is there already.
    pub fn new(subject: &Arc<dyn Subject>, schedule: Schedule) -> Self {
        Self { bench: Bench::new(subject), schedule }
    }

    /// The case that was told as `text`: a schedule as JSON.
    ///
    /// # Errors
    /// If it is none, or not one of the system.
    pub fn parse(subject: &Arc<dyn Subject>, text: &str) -> Result<Self, NotACase> {
        let schedule = serde_json::from_str(text)?;
        match fit(subject.as_ref(), &schedule) {
            Ok(()) => Ok(Self::new(subject, schedule)),
            Err(misfit) => Err(NotACase::Misfit {
                system: subject.name().to_owned(),
                misfit: Box::new(misfit),
            }),
        }
    }

    /// The schedule.
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The system.
    pub fn subject(&self) -> &Arc<dyn Subject> {
        &self.bench.subject
    }

    /// Runs the schedule.
    pub fn run(&self) -> Run {
        self.bench.worker.borrow_mut().run(&self.schedule)
    }

    /// Runs the schedule and looks inside: at the history, for instance.
    pub fn inspect(&self) -> Inspection {
        self.bench.worker.borrow_mut().inspect(&self.schedule)
    }

    /// Runs the schedule, in which every promise must be kept and no callback panic.
    ///
    /// # Errors
    /// With what was expected and observed. A run without a verdict is rejected: it neither passes
    /// nor fails.
    pub fn check(&self) -> Result<Run, TestCaseError> {
        let run = self.run();
        match &run.outcome {
            Outcome::Holds => Ok(run),
            Outcome::Unknown { why } => Err(TestCaseError::reject(why.clone())),
            Outcome::Violated(_) | Outcome::Panicked(_) => {
                let machines = self.bench.subject.machines();
                let told = outcome_text(&run.outcome, machines, Paint::Plain);
                Err(TestCaseError::fail(format!("{}\n{}", run.outcome.group(), told.trim_end())))
            }
        }
    }

    fn json(&self) -> String {
        serde_json::to_string(&self.schedule).expect("a schedule is plain data")
    }
}

impl fmt::Debug for Case {
    /// On one line, or with `{:#?}`, as proptest shows it, on several.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Schedule { seed, baseline, .. } = self.schedule;
        let lines = schedule_lines(&self.schedule, self.bench.subject.as_ref());
        write!(f, "{} seed {seed}", self.bench.subject.name())?;
        match baseline {
            Baseline::Seeded if lines.is_empty() => {}
            Baseline::Seeded => write!(f, ", and")?,
            Baseline::Quiet if lines.is_empty() => write!(f, ", the workload alone")?,
            Baseline::Quiet => write!(f, ", a quiet run and")?,
        }
        let json = self.json();
        if f.alternate() {
            for line in lines {
                write!(f, "\n  {line}")?;
            }
            let subject = "&subject";
            write!(f, "\nto run it again\n  Case::parse({subject}, r#\"{json}\"#)?.check()?;")
        } else {
            if !lines.is_empty() {
                write!(f, ": {}", lines.join("; "))?;
            }
            // Two cases are never told alike, since proptest can take what is told alike for one.
            write!(f, " [{:016x}]", Digest::new().bytes(json.as_bytes()).value())
        }
    }
}
