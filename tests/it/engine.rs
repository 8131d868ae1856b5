//! The engine, seen through a small system: determinism, rewriting, faults, ends.

use crate::toy::{Quirk, Toy, survivable};
use postulate::profile::{FaultClass, Transport};
use postulate::run::{Outcome, Pulse, Run, Subject, Worker};
use postulate::schedule::Schedule;
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
            for seed in 0..1_000 {
                let inspection = worker.inspect(&Schedule::seeded(Seed(seed)));
                let replayed = worker.inspect(&inspection.rewritten);
                let same = replayed.run.digest == inspection.run.digest
                    && replayed.run.outcome == inspection.run.outcome;
                if !same {
                    let pairs = inspection.trace.iter().zip(&replayed.trace);
                    let differing = pairs.filter(|(a, b)| a != b).take(2).collect::<Vec<_>>();
                    panic!("{transport:?} {quirk:?} seed {seed}: {differing:#?}");
                }
                assert!(replayed.unmet.is_empty(), "{:?}", replayed.unmet);
                assert_eq!(replayed.rewritten, inspection.rewritten);
            }
        }
    }
}
