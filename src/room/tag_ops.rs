//! What is done by tag: changing one's own, muting one, finding members by one (chatroom.md §a.10, §c.1, §c.2).

use super::ask::not_offered;
use super::command::Actor;
use super::entry::{Entry, Outcome};
use super::state::Room;
use crate::error::Status;
use crate::id::UnixMs;
use crate::wire::Response;
use crate::wire::pb;

impl Room {
    pub(super) fn update_tags(&mut self, _entry: &Entry, _request: &pb::MemberUpdateTagsRequest) -> Result<Outcome, Status> {
        Err(not_offered("tagging a connection"))
    }

    pub(super) fn tag_temp_mute(&mut self, _entry: &Entry, _request: &pb::MemberTagTempMuteRequest) -> Result<Outcome, Status> {
        Err(not_offered("muting a tag"))
    }

    pub(super) fn note_tag_temp_mute(&mut self, _request: &pb::MemberTagTempMuteRequest, _time: UnixMs) {}

    pub(super) fn members_by_tag_query(
        &self,
        _now: UnixMs,
        _actor: &Actor,
        _request: &pb::MemberListByTagRequest,
    ) -> Result<Response, Status> {
        Err(not_offered("finding members by tag"))
    }

    pub(super) fn count_by_tag_query(
        &self,
        _now: UnixMs,
        _actor: &Actor,
        _request: &pb::MemberCountByTagRequest,
    ) -> Result<Response, Status> {
        Err(not_offered("finding members by tag"))
    }

    pub(super) fn history_by_tags_query(
        &self,
        _now: UnixMs,
        _actor: &Actor,
        _request: &pb::MessageHistoryByTagsRequest,
    ) -> Result<Response, Status> {
        Err(not_offered("history by tags"))
    }
}
