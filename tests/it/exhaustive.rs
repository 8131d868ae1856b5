//! Every schedule with at most so many decisions: none left out, none twice.

use crate::fake::Patient;
use crate::toy::{Quirk, SERVER, Toy};
use postulate::check::{Promise, Rule};
use postulate::choice::{Actor, Choice, Key, Opening, Site};
use postulate::explore::{
    Alphabet, Conclusion, Cut, Exhausted, Exhaustive, Finding, Level, Search, Step, Sweep, Swept,
    Watch, exhaust,
};
use postulate::id::{MessageId, NodeId};
use postulate::node::Machine;
use postulate::profile::{Envelope, FaultClass, Profile, Transport};
use postulate::run::{Examined, Inspection, Observed, Probe, Pulse, Run, Subject, Worker};
use postulate::schedule::{Fault, Part, Schedule, Trigger};
use postulate::seed::Seed;
use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::{Arc, Mutex};

const CLIENT: NodeId = NodeId(1);

/// One client and its first message: what it takes to be exhaustive in no time.
fn one_message() -> Schedule {
    let others = (1..6).map(|number| Part::Operation(MessageId::new(CLIENT, number)));
    let omit = others.chain([Part::Machine(NodeId(2))]).collect();
    Schedule { omit, ..Schedule::quiet() }
}

fn toy(quirk: Quirk, transport: Transport, classes: &[FaultClass]) -> Arc<dyn Subject> {
    let envelope: Envelope = classes.iter().copied().collect();
    Arc::new(Toy::new(quirk, transport, envelope))
}

fn search(steps: u32) -> Exhaustive {
    Exhaustive { base: one_message(), steps, budget: None }
}

fn exhausted(subject: &Arc<dyn Subject>, search: &Exhaustive, plan: &Sweep) -> Exhausted {
    let watch: Arc<dyn Watch> = Arc::new(Patient);
    exhaust(subject, search, &Sweep { hung_after_ticks: 10_000, ..*plan }, &watch)
}

fn levels(exhausted: &Exhausted) -> Vec<(u32, u64, u64)> {
    let told = |&Level { steps, schedules, run }: &Level| (steps, schedules, run);
    exhausted.levels.iter().map(told).collect()
}

/// Puts down every schedule that is run.
struct Spy {
    subject: Arc<dyn Subject>,
    seen: Arc<Mutex<BTreeMap<String, Schedule>>>,
}

struct SpyWorker(Box<dyn Worker>, Arc<Mutex<BTreeMap<String, Schedule>>>);

impl Subject for Spy {
    fn name(&self) -> &str {
        self.subject.name()
    }

    fn machines(&self) -> &[Machine] {
        self.subject.machines()
    }

    fn sites(&self) -> &'static [&'static str] {
        self.subject.sites()
    }

    fn promises(&self) -> &[Promise] {
        self.subject.promises()
    }

    fn profile(&self) -> &Profile {
        self.subject.profile()
    }

    fn tell_key(&self, key: Key) -> String {
        self.subject.tell_key(key)
    }

    fn tell_decision(&self, key: Key, choice: Choice) -> String {
        self.subject.tell_decision(key, choice)
    }

    fn tell_fault(&self, fault: &Fault) -> String {
        self.subject.tell_fault(fault)
    }

    fn worker(self: Arc<Self>, pulse: Arc<Pulse>) -> Box<dyn Worker> {
        let worker = Arc::clone(&self.subject).worker(pulse);
        Box::new(SpyWorker(worker, Arc::clone(&self.seen)))
    }
}

impl SpyWorker {
    fn note(&self, schedule: &Schedule) {
        self.1.lock().unwrap().insert(name(schedule), schedule.clone());
    }
}

impl Worker for SpyWorker {
    fn run(&mut self, schedule: &Schedule) -> Run {
        self.note(schedule);
        self.0.run(schedule)
    }

    fn inspect(&mut self, schedule: &Schedule) -> Inspection {
        self.0.inspect(schedule)
    }

    fn examine(&mut self, schedule: &Schedule) -> Examined {
        self.0.examine(schedule)
    }

    fn redraw(&mut self, schedule: &Schedule, keep: u64, seed: Seed) -> Run {
        self.0.redraw(schedule, keep, seed)
    }

    fn redrawn(&mut self, schedule: &Schedule, keep: u64, seed: Seed) -> Schedule {
        self.0.redrawn(schedule, keep, seed)
    }

    fn probe(&mut self, schedule: &Schedule) -> Probe {
        self.note(schedule);
        self.0.probe(schedule)
    }

    fn observe(&mut self, schedule: &Schedule) -> Observed {
        self.0.observe(schedule)
    }
}

