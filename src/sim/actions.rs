//! Carrying out what a node asked for: sends, timers, disk operations.

use super::chronicle::Mark;
use super::connections::Via;
use super::disk::Asker;
use super::machine::{Completion, Happening, What};
use super::network::{Fate, Transit};
use super::noting::Loss;
use super::race::Origin;
use super::swarm::Rates;
use super::timers::Due;
use super::world::World;
use crate::choice::{Actor, Answer, Choice, Instance, Key, Site, below};
use crate::digest::fold;
use crate::history::{DownCause, Effect, Event};
use crate::id::{FileId, NodeId, Position, Ticket, TimerId};
use crate::node::{Action, Message, Node, Parcel, Record, System, Work};
use crate::profile::FaultClass;
use crate::schedule::Deed;
use crate::time::{Instant, Span};

impl<S: System> World<S> {
    /// Carries out the actions of a callback, in order, up to a crash.
    #[inline]
    pub(super) fn carry_out(&mut self, node: NodeId) {
        // Nothing that is carried out here lights the first fuse.
        if self.fuses > 0 {
            self.carry_out_watched(node);
        } else {
            self.carry_out_as::<false>(node);
        }
    }

    #[cold]
    fn carry_out_watched(&mut self, node: NodeId) {
        self.carry_out_as::<true>(node);
    }

    #[inline]
    fn carry_out_as<const WATCHED: bool>(&mut self, node: NodeId) {
        let process = self.machines[node.index()].name();
        let (mut done, mut recorded) = (0, 0);
        while let Some(&action) = self.desk.actions.get(done) {
            done += 1;
            let mut ended = false;
            if WATCHED {
                self.occasions.deed = self.deed(action);
                self.note_deed(node, action);
            }
            match action {
                Action::Record => {
                    if let Some(&event) = self.desk.events.get(recorded) {
                        self.ledger.enter(self.now, process, event);
                    }
                    recorded += 1;
                    continue;
                }
                Action::Send(to, parcel) => self.send(node, to, None, parcel),
                Action::Reply(parcel) => match self.asker {
                    Some((to, via)) => self.send(node, to, Some(via), parcel),
                    None => drop(self.desk.parcels.take(parcel)),
                },
                Action::Answer(to, parcel) => self.answer(node, to, parcel),
                Action::Disconnect(peer) => self.disconnect(node, peer),
                // Timers die with their process: a crash before is a crash after.
                Action::SetTimer(timer, after, work) => {
                    self.set_timer(node, timer, after, work);
                    continue;
                }
                Action::Cancel(timer) => {
                    self.cancel_timer(node, timer);
                    continue;
                }
                Action::Append(file) => self.append(process, file),
                Action::Truncate(file, from) => {
                    self.digest.word(0x200 | u64::from(file.0)).word(from.0);
                    self.machines[node.index()].disk.truncate(file, from);
                }
                Action::Discard(file, before) => {
                    self.digest.word(0x300 | u64::from(file.0)).word(before.0);
                    self.machines[node.index()].disk.discard(file, before);
                }
                Action::Sync(file, ticket) => self.sync(node, file, ticket),
                Action::Exit => {
                    self.go_down(node, DownCause::Exit, None);
                    ended = true;
                }
                Action::Restart(after) => {
                    self.go_down(node, DownCause::Exit, Some(after));
                    ended = true;
                }
            }
            if ended || (WATCHED && self.burns_down(node)) {
                self.desk.sweep_off(done);
            }
        }
        self.desk.actions.clear();
        self.desk.events.clear();
    }

    /// What the action is in the words of triggers.
    #[cold]
    fn deed(&self, action: Action) -> Option<Deed> {
        let send = |to, parcel| Deed::Send { to, kind: self.desk.parcels.get(parcel).kind() };
        Some(match action {
            Action::Send(to, parcel) | Action::Answer(to, parcel) => send(to, parcel),
            Action::Reply(parcel) => send(self.asker?.0, parcel),
            Action::Append(file) => Deed::Append(file),
            Action::Truncate(file, _) => Deed::Truncate(file),
            Action::Discard(file, _) => Deed::Discard(file),
            Action::Sync(file, _) => Deed::Sync(file),
            Action::Disconnect(peer) => Deed::Disconnect(peer),
            Action::Record
            | Action::SetTimer(..)
            | Action::Cancel(_)
            | Action::Exit
            | Action::Restart(_) => return None,
        })
    }

