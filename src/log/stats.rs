//! Counters of the log's writer, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters of a log. Any thread may read them at any time; each only grows, but for `commit_us_max` and the gauges.
#[derive(Debug, Default)]
pub struct LogStats {
    /// Batches that became durable.
    pub batches: AtomicU64,
    /// Records in them.
    pub records: AtomicU64,
    /// Snapshots in them.
    pub snapshots: AtomicU64,
    /// Bytes of records and snapshots in them, before the store's own overhead.
    pub bytes: AtomicU64,
    /// Commits: each covers all batches that had arrived while the one before was on its way.
    pub commits: AtomicU64,
    /// Microseconds all commits took together.
    pub commit_us: AtomicU64,
    /// Microseconds of the slowest commit since [`LogStats::take_slowest`].
    pub commit_us_max: AtomicU64,
    /// Batches refused because too much was waiting.
    pub busy: AtomicU64,
    /// Batches the store failed on.
    pub failed: AtomicU64,
    /// Bytes of new entries in the store's buffers, as of the last commit: a gauge.
    pub buffer_bytes: AtomicU64,
    /// Bytes in the store's cache of blocks, likewise.
    pub cache_bytes: AtomicU64,
    /// Torn ends that the start cut off the newest journal.
    pub cut_ends: AtomicU64,
    /// Bytes of them.
    pub cut_bytes: AtomicU64,
    /// Times the store failed.
    pub failures: AtomicU64,
    /// Times it was opened again after that.
    pub reopened: AtomicU64,
}

impl LogStats {
    /// Microseconds of the slowest commit since the last call: one reader only, else each sees a part.
    pub fn take_slowest(&self) -> u64 {
        self.commit_us_max.swap(0, Ordering::Relaxed)
    }

    pub(super) fn count(counter: &AtomicU64, more: usize) {
        counter.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(super) fn committed(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.commit_us.fetch_add(us, Ordering::Relaxed);
        self.commit_us_max.fetch_max(us, Ordering::Relaxed);
    }
}
