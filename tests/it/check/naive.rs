//! The rules once more, word by word and as slowly as they are defined.

use super::text::tell;
use postulate::check::{Promise, Replica, Rule, Verdict};
use postulate::digest::SetDigest;
use postulate::history::{EndCause, Event, History, Operation};
use postulate::id::{MessageId, NodeId, PartitionId, SinkId};
use reading::{Cursor, Told};
use std::collections::{BTreeMap, BTreeSet};

mod commits;
mod patterns;
mod queues;
mod reading;
mod sent;

/// Everything but `custom`, which has no definition of its own.
pub const RULES: [Rule; 25] = [
    Rule::Corrupted,
    Rule::Misrouted,
    Rule::InconsistentOffset,
    Rule::DuplicateRecord,
    Rule::Order,
    Rule::LostRecord,
    Rule::Resurrected,
    Rule::Skipped,
    Rule::Rewound,
    Rule::CommittedAhead,
    Rule::RedeliveryBound,
    Rule::Fence,
    Rule::PhantomEffect,
    Rule::DuplicateEffect,
    Rule::Overtaken,
    Rule::Backlog,
    Rule::Torn,
    Rule::Lost,
    Rule::Unseen,
    Rule::Accounting,
    Rule::Uncompensated,
    Rule::Diverged,
    Rule::StaleProjection,
    Rule::Deadlock,
    Rule::Livelock,
];

/// What a reader of the definitions sees in a history.
pub struct Naive<'a> {
    all: &'a [Operation],
    promises: &'a [Promise],
    attempts: BTreeMap<MessageId, Vec<Attempt<'a>>>,
    told: Vec<Told>,
    cursors: Vec<Cursor>,
}

/// The group of a verdict: its rule, or without its reason.
pub fn group(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Unknown { .. } => "unknown".to_owned(),
        other => tell(other),
    }
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Unsent,
    Fail,
    Info,
    Ok,
}

/// A send: where in the history it begins, and the operation.
type Attempt<'a> = (usize, &'a Operation);

impl<'a> Naive<'a> {
    pub fn new(history: &'a History, promises: &'a [Promise]) -> Self {
        let all = history.operations();
        let mut attempts = BTreeMap::<MessageId, Vec<Attempt<'a>>>::new();
        for (at, o) in all.iter().enumerate() {
            if let Event::SendInvoke { message, .. } = o.event {
                attempts.entry(message).or_default().push((at, o));
            }
        }
        Self { all, promises, attempts, told: reading::told(all), cursors: reading::cursors(all) }
    }

    /// Every broken rule.
    pub fn broken_rules(&self) -> BTreeSet<Rule> {
        RULES.into_iter().filter(|rule| self.breaks(*rule)).collect()
    }

    fn breaks(&self, rule: Rule) -> bool {
        let rest = self.at_rest();
        match rule {
            Rule::Corrupted => self.corrupted(),
            Rule::Misrouted => self.misrouted_key() || self.misrouted_partition(),
            Rule::InconsistentOffset => self.inconsistent_offset(),
            Rule::DuplicateRecord => self.duplicate_record(),
            Rule::Order => self.order() || self.order_across_clients(),
            Rule::LostRecord => rest && self.lost_record(),
            Rule::Resurrected => self.resurrected() || self.received_after_all(),
            Rule::Skipped => self.skipped(),
            Rule::Rewound => self.rewound(),
            Rule::CommittedAhead => self.committed_ahead(),
            Rule::PhantomEffect => self.phantom_at_once() || self.phantom_after_failure(),
            Rule::DuplicateEffect => self.duplicate_effect(),
            Rule::Lost => rest && self.missing() > 0,
            Rule::Unseen => rest && !self.unseen().is_empty(),
            Rule::Diverged => rest && self.diverged(),
            Rule::StaleProjection => rest && self.stale_projection(),
            Rule::Deadlock => rest && self.due() > 0,
            Rule::Livelock => self.cause() == Some(EndCause::Impatient),
            Rule::RedeliveryBound => rest && self.redelivery_bound(),
            Rule::Fence => self.fence(),
            Rule::Overtaken => self.overtaken(),
            Rule::Backlog => self.beyond_cap() || (rest && self.unrecovered()),
            Rule::Accounting => self.accounted_twice() || (rest && self.unaccounted() > 0),
            Rule::Torn => rest && self.torn() > 0,
            Rule::Uncompensated => rest && self.uncompensated() > 0,
            Rule::Custom | Rule::Unlinearizable => false,
        }
    }

