//! What sweeps promise, shown on a subject that does what it is told.

use crate::fake::{Act, Fake, Patient};
use postulate::check::{Promise, Rule};
use postulate::digest::Digest;
use postulate::explore::{
    Conclusion, Cut, Doubt, Finding, HUNG_MAX, Progress, Recheck, Sweep, Swept, Watch, inspect,
    sweep,
};
use postulate::id::{NodeId, SinkId, TimerId};
use postulate::journal::Journals;
use postulate::node::{Context, Machine, Message, Node, Planned, Record, Seat, System, Work};
use postulate::profile::{Envelope, FaultClass, Profile};
use postulate::run::Subject;
use postulate::schedule::{Schedule, Strategy};
use postulate::seed::Seed;
use postulate::time::Span;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PLAN: Sweep = Sweep {
    from: Seed(0),
    schedules: 1_000,
    strategy: Strategy::Mix,
    jobs: NonZeroUsize::MIN,
    stop_after: None,
    recheck: Recheck::Sample,
    hung_after_ticks: 200,
    look_into: 8,
};

fn jobs(jobs: usize) -> Sweep {
    Sweep { jobs: NonZeroUsize::new(jobs).unwrap(), ..PLAN }
}

fn swept(act: fn(u64) -> Act, plan: Sweep) -> Swept {
    sweep(&Fake::subject(act), &plan, &patient())
}

fn patient() -> Arc<dyn Watch> {
    Arc::new(Patient)
}

/// Groups as (name, count, first seed).
fn groups(swept: &Swept) -> Vec<(&str, u64, u64)> {
    swept.groups.iter().map(|group| (group.name.as_str(), group.count, group.seed.0)).collect()
}

fn troubled(seed: u64) -> Act {
    match seed {
        500 => Act::Hang,
        seed if seed % 97 == 13 => Act::Break(Rule::DuplicateEffect),
        seed if seed % 131 == 70 => Act::Break(Rule::Lost),
        seed if seed % 211 == 44 => Act::Panic("src/node.rs:7"),
        _ => Act::Hold,
    }
}

#[test]
fn a_sweep_is_the_same_on_any_number_of_threads() {
    let one = swept(troubled, jobs(1));
    for threads in [2, 3, 7] {
        let plan = jobs(threads);
        assert_eq!(swept(troubled, plan), Swept { plan, ..one.clone() }, "{threads} threads");
    }
}

#[test]
fn a_sweep_goes_past_whatever_seeds_do_and_groups_it_by_kind() {
    let swept = swept(troubled, jobs(2));
    assert_eq!(swept.tally.schedules, 1_000);
    assert_eq!(
        groups(&swept),
        [
            ("duplicate-effect", 11, 13),
            ("panic at src/node.rs:7", 5, 44),
            ("lost", 8, 70),
            ("hung in broker", 1, 500),
        ]
    );
    assert_eq!(swept.tally.failures(), 25);
    assert_eq!(swept.tally.held, 975);
    assert_eq!(swept.conclusion(), Conclusion::Violated);
    assert_eq!(swept.cut, None);
}

#[test]
fn every_hung_seed_is_named_even_two_in_a_row() {
    let swept = swept(|seed| if seed == 17 || seed == 18 { Act::Hang } else { Act::Hold }, jobs(2));
    assert_eq!(groups(&swept), [("hung in broker", 2, 17)]);
    assert_eq!((swept.tally.schedules, swept.tally.held), (1_000, 998));
}

#[test]
fn a_system_that_only_hangs_ends_the_sweep() {
    let plan = Sweep { hung_after_ticks: 5, ..jobs(4) };
    let swept = swept(|_| Act::Hang, plan);
    assert_eq!(swept.tally.hung, HUNG_MAX);
    assert_eq!(swept.cut, Some(Cut::Hangs));
}

#[test]
fn a_hang_under_inspection_is_an_error() {
    let hung = inspect(&Fake::subject(|_| Act::Hang), &Schedule::quiet(), 5, &patient());
    assert_eq!(hung.unwrap_err().to_string(), "a callback of broker does not return");
    let fine = inspect(&Fake::subject(|_| Act::Hold), &Schedule::quiet(), 5, &patient());
    assert_eq!(fine.unwrap().trace.len(), 2);
}