    #[inline]
    fn send(&mut self, from: NodeId, to: NodeId, via: Option<Via>, parcel: Parcel) {
        self.stats.sent += 1;
        let message = self.desk.parcels.get_mut(parcel);
        let size = || message.size();
        let (decider, coverage) = (&mut self.desk.decider, &mut self.desk.coverage);
        let transit =
            self.network.send((from, to), (message.kind(), size), self.now, (decider, coverage));
        if self.streams {
            self.send_on_stream(from, to, via, parcel, transit);
        } else {
            self.send_datagram(from, to, parcel, transit);
        }
    }

    /// A message that only goes where a connection leads already. Datagrams need none.
    fn answer(&mut self, from: NodeId, to: NodeId, parcel: Parcel) {
        if !self.streams {
            return self.send(from, to, None, parcel);
        }
        if let Some(via) = self.connections.current(from, to) {
            self.send(from, to, Some(via), parcel);
        } else {
            self.tell_parcel((from, to), parcel, Loss::Nowhere);
            drop(self.desk.parcels.take(parcel));
        }
    }

    #[inline]
    fn send_datagram(&mut self, from: NodeId, to: NodeId, parcel: Parcel, transit: Transit) {
        let Transit { key, quiet, fate } = transit;
        match fate {
            Fate::Late(late) => {
                if late != Span::ZERO {
                    self.desk.decider.took(key, Choice::Late(late));
                }
                let origin = || Origin { key, instance: Instance::First, quiet };
                self.post(quiet + late, (from, to), Via::DATAGRAM, parcel, origin);
            }
            Fate::Lost(class) => {
                self.tell_parcel((from, to), parcel, Loss::Lost(key, class));
                drop(self.desk.parcels.take(parcel));
                self.lose(key, class);
            }
            Fate::Twice(late, again) => {
                self.desk.decider.took(key, Choice::Twice { late, again });
                let class = self.network.grey(from, to).unwrap_or(FaultClass::Duplicate);
                self.desk.coverage.bite(class);
                let copy = self.desk.parcels.get_mut(parcel).clone();
                let copy = self.desk.parcels.put(copy);
                let first = Origin { key, instance: Instance::First, quiet };
                self.post(quiet + late, (from, to), Via::DATAGRAM, copy, || first);
                let second = Origin { instance: Instance::Again, ..first };
                self.post(quiet + again, (from, to), Via::DATAGRAM, parcel, || second);
            }
            Fate::Flipped(damage, late) => {
                let arrives = self.spoil(key, (from, to), parcel, (damage, late));
                let origin = Origin { key, instance: Instance::First, quiet };
                let at = quiet + late;
                self.post_spoilt(at, (from, to), (Via::DATAGRAM, parcel), arrives, origin);
            }
        }
    }

    fn send_on_stream(
        &mut self,
        from: NodeId,
        to: NodeId,
        via: Option<Via>,
        parcel: Parcel,
        Transit { key, quiet, fate }: Transit,
    ) {
        let via = match via {
            Some(via) => via,
            None => self.connections.writing(from, to),
        };
        if self.connections.is_broken(via) || !self.connections.is_open_at(via, from) {
            self.tell_parcel((from, to), parcel, Loss::Void(key));
            drop(self.desk.parcels.take(parcel));
            return;
        }
        let late = match fate {
            Fate::Lost(class) => {
                self.tell_parcel((from, to), parcel, Loss::Broken(key, class));
                drop(self.desk.parcels.take(parcel));
                self.lose(key, class);
                let cause = self.note_newest();
                self.break_connection(via, from, to);
                self.note_cause(cause);
                return;
            }
            // A stream's receiver drops the segments that it already has.
            Fate::Late(late) | Fate::Twice(late, _) | Fate::Flipped(_, late) => late,
        };
        let at = self.connections.in_order(via, to, quiet + late);
        let realised = at.since(quiet);
        if let Fate::Flipped(damage, _) = fate {
            let arrives = self.spoil(key, (from, to), parcel, (damage, realised));
            let origin = Origin { key, instance: Instance::First, quiet };
            return self.post_spoilt(at, (from, to), (via, parcel), arrives, origin);
        } else if realised != Span::ZERO {
            self.desk.decider.took(key, Choice::Late(realised));
        }
        let origin = || Origin { key, instance: Instance::First, quiet };
        self.post(at, (from, to), via, parcel, origin);
    }

