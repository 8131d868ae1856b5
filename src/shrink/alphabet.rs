//! Steps that may be put in the place of others.

use super::search::Step;
use crate::choice::{Actor, Choice, Key, Site};
use crate::id::NodeId;
use crate::profile::FaultClass;
use crate::schedule::{Fault, Schedule, Trigger, Trouble};
use crate::time::Span;
use std::collections::BTreeSet;

/// How many kinds of messages are looked for, how many messages of each on a link, and how many
/// files and syncs of each.
const KINDS: u8 = 32;
const MESSAGES: u32 = 8;
const FILES: u8 = 4;

/// After which of its events a machine may be made to crash or to stop.
const EVENTS: u32 = 32;

/// How late a message or a sync may be made.
const LATE: [Span; 3] = [Span::millis(5), Span::millis(50), Span::millis(200)];

/// For how long a step may be made to last.
const LONG: [Span; 4] = [Span::millis(50), Span::millis(100), Span::millis(300), Span::secs(1)];

/// How long a machine that is made to crash is down, and one that is made to stop stands still.
const DOWN: Span = Span::millis(5);
const PAUSED: [Span; 2] = [Span::millis(100), Span::millis(300)];

/// A step by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Letter {
    Fault(Fault),
    Decision(Key, Choice),
}

/// How hard a step is to understand: what it is, then how late in the run it is, and where.
pub(super) type Burden = (Plainness, u32, Option<Key>);

/// From the plainest to the least plain.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Plainness {
    LostMessage,
    LateMessage,
    SlowSync,
    Crash,
    Other,
}

impl Letter {
    pub(super) fn at(schedule: &Schedule, step: Step) -> Self {
        match step {
            Step::Fault(number) => Self::Fault(schedule.faults[number].clone()),
            Step::Decision(key) => Self::Decision(key, schedule.decisions[&key]),
        }
    }

    pub(super) fn is_in(&self, schedule: &Schedule) -> bool {
        match self {
            Self::Fault(fault) => schedule.faults.contains(fault),
            Self::Decision(key, _) => schedule.decisions.contains_key(key),
        }
    }

    /// The schedule with this step besides its own.
    pub(super) fn joined(&self, schedule: &Schedule) -> Schedule {
        let mut greater = schedule.clone();
        match self {
            Self::Fault(fault) => greater.faults.push(fault.clone()),
            Self::Decision(key, choice) => _ = greater.decisions.insert(*key, *choice),
        }
        greater
    }

    pub(super) fn is_plain(&self) -> bool {
        self.plainness() < Plainness::Other
    }

    pub(super) fn burden(&self) -> Burden {
        let (number, key) = match self {
            Self::Fault(Fault { when, .. }) => match *when {
                Trigger::After { events, .. } => (events, None),
                Trigger::Upon { nth, .. } | Trigger::Done { nth, .. } => (nth, None),
                Trigger::At(_) => (u32::MAX, None),
            },
            Self::Decision(key, _) => (key.occurrence(), Some(*key)),
        };
        (self.plainness(), number, key)
    }

    fn plainness(&self) -> Plainness {
        match self {
            Self::Fault(fault) if fault.what.class() == FaultClass::Crash => Plainness::Crash,
            Self::Fault(_) => Plainness::Other,
            Self::Decision(key, choice) => match (key.site(), choice) {
                (Site::Message, Choice::Lost) => Plainness::LostMessage,
                (Site::Message, Choice::Late(_)) => Plainness::LateMessage,
                (Site::Sync, Choice::Late(_)) => Plainness::SlowSync,
                _ => Plainness::Other,
            },
        }
    }
}

