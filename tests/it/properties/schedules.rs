//! Schedules that proptest draws, and what is left of those that fail.

use super::{shrunk, shrunk_under};
use postulate::history::Event;
use postulate::id::SiteId;
use postulate::property::{Case, config, schedules};
use postulate::run::{Outcome, Subject};
use postulate::scenario::Scenario;
use postulate::schedule::Baseline;
use postulate::zoo::Specimen;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, basic_result_cache};
use std::cell::Cell;
use std::sync::Arc;

/// Consumers that remember in memory what they have handled.
pub fn forgetful() -> Arc<dyn Subject> {
    Specimen::named("volatile-dedup-set").unwrap().subject().unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "a property takes its case")]
pub fn holds(case: Case) -> TestCaseResult {
    case.check().map(drop)
}

#[test]
fn a_broken_promise_is_shrunk_to_the_one_step_that_it_takes() {
    let (case, why) = shrunk(&schedules(&forgetful()), holds);
    assert_eq!(case.schedule().steps(), 1, "{case:#?}");
    assert_eq!(case.schedule().baseline, Baseline::Quiet);
    assert!(why.starts_with("duplicate-effect\n  expected"), "{why}");
    let Outcome::Violated(violation) = case.run().outcome else { panic!("{case:#?}") };
    assert!(why.contains(&violation.observed), "the reason is that of this case: {why}");
}

#[test]
fn a_failure_is_told_in_words_with_the_line_that_brings_it_back() {
    let (case, _) = shrunk(&schedules(&forgetful()), holds);
    let told = format!("{case:#?}");
    let (words, line) = told.split_once("to run it again\n").unwrap();
    assert!(words.contains("a quiet run and\n  "), "{told}");
    assert!(words.contains("crash of consumer-"), "{told}");
    assert!(words.contains("\n  left out: "), "{told}");
    let json = line.trim().strip_prefix("Case::parse(&subject, r#\"").unwrap();
    let again = Case::parse(&forgetful(), json.strip_suffix("\"#)?.check()?;").unwrap()).unwrap();
    assert_eq!(again.schedule(), case.schedule());
    assert_eq!(again.run(), case.run());
    assert_eq!(format!("{case:?}").lines().count(), 1);
}

#[test]
fn text_that_is_no_case_is_refused() {
    let refused = |text| Case::parse(&forgetful(), text).unwrap_err().to_string();
    assert!(refused("{").starts_with("this is no schedule: "));
    let omit = r#"{"seed":"0x0","baseline":"quiet","omit":[{"machine":99}]}"#;
    assert!(refused(omit).contains("omit[0]: there is no machine 99"), "{}", refused(omit));
}

/// No promise is broken: only the test can tell.
#[test]
fn an_assertion_about_runs_is_shrunk_as_far_as_it_goes_on_failing() {
    let pipe = Scenario::named("exactly-once-pipe").and_then(Scenario::subject).unwrap();
    let place = pipe.sites().iter().position(|&site| site == "broker-deduplicated").unwrap();
    let (case, _) = shrunk(&schedules(&pipe), |case| {
        prop_assert_eq!(case.run().coverage.reached(SiteId(place as u8)), 0);
        Ok(())
    });
    let run = case.run();
    assert_eq!(run.outcome, Outcome::Holds);
    assert!(run.coverage.reached(SiteId(place as u8)) > 0, "{case:#?}");
    assert_eq!(case.schedule().steps(), 1, "{case:#?}");
}

#[test]
fn a_test_may_look_at_the_history_and_ask_for_more_than_the_promise() {
    // Fails only while two messages at least take effect twice.
    let twice = |case: &Case| {
        let history = case.inspect().history;
        let effects = history.operations().iter().filter_map(|operation| match operation.event {
            Event::Effect { message, sink, .. } => Some((message, sink)),
            _ => None,
        });
        let mut effects: Vec<_> = effects.collect();
        let all = effects.len();
        effects.sort_unstable();
        effects.dedup();
        all - effects.len()
    };
    let (case, _) = shrunk(&schedules(&forgetful()), |case| {
        prop_assert!(twice(&case) < 2);
        Ok(())
    });
    assert_eq!(twice(&case), 2, "{case:#?}");
}

#[test]
fn wherever_proptest_gives_up_the_last_failing_schedule_is_left() {
    for max_shrink_iters in [0, 1, 2, 3, 5, 8, 13] {
        let config = Config { max_shrink_iters, failure_persistence: None, ..config() };
        let (case, _) = shrunk_under(config, &schedules(&forgetful()), holds);
        assert_eq!(case.run().outcome.group(), "duplicate-effect", "{max_shrink_iters}");
    }
}

#[test]
fn verdicts_from_the_cache_lead_to_the_same_schedule() {
    let tested = Cell::new(0);
    let counted = |case: Case| {
        tested.set(tested.get() + 1);
        holds(case)
    };
    let (case, _) = shrunk(&schedules(&forgetful()), counted);
    let without = tested.take();
    let config = Config { result_cache: basic_result_cache, ..config() };
    let config = Config { failure_persistence: None, ..config };
    let (cached, _) = shrunk_under(config, &schedules(&forgetful()), counted);
    assert_eq!(cached.schedule(), case.schedule());
    assert!(tested.get() <= without);
}

#[test]
fn verdicts_of_a_forked_process_lead_to_the_same_schedule() {
    let config = |fork| Config {
        fork,
        test_name: Some(concat!(
            module_path!(),
            "::verdicts_of_a_forked_process_lead_to_the_same_schedule"
        )),
        failure_persistence: None,
        ..config()
    };
    let (forked, why) = shrunk_under(config(true), &schedules(&forgetful()), holds);
    assert_eq!(forked.schedule().steps(), 1, "{why}: {forked:#?}");
    assert_eq!(forked.run().outcome.group(), "duplicate-effect");
}
