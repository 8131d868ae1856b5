//! The engine, seen through a small system: determinism, rewriting, faults, ends.

use crate::toy::{Quirk, Toy, survivable};
use postulate::profile::{FaultClass, Transport};
use postulate::run::{Outcome, Pulse, Run, Subject, Worker};
use postulate::schedule::{Schedule, Strategy};
use postulate::seed::Seed;
use std::sync::Arc;

fn worker(toy: Toy) -> Box<dyn Worker> {
    Arc::new(toy).worker(Arc::new(Pulse::default()))
}

fn runs(toy: Toy, seeds: std::ops::Range<u64>) -> Vec<Run> {
    let mut worker = worker(toy);
    seeds.map(|seed| worker.run(&Schedule::seeded(Seed(seed)))).collect()
}

#[test]
fn the_right_toy_keeps_its_promise_on_both_transports() {
    for transport in [Transport::Stream, Transport::Datagram] {
        for run in runs(Toy::right(transport), 0..3_000) {
            assert_eq!(run.outcome, Outcome::Holds, "{transport:?} seed {:?}", run.seed);
        }
    }
}

#[test]
fn every_run_is_rewritten_as_quiet_and_decisions_with_the_same_digest() {
    for transport in [Transport::Stream, Transport::Datagram] {
        let everything = FaultClass::ALL.iter().copied().collect();
        for quirk in [Quirk::None, Quirk::NoDedup, Quirk::Restless] {
            let mut worker = worker(Toy::new(quirk, transport, everything));
            for (seed, strategy) in (0..2_000).zip(Strategy::ALL.into_iter().cycle()) {
                let schedule = Schedule::seeded(Seed(seed)).ordered(strategy);
                let inspection = worker.inspect(&schedule);
                let replayed = worker.inspect(&inspection.rewritten);
                let same = replayed.run.digest == inspection.run.digest
                    && replayed.run.outcome == inspection.run.outcome;
                if !same {
                    let pairs = inspection.trace.iter().zip(&replayed.trace);
                    let differing = pairs.filter(|(a, b)| a != b).take(2).collect::<Vec<_>>();
                    panic!("{transport:?} {quirk:?} {strategy} seed {seed}: {differing:#?}");
                }
                assert!(replayed.unmet.is_empty(), "{:?}", replayed.unmet);
                assert_eq!(replayed.rewritten, inspection.rewritten);
            }
        }
    }
}

#[test]
fn a_used_world_and_a_fresh_one_agree_in_any_order_and_after_a_panic() {
    let all = FaultClass::ALL.iter().copied().collect();
    let make = || Toy::new(Quirk::None, Transport::Stream, all);
    let forward: Vec<Run> = runs(make(), 0..500);
    let mut used = worker(make());
    for seed in (0..500).rev() {
        let run = used.run(&Schedule::seeded(Seed(seed)));
        assert_eq!(run, forward[seed as usize]);
    }
    let mut panicking = worker(Toy::new(Quirk::Panics, Transport::Stream, all));
    let first = panicking.run(&Schedule::seeded(Seed(1)));
    let Outcome::Panicked(panic) = &first.outcome else { panic!("{:?}", first.outcome) };
    assert_eq!((panic.message.as_str(), panic.node.0), ("the third is too much", 0));
    assert!(panic.location.contains("toy.rs:"), "{}", panic.location);
    assert_eq!(panicking.run(&Schedule::seeded(Seed(1))), first);
    assert_eq!(worker(make()).run(&Schedule::seeded(Seed(9))), forward[9]);
}

#[test]
fn a_payload_byte_a_timer_a_record_and_unsent_state_all_show_in_the_digest() {
    let quiet = |quirk| {
        let toy = Toy::new(quirk, Transport::Stream, survivable());
        worker(toy).run(&Schedule::quiet()).digest
    };
    let drawn = |quirk| {
        let toy = Toy::new(quirk, Transport::Stream, survivable());
        runs(toy, 0..20).iter().map(|run| run.digest).collect::<Vec<_>>()
    };
    assert_eq!(quiet(Quirk::None), quiet(Quirk::None));
    for quirk in [Quirk::OtherPayload, Quirk::OtherRecord, Quirk::OtherState] {
        assert_ne!(quiet(Quirk::None), quiet(quirk), "{quirk:?}");
    }
    // A timer shows where it fires.
    assert_ne!(drawn(Quirk::None), drawn(Quirk::OtherTimer));
}

#[test]
fn every_fault_class_bites() {
    let all = FaultClass::ALL.iter().copied().collect();
    for &class in FaultClass::ALL {
        let bitten = [Transport::Stream, Transport::Datagram].into_iter().any(|transport| {
            let mut toy = Toy::new(Quirk::None, transport, all);
            toy.profile.clock_tick = postulate::time::Span::micros(10);
            runs(toy, 0..1_000).iter().any(|run| run.coverage.bites(class) > 0)
        });
        assert!(bitten, "{class} never bit");
    }
}

#[test]
fn a_class_outside_the_envelope_never_bites() {
    for run in runs(Toy::right(Transport::Datagram), 0..500) {
        for &class in FaultClass::ALL.iter().filter(|&&class| !survivable().has(class)) {
            assert_eq!(run.coverage.bites(class), 0, "{class}");
        }
    }
}

/// A decision that bit matters: taking it away changes what the clients see.
#[test]
fn decisions_taken_away_one_at_a_time_change_the_history() {
    let mut worker = worker(Toy::right(Transport::Datagram));
    let (mut taken, mut changed) = (0, 0);
    for seed in 0..60 {
        let inspection = worker.inspect(&Schedule::seeded(Seed(seed)));
        let keys: Vec<_> = inspection.rewritten.decisions.keys().copied().collect();
        for key in keys.into_iter().step_by(7) {
            let mut fewer = inspection.rewritten.clone();
            fewer.decisions.remove(&key);
            let without = worker.inspect(&fewer);
            taken += 1;
            changed += u32::from(without.history != inspection.history);
        }
    }
    assert!(taken > 100 && changed * 2 >= taken, "{changed} of {taken} changed the history");
}
