//! The trees, as the runner of proptest and its combinators drive them.

use super::schedules::{forgetful, holds};
use super::{shapes, shrunk};
use postulate::model::consumer::Dedup;
use postulate::property::{Case, ScheduleTree, schedules, trials};
use postulate::scenario::Scenario;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// A tree whose schedule fails.
fn failing() -> ScheduleTree {
    let (strategy, mut runner) = (schedules(&forgetful()), TestRunner::deterministic());
    loop {
        let tree = strategy.new_tree(&mut runner).unwrap();
        if fails(&tree.current()) {
            return tree;
        }
    }
}

fn fails(case: &Case) -> bool {
    holds(case.clone()).is_err()
}

#[test]
fn what_was_never_made_simpler_cannot_be_made_more_complicated() {
    let mut tree = failing();
    let case = tree.current();
    assert!(!tree.complicate());
    assert_eq!(tree.current().schedule(), case.schedule());
    assert!(tree.simplify(), "it can be made simpler all the same");
}

#[test]
fn a_candidate_that_nobody_has_seen_is_reverted_and_ends_the_search() {
    for tests in 0..6 {
        let mut tree = failing();
        let mut last = tree.current();
        for _ in 0..tests {
            assert!(tree.simplify());
            // What the promises tell is told without the test: what is proposed fails.
            last = tree.current();
            assert!(fails(&last));
        }
        assert!(tree.simplify());
        assert!(!tree.complicate(), "after {tests} tests");
        assert!(fails(&tree.current()));
        assert!(tree.current().schedule().steps() <= last.schedule().steps().max(1));
        assert!(!tree.complicate() && !tree.simplify(), "it is over");
    }
}

#[test]
fn a_candidate_that_passes_is_reverted() {
    // The rewritten schedule fails, and all that is smaller passes.
    let mut tree = failing();
    assert!(tree.simplify());
    let rewritten = tree.current();
    let mut moved = tree.simplify();
    let mut passed = 0;
    while moved {
        let candidate = tree.current();
        if candidate.schedule() == rewritten.schedule() {
            break;
        }
        passed += 1;
        moved = tree.complicate();
    }
    assert!(passed > 10, "{passed} candidates were tried");
    assert_eq!(tree.current().schedule(), rewritten.schedule());
    assert!(!tree.simplify(), "it is over");
}

#[test]
fn a_failure_that_only_the_seed_has_is_left_as_it_is() {
    let mut tree = failing();
    let seeded = tree.current();
    assert!(tree.simplify());
    tree.current();
    assert!(tree.complicate());
    assert_eq!(tree.current().schedule(), seeded.schedule());
    assert!(!tree.simplify());
}

#[test]
fn a_tree_may_be_filtered_mapped_and_drawn_beside_others() {
    let has_steps = |case: &Case| case.schedule().steps() != 2;
    let filtered = schedules(&forgetful()).prop_filter("not two steps", has_steps);
    let strategy = (0..100_u32, filtered.prop_map(|case| (case, 7)), 0..100_u32);
    let ((one, (case, seven), other), _) = shrunk(&strategy, |(_, (case, _), other)| {
        prop_assert!(other < 10 || !fails(&case));
        Ok(())
    });
    assert_eq!((one, seven, other), (0, 7, 10));
    assert!(case.schedule().steps() <= 3 && has_steps(&case), "{case:#?}");
}

#[test]
fn a_trial_that_nobody_has_seen_is_reverted() {
    let forgets = |pipe: &mut Scenario| pipe.consumer.dedup = Dedup::Memory;
    let (strategy, mut runner) = (trials(shapes(forgets)), TestRunner::deterministic());
    let mut tree = loop {
        let tree = strategy.new_tree(&mut runner).unwrap();
        if fails(&tree.current().case) {
            break tree;
        }
    };
    assert!(!tree.complicate(), "it was never made simpler");
    let before = format!("{:?}", tree.current());
    assert!(tree.simplify());
    assert!(!tree.complicate());
    assert_eq!(format!("{:?}", tree.current()), before);
    assert!(tree.simplify());
    assert!(fails(&tree.current().case), "what is proposed ends alike");
}
