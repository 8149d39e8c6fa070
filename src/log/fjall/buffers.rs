//! How much memory the store takes: new entries wait in buffers, one for each keyspace, until they are written out sorted.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ::fjall::{AbstractTree as _, Keyspace};

use super::Store;
use crate::log::LogError;

/// How often is looked whether buffers are written out that others wait for.
const PAUSE: Duration = Duration::from_millis(2);
/// How long the writer waits for that at most; a store whose threads have stopped notices it at the next commit.
const WAIT: Duration = Duration::from_secs(1);

impl Store {
    /// Has the largest buffer written out when half of what all of them may occupy is in use. While those before it are still being
    /// written, which takes the other half, it waits.
    pub(super) fn bound_buffers(&self) -> Result<(), LogError> {
        let keyspaces = self.keyspaces();
        let size = |keyspace: &Keyspace| keyspace.tree.active_memtable().size();
        let used: u64 = keyspaces.iter().map(size).sum();
        let stats = &self.lasting.stats;
        stats.buffer_bytes.store(used, Ordering::Relaxed);
        stats.cache_bytes.store(self.db.cache_size(), Ordering::Relaxed);
        if used <= self.write_buffer_bytes / 2 {
            return Ok(());
        }
        let deadline = Instant::now() + WAIT;
        while keyspaces.iter().any(|keyspace| keyspace.sealed_memtable_count() > 0) && Instant::now() < deadline {
            std::thread::sleep(PAUSE);
        }
        let Some(largest) = keyspaces.iter().max_by_key(|keyspace| size(keyspace)) else { return Ok(()) };
        largest.rotate_memtable().map_err(|error| self.failed(&error))?;
        Ok(())
    }

    fn keyspaces(&self) -> Vec<Keyspace> {
        let small = [&self.meta, &self.snapshots, &self.carried, &self.apps, &self.accounts, &self.node, &self.created];
        let small = small.into_iter().chain([&self.figures, &self.reports, &self.commits]).cloned();
        self.days.read().open.values().cloned().chain(small).collect()
    }
}
