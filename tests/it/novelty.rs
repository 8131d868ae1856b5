//! What runs are like, beyond their verdicts.

use crate::fake::Patient;
use crate::toy::{Quirk, Toy};
use postulate::choice::{Actor, Choice, Key, Site};
use postulate::explore::{Novelty, Sweep, Watch, novelty};
use postulate::id::NodeId;
use postulate::profile::{Envelope, FaultClass, Transport};
use postulate::run::{Observed, Subject};
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use postulate::time::Span;
use std::sync::Arc;

fn toy(envelope: Envelope) -> Arc<dyn Subject> {
    Arc::new(Toy::new(Quirk::None, Transport::Datagram, envelope))
}

fn observed(schedule: &Schedule) -> Observed {
    let envelope = Envelope::CALM.with(FaultClass::Delay);
    toy(envelope).worker(Arc::default()).observe(schedule)
}

/// The first question of the first client is so late.
fn late(late: Span) -> Schedule {
    let key = Key::new(Site::Message, Actor::Link(NodeId(1), NodeId(0)), 0, 0);
    Schedule { decisions: [(key, Choice::Late(late))].into(), ..Schedule::quiet() }
}

#[test]
fn an_observed_run_is_the_same_run() {
    let mut worker = Toy::right(Transport::Stream);
    worker.profile.heal_at = Span::millis(300);
    let mut worker = Arc::new(worker).worker(Arc::default());
    for seed in 0..50 {
        let schedule = Schedule::seeded(Seed(seed));
        assert_eq!(worker.observe(&schedule).run, worker.run(&schedule));
        assert_eq!(worker.probe(&schedule).run, worker.run(&schedule));
    }
}

#[test]
fn only_what_comes_in_another_order_is_another_order() {
    let quiet = observed(&Schedule::quiet());
    let slightly = observed(&late(Span::nanos_of(1)));
    assert_ne!(slightly.run.digest, quiet.run.digest);
    // It lets the other client's question pass.
    assert_ne!(slightly.order, quiet.order);
    let more = observed(&late(Span::nanos_of(2)));
    assert_ne!(more.run.digest, slightly.run.digest);
    assert_eq!((more.order, more.states), (slightly.order, slightly.states));
}

#[test]
fn calm_seeds_show_one_kind_of_run_and_faulty_ones_many() {
    let watch: Arc<dyn Watch> = Arc::new(Patient);
    let count = |envelope| {
        let plan = Sweep { schedules: 200, hung_after_ticks: 10_000, ..Sweep::default() };
        novelty(&toy(envelope), &plan, &watch).unwrap()
    };
    let calm = count(Envelope::CALM);
    let faulty = count(Envelope::CALM.with(FaultClass::Crash).with(FaultClass::Loss));
    assert_eq!((calm.schedules, faulty.schedules), (200, 200));
    let Novelty { states, orders, .. } = faulty;
    assert!(states > 2 * calm.states && orders > 100, "{calm:?} {faulty:?}");
}