/// The same run, in which the choices are decided as they are that might take part in the failure
/// but do not: those about the machines that its steps are about. Which of them there are at all
/// shows when it is run.
pub(super) fn probe(schedule: &Schedule, machines: usize) -> Schedule {
    let mut probe = schedule.clone();
    let mut ask = |key| _ = probe.decisions.entry(key).or_insert(Choice::Late(Span::ZERO));
    let involved = involved(schedule);
    let all = || (0..machines).map(|number| NodeId(number as u16));
    for (from, to) in all().flat_map(|from| all().map(move |to| (from, to))) {
        if from != to && (involved.contains(&from) || involved.contains(&to)) {
            for (kind, nth) in pairs(KINDS, MESSAGES) {
                ask(Key::new(Site::Message, Actor::Link(from, to), kind, nth));
            }
        }
    }
    for &node in &involved {
        for (file, nth) in pairs(FILES, MESSAGES) {
            ask(Key::new(Site::Sync, Actor::Node(node, 0), file, nth));
        }
    }
    probe
}

/// The steps that might be put in the place of those of `schedule`: the choices that its `probe`
/// met, crashes and pauses, as far as they are of these `classes`.
pub(super) fn others(
    schedule: &Schedule,
    probe: &Schedule,
    unmet: &[Key],
    classes: &BTreeSet<FaultClass>,
) -> Vec<Letter> {
    let unmet: BTreeSet<Key> = unmet.iter().copied().collect();
    let met = probe.decisions.keys().copied();
    let met = met.filter(|key| !unmet.contains(key) && !schedule.decisions.contains_key(key));
    let mut letters = Vec::new();
    for key in met {
        if key.site() == Site::Message && classes.contains(&FaultClass::Loss) {
            letters.push(Letter::Decision(key, Choice::Lost));
        }
        letters.extend(LATE.map(|late| Letter::Decision(key, Choice::Late(late))));
    }
    for node in involved(schedule) {
        let pauses = PAUSED.map(|lasting| Trouble::Pause { node, lasting });
        let troubles = [Trouble::Crash { node, down: DOWN }].into_iter().chain(pauses);
        for what in troubles.filter(|what| classes.contains(&what.class())) {
            letters.extend((1..=EVENTS).map(|events| {
                let when = Trigger::After { node, events };
                Letter::Fault(Fault { when, what: what.clone() })
            }));
        }
    }
    letters
}

fn pairs(kinds: u8, number: u32) -> impl Iterator<Item = (u8, u32)> {
    (0..kinds).flat_map(move |kind| (0..number).map(move |nth| (kind, nth)))
}

/// The machines that the steps of a schedule are about.
fn involved(schedule: &Schedule) -> BTreeSet<NodeId> {
    let faults = schedule.faults.iter().flat_map(|fault| about(&fault.what));
    let decisions = schedule.decisions.keys().flat_map(|key| match key.actor() {
        Actor::Link(from, to) => vec![from, to],
        Actor::Node(node, _) => vec![node],
        Actor::Run => vec![],
    });
    faults.chain(decisions).collect()
}

fn about(trouble: &Trouble) -> Vec<NodeId> {
    match trouble {
        Trouble::Crash { node, .. }
        | Trouble::PowerCut { node, .. }
        | Trouble::Pause { node, .. }
        | Trouble::Disconnect { node }
        | Trouble::ClockStep { node, .. }
        | Trouble::FullDisk { node, .. }
        | Trouble::BitRot { node, .. } => vec![*node],
        Trouble::Cut { from, to, .. } => from.iter().chain(to).copied().collect(),
        Trouble::Hold { from, to, .. } | Trouble::Grey { from, to, .. } => vec![*from, *to],
    }
}

/// A step at other places and for longer.
pub(super) fn varied(schedule: &Schedule, step: Step) -> Vec<Letter> {
    match Letter::at(schedule, step) {
        Letter::Decision(key, choice) => {
            let longer = longer(choice).into_iter().map(|choice| Letter::Decision(key, choice));
            let occurrences = 0..MESSAGES.max(key.occurrence() + 3);
            let moved = occurrences.filter(|&nth| nth != key.occurrence()).map(|nth| {
                let key = Key::new(key.site(), key.actor(), key.kind(), nth);
                Letter::Decision(key, choice)
            });
            longer.chain(moved).filter(|letter| !is_taken(schedule, letter, key)).collect()
        }
        Letter::Fault(fault) => {
            let lasting = lasting(&fault.what).into_iter();
            let longer = lasting.map(|what| Fault { when: fault.when, what });
            let moved = about(&fault.what).into_iter().flat_map(|node| {
                let what = &fault.what;
                (1..=EVENTS).map(move |events| Fault {
                    when: Trigger::After { node, events },
                    what: what.clone(),
                })
            });
            let moved: Vec<Fault> = moved.collect();
            longer.chain(moved).map(Letter::Fault).collect()
        }
    }
}

