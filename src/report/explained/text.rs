//! An explained failure as a story to read in a terminal.

use super::Account;
use super::account::{told_by, told_others};
use super::captions::{Below, Captions};
use super::diagram::Lanes;
use super::thread::{GAP_MIN, Thread};
use crate::explain::{Doubted, Explanation, Kept, Nearest, Rise, Step, Weighed};
use crate::report::operation;
use crate::report::telling::Telling;
use crate::report::words::{Paint, Tone, WIDTH, count, counted, field, wrap};
use crate::run::{MomentKind, Outcome, Subject, TraceEvent};
use std::fmt::Write as _;

/// How many times stand before the lanes of the diagram.
const TIME: usize = 11;

/// The story of a failure: what was expected and what was seen, what it takes, what led to it, when
/// it became likely, and the nearest run that holds. No line is wider than 100 columns.
pub fn explained_text(account: &Account, subject: &dyn Subject, paint: Paint) -> String {
    let teller = Teller { explanation: &account.explanation, subject, paint };
    let mut text = teller.verdict(account);
    text.push_str(&teller.steps(account));
    text.push_str(&teller.story());
    text.push_str(&teller.doubts());
    text.push_str(&teller.likelihood());
    text.push_str(&teller.nearest());
    text.push('\n');
    text.push_str(&field(2, "see it", &account.replay, paint));
    text
}

struct Teller<'a> {
    explanation: &'a Explanation,
    subject: &'a dyn Subject,
    paint: Paint,
}

