//! Sweeps as JUnit XML: read back, held against the schema, and told by what they conclude.

use crate::cli::{check_parts, complaint, postulate, report};
use crate::fake::{Act, Fake, Patient};
use postulate::check::Rule;
use postulate::explore::{BUDGET, Conclusion, Sweep, Watch, bugs, sweep};
use postulate::report::{Paint, Paste, Sight, headline, sweep_junit, sweep_text};
use postulate::schedule::Strategy;
use roxmltree::{Document, Node};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A case: its name, what became of it, and the kind of that.
type Case<'a> = (&'a str, &'a str, &'a str);

fn children<'a>(node: Node<'a, 'a>) -> Vec<Node<'a, 'a>> {
    node.children().filter(Node::is_element).collect()
}

/// What the schema of Ant's JUnit task says of an element: its children in their order, and the
/// attributes that it must have.
fn rules(name: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match name {
        "testsuites" => (&["testsuite"], &["name", "tests", "failures", "errors", "time"]),
        "testsuite" => (
            &["properties", "testcase", "system-out", "system-err"],
            &["name", "tests", "failures", "errors", "skipped", "time"],
        ),
        "properties" => (&["property"], &[]),
        "property" => (&[], &["name", "value"]),
        "testcase" => (&["skipped", "error", "failure", "system-out"], &["name", "classname"]),
        "skipped" | "error" | "failure" => (&[], &["message", "type"]),
        "system-out" => (&[], &[]),
        other => panic!("no element <{other}> is known"),
    }
}

#[track_caller]
fn check_schema(node: Node<'_, '_>) {
    let name = node.tag_name().name();
    let (order, attributes) = rules(name);
    for attribute in attributes {
        assert!(node.has_attribute(*attribute), "<{name}> has no {attribute}");
    }
    let mut last = 0;
    for child in node.children().filter(Node::is_element) {
        let child_name = child.tag_name().name();
        let place = order.iter().position(|&other| other == child_name);
        let place = place.unwrap_or_else(|| panic!("<{child_name}> in <{name}>"));
        assert!(place >= last, "<{child_name}> comes too late in <{name}>");
        last = place;
        check_schema(child);
    }
    let results = ["skipped", "error", "failure"];
    let has = |child: Node<'_, '_>| results.contains(&child.tag_name().name());
    assert!(node.children().filter(|&child| has(child)).count() <= 1, "<{name}> has two results");
}

/// The cases of a report, after it was held against the schema and its counts were counted.
#[track_caller]
fn cases<'a>(document: &'a Document<'a>) -> Vec<Case<'a>> {
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    check_schema(root);
    let suites = children(root);
    assert_eq!(suites.len(), 1);
    let cases: Vec<_> = children(suites[0])
        .into_iter()
        .filter(|child| child.has_tag_name("testcase"))
        .map(|case| match children(case)[..] {
            [] => (case.attribute("name").unwrap(), "passed", ""),
            [result, ..] => {
                let kind = result.attribute("type").unwrap();
                (case.attribute("name").unwrap(), result.tag_name().name(), kind)
            }
        })
        .collect();
    let number = |became: &str| cases.iter().filter(|(_, other, _)| *other == became).count();
    for element in [root, suites[0]] {
        let count = |name| element.attribute(name).unwrap().parse::<usize>().unwrap();
        let counts = (count("tests"), count("failures"), count("errors"), count("skipped"));
        let counted = (cases.len(), number("failure"), number("error"), number("skipped"));
        assert_eq!(counts, counted);
    }
    cases
}

fn properties<'a>(document: &'a Document<'a>) -> BTreeMap<&'a str, &'a str> {
    let properties = document.descendants().filter(|node| node.has_tag_name("property"));
    let pair = |node: Node<'a, 'a>| node.attribute("name").zip(node.attribute("value")).unwrap();
    properties.map(pair).collect()
}