/// Whether another decision of the schedule is in the way.
fn is_taken(schedule: &Schedule, letter: &Letter, own: Key) -> bool {
    matches!(letter, Letter::Decision(key, _) if *key != own && letter.is_in(schedule))
}

fn longer(choice: Choice) -> Vec<Choice> {
    match choice {
        Choice::Late(late) => longer_spans(late).map(Choice::Late).collect(),
        Choice::OnlyWithin(within) => longer_spans(within).map(Choice::OnlyWithin).collect(),
        _ => Vec::new(),
    }
}

fn lasting(trouble: &Trouble) -> Vec<Trouble> {
    match trouble {
        &Trouble::Crash { node, down } => {
            longer_spans(down).map(|down| Trouble::Crash { node, down }).collect()
        }
        &Trouble::PowerCut { node, down } => {
            longer_spans(down).map(|down| Trouble::PowerCut { node, down }).collect()
        }
        &Trouble::Pause { node, lasting } => {
            longer_spans(lasting).map(|lasting| Trouble::Pause { node, lasting }).collect()
        }
        Trouble::Cut { from, to, lasting } => longer_spans(*lasting)
            .map(|lasting| Trouble::Cut { from: from.clone(), to: to.clone(), lasting })
            .collect(),
        &Trouble::Hold { from, to, lasting } => {
            longer_spans(lasting).map(|lasting| Trouble::Hold { from, to, lasting }).collect()
        }
        &Trouble::Grey { from, to, slower, loss, duplicate, lasting } => longer_spans(lasting)
            .map(|lasting| Trouble::Grey { from, to, slower, loss, duplicate, lasting })
            .collect(),
        &Trouble::FullDisk { node, lasting } => {
            longer_spans(lasting).map(|lasting| Trouble::FullDisk { node, lasting }).collect()
        }
        Trouble::Disconnect { .. } | Trouble::ClockStep { .. } | Trouble::BitRot { .. } => {
            Vec::new()
        }
    }
}

fn longer_spans(span: Span) -> impl Iterator<Item = Span> {
    let longer = LONG.into_iter().filter(move |&longer| longer > span.times(2));
    [span.times(2)].into_iter().chain(longer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_the_place_of_others_is_of_the_classes_that_may_bite() {
        let node = NodeId(1);
        let key = Key::new(Site::Message, Actor::Link(NodeId(0), node), 0, 0);
        let schedule = Schedule {
            faults: vec![Fault {
                when: Trigger::After { node, events: 1 },
                what: Trouble::Disconnect { node },
            }],
            ..Schedule::default()
        };
        let probe = probe(&schedule, 2);
        assert!(probe.decisions.contains_key(&key));
        let found = |classes: &[FaultClass]| {
            let classes = classes.iter().copied().collect();
            let letters = others(&schedule, &probe, &[], &classes);
            let has = |it: fn(&Letter) -> bool| letters.iter().any(it);
            [
                has(|letter| matches!(letter, Letter::Decision(_, Choice::Lost))),
                has(|letter| letter.plainness() == Plainness::Crash),
                has(|letter| {
                    matches!(letter, Letter::Fault(Fault { what: Trouble::Pause { .. }, .. }))
                }),
                has(|letter| letter.plainness() == Plainness::LateMessage),
            ]
        };
        assert_eq!(found(&[]), [false, false, false, true]);
        assert_eq!(found(&[FaultClass::Loss]), [true, false, false, true]);
        assert_eq!(found(&[FaultClass::Crash]), [false, true, false, true]);
        assert_eq!(found(&[FaultClass::Pause]), [false, false, true, true]);
    }
}
