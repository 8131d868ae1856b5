//! Failures explained on the command line.

use super::{check_parts, complaint, json, postulate, report};
use std::fs;
use std::path::PathBuf;

const SEED: &str = "replay volatile-dedup-set --seed 0x11";
const WITNESS: &str =
    concat!("replay ", env!("CARGO_MANIFEST_DIR"), "/tests/zoo/volatile-dedup-set.json");

#[test]
fn a_seed_is_made_small_and_a_file_is_told_as_it_is() {
    let text = report(&mut postulate(&format!("{SEED} --explain")), 1);
    check_parts(
        &text,
        &[
            "volatile-dedup-set seed 0x11 violates duplicate-effect",
            "What it takes: 1 step, shrunk from ",
            "What led to it: ",
            "When it became likely",
            "The nearest run that holds",
            "see it     postulate replay volatile-dedup-set --seed 0x11 --explain",
        ],
    );
    let text = report(&mut postulate(&format!("{WITNESS} --explain")), 1);
    check_parts(&text, &["What it takes: 1 step", "volatile-dedup-set.json --explain"]);
    assert!(!text.contains("shrunk"), "{text}");
    let whole = report(&mut postulate(&format!("{SEED} --explain --whole")), 1);
    assert!(!whole.contains("shrunk") && !whole.contains("What it takes: 1 step"), "{whole}");
}

#[test]
fn an_explanation_comes_in_many_forms() {
    let explained = json(&mut postulate(&format!("{WITNESS} --explain --format json")), 1);
    assert_eq!(explained["format"], 1);
    assert_eq!(explained["group"], "duplicate-effect");
    assert_eq!(explained["steps"].as_array().unwrap().len(), 1);
    let page = report(&mut postulate(&format!("{WITNESS} --format html")), 1);
    assert!(page.starts_with("<!doctype html>") && page.contains("duplicate-effect"));
    let diagram = report(&mut postulate(&format!("{WITNESS} --format mermaid")), 1);
    assert!(diagram.starts_with("sequenceDiagram\n"), "{diagram}");
    let trace = json(&mut postulate(&format!("{WITNESS} --format perfetto")), 1);
    assert!(trace["traceEvents"].as_array().is_some_and(|events| events.len() > 40));
}

#[test]
fn an_explanation_goes_to_a_file_without_colours_and_the_verdict_to_the_screen() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("explained.txt");
    let mut command = postulate(&format!("{WITNESS} --explain"));
    let told = report(command.env("CARGO_TERM_COLOR", "always").arg("-o").arg(&file), 1);
    assert_eq!(told, "volatile-dedup-set seed 0x0 violates duplicate-effect\n");
    let text = fs::read_to_string(file).unwrap();
    assert!(text.starts_with(told.trim_end()) && !text.contains('\x1b'), "{text}");
    let mut command = postulate(&format!("{WITNESS} --explain"));
    let painted = report(command.env("CARGO_TERM_COLOR", "always"), 1);
    assert!(painted.contains('\x1b'));
    let mut command = postulate(&format!("{WITNESS} --explain"));
    let bare = report(command.env("CARGO_TERM_COLOR", "always").env("NO_COLOR", "1"), 1);
    assert_eq!(bare, text);
}

#[test]
fn what_holds_has_nothing_to_explain() {
    let told = report(&mut postulate("replay exactly-once-pipe --seed 1 --explain"), 0);
    check_parts(&told, &["exactly-once-pipe seed 0x1 holds: there is nothing to explain"]);
}

#[test]
fn what_an_explanation_cannot_take_is_refused() {
    for option in ["--rewrite", "--history run.jsonl"] {
        let text = complaint(&mut postulate(&format!("{SEED} --explain {option}")));
        let name = option.split(' ').next().unwrap();
        check_parts(&text, &[name, "about the whole run", "run the command twice"]);
    }
    let text = complaint(&mut postulate(&format!("{SEED} --whole")));
    check_parts(&text, &["--whole is about explanations", "add --explain"]);
    let text = complaint(&mut postulate(&format!("{WITNESS} --explain -o /nowhere/it.txt")));
    check_parts(&text, &["the report cannot be written to /nowhere/it.txt"]);
}
