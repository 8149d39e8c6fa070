//! A packet that is decoded survives being encoded and decoded again.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chatroom::wire::fuzz_packet(data));
