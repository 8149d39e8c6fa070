//! Calls about a room's members (rest-api.md §4.6, §4.12, §4.15-§4.17, §5).

use serde::{Deserialize, Serialize};

use super::Rooms;
use super::answer::{self, Answer};
use super::call::{Call, no_answer};
use super::objects::{Member, type_name};
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, RoomId};
use crate::limits;
use crate::room::{Op, Query};
use crate::wire::Response;
use crate::wire::pb::{self, MemberQuery, MemberType, RoleChange};

/// `/chatroom/setMemberRole.action`.
pub(super) async fn set_role<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    struct Role<'a> {
        roomid: i64,
        level: u32,
        accid: &'a str,
        r#type: &'static str,
    }
    let (form, room, operator) = (&call.form, call.room()?, call.form.account("operator")?);
    let target = form.account("target")?;
    let change = match form.required_number("opt")? {
        1 => RoleChange::Administrator,
        2 => RoleChange::Common,
        -1 => RoleChange::Blocklist,
        -2 => RoleChange::Mute,
        _ => return Err(Status::bad_parameter("opt must be 1, 2, -1 or -2")),
    };
    let request = pb::MemberSetRoleRequest {
        room_id: room.get(),
        account: target.to_string(),
        change: change as i32,
        set: form.required_flag("optvalue")?,
        level: 0,
        notify_ext: form.owned("notifyExt"),
    };
    let Response::MemberSetRole(response) = call.command(room, operator, Op::SetRole(request)).await? else {
        return Err(no_answer());
    };
    let member = response.member.unwrap_or_default();
    let r#type = type_name(member.r#type);
    Ok(answer::desc(&Role { roomid: room.get(), level: member.level.unwrap_or_default(), accid: target.as_str(), r#type }))
}

/// `/chatroom/temporaryMute.action`.
pub(super) async fn mute_for_a_time<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room, operator) = (&call.form, call.room()?, call.form.account("operator")?);
    let target = form.account("target")?;
    let request = pb::MemberTempMuteRequest {
        room_id: room.get(),
        account: target.to_string(),
        seconds: form.required_number("muteDuration")?,
        silent: !form.flag("needNotify")?.unwrap_or(true),
        notify_ext: form.owned("notifyExt"),
    };
    match call.command(room, operator, Op::TempMute(request)).await? {
        Response::MemberTempMute(response) => Ok(answer::desc(&MuteDuration { mute_duration: response.seconds })),
        _ => Err(no_answer()),
    }
}

/// What calls that mute for a time answer, in seconds.
#[derive(Serialize)]
pub(super) struct MuteDuration {
    #[serde(rename = "muteDuration")]
    pub(super) mute_duration: u32,
}

/// `/chatroom/kickMember.action`.
pub(super) async fn kick<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room, operator) = (&call.form, call.room()?, call.form.account("accid")?);
    let account = form.account("targetAccid")?.to_string();
    let request = pb::MemberKickRequest { room_id: room.get(), account, notify_ext: form.owned("notifyExt") };
    call.command(room, operator, Op::Kick(request)).await?;
    Ok(answer::done())
}

/// `/chatroom/updateMyRoomRole.action`. Who is neither here nor a fixed member is 403.
pub(super) async fn update<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room, account) = (&call.form, call.room()?, call.form.account("accid")?);
    let given = |name: &str| form.given(name).map(str::to_owned);
    let request = pb::MemberUpdateSelfRequest {
        room_id: room.get(),
        nick: given("nick"),
        avatar: given("avator"),
        ext: given("ext"),
        silent: !form.flag("needNotify")?.unwrap_or(false),
        save: form.flag("save")?.unwrap_or(false),
        notify_ext: form.owned("notifyExt"),
    };
    match call.command(room, account, Op::UpdateSelf(Box::new(request))).await {
        Ok(_) => Ok(answer::done()),
        // The state that is asked for is there (rest-api.md §1.3).
        Err(status) if status.code == Code::NoChange => Ok(answer::done()),
        Err(status) if status.sub == Some(Sub::MemberMissing) => Err(Status { code: Code::Forbidden, ..status }),
        Err(status) => Err(status),
    }
}

