//! What applying a command costs the thread that owns the room, by members in it. Budgets: a send about a microsecond, and
//! nothing that grows with the members but by the depth of a tree and the misses of a cache: at a million members each operation
//! may take at most three times what it takes at ten thousand.
//!
//! `cargo bench --bench room` prints both tables; `-- --check` ends with an error where a budget is missed.

#[path = "support/room_cases.rs"]
mod room_cases;

use std::hint::black_box;
use std::time::{Duration, Instant};

use chatroom::id::RoomId;
use chatroom::room::{Entry, Room};
use chatroom::wire::store;
use prost::Message as _;
use room_cases::{CASES, Case, Stage, log_of, settings};

/// Members in the room, and how often each stage is measured by turns with the others.
const SIZES: [u32; 3] = [10, 10_000, 1_000_000];
const ROUNDS: usize = 7;
/// How much dearer an operation may be among a million members than among ten thousand.
const GROWTH_MAX: f64 = 3.0;
/// Entries of the log whose replay is measured.
const REPLAYED: usize = 1_000_000;

/// Time of one run of a case in nanoseconds: the fastest round, for what disturbs a round only ever makes it slower.
fn measure(case: &Case, stages: &mut [Stage]) -> Vec<f64> {
    let mut best = vec![f64::MAX; stages.len()];
    let mut runs: Vec<u64> = vec![64; stages.len()];
    for round in 0..ROUNDS {
        for (place, stage) in stages.iter_mut().enumerate() {
            let begin = Instant::now();
            for _ in 0..runs[place] {
                (case.run)(black_box(stage));
            }
            let each = begin.elapsed().as_nanos() as f64 / runs[place] as f64;
            if round == 0 {
                // Long enough for the clock, short enough for a table of many rows.
                runs[place] = (Duration::from_millis(30).as_nanos() as f64 / each.max(1.0)).clamp(16.0, 200_000.0) as u64;
            } else {
                best[place] = best[place].min(each);
            }
        }
    }
    best
}

fn operations() -> bool {
    let mut stages: Vec<Stage> = SIZES.iter().map(|members| Stage::new(*members)).collect();
    println!(
        "{:34} {:>10} {:>10} {:>10}   growth from 10,000 to 1,000,000",
        "nanoseconds, by members", "10", "10,000", "1,000,000"
    );
    let mut is_good = true;
    for case in CASES {
        let best = measure(case, &mut stages);
        let growth = best[2] / best[1];
        is_good &= growth <= GROWTH_MAX;
        let verdict = if growth <= GROWTH_MAX { "" } else { "  MISSED" };
        println!("{:34} {:>10.0} {:>10.0} {:>10.0}   {growth:.2}{verdict}", case.name, best[0], best[1], best[2]);
    }
    is_good
}

/// Rebuilding a room: each entry of its log once.
fn replay() {
    let (log, expected): (Vec<Entry>, Vec<u8>) = log_of(REPLAYED);
    let mut room = Room::new(RoomId::new(1).expect("1 is positive"), settings());
    let begin = Instant::now();
    log.iter().for_each(|entry| room.replay(entry));
    let took = begin.elapsed();
    assert_eq!(lasting(&room.snapshot()), lasting(&expected), "the same entries give the same state");
    let each = took.as_nanos() as f64 / log.len() as f64;
    println!("replay of {} entries: {:.2} s, {each:.0} ns each", log.len(), took.as_secs_f64());
}

/// A state without what presence leaves in it, which is not in the log: places, times of entry.
fn lasting(state: &[u8]) -> store::Snapshot {
    let mut state = store::Snapshot::decode(state).expect("a room's own snapshot is readable");
    state.last_seq = 0;
    state.members.iter_mut().for_each(|member| member.enter_time_ms = 0);
    state
}

fn main() {
    let is_good = operations();
    replay();
    if std::env::args().any(|argument| argument == "--check") && !is_good {
        std::process::exit(1);
    }
}
