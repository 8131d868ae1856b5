//! The guarantee matrix: what stands in the README is what the crate finds.
//!
//! `matrix.json` is what `postulate matrix --format json` wrote. Running all of it takes minutes,
//! so that here each violated cell is seen to fail at its seed, and each other one to hold on a
//! sample. After a change that shifts it: `postulate matrix --format json -o
//! tests/it/matrix.json`, then `INSTA_UPDATE=always cargo test --release --test it matrix`, and
//! copy the table to the README.

use postulate::matrix::{FAULTS, Fault, Method, Place, STRESS, differences, methods, rules};
use postulate::report::{MatrixCell, matrix_rows};
use postulate::run::{Outcome, Pulse, Subject, Worker};
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use std::collections::BTreeSet;
use std::sync::Arc;

/// On how many schedules a cell that holds is tried again.
const SAMPLE: u64 = 150;

fn cells() -> Vec<MatrixCell> {
    serde_json::from_str(include_str!("matrix.json")).unwrap()
}

fn place(cell: &MatrixCell) -> Place {
    named(cell, &cell.fault)
}

fn named(cell: &MatrixCell, fault: &str) -> Place {
    let word = format!("matrix:{}/{fault}/{}", cell.method, cell.promise);
    Place::named(&word).unwrap().unwrap()
}

fn worker(place: &Place) -> Box<dyn Worker> {
    let subject: Arc<dyn Subject> = place.subject().unwrap();
    subject.worker(Arc::new(Pulse::default()))
}

fn runs(worker: &mut dyn Worker, seeds: impl Iterator<Item = u64>) -> Vec<Outcome> {
    seeds.map(|seed| worker.run(&Schedule::seeded(Seed(seed))).outcome).collect()
}

#[test]
fn every_place_has_its_cell() {
    let told: Vec<String> = cells().iter().map(|cell| place(cell).word()).collect();
    let places = methods().iter().flat_map(|method| {
        let promises = method.expected.iter().map(|it| it.promise);
        promises.flat_map(move |promise| {
            FAULTS.iter().map(move |&fault| Place { method, fault, promise }.word())
        })
    });
    assert_eq!(told, places.collect::<Vec<_>>());
}

#[test]
fn every_violated_cell_fails_at_its_seed_by_its_rule() {
    let mut violated = 0;
    for cell in cells().iter().filter(|cell| cell.verdict == "violated") {
        let seed = cell.seed.expect("a violated cell has a seed");
        let under = cell.under.as_ref().unwrap_or(&cell.fault);
        let failed = worker(&named(cell, under)).run(&Schedule::seeded(seed)).outcome.group();
        assert_eq!(Some(&failed), cell.rule.as_ref(), "{cell:?}");
        violated += 1;
    }
    assert!(violated > 100, "{violated} cells are violated");
}

#[test]
fn every_cell_that_holds_is_stressed_and_holds_on_a_sample() {
    for cell in cells().iter().filter(|cell| cell.verdict == "holds") {
        assert!(cell.schedules >= STRESS, "{cell:?}");
        let promise = place(cell).promise;
        let broken = runs(worker(&place(cell)).as_mut(), 0..SAMPLE).into_iter().find(|outcome| {
            // A run that breaks another rule neither keeps the promise nor breaks it.
            outcome.violation().is_some_and(|it| rules(promise).contains(&it.rule))
        });
        assert!(broken.is_none(), "{}: {broken:?}", place(cell).word());
    }
}

#[test]
fn what_one_class_of_faults_breaks_all_together_break() {
    let cells = cells();
    let violated = |fault: &str| {
        let broken = cells.iter().filter(|cell| cell.verdict == "violated" && cell.fault == fault);
        broken.map(|cell| (&cell.method, &cell.promise)).collect::<BTreeSet<_>>()
    };
    let all = violated("all");
    for fault in FAULTS.iter().filter(|&&fault| fault != Fault::All) {
        assert!(violated(fault.slug()).is_subset(&all), "{fault}");
    }
    let calm = violated("none");
    for fault in FAULTS {
        let idle = cells.iter().filter(|cell| cell.fault == fault.slug());
        let idle = idle.filter(|cell| cell.verdict == "not-stressed" && cell.schedules == 0);
        let idle: BTreeSet<_> = idle.map(|cell| (&cell.method, &cell.promise)).collect();
        let violated = violated(fault.slug());
        assert!(calm.iter().all(|row| violated.contains(row) || idle.contains(row)), "{fault}");
    }
}

#[test]
fn every_difference_is_explained_and_every_explanation_is_about_one() {
    let mut explained = BTreeSet::new();
    for cell in cells().iter().filter(|cell| cell.verdict != cell.expected) {
        assert!(cell.difference.is_some(), "{}: {}", place(cell).word(), cell.verdict);
        explained.insert((cell.method.clone(), cell.promise.clone(), cell.fault.clone()));
    }
    for it in differences() {
        assert!(Method::named(it.method).is_some(), "{}", it.method);
        for fault in it.faults {
            let about = (it.method.to_owned(), it.promise.to_string(), fault.to_string());
            assert!(explained.remove(&about), "{about:?} says what was expected");
        }
    }
    assert!(explained.is_empty(), "{explained:?}");
}

#[test]
fn the_readme_has_the_table() {
    let table = matrix_rows(&cells());
    insta::assert_snapshot!("matrix", table);
    let readme = include_str!("../../README.md");
    assert!(readme.contains(table.trim_end()), "the table of the README is another");
}

#[test]
fn nearly_every_cell_tells_something() {
    let cells = cells();
    let silent = cells.iter().filter(|cell| cell.verdict == "not-stressed" && cell.schedules > 0);
    let silent: Vec<String> = silent.map(|cell| place(cell).word()).collect();
    assert!(20 * silent.len() < cells.len(), "{silent:?}");
    assert!(methods().len() >= 25, "{} methods", methods().len());
}
