//! Any bytes as frames: read, and sent to a machine.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| postulate_fuzz::request::try_out(bytes));
