//! Rooms made by clients: begun by who comes first, gone with who leaves last (chatroom.md §c.6).

use super::ask::not_offered;
use super::command::Open;
use super::entry::{Entry, Outcome};
use super::state::Room;
use crate::error::Status;
use crate::wire::pb;

impl Room {
    pub(super) fn open(&mut self, _entry: &Entry, _request: &Open) -> Result<Outcome, Status> {
        Err(not_offered("making a room"))
    }

    pub(super) fn destroy(&mut self, _entry: &Entry) -> Result<Outcome, Status> {
        Err(not_offered("ending a room"))
    }

    pub(super) fn expel_account(&mut self, _entry: &Entry) -> Result<Outcome, Status> {
        Err(not_offered("leaving the oldest room"))
    }

    pub(super) fn kick_devices(&mut self, _entry: &Entry, _request: &pb::KickDevicesRequest) -> Result<Outcome, Status> {
        Err(not_offered("putting devices out"))
    }

    pub(super) fn note_open(&mut self, _entry: &Entry, _open: &Open) {}

    pub(super) fn note_destroy(&mut self) {}
}
