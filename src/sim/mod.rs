//! The simulated world: whole nodes and whole clients in one process, out of one seed (`docs/simulation.md`).
//!
//! A [`run`] begins with a number and does everything that follows from it: what the clients want, what the network, the disk and
//! the clock do to them, in which order workers have their turns. After every event it is looked whether what was promised holds. The same number does the same in every process.
//!
//! May use everything but the I/O of `server`.

mod accounts;
mod cli;
mod client;
mod creators;
mod disk;
mod driver;
mod end;
mod network;
mod node;
mod ops;
mod plan;
mod truth;
mod turns;
mod watch;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use cli::main;
use world::World;

/// Outcome of a seed.
#[derive(Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Steps that were taken.
    pub steps: u64,
    /// The broken promise, in words; `None`: nothing.
    pub violation: Option<String>,
    /// Everything that happened, as one number.
    pub digest: u64,
    /// Frames and entries that were looked at.
    pub looked_at: u64,
    /// A line for each thing that happened, if that was wanted.
    pub trace: Vec<String>,
}

/// Runs the world of a seed for so many steps, and to its end.
pub fn run(seed: u64, steps: u64, is_traced: bool) -> Report {
    let mut report = Report { seed, steps: 0, violation: None, digest: seed, looked_at: 0, trace: Vec::new() };
    let mut world = match World::new(seed, is_traced) {
        Ok(world) => world,
        Err(error) => return Report { violation: Some(error), ..report },
    };
    let lived = catch_unwind(AssertUnwindSafe(|| {
        for step in 0..steps {
            report.steps = step + 1;
            world.note(|| format!("step {step}"));
            world.step();
            if world.watch.violation.is_some() {
                return;
            }
        }
        world.end();
    }));
    report.violation = world.watch.violation.take().or_else(|| lived.err().map(|_| format!("a panic: {}", PANIC.take())));
    (report.digest, report.looked_at) = (world.digest, world.watch.looked_at);
    report.trace = world.trace.take().unwrap_or_default();
    report
}

/// Keeps the words of a panic for the report of its seed, in place of printing them.
pub fn catch_panics() {
    std::panic::set_hook(Box::new(|panic| PANIC.set(panic.to_string())));
}

thread_local! {
    /// The words of the last panic of this thread.
    static PANIC: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}
