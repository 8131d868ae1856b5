//! The event loop: it knows the time, takes the next event and hands it to its machine.

use super::chronicle::{Chronicler, Mark};
use super::connections::{Connections, Via};
use super::faults::{Faults, Turnabout};
use super::ledger::Ledger;
use super::machine::{Happening, MachineState, Process, What};
use super::network::Network;
use super::novelty::Novelty;
use super::observe::{Pulse, Stats, TraceEvent};
use super::occasions::Occasions;
use super::queue::{Queue, Turn};
use super::race::{Origin, Race};
use super::settle::Settle;
use super::swarm::{self, Rates};
use super::timers::Timers;
use crate::check::Verdict;
use crate::choice::{Actor, Answer, Choice, Key, Opening, Site, below};
use crate::clock::{Clock, DRIFT_MAX};
use crate::coverage::Coverage;
use crate::digest::Digest;
use crate::history::{EndCause, Event, History};
use crate::id::{NodeId, Position};
use crate::node::{Context, Desk, MessageOf, Node, Planned, RecordOf, Seat, System, Work};
use crate::profile::{DRAWN_DRIFT_MAX, DRAWN_OFFSET_MAX, Swarm};
use crate::schedule::{Baseline, Input, Part, Schedule};
use crate::time::{Instant, Span};
use std::sync::Arc;

/// A system's machines, network, disks and clocks, run event by event under one schedule after
/// another.
///
/// Everything is reused from run to run; once warm, the world itself allocates nothing an event.
pub struct World<S: System> {
    pub(super) system: Arc<S>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) now: Instant,
    pub(super) sequence: u32,
    pub(super) queue: Queue<Happening>,
    /// The order of events is drawn while it is on; the queue is then empty.
    pub(super) race: Race,
    pub(super) timers: Timers,
    pub(super) machines: Vec<MachineState<S>>,
    pub(super) desk: Desk<MessageOf<S>, RecordOf<S>>,
    pub(super) network: Network,
    pub(super) connections: Connections,
    pub(super) streams: bool,
    pub(super) faults: Faults,
    pub(super) occasions: Occasions,
    pub(super) rates: Rates,
    pub(super) ledger: Ledger,
    pub(super) settle: Settle,
    pub(super) digest: Digest,
    pub(super) stats: Stats,
    /// How many queued events mean progress.
    pub(super) progress: u32,
    /// How many machines are to crash after some further actions, and one more if what machines do
    /// is counted.
    pub(super) fuses: u32,
    /// Where an answer goes, and whether what is being handled means progress.
    pub(super) asker: Option<(NodeId, Via)>,
    pub(super) work: Work,
    pub(super) durable: Vec<Position>,
    pub(super) effects: Vec<crate::history::Effect>,
    pub(super) inputs: Vec<Input>,
    pub(super) trace: Option<Vec<TraceEvent>>,
    pub(super) novelty: Option<Novelty>,
    pub(super) chronicler: Option<Box<Chronicler>>,
    /// What is scheduled is raced, or told, besides being queued.
    pub(super) aside: bool,
    pub(super) knobs: Vec<u64>,
    plan: Vec<Planned>,
    pub(super) schedule: Schedule,
}

/// What a run writes down besides its history.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Notes {
    None,
    /// The decisions it takes, and every event in words.
    Decisions,
    /// The same, and what led to each event.
    Chronicle,
    /// What else could have happened in it.
    Openings,
    /// What it was like.
    Novelty,
}

impl<S: System> World<S> {
    /// A world for `system`. It runs nothing until [`reset`](Self::reset).
    ///
    /// # Panics
    /// If the system has no machine, or more than 4096.
    pub fn new(system: Arc<S>, pulse: Arc<Pulse>) -> Self {
        let nodes = system.machines().len();
        assert!((1..=4_096).contains(&nodes), "a system has 1 to 4096 machines, not {nodes}");
        let profile = system.profile();
        let streams = profile.transport == crate::profile::Transport::Stream;
        Self {
            pulse,
            now: Instant::START,
            sequence: 0,
            queue: Queue::default(),
            race: Race::default(),
            timers: Timers::new(nodes),
            machines: (0..nodes).map(|_| MachineState::new(profile.disk)).collect(),
            desk: Desk::default(),
            network: Network::new(nodes, profile),
            connections: Connections::new(if streams { nodes } else { 0 }),
            streams,
            faults: Faults::default(),
            occasions: Occasions::default(),
            rates: Rates::default(),
            ledger: Ledger::new(system.promises()),
            settle: Settle::default(),
            digest: Digest::new(),
            stats: Stats::default(),
            progress: 0,
            fuses: 0,
            asker: None,
            work: Work::Progress,
            durable: Vec::new(),
            effects: Vec::new(),
            inputs: Vec::new(),
            trace: None,
            novelty: None,
            chronicler: None,
            aside: false,
            knobs: Vec::new(),
            plan: Vec::new(),
            schedule: Schedule::default(),
            system,
        }
    }