/// `/chatroom/membersByPage.action`.
pub(super) async fn page<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room) = (&call.form, call.room()?);
    let query = match form.required_number("type")? {
        0 => MemberQuery::Fixed,
        1 => MemberQuery::VisitorsNewest,
        2 => MemberQuery::FixedOnline,
        _ => return Err(Status::bad_parameter("type must be 0, 1 or 2")),
    };
    let (time_ms, limit) = (form.number("endtime")?.unwrap_or_default(), form.limit(limits::PAGE_MAX)?);
    let found = list(call, room, query, time_ms, limit).await?;
    // The time that is shown is the one the list is ordered by, so that it leads to the next page (rest-api.md §4.15).
    print_at(call, room, &found.members, |member| match query {
        MemberQuery::Fixed | MemberQuery::FixedOnline => member.update_time_ms,
        MemberQuery::VisitorsNewest | MemberQuery::VisitorsOldest => member.enter_time_ms,
    })
    .await
}

async fn list<R: Rooms>(
    call: &Call<'_, R>,
    room: RoomId,
    query: MemberQuery,
    time_ms: i64,
    limit: u32,
) -> Result<pb::MemberListResponse, Status> {
    let query = query as i32;
    let request = pb::MemberListRequest { room_id: room.get(), query, time_ms, limit, ..Default::default() };
    match call.query(room, Query::Members(request)).await? {
        Response::MemberList(found) => Ok(found),
        _ => Err(no_answer()),
    }
}

/// `/chatroom/queryMembers.action`.
pub(super) async fn look_up<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (room, accounts) = (call.room()?, call.form.accounts("accids", limits::HTTP_ACCOUNTS_MAX)?);
    print(call, room, &call.members(room, &accounts).await?).await
}

/// `/chatroom/queryMembersByRole.action`.
pub(super) async fn by_role<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Roles {
        creator: bool,
        manager: bool,
        blacklist: bool,
        mute: bool,
    }
    let room = call.room()?;
    let roles: Roles = call.form.required_json("roles")?;
    if !(roles.creator || roles.manager || roles.blacklist || roles.mute) {
        return Err(Status::bad_parameter("roles must name creator, manager, blacklist or mute"));
    }
    let is_wanted = |member: &pb::Member| {
        roles.creator && member.r#type == MemberType::Creator as i32
            || roles.manager && member.r#type == MemberType::Administrator as i32
            || roles.blacklist && member.blocklisted
            || roles.mute && member.muted
    };
    let (mut wanted, mut next) = (Vec::new(), String::new());
    loop {
        let request = pb::MemberListRequest { room_id: room.get(), next, limit: limits::PAGE_MAX, ..Default::default() };
        let Response::MemberList(found) = call.query(room, Query::Members(request)).await? else { return Err(no_answer()) };
        wanted.extend(found.members.into_iter().filter(is_wanted));
        if !found.has_more {
            return print(call, room, &wanted).await;
        }
        next = found.next;
    }
}

async fn print<R: Rooms>(call: &Call<'_, R>, room: RoomId, members: &[pb::Member]) -> Result<Answer, Status> {
    print_at(call, room, members, |member| member.enter_time_ms).await
}

async fn print_at<R: Rooms>(
    call: &Call<'_, R>,
    room: RoomId,
    members: &[pb::Member],
    time_of: impl Fn(&pb::Member) -> i64,
) -> Result<Answer, Status> {
    let ids = members.iter().map(|member| AccountId::parse(&member.account)).collect::<Result<Vec<_>, _>>()?;
    let accounts = call.accounts(&ids).await?;
    let both = members.iter().zip(&accounts);
    let members = both.map(|(member, account)| {
        let printed = Member::new(room.get(), member, account.as_ref(), call.api.http.seed_aliases);
        printed.listed_at(time_of(member))
    });
    Ok(answer::list(&members.collect::<Vec<_>>()))
}
