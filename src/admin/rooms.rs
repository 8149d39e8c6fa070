//! Calls about rooms as a whole (rest-api.md §4.1-§4.5, §4.7, §4.13, §4.18, §4.19).

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::Rooms;
use super::answer::{self, Answer};
use super::call::Call;
use super::form::Form;
use super::objects::Room;
use crate::error::{Code, Status, Sub};
use crate::id::RoomId;
use crate::limits;
use crate::room::{Create, Op};
use crate::wire::pb;

/// `/chatroom/create.action`.
pub(super) async fn create<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let form = &call.form;
    let creator = form.account("creator")?;
    let name = form.required("name")?.to_owned();
    let queue_level = form.number("queuelevel")?.unwrap_or_default();
    let notification = form.flag("inOutNotification")?.unwrap_or(true);
    let delay = delay(form)?;
    let account = call.account(&creator).await?;
    let account = account.ok_or_else(|| Status::bad_parameter("creator is not an account: create it first"))?;
    if account.is_blocked() {
        return Err(Status::new(Code::Forbidden, "creator is blocked"));
    }
    let create = Create {
        app_key: call.app_key.to_owned(),
        creator,
        name,
        announcement: form.text("announcement").map(str::to_owned),
        broadcast_url: form.owned("broadcasturl"),
        ext: form.owned("ext"),
        queue_level,
        moderation_id: form.owned("bid"),
        silent_in_out: !notification,
    };
    let room = call.api.rooms.create(create).await?;
    if let Some(delay) = delay.filter(|delay| delay.policy != 0) {
        call.command_as_creator(room, Op::DelayClose(delay)).await?;
    }
    Ok(answer::success("chatroom", &Room::new(&call.info(room).await?)))
}

/// `/chatroom/get.action`.
pub(super) async fn get<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let room = call.room()?;
    let with_online_count = call.form.flag("needOnlineUserCount")?.unwrap_or(false);
    Ok(answer::success("chatroom", &Room::in_full(&call.info(room).await?, with_online_count)))
}

/// `/chatroom/getBatch.action`.
pub(super) async fn get_batch<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Batch<'a> {
        no_exist_rooms: Vec<i64>,
        succ_rooms: Vec<Room<'a>>,
        fail_rooms: Vec<i64>,
    }
    let with_online_count = call.form.flag("needOnlineUserCount")?.unwrap_or(false);
    let (mut missing, mut found, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for number in call.form.rooms("roomids", limits::BATCH_ROOMS_MAX)? {
        let Ok(room) = RoomId::new(number) else {
            missing.push(number);
            continue;
        };
        match call.info(room).await {
            Ok(info) => found.push(info),
            Err(status) if status.code == Code::NotFound => missing.push(number),
            Err(_) => failed.push(number),
        }
    }
    let found = found.iter().map(|info| Room::in_full(info, with_online_count)).collect();
    Ok(answer::top(&Batch { no_exist_rooms: missing, succ_rooms: found, fail_rooms: failed }))
}

/// `/chatroom/update.action`. What is equal already is 200: the endpoint has neither 406 nor 417.
pub(super) async fn update<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room) = (&call.form, call.room()?);
    let given = |name: &str| form.given(name).map(str::to_owned);
    let request = pb::RoomUpdateRequest {
        room_id: room.get(),
        name: form.text("name").map(str::to_owned),
        announcement: given("announcement"),
        broadcast_url: given("broadcasturl"),
        ext: given("ext"),
        queue_level: form.number("queuelevel")?,
        silent: !form.flag("needNotify")?.unwrap_or(true),
        notify_ext: form.owned("notifyExt"),
        moderation_id: form.text("bid").map(str::to_owned),
        in_out_notification: None,
    };
    match call.command_as_creator(room, Op::Update(Box::new(request))).await {
        Ok(_) => {}
        Err(status) if status.code == Code::NoChange => {}
        Err(status) => return Err(status),
    }
    Ok(answer::success("chatroom", &Room::new(&call.info(room).await?)))
}

/// `/chatroom/toggleCloseStat.action`. A room that is closed already is 417, as one that is open.
pub(super) async fn toggle_close<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room, operator) = (&call.form, call.room()?, call.form.account("operator")?);
    let opens = form.required_flag("valid")?;
    let delay = delay(form)?;
    let close = pb::RoomCloseRequest { room_id: room.get(), notify_ext: form.owned("notifyExt") };
    match call.command(room, operator, if opens { Op::Reopen } else { Op::Close(close) }).await {
        Ok(_) => {
            if let (Some(delay), true) = (delay, opens) {
                call.command_as_creator(room, Op::DelayClose(delay)).await?;
            }
            Ok(answer::desc(&Room::new(&call.info(room).await?)))
        }
        Err(status) if status.code == Code::RoomClosed => Err(Status::with_sub(Code::Repeated, Sub::RoomRepeated)),
        Err(status) => Err(status),
    }
}

