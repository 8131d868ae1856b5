//! Who writes a chronicle while the run goes on.

use super::super::connections::Via;
use super::super::machine::Completion;
use super::log::{self, Log};
use super::{Band, Chronicle, Deed, Moment, MomentKind, Passage, PassageFate};
use crate::choice::Key;
use crate::history::DownCause;
use crate::id::{NodeId, Ticket, TimerId};
use crate::node::{Machine, Parcel};
use crate::profile::FaultClass;
use crate::schedule::{Fault, Trouble};
use crate::time::{Instant, Span};
use std::collections::BTreeMap;

/// What a moment is, as the world knows it.
#[derive(Copy, Clone, Debug)]
pub(in crate::sim) enum Mark {
    Boot,
    Arrival(Parcel),
    Timer(TimerId),
    Synced(Completion),
    Notice(Via),
    Input,
    Down(DownCause),
    Resume,
    Fault(u32),
    Heal,
    End,
}

/// When something is noted.
#[derive(Copy, Clone, Debug)]
pub(in crate::sim) struct Time {
    pub(in crate::sim) at: Instant,
    /// How many events were handled.
    pub(in crate::sim) events: u64,
    /// The line of the story that tells of it, if one does.
    pub(in crate::sim) line: Option<usize>,
}

impl Mark {
    fn kind(self) -> MomentKind {
        match self {
            Self::Boot => MomentKind::Boot,
            Self::Arrival(_) => MomentKind::Message,
            Self::Timer(_) => MomentKind::Timer,
            Self::Synced(_) => MomentKind::Sync,
            Self::Notice(_) => MomentKind::Notice,
            Self::Input => MomentKind::Input,
            Self::Down(DownCause::Crash) => MomentKind::Crash,
            Self::Down(DownCause::PowerCut) => MomentKind::PowerCut,
            Self::Down(DownCause::Exit) => MomentKind::Exit,
            Self::Resume => MomentKind::Resume,
            Self::Fault(_) => MomentKind::Fault,
            Self::Heal => MomentKind::Heal,
            Self::End => MomentKind::End,
        }
    }
}

/// Something of which the world knows the moment that led to it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) enum Thread {
    Timer(NodeId, TimerId),
    Sync(NodeId, u16, Ticket),
    Notice(Via, NodeId),
}

/// Writes a chronicle.
#[derive(Debug, Default)]
pub(in crate::sim) struct Chronicler {
    told: Chronicle,
    /// The moment that is going on: it leads to all that is done now.
    current: Option<usize>,
    /// The newest moment of each machine, and what befell the machine since.
    newest: Vec<Option<usize>>,
    befell: Vec<Vec<usize>>,
    /// The passages of the messages that are on their way, by their parcels.
    parcels: Vec<Option<usize>>,
    threads: BTreeMap<Thread, (usize, Key)>,
    /// The bands of the faults that last, by the number of the fault.
    lasting: BTreeMap<u32, usize>,
    flipped: Option<Parcel>,
    states: BTreeMap<String, usize>,
    /// Machines whose state is to be looked at.
    stirred: Vec<NodeId>,
    log: Log,
}

/// Who a moment is about.
pub(in crate::sim) type Seat = (NodeId, u16);

impl Chronicler {
    pub(in crate::sim) fn of(machines: &[Machine]) -> Box<Self> {
        let (newest, befell) = (vec![None; machines.len()], vec![Vec::new(); machines.len()]);
        let log = Log::of(machines.iter().map(|machine| machine.name.clone()).collect());
        Box::new(Self { newest, befell, log, ..Self::default() })
    }

    /// The moment that is going on.
    pub(in crate::sim) fn current(&self) -> Option<usize> {
        self.current
    }

    /// The newest moment.
    pub(in crate::sim) fn newest(&self) -> Option<usize> {
        self.told.moments.len().checked_sub(1)
    }

    /// From here on `current` leads to what is done.
    pub(in crate::sim) fn attend(&mut self, current: Option<usize>) {
        self.current = current;
    }

    /// Of how many lines of the history it is known where they were entered.
    pub(in crate::sim) fn lines(&self) -> usize {
        self.told.entered.len()
    }

    /// The next line of the history was entered at the newest moment of this machine, or, if it is
    /// about none, at the newest of all.
    pub(in crate::sim) fn enter(&mut self, node: Option<NodeId>) {
        let newest = match node {
            Some(node) => self.newest[node.index()],
            None => self.newest(),
        };
        self.told.entered.push(newest);
    }

