//! A server under load. Its tests measure, and take turns: cargo runs one program at a time, so that each has the machine to itself.
#![cfg(feature = "server")]

#[path = "../support/crowd.rs"]
mod crowd;
#[path = "../support/flood.rs"]
mod flood;
#[path = "../support/http_caller.rs"]
mod http_caller;
#[path = "../support/mod.rs"]
mod support;

mod bounds_what_answers_cost;
mod http_flood;
mod rooms_of_any_size;
mod slow_reader_delays_nobody;
mod survives_hostile_peers;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by each test of this program while it runs: they take turns.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
