//! Links: latency, loss, duplication, corruption, bandwidth, cuts, holds.

use super::swarm::{LinkRates, Rates};
use crate::choice::{Actor, Answer, Choice, Decider, Flips, Key, Site};
use crate::coverage::Coverage;
use crate::digest::fold;
use crate::id::NodeId;
use crate::profile::{FaultClass, Link, Profile};
use crate::seed::Ratio;
use crate::time::{Instant, Span};

/// What happens to a message on its way, relative to its quiet arrival.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It never arrives, because of a fault of this class.
    Lost(FaultClass),
    /// It arrives this much late.
    Late(Span),
    /// It arrives twice.
    Twice(Span, Span),
    /// It arrives with bits flipped.
    Flipped(Damage, Span),
}

/// What is flipped of a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// What this draw makes of it.
    Drawn(u64),
    /// A bit.
    Bit(u64),
    /// Bits of its frame.
    Bits(Flips),
}

/// A message about to travel.
#[derive(Copy, Clone, Debug)]
pub(super) struct Transit {
    /// The key of its fate.
    pub(super) key: Key,
    /// When it would arrive on a quiet link.
    pub(super) quiet: Instant,
    /// What happens to it instead.
    pub(super) fate: Fate,
}

/// A fault that lies on links for a while.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Overlay {
    /// Nothing passes; counted under this class.
    Cut(FaultClass),
    /// What is sent waits until then.
    Hold(Instant),
    /// It is slower and loses and doubles more; counted under this class.
    Grey { slower: Span, loss: Ratio, duplicate: Ratio, class: FaultClass },
}

#[derive(Copy, Clone, Debug, Default)]
struct LinkState {
    latency: Span,
    jitter: u64,
    /// Cumulative thresholds out of 2^32: below the first a message is lost, and so on.
    lost: u32,
    doubled: u32,
    flipped: u32,
    delayed: u32,
    nanos_per_kib: u64,
    busy_until: Instant,
    held_until: Instant,
    cut: Option<FaultClass>,
    grey: Option<FaultClass>,
    touched: bool,
}

#[derive(Debug)]
pub(super) struct Network {
    nodes: usize,
    profiles: Vec<Link>,
    links: Vec<LinkState>,
    /// How many messages of each kind were sent on each link.
    counts: Vec<u32>,
    kinds: usize,
    touched: Vec<u32>,
    overlays: Vec<(u32, NodeId, NodeId, Overlay)>,
    rates: Rates,
    calm: bool,
}

impl Network {
    pub(super) fn new(nodes: usize, profile: &Profile) -> Self {
        let mut profiles = vec![profile.link; nodes * nodes];
        for rule in &profile.links {
            for from in 0..nodes {
                for to in 0..nodes {
                    let matches = rule.from.is_none_or(|node| node.index() == from)
                        && rule.to.is_none_or(|node| node.index() == to);
                    if matches {
                        profiles[from * nodes + to] = rule.link;
                    }
                }
            }
        }
        let kinds = 8;
        Self {
            nodes,
            profiles,
            links: vec![LinkState::default(); nodes * nodes],
            counts: vec![0; nodes * nodes * kinds],
            kinds,
            touched: Vec::new(),
            overlays: Vec::new(),
            rates: Rates::default(),
            calm: false,
        }
    }

    pub(super) fn reset(&mut self, rates: Rates) {
        for index in self.touched.drain(..) {
            let index = index as usize;
            self.counts[index * self.kinds..(index + 1) * self.kinds].fill(0);
            self.links[index].touched = false;
        }
        self.overlays.clear();
        self.rates = rates;
        self.calm = false;
    }

    /// The least latency of a link, and the most that a run adds to it.
    pub(super) fn latency(&self, from: NodeId, to: NodeId) -> (Span, Span) {
        let link = &self.profiles[from.index() * self.nodes + to.index()];
        (link.latency, link.jitter)
    }

    /// Decides what happens to the next message of `kind` from `from` to `to`.
    #[inline]
    pub(super) fn send(
        &mut self,
        (from, to): (NodeId, NodeId),
        (kind, size): (u8, impl FnOnce() -> u32),
        now: Instant,
        (decider, coverage): (&mut Decider, &mut Coverage),
    ) -> Transit {
        let index = from.index() * self.nodes + to.index();
        if kind as usize >= self.kinds {
            self.widen(kind as usize + 1);
        }
        if !self.links[index].touched {
            self.touch(index);
        }
        let count = &mut self.counts[index * self.kinds + kind as usize];
        let key = Key::new(Site::Message, Actor::Link(from, to), kind, *count);
        *count += 1;
        let link = &mut self.links[index];
        let mut leaves = now;
        if link.nanos_per_kib != 0 {
            let takes = (u64::from(size()) * link.nanos_per_kib).div_ceil(1_024);
            leaves = link.busy_until.max(now) + Span::nanos_of(takes);
            link.busy_until = leaves;
        }
        let mut quiet = leaves + link.latency;
        if quiet < link.held_until {
            quiet = link.held_until;
            coverage.bite(FaultClass::Hold);
        }
        if let Some(class) = link.cut {
            return Transit { key, quiet, fate: Fate::Lost(class) };
        }
        let fate = match decider.ask(key) {
            Answer::Quiet => Fate::Late(Span::ZERO),
            Answer::Draw(draw) => link.draw(draw, &self.rates),
            Answer::Decided(choice) => decided(choice),
        };
        if let Fate::Late(late) = fate
            && late.nanos() > link.jitter
        {
            coverage.bite(FaultClass::Delay);
        }
        Transit { key, quiet, fate }
    }

