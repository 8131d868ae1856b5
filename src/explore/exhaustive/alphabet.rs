//! What may happen at an opening of a run: finitely many steps, each of a class of the envelope.

use super::super::stake;
use crate::choice::{Actor, Choice, Flips, Key, Opening, Site};
use crate::id::{FileId, NodeId};
use crate::profile::{Envelope, FaultClass, Profile, Swarm, Transport};
use crate::run::{Probe, Subject};
use crate::schedule::{Fault, Part, Schedule, Trigger, Trouble};
use crate::seed::Ratio;
use crate::time::{Instant, Span};
use std::collections::BTreeSet;

/// The most actions after which a crash falls.
const ACTIONS_MAX: u32 = 4;

/// How far monotonic clocks drift, in parts per million.
const DRIFT: i64 = 50_000;

/// The bits of frames that are flipped: of the version, so that every reader refuses the frame, and
/// of the values that most messages begin with.
const FRAME_BITS: [u32; 5] = [32, 80, 88, 96, 104];

/// How far wall clocks are off or step, in nanoseconds: ten minutes.
const OFFSET: i64 = 600_000_000_000;

/// A fault or a decision: what distinguishes a schedule from one that lacks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A timed fault.
    Fault(Fault),
    /// A choice that is not the quiet one.
    Decision(Key, Choice),
}

impl Step {
    /// Adds itself to a schedule.
    pub(in crate::explore) fn join(self, schedule: &mut Schedule) {
        match self {
            Self::Fault(fault) => schedule.faults.push(fault),
            Self::Decision(key, choice) => {
                schedule.decisions.insert(key, choice);
            }
        }
    }
}

macro_rules! letters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// A kind of step.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Letter { $($(#[$doc])* $name),* }

        impl Letter {
            /// Every kind, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

letters! {
    /// A message is lost.
    Loss,
    /// A message is late.
    Delay,
    /// A datagram arrives twice.
    Duplicate,
    /// A message arrives with a bit flipped.
    Corrupt,
    /// A broken connection delivers nothing more.
    Break,
    /// An end of a gone connection learns of it late.
    Notice,
    /// A timer is late.
    TimerLate,
    /// A sync takes long.
    SlowSync,
    /// A sync fails.
    FailedSync,
    /// A sync lies.
    LyingSync,
    /// An append never reaches the disk.
    LostWrite,
    /// An append lands on the record before.
    MisdirectedWrite,
    /// A power cut undoes operations of a file.
    Undo,
    /// A power cut tears the last record of a file.
    Tear,
    /// A crash falls some actions later.
    CrashPoint,
    /// A choice of a machine's own takes another alternative.
    Choice,
    /// A knob has another value.
    Knob,
    /// A monotonic clock drifts.
    Drift,
    /// A wall clock is off from the start.
    Offset,
    /// A process dies.
    Crash,
    /// A machine loses power; by itself it undoes nothing.
    PowerCut,
    /// A machine stands still.
    Pause,
    /// The connections of a machine break.
    Disconnect,
    /// A link is cut one way.
    Cut,
    /// A link holds what is sent.
    Hold,
    /// A link is slow.
    Grey,
    /// A wall clock steps.
    ClockStep,
    /// A disk is full.
    FullDisk,
    /// The newest durable record of a file goes bad.
    BitRot,
}

/// The steps that a search tries, given where they can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alphabet {
    faults: Envelope,
    streams: bool,
    framed: bool,
    knobs: bool,
    /// A latency, a round trip, several of these, and longer than the longest timeout.
    latency: Span,
    round_trip: Span,
    several: Span,
    long: Span,
    sync_late: Span,
    machines: Vec<NodeId>,
    /// Where the quiet run sends and appends.
    links: BTreeSet<(NodeId, NodeId)>,
    files: BTreeSet<(NodeId, FileId)>,
}

