//! A room keeps its invariants whatever it is asked.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chatroom::room::fuzz_commands(data));