    /// Whether a grey fault lies on the link, and its class.
    pub(super) fn grey(&self, from: NodeId, to: NodeId) -> Option<FaultClass> {
        self.links[from.index() * self.nodes + to.index()].grey
    }

    /// Lays a fault on a link until [`lift`](Self::lift) of the same number.
    pub(super) fn lay(&mut self, number: u32, from: NodeId, to: NodeId, overlay: Overlay) {
        self.overlays.push((number, from, to, overlay));
        self.refresh(from, to);
    }

    /// Lifts the faults laid under `number`.
    pub(super) fn lift(&mut self, number: u32) {
        while let Some(found) = self.overlays.iter().position(|overlay| overlay.0 == number) {
            let (_, from, to, _) = self.overlays.remove(found);
            self.refresh(from, to);
        }
    }

    /// From here on links are as `rates` say; the faults that lie on them stay.
    pub(super) fn redraw(&mut self, rates: Rates) {
        self.rates = rates;
        for n in 0..self.touched.len() {
            let index = self.touched[n] as usize;
            let busy_until = self.links[index].busy_until;
            self.links[index] = LinkState { busy_until, ..self.fresh(index) };
        }
    }

    /// From here on links have least latency and lose nothing.
    pub(super) fn heal(&mut self) {
        self.overlays.clear();
        self.calm = true;
        for n in 0..self.touched.len() {
            let index = self.touched[n] as usize;
            self.links[index] = self.fresh(index);
        }
    }

    fn refresh(&mut self, from: NodeId, to: NodeId) {
        let index = from.index() * self.nodes + to.index();
        if !self.links[index].touched {
            self.touch(index);
        }
        let busy_until = self.links[index].busy_until;
        self.links[index] = LinkState { busy_until, ..self.fresh(index) };
    }

    #[cold]
    fn touch(&mut self, index: usize) {
        self.touched.push(index as u32);
        self.links[index] = self.fresh(index);
    }

    fn fresh(&self, index: usize) -> LinkState {
        let profile = &self.profiles[index];
        let mut link = LinkState {
            latency: profile.latency,
            nanos_per_kib: profile
                .bandwidth
                .map_or(0, |bytes| (1_024 * 1_000_000_000 / bytes.max(1)).max(1)),
            touched: true,
            ..LinkState::default()
        };
        let mut rates = if self.calm { LinkRates::default() } else { self.rates.on(profile) };
        link.jitter = rates.jitter;
        for &(_, from, to, overlay) in &self.overlays {
            if from.index() * self.nodes + to.index() != index {
                continue;
            }
            match overlay {
                Overlay::Cut(class) => link.cut = Some(class),
                Overlay::Hold(until) => link.held_until = link.held_until.max(until),
                Overlay::Grey { slower, loss, duplicate, class } => {
                    link.latency = link.latency + slower;
                    rates.loss = rates.loss.saturating_add(loss.of(u32::MAX.into()) as u32);
                    rates.duplicate =
                        rates.duplicate.saturating_add(duplicate.of(u32::MAX.into()) as u32);
                    link.grey = Some(class);
                }
            }
        }
        link.lost = rates.loss;
        link.doubled = link.lost.saturating_add(rates.duplicate);
        link.flipped = link.doubled.saturating_add(rates.corrupt);
        link.delayed = link.flipped.saturating_add(rates.delay);
        link
    }

    #[cold]
    fn widen(&mut self, kinds: usize) {
        let mut counts = vec![0; self.links.len() * kinds];
        for (link, old) in self.counts.chunks_exact(self.kinds).enumerate() {
            counts[link * kinds..link * kinds + self.kinds].copy_from_slice(old);
        }
        self.counts = counts;
        self.kinds = kinds;
    }
}

impl LinkState {
    /// The whole fate of a message from one draw: which fate from its low half, how late from the
    /// high.
    #[inline]
    fn draw(&self, draw: u64, rates: &Rates) -> Fate {
        let late = Span::nanos_of(scaled(draw, self.jitter));
        let low = draw as u32;
        if low >= self.delayed { Fate::Late(late) } else { self.rare(draw, late, rates) }
    }

    #[cold]
    fn rare(&self, draw: u64, late: Span, rates: &Rates) -> Fate {
        let low = draw as u32;
        let other = fold(draw ^ 0x5851_f42d_4c95_7f2d, 0x1405_7b7e_f767_814f);
        if low < self.lost {
            Fate::Lost(self.grey.unwrap_or(FaultClass::Loss))
        } else if low < self.doubled {
            Fate::Twice(late, Span::nanos_of(scaled(other, self.jitter)))
        } else if low < self.flipped {
            Fate::Flipped(Damage::Drawn(other), late)
        } else {
            Fate::Late(late + Span::nanos_of(1 + scaled(other, rates.delay_span)))
        }
    }
}

/// `bound` times the fraction that the high bits of `draw` are; 0 only for a bound of 0 or by
/// chance.
#[inline]
pub(super) fn scaled(draw: u64, bound: u64) -> u64 {
    crate::choice::below(draw, bound)
}

fn decided(choice: Choice) -> Fate {
    match choice {
        Choice::Lost => Fate::Lost(FaultClass::Loss),
        Choice::Late(late) => Fate::Late(late),
        Choice::Twice { late, again } => Fate::Twice(late, again),
        Choice::Corrupted { bit, late } => Fate::Flipped(Damage::Bit(bit), late),
        Choice::Garbled { bits, late } => Fate::Flipped(Damage::Bits(bits), late),
        _ => Fate::Late(Span::ZERO),
    }
}
