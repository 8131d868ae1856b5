//! Any bytes as the requests of a stranger to a broker.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| postulate_fuzz::connection::try_out(bytes));
