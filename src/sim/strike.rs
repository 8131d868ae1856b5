//! Faults at work: what a strike, its lifting, a restart and the heal do to the world.

use super::chronicle::Mark;
use super::disk::Asker;
use super::faults::Turnabout;
use super::machine::{Fuse, Happening, NEVER, Process, What};
use super::network::Overlay;
use super::world::World;
use crate::choice::{Actor, Answer, Choice, Key, Opening, Site, below};
use crate::history::{DownCause, Event};
use crate::id::NodeId;
use crate::node::{Message, Node, System, Work};
use crate::profile::FaultClass;
use crate::schedule::{Occasion, Trigger, Trouble};
use crate::time::{Instant, Span};

impl<S: System> World<S> {
    /// Carries out the next entry of the faults' timeline.
    pub(super) fn turn_about(&mut self) {
        let Some((at, turnabout)) = self.faults.pop() else { return };
        self.now = at;
        match turnabout {
            Turnabout::Strike(number) => self.strike(number),
            Turnabout::Lift(number) => self.lift(number),
            Turnabout::Restart(node, incarnation) => self.restart(node, incarnation),
            Turnabout::Input(number) => self.take_input(number),
            Turnabout::Heal => self.heal(),
        }
    }

    /// Counts an event that `node` has handled; faults may wait for it.
    #[inline]
    pub(super) fn count_handled(&mut self, node: NodeId) {
        let machine = &mut self.machines[node.index()];
        machine.handled += 1;
        if machine.handled == machine.strike_at {
            self.strike_after(node);
        }
    }

    /// Finds the count of events after which faults are asked whether they strike `node`: each, if
    /// what it handles is counted.
    pub(super) fn arm_strikes(&mut self, node: NodeId) {
        let machine = &mut self.machines[node.index()];
        let handled = machine.handled;
        let next = self.faults.after_events_of(node).filter(|&events| events > handled).min();
        machine.strike_at = if self.occasions.on { handled + 1 } else { next.unwrap_or(NEVER) };
    }

    #[cold]
    fn strike_after(&mut self, node: NodeId) {
        let what = self.occasions.occasion.take();
        let last = what.map(|what| {
            let nth = self.occasions.count(node, what);
            Trigger::Upon { node, what, nth }
        });
        let events = self.machines[node.index()].handled;
        self.desk.decider.opens(Opening::Handled { node, events });
        if let (Some(mut novelty), Some(what)) = (self.novelty.take(), what) {
            novelty.handled((node, what), self.system.as_ref(), &self.machines, self.stats());
            self.novelty = Some(novelty);
        }
        self.arm_strikes(node);
        if self.settle.healed {
            return;
        }
        let due = self.faults.due_after(node, events, last);
        let cause = self.current_moment();
        for number in due {
            self.note_cause(cause);
            if let Some(upon) = last {
                self.occasions.note(number, upon);
            }
            self.strike(number);
        }
    }

    /// What the machine is about to handle, as a trigger names it.
    #[cold]
    pub(super) fn occasion(&self, Happening { node, what, .. }: &Happening) -> Occasion {
        match *what {
            What::Arrival { from, parcel, .. } => {
                let kind = self.desk.parcels.get(parcel).kind();
                Occasion::Message { from, kind }
            }
            What::Refused { from, .. } => Occasion::Notice(from),
            What::Timer(timer) => Occasion::Timer(timer),
            What::Synced(completion) => Occasion::Sync(completion.file),
            What::Notice(via) => {
                let [one, other] = self.connections.ends(via);
                Occasion::Notice(if one == *node { other } else { one })
            }
        }
    }

