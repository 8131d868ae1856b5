//! Races: the order of events that are due close together, drawn instead of kept.
//!
//! While a race is on, whatever is due within a window of the oldest pending event may go next. The
//! one that goes takes the later of its own time and the nanosecond after the last event, so what
//! it overtook has become late, and lateness alone encodes the order: a quiet run with these delays
//! is the same run, and knows nothing of races. Faults are never raced, of a stream only the head
//! is, and time order resumes at the heal.
//!
//! The orders are PCT (Burckhardt et al., ASPLOS 2010), here over the links, timers and files that
//! events come from, POS (Yuan, Yang and Gu, CAV 2018), and a random walk. The window keeps a timer
//! that sets itself again and again from running ahead of everything else.

use super::connections::{Connections, Via};
use super::machine::{Happening, What};
use super::queue::{Queue, Turn};
use super::swarm::log_uniform;
use super::timers::Due;
use super::world::World;
use crate::choice::{Actor, Decider, Instance, Key, Site, below};
use crate::id::{NodeId, TimerId};
use crate::node::System;
use crate::profile::{FaultClass, Profile, Swarm};
use crate::schedule::Strategy;
use crate::time::{Instant, Span};

/// Where an event comes from: what its lateness is a decision about.
#[derive(Copy, Clone, Debug)]
pub(super) struct Origin {
    pub(super) key: Key,
    pub(super) instance: Instance,
    /// When it would happen if nothing were late.
    pub(super) quiet: Instant,
}

/// An event that waits for its turn.
#[derive(Copy, Clone, Debug)]
struct Runner {
    turn: Turn,
    happening: Happening,
    origin: Origin,
    /// When it was asked for.
    since: Instant,
    /// How often its priority was drawn anew.
    round: u32,
}

/// How the next event is picked.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
enum Order {
    #[default]
    Pct,
    Pos,
    Walk,
}

/// Which events are raced; the others happen at their time.
#[derive(Copy, Clone, Debug, Default)]
struct Field {
    messages: bool,
    timers: bool,
    syncs: bool,
}

#[derive(Debug, Default)]
pub(super) struct Race {
    pub(super) on: bool,
    order: Order,
    window: Span,
    field: Field,
    /// What is due within the window, or was when it was gathered.
    pool: Vec<Runner>,
    far: Queue<Runner>,
    timers: Vec<Runner>,
    /// How many events went, and at which of them the lane that went falls back behind all others.
    picks: u32,
    changes: Vec<u32>,
    fallen: Vec<u64>,
    /// When the event that was picked last goes.
    moment: Instant,
}

/// The place of a runner.
#[derive(Copy, Clone, Debug)]
enum Place {
    Pool(usize),
    Timer(usize),
}

/// Fewer lanes than this fall back in a run: a bug of depth d takes d - 1 changes.
const DEPTH_MAX: u64 = 4;

impl Race {
    pub(super) fn clear(&mut self) {
        if self.on {
            self.pool.clear();
            self.far.clear();
            self.timers.clear();
            self.on = false;
        }
    }

    /// Starts a race if the seed draws one.
    pub(super) fn draw(&mut self, strategy: Strategy, profile: &Profile, decider: &Decider) {
        let draw = |number| {
            decider.parameter(Key::new(Site::Knob, Actor::Run, u8::MAX, ORDER_DRAWS + number))
        };
        self.order = match strategy {
            Strategy::Time => return,
            Strategy::Mix if profile.swarm == Swarm::Off => return,
            Strategy::Mix => match below(draw(0), 4) {
                0 => return,
                1 => Order::Pct,
                2 => Order::Pos,
                _ => Order::Walk,
            },
            Strategy::Pct => Order::Pct,
            Strategy::Pos => Order::Pos,
            Strategy::Walk => Order::Walk,
        };
        let has = |class| profile.envelope.has(class);
        self.field = Field {
            messages: has(FaultClass::Delay),
            timers: has(FaultClass::TimerLate),
            syncs: has(FaultClass::SlowSync),
        };
        let reach = profile.link.latency + profile.link.jitter;
        if reach == Span::ZERO || self.field.is_empty() {
            return;
        }
        self.window = Span::nanos_of(log_uniform(draw(1), reach.nanos() / 16, reach.nanos() * 16));
        self.changes.clear();
        let length = log_uniform(draw(2), 8, 1_024);
        let changes = below(draw(3), DEPTH_MAX) as u32;
        self.changes.extend((0..changes).map(|n| below(draw(4 + n), length) as u32));
        self.fallen.clear();
        self.picks = 0;
        self.moment = Instant::START;
        self.on = true;
    }

