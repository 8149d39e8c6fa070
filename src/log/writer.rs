//! The writer thread of a log: group commit over a bounded queue.
//!
//! While one commit is on its way batches pile up, and the next commit takes them all. Callers only push into the queue.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use super::stats::LogStats;
use super::{Batch, Committed, LogError};
use crate::limits;

/// The place a writer writes to.
pub(super) trait Sink: Send + 'static {
    /// Writes a group of batches in order and says of each what became of it: `results` comes empty and leaves with one for each.
    fn write(&mut self, group: &[Batch], results: &mut Vec<Result<(), LogError>>);

    /// The time at which [`Sink::sync`] is due; `None` while nothing waits for it.
    fn sync_at(&mut self) -> Option<Instant> {
        None
    }

    /// Makes durable what earlier writes left to the operating system.
    fn sync(&mut self) {}

    /// Makes everything durable: nothing is written any more.
    fn close(&mut self) {
        self.sync();
    }
}

/// Wakes a writer that waits, so that it asks its sink again when a sync is due.
#[derive(Clone)]
pub(super) struct Wake(Arc<Queue>);

impl Wake {
    pub fn wake(&self) {
        let _state = self.0.state.lock();
        self.0.filled.notify_one();
    }
}

struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    refused: Mutex<Refused>,
    refusal: Condvar,
    waiting: AtomicUsize,
    stats: Arc<LogStats>,
}

#[derive(Default)]
struct State {
    batches: VecDeque<Batch>,
    closed: bool,
}

#[derive(Default)]
struct Refused {
    callers: Vec<Committed>,
    closed: bool,
}

/// The queue and its two threads: one writes and tells callers what came of their batches, one tells those that found the queue
/// full, so that they hear of it even while the disk hangs.
pub(super) struct Writer {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Writer {
    /// Starts the threads.
    pub fn start(sink: impl Sink, stats: Arc<LogStats>) -> Result<Writer, LogError> {
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            filled: Condvar::new(),
            refused: Mutex::default(),
            refusal: Condvar::new(),
            waiting: AtomicUsize::new(0),
            stats,
        });
        let mut writer = Writer { queue: queue.clone(), threads: Vec::with_capacity(2) };
        let refusals = queue.clone();
        writer.spawn("log-writer", move || queue.write(sink))?;
        writer.spawn("log-refusals", move || refusals.refuse())?;
        Ok(writer)
    }

    fn spawn(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), LogError> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(body);
        self.threads.push(thread.map_err(|error| LogError::Store(format!("no thread for the log: {error}")))?);
        Ok(())
    }

    /// Hands a batch over. Never blocks on the disk, and never calls `committed` itself.
    pub fn append(&self, batch: Batch) {
        let queue = &*self.queue;
        let mut state = queue.state.lock();
        if state.batches.len() >= limits::LOG_QUEUE_MAX {
            drop(state);
            LogStats::count(&queue.stats.busy, 1);
            queue.refused.lock().callers.push(batch.committed);
            queue.refusal.notify_one();
            return;
        }
        // A writer that has work already looks again before it sleeps.
        let sleeps = state.batches.is_empty();
        state.batches.push_back(batch);
        queue.waiting.store(state.batches.len(), Ordering::Relaxed);
        drop(state);
        if sleeps {
            queue.filled.notify_one();
        }
    }

    /// Handle that wakes the writer.
    pub fn waker(&self) -> Wake {
        Wake(self.queue.clone())
    }

    /// True if the next batch would be refused.
    pub fn is_full(&self) -> bool {
        self.queue.waiting.load(Ordering::Relaxed) >= limits::LOG_QUEUE_MAX
    }
}

impl Drop for Writer {
    /// Writes what was accepted, answers every caller, and returns when that is done; on a thread of the writer's own, where it
    /// cannot wait, that follows as soon as the callback returns.
    fn drop(&mut self) {
        self.queue.state.lock().closed = true;
        self.queue.filled.notify_one();
        self.queue.refused.lock().closed = true;
        self.queue.refusal.notify_one();
        let own = std::thread::current().id();
        for thread in self.threads.drain(..) {
            if thread.thread().id() != own {
                // The body of the thread contains the panics of callbacks; a panic of the sink has been printed.
                let _ = thread.join();
            }
        }
    }
}

impl Queue {
    fn write(&self, mut sink: impl Sink) {
        let (mut group, mut results) = (Vec::new(), Vec::new());
        while self.next_group(&mut sink, &mut group) {
            let started = Instant::now();
            results.clear();
            sink.write(&group, &mut results);
            self.stats.committed(started.elapsed());
            debug_assert_eq!(group.len(), results.len(), "a sink answers for each batch");
            for (batch, result) in group.drain(..).zip(results.drain(..)) {
                match &result {
                    Ok(()) => {
                        LogStats::count(&self.stats.batches, 1);
                        LogStats::count(&self.stats.records, batch.records.len());
                        LogStats::count(&self.stats.snapshots, batch.snapshots.len());
                    }
                    Err(_) => LogStats::count(&self.stats.failed, 1),
                }
                tell(batch.committed, result);
            }
        }
        sink.close();
    }

    /// Waits for batches and moves as many as one commit may hold to `group`; false when the log is closed and all is written.
    fn next_group(&self, sink: &mut impl Sink, group: &mut Vec<Batch>) -> bool {
        let mut state = self.state.lock();
        while state.batches.is_empty() {
            if state.closed {
                return false;
            }
            match sink.sync_at() {
                None => self.filled.wait(&mut state),
                Some(due) => {
                    if self.filled.wait_until(&mut state, due).timed_out() && state.batches.is_empty() {
                        drop(state);
                        sink.sync();
                        state = self.state.lock();
                    }
                }
            }
        }
        let mut records = 0;
        while let Some(batch) = state.batches.pop_front() {
            records += batch.records.len() + batch.reports.len() + batch.shards.len();
            group.push(batch);
            if records >= limits::LOG_GROUP_RECORDS {
                break;
            }
        }
        self.waiting.store(state.batches.len(), Ordering::Relaxed);
        true
    }

    fn refuse(&self) {
        let mut refused = self.refused.lock();
        loop {
            for caller in std::mem::take(&mut refused.callers) {
                parking_lot::MutexGuard::unlocked(&mut refused, || tell(caller, Err(LogError::Busy)));
            }
            if !refused.callers.is_empty() {
                continue;
            }
            if refused.closed {
                return;
            }
            self.refusal.wait(&mut refused);
        }
    }
}

/// Calls back. A caller that panics must not take the log with it.
fn tell(committed: Committed, result: Result<(), LogError>) {
    let _ = catch_unwind(AssertUnwindSafe(|| committed(result)));
}
