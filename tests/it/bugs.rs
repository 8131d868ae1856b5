//! The failures of a sweep, told apart as the bugs that they are.

use crate::fake::{Act, Fake, Patient};
use crate::shrink::puzzle::{Puzzle, has_crash, key};
use postulate::check::Rule;
use postulate::explore::{
    BUDGET, Captured, Inquiry, Refusal, Sweep, Swept, Watch, bugs, capture, sweep,
};
use postulate::regression::{Failure, Origin};
use postulate::report::{Paint, Paste, Sight, sweep_json, sweep_text};
use postulate::run::Subject;
use postulate::schedule::{Schedule, Strategy};
use postulate::seed::Seed;
use postulate::shrink::{Budget, NotShrunk};
use postulate::zoo::Specimen;
use serde_json::Value;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

const BROKEN: Act = Act::Break(Rule::DuplicateEffect);

/// With patience for a machine that is busy with the other tests.
fn plan() -> Sweep {
    Sweep { schedules: 100, hung_after_ticks: 10_000, ..Sweep::default() }
}

/// For what does hang.
fn hasty() -> Sweep {
    Sweep { hung_after_ticks: 100, ..plan() }
}

fn patient() -> Arc<dyn Watch> {
    Arc::new(Patient)
}

/// Of three seeds one fails by a crash, one by a message that is late, one not at all.
fn two_bugs(schedule: &Schedule) -> Act {
    let fails = match schedule.seed.0 % 3 {
        0 => has_crash(schedule, 3),
        1 => schedule.decisions.contains_key(&key(41)),
        _ => false,
    };
    if fails { BROKEN } else { Act::Hold }
}

fn looked(subject: &Arc<dyn Subject>, plan: Sweep, budget: Budget) -> (Swept, Vec<Inquiry>) {
    let swept = sweep(subject, &plan, &patient());
    let inquiries = bugs(subject, &swept, budget, &patient());
    (swept, inquiries)
}

fn sight(inquiries: Vec<Inquiry>) -> Sight {
    Sight {
        scenario: "puzzle".to_owned(),
        wall: Duration::ZERO,
        paste: Paste::Replay { scenario: "puzzle".to_owned(), strategy: Strategy::Mix },
        inquiries,
        kept: BTreeMap::new(),
        novelty: None,
    }
}

/// Bugs as (signature, seeds, steps of the smallest).
fn told(inquiry: &Inquiry) -> Vec<(String, Vec<u64>, usize)> {
    let seeds = |seeds: &[Seed]| seeds.iter().map(|seed| seed.0).collect();
    let bugs = inquiry.bugs.iter();
    bugs.map(|bug| (bug.signature.told(), seeds(&bug.seeds), bug.smallest.size.steps)).collect()
}

#[test]
fn two_bugs_that_break_one_rule_read_as_two_on_any_number_of_threads() {
    let puzzle = Puzzle::subject(two_bugs);
    let (_, one) = looked(&puzzle, plan(), BUDGET);
    let [inquiry] = &one[..] else { panic!("one rule is broken: {one:?}") };
    assert_eq!((inquiry.failures, inquiry.looked_into), (67, 8));
    let expected = [
        ("crash of machine".to_owned(), vec![0, 3, 6, 9], 1),
        ("lateness of machine→machine Note".to_owned(), vec![1, 4, 7, 10], 1),
    ];
    assert_eq!(told(inquiry), expected);
    assert_eq!(inquiry.refused, []);
    for threads in [2, 3, 7] {
        let plan = Sweep { jobs: NonZeroUsize::new(threads).unwrap(), ..plan() };
        assert_eq!(looked(&puzzle, plan, BUDGET).1, one, "{threads} threads");
    }
}

/// What a look into the two bugs says of itself.
#[track_caller]
fn check_words(schedules: u64, look_into: usize, words: &str) {
    let puzzle = Puzzle::subject(two_bugs);
    let plan = Sweep { schedules, look_into, ..plan() };
    let (swept, inquiries) = looked(&puzzle, plan, BUDGET);
    let text = sweep_text(&swept, puzzle.as_ref(), &sight(inquiries), Paint::Plain);
    assert!(text.lines().any(|line| line.trim() == words), "{words:?} is not in:\n{text}");
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{text}");
}

#[test]
fn a_report_claims_no_more_than_was_looked_into() {
    check_words(
        100,
        8,
        "2 distinct bugs among the 8 lowest seeds; the other 59 were not looked into",
    );
    check_words(100, 1, "1 distinct bug at this seed; the other 66 were not looked into");
    check_words(
        6,
        3,
        "2 distinct bugs among the 3 lowest seeds; the other one was not looked into",
    );
    check_words(6, 8, "2 distinct bugs among all 4 failures");
}

