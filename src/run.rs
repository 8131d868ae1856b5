//! One run: a system and a schedule in, a verdict out.

use crate::check::{Promise, Verdict, Violation};
use crate::choice::{Choice, Key, Opening};
use crate::coverage::Coverage;
use crate::digest::Digest;
use crate::history::{History, Operation};
use crate::id::NodeId;
use crate::node::{Machine, Message, MessageOf, System};
use crate::profile::{Knob, Profile};
use crate::schedule::{Fault, Schedule};
use crate::seed::Seed;
use crate::sim::{self, World};
use crate::time::Span;
use std::sync::Arc;

mod fit;

pub use crate::sim::{
    Band, Chronicle, Deed, DeedKind, Moment, MomentKind, Passage, PassageFate, Pulse, Stats,
    TraceEvent,
};
pub use fit::{Misfit, fit};

/// Anything that runs schedules: every [`System`] is one.
///
/// Nothing above this module knows what kind of system it runs.
pub trait Subject: Send + Sync {
    /// The name of the system.
    fn name(&self) -> &str;
    /// Its machines.
    fn machines(&self) -> &[Machine];
    /// The names of its `sometimes` sites.
    fn sites(&self) -> &'static [&'static str];
    /// What it promises.
    fn promises(&self) -> &[Promise];
    /// Its surroundings, and the faults that its promises are made under.
    fn profile(&self) -> &Profile;
    /// The numbers that a seeded run may set otherwise.
    fn knobs(&self) -> &[Knob] {
        &[]
    }
    /// The place of a choice in words, such as `producer-1→broker Produce #3`.
    fn tell_key(&self, key: Key) -> String;
    /// A decision in words, such as `drop producer-1→broker Produce #3`.
    fn tell_decision(&self, key: Key, choice: Choice) -> String;
    /// A timed fault in words, such as `power cut broker at 12.4 ms, down 3 ms`.
    fn tell_fault(&self, fault: &Fault) -> String;
    /// A world to run schedules in. It belongs to one thread and may be abandoned there if a node
    /// hangs; `pulse` tells from outside what it is at.
    fn worker(self: Arc<Self>, pulse: Arc<Pulse>) -> Box<dyn Worker>;
}

/// Runs schedules one after another, reusing its world.
pub trait Worker {
    /// Runs `schedule`. A panic of a node is an outcome like another.
    fn run(&mut self, schedule: &Schedule) -> Run;
    /// Runs `schedule` and keeps what an investigation needs. The run is the same as that of
    /// [`run`](Worker::run).
    fn inspect(&mut self, schedule: &Schedule) -> Inspection;
    /// Runs `schedule` and tells all that happened, and why; what happens is also said to
    /// [`tracing`](crate::harness#logs). The run is the same as that of [`run`](Worker::run).
    fn examine(&mut self, schedule: &Schedule) -> Examined;
    /// Runs `schedule` up to its `keep`-th event; from there on what is left of its faults and
    /// decisions is forgotten and `seed` draws anew, under the profile of the system and in order
    /// of time. After the heal nothing is drawn.
    fn redraw(&mut self, schedule: &Schedule, keep: u64, seed: Seed) -> Run;
    /// The run of [`redraw`](Worker::redraw) as a quiet schedule plus decisions.
    fn redrawn(&mut self, schedule: &Schedule, keep: u64, seed: Seed) -> Schedule;
    /// Runs `schedule` and tells what else could have happened in it. The run is the same as that
    /// of [`run`](Worker::run).
    fn probe(&mut self, schedule: &Schedule) -> Probe;
    /// Runs `schedule` and tells what the run was like. It is the same as that of
    /// [`run`](Worker::run).
    fn observe(&mut self, schedule: &Schedule) -> Observed;
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The seed of its schedule.
    pub seed: Seed,
    /// The verdict.
    pub outcome: Outcome,
    /// The digest of every event and of every node's end state.
    pub digest: u64,
    /// What moved.
    pub stats: Stats,
    /// What was at stake.
    pub coverage: Coverage,
}

/// The verdict of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every promise was kept.
    Holds,
    /// One was broken: the first by precedence.
    Violated(Box<Violation>),
    /// It cannot be told.
    Unknown {
        /// Why not.
        why: String,
    },
    /// A node panicked.
    Panicked(Box<Panic>),
}

/// A panic of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// What it said.
    pub message: String,
    /// The file and line it came from: panics are told apart by it.
    pub location: String,
    /// The machine whose callback it was.
    pub node: NodeId,
}

