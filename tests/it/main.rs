//! The integration tests: one binary.

mod engine;
mod explore;
mod fake;
mod faults;
mod harness;
mod tidy;
mod toy;
