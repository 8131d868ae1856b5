//! Sweeps from `cargo test`.
//!
//! A test that sweeps a system is a line; it fails with the report of the sweep, which names the
//! rule, what was expected and observed, the seed, and the line that runs that seed alone:
//!
//! ```
//! use postulate::scenario::Scenario;
//!
//! // #[test]
//! fn the_pipe_keeps_its_promises() {
//!     let pipe = Scenario::named("exactly-once-pipe").and_then(Scenario::subject).unwrap();
//!     postulate::harness::check(pipe);
//! }
//! # the_pipe_keeps_its_promises();
//! ```
//!
//! # Data of one's own
//!
//! A scenario is data, so a property test can draw it: sizes, timeouts, policies, faults. A shape
//! that breaks a promise is then shrunk by the library that drew it, here `proptest`:
//!
//! ```
//! use postulate::prelude::*;
//! use postulate::run::Outcome;
//! use postulate::scenario::{Bounded, Scenario};
//! use postulate::schedule::Schedule;
//! use postulate::seed::Seed;
//! use proptest::prelude::*;
//! use std::sync::Arc;
//!
//! proptest! {
//!     // #[test]
//!     fn any_pipe_keeps_its_promises(producers in 1..4_u32, batch in 1..20_u32) {
//!         let mut pipe = Scenario::named("exactly-once-pipe")?;
//!         pipe.workload.producers = Bounded::new(producers)?;
//!         pipe.consumer.batch = Bounded::new(batch)?;
//!         let mut worker = pipe.subject()?.worker(Arc::default());
//!         for seed in 0..10 {
//!             let run = worker.run(&Schedule::seeded(Seed(seed)));
//!             prop_assert_eq!(run.outcome, Outcome::Holds, "seed {}", run.seed);
//!         }
//!     }
//! }
//! # any_pipe_keeps_its_promises();
//! ```
//!
//! # The environment
//!
//! The environment has the last word, so that a failure can be run again without an edit:
//!
//! | variable | meaning |
//! |---|---|
//! | `POSTULATE_SEED` | run this seed alone, and explain its failure or tell its story |
//! | `POSTULATE_PAGE` | the file for a page that explains the failure of that seed |
//! | `POSTULATE_SCHEDULES` | how many seeds |
//! | `POSTULATE_JOBS` | on how many threads |
//! | `POSTULATE_TIME_LIMIT` | when to end, such as `30s` |
//! | `POSTULATE_CHECK_DETERMINISM` | `1`: run every seed again and compare |
//! | `POSTULATE_REGRESSIONS` | the folder of failure files, or `off` |
//!
//! # Logs
//!
//! The run that is told is also said to [`tracing`], for those who are used to logs: what happens
//! as events of the target `postulate` (faults and what they do warn, what machines handle informs,
//! what they do is for those who debug), each inside a span `machine` with the machine's `name`, its
//! `incarnation` and the virtual time, `at` in words and `at_ns` in nanoseconds. What a program says
//! in its own callbacks stands in the same span, and so has the same stamp.
//!
//! The subscriber is the test's own. With one for the whole process, such as that of
//! `tracing_subscriber::fmt`, and `POSTULATE_SEED` set, the log of that seed is among the output of
//! the test; of a failure it is the log of the smallest form. Programs also speak in the runs before
//! that one, outside any span: a filter such as `[machine]=info` leaves those out. Code that has a
//! [`Worker`](crate::run::Worker) gets the log of any schedule by
//! [`examine`](crate::run::Worker::examine):
//!
//! ```
//! use postulate::scenario::Scenario;
//! use postulate::schedule::Schedule;
//! use postulate::seed::Seed;
//! # use std::sync::{Arc, Mutex};
//! # #[derive(Clone, Default)]
//! # struct Log(Arc<Mutex<Vec<u8>>>);
//! # impl std::io::Write for Log {
//! #     fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
//! #         self.0.lock().unwrap().write(text)
//! #     }
//! #     fn flush(&mut self) -> std::io::Result<()> {
//! #         Ok(())
//! #     }
//! # }
//! # let log = Log::default();
//! # let to = log.clone();
//! # let output = move || to.clone();
//!
//! let mut worker = Scenario::named("w1")?.subject()?.worker(Arc::default());
//! let subscriber = tracing_subscriber::fmt().without_time().with_writer(output).finish();
//! let examined = tracing::subscriber::with_default(subscriber, || {
//!     worker.examine(&Schedule::seeded(Seed(17)))
//! });
//! // ` INFO machine{name="consumer-1" incarnation=0 at=2.2 ms at_ns=2200000}: postulate: Fetched …`
//! # let said = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
//! # let moments = examined.chronicle.moments.len();
//! # assert!(moments > 0);
//! # assert_eq!(said.matches("at_ns").count(), moments, "{said}");
//! # Ok::<(), postulate::scenario::ScenarioError>(())
//! ```
//!
//! # Failure files
//!
//! A test that fails keeps an example of each kind of failure as a [file](crate::regression):
//! `postulate-regressions/<scenario>/<rule>-<hash>.json` beside its `Cargo.toml`. From then on it
//! replays the files of its scenario before it sweeps, and
//!
//! - fails if one still fails, in whatever way, or cannot be read, or names what the system does
//!   not have;
//! - tells of one that holds whether the bug is gone or the run went another way, and goes on.
//!
//! A file whose bug is gone can be deleted, or kept as a guard. Tests of one scenario share their
//! files; a variant that differs should have a name of its own.