/// The set of steps of a schedule, whatever their order.
fn name(schedule: &Schedule) -> String {
    let mut faults: Vec<_> = schedule.faults.iter().map(|fault| format!("{fault:?}")).collect();
    faults.sort_unstable();
    format!("{faults:?} {:?}", schedule.decisions)
}

/// Every set of at most so many steps all of which take effect, found the long way: to each set any
/// step is added at any place of its run, before or after the others, and what was met before or
/// takes no effect is dropped.
fn naively(subject: &Arc<dyn Subject>, base: &Schedule, steps: u32) -> BTreeMap<String, Schedule> {
    let mut worker = Arc::clone(subject).worker(Arc::default());
    let quiet = worker.probe(base);
    let alphabet = Alphabet::of(subject.as_ref(), base, Some(&quiet));
    let mut found = BTreeMap::from([(name(base), base.clone())]);
    let mut latest = vec![base.clone()];
    for _ in 0..steps {
        let mut next = BTreeMap::new();
        for lesser in &latest {
            for opening in worker.probe(lesser).openings {
                let at_once = alphabet.steps_at(&opening);
                for (_, step) in &at_once {
                    let greater = with(lesser, step, &at_once);
                    if let Some(greater) = greater
                        && takes_effect(&greater, &alphabet, worker.as_mut())
                    {
                        next.insert(name(&greater), greater);
                    }
                }
            }
        }
        latest = next.values().cloned().collect();
        found.append(&mut next);
    }
    found
}

/// The schedule and a step more, unless it has that or another answer at its key. Faults that
/// strike at once do so in the order of the alphabet.
fn with(
    lesser: &Schedule,
    step: &Step,
    at_once: &[(postulate::explore::Letter, Step)],
) -> Option<Schedule> {
    let mut greater = lesser.clone();
    match step {
        Step::Decision(key, choice) => greater.decisions.insert(*key, *choice).is_none(),
        Step::Fault(fault) if greater.faults.contains(fault) => false,
        Step::Fault(fault) => {
            let rank = |fault: &Fault| {
                at_once.iter().position(|(_, step)| *step == Step::Fault(fault.clone()))
            };
            greater.faults.push(fault.clone());
            greater.faults.sort_by_key(rank);
            true
        }
    }
    .then_some(greater)
}

/// Whether each of its steps can be taken in its own run.
fn takes_effect(schedule: &Schedule, alphabet: &Alphabet, worker: &mut dyn Worker) -> bool {
    let openings = worker.probe(schedule).openings;
    let is_asked = |(&key, &choice): (&Key, &Choice)| {
        let wanted = Step::Decision(key, choice);
        let mut offered = openings.iter().flat_map(|opening| alphabet.steps_at(opening));
        offered.any(|(_, step)| step == wanted)
    };
    let strikes = |fault: &Fault| match fault.when {
        Trigger::After { node, events } => openings.contains(&Opening::Handled { node, events }),
        _ => true,
    };
    schedule.decisions.iter().all(is_asked) && schedule.faults.iter().all(strikes)
}

/// The search runs what is found the long way, each of it once.
#[track_caller]
fn check(transport: Transport, classes: &[FaultClass], steps: u32) {
    let subject = toy(Quirk::None, transport, classes);
    let seen = Arc::default();
    let spy: Arc<dyn Subject> =
        Arc::new(Spy { subject: Arc::clone(&subject), seen: Arc::clone(&seen) });
    let exhausted = exhausted(&spy, &search(steps), &Sweep::default());
    let expected = naively(&subject, &one_message(), steps);
    let seen = seen.lock().unwrap();
    let run = exhausted.swept.tally.schedules;
    let missing = expected.keys().find(|name| !seen.contains_key(*name));
    let beyond = seen.keys().find(|name| !expected.contains_key(*name));
    assert_eq!((missing, beyond), (None, None), "{} and {}", expected.len(), seen.len());
    assert_eq!(run, expected.len() as u64);
    assert_eq!(exhausted.levels.iter().map(|level| level.schedules).sum::<u64>(), run);
    assert!(run > 2 && exhausted.is_complete(), "{:?}", exhausted.levels);
}

#[test]
fn what_is_run_is_what_is_found_the_long_way() {
    use FaultClass as Class;
    check(Transport::Datagram, &[Class::Loss, Class::Duplicate, Class::Delay], 2);
    check(Transport::Stream, &[Class::Loss, Class::Disconnect], 2);
    check(Transport::Datagram, &[Class::Crash, Class::Pause], 2);
    check(Transport::Stream, &[Class::PowerCut, Class::TornWrite, Class::Cut], 2);
    check(Transport::Datagram, &[Class::TimerLate, Class::SlowSync, Class::ClockStep], 2);
    check(Transport::Datagram, &[Class::Loss, Class::PowerCut], 3);
}

