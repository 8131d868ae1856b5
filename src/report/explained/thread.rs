//! The thread of a story: of all that led to a failure, what a reader needs to be told.

use crate::explain::Explanation;
use crate::id::MessageId;
use crate::run::{Chronicle, Deed, DeedKind, Examined, Moment, MomentKind};
use std::collections::BTreeSet;

/// At most so many moments are told before the rest is left to the page.
const TOLD_MAX: usize = 60;

/// Fewer moments that are left out go without a word.
pub(in crate::report) const GAP_MIN: usize = 10;

/// The past of a failure, with what is told of it.
pub(in crate::report) struct Thread {
    /// The moments that are told, by their places in the chronicle and in order.
    pub(in crate::report) told: Vec<usize>,
    /// The names of the messages that the failure is about.
    names: BTreeSet<String>,
}

impl Thread {
    /// Of the past of a failure the moments that show it; the lives of processes and the faults;
    /// what has to do with the messages that the failure is about; and where these were sent.
    pub(in crate::report) fn of(explanation: &Explanation) -> Self {
        let names = names(explanation);
        let chronicle = &explanation.examined.chronicle;
        let mut told = BTreeSet::new();
        for &place in &explanation.past {
            let moment = &chronicle.moments[place];
            let is_shown = explanation.anchors.contains(&place);
            if !is_shown && !is_life(moment) && !is_about(moment, &names) {
                continue;
            }
            told.insert(place);
            let message = moment.message.map(|message| &chronicle.messages[message]);
            told.extend(message.map(|message| message.sent));
        }
        told.extend(explanation.rise.iter().map(|rise| rise.moment));
        told.retain(|place| explanation.is_past(*place));
        leave_out_fuses(&mut told, chronicle);
        let told = told.into_iter().collect();
        let mut thread = Self { told, names };
        thread.leave_out_repeats(explanation);
        if thread.told.len() > TOLD_MAX {
            thin(&mut thread.told, &explanation.anchors);
        }
        thread
    }

    /// What happens over and over is told when it happens first and when it happens last.
    fn leave_out_repeats(&mut self, explanation: &Explanation) {
        let moments = &explanation.examined.chronicle.moments;
        let stays = |place: usize| {
            let moment = &moments[place];
            let is_shown = explanation.anchors.contains(&place);
            is_shown || is_life(moment) || moment.does.iter().any(|deed| self.tells(deed))
        };
        let alike = |one: usize, other: usize| {
            let (one, other) = (&moments[one], &moments[other]);
            (one.node, one.kind, &one.text) == (other.node, other.kind, &other.text)
        };
        let all = &self.told;
        let told = all.iter().enumerate().filter(|&(number, &place)| {
            let again = |others: &[usize]| others.iter().any(|&other| alike(place, other));
            stays(place) || !again(&all[..number]) || !again(&all[number + 1..])
        });
        self.told = told.map(|(_, &place)| place).collect();
    }

    /// Whether a message is one that the failure is about.
    pub(in crate::report) fn is_about(&self, message: MessageId) -> bool {
        self.names.contains(&message.to_string())
    }

    /// Whether what a machine did is worth a word: that its disk changed, but for what it wrote
    /// about other messages.
    pub(in crate::report) fn tells(&self, Deed { kind, text }: &Deed) -> bool {
        let is_own = self.names.iter().any(|name| mentions(text, name));
        *kind != DeedKind::Timer && (is_own || mentioned(text).next().is_none())
    }
}

/// The messages that a failure is about; if it is about none, those that the steps befell.
fn names(explanation: &Explanation) -> BTreeSet<String> {
    if let Some(violation) = explanation.examined.inspection.run.outcome.violation()
        && !violation.about.is_empty()
    {
        return violation.about.iter().map(ToString::to_string).collect();
    }
    let Examined { inspection, chronicle } = &explanation.examined;
    let needed = explanation.steps.iter().filter(|step| step.is_needed);
    let moments: BTreeSet<usize> = needed.flat_map(|step| step.moments.iter().copied()).collect();
    let lines = inspection.history.operations().iter().zip(&chronicle.entered);
    let here = lines.filter(|(_, entered)| entered.is_some_and(|moment| moments.contains(&moment)));
    let entered = here.filter_map(|(operation, _)| operation.event.message());
    let texts = moments.iter().map(|&moment| chronicle.moments[moment].text.as_str());
    let carried = texts.flat_map(mentioned).map(ToOwned::to_owned);
    entered.map(|message| message.to_string()).chain(carried).collect()
}

