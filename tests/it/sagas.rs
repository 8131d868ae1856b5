//! Orders of several steps: each wrong form is found, by the rule that it breaks, and the right one
//! is clean wherever it was looked for.

use postulate::check::Rule;
use postulate::harness::Harness;
use postulate::model::Moment;
use postulate::run::{Subject, Worker};
use postulate::scenario::{Entry, PromiseName, Scenario, ScenarioError};
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use std::sync::Arc;

/// In so many schedules a wrong form shows.
const WITHIN: u64 = 400;

fn worker(scenario: Scenario) -> Result<Box<dyn Worker>, ScenarioError> {
    let subject: Arc<dyn Subject> = scenario.subject()?;
    Ok(subject.worker(Arc::default()))
}

/// `key` = `value` breaks `rule` of the scenario called `name` first.
#[track_caller]
fn check(name: &str, key: &str, value: &str, rule: Rule) {
    let text = Entry::named(name).unwrap().text;
    let value = format!("{value:?}");
    let wrong = Scenario::from_toml_changed(name, text, key, &value).unwrap();
    let mut wrong = worker(wrong).unwrap();
    let mut right = worker(Scenario::named(name).unwrap()).unwrap();
    for seed in 0..WITHIN {
        let schedule = Schedule::seeded(Seed(seed));
        assert_eq!(right.run(&schedule).outcome.group(), "holds", "{name}, seed {seed}");
        let outcome = wrong.run(&schedule).outcome.group();
        if outcome != "holds" {
            return assert_eq!(outcome, rule.slug(), "{name} with {key} = {value}, seed {seed}");
        }
    }
    panic!("{name} with {key} = {value} holds in {WITHIN} schedules");
}

#[test]
fn a_step_that_comes_after_its_undoing_is_taken_without_a_tombstone() {
    for name in ["order-payment-inventory", "order-choreography", "order-tcc"] {
        check(name, "saga.tombstone", "none", Rule::Uncompensated);
    }
}

#[test]
fn what_is_not_known_again_is_done_again() {
    for name in ["order-payment-inventory", "order-choreography", "order-tcc", "event-chain"] {
        check(name, "saga.steps_are", "repeated", Rule::DuplicateEffect);
    }
}

#[test]
fn an_undoing_that_is_not_repeated_leaves_its_step() {
    for name in ["order-payment-inventory", "order-choreography", "order-tcc"] {
        check(name, "saga.compensation", "best-effort", Rule::Uncompensated);
    }
}

#[test]
fn a_service_that_decides_in_memory_forgets_its_orders() {
    for name in ["order-payment-inventory", "order-choreography", "order-tcc"] {
        check(name, "saga.decision", "in-memory", Rule::Uncompensated);
    }
    check("event-chain", "saga.decision", "in-memory", Rule::Lost);
}

#[test]
fn a_step_that_is_told_of_after_its_commit_may_never_be_told_of() {
    for name in ["order-payment-inventory", "order-choreography", "order-tcc"] {
        check(name, "saga.answer", "after-commit", Rule::Uncompensated);
    }
    check("event-chain", "saga.answer", "after-commit", Rule::Lost);
}

#[test]
fn orders_are_carried_out_and_called_off() -> Result<(), ScenarioError> {
    for name in ["order-payment-inventory", "order-choreography", "order-tcc", "event-chain"] {
        let mut scenario = Scenario::named(name)?;
        // That every order is closed is asked of it besides.
        scenario.promises.push(PromiseName::ExactlyOnce);
        let swept = Harness::new(scenario.subject()?).schedules(500).run();
        let reached = |moment: Moment| swept.tally.reached(moment.site()).runs;
        assert!(reached(Moment::StepKnown) > 0, "{name}");
        let called_off = [Moment::UndoneUntaken, Moment::LateStepRefused, Moment::StepUndone];
        if name != "event-chain" {
            assert!(called_off.iter().all(|&moment| reached(moment) > 0), "{name}");
        }
    }
    Ok(())
}
