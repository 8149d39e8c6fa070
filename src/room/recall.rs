//! Messages that were taken back lately.

use std::collections::VecDeque;

use crate::error::{Code, Status, Sub};
use crate::id::{Seq, UnixMs};
use crate::limits;

/// The places of messages that were recalled lately: the log, asked a moment ago, may still have them.
#[derive(Default)]
pub(super) struct Recalled(VecDeque<(UnixMs, Seq)>);

impl Recalled {
    /// True if the message at this place was recalled.
    pub fn has(&self, seq: Seq) -> bool {
        self.0.iter().any(|(_, recalled)| *recalled == seq)
    }

    /// A message was recalled.
    pub fn add(&mut self, seq: Seq, now: UnixMs) {
        while self.0.len() >= limits::RECALLED_MAX
            || self.0.front().is_some_and(|(time, _)| now.0.saturating_sub(time.0) > limits::RECALLED_MS)
        {
            self.0.pop_front();
        }
        self.0.push_back((now, seq));
    }
}

/// What a recall of a message comes to that the log does not have.
pub(super) fn message_missing() -> Status {
    Status::with_sub(Code::NotFound, Sub::MessageMissing)
}
