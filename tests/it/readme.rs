//! The README, put to the test: its commands run as it says, its test is a test.

use postulate::scenario::Scenario;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const README: &str = include_str!("../../README.md");

/// A command of the README and what it shows of its output.
struct Shown {
    command: String,
    output: String,
}

/// The commands of the console blocks that this package can run: not those of cargo itself.
fn commands() -> Vec<Shown> {
    let blocks = README.split("```console\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap());
    let mut commands = Vec::new();
    for part in blocks.flat_map(|block| block.split("$ ").skip(1)) {
        let (command, output) = part.split_once('\n').unwrap();
        let command = command.replacen("cargo run --release -- ", "postulate ", 1);
        if !command.starts_with("cargo ") {
            commands.push(Shown { command, output: output.to_owned() });
        }
    }
    commands
}

/// The first line up to its colon, if there is one.
fn verdict(output: &str) -> Option<&str> {
    output.trim().lines().next()?.split(':').next()
}

/// A folder like that of a fresh clone, with the scenarios in it.
fn clone() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    fs::create_dir_all(folder.join("scenarios")).unwrap();
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for entry in fs::read_dir(scenarios).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join("scenarios").join(path.file_name().unwrap())).unwrap();
    }
    folder
}

#[test]
fn the_commands_run_and_end_as_shown() {
    let folder = clone();
    let mut postulates = 0;
    for Shown { command, output } in commands() {
        let binary = env!("CARGO_BIN_EXE_postulate");
        let line = command.replacen("postulate ", &format!("'{binary}' "), 1);
        let end = Command::new("sh")
            .args(["-c", &line])
            .current_dir(&folder)
            .env("POSTULATE_SCHEDULES", "2000")
            .env_remove("POSTULATE_SEED")
            .output()
            .unwrap();
        let told = String::from_utf8(end.stdout).unwrap();
        let expected = i32::from(output.contains("violate"));
        assert_eq!(end.status.code(), Some(expected), "{command}\n{told}");
        // The first line has the verdict; of how many schedules, is another matter here.
        if let Some(shown) = verdict(&output) {
            assert_eq!(verdict(&told), Some(shown), "{command}");
        }
        postulates += u32::from(command.starts_with("postulate "));
    }
    assert!(postulates >= 4, "the README shows {postulates} commands of postulate");
}

#[test]
fn the_test_in_the_readme_is_a_test() {
    let (_, test) = include_str!("pipe.rs").split_once("\n\n").unwrap();
    assert!(README.contains(test), "tests/it/pipe.rs is not in the README:\n{test}");
    assert!(test.lines().count() <= 15);
}

/// The lines of a part of the help, each cut into its first word and the rest.
fn listed(title: &str) -> Vec<(String, String)> {
    let end = Command::new(env!("CARGO_BIN_EXE_postulate")).arg("--help").output().unwrap();
    let help = String::from_utf8(end.stdout).unwrap();
    let (_, listed) = help.split_once(&format!("{title}:\n")).unwrap();
    let lines = listed.lines().take_while(|line| !line.is_empty());
    let cut = lines.filter_map(|line| line.trim_start().split_once(' '));
    cut.map(|(word, rest)| (word.to_owned(), rest.trim().to_owned())).collect()
}

#[test]
fn exit_codes_and_variables_are_those_of_the_help() {
    let codes = listed("Exit codes");
    assert_eq!(codes.len(), 5);
    for (code, meaning) in codes {
        let row = format!("\n| {code} | {meaning} |\n");
        assert!(README.contains(&row), "the README has no{row}");
    }
    let (_, section) = README.split_once("## Environment\n").unwrap();
    let variables = listed("Environment");
    assert!(variables.len() >= 7, "{variables:?}");
    let rows = section.lines().skip_while(|line| !line.starts_with('|')).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let read: Vec<_> = rows.filter(|row| !row.ends_with("| |")).collect();
    for (name, _) in &variables {
        let name = format!("`{name}`");
        assert!(read.iter().any(|row| row.contains(&name)), "the README has no {name}");
    }
    for name in read.iter().flat_map(|row| row.split('`')).filter(|word| {
        word.contains('_')
            && word.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
    }) {
        assert!(variables.iter().any(|(other, _)| other == name), "the help has no {name}");
    }
}

#[test]
fn every_command_is_in_the_readme_and_no_other() {
    let mut real: Vec<_> = listed("Commands").into_iter().map(|(command, _)| command).collect();
    real.retain(|command| command != "help");
    let rows = README.lines().filter_map(|line| line.strip_prefix("| `postulate "));
    let shown: Vec<_> = rows.filter_map(|row| row.split([' ', '`']).next()).collect();
    assert_eq!(shown, real);
}

#[test]
fn the_scenario_in_the_readme_is_one_and_its_slip_is_told_so() {
    let (_, rest) = README.split_once("```toml\nname = ").unwrap();
    let text = format!("name = {}", rest.split("```").next().unwrap());
    Scenario::from_toml("orders.toml", &text).and_then(Scenario::system).unwrap();
    let slip = text.replace("before-ack", "befor-ack");
    let error = Scenario::from_toml("orders.toml", &slip).unwrap_err().to_string();
    assert!(README.contains(&error), "the README does not show\n{error}");
}
