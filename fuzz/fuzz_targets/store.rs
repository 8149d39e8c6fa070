//! A stored record that is damaged is refused, never believed.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chatroom::server::logbook::fuzz_entry(data));