    #[inline]
    pub(super) fn post(
        &mut self,
        at: Instant,
        (from, to): (NodeId, NodeId),
        via: Via,
        parcel: Parcel,
        origin: impl FnOnce() -> Origin,
    ) {
        let what = What::Arrival { from, via, parcel };
        self.enqueue(at, Happening { node: to, work: self.work, what }, origin);
    }

    #[cold]
    fn tell_parcel(&mut self, (from, to): (NodeId, NodeId), parcel: Parcel, loss: Loss) {
        if self.trace.is_some() {
            let message = format!("{:?}", self.desk.parcels.get_mut(parcel));
            let what = match loss {
                Loss::Lost(..) => "is lost",
                Loss::Broken(..) => "is lost; the connection breaks",
                Loss::Void(_) => "goes into the void",
                Loss::Nowhere => "finds no connection",
            };
            let told = format!("{message} to {} {what}", self.machine_name(to));
            self.note_loss((from, to), parcel, loss, &told);
            self.tell(Some(from), |_| told);
        }
    }

    #[cold]
    fn lose(&mut self, key: Key, class: FaultClass) {
        self.desk.coverage.bite(class);
        if !matches!(class, FaultClass::Cut | FaultClass::SwizzleClog) {
            self.desk.decider.took(key, Choice::Lost);
        }
    }

