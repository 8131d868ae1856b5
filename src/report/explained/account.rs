//! From an explanation to the data that pages and programs read.

use super::model::{
    Band, Event, Explained, Info, Kept, Knob, Line, Machine, Message, Nearest, Rise, Step, Values,
};
use crate::choice::{Choice, Key, Site};
use crate::explain::{self, By, Explanation, Tried, Weighed};
use crate::history::{self, DownCause};
use crate::id::NodeId;
use crate::profile::FaultClass;
use crate::report::operation;
use crate::report::telling::Telling;
use crate::report::words;
use crate::run::{Moment, MomentKind, Outcome, Passage, Subject};
use crate::schedule::Trouble;
use crate::shrink::Size;

/// The version of the format.
const FORMAT: u32 = 1;

/// A failure that was explained, and what a report says of it besides.
#[derive(Clone, Debug)]
pub struct Account {
    /// The scenario as it was named.
    pub scenario: String,
    /// The explanation.
    pub explanation: Explanation,
    /// How large the failure was before it was shrunk, if it was.
    pub before: Option<Size>,
    /// The line that shows the failure again.
    pub replay: String,
}

impl Explained {
    /// The data of an account.
    pub fn of(account: &Account, subject: &dyn Subject) -> Self {
        let explanation = &account.explanation;
        let clerk = Clerk { explanation, subject };
        let inspection = &explanation.examined.inspection;
        let telling = Telling::of_outcome(&inspection.run.outcome, subject.machines());
        let (expected, observed) =
            telling.map_or_else(Default::default, |it| (it.expected, it.observed));
        Self {
            format: FORMAT,
            postulate: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: account.scenario.clone(),
            seed: inspection.run.seed.to_string(),
            verdict: verdict(&inspection.run.outcome).to_owned(),
            group: explanation.group(),
            expected,
            observed,
            replay: account.replay.clone(),
            digest: words::digest(inspection.run.digest),
            knobs: clerk.knobs(),
            machines: clerk.machines(),
            steps: explanation.steps.iter().map(|step| clerk.step(step)).collect(),
            events: clerk.events(),
            messages: clerk.messages(),
            states: explanation.examined.chronicle.states.clone(),
            history: clerk.history(),
            bands: clerk.bands(),
            anchors: explanation.anchors.clone(),
            past: explanation.past.clone(),
            infos: clerk.infos(),
            curve: clerk.curve(),
            rise: explanation.rise.map(rise),
            nearest: clerk.nearest(),
        }
    }
}

const fn verdict(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Holds => "holds",
        Outcome::Violated(_) => "violated",
        Outcome::Unknown { .. } => "unknown",
        Outcome::Panicked(_) => "panicked",
    }
}

struct Clerk<'a> {
    explanation: &'a Explanation,
    subject: &'a dyn Subject,
}