/// Asserts which cases the report of a sweep has.
#[track_caller]
fn check(act: fn(u64) -> Act, schedules: u64, expected: &[Case<'_>]) {
    let subject = Fake::subject(act);
    let plan = Sweep { schedules, hung_after_ticks: 200, ..Sweep::default() };
    let watch: Arc<dyn Watch> = Arc::new(Patient);
    let swept = sweep(&subject, &plan, &watch);
    let sight = Sight {
        scenario: "fake <&>".to_owned(),
        wall: Duration::from_millis(1_500),
        paste: Paste::Replay { scenario: "fake".to_owned(), strategy: Strategy::Mix },
        inquiries: bugs(&subject, &swept, BUDGET, &watch),
        kept: BTreeMap::new(),
        novelty: None,
    };
    let xml = sweep_junit(&swept, subject.as_ref(), &sight);
    let document = Document::parse(&xml).unwrap();
    assert_eq!(cases(&document), expected);

    let find = |name| document.descendants().find(|node: &Node<'_, '_>| node.has_tag_name(name));
    let suite = find("testsuite").unwrap();
    assert_eq!(suite.attribute("name"), Some("fake <&>"));
    assert_eq!(suite.attribute("time"), Some("1.500"));
    let whole = sweep_text(&swept, subject.as_ref(), &sight, Paint::Plain);
    assert_eq!(find("system-out").unwrap().text(), Some(whole.as_str()));
    let verdict = headline(&swept, "fake <&>", Paint::Plain);
    assert!(whole.starts_with(&verdict));

    let facts = properties(&document);
    assert_eq!(facts["schedules"], swept.tally.schedules.to_string());
    assert_eq!(facts["strategy"], "mix");
    assert_eq!(facts["digest"], format!("{:#018x}", swept.tally.digest));
    assert_eq!(facts["again"], format!("postulate sweep fake --from 0x0 --schedules {schedules}"));
    assert_eq!(facts["site.deduplicated"], "0 runs, 0 times");
    assert_eq!(facts.contains_key("bound"), swept.conclusion() == Conclusion::Holds);
    for group in swept.failures() {
        let told = document.descendants().filter_map(|node| node.text());
        let line = sight.paste.line(group.seed);
        assert!(told.filter(|text| text.contains(&line)).count() >= 2, "{line} is not there");
    }
}

const WHOLE: &str = "keeps its promises";

#[test]
fn a_sweep_that_holds_passes() {
    check(|_| Act::Hold, 600, &[(WHOLE, "passed", "")]);
}

#[test]
fn whatever_seeds_do_is_a_failure_of_its_own() {
    let act = |seed| match seed {
        50 => Act::Hang,
        seed if seed % 97 == 13 => Act::Break(Rule::DuplicateEffect),
        seed if seed % 211 == 44 => Act::Panic("src/node.rs:7"),
        _ => Act::Hold,
    };
    let expected = [
        (WHOLE, "failure", "violated"),
        ("duplicate-effect: the workload alone", "failure", "duplicate-effect"),
        ("panic at src/node.rs:7: the workload alone", "failure", "panic at src/node.rs:7"),
        ("hung in broker", "failure", "hung in broker"),
    ];
    check(act, 300, &expected);
}

#[test]
fn what_shows_nothing_is_an_error() {
    check(|_| Act::Hold, 0, &[(WHOLE, "error", "unknown")]);
    check(|_| Act::Idle, 100, &[(WHOLE, "error", "unknown")]);
    let expected = [(WHOLE, "error", "unknown"), ("unknown", "skipped", "unknown")];
    check(|_| Act::Shrug, 100, &expected);
}

#[test]
fn a_few_runs_without_verdict_are_skipped() {
    let act = |seed| if seed == 17 { Act::Shrug } else { Act::Hold };
    check(act, 2_000, &[(WHOLE, "passed", ""), ("unknown", "skipped", "unknown")]);
}

#[test]
fn a_system_that_wavers_is_an_error() {
    let expected =
        [(WHOLE, "error", "nondeterministic"), ("nondeterministic", "error", "nondeterministic")];
    check(|seed| if seed == 0 { Act::Waver } else { Act::Hold }, 100, &expected);
}

/// The report that a command writes to `name`, and what it prints instead.
#[track_caller]
fn written(words: &str, name: &str, exit: i32) -> (String, String) {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_file(&file);
    let told = report(postulate(words).arg("-o").arg(&file), exit);
    (fs::read_to_string(file).unwrap(), told)
}

#[test]
fn a_planted_bug_is_a_case_with_the_line_to_paste() {
    let words = "sweep volatile-dedup-set --from 0x11 --schedules 1 --format junit";
    let (xml, told) = written(words, "bug.xml", 1);
    assert_eq!(told, "volatile-dedup-set violated: 1 of 1 schedule failed\n");
    let document = Document::parse(&xml).unwrap();
    let expected = [
        (WHOLE, "failure", "violated"),
        ("duplicate-effect: crash of consumer", "failure", "duplicate-effect"),
    ];
    assert_eq!(cases(&document), expected);
    let bug = document.descendants().filter(|node| node.has_tag_name("failure")).nth(1).unwrap();
    check_parts(bug.attribute("message").unwrap(), &["expected: m2.0 takes", "observed: it took"]);
    let replay = "postulate replay volatile-dedup-set --seed 0x11";
    check_parts(bug.text().unwrap(), &["steps", "crash of consumer-1", "shown by", replay]);
    let facts = properties(&document);
    assert_eq!(facts["seeds"], "0x11");
    assert!(facts["fault.crash"].starts_with("1 runs"), "{facts:?}");

    let again = facts["again"].strip_prefix("postulate ").unwrap();
    let text = report(&mut postulate(again), 1);
    check_parts(&text, &[facts["digest"]]);
}

#[test]
fn an_exhaustive_search_is_a_suite_too() {
    let words = "sweep volatile-dedup-set --strategy exhaustive:1 --schedules 400 --format junit";
    let xml = report(&mut postulate(words), 0);
    let document = Document::parse(&xml).unwrap();
    assert_eq!(cases(&document), [(WHOLE, "passed", "")]);
    let facts = properties(&document);
    assert_eq!((facts["strategy"], facts["complete"]), ("exhaustive:1", "0"));
    assert_eq!((facts["schedules"], facts["cut"]), ("400", "budget"));
    assert_eq!(facts["again"], words.replace(" --format junit", "").replacen("", "postulate ", 1));
}

#[test]
fn a_report_of_any_format_goes_to_a_file() {
    let (text, told) = written("sweep w1 --schedules 50", "w1.txt", 0);
    assert_eq!(told, "w1 holds: no failure in 50 schedules\n");
    check_parts(&text, &[told.trim_end(), "faults that bit", "at 95 % confidence"]);
    let (text, told) = written("sweep w1 --schedules 50 --format json", "w1.json", 0);
    assert_eq!(told, "w1 holds: no failure in 50 schedules\n");
    assert!(text.starts_with("{\n") && text.contains("\"verdict\": \"holds\""), "{text}");
    let xml = report(&mut postulate("sweep w1 --schedules 50 --format junit -o -"), 0);
    assert!(xml.starts_with("<?xml "), "{xml}");
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_the_sweep() {
    // Nobody waits for so many schedules to learn that.
    let words = "sweep w1 --schedules 1_000_000_000 -o";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for file in [folder.join("nowhere/report.xml"), folder.to_owned()] {
        let text = complaint(postulate(words).arg(&file));
        check_parts(&text, &[&format!("the report cannot be written to {}", file.display())]);
    }
    let kept = folder.join("kept.xml");
    fs::write(&kept, "of yesterday").unwrap();
    complaint(postulate("sweep nowhere.toml -o").arg(&kept));
    assert_eq!(fs::read_to_string(kept).unwrap(), "of yesterday");
}
