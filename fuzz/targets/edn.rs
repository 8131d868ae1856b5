//! Any text as a history that Jepsen has recorded.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| postulate_fuzz::edn::try_out(bytes));
