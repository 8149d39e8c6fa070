//! What the fuzzers start from, and what they have found, goes through the same functions in a plain test run.
//!
//! `CHATROOM_BLESS=1 cargo test --test wire corpus` writes the golden frames to fuzz/corpus, where the fuzzers look.

use std::fs;

use crate::wire_files::{blessing, golden, path};
use chatroom::wire::{fuzz_frames, fuzz_packet};

#[test]
fn golden_frames_hold_what_the_fuzzers_check() {
    let golden = golden();
    for (name, bytes) in &golden {
        for target in ["frames", "packet"].into_iter().filter(|_| blessing()) {
            let folder = path("fuzz/corpus").join(target);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(name), bytes).unwrap();
        }
        fuzz_frames(bytes);
        fuzz_packet(bytes);
        for cut in 0..bytes.len() {
            fuzz_frames(&bytes[..cut]);
            fuzz_packet(&bytes[..cut]);
        }
    }
    let stream: Vec<u8> = golden.into_values().flatten().collect();
    fuzz_frames(&stream);
}

#[test]
fn damaged_bodies_are_refused_or_survive_the_wire() {
    for bytes in golden().into_values() {
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[place] ^= 1 << bit;
                fuzz_packet(&bytes);
            }
        }
    }
}

#[test]
fn what_the_fuzzers_found_stays_mended() {
    let check = |target: &str, run: fn(&[u8])| {
        for folder in ["corpus", "artifacts"] {
            let Ok(files) = fs::read_dir(path("fuzz").join(folder).join(target)) else { continue };
            for file in files {
                run(&fs::read(file.unwrap().path()).unwrap());
            }
        }
    };
    check("frames", fuzz_frames);
    check("packet", fuzz_packet);
    check("room", chatroom::room::fuzz_commands);
    check("store", chatroom::server::logbook::fuzz_entry);
    check("expression", chatroom::room::fuzz_expression);
}
