//! The oracles, from outside: what they pass, what they name, and that they agree with their
//! definitions.

mod mistakes;
pub mod naive;
pub mod random;
mod rules;
pub mod text;

use naive::{Naive, RULES, group};
use postulate::check::{Judge, Rule, Verdict, judge};
use postulate::history::{EndCause, Event, History, Operation, lines};
use proptest::prelude::*;
use random::{EVERYTHING, OF_A_LOG_THAT_FORGETS, Rng, forgetful, legal, mutated, plant, stamped};
use std::collections::BTreeMap;
use text::{promises, tell};

/// Judges the text of a history; the verdict as [`tell`] has it.
#[track_caller]
fn check(promised: &str, history: &str, expect: &str) {
    let history = text::history(history);
    assert_eq!(tell(&judge(&history, &promises(promised))), expect);
}

proptest! {
    #[test]
    fn a_legal_history_passes(seed in any::<u64>()) {
        let history = stamped(legal(&mut Rng::new(seed)));
        prop_assert_eq!(tell(&judge(&history, &promises(EVERYTHING))), "holds");
    }

    #[test]
    fn a_legal_history_of_a_log_that_forgets_passes(seed in any::<u64>()) {
        let history = stamped(forgetful(&mut Rng::new(seed)));
        prop_assert_eq!(tell(&judge(&history, &promises(OF_A_LOG_THAT_FORGETS))), "holds");
    }

    #[test]
    fn a_planted_anomaly_is_found_and_named(
        seed in any::<u64>(),
        rule in proptest::sample::select(&RULES[..]),
    ) {
        let mut rng = Rng::new(seed);
        let mut operations = legal(&mut rng);
        let promised = plant(rule, &mut operations, &mut rng);
        let history = stamped(operations);
        let verdict = judge(&history, &promises(promised));
        prop_assert_eq!(tell(&verdict), rule.slug());
        let Verdict::Violated(violation) = verdict else { unreachable!("it has a slug") };
        prop_assert!((1..=8).contains(&violation.operations.len()), "{violation:?}");
        prop_assert!(violation.operations.is_sorted_by_key(|operation| operation.at));
    }
}

/// The fast checkers against the definitions, and against themselves: online, reused, and offline.
#[test]
fn the_checkers_agree_with_their_definitions_on_100_000_histories() {
    let mut fired: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..100_000 {
        let mut rng = Rng::new(seed);
        let history = stamped(mutated(&mut rng));
        let promises = random::promises(&mut rng);
        let naive = Naive::new(&history, &promises);
        let fast = group(&judge(&history, &promises));
        assert_eq!(fast, naive.verdict(), "seed {seed}: {:?} {history:?}", naive.broken_rules());
        *fired.entry(fast).or_default() += 1;
    }
    for rule in RULES.map(Rule::slug).into_iter().chain(["holds", "unknown"]) {
        let times = fired.get(rule).copied().unwrap_or(0);
        assert!(times >= 500, "{rule} fired {times} times: {fired:?}");
    }
}

#[test]
fn what_is_owed_and_what_is_broken_are_right_after_every_operation() {
    let mut owed_at_some_time = 0;
    let mut broken = 0;
    for seed in 0..2_000 {
        let mut rng = Rng::new(seed);
        let history = stamped(mutated(&mut rng));
        let promises = random::promises(&mut rng);
        let mut judge = Judge::new(&promises);
        for (at, operation) in history.operations().iter().enumerate() {
            judge.observe(operation);
            let prefix = History::new(history.operations()[..=at].to_vec());
            let naive = Naive::new(&prefix, &promises);
            assert_eq!(judge.owed() as usize, naive.owed(), "seed {seed} {prefix:?}");
            assert_eq!(judge.broken(), naive.beyond_repair(), "seed {seed} {prefix:?}");
            owed_at_some_time += u32::from(judge.owed() > 0);
        }
        broken += u32::from(judge.broken());
    }
    assert!(owed_at_some_time > 10_000 && broken > 300, "{owed_at_some_time} {broken}");
}

/// A world stops at the operation that breaks a promise for good and says so.
fn run_online(judge: &mut Judge, operations: &[Operation]) -> (History, Verdict) {
    judge.reset();
    let mut history = History::default();
    for operation in operations {
        judge.observe(operation);
        history.push(*operation);
        if judge.broken() {
            let event = Event::End { cause: EndCause::Broken };
            let end = Operation { event, ..*operation };
            judge.observe(&end);
            history.push(end);
            break;
        }
    }
    let verdict = judge.conclude(&history);
    (history, verdict)
}

#[test]
fn online_offline_and_exported_verdicts_agree() {
    let promises = promises(EVERYTHING);
    let mut judge_online = Judge::new(&promises);
    let mut broken = 0;
    for seed in 0..5_000 {
        let operations = stamped(mutated(&mut Rng::new(seed)));
        let (history, verdict) = run_online(&mut judge_online, operations.operations());
        let mut text = Vec::new();
        lines::write(&history, &mut text).unwrap();
        let exported = lines::read(&text[..]).unwrap();
        assert_eq!(exported, history);
        assert_eq!(judge(&exported, &promises), verdict, "seed {seed}");
        if judge_online.broken() {
            broken += 1;
            assert!(matches!(verdict, Verdict::Violated(_)), "seed {seed}: {verdict:?}");
        }
    }
    assert!(broken > 500, "{broken}");
}

#[test]
fn no_history_makes_the_judge_panic() {
    for promised in [EVERYTHING, OF_A_LOG_THAT_FORGETS, "at-least-once, durable compacted"] {
        let mut judge = Judge::new(&promises(promised));
        for seed in 0..3_000 {
            let history = stamped(random::arbitrary(&mut Rng::new(seed)));
            judge.reset();
            for operation in history.operations() {
                judge.observe(operation);
            }
            judge.conclude(&history);
            // Nor does one that is not the history that was observed.
            judge.conclude(&History::default());
        }
    }
}
