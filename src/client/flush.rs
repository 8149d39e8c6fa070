//! Waiting until what was sent is complete.

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use super::task::Task;
use crate::error::{Code, Status};
use crate::session::RequestId;

/// Somebody who waits for sends to be complete.
pub(super) struct Flush {
    /// When it ends with 408.
    pub deadline: Instant,
    pub done: oneshot::Sender<Result<(), Status>>,
    /// Its place among the open requests.
    pub permit: OwnedSemaphorePermit,
    /// The last send that it waits for.
    pub last: Option<RequestId>,
}

impl Task {
    /// Waits for what was accepted until now.
    pub(super) fn flush(&mut self, mut flush: Flush) {
        flush.last = self.open_sends.last().copied();
        self.flushes.push(flush);
        self.settle_flushes();
    }

    /// When the next one ends with 408.
    pub(super) fn flush_deadline(&self) -> Option<Instant> {
        self.flushes.iter().map(|flush| flush.deadline).min()
    }

    /// Answers those who have waited long enough.
    pub(super) fn settle_flushes(&mut self) {
        if self.flushes.is_empty() {
            return;
        }
        let now = Instant::now();
        let open = &self.open_sends;
        for flush in self.flushes.extract_if(.., |flush| {
            let is_done = flush.last.is_none_or(|last| open.first().is_none_or(|first| *first > last));
            is_done || flush.deadline <= now
        }) {
            let Flush { last, done, permit, .. } = flush;
            let count = last.map_or(0, |last| open.range(..=last).count());
            let outcome = match count {
                0 => Ok(()),
                count => Err(Status::new(Code::Timeout, format!("{count} sends are not complete"))),
            };
            drop(permit);
            // The host may have stopped waiting.
            let _ = done.send(outcome);
        }
    }
}
