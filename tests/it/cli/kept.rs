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

#[test]
fn a_failure_file_is_shrunk_and_written_again_if_that_is_wanted() {
    let folder = folder("cli-shrunk");
    let words = "sweep volatile-dedup-set --schedules 200 --stop-after 1 --look-into 0 --save";
    let file = file(&report(postulate(words).arg(&folder), 1));
    let before = fs::read_to_string(&file).unwrap();
    let told = report(postulate("shrink").arg(&file), 1);
    check_parts(&told, &["to 1 step", "is as it was; --save writes it again"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);

    let told = json(postulate("shrink --save --format json").arg(&file), 1);
    assert_eq!(told["file"]["fate"], "written");
    let story = report(postulate("replay").arg(&file), 1);
    check_parts(&story, &["a quiet run, and 1 decision", "the run is the recorded one"]);
    let small = fs::read_to_string(&file).unwrap();
    let told = json(postulate("shrink --save --format json").arg(&file), 1);
    assert_eq!(told["file"]["fate"], "small-already");
    assert_eq!(fs::read_to_string(&file).unwrap(), small);

    let other = small.replace("\"rule\": \"duplicate-effect\"", "\"rule\": \"lost\"");
    assert_ne!(other, small);
    fs::write(&file, &other).unwrap();
    let told = report(postulate("shrink --save").arg(&file), 1);
    check_parts(&told, &["it records another failure, lost"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), other);

    let gone = ["--scenario", "exactly-once-pipe"];
    check_parts(&report(postulate("shrink").arg(&file).args(gone), 4), &["is not shrunk"]);
    let told = complaint(&mut postulate("shrink w1 --seed 1 --save"));
    check_parts(&told, &["no failure file to write again", "sweep --save DIR"]);
    check_parts(&complaint(&mut postulate("shrink w1")), &["add --seed SEED"]);
    let told = complaint(postulate("shrink --seeds 3").arg(&file));
    check_parts(&told, &["the seeds after its own", "leave out --seeds"]);
    for command in ["replay --strategy pos", "shrink --strategy mix"] {
        let told = complaint(postulate(command).arg(&file));
        check_parts(&told, &["needs no strategy", "leave out --strategy"]);
    }
}

#[test]
fn what_is_about_seeds_is_refused_of_an_exhaustive_search() {
    for option in ["--look-into 3", "--novelty"] {
        let words = format!("sweep w1 --strategy exhaustive:1 {option}");
        let told = complaint(&mut postulate(&words));
        check_parts(&told, &["has no seeds", option.split(' ').next().unwrap()]);
    }
}

#[test]
fn a_sweep_tells_its_bugs_and_keeps_the_smallest_example_of_each() {
    let folder = folder("cli-bugs");
    let words = "sweep volatile-dedup-set --schedules 200 --look-into 3 --format json --save";
    let sweep = json(postulate(words).arg(&folder), 1);
    let group = &sweep["groups"][0];
    assert_eq!(group["looked_into"], 3);
    let bugs = group["bugs"].as_array().unwrap();
    let seeds: usize = bugs.iter().map(|bug| bug["seeds"].as_array().unwrap().len()).sum();
    assert_eq!(seeds, 3);
    for bug in bugs {
        let file = bug["file"].as_str().unwrap();
        let replay = json(postulate("replay --format json").arg(file), 1);
        assert_eq!(replay["recorded"]["is_same"], true);
        assert_eq!(replay["digest"], bug["digest"]);
        assert_eq!(replay["decisions"].as_array().unwrap().len() as u64, bug["after"]["steps"]);
    }
}
