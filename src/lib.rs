//! Deterministic simulation and property testing for asynchronous message systems.
//!
//! Producers, links, brokers, consumers and databases run as state machines inside one single-threaded
//! simulator; seeded faults lose, delay, double and corrupt messages, crash processes, cut power, pause
//! machines, skew clocks and spoil disks; and checkers judge from the recorded history whether the system
//! kept its promises. One schedule costs microseconds, a failing one is replayed from its seed, and also
//! as a *quiet run plus the few decisions it took*.
//!
//! # A system of your own
//!
//! A payer retries until the till says that it has booked; the till books each payment once, because it
//! looks at its own disk. Two programs, one system, one test:
//!
//! ```
//! use postulate::prelude::*;
//! use std::{collections::BTreeSet, sync::Arc};
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
//!     type Message = Wire;
//!     type Record = MessageId;
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
//! #[derive(Debug)] struct Till { booked: BTreeSet<MessageId>, waiting: Vec<(Ticket, NodeId, MessageId)> }
//! impl Node for Till {
//!     type Message = Wire;
//!     type Record = MessageId;
//!     fn deliver(&mut self, payer: NodeId, wire: Wire, ctx: &mut Ctx) {
//!         let Wire::Pay(message) = wire else { return };
//!         if self.booked.insert(message) { ctx.append(FileId(0), message); }
//!         let ticket = ctx.sync(FileId(0)).expect("this disk does not write through");
//!         self.waiting.push((ticket, payer, message));
//!     }
//!     fn synced(&mut self, done: Ticket, _: Result<(), DiskError>, ctx: &mut Ctx) {
//!         for (_, payer, message) in self.waiting.extract_if(.., |waiting| waiting.0 == done) {
//!             ctx.send(payer, Wire::Booked(message));
//!         }
//!     }
//!     fn fingerprint(&self, digest: &mut Digest) {
//!         self.booked.iter().for_each(|message| _ = digest.word(message.word()));
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
//!         let booked = disk.intact(FileId(0)).copied().collect();
//!         match seat.id {
//!             NodeId(0) => Box::new(Till { booked, waiting: Vec::new() }),
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
//! postulate::harness::Harness::new(Arc::new(shop)).schedules(500).run();
//! ```

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
