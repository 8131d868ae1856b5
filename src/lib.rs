//! Deterministic simulation and property testing for asynchronous message systems.
//!
//! Producers, links, brokers, consumers and databases run as state machines inside one
//! single-threaded simulator; seeded faults lose, delay, double and corrupt messages, crash
//! processes, cut power, pause machines, skew clocks and spoil disks; and checkers judge from the
//! recorded history whether the system kept its promises. One schedule costs microseconds, a
//! failing one is replayed from its seed, and also as a *quiet run plus the few decisions it took*.
//!
//! # A system of your own
//!
//! A payer retries until the till says that it has booked; the till books each payment once,
//! because it looks at its own disk. Two programs, one system, one test:
//!
//! ```
//! use postulate::prelude::*;
//! use std::collections::BTreeSet;
//!
//! #[derive(Clone, Debug)] enum Wire { Pay(MessageId), Booked(MessageId) }
//! impl Message for Wire {
//!     fn kind(&self) -> u8 { matches!(self, Self::Booked(_)).into() }
//!     fn kind_name(kind: u8) -> &'static str { ["Pay", "Booked"][kind as usize] }
//!     fn fingerprint(&self, digest: &mut Digest) {
//!         let (Self::Pay(m) | Self::Booked(m)) = self;
//!         digest.word(self.kind().into()).word(m.word());
//!     }
//! }
//! type Ctx<'a> = Context<'a, Wire, MessageId>; // the till's disk holds the ids that it has booked
//!
//! #[derive(Debug)] struct Payer { plan: Vec<Planned>, next: usize }
//! impl Node for Payer {
//!     type Message = Wire; type Record = MessageId;
//!     fn start(&mut self, ctx: &mut Ctx) {
//!         let Some(&Planned { message, key, .. }) = self.plan.get(self.next) else { return };
//!         ctx.record(Event::invoke(message, key, 0));
//!         self.wake(TimerId(0), ctx);
//!     }
//!     fn wake(&mut self, retry: TimerId, ctx: &mut Ctx) {
//!         ctx.send(NodeId(0), Wire::Pay(self.plan[self.next].message));
//!         ctx.set_timer(retry, Span::millis(50), Work::Progress);
//!     }
//!     fn deliver(&mut self, _: NodeId, wire: Wire, ctx: &mut Ctx) {
//!         let Wire::Booked(message) = wire else { return };
//!         if self.plan.get(self.next).is_some_and(|open| open.message == message) {
//!             ctx.record(Event::acknowledged(message));
//!             ctx.cancel(TimerId(0));
//!             self.next += 1;
//!             self.start(ctx);
//!         }
//!     }
//!     fn fingerprint(&self, digest: &mut Digest) { digest.word(self.next as u64); }
//! }
//! #[derive(Debug)] struct Till { ids: BTreeSet<MessageId>, due: Vec<(Ticket, NodeId, MessageId)> }
//! impl Node for Till {
//!     type Message = Wire; type Record = MessageId;
//!     fn deliver(&mut self, payer: NodeId, wire: Wire, ctx: &mut Ctx) {
//!         let Wire::Pay(message) = wire else { return };
//!         if self.ids.insert(message) { ctx.append(FileId(0), message); }
//!         let ticket = ctx.sync(FileId(0)).expect("this disk does not write through");
//!         self.due.push((ticket, payer, message));
//!     }
//!     fn synced(&mut self, done: Ticket, _: Result<(), DiskError>, ctx: &mut Ctx) {
//!         for (_, payer, message) in self.due.extract_if(.., |due| due.0 == done) {
//!             ctx.send(payer, Wire::Booked(message));
//!         }
//!     }
//!     fn fingerprint(&self, digest: &mut Digest) {
//!         self.ids.iter().for_each(|message| _ = digest.word(message.word()));
//!     }
//! }
//!
//! struct Shop { machines: Vec<Machine>, promises: Vec<Promise>, profile: Profile }
//! impl System for Shop {
//!     type Node = Box<dyn Node<Message = Wire, Record = MessageId>>;
//!     fn name(&self) -> &str { "shop" }
//!     fn machines(&self) -> &[Machine] { &self.machines }
//!     fn promises(&self) -> &[Promise] { &self.promises }
//!     fn profile(&self) -> &Profile { &self.profile }
//!     fn boot(&self, seat: &Seat, disk: Journals<MessageId>) -> Self::Node {
//!         let ids = disk.intact(FileId(0)).copied().collect();
//!         match seat.id {
//!             NodeId(0) => Box::new(Till { ids, due: Vec::new() }),
//!             _ => Box::new(Payer { plan: seat.plan.to_vec(), next: 0 }),
//!         }
//!     }
//!     fn plan(&self, _: &[u64], plan: &mut Vec<Planned>) {
//!         plan.extend((0..10).map(|number| Planned::new(NodeId(1), number)));
//!     }
//!     fn effects(&self, &message: &MessageId, effects: &mut Vec<Effect>) {
//!         effects.push(Effect { message, sink: SinkId(0), payload: 0 });
//!     }
//! }
//!
//! let shop = Shop {
//!     machines: vec![Machine::new("till", "till"), Machine::new("payer", "payer")],
//!     promises: vec![Promise::ExactlyOnce { sinks: vec![SinkId(0)] }],
//!     profile: Profile::under([FaultClass::Loss, FaultClass::Crash, FaultClass::PowerCut]),
//! };
//! postulate::harness::Harness::new(shop).schedules(500).run();
//! ```
//!
//! A machine of one's own beside the built-in broker, its producers and consumers: see
//! [`scenario`].
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
//! | 7 | [`explore`] | many runs, on several threads |
//! | 8 | [`zoo`], [`report`] | planted bugs; text and JSON |
//! | 9 | [`harness`], `cli` | `cargo test`, the command: they read clock and environment |

pub mod blob;
pub mod check;
pub mod choice;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod coverage;
pub mod digest;
pub mod explore;
pub mod harness;
pub mod history;
pub mod id;
pub mod journal;
pub mod model;
pub mod node;
pub mod profile;
pub mod projection;
pub mod report;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod seed;
pub mod sim;
pub mod time;
pub mod zoo;

/// What a system of one's own is written with.
pub mod prelude {
    pub use crate::blob::{Blob, Blobs};
    pub use crate::check::{Promise, Replica};
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