use crate::check::Rule;
use crate::explore::{self, BUDGET, Conclusion, Finding, Recheck, Sweep, Swept, Watch};
use crate::report::{Paint, Paste, Sight, sweep_text};
use crate::run::Subject;
use crate::schedule::Strategy;
use crate::seed::Seed;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

mod environment;
mod kept;
mod stopwatch;
mod story;

use environment::Environment;
use kept::{FOLDER, Keep};
use stopwatch::Stopwatch;

/// Sweeps `subject` as a test does by default: ten thousand seeds on all cores.
///
/// # Panics
/// With the report, unless the sweep holds; or if a `POSTULATE_*` variable makes no sense.
#[track_caller]
pub fn check(subject: impl Shared) -> Swept {
    Harness::new(subject).run()
}

/// What a harness takes: a system, or a subject that is shared already.
pub trait Shared {
    /// The subject, to be shared among threads.
    fn shared(self) -> Arc<dyn Subject>;
}

impl<S: Subject + 'static> Shared for S {
    fn shared(self) -> Arc<dyn Subject> {
        Arc::new(self)
    }
}

impl Shared for Arc<dyn Subject> {
    fn shared(self) -> Arc<dyn Subject> {
        self
    }
}

/// A sweep in a test.
///
/// ```
/// use postulate::check::Rule;
/// use postulate::harness::Harness;
/// use postulate::zoo::Specimen;
///
/// let forgetful = Specimen::named("volatile-dedup-set").expect("a specimen of the zoo");
/// Harness::new(forgetful.scenario()?.subject()?)
///     .schedules(500)
///     .expect_violation(Rule::DuplicateEffect)
///     .run();
/// # Ok::<(), postulate::scenario::ScenarioError>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing runs before `run`"]
pub struct Harness {
    subject: Arc<dyn Subject>,
    plan: Sweep,
    time_limit: Option<Duration>,
    expected: Option<Rule>,
    files: Files,
}

/// Where failures are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Files {
    /// Beside the manifest of the package that is tested.
    Beside,
    In(PathBuf),
    Nowhere,
}

impl Harness {
    /// Ten thousand seeds from 0, on all cores.
    pub fn new(subject: impl Shared) -> Self {
        let plan = Sweep { jobs: environment::cores(), ..Sweep::default() };
        let (subject, files) = (subject.shared(), Files::Beside);
        Self { subject, plan, time_limit: None, expected: None, files }
    }

    /// Sweeps so many seeds.
    pub fn schedules(mut self, schedules: u64) -> Self {
        self.plan.schedules = schedules;
        self
    }

    /// Starts at this seed.
    pub fn from(mut self, seed: Seed) -> Self {
        self.plan.from = seed;
        self
    }

