//! The checkers against the definitions of their rules, on small histories.
//!
//! The histories, and the rules word by word, are those of the tests.

use check::naive::{Naive, group};
use check::random::{Rng, mutated, promises, stamped};
use check::text::tell;
use postulate::check::{Judge, judge};
use postulate::history::History;

#[path = "../../tests/it/check"]
#[expect(dead_code, unused_imports, reason = "the tests have uses for all of it")]
mod check {
    pub mod naive;
    pub mod random;
    pub mod text;
}

/// Makes a history and promises of `bytes`, and judges.
///
/// # Panics
/// If a checker does not say what the definition of its rule does, or does not know after an
/// operation that the bytes choose what is owed and what is broken for good.
pub fn try_out(bytes: &[u8]) {
    let mut rng = Rng::of_bytes(bytes);
    let promises = promises(&mut rng);
    let history = stamped(mutated(&mut rng));
    let naive = Naive::new(&history, &promises);
    let verdict = judge(&history, &promises);
    let told = || format!("{promises:#?} {history:#?} {}", tell(&verdict));
    assert_eq!(group(&verdict), naive.verdict(), "{:?} {}", naive.broken_rules(), told());
    let mut judge = Judge::new(&promises);
    let stop = rng.below(history.operations().len().max(1));
    for (at, operation) in history.operations().iter().enumerate() {
        judge.observe(operation);
        if at == stop {
            let prefix = History::new(history.operations()[..=at].to_vec());
            let naive = Naive::new(&prefix, &promises);
            assert_eq!(judge.owed() as usize, naive.owed(), "after operation {at}: {}", told());
            assert_eq!(judge.broken(), naive.beyond_repair(), "after operation {at}: {}", told());
        }
    }
    assert_eq!(judge.conclude(&history), verdict, "{}", told());
}
