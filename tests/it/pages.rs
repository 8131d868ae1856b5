//! The page that explains a failure, as a browser shows it.

mod browser;
mod checked;
mod large;
mod swept;

use browser::{TALL, Window, probe};
use postulate::explain::{Effort, explain};
use postulate::report::Account;
use postulate::report::explained::{Event, Explained};
use postulate::run::Worker;
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use postulate::zoo::zoo;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Some sixty events of five machines, with most of what can happen to them.
fn sample() -> Explained {
    serde_json::from_str(include_str!("pages/sample.json")).unwrap()
}

/// Asserts what a script finds on the page of `explained`.
#[track_caller]
fn check(explained: &Explained, window: &Window, script: &str, expected: &Value) {
    if let Some(found) = probe(&explained.html(), window, script) {
        assert_eq!(&found, expected);
    }
}

/// The event and all that happened before it, the naive way: what leads to something in the past is
/// in the past, until nothing is added.
fn past(explained: &Explained, event: usize) -> BTreeSet<usize> {
    let mut past = BTreeSet::from([event]);
    loop {
        let causes = past.iter().flat_map(|&id| explained.events[id].causes.iter().copied());
        let grown: BTreeSet<usize> = past.iter().copied().chain(causes).collect();
        if grown.len() == past.len() {
            return past;
        }
        past = grown;
    }
}

/// A window that shows more events at once is more than a browser takes.
const EVENTS_MAX: u64 = 800;

/// The first failing run of every fifth specimen that a window can show, as it is, with all its
/// faults.
fn failures() -> Vec<Explained> {
    let effort = Effort { points: 2, redraws: 1, varied: 0 };
    let of = |place: usize| {
        let specimen = &zoo()[place];
        let subject = specimen.subject().unwrap();
        let mut worker: Box<dyn Worker> = Arc::clone(&subject).worker(Arc::default());
        let rule = specimen.breaks.slug();
        let failing = (0..10_000)
            .map(|seed| Schedule::seeded(Seed(seed)))
            .find(|schedule| {
                let run = worker.run(schedule);
                run.outcome.group() == rule && run.stats.events <= EVENTS_MAX
            })
            .unwrap();
        let explanation = explain(worker.as_mut(), subject.as_ref(), &failing, effort).unwrap();
        let (scenario, replay) = (specimen.id.to_owned(), String::new());
        let account = Account { scenario, explanation, before: None, replay };
        Explained::of(&account, subject.as_ref())
    };
    (0..zoo().len()).step_by(5).map(of).collect()
}

/// Asserts that a click on an event lights its causal past, for some fifty events of a run, in a
/// window that shows them all.
#[track_caller]
fn check_lights(explained: &Explained) {
    let step = explained.events.len() / 50 + 1;
    let expected: Vec<Value> = (0..explained.events.len())
        .step_by(step)
        .map(|event| {
            let past = past(explained, event);
            json!({ "rows": past, "marks": past, "chosen": [event], "told": [event] })
        })
        .collect();
    let script = r#"
        one("[data-scope=all]").click();
        const found = [];
        for (const event of ids(".row").filter((id) => id % STEP === 0)) {
          one(`.row[data-event="${event}"]`).click();
          found.push({
            rows: ids(".row.lit"),
            marks: ids(".mark.lit").sort((one, other) => one - other),
            chosen: chosen(),
            told: ids('.row[aria-selected="true"]'),
          });
        }
        return found;
    "#;
    let window = Window { width: 1280, height: 2000 + 110 * explained.events.len() as u32 };
    check(explained, &window, &script.replace("STEP", &step.to_string()), &json!(expected));
}

#[test]
fn a_click_on_an_event_lights_what_led_to_it_and_nothing_else() {
    check_lights(&sample());
}

#[test]
fn so_it_does_in_failures_as_they_come() {
    for explained in failures() {
        check_lights(&explained);
    }
}