    /// Runs what is due close together in this order; unless stated each seed draws one.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.plan.strategy = strategy;
        self
    }

    /// Uses so many threads.
    pub fn jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.plan.jobs = jobs;
        self
    }

    /// Ends after so many failing seeds.
    pub fn stop_after(mut self, failures: NonZeroU64) -> Self {
        self.plan.stop_after = Some(failures);
        self
    }

    /// Looks into so many failures of each kind to tell which bugs they are, instead of eight; 0
    /// looks into none.
    pub fn look_into(mut self, failures: usize) -> Self {
        self.plan.look_into = failures;
        self
    }

    /// Ends after so much time.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Runs every seed again and compares.
    pub fn check_determinism(mut self) -> Self {
        self.plan.recheck = Recheck::All;
        self
    }

    /// Turns the test round: it fails unless a seed violates `rule`, for a bug that was planted.
    /// Other rules may be violated besides; a panic, a hang or nondeterminism still fails the test.
    pub fn expect_violation(mut self, rule: Rule) -> Self {
        self.expected = Some(rule);
        self
    }

    /// Keeps failures below this folder instead of `postulate-regressions` beside `Cargo.toml`.
    pub fn regressions(mut self, folder: impl Into<PathBuf>) -> Self {
        self.files = Files::In(folder.into());
        self
    }

    /// Keeps no failures, and replays none.
    pub fn without_regressions(mut self) -> Self {
        self.files = Files::Nowhere;
        self
    }

    /// Replays the failures that are kept, then sweeps.
    ///
    /// # Panics
    /// With the report, unless the sweep holds, or violates the expected rule; if a failure that is
    /// kept still fails; or if a `POSTULATE_*` variable or a failure file makes no sense.
    #[track_caller]
    pub fn run(mut self) -> Swept {
        let environment = Environment::read().unwrap_or_else(|error| panic!("{error}"));
        environment.overrule(&mut self.plan, &mut self.time_limit);
        let watch = Arc::new(Stopwatch::start(self.time_limit));
        let eyes: Arc<dyn Watch> = watch.clone();
        let keep = self.keep(&environment, &eyes);
        let complaints = keep.as_ref().map_or_else(Vec::new, Keep::replay);
        if !complaints.is_empty() {
            let told: Vec<_> = complaints.iter().map(ToString::to_string).collect();
            panic!("{}", told.join("\n\n"));
        }
        let swept = explore::sweep(&self.subject, &self.plan, &eyes);
        let paste = Paste::Test { name: environment::test_name() };
        if environment.seed.is_some() {
            self.tell_story(&paste, environment.page.as_deref(), &eyes);
        }
        let complaint = if environment.seed.is_some() {
            self.complaint_of_one(&swept)
        } else {
            self.complaint(&swept)
        };
        if let Some(complaint) = complaint {
            let inquiries = explore::bugs(&self.subject, &swept, BUDGET, &eyes);
            let kept = keep.map(|keep| keep.write(&swept, &inquiries));
            let sight = Sight {
                scenario: self.subject.name().to_owned(),
                wall: watch.elapsed(),
                paste,
                inquiries,
                kept: kept.unwrap_or_default(),
                novelty: None,
            };
            let report = sweep_text(&swept, self.subject.as_ref(), &sight, Paint::Plain);
            panic!("{complaint}\n\n{report}");
        }
        swept
    }

    /// Where failures are kept, unless one seed runs alone, or nobody says where.
    fn keep<'a>(
        &'a self,
        environment: &Environment,
        watch: &'a Arc<dyn Watch>,
    ) -> Option<Keep<'a>> {
        let folder = match environment.files.as_ref().unwrap_or(&self.files) {
            _ if environment.seed.is_some() => None,
            Files::Beside => environment.package.as_ref().map(|package| package.join(FOLDER)),
            Files::In(folder) => Some(folder.clone()),
            Files::Nowhere => None,
        };
        let expects_violation = self.expected.is_some();
        let (subject, plan) = (&self.subject, &self.plan);
        folder.map(|folder| Keep { subject, plan, watch, folder, expects_violation })
    }

    /// Why the test fails.
    fn complaint(&self, swept: &Swept) -> Option<String> {
        let Some(rule) = self.expected else {
            return match swept.conclusion() {
                Conclusion::Holds => None,
                Conclusion::Violated => Some("the sweep found failures".to_owned()),
                Conclusion::Nondeterministic => Some("the system is nondeterministic".to_owned()),
                Conclusion::Unknown => Some("the sweep proves nothing".to_owned()),
            };
        };
        let tally = &swept.tally;
        if tally.nondeterministic + tally.panicked + tally.hung > 0 {
            return Some(format!("a violation of {rule} was expected, and nothing worse"));
        }
        let is_expected = |finding: &Finding| match finding {
            Finding::Violated(violation) => violation.rule == rule,
            _ => false,
        };
        let found = swept.groups.iter().any(|group| is_expected(&group.finding));
        (!found).then(|| format!("no schedule violated {rule}, which was expected"))
    }

    /// One run may well have nothing at stake: only a failure counts.
    fn complaint_of_one(&self, swept: &Swept) -> Option<String> {
        match swept.conclusion() {
            Conclusion::Unknown if self.expected.is_none() && swept.tally.unknown == 0 => None,
            _ => self.complaint(swept),
        }
    }
}
