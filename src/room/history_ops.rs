//! Questions about a room's history: who may read how much of it (chatroom.md §c.3).

use crate::subject::{Actor, Origin};
use std::sync::Arc;

use super::check;
use super::command::Query;
use super::history::{HistoryFilter, HistoryScope};
use super::permissions::Operation;
use super::state::Room;
use crate::error::Status;
use crate::id::UnixMs;
use crate::limits;
use crate::wire::Response;
use crate::wire::pb::{self, MessageType};

impl Room {
    /// How much of the history the actor may read with a [`Query::History`] or a [`Query::HistoryByTags`].
    pub fn history_scope(&self, now: UnixMs, actor: &Actor, query: &Query) -> Result<HistoryScope, Status> {
        let by_tags = match query {
            Query::History(request) => {
                check_history(actor, request)?;
                None
            }
            Query::HistoryByTags(request) => Some(check_by_tags(request)?),
            _ => return Err(Status::bad_parameter("not a question about the history")),
        };
        self.reach_to_read(actor, Operation::History, now)?;
        let filter = match (by_tags, actor.origin, actor.connection) {
            (Some(tags), ..) => HistoryFilter::Tags(tags.into()),
            (None, Origin::Member, Some(connection)) => HistoryFilter::Listener(self.people.tags().of(connection).into()),
            (None, ..) => HistoryFilter::Everything,
        };
        Ok(HistoryScope { first: self.born, filter })
    }

    pub(super) fn history_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        request: &pb::MessageHistoryRequest,
    ) -> Result<Response, Status> {
        check_history(actor, request)?;
        self.reach_to_read(actor, Operation::History, now)?;
        Ok(Response::MessageHistory(pb::MessageHistoryResponse::default()))
    }

    pub(super) fn history_by_tags_query(
        &self,
        now: UnixMs,
        actor: &Actor,
        request: &pb::MessageHistoryByTagsRequest,
    ) -> Result<Response, Status> {
        check_by_tags(request)?;
        self.reach_to_read(actor, Operation::History, now)?;
        Ok(Response::MessageHistoryByTags(pb::MessageHistoryResponse::default()))
    }
}

fn check_history(actor: &Actor, request: &pb::MessageHistoryRequest) -> Result<(), Status> {
    if actor.origin == Origin::Member || request.limit > limits::HTTP_HISTORY_MAX {
        check::page(request.limit)?;
    }
    check::anchor(request.time_ms)?;
    check_types(&request.types)
}

fn check_by_tags(request: &pb::MessageHistoryByTagsRequest) -> Result<Vec<Arc<str>>, Status> {
    if request.tags.is_empty() {
        return Err(Status::bad_parameter("tags must not be empty"));
    }
    let tags = check::tags("tags", &request.tags)?;
    check_types(&request.types)?;
    let (from, to) = (request.from_time_ms, request.to_time_ms);
    if from < 0 || to < 0 || (to != 0 && from > to) {
        return Err(Status::bad_parameter("from_time_ms and to_time_ms must be 0 or a time, in this order"));
    }
    check::page(request.limit)?;
    Ok(tags)
}

fn check_types(types: &[i32]) -> Result<(), Status> {
    if types.iter().any(|number| MessageType::try_from(*number).is_err()) {
        return Err(Status::bad_parameter("types holds a number that is no message type"));
    }
    Ok(())
}