#[test]
fn at_first_it_shows_what_led_to_the_failure() {
    let explained = sample();
    let all: Vec<usize> = (0..explained.events.len()).collect();
    let expected = json!([
        { "rows": explained.past, "lit": explained.past },
        { "rows": all, "lit": explained.past },
        { "rows": explained.past, "lit": explained.past },
    ]);
    let script = r#"
        const found = [];
        const look = () => found.push({ rows: ids(".row"), lit: ids(".row.lit") });
        look();
        press("p");
        look();
        press("p");
        look();
        return found;
    "#;
    check(&explained, &TALL, script, &expected);
}

#[test]
fn the_marks_and_arrows_are_those_of_the_events_and_messages() {
    let explained = sample();
    let ends = explained.messages.iter().filter(|message| message.ended.is_some());
    let all: Vec<usize> = (0..explained.events.len()).collect();
    let expected = json!({
        "marks": all,
        "arrows": ends.map(|message| message.id).collect::<Vec<_>>(),
        "bands": explained.bands.len(),
        "curve": true,
        "rise": true,
    });
    let script = r#"
        one("[data-scope=all]").click();
        const arrows = all(".arrow:not(.stub)").map((arrow) => Number(arrow.dataset.message));
        return {
          marks: ids(".mark").sort((one, other) => one - other),
          arrows: arrows.filter((id) => !Number.isNaN(id)),
          bands: all(".picture .band").length,
          curve: one(".curve .line") !== null,
          rise: one(".curve circle.rise") !== null,
        };
    "#;
    check(&explained, &TALL, script, &expected);
}

#[test]
fn keys_move_filter_search_and_help() {
    let explained = sample();
    let [first, second, third, ..] = explained.past[..] else { panic!("a short sample") };
    let (last, hit) =
        (explained.past[explained.past.len() - 1], explained.past[explained.past.len() / 2]);
    let expected = json!({
        "down": [[first], [second], [third]],
        "up": [second],
        "end": [last],
        "start": [first],
        "panel": true,
        "left": [],
        "story": true,
        "search": true,
        "hits": ["1", "1 of 1", [hit]],
        "unsearched": "",
        "help": true,
    });
    let script = r##"
        const found = {};
        one(".scroll").focus();
        found.down = ["j", "ArrowDown", "j"].map((key) => (press(key), chosen()));
        press("k");
        found.up = chosen();
        press("G");
        found.end = chosen();
        press("Home");
        found.start = chosen();
        press("Enter");
        found.panel = document.activeElement === one(".event");
        press("Escape");
        found.left = chosen();
        found.story = one(".story").checkVisibility() && !one(".event").checkVisibility();
        press("/");
        found.search = document.activeElement === one("input[type=search]");
        type(document.activeElement, "#HIT");
        found.hits = [one(".hits").textContent];
        press("Enter");
        found.hits.push(one(".hits").textContent, ids(".row.hit"));
        press("Escape");
        found.unsearched = one("input[type=search]").value;
        press("?");
        found.help = one("dialog").open;
        return found;
    "##;
    // A hit by number would also meet ten times as much, if there were so many events.
    assert!(hit >= 7, "the number of the event that is searched for stands for one event only");
    check(&explained, &TALL, &script.replace("HIT", &hit.to_string()), &expected);
}

#[test]
fn machines_and_kinds_can_be_left_out() {
    let explained = sample();
    let ids = |keep: &dyn Fn(Option<usize>, &str) -> bool| -> Vec<usize> {
        let kept = explained.events.iter().filter(|event| keep(event.machine, &event.kind));
        kept.map(|event| event.id).collect()
    };
    // What the broker sent is handled by others: its sending is hidden with the broker.
    let handled = |event: &&Event| event.kind == "message" && event.machine != Some(0);
    let event = explained.events.iter().find(handled).unwrap();
    let sent = explained.messages[event.message.unwrap()].sent;
    assert_eq!(explained.events[sent].machine, Some(0));
    let only = ids(&|machine, kind| machine != Some(0) && kind == "message");
    let busy: BTreeSet<_> = only.iter().map(|&id| explained.events[id].machine).collect();
    let expected = json!({
        "without": ids(&|machine, _| machine != Some(0)),
        "only": only,
        "lanes": busy.len(),
        "none": [[], true],
        "revealed": [[event.id], [sent]],
    });
    let script = r#"
        const found = {};
        one("[data-scope=all]").click();
        one("[data-machine='0']").click();
        found.without = ids(".row");
        one("[data-kind=message]").closest("li").querySelector(".only").click();
        found.only = ids(".row");
        found.lanes = all(".lanes path").length;
        one("[data-kind=message]").click();
        found.none = [ids(".row"), one(".scroll .notice").checkVisibility()];
        one("[data-kind=message]").click();
        one('.row[data-event="EVENT"]').click();
        found.revealed = [chosen()];
        one('.event [data-goto="SENT"]').click();
        found.revealed.push(chosen());
        return found;
    "#;
    let script = script.replace("EVENT", &event.id.to_string());
    check(&explained, &TALL, &script.replace("SENT", &sent.to_string()), &expected);
}