    /// Starts a run: blank disks, machines booted, nothing handled yet.
    pub fn reset(&mut self, schedule: &Schedule) {
        self.begin(schedule, Notes::None);
    }

    /// Starts a run that records the decisions it takes and tells every event in words.
    pub(crate) fn reset_recording(&mut self, schedule: &Schedule) {
        self.begin(schedule, Notes::Decisions);
    }

    /// The same, and the run writes its chronicle.
    pub(crate) fn reset_chronicling(&mut self, schedule: &Schedule) {
        self.begin(schedule, Notes::Chronicle);
    }

    /// Starts a run that writes down its openings.
    pub(crate) fn reset_probing(&mut self, schedule: &Schedule) {
        self.begin(schedule, Notes::Openings);
    }

    /// Starts a run that writes down what it is like.
    pub(crate) fn reset_observing(&mut self, schedule: &Schedule) {
        self.begin(schedule, Notes::Novelty);
    }

    fn begin(&mut self, schedule: &Schedule, notes: Notes) {
        let record = matches!(notes, Notes::Decisions | Notes::Chronicle);
        let seeded = schedule.baseline == Baseline::Seeded;
        let decisions = schedule.decisions.iter().map(|(&key, &choice)| (key, choice));
        self.desk.decider.reset(schedule.seed, seeded, decisions, record);
        self.trace = record.then(Vec::new);
        let machines = self.machines.len();
        self.novelty = (notes == Notes::Novelty).then(|| Novelty::of(machines));
        let is_told = notes == Notes::Chronicle;
        self.chronicler = is_told.then(|| Chronicler::of(self.system.machines()));
        self.schedule.clone_from(schedule);
        self.clear();
        let profile = self.system.profile();
        let mut heal_at = Instant::START + profile.heal_at;
        if seeded {
            let (machines, faults) = (self.system.machines(), self.faults.list_mut());
            let drawn = swarm::draw(profile, machines, &self.desk.decider, faults);
            self.rates = drawn.rates;
            heal_at = drawn.heal_at;
            self.race.draw(schedule.strategy, profile, &self.desk.decider);
        }
        self.aside = self.race.on || self.chronicler.is_some();
        self.settle = Settle::new(profile, schedule, heal_at);
        self.network.reset(self.rates);
        let explicit = schedule.faults.iter().map(|fault| (fault.clone(), fault.what.class()));
        self.faults.list_mut().extend(explicit);
        self.faults.schedule();
        self.occasions.reset(notes != Notes::None || self.faults.await_occasions());
        if notes == Notes::Openings {
            self.desk.decider.write_openings();
        }
        self.fuses = u32::from(self.occasions.on);
        self.faults.at(self.settle.heal_at, Turnabout::Heal);
        for (number, input) in schedule.inputs.iter().enumerate() {
            self.faults.at(input.at, Turnabout::Input(number as u32));
        }
        self.inputs.clone_from(&schedule.inputs);
        self.draw_knobs();
        self.make_plan();
        self.power_on();
        self.desk.decider.opens(Opening::Start);
    }

    fn clear(&mut self) {
        self.now = Instant::START;
        self.sequence = 0;
        self.queue.clear();
        self.race.clear();
        self.timers.clear();
        self.desk.clear();
        self.connections.reset();
        self.faults.reset();
        self.rates = Rates::default();
        self.ledger.reset();
        self.digest = Digest::new();
        self.stats = Stats::default();
        self.progress = 0;
        self.fuses = 0;
    }