/// A run seen from inside.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The run.
    pub run: Run,
    /// The same run as a quiet schedule plus the decisions it took.
    pub rewritten: Schedule,
    /// Explicit decisions of the schedule that nothing asked for.
    pub unmet: Vec<Key>,
    /// The faults of the schedule, by their places in it, that never struck.
    pub idle: Vec<usize>,
    /// The knobs of the system, by name, with the values of this run.
    pub knobs: Vec<(&'static str, String)>,
    /// The operations and effects.
    pub history: History,
    /// Every event.
    pub trace: Vec<TraceEvent>,
}

/// A run seen from inside, with what led to each of its events.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The run, its decisions and its history.
    pub inspection: Inspection,
    /// All that happened in it, and why.
    pub chronicle: Chronicle,
}

/// A run, and what else could have happened in it.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The run.
    pub run: Run,
    /// Where something else could have happened, in the order of the run. A schedule that differs
    /// in what happens at one of them runs alike up to there.
    pub openings: Vec<Opening>,
    /// The longest that a timer took.
    pub longest_timeout: Span,
}

/// A run, and what it was like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The run.
    pub run: Run,
    /// The abstract states that machines were in after each event, each once. Such a state is made
    /// of roles, kinds and coarse counts, so that runs which differ in details alone share it.
    pub states: Vec<u64>,
    /// The partial order of the events: alike in runs in which each machine handled the same kinds
    /// of things from the same machines in the same order.
    pub order: u64,
}

/// Every system runs: the one place where a system meets the simulator.
impl<S: System> Subject for S {
    fn name(&self) -> &str {
        System::name(self)
    }

    fn machines(&self) -> &[Machine] {
        System::machines(self)
    }

    fn sites(&self) -> &'static [&'static str] {
        System::sites(self)
    }

    fn promises(&self) -> &[Promise] {
        System::promises(self)
    }

    fn profile(&self) -> &Profile {
        System::profile(self)
    }

    fn knobs(&self) -> &[Knob] {
        System::knobs(self)
    }

    fn tell_key(&self, key: Key) -> String {
        sim::tell_key(System::machines(self), MessageOf::<S>::kind_name, key)
    }

    fn tell_decision(&self, key: Key, choice: Choice) -> String {
        let kind_name = MessageOf::<S>::kind_name;
        sim::tell_decision(System::machines(self), System::knobs(self), kind_name, key, choice)
    }

    fn tell_fault(&self, fault: &Fault) -> String {
        sim::tell_fault(System::machines(self), MessageOf::<S>::kind_name, fault)
    }

    fn worker(self: Arc<Self>, pulse: Arc<Pulse>) -> Box<dyn Worker> {
        panics::watch();
        Box::new(Bench {
            world: World::new(Arc::clone(&self), Arc::clone(&pulse)),
            system: self,
            pulse,
        })
    }
}

/// A world on its bench.
struct Bench<S: System> {
    world: World<S>,
    system: Arc<S>,
    pulse: Arc<Pulse>,
}

impl<S: System> Worker for Bench<S> {
    fn run(&mut self, schedule: &Schedule) -> Run {
        let outcome = self.guarded(|world| {
            world.reset(schedule);
            world.run();
        });
        self.report(schedule.seed, outcome)
    }

    fn inspect(&mut self, schedule: &Schedule) -> Inspection {
        let outcome = self.guarded(|world| {
            world.reset_recording(schedule);
            world.run();
        });
        self.inspection(schedule, outcome)
    }

    fn examine(&mut self, schedule: &Schedule) -> Examined {
        let outcome = self.guarded(|world| {
            world.reset_chronicling(schedule);
            world.run_noting();
        });
        let chronicle = self.world.take_chronicle();
        Examined { inspection: self.inspection(schedule, outcome), chronicle }
    }

    fn redraw(&mut self, schedule: &Schedule, keep: u64, seed: Seed) -> Run {
        let outcome = self.guarded(|world| {
            world.reset(schedule);
            world.run_redrawn(keep, seed);
        });
        self.report(seed, outcome)
    }

    fn redrawn(&mut self, schedule: &Schedule, keep: u64, seed: Seed) -> Schedule {
        let outcome = self.guarded(|world| {
            world.reset_recording(schedule);
            world.run_redrawn(keep, seed);
        });
        let schedule = self.world.rewritten();
        self.report(seed, outcome);
        schedule
    }

