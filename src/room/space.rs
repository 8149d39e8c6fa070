//! Where connections stand and how far they hear (chatroom.md §a.11).

use super::ask::not_offered;
use super::entry::{Entry, Outcome};
use super::state::Room;
use crate::error::Status;
use crate::wire::pb;

impl Room {
    pub(super) fn update_location(
        &mut self,
        _entry: &Entry,
        _request: &pb::MemberUpdateLocationRequest,
    ) -> Result<Outcome, Status> {
        Err(not_offered("placing a connection"))
    }
}
