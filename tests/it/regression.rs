//! Failure files: written, read, refused, replayed.

mod arbitrary;

use crate::fake::{Act, Fake};
use arbitrary::schedules;
use postulate::choice::{Actor, Choice, Key, Site};
use postulate::id::NodeId;
use postulate::regression::{Comparison, Ending, Origin, Regression, folder};
use postulate::run::{Outcome, Pulse, Subject, fit};
use postulate::scenario::Scenario;
use postulate::schedule::Schedule;
use postulate::time::Span;
use postulate::zoo::Specimen;
use proptest::prelude::*;
use std::sync::Arc;

const FILE: &str = "kept.json";

fn specimen() -> Arc<dyn Subject> {
    Specimen::named("dedup-expiry-by-local-clock").unwrap().subject().unwrap()
}

/// A fault and a decision that break a rule.
fn kept() -> Regression {
    let schedule = Specimen::named("dedup-expiry-by-local-clock").unwrap().witness_schedule();
    keep(&specimen(), &schedule.unwrap())
}

#[track_caller]
fn keep(subject: &Arc<dyn Subject>, schedule: &Schedule) -> Regression {
    let seen = Arc::clone(subject).worker(Arc::new(Pulse::default())).inspect(schedule);
    let origin = Origin::named(subject.name());
    Regression::of(origin, subject.as_ref(), schedule, &seen).expect("it fails")
}

fn replay(kept: &Regression, subject: &Arc<dyn Subject>) -> Comparison {
    kept.fit(FILE, subject.as_ref()).unwrap();
    let seen = Arc::clone(subject).worker(Arc::new(Pulse::default())).inspect(&kept.schedule);
    kept.compare(subject.as_ref(), &seen)
}

/// What is wrong with a file, if it is a file for the specimen at all.
fn refusal(bytes: &[u8]) -> Option<String> {
    let read = Regression::parse(FILE, bytes);
    let fits = read.and_then(|kept| kept.belongs(FILE, specimen().as_ref()));
    fits.err().map(|error| error.to_string())
}

#[test]
fn a_failure_that_is_written_twice_is_one_file() {
    let (one, other) = (kept(), kept());
    assert_eq!((one.path(), one.text()), (other.path(), other.text()));
    let path = one.path();
    assert!(path.starts_with("dedup-expiry-by-local-clock/duplicate-effect-"), "{path}");
    assert!(one.text().lines().all(|line| line.len() <= 100 || line.contains("\"trail\"")));
}

#[test]
fn folders_bear_the_names_of_their_scenarios_as_far_as_file_systems_take_them() {
    assert_eq!(folder("exactly-once-pipe"), "exactly-once-pipe");
    let odd = ["a/b", "a\\b", "a b", "..", ".", "", "ä"].map(folder);
    for (number, name) in odd.iter().enumerate() {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        assert!(name.chars().all(is_plain) && !name.starts_with('.'), "{name}");
        assert!(!odd[..number].contains(name), "{name} is the folder of two");
    }
}

/// A file that ends at any byte but the last is refused, and the line is right.
#[test]
fn a_file_cut_short_is_refused_wherever_it_ends() {
    let text = kept().text();
    let whole = text.trim_end().len();
    for end in 0..whole {
        let said = refusal(&text.as_bytes()[..end]).expect("it is refused");
        let line = String::from_utf8_lossy(&text.as_bytes()[..end]).lines().count().max(1);
        let expected = format!("{FILE}:{line}: the file is cut short; restore it, or delete it");
        assert_eq!(said, expected, "cut at byte {end}");
    }
    assert_eq!(refusal(&text.as_bytes()[..whole]), None);
}

/// The file with `new` in the place of `old` is refused, at the line where `old` stood if that can
/// be told, and `right` is said.
#[track_caller]
fn check(old: &str, new: &str, line: bool, right: &str) {
    let text = kept().text();
    let at = text.find(old).unwrap_or_else(|| panic!("{old} is not in {text}"));
    let number = 1 + text[..at].matches('\n').count();
    let said = refusal(text.replacen(old, new, 1).as_bytes()).expect("it is refused");
    let place = if line { format!("{FILE}:{number}: ") } else { format!("{FILE}:") };
    assert!(said.starts_with(&place) && said.contains(right), "{place} and {right:?}: {said}");
}

