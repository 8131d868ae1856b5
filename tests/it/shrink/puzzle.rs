//! A subject whose smallest failure is known: it fails by what steps a schedule has.

use crate::fake::{Act, outcome, stats};
use postulate::check::Promise;
use postulate::choice::{Actor, Choice, Key, Site};
use postulate::coverage::Coverage;
use postulate::history::History;
use postulate::id::NodeId;
use postulate::node::Machine;
use postulate::profile::Profile;
use postulate::run::{
    Chronicle, Examined, Inspection, Observed, Probe, Pulse, Run, Stats, Subject, Worker,
};
use postulate::schedule::{Baseline, Fault, Schedule, Trigger, Trouble};
use postulate::seed::Seed;
use postulate::time::{Instant, Span};
use std::sync::Arc;

/// How many decisions a seeded run of a puzzle takes, and how many faults.
pub const DECISIONS: u32 = 100;
pub const FAULTS: u16 = 6;

/// What a schedule does, and what the digest of its run is.
pub struct Puzzle {
    act: fn(&Schedule) -> Act,
    digest: fn(&Schedule) -> u64,
    profile: Profile,
    machines: Vec<Machine>,
}

/// The messages of one link and kind.
pub const fn key(nth: u32) -> Key {
    Key::new(Site::Message, Actor::Link(NodeId(0), NodeId(1)), 40, nth)
}

pub fn crash(node: u16) -> Fault {
    let what = Trouble::Crash { node: NodeId(node), down: Span::millis(1) };
    Fault { when: Trigger::At(Instant::START), what }
}

pub fn has_crash(schedule: &Schedule, of: u16) -> bool {
    schedule.faults.contains(&crash(of))
}

impl Puzzle {
    pub fn subject(act: fn(&Schedule) -> Act) -> Arc<dyn Subject> {
        Self::drifting(act, |_| 7)
    }

    pub fn drifting(act: fn(&Schedule) -> Act, digest: fn(&Schedule) -> u64) -> Arc<dyn Subject> {
        let machine = |number: u16| Machine::new(format!("machine-{number}"), "machine");
        let machines = (0..FAULTS).map(machine).collect();
        Arc::new(Self { act, digest, profile: Profile::default(), machines })
    }

    /// What a seeded run turns out to have done.
    pub fn rewritten() -> Schedule {
        let late = |nth| (key(nth), Choice::Late(Span::millis(1)));
        Schedule {
            faults: (0..FAULTS).map(crash).collect(),
            decisions: (0..DECISIONS).map(late).collect(),
            ..Schedule::quiet()
        }
    }
}

impl Subject for Puzzle {
    fn name(&self) -> &'static str {
        "puzzle"
    }

    fn machines(&self) -> &[Machine] {
        &self.machines
    }

    fn sites(&self) -> &'static [&'static str] {
        &[]
    }

    fn promises(&self) -> &[Promise] {
        &[]
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn tell_key(&self, key: Key) -> String {
        format!("a→b Note #{}", key.occurrence())
    }

    fn tell_decision(&self, key: Key, choice: Choice) -> String {
        format!("{key:?} {choice:?}")
    }

    fn tell_fault(&self, fault: &Fault) -> String {
        format!("{fault:?}")
    }

    fn worker(self: Arc<Self>, _pulse: Arc<Pulse>) -> Box<dyn Worker> {
        Box::new(Solver(self))
    }
}

struct Solver(Arc<Puzzle>);

impl Solver {
    fn whole(schedule: &Schedule) -> Schedule {
        match schedule.baseline {
            Baseline::Seeded => Schedule { seed: schedule.seed, ..Puzzle::rewritten() },
            Baseline::Quiet => schedule.clone(),
        }
    }
}

impl Worker for Solver {
    fn run(&mut self, schedule: &Schedule) -> Run {
        let act = (self.0.act)(&Self::whole(schedule));
        Run {
            seed: schedule.seed,
            outcome: outcome(act),
            digest: (self.0.digest)(schedule),
            stats: Stats { events: 20 + schedule.steps() as u64, ..stats(act) },
            coverage: Coverage::default(),
        }
    }

    fn inspect(&mut self, schedule: &Schedule) -> Inspection {
        let rewritten = Self::whole(schedule);
        // Nothing asks for what the failing run did not do.
        let is_unmet = |key: &&Key| **key >= self::key(DECISIONS) || **key < self::key(0);
        Inspection {
            unmet: schedule.decisions.keys().filter(is_unmet).copied().collect(),
            idle: Vec::new(),
            rewritten,
            knobs: Vec::new(),
            history: History::default(),
            trace: Vec::new(),
            run: self.run(schedule),
        }
    }

    fn examine(&mut self, schedule: &Schedule) -> Examined {
        Examined { inspection: self.inspect(schedule), chronicle: Chronicle::default() }
    }

    fn redraw(&mut self, schedule: &Schedule, _keep: u64, seed: Seed) -> Run {
        self.run(&Schedule { seed, ..schedule.clone() })
    }

    fn redrawn(&mut self, schedule: &Schedule, _keep: u64, seed: Seed) -> Schedule {
        Schedule { seed, ..schedule.clone() }
    }

    fn probe(&mut self, schedule: &Schedule) -> Probe {
        Probe { run: self.run(schedule), openings: Vec::new(), longest_timeout: Span::ZERO }
    }

    fn observe(&mut self, schedule: &Schedule) -> Observed {
        Observed { run: self.run(schedule), states: Vec::new(), order: 0 }
    }
}

/// A seed; what it draws does not depend on it.
pub fn seeded() -> Schedule {
    Schedule::seeded(Seed(5))
}