    #[cold]
    pub(super) fn push(&mut self, turn: Turn, since: Instant, event: (Happening, Origin)) {
        let (happening, origin) = event;
        let runner = Runner { turn, happening, origin, since, round: 0 };
        match happening.what {
            What::Timer(_) => self.timers.push(runner),
            What::Arrival { .. } | What::Refused { .. } | What::Synced(_) | What::Notice(_) => {
                self.far.push(turn, runner);
            }
        }
    }

    /// Moves what may go next into the pool, and says up to when that is.
    fn gather(&mut self, now: Instant) -> Instant {
        let waiting = self.pool.iter().chain(&self.timers).map(|runner| runner.turn).min();
        let oldest = waiting.unwrap_or(Turn::NEVER).min(self.far.next());
        let limit = (oldest.at() + self.window).max(now + Span::NANO);
        while self.far.next().at() <= limit {
            let Some(runner) = self.far.pop() else { break };
            self.pool.push(runner);
        }
        limit
    }

    /// The runner that goes next, and when; none if nothing is pending.
    fn pick(&mut self, now: Instant, decider: &Decider) -> Option<(Place, Instant)> {
        let limit = self.gather(now);
        let mut best: Option<(u64, Turn, Place)> = None;
        let mut fixed: Option<(Turn, Place)> = None;
        for (place, runner) in self.runners() {
            if runner.turn.at() > limit {
                continue;
            }
            if !self.field.has(runner.happening.what) {
                if fixed.is_none_or(|(turn, _)| runner.turn < turn) {
                    fixed = Some((runner.turn, place));
                }
                continue;
            }
            let priority = self.priority(runner, decider);
            let is_better =
                best.is_none_or(|(other, turn, _)| (priority, turn) > (other, runner.turn));
            // Asked last, since it takes a look at all others.
            if is_better && self.is_head(runner) {
                best = Some((priority, runner.turn, place));
            }
        }
        let best = best.map(|(_, turn, place)| (place, turn.at().max(now + Span::NANO)));
        let fixed = fixed.map(|(turn, place)| (place, turn.at()));
        match (best, fixed) {
            (Some(best), Some(fixed)) if fixed.1 <= best.1 => Some(fixed),
            (Some(best), _) => Some(best),
            (None, fixed) => fixed,
        }
    }

    fn runners(&self) -> impl Iterator<Item = (Place, &Runner)> {
        let pool = self.pool.iter().enumerate().map(|(n, runner)| (Place::Pool(n), runner));
        let timers = self.timers.iter().enumerate().map(|(n, runner)| (Place::Timer(n), runner));
        pool.chain(timers)
    }

    /// Whether nothing that comes to the same end of the same connection is before it.
    fn is_head(&self, runner: &Runner) -> bool {
        let Some(stream) = runner.stream() else { return true };
        !self.pool.iter().any(|other| other.turn < runner.turn && other.stream() == Some(stream))
    }

    fn priority(&self, runner: &Runner, decider: &Decider) -> u64 {
        match self.order {
            Order::Pct => {
                let lane = runner.lane();
                match self.fallen.iter().position(|&other| other == lane) {
                    // Below every drawn priority; who fell last is last.
                    Some(place) => self.fallen.len() as u64 - place as u64,
                    None => decider.priority(lane, 0) | 1 << 63,
                }
            }
            Order::Pos => decider.priority(runner.name(), runner.round),
            Order::Walk => decider.priority(runner.name(), self.picks),
        }
    }