#[test]
fn nobody_looks_who_is_not_told_to() {
    let puzzle = Puzzle::subject(two_bugs);
    let (swept, inquiries) = looked(&puzzle, Sweep { look_into: 0, ..plan() }, BUDGET);
    assert_eq!(inquiries, []);
    let text = sweep_text(&swept, puzzle.as_ref(), &sight(inquiries), Paint::Plain);
    assert!(!text.contains("bug"), "{text}");
    assert!(text.contains("postulate replay puzzle --seed 0x0"), "{text}");
}

#[test]
fn what_was_not_made_small_for_lack_of_runs_is_no_bug_of_its_own() {
    let puzzle = Puzzle::subject(two_bugs);
    let whole = looked(&puzzle, plan(), BUDGET).1;
    let runs = |inquiries: &[Inquiry]| inquiries[0].bugs[0].smallest.runs;
    let short = Budget { runs: runs(&whole) + 20 };
    let (_, inquiries) = looked(&puzzle, plan(), short);
    assert_eq!(inquiries[0].looked_into, 2);
    assert_eq!(told(&inquiries[0]), [("crash of machine".to_owned(), vec![0], 1)]);
    assert_eq!(inquiries[0].refused, [(Seed(1), Refusal::Spent)]);

    let (_, inquiries) = looked(&puzzle, plan(), Budget { runs: 10 });
    assert_eq!((inquiries[0].looked_into, inquiries[0].bugs.len()), (1, 1));
    assert!(inquiries[0].bugs[0].smallest.exhausted);
}

/// Its time is up from the start.
struct Late;

impl Watch for Late {
    fn tick(&self) {
        Patient.tick();
    }

    fn is_over(&self) -> bool {
        true
    }
}

#[test]
fn once_the_time_is_up_one_failure_of_each_kind_is_made_small() {
    let puzzle = Puzzle::subject(|it| match (has_crash(it, 2), it.seed.0 % 2) {
        (true, 0) => BROKEN,
        (true, _) => Act::Break(Rule::Lost),
        (false, _) => Act::Hold,
    });
    let swept = sweep(&puzzle, &plan(), &patient());
    let late: Arc<dyn Watch> = Arc::new(Late);
    let inquiries = bugs(&puzzle, &swept, BUDGET, &late);
    let looked: Vec<_> =
        inquiries.iter().map(|it| (it.group.as_str(), it.looked_into, it.bugs.len())).collect();
    assert_eq!(looked, [("duplicate-effect", 1, 1), ("lost", 1, 1)]);
}

#[test]
fn panics_are_told_by_their_place_and_hangs_are_let_be() {
    let puzzle = Puzzle::subject(|it| match it.seed.0 {
        7 if it.decisions.contains_key(&key(50)) => Act::Hang,
        seed if has_crash(it, 1) && seed % 10 == 1 => Act::Panic("src/node.rs:7"),
        seed if has_crash(it, 1) && seed % 10 == 2 => Act::Panic("src/node.rs:8"),
        _ => Act::Hold,
    });
    let (swept, inquiries) = looked(&puzzle, hasty(), BUDGET);
    let groups: Vec<_> = inquiries.iter().map(|it| (it.group.as_str(), it.bugs.len())).collect();
    assert_eq!(groups, [("panic at src/node.rs:7", 1), ("panic at src/node.rs:8", 1)]);
    let text = sweep_text(&swept, puzzle.as_ref(), &sight(inquiries), Paint::Plain);
    assert!(text.contains("hung in machine-0 in 1 schedule, first at seed 0x7"), "{text}");
    assert!(text.contains("not at all: each try would hang as well"), "{text}");
}

#[test]
fn a_smaller_schedule_that_hangs_ends_the_look_into_its_kind() {
    let puzzle = Puzzle::subject(|it| match (it.decisions.len(), it.seed.0) {
        (100, 4..) => BROKEN,
        (100, _) => Act::Hold,
        _ => Act::Hang,
    });
    let (_, inquiries) = looked(&puzzle, hasty(), BUDGET);
    let [Inquiry { looked_into: 1, bugs, refused, .. }] = &inquiries[..] else {
        panic!("{inquiries:?}")
    };
    let [(Seed(4), Refusal::Hung(hung))] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!((hung.machine.as_str(), bugs.len()), ("machine-0", 0));
}

