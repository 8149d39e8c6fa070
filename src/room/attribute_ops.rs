//! What members do with attributes: those of the room and those of its members (chatroom.md §a.9, §c.6).

use super::ask::not_offered;
use super::command::Actor;
use super::entry::{Entry, Outcome};
use super::state::Room;
use crate::error::Status;
use crate::id::{AccountId, UnixMs};
use crate::wire::Response;
use crate::wire::pb;

impl Room {
    pub(super) fn set_attributes(&mut self, _entry: &Entry, _request: &pb::AttributesSetRequest) -> Result<Outcome, Status> {
        Err(not_offered("setting attributes"))
    }

    pub(super) fn delete_attributes(
        &mut self,
        _entry: &Entry,
        _request: &pb::AttributesDeleteRequest,
    ) -> Result<Outcome, Status> {
        Err(not_offered("deleting attributes"))
    }

    pub(super) fn batch_attributes(
        &mut self,
        _entry: &Entry,
        _request: &pb::AttributesBatchRequest,
    ) -> Result<Outcome, Status> {
        Err(not_offered("changing attributes"))
    }

    pub(super) fn clear_owner_attributes(&mut self, _entry: &Entry) -> Result<Outcome, Status> {
        Err(not_offered("clearing attributes"))
    }

    pub(super) fn set_member_attributes(
        &mut self,
        _entry: &Entry,
        _request: &pb::MemberAttributesSetRequest,
    ) -> Result<Outcome, Status> {
        Err(not_offered("setting attributes"))
    }

    pub(super) fn clear_member_attributes(&mut self, _entry: &Entry) -> Result<Outcome, Status> {
        Err(not_offered("clearing attributes"))
    }

    pub(super) fn note_set_attributes(&mut self, _account: &AccountId, _request: &pb::AttributesSetRequest) {}

    pub(super) fn note_delete_attributes(&mut self, _account: &AccountId, _request: &pb::AttributesDeleteRequest) {}

    pub(super) fn note_batch_attributes(&mut self, _account: &AccountId, _request: &pb::AttributesBatchRequest) {}

    pub(super) fn note_set_member_attributes(&mut self, _account: &AccountId, _request: &pb::MemberAttributesSetRequest) {}

    pub(super) fn note_clear_owner_attributes(&mut self, _account: &AccountId) {}

    pub(super) fn note_clear_member_attributes(&mut self, _account: &AccountId) {}

    pub(super) fn attributes_query(&self, _now: UnixMs, _actor: &Actor) -> Result<Response, Status> {
        Err(not_offered("reading attributes"))
    }

    pub(super) fn member_attributes_query(
        &self,
        _now: UnixMs,
        _actor: &Actor,
        _request: &pb::MemberAttributesLookupRequest,
    ) -> Result<Response, Status> {
        Err(not_offered("reading attributes"))
    }

    pub(super) fn member_attributes_list_query(
        &self,
        _now: UnixMs,
        _actor: &Actor,
        _request: &pb::MemberAttributesListRequest,
    ) -> Result<Response, Status> {
        Err(not_offered("reading attributes"))
    }
}
