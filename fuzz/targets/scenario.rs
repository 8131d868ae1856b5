//! Any text as a scenario file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| postulate_fuzz::scenario::try_out(bytes));
