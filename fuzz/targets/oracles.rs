//! The checkers against the definitions of their rules, on small histories.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| postulate_fuzz::oracles::try_out(bytes));
