//! Steps: operations that are neither whole nor undone.

use super::super::evidence::{list, violation};
use super::super::index::Slot;
use super::super::ledger::{Ledger, Tally};
use super::super::{Compensable, Promise, Rule, Violation};
use crate::history::{Event, Operation, Recorded};
use crate::id::SinkId;

/// How often each step of each message was taken and not undone.
#[derive(Debug)]
pub(in super::super) struct Steps {
    sagas: Vec<Saga>,
}

#[derive(Debug)]
struct Saga {
    steps: Vec<Compensable>,
    /// By slot, and for each slot by step.
    nets: Vec<i32>,
}

impl Saga {
    fn nets(&self, slot: Slot) -> &[i32] {
        let from = slot as usize * self.steps.len();
        self.nets.get(from..from + self.steps.len()).unwrap_or(&[])
    }

    fn effect(&mut self, slot: Slot, sink: SinkId) {
        let from = slot as usize * self.steps.len();
        self.nets.resize(self.nets.len().max(from + self.steps.len()), 0);
        for (step, net) in self.steps.iter().zip(&mut self.nets[from..]) {
            *net += i32::from(step.does == sink) - i32::from(step.undoes == sink);
        }
    }
}

/// Whether a message is on its way between all and nothing, or beyond either.
fn is_uneven(nets: &[i32]) -> bool {
    !nets.iter().all(|net| *net == 0) && !nets.iter().all(|net| *net == 1)
}

impl Steps {
    /// The checker of the promises of compensation among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let sagas = promises.iter().filter_map(|promise| match promise {
            Promise::Compensated { steps } => Some(Saga { steps: steps.clone(), nets: Vec::new() }),
            _ => None,
        });
        Self { sagas: sagas.collect() }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.sagas.iter_mut().for_each(|saga| saga.nets.clear());
    }

    /// An effect lands: a step is taken or undone.
    pub(super) fn effect(&mut self, slot: Slot, sink: SinkId, tally: &mut Tally) {
        for saga in &mut self.sagas {
            let before = is_uneven(saga.nets(slot));
            saga.effect(slot, sink);
            tally.behind += u32::from(is_uneven(saga.nets(slot)));
            tally.behind -= u32::from(before);
        }
    }

    /// A message with steps that are taken and steps that are not; to be asked at rest only.
    pub(in super::super) fn uncompensated(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        let (saga, slot) = self.sagas.iter().find_map(|saga| {
            let slots = saga.nets.len().checked_div(saga.steps.len())? as Slot;
            Some((saga, (0..slots).find(|slot| is_uneven(saga.nets(*slot)))?))
        })?;
        let message = ledger.entry(slot).message;
        let sinks: Vec<String> = saga.steps.iter().map(|s| format!("{:?}", s.does)).collect();
        let expected = format!(
            "{message} has taken its step at each of {} in the end, or each is undone",
            list(&sinks)
        );
        let stands = |(step, net): (&Compensable, &i32)| format!("{net} at {:?}", step.does);
        let stands: Vec<String> = saga.steps.iter().zip(saga.nets(slot)).map(stands).collect();
        let observed = format!(
            "by the time all was at rest the steps taken less those undone were {}",
            list(&stands)
        );
        let is_step =
            |sink: SinkId| saga.steps.iter().any(|step| step.does == sink || step.undoes == sink);
        let shows = |o: &Operation| match o.event {
            Event::Effect { message: m, sink, .. } => m == message && is_step(sink),
            Event::End { .. } => true,
            _ => false,
        };
        let words = (expected, observed);
        Some(violation(Rule::Uncompensated, words, vec![message], history, shows))
    }
}