#[test]
fn a_retry_that_a_loss_caused_can_be_lost_too() {
    // Each attempt is a question and an answer, and of either the next attempt comes.
    let subject = toy(Quirk::None, Transport::Datagram, &[FaultClass::Loss]);
    for steps in 0..=5 {
        let exhausted = exhausted(&subject, &search(steps), &Sweep::default());
        let expected: Vec<_> = (0..=steps).map(|level| (level, 1 << level, 1 << level)).collect();
        assert_eq!(levels(&exhausted), expected);
        assert_eq!(exhausted.swept.tally.held, (2 << steps) - 1);
    }
    let seen = Arc::default();
    let spy: Arc<dyn Subject> = Arc::new(Spy { subject, seen: Arc::clone(&seen) });
    exhausted(&spy, &search(2), &Sweep::default());
    let put = |n| Key::new(Site::Message, Actor::Link(CLIENT, SERVER), 0, n);
    let both = [(put(0), Choice::Lost), (put(1), Choice::Lost)].into();
    let seen = seen.lock().unwrap();
    assert!(seen.values().any(|schedule| schedule.decisions == both));
}

/// The power fails after an acknowledgement, and takes what was acknowledged.
fn hasty() -> Arc<dyn Subject> {
    toy(Quirk::AckBeforeSync, Transport::Datagram, &[FaultClass::PowerCut, FaultClass::Loss])
}

#[test]
fn a_bug_that_takes_two_decisions_is_found_with_two() {
    let one = exhausted(&hasty(), &search(1), &Sweep::default());
    assert_eq!(one.swept.conclusion(), Conclusion::Holds, "{:?}", one.swept.groups);
    let two = exhausted(&hasty(), &search(2), &Sweep::default());
    let [group] = two.swept.groups.as_slice() else { panic!("{:?}", two.swept.groups) };
    assert!(matches!(&group.finding, Finding::Violated(found) if found.rule == Rule::Lost));
    let [example] = two.examples.as_slice() else { panic!("{:?}", two.examples) };
    assert_eq!((example.faults.len(), example.decisions.len()), (1, 1));
    let mut worker = hasty().worker(Arc::default());
    assert_eq!(worker.run(example).outcome.group(), "lost");
}

#[test]
fn the_number_of_threads_does_not_matter() {
    for stop_after in [None, NonZeroU64::new(3)] {
        let plan =
            |jobs| Sweep { jobs: NonZeroUsize::new(jobs).unwrap(), stop_after, ..Sweep::default() };
        let one = exhausted(&hasty(), &search(2), &plan(1));
        for jobs in [2, 4] {
            let many = exhausted(&hasty(), &search(2), &plan(jobs));
            let plan = one.swept.plan;
            assert_eq!(Exhausted { swept: Swept { plan, ..many.swept }, ..many }, one);
        }
    }
}

#[test]
fn what_was_not_run_is_not_claimed() {
    let subject = toy(Quirk::None, Transport::Datagram, &[FaultClass::Loss]);
    let few = Exhaustive { budget: Some(5), ..search(3) };
    let cut = exhausted(&subject, &few, &Sweep::default());
    assert_eq!(levels(&cut), [(0, 1, 1), (1, 2, 2), (2, 4, 2)]);
    assert_eq!((cut.complete_steps(), cut.is_complete()), (Some(1), false));
    assert_eq!((cut.swept.cut, cut.swept.tally.schedules), (Some(Cut::Budget), 5));

    let exact = Exhaustive { budget: Some(7), ..search(3) };
    let cut = exhausted(&subject, &exact, &Sweep::default());
    assert_eq!(levels(&cut)[2..], [(2, 4, 4), (3, 8, 0)]);
    assert_eq!((cut.complete_steps(), cut.swept.cut), (Some(2), Some(Cut::Budget)));

    let stop_after = NonZeroU64::new(1);
    let plan = Sweep { stop_after, ..Sweep::default() };
    let stopped = exhausted(&hasty(), &search(2), &plan);
    assert_eq!(stopped.swept.cut, Some(Cut::StopAfter));
    assert_eq!((stopped.complete_steps(), stopped.swept.tally.failures()), (Some(1), 1));
}

#[test]
fn a_search_is_read_as_it_is_written() {
    for text in ["mix", "time", "pct", "pos", "walk", "exhaustive:0", "exhaustive:2"] {
        assert_eq!(text.parse::<Search>().unwrap().to_string(), text);
    }
    for text in ["", "exhaustive", "exhaustive:", "exhaustive:-1", "exhaustive:two", "best"] {
        assert!(text.parse::<Search>().unwrap_err().to_string().contains("exhaustive:2"), "{text}");
    }
}
