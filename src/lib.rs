//! Deterministic simulation and property testing for asynchronous message systems.
//!
//! Producers, links, brokers, consumers and databases run as state machines inside one
//! single-threaded simulator; seeded faults lose, delay, double and corrupt messages, crash
//! processes, cut power, pause machines, skew clocks and spoil disks; and checkers judge from the
//! recorded history whether the system kept its promises. One schedule costs microseconds, a
//! failing one is replayed from its seed, and also as a *quiet run plus the few decisions it took*.
//!
//! # From here
//!
//! - A service of one's own, from its first line to a bug that is found, understood and mended:
//!   [below](#from-nothing-to-a-mended-bug).
//! - Brokers, producers and consumers that are built in, as TOML files or in code, and machines of
//!   one's own beside them: [`scenario`]; what such a file may say: [`scenario::reference`].
//! - Sweeps as tests: [`harness`]. Properties of any schedule and any scenario, with `proptest`:
//!   `property`. Bugs to look at: [`zoo`].
//! - Failures made small: [`mod@shrink`], kept as files: [`regression`], explained:
//!   [`mod@explain`].
//!
#![doc = include_str!("tutorial.md")]
//!
//! # Words
//!
//! - **schedule**: everything that chance decides in one run, which is a function of the system and
//!   its schedule. A *seeded* schedule draws each choice from its seed; a *quiet* one makes the
//!   harmless choice everywhere, but for the *decisions* it lists.
//! - **history**: what clients saw, and which effects were committed, in order. It alone is judged.
//! - **invoke, ok, fail, info**: a send is invoked; then it is ok if it is known to have happened,
//!   fail if it is known not to have, info if nobody knows. No answer means info.
//! - **attempt**: one invocation of a send. A retry by the protocol is the same attempt, a retry by
//!   the application a new one.
//! - **session**: one life of a client's process. After a restart it is another session.
//! - **effect**: what a durable record means, such as a row in a table. The world reads it off the
//!   disk; no node can claim one.
//! - **sink**: where effects land, and within which they are counted: a table, a mailbox.
//! - **cut**: nothing passes between two sides of the network for a while, one way or both. A
//!   *partition* here is always a part of a log, never a cut network.
//! - **crash, power cut**: a crash loses what the process had in memory; a power cut also loses
//!   what the disk was not yet made to keep.
//! - **bite**: a fault meets something that it changes. One that never bites proves nothing.
//! - **settled, quiescent**: a run is settled when nothing is owed and no fault is left; it is
//!   quiescent when nothing but background work would go on.
//! - **specimen**: a published bug, planted in a scenario by changing one line.
//!
//! # Layers
//!
//! A module imports lower layers and its own subtree only; a test holds it to that.
//!
//! | layer | modules | what it holds |
//! |---|---|---|
//! | 0 | [`time`], [`clock`], [`id`], [`blob`], [`digest`], [`projection`], [`coverage`] | values |
//! | 0 | [`seed`], [`choice`], [`profile`], [`schedule`], [`journal`] | values |
//! | 1 | [`history`] | what happened, as clients saw it |
//! | 2 | [`check`] | promises and the checkers that fold a history into a verdict |
//! | 3 | [`node`] | the contract of a machine's program and of a system |
//! | 4 | [`sim`], [`model`] | the faulty world; brokers, producers, consumers |
//! | 5 | [`run`] | one run: system and schedule in, verdict out. Nothing above is generic |
//! | 6 | [`scenario`] | built-in systems from TOML or code |
//! | 7 | [`shrink`] | failures made small |
//! | 7 | [`regression`] | failures kept as files |
//! | 8 | [`explore`] | many runs, on several threads |
//! | 9 | [`explain`] | failures explained |
//! | 9 | [`zoo`] | planted bugs, measured and verified |
//! | 9 | [`matrix`] | which method keeps which promise under which faults |
//! | 10 | [`report`] | text and JSON |
//! | 11 | [`harness`], `cli` | `cargo test`, the command: they read clock and environment |
//! | 11 | `property` | schedules and scenarios as strategies of `proptest` |

pub mod blob;
pub mod check;
pub mod choice;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod coverage;
pub mod digest;
pub mod explain;
pub mod explore;
mod figures;
mod files;
pub mod harness;
pub mod history;
pub mod id;
pub mod journal;
pub mod matrix;
pub mod model;
pub mod node;
pub mod profile;
pub mod projection;
#[cfg(feature = "proptest")]
pub mod property;
pub mod regression;
pub mod report;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod seed;
pub mod shrink;
pub mod sim;
pub mod time;
pub mod zoo;

/// What a system of one's own is written with.
pub mod prelude {
    pub use crate::blob::{Blob, Blobs};
    pub use crate::check::{Handling, Promise, Replica};
    pub use crate::digest::{Digest, SetDigest};
    pub use crate::history::{Effect, Event};
    pub use crate::id::{
        FileId, GroupId, KnobId, MessageId, NodeId, PartitionId, Position, SinkId, SiteId, Ticket,
        TimerId,
    };
    pub use crate::journal::{Journals, Stored};
    pub use crate::node::{
        Context, DiskError, Machine, Message, Node, Planned, Record, Seat, System, Work,
    };
    pub use crate::profile::{Envelope, FaultClass, Knob, Link, Profile, Swarm, Transport};
    pub use crate::run::Subject;
    pub use crate::time::{Instant, Span};
}
