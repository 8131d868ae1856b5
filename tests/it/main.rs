//! The integration tests, in one binary.

mod check;
mod engine;
mod faults;
mod toy;
