//! Commits that pass a record before its effect.

use super::evidence::violation;
use super::index::Slot;
use super::ledger::Ledger;
use super::{Handling, Promise, Rule, Violation};
use crate::history::{Event, Operation, Recorded};
use crate::id::{GroupId, NodeId, PartitionId, SinkId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// What each group was handed and has not applied.
///
/// In a log that may drop records, one that was handed to an earlier session need not come again: a
/// commit there answers for what its own session was handed.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    handlings: Vec<Handling>,
    forgets: bool,
    /// Handed and not yet known to be applied, the smallest offset first. What has been applied
    /// since is dropped when it comes to the top.
    handed: BTreeMap<Lane, BinaryHeap<Reverse<(u64, Slot)>>>,
    /// The messages with an effect at the sink of each handling, by slot.
    applied: Vec<Vec<bool>>,
    passed: Option<Passed>,
}

/// The number of a handling, the partition, and the session if it matters.
type Lane = (usize, PartitionId, Option<(NodeId, u16)>);

#[derive(Copy, Clone, Debug)]
struct Passed {
    commit: Operation,
    sink: SinkId,
    slot: Slot,
    offset: u64,
}

impl Ahead {
    /// The checker of the promises about commits among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let handlings = promises.iter().filter_map(|promise| match promise {
            Promise::NeverCommitsAhead { of } => Some(of),
            _ => None,
        });
        let handlings: Vec<Handling> = handlings.flatten().copied().collect();
        let forgets = promises.iter().any(|promise| match promise {
            Promise::DurableLog { retention, compacted } => retention.is_some() || *compacted,
            _ => false,
        });
        let applied = vec![Vec::new(); handlings.len()];
        Self { handlings, forgets, applied, ..Self::default() }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.handed.clear();
        self.applied.iter_mut().for_each(Vec::clear);
        self.passed = None;
    }

    /// Whether anything is promised about commits.
    pub(super) fn is_promised(&self) -> bool {
        !self.handlings.is_empty()
    }

    /// Takes in an operation, with the slot of the message that it is about. Returns whether that
    /// breaks a promise for good.
    pub(super) fn observe(&mut self, operation: &Operation, slot: Option<Slot>) -> bool {
        match (operation.event, slot) {
            (Event::Polled { group, partition, offset, .. }, Some(slot)) => {
                for (number, handling) in self.handlings.iter().enumerate() {
                    let applied = self.applied[number].get(slot as usize) == Some(&true);
                    if handling.group == group && !applied {
                        let lane = lane((number, partition), self.forgets, operation);
                        self.handed.entry(lane).or_default().push(Reverse((offset, slot)));
                    }
                }
                false
            }
            (Event::Effect { sink, .. }, Some(slot)) => {
                for (handling, applied) in self.handlings.iter().zip(&mut self.applied) {
                    if handling.sink == sink {
                        applied.resize(applied.len().max(slot as usize + 1), false);
                        applied[slot as usize] = true;
                    }
                }
                false
            }
            (Event::CommitInvoke { group, partition, offset }, _) => {
                self.commit(operation, (group, partition), offset)
            }
            _ => false,
        }
    }

    /// A commit that passed a record without its effect.
    pub(super) fn committed_ahead(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        let Passed { commit, sink, slot, offset } = self.passed?;
        let Event::CommitInvoke { group, partition, offset: next } = commit.event else {
            return None;
        };
        let message = ledger.entry(slot).message;
        let expected = format!(
            "{group:?} commits past {message}, at offset {offset} of {partition:?}, once its \
             effect at {sink:?} is durable"
        );
        let observed =
            format!("it committed offset {next} at {}, when there was no such effect", commit.at);
        let shows = |o: &Operation| *o == commit;
        Some(violation(Rule::CommittedAhead, (expected, observed), vec![message], history, shows))
    }

    fn commit(
        &mut self,
        operation: &Operation,
        (group, partition): (GroupId, PartitionId),
        next: u64,
    ) -> bool {
        let mut broken = false;
        for (number, handling) in self.handlings.iter().enumerate() {
            let lane = lane((number, partition), self.forgets, operation);
            let Some(handed) = self.handed.get_mut(&lane).filter(|_| handling.group == group)
            else {
                continue;
            };
            let applied = &self.applied[number];
            while let Some(Reverse((_, slot))) = handed.peek()
                && applied.get(*slot as usize) == Some(&true)
            {
                handed.pop();
            }
            if let Some(&Reverse((offset, slot))) = handed.peek()
                && offset < next
            {
                let sink = handling.sink;
                self.passed.get_or_insert(Passed { commit: *operation, sink, slot, offset });
                broken = true;
            }
        }
        broken
    }
}

fn lane((handling, partition): (usize, PartitionId), forgets: bool, by: &Operation) -> Lane {
    (handling, partition, forgets.then_some((by.process, by.incarnation)))
}
