//! Carrying out what a node asked for: sends, timers, disk operations.

use super::connections::Via;
use super::disk::Asker;
use super::machine::{Completion, Happening, NEVER, What};
use super::network::{Fate, Transit};
use super::swarm::Rates;
use super::timers::Due;
use super::world::World;
use crate::choice::{Actor, Answer, Choice, Key, Site, below};
use crate::digest::fold;
use crate::history::{DownCause, Event};
use crate::id::{FileId, NodeId, Position, Ticket, TimerId};
use crate::node::{Action, Message, MessageOf, Node, Record, RecordOf, System, Work};
use crate::profile::FaultClass;
use crate::time::{Instant, Span};

impl<S: System> World<S> {
    /// Carries out the actions of a callback, in order, up to a crash.
    #[inline]
    pub(super) fn carry_out(&mut self, node: NodeId) {
        let mut actions = std::mem::take(&mut self.desk.actions);
        for action in actions.drain(..) {
            if let Action::Record(event) = action {
                self.record(node, event);
                continue;
            }
            self.act(node, action);
            let machine = &mut self.machines[node.index()];
            if machine.actions_left != NEVER {
                machine.actions_left -= 1;
                if machine.actions_left == 0 {
                    self.burn_down(node);
                }
            }
            if !self.machines[node.index()].is_up() {
                break;
            }
        }
        self.desk.actions = actions;
    }

    #[inline]
    fn act(&mut self, node: NodeId, action: Action<MessageOf<S>, RecordOf<S>>) {
        match action {
            Action::Send(to, message) => self.send(node, to, None, message),
            Action::Reply(message) => {
                if let Some((to, via)) = self.asker {
                    self.send(node, to, Some(via), message);
                }
            }
            Action::Disconnect(peer) => self.disconnect(node, peer),
            Action::SetTimer(timer, after, work) => self.set_timer(node, timer, after, work),
            Action::Cancel(timer) => self.timers.cancel(node, timer),
            Action::Append(file, record) => self.append(node, file, record),
            Action::Truncate(file, from) => {
                self.digest.word(0x200 | u64::from(file.0)).word(from.0);
                self.machines[node.index()].disk.truncate(file, from);
            }
            Action::Discard(file, before) => {
                self.digest.word(0x300 | u64::from(file.0)).word(before.0);
                self.machines[node.index()].disk.discard(file, before);
            }
            Action::Sync(file, ticket) => self.sync(node, file, ticket),
            Action::Record(event) => self.record(node, event),
            Action::Exit(after) => self.exit(node, after),
        }
    }

    #[inline]
    fn send(&mut self, from: NodeId, to: NodeId, via: Option<Via>, message: MessageOf<S>) {
        self.stats.sent += 1;
        let size = || message.size();
        let transit =
            self.network.send((from, to), (message.kind(), size), self.now, &mut self.desk.decider);
        if self.streams {
            self.send_on_stream(from, to, via, message, transit);
        } else {
            self.send_datagram(from, to, message, transit);
        }
    }

    #[inline]
    fn send_datagram(
        &mut self,
        from: NodeId,
        to: NodeId,
        message: MessageOf<S>,
        Transit { key, quiet, fate }: Transit,
    ) {
        match fate {
            Fate::Late(late) => {
                if late != Span::ZERO {
                    self.desk.decider.took(key, Choice::Late(late));
                    self.count_delay(from, to, late);
                }
                self.count_held(from, to);
                self.post(quiet + late, from, to, Via::DATAGRAM, message);
            }
            Fate::Lost(class) => {
                self.tell(Some(from), |world| {
                    format!("{message:?} to {} is lost", world.machine_name(to))
                });
                self.lose(key, class);
            }
            Fate::Twice(late, again) => {
                self.desk.decider.took(key, Choice::Twice { late, again });
                let class = self.network.grey(from, to).unwrap_or(FaultClass::Duplicate);
                self.desk.coverage.bite(class);
                self.post(quiet + late, from, to, Via::DATAGRAM, message.clone());
                self.post(quiet + again, from, to, Via::DATAGRAM, message);
            }
            Fate::Flipped(bit, late) => {
                self.desk.decider.took(key, Choice::Corrupted { bit, late });
                let message = self.corrupted(message, bit);
                self.post(quiet + late, from, to, Via::DATAGRAM, message);
            }
        }
    }