    fn strike(&mut self, number: u32) {
        let (fault, class) = self.faults.strike(number);
        self.tell_moment(None, Mark::Fault(number), |world| {
            super::tell::tell_trouble(&fault.what, world.system.machines())
        });
        // A crash shows when it falls.
        if !matches!(fault.what, Trouble::Crash { .. } | Trouble::PowerCut { .. }) {
            self.digest.word(0x700).word(self.now.nanos());
        }
        match fault.what {
            Trouble::Crash { node, down } => {
                self.crash_point(node, Fuse { number, cause: DownCause::Crash, down, class });
            }
            Trouble::PowerCut { node, down } => {
                self.crash_point(node, Fuse { number, cause: DownCause::PowerCut, down, class });
            }
            Trouble::Pause { node, lasting } => self.pause(number, node, lasting, class),
            Trouble::Disconnect { node } => self.break_all(node, class),
            Trouble::Cut { from, to, lasting } => {
                for &from in &from {
                    for &to in &to {
                        self.network.lay(number, from, to, Overlay::Cut(class));
                    }
                }
                self.lift_after(number, lasting);
            }
            Trouble::Hold { from, to, lasting } => {
                self.network.lay(number, from, to, Overlay::Hold(self.now + lasting));
                self.lift_after(number, lasting);
            }
            Trouble::Grey { from, to, slower, loss, duplicate, lasting } => {
                let overlay = Overlay::Grey { slower, loss, duplicate, class };
                self.network.lay(number, from, to, overlay);
                self.lift_after(number, lasting);
            }
            Trouble::ClockStep { node, by } => {
                self.machines[node.index()].station.clock.step(by);
            }
            Trouble::FullDisk { node, lasting } => {
                self.machines[node.index()].disk.full += 1;
                self.lift_after(number, lasting);
            }
            Trouble::BitRot { node, file, back } => {
                if self.machines[node.index()].disk.rot(file, back) {
                    self.desk.coverage.bite(class);
                }
            }
        }
    }

    fn lift_after(&mut self, number: u32, lasting: Span) {
        self.faults.at(self.now + lasting, Turnabout::Lift(number));
        self.note_lasting(number);
    }

    fn lift(&mut self, number: u32) {
        let (fault, _) = self.faults.get(number).clone();
        self.note_lift(number, &fault);
        match fault.what {
            Trouble::Pause { node, .. } => self.resume(node),
            Trouble::FullDisk { node, .. } => {
                let full = &mut self.machines[node.index()].disk.full;
                *full = full.saturating_sub(1);
            }
            Trouble::Cut { .. } | Trouble::Hold { .. } | Trouble::Grey { .. } => {
                self.network.lift(number);
            }
            Trouble::Crash { .. }
            | Trouble::PowerCut { .. }
            | Trouble::Disconnect { .. }
            | Trouble::ClockStep { .. }
            | Trouble::BitRot { .. } => {}
        }
    }

    /// A crash strikes at once, or after so many further actions of the machine: a keyed choice.
    fn crash_point(&mut self, node: NodeId, fuse: Fuse) {
        let machine = &mut self.machines[node.index()];
        if !machine.is_up() {
            return;
        }
        if let Some(lit) = machine.fuse {
            self.occasions.keep(lit.number);
            return;
        }
        let key = crash_point(machine.name());
        let actions = match self.desk.decider.ask(key) {
            Answer::Draw(draw) if draw & 1 == 1 => 1 + below(draw, 12) as u32,
            Answer::Decided(Choice::AfterAction(actions)) => actions,
            Answer::Quiet | Answer::Draw(_) | Answer::Decided(_) => 0,
        };
        if actions == 0 {
            self.crash(node, fuse);
        } else {
            self.desk.decider.took(key, Choice::AfterAction(actions));
            if self.settle.awaited_faults {
                self.occasions.keep(fuse.number);
            }
            machine.actions_left = actions;
            machine.fuse = Some(fuse);
            self.fuses += 1;
        }
    }

