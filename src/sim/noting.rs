//! The world and its chronicler: what is noted, and when.
//!
//! Everything here is for runs whose chronicle is written; in all others nobody comes here but to
//! find that nothing is to be noted.

use super::chronicle::{
    Chronicle, Chronicler, Deed, DeedKind, Mark, Passage, PassageFate, Thread, Time,
};
use super::machine::{Happening, What};
use super::observe::TraceEvent;
use super::queue::Turn;
use super::race::Origin;
use super::world::World;
use crate::choice::{Instance, Key};
use crate::history::Event;
use crate::id::{FileId, NodeId, Position};
use crate::node::{Action, Message, Parcel, System};
use crate::profile::FaultClass;
use crate::schedule::{Fault, Trouble};
use crate::time::Span;

/// How a message ends where it begins.
#[derive(Copy, Clone, Debug)]
pub(super) enum Loss {
    Lost(Key, FaultClass),
    /// Its connection breaks with it.
    Broken(Key, FaultClass),
    /// Its connection is broken.
    Void(Key),
    /// There is no connection.
    Nowhere,
}

impl<S: System> World<S> {
    /// Tells something in the story of the run.
    #[inline]
    pub(super) fn tell(&mut self, node: Option<NodeId>, text: impl FnOnce(&Self) -> String) {
        if self.trace.is_some() {
            let text = text(self);
            self.tell_line(node, &text);
        }
    }

    /// Tells something that leads to what is done from here on.
    #[inline]
    pub(super) fn tell_moment(
        &mut self,
        node: Option<NodeId>,
        mark: Mark,
        text: impl FnOnce(&Self) -> String,
    ) {
        if self.trace.is_some() {
            let text = text(self);
            self.note_moment(node, mark, &text);
            self.tell_line(node, &text);
        }
    }

    #[cold]
    fn tell_line(&mut self, node: Option<NodeId>, text: &str) {
        let name = node.map_or("world", |node| self.machine_name(node));
        let text = format!("{name}: {text}");
        let event = TraceEvent { at: self.now, node, text, digest: self.digest.value() };
        self.trace.get_or_insert_default().push(event);
    }

    /// Runs to the end, and looks at what machines hold after each event.
    pub(crate) fn run_noting(&mut self) {
        self.note_states();
        self.note_rest();
        while self.step() {
            self.note_states();
            self.note_rest();
        }
    }

    /// Schedules what is raced, or told.
    #[cold]
    pub(super) fn enqueue_aside(&mut self, turn: Turn, happening: Happening, origin: Origin) {
        self.note_scheduled(happening, origin, turn);
        if self.race.on {
            self.race.push(turn, self.now, (happening, origin));
        } else {
            self.queue.push(turn, happening);
        }
    }

    /// A timer is set that is raced, or told.
    #[cold]
    pub(super) fn set_timer_aside(&mut self, turn: Turn, happening: Happening, origin: Origin) {
        let What::Timer(timer) = happening.what else { return };
        if let Some(chronicler) = &mut self.chronicler {
            chronicler.spin(Thread::Timer(happening.node, timer), origin.key);
        }
        if self.race.on {
            self.overtake(happening.node, Some(timer));
            self.race.push(turn, self.now, (happening, origin));
        }
    }

    fn note_scheduled(&mut self, happening: Happening, origin: Origin, turn: Turn) {
        let Happening { node, what, .. } = happening;
        let Some(chronicler) = &mut self.chronicler else { return };
        match what {
            What::Arrival { from, parcel, .. } | What::Refused { from, parcel, .. } => {
                let message = self.desk.parcels.get(parcel);
                let passage = Passage {
                    late: turn.at().since(origin.quiet),
                    copy: origin.instance == Instance::Again,
                    ..passage((from, node), message, Some(origin.key), PassageFate::Waiting)
                };
                chronicler.send(parcel, passage);
            }
            What::Synced(completion) => {
                let thread = Thread::Sync(node, completion.incarnation, completion.ticket);
                chronicler.spin(thread, origin.key);
            }
            What::Notice(via) => chronicler.spin(Thread::Notice(via, node), origin.key),
            What::Timer(_) => {}
        }
    }

