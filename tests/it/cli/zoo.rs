//! `postulate zoo`.

use super::{check_parts, complaint, json, postulate, report};
use postulate::zoo::zoo;
use serde_json::Value;

#[test]
fn the_zoo_is_a_table_within_100_columns() {
    let text = report(&mut postulate("zoo"), 0);
    for specimen in zoo() {
        let row = text.lines().find(|line| line.contains(specimen.id)).unwrap();
        check_parts(row, &[&specimen.number.to_string(), specimen.breaks.slug(), specimen.twin]);
    }
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{text}");
}

#[test]
fn a_specimen_is_told_in_full_or_by_its_one_line() {
    let text = report(&mut postulate("zoo 1"), 0);
    check_parts(&text, &["volatile-dedup-set", "power-cut or rolling-restart", "down 5 ms"]);
    let text = report(&mut postulate("zoo volatile-dedup-set --diff"), 0);
    check_parts(&text, &["--- scenarios/exactly-once-pipe.toml", "-dedup = \"inbox\""]);
    check_parts(&text, &["\n+dedup = \"memory\"\n"]);
}

#[test]
fn the_zoo_is_a_json_array() {
    let specimens = json(&mut postulate("zoo --format json"), 0);
    let specimens = specimens.as_array().unwrap();
    assert_eq!(specimens.len(), zoo().len());
    for (told, specimen) in specimens.iter().zip(zoo()) {
        assert_eq!(told["id"], specimen.id);
        assert_eq!(told["number"], specimen.number);
        assert_eq!(told["source"], specimen.source);
        assert_eq!(told["rule"], specimen.breaks.slug());
        assert_eq!(told["scenario"], specimen.twin);
        assert_eq!(told.as_object().unwrap().len(), 5, "{told}");
    }
}

#[test]
fn a_measurement_is_in_the_json_and_in_the_table() {
    let words = "zoo 28 1 --measure --trials 3 --cap 5_000 --format json";
    let told = json(&mut postulate(words), 0);
    assert_eq!((&told[0]["number"], &told[1]["number"]), (&28.into(), &1.into()));
    for specimen in told.as_array().unwrap() {
        assert_eq!(specimen["strategy"], "mix");
        assert_eq!((&specimen["trials"], &specimen["found"]), (&3.into(), &3.into()));
        assert!(specimen["median"].as_u64() <= specimen["p90"].as_u64(), "{specimen}");
        assert_eq!(
            (&specimen["decisions"], &specimen["witness_decisions"]),
            (&1.into(), &1.into())
        );
        assert!(specimen["shrink_ms"].as_f64() > Some(0.0), "{specimen}");
        assert!(specimen["shrink_runs"].as_u64() > Some(2), "{specimen}");
        assert_eq!(specimen["not_shrunk"], 0);
    }
    let text = report(&mut postulate("zoo 28 --measure --trials 3 --jobs 1"), 0);
    check_parts(&text, &["3 of 3", "duplicate-record 3", "counts as that many", "witness"]);
}

#[test]
fn what_is_not_found_is_exit_code_1() {
    let told = json(&mut postulate("zoo 21 --measure --trials 2 --cap 1 --format json"), 1);
    assert_eq!((&told[0]["found"], &told[0]["median"]), (&0.into(), &1.into()));
    assert_eq!((&told[0]["decisions"], &told[0]["shrink_ms"]), (&Value::Null, &Value::Null));
    let text = report(&mut postulate("zoo 21 --measure --trials 2 --cap 1"), 1);
    check_parts(&text, &["0 of 2"]);
}

#[test]
fn what_is_verified_is_told_check_by_check() {
    let told = json(&mut postulate("zoo 2 --verify --trials 3 --format json"), 0);
    let checks = told[0]["checks"].as_array().unwrap();
    assert!(checks.len() >= 7, "{told}");
    for check in checks {
        assert_eq!(check["holds"], true, "{check}");
        assert!(check["check"].is_string() && check["told"].is_string(), "{check}");
    }
    assert!(told[0].get("median").is_none(), "nobody asked for the measurement");
}

#[test]
fn an_unknown_specimen_is_told_its_neighbours() {
    let text = complaint(&mut postulate("zoo volatile-dedup-sets"));
    check_parts(&text, &["volatile-dedup-sets", "did you mean volatile-dedup-set?"]);
    check_parts(&complaint(&mut postulate("zoo 1 99")), &["\"99\"", "`postulate zoo` lists"]);
    check_parts(&complaint(&mut postulate("zoo --measure --cap 0")), &["from 1 on"]);
    complaint(&mut postulate("zoo --measure --trials 0"));
}
