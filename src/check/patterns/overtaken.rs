//! Overtaken: effects in another order than that of the sends.

use super::super::evidence::violation;
use super::super::index::Slot;
use super::super::ledger::{Entry, Ledger};
use super::super::{Course, Promise, Rule, SINKS_MAX, Violation};
use super::sinks::of;
use crate::history::{Event, Operation, Recorded};
use crate::id::{NodeId, SinkId};
use std::collections::BTreeMap;

/// How far the effects of each session and key have come at each sink.
///
/// Only messages count that had been sent once when they took effect there first: what a later
/// attempt brings may come at any time.
#[derive(Debug, Default)]
pub(in super::super) struct Overtaken {
    courses: Vec<Course>,
    /// By slot: the courses where it has an effect, as bits.
    landed: Vec<u64>,
    lanes: BTreeMap<Lane, Fronts>,
    first: Option<Finding>,
}

/// The number of a course, a session and a key.
type Lane = (usize, NodeId, u16, u64);

#[derive(Copy, Clone, Debug, Default)]
struct Fronts {
    /// The message sent last of those with an effect.
    applied: Option<Front>,
    /// The message sent first of those that are dead letters.
    dead: Option<Front>,
}

#[derive(Copy, Clone, Debug)]
struct Front {
    /// Its place among all invocations.
    invoked: u32,
    slot: Slot,
    effect: Operation,
}

#[derive(Copy, Clone, Debug)]
enum Finding {
    /// A message takes effect after one that was sent later.
    Late { course: usize, front: Front, late: Front },
    /// A message takes effect though one that was sent earlier is a dead letter.
    Heedless { course: usize, dead: Front, front: Front },
}

impl Overtaken {
    /// The checker of the promises of ordered effects among `promises`.
    ///
    /// # Panics
    /// If they name more sinks than there is room for.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let courses = promises.iter().filter_map(|promise| match promise {
            Promise::OrderedEffects { of } => Some(of),
            _ => None,
        });
        let courses: Vec<Course> = courses.flatten().copied().collect();
        assert!(courses.len() <= SINKS_MAX, "promises name more than {SINKS_MAX} sinks");
        Self { courses, ..Self::default() }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.landed.clear();
        self.lanes.clear();
        self.first = None;
    }

    /// An effect lands. Returns whether that breaks a promise for good.
    pub(super) fn effect(
        &mut self,
        operation: &Operation,
        (slot, entry): (Slot, &Entry),
        sink: SinkId,
    ) -> bool {
        let mut broken = false;
        for (number, course) in self.courses.iter().enumerate() {
            let applied = course.sink == sink;
            let dead = course.dead_letters == Some(sink);
            if !applied && !dead {
                continue;
            }
            let landed = of(&mut self.landed, slot, 0);
            let again = applied && *landed & (1 << number) != 0;
            *landed |= u64::from(applied) << number;
            if !entry.is_sent_once() {
                continue;
            }
            let lane = (number, entry.process, entry.incarnation, entry.key);
            let fronts = self.lanes.entry(lane).or_default();
            let own = Front { invoked: entry.invoked, slot, effect: *operation };
            if applied && !again {
                let finding = fronts.apply(number, own);
                broken |= finding.is_some();
                self.first = self.first.or(finding);
            }
            if dead && fronts.dead.is_none_or(|dead| own.invoked < dead.invoked) {
                fronts.dead = Some(own);
            }
        }
        broken
    }

    /// Two messages whose effects are the wrong way round, or one that did not heed a dead letter.
    pub(in super::super) fn overtaken(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        let (course, earlier, later) = match self.first? {
            Finding::Late { course, front, late } => (course, late, front),
            Finding::Heedless { course, dead, front } => (course, dead, front),
        };
        let entry = ledger.entry(earlier.slot);
        let about = [entry.message, ledger.entry(later.slot).message];
        let [one, two] = about;
        let (node, key, sink) = (entry.process, entry.key, self.courses[course].sink);
        let (expected, observed) = match self.first? {
            Finding::Late { .. } => (
                format!(
                    "{one} takes effect at {sink:?} before {two}, for {node:?} sent it first, \
                     under one key"
                ),
                format!(
                    "{two} took effect at {} and {one} at {} (key {key})",
                    later.effect.at, earlier.effect.at
                ),
            ),
            Finding::Heedless { .. } => (
                format!(
                    "{two} does not take effect at {sink:?} once {one} is a dead letter, for \
                     {node:?} sent it later, under one key"
                ),
                format!(
                    "{one} became a dead letter at {}, and {two} took effect at {} (key {key})",
                    earlier.effect.at, later.effect.at
                ),
            ),
        };
        let shows = |o: &Operation| match o.event {
            Event::SendInvoke { message, .. } => about.contains(&message),
            _ => *o == earlier.effect || *o == later.effect,
        };
        Some(violation(Rule::Overtaken, (expected, observed), about.to_vec(), history, shows))
    }
}

impl Fronts {
    /// A message takes effect for the first time.
    fn apply(&mut self, course: usize, own: Front) -> Option<Finding> {
        let late = self.applied.filter(|front| own.invoked < front.invoked);
        let heedless = self.dead.filter(|dead| dead.invoked < own.invoked);
        if late.is_none() {
            self.applied = Some(own);
        }
        late.map(|front| Finding::Late { course, front, late: own })
            .or(heedless.map(|dead| Finding::Heedless { course, dead, front: own }))
    }
}
