//! Deterministic simulation and property testing for asynchronous message systems.

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
pub mod node;
pub mod profile;
pub mod report;
pub mod run;
pub mod schedule;
pub mod seed;
pub mod sim;
pub mod time;