    fn draw_knobs(&mut self) {
        self.knobs.clear();
        let swarm = self.system.profile().swarm == Swarm::On;
        for (number, knob) in self.system.knobs().iter().enumerate() {
            let key = Key::new(Site::Knob, Actor::Run, number as u8, 0);
            let among = knob.values.len() as u64;
            let chosen = match self.desk.decider.ask_among(among, key) {
                Answer::Draw(draw) if swarm => below(draw, among),
                Answer::Decided(Choice::Value(value)) => value.min(among - 1),
                Answer::Quiet | Answer::Draw(_) | Answer::Decided(_) => 0,
            };
            if chosen != 0 {
                self.desk.decider.took(key, Choice::Value(chosen));
            }
            self.knobs.push(knob.values[chosen as usize]);
        }
    }

    fn make_plan(&mut self) {
        self.plan.clear();
        self.system.plan(&self.knobs, &mut self.plan);
        let omit = &self.schedule.omit;
        if !omit.is_empty() {
            self.plan.retain(|planned| {
                !omit.contains(&Part::Machine(planned.node))
                    && !omit.contains(&Part::Client(planned.node))
                    && !omit.contains(&Part::Operation(planned.message))
            });
        }
        self.plan.sort_by_key(|planned| planned.node);
        for planned in &self.plan {
            let event = Event::Plan { message: planned.message, key: planned.key };
            self.ledger.enter(self.now, (planned.node, 0), event);
        }
    }

    fn power_on(&mut self) {
        let write_through = self.system.profile().disk.write_through;
        for number in 0..self.machines.len() {
            let node = NodeId(number as u16);
            self.machines[number].reset(node, write_through);
            if self.schedule.omit.contains(&Part::Machine(node)) {
                self.machines[number].process = Process::Absent;
                continue;
            }
            self.machines[number].station.clock = self.draw_clock(node);
            self.arm_strikes(node);
        }
        for number in 0..self.machines.len() {
            self.note_rest();
            if self.machines[number].process == Process::Down {
                self.boot(NodeId(number as u16));
            }
        }
    }

    fn draw_clock(&mut self, node: NodeId) -> Clock {
        let drift = self.skew(Site::Drift, node, self.rates.drift, DRAWN_DRIFT_MAX);
        let offset = self.skew(Site::Offset, node, self.rates.offset, DRAWN_OFFSET_MAX);
        let tick = self.system.profile().clock_tick;
        Clock::new(drift.clamp(-i64::from(DRIFT_MAX), DRIFT_MAX.into()) as i32, tick, offset)
    }

    fn skew(&mut self, site: Site, node: NodeId, on: bool, most: u64) -> i64 {
        let key = Key::new(site, Actor::Node(node, 0), 0, 0);
        let skew = match self.desk.decider.ask(key) {
            Answer::Draw(draw) if on => below(draw, 2 * most).cast_signed() - most.cast_signed(),
            Answer::Decided(Choice::Skew(skew)) => skew,
            Answer::Quiet | Answer::Draw(_) | Answer::Decided(_) => 0,
        };
        if skew != 0 {
            self.desk.decider.took(key, Choice::Skew(skew));
        }
        skew
    }

    /// Starts the process of a machine that is down.
    pub(super) fn boot(&mut self, node: NodeId) {
        self.pulse.beat(node, self.stats.events);
        let incarnation = self.machines[node.index()].station.incarnation;
        self.digest.word(u64::from(node.0) << 16 | u64::from(incarnation)).word(self.now.nanos());
        self.tell_moment(Some(node), Mark::Boot, |_| "boots".to_owned());
        let rest: Vec<Planned>;
        let machine = &mut self.machines[node.index()];
        let own = own_plan(&self.plan, node);
        let plan = if incarnation == 0 {
            own
        } else {
            let invoked = self.ledger.invoked_by(node);
            rest = own.iter().filter(|p| !invoked.contains(&p.message)).copied().collect();
            &rest
        };
        let seat = Seat { id: node, incarnation, plan, knobs: &self.knobs };
        machine.station.ends.clear();
        machine.station.ends.extend(machine.disk.ends());
        machine.node = Some(self.system.boot(&seat, machine.disk.journals()));
        machine.process = Process::Up;
        machine.ready = true;
        self.record(node, Event::Boot);
        self.asker = None;
        self.work = Work::Progress;
        self.call(node, Node::start);
    }

    /// Whether the run is over.
    pub fn ended(&self) -> Option<EndCause> {
        self.stats.cause
    }

