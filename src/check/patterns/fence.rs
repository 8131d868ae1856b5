//! Fence: acts that take effect after what a later owner did.

use super::super::evidence::violation;
use super::super::index::Slot;
use super::super::ledger::Ledger;
use super::super::{Promise, Rule, Violation};
use crate::history::{Event, Operation, Recorded};
use crate::id::SinkId;
use std::collections::BTreeMap;

/// Under which tokens acts were begun, and the greatest of those that took effect.
///
/// An act that was begun under several tokens may have taken effect under any of them. One that
/// takes effect before anybody began it was under none, so that nothing entitled it.
#[derive(Debug, Default)]
pub(in super::super) struct Fences {
    sinks: Vec<Fence>,
    first: Option<Breach>,
}

#[derive(Debug)]
struct Fence {
    sink: SinkId,
    /// The least and the greatest token of each act.
    tokens: BTreeMap<Slot, (u64, u64)>,
    front: Option<Front>,
}

/// The act with the greatest token that took effect.
#[derive(Copy, Clone, Debug)]
struct Front {
    token: u64,
    slot: Slot,
    effect: Operation,
}

#[derive(Copy, Clone, Debug)]
enum Breach {
    /// An act under a smaller token, after this one.
    Late { front: Front, slot: Slot, token: u64, effect: Operation },
    /// An act that nobody began.
    Unbegun { slot: Slot, effect: Operation },
}

impl Fences {
    /// The checker of the promises of fencing among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let sinks = promises.iter().filter_map(|promise| match promise {
            Promise::Fenced { sinks } => Some(sinks),
            _ => None,
        });
        let fence = |&sink: &SinkId| Fence { sink, tokens: BTreeMap::new(), front: None };
        Self { sinks: sinks.flatten().map(fence).collect(), first: None }
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        for fence in &mut self.sinks {
            fence.tokens.clear();
            fence.front = None;
        }
        self.first = None;
    }

    /// Somebody begins an act.
    pub(super) fn acting(&mut self, slot: Slot, sink: SinkId, token: u64) {
        for fence in self.sinks.iter_mut().filter(|fence| fence.sink == sink) {
            let (least, greatest) = fence.tokens.entry(slot).or_insert((token, token));
            *least = token.min(*least);
            *greatest = token.max(*greatest);
        }
    }

    /// An effect lands. Returns whether that breaks a promise for good.
    pub(super) fn effect(&mut self, operation: &Operation, slot: Slot, sink: SinkId) -> bool {
        let effect = *operation;
        let mut broken = false;
        for fence in self.sinks.iter_mut().filter(|fence| fence.sink == sink) {
            let breach = match (fence.tokens.get(&slot), fence.front) {
                (None, _) => Some(Breach::Unbegun { slot, effect }),
                (Some(&(_, token)), Some(front)) if token < front.token => {
                    Some(Breach::Late { front, slot, token, effect })
                }
                (Some(&(token, _)), front) => {
                    if front.is_none_or(|front| front.token < token) {
                        fence.front = Some(Front { token, slot, effect });
                    }
                    None
                }
            };
            broken |= breach.is_some();
            self.first = self.first.or(breach);
        }
        broken
    }

    /// An act that nothing entitled when it took effect.
    pub(in super::super) fn breached(
        &self,
        ledger: &Ledger,
        history: &dyn Recorded,
    ) -> Option<Violation> {
        let message = |slot: Slot| ledger.entry(slot).message;
        let (words, about, effects) = match self.first? {
            Breach::Late { front, slot, token, effect } => {
                let Event::Effect { sink, .. } = effect.event else { return None };
                let expected = format!(
                    "nothing under token {token} takes effect at {sink:?} once something under \
                     token {} has",
                    front.token
                );
                let about = vec![message(front.slot), message(slot)];
                let observed = format!(
                    "{} took effect at {} under token {}, and {} at {} under token {token}",
                    about[0], front.effect.at, front.token, about[1], effect.at
                );
                ((expected, observed), about, vec![front.effect, effect])
            }
            Breach::Unbegun { slot, effect } => {
                let Event::Effect { sink, .. } = effect.event else { return None };
                let expected =
                    format!("what takes effect at {sink:?} was begun by somebody under a token");
                let about = vec![message(slot)];
                let observed = format!(
                    "{} took effect at {}, and nobody had begun it by then",
                    about[0], effect.at
                );
                ((expected, observed), about, vec![effect])
            }
        };
        let shows = |o: &Operation| match o.event {
            Event::Acting { message, .. } => about.contains(&message),
            _ => effects.contains(o),
        };
        Some(violation(Rule::Fence, words, about.clone(), history, shows))
    }
}
