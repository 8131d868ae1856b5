//! `postulate shrink`.

use super::{check_parts, json, postulate, report};

/// A seed under which the specimen fails, and one under which it holds.
fn seeds() -> (String, String) {
    let words = "sweep pipelined-retry-without-sequence --schedules 300 --format json";
    let sweep = json(&mut postulate(words), 1);
    let failing = sweep["groups"][0]["seed"].as_str().unwrap().to_owned();
    let held = (0..300).map(|seed| format!("{seed}")).find(|seed| {
        let words = format!("replay pipelined-retry-without-sequence --seed {seed}");
        postulate(&words).output().unwrap().status.code() == Some(0)
    });
    (failing, held.unwrap())
}

#[test]
fn a_failure_is_told_in_the_few_steps_that_it_takes() {
    let (failing, held) = seeds();
    let words = format!("shrink pipelined-retry-without-sequence --seed {failing}");
    let text = report(&mut postulate(&words), 1);
    check_parts(&text, &["duplicate-record", "to 1 step", "drop broker→producer", "expected"]);
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{text}");
    let told = json(&mut postulate(&format!("{words} --seeds 2 --format json")), 1);
    assert_eq!(told["verdict"], "violated");
    let bugs = told["bugs"].as_array().unwrap();
    let count: u64 = bugs.iter().map(|bug| bug["count"].as_u64().unwrap()).sum();
    assert_eq!(count, 2, "{told}");
    let bug = &bugs[0];
    assert_eq!((&bug["group"], &bug["after"]["steps"]), (&"duplicate-record".into(), &1.into()));
    assert_eq!(bug["steps"].as_array().unwrap().len(), 1);
    assert_eq!(bug["schedule"]["baseline"], "quiet");
    assert!(bug["before"]["steps"].as_u64() > Some(1), "{bug}");

    let words = format!("shrink pipelined-retry-without-sequence --seed {held}");
    check_parts(&report(&mut postulate(&words), 4), &["is not shrunk", "every promise is kept"]);
    let told = json(&mut postulate(&format!("{words} --format json")), 4);
    assert_eq!(
        (&told["verdict"], &told["refused"][0]["reason"]),
        (&"unknown".into(), &"holds".into())
    );
}

#[test]
fn a_budget_that_is_spent_is_told() {
    let (failing, _) = seeds();
    let words = format!("shrink pipelined-retry-without-sequence --seed {failing} --budget 3");
    let text = report(&mut postulate(&words), 1);
    let unwrapped = text.split_whitespace().collect::<Vec<_>>().join(" ");
    check_parts(&unwrapped, &["in 3 runs, then the search was ended"]);
}

#[test]
fn a_workload_that_fails_by_itself_is_told() {
    let text = report(&mut postulate("shrink business-key-as-message-id --seed 0"), 1);
    check_parts(&text, &["to 0 steps", "none: the workload fails by itself", "left out"]);
}
