//! Failures that proptest keeps, and tries first from then on.

use super::schedules::{forgetful, holds};
use postulate::property::{Case, config, schedules};
use postulate::schedule::Schedule;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseResult, TestRunner};
use std::cell::RefCell;
use std::fs;
use std::path::Path;

/// Runs the property with failures kept in `file`; gives back the schedules it was tested with.
fn tested(file: &'static str, property: impl Fn(Case) -> TestCaseResult) -> (bool, Vec<Schedule>) {
    let persistence = Box::new(FileFailurePersistence::Direct(file));
    let config = Config { failure_persistence: Some(persistence), cases: 64, ..config() };
    let seen = RefCell::new(Vec::new());
    let result = TestRunner::new(config).run(&schedules(&forgetful()), |case| {
        seen.borrow_mut().push(case.schedule().clone());
        property(case)
    });
    (result.is_ok(), seen.into_inner())
}

#[test]
fn a_seed_that_is_kept_gives_the_same_schedule_and_is_tried_first() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("proptest-regressions");
    let _ = fs::remove_dir_all(&folder);
    let file: &'static str = folder.join("forgetful.txt").display().to_string().leak();
    // Sixty-four seeds may all hold by chance.
    let (mut is_ok, mut seen) = (true, Vec::new());
    while is_ok {
        (is_ok, seen) = tested(file, holds);
    }
    let text = fs::read_to_string(file).unwrap();
    let kept: Vec<_> = text.lines().filter(|line| line.starts_with("cc ")).collect();
    assert_eq!(kept.len(), 1, "{text}");
    assert!(kept[0].contains("# shrinks to ") && kept[0].contains("crash of consumer"), "{text}");
    // It shrinks as it did, once it is found.
    let (is_ok, again) = tested(file, holds);
    assert!(!is_ok);
    let found = seen.iter().position(|schedule| *schedule == again[0]).unwrap();
    assert_eq!(again, seen[found..]);
    // Once the bug is gone it is tried all the same.
    let (is_ok, mended) = tested(file, |_| Ok(()));
    assert!(is_ok);
    assert_eq!(mended[0], again[0]);
    assert_eq!(mended.len(), 65);
}
