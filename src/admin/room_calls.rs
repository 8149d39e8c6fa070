//! Calls about rooms (rest-api.md §4): turned into what a member would ask, with the application's authority.

use super::Rooms;
use super::answer::{self, Answer};
use super::call::Api;
use super::form::Form;
use crate::error::{Code, Status};
use crate::id::{AccountId, RoomId};
use crate::room::{Actor, Create, Query};
use crate::wire::{Response, pb};

/// `/chatroom/create.action`.
pub(super) async fn create<R: Rooms>(api: &Api<R>, app_key: &str, form: &Form) -> Result<Answer, Status> {
    let creator = AccountId::parse(form.required("creator")?)?;
    let name = form.required("name")?.to_owned();
    let queue_level = form.number("queuelevel")?.unwrap_or_default();
    let notification = form.flag("inOutNotification")?.unwrap_or(true);
    if form.number::<u32>("delayClosePolicy")?.unwrap_or_default() != 0 {
        return Err(Status::new(Code::Unavailable, "closing a room by itself is not offered yet: leave delayClosePolicy out"));
    }
    let account = api.accounts.account(app_key, &creator);
    let account = account.ok_or_else(|| Status::bad_parameter("creator is not an account: create it first"))?;
    if account.blocked {
        return Err(Status::new(Code::Forbidden, "creator is blocked"));
    }
    let create = Create {
        app_key: app_key.to_owned(),
        creator: creator.clone(),
        name,
        announcement: form.text("announcement").map(str::to_owned),
        broadcast_url: form.owned("broadcasturl"),
        ext: form.owned("ext"),
        queue_level,
        moderation_id: form.owned("bid"),
        silent_in_out: !notification,
    };
    let room = api.rooms.create(create).await?;
    let info = info(api, app_key, room, creator).await?;
    Ok(answer::success("chatroom", &answer::Room::new(&info)))
}

/// `/chatroom/get.action`.
pub(super) async fn get<R: Rooms>(api: &Api<R>, app_key: &str, form: &Form) -> Result<Answer, Status> {
    let number = form.number("roomid")?.ok_or_else(|| Status::bad_parameter("roomid is missing"))?;
    let with_online_count = form.flag("needOnlineUserCount")?.unwrap_or(false);
    let caller = AccountId::parse("http").expect("four letters are a valid account");
    let info = info(api, app_key, RoomId::new(number)?, caller).await?;
    Ok(answer::success("chatroom", &answer::Room::in_full(&info, with_online_count)))
}

async fn info<R: Rooms>(api: &Api<R>, app_key: &str, room: RoomId, account: AccountId) -> Result<pb::RoomInfo, Status> {
    let query = Query::Info(pb::RoomInfoRequest { room_id: room.get() });
    let found = match api.rooms.query(app_key, room, Actor::http(account), query).await? {
        Response::RoomInfo(response) => response.room,
        _ => None,
    };
    found.ok_or_else(|| Status::new(Code::ServerError, "the room did not describe itself"))
}
