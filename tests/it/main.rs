//! The integration tests, in one binary.

mod bugs;
#[cfg(feature = "proptest")]
mod bytes;
mod canaries;
mod check;
mod chronicle;
#[cfg(feature = "cli")]
mod cli;
mod consumers;
mod durability;
mod engine;
mod exhaustive;
mod explained;
mod explanations;
mod explore;
mod fake;
mod faults;
#[cfg(feature = "proptest")]
mod formats;
mod frames;
mod golden;
mod harness;
#[cfg(feature = "cli")]
mod histories;
mod hostile;
#[cfg(feature = "cli")]
mod jepsen;
#[cfg(feature = "cli")]
mod junit;
mod logs;
#[cfg(feature = "cli")]
mod malformed;
mod matrix;
mod million;
mod network;
mod novelty;
mod pages;
mod pipe;
#[cfg(feature = "proptest")]
mod properties;
#[cfg(all(unix, feature = "cli"))]
mod readme;
mod reference;
mod regression;
mod remote;
mod sagas;
#[cfg(all(unix, feature = "cli"))]
mod seeds;
mod service;
mod settled;
mod shrink;
mod spool;
mod tidy;
mod toy;
mod tutorial;
mod witnesses;
mod workers;
mod zoo;
