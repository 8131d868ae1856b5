//! The integration tests, in one binary.

mod check;
#[cfg(feature = "cli")]
mod cli;
mod engine;
mod explore;
mod fake;
mod faults;
mod harness;
mod network;
mod tidy;
mod toy;