#[test]
fn a_file_that_somebody_got_wrong_is_refused_in_its_line() {
    check(
        "\"format\": 1",
        "\"format\": 2",
        true,
        "has format 2, and postulate 0.1.0 reads format 1",
    );
    check("\"format\": 1", "\"format\": \"one\"", true, "has format \"one\"");
    check("\"format\": 1,", "", false, "missing field `format`");
    check("\"format\": 1", "\"format\": 1, \"colour\": \"red\"", true, "unknown field `colour`");
    check(
        "\"baseline\"",
        "\"base\"",
        true,
        "unknown field `base`, expected one of `seed`, `baseline`",
    );
    check(
        "duplicate-effect\",\n",
        "doubled\",\n",
        true,
        "unknown variant `doubled`, expected one of",
    );
    check("\"quiet\"", "\"silent\"", true, "expected `seeded` or `quiet`");
    check("\"by\": 60000000000", "\"by\": 1e400", true, "number out of range");
    check("\"by\": 60000000000", "\"by\": 99999999999999999999", true, "invalid");
    check("\"8000000ns\"", "8", true, "a length of time, such as");
    check("\"8000000ns\"", "\"8 fathoms\"", true, "such as \"50ms\"");
    check("\"8000000ns\"", "\"8000000000 years\"", true, "such as \"50ms\"");
    check("\"occurrence\": 0", "\"occurrence\": -1", true, "expected u32");
    check("\"occurrence\": 0", "\"occurrence\": 99999999", true, "occurrences below 2^25");
    check("\"kind\": 1", "\"kind\": 256", true, "expected u8");
    check("\"kind\": 1,", "\"kind\": 1, \"kind\": 1,", true, "duplicate field `kind`");
    check("\"digest\": \"0x", "\"digest\": \"x", true, "is no digest");
    check("\"trail\": \"", "\"trail\": \"x", false, "two hexadecimal digits an event");
    let deep = format!("\"steps\": {}{}, \"x\": [", "[".repeat(9_000), "]".repeat(9_000));
    check("\"steps\": [", &deep, true, "invalid type: sequence");
}

#[test]
fn a_schedule_of_another_system_is_refused_with_what_would_be_right() {
    let machines = "there is no machine 9; they go from 0 (broker) to 5 (consumer-2)";
    check("\"node\": 5", "\"node\": 9", false, machines);
    check("\"link\": [0, 1]", "\"link\": [0, 9]", false, machines);
    check("\"link\": [0, 1]", "\"node\": [0, 1]", false, "write a link");
    check(
        "\"choice\": \"lost\"",
        "\"choice\": \"torn\"",
        false,
        "write lost, late, twice, corrupted or garbled",
    );
    check("\"site\": \"message\"", "\"site\": \"sync\"", false, "write a node");
    check("\"8000000ns\"", "\"500 years\"", false, "write at most 3153600000 s");
    check(
        "\"name\": \"dedup-expiry-by-local-clock\"",
        "\"name\": \"w1\"",
        false,
        "not of \"dedup-",
    );
    let knob = |number: u8, value: u64| {
        let key = Key::new(Site::Knob, Actor::Run, number, 0);
        let decisions = [(key, Choice::Value(value))].into();
        fit(specimen().as_ref(), &Schedule { decisions, ..Schedule::quiet() })
    };
    assert_eq!(knob(0, 1), Ok(()));
    let said = knob(0, 99).unwrap_err().to_string();
    assert!(said.contains("has no value 99; write 0 (") && said.contains("or 1 ("), "{said}");
    let said = knob(77, 0).unwrap_err().to_string();
    assert!(said.contains("there is no knob 77; the last is "), "{said}");
}

#[test]
fn a_file_of_anything_else_is_refused() {
    let cases: [(&[u8], &str); 8] = [
        (b"\xff\xfe{\0", "the byte 0xff is no UTF-8"),
        (b"\n\n{\"a\": \"caf\xe9\"}", ":3: the byte 0xe9"),
        (b"null", "invalid type: null"),
        (b"[]", "invalid length 0"),
        (b"{}", "missing field `format`"),
        (b"name = \"pipe\"", "expected ident"),
        (b"{\"format\": 1} {", "trailing characters"),
        (b"{\"format\": 9, \"postulate\": \"7.0.0\"}", "the version that wrote it, 7.0.0"),
    ];
    for (bytes, right) in cases {
        let said = refusal(bytes).expect("it is refused");
        assert!(said.contains(right), "{right:?}: {said}");
    }
}

/// A byte got wrong anywhere: refused with a place, or another schedule that runs without a panic.
#[test]
fn whatever_byte_is_wrong_nothing_panics() {
    let (text, subject) = (kept().text(), specimen());
    let mut worker = Arc::clone(&subject).worker(Arc::new(Pulse::default()));
    let end = text.find("\"digest\"").unwrap();
    let mut refused = 0;
    for at in 0..end {
        for byte in [b'7', b'"', b'}', b'-', b'\xff'] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = byte;
            match Regression::parse(FILE, &bytes) {
                Err(error) => {
                    assert!(error.to_string().starts_with("kept.json:"), "{error}");
                    refused += 1;
                }
                Ok(read) if read.fit(FILE, subject.as_ref()).is_ok() => {
                    let outcome = worker.run(&read.schedule).outcome;
                    assert!(!matches!(outcome, Outcome::Panicked(_)), "{at} {byte}: {outcome:?}");
                }
                Ok(_) => refused += 1,
            }
        }
    }
    assert!(refused > end, "only {refused} were refused");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(schedule in schedules(), name in ".{0,12}", path in ".{0,12}") {
        let fake = Fake::new(|_| Act::Hold);
        let origin = Origin { name: name.clone(), file: Some(path) };
        let written = Regression::of_hang(origin, &fake, &schedule, &name);
        let read = Regression::parse(FILE, written.text().as_bytes()).unwrap();
        prop_assert!(!read.is_edited());
        prop_assert_eq!(read, written);
    }

    #[test]
    fn a_schedule_that_fits_runs_without_a_panic(schedule in schedules()) {
        let subject = specimen();
        let schedule = Schedule { events_max: Some(2_000), ..schedule };
        if fit(subject.as_ref(), &schedule).is_ok() {
            let outcome = subject.worker(Arc::new(Pulse::default())).run(&schedule).outcome;
            prop_assert!(!matches!(outcome, Outcome::Panicked(_)), "{:?}", outcome);
        }
    }
}

