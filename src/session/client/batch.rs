//! Attribute operations that are collected here and go out as one change (chatroom.md §c.6, beginRoomAttributesBatchOperation).

use super::{ClientOutput, ClientSession, RequestId};
use crate::error::{Code, Status, Sub};
use crate::id::Time;
use crate::limits;
use crate::wire::{Request, Response, pb};

/// How all operations of a batch are done; what each of them says for itself does not count.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct BatchConfig {
    /// Change attributes of other owners too.
    pub force: bool,
    /// With `force`: they become the caller's.
    pub update_owner: bool,
    /// Attributes that are set go when their owner has left.
    pub delete_after_owner_left: bool,
}

impl ClientSession {
    /// From here on, attributes that are set or deleted in this room are collected, and succeed at once. The collection is
    /// discarded when the room is left; a lost connection does not end it.
    ///
    /// Errors: 403 outside the room, 417 while a batch is begun.
    pub fn begin_batch(&mut self, room_id: i64, config: BatchConfig) -> Result<(), Status> {
        let Some(room) = self.rooms.room_mut(room_id) else { return Err(Status::with_sub(Code::Forbidden, Sub::NotInRoom)) };
        if room.batch.is_some() {
            return Err(Status::new(Code::Repeated, "a batch is begun in this room already: end it first"));
        }
        room.batch = Some(pb::AttributesBatchRequest {
            room_id,
            operations: Vec::new(),
            force: config.force,
            update_owner: config.update_owner,
            delete_after_owner_left: config.delete_after_owner_left,
        });
        Ok(())
    }

    /// Sends what was collected, as one change. The answer is that of the change; an empty batch succeeds without being sent.
    ///
    /// Errors: 406 without a batch, 503 when too many requests are open; then the batch goes on.
    pub fn end_batch(&mut self, now: Time, room_id: i64, out: &mut Vec<ClientOutput>) -> Result<RequestId, Status> {
        let batch = self.rooms.room_mut(room_id).and_then(|room| room.batch.take());
        let Some(batch) = batch else {
            return Err(Status::new(Code::NoChange, "no batch is begun in this room: begin one first"));
        };
        if batch.operations.is_empty() {
            let id = self.next_id();
            out.push(ClientOutput::Response {
                id,
                result: Ok(Response::AttributesBatch(pb::AttributesChangeResponse::default())),
            });
            return Ok(id);
        }
        let outcome = self.request(now, Request::AttributesBatch(batch.clone()), out);
        if let (Err(_), Some(room)) = (&outcome, self.rooms.room_mut(room_id)) {
            room.batch = Some(batch);
        }
        outcome
    }

    /// Takes an operation into its room's batch, if there is one: what it comes to.
    pub(super) fn collect(&mut self, request: &Request) -> Option<Result<Response, Status>> {
        let room_id = match request {
            Request::AttributesSet(asked) => asked.room_id,
            Request::AttributesDelete(asked) => asked.room_id,
            _ => return None,
        };
        let operations = &mut self.rooms.room_mut(room_id)?.batch.as_mut()?.operations;
        if operations.len() >= limits::CLIENT_BATCH_OPERATIONS_MAX {
            return Some(Err(Status::new(Code::OverQuota, "a batch has at most 50 operations: end it first")));
        }
        let (operation, response) = match request {
            Request::AttributesSet(asked) => (
                pb::AttributesOperation { set: asked.attributes.clone(), delete: Vec::new() },
                Response::AttributesSet(pb::AttributesChangeResponse::default()),
            ),
            Request::AttributesDelete(asked) => (
                pb::AttributesOperation { delete: asked.keys.clone(), ..Default::default() },
                Response::AttributesDelete(pb::AttributesChangeResponse::default()),
            ),
            _ => return None,
        };
        operations.push(operation);
        Some(Ok(response))
    }
}