    /// Breaks a connection: in each direction a prefix of what is in flight may still arrive, and
    /// each end learns of it late, after the data that reaches it.
    pub(super) fn break_connection(&mut self, via: Via, from: NodeId, to: NodeId) {
        let ends = self.connections.ends(via);
        let limits = ends.map(|end| {
            let peer = if end == ends[0] { ends[1] } else { ends[0] };
            self.break_limit(peer, end)
        });
        let through = self.connections.break_now(via, limits);
        for (end, through) in through {
            let peer = if end == from { to } else { from };
            self.give_notice(via, (peer, end), through, Work::Progress);
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
    pub(super) fn give_notice(
        &mut self,
        via: Via,
        (peer, end): (NodeId, NodeId),
        through: Instant,
        work: Work,
    ) {
        let occurrence = self.connections.count(false, peer, end);
        let key = Key::new(Site::Notice, Actor::Link(peer, end), 0, occurrence);
        let latency = self.notice_latency(peer, end);
        let soonest = self.now + latency;
        let quiet = soonest.max(through);
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
        let origin = || Origin { key, instance: Instance::First, quiet: soonest };
        self.enqueue(quiet + late, Happening { node: end, work, what }, origin);
    }

    fn disconnect(&mut self, node: NodeId, peer: NodeId) {
        if !self.streams {
            return;
        }
        for via in self.connections.open_at(node) {
            if self.connections.ends(via).contains(&peer) {
                self.close_connection(via, node, Work::Progress);
            }
        }
    }

    /// `node` closes its end; the close follows the data that it has sent.
    pub(super) fn close_connection(&mut self, via: Via, node: NodeId, work: Work) {
        if let Some((peer, through)) = self.connections.close(via, node)
            && self.connections.is_open_at(via, peer)
        {
            self.give_notice(via, (node, peer), through, work);
        }
    }

    /// A machine learns that a connection is gone.
    pub(super) fn notice(&mut self, node: NodeId, via: Via) {
        self.digest.word(0x400 | u64::from(via.0) << 16);
        if let Some(peer) = self.connections.notice(via, node) {
            self.tell_moment(Some(node), Mark::Notice(via), |world| {
                format!("learns that its connection with {} is gone", world.machine_name(peer))
            });
            self.call(node, |program, ctx| program.disconnected(peer, ctx));
        }
    }

    #[inline]
    fn set_timer(&mut self, node: NodeId, timer: TimerId, after: Span, work: Work) {
        let occurrence = self.timers.count(node, timer);
        let station = &self.machines[node.index()].station;
        let quiet = station.clock.due(self.now, after);
        let mut at = quiet;
        if station.clock.drifts() {
            self.desk.coverage.bite(FaultClass::ClockDrift);
        }
        let key =
            Key::new(Site::Timer, Actor::Node(node, station.incarnation), timer.0, occurrence);
        match self.desk.decider.ask_if(self.rates.timer_late != 0, key) {
            Answer::Draw(draw) => {
                if (draw as u32) < self.rates.timer_late {
                    at += self.timer_late(key, draw);
                }
            }
            Answer::Decided(Choice::Late(late)) => {
                self.desk.decider.took(key, Choice::Late(late));
                self.desk.coverage.bite(FaultClass::TimerLate);
                at += late;
            }
            Answer::Quiet | Answer::Decided(_) => {}
        }
        self.settle.longest_timeout = self.settle.longest_timeout.max(at.since(self.now));
        let turn = self.next_turn(at);
        if self.aside {
            let happening = Happening { node, work, what: What::Timer(timer) };
            let origin = Origin { key, instance: Instance::First, quiet };
            self.set_timer_aside(turn, happening, origin);
        }
        self.timers.set(Due { node, timer, work }, turn);
    }

    #[inline]
    fn cancel_timer(&mut self, node: NodeId, timer: TimerId) {
        if self.race.on {
            self.overtake(node, Some(timer));
        }
        self.timers.cancel(node, timer);
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
    fn append(&mut self, process: (NodeId, u16), file: FileId) {
        let Some(record) = self.desk.records.pop_front() else { return };
        self.digest.word(0x500 | u64::from(file.0));
        record.fingerprint(&mut self.digest);
        let machine = &mut self.machines[process.0.index()];
        let through = machine.disk.append(file, record);
        if self.desk.decider.is_asked(self.rates.misplaces()) {
            let mut asker = Asker {
                node: process.0,
                incarnation: process.1,
                decider: &mut self.desk.decider,
                coverage: &mut self.desk.coverage,
                rates: &self.rates,
            };
            machine.disk.misplace(file, &mut asker);
        }
        if through {
            if let Some(record) = machine.disk.newest(file) {
                self.system.effects(record, &mut self.effects);
            }
            self.enter_effects(process);
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
        self.settle.longest_sync = self.settle.longest_sync.max(syncing.takes);
        let quiet = self.now + syncing.quiet;
        let origin = || Origin { key: syncing.key, instance: Instance::First, quiet };
        self.enqueue(self.now + syncing.takes, Happening { node, work: self.work, what }, origin);
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
        self.tell_moment(Some(node), Mark::Synced(completion), |_| match result {
            Ok(()) => format!("{file:?} is synced"),
            Err(error) => format!("sync of {file:?} fails: {error}"),
        });
        self.enter_durable((node, incarnation), file, &durable);
        durable.clear();
        self.durable = durable;
        self.call(node, |program, ctx| program.synced(ticket, result, ctx));
    }

    /// Enters the effects of records that became durable.
    fn enter_durable(&mut self, process: (NodeId, u16), file: FileId, positions: &[Position]) {
        for &position in positions {
            let disk = &self.machines[process.0.index()].disk;
            if let Some(record) = disk.record(file, position) {
                self.system.effects(record, &mut self.effects);
            }
        }
        self.enter_effects(process);
    }

    /// Enters the effects that were found.
    #[inline]
    pub(super) fn enter_effects(&mut self, process: (NodeId, u16)) {
        for &Effect { message, sink, payload } in &self.effects {
            self.ledger.enter(self.now, process, Event::Effect { message, sink, payload });
        }
        self.effects.clear();
    }
}
