//! Backlog: acknowledged messages that pile up.

use super::super::evidence::violation;
use super::super::index::Slot;
use super::super::ledger::Tally;
use super::super::{Promise, Rule, Violation};
use super::sinks::of;
use crate::history::{Event, Operation, Recorded};
use crate::id::SinkId;
use crate::time::{Instant, Span};

/// How many messages wait for their effect at each sink.
#[derive(Debug)]
pub(in super::super) struct Backlogs {
    backlogs: Vec<Backlog>,
    /// When a message was sent, or the faults were over, last.
    stirred: Instant,
}

#[derive(Debug)]
struct Backlog {
    sink: SinkId,
    cap: Option<u64>,
    recovered: u64,
    within: Span,
    /// By slot.
    waits: Vec<Wait>,
    waiting: u64,
    /// The acknowledgement that was one too many, and how many were waiting then.
    beyond: Option<(Operation, u64)>,
    /// How many were waiting when they should not have been any more, since the last stir.
    late: Option<u64>,
}

#[derive(Copy, Clone, Debug, Default)]
struct Wait {
    acknowledged: bool,
    landed: bool,
}

impl Backlog {
    fn change(&mut self, slot: Slot, change: impl Fn(&mut Wait), tally: &mut Tally) {
        let before = self.excess();
        let wait = of(&mut self.waits, slot, Wait::default());
        let was_waiting = wait.acknowledged && !wait.landed;
        change(wait);
        let is_waiting = wait.acknowledged && !wait.landed;
        self.waiting += u64::from(is_waiting);
        self.waiting -= u64::from(was_waiting);
        tally.behind += self.excess();
        tally.behind -= before;
    }

    /// How many more are waiting than may be in the end.
    fn excess(&self) -> u32 {
        u32::try_from(self.waiting.saturating_sub(self.recovered)).unwrap_or(u32::MAX)
    }
}

impl Backlogs {
    /// The checker of the promises about backlogs among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let backlogs = promises.iter().filter_map(|promise| match *promise {
            Promise::BoundedBacklog { sink, cap, recovered, within } => Some(Backlog {
                sink,
                cap,
                recovered,
                within,
                waits: Vec::new(),
                waiting: 0,
                beyond: None,
                late: None,
            }),
            _ => None,
        });
        Self { backlogs: backlogs.collect(), stirred: Instant::START }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.stirred = Instant::START;
        for backlog in &mut self.backlogs {
            backlog.waits.clear();
            backlog.waiting = 0;
            backlog.beyond = None;
            backlog.late = None;
        }
    }

    /// It is now this late, and what waits has waited until now.
    pub(super) fn pass(&mut self, now: Instant) {
        for backlog in &mut self.backlogs {
            if now.since(self.stirred) > backlog.within && backlog.excess() > 0 {
                backlog.late.get_or_insert(backlog.waiting);
            }
        }
    }

    /// A message is sent, or the faults are over: from here on the backlog may take its time.
    pub(super) fn stirred(&mut self, now: Instant) {
        self.stirred = now;
        self.backlogs.iter_mut().for_each(|backlog| backlog.late = None);
    }

    /// A message is acknowledged. Returns whether that breaks a promise for good.
    pub(super) fn acknowledged(
        &mut self,
        operation: &Operation,
        slot: Slot,
        tally: &mut Tally,
    ) -> bool {
        let mut broken = false;
        for backlog in &mut self.backlogs {
            backlog.change(slot, |wait| wait.acknowledged = true, tally);
            if backlog.cap.is_some_and(|cap| backlog.waiting > cap) {
                backlog.beyond.get_or_insert((*operation, backlog.waiting));
                broken = true;
            }
        }
        broken
    }

    /// An effect lands.
    pub(super) fn effect(&mut self, slot: Slot, sink: SinkId, tally: &mut Tally) {
        for backlog in self.backlogs.iter_mut().filter(|backlog| backlog.sink == sink) {
            backlog.change(slot, |wait| wait.landed = true, tally);
        }
    }

    /// More messages than there may be at any time.
    pub(in super::super) fn beyond_cap(&self, history: &dyn Recorded) -> Option<Violation> {
        let found = |backlog: &Backlog| Some((backlog.sink, backlog.cap?, backlog.beyond?));
        let (sink, cap, (acknowledged, waiting)) = self.backlogs.iter().find_map(found)?;
        let expected =
            format!("no more than {cap} acknowledged messages wait for their effect at {sink:?}");
        let observed = format!("at {} there were {waiting}", acknowledged.at);
        let about = acknowledged.event.message().into_iter().collect();
        let shows = |o: &Operation| *o == acknowledged;
        Some(violation(Rule::Backlog, (expected, observed), about, history, shows))
    }

    /// More messages than there may be when the burst is over; to be asked at the end only.
    pub(in super::super) fn unrecovered(&self, history: &dyn Recorded) -> Option<Violation> {
        let found = |backlog: &&Backlog| backlog.late.is_some() || backlog.excess() > 0;
        let backlog = self.backlogs.iter().find(found)?;
        let Backlog { sink, recovered, within, .. } = *backlog;
        let expected = format!(
            "within {within} of the last send and of the end of the faults no more than \
             {recovered} acknowledged messages wait for their effect at {sink:?}"
        );
        let observed = match backlog.late {
            Some(waiting) => {
                format!("{waiting} were still waiting {within} after {}", self.stirred)
            }
            None => format!("{} were waiting when all came to rest", backlog.waiting),
        };
        let stirs = |o: &Operation| matches!(o.event, Event::SendInvoke { .. } | Event::Heal);
        let last = history.last(stirs);
        let shows = |o: &Operation| Some(*o) == last || matches!(o.event, Event::End { .. });
        Some(violation(Rule::Backlog, (expected, observed), Vec::new(), history, shows))
    }
}
