//! Any text as a failure file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| postulate_fuzz::failure::try_out(bytes));