#[test]
fn a_seed_that_wavers_is_found_when_every_seed_is_run_again_and_where_it_parts_is_named() {
    let waver = |seed| if seed == 321 { Act::Waver } else { Act::Hold };
    let all = Sweep { recheck: Recheck::All, ..jobs(2) };
    let swept = swept(waver, all);
    assert_eq!(swept.conclusion(), Conclusion::Nondeterministic);
    assert_eq!(swept.tally.rechecked, 1_000);
    assert_eq!(groups(&swept), [("nondeterministic", 1, 321)]);
    let Finding::Nondeterministic(divergence) = &swept.groups[0].finding else {
        panic!("{:?}", swept.groups[0])
    };
    let parting = divergence.parting.as_ref().unwrap();
    assert_eq!(parting.common, 1);
    assert_eq!(parting.one.as_ref().unwrap().text, "broker handles Produce");
    assert_ne!(parting.one.as_ref().unwrap().digest, parting.other.as_ref().unwrap().digest);
}

#[test]
fn a_system_that_always_wavers_is_found_by_the_first_seed() {
    let plan = Sweep { schedules: 1, ..PLAN };
    assert_eq!(swept(|_| Act::Waver, plan).conclusion(), Conclusion::Nondeterministic);
}

#[test]
fn a_sample_of_the_seeds_is_run_again() {
    let plan = Sweep { schedules: 10_000, ..PLAN };
    let rechecked = swept(|_| Act::Hold, plan).tally.rechecked;
    assert!((20..=60).contains(&rechecked), "{rechecked} of 10000");
}

#[test]
fn a_sweep_that_stops_after_failures_reports_the_same_prefix_on_any_number_of_threads() {
    let limited = |threads| Sweep { stop_after: NonZeroU64::new(4), ..jobs(threads) };
    let one = swept(troubled, limited(1));
    assert_eq!(
        groups(&one),
        [("duplicate-effect", 2, 13), ("panic at src/node.rs:7", 1, 44), ("lost", 1, 70),]
    );
    assert_eq!(one.tally.schedules, 111, "the fourth failing seed is 110");
    assert_eq!(one.cut, Some(Cut::StopAfter));
    for threads in [2, 3] {
        let plan = limited(threads);
        assert_eq!(swept(troubled, plan), Swept { plan, ..one.clone() }, "{threads} threads");
    }
}

#[test]
fn a_sweep_is_the_sum_of_its_parts() {
    let part =
        |from, schedules| swept(troubled, Sweep { from: Seed(from), schedules, ..PLAN }).tally;
    let (first, second, whole) = (part(0, 333), part(333, 667), part(0, 1_000));
    assert_eq!(first.digest.wrapping_add(second.digest), whole.digest);
    assert_eq!(first.violated + second.violated, whole.violated);
}

#[test]
fn seeds_go_round_at_the_end_of_their_range() {
    let plan = Sweep { from: Seed(u64::MAX), schedules: 20, ..PLAN };
    let swept = swept(|seed| if seed == 13 { Act::Break(Rule::Lost) } else { Act::Hold }, plan);
    assert_eq!(groups(&swept), [("lost", 1, 13)]);
}

#[track_caller]
fn check_doubts(act: fn(u64) -> Act, envelope: Envelope, doubts: &[Doubt]) {
    let swept = sweep(&Fake::under(envelope, act), &PLAN, &patient());
    assert_eq!(swept.doubts, doubts);
    let expected = if doubts.is_empty() { Conclusion::Holds } else { Conclusion::Unknown };
    assert_eq!(swept.conclusion(), expected);
}

#[test]
fn a_sweep_in_which_nothing_was_at_stake_is_unknown() {
    let faulty = Envelope::CALM.with(FaultClass::Loss);
    check_doubts(|_| Act::Hold, Envelope::CALM, &[]);
    check_doubts(|_| Act::Hold, faulty, &[Doubt::NothingBit]);
    let idle = [Doubt::NothingAcknowledged, Doubt::NothingDelivered];
    check_doubts(|_| Act::Idle, Envelope::CALM, &idle);
    let shrug = [Doubt::NothingSettled, Doubt::TooManyUnknown];
    check_doubts(|_| Act::Shrug, Envelope::CALM, &shrug);
}

#[test]
fn one_run_in_a_thousand_may_be_unknown_and_never_counts_as_holding() {
    let one = |seed| if seed == 9 { Act::Shrug } else { Act::Hold };
    check_doubts(one, Envelope::CALM, &[]);
    assert_eq!(swept(one, PLAN).tally.held, 999);
    let two = |seed| if seed == 9 || seed == 600 { Act::Shrug } else { Act::Hold };
    check_doubts(two, Envelope::CALM, &[Doubt::TooManyUnknown]);
}

