//! The simulator: one thread, virtual time, faults.
//!
//! The [`World`] routes. Queue, timers, network, connections, disks and faults each own their state
//! and return values; none of them knows a protocol, and none of them knows the world.

mod actions;
mod aftermath;
mod chronicle;
mod connections;
mod disk;
mod faults;
mod ledger;
mod machine;
mod network;
mod noting;
mod novelty;
mod observe;
mod occasions;
mod queue;
mod race;
mod redraw;
mod settle;
mod spoil;
mod strike;
mod swarm;
mod tell;
mod timers;
mod world;

pub use chronicle::{Band, Chronicle, Deed, DeedKind, Moment, MomentKind, Passage, PassageFate};
pub use observe::{Pulse, Stats, TraceEvent};
pub(crate) use tell::{tell_decision, tell_fault, tell_key};
pub use world::World;
