//! An explained failure as a Mermaid sequence diagram, for pull requests.
//!
//! The syntax is that of <https://mermaid.js.org/syntax/sequenceDiagram.html>: there a semicolon
//! ends a statement wherever it stands, and what must not be read as syntax is written as an entity
//! code, such as `#59;`.

use super::Account;
use super::captions::Captions;
use super::diagram::mark;
use super::thread::{GAP_MIN, Thread};
use crate::id::NodeId;
use crate::report::operation;
use crate::report::words::{count, wrap};
use crate::run::{Chronicle, Moment, MomentKind, Passage, Subject};
use crate::time::Span;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The columns of a label: what is longer pushes the machines far apart.
const LABEL_COLUMNS: usize = 48;

/// The lines of one text in a label; the rest is cut off.
const LABEL_LINES_MAX: usize = 4;

/// The story of a failure as a `sequenceDiagram`: what the text tells of what led to it, an arrow a
/// message and a note an event. Every line that begins with `%%` is a comment.
///
/// It is to stand in a fenced block of the language `mermaid`, or in a file of its own.
pub fn explained_mermaid(account: &Account, subject: &dyn Subject) -> String {
    let explanation = &account.explanation;
    let captions = Captions { explanation, subject };
    let thread = Thread::of(explanation);
    let chronicle = &explanation.examined.chronicle;
    let nodes = nodes(chronicle, &thread.told, subject.machines().len());
    let run = &explanation.examined.inspection.run;
    let title = format!("{} seed {}: {}", account.scenario, run.seed, run.outcome.group());
    let mut drawing = Drawing { text: "sequenceDiagram\n".to_owned(), nodes };
    drawing.comment(&account.replay);
    _ = writeln!(drawing.text, "  title: {}", escaped(&title));
    for &node in &drawing.nodes {
        let name = escaped(&operation::machine(subject.machines(), node));
        _ = writeln!(drawing.text, "  participant n{} as {name}", node.0);
    }
    let mut next = 0;
    for &place in &thread.told {
        let passed = (next..place).filter(|&place| explanation.is_past(place)).count();
        if passed >= GAP_MIN {
            drawing.note(None, &[format!("… {} events", count(passed as u64))]);
        }
        drawing.moment(&captions, place, &thread);
        next = place + 1;
    }
    drawing.text
}

/// The machines of the moments and of their messages; all, if there are none.
fn nodes(chronicle: &Chronicle, told: &[usize], machines: usize) -> BTreeSet<NodeId> {
    let mut nodes = BTreeSet::new();
    for moment in told.iter().map(|&place| &chronicle.moments[place]) {
        nodes.extend(moment.node);
        let message = moment.message.map(|message| &chronicle.messages[message]);
        nodes.extend(message.into_iter().flat_map(|message| [message.from, message.to]));
    }
    if nodes.is_empty() {
        nodes.extend((0..machines).map(|node| NodeId(node as u16)));
    }
    nodes
}

struct Drawing {
    text: String,
    nodes: BTreeSet<NodeId>,
}

impl Drawing {
    fn comment(&mut self, told: &str) {
        _ = writeln!(self.text, "  %% {}", told.replace(char::is_control, " "));
    }

    fn moment(&mut self, captions: &Captions<'_>, place: usize, thread: &Thread) {
        let chronicle = &captions.explanation.examined.chronicle;
        let moment = &chronicle.moments[place];
        let mut lines = vec![format!("{}: {}", moment.at, captions.what(moment))];
        lines.extend(captions.steps_at(place));
        match moment.message.map(|message| &chronicle.messages[message]) {
            Some(message) => self.arrow(moment, message, std::mem::take(&mut lines)),
            None => lines[0].insert_str(0, &format!("{} ", mark(moment.kind))),
        }
        let under = captions.under(place, thread);
        lines.extend(under.into_iter().map(|(below, told)| format!("{} {told}", below.sign())));
        if !lines.is_empty() {
            self.note(moment.node, &lines);
        }
    }

    fn arrow(&mut self, moment: &Moment, message: &Passage, mut lines: Vec<String>) {
        let head = match (moment.kind, message.copy) {
            (MomentKind::Message, false) => "->>",
            (MomentKind::Message, true) => "-->>",
            (_, false) => "-x",
            (_, true) => "--x",
        };
        if message.copy {
            lines.push("a duplicate".to_owned());
        }
        if message.corrupted {
            lines.push("corrupted".to_owned());
        }
        if moment.kind == MomentKind::Message && message.late != Span::ZERO {
            lines.push(format!("{} late", message.late));
        }
        let (from, to) = (message.from.0, message.to.0);
        _ = writeln!(self.text, "  n{from}{head}n{to}: {}", labels(&lines));
    }

    /// A note over a machine; over all of them, if it is about none.
    fn note(&mut self, node: Option<NodeId>, lines: &[String]) {
        let ends = [node.or(self.nodes.first().copied()), node.or(self.nodes.last().copied())];
        let over = match ends {
            [Some(one), Some(other)] if one == other => format!("n{}", one.0),
            [Some(one), Some(other)] => format!("n{},n{}", one.0, other.0),
            _ => return,
        };
        _ = writeln!(self.text, "  Note over {over}: {}", labels(lines));
    }
}

/// A line break in a label.
const BREAK: &str = "<br/>";

fn labels(texts: &[String]) -> String {
    let labels: Vec<String> = texts.iter().map(|text| label(text)).collect();
    labels.join(BREAK)
}

/// Text as a label of some lines.
fn label(text: &str) -> String {
    let mut lines = wrap(text, LABEL_COLUMNS);
    if lines.len() > LABEL_LINES_MAX {
        lines.truncate(LABEL_LINES_MAX);
        lines.iter_mut().last().into_iter().for_each(|line| line.push('…'));
    }
    let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
    lines.join(BREAK)
}

/// Text of which Mermaid reads nothing as syntax, as HTML or as a formula, and Markdown no end of
/// its block.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '#' | ';' | '"' | '`' | '<' | '>' | '&' | '%' | '$' | '\\' => {
                _ = write!(escaped, "#{};", u32::from(character));
            }
            _ if character.is_control() => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_read_as_syntax() {
        let check = |text, expected| assert_eq!(label(text), expected);
        check("a; b #1", "a#59; b #35;1");
        check("<b>\"x\"</b>\r\ny", "#60;b#62;#34;x#34;#60;/b#62; <br/>y");
        check("100 % of $$x$$ ```", "100 #37; of #36;#36;x#36;#36; #96;#96;#96;");
        check("m1.0 → broker: kept", "m1.0 → broker: kept");
    }

    #[test]
    fn long_text_is_cut_off() {
        let long = "word ".repeat(100);
        let label = label(&long);
        assert_eq!(label.matches(BREAK).count() + 1, LABEL_LINES_MAX);
        assert!(label.ends_with("word…"), "{label}");
    }
}