    pub(super) fn note_loss(
        &mut self,
        link: (NodeId, NodeId),
        parcel: Parcel,
        loss: Loss,
        told: &str,
    ) {
        let (key, fate, class) = match loss {
            Loss::Lost(key, class) | Loss::Broken(key, class) => {
                (Some(key), PassageFate::Lost, Some(class))
            }
            Loss::Void(key) => (Some(key), PassageFate::Void, None),
            Loss::Nowhere => (None, PassageFate::Void, None),
        };
        let seat = self.machines[link.0.index()].name();
        let now = self.note_time();
        self.note(|chronicler, world| {
            let message = world.desk.parcels.get(parcel);
            chronicler.lose(now, seat, passage(link, message, key, fate), (class, told));
        });
    }

    #[cold]
    pub(super) fn note_dead_letter(&mut self, node: NodeId, parcel: Parcel, why: &str) {
        let seat = self.machines[node.index()].name();
        // The story is silent about it.
        let now = Time { line: None, ..self.note_time() };
        self.note(|chronicler, _| chronicler.dead_letter(now, seat, parcel, why));
    }

    #[cold]
    fn note_moment(&mut self, node: Option<NodeId>, mark: Mark, text: &str) {
        let node = match mark {
            Mark::Fault(number) => self.faults.get(number).0.what.node(),
            _ => node,
        };
        let seat = node.map(|node| self.machines[node.index()].name());
        let now = self.note_time();
        self.note(|chronicler, _| chronicler.moment(now, seat, mark, text.to_owned()));
    }

    /// The time of what the next line of the story tells.
    fn note_time(&self) -> Time {
        let line = self.trace.as_ref().map(Vec::len);
        Time { at: self.now, events: self.stats.events, line }
    }

    /// What is done from here on is done for no reason but the time.
    pub(super) fn note_rest(&mut self) {
        self.note_cause(None);
    }

    /// The moment that is going on, if the run is told.
    pub(super) fn current_moment(&self) -> Option<usize> {
        self.chronicler.as_ref().and_then(|chronicler| chronicler.current())
    }

    /// What is done from here on is led to by `cause`.
    pub(super) fn note_cause(&mut self, cause: Option<usize>) {
        if let Some(chronicler) = &mut self.chronicler {
            chronicler.attend(cause);
        }
    }

    /// What is done from here on is led to by the newest moment; gives what led to it until now.
    pub(super) fn note_newest(&mut self) -> Option<usize> {
        let chronicler = self.chronicler.as_mut()?;
        let until_now = chronicler.current();
        chronicler.attend(chronicler.newest());
        until_now
    }

    /// Every fault is over; gives the moment.
    pub(super) fn note_heal(&mut self) -> Option<usize> {
        self.note(|chronicler, _| chronicler.lift_all());
        self.current_moment()
    }

    /// The fault of this number lasts. A pause of a machine that is down does not.
    pub(super) fn note_lasting(&mut self, number: u32) {
        let is_idle = |node: NodeId| self.machines[node.index()].paused.is_none();
        if matches!(self.faults.get(number).0.what, Trouble::Pause { node, .. } if is_idle(node)) {
            return;
        }
        self.note(|chronicler, world| chronicler.last(number, &world.faults.get(number).0));
    }

    pub(super) fn note_lift(&mut self, number: u32, fault: &Fault) {
        let now = Time { line: None, ..self.note_time() };
        let machines = self.system.machines();
        // That a pause is over is a moment of its machine: it goes on.
        if self.chronicler.is_none() || matches!(fault.what, Trouble::Pause { .. }) {
            return;
        }
        let text = format!("over: {}", super::tell::tell_trouble(&fault.what, machines));
        self.note(|chronicler, _| chronicler.lift(now, number, text));
    }