    /// The time of the last event.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// When the next event is due; never if the run is over.
    pub fn next_at(&self) -> Instant {
        if self.stats.cause.is_some() {
            return Instant::NEVER;
        }
        let queued = if self.race.on { self.next_in_race() } else { self.queue.next().at() };
        queued.min(self.timers.next().at()).min(self.faults.next_at())
    }

    /// Handles the next event. Returns false if the run is over.
    #[inline]
    pub fn step(&mut self) -> bool {
        if self.stats.cause.is_some() {
            return false;
        }
        let goes_on = if self.race.on { self.take_racing() } else { self.take_in_time() };
        if goes_on {
            self.take_stock();
        }
        goes_on
    }

    /// Handles the event that is due first.
    #[inline]
    fn take_in_time(&mut self) -> bool {
        let (queued, timed) = (self.queue.next(), self.timers.next());
        let turn = queued.min(timed);
        let fault_at = self.faults.next_at();
        if self.outlasted(turn.at().min(fault_at)) {
            return false;
        }
        if fault_at <= turn.at() && fault_at != Instant::NEVER {
            self.turn_about();
        } else {
            self.now = turn.at();
            self.stats.events += 1;
            if queued < timed {
                self.handle_queued();
            } else {
                let due = self.timers.pop();
                let what = What::Timer(due.timer);
                self.handle(Happening { node: due.node, work: due.work, what });
            }
        }
        true
    }

    /// Handles every event up to `until` and moves the time there.
    pub fn advance_to(&mut self, until: Instant) {
        while self.next_at() <= until && self.step() {}
        if self.stats.cause.is_none() {
            self.now = self.now.max(until);
        }
    }

    /// Hands bytes from outside to a machine, now; they become part of the schedule.
    pub fn input(&mut self, node: NodeId, connection: u32, bytes: &[u8]) {
        let number = self.inputs.len() as u32;
        self.inputs.push(Input { at: self.now, node, connection, bytes: bytes.to_vec() });
        self.faults.at(self.now, Turnabout::Input(number));
    }

    /// Runs to the end.
    pub fn run(&mut self) {
        while self.step() {}
    }

    fn handle_queued(&mut self) {
        if let Some(happening) = self.queue.pop() {
            self.progress -= u32::from(happening.work == Work::Progress);
            self.handle(happening);
        }
    }

    /// Hands an event to its machine's program.
    #[inline]
    pub(super) fn handle(&mut self, happening: Happening) {
        let node = happening.node;
        if !self.machines[node.index()].ready {
            self.put_aside(happening);
            return;
        }
        self.work = happening.work;
        if self.occasions.on {
            self.occasions.occasion = Some(self.occasion(&happening));
        }
        let place = self.now.nanos() ^ u64::from(node.0) << 52;
        match happening.what {
            What::Arrival { from, via, parcel } => {
                self.digest.word(place ^ u64::from(from.0) << 40);
                if via != Via::DATAGRAM && !self.connections.accept(via, node, self.now) {
                    self.note_dead_letter(node, parcel, "comes over a connection that is gone");
                    drop(self.desk.parcels.take(parcel));
                    return;
                }
                let message = self.desk.parcels.get_mut(parcel);
                crate::node::Message::fingerprint(message, &mut self.digest);
                if self.trace.is_some() {
                    let message = format!("{message:?}");
                    self.tell_moment(Some(node), Mark::Arrival(parcel), |world| {
                        format!("{message} from {}", world.machine_name(from))
                    });
                }
                self.stats.delivered += 1;
                self.asker = Some((from, via));
                // Taken at the last moment, it is copied once.
                self.call(node, |program, ctx| {
                    let message = ctx.desk.parcels.take(parcel);
                    program.deliver(from, message, ctx);
                });
            }
            What::Refused { from, via, parcel } => {
                self.digest.word(place ^ u64::from(from.0) << 40);
                self.asker = None;
                if !self.refuse(node, (from, via), parcel) {
                    return;
                }
            }
            What::Timer(timer) => {
                self.digest.word(place).word(0x100 | u64::from(timer.0));
                self.asker = None;
                self.tell_moment(Some(node), Mark::Timer(timer), |_| format!("{timer:?} fires"));
                self.call(node, |program, ctx| program.wake(timer, ctx));
            }
            What::Synced(completion) => {
                self.digest.word(place);
                self.asker = None;
                self.sync_ended(node, completion);
            }
            What::Notice(via) => {
                self.digest.word(place);
                self.asker = None;
                self.notice(node, via);
            }
        }
        self.count_handled(node);
    }

