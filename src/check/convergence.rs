//! Convergence: replicas whose views differ in the end.

use super::evidence::{list, violation};
use super::index::Slot;
use super::ledger::Tally;
use super::{Promise, Replica, Rule, Violation, bit};
use crate::digest::SetDigest;
use crate::history::{Event, Operation, Recorded};
use crate::id::{MessageId, NodeId, SinkId};

/// The last views of all replicas, and the fold of the effects that some of them must equal.
#[derive(Debug, Default)]
pub(super) struct Convergence {
    seats: Vec<Seat>,
    folds: Vec<(SinkId, SetDigest)>,
    /// Of each promise the sinks of its replicas, as bits by their places among the folds.
    circles: Vec<u64>,
    /// By slot, where a message has an effect, as such bits.
    landed: Vec<u64>,
    /// What a view may depend on and has happened so far: sends invoked and effects.
    causes: u32,
}

/// A replica of a promise.
#[derive(Debug)]
struct Seat {
    /// Which promise: replicas of different promises need not agree.
    promise: usize,
    replica: Replica,
    view: Option<View>,
    /// The view before the last one, if they differ and nothing in between explains it.
    restless: Option<u64>,
}

#[derive(Copy, Clone, Debug)]
struct View {
    digest: u64,
    causes: u32,
}

impl Convergence {
    /// The checker of the convergence promises among `promises`.
    pub(super) fn new(promises: &[Promise]) -> Self {
        let mut convergence = Self::default();
        for (promise, replicas) in promises.iter().enumerate().filter_map(replicas_of) {
            let mut circle = 0;
            for &replica in replicas {
                convergence.seats.push(Seat { promise, replica, view: None, restless: None });
                circle |= replica.sink.map_or(0, |sink| bit(convergence.place(sink)));
            }
            convergence.circles.push(circle);
        }
        convergence
    }

    /// The place of a sink among the folds, a new one if need be.
    fn place(&mut self, sink: SinkId) -> usize {
        let known = self.folds.iter().position(|(folded, _)| *folded == sink);
        known.unwrap_or_else(|| {
            self.folds.push((sink, SetDigest::new()));
            self.folds.len() - 1
        })
    }

    /// Back to the state before the first operation.
    pub(super) fn reset(&mut self) {
        self.causes = 0;
        self.landed.clear();
        for (_, fold) in &mut self.folds {
            *fold = SetDigest::new();
        }
        for seat in &mut self.seats {
            seat.view = None;
            seat.restless = None;
        }
    }

    /// Whether convergence is promised at all.
    #[inline]
    pub(super) fn is_promised(&self) -> bool {
        !self.seats.is_empty()
    }

    /// A send is invoked: from here on a view may change.
    #[inline]
    pub(super) fn invoked(&mut self) {
        self.causes += 1;
    }

    /// An effect lands. What one replica holds the others come to hold, whether its send was
    /// acknowledged or not: until then they are behind.
    #[inline]
    pub(super) fn effect(
        &mut self,
        (slot, tally): (Slot, &mut Tally),
        (message, sink, payload): (MessageId, SinkId, u64),
    ) {
        self.causes += 1;
        let Some(place) = self.folds.iter().position(|(folded, _)| *folded == sink) else { return };
        self.folds[place].1.insert(message.word(), payload);
        if self.landed.len() <= slot as usize {
            self.landed.resize(slot as usize + 1, 0);
        }
        let before = self.landed[slot as usize];
        let after = before | bit(place);
        self.landed[slot as usize] = after;
        for &circle in &self.circles {
            tally.behind += missing(circle, after);
            tally.behind -= missing(circle, before);
        }
    }

    /// A machine reports its view.
    pub(super) fn view(&mut self, node: NodeId, digest: u64) {
        let view = View { digest, causes: self.causes };
        for seat in self.seats.iter_mut().filter(|seat| seat.replica.node == node) {
            seat.restless = seat
                .view
                .filter(|last| last.digest != digest && last.causes == view.causes)
                .map(|last| last.digest);
            seat.view = Some(view);
        }
    }

    /// A replica that reported nothing, so that nothing can be said of its promise.
    pub(super) fn silent(&self) -> Option<NodeId> {
        let silent = self.seats.iter().find(|seat| seat.view.is_none());
        silent.map(|seat| seat.replica.node)
    }

    /// Replicas that differ from each other, from the effects, or from themselves; to be asked at
    /// rest only.
    pub(super) fn diverged(&self, history: &dyn Recorded) -> Option<Violation> {
        let fault = self
            .seats
            .iter()
            .find_map(|seat| self.against_peers(seat))
            .or_else(|| self.seats.iter().find_map(|seat| self.against_effects(seat)))
            .or_else(|| self.seats.iter().find_map(Self::against_itself))?;
        let views = last_views(history, &fault.nodes);
        let words = (fault.expected, fault.observed);
        Some(violation(Rule::Diverged, words, Vec::new(), history, |o| views.contains(o)))
    }

    fn against_peers(&self, seat: &Seat) -> Option<Fault> {
        let view = seat.view?.digest;
        let peers = self.seats.iter().filter(|peer| peer.promise == seat.promise);
        let others: Vec<NodeId> = peers
            .filter(|peer| peer.view.is_some_and(|other| other.digest != view))
            .map(|peer| peer.replica.node)
            .collect();
        let other = *others.first()?;
        let node = seat.replica.node;
        let names: Vec<String> = others.iter().map(|node| format!("{node:?}")).collect();
        let verb = if others.len() == 1 { "holds" } else { "hold" };
        Some(Fault {
            expected: "all replicas hold the same in the end".to_owned(),
            observed: format!("{} {verb} something else than {node:?}", list(&names)),
            nodes: vec![node, other],
        })
    }

    fn against_effects(&self, seat: &Seat) -> Option<Fault> {
        let sink = seat.replica.sink?;
        let (_, fold) = self.folds.iter().find(|(folded, _)| *folded == sink)?;
        let node = seat.replica.node;
        (seat.view?.digest != fold.value()).then(|| Fault {
            expected: format!("{node:?} holds the effects committed at {sink:?}, and nothing else"),
            observed: format!("what {node:?} holds in the end is not the set of those effects"),
            nodes: vec![node],
        })
    }

    fn against_itself(seat: &Seat) -> Option<Fault> {
        let before = seat.restless?;
        let after = seat.view?.digest;
        let node = seat.replica.node;
        Some(Fault {
            expected: format!("what {node:?} holds stays as it is once the run is settled"),
            observed: format!(
                "it changed from {before:016x} to {after:016x} with nothing to change it"
            ),
            nodes: vec![node],
        })
    }
}

/// How many of a circle of sinks lack a message that has landed at some of them.
const fn missing(circle: u64, landed: u64) -> u32 {
    if circle & landed == 0 { 0 } else { (circle & !landed).count_ones() }
}

struct Fault {
    expected: String,
    observed: String,
    nodes: Vec<NodeId>,
}

fn replicas_of((at, promise): (usize, &Promise)) -> Option<(usize, &[Replica])> {
    match promise {
        Promise::Convergent { replicas } => Some((at, replicas)),
        _ => None,
    }
}

/// The last two views of each of `nodes`.
fn last_views(history: &dyn Recorded, nodes: &[NodeId]) -> Vec<Operation> {
    let mut views = Vec::new();
    for &node in nodes {
        let mut last = [None; 2];
        history.each(|o| {
            if o.process == node && matches!(o.event, Event::View { .. }) {
                last = [Some(*o), last[0]];
            }
        });
        views.extend(last.into_iter().flatten());
    }
    views
}