#[test]
fn a_failure_reproduces_until_its_bug_is_gone() {
    let again = replay(&kept(), &specimen());
    assert_eq!(again.ending, Ending::Reproduced);
    assert!(again.is_same && again.parted.is_none() && again.missed.is_empty(), "{again:?}");

    let twin = Specimen::named("dedup-expiry-by-local-clock").unwrap().fixed_twin().unwrap();
    let mended = replay(&kept(), &twin.subject().unwrap());
    assert_eq!(mended.ending, Ending::Gone, "{mended:?}");
}

/// The file with another decision: what comes of it, and what is said.
#[track_caller]
fn edited(edit: impl FnOnce(&mut Schedule)) -> Comparison {
    let mut kept = kept();
    edit(&mut kept.schedule);
    let read = Regression::parse(FILE, kept.text().as_bytes()).unwrap();
    let compared = replay(&read, &specimen());
    assert!(compared.is_edited);
    compared
}

#[test]
fn an_edited_decision_says_where_the_run_went_another_way() {
    let answer = |nth| Key::new(Site::Message, Actor::Link(NodeId(0), NodeId(1)), 1, nth);
    let late = edited(|schedule| {
        schedule.decisions.insert(answer(0), Choice::Late(Span::millis(1)));
    });
    assert_eq!(late.ending, Ending::Diverged, "{late:?}");
    let parted = late.parted.unwrap();
    let event = parted.event.unwrap();
    assert!(parted.common > 3 && !event.text.is_empty(), "{event:?}");

    let never = edited(|schedule| {
        let choice = schedule.decisions.remove(&answer(0)).unwrap();
        schedule.decisions.insert(answer(900), choice);
    });
    assert_eq!(never.ending, Ending::Diverged);
    assert_eq!(never.missed, ["drop broker→producer-1 Produced #901"]);

    let harmless = edited(|schedule| {
        schedule.decisions.insert(answer(900), Choice::Lost);
    });
    assert_eq!(harmless.ending, Ending::Reproduced);
    assert_eq!(harmless.missed, ["drop broker→producer-1 Produced #901"]);
}

#[test]
fn a_fault_that_never_strikes_is_told() {
    let late = edited(|schedule| {
        let fault = &mut schedule.faults[0];
        fault.when = postulate::schedule::Trigger::After { node: NodeId(0), events: 60_000 };
    });
    assert_eq!(late.ending, Ending::Diverged);
    let told = "after event 60000 of broker: wall clock of consumer-2 steps by 60 s";
    assert_eq!(late.missed, [told]);
}

/// Failures of a system are kept; then somebody edits what has nothing to do with them.
#[test]
fn failures_outlive_edits_that_have_nothing_to_do_with_them() {
    let mut kept_count = 0;
    let mut survived = 0;
    for specimen in postulate::zoo::zoo().iter().filter(|specimen| !specimen.witness.is_empty()) {
        let subject = specimen.subject().unwrap();
        let kept = keep(&subject, &specimen.witness_schedule().unwrap());
        for edit in UNRELATED {
            let mut scenario: Scenario = specimen.scenario().unwrap();
            edit(&mut scenario);
            let Ok(edited) = scenario.subject() else { continue };
            kept_count += 1;
            survived += u32::from(replay(&kept, &edited).ending == Ending::Reproduced);
        }
    }
    assert!(kept_count >= 30, "{kept_count}");
    assert!(survived * 10 >= kept_count * 9, "{survived} of {kept_count} still reproduce");
}

/// A machine more, a message more for each producer, another budget.
const UNRELATED: &[fn(&mut Scenario)] = &[
    |scenario| {
        let messages = scenario.workload.messages.get() + 1;
        scenario.workload.messages = postulate::scenario::Bounded::new(messages).unwrap();
    },
    |scenario| {
        scenario.run.events_max = Some(postulate::scenario::Bounded::new(900_000).unwrap());
    },
    |scenario| scenario.promises.reverse(),
];
