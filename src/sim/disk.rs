//! A disk that forgets at a kill what it has not synced, fills up, fails and comes back. Batches wait until the world commits them.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::id::{Epoch, RoomId, Seq, SubjectId, UnixMs};
use crate::log::{Batch, Loaded, Log, LogError, MemoryLog, Span, Stored, Visit};

/// A log in memory, of which the world decides when something lasts.
pub(super) struct Disk {
    platter: MemoryLog,
    state: Mutex<State>,
}

struct State {
    epoch: u64,
    pending: VecDeque<Batch>,
    failure: Option<&'static str>,
}

impl Disk {
    /// An empty disk.
    pub fn new() -> Result<Disk, LogError> {
        let state = State { epoch: 1, pending: VecDeque::new(), failure: None };
        Ok(Disk { platter: MemoryLog::new()?, state: Mutex::new(state) })
    }

    /// Batches that wait to be synced.
    pub fn pending(&self) -> usize {
        self.state.lock().pending.len()
    }

    /// Syncs the batch that has waited longest. True if it lasts now; whoever waits is told either way.
    pub fn commit(&self) -> bool {
        let (batch, failure) = {
            let mut state = self.state.lock();
            let Some(batch) = state.pending.pop_front() else { return false };
            (batch, state.failure)
        };
        let result = match failure {
            Some(reason) => Err(LogError::Store(reason.into())),
            None => self.platter.write(&batch),
        };
        let is_durable = result.is_ok();
        (batch.committed)(result);
        is_durable
    }

    /// The node is gone. So many of the batches that wait have reached the platter all the same; nobody is told of any.
    pub fn kill(&self, lasting: usize) {
        let mut state = self.state.lock();
        for batch in state.pending.drain(..).take(lasting) {
            // What it takes from nobody it cannot refuse either.
            drop(self.platter.write(&batch));
        }
        state.failure = None;
        state.epoch += 1;
    }

    /// Nothing can be written from here on.
    pub fn fail(&self, reason: &'static str) {
        self.state.lock().failure = Some(reason);
    }

    /// It works again, under a new epoch.
    pub fn mend(&self) {
        let mut state = self.state.lock();
        if state.failure.take().is_some() {
            state.epoch += 1;
        }
    }
}

impl Log for Disk {
    fn epoch(&self) -> Epoch {
        Epoch(self.state.lock().epoch)
    }

    fn failure(&self) -> Option<String> {
        self.state.lock().failure.map(str::to_owned)
    }

    fn append(&self, batch: Batch) {
        self.state.lock().pending.push_back(batch);
    }

    fn load(&self, subject: SubjectId) -> Result<Option<Loaded>, LogError> {
        self.platter.load(subject)
    }

    fn head(&self, subject: SubjectId) -> Result<Option<(Seq, Bytes)>, LogError> {
        self.platter.head(subject)
    }

    fn follow(&self, subject: SubjectId, after: Seq, limit: usize) -> Result<Vec<Stored>, LogError> {
        self.platter.follow(subject, after, limit)
    }

    fn read(&self, span: &Span, visit: Visit<'_>) -> Result<(), LogError> {
        self.platter.read(span, visit)
    }

    fn last_number(&self) -> i64 {
        self.platter.last_number()
    }

    fn listed(&self) -> Result<Vec<RoomId>, LogError> {
        self.platter.listed()
    }

    fn expire(&self, now: UnixMs, days: u32) -> Result<usize, LogError> {
        self.platter.expire(now, days)
    }

    fn uncovered(&self, now: UnixMs, days: u32) -> Result<Vec<SubjectId>, LogError> {
        self.platter.uncovered(now, days)
    }

    fn days(&self) -> Vec<i64> {
        self.platter.days()
    }

    fn erase(&self, subject: SubjectId) -> Result<(), LogError> {
        self.platter.erase(subject)
    }
}
