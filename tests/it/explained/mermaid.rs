//! The sequence diagrams.

use super::{each_witness, witness};
use postulate::report::explained_mermaid;
use postulate::zoo::Specimen;
use std::collections::BTreeSet;

/// What GitHub draws at most, in characters.
const LENGTH_MAX: usize = 50_000;

const ARROWS: [&str; 4] = ["-->>", "->>", "--x", "-x"];

/// Checks a statement; `declared` are the machines so far.
fn check(statement: &str, declared: &mut BTreeSet<String>) {
    let statement = statement.trim_start();
    if statement == "sequenceDiagram" || statement.starts_with("%% ") {
        return;
    }
    check_entities(statement);
    if let Some(rest) = statement.strip_prefix("participant ") {
        let (id, name) = rest.split_once(" as ").expect("a name");
        assert!(!name.is_empty() && declared.insert(id.to_owned()), "{statement}");
        return;
    }
    let (head, label) = statement.split_once(": ").expect("a label");
    assert!(!label.trim().is_empty(), "{statement}");
    if head == "title" {
        return;
    }
    let arrow = ARROWS.iter().find_map(|arrow| head.split_once(arrow));
    let machines: Vec<&str> = match (head.strip_prefix("Note over "), arrow) {
        (Some(over), _) => over.split(',').collect(),
        (None, Some((from, to))) => vec![from, to],
        (None, None) => panic!("neither a note nor an arrow: {statement}"),
    };
    for machine in machines {
        assert!(declared.contains(machine), "{machine} is not declared: {statement}");
    }
}

/// A semicolon ends a statement unless it ends an entity, and a hash begins nothing else.
fn check_entities(statement: &str) {
    let plain = statement.replace("<br/>", "");
    assert!(!plain.contains(['<', '>', '"', '`', '$', '%']) || plain.contains(">>"), "{plain}");
    let mut rest = statement;
    while let Some(at) = rest.find(['#', ';']) {
        let entity = rest[at..].strip_prefix('#').and_then(|rest| rest.split_once(';'));
        let (code, after) = entity.unwrap_or_else(|| panic!("a bare ; or #: {statement}"));
        assert!(code.bytes().all(|byte| byte.is_ascii_digit()), "{statement}");
        rest = after;
    }
}

/// The steps that are marked where they took hold.
fn step_numbers(drawn: &str) -> BTreeSet<usize> {
    let marked = drawn.split("← step ").skip(1);
    let is_other = |character: char| !character.is_ascii_digit() && !", ".contains(character);
    let lists = marked.filter_map(|rest| rest.split(is_other).next());
    lists.flat_map(|list| list.split(", ").filter_map(|number| number.parse().ok())).collect()
}

#[test]
fn every_witness_is_drawn_in_the_syntax_of_mermaid() {
    each_witness(|specimen, subject, account| {
        let drawn = explained_mermaid(account, subject.as_ref());
        assert!(drawn.len() < LENGTH_MAX, "{}", specimen.id);
        assert!(drawn.starts_with("sequenceDiagram\n"), "{}", specimen.id);
        let mut declared = BTreeSet::new();
        for statement in drawn.lines() {
            check(statement, &mut declared);
        }
        let shows = drawn.contains('▶') || account.explanation.anchors.is_empty();
        assert!(shows, "{}: nothing shows the failure\n{drawn}", specimen.id);
        for (number, step) in (1..).zip(&account.explanation.steps) {
            let is_told = step_numbers(&drawn).contains(&number);
            assert!(is_told || step.moments.is_empty(), "{}: step {number}", specimen.id);
        }
    });
}

#[test]
fn two_witnesses_are_drawn() {
    for id in ["split-effect-and-dedup", "pipelined-retry-without-sequence"] {
        let (subject, account) = witness(Specimen::named(id).unwrap());
        insta::assert_snapshot!(id, explained_mermaid(&account, subject.as_ref()));
    }
}
