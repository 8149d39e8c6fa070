//! Requests about rooms: what they say of themselves, making, entering and leaving them.

use std::ffi::{c_char, c_void};

use super::answer::{Lend, ask_done, ask_view};
use super::boundary::Error;
use super::client::chatroom_client_t;
use super::constants::*;
use super::input::{self, Growing};
use super::lend::{chatroom_room_t, first, texts};
use super::notify::chatroom_entered_t;
use super::options::chatroom_enter_t;
use super::request::chatroom_done_fn;
use super::types::{UserData, chatroom_bytes_t, chatroom_destructor_fn, chatroom_pair_t, chatroom_status_t};
use crate::wire::{Request, Response, pb};

/// Completes a request about a room. `room` is NULL unless the code is 0.
pub type chatroom_room_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, room: *const chatroom_room_t)>;

/// Completes a request to be in a room. `entered` is NULL unless the code is 0.
pub type chatroom_entered_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, entered: *const chatroom_entered_t)>;

/// Completes chatroom_client_leave_all. `rooms` is NULL unless the code is 0.
pub type chatroom_rooms_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, rooms: *const chatroom_rooms_t)>;

/// Rooms that were left. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_rooms_t {
    /// Their numbers.
    pub room_ids: *const i64,
    /// The names their makers gave them, in the same order.
    pub aliases: *const chatroom_bytes_t,
    /// How many rooms there are.
    pub room_count: usize,
}

impl Lend for pb::RoomLeaveAllResponse {
    type View = chatroom_rooms_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_rooms_t)) {
        // The two belong together; a server that gives fewer names than rooms gives empty ones.
        let mut aliases = texts(&self.aliases);
        aliases.resize(self.room_ids.len(), chatroom_bytes_t::EMPTY);
        let room_count = self.room_ids.len();
        body(&chatroom_rooms_t { room_ids: first(&self.room_ids), aliases: first(&aliases), room_count });
    }
}

/// What to change about a room. Set `struct_size` to its size and the rest to 0 before filling it in.
///
/// Texts are UTF-8 and NUL-terminated; NULL leaves what is there, "" clears it. All are copied before the call returns.
#[repr(C)]
pub struct chatroom_room_edit_t {
    /// `sizeof(chatroom_room_edit_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// Its name, 1 to 128 characters.
    pub name: *const c_char,
    /// Its announcement, at most 4096 characters.
    pub announcement: *const c_char,
    /// The address of its live stream, at most 1024 characters.
    pub broadcast_url: *const c_char,
    /// The application's own, at most 4096 characters.
    pub ext: *const c_char,
    /// What its content is moderated by: JSON, at most 1024 characters.
    pub moderation_id: *const c_char,
    /// What the notification carries besides, at most 2048 characters.
    pub notify_ext: *const c_char,
    /// `CHATROOM_ROOM_*` bits: which of the two below count.
    pub flags: u32,
    /// Who changes the queue: 0 everybody, 1 creator and administrators.
    pub queue_level: u32,
    /// 1: members hear who comes and goes.
    pub in_out_notification: u32,
    /// 1: nobody is notified.
    pub silent: u32,
}

// SAFETY: repr(C), led by a usize; integers and pointers only.
unsafe impl Growing for chatroom_room_edit_t {}

impl chatroom_room_edit_t {
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    unsafe fn read(theirs: *const chatroom_room_edit_t) -> Result<pb::RoomUpdateRequest, Error> {
        const FLAGS: u32 = CHATROOM_ROOM_QUEUE_LEVEL | CHATROOM_ROOM_IN_OUT_NOTIFICATION;
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`; and each text in it.
        unsafe {
            let edit = input::plain(theirs, "edit")?;
            input::flags(edit.flags, FLAGS, "flags of edit")?;
            let has = |flag: u32| edit.flags & flag != 0;
            Ok(pb::RoomUpdateRequest {
                room_id: edit.room_id,
                name: input::maybe_text(edit.name, "name")?.map(str::to_owned),
                announcement: input::maybe_text(edit.announcement, "announcement")?.map(str::to_owned),
                broadcast_url: input::maybe_text(edit.broadcast_url, "broadcast_url")?.map(str::to_owned),
                ext: input::maybe_text(edit.ext, "ext")?.map(str::to_owned),
                queue_level: has(CHATROOM_ROOM_QUEUE_LEVEL).then_some(edit.queue_level),
                silent: edit.silent != 0,
                notify_ext: input::text(edit.notify_ext, "notify_ext")?,
                moderation_id: input::maybe_text(edit.moderation_id, "moderation_id")?.map(str::to_owned),
                in_out_notification: has(CHATROOM_ROOM_IN_OUT_NOTIFICATION).then_some(edit.in_out_notification != 0),
            })
        }
    }
}

/// A room to make. Set `struct_size` to its size and the rest to 0 before filling it in.
///
/// Texts are UTF-8 and NUL-terminated; all are copied before the call returns.
#[repr(C)]
pub struct chatroom_create_t {
    /// `sizeof(chatroom_create_t)`.
    pub struct_size: usize,
    /// The name by which others find it, 1 to 32 bytes.
    pub alias: *const c_char,
    /// The name people see, at most 64 bytes; NULL: the alias.
    pub name: *const c_char,
    /// 1: a room that is there already is entered; 0: it is an error.
    pub enter_existing: u32,
    /// Seconds from the last leave to its end, at most 3600.
    pub destroy_delay_seconds: u32,
    /// The attributes a new room starts with, owned by its maker, at most 20.
    pub attributes: *const chatroom_pair_t,
    /// How many attributes there are.
    pub attribute_count: usize,
    /// As whom to enter it, or NULL; the room that it names does not count.
    pub enter: *const chatroom_enter_t,
}

// SAFETY: repr(C), led by a usize; integers and pointers only.
unsafe impl Growing for chatroom_create_t {}

impl chatroom_create_t {
    /// # Safety
    /// `theirs` is NULL or a struct as its documentation has it.
    unsafe fn read(theirs: *const chatroom_create_t) -> Result<pb::RoomCreateRequest, Error> {
        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`; and each pointer in it.
        unsafe {
            let create = input::plain(theirs, "create")?;
            Ok(pb::RoomCreateRequest {
                alias: input::required(create.alias, "alias")?,
                name: input::text(create.name, "name")?,
                enter_existing: create.enter_existing != 0,
                destroy_delay_seconds: create.destroy_delay_seconds,
                attributes: input::pairs(create.attributes, create.attribute_count, "attributes")?,
                enter: if create.enter.is_null() { None } else { Some(chatroom_enter_t::read(create.enter)?) },
            })
        }
    }
}

