//! The integration tests: one binary.

#[cfg(feature = "cli")]
mod cli;
mod engine;
mod explore;
mod fake;
mod faults;
mod harness;
mod tidy;
mod toy;
