//! Calls about tags (rest-api.md §4.20-§4.22, §5, chatroom.md §a.10).

use serde::Serialize;

use super::Rooms;
use super::answer::{self, Answer};
use super::call::{Call, no_answer};
use super::members::MuteDuration;
use super::objects::TaggedMember;
use crate::error::{Code, Status, Sub};
use crate::id::ConnId;
use crate::limits;
use crate::room::{Actor, Command, Op, Query};
use crate::wire::Response;
use crate::wire::pb;

/// `/chatroom/tagTemporaryMute.action`.
pub(super) async fn mute_for_a_time<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room, operator) = (&call.form, call.room()?, call.form.account("operator")?);
    let request = pb::MemberTagTempMuteRequest {
        room_id: room.get(),
        tag: form.required("targetTag")?.to_owned(),
        seconds: form.required_number("muteDuration")?,
        silent: !form.flag("needNotify")?.unwrap_or(true),
        notify_ext: form.owned("notifyExt"),
        notify_target_tags: form.text("notifyTargetTags").map(str::to_owned),
    };
    match call.command(room, operator, Op::TagTempMute(request)).await? {
        Response::MemberTagTempMute(response) => Ok(answer::desc(&MuteDuration { mute_duration: response.seconds })),
        _ => Err(no_answer()),
    }
}

/// `/chatroom/tagMembersCount.action`.
pub(super) async fn count<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Count<'a> {
        tag: &'a str,
        online_user_count: u64,
    }
    let (room, tag) = (call.room()?, call.form.required("tag")?);
    let request = pb::MemberCountByTagRequest { room_id: room.get(), tag: tag.to_owned() };
    match call.query(room, Query::CountByTag(request)).await? {
        Response::MemberCountByTag(response) => Ok(answer::success("data", &Count { tag, online_user_count: response.count })),
        _ => Err(no_answer()),
    }
}

/// `/chatroom/tagMembersQuery.action`.
pub(super) async fn members<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room) = (&call.form, call.room()?);
    let request = pb::MemberListByTagRequest {
        room_id: room.get(),
        tag: form.required("tag")?.to_owned(),
        time_ms: form.number("endtime")?.unwrap_or_default(),
        limit: form.limit(limits::PAGE_MAX)?,
        next: String::new(),
    };
    let Response::MemberListByTag(found) = call.query(room, Query::MembersByTag(request)).await? else {
        return Err(no_answer());
    };
    let members = found.members.iter().map(|member| TaggedMember::new(room.get(), member, call.api.http.seed_aliases));
    Ok(answer::list(&members.collect::<Vec<_>>()))
}

/// `/chatroom/updateChatRoomRoleTag.action`: every connection of the account in the room, one after the other; there may be none.
pub(super) async fn update<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room, account) = (&call.form, call.room()?, call.form.account("accid")?);
    let tags: Option<Vec<String>> = form.json("tags")?;
    let request = pb::MemberUpdateTagsRequest {
        room_id: room.get(),
        set_tags: tags.is_some(),
        tags: tags.unwrap_or_default(),
        notify_target_tags: form.given("notifyTargetTags").map(str::to_owned),
        notify: true,
        notify_ext: form.owned("notifyExt"),
    };
    if !request.set_tags && request.notify_target_tags.is_none() {
        return Err(Status::bad_parameter("tags or notifyTargetTags must be given"));
    }
    if !call.info(room).await?.valid {
        return Err(Status::with_sub(Code::RoomClosed, Sub::RoomClosed));
    }
    let member = call.members(room, std::slice::from_ref(&account)).await?.pop().unwrap_or_default();
    // The room hears of it once.
    let mut notify = true;
    for own in &member.connections {
        let connection = own.connection_id.parse::<ConnId>().ok();
        let actor = Actor { connection, ..Actor::http(account.clone()) };
        let op = Op::UpdateTags(Box::new(pb::MemberUpdateTagsRequest { notify, ..request.clone() }));
        match call.api.rooms.command(call.app_key, room, Command { actor, op }).await {
            Ok(_) => notify = false,
            // It has the tags already, or is gone by now.
            Err(status) if matches!(status.code, Code::NoChange) || status.sub == Some(Sub::NotInRoom) => {}
            Err(status) => return Err(status),
        }
    }
    Ok(answer::done())
}