impl Clerk<'_> {
    fn knobs(&self) -> Vec<Knob> {
        let knobs = self.explanation.examined.inspection.knobs.iter();
        knobs.map(|(name, value)| Knob { name: (*name).to_owned(), value: value.clone() }).collect()
    }

    fn machines(&self) -> Vec<Machine> {
        let machines = self.subject.machines().iter().enumerate();
        let told = machines.map(|(id, machine)| {
            let (name, role) = (machine.name.clone(), machine.role.to_owned());
            Machine { id, name, role }
        });
        told.collect()
    }

    fn step(&self, weighed: &Weighed) -> Step {
        let Weighed { step, without, moments, .. } = weighed;
        let (text, class) = match step {
            explain::Step::Fault(fault) => {
                (self.subject.tell_fault(fault), fault.what.class().slug())
            }
            explain::Step::Decision(key, choice) => {
                (self.subject.tell_decision(*key, *choice), decided(*key, *choice))
            }
        };
        Step {
            text,
            class: class.to_owned(),
            events: moments.clone(),
            without: without.clone(),
            values: values(weighed),
        }
    }

    fn events(&self) -> Vec<Event> {
        let chronicle = &self.explanation.examined.chronicle;
        let mut operations = vec![Vec::new(); chronicle.moments.len()];
        for (line, entered) in chronicle.entered.iter().enumerate() {
            if let Some(moment) = *entered {
                operations[moment].push(line);
            }
        }
        let pauses = chronicle.bands.iter().filter(|it| matches!(it.what, Trouble::Pause { .. }));
        let pauses: Vec<usize> = pauses.map(|band| band.from).collect();
        let moments = chronicle.moments.iter().zip(operations).enumerate();
        let told = moments.map(|(id, (moment, operations))| {
            let kind = if pauses.contains(&id) { "pause" } else { moment.kind.slug() };
            event(id, moment, kind, operations)
        });
        told.collect()
    }

    fn messages(&self) -> Vec<Message> {
        let messages = self.explanation.examined.chronicle.messages.iter().enumerate();
        messages.map(|(id, passage)| message(id, passage)).collect()
    }

    fn history(&self) -> Vec<Line> {
        let examined = &self.explanation.examined;
        let shown = examined.inspection.run.outcome.shown();
        let machines = self.subject.machines();
        let lines = examined.inspection.history.operations().iter();
        let lines = lines.zip(&examined.chronicle.entered).enumerate();
        let told = lines.map(|(id, (line, entered))| Line {
            id,
            event: *entered,
            kind: kind(&line.event).to_owned(),
            text: operation::who_what(machines, line),
            shows: shown.contains(line),
        });
        told.collect()
    }

    /// The faults that lasted, and the times for which machines were down.
    fn bands(&self) -> Vec<Band> {
        let chronicle = &self.explanation.examined.chronicle;
        let mut bands: Vec<Band> = Vec::new();
        for band in &chronicle.bands {
            let text = chronicle.moments[band.from].text.clone();
            let (kind, links) = match &band.what {
                Trouble::Cut { from, to, .. } => {
                    let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (from, to)));
                    ("cut", pairs.map(|(from, to)| (from.index(), to.index())).collect())
                }
                Trouble::Hold { from, to, .. } => ("hold", vec![(from.index(), to.index())]),
                Trouble::Grey { from, to, .. } => ("grey", vec![(from.index(), to.index())]),
                Trouble::Pause { .. } => ("pause", Vec::new()),
                Trouble::FullDisk { .. } => ("full-disk", Vec::new()),
                Trouble::Crash { .. }
                | Trouble::PowerCut { .. }
                | Trouble::Disconnect { .. }
                | Trouble::ClockStep { .. }
                | Trouble::BitRot { .. } => continue,
            };
            let machines = band.what.node().map(NodeId::index).into_iter().collect();
            let kind = kind.to_owned();
            bands.push(Band { kind, text, machines, links, from: band.from, to: band.to });
        }
        bands.extend(self.downs());
        bands.sort_by_key(|band| band.from);
        bands
    }

    fn downs(&self) -> impl Iterator<Item = Band> {
        let moments = &self.explanation.examined.chronicle.moments;
        let goes = |moment: &Moment| {
            matches!(moment.kind, MomentKind::Crash | MomentKind::PowerCut | MomentKind::Exit)
        };
        let ends = moments.iter().enumerate().filter(move |(_, moment)| goes(moment));
        ends.filter_map(move |(from, moment)| {
            let node = moment.node?;
            let again = moments[from..]
                .iter()
                .position(|other| other.node == Some(node) && other.kind == MomentKind::Boot);
            Some(Band {
                kind: "down".to_owned(),
                text: format!("{} is down", operation::machine(self.subject.machines(), node)),
                machines: vec![node.index()],
                links: Vec::new(),
                from,
                to: again.map(|after| from + after),
            })
        })
    }

    fn infos(&self) -> Vec<Info> {
        let told = self.explanation.doubts.iter().map(|doubt| Info {
            text: operation::who_what(self.subject.machines(), &doubt.operation),
            history: doubt.line,
            if_ok: doubt.if_ok.clone(),
            if_fail: doubt.if_fail.clone(),
            matters: doubt.matters,
        });
        told.collect()
    }

    fn curve(&self) -> Vec<Kept> {
        let chronicle = &self.explanation.examined.chronicle;
        let points = self.explanation.curve.iter();
        let told = points.map(|&explain::Kept { keep, failed, of }| Kept {
            keep,
            event: chronicle.newest(keep),
            failed,
            of,
        });
        told.collect()
    }

    fn nearest(&self) -> Option<Nearest> {
        let nearest = self.explanation.nearest.as_ref()?;
        let chronicle = &self.explanation.examined.chronicle;
        let line = |event: &Option<crate::run::TraceEvent>| match event {
            Some(event) => format!("{}  {}", event.at, event.text),
            None => "it is over".to_owned(),
        };
        let event = chronicle.moments.iter().position(|it| it.line == Some(nearest.common));
        Some(Nearest {
            text: told_by(&nearest.by, self.subject),
            common: nearest.common,
            event,
            failing: line(&nearest.failing),
            passing: line(&nearest.passing),
        })
    }
}

/// How a run that holds differs from the failing one.
pub(super) fn told_by(by: &By, subject: &dyn Subject) -> String {
    match by {
        By::Without(step) => format!("without step {}", step + 1),
        By::Other(step, explain::Step::Fault(fault)) => {
            format!("with another step {}: {}", step + 1, subject.tell_fault(fault))
        }
        By::Other(step, explain::Step::Decision(key, choice)) => {
            format!("with another step {}: {}", step + 1, subject.tell_decision(*key, *choice))
        }
        By::Redrawn(keep) => format!("drawn anew after {} events", words::count(*keep)),
    }
}