impl Teller<'_> {
    fn title(&self, text: &str) -> String {
        format!("\n{}\n", self.paint.tint(Tone::Strong, text))
    }

    fn verdict(&self, account: &Account) -> String {
        let (run, knobs) = {
            let inspection = &self.explanation.examined.inspection;
            (&inspection.run, &inspection.knobs)
        };
        let verdict = match &run.outcome {
            Outcome::Panicked(panic) => format!("panics at {}", panic.location),
            other => format!("violates {}", other.group()),
        };
        let name = format!("{} seed {}", account.scenario, run.seed);
        let (name, verdict) =
            (self.paint.tint(Tone::Strong, &name), self.paint.tint(Tone::Bad, &verdict));
        let mut text = format!("{name} {verdict}\n\n");
        let telling = Telling::of_outcome(&run.outcome, self.subject.machines());
        if let Some(Telling { expected, observed, .. }) = telling {
            text.push_str(&field(2, "expected", &expected, self.paint));
            text.push_str(&field(2, "observed", &observed, self.paint));
        }
        if !knobs.is_empty() {
            let listed: Vec<_> =
                knobs.iter().map(|(name, value)| format!("{name} {value}")).collect();
            text.push_str(&field(2, "knobs", &listed.join(", "), self.paint));
        }
        text
    }

    fn steps(&self, account: &Account) -> String {
        let steps = &self.explanation.steps;
        let mut title = if steps.is_empty() {
            "What it takes: nothing. The workload alone fails, with no fault and no decision"
                .to_owned()
        } else {
            format!("What it takes: {}", counted(steps.len() as u64, "step"))
        };
        if let Some(before) = account.before.filter(|before| before.steps > steps.len()) {
            _ = write!(title, ", shrunk from {}", count(before.steps as u64));
        }
        let mut text = self.title(&title);
        let is_late =
            |step: &Step| matches!(step, Step::Decision(_, crate::choice::Choice::Late(_)));
        let listed = steps.len() <= LISTED_MAX;
        for (number, weighed) in (1..).zip(steps) {
            if listed || !is_late(&weighed.step) && weighed.is_needed {
                text.push_str(&self.step(number, weighed));
            }
        }
        if !listed {
            let needed = steps.iter().filter(|step| step.is_needed).count();
            let rest = format!(
                "of {} steps the run fails without any but {needed}; those that are merely late \
                 are not listed",
                count(steps.len() as u64)
            );
            text.push_str(&paragraph(2, &rest));
        }
        text
    }

    fn step(&self, number: usize, weighed: &Weighed) -> String {
        let told = match &weighed.step {
            Step::Fault(fault) => self.subject.tell_fault(fault),
            Step::Decision(key, choice) => self.subject.tell_decision(*key, *choice),
        };
        let mut text = field_of_number(number, &told);
        let without = match weighed.without.as_str() {
            _ if !weighed.is_needed => "it fails all the same",
            other => other,
        };
        let mut weighing = format!("without it: {without}");
        if let Some(others) = told_others(weighed) {
            _ = write!(weighing, "; {others}");
        }
        text.push_str(&self.paint.tint(Tone::Faint, &paragraph(5, &weighing)));
        text
    }

    fn story(&self) -> String {
        let chronicle = &self.explanation.examined.chronicle;
        let thread = Thread::of(self.explanation);
        let (all, past) = (chronicle.moments.len(), self.explanation.past.len());
        let mut text = self.title(&format!(
            "What led to it: {} of {} events, of which {} are told",
            count(past as u64),
            count(all as u64),
            count(thread.told.len() as u64)
        ));
        let mut lanes = Lanes::of(chronicle, &thread.told);
        for (lane, &node) in lanes.nodes().iter().enumerate() {
            let name = operation::machine(self.subject.machines(), node);
            _ = writeln!(text, "{:TIME$}  {}{name}", "", Lanes::heading(lane));
        }
        let mut next = 0;
        for &place in &thread.told {
            let passed = (next..place).filter(|&place| self.explanation.is_past(place)).count();
            if passed >= GAP_MIN {
                let passed = format!("… {} events", count(passed as u64));
                let gap = format!("{:TIME$}  {}  {passed}", "", lanes.between());
                text.push_str(&self.paint.tint(Tone::Faint, &gap));
                text.push('\n');
            }
            text.push_str(&self.moment(place, &mut lanes, &thread));
            next = place + 1;
        }
        text
    }

    fn moment(&self, place: usize, lanes: &mut Lanes, thread: &Thread) -> String {
        let chronicle = &self.explanation.examined.chronicle;
        let moment = &chronicle.moments[place];
        let drawn = lanes.at(chronicle, moment);
        let room = WIDTH - TIME - 4 - lanes.width();
        let is_shown = self.explanation.anchors.contains(&place);
        let tone = is_shown.then_some(Tone::Strong);
        let captions = Captions { explanation: self.explanation, subject: self.subject };
        let what = captions.whole(place);
        let mut text = String::new();
        for (number, line) in wrap(&what, room).iter().enumerate() {
            let line = tone.map_or_else(|| line.clone(), |tone| self.paint.tint(tone, line));
            let (at, lanes) = match number {
                0 => (moment.at.to_string(), drawn.clone()),
                _ => (String::new(), lanes.between()),
            };
            _ = writeln!(text, "{at:>TIME$}  {lanes}  {line}");
        }
        for (below, told) in captions.under(place, thread) {
            let tone = if below == Below::Shows { Tone::Bad } else { Tone::Faint };
            for (number, line) in wrap(&told, room - 2).iter().enumerate() {
                let label = if number == 0 { below.sign() } else { " " };
                let line = self.paint.tint(tone, &format!("{label} {line}"));
                _ = writeln!(text, "{:TIME$}  {}  {line}", "", lanes.between());
            }
        }
        text
    }

    fn doubts(&self) -> String {
        let doubts = &self.explanation.doubts;
        if doubts.is_empty() {
            return String::new();
        }
        let mut text = self.title("What nobody knows");
        let (mattering, idle): (Vec<_>, Vec<_>) = doubts.iter().partition(|doubt| doubt.matters);
        for Doubted { operation, if_ok, if_fail, .. } in &mattering {
            text.push_str(&paragraph(
                2,
                operation::tell(self.subject.machines(), operation).trim(),
            ));
            let refused = if_fail
                .as_ref()
                .map_or_else(String::new, |verdict| format!("; had it been refused: {verdict}"));
            let told = format!("had it been acknowledged: {if_ok}{refused}");
            text.push_str(&self.paint.tint(Tone::Faint, &paragraph(5, &told)));
        }
        if !idle.is_empty() {
            let operations = counted(idle.len() as u64, "operation");
            let told = format!(
                "whether {operations} without an answer happened changes nothing about the verdict"
            );
            text.push_str(&paragraph(2, &told));
        }
        text
    }

    fn likelihood(&self) -> String {
        let Explanation { curve, rise, .. } = self.explanation;
        let Some(first) = curve.first() else { return String::new() };
        let mut text = self.title("When it became likely");
        let line: String = curve.iter().map(|kept| bar(*kept)).collect();
        let line = if line.chars().count() > WIDTH - 4 { squeezed(curve) } else { line };
        _ = writeln!(text, "  {line}");
        let told = match rise {
            None => format!(
                "{} of {} runs that begin like this one fail in the same way, however long they do",
                first.failed, first.of
            ),
            Some(Rise { before, after, .. }) => format!(
                "the first events are kept and the rest is drawn anew, {} times: {} fail in the \
                 same way if none is kept{}, and {} if the next one is, too:",
                first.of,
                first.failed,
                match before.keep {
                    0 => String::new(),
                    keep => format!(", {} if {} are", before.failed, count(keep)),
                },
                after.failed
            ),
        };
        text.push_str(&paragraph(2, &told));
        if let Some(Rise { moment, .. }) = rise {
            let moment = &self.explanation.examined.chronicle.moments[*moment];
            let name = match moment.node {
                // A fault names its machine.
                Some(node) if moment.kind != MomentKind::Fault => {
                    format!("{}: ", operation::machine(self.subject.machines(), node))
                }
                _ => String::new(),
            };
            let what = format!("{}  {name}{}", moment.at, moment.text);
            text.push_str(&paragraph(5, &cut_off(&what, WIDTH - 5)));
        }
        text
    }

    fn nearest(&self) -> String {
        let Some(Nearest { by, common, failing, passing, .. }) = &self.explanation.nearest else {
            return String::new();
        };
        let by = told_by(by, self.subject);
        let mut text = self.title("The nearest run that holds");
        let told =
            format!("{by}; it goes the same way for {}, then", counted(*common as u64, "line"));
        text.push_str(&paragraph(2, &told));
        let ends = |event: &Option<TraceEvent>| match event {
            Some(event) => format!("{}  {}", event.at, event.text),
            None => "it is over".to_owned(),
        };
        text.push_str(&field(2, "this one", &ends(failing), self.paint));
        text.push_str(&field(2, "that one", &ends(passing), self.paint));
        text
    }
}