/// `/chatroom/updateDelayClosePolicy.action`.
pub(super) async fn close_later<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let room = call.room()?;
    let delay = delay(&call.form)?.ok_or_else(|| Status::bad_parameter("delayClosePolicy is missing"))?;
    call.command_as_creator(room, Op::DelayClose(delay)).await?;
    Ok(answer::success("chatroom", &Room::new(&call.info(room).await?)))
}

/// When a room is to close by itself, where a call says so; with a policy and without seconds after the longest time there is.
fn delay(form: &Form) -> Result<Option<pb::DelayClose>, Status> {
    let seconds = form.number("delaySeconds")?.unwrap_or(limits::DELAY_CLOSE_SECONDS_MAX);
    let Some(policy) = form.number("delayClosePolicy")? else { return Ok(None) };
    if policy > 2 {
        return Err(Status::bad_parameter("delayClosePolicy must be 0, 1 or 2"));
    }
    if seconds > limits::DELAY_CLOSE_SECONDS_MAX {
        return Err(Status::bad_parameter(format!("delaySeconds must not exceed {}", limits::DELAY_CLOSE_SECONDS_MAX)));
    }
    Ok(Some(pb::DelayClose { policy, delay_seconds: seconds, start_time_ms: 0 }))
}

/// `/chatroom/delete.action`.
pub(super) async fn delete<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (room, operator) = (call.room()?, call.form.account("operator")?);
    call.command(room, operator, Op::Destroy).await?;
    Ok(answer::done())
}

/// `/chatroom/muteRoom.action`.
pub(super) async fn mute<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    struct Success {
        success: bool,
    }
    let (form, room, operator) = (&call.form, call.room()?, call.form.account("operator")?);
    let request = pb::RoomMuteRequest {
        room_id: room.get(),
        mute: form.required_flag("mute")?,
        silent: !form.flag("needNotify")?.unwrap_or(true),
        notify_ext: form.owned("notifyExt"),
    };
    call.command(room, operator, Op::MuteRoom(request)).await?;
    Ok(answer::desc(&Success { success: true }))
}

/// `/chatroom/updateInOutNotification.action`.
pub(super) async fn switch_in_out<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let room = call.room()?;
    let request = pb::RoomUpdateRequest {
        room_id: room.get(),
        in_out_notification: Some(!call.form.required_flag("close")?),
        // Who is told that somebody entered is no business of the members.
        silent: true,
        ..pb::RoomUpdateRequest::default()
    };
    match call.command_as_creator(room, Op::Update(Box::new(request))).await {
        Ok(_) => Ok(answer::done()),
        Err(status) if status.code == Code::NoChange => Ok(answer::done()),
        Err(status) => Err(status),
    }
}

/// `/chatroom/queryUserRoomIds.action`.
pub(super) async fn of_creator<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    struct Ids {
        roomids: Vec<String>,
    }
    let creator = call.form.account("creator")?;
    call.account(&creator).await?.ok_or_else(account_missing)?;
    let mut rooms = call.api.rooms.open_rooms_of(call.app_key, &creator).await?;
    rooms.sort_unstable();
    Ok(answer::desc(&Ids { roomids: rooms.iter().map(RoomId::to_string).collect() }))
}

/// `/chatroom/requestAddr.action`.
pub(super) async fn addresses<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    let (form, room, account) = (&call.form, call.room()?, call.form.account("accid")?);
    let kind = form.number::<u32>("clienttype")?.unwrap_or(1);
    if !(1..=3).contains(&kind) {
        return Err(Status::bad_parameter("clienttype must be 1, 2 or 3"));
    }
    if form.text("clientip").is_some_and(|address| address.parse::<IpAddr>().is_err()) {
        return Err(Status::bad_parameter("clientip must be an IPv4 or IPv6 address"));
    }
    if !call.info(room).await?.valid {
        return Err(Status::with_sub(Code::RoomClosed, Sub::RoomClosed));
    }
    call.account(&account).await?.ok_or_else(account_missing)?;
    let rooms = &call.api.rooms;
    let addresses = if kind == 2 { rooms.addresses() } else { rooms.web_socket_addresses() };
    let addresses: Vec<String> = addresses.into_iter().filter_map(|address| reachable(address, call.reached_at)).collect();
    if addresses.is_empty() {
        return Err(Status::new(Code::Unavailable, "the server knows no address for such a client: see http.client_addresses"));
    }
    Ok(answer::success("addr", &addresses))
}

/// An address clients can connect to. Where the node listens at every address it has, that is the one at which the call has
/// arrived: the one address of this machine of which it is known that somebody reaches it.
fn reachable(address: String, reached_at: Option<IpAddr>) -> Option<String> {
    let Ok(listening) = address.parse::<SocketAddr>() else { return Some(address) };
    if !listening.ip().to_canonical().is_unspecified() {
        return Some(address);
    }
    // Who listens at every IPv4 address is not reached over IPv6.
    let reached_at = reached_at.filter(|at| !at.is_unspecified() && (listening.is_ipv6() || at.is_ipv4()))?;
    Some(SocketAddr::new(reached_at, listening.port()).to_string())
}

/// What a name that is no account comes to.
pub(super) fn account_missing() -> Status {
    Status::with_sub(Code::NotFound, Sub::AccountMissing)
}