    /// Whether a rule is broken that nothing can mend.
    pub fn beyond_repair(&self) -> bool {
        self.duplicate_effect()
            || self.phantom_at_once()
            || self.corrupted()
            || self.misrouted_key()
            || self.inconsistent_offset()
            || self.duplicate_record()
            || self.order_across_clients()
            || self.resurrected()
            || self.rewound()
            || self.committed_ahead()
            || self.received_after_all()
            || self.fence()
            || self.overtaken()
            || self.beyond_cap()
            || self.accounted_twice()
    }

    /// The verdict, in the words of [`tell`](super::text::tell) up to the reason.
    pub fn verdict(&self) -> String {
        if self.all.is_empty() {
            return "unknown".to_owned();
        }
        if let Some(rule) = RULES.into_iter().find(|rule| self.breaks(*rule)) {
            return rule.slug().to_owned();
        }
        let known = match self.cause() {
            None => {
                self.owed() == 0
                    && self.replicas().is_empty()
                    && !self.lost_record()
                    && !self.redelivery_bound()
            }
            Some(EndCause::Budget | EndCause::Broken) => false,
            Some(_) => self.replicas().iter().all(|node| self.last_view(*node).is_some()),
        };
        if known { "holds" } else { "unknown" }.to_owned()
    }

    /// Planned operations that are not invoked, operations that are not completed, effects that are
    /// due, messages that somebody is to read, and what is to be even in the end and is not.
    pub fn owed(&self) -> usize {
        let behind = self.behind_peers() + self.behind_the_log() + self.excess();
        self.due() + behind + self.torn() + self.uncompensated() + self.unaccounted()
    }

    fn due(&self) -> usize {
        let messages = self.messages();
        let planned = |m: &&MessageId| {
            self.all
                .iter()
                .any(|o| matches!(o.event, Event::Plan { message, .. } if message == **m))
        };
        let unsent =
            messages.iter().filter(planned).filter(|m| self.attempts(**m).is_empty()).count();
        let open = messages
            .iter()
            .flat_map(|m| self.attempts(*m))
            .filter(|attempt| self.answer(*attempt).is_none())
            .count();
        let unseen = if self.sinks_at_least().is_empty() { self.unseen().len() } else { 0 };
        unsent + open + self.missing() + unseen
    }

    /// The machines whose views are promised to be something.
    fn replicas(&self) -> Vec<NodeId> {
        let replicas = self.promises.iter().flat_map(|promise| match promise {
            Promise::Convergent { replicas } => replicas.iter().map(|r| r.node).collect(),
            Promise::Projected { replicas } => replicas.clone(),
            _ => Vec::new(),
        });
        replicas.collect()
    }

    fn cause(&self) -> Option<EndCause> {
        self.all.iter().rev().find_map(|o| match o.event {
            Event::End { cause } => Some(cause),
            _ => None,
        })
    }

    fn at_rest(&self) -> bool {
        matches!(self.cause(), Some(EndCause::Settled | EndCause::Quiescent))
    }

    fn messages(&self) -> BTreeSet<MessageId> {
        self.all.iter().filter_map(|o| o.event.message()).collect()
    }

