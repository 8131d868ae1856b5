//! What the command gives to the shell: completions and manual pages.

use super::{check_parts, complaint, postulate, report};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The commands, as `help` lists them.
fn commands() -> Vec<String> {
    let help = report(&mut postulate("--help"), 0);
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let lines = listed.lines().take_while(|line| !line.is_empty());
    let words = lines.filter_map(|line| line.split_whitespace().next());
    words.filter(|&word| word != "help").map(str::to_owned).collect()
}

/// What `program` says to `input`; nothing if there is no such program.
fn asked(program: &str, words: &[&str], input: &str) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Some(child.wait_with_output().unwrap())
}

#[test]
fn every_shell_gets_completions_that_know_every_command() {
    let commands = commands();
    assert!(commands.len() >= 8, "{commands:?}");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = report(&mut postulate(&format!("completions {shell}")), 0);
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell} does not know {command}");
        }
        check_parts(&script, &["stop-after", "scenario"]);
    }
    check_parts(&complaint(&mut postulate("completions tcl")), &["tcl", "bash", "zsh"]);
}

/// Sources the completions, and asks for those of the last of `words`.
#[track_caller]
fn check_completed(words: &[&str], expected: &[&str]) {
    let script = report(&mut postulate("completions bash"), 0);
    let quoted = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let last = words.len() - 1;
    let (now, before) = (words[last], words[last - 1]);
    let input = format!(
        "{script}\ncomplete -p postulate || exit 9\nCOMP_WORDS=({quoted})\nCOMP_CWORD={last}\n\
         _postulate postulate '{now}' '{before}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    );
    let Some(Output { status, stdout, stderr }) = asked("bash", &["--norc"], &input) else {
        return;
    };
    let (told, complaint) =
        (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(status.success(), "{told}{complaint}");
    assert_eq!(complaint, "");
    let mut lines = told.lines();
    let registered = lines.next().unwrap();
    assert!(registered.starts_with("complete ") && registered.ends_with(" postulate"), "{told}");
    assert_eq!(lines.collect::<Vec<_>>(), expected, "{words:?}");
}

#[test]
fn bash_completes_commands_options_and_values() {
    check_completed(&["postulate", "swe"], &["sweep"]);
    check_completed(&["postulate", "sweep", "--stop"], &["--stop-after"]);
    check_completed(&["postulate", "replay", "--expl"], &["--explain"]);
    check_completed(&["postulate", "check", "--format", "j"], &["json"]);
}

/// Asserts that a manual page is set without a warning, and that it says all of `parts`.
#[track_caller]
fn check_page(page: &str, parts: &[&str]) {
    for macros in
        [".TH postulate", ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH \"EXIT STATUS\""]
    {
        assert!(page.contains(macros), "{macros} is not in:\n{page}");
    }
    let Some(set) = asked("groff", &["-man", "-Tascii", "-ww", "-P-cbou"], page) else { return };
    assert_eq!(String::from_utf8(set.stderr).unwrap(), "");
    assert!(set.status.success());
    check_parts(&String::from_utf8_lossy(&set.stdout), parts);
}

#[test]
fn the_manual_page_says_what_the_help_says() {
    let page = report(&mut postulate("man"), 0);
    let commands = commands();
    let names: Vec<_> = commands.iter().map(|command| format!("postulate-{command}(1)")).collect();
    check_page(&page, &names.iter().map(String::as_str).collect::<Vec<_>>());
    check_page(&page, &["ENVIRONMENT", "POSTULATE_SEED", "NO_COLOR", "every schedule kept every"]);
    check_page(&page, &["3 a schedule did not run twice alike"]);
}

#[test]
fn a_folder_gets_a_page_for_each_command() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("man/pages");
    let _ = fs::remove_dir_all(&folder);
    let told = report(postulate("man --dir").arg(&folder), 0);
    let mut names = vec!["postulate.1".to_owned()];
    names.extend(commands().iter().map(|command| format!("postulate-{command}.1")));
    let files: Vec<_> = told.lines().map(Path::new).collect();
    assert_eq!(files.len(), names.len(), "{told}");
    for (file, name) in files.iter().zip(&names) {
        assert_eq!(*file, folder.join(name));
        check_page(&fs::read_to_string(file).unwrap(), &["EXIT STATUS", "makes no sense"]);
    }
    let sweep = fs::read_to_string(folder.join("postulate-sweep.1")).unwrap();
    check_page(&sweep, &["--stop-after", "POSTULATE_SCHEDULES", "exhaustive:K"]);
    let file = folder.join("postulate.1");
    check_parts(&complaint(postulate("man --dir").arg(&file)), &["pages cannot be written"]);
}
