//! A disk that forgets at a kill what it has not synced, fills up, fails and comes back. Batches wait until the world commits them.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::id::{Epoch, RoomId, Seq, UnixMs};
use crate::log::{
    Batch, FindQuery, HistoryPage, HistoryQuery, Line, Loaded, LogError, MemoryLog, Place, ReplayQuery, RoomLog, Space, Spool,
    Spooled,
};
use crate::room::{Record, Replay};

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

impl RoomLog for Disk {
    fn epoch(&self) -> Epoch {
        Epoch(self.state.lock().epoch)
    }

    fn failure(&self) -> Option<String> {
        self.state.lock().failure.map(str::to_owned)
    }

    fn append(&self, batch: Batch) {
        self.state.lock().pending.push_back(batch);
    }

    fn load(&self, room: RoomId, now: UnixMs) -> Result<Option<Loaded>, LogError> {
        self.platter.load(room, now)
    }

    fn follow(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<Record>, LogError> {
        self.platter.follow(room, after, limit)
    }

    fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, LogError> {
        self.platter.history(query)
    }

    fn replay(&self, query: &ReplayQuery) -> Result<Replay, LogError> {
        self.platter.replay(query)
    }

    fn find(&self, query: &FindQuery) -> Result<Option<Seq>, LogError> {
        self.platter.find(query)
    }

    fn last_room_id(&self) -> i64 {
        self.platter.last_room_id()
    }

    fn expire(&self, now: UnixMs, days: u32) -> Result<usize, LogError> {
        self.platter.expire(now, days)
    }

    fn days(&self) -> Vec<i64> {
        self.platter.days()
    }

    fn erase(&self, room: RoomId) -> Result<(), LogError> {
        self.platter.erase(room)
    }

    fn put(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError> {
        self.platter.put(space, key, value)
    }

    fn put_soon(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError> {
        self.platter.put_soon(space, key, value)
    }

    fn scan(&self, space: Space) -> Result<Vec<(bytes::Bytes, bytes::Bytes)>, LogError> {
        self.platter.scan(space)
    }

    fn scan_prefix(&self, space: Space, prefix: &[u8]) -> Result<Vec<(bytes::Bytes, bytes::Bytes)>, LogError> {
        self.platter.scan_prefix(space, prefix)
    }

    fn remove(&self, space: Space, key: &[u8]) -> Result<(), LogError> {
        self.platter.remove(space, key)
    }

    fn change(&self, space: Space, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), LogError> {
        self.platter.change(space, changes)
    }

    fn reports(&self, line: &Line, from: Place, count_max: usize, bytes_max: u64) -> Result<Vec<Spooled>, LogError> {
        self.platter.reports(line, from, count_max, bytes_max)
    }

    fn next_line(&self, after: Option<&Line>) -> Result<Option<Spooled>, LogError> {
        self.platter.next_line(after)
    }

    fn remove_reports(&self, done: &[Spooled]) -> Result<(), LogError> {
        self.platter.remove_reports(done)
    }

    fn spool(&self) -> &Spool {
        self.platter.spool()
    }
}
