//! Verdicts on histories, as a browser shows them.

use super::browser::{TALL, Window, probe};
use postulate::check::strong::Shown;
use postulate::check::{Rule, Verdict, judge};
use postulate::report::{Checked, check_page};
use postulate::time::{Instant, Span};
use postulate::zoo::Specimen;
use serde_json::json;
use std::sync::Arc;

/// Text that would do something if it were not taken as text.
const HOSTILE: &str = "</title><script>document.title = 'harmed'</script>\"'&";

/// What is known of a run in which a message took effect twice.
fn checked() -> (Checked, Verdict) {
    let specimen = Specimen::named("volatile-dedup-set").unwrap();
    let subject = specimen.subject().unwrap();
    let schedule = specimen.witness_schedule().unwrap();
    let history = Arc::clone(&subject).worker(Arc::default()).inspect(&schedule).history;
    let verdict = judge(&history, subject.promises());
    let operations = history.operations().len() as u64;
    let file = HOSTILE.to_owned();
    (Checked { file, operations, verdict: verdict.clone(), calls: Vec::new() }, verdict)
}

fn call(process: u32, at: u64, until: Option<u64>) -> Shown {
    let instant = |millis| Instant::START + Span::millis(millis);
    let (object, call) = (HOSTILE.to_owned(), HOSTILE.to_owned());
    Shown { at: instant(at), until: until.map(instant), process, object, call }
}

#[test]
fn what_shows_a_verdict_is_drawn_a_lane_a_process() {
    let (mut checked, verdict) = checked();
    let Verdict::Violated(violation) = verdict else { panic!("{verdict:?}") };
    assert_eq!(violation.rule, Rule::DuplicateEffect);
    let script = r#"
        return {
          harmed: document.title === "harmed",
          rows: all("tbody tr").length,
          lanes: all("thead .lane").map(lane => lane.textContent),
          ended: all("td.end").length,
          begun: all("td.begin").length,
          wide: document.documentElement.scrollWidth > innerWidth,
          observed: document.querySelector("dd.bad").textContent,
        };
    "#;
    for window in [TALL, Window { width: 420, height: 900 }] {
        let page = check_page(HOSTILE.to_owned(), std::slice::from_ref(&checked), &[]);
        if let Some(found) = probe(&page, &window, script) {
            assert_eq!(found["rows"], json!(violation.operations.len()));
            assert_eq!(found["observed"], json!(violation.observed));
            let (harmed, wide) = (&found["harmed"], &found["wide"]);
            assert_eq!((harmed, wide), (&json!(false), &json!(false)), "{found}");
            assert_eq!((&found["begun"], &found["ended"]), (&json!(1), &json!(1)));
        }
    }
    checked.verdict = Verdict::Unknown { why: "it took too long".to_owned() };
    checked.calls = vec![call(1, 5, Some(9)), call(2, 6, None), call(1, 10, Some(11))];
    let page = check_page("fifo".to_owned(), &[checked], &[]);
    let script = r#"
        return {
          lanes: all("thead .lane").map(lane => lane.textContent),
          cells: all("tbody tr").map(row =>
            [...row.querySelectorAll(".lane")].map(cell => cell.className.slice(5))),
        };
    "#;
    if let Some(found) = probe(&page, &TALL, script) {
        assert_eq!(found["lanes"], json!(["process 1", "process 2"]));
        let rows = [
            ["begin", ""],
            [" through", "begin"],
            ["end", " through"],
            ["begin", " through"],
            ["end", " through"],
        ];
        assert_eq!(found["cells"], json!(rows));
    }
}