impl Alphabet {
    /// The alphabet of a subject of which `base` leaves something out, given the run of that, if
    /// it ends.
    pub fn of(subject: &dyn Subject, base: &Schedule, quiet: Option<&Probe>) -> Self {
        let profile: &Profile = subject.profile();
        let machines = (0..subject.machines().len()).map(|number| NodeId(number as u16));
        let latency = profile.link.latency.max(Span::nanos_of(1));
        let round_trip = latency.times(2);
        let several = latency.times(16);
        let timeout = quiet.map_or(Span::ZERO, |quiet| quiet.longest_timeout);
        let (mut links, mut files) = (BTreeSet::new(), BTreeSet::new());
        for opening in quiet.iter().flat_map(|quiet| &quiet.openings) {
            let Opening::Asked { key, .. } = opening else { continue };
            match (key.site(), key.actor()) {
                (Site::Message, Actor::Link(from, to)) => {
                    links.insert((from, to));
                }
                (Site::Append, Actor::Node(node, _)) => {
                    files.insert((node, FileId(key.kind())));
                }
                _ => {}
            }
        }
        Self {
            faults: stake::faults(profile),
            streams: profile.transport == Transport::Stream,
            framed: profile.framing.is_some(),
            knobs: profile.swarm == Swarm::On,
            latency,
            round_trip,
            several,
            long: (timeout + round_trip).max(several + round_trip),
            sync_late: profile.disk.sync.max(latency).times(16),
            machines: machines.filter(|&node| !base.omit.contains(&Part::Machine(node))).collect(),
            links,
            files,
        }
    }

    /// What may happen at an opening, in an order of its own.
    pub fn steps_at(&self, opening: &Opening) -> Vec<(Letter, Step)> {
        let mut steps = Vec::new();
        match *opening {
            Opening::Asked { key, among } => {
                self.choices(key, among, &mut |letter, choice| {
                    steps.push((letter, Step::Decision(key, choice)));
                });
            }
            Opening::Start => {
                let when = Trigger::At(Instant::START);
                for &node in &self.machines {
                    self.troubles(node, &mut |letter, what| {
                        steps.push((letter, Step::Fault(Fault { when, what })));
                    });
                }
            }
            Opening::Handled { node, events } => {
                let when = Trigger::After { node, events };
                self.troubles(node, &mut |letter, what| {
                    steps.push((letter, Step::Fault(Fault { when, what })));
                });
            }
        }
        steps
    }

    fn corruptions(&self) -> Vec<Choice> {
        let late = Span::ZERO;
        if !self.framed {
            return vec![Choice::Corrupted { bit: 0, late }];
        }
        FRAME_BITS.map(|bit| Choice::Garbled { bits: Flips::one(bit), late }).to_vec()
    }

