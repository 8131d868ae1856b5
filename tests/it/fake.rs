//! A subject that does what its seeds are told to do.

use postulate::check::{Promise, Rule, Violation};
use postulate::choice::{Choice, Key};
use postulate::coverage::Coverage;
use postulate::digest::Digest;
use postulate::explore::Watch;
use postulate::history::{EndCause, History};
use postulate::id::NodeId;
use postulate::node::Machine;
use postulate::profile::{Envelope, Profile};
use postulate::run::{
    Chronicle, Examined, Inspection, Observed, Outcome, Panic, Probe, Pulse, Run, Stats, Subject,
    TraceEvent, Worker,
};
use postulate::schedule::{Fault, Schedule};
use postulate::seed::Seed;
use postulate::time::{Instant, Span};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a seed does.
#[derive(Copy, Clone, Debug)]
pub enum Act {
    Hold,
    /// Holds, and nothing was sent.
    Idle,
    Break(Rule),
    Panic(&'static str),
    Hang,
    Shrug,
    /// Never does the same twice.
    Waver,
}

/// A subject made of a rule from seeds to acts.
pub struct Fake {
    act: fn(u64) -> Act,
    profile: Profile,
    machines: Vec<Machine>,
    wavered: AtomicU64,
}

impl Fake {
    pub fn new(act: fn(u64) -> Act) -> Self {
        let machine = |name: &str| Machine { name: name.to_owned(), role: "fake", zone: 0 };
        Self {
            act,
            profile: Profile::default(),
            machines: vec![machine("broker"), machine("consumer-1")],
            wavered: AtomicU64::new(0),
        }
    }

    /// Its promises are made under the faults of `envelope`, and none ever bites.
    pub fn under(envelope: Envelope, act: fn(u64) -> Act) -> Arc<dyn Subject> {
        let profile = Profile { envelope, ..Profile::default() };
        Arc::new(Self { profile, ..Self::new(act) })
    }

    pub fn subject(act: fn(u64) -> Act) -> Arc<dyn Subject> {
        Arc::new(Self::new(act))
    }
}

impl Subject for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn machines(&self) -> &[Machine] {
        &self.machines
    }

    fn sites(&self) -> &'static [&'static str] {
        &["redelivered", "deduplicated"]
    }

    fn promises(&self) -> &[Promise] {
        &[]
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn tell_key(&self, key: Key) -> String {
        format!("{key:?}")
    }

    fn tell_decision(&self, key: Key, choice: Choice) -> String {
        format!("{key:?} {choice:?}")
    }

    fn tell_fault(&self, fault: &Fault) -> String {
        format!("{fault:?}")
    }

    fn worker(self: Arc<Self>, _pulse: Arc<Pulse>) -> Box<dyn Worker> {
        Box::new(FakeWorker(self))
    }
}

struct FakeWorker(Arc<Fake>);

impl Worker for FakeWorker {
    fn run(&mut self, schedule: &Schedule) -> Run {
        let act = (self.0.act)(schedule.seed.0);
        let mut digest = Digest::new();
        digest.word(schedule.seed.0);
        if let Act::Waver = act {
            digest.word(self.0.wavered.fetch_add(1, Ordering::Relaxed));
        }
        Run {
            seed: schedule.seed,
            outcome: outcome(act),
            digest: digest.value(),
            stats: stats(act),
            coverage: Coverage::default(),
        }
    }

    fn inspect(&mut self, schedule: &Schedule) -> Inspection {
        let run = self.run(schedule);
        let event = |nanos, text: &str, digest| TraceEvent {
            at: Instant::from_nanos(nanos),
            node: Some(NodeId(0)),
            text: text.to_owned(),
            digest,
        };
        Inspection {
            trace: vec![
                event(1_000, "broker starts", 1),
                event(2_000, "broker handles Produce", run.digest),
            ],
            rewritten: Schedule { seed: schedule.seed, ..Schedule::quiet() },
            unmet: Vec::new(),
            idle: Vec::new(),
            knobs: vec![("batch", "3".to_owned())],
            history: History::default(),
            run,
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
        let run = self.run(schedule);
        Probe { run, openings: Vec::new(), longest_timeout: Span::ZERO }
    }

    fn observe(&mut self, schedule: &Schedule) -> Observed {
        Observed { run: self.run(schedule), states: Vec::new(), order: 0 }
    }
}

pub fn outcome(act: Act) -> Outcome {
    match act {
        Act::Hold | Act::Idle | Act::Waver => Outcome::Holds,
        Act::Break(rule) => Outcome::Violated(Box::new(Violation {
            rule,
            expected: "one effect a message".to_owned(),
            observed: "two".to_owned(),
            about: Vec::new(),
            operations: Vec::new(),
        })),
        Act::Panic(location) => Outcome::Panicked(Box::new(Panic {
            message: "index out of bounds".to_owned(),
            location: location.to_owned(),
            node: NodeId(1),
        })),
        Act::Hang => loop {
            std::thread::park();
        },
        Act::Shrug => Outcome::Unknown { why: "the budget of events was spent".to_owned() },
    }
}

pub fn stats(act: Act) -> Stats {
    let cause = match act {
        Act::Panic(_) => None,
        Act::Break(_) => Some(EndCause::Broken),
        Act::Shrug => Some(EndCause::Budget),
        Act::Hold | Act::Idle | Act::Hang | Act::Waver => Some(EndCause::Settled),
    };
    let busy = u64::from(!matches!(act, Act::Idle));
    Stats {
        events: 20,
        sent: 8 * busy,
        delivered: 7 * busy,
        invoked: 3 * busy,
        acknowledged: 2 * busy,
        effects: 2 * busy,
        lasted: Span::millis(5),
        cause,
    }
}

/// Ticks every two milliseconds, and is never over.
pub struct Patient;

impl Watch for Patient {
    #[expect(clippy::disallowed_methods, reason = "a watch lets real time pass")]
    fn tick(&self) {
        std::thread::sleep(Duration::from_millis(2));
    }
}