    fn send_on_stream(
        &mut self,
        from: NodeId,
        to: NodeId,
        via: Option<Via>,
        mut message: MessageOf<S>,
        Transit { key, quiet, fate }: Transit,
    ) {
        let via = match via {
            Some(via) => via,
            None => self.connections.to_write(from, to),
        };
        if self.connections.is_broken(via) || !self.connections.is_open_at(via, from) {
            self.tell(Some(from), |world| {
                format!("{message:?} to {} goes into the void", world.machine_name(to))
            });
            return;
        }
        let late = match fate {
            Fate::Lost(class) => {
                self.tell(Some(from), |world| {
                    format!(
                        "{message:?} to {} is lost; the connection breaks",
                        world.machine_name(to)
                    )
                });
                self.lose(key, class);
                self.break_connection(via, from, to);
                return;
            }
            Fate::Late(late) => late,
            // A stream's receiver drops the segments that it already has.
            Fate::Twice(late, _) => late,
            Fate::Flipped(_, late) => late,
        };
        self.count_held(from, to);
        let at = self.connections.in_order(via, to, quiet + late);
        let realised = at.since(quiet);
        if let Fate::Flipped(bit, _) = fate {
            self.desk.decider.took(key, Choice::Corrupted { bit, late: realised });
            message = self.corrupted(message, bit);
        } else if realised != Span::ZERO {
            self.desk.decider.took(key, Choice::Late(realised));
            self.count_delay(from, to, late);
        }
        self.post(at, from, to, via, message);
    }

    #[inline]
    fn post(&mut self, at: Instant, from: NodeId, to: NodeId, via: Via, message: MessageOf<S>) {
        let what = What::Arrival { from, via, message };
        self.enqueue(at, Happening { node: to, work: self.work, what });
    }

    #[cold]
    fn lose(&mut self, key: Key, class: FaultClass) {
        self.desk.coverage.bite(class);
        if !matches!(class, FaultClass::Cut | FaultClass::SwizzleClog) {
            self.desk.decider.took(key, Choice::Lost);
        }
    }

    #[cold]
    fn corrupted(&mut self, mut message: MessageOf<S>, bit: u64) -> MessageOf<S> {
        if message.corrupt(bit, &mut self.desk.blobs) {
            self.desk.coverage.bite(FaultClass::Corrupt);
        }
        message
    }

    #[inline]
    fn count_delay(&mut self, from: NodeId, to: NodeId, late: Span) {
        if late > self.network.latency(from, to).1 {
            self.desk.coverage.bite(FaultClass::Delay);
        }
    }

    #[inline]
    fn count_held(&mut self, from: NodeId, to: NodeId) {
        if self.network.is_held(from, to) {
            self.desk.coverage.bite(FaultClass::Hold);
        }
    }

    /// Breaks a connection: in each direction a prefix of what is in flight may still arrive, and each
    /// end learns of it late, after the data that reaches it.
    pub(super) fn break_connection(&mut self, via: Via, from: NodeId, to: NodeId) {
        let ends = self.connections.ends(via);
        let limits = ends.map(|end| {
            let peer = if end == ends[0] { ends[1] } else { ends[0] };
            self.break_limit(peer, end)
        });
        let through = self.connections.break_now(via, limits);
        for (end, through) in through {
            let peer = if end == from { to } else { from };
            self.give_notice(via, peer, end, through);
        }
    }

    fn break_limit(&mut self, from: NodeId, to: NodeId) -> Instant {
        let occurrence = self.connections.count(true, from, to);
        let key = Key::new(Site::Break, Actor::Link(from, to), 0, occurrence);
        let within = match self.desk.decider.ask(key) {
            Answer::Draw(draw) if draw & 1 == 1 => {
                let (latency, jitter) = self.network.latency(from, to);
                Span::nanos_of(below(draw, (latency + jitter).nanos() + 1))
            }
            Answer::Decided(Choice::OnlyWithin(within)) => within,
            Answer::Quiet | Answer::Draw(_) | Answer::Decided(_) => return Instant::NEVER,
        };
        self.desk.decider.took(key, Choice::OnlyWithin(within));
        self.now + within
    }

    /// Lets `end` learn, some time after the data that reaches it, that `via` is gone.
    pub(super) fn give_notice(&mut self, via: Via, peer: NodeId, end: NodeId, through: Instant) {
        let occurrence = self.connections.count(false, peer, end);
        let key = Key::new(Site::Notice, Actor::Link(peer, end), 0, occurrence);
        let latency = self.notice_latency(peer, end);
        let quiet = (self.now + latency).max(through);
        let late = match self.desk.decider.ask(key) {
            Answer::Draw(draw) => {
                let most = latency.times(self.rates.notice_latencies);
                Span::nanos_of(below(draw, most.nanos() + 1))
            }
            Answer::Decided(Choice::Late(late)) => late,
            Answer::Quiet | Answer::Decided(_) => Span::ZERO,
        };
        if late != Span::ZERO {
            self.desk.decider.took(key, Choice::Late(late));
        }
        let what = What::Notice(via);
        self.enqueue(quiet + late, Happening { node: end, work: Work::Progress, what });
    }

    fn disconnect(&mut self, node: NodeId, peer: NodeId) {
        if !self.streams {
            return;
        }
        if let Some(via) = self.connections.current(node, peer) {
            self.close_connection(via, node);
        }
    }

    /// `node` closes its end; the close follows the data that it has sent.
    pub(super) fn close_connection(&mut self, via: Via, node: NodeId) {
        if let Some((peer, through)) = self.connections.close(via, node) {
            if self.connections.is_open_at(via, peer) {
                self.give_notice(via, node, peer, through);
            }
        }
    }

