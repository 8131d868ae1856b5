//! Bytes as schedules: all of them, each the same one every time, close ones close together.

use crate::fake::Patient;
use crate::toy::{Quirk, Toy};
use postulate::explore::{
    Bytes, Exhaustive, RECORD_BYTES, RECORDS_MAX, SEED_BYTES, Sweep, Watch, exhaust,
};
use postulate::profile::{Envelope, FaultClass, Transport};
use postulate::run::{Subject, fit};
use postulate::scenario::Scenario;
use postulate::schedule::Schedule;
use proptest::prelude::{ProptestConfig, any, proptest};
use std::collections::BTreeSet;
use std::sync::Arc;

fn toy(transport: Transport) -> Arc<dyn Subject> {
    let envelope: Envelope = FaultClass::ALL.iter().copied().collect();
    Arc::new(Toy::new(Quirk::None, transport, envelope))
}

fn input(seed: u64, records: &[[u8; RECORD_BYTES]]) -> Vec<u8> {
    let seed: [u8; SEED_BYTES] = seed.to_le_bytes();
    seed.into_iter().chain(records.iter().flatten().copied()).collect()
}

/// Asserts that `bytes` are a schedule of `subject` whose steps are all met, and that it runs as
/// the bytes did.
#[track_caller]
fn check(subject: &Arc<dyn Subject>, bytes: &mut Bytes, input: &[u8]) -> Schedule {
    let (schedule, run) = bytes.run(input);
    fit(subject.as_ref(), &schedule).unwrap();
    let inspected = Arc::clone(subject).worker(Arc::default()).inspect(&schedule);
    assert_eq!(inspected.unmet, [], "{schedule:?}");
    assert_eq!(inspected.idle, [0; 0], "{schedule:?}");
    assert_eq!(inspected.run, run, "{schedule:?}");
    assert_eq!(Bytes::new(subject).run(input), (schedule.clone(), run));
    schedule
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_bytes_are_a_schedule_whose_steps_are_met(
        quiet in any::<bool>(),
        stream in any::<bool>(),
        mut input in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        if quiet {
            input.iter_mut().take(SEED_BYTES).for_each(|byte| *byte = 0);
        }
        let subject = toy(if stream { Transport::Stream } else { Transport::Datagram });
        check(&subject, &mut Bytes::new(&subject), &input);
    }
}

#[test]
fn all_bytes_are_schedules_of_scenarios_of_every_kind() {
    let names = ["exactly-once-pipe", "work-queue", "order-tcc", "half-message-orders"];
    for (number, name) in names.into_iter().enumerate() {
        let subject = Scenario::named(name).and_then(Scenario::subject).unwrap();
        let mut bytes = Bytes::new(&subject);
        let mut steps = 0;
        for round in 0..20 {
            let mut word = number as u64 ^ round << 8;
            let records: Vec<[u8; RECORD_BYTES]> = (0..round as usize % 5)
                .map(|_| {
                    word = word
                        .wrapping_mul(0x5851_f42d_4c95_7f2d)
                        .wrapping_add(0x1405_7b7e_f767_814f);
                    word.to_be_bytes()[..RECORD_BYTES].try_into().unwrap()
                })
                .collect();
            steps += check(&subject, &mut bytes, &input(round % 2 * word, &records)).steps();
        }
        assert!(steps >= 20, "{name}: only {steps} steps were taken");
    }
}

#[test]
fn one_record_reaches_whatever_one_step_of_an_exhaustive_search_does() {
    let subject = toy(Transport::Datagram);
    let watch: Arc<dyn Watch> = Arc::new(Patient);
    let search = Exhaustive { base: Schedule::quiet(), steps: 1, budget: None };
    let plan = Sweep { hung_after_ticks: 10_000, ..Sweep::default() };
    let exhausted = exhaust(&subject, &search, &plan, &watch);

    let mut bytes = Bytes::new(&subject);
    let mut reached = BTreeSet::new();
    let mut stream = 0;
    loop {
        // A stream that is not there is the first one again.
        let mut fresh = false;
        for place in 0..=u8::MAX {
            let mut here = false;
            for choice in 0..64 {
                let record = [stream, 0, place, 0, choice, 0];
                let schedule = bytes.schedule(&input(0, &[record]));
                assert_eq!(schedule.steps(), 1);
                here |= reached.insert(format!("{:?} {:?}", schedule.faults, schedule.decisions));
            }
            fresh |= here;
            if !here {
                break;
            }
        }
        if !fresh {
            break;
        }
        stream += 1;
    }
    assert_eq!(reached.len() as u64, exhausted.levels[1].schedules);
}

#[test]
fn records_change_nothing_of_each_other() {
    let subject = toy(Transport::Datagram);
    let mut bytes = Bytes::new(&subject);
    let records = [[3, 0, 1, 0, 0, 0], [5, 0, 2, 0, 0, 0], [7, 0, 0, 0, 1, 0]];
    let mut before = BTreeSet::new();
    for count in 1..=records.len() {
        let schedule = bytes.schedule(&input(0, &records[..count]));
        let faults = schedule.faults.iter().map(|fault| format!("{fault:?}"));
        let decisions = schedule.decisions.iter().map(|decision| format!("{decision:?}"));
        let steps: BTreeSet<_> = faults.chain(decisions).collect();
        assert_eq!(steps.len(), count);
        assert!(before.is_subset(&steps), "{before:?} {steps:?}");
        before = steps;
    }
    // How much of the first is its own affair.
    let mut stretched = records;
    stretched[0][5] = 1 << 7;
    let stretched = bytes.schedule(&input(0, &stretched));
    let plain = bytes.schedule(&input(0, &records));
    assert_eq!(stretched.steps(), plain.steps());
    let differ = |(a, b): &((_, _), (_, _))| a != b;
    let differences = stretched.decisions.iter().zip(&plain.decisions).filter(differ).count();
    let faults = stretched.faults.iter().zip(&plain.faults).filter(|(a, b)| a != b).count();
    assert_eq!(differences + faults, 1);
}

#[test]
fn what_is_missing_or_too_much_is_not_read() {
    let subject = toy(Transport::Stream);
    let mut bytes = Bytes::new(&subject);
    assert_eq!(bytes.schedule(&[]), Schedule::quiet());
    assert_eq!(bytes.schedule(&[5]), bytes.schedule(&input(5, &[])));
    let whole = input(5, &[[1, 0, 2, 0, 3, 4]; RECORDS_MAX]);
    let longer = input(5, &[[1, 0, 2, 0, 3, 4]; RECORDS_MAX + 1]);
    assert_eq!(bytes.schedule(&longer), bytes.schedule(&whole));
    assert_eq!(bytes.schedule(&whole[..SEED_BYTES + RECORD_BYTES - 1]), bytes.schedule(&[5]));
}