    /// The machine has taken an action. Returns whether it has crashed after it.
    #[cold]
    pub(super) fn burns_down(&mut self, node: NodeId) -> bool {
        let last = match self.occasions.deed.take() {
            Some(what) if self.occasions.on => Some((what, self.occasions.count_deed(node, what))),
            _ => None,
        };
        let machine = &mut self.machines[node.index()];
        if let Some(fuse) = machine.fuse {
            machine.actions_left -= 1;
            if machine.actions_left == 0 {
                if let Some((what, nth)) = last
                    && self.occasions.burnt(fuse.number, Trigger::Done { node, what, nth })
                {
                    self.desk.decider.forget(crash_point(machine.name()));
                }
                self.crash(node, fuse);
            }
        }
        if let Some((what, nth)) = last
            && !self.settle.healed
        {
            let cause = self.current_moment();
            for number in self.faults.due_upon(Trigger::Done { node, what, nth }) {
                self.note_cause(cause);
                self.occasions.note(number, Trigger::Done { node, what, nth });
                self.strike(number);
            }
            // The rest of the callback is no deed of the fault.
            self.note_cause(cause);
        }
        !self.machines[node.index()].is_up()
    }

    fn crash(&mut self, node: NodeId, Fuse { cause, down, class, .. }: Fuse) {
        // A power cut bites when it loses something; that the process dies is what a crash is.
        let bite = if cause == DownCause::PowerCut { FaultClass::Crash } else { class };
        self.desk.coverage.bite(bite);
        self.go_down(node, cause, Some(down));
    }

    /// Ends a process: its memory is gone, its disk is as the cause leaves it.
    pub(super) fn go_down(&mut self, node: NodeId, cause: DownCause, restart: Option<Span>) {
        let number = node.index();
        self.digest.word(0x800 | u64::from(node.0) << 16).word(self.now.nanos());
        self.tell_moment(Some(node), Mark::Down(cause), |_| match cause {
            DownCause::Crash => "crashes".to_owned(),
            DownCause::PowerCut => "loses power".to_owned(),
            DownCause::Exit => "exits".to_owned(),
        });
        let ends = self.note_ends(node);
        self.settle_disk(node, cause);
        self.note_undone(node, &ends);
        let machine = &mut self.machines[number];
        let process = machine.name();
        machine.node = None;
        machine.process = if restart.is_some() { Process::Down } else { Process::Gone };
        machine.paused = None;
        machine.ready = false;
        self.fuses -= u32::from(machine.fuse.take().is_some());
        let mut dropped = Vec::new();
        for happening in machine.backlog.drain(..) {
            self.progress -= u32::from(happening.work == Work::Progress);
            if let What::Arrival { parcel, .. } | What::Refused { parcel, .. } = happening.what {
                dropped.push(parcel);
            }
        }
        for parcel in dropped {
            self.note_dead_letter(node, parcel, "waited for nobody");
            drop(self.desk.parcels.take(parcel));
        }
        if self.race.on {
            self.overtake(node, None);
        }
        self.timers.forget(node);
        if self.streams {
            for via in self.connections.open_at(node) {
                self.close_connection(via, node, Work::Progress);
            }
        }
        self.ledger.close(self.now, process);
        self.ledger.enter(self.now, process, Event::Down { cause });
        if let Some(after) = restart {
            self.faults.at(self.now + after, Turnabout::Restart(node, process.1));
        }
    }

    fn settle_disk(&mut self, node: NodeId, cause: DownCause) {
        let system = &self.system;
        let effects = &mut self.effects;
        let machine = &mut self.machines[node.index()];
        let enter = |_, journal: &crate::journal::Journal<_>, durable: &[crate::id::Position]| {
            for &position in durable {
                let stored = journal.get(position);
                if let Some(record) = stored.and_then(crate::journal::Stored::intact) {
                    system.effects(record, effects);
                }
            }
        };
        if cause == DownCause::PowerCut {
            let mut asker = Asker {
                node,
                incarnation: machine.station.incarnation,
                decider: &mut self.desk.decider,
                coverage: &mut self.desk.coverage,
                rates: &self.rates,
            };
            machine.disk.power_cut(&mut asker, enter);
        } else {
            machine.disk.crash(enter);
        }
        let process = self.machines[node.index()].name();
        self.enter_effects(process);
    }

    fn restart(&mut self, node: NodeId, incarnation: u16) {
        let machine = &mut self.machines[node.index()];
        if machine.process == Process::Down && machine.station.incarnation == incarnation {
            machine.station.incarnation += 1;
            machine.station.chosen.clear();
            self.boot(node);
        }
    }