    #[cold]
    pub(super) fn note_deed(&mut self, node: NodeId, action: Action) {
        if self.chronicler.is_none() {
            return;
        }
        let name = |node: NodeId| &self.system.machines()[node.index()].name;
        let (kind, text) = match action {
            Action::SetTimer(timer, after, _) => {
                (DeedKind::Timer, format!("sets {timer:?} for {after}"))
            }
            Action::Cancel(timer) => (DeedKind::Timer, format!("stops {timer:?}")),
            Action::Append(file) => match self.desk.records.front() {
                Some(record) => (DeedKind::Write, format!("appends {record:?} to {file:?}")),
                None => return,
            },
            Action::Truncate(file, from) => {
                (DeedKind::Write, format!("cuts off {file:?} from {}", from.0))
            }
            Action::Discard(file, before) => {
                (DeedKind::Write, format!("discards {file:?} before {}", before.0))
            }
            Action::Sync(file, _) => (DeedKind::Sync, format!("asks for a sync of {file:?}")),
            Action::Disconnect(peer) => {
                (DeedKind::Leave, format!("closes its connections with {}", name(peer)))
            }
            Action::Exit => (DeedKind::Leave, "exits".to_owned()),
            Action::Restart(after) => {
                (DeedKind::Leave, format!("exits, to start again after {after}"))
            }
            Action::Send(..) | Action::Reply(_) | Action::Answer(..) | Action::Record => return,
        };
        // A crash in the middle of a callback leaves nobody to do the rest.
        if self.machines[node.index()].is_up() {
            self.note(|chronicler, _| chronicler.does(Deed { kind, text }));
        }
    }

    /// Where the files of a machine end.
    pub(super) fn note_ends(&self, node: NodeId) -> Vec<Position> {
        match self.chronicler {
            Some(_) => self.machines[node.index()].disk.ends().collect(),
            None => Vec::new(),
        }
    }

    /// A machine goes down whose files ended there.
    pub(super) fn note_undone(&mut self, node: NodeId, before: &[Position]) {
        let ends = self.note_ends(node);
        for (number, (end, was)) in ends.iter().zip(before).enumerate() {
            let file = FileId(number as u8);
            if was != end {
                let text = format!(
                    "loses unsynced operations: {file:?} ends at {} in place of {}",
                    end.0, was.0
                );
                let kind = DeedKind::Write;
                self.note(|chronicler, _| chronicler.does(Deed { kind, text }));
            }
        }
    }

    /// Looks at what the machines hold that were at it.
    fn note_states(&mut self) {
        self.note(|chronicler, world| {
            for node in chronicler.stirred() {
                if let Some(program) = &world.machines[node.index()].node {
                    chronicler.holds(node, format!("{program:#?}"));
                }
            }
        });
    }

    /// The chronicle of the run so far, if it is written.
    pub(crate) fn take_chronicle(&mut self) -> Chronicle {
        self.note(|_, _| ());
        self.chronicler.take().map(Chronicler::told).unwrap_or_default()
    }

    /// Notes something, after all that was entered in the history until now.
    fn note(&mut self, what: impl FnOnce(&mut Chronicler, &Self)) {
        let Some(mut chronicler) = self.chronicler.take() else { return };
        for operation in &self.ledger.history().operations()[chronicler.lines()..] {
            chronicler.enter(match operation.event {
                Event::Heal | Event::End { .. } => None,
                _ => Some(operation.process),
            });
        }
        what(&mut chronicler, self);
        self.chronicler = Some(chronicler);
    }
}

fn passage<M: Message>(
    (from, to): (NodeId, NodeId),
    message: &M,
    key: Option<Key>,
    fate: PassageFate,
) -> Passage {
    Passage {
        from,
        to,
        kind: M::kind_name(message.kind()),
        text: format!("{message:?}"),
        key,
        sent: 0,
        ended: None,
        fate,
        late: Span::ZERO,
        copy: false,
        corrupted: false,
    }
}