    /// What comes to a paused machine waits; what comes to one that is down is lost.
    #[cold]
    fn put_aside(&mut self, happening: Happening) {
        let machine = &mut self.machines[happening.node.index()];
        if machine.paused.is_some() {
            self.progress += u32::from(happening.work == Work::Progress);
            machine.backlog.push_back(happening);
            return;
        }
        self.digest.word(!self.now.nanos() ^ u64::from(happening.node.0) << 52);
        if let What::Arrival { parcel, via, .. } | What::Refused { parcel, via, .. } =
            happening.what
        {
            self.note_dead_letter(happening.node, parcel, "comes to nobody");
            drop(self.desk.parcels.take(parcel));
            if via != Via::DATAGRAM {
                // Nobody is there to take the connection: no later message on it may arrive without
                // this one once somebody is. What was background work stays so: an idle poll of a
                // machine that never comes back keeps no run going.
                let cause = self.note_newest();
                self.close_connection(via, happening.node, happening.work);
                self.note_cause(cause);
            }
        }
    }

    /// Runs a callback of a machine's program and carries out what it asks for.
    #[inline]
    pub(super) fn call(
        &mut self,
        node: NodeId,
        callback: impl FnOnce(&mut S::Node, &mut Context<'_, MessageOf<S>, RecordOf<S>>),
    ) {
        self.pulse.beat(node, self.stats.events);
        let machine = &mut self.machines[node.index()];
        let Some(program) = &mut machine.node else { return };
        let mut ctx =
            Context { now: self.now, station: &mut machine.station, desk: &mut self.desk };
        callback(program, &mut ctx);
        self.carry_out(node);
    }

    /// Schedules an event.
    #[inline]
    pub(super) fn enqueue(
        &mut self,
        at: Instant,
        happening: Happening,
        origin: impl FnOnce() -> Origin,
    ) {
        self.progress += u32::from(happening.work == Work::Progress);
        let turn = self.next_turn(at);
        if self.aside {
            self.enqueue_aside(turn, happening, origin());
        } else {
            self.queue.push(turn, happening);
        }
    }

    #[inline]
    pub(super) fn next_turn(&mut self, at: Instant) -> Turn {
        let turn = Turn::new(at, self.sequence);
        self.sequence += 1;
        turn
    }

    #[inline]
    pub(super) fn record(&mut self, node: NodeId, event: Event) {
        let process = self.machines[node.index()].name();
        self.ledger.enter(self.now, process, event);
    }

    pub(super) fn machine_name(&self, node: NodeId) -> &str {
        &self.system.machines()[node.index()].name
    }

    /// The verdict of the judge on the run so far.
    pub(crate) fn conclude(&mut self) -> Verdict {
        self.ledger.conclude()
    }

    /// The history of the run so far.
    pub fn history(&self) -> &History {
        self.ledger.history()
    }

    /// What was at stake so far.
    pub fn coverage(&self) -> &Coverage {
        &self.desk.coverage
    }

    /// What moved so far.
    pub fn stats(&self) -> Stats {
        let counts = self.ledger.counts();
        Stats {
            invoked: counts.invoked,
            acknowledged: counts.acknowledged,
            effects: counts.effects,
            lasted: self.now.since(Instant::START),
            ..self.stats
        }
    }

    /// The digest of every event so far and of every node's state.
    pub fn digest(&self) -> u64 {
        let mut digest = self.digest;
        for machine in &self.machines {
            if let Some(program) = &machine.node {
                program.fingerprint(&mut digest);
            }
        }
        digest.value()
    }

    /// How long a quiet connection takes to be noticed as gone.
    pub(super) fn notice_latency(&self, from: NodeId, to: NodeId) -> Span {
        self.network.latency(from, to).0
    }
}

/// The plan is sorted by machine.
fn own_plan(plan: &[Planned], node: NodeId) -> &[Planned] {
    let start = plan.partition_point(|planned| planned.node < node);
    let end = plan.partition_point(|planned| planned.node <= node);
    &plan[start..end]
}