    /// Takes the runner from its place.
    fn take(&mut self, place: Place) -> Runner {
        let runner = match place {
            Place::Pool(n) => self.pool.swap_remove(n),
            Place::Timer(n) => self.timers.swap_remove(n),
        };
        match self.order {
            Order::Pct => self.fall_back(runner.lane()),
            Order::Pos => self.draw_anew(runner.happening.node),
            Order::Walk => {}
        }
        self.picks += 1;
        runner
    }

    fn fall_back(&mut self, lane: u64) {
        if self.changes.contains(&self.picks) {
            self.fallen.retain(|&other| other != lane);
            self.fallen.push(lane);
        }
    }

    /// Events race if one machine handles them: after one of them the others get new priorities.
    fn draw_anew(&mut self, node: NodeId) {
        for runner in self.pool.iter_mut().chain(&mut self.timers) {
            runner.round += u32::from(runner.happening.node == node);
        }
    }
}

/// The draws for the order come after those for the rates and the time of heal.
const ORDER_DRAWS: u32 = 64;

impl Field {
    fn has(self, what: What) -> bool {
        match what {
            What::Arrival { .. } | What::Refused { .. } | What::Notice(_) => self.messages,
            What::Timer(_) => self.timers,
            What::Synced(_) => self.syncs,
        }
    }

    /// Whether nothing is raced.
    fn is_empty(self) -> bool {
        !(self.messages || self.timers || self.syncs)
    }
}

impl Runner {
    /// The end of the connection that it comes to, if it travels on one.
    fn stream(&self) -> Option<(u32, NodeId)> {
        match self.happening.what {
            What::Arrival { via, .. } | What::Refused { via, .. } if via == Via::DATAGRAM => None,
            What::Arrival { via, .. } | What::Refused { via, .. } | What::Notice(via) => {
                Some((via.0, self.happening.node))
            }
            What::Timer(_) | What::Synced(_) => None,
        }
    }

    /// What it comes from: a link, a timer or a file.
    fn lane(&self) -> u64 {
        let key = self.origin.key;
        let kind = if key.site() == Site::Message { 0 } else { key.kind() };
        Key::new(key.site(), key.actor(), kind, 0).word()
    }

    /// A number that no other runner has.
    fn name(&self) -> u64 {
        self.origin.key.word() ^ (self.origin.instance as u64) << 63
    }

    /// How late it is if it happens at `at`.
    fn lateness(&self, at: Instant, connections: &Connections) -> Span {
        let quiet = match self.happening.what {
            // Who learns of the end of a connection has seen all that came over it.
            What::Notice(via) => {
                self.origin.quiet.max(connections.through(via, self.happening.node))
            }
            What::Arrival { .. } | What::Refused { .. } | What::Timer(_) | What::Synced(_) => {
                self.origin.quiet
            }
        };
        at.since(quiet)
    }

    /// The class of faults that it shows if others overtook it.
    fn class(&self) -> FaultClass {
        match self.happening.what {
            What::Arrival { .. } | What::Refused { .. } | What::Notice(_) => FaultClass::Delay,
            What::Timer(_) => FaultClass::TimerLate,
            What::Synced(_) => FaultClass::SlowSync,
        }
    }
}

impl<S: System> World<S> {
    /// Handles the event that is picked.
    #[cold]
    pub(super) fn take_racing(&mut self) -> bool {
        let picked = self.race.pick(self.now, &self.desk.decider);
        let at = picked.map_or(Instant::NEVER, |(_, at)| at);
        self.race.moment = at;
        let fault_at = self.faults.next_at();
        if self.outlasted(at.min(fault_at)) {
            return false;
        }
        match picked {
            Some((place, at)) if at < fault_at => {
                self.now = at;
                self.stats.events += 1;
                let runner = self.race.take(place);
                self.realise(&runner, at);
                self.release(&runner);
                self.handle(runner.happening);
            }
            _ => self.turn_about(),
        }
        true
    }

