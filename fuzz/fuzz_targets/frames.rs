//! A stream of frames means the same wherever it is cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chatroom::wire::fuzz_frames(data));