    fn attempts(&self, m: MessageId) -> Vec<Attempt<'a>> {
        self.attempts.get(&m).cloned().unwrap_or_default()
    }

    fn attempts_before(&self, m: MessageId, end: usize) -> Vec<Attempt<'a>> {
        self.attempts(m).into_iter().filter(|(at, _)| *at < end).collect()
    }

    fn answer(&self, (at, invoke): Attempt<'_>) -> Option<Outcome> {
        let Event::SendInvoke { message: m, attempt: a, .. } = invoke.event else {
            unreachable!("attempts are invocations")
        };
        let same_session =
            |o: &&Operation| o.process == invoke.process && o.incarnation == invoke.incarnation;
        self.all[at..].iter().filter(same_session).find_map(|o| match o.event {
            Event::SendOk { message, attempt, .. } if (message, attempt) == (m, a) => {
                Some(Outcome::Ok)
            }
            Event::SendFail { message, attempt } if (message, attempt) == (m, a) => {
                Some(Outcome::Fail)
            }
            Event::SendInfo { message, attempt } if (message, attempt) == (m, a) => {
                Some(Outcome::Info)
            }
            _ => None,
        })
    }

    fn outcome(&self, m: MessageId) -> Outcome {
        let attempts = self.attempts(m);
        let answers: Vec<Outcome> =
            attempts.iter().map(|a| self.answer(*a).unwrap_or(Outcome::Info)).collect();
        if answers.contains(&Outcome::Ok) {
            Outcome::Ok
        } else if answers.contains(&Outcome::Info) {
            Outcome::Info
        } else if answers.is_empty() {
            Outcome::Unsent
        } else {
            Outcome::Fail
        }
    }

    /// Effects, with where they stand in the history.
    fn effects(&self) -> Vec<(usize, MessageId, SinkId, u64)> {
        let effect = |(at, o): (usize, &Operation)| match o.event {
            Event::Effect { message, sink, payload } => Some((at, message, sink, payload)),
            _ => None,
        };
        self.all.iter().enumerate().filter_map(effect).collect()
    }

    fn count(&self, m: MessageId, s: SinkId) -> usize {
        self.effects().iter().filter(|(_, message, sink, _)| (*message, *sink) == (m, s)).count()
    }

    fn sinks_at_least(&self) -> BTreeSet<SinkId> {
        let sinks = self.promises.iter().filter_map(|promise| match promise {
            Promise::AtLeastOnce { sinks } | Promise::ExactlyOnce { sinks } => Some(sinks),
            _ => None,
        });
        sinks.flatten().copied().collect()
    }

    fn sinks_at_most(&self) -> BTreeSet<SinkId> {
        let sinks = self.promises.iter().filter_map(|promise| match promise {
            Promise::AtMostOnce { sinks } | Promise::ExactlyOnce { sinks } => Some(sinks),
            _ => None,
        });
        sinks.flatten().copied().collect()
    }

    fn is_promised(&self, sink: SinkId) -> bool {
        self.sinks_at_least().contains(&sink) || self.sinks_at_most().contains(&sink)
    }

    fn missing(&self) -> usize {
        let sinks = self.sinks_at_least();
        let messages = self.messages().into_iter().filter(|m| self.outcome(*m) == Outcome::Ok);
        messages.map(|m| sinks.iter().filter(|s| self.count(m, **s) == 0).count()).sum()
    }

    fn duplicate_effect(&self) -> bool {
        let sinks = self.sinks_at_most();
        self.messages().iter().any(|m| sinks.iter().any(|s| self.count(*m, *s) > 1))
    }

    fn phantom_at_once(&self) -> bool {
        self.effects()
            .iter()
            .any(|&(at, m, s, _)| self.is_promised(s) && self.attempts_before(m, at).is_empty())
    }

    fn phantom_after_failure(&self) -> bool {
        self.effects()
            .iter()
            .any(|&(_, m, s, _)| self.is_promised(s) && self.outcome(m) == Outcome::Fail)
    }

    fn corrupted(&self) -> bool {
        let sent = |at, m, payload| {
            let carries = |(_, o): &Attempt<'_>| match o.event {
                Event::SendInvoke { payload: sent, .. } => sent == payload,
                _ => false,
            };
            self.attempts_before(m, at).iter().any(carries)
        };
        let applied = self.effects().iter().any(|&(at, m, s, payload)| {
            let attempted = !self.attempts_before(m, at).is_empty();
            self.is_promised(s) && attempted && !sent(at, m, payload)
        });
        let read = self.all.iter().enumerate().any(|(at, o)| match o.event {
            Event::Polled { message, payload, .. } | Event::Received { message, payload, .. } => {
                !sent(at, message, payload)
            }
            _ => false,
        });
        applied || (self.is_about_delivery() && read)
    }

    /// Where a message was found after it was first sent: when, in which partition, at which
    /// offset.
    fn places(&self, m: MessageId) -> Vec<(usize, PartitionId, u64)> {
        let own = self.told.iter().filter(|t| t.message == m);
        let sent = own.filter(|t| !self.attempts_before(m, t.at).is_empty());
        sent.map(|t| (t.at, t.place.0, t.place.1)).collect()
    }

    fn duplicate_record(&self) -> bool {
        let idempotent = self.promises.iter().any(|p| matches!(p, Promise::IdempotentProducer));
        let doubled = |m: MessageId| {
            let places = self.places(m);
            places.iter().any(|one| {
                places.iter().any(|two| {
                    (one.1, one.2) != (two.1, two.2)
                        && self.attempts_before(m, one.0.max(two.0)).len() == 1
                })
            })
        };
        idempotent && self.messages().into_iter().any(doubled)
    }

    fn is_ordered(&self) -> bool {
        self.promises.iter().any(|p| matches!(p, Promise::PerKeyOrder))
    }

    fn order(&self) -> bool {
        if !self.is_ordered() {
            return false;
        }
        let messages = self.messages();
        let single = |m: &MessageId| match self.attempts(*m)[..] {
            [(at, o)] => match o.event {
                Event::SendInvoke { key, .. } => Some((*m, at, (o.process, o.incarnation, key))),
                _ => None,
            },
            _ => None,
        };
        let singles: Vec<_> = messages.iter().filter_map(single).collect();
        let position = |m: MessageId, partition: PartitionId| {
            let here = self.places(m).into_iter().filter(|place| place.1 == partition);
            here.map(|place| place.2).min()
        };
        let inverted = |a: MessageId, b: MessageId| {
            self.places(a).iter().any(|(_, partition, _)| {
                let (one, other) = (position(a, *partition), position(b, *partition));
                one.zip(other).is_some_and(|(one, other)| other < one)
            })
        };
        singles.iter().any(|(a, a_at, a_lane)| {
            singles
                .iter()
                .any(|(b, b_at, b_lane)| a_lane == b_lane && a_at < b_at && inverted(*a, *b))
        })
    }

    fn replica_groups(&self) -> Vec<&'a [Replica]> {
        let groups = self.promises.iter().filter_map(|promise| match promise {
            Promise::Convergent { replicas } => Some(&replicas[..]),
            _ => None,
        });
        groups.collect()
    }

    fn views(&self, node: NodeId) -> Vec<(usize, u64)> {
        let view = |(at, o): (usize, &Operation)| match o.event {
            Event::View { digest } if o.process == node => Some((at, digest)),
            _ => None,
        };
        self.all.iter().enumerate().filter_map(view).collect()
    }

    fn last_view(&self, node: NodeId) -> Option<u64> {
        self.views(node).last().map(|(_, digest)| *digest)
    }

    fn fold(&self, s: SinkId) -> u64 {
        let mut set = SetDigest::new();
        for (_, m, _, payload) in self.effects().into_iter().filter(|effect| effect.2 == s) {
            set.insert(m.word(), payload);
        }
        set.value()
    }

    fn diverged(&self) -> bool {
        let unlike = |group: &[Replica]| {
            let views: BTreeSet<u64> =
                group.iter().filter_map(|replica| self.last_view(replica.node)).collect();
            views.len() > 1
        };
        let wrong = |replica: &Replica| {
            let view = self.last_view(replica.node);
            view.zip(replica.sink).is_some_and(|(view, sink)| view != self.fold(sink))
        };
        let restless = |replica: &Replica| match self.views(replica.node)[..] {
            [.., (from, before), (to, after)] => {
                let moved = |o: &Operation| {
                    matches!(o.event, Event::SendInvoke { .. } | Event::Effect { .. })
                };
                before != after && !self.all[from..to].iter().any(moved)
            }
            _ => false,
        };
        self.replica_groups().into_iter().any(|group| {
            unlike(group) || group.iter().any(|replica| wrong(replica) || restless(replica))
        })
    }
}