fn paragraph(indent: usize, text: &str) -> String {
    let lines = wrap(text, WIDTH - indent);
    lines.iter().fold(String::new(), |text, line| format!("{text}{:indent$}{line}\n", ""))
}

/// More steps than this are not told one by one.
const LISTED_MAX: usize = 12;

fn field_of_number(number: usize, told: &str) -> String {
    let mut text = String::new();
    for (index, line) in wrap(told, WIDTH - 5).iter().enumerate() {
        let label = if index == 0 { number.to_string() } else { String::new() };
        _ = writeln!(text, "  {label:<3}{line}");
    }
    text
}

/// A share as a bar of eighths.
fn bar(Kept { failed, of, .. }: Kept) -> char {
    const BARS: [char; 9] = ['·', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let eighths = if failed == 0 { 0 } else { (u64::from(failed) * 8).div_ceil(of.max(1).into()) };
    BARS[eighths.min(8) as usize]
}

/// As many bars as a line has room for.
fn squeezed(curve: &[Kept]) -> String {
    let room = WIDTH - 4;
    (0..room).map(|column| bar(curve[column * curve.len() / room])).collect()
}

/// Text that fits into `room` columns.
fn cut_off(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(room.saturating_sub(1)).collect();
    cut.push('…');
    cut
}