#[test]
fn the_story_leads_to_the_events() {
    let explained = sample();
    let needed = explained.steps.iter().filter(|step| step.without != explained.group);
    let expected = json!({
        "steps": needed.map(|step| [step.events[0]]).collect::<Vec<_>>(),
        "rise": [explained.rise.as_ref().unwrap().event],
        "text": true,
    });
    let script = r#"
        const links = all(".steps [data-goto]");
        const text = one(".explained").textContent;
        return {
          steps: links.map((link) => (link.click(), chosen())),
          rise: (one(".story p > [data-goto]").click(), chosen()),
          text: text.includes("any value fails") && text.includes("without it: holds"),
        };
    "#;
    check(&explained, &TALL, script, &expected);
}

#[test]
fn the_panel_shows_payload_and_what_changed() {
    let explained = sample();
    let event = explained
        .events
        .iter()
        .rfind(|event| event.kind == "message" && event.state.is_some())
        .unwrap();
    let message = &explained.messages[event.message.unwrap()];
    let before = explained.events[..event.id]
        .iter()
        .rfind(|before| before.machine == event.machine && before.state.is_some())
        .unwrap();
    let lines = |state: usize| -> Vec<&str> { explained.states[state].lines().collect() };
    let (old, new) = (lines(before.state.unwrap()), lines(event.state.unwrap()));
    let only = |one: &[&str], other: &[&str]| -> Vec<String> {
        let lone = one.iter().filter(|line| !other.contains(line));
        lone.map(|line| line.trim().to_owned()).collect()
    };
    let expected = json!({
        "payload": message.text,
        "came": only(&new, &old),
        "went": only(&old, &new),
        "causes": event.causes,
    });
    let script = r#"
        one("[data-scope=all]").click();
        one('.row[data-event="EVENT"]').click();
        const lines = (change) => all(`.state .${change}`).map((line) => line.textContent.trim());
        const causes = all(".event h3").find((title) => title.textContent === "Because of");
        return {
          payload: one(".event .payload").textContent,
          came: lines("came"),
          went: lines("went"),
          causes: [...causes.nextSibling.querySelectorAll("[data-goto]")]
            .map((link) => Number(link.dataset.goto)),
        };
    "#;
    check(&explained, &TALL, &script.replace("EVENT", &event.id.to_string()), &expected);
}

#[test]
fn a_narrow_window_does_not_scroll_sideways_and_has_the_panel_below() {
    let script = r#"
        const width = () => document.documentElement.scrollWidth <= innerWidth;
        const isBelow = () => {
          return one(".side").getBoundingClientRect().top
            >= one(".diagram").getBoundingClientRect().bottom - 1;
        };
        const found = [innerWidth < 600, width(), isBelow()];
        one(".steps [data-goto]").click();
        await until(() => one(".scroll").scrollWidth <= one(".scroll").clientWidth);
        found.push(width(), one(".scroll").scrollWidth <= one(".scroll").clientWidth);
        one("[data-scope=past]").click();
        press("G");
        const bottom = () => one(".row.selected").getBoundingClientRect().bottom;
        await until(() => bottom() <= one(".side").getBoundingClientRect().top);
        const top = one(".side").getBoundingClientRect().top;
        found.push(top < one(".scroll").getBoundingClientRect().bottom);
        found.push(bottom() <= top);
        return found;
    "#;
    let window = Window { width: 420, height: 800 };
    check(&sample(), &window, script, &json!(vec![true; 7]));
}

