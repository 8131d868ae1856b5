//! The history of the running run, and its judge.

use crate::check::{Counts, Judge, Promise, Verdict};
use crate::history::{Event, History, Operation};
use crate::id::{GroupId, MessageId, NodeId, PartitionId};
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub(super) struct Ledger {
    history: History,
    judge: Judge,
}

impl Ledger {
    pub(super) fn new(promises: &[Promise]) -> Self {
        Self { history: History::default(), judge: Judge::new(promises) }
    }

    pub(super) fn reset(&mut self) {
        self.history.clear();
        self.judge.reset();
    }

    #[inline]
    pub(super) fn enter(
        &mut self,
        at: Instant,
        (process, incarnation): (NodeId, u16),
        event: Event,
    ) {
        self.judge.observe(self.history.push(Operation { at, process, incarnation, event }));
    }

    /// How many sends and effects there were.
    pub(super) fn counts(&self) -> Counts {
        self.judge.counts()
    }

    /// How many things are still to happen.
    #[inline]
    pub(super) fn owed(&self) -> u32 {
        self.judge.owed()
    }

    /// Whether a promise is broken for good.
    #[inline]
    pub(super) fn broken(&self) -> bool {
        self.judge.broken()
    }

    pub(super) fn conclude(&mut self) -> Verdict {
        self.judge.conclude(&self.history)
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// The messages that any incarnation of `node` has invoked.
    pub(super) fn invoked_by(&self, node: NodeId) -> BTreeSet<MessageId> {
        let sent = |operation: &Operation| match operation.event {
            Event::SendInvoke { message, .. } if operation.process == node => Some(message),
            _ => None,
        };
        self.history.operations().iter().filter_map(sent).collect()
    }

    /// Closes what an incarnation that has ended left open: nobody knows whether it happened.
    pub(super) fn close(&mut self, at: Instant, process: (NodeId, u16)) {
        let mut open = Open::default();
        let own = |operation: &&Operation| (operation.process, operation.incarnation) == process;
        self.history.operations().iter().filter(own).for_each(|operation| open.observe(operation));
        for (message, attempt) in open.sends {
            self.enter(at, process, Event::SendInfo { message, attempt });
        }
        for ((group, partition), offsets) in open.commits {
            for offset in offsets {
                self.enter(at, process, Event::CommitInfo { group, partition, offset });
            }
        }
        for (group, message) in open.acks {
            self.enter(at, process, Event::AckInfo { group, message });
        }
    }
}

/// The operations of one incarnation that were invoked and have not ended.
#[derive(Debug, Default)]
struct Open {
    sends: BTreeSet<(MessageId, u16)>,
    commits: BTreeMap<(GroupId, PartitionId), BTreeSet<u64>>,
    acks: BTreeSet<(GroupId, MessageId)>,
}

impl Open {
    fn observe(&mut self, operation: &Operation) {
        match operation.event {
            Event::SendInvoke { message, attempt, .. } => {
                self.sends.insert((message, attempt));
            }
            Event::SendOk { message, attempt, .. }
            | Event::SendFail { message, attempt }
            | Event::SendInfo { message, attempt } => {
                self.sends.remove(&(message, attempt));
            }
            Event::CommitInvoke { group, partition, offset } => {
                self.commits.entry((group, partition)).or_default().insert(offset);
            }
            Event::CommitOk { group, partition, offset }
            | Event::CommitInfo { group, partition, offset } => {
                if let Some(open) = self.commits.get_mut(&(group, partition)) {
                    open.remove(&offset);
                }
            }
            Event::AckInvoke { group, message } => _ = self.acks.insert((group, message)),
            Event::AckOk { group, message } | Event::AckInfo { group, message } => {
                self.acks.remove(&(group, message));
            }
            Event::Plan { .. }
            | Event::Polled { .. }
            | Event::Received { .. }
            | Event::Returned { .. }
            | Event::Lapsed { .. }
            | Event::Acting { .. }
            | Event::Effect { .. }
            | Event::View { .. }
            | Event::Boot
            | Event::Down { .. }
            | Event::Heal
            | Event::End { .. } => {}
        }
    }
}
