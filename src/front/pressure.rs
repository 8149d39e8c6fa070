//! Input that waits for a worker, and how much of it: by that others are asked to send more slowly, or refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::orders::Order;
use super::passing::AccountMail;
use crate::dispatch::Bundle;
use crate::id::ConnId;
use crate::limits::MAILBOX_BYTES_MAX;

/// Input of a worker since its last turn.
#[derive(Default)]
pub struct Inbox {
    /// Mail about accounts, in the order it came: it is read first.
    pub accounts: Vec<AccountMail>,
    /// Batches of other workers and callers, in the order they came.
    pub mail: Bundle,
    /// The commit that was under way is done: whether it is durable.
    pub committed: Option<bool>,
    /// Orders to connections of the worker.
    pub orders: Vec<(ConnId, Order)>,
    /// The node is going down.
    pub drain: bool,
}

/// How much waits for one worker. Any thread; asking costs an atomic.
#[derive(Default, Debug)]
pub struct Pressure {
    /// About how many bytes wait in its mailbox.
    weight: AtomicUsize,
    /// The log commits what the worker has for it more slowly than it comes.
    is_behind: AtomicBool,
}

impl Pressure {
    /// One for each of so many workers.
    pub fn of_workers(workers: usize) -> Arc<[Pressure]> {
        (0..workers).map(|_| Pressure::default()).collect()
    }

    /// A batch that weighs so much was put into the mailbox.
    pub fn add(&self, weight: usize) {
        self.weight.fetch_add(weight, Ordering::Relaxed);
    }

    /// The worker has taken everything out of its mailbox.
    pub fn clear(&self) {
        self.weight.store(0, Ordering::Relaxed);
    }

    /// True if so much waits that further requests are better refused.
    pub fn is_full(&self) -> bool {
        self.weight.load(Ordering::Relaxed) >= MAILBOX_BYTES_MAX
    }

    /// True if half of that waits, or the log is behind: senders are better read more slowly.
    pub fn is_pressed(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed) || self.weight.load(Ordering::Relaxed) >= MAILBOX_BYTES_MAX / 2
    }

    /// The worker says whether the log is behind.
    pub fn set_behind(&self, is_behind: bool) {
        if self.is_behind.load(Ordering::Relaxed) != is_behind {
            self.is_behind.store(is_behind, Ordering::Relaxed);
        }
    }
}