#[test]
fn dark_and_light_are_readable() {
    // Contrast as in WCAG 2.2, 1.4.3: at least 4.5 to 1 for text.
    let script = r#"
        const colour = (node, name) => {
          return getComputedStyle(node)[name].match(/[\d.]+/g).slice(0, 3).map(Number);
        };
        const light = (parts) => {
          const [r, g, b] = parts.map((part) => part / 255)
            .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const contrast = (one, other) => {
          const [dark, bright] = [light(one), light(other)].sort((one, other) => one - other);
          return (bright + 0.05) / (dark + 0.05);
        };
        const found = {};
        for (const theme of ["light", "dark"]) {
          document.documentElement.dataset.theme = theme;
          const paper = colour(one(".side"), "backgroundColor");
          const ground = colour(document.body, "backgroundColor");
          const names = [".row b", ".row .who", ".row .line"];
          const tones = [".good", ".bad", ".doubtful", ".idle"];
          const faint = [...names, ...tones].filter((name) => one(name)).filter((name) => {
            const ink = colour(one(name), "color");
            return contrast(ink, paper) < 4.5 || contrast(ink, ground) < 4.5;
          });
          found[theme] = faint;
        }
        const theme = document.documentElement.dataset.theme;
        one(".theme").click();
        found.switched = document.documentElement.dataset.theme !== theme;
        return found;
    "#;
    check(&sample(), &TALL, script, &json!({ "light": [], "dark": [], "switched": true }));
}

#[test]
fn ten_thousand_events_are_usable() {
    let explained = large::explained(10_000);
    let expected = json!({
        "first": [0, true],
        "scrolled": [9_999, true],
        "back": [[0], true],
        "end": [[9_999], 10_000],
    });
    let script = r#"
        const found = {};
        const isFew = () => all(".row").length < 1000 && all(".mark").length < 1000;
        found.first = [ids(".row")[0], isFew()];
        one(".scroll").scrollTop = one(".scroll").scrollHeight;
        one(".scroll").dispatchEvent(new Event("scroll"));
        await until(() => ids(".row").at(-1) === 9999);
        found.scrolled = [ids(".row").at(-1), isFew()];
        press("g");
        await until(() => chosen()[0] === 0);
        found.back = [chosen(), isFew()];
        press("G");
        await until(() => chosen()[0] === 9999);
        const led = one(".event .led").textContent.replace(/\D/g, "");
        found.end = [chosen(), Number(led) + 1];
        return found;
    "#;
    check(&explained, &Window { width: 1280, height: 800 }, script, &expected);
}

#[test]
fn no_text_becomes_markup() {
    let hostile = "</script><img src=x onerror=alert(1)><!-- <script> & \u{2028}";
    let mut explained = sample();
    hostile.clone_into(&mut explained.observed);
    hostile.clone_into(&mut explained.events[0].text);
    hostile.clone_into(&mut explained.machines[0].name);
    hostile.clone_into(&mut explained.steps[0].text);
    let script = r#"
        one("[data-scope=all]").click();
        one(".row").click();
        return [all("img").length, one(".row b").textContent, one(".steps button").textContent];
    "#;
    check(&explained, &TALL, script, &json!([0, hostile, hostile]));
}

#[test]
fn a_page_asks_for_nothing_from_elsewhere() {
    let page = sample().html();
    for asking in ["src=", "href=", "url(", "@import", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(asking), "{asking}");
    }
    let namespace = "http://www.w3.org/2000/svg";
    assert!(!page.replace(namespace, "").contains("://"));
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn the_sources_of_the_page_fit_a_readers_head() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/explained/page");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() <= 600, "{}", path.display());
        for (number, line) in (1..).zip(text.lines()) {
            assert!(line.chars().count() <= 100, "{}:{number}", path.display());
        }
    }
}
