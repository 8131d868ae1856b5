//! What a seed draws for a whole run: rates, timed faults, the time of heal.
//!
//! Swarm testing (Groce et al., ISSTA 2012): each class is off half the time, so that no class
//! masks another in every run, and what is on has a log-uniform rate, so that rare and thick faults
//! both occur.

use super::network::scaled;
use crate::choice::{Actor, Decider, Key, Site, below};
use crate::digest::fold;
use crate::id::{FileId, NodeId};
use crate::node::Machine;
use crate::profile::{
    DRAWN_OFFSET_MAX, Envelope, FaultClass, Link, NOTICE_LATENCIES_MAX, Profile, Swarm,
    TIMER_LATE_MAX,
};
use crate::schedule::{Fault, Trigger, Trouble};
use crate::seed::Ratio;
use crate::time::{Instant, Span};

/// The rates of a run, as thresholds out of 2^32; all zero in a quiet one.
#[derive(Copy, Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each switch is a class of faults of its own")]
pub(super) struct Rates {
    source: Source,
    link: LinkRates,
    /// Jitter is the stated one, halved this often.
    jitter_shift: u32,
    /// The most that a delayed message is late by.
    pub(super) delay_span: u64,
    /// The most that the notice of a broken connection is late by, in latencies of its link.
    pub(super) notice_latencies: u64,
    pub(super) timer_late: u32,
    pub(super) timer_span: u64,
    pub(super) sync_jitter: bool,
    pub(super) slow_sync: u32,
    pub(super) sync_span: u64,
    pub(super) failed_sync: u32,
    pub(super) lying_sync: u32,
    pub(super) lost_write: u32,
    pub(super) misdirected_write: u32,
    pub(super) torn_write: bool,
    pub(super) drift: bool,
    pub(super) offset: bool,
}

/// The rates of one link.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct LinkRates {
    pub(super) loss: u32,
    pub(super) duplicate: u32,
    pub(super) corrupt: u32,
    pub(super) delay: u32,
    pub(super) jitter: u64,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
enum Source {
    #[default]
    Quiet,
    Stated,
    Drawn,
}

/// What a seed draws for a run.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) rates: Rates,
    pub(super) heal_at: Instant,
}

impl Rates {
    /// Whether appends may miss their place.
    #[inline]
    pub(super) fn misplaces(&self) -> bool {
        self.lost_write | self.misdirected_write != 0
    }

    /// The rates of a link of `profile`.
    pub(super) fn on(&self, profile: &Link) -> LinkRates {
        let ratio = |ratio: Ratio| ratio.of(1 << 32).min(u32::MAX.into()) as u32;
        match self.source {
            // Nothing is drawn: what is decided to be later than any run without delays is a delay.
            Source::Quiet => LinkRates { jitter: profile.jitter.nanos(), ..LinkRates::default() },
            Source::Stated => LinkRates {
                loss: ratio(profile.loss),
                duplicate: ratio(profile.duplicate),
                corrupt: ratio(profile.corrupt),
                delay: 0,
                jitter: profile.jitter.nanos(),
            },
            Source::Drawn => {
                LinkRates { jitter: profile.jitter.nanos() >> self.jitter_shift, ..self.link }
            }
        }
    }
}

/// Draws what a seeded run is like; timed faults go to `faults` with the class they count under.
pub(super) fn draw(
    profile: &Profile,
    machines: &[Machine],
    decider: &Decider,
    faults: &mut Vec<(Fault, FaultClass)>,
) -> Drawn {
    if profile.swarm == Swarm::Off {
        let rates = Rates { source: Source::Stated, sync_jitter: true, ..Rates::default() };
        return Drawn { rates, heal_at: Instant::START + profile.heal_at };
    }
    let source = Draws { decider, kind: u8::MAX, next: 0 };
    let mask = source.at(0);
    let on = profile
        .envelope
        .classes()
        .filter(|&class| mask >> class as u32 & 1 == 1)
        .collect::<Envelope>();
    let longest = profile.heal_at.nanos().max(32);
    let heal_at = log_uniform(source.at(1), longest / 32, longest);
    let rates = draw_rates(profile, on, decider);
    for class in on.classes() {
        let mut draws = Draws { decider, kind: class as u8, next: 16 };
        let mut plan = Plan {
            draws: &mut draws,
            class,
            machines,
            nodes: machines.len() as u16,
            heal_at,
            latency: profile.link.latency,
            faults,
        };
        plan.plan();
    }
    Drawn { rates, heal_at: Instant::from_nanos(heal_at) }
}

