/// Each line of the `number`-th text that the tutorial shows stands in `actual`, in this order.
#[track_caller]
fn check_shown(number: usize, actual: &str) {
    let tutorial = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tutorial.md"));
    let shown = tutorial.split("```text\n").nth(number).and_then(|rest| rest.split("```").next());
    let shown = shown.expect("the tutorial shows so many texts");
    let mut lines = actual.lines();
    for line in shown.lines().filter(|line| !line.is_empty() && line.trim() != "…") {
        assert!(lines.any(|found| found == line), "{line:?} is not, or not there, in\n{actual}");
    }
}