    /// When the next event of the race may be due.
    pub(super) fn next_in_race(&self) -> Instant {
        let waiting = self.race.pool.iter().chain(&self.race.timers).map(|runner| runner.turn);
        waiting.min().unwrap_or(Turn::NEVER).min(self.race.far.next()).at()
    }

    fn release(&mut self, runner: &Runner) {
        let Happening { node, work, what } = runner.happening;
        if let What::Timer(timer) = what {
            self.timers.cancel(node, timer);
        } else {
            self.progress -= u32::from(work == crate::node::Work::Progress);
        }
    }

    /// Notes when `runner` happens after all.
    fn realise(&mut self, runner: &Runner, at: Instant) {
        if at > runner.turn.at() && self.system.profile().envelope.has(runner.class()) {
            self.desk.coverage.bite(runner.class());
        }
        match runner.happening.what {
            What::Arrival { via, .. } | What::Refused { via, .. } if via != Via::DATAGRAM => {
                self.connections.arrived(via, runner.happening.node, at);
            }
            What::Timer(_) => {
                let longest = self.settle.longest_timeout.max(at.since(runner.since));
                self.settle.longest_timeout = longest;
            }
            What::Synced(_) => {
                self.settle.longest_sync = self.settle.longest_sync.max(at.since(runner.since));
            }
            What::Arrival { .. } | What::Refused { .. } | What::Notice(_) => {}
        }
        self.admit(runner, at);
    }

    fn admit(&mut self, runner: &Runner, at: Instant) {
        let Origin { key, instance, .. } = runner.origin;
        let late = runner.lateness(at, &self.connections);
        self.desk.decider.happened(key, instance, late);
    }

    /// The timer, or every timer of the machine, is set again or stopped: if it was overtaken, it
    /// was late.
    #[cold]
    pub(super) fn overtake(&mut self, node: NodeId, timer: Option<TimerId>) {
        let after = self.now + Span::NANO;
        let mut place = 0;
        while let Some(&runner) = self.race.timers.get(place) {
            let is_meant = match runner.happening.what {
                What::Timer(own) => timer.is_none_or(|timer| timer == own),
                What::Arrival { .. } | What::Refused { .. } | What::Synced(_) | What::Notice(_) => {
                    false
                }
            };
            if runner.happening.node != node || !is_meant {
                place += 1;
                continue;
            }
            self.race.timers.swap_remove(place);
            if runner.turn.at() < after {
                self.realise(&runner, after);
            }
        }
    }

    /// Time order resumes: what was overtaken comes right now, in its old order.
    #[cold]
    pub(super) fn end_race(&mut self) {
        self.race.on = false;
        self.aside = self.chronicler.is_some();
        let after = self.now + Span::NANO;
        let mut runners = std::mem::take(&mut self.race.pool);
        runners.append(&mut self.race.timers);
        runners.extend(std::iter::from_fn(|| self.race.far.pop()));
        runners.sort_unstable_by_key(|runner| runner.turn);
        for runner in runners.drain(..) {
            let is_raced = self.race.field.has(runner.happening.what);
            let turn = if is_raced { runner.turn.no_earlier_than(after) } else { runner.turn };
            let is_notice = matches!(runner.happening.what, What::Notice(_));
            if turn != runner.turn || is_notice {
                self.realise(&runner, turn.at());
            }
            let Happening { node, work, what } = runner.happening;
            if let What::Timer(timer) = what {
                self.timers.set(Due { node, timer, work }, turn);
            } else {
                self.queue.push(turn, runner.happening);
            }
        }
        self.race.pool = runners;
    }

    /// What was overtaken when the run ended came later than that.
    pub(super) fn leave_over(&mut self) {
        if !self.race.on {
            return;
        }
        let moment = if self.race.moment == Instant::NEVER { self.now } else { self.race.moment };
        let after = moment.max(self.now) + Span::NANO;
        let left: Vec<Runner> = self.race.runners().map(|(_, runner)| *runner).collect();
        for runner in left {
            if runner.turn.at() < after && self.race.field.has(runner.happening.what) {
                self.admit(&runner, after);
            }
        }
    }
}

#[cfg(test)]
mod tests;
