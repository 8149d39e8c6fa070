//! Simulated worlds: a seed is a whole life, the same in every process, and what it finds stays mended.
#![cfg(feature = "sim")]

use std::process::Command;

use chatroom::sim::run;

fn digest(seed: u64) -> String {
    let seed = seed.to_string();
    let program = env!("CARGO_BIN_EXE_chatroom-sim");
    let output = Command::new(program).args(["--seed", &seed, "--steps", "300", "--digest"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find(|line| line.contains("digest")).expect("a digest is printed").to_owned()
}

#[test]
fn a_seed_is_the_same_in_every_process() {
    for seed in [3, 8, 21] {
        let (one, other) = (digest(seed), digest(seed));
        assert_eq!(one, other);
    }
    assert_ne!(digest(4), digest(5));
}

#[test]
fn a_trace_is_the_same_line_for_line() {
    let trace = || run(11, 200, true).trace;
    let (one, other) = (trace(), trace());
    let parts = one.iter().zip(&other).find(|(one, other)| one != other);
    assert_eq!(parts, None);
    assert_eq!(one.len(), other.len());
}

/// Seeds and steps that have found bugs, each of them mended; `docs/simulation.md` says which.
const FOUND: [(u64, u64); 6] = [(1, 300), (13, 300), (39, 300), (57, 400), (257, 400), (338, 400)];

#[test]
fn what_was_found_once_is_mended() {
    for (seed, steps) in FOUND {
        let report = run(seed, steps, false);
        assert_eq!(report.violation, None, "chatroom-sim --seed {seed} --steps {steps} --trace");
    }
}

#[test]
fn a_few_worlds_are_silent() {
    for seed in 1_000..1_030 {
        let report = run(seed, 300, false);
        assert_eq!(report.violation, None, "chatroom-sim --seed {seed} --steps 300 --trace");
        assert!(report.looked_at > 50, "seed {seed} looks at {} things only", report.looked_at);
    }
}
