//! The hand-written witnesses of the zoo as failure files, which are expected to fail.
//!
//! The code in `src/zoo/witnesses.rs` is what people write, with names and a word on what goes
//! wrong; the files in `tests/zoo` are made of it:
//! `UPDATE_WITNESSES=1 cargo test --test it witnesses`.

use postulate::regression::{Ending, Origin, Regression};
use postulate::run::{Outcome, Pulse};
use postulate::zoo::{Specimen, zoo};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/zoo")
}

#[expect(
    clippy::disallowed_methods,
    reason = "whether to compare or to write is said from outside"
)]
fn is_update() -> bool {
    std::env::var("UPDATE_WITNESSES").is_ok_and(|value| value == "1")
}

/// The witness of a specimen as a file, made of its code.
fn made(specimen: &Specimen) -> Regression {
    let (subject, schedule) = (specimen.subject().unwrap(), specimen.witness_schedule().unwrap());
    let seen = Arc::clone(&subject).worker(Arc::new(Pulse::default())).inspect(&schedule);
    let made = Regression::of(Origin::named(specimen.id), subject.as_ref(), &schedule, &seen);
    made.unwrap_or_else(|| panic!("the witness of {} holds", specimen.id))
}

#[test]
fn every_witness_is_kept_as_a_file_that_says_what_its_code_says() {
    for specimen in zoo() {
        let path = folder().join(format!("{}.json", specimen.id));
        let made = made(specimen).text();
        if is_update() {
            fs::write(&path, made).unwrap();
            continue;
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(kept, made, "{}: write it again with UPDATE_WITNESSES=1", path.display());
    }
    let files = fs::read_dir(folder()).unwrap().count();
    assert_eq!(files, zoo().len(), "there is a file that is of no specimen");
}

#[test]
fn every_witness_fails_as_its_file_says_and_its_twin_holds() {
    for specimen in zoo() {
        let file = format!("{}.json", specimen.id);
        let subject = specimen.subject().unwrap();
        let kept = Regression::parse(&file, &fs::read(folder().join(&file)).unwrap()).unwrap();
        kept.belongs(&file, subject.as_ref()).unwrap();
        assert_eq!(kept.failure.group(), specimen.breaks.slug(), "{file}");
        let seen = Arc::clone(&subject).worker(Arc::new(Pulse::default())).inspect(&kept.schedule);
        let compared = kept.compare(subject.as_ref(), &seen);
        assert_eq!(compared.ending, Ending::Reproduced, "{file}");
        assert!(compared.is_same && compared.missed.is_empty(), "{file}: {compared:?}");

        let twin = specimen.fixed_twin().unwrap().subject().unwrap();
        kept.fit(&file, twin.as_ref()).unwrap();
        let held = Arc::clone(&twin).worker(Arc::new(Pulse::default())).run(&kept.schedule);
        assert_eq!(held.outcome, Outcome::Holds, "{file} on {}", specimen.twin);
    }
}
