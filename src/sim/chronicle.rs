//! The chronicle of a run: every moment with what led to it, and the way of every message.
//!
//! Written only for those who ask: no other run pays for it. What is known of a moment's causes is
//! what the world itself did: the order at one machine, the sending of the message that arrives,
//! the setting of the timer that fires, the request of the sync that ends, the fault that strikes.
//! Their transitive closure is *happened before* (Lamport, CACM 1978).

use crate::choice::Key;
use crate::id::NodeId;
use crate::schedule::Trouble;
use crate::time::{Instant, Span};

mod chronicler;
mod log;

pub(super) use chronicler::{Chronicler, Mark, Thread, Time};

/// All that happened in a run, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chronicle {
    /// What happened, in order.
    pub moments: Vec<Moment>,
    /// Every message, in the order of sending.
    pub messages: Vec<Passage>,
    /// What machines held, in words: each text once.
    pub states: Vec<String>,
    /// The faults that lasted for a while.
    pub bands: Vec<Band>,
    /// Of each line of the history the moment that entered it; none of what was planned.
    pub entered: Vec<Option<usize>>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Instant,
    /// How many events had been handled by then, this one included.
    pub events: u64,
    /// Its line in the story of the run, if it has one:
    /// [`Inspection::trace`](crate::run::Inspection::trace).
    pub line: Option<usize>,
    /// At which machine, unless it concerns several.
    pub node: Option<NodeId>,
    /// In which incarnation of it.
    pub incarnation: u16,
    /// What kind of thing.
    pub kind: MomentKind,
    /// What, in words.
    pub text: String,
    /// The message that arrived or came to its end, by its place in [`Chronicle::messages`].
    pub message: Option<usize>,
    /// The choice by which it was late, or could have been.
    pub key: Option<Key>,
    /// The fault that struck, by its place among those that a seed draws and then those of the
    /// schedule.
    pub fault: Option<usize>,
    /// What led to it directly, by places in [`Chronicle::moments`]: all before its own.
    pub causes: Vec<usize>,
    /// What the machine did then, in words, but for what it sent.
    pub does: Vec<Deed>,
    /// What the machine held afterwards, by its place in [`Chronicle::states`].
    pub state: Option<usize>,
}

/// Something that a machine did, or that befell its disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What kind of thing.
    pub kind: DeedKind,
    /// What, in words.
    pub text: String,
}

/// What kind of thing a machine did.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeedKind {
    /// It set or stopped a timer.
    Timer,
    /// It wrote to its disk, or took back what was written.
    Write,
    /// It asked for a sync.
    Sync,
    /// It closed a connection, or ended.
    Leave,
}

/// What kind of thing happened.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MomentKind {
    /// A process started.
    Boot,
    /// A machine handled a message.
    Message,
    /// A timer fired.
    Timer,
    /// A sync ended.
    Sync,
    /// A machine learnt that a connection is gone.
    Notice,
    /// Bytes came from outside.
    Input,
    /// A message was lost on its way.
    Drop,
    /// A message was written where it leads nowhere: the connection is broken, or there is none.
    Void,
    /// A message came to nobody: its machine is down, or the connection was gone by then.
    Dead,
    /// A process died.
    Crash,
    /// A machine lost power.
    PowerCut,
    /// A process ended by itself.
    Exit,
    /// A machine went on after a pause.
    Resume,
    /// A fault struck.
    Fault,
    /// A fault was over.
    Lift,
    /// Every fault was over.
    Heal,
    /// The run was over.
    End,
}

/// The way of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Who sent it.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// The name of its kind.
    pub kind: &'static str,
    /// The message in words, as it was sent.
    pub text: String,
    /// The choice that decided its fate; none if it went nowhere.
    pub key: Option<Key>,
    /// The moment in which it was sent.
    pub sent: usize,
    /// The moment in which it arrived or was lost; none if it was still on its way at the end.
    pub ended: Option<usize>,
    /// What became of it.
    pub fate: PassageFate,
    /// How much later than its quiet time it was to arrive.
    pub late: Span,
    /// Whether it is the second of a message that was doubled.
    pub copy: bool,
    /// Whether a bit of it was flipped.
    pub corrupted: bool,
}

/// What became of a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum PassageFate {
    /// A machine handled it.
    Delivered,
    /// It was lost on its way.
    Lost,
    /// It was written where it leads nowhere.
    Void,
    /// It came to nobody.
    Dead,
    /// It was on its way, or waited at a paused machine, when the run ended.
    Waiting,
}

/// A fault that lasted for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// What it does.
    pub what: Trouble,
    /// The moment in which it struck.
    pub from: usize,
    /// The moment in which it was over; none if it lasted to the end.
    pub to: Option<usize>,
}

impl MomentKind {
    /// Whether a machine handled something then: an event, as runs count them.
    pub const fn is_event(self) -> bool {
        matches!(self, Self::Message | Self::Timer | Self::Sync | Self::Notice | Self::Input)
    }

    /// Its name.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Message => "message",
            Self::Timer => "timer",
            Self::Sync => "sync",
            Self::Notice => "notice",
            Self::Input => "input",
            Self::Drop => "drop",
            Self::Void => "void",
            Self::Dead => "dead",
            Self::Crash => "crash",
            Self::PowerCut => "power-cut",
            Self::Exit => "exit",
            Self::Resume => "resume",
            Self::Fault => "fault",
            Self::Lift => "lift",
            Self::Heal => "heal",
            Self::End => "end",
        }
    }
}

impl PassageFate {
    /// Its name.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Lost => "lost",
            Self::Void => "void",
            Self::Dead => "dead",
            Self::Waiting => "waiting",
        }
    }
}

impl Chronicle {
    /// The newest event of a machine among the first `events` of the run; none if they came to
    /// nobody.
    pub fn newest(&self, events: u64) -> Option<usize> {
        self.moments.iter().rposition(|it| it.kind.is_event() && it.events <= events)
    }

    /// The places of `moments` and of all that happened before any of them, in order.
    ///
    /// # Panics
    /// If there is no moment at such a place.
    pub fn past(&self, moments: &[usize]) -> Vec<usize> {
        let mut is_past = vec![false; self.moments.len()];
        let mut left: Vec<usize> = moments.to_vec();
        while let Some(place) = left.pop() {
            if !std::mem::replace(&mut is_past[place], true) {
                left.extend(&self.moments[place].causes);
            }
        }
        (0..is_past.len()).filter(|&place| is_past[place]).collect()
    }
}