/// That a process dies says what its fault does.
fn leave_out_fuses(told: &mut BTreeSet<usize>, chronicle: &Chronicle) {
    let dies = |place: &usize| {
        matches!(chronicle.moments[*place].kind, MomentKind::Crash | MomentKind::PowerCut)
    };
    let deaths: Vec<usize> = told.iter().copied().filter(dies).collect();
    for Moment { at, causes, .. } in deaths.into_iter().map(|death| &chronicle.moments[death]) {
        for cause in causes {
            let fault = &chronicle.moments[*cause];
            if fault.kind == MomentKind::Fault && fault.at == *at {
                told.remove(cause);
            }
        }
    }
}

/// Whether a process begins or ends, or a fault does.
fn is_life(moment: &Moment) -> bool {
    match moment.kind {
        MomentKind::Boot => moment.incarnation > 0,
        MomentKind::Crash
        | MomentKind::PowerCut
        | MomentKind::Exit
        | MomentKind::Resume
        | MomentKind::Fault
        | MomentKind::Lift
        | MomentKind::Input => true,
        MomentKind::Message
        | MomentKind::Timer
        | MomentKind::Sync
        | MomentKind::Notice
        | MomentKind::Drop
        | MomentKind::Void
        | MomentKind::Dead
        | MomentKind::Heal
        | MomentKind::End => false,
    }
}

fn is_about(moment: &Moment, names: &BTreeSet<String>) -> bool {
    let does = moment.does.iter().map(|deed| &deed.text);
    let mut texts = std::iter::once(&moment.text).chain(does);
    texts.any(|text| names.iter().any(|name| mentions(text, name)))
}

/// Whether `text` has `name` as a word: `m1.1` is no part of `m1.12`.
fn mentions(text: &str, name: &str) -> bool {
    let is_word = |character: char| character.is_ascii_alphanumeric();
    text.match_indices(name).any(|(start, _)| {
        !text[..start].ends_with(is_word) && !text[start + name.len()..].starts_with(is_word)
    })
}

/// The planned messages that `text` names.
fn mentioned(text: &str) -> impl Iterator<Item = &str> {
    let is_apart = |character: char| !character.is_ascii_alphanumeric() && character != '.';
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    text.split(is_apart).filter(move |word| {
        let numbers = word.strip_prefix('m').and_then(|rest| rest.split_once('.'));
        numbers.is_some_and(|(client, number)| is_number(client) && is_number(number))
    })
}

/// Keeps what shows the failure, and of the rest what came first and what came last.
fn thin(told: &mut Vec<usize>, anchors: &[usize]) {
    let others: Vec<usize> =
        told.iter().copied().filter(|place| !anchors.contains(place)).collect();
    let room = TOLD_MAX.saturating_sub(told.len() - others.len()).min(others.len());
    let first = room / 3;
    let (beginning, end) = (&others[..first], &others[others.len() - (room - first)..]);
    told.retain(|place| {
        anchors.contains(place) || beginning.contains(place) || end.contains(place)
    });
}

#[cfg(test)]
mod tests {
    use super::{mentioned, mentions};

    #[test]
    fn a_name_is_a_word_of_its_own() {
        assert!(mentions("Entry { message: m1.1, key: 0 }", "m1.1"));
        assert!(mentions("m1.1", "m1.1"));
        assert!(!mentions("m1.12 and m11.1", "m1.1"));
        assert!(mentions("m1.12 and m1.1 (key 0)", "m1.1"));
        let mentioned = |text| mentioned(text).collect::<Vec<_>>();
        assert_eq!(mentioned("appends Entry m1.12 (key 0), m2.0"), ["m1.12", "m2.0"]);
        assert!(mentioned("appends Volume of 1 records to file-3, after 1.5 ms").is_empty());
    }
}
