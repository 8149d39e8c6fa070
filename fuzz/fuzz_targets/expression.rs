//! A tag expression is read or refused, and means the same however those it means are found.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chatroom::room::fuzz_expression(data));