fn draw_rates(profile: &Profile, on: Envelope, decider: &Decider) -> Rates {
    let rate = |class: FaultClass| {
        let source = Draws { decider, kind: class as u8, next: 0 };
        if on.has(class) { log_uniform(source.at(0), 1 << 22, 1 << 30) as u32 } else { 0 }
    };
    let span = |class: FaultClass, low: Span, high: Span| {
        let source = Draws { decider, kind: class as u8, next: 0 };
        log_uniform(source.at(1), low.nanos().max(1), high.nanos().max(2))
    };
    let jitter = profile.link.jitter.max(profile.link.latency);
    let general = Draws { decider, kind: u8::MAX, next: 0 };
    Rates {
        source: Source::Drawn,
        link: LinkRates {
            loss: rate(FaultClass::Loss),
            duplicate: rate(FaultClass::Duplicate),
            corrupt: rate(FaultClass::Corrupt),
            delay: rate(FaultClass::Delay),
            jitter: 0,
        },
        jitter_shift: below(general.at(2), 8) as u32,
        delay_span: span(FaultClass::Delay, jitter, profile.delay_max()),
        notice_latencies: log_uniform(general.at(3), 1, NOTICE_LATENCIES_MAX),
        timer_late: rate(FaultClass::TimerLate),
        timer_span: span(FaultClass::TimerLate, Span::micros(100), TIMER_LATE_MAX),
        sync_jitter: true,
        slow_sync: rate(FaultClass::SlowSync),
        sync_span: span(FaultClass::SlowSync, profile.disk.sync, profile.sync_late_max()),
        failed_sync: rate(FaultClass::FailedSync),
        lying_sync: rate(FaultClass::LyingSync),
        lost_write: rate(FaultClass::LostWrite),
        misdirected_write: rate(FaultClass::MisdirectedWrite),
        torn_write: on.has(FaultClass::TornWrite),
        drift: on.has(FaultClass::ClockDrift),
        offset: on.has(FaultClass::ClockStep),
    }
}

/// A stream of draws for one class: more draws for one class shift no other.
#[derive(Debug)]
struct Draws<'a> {
    decider: &'a Decider,
    kind: u8,
    next: u32,
}

impl Draws<'_> {
    fn at(&self, number: u32) -> u64 {
        self.decider.parameter(Key::new(Site::Knob, Actor::Run, self.kind, number))
    }

    fn next(&mut self) -> u64 {
        self.next += 1;
        self.at(self.next - 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        below(self.next(), bound)
    }
}

/// The timed faults of one class.
struct Plan<'a, 'b> {
    draws: &'a mut Draws<'b>,
    class: FaultClass,
    machines: &'a [Machine],
    nodes: u16,
    heal_at: u64,
    latency: Span,
    faults: &'a mut Vec<(Fault, FaultClass)>,
}

impl Plan<'_, '_> {
    fn plan(&mut self) {
        use FaultClass as Class;
        match self.class {
            Class::Crash | Class::PowerCut | Class::Pause | Class::Zombie | Class::Disconnect => {
                self.some(Self::machine_fault);
            }
            Class::Cut | Class::Hold | Class::GreyLink => self.some(Self::link_fault),
            Class::ClockStep | Class::FullDisk | Class::BitRot => self.some(Self::local_fault),
            Class::SwizzleClog => self.swizzle_clog(),
            Class::RedeliveryStorm => self.redelivery_storm(),
            Class::RollingRestart => self.rolling_restart(),
            Class::Loss
            | Class::Duplicate
            | Class::Delay
            | Class::Corrupt
            | Class::ClockDrift
            | Class::TimerLate
            | Class::SlowSync
            | Class::FailedSync
            | Class::LyingSync
            | Class::TornWrite
            | Class::LostWrite
            | Class::MisdirectedWrite => {}
        }
    }

    /// One fault half of the time, two a quarter, and so on up to four.
    fn some(&mut self, fault: fn(&mut Self)) {
        let times = 1 + self.draws.next().trailing_ones().min(3);
        (0..times).for_each(|_| fault(self));
    }

    fn machine_fault(&mut self) {
        let node = self.node();
        let when = self.when(node);
        let what = match self.class {
            FaultClass::Crash => Trouble::Crash { node, down: self.down() },
            FaultClass::PowerCut => Trouble::PowerCut { node, down: self.down() },
            FaultClass::Zombie => {
                let lasting = log_uniform(self.draws.next(), self.heal_at / 4, self.heal_at);
                Trouble::Pause { node, lasting: Span::nanos_of(lasting) }
            }
            FaultClass::Disconnect => Trouble::Disconnect { node },
            _ => Trouble::Pause { node, lasting: self.lasting() },
        };
        self.push(when, what);
    }

