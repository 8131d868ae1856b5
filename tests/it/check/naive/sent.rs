//! What was sent, against what became of it: routing, order across clients, readers, projections.

use super::{Naive, Outcome};
use postulate::check::Promise;
use postulate::digest::{Digest, SetDigest};
use postulate::history::{Event, Operation};
use postulate::id::{MessageId, NodeId, PartitionId, SinkId};
use std::collections::{BTreeMap, BTreeSet};

impl Naive<'_> {
    pub(super) fn is_about_delivery(&self) -> bool {
        self.promises.iter().any(|promise| {
            matches!(
                promise,
                Promise::AtMostOnce { .. }
                    | Promise::AtLeastOnce { .. }
                    | Promise::ExactlyOnce { .. }
            )
        })
    }

    fn is_read(o: &Operation, m: MessageId) -> bool {
        match o.event {
            Event::Polled { message, .. } | Event::Received { message, .. } => message == m,
            _ => false,
        }
    }

    /// The keys of a message's attempts among the first `end` operations.
    pub(super) fn keys_before(&self, m: MessageId, end: usize) -> BTreeSet<u64> {
        let key = |(_, o): (usize, &Operation)| match o.event {
            Event::SendInvoke { key, .. } => key,
            _ => unreachable!("attempts are invocations"),
        };
        self.attempts_before(m, end).into_iter().map(key).collect()
    }

    /// A record is read under a key that no attempt had by then, though there was one.
    pub(super) fn misrouted_key(&self) -> bool {
        let strays = |(at, o): (usize, &Operation)| match o.event {
            Event::Polled { message, key, .. } | Event::Received { message, key, .. } => {
                let keys = self.keys_before(message, at);
                !keys.is_empty() && !keys.contains(&key)
            }
            _ => false,
        };
        self.is_about_delivery() && self.all.iter().enumerate().any(strays)
    }

    /// A message with one attempt, acknowledged in one partition, is read from another.
    pub(super) fn misrouted_partition(&self) -> bool {
        let strays = |m: MessageId| {
            let places = self.places(m);
            let read = |at: usize| Self::is_read(&self.all[at], m);
            self.attempts(m).len() == 1
                && places.iter().any(|home| {
                    !read(home.0) && places.iter().any(|away| read(away.0) && away.1 != home.1)
                })
        };
        self.is_about_delivery() && self.messages().into_iter().any(strays)
    }

    /// A message stands in front of, or on, what was acknowledged before its first attempt.
    pub(super) fn order_across_clients(&self) -> bool {
        let messages = self.messages();
        let places: BTreeMap<MessageId, Vec<(usize, PartitionId, u64)>> =
            messages.iter().map(|m| (*m, self.places(*m))).collect();
        let acknowledged = |at: usize| matches!(self.all[at].event, Event::SendOk { .. });
        let overtakes = |m: &MessageId| {
            let Some((first, _)) = self.attempts(*m).first().copied() else { return false };
            places.values().flatten().any(|one| {
                acknowledged(one.0)
                    && one.0 < first
                    && places[m].iter().any(|own| own.1 == one.1 && own.2 <= one.2)
            })
        };
        self.is_ordered() && messages.iter().any(overtakes)
    }

    /// Acknowledged messages that nobody has read, and that have no effect at a promised sink.
    pub(super) fn unseen(&self) -> Vec<MessageId> {
        let promised = self.promises.iter().any(|promise| {
            matches!(promise, Promise::AtLeastOnce { .. } | Promise::ExactlyOnce { .. })
        });
        if !promised {
            return Vec::new();
        }
        let seen = |m: MessageId| {
            self.all.iter().any(|o| Self::is_read(o, m))
                || self.effects().iter().any(|e| e.1 == m && self.is_promised(e.2))
        };
        let messages = self.messages().into_iter();
        messages.filter(|m| self.outcome(*m) == Outcome::Ok && !seen(*m)).collect()
    }

    /// A view that is not the set of the newest updates of each key, of all that were acknowledged
    /// or read.
    pub(super) fn stale_projection(&self) -> bool {
        let mut newest = BTreeMap::<u64, ((u32, NodeId), MessageId, u64)>::new();
        for m in self.messages() {
            let Some((key, payload)) = self.update(m) else { continue };
            let (origin, number) = m.planned().expect("the tests send planned messages only");
            let version = (number, origin);
            if newest.get(&key).is_none_or(|row| row.0 < version) {
                newest.insert(key, (version, m, payload));
            }
        }
        let mut set = SetDigest::new();
        for (key, (_, m, payload)) in newest {
            set.insert(key, Digest::new().word(m.word()).word(payload).value());
        }
        let replicas = self.promises.iter().filter_map(|promise| match promise {
            Promise::Projected { replicas } => Some(replicas),
            _ => None,
        });
        let mut views = replicas.flatten().filter_map(|node| self.last_view(*node));
        views.any(|view| view != set.value())
    }

    /// Effects at a sink of a convergent replica that are missing at the others'.
    pub(super) fn behind_peers(&self) -> usize {
        let mut behind = 0;
        for promise in self.promises {
            let Promise::Convergent { replicas } = promise else { continue };
            let sinks: BTreeSet<SinkId> = replicas.iter().filter_map(|r| r.sink).collect();
            for m in self.messages() {
                let lacks = sinks.iter().filter(|sink| self.count(m, **sink) == 0).count();
                behind += if lacks < sinks.len() { lacks } else { 0 };
            }
        }
        behind
    }

    /// Records that machines with a projection have not read, if the log keeps all.
    pub(super) fn behind_the_log(&self) -> usize {
        let forgets = |promise: &Promise| match promise {
            Promise::DurableLog { retention, compacted } => retention.is_some() || *compacted,
            _ => false,
        };
        if self.promises.iter().any(forgets) {
            return 0;
        }
        let mut behind = 0;
        for promise in self.promises {
            let Promise::Projected { replicas } = promise else { continue };
            for m in self.messages().into_iter().filter(|m| self.update(*m).is_some()) {
                let read = |node: &NodeId| {
                    self.all.iter().any(|o| {
                        o.process == *node
                            && matches!(o.event, Event::Polled { message, .. } if message == m)
                    })
                };
                behind += replicas.iter().filter(|node| !read(node)).count();
            }
        }
        behind
    }

    /// What a message says of its key, if it stands in the log: as it was last read or, if nobody
    /// has read it, as it was first sent.
    fn update(&self, m: MessageId) -> Option<(u64, u64)> {
        let read = self.all.iter().rev().find_map(|o| match o.event {
            Event::Polled { message, key, payload, .. } if message == m => Some((key, payload)),
            _ => None,
        });
        let (first, sent) = match self.attempts(m).first() {
            Some(&(at, Operation { event: Event::SendInvoke { key, payload, .. }, .. })) => {
                (at, Some((*key, *payload)))
            }
            _ => (0, None),
        };
        let acknowledged = self.all[first..]
            .iter()
            .any(|o| matches!(o.event, Event::SendOk { message, .. } if message == m));
        read.or(sent.filter(|_| acknowledged))
    }
}