    /// A machine learns that a connection is gone.
    pub(super) fn notice(&mut self, node: NodeId, via: Via) {
        self.digest.word(0x400 | u64::from(via.0) << 16);
        if let Some(peer) = self.connections.notice(via, node) {
            self.tell(Some(node), |world| {
                format!("learns that its connection with {} is gone", world.machine_name(peer))
            });
            self.call(node, |program, ctx| program.disconnected(peer, ctx));
        }
    }

    #[inline]
    fn set_timer(&mut self, node: NodeId, timer: TimerId, after: Span, work: Work) {
        let occurrence = self.timers.count(node, timer);
        let station = &self.machines[node.index()].station;
        let mut at = station.clock.due(self.now, after);
        if station.clock.drifts() {
            self.desk.coverage.bite(FaultClass::ClockDrift);
        }
        let key =
            Key::new(Site::Timer, Actor::Node(node, station.incarnation), timer.0, occurrence);
        match self.desk.decider.ask(key) {
            Answer::Draw(draw) => {
                if (draw as u32) < self.rates.timer_late {
                    at += self.timer_late(key, draw);
                }
            }
            Answer::Decided(Choice::Late(late)) => {
                self.desk.decider.took(key, Choice::Late(late));
                at += late;
            }
            Answer::Quiet | Answer::Decided(_) => {}
        }
        self.settle.longest_timeout = self.settle.longest_timeout.max(at.since(self.now));
        let turn = self.next_turn(at);
        self.timers.set(Due { node, timer, work }, turn);
    }

    #[cold]
    fn timer_late(&mut self, key: Key, draw: u64) -> Span {
        let Rates { timer_span, .. } = self.rates;
        let late = Span::nanos_of(1 + below(fold(draw, 0x9e37_79b9_7f4a_7c15), timer_span));
        self.desk.decider.took(key, Choice::Late(late));
        self.desk.coverage.bite(FaultClass::TimerLate);
        late
    }

    #[inline]
    fn append(&mut self, node: NodeId, file: FileId, record: RecordOf<S>) {
        self.digest.word(0x500 | u64::from(file.0));
        record.fingerprint(&mut self.digest);
        let machine = &mut self.machines[node.index()];
        let mut asker = Asker {
            node,
            incarnation: machine.station.incarnation,
            decider: &mut self.desk.decider,
            coverage: &mut self.desk.coverage,
            rates: &self.rates,
        };
        let through = machine.disk.append(file, record, &mut asker);
        if through {
            let position = Position(machine.disk.end(file).0 - 1);
            if let Some(record) = machine.disk.record(file, position) {
                self.system.effects(record, &mut self.effects);
            }
            if !self.effects.is_empty() {
                self.enter_effects(node);
            }
        }
    }

    fn sync(&mut self, node: NodeId, file: FileId, ticket: Ticket) {
        let machine = &mut self.machines[node.index()];
        let incarnation = machine.station.incarnation;
        let mut asker = Asker {
            node,
            incarnation,
            decider: &mut self.desk.decider,
            coverage: &mut self.desk.coverage,
            rates: &self.rates,
        };
        let syncing = machine.disk.sync(file, &mut asker);
        let (end, extent) = (syncing.end, syncing.extent);
        let what = What::Synced(Completion { incarnation, ticket, file, end, extent });
        self.enqueue(self.now + syncing.takes, Happening { node, work: self.work, what });
    }

    pub(super) fn sync_ended(&mut self, node: NodeId, completion: Completion) {
        let Completion { incarnation, ticket, file, end, extent } = completion;
        self.digest.word(0x600 | u64::from(file.0) | u64::from(ticket.0) << 16);
        let machine = &mut self.machines[node.index()];
        if incarnation != machine.station.incarnation {
            return;
        }
        let mut durable = std::mem::take(&mut self.durable);
        let coverage = &mut self.desk.coverage;
        let result = machine.disk.synced(file, (end, extent), &mut durable, coverage);
        self.enter_durable(node, file, &durable);
        durable.clear();
        self.durable = durable;
        self.tell(Some(node), |_| match result {
            Ok(()) => format!("{file:?} is synced"),
            Err(error) => format!("sync of {file:?} fails: {error}"),
        });
        self.call(node, |program, ctx| program.synced(ticket, result, ctx));
    }

    /// Enters the effects of records that became durable.
    fn enter_durable(&mut self, node: NodeId, file: FileId, positions: &[Position]) {
        for &position in positions {
            let disk = &self.machines[node.index()].disk;
            if let Some(record) = disk.record(file, position) {
                self.system.effects(record, &mut self.effects);
            }
        }
        self.enter_effects(node);
    }

    /// Enters the effects that were found.
    #[inline]
    pub(super) fn enter_effects(&mut self, node: NodeId) {
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            let event = Event::Effect {
                message: effect.message,
                sink: effect.sink,
                payload: effect.payload,
            };
            self.record(node, event);
        }
        self.effects = effects;
    }

    fn exit(&mut self, node: NodeId, after: Option<Span>) {
        self.go_down(node, DownCause::Exit, after);
    }
}