    fn probe(&mut self, schedule: &Schedule) -> Probe {
        let outcome = self.guarded(|world| {
            world.reset_probing(schedule);
            world.run();
        });
        let (openings, longest_timeout) = self.world.openings();
        Probe { run: self.report(schedule.seed, outcome), openings, longest_timeout }
    }

    fn observe(&mut self, schedule: &Schedule) -> Observed {
        let outcome = self.guarded(|world| {
            world.reset_observing(schedule);
            world.run();
        });
        let (states, order) = self.world.novelty();
        Observed { run: self.report(schedule.seed, outcome), states, order }
    }
}

impl<S: System> Bench<S> {
    /// Runs `work` on the world; a panic of a node comes back as a value.
    fn guarded(&mut self, work: impl FnOnce(&mut World<S>)) -> Option<Panic> {
        let world = &mut self.world;
        let caught = panics::catch(std::panic::AssertUnwindSafe(|| work(world)));
        caught.map(|(message, location)| {
            let (_, node) = self.pulse.read();
            Panic { message, location, node }
        })
    }

    fn inspection(&mut self, schedule: &Schedule, outcome: Option<Panic>) -> Inspection {
        let rewritten = self.world.rewritten();
        let unmet = self.world.unmet();
        let idle = self.world.idle_faults();
        let knobs = self.world.knob_values();
        let history = self.world.history().clone();
        let trace = self.world.take_trace();
        let run = self.report(schedule.seed, outcome);
        Inspection { run, rewritten, unmet, idle, knobs, history, trace }
    }

    fn report(&mut self, seed: Seed, panic: Option<Panic>) -> Run {
        let stats = self.world.stats();
        let coverage = self.world.coverage().clone();
        let Some(panic) = panic else {
            let outcome = match self.world.conclude() {
                Verdict::Holds => Outcome::Holds,
                Verdict::Violated(violation) => Outcome::Violated(violation),
                Verdict::Unknown { why } => Outcome::Unknown { why },
            };
            return Run { seed, outcome, digest: self.world.digest(), stats, coverage };
        };
        // The node that panicked is in no state to be asked for a fingerprint.
        let digest = Digest::new().word(stats.events).bytes(panic.location.as_bytes()).value();
        self.world = World::new(Arc::clone(&self.system), Arc::clone(&self.pulse));
        Run { seed, outcome: Outcome::Panicked(Box::new(panic)), digest, stats, coverage }
    }
}

/// Panics of nodes, caught without a word on standard error.
mod panics {
    use std::cell::{Cell, RefCell};
    use std::panic::{UnwindSafe, catch_unwind, set_hook, take_hook};
    use std::sync::Once;

    thread_local! {
        static CATCHING: Cell<bool> = const { Cell::new(false) };
        static LOCATION: RefCell<String> = const { RefCell::new(String::new()) };
    }

    static WATCHED: Once = Once::new();

    /// From now on a panic inside [`catch`] notes where it came from and prints nothing; all others
    /// go to the hook that was there before.
    pub(super) fn watch() {
        WATCHED.call_once(|| {
            let before = take_hook();
            set_hook(Box::new(move |info| {
                if CATCHING.get() {
                    let place = info
                        .location()
                        .map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
                    LOCATION.set(place);
                } else {
                    before(info);
                }
            }));
        });
    }

    /// Runs `work`; if it panics, gives back what it said and where.
    pub(super) fn catch(work: impl FnOnce() + UnwindSafe) -> Option<(String, String)> {
        CATCHING.set(true);
        let caught = catch_unwind(work);
        CATCHING.set(false);
        let payload = caught.err()?;
        let message = payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        Some((message, LOCATION.take()))
    }
}

impl Outcome {
    /// What is broken, if a promise is.
    pub fn violation(&self) -> Option<&Violation> {
        match self {
            Self::Violated(violation) => Some(violation),
            Self::Holds | Self::Unknown { .. } | Self::Panicked(_) => None,
        }
    }

    /// The operations that show what is broken; none if no promise is.
    pub fn shown(&self) -> &[Operation] {
        self.violation().map_or(&[], |violation| &violation.operations)
    }

    /// A short name to group outcomes by: the rule, `unknown`, or the place of a panic.
    pub fn group(&self) -> String {
        match self {
            Self::Holds => "holds".to_owned(),
            Self::Violated(violation) => violation.rule.slug().to_owned(),
            Self::Unknown { .. } => "unknown".to_owned(),
            Self::Panicked(panic) => format!("panic at {}", panic.location),
        }
    }
}
