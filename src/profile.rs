//! What a system's surroundings are like, and the faults its promises are made under.

use crate::id::NodeId;
use crate::seed::Ratio;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! fault_classes {
    ($($(#[$doc:meta])* $name:ident = $slug:literal),* $(,)?) => {
        /// A kind of fault: what an envelope is made of and what coverage counts.
        #[derive(
            Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(rename_all = "kebab-case")]
        #[repr(u8)]
        pub enum FaultClass { $($(#[$doc])* $name),* }

        impl FaultClass {
            /// Every class, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name used in scenarios and reports.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug),* }
            }
        }
    };
}

fault_classes! {
    /// A message is lost. On a stream this breaks the connection.
    Loss = "loss",
    /// A datagram arrives twice.
    Duplicate = "duplicate",
    /// A message arrives late; datagrams overtake one another.
    Delay = "delay",
    /// A message arrives with a flipped bit.
    Corrupt = "corrupt",
    /// A machine's connections break.
    Disconnect = "disconnect",
    /// Nothing passes between two sides for a while, one way or both.
    Cut = "cut",
    /// A link holds what is sent for a while and then releases it.
    Hold = "hold",
    /// A link is slow and lossy for a while.
    GreyLink = "grey-link",
    /// Links are cut one after another and healed in another order.
    SwizzleClog = "swizzle-clog",
    /// Duplicates and broken connections come thick for a while.
    RedeliveryStorm = "redelivery-storm",
    /// A process dies; what its operating system cached survives.
    Crash = "crash",
    /// A machine loses power; unsynced operations may be undone.
    PowerCut = "power-cut",
    /// A machine handles nothing for a while, then goes on as if nothing happened.
    Pause = "pause",
    /// A machine is paused past the largest timeout seen, then resumes.
    Zombie = "zombie",
    /// All machines restart, one after another.
    RollingRestart = "rolling-restart",
    /// A monotonic clock runs fast or slow.
    ClockDrift = "clock-drift",
    /// A wall clock is off, and steps.
    ClockStep = "clock-step",
    /// Timers fire late.
    TimerLate = "timer-late",
    /// Syncs take long.
    SlowSync = "slow-sync",
    /// Syncs fail, and what they covered is never written.
    FailedSync = "failed-sync",
    /// Syncs report success and write nothing.
    LyingSync = "lying-sync",
    /// A disk is full for a while: syncs of what was appended meanwhile fail.
    FullDisk = "full-disk",
    /// The last record that survives a power cut is half written.
    TornWrite = "torn-write",
    /// A record at rest goes bad.
    BitRot = "bit-rot",
    /// An append never reaches the disk.
    LostWrite = "lost-write",
    /// An append lands on another record.
    MisdirectedWrite = "misdirected-write",
}

impl fmt::Display for FaultClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// A set of fault classes: those under which a promise is made.
#[derive(Copy, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<FaultClass>", into = "Vec<FaultClass>")]
pub struct Envelope(u32);

impl Envelope {
    /// No fault at all.
    pub const CALM: Self = Self(0);

    /// Whether `class` is in the envelope.
    #[inline]
    pub const fn has(self, class: FaultClass) -> bool {
        self.0 >> class as u32 & 1 == 1
    }

    /// The envelope and `class`.
    pub const fn with(self, class: FaultClass) -> Self {
        Self(self.0 | 1 << class as u32)
    }

    /// The envelope without `class`.
    pub const fn without(self, class: FaultClass) -> Self {
        Self(self.0 & !(1 << class as u32))
    }

    /// The classes in it, in order.
    pub fn classes(self) -> impl Iterator<Item = FaultClass> {
        FaultClass::ALL.iter().copied().filter(move |&class| self.has(class))
    }
}

impl FromIterator<FaultClass> for Envelope {
    fn from_iter<I: IntoIterator<Item = FaultClass>>(classes: I) -> Self {
        classes.into_iter().fold(Self::CALM, Self::with)
    }
}

impl From<Vec<FaultClass>> for Envelope {
    fn from(classes: Vec<FaultClass>) -> Self {
        classes.into_iter().collect()
    }
}

impl From<Envelope> for Vec<FaultClass> {
    fn from(envelope: Envelope) -> Self {
        envelope.classes().collect()
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.classes()).finish()
    }
}

/// How messages travel.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Connections: in order within one, in no order across them; loss breaks them.
    #[default]
    Stream,
    /// Every message by itself: reordered, duplicated, lost.
    Datagram,
}

/// What a receiver does with the checksum of the frame in which a message comes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// It compares it, and refuses the frame if it is wrong.
    #[default]
    Checked,
    /// It does not look at it: a frame that can be read is taken as it comes.
    Unchecked,
}

/// What a link is like when no fault is drawn on it.
///
/// The least latency is the quiet one; a seeded run adds up to `jitter` to each message and draws
/// the ratios, or, under swarm, draws rates of its own for the classes of the envelope.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The least latency.
    pub latency: Span,
    /// The most that is added to it.
    pub jitter: Span,
    /// Messages lost.
    pub loss: Ratio,
    /// Datagrams doubled.
    pub duplicate: Ratio,
    /// Messages with a flipped bit.
    pub corrupt: Ratio,
    /// Bytes a second, if it is bounded.
    pub bandwidth: Option<u64>,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            latency: Span::millis(1),
            jitter: Span::millis(9),
            loss: Ratio::NEVER,
            duplicate: Ratio::NEVER,
            corrupt: Ratio::NEVER,
            bandwidth: None,
        }
    }
}

