//! What the tests of a whole server share: the real `chatroomd` as a process, its HTTP API, and a blocking wire client.
//!
//! Nothing here sleeps to let something happen: every wait has a condition and a deadline.
#![allow(dead_code, unused_imports)]

pub mod admin;
pub mod ask;
pub mod local;
pub mod peer;
pub mod process;

use std::time::{Duration, Instant};

pub use admin::Admin;
pub use local::LocalNode;
pub use peer::Peer;
pub use process::{Server, Setup};

/// How long a test waits for what should take milliseconds: long enough for a machine that does other work meanwhile.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds; panics with `what` when it does not within [`PATIENCE`].
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The seed of a test with chance in it: `CHATROOM_SEED` when set, else a fresh one. Printed, so that a failure replays.
pub fn seed() -> u64 {
    let seed = match std::env::var("CHATROOM_SEED") {
        Ok(text) => text.parse().expect("CHATROOM_SEED is a number"),
        Err(_) => fastrand::u64(..),
    };
    println!("CHATROOM_SEED={seed}");
    seed
}

/// Raises the number of files this process and its children may open to the hard limit, for all tests of the program: none knows
/// what the others have open. Returns how many it is, which a test that needs `wanted` compares.
pub fn raise_open_files(wanted: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    let raised = limit.maximum.unwrap_or(wanted.max(1 << 20));
    if current >= raised || setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }).is_err() {
        return current;
    }
    raised
}

/// The `quantile` (0.0-1.0) of the values, which it sorts. 0 when there are none.
pub fn quantile(values: &mut [u64], quantile: f64) -> u64 {
    values.sort_unstable();
    let place = ((values.len() as f64 - 1.0).max(0.0) * quantile).round() as usize;
    values.get(place).copied().unwrap_or(0)
}
