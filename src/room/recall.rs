//! Taking a message back (chatroom.md §c.3).

use super::ask::not_offered;
use super::command::Recall;
use super::entry::{Entry, Outcome};
use super::state::Room;
use crate::error::Status;
use crate::id::UnixMs;

impl Room {
    pub(super) fn recall(&mut self, _entry: &Entry, _request: &Recall) -> Result<Outcome, Status> {
        Err(not_offered("recalling a message"))
    }

    pub(super) fn note_recall(&mut self, _recall: &Recall, _time: UnixMs) {}
}
