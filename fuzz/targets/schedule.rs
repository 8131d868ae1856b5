//! Any bytes as a schedule of a scenario that keeps its promises.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| postulate_fuzz::schedule::try_out(bytes));
