//! Groups: where they may stand, and commits that pass a record without its effect.

use super::Naive;
use super::reading::Cursor;
use postulate::check::{Handling, Promise};
use postulate::history::{Event, Operation};
use postulate::id::{GroupId, PartitionId};

/// A commit: where it points, when it was invoked, and when it succeeded.
#[derive(Copy, Clone, Debug)]
struct Commit {
    offset: u64,
    invoked: usize,
    succeeded: Option<usize>,
}

impl Naive<'_> {
    /// The commits of a group in a partition. A success belongs to the earliest commit of the same
    /// session and offset without one, or else to one that nobody saw invoked.
    fn commits(&self, group: GroupId, partition: PartitionId) -> Vec<Commit> {
        let mut commits: Vec<(Commit, &Operation)> = Vec::new();
        for (at, o) in self.all.iter().enumerate() {
            match o.event {
                Event::CommitInvoke { group: g, partition: p, offset }
                    if (g, p) == (group, partition) =>
                {
                    commits.push((Commit { offset, invoked: at, succeeded: None }, o));
                }
                Event::CommitOk { group: g, partition: p, offset }
                    if (g, p) == (group, partition) =>
                {
                    let open = commits.iter_mut().find(|(commit, by)| {
                        commit.offset == offset
                            && commit.succeeded.is_none()
                            && (by.process, by.incarnation) == (o.process, o.incarnation)
                    });
                    match open {
                        Some((commit, _)) => commit.succeeded = Some(at),
                        None => {
                            commits.push((Commit { offset, invoked: at, succeeded: Some(at) }, o));
                        }
                    }
                }
                _ => {}
            }
        }
        commits.into_iter().map(|(commit, _)| commit).collect()
    }

    /// Where a group stood when a session was booted: at every commit that had succeeded by then
    /// and was followed by no other that had.
    pub(super) fn standing(&self, cursor: &Cursor) -> Vec<u64> {
        let Some(boot) = cursor.boot else { return Vec::new() };
        let commits = self.commits(cursor.group, cursor.partition);
        let done: Vec<(Commit, usize)> = commits
            .iter()
            .filter_map(|commit| Some((*commit, commit.succeeded.filter(|at| *at < boot)?)))
            .collect();
        let last = |at: usize| done.iter().all(|(other, _)| other.invoked <= at);
        done.iter().filter(|(_, at)| last(*at)).map(|(commit, _)| commit.offset).collect()
    }

    /// Where commits may have put a group since: those that were invoked before `end` and had not
    /// succeeded when the session was booted.
    pub(super) fn unsettled(&self, cursor: &Cursor, end: usize) -> Vec<u64> {
        let settled = |at: usize| cursor.boot.is_some_and(|boot| at < boot);
        self.commits(cursor.group, cursor.partition)
            .iter()
            .filter(|commit| commit.invoked < end && !commit.succeeded.is_some_and(settled))
            .map(|commit| commit.offset)
            .collect()
    }

    /// A commit is invoked past a record that its group was handed and that has no effect by then.
    /// In a log that may drop records only what its own session was handed counts.
    pub(super) fn committed_ahead(&self) -> bool {
        let forgets = self.promises.iter().any(|promise| match promise {
            Promise::DurableLog { retention, compacted } => retention.is_some() || *compacted,
            _ => false,
        });
        let handlings = self.promises.iter().filter_map(|promise| match promise {
            Promise::NeverCommitsAhead { of } => Some(of),
            _ => None,
        });
        let ahead = |(at, commit): (usize, &Operation), handling: &Handling| {
            let Event::CommitInvoke { group, partition, offset: next } = commit.event else {
                return false;
            };
            handling.group == group
                && self.all[..at].iter().any(|o| match o.event {
                    Event::Polled { group: g, partition: p, offset, message, .. } => {
                        let own =
                            (o.process, o.incarnation) == (commit.process, commit.incarnation);
                        let applied = |o: &Operation| {
                            matches!(o.event, Event::Effect { message: m, sink, .. }
                                if m == message && sink == handling.sink)
                        };
                        (g, p) == (group, partition)
                            && offset < next
                            && (own || !forgets)
                            && !self.all[..at].iter().any(applied)
                    }
                    _ => false,
                })
        };
        let all: Vec<&Handling> = handlings.flatten().collect();
        self.all.iter().enumerate().any(|one| all.iter().any(|handling| ahead(one, handling)))
    }
}