    fn link_fault(&mut self) {
        let (from, to) = self.link();
        let when = self.when(from);
        let lasting = self.lasting();
        match self.class {
            FaultClass::Cut => self.cut(when, lasting),
            FaultClass::Hold => self.push(when, Trouble::Hold { from, to, lasting }),
            _ => {
                let slower =
                    log_uniform(self.draws.next(), self.latency.nanos().max(1), self.heal_at);
                let loss = self.ratio();
                let duplicate = self.ratio();
                let slower = Span::nanos_of(slower / 8);
                self.push(when, Trouble::Grey { from, to, slower, loss, duplicate, lasting });
            }
        }
    }

    fn local_fault(&mut self) {
        let node = self.node();
        let when = self.when(node);
        let what = match self.class {
            FaultClass::ClockStep => {
                let size =
                    log_uniform(self.draws.next(), 1_000_000, DRAWN_OFFSET_MAX).cast_signed();
                let by = if self.draws.below(2) == 0 { size } else { -size };
                Trouble::ClockStep { node, by }
            }
            FaultClass::FullDisk => Trouble::FullDisk { node, lasting: self.lasting() },
            _ => Trouble::BitRot {
                node,
                file: FileId(self.draws.below(4) as u8),
                back: log_uniform(self.draws.next(), 1, 64) as u32 - 1,
            },
        };
        self.push(when, what);
    }

    /// One way a third of the time. Sides are drawn machine by machine, or, if there are zones,
    /// half of the time zone by zone, so that lone machines, halves and majorities all occur.
    fn cut(&mut self, when: Trigger, lasting: Span) {
        let mask = self.draws.next();
        let zoned = self.machines.iter().any(|machine| machine.zone != self.machines[0].zone);
        let by_zone = zoned && self.draws.below(2) == 0;
        let place = |n: u16| if by_zone { self.machines[n as usize].zone.into() } else { n };
        let side = |wanted: u64| -> Vec<NodeId> {
            (0..self.nodes).filter(|&n| mask >> (place(n) % 64) & 1 == wanted).map(NodeId).collect()
        };
        let (one, other) = (side(0), side(1));
        if self.draws.below(3) != 0 {
            let (from, to) = (other.clone(), one.clone());
            self.push(when, Trouble::Cut { from, to, lasting });
        }
        self.push(when, Trouble::Cut { from: one, to: other, lasting });
    }

    /// The links to one machine are cut one after another and come back in an order of their own.
    fn swizzle_clog(&mut self) {
        let node = self.node();
        let start = self.draws.below(self.heal_at);
        let step = log_uniform(self.draws.next(), self.latency.nanos().max(1), self.heal_at / 8);
        for (n, peer) in
            (0..self.nodes).map(NodeId).filter(|&peer| peer != node).take(8).enumerate()
        {
            let at = Instant::from_nanos(start + n as u64 * step);
            let lasting = Span::nanos_of(step * (1 + self.draws.below(8)));
            let what = Trouble::Cut { from: vec![peer], to: vec![node], lasting };
            self.push(Trigger::At(at), what);
        }
    }

    fn redelivery_storm(&mut self) {
        let node = self.node();
        let start = self.draws.below(self.heal_at);
        let lasting = self.lasting();
        let half = Ratio::new(1, 2).unwrap_or(Ratio::NEVER);
        for peer in (0..self.nodes).map(NodeId).filter(|&peer| peer != node) {
            for (from, to) in [(node, peer), (peer, node)] {
                let what = Trouble::Grey {
                    from,
                    to,
                    slower: Span::ZERO,
                    loss: Ratio::NEVER,
                    duplicate: half,
                    lasting,
                };
                self.push(Trigger::At(Instant::from_nanos(start)), what);
            }
        }
        for n in 0..4 {
            let at = Instant::from_nanos(start + lasting.nanos() * n / 4);
            self.push(Trigger::At(at), Trouble::Disconnect { node });
        }
    }

    fn rolling_restart(&mut self) {
        let start = self.draws.below(self.heal_at);
        let gap = log_uniform(self.draws.next(), self.latency.nanos().max(1), self.heal_at / 4);
        let down = self.down();
        for n in 0..self.nodes {
            let at = Instant::from_nanos(start + u64::from(n) * gap);
            self.push(Trigger::At(at), Trouble::Crash { node: NodeId(n), down });
        }
    }