    /// A moment that leads to what is done from now on.
    pub(in crate::sim) fn moment(
        &mut self,
        time: Time,
        seat: Option<Seat>,
        mark: Mark,
        text: String,
    ) {
        let mut moment = Self::draft(time, seat, mark.kind(), text);
        self.trace_back(&mut moment, mark);
        let place = self.told.moments.len();
        match (mark, seat) {
            (Mark::Fault(_), Some((node, _))) => {
                self.befell[node.index()].push(place);
            }
            (_, Some((node, _))) => {
                if matches!(mark, Mark::Down(_) | Mark::Resume) {
                    self.end_pauses(node, place);
                }
                moment.causes.extend(self.newest[node.index()].replace(place));
                moment.causes.append(&mut self.befell[node.index()]);
                self.stirred.push(node);
            }
            (_, None) => {}
        }
        moment.causes.extend(self.current);
        self.push(moment);
        self.current = Some(place);
    }

    fn trace_back(&mut self, moment: &mut Moment, mark: Mark) {
        let thread = match (mark, moment.node) {
            (Mark::Timer(timer), Some(node)) => Thread::Timer(node, timer),
            (Mark::Synced(Completion { incarnation, ticket, .. }), Some(node)) => {
                Thread::Sync(node, incarnation, ticket)
            }
            (Mark::Notice(via), Some(node)) => Thread::Notice(via, node),
            (Mark::Arrival(parcel), _) => return self.arrive(moment, parcel),
            (Mark::Fault(number), _) => {
                moment.fault = Some(number as usize);
                return;
            }
            _ => return,
        };
        if let Some((place, key)) = self.threads.remove(&thread) {
            moment.causes.push(place);
            moment.key = Some(key);
        }
    }

    fn arrive(&mut self, moment: &mut Moment, parcel: Parcel) {
        if let Some(place) = self.take(parcel) {
            let number = self.told.moments.len();
            let passage = &mut self.told.messages[place];
            passage.ended = Some(number);
            passage.fate = PassageFate::Delivered;
            moment.key = passage.key;
            moment.message = Some(place);
            moment.causes.push(passage.sent);
            let link = (passage.from, passage.to);
            let (sent, is_late) = (passage.sent, passage.late != Span::ZERO);
            // What was held, or slowed down, comes when it comes because of that.
            if is_late {
                moment.causes.extend(self.over(link, sent));
            }
        }
    }

    /// The strikes of the faults that made late what was sent over a link in the moment `sent`.
    fn over(&self, (from, to): (NodeId, NodeId), sent: usize) -> Vec<usize> {
        let lay = |band: &&Band| band.from <= sent && band.to.is_none_or(|lift| lift > sent);
        let bands = self.told.bands.iter().filter(lay).filter(|band| match band.what {
            Trouble::Hold { from: one, to: other, .. }
            | Trouble::Grey { from: one, to: other, .. } => (one, other) == (from, to),
            _ => false,
        });
        bands.map(|band| band.from).collect()
    }

    /// The message in `parcel` is sent now.
    pub(in crate::sim) fn send(&mut self, parcel: Parcel, passage: Passage) {
        let Some(sent) = self.current else { return };
        let corrupted = self.flipped.take() == Some(parcel);
        let slot = parcel.0 as usize;
        if self.parcels.len() <= slot {
            self.parcels.resize(slot + 1, None);
        }
        self.parcels[slot] = Some(self.told.messages.len());
        self.log.send(&passage);
        self.told.messages.push(Passage { sent, corrupted, ..passage });
    }

    /// A bit of the message in `parcel`, which is sent next, was flipped.
    pub(in crate::sim) fn flip(&mut self, parcel: Parcel) {
        self.flipped = Some(parcel);
    }

    /// `passage` ends where it begins, which is `told` in words; if a fault over its link is the
    /// reason, `class` is its class.
    pub(in crate::sim) fn lose(
        &mut self,
        time: Time,
        seat: Seat,
        passage: Passage,
        (class, told): (Option<FaultClass>, &str),
    ) {
        let Some(sent) = self.current else { return };
        let kind = match passage.fate {
            PassageFate::Lost => MomentKind::Drop,
            _ => MomentKind::Void,
        };
        let mut moment = Self::draft(time, Some(seat), kind, told.to_owned());
        moment.key = passage.key;
        moment.message = Some(self.told.messages.len());
        moment.causes.push(sent);
        moment.causes.extend(self.behind((passage.from, passage.to), class));
        let ended = Some(self.told.moments.len());
        self.told.messages.push(Passage { sent, ended, ..passage });
        self.push(moment);
    }

    /// The strike of the fault of `class` that lies over a link now.
    fn behind(
        &self,
        (from, to): (NodeId, NodeId),
        class: Option<FaultClass>,
    ) -> impl Iterator<Item = usize> {
        let is_open = |band: &&Band| band.to.is_none();
        self.told.bands.iter().filter(is_open).filter_map(move |band| {
            let lies = match (&band.what, class?) {
                (
                    Trouble::Cut { from: one, to: other, .. },
                    FaultClass::Cut | FaultClass::SwizzleClog,
                ) => one.contains(&from) && other.contains(&to),
                (
                    Trouble::Grey { from: one, to: other, .. },
                    FaultClass::GreyLink | FaultClass::RedeliveryStorm,
                ) => (*one, *other) == (from, to),
                _ => false,
            };
            lies.then_some(band.from)
        })
    }

