//! Any text as a history, one operation a line.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| postulate_fuzz::history::try_out(bytes));
