//! The integration tests, linked once.

mod explore;
mod fake;
mod tidy;
