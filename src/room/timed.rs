//! What a room does by itself when its time has come: closing after a delay, ending when it is empty (chatroom.md §a.3, §c.6).

use super::ask::not_offered;
use super::entry::{Entry, Outcome};
use super::state::Room;
use crate::error::Status;
use crate::wire::pb;

impl Room {
    pub(super) fn delay_close(&mut self, _entry: &Entry, _request: &pb::DelayClose) -> Result<Outcome, Status> {
        Err(not_offered("closing later"))
    }

    pub(super) fn note_delay_close(&mut self, _delay: &pb::DelayClose) {}
}