#[test]
fn in_a_nondeterministic_system_nobody_looks_and_a_run_that_drifts_is_no_bug() {
    let waver = Fake::subject(|seed| match seed {
        0 => Act::Waver,
        1 => BROKEN,
        _ => Act::Hold,
    });
    assert_eq!(looked(&waver, plan(), BUDGET).1, []);

    let drifting = Puzzle::drifting(two_bugs, |it| it.decisions.len() as u64);
    let (swept, inquiries) = looked(&drifting, Sweep { schedules: 1, ..plan() }, BUDGET);
    let [(Seed(0), Refusal::NotShrunk(NotShrunk::Drifted { .. }))] = inquiries[0].refused[..]
    else {
        panic!("{inquiries:?}")
    };
    let text = sweep_text(&swept, drifting.as_ref(), &sight(inquiries), Paint::Plain);
    assert!(text.contains("seed 0x0 is no example: as a quiet run with its decisions"), "{text}");
}

#[test]
fn one_failure_a_bug_is_kept_and_it_is_the_smallest() {
    let puzzle = Puzzle::subject(two_bugs);
    let (swept, inquiries) = looked(&puzzle, plan(), BUDGET);
    let origin = Origin::named("puzzle");
    let kept = capture(&puzzle, &swept, &inquiries, &origin, &patient());
    assert_eq!(kept.len(), 2);
    for (Captured { what, regression }, bug) in kept.iter().zip(&inquiries[0].bugs) {
        assert_eq!(*what, bug.signature.to_string());
        assert_eq!(regression.schedule, bug.smallest.schedule);
    }
    let unseen = capture(&puzzle, &swept, &[], &origin, &patient());
    let [Captured { what, regression }] = &unseen[..] else { panic!("{unseen:?}") };
    assert_eq!(
        (what.as_str(), &regression.schedule),
        ("duplicate-effect", &Schedule::seeded(Seed(0)))
    );

    let hanging = Fake::subject(|seed| if seed == 7 { Act::Hang } else { Act::Hold });
    let (swept, inquiries) = looked(&hanging, hasty(), BUDGET);
    let kept = capture(&hanging, &swept, &inquiries, &Origin::named("fake"), &patient());
    let failures: Vec<_> = kept.iter().map(|it| &it.regression.failure).collect();
    assert_eq!(failures, [&Failure::Hang { machine: "broker".to_owned() }]);
}

#[test]
fn bugs_are_told_to_programs_as_well() {
    let puzzle = Puzzle::subject(two_bugs);
    let (swept, inquiries) = looked(&puzzle, plan(), BUDGET);
    let (signature, smallest) =
        (inquiries[0].bugs[1].signature.to_string(), inquiries[0].bugs[1].smallest.clone());
    let mut sight = sight(inquiries);
    sight.kept.insert(signature.clone(), "late.json".to_owned());
    let json: Value = serde_json::from_str(&sweep_json(&swept, puzzle.as_ref(), &sight)).unwrap();
    let group = &json["groups"][0];
    assert_eq!((&group["count"], &group["looked_into"]), (&67.into(), &8.into()));
    assert_eq!(group["refused"], Value::Array(Vec::new()));
    let bug = &group["bugs"][1];
    assert_eq!(bug["signature"], signature);
    assert_eq!(bug["count"], 4);
    assert_eq!(bug["seeds"], serde_json::json!(["0x1", "0x4", "0x7", "0xa"]));
    assert_eq!((&bug["seed"], &bug["after"]["steps"]), (&"0x1".into(), &1.into()));
    assert_eq!(bug["schedule"], serde_json::to_value(&smallest.schedule).unwrap());
    assert_eq!(bug["replay"], "postulate replay puzzle --seed 0x1");
    assert_eq!((&bug["file"], &group["bugs"][0]["file"]), (&"late.json".into(), &Value::Null));
}

#[test]
fn seeds_are_looked_into_in_the_order_of_events_that_they_were_swept_in() {
    let specimen = Specimen::named("pipelined-retry-without-sequence").unwrap();
    let subject = specimen.subject().unwrap();
    let strategy = Strategy::Pos;
    let plan = Sweep { strategy, look_into: 2, schedules: 500, ..Sweep::default() };
    let (swept, inquiries) = looked(&subject, plan, BUDGET);
    for (inquiry, group) in inquiries.iter().zip(&swept.groups) {
        assert_eq!(inquiry.refused, []);
        let seeds: u64 = inquiry.bugs.iter().map(|bug| bug.count).sum();
        assert_eq!((&inquiry.group, seeds), (&group.name, group.count.min(2)));
    }
    assert!(!inquiries.is_empty());
}
