//! What stands beside the moments of a story: in the text and in the sequence diagram.

use super::thread::Thread;
use crate::explain::Explanation;
use crate::report::operation;
use crate::run::{Deed, DeedKind, Moment, MomentKind, Subject};

/// The words for the moments of an explanation.
#[derive(Copy, Clone)]
pub(in crate::report) struct Captions<'a> {
    pub(in crate::report) explanation: &'a Explanation,
    pub(in crate::report) subject: &'a dyn Subject,
}

/// What a line below a moment is about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(in crate::report) enum Below {
    /// What the machine did to its disk.
    Does,
    /// A line of the history that it entered.
    Enters,
    /// A line of the history that shows the failure.
    Shows,
}

impl Below {
    /// Its sign.
    pub(in crate::report) const fn sign(self) -> &'static str {
        match self {
            Self::Does => "·",
            Self::Enters => "▸",
            Self::Shows => "▶",
        }
    }
}

impl Captions<'_> {
    /// A moment, with the steps that took hold in it.
    pub(in crate::report) fn whole(&self, place: usize) -> String {
        let moment = &self.explanation.examined.chronicle.moments[place];
        let steps = self.steps_at(place).map_or_else(String::new, |steps| format!("  {steps}"));
        self.what(moment) + &steps
    }

    /// The steps that took hold in a moment, if any did.
    pub(in crate::report) fn steps_at(&self, place: usize) -> Option<String> {
        let steps = (1..).zip(&self.explanation.steps);
        let here = steps.filter(|(_, step)| step.moments.contains(&place));
        let numbers: Vec<String> = here.map(|(number, _)| number.to_string()).collect();
        (!numbers.is_empty()).then(|| format!("← step {}", numbers.join(", ")))
    }

    /// A moment.
    pub(in crate::report) fn what(&self, moment: &Moment) -> String {
        let name = |node| operation::machine(self.subject.machines(), node);
        let messages = &self.explanation.examined.chronicle.messages;
        match (moment.kind, moment.message, moment.node) {
            (MomentKind::Message, Some(message), _) => messages[message].text.clone(),
            (MomentKind::Fault | MomentKind::Lift | MomentKind::Heal | MomentKind::End, ..)
            | (_, _, None) => moment.text.clone(),
            (_, _, Some(node)) => format!("{} {}", name(node), moment.text),
        }
    }

    /// What stands below a moment: what it did to its disk, and what it entered in the history.
    pub(in crate::report) fn under(&self, place: usize, thread: &Thread) -> Vec<(Below, String)> {
        let chronicle = &self.explanation.examined.chronicle;
        let does = chronicle.moments[place].does.iter().filter(|deed| thread.tells(deed));
        let does: Vec<&Deed> = does.collect();
        let mut lines = Vec::new();
        // A sync that is asked for says something beside what it is to make durable.
        if does.iter().any(|deed| deed.kind != DeedKind::Sync) {
            let texts: Vec<&str> = does.iter().map(|deed| deed.text.as_str()).collect();
            lines.push((Below::Does, texts.join("; ")));
        }
        let shown = self.explanation.examined.inspection.run.outcome.shown();
        let operations = self.explanation.examined.inspection.history.operations();
        for (operation, entered) in operations.iter().zip(&chronicle.entered) {
            if *entered != Some(place) {
                continue;
            }
            let is_about = operation.event.message().is_some_and(|it| thread.is_about(it));
            let is_shown = shown.contains(operation);
            if is_shown || is_about {
                let label = if is_shown { Below::Shows } else { Below::Enters };
                lines.push((label, operation::what(&operation.event)));
            }
        }
        lines
    }
}