fn event(id: usize, moment: &Moment, kind: &str, operations: Vec<usize>) -> Event {
    Event {
        id,
        at_ns: moment.at.nanos(),
        at: moment.at.to_string(),
        machine: moment.node.map(NodeId::index),
        incarnation: moment.incarnation.into(),
        kind: kind.to_owned(),
        text: moment.text.clone(),
        message: moment.message,
        causes: moment.causes.clone(),
        does: moment.does.iter().map(|deed| deed.text.clone()).collect(),
        operations,
        state: moment.state,
    }
}

fn message(id: usize, passage: &Passage) -> Message {
    Message {
        id,
        from: passage.from.index(),
        to: passage.to.index(),
        kind: passage.kind.to_owned(),
        text: passage.text.clone(),
        sent: passage.sent,
        ended: passage.ended,
        fate: passage.fate.slug().to_owned(),
        copy: passage.copy,
        corrupted: passage.corrupted,
        late_ns: passage.late.nanos(),
        late: passage.late.to_string(),
    }
}

fn values(weighed: &Weighed) -> Option<Values> {
    let Tried { runs, failed } = weighed.tried()?;
    Some(Values { tried: runs, failed, text: told_others(weighed)? })
}

/// What other values and other times of a step do, in words; nothing if none were tried.
pub(super) fn told_others(weighed: &Weighed) -> Option<String> {
    let parts = [("other values", weighed.values), ("other times", weighed.times)];
    let told: Vec<String> = parts
        .into_iter()
        .filter_map(|(what, tried)| Some(format!("{what}: {}", told_tried(tried?))))
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn told_tried(tried: Tried) -> String {
    let Tried { runs, failed } = tried;
    match failed {
        0 => format!("none of {runs} fails"),
        _ if tried.all() => format!("all {runs} fail"),
        _ => format!("{failed} of {runs} fail"),
    }
}

fn rise(rise: explain::Rise) -> Rise {
    let share = |kept: explain::Kept| f64::from(kept.failed) / f64::from(kept.of.max(1));
    Rise { event: rise.moment, from: share(rise.before), to: share(rise.after) }
}

/// The class of faults that a decision belongs to, or what else it decides.
fn decided(key: Key, choice: Choice) -> &'static str {
    let class = match (key.site(), choice) {
        (Site::Message, Choice::Lost) => FaultClass::Loss,
        (Site::Message, Choice::Twice { .. }) => FaultClass::Duplicate,
        (Site::Message, Choice::Corrupted { .. } | Choice::Garbled { .. }) => FaultClass::Corrupt,
        (Site::Message | Site::Notice, _) => FaultClass::Delay,
        (Site::Break, _) => FaultClass::Disconnect,
        (Site::Timer, _) => FaultClass::TimerLate,
        (Site::Sync, Choice::Failed(_)) => FaultClass::FailedSync,
        (Site::Sync, Choice::Lied(_)) => FaultClass::LyingSync,
        (Site::Sync, _) => FaultClass::SlowSync,
        (Site::Append, Choice::Misdirected(_)) => FaultClass::MisdirectedWrite,
        (Site::Append, _) => FaultClass::LostWrite,
        (Site::PowerCut, _) => FaultClass::PowerCut,
        (Site::Tear, _) => FaultClass::TornWrite,
        (Site::CrashPoint, _) => FaultClass::Crash,
        (Site::Drift, _) => FaultClass::ClockDrift,
        (Site::Offset, _) => FaultClass::ClockStep,
        (Site::Node, _) => return "choice",
        (Site::Knob, _) => return "knob",
    };
    class.slug()
}

const fn kind(event: &history::Event) -> &'static str {
    use history::Event;
    match event {
        Event::Plan { .. } => "plan",
        Event::SendInvoke { .. } => "send",
        Event::SendOk { .. } => "ok",
        Event::SendFail { .. } => "fail",
        Event::SendInfo { .. } => "info",
        Event::Polled { .. } => "polled",
        Event::CommitInvoke { .. } => "commit",
        Event::CommitOk { .. } => "commit-ok",
        Event::CommitInfo { .. } => "commit-info",
        Event::Received { .. } => "received",
        Event::Returned { .. } => "returned",
        Event::Lapsed { .. } => "lapsed",
        Event::AckInvoke { .. } => "ack",
        Event::AckOk { .. } => "ack-ok",
        Event::AckInfo { .. } => "ack-info",
        Event::Acting { .. } => "acting",
        Event::Effect { .. } => "effect",
        Event::View { .. } => "view",
        Event::Boot => "boot",
        Event::Down { cause: DownCause::Crash | DownCause::PowerCut | DownCause::Exit } => "down",
        Event::Heal => "heal",
        Event::End { .. } => "end",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_values_are_told_by_how_many_fail() {
        let check = |runs, failed, expected: &str| {
            assert_eq!(told_tried(Tried { runs, failed }), expected);
        };
        check(8, 8, "all 8 fail");
        check(8, 0, "none of 8 fails");
        check(8, 5, "5 of 8 fail");
    }
}
