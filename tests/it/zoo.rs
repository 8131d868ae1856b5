//! The zoo, put to the test: every specimen is one, and what is none is found out.

use crate::fake::Patient;
use postulate::check::Rule;
use postulate::explore::{Sweep, Watch, sweep};
use postulate::profile::FaultClass;
use postulate::seed::Seed;
use postulate::time::Span;
use postulate::zoo::witness::{Step, crash, delay, lose};
use postulate::zoo::{
    Approach, Check, Checked, Effort, Keeper, Margin, Measurement, Needs, Specimen, Trial, zoo,
};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::sync::Arc;

/// On a machine that is busy with other things a thread may stand still for long.
const PATIENCE_TICKS: u32 = 10_000;

/// A keeper who makes a small effort: five searches, and sweeps of 2,000.
fn keeper(jobs: usize) -> Keeper {
    let few = Margin { least: 2_000, times_p90: 0 };
    let effort = Effort {
        trials: NonZeroU32::new(5).unwrap(),
        twin: few,
        specimen: few,
        smaller: NonZeroU64::new(20_000).unwrap(),
        jobs: NonZeroUsize::new(jobs).unwrap(),
        hung_after_ticks: PATIENCE_TICKS,
        ..Effort::default()
    };
    Keeper::new(effort, Arc::new(Patient))
}

fn verified(specimen: &Specimen, measured: &Measurement) -> Vec<Checked> {
    let keeper = keeper(2);
    let twin = keeper.sweep_twin(specimen.twin, 2_000).unwrap();
    keeper.verify(specimen, measured, &twin).unwrap()
}

#[test]
fn every_specimen_is_one() {
    for specimen in zoo() {
        let measured = keeper(2).measure(specimen).unwrap();
        for Checked { check, holds, told } in verified(specimen, &measured) {
            assert!(holds, "{} {}: {told}", specimen.id, check.slug());
        }
    }
}

#[test]
fn what_is_measured_does_not_depend_on_the_number_of_threads() {
    for specimen in zoo() {
        let one = keeper(1).measure(specimen).unwrap();
        assert_eq!(keeper(3).measure(specimen).unwrap(), one, "{}", specimen.id);
    }
}

/// Of the claims that such a specimen makes exactly these are wrong.
#[track_caller]
fn check(specimen: Specimen, wrong: &[Check]) {
    let checked = verified(&specimen, &keeper(2).measure(&specimen).unwrap());
    let failing = checked.iter().filter(|checked| !checked.holds).map(|checked| checked.check);
    assert_eq!(failing.collect::<Vec<_>>(), wrong, "{checked:#?}");
}

const FORGETFUL: &str = "volatile-dedup-set";

fn forgetful() -> Specimen {
    *Specimen::named(FORGETFUL).unwrap()
}

#[test]
fn a_specimen_without_a_bug_is_found_out() {
    let harmless = Specimen { value: "\"inbox\"", ..forgetful() };
    let wrong = [Check::Found, Check::PromisedRule, Check::Witness, Check::OnePromise];
    check(harmless, &wrong);
}

#[test]
fn another_rule_than_the_promised_one_is_found_out() {
    let mistaken = Specimen { breaks: Rule::Lost, ..forgetful() };
    check(mistaken, &[Check::PromisedRule, Check::Witness, Check::OnePromise]);
}

#[test]
fn a_trigger_that_was_forgotten_is_found_out() {
    let narrow = Needs::Faults(&[FaultClass::Crash, FaultClass::PowerCut]);
    check(Specimen { needs: narrow, ..forgetful() }, &[Check::Masked]);
}

#[test]
fn a_specimen_that_claims_to_need_no_fault_is_found_out() {
    check(Specimen { needs: Needs::Nothing, ..forgetful() }, &[Check::Quiet]);
    check(Specimen { needs: Needs::Interleaving, ..forgetful() }, &[Check::Faultless]);
}

/// The crash would do.
const WORDY: &[Step] = &[
    crash("consumer-1").after_events(3),
    delay(("broker", "producer-1"), "Produced", 1, Span::millis(1)),
];

/// There are no thousand answers to lose.
const IDLE: &[Step] =
    &[crash("consumer-1").after_events(3), lose(("broker", "producer-1"), "Produced", 1_000)];

#[test]
fn a_witness_with_too_many_decisions_is_found_out() {
    check(Specimen { witness: WORDY, ..forgetful() }, &[Check::Minimal, Check::Smallest]);
    let wrong = [Check::Witness, Check::Minimal, Check::Smallest];
    check(Specimen { witness: IDLE, ..forgetful() }, &wrong);
}

#[test]
fn a_twin_that_was_swept_too_little_or_is_another_is_found_out() {
    let keeper = keeper(2);
    let specimen = forgetful();
    let measured = keeper.measure(&specimen).unwrap();
    for (twin, schedules) in [(specimen.twin, 1_999), ("w1", 2_000)] {
        let twin = keeper.sweep_twin(twin, schedules).unwrap();
        let checked = keeper.verify(&specimen, &measured, &twin).unwrap();
        let failing: Vec<_> = checked.iter().filter(|checked| !checked.holds).collect();
        assert_eq!(failing.len(), 1, "{failing:#?}");
        assert_eq!(failing[0].check, Check::TwinClean);
    }
}

#[test]
fn a_twin_that_fails_is_found_out() {
    // It is the specimen itself.
    let keeper = keeper(2);
    let specimen = forgetful();
    let subject = specimen.subject().unwrap();
    let plan = Sweep { schedules: 2_000, hung_after_ticks: PATIENCE_TICKS, ..Sweep::default() };
    let watch: Arc<dyn Watch> = Arc::new(Patient);
    let twin = sweep(&subject, &plan, &watch);
    let nothing = Trial { from: Seed(0), schedules: 1, failure: None };
    let measured = Measurement { approach: Approach::default(), cap: 1, trials: vec![nothing] };
    let checked = keeper.verify(&specimen, &measured, &twin).unwrap();
    let clean = checked.iter().find(|checked| checked.check == Check::TwinClean).unwrap();
    assert!(!clean.holds && clean.told.contains("duplicate-effect"), "{clean:?}");
    let found = checked.iter().find(|checked| checked.check == Check::Found).unwrap();
    assert!(!found.holds && found.told.starts_with("by 0 of 1 searches"), "{found:?}");
}
