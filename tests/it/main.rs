//! The integration tests, in one binary.

mod canaries;
mod check;
#[cfg(feature = "cli")]
mod cli;
mod engine;
mod explore;
mod fake;
mod faults;
mod golden;
mod harness;
mod network;
mod pipe;
#[cfg(all(unix, feature = "cli"))]
mod readme;
mod tidy;
mod toy;
mod zoo;
