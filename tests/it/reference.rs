//! The reference of scenario files is what the types say: keys, values, bounds, defaults and their
//! meanings, as the docstrings have them.
//!
//! `UPDATE_REFERENCE=1 cargo test --test it reference` writes the page again.

mod defaults;
mod page;
mod types;

use postulate::run::{Pulse, Subject};
use postulate::scenario::{Scenario, ScenarioError};
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use types::Count;

/// A scenario that states no more than it must, under faults that meet whatever it leaves out.
const LEAST: &str = r#"
name = "least"
promises = ["exactly-once"]

[workload]
producers = 1
messages = 5

[run]
envelope = ["loss", "delay", "disconnect", "crash", "power-cut", "pause", "timer-late"]
"#;

const BEGIN: &str =
    "<!-- From here on the page is made from the types by tests/it/reference. -->\n";

fn page_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/scenario/reference.md")
}

fn page_text() -> String {
    fs::read_to_string(page_path()).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "whether to compare or to write is said from outside"
)]
fn is_update() -> bool {
    std::env::var("UPDATE_REFERENCE").is_ok_and(|value| value == "1")
}

#[test]
fn the_page_says_what_the_types_say() {
    let sections = types::sections(&types::Sources::read());
    let generated = page::render(&sections, &defaults::stated(&sections));
    let page = page_text();
    let (written, before) = page.split_once(BEGIN).expect("the page has a part that is generated");
    if is_update() {
        fs::write(page_path(), format!("{written}{BEGIN}{generated}")).unwrap();
        return;
    }
    let lines = before.lines().zip(generated.lines());
    if let Some((stale, right)) = { lines }.find(|(stale, right)| stale != right) {
        panic!("the page says\n{stale}\nand the types say\n{right}\n{UPDATE}");
    }
    assert_eq!(before.lines().count(), generated.lines().count(), "{UPDATE}");
}

const UPDATE: &str = "write it again with UPDATE_REFERENCE=1 cargo test --test it reference";

/// What the digests of the first seeds come to.
fn digests(scenario: Scenario) -> Result<Vec<u64>, ScenarioError> {
    let subject: Arc<dyn Subject> = scenario.subject()?;
    let mut worker = Arc::clone(&subject).worker(Arc::new(Pulse::default()));
    Ok((0..40).map(|seed| worker.run(&Schedule::seeded(Seed(seed))).digest).collect())
}

/// To state a default is to leave the key out: the runs are the same.
#[test]
fn the_defaults_are_what_comes_of_leaving_keys_out() {
    let sections = types::sections(&types::Sources::read());
    // To state a key of these is to have a section more.
    let adds_a_section = |key: &str| {
        let mut added = sections.iter().filter(|section| section.count != Count::One);
        added.any(|section| key.starts_with(&format!("{}.", section.name)))
    };
    let least = digests(Scenario::from_toml("least.toml", LEAST).unwrap()).unwrap();
    let mut stated = 0;
    for (key, value) in defaults::stated(&sections) {
        let is_stated = LEAST.contains(&format!("\n{} = ", key.rsplit('.').next().unwrap()));
        if is_stated || adds_a_section(&key) {
            continue;
        }
        match Scenario::from_toml_changed("least.toml", LEAST, &key, &value).and_then(digests) {
            Ok(digests) => assert_eq!(digests, least, "{key} = {value} is no default"),
            // Where nothing needs the key, stating even its default is refused.
            Err(ScenarioError::Impossible { .. }) => continue,
            Err(error) => panic!("{key} = {value}: {error}"),
        }
        stated += 1;
    }
    assert!(stated >= 30, "only {stated} defaults were put to the test");
}

#[test]
fn the_examples_of_the_page_are_scenarios() {
    let page = page_text();
    let examples = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut count = 0;
    for example in examples {
        // A part of a scenario goes with the least of the rest.
        let text = if example.starts_with("name") {
            example.to_owned()
        } else {
            LEAST.split("[run]").next().unwrap().to_owned() + example
        };
        let scenario = Scenario::from_toml("reference.md", &text);
        scenario.unwrap_or_else(|error| panic!("{error} in\n{text}"));
        count += 1;
    }
    assert!(count >= 2, "the page has {count} examples");
}
