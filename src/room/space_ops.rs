//! Connections say where they stand (chatroom.md §c.2).

use super::entry::{Entry, Outcome};
use super::permissions::Operation;
use super::space::Place;
use super::state::Room;
use crate::error::{Code, Status, Sub};
use crate::wire::Response;
use crate::wire::pb;

impl Room {
    pub(super) fn update_location(
        &mut self,
        entry: &Entry,
        request: &pb::MemberUpdateLocationRequest,
    ) -> Result<Outcome, Status> {
        let actor = &entry.command.actor;
        let given = request.location.filter(|given| *given != pb::Location::default());
        let given = given.ok_or_else(|| Status::bad_parameter("x, y, z, distance or enabled must be given"))?;
        Place::default().with(&given)?;
        let connection = self.here(actor)?;
        self.permit(actor, Operation::UpdateLocation, entry.stamp.clock)?;
        let old = self.people.space().place(connection);
        let new = old.with(&given)?;
        if new == old {
            return Err(Status::with_sub(Code::NoChange, Sub::IdenticalFields));
        }
        self.people.set_place(connection, new);
        Ok(Outcome::reply(Response::MemberUpdateLocation(pb::Status::default())))
    }
}
