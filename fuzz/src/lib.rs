//! What the fuzz targets do with their bytes.
//!
//! Each target is a function of bytes that panics if they show a mistake of `postulate`. The
//! programs in `targets` hand them what libFuzzer makes up.

pub mod connection;
pub mod edn;
pub mod failure;
pub mod history;
pub mod oracles;
pub mod request;
pub mod scenario;
pub mod schedule;
mod stage;
