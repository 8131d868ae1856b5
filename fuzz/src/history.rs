//! Any text as a history, one operation a line.

use postulate::check::{Promise, judge};
use postulate::history::lines;
use postulate::scenario::{Scenario, catalogue};
use std::sync::LazyLock;

/// What each scenario of the catalogue promises.
static PROMISES: LazyLock<Vec<Vec<Promise>>> = LazyLock::new(|| {
    let subjects = catalogue().iter().map(|entry| entry.scenario().and_then(Scenario::subject));
    subjects.map(|subject| subject.expect("it is in the catalogue").promises().to_vec()).collect()
});

/// Reads `bytes` as a history. One that is refused has to be refused in one of its lines; one that
/// is accepted is written and read again, and judged by the promises of every scenario.
///
/// # Panics
/// If a refusal names no line of the text, if the history that was read is another once it is
/// written, or if two judges differ.
pub fn try_out(bytes: &[u8]) {
    let history = match lines::read(bytes) {
        Ok(history) => history,
        Err(error) => {
            let lines = bytes.split(|&byte| byte == b'\n').count();
            assert!((1..=lines).contains(&error.line()), "there is no such line: {error}");
            return;
        }
    };
    let mut written = Vec::new();
    lines::write(&history, &mut written).expect("memory takes it");
    let again = lines::read(&written[..]).expect("it was written by this crate");
    assert_eq!(again, history, "{}", String::from_utf8_lossy(&written));
    for promises in PROMISES.iter() {
        assert_eq!(judge(&history, promises), judge(&again, promises), "{promises:?}");
    }
}