    fn choices(&self, key: Key, among: Option<u64>, take: &mut dyn FnMut(Letter, Choice)) {
        use FaultClass as Class;
        let mut of = |class, letter, choices: &[Choice]| {
            if self.faults.has(class) {
                for &choice in choices {
                    take(letter, choice);
                }
            }
        };
        let [late, several, long] = [self.round_trip, self.several, self.long].map(Choice::Late);
        let zero = Span::ZERO;
        match key.site() {
            Site::Message => {
                of(Class::Loss, Letter::Loss, &[Choice::Lost]);
                of(Class::Delay, Letter::Delay, &[late, several, long]);
                of(Class::Corrupt, Letter::Corrupt, &self.corruptions());
                if !self.streams {
                    let twice = |again| Choice::Twice { late: zero, again };
                    let twice = [twice(self.round_trip), twice(self.several)];
                    of(Class::Duplicate, Letter::Duplicate, &twice);
                }
            }
            Site::Timer => of(Class::TimerLate, Letter::TimerLate, &[several, long]),
            Site::Sync => {
                of(Class::SlowSync, Letter::SlowSync, &[Choice::Late(self.sync_late), long]);
                of(Class::FailedSync, Letter::FailedSync, &[Choice::Failed(zero)]);
                of(Class::LyingSync, Letter::LyingSync, &[Choice::Lied(zero)]);
            }
            Site::Append => {
                of(Class::LostWrite, Letter::LostWrite, &[Choice::Missed]);
                let misdirected = [Choice::Misdirected(1)];
                of(Class::MisdirectedWrite, Letter::MisdirectedWrite, &misdirected);
            }
            Site::Tear => of(Class::TornWrite, Letter::Tear, &[Choice::Torn]),
            Site::Drift => {
                let skews = [DRIFT, -DRIFT].map(Choice::Skew);
                of(Class::ClockDrift, Letter::Drift, &skews);
            }
            Site::Offset => {
                let skews = [OFFSET, -OFFSET].map(Choice::Skew);
                of(Class::ClockStep, Letter::Offset, &skews);
            }
            Site::Break => take(Letter::Break, Choice::OnlyWithin(zero)),
            Site::Notice => {
                take(Letter::Notice, several);
                take(Letter::Notice, long);
            }
            Site::PowerCut => {
                let most = among.unwrap_or(0).saturating_sub(1);
                for undone in distinct([1, most], most) {
                    take(Letter::Undo, Choice::Undone(undone as u32));
                }
            }
            Site::CrashPoint => (1..=ACTIONS_MAX)
                .for_each(|actions| take(Letter::CrashPoint, Choice::AfterAction(actions))),
            Site::Node => {
                let most = among.unwrap_or(0).saturating_sub(1);
                for value in distinct([1, most.div_ceil(2), most], most) {
                    take(Letter::Choice, Choice::Value(value));
                }
            }
            Site::Knob if self.knobs => {
                (1..among.unwrap_or(0)).for_each(|value| take(Letter::Knob, Choice::Value(value)));
            }
            Site::Knob => {}
        }
    }

    fn troubles(&self, node: NodeId, take: &mut dyn FnMut(Letter, Trouble)) {
        use FaultClass as Class;
        let has = |class| self.faults.has(class);
        let Self { latency, several, long, .. } = *self;
        if has(Class::Crash) || has(Class::RollingRestart) {
            take(Letter::Crash, Trouble::Crash { node, down: latency });
            take(Letter::Crash, Trouble::Crash { node, down: long });
        }
        if has(Class::PowerCut) {
            take(Letter::PowerCut, Trouble::PowerCut { node, down: latency });
            take(Letter::PowerCut, Trouble::PowerCut { node, down: long });
        }
        if has(Class::Pause) {
            take(Letter::Pause, Trouble::Pause { node, lasting: several });
        }
        if has(Class::Pause) || has(Class::Zombie) {
            take(Letter::Pause, Trouble::Pause { node, lasting: long });
        }
        if self.streams && (has(Class::Disconnect) || has(Class::RedeliveryStorm)) {
            take(Letter::Disconnect, Trouble::Disconnect { node });
        }
        if has(Class::ClockStep) {
            take(Letter::ClockStep, Trouble::ClockStep { node, by: OFFSET });
            take(Letter::ClockStep, Trouble::ClockStep { node, by: -OFFSET });
        }
        let mut files = self.files.range((node, FileId(0))..=(node, FileId(u8::MAX))).peekable();
        if has(Class::FullDisk) && files.peek().is_some() {
            take(Letter::FullDisk, Trouble::FullDisk { node, lasting: long });
        }
        if has(Class::BitRot) {
            files.for_each(|&(_, file)| {
                take(Letter::BitRot, Trouble::BitRot { node, file, back: 0 });
            });
        }
        for &(from, to) in self.links.range((node, NodeId(0))..=(node, NodeId(u16::MAX))) {
            self.link_troubles(from, to, take);
        }
    }

