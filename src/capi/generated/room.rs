//! Requests of `proto/chatroom/v1/room.proto`.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

use super::*;

/// Enters a room. The client enters it again by itself after a lost connection.
///
/// Completes with 404 if there is no such room, 13002 if it is closed, 13003 for the blocklisted, 414 for what is too long.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_enter(
    client: *const chatroom_client_t,
    enter: *const chatroom_enter_t,
    done: chatroom_entered_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::RoomEnter(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { chatroom_enter_t::read(enter)? };
        shared.ask(request_of(Request::RoomEnter, request), user_data, tell_view(part, done))
    })
}

/// Leaves a room.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_leave(
    client: *const chatroom_client_t,
    room_id: i64,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| {
        let request = pb::RoomExitRequest { room_id };
        shared.ask(request_of(Request::RoomExit, request), user_data, tell_done(done))
    })
}

/// Reads the profile of a room.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_room_info(
    client: *const chatroom_client_t,
    room_id: i64,
    done: chatroom_room_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::RoomInfo(answer) => answer.room,
        _ => None,
    };
    on(client, |shared| {
        let request = pb::RoomInfoRequest { room_id };
        shared.ask(request_of(Request::RoomInfo, request), user_data, tell_view(part, done))
    })
}

/// Changes the profile of a room. Absent fields stay, empty ones are cleared.
///
/// Completes with 403 for those who may not, 406 if nothing would change, 414 if nothing is to be changed.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_update_room(
    client: *const chatroom_client_t,
    edit: *const chatroom_room_edit_t,
    done: chatroom_room_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::RoomUpdate(answer) => answer.room,
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { chatroom_room_edit_t::read(edit)? };
        shared.ask(request_of(Request::RoomUpdate, request), user_data, tell_view(part, done))
    })
}

/// Closes a room: everybody is put out, and nobody comes in until it is opened over HTTP.
///
/// Completes with 403 for everybody but the room's creator.
///
/// Arguments:
/// - `notify_ext`: what the notification carries besides, at most 2048 char.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_close_room(
    client: *const chatroom_client_t,
    room_id: i64,
    notify_ext: *const c_char,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { pb::RoomCloseRequest { room_id, notify_ext: input::text(notify_ext, "notify_ext")? } };
        shared.ask(request_of(Request::RoomClose, request), user_data, tell_done(done))
    })
}

/// Mutes or unmutes a whole room.
///
/// Completes with 403 for those who may not, 417 if it is so already.
///
/// Arguments:
/// - `mute`: true mutes, false lets it speak again.
/// - `notify_ext`: what the notification carries besides, at most 2048 char.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_mute_room(
    client: *const chatroom_client_t,
    room_id: i64,
    mute: i32,
    notify_ext: *const c_char,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::RoomMuteRequest {
                room_id,
                mute: mute != 0,
                notify_ext: input::text(notify_ext, "notify_ext")?,
                ..Default::default()
            }
        };
        shared.ask(request_of(Request::RoomMute, request), user_data, tell_done(done))
    })
}

/// Makes a room under a name of one's own, or with `enter_existing` enters it if it is there, and is in it.
///
/// Completes with 417 if there is such a room and `enter_existing` is false, 419 for those who are in as many rooms as they
/// may.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_create_room(
    client: *const chatroom_client_t,
    create: *const chatroom_create_t,
    done: chatroom_entered_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::RoomCreate(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { chatroom_create_t::read(create)? };
        shared.ask(request_of(Request::RoomCreate, request), user_data, tell_view(part, done))
    })
}

/// Leaves one room made by a client for another, as one step: refused, one is where one was.
///
/// Completes with 403 outside `from_room_id`, 404 if the other one is not there.
///
/// Arguments:
/// - `from_room_id`: the room to leave.
/// - `to`: the room to go to.
/// - `create_missing`: true: it is made if it is not there.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_switch_room(
    client: *const chatroom_client_t,
    from_room_id: i64,
    to: *const chatroom_create_t,
    create_missing: i32,
    done: chatroom_entered_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::RoomSwitch(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::RoomSwitchRequest { from_room_id, to: Some(chatroom_create_t::read(to)?), create_missing: create_missing != 0 }
        };
        shared.ask(request_of(Request::RoomSwitch, request), user_data, tell_view(part, done))
    })
}

/// Leaves every room made by a client; other rooms are not left.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_leave_all(
    client: *const chatroom_client_t,
    done: chatroom_rooms_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::RoomLeaveAll(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        let request = pb::RoomLeaveAllRequest {};
        shared.ask(request_of(Request::RoomLeaveAll, request), user_data, tell_view(part, done))
    })
}
