//! Queues: deliveries and what explains them, and acts under a token.

use super::Naive;
use postulate::check::Promise;
use postulate::history::{Event, Operation};
use postulate::id::{GroupId, MessageId, NodeId, SinkId};
use postulate::time::{Instant, Span};

fn is_same_session(one: &Operation, other: &Operation) -> bool {
    (one.process, one.incarnation) == (other.process, other.incarnation)
}

impl Naive<'_> {
    /// When a group received a message.
    fn receipts(&self, group: GroupId, m: MessageId) -> Vec<usize> {
        let is_one = |o: &Operation| match o.event {
            Event::Received { group: g, message, .. } => (g, message) == (group, m),
            _ => false,
        };
        (0..self.all.len()).filter(|at| is_one(&self.all[*at])).collect()
    }

    /// A message is received more often than it was sent and than there were causes.
    pub(super) fn redelivery_bound(&self) -> bool {
        self.promises.iter().any(|promise| match *promise {
            Promise::BoundedRedelivery { group, broker, lease } => self
                .messages()
                .into_iter()
                .any(|m| self.is_received_too_often(m, (group, broker), lease)),
            _ => false,
        })
    }

    fn is_received_too_often(
        &self,
        m: MessageId,
        (group, broker): (GroupId, NodeId),
        lease: Option<Span>,
    ) -> bool {
        let receipts = self.receipts(group, m);
        let Some(&last) = receipts.last() else { return false };
        let sends = self.attempts(m).len().max(1);
        let ended = receipts.iter().filter(|at| self.ends_unsettled(**at, group, m)).count();
        let (born, from) = match self.attempts(m).first() {
            Some((at, o)) => (o.at, *at),
            None => (Instant::START, 0),
        };
        let goes_down =
            |o: &&Operation| o.process == broker && matches!(o.event, Event::Down { .. });
        let since = self.all.get(from..last).unwrap_or(&[]);
        let downs = since.iter().filter(goes_down).count();
        let room = self.all[last].at.since(born).nanos();
        let leases = lease.map_or(0, |lease| room / lease.nanos());
        receipts.len() as u64 > (sends + ended + downs) as u64 + leases
    }

    /// What comes of a delivery first, among all that its session says of it, is no confirmation.
    fn ends_unsettled(&self, receipt: usize, group: GroupId, m: MessageId) -> bool {
        let own = |o: &&Operation| is_same_session(o, &self.all[receipt]);
        let fate = |o: &Operation| match o.event {
            Event::Down { .. } => Some(true),
            Event::Lapsed { group: g } if g == group => Some(true),
            Event::Returned { group: g, message } | Event::AckInfo { group: g, message }
                if (g, message) == (group, m) =>
            {
                Some(true)
            }
            Event::AckOk { group: g, message } if (g, message) == (group, m) => Some(false),
            _ => None,
        };
        self.all[receipt..].iter().filter(own).find_map(fate) == Some(true)
    }

    /// A message that was sent once is received after it was confirmed to the same session, or
    /// before that session began, that it is settled.
    pub(super) fn received_after_all(&self) -> bool {
        let groups = self.promises.iter().filter_map(|promise| match promise {
            Promise::SettledForGood { groups } => Some(groups),
            _ => None,
        });
        let again = |group: GroupId, m: MessageId, at: usize| {
            let receiver = &self.all[at];
            let boots = |o: &Operation| o.event == Event::Boot && is_same_session(o, receiver);
            let boot = self.all[..at].iter().position(boots);
            let confirms = |(when, o): (usize, &Operation)| {
                o.event == Event::AckOk { group, message: m }
                    && (is_same_session(o, receiver) || boot.is_some_and(|boot| boot > when))
            };
            self.attempts_before(m, at).len() <= 1
                && self.all[..at].iter().enumerate().any(confirms)
        };
        groups.flatten().any(|&group| {
            self.messages()
                .into_iter()
                .any(|m| self.receipts(group, m).into_iter().any(|at| again(group, m, at)))
        })
    }

    /// The tokens under which an act was begun by then.
    fn tokens(&self, act: MessageId, at: SinkId, end: usize) -> Vec<u64> {
        let token = |o: &Operation| match o.event {
            Event::Acting { message, sink, token } if (message, sink) == (act, at) => Some(token),
            _ => None,
        };
        self.all[..end].iter().filter_map(token).collect()
    }

    /// An act takes effect that nobody began by then, or all of whose tokens are smaller than all
    /// of one that took effect before.
    pub(super) fn fence(&self) -> bool {
        let sinks = self.promises.iter().filter_map(|promise| match promise {
            Promise::Fenced { sinks } => Some(sinks),
            _ => None,
        });
        sinks.flatten().any(|&sink| {
            let effects = self.effects().into_iter().filter(|effect| effect.2 == sink);
            let acts: Vec<Vec<u64>> = effects.map(|e| self.tokens(e.1, sink, e.0)).collect();
            acts.iter().enumerate().any(|(number, tokens)| {
                let greatest = tokens.iter().max();
                let before = acts[..number].iter().filter_map(|earlier| earlier.iter().min());
                greatest.is_none() || before.max() > greatest
            })
        })
    }
}
