//! How much of a room's history somebody may read (chatroom.md §c.3, §e.6). The items themselves come from the log.

use std::sync::Arc;

use super::check;
use super::command::{Actor, Origin, Query};
use super::expression::Expression;
use super::permissions::Operation;
use super::state::Room;
use crate::error::Status;
use crate::id::{Seq, UnixMs};
use crate::limits;
use crate::wire::Response;
use crate::wire::pb::{self, MessageType};

/// What of a room's log a query of the history may return.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HistoryScope {
    /// Nothing before this place: it belongs to an earlier room of the same name.
    pub first: Seq,
    /// Which items.
    pub filter: HistoryFilter,
}

/// Which items of a history are returned, by the expression they were sent with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum HistoryFilter {
    /// All of them.
    #[default]
    Everything,
    /// What somebody with these tags may hear: items sent without an expression, and those whose expression holds for the tags.
    Listener(Arc<[Arc<str>]>),
    /// Items sent with an expression that holds for all of these tags together or for any single one of them.
    Tags(Arc<[Arc<str>]>),
}

impl HistoryFilter {
    /// Whether an item belongs to it that was sent with this expression, or without any.
    pub fn admits(&self, expression: Option<&Expression>) -> bool {
        match (self, expression) {
            (HistoryFilter::Everything, _) | (HistoryFilter::Listener(_), None) => true,
            (HistoryFilter::Tags(_), None) => false,
            (HistoryFilter::Listener(tags), Some(expression)) => expression.matches(tags),
            (HistoryFilter::Tags(tags), Some(expression)) => {
                expression.matches(tags) || tags.chunks(1).any(|single| expression.matches(single))
            }
        }
    }
}

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

    pub(super) fn history_query(&self, now: UnixMs, actor: &Actor, query: &Query) -> Result<Response, Status> {
        self.history_scope(now, actor, query)?;
        let empty = pb::MessageHistoryResponse::default();
        Ok(match query {
            Query::HistoryByTags(_) => Response::MessageHistoryByTags(empty),
            _ => Response::MessageHistory(empty),
        })
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