fn room(response: Response) -> Option<pb::RoomInfo> {
    match response {
        Response::RoomInfo(response) | Response::RoomUpdate(response) => response.room,
        _ => None,
    }
}

fn entered(response: Response) -> Option<Box<pb::RoomEnterResponse>> {
    match response {
        Response::RoomEnter(entered) | Response::RoomCreate(entered) | Response::RoomSwitch(entered) => Some(entered),
        _ => None,
    }
}

fn left(response: Response) -> Option<pb::RoomLeaveAllResponse> {
    match response {
        Response::RoomLeaveAll(left) => Some(left),
        _ => None,
    }
}

/// Enters a room. The client enters it again by itself after a lost connection; then `on_entered` tells.
///
/// Completes with 404 if there is no such room, 13002 if it is closed, 13003 for the blocklisted, 414 for what is too long.
/// Returns 503, and takes nothing on, when 1024 requests are open; so does every other request.
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
    ask_view(client, user_data, done, entered, || {
        // SAFETY: the caller promises the struct as its documentation has it, or NULL.
        let enter = unsafe { chatroom_enter_t::read(enter) }?;
        Ok(Request::RoomEnter(Box::new(enter)))
    })
}

/// Makes a room under a name of one's own, and enters it. The room ends when the last one has left it.
///
/// Completes with 417 if there is such a room and `enter_existing` is 0, 419 for those who are in as many rooms as they may.
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
    ask_view(client, user_data, done, entered, || {
        // SAFETY: the caller promises the struct as its documentation has it, or NULL.
        let create = unsafe { chatroom_create_t::read(create) }?;
        Ok(Request::RoomCreate(Box::new(create)))
    })
}

/// Leaves a room made by a client for another one, as one step: refused, one is where one was. With `create_missing` 1 the other
/// one is made if it is not there.
///
/// Completes with 403 outside `from_room_id`, 404 if the other one is not there.
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
    ask_view(client, user_data, done, entered, || {
        // SAFETY: the caller promises the struct as its documentation has it, or NULL.
        let to = Some(unsafe { chatroom_create_t::read(to) }?);
        Ok(Request::RoomSwitch(Box::new(pb::RoomSwitchRequest { from_room_id, to, create_missing: create_missing != 0 })))
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
    ask_done(client, user_data, done, || Ok(Request::RoomExit(pb::RoomExitRequest { room_id })))
}

/// Leaves every room made by a client; other rooms are not left. The answer names them.
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
    ask_view(client, user_data, done, left, || Ok(Request::RoomLeaveAll(pb::RoomLeaveAllRequest {})))
}

/// Asks what a room says of itself.
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
    ask_view(client, user_data, done, room, || Ok(Request::RoomInfo(pb::RoomInfoRequest { room_id })))
}

/// Changes a room's profile.
///
/// Completes with 403 for those who may not, 406 if nothing would change, 414 if nothing is to be changed.
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
    ask_view(client, user_data, done, room, || {
        // SAFETY: the caller promises the struct as its documentation has it, or NULL.
        let edit = unsafe { chatroom_room_edit_t::read(edit) }?;
        Ok(Request::RoomUpdate(Box::new(edit)))
    })
}

/// Mutes a whole room, with `mute` 1, or lets it speak again, with 0. `notify_ext` goes into the notification and may be NULL.
///
/// Completes with 403 for those who may not, 417 if it is so already.
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
    ask_done(client, user_data, done, || {
        // SAFETY: the caller promises a NUL-terminated text, or NULL.
        let notify_ext = unsafe { input::text(notify_ext, "notify_ext") }?;
        let request = pb::RoomMuteRequest { room_id, mute: mute != 0, silent: false, notify_ext };
        Ok(Request::RoomMute(request))
    })
}

/// Closes a room: everybody is put out, and nobody comes in until it is opened over HTTP. `notify_ext` goes into the notification
/// and may be NULL.
///
/// Completes with 403 for everybody but the room's creator.
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
    ask_done(client, user_data, done, || {
        // SAFETY: the caller promises a NUL-terminated text, or NULL.
        let notify_ext = unsafe { input::text(notify_ext, "notify_ext") }?;
        Ok(Request::RoomClose(pb::RoomCloseRequest { room_id, notify_ext }))
    })
}