    /// Half of the faults strike at a time, half after so many events of a machine: those stay tied
    /// to what goes on when times change.
    fn when(&mut self, node: NodeId) -> Trigger {
        let draw = self.draws.next();
        if draw & 1 == 0 {
            Trigger::At(Instant::from_nanos(scaled(draw, self.heal_at)))
        } else {
            Trigger::After { node, events: log_uniform(draw, 1, 256) as u32 }
        }
    }

    fn node(&mut self) -> NodeId {
        NodeId(self.draws.below(self.nodes.into()) as u16)
    }

    fn link(&mut self) -> (NodeId, NodeId) {
        let from = self.node();
        let others = u64::from(self.nodes.max(2) - 1);
        let to = (u64::from(from.0) + 1 + self.draws.below(others)) % u64::from(self.nodes.max(1));
        (from, NodeId(to as u16))
    }

    /// Faults of links last at least ten latencies: independent losses never make a lasting cut.
    fn lasting(&mut self) -> Span {
        let least = self.latency.nanos().max(1) * 10;
        Span::nanos_of(log_uniform(self.draws.next(), least, (self.heal_at / 2).max(least * 2)))
    }

    fn down(&mut self) -> Span {
        Span::nanos_of(log_uniform(self.draws.next(), 100_000, (self.heal_at / 4).max(200_000)))
    }

    fn ratio(&mut self) -> Ratio {
        let denominator = 2 + self.draws.below(30) as u32;
        Ratio::new(1, denominator).unwrap_or(Ratio::NEVER)
    }

    fn push(&mut self, when: Trigger, what: Trouble) {
        self.faults.push((Fault { when, what }, self.class));
    }
}

/// A value from `low` to `high` whose logarithm is about uniform: each doubling is as likely as
/// another.
pub(super) fn log_uniform(draw: u64, low: u64, high: u64) -> u64 {
    let low = low.max(1);
    let high = high.max(low);
    let doublings = u64::from((high / low).ilog2());
    let base = low << below(draw, doublings + 1);
    let within = fold(draw ^ 0x6c62_272e_07bb_0142, 0x2545_f491_4f6c_dd1d);
    (base + below(within, base)).min(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn drawn(seed: u64) -> (Drawn, Vec<(Fault, FaultClass)>) {
        let profile =
            Profile { envelope: FaultClass::ALL.iter().copied().collect(), ..Profile::default() };
        let mut decider = Decider::default();
        decider.reset(Seed(seed), true, std::iter::empty(), false);
        let mut faults = Vec::new();
        let machines: Vec<_> =
            (0..5).map(|n| Machine { zone: n % 2, ..Machine::new("m", "any") }).collect();
        let drawn = draw(&profile, &machines, &decider, &mut faults);
        (drawn, faults)
    }

    #[test]
    fn each_timed_class_is_on_in_about_half_of_the_seeds() {
        for class in [FaultClass::Crash, FaultClass::Cut, FaultClass::RollingRestart] {
            let on =
                (0..400).filter(|&seed| drawn(seed).1.iter().any(|&(_, of)| of == class)).count();
            assert!((150..250).contains(&on), "{class} was on in {on} of 400 seeds");
        }
    }

    #[test]
    fn rates_are_spread_over_their_orders_of_magnitude() {
        let rates: Vec<u32> = (0..400).map(|seed| drawn(seed).0.rates.link.loss).collect();
        assert!((150..250).contains(&rates.iter().filter(|&&rate| rate == 0).count()));
        let rare = rates.iter().filter(|&&rate| rate > 0 && rate < 1 << 25).count();
        let thick = rates.iter().filter(|&&rate| rate > 1 << 28).count();
        assert!(rare > 30 && thick > 20, "{rare} rare, {thick} thick");
    }

    #[test]
    fn faults_name_machines_that_exist_and_links_between_two() {
        for seed in 0..200 {
            for (fault, _) in drawn(seed).1 {
                match fault.what {
                    Trouble::Hold { from, to, .. } | Trouble::Grey { from, to, .. } => {
                        assert!(from != to && from.0 < 5 && to.0 < 5);
                    }
                    Trouble::Crash { node, .. } | Trouble::Pause { node, .. } => {
                        assert!(node.0 < 5);
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn log_uniform_stays_within_its_bounds() {
        for draw in [0, 1, u64::MAX / 3, u64::MAX] {
            for (low, high) in [(1, 1), (1, 256), (1_000, 1_001), (7, 5)] {
                let value = log_uniform(draw, low, high);
                assert!((low..=high.max(low)).contains(&value), "{value} of {low}..={high}");
            }
        }
    }
}
