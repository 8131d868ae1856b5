//! Where groups may stand: what was committed, and what may have been.

use crate::id::{GroupId, NodeId, PartitionId};
use std::collections::BTreeMap;

/// One life of a process.
pub(super) type Session = (NodeId, u16);

/// The commits of every group in every partition.
#[derive(Debug, Default)]
pub(super) struct Commits {
    lanes: BTreeMap<(GroupId, PartitionId), Lane>,
}

/// The commits of a group in a partition.
///
/// A session that boots at some time may start wherever the group may stand from then on. That is
/// where a *standing* commit has put it: one that had succeeded by then, and after whose success no
/// other was invoked that had succeeded by then, too; or where one may have put it that had not
/// succeeded by then, since nobody knows when such a commit takes effect; or at the start of the
/// log if none had succeeded by then.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Invoked and not yet successful, by offset and moment.
    open: BTreeMap<(u64, u64), Session>,
    /// In the order of success.
    settled: Vec<Settled>,
}

#[derive(Copy, Clone, Debug)]
struct Settled {
    offset: u64,
    /// The moment of success.
    at: u64,
    /// The latest moment of invocation of this and all earlier ones.
    invoked_max: u64,
}

impl Commits {
    /// Forgets every commit.
    pub(super) fn reset(&mut self) {
        self.lanes.clear();
    }

    /// The commits of a group in a partition.
    pub(super) fn lane(&mut self, group: GroupId, partition: PartitionId) -> &mut Lane {
        self.lanes.entry((group, partition)).or_default()
    }
}

impl Lane {
    /// A commit is invoked.
    pub(super) fn invoke(&mut self, session: Session, offset: u64, now: u64) {
        self.open.insert((offset, now), session);
    }

    /// A commit succeeds: the earliest of its session that is open, or else one that was invoked
    /// unseen.
    pub(super) fn settle(&mut self, session: Session, offset: u64, now: u64) {
        let mut own = self.open.range((offset, 0)..=(offset, u64::MAX));
        let invoked = own.find(|(_, by)| **by == session).map(|(&(_, invoked), _)| invoked);
        if let Some(invoked) = invoked {
            self.open.remove(&(offset, invoked));
        }
        let earlier = self.settled.last().map_or(0, |last| last.invoked_max);
        let invoked_max = invoked.unwrap_or(now).max(earlier);
        self.settled.push(Settled { offset, at: now, invoked_max });
    }

    /// The greatest offset, up to `read`, where a session may start that was booted at `boot`.
    pub(super) fn start(&self, boot: u64, read: u64) -> Option<u64> {
        let open = self.open.range(..=(read, u64::MAX)).next_back().map(|(&(offset, _), _)| offset);
        let settled = self.since(boot).iter().map(|commit| commit.offset);
        let beginning = self.standing(boot).is_empty().then_some(0);
        settled.filter(|offset| *offset <= read).chain(open).chain(beginning).max()
    }

    /// The smallest offset that stood when a session was booted, if any commit had succeeded.
    pub(super) fn promised(&self, boot: u64) -> Option<u64> {
        self.standing(boot).iter().map(|commit| commit.offset).min()
    }

    /// Whether a session that was booted at `boot` may be as far back as `offset`, because some
    /// commit may have put its group there.
    pub(super) fn reaches(&self, boot: u64, offset: u64) -> bool {
        let open = self.open.first_key_value().map(|(&(offset, _), _)| offset);
        let mut all = self.since(boot).iter().map(|commit| commit.offset).chain(open);
        all.any(|committed| committed <= offset)
    }

    /// What stood at `boot`.
    fn standing(&self, boot: u64) -> &[Settled] {
        let (standing, end) = self.standing_from(boot);
        &self.settled[standing..end]
    }

    /// What stood at `boot`, and what has succeeded since.
    fn since(&self, boot: u64) -> &[Settled] {
        &self.settled[self.standing_from(boot).0..]
    }

    /// Among those that succeeded: the first that stood at `boot`, and the first that came after.
    fn standing_from(&self, boot: u64) -> (usize, usize) {
        let end = self.settled.partition_point(|commit| commit.at < boot);
        let invoked_max = self.settled[..end].last().map_or(0, |last| last.invoked_max);
        (self.settled[..end].partition_point(|commit| commit.at < invoked_max), end)
    }
}