    /// The message in `parcel` comes to nobody.
    pub(in crate::sim) fn dead_letter(
        &mut self,
        time: Time,
        seat: Seat,
        parcel: Parcel,
        why: &str,
    ) {
        let Some(place) = self.take(parcel) else { return };
        let passage = &self.told.messages[place];
        let (sent, key) = (passage.sent, passage.key);
        let text = format!("{} {why}", passage.text);
        let mut moment = Self::draft(time, Some(seat), MomentKind::Dead, text);
        moment.key = key;
        moment.message = Some(place);
        moment.causes.push(sent);
        moment.causes.extend(self.newest[seat.0.index()]);
        let passage = &mut self.told.messages[place];
        passage.ended = Some(self.told.moments.len());
        passage.fate = PassageFate::Dead;
        self.push(moment);
    }

    fn take(&mut self, parcel: Parcel) -> Option<usize> {
        self.parcels.get_mut(parcel.0 as usize)?.take()
    }

    /// What is going on leads to the end of `thread`, whose lateness is chosen at `key`.
    pub(in crate::sim) fn spin(&mut self, thread: Thread, key: Key) {
        if let Some(current) = self.current {
            self.threads.insert(thread, (current, key));
        }
    }

    /// The fault of this number, which has just struck, lasts.
    pub(in crate::sim) fn last(&mut self, number: u32, fault: &Fault) {
        let Some(from) = self.current else { return };
        self.lasting.insert(number, self.told.bands.len());
        self.told.bands.push(Band { what: fault.what.clone(), from, to: None });
    }

    /// The fault of this number is over.
    pub(in crate::sim) fn lift(&mut self, time: Time, number: u32, text: String) {
        let Some(place) = self.lasting.remove(&number) else { return };
        let node = self.told.bands[place].what.node();
        let mut moment = Self::draft(time, node.map(|node| (node, 0)), MomentKind::Lift, text);
        moment.causes.push(self.told.bands[place].from);
        let number = self.told.moments.len();
        self.told.bands[place].to = Some(number);
        if let Some(node) = node {
            self.befell[node.index()].push(number);
        }
        self.push(moment);
        self.current = Some(number);
    }

    /// A machine goes on, or dies, in the moment `place`: no pause of it lasts any longer.
    fn end_pauses(&mut self, node: NodeId, place: usize) {
        let bands = &mut self.told.bands;
        self.lasting.retain(|_, &mut band| {
            let band = &mut bands[band];
            let is_over =
                matches!(band.what, Trouble::Pause { node: paused, .. } if paused == node);
            if is_over {
                band.to = Some(place);
            }
            !is_over
        });
    }

    /// Every fault that lasts is over with the moment that is going on.
    pub(in crate::sim) fn lift_all(&mut self) {
        for (_, place) in std::mem::take(&mut self.lasting) {
            self.told.bands[place].to = self.current;
        }
    }

    /// The machine has done this.
    pub(in crate::sim) fn does(&mut self, deed: Deed) {
        if let Some(current) = self.current {
            log::deed(&deed.text);
            self.told.moments[current].does.push(deed);
        }
    }

    /// The machines that were at it since this was asked last.
    pub(in crate::sim) fn stirred(&mut self) -> Vec<NodeId> {
        let mut stirred = std::mem::take(&mut self.stirred);
        stirred.sort_unstable();
        stirred.dedup();
        stirred
    }

    /// A machine holds this now.
    pub(in crate::sim) fn holds(&mut self, node: NodeId, state: String) {
        let Some(moment) = self.newest[node.index()] else { return };
        let next = self.told.states.len();
        let place = *self.states.entry(state).or_insert_with_key(|state| {
            self.told.states.push(state.clone());
            next
        });
        self.told.moments[moment].state = Some(place);
    }

    pub(in crate::sim) fn told(self: Box<Self>) -> Chronicle {
        self.told
    }

    fn draft(time: Time, seat: Option<Seat>, kind: MomentKind, text: String) -> Moment {
        Moment {
            at: time.at,
            events: time.events,
            line: time.line,
            node: seat.map(|(node, _)| node),
            incarnation: seat.map_or(0, |(_, incarnation)| incarnation),
            kind,
            text,
            message: None,
            key: None,
            fault: None,
            causes: Vec::new(),
            does: Vec::new(),
            state: None,
        }
    }

    fn push(&mut self, mut moment: Moment) {
        moment.causes.sort_unstable();
        moment.causes.dedup();
        self.log.moment(&moment);
        self.told.moments.push(moment);
    }
}
