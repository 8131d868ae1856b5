//! Patterns: what belongs together, what is accounted for, effects in order, and backlogs.

use super::Naive;
use postulate::check::{Compensable, Course, Promise};
use postulate::history::Event;
use postulate::id::{MessageId, NodeId, SinkId};
use postulate::time::{Instant, Span};
use std::collections::BTreeSet;

/// The session, the key, and when it was sent.
type Lane = (NodeId, u16, u64, usize);

impl Naive<'_> {
    /// The sinks among these where a message has an effect.
    fn sinks_of(&self, m: MessageId, among: &[SinkId]) -> BTreeSet<SinkId> {
        among.iter().copied().filter(|sink| self.count(m, *sink) > 0).collect()
    }

    /// Effects that are missing at some sinks though the message has one at others.
    pub(super) fn torn(&self) -> usize {
        let missing = |promise: &Promise| {
            let Promise::Atomic { sinks } = promise else { return 0 };
            let all: BTreeSet<SinkId> = sinks.iter().copied().collect();
            let lacks = |m: MessageId| match self.sinks_of(m, sinks).len() {
                0 => 0,
                landed => all.len() - landed,
            };
            self.messages().into_iter().map(lacks).sum()
        };
        self.promises.iter().map(missing).sum()
    }

    /// Messages with some steps taken and not undone, but not all of them once.
    pub(super) fn uncompensated(&self) -> usize {
        let uneven = |promise: &Promise| {
            let Promise::Compensated { steps } = promise else { return 0 };
            let net = |m: MessageId, step: &Compensable| {
                self.count(m, step.does).cast_signed() - self.count(m, step.undoes).cast_signed()
            };
            let is_uneven = |m: &MessageId| {
                let nets: BTreeSet<isize> = steps.iter().map(|step| net(*m, step)).collect();
                nets.len() > 1 || nets.iter().any(|net| *net != 0 && *net != 1)
            };
            self.messages().into_iter().filter(is_uneven).count()
        };
        self.promises.iter().map(uneven).sum()
    }

    fn accounts(&self) -> Vec<(&[SinkId], bool)> {
        let mut accounts = Vec::new();
        for promise in self.promises {
            if let Promise::Accounted { of, disjoint } = promise {
                accounts.extend(of.iter().map(|sinks| (&sinks[..], *disjoint)));
            }
        }
        accounts
    }

    fn is_acknowledged(&self, m: MessageId, end: usize) -> bool {
        let answers =
            |event: &Event| matches!(event, Event::SendOk { message, .. } if *message == m);
        self.all[..end].iter().any(|o| answers(&o.event))
    }

    /// Acknowledged messages that an account has nowhere.
    pub(super) fn unaccounted(&self) -> usize {
        let end = self.all.len();
        let acknowledged = self.messages().into_iter().filter(|m| self.is_acknowledged(*m, end));
        let lacks = |m: MessageId| {
            let blank = |account: &&(&[SinkId], bool)| self.sinks_of(m, account.0).is_empty();
            self.accounts().iter().filter(blank).count()
        };
        acknowledged.map(lacks).sum()
    }

    /// A message is at two sinks of an account that is to have it at one.
    pub(super) fn accounted_twice(&self) -> bool {
        let twice = |m: MessageId| {
            self.accounts()
                .iter()
                .any(|(sinks, disjoint)| *disjoint && self.sinks_of(m, sinks).len() > 1)
        };
        self.messages().into_iter().any(twice)
    }

    /// The first effect of a message there, if it had been sent once by then.
    fn landing(&self, m: MessageId, sink: SinkId) -> Option<(usize, Lane)> {
        let first = self.effects().into_iter().find(|e| (e.1, e.2) == (m, sink))?.0;
        Some((first, self.lane(m, first)?))
    }

    fn lane(&self, m: MessageId, end: usize) -> Option<Lane> {
        match self.attempts_before(m, end)[..] {
            [(at, o)] => match o.event {
                Event::SendInvoke { key, .. } => Some((o.process, o.incarnation, key, at)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Of two messages of one session and key the one that was sent later takes effect first, or
    /// takes effect after the other has become a dead letter.
    pub(super) fn overtaken(&self) -> bool {
        let courses = self.promises.iter().filter_map(|promise| match promise {
            Promise::OrderedEffects { of } => Some(of),
            _ => None,
        });
        courses.flatten().any(|course| self.is_disordered(*course))
    }

    fn is_disordered(&self, Course { sink, dead_letters }: Course) -> bool {
        let precedes =
            |one: Lane, two: Lane| (one.0, one.1, one.2) == (two.0, two.1, two.2) && one.3 < two.3;
        let messages = self.messages();
        let landings: Vec<(usize, Lane)> =
            messages.iter().filter_map(|m| self.landing(*m, sink)).collect();
        let late = landings.iter().any(|(first, earlier)| {
            landings.iter().any(|(other, later)| precedes(*earlier, *later) && other < first)
        });
        let dead = self.effects().into_iter().filter(|effect| Some(effect.2) == dead_letters);
        let heedless = dead.into_iter().any(|(when, m, _, _)| {
            self.lane(m, when).is_some_and(|earlier| {
                landings.iter().any(|(other, later)| precedes(earlier, *later) && *other > when)
            })
        });
        late || heedless
    }

    fn backlogs(&self) -> Vec<(SinkId, Option<u64>, u64, Span)> {
        let backlogs = self.promises.iter().filter_map(|promise| match *promise {
            Promise::BoundedBacklog { sink, cap, recovered, within } => {
                Some((sink, cap, recovered, within))
            }
            _ => None,
        });
        backlogs.collect()
    }

    /// How many acknowledged messages had no effect at a sink then.
    fn waiting(&self, sink: SinkId, end: usize) -> u64 {
        let effects = self.effects();
        let landed = |m: MessageId| effects.iter().any(|e| e.0 < end && (e.1, e.2) == (m, sink));
        let waits = |m: &MessageId| self.is_acknowledged(*m, end) && !landed(*m);
        self.messages().into_iter().filter(waits).count() as u64
    }

    /// More messages wait than a queue has room for, when another one is acknowledged.
    pub(super) fn beyond_cap(&self) -> bool {
        let grows = |end: &usize| matches!(self.all[end - 1].event, Event::SendOk { .. });
        let ends: Vec<usize> = (1..=self.all.len()).filter(grows).collect();
        self.backlogs().into_iter().any(|(sink, cap, ..)| {
            cap.is_some_and(|cap| ends.iter().any(|end| self.waiting(sink, *end) > cap))
        })
    }

    /// More messages wait in the end than may, or so long after the last send or the end of the
    /// faults.
    pub(super) fn unrecovered(&self) -> bool {
        let stirs = |event: &Event| matches!(event, Event::SendInvoke { .. } | Event::Heal);
        let last = self.all.iter().rposition(|o| stirs(&o.event));
        let (since, after) = last.map_or((Instant::START, 0), |at| (self.all[at].at, at + 1));
        self.backlogs().into_iter().any(|(sink, _, recovered, within)| {
            let late = (after..self.all.len()).any(|at| {
                self.all[at].at.since(since) > within && self.waiting(sink, at) > recovered
            });
            late || self.waiting(sink, self.all.len()) > recovered
        })
    }

    /// Messages that wait and may not in the end.
    pub(super) fn excess(&self) -> usize {
        let excess = |(sink, _, recovered, _): (SinkId, Option<u64>, u64, Span)| {
            self.waiting(sink, self.all.len()).saturating_sub(recovered) as usize
        };
        self.backlogs().into_iter().map(excess).sum()
    }
}