    fn pause(&mut self, number: u32, node: NodeId, lasting: Span, class: FaultClass) {
        let machine = &mut self.machines[node.index()];
        if machine.is_up() && machine.paused.is_none() {
            machine.paused = Some((self.now, class));
            machine.ready = false;
        }
        self.lift_after(number, lasting);
    }

    /// The machine goes on as if nothing had happened, and first handles what has waited.
    fn resume(&mut self, node: NodeId) {
        let machine = &mut self.machines[node.index()];
        let Some((since, class)) = machine.paused.take() else { return };
        machine.ready = true;
        let long_enough =
            class != FaultClass::Zombie || self.now.since(since) > self.settle.longest_timeout;
        if !machine.backlog.is_empty() && long_enough {
            self.desk.coverage.bite(class);
        }
        self.tell_moment(Some(node), Mark::Resume, |_| "resumes".to_owned());
        let waiting: Vec<Happening> = self.machines[node.index()].backlog.drain(..).collect();
        for happening in waiting {
            self.progress -= u32::from(happening.work == Work::Progress);
            self.stats.events += 1;
            self.handle(happening);
        }
    }

    fn break_all(&mut self, node: NodeId, class: FaultClass) {
        if !self.streams {
            return;
        }
        for via in self.connections.open_at(node) {
            if self.connections.is_broken(via) {
                continue;
            }
            let [one, other] = self.connections.ends(via);
            self.desk.coverage.bite(class);
            self.break_connection(via, one, other);
        }
    }

    fn take_input(&mut self, number: u32) {
        let input = self.inputs[number as usize].clone();
        if !self.machines[input.node.index()].is_up() {
            return;
        }
        self.stats.events += 1;
        self.digest.word(0x900 | u64::from(input.connection) << 16).bytes(&input.bytes);
        self.asker = None;
        self.work = Work::Progress;
        let length = input.bytes.len();
        self.tell_moment(Some(input.node), Mark::Input, |_| {
            format!("takes {length} bytes of input")
        });
        self.call(input.node, |program, ctx| program.input(input.connection, &input.bytes, ctx));
        if self.occasions.on {
            self.occasions.occasion = Some(Occasion::Input(input.connection));
        }
        self.count_handled(input.node);
    }

    /// Every fault is over: links are quiet, paused machines resume, machines that are down
    /// restart.
    pub(super) fn heal(&mut self) {
        if self.settle.healed {
            return;
        }
        self.settle.heal(self.now);
        self.digest.word(0xa00).word(self.now.nanos());
        self.note_rest();
        self.tell_moment(None, Mark::Heal, |_| "every fault is over".to_owned());
        let heal = self.note_heal();
        if self.race.on {
            self.end_race();
        }
        self.desk.decider.calm();
        self.rates = super::swarm::Rates::default();
        self.network.heal();
        self.faults.heal();
        self.record(NodeId(0), Event::Heal);
        for number in 0..self.machines.len() {
            let node = NodeId(number as u16);
            self.note_cause(heal);
            let machine = &mut self.machines[number];
            machine.disk.full = 0;
            self.fuses -= u32::from(machine.fuse.take().is_some());
            let incarnation = machine.station.incarnation;
            if machine.process == Process::Down {
                self.restart(node, incarnation);
            } else {
                self.resume(node);
            }
        }
    }

    /// Enters what every replica holds.
    pub(super) fn record_views(&mut self) {
        for number in 0..self.machines.len() {
            let view = self.machines[number].node.as_ref().and_then(Node::view);
            if let Some(digest) = view {
                self.record(NodeId(number as u16), Event::View { digest });
            }
        }
    }

    /// Whether bytes are still to come from outside: after the heal nothing else is on the timeline
    /// but machines that restart themselves.
    pub(super) fn has_input_left(&self) -> bool {
        self.settle.healed && self.faults.next_at() != Instant::NEVER
    }
}

/// The key of the action after which a process dies.
fn crash_point((node, incarnation): (NodeId, u16)) -> Key {
    Key::new(Site::CrashPoint, Actor::Node(node, incarnation), 0, 0)
}