    fn link_troubles(&self, from: NodeId, to: NodeId, take: &mut dyn FnMut(Letter, Trouble)) {
        use FaultClass as Class;
        let has = |class| self.faults.has(class);
        for lasting in [self.several, self.long] {
            if has(Class::Cut) || has(Class::SwizzleClog) {
                take(Letter::Cut, Trouble::Cut { from: vec![from], to: vec![to], lasting });
            }
            if has(Class::Hold) {
                take(Letter::Hold, Trouble::Hold { from, to, lasting });
            }
        }
        if has(Class::GreyLink) {
            let (slower, lasting) = (self.several, self.long);
            let (loss, duplicate) = (Ratio::NEVER, Ratio::NEVER);
            let grey = Trouble::Grey { from, to, slower, loss, duplicate, lasting };
            take(Letter::Grey, grey);
        }
    }

    /// A kind of step in words, with the values that are tried.
    pub fn tell(&self, letter: Letter) -> String {
        let Self { latency, round_trip, several, long, sync_late, .. } = self;
        let after = "at the start and after each event of";
        match letter {
            Letter::Loss => "a message is lost".to_owned(),
            Letter::Delay => format!("a message is {round_trip}, {several} or {long} late"),
            Letter::Duplicate => format!("a message comes again {round_trip} or {several} later"),
            Letter::Corrupt => "the first bit of a message is flipped".to_owned(),
            Letter::Break => "a broken connection delivers nothing of what is in flight".to_owned(),
            Letter::Notice => {
                format!("the notice of a gone connection is {several} or {long} late")
            }
            Letter::TimerLate => format!("a timer is {several} or {long} late"),
            Letter::SlowSync => format!("a sync is {sync_late} or {long} late"),
            Letter::FailedSync => "a sync fails".to_owned(),
            Letter::LyingSync => "a sync lies".to_owned(),
            Letter::LostWrite => "an append never reaches the disk".to_owned(),
            Letter::MisdirectedWrite => "an append lands on the record before".to_owned(),
            Letter::Undo => "a power cut undoes one operation of a file, or all".to_owned(),
            Letter::Tear => "a power cut tears the last record of a file".to_owned(),
            Letter::CrashPoint => {
                format!("a crash or power cut falls 1 to {ACTIONS_MAX} actions later")
            }
            Letter::Choice => {
                "a choice of a machine's own takes its second, middle or last alternative".into()
            }
            Letter::Knob => "a knob has another of its values".to_owned(),
            Letter::Drift => format!("a monotonic clock drifts by {DRIFT} or -{DRIFT} ppm"),
            Letter::Offset => "a wall clock is ten minutes ahead or behind".to_owned(),
            Letter::Crash => format!("{after} a machine: crash, down {latency} or {long}"),
            Letter::PowerCut => format!("{after} a machine: power cut, down {latency} or {long}"),
            Letter::Pause => {
                let short = if self.faults.has(FaultClass::Pause) {
                    format!("{several} or ")
                } else {
                    String::new()
                };
                format!("{after} a machine: pause for {short}{long}")
            }
            Letter::Disconnect => format!("{after} a machine: its connections break"),
            Letter::Cut => format!("{after} a sender: its link is cut for {several} or {long}"),
            Letter::Hold => format!("{after} a sender: its link holds for {several} or {long}"),
            Letter::Grey => format!("{after} a sender: its link is {several} slower for {long}"),
            Letter::ClockStep => {
                format!("{after} a machine: its wall clock steps ten minutes on or back")
            }
            Letter::FullDisk => format!("{after} a machine: its disk is full for {long}"),
            Letter::BitRot => {
                format!("{after} a machine: the newest durable record of a file goes bad")
            }
        }
    }
}

/// Those of `values`, which ascend, that are from 1 to `most`, each once.
fn distinct<const N: usize>(values: [u64; N], most: u64) -> Vec<u64> {
    let mut values = values.to_vec();
    values.retain(|value| (1..=most).contains(value));
    values.dedup();
    values
}
