//! The integration tests, linked once.

mod explore;
mod fake;
mod harness;
mod tidy;