#[test]
fn no_schedules_at_all_are_unknown() {
    let swept = swept(|_| Act::Hold, Sweep { schedules: 0, ..PLAN });
    assert_eq!(swept.doubts, [Doubt::NoRun]);
    assert_eq!(swept.conclusion(), Conclusion::Unknown);
}

/// Is over once asked often enough, and remembers the last progress it saw.
#[derive(Default)]
struct Hurried {
    asked: AtomicU64,
    done: AtomicU64,
}

impl Watch for Hurried {
    fn tick(&self) {
        Patient.tick();
    }

    fn is_over(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= 10
    }

    fn progress(&self, progress: Progress) {
        self.done.store(progress.done, Ordering::Relaxed);
    }
}

#[test]
fn when_the_time_is_up_the_sweep_reports_a_prefix_of_its_seeds() {
    let hurried = Arc::new(Hurried::default());
    let watch: Arc<dyn Watch> = hurried.clone();
    let cut = sweep(&Fake::subject(troubled), &jobs(2), &watch);
    assert_eq!(cut.cut, Some(Cut::TimeLimit));
    assert!((1..1_000).contains(&cut.tally.schedules), "{}", cut.tally.schedules);
    assert_eq!(hurried.done.load(Ordering::Relaxed), cut.tally.schedules);
    let prefix = swept(troubled, Sweep { schedules: cut.tally.schedules, ..PLAN });
    assert_eq!((cut.tally, cut.groups), (prefix.tally, prefix.groups));
}

/// Two machines that owe a message nobody sends. The second waits for its timer and then, on one
/// seed in eight, for ever.
struct Stuck {
    machines: [Machine; 2],
    promises: [Promise; 1],
    profile: Profile,
}

#[derive(Debug)]
struct Clockwork;

#[derive(Clone, Debug)]
struct Nothing;

impl Message for Nothing {
    fn kind(&self) -> u8 {
        0
    }

    fn kind_name(_kind: u8) -> &'static str {
        "Nothing"
    }

    fn fingerprint(&self, _digest: &mut Digest) {}
}

impl Record for Nothing {
    fn fingerprint(&self, _digest: &mut Digest) {}
}

impl Node for Clockwork {
    type Message = Nothing;
    type Record = Nothing;

    fn start(&mut self, ctx: &mut Context<'_, Nothing, Nothing>) {
        ctx.set_timer(TimerId(0), Span::millis(1), Work::Progress);
    }

    fn deliver(&mut self, _: NodeId, _: Nothing, _: &mut Context<'_, Nothing, Nothing>) {}

    fn wake(&mut self, _: TimerId, ctx: &mut Context<'_, Nothing, Nothing>) {
        if ctx.node() == NodeId(1) && ctx.choose(0, 8) == 7 {
            loop {
                std::thread::park();
            }
        }
    }

    fn fingerprint(&self, _digest: &mut Digest) {}
}

impl System for Stuck {
    type Node = Clockwork;

    fn name(&self) -> &'static str {
        "stuck"
    }

    fn machines(&self) -> &[Machine] {
        &self.machines
    }

    fn boot(&self, _: &Seat<'_>, _: Journals<'_, Nothing>) -> Clockwork {
        Clockwork
    }

    fn plan(&self, _: &[u64], plan: &mut Vec<Planned>) {
        plan.push(Planned::new(NodeId(0), 0));
    }

    fn promises(&self) -> &[Promise] {
        &self.promises
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }
}

#[test]
fn the_machine_that_hangs_a_simulated_run_is_named() {
    let machines = ["clock-1", "clock-2"].map(|name| Machine::new(name, "clock"));
    let promises = [Promise::ExactlyOnce { sinks: vec![SinkId(0)] }];
    let stuck: Arc<dyn Subject> =
        Arc::new(Stuck { machines, promises, profile: Profile::default() });
    let plan = Sweep { schedules: 40, hung_after_ticks: 100, ..jobs(2) };
    let swept = sweep(&stuck, &plan, &patient());
    let hung = swept.groups.iter().find(|group| group.name == "hung in clock-2");
    assert_eq!(hung.unwrap().count, swept.tally.hung);
    assert!((1..=15).contains(&swept.tally.hung), "{} of 40 seeds", swept.tally.hung);
    assert_eq!(swept.tally.schedules, 40);
}