/// A link that differs from the profile's default.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LinkRule {
    /// From this machine, or from any.
    pub from: Option<NodeId>,
    /// To this machine, or to any.
    pub to: Option<NodeId>,
    /// What the link is like. Later rules win.
    pub link: Link,
}

/// What disks are like when no fault is drawn on them.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct DiskProfile {
    /// Whether an append is durable at once, so that nothing needs a sync. Such a disk knows only
    /// faults of data at rest: lost and misdirected writes and bit rot.
    pub write_through: bool,
    /// The least time a sync takes.
    pub sync: Span,
    /// The most that is added to it.
    pub jitter: Span,
}

impl Default for DiskProfile {
    fn default() -> Self {
        Self { write_through: false, sync: Span::micros(200), jitter: Span::micros(800) }
    }
}

/// Whether each seed draws its own faults and rates.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Swarm {
    /// Each class of the envelope is off with probability one half, otherwise at a log-uniform
    /// rate.
    #[default]
    On,
    /// The stated rates of links and disks, and no other fault.
    Off,
}

/// The most that a timer is late by if a seed makes it late.
pub(crate) const TIMER_LATE_MAX: Span = Span::millis(200);

/// The most that the notice of a gone connection is late by if a seed makes it late, in latencies.
pub(crate) const NOTICE_LATENCIES_MAX: u64 = 256;

/// The most that a seed lets monotonic clocks drift, in parts per million.
pub(crate) const DRAWN_DRIFT_MAX: u64 = 50_000;

/// The most that a seed sets wall clocks off or lets them step, in nanoseconds: ten minutes.
pub(crate) const DRAWN_OFFSET_MAX: u64 = 600_000_000_000;

/// A system's surroundings: network, disks, faults, and when a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// How messages travel.
    pub transport: Transport,
    /// What links are like.
    pub link: Link,
    /// Links that differ.
    pub links: Vec<LinkRule>,
    /// Whether messages that go bad do so as bytes, in frames: the fault flips bits of the frame,
    /// and the receiver reads what it can. Otherwise it flips a bit of a body.
    pub framing: Option<Framing>,
    /// What disks are like.
    pub disk: DiskProfile,
    /// The tick of monotonic clocks; a coarser one makes short times equal.
    pub clock_tick: Span,
    /// Whether seeds draw their own faults.
    pub swarm: Swarm,
    /// The faults that the system's promises are made under.
    pub envelope: Envelope,
    /// When every fault stops at the latest.
    pub heal_at: Span,
    /// How long after the heal, or after what is owed last fell, a busy run is a livelock.
    pub patience: Span,
    /// How long a run goes on at least after nothing is owed and no fault is left: longer if timers
    /// run longer, so that replicas can catch up, and not at all if it is zero.
    pub drain: Span,
    /// Events after which a run is given up as unknown.
    pub events_max: u64,
    /// Virtual time after which a run is given up as unknown.
    pub time_max: Span,
}

impl Profile {
    /// The default surroundings, with faults of these classes.
    pub fn under(classes: impl IntoIterator<Item = FaultClass>) -> Self {
        Self { envelope: classes.into_iter().collect(), ..Self::default() }
    }

    /// The most that a message is late by if a seed delays it.
    pub(crate) fn delay_max(&self) -> Span {
        self.link.jitter.max(self.link.latency).times(64)
    }

    /// The most that a seed adds to the latency of a link.
    pub(crate) fn slower_max(&self) -> Span {
        Span::nanos_of(self.heal_at.nanos() / 8)
    }

    /// The most that a sync is late by if a seed makes it slow.
    pub(crate) fn sync_late_max(&self) -> Span {
        self.disk.sync.times(1_024)
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            transport: Transport::default(),
            link: Link::default(),
            links: Vec::new(),
            framing: None,
            disk: DiskProfile::default(),
            clock_tick: Span::nanos_of(1),
            swarm: Swarm::default(),
            envelope: Envelope::CALM,
            heal_at: Span::secs(2),
            patience: Span::secs(20),
            drain: Span::millis(500),
            events_max: 1_000_000,
            time_max: Span::secs(600),
        }
    }
}

/// A size, a timeout or another number of a system that a seeded run may set otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knob {
    /// The name under which failures print it.
    pub name: &'static str,
    /// What its values are.
    pub unit: Unit,
    /// The stated value first; a seeded run under swarm draws one of all.
    pub values: Vec<u64>,
}

/// What the values of a knob are.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Plain numbers.
    Number,
    /// Lengths of time in nanoseconds.
    Nanoseconds,
}

impl Knob {
    /// A value of the knob as a person would write it.
    pub fn tell(&self, value: u64) -> String {
        match self.unit {
            Unit::Number => value.to_string(),
            Unit::Nanoseconds => Span::nanos_of(value).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_the_serialised_names_and_fit_the_set() {
        assert!(FaultClass::ALL.len() <= 32);
        for &class in FaultClass::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.slug());
            assert!(Envelope::CALM.with(class).has(class));
            assert!(!Envelope::CALM.with(class).without(class).has(class));
        }
    }
}
