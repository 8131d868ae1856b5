//! Failure files on the command line.

use super::{changed, check_parts, complaint, json, postulate, report};
use std::fs;
use std::path::{Path, PathBuf};

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}

/// The file that a sweep says it keeps a failure in.
fn file(report: &str) -> String {
    let kept = report.lines().find(|line| line.trim_start().starts_with("kept ")).unwrap();
    kept.split_once("postulate replay ").unwrap().1.to_owned()
}

#[test]
fn a_sweep_keeps_what_it_finds_in_a_file_that_replays() {
    let folder = folder("cli-kept");
    let mut sweep = postulate("sweep volatile-dedup-set --schedules 20000 --stop-after 1 --save");
    let file = file(&report(sweep.arg(&folder), 1));
    let story = report(postulate("replay").arg(&file), 1);
    check_parts(
        &story,
        &["violates duplicate-effect", "expected", "reproduced: duplicate-effect, and the run is"],
    );
    let replay = json(postulate("replay --rewrite --format json").arg(&file), 1);
    assert_eq!(replay["recorded"]["ending"], "reproduced");
    assert_eq!(replay["recorded"]["is_same"], true);
    assert_eq!(replay["rewritten"]["same_digest"], true);

    let mended = ["--scenario", "exactly-once-pipe"];
    let text = report(postulate("replay").arg(&file).args(mended), 0);
    check_parts(&text, &["gone: no duplicate-effect", "they part after"]);
}

#[test]
fn a_failure_of_a_scenario_file_names_that_file() {
    let (folder, path) = (folder("cli-toml"), changed("kept.toml", "\"inbox\"", "\"memory\""));
    let mut sweep = postulate("sweep --schedules 20000 --stop-after 1 --save");
    let file = file(&report(sweep.arg(&folder).arg(&path), 1));
    let text = report(postulate("replay").arg(&file), 1);
    check_parts(&text, &[&path.display().to_string(), "reproduced"]);
    fs::remove_file(&path).unwrap();
    let text = complaint(postulate("replay").arg(&file));
    check_parts(&text, &["kept.toml", "--scenario names another one"]);
}

#[test]
fn a_file_edited_to_another_run_says_so_and_proves_nothing() {
    let original = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/zoo/volatile-dedup-set.json");
    let text = fs::read_to_string(original).unwrap();
    let path = folder("cli-edited").with_extension("json");
    fs::write(&path, text.replace("\"events\": 3", "\"events\": 30000")).unwrap();
    let told = report(postulate("replay").arg(&path), 4);
    check_parts(
        &told,
        &["diverged", "they part after", "nothing came of it: after event 30000", "by hand"],
    );
    fs::write(&path, text.replace("\"node\": 3", "\"node\": 77")).unwrap();
    let told = complaint(postulate("replay").arg(&path));
    check_parts(&told, &["schedule.faults[0]", "there is no machine 77; they go from 0"]);
    let told = complaint(postulate("replay --scenario w1").arg(&path));
    check_parts(&told, &["there is no machine 77"]);
    fs::write(&path, &text[..300]).unwrap();
    check_parts(&complaint(postulate("replay").arg(&path)), &["cut short"]);
    check_parts(
        &complaint(&mut postulate("replay nowhere.json")),
        &["nowhere.json cannot be read"],
    );
    check_parts(&complaint(&mut postulate("replay w1 --scenario w1 --seed 1")), &["--scenario"]);
}
