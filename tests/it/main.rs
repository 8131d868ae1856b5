//! The integration tests: one binary.

mod engine;
mod faults;
mod toy;
