//! A machine: its process, its disk, and what waits for it.

use super::connections::Via;
use super::disk::{Disk, SyncEnd};
use crate::history::DownCause;
use crate::id::{FileId, NodeId, Ticket, TimerId};
use crate::journal::Extent;
use crate::node::{Parcel, RecordOf, Station, System, Work};
use crate::profile::{DiskProfile, FaultClass};
use crate::time::{Instant, Span};
use std::collections::VecDeque;

/// Something that happens at a machine.
#[derive(Copy, Clone, Debug)]
pub(super) struct Happening {
    pub(super) node: NodeId,
    pub(super) work: Work,
    pub(super) what: What,
}

#[derive(Copy, Clone, Debug)]
pub(super) enum What {
    Arrival {
        from: NodeId,
        via: Via,
        parcel: Parcel,
    },
    /// The message in the parcel arrives in a frame that its receiver refuses.
    Refused {
        from: NodeId,
        via: Via,
        parcel: Parcel,
    },
    Timer(TimerId),
    Synced(Completion),
    Notice(Via),
}

/// A sync that has ended.
#[derive(Copy, Clone, Debug)]
pub(super) struct Completion {
    pub(super) incarnation: u16,
    pub(super) ticket: Ticket,
    pub(super) file: FileId,
    pub(super) end: SyncEnd,
    pub(super) extent: Extent,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Process {
    /// Left out of this run.
    Absent,
    Up,
    /// To be restarted.
    Down,
    /// Ended by itself, for good.
    Gone,
}

/// A crash that waits for the machine's next actions.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Fuse {
    /// The number of its fault.
    pub(super) number: u32,
    pub(super) cause: DownCause,
    pub(super) down: Span,
    pub(super) class: FaultClass,
}

pub(super) struct MachineState<S: System> {
    pub(super) node: Option<S::Node>,
    pub(super) process: Process,
    /// Whether it is up and not paused, and so handles what comes.
    pub(super) ready: bool,
    pub(super) station: Station,
    pub(super) disk: Disk<RecordOf<S>>,
    /// When the current pause began; while it lasts nothing is handled.
    pub(super) paused: Option<(Instant, FaultClass)>,
    pub(super) backlog: VecDeque<Happening>,
    /// Events handled in this run.
    pub(super) handled: u32,
    /// At how many handled events the next fault strikes.
    pub(super) strike_at: u32,
    /// After how many further actions the fuse burns down.
    pub(super) actions_left: u32,
    pub(super) fuse: Option<Fuse>,
}

/// No count of events or actions is that high.
pub(super) const NEVER: u32 = u32::MAX;

impl<S: System> MachineState<S> {
    pub(super) fn new(profile: DiskProfile) -> Self {
        Self {
            node: None,
            process: Process::Absent,
            ready: false,
            station: Station::default(),
            disk: Disk::new(profile),
            paused: None,
            backlog: VecDeque::new(),
            handled: 0,
            strike_at: NEVER,
            actions_left: 0,
            fuse: None,
        }
    }

    pub(super) fn reset(&mut self, node: NodeId, write_through: bool) {
        self.node = None;
        self.process = Process::Down;
        self.ready = false;
        self.station.node = node;
        self.station.incarnation = 0;
        self.station.write_through = write_through;
        self.station.ends.clear();
        self.station.chosen.clear();
        self.disk.clear();
        self.paused = None;
        self.backlog.clear();
        self.handled = 0;
        self.strike_at = NEVER;
        self.fuse = None;
    }

    pub(super) fn is_up(&self) -> bool {
        self.process == Process::Up
    }

    #[inline]
    pub(super) fn name(&self) -> (NodeId, u16) {
        (self.station.node, self.station.incarnation)
    }
}
