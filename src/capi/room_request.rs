//! Requests about rooms, members and the queue.

use std::ffi::{c_char, c_void};

use bytes::Bytes;

use super::answer::{tell_done, tell_part};
use super::boundary::Error;
use super::client::{chatroom_client_t, on};
use super::constants::chatroom_result;
use super::input;
use super::lend::{chatroom_element_t, chatroom_member_t, chatroom_room_t, first, texts};
use super::request::chatroom_done_fn;
use super::types::{UserData, chatroom_bytes_t, chatroom_destructor_fn, chatroom_status_t};
use crate::error::Code;
use crate::wire::{Request, Response, pb};

/// Completes chatroom_client_room_info. `room` is NULL unless the code is 0.
pub type chatroom_room_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, room: *const chatroom_room_t)>;

/// Completes a request for members. `page` is NULL unless the code is 0.
pub type chatroom_members_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, page: *const chatroom_members_t)>;

/// Completes a request for elements of a queue. `page` is NULL unless the code is 0.
pub type chatroom_elements_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, page: *const chatroom_elements_t)>;

/// Members of a room. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_members_t {
    /// The members, in an array of pointers, none of them NULL.
    pub members: *const *const chatroom_member_t,
    /// How many members there are.
    pub member_count: usize,
    /// 1: there are more, from the time of the last of these on.
    pub has_more: u32,
    /// Always 0.
    pub reserved: u32,
}

/// Elements of a room's queue. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_elements_t {
    /// The elements, in an array of pointers, none of them NULL.
    pub elements: *const *const chatroom_element_t,
    /// How many elements there are.
    pub element_count: usize,
}

fn lend_members(page: &pb::MemberListResponse, body: impl FnOnce(&chatroom_members_t)) {
    let tags: Vec<Vec<chatroom_bytes_t>> = page.members.iter().map(|member| texts(&member.tags)).collect();
    let members: Vec<chatroom_member_t> =
        page.members.iter().zip(&tags).map(|(member, tags)| chatroom_member_t::lend(member, tags)).collect();
    let members: Vec<*const chatroom_member_t> = members.iter().map(|member| &raw const *member).collect();
    body(&chatroom_members_t {
        members: first(&members),
        member_count: members.len(),
        has_more: page.has_more.into(),
        reserved: 0,
    });
}

fn lend_elements(elements: &[pb::QueueElement], body: impl FnOnce(&chatroom_elements_t)) {
    let elements: Vec<chatroom_element_t> = elements.iter().map(chatroom_element_t::lend).collect();
    let elements: Vec<*const chatroom_element_t> = elements.iter().map(|element| &raw const *element).collect();
    body(&chatroom_elements_t { elements: first(&elements), element_count: elements.len() });
}

fn ask_members(
    client: *const chatroom_client_t,
    request: impl FnOnce() -> Result<Request, Error>,
    done: chatroom_members_fn,
    user_data: UserData,
) -> chatroom_result {
    on(client, |shared| {
        let part = |response| match response {
            Response::MemberList(page) | Response::MemberLookup(page) => Some(page),
            _ => None,
        };
        let tell = tell_part(part, move |user_data, status, page: Option<pb::MemberListResponse>| {
            let Some(done) = done else { return };
            match page {
                // SAFETY: the host gave the two together, and has not got its pointer back; what is lent lives until it returns.
                Some(page) => lend_members(&page, |page| unsafe { done(user_data, status, page) }),
                // SAFETY: as above.
                None => unsafe { done(user_data, status, std::ptr::null()) },
            }
        });
        shared.ask(request()?, user_data, tell)
    })
}

fn ask_elements(
    client: *const chatroom_client_t,
    request: impl FnOnce() -> Result<Request, Error>,
    done: chatroom_elements_fn,
    user_data: UserData,
) -> chatroom_result {
    on(client, |shared| {
        let part = |response| match response {
            Response::QueueList(list) => Some(list.elements),
            Response::QueuePoll(one) | Response::QueuePeek(one) => Some(one.element.into_iter().collect()),
            _ => None,
        };
        let tell = tell_part(part, move |user_data, status, elements: Option<Vec<pb::QueueElement>>| {
            let Some(done) = done else { return };
            match elements {
                // SAFETY: the host gave the two together, and has not got its pointer back; what is lent lives until it returns.
                Some(elements) => lend_elements(&elements, |page| unsafe { done(user_data, status, page) }),
                // SAFETY: as above.
                None => unsafe { done(user_data, status, std::ptr::null()) },
            }
        });
        shared.ask(request()?, user_data, tell)
    })
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
    on(client, |shared| {
        let part = |response| match response {
            Response::RoomInfo(response) => response.room,
            _ => None,
        };
        let tell = tell_part(part, move |user_data, status, room: Option<pb::RoomInfo>| {
            let Some(done) = done else { return };
            let room = room.as_ref().map(chatroom_room_t::lend);
            let room = room.as_ref().map_or(std::ptr::null(), |room| room);
            // SAFETY: the host gave the two together, and has not got its pointer back; what is lent lives until it returns.
            unsafe { done(user_data, status, room) }
        });
        shared.ask(Request::RoomInfo(pb::RoomInfoRequest { room_id }), user_data, tell)
    })
}

/// Asks for a page of a room's members. `query` is a `chatroom_member_query`, `time_ms` the time of the last member of the page
/// before, or 0 to begin; `limit` is 1 to 100, or 0 for 100.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_members(
    client: *const chatroom_client_t,
    room_id: i64,
    query: i32,
    time_ms: i64,
    limit: u32,
    done: chatroom_members_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let request = || Ok(Request::MemberList(pb::MemberListRequest { room_id, query, time_ms, limit }));
    ask_members(client, request, done, user_data)
}

/// Asks for certain members of a room, at most 20, by account.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_lookup_members(
    client: *const chatroom_client_t,
    room_id: i64,
    accounts: *const *const c_char,
    account_count: usize,
    done: chatroom_members_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let request = || {
        // SAFETY: the caller promises `account_count` NUL-terminated texts.
        let accounts = unsafe { input::texts(accounts, account_count, "accounts") }?;
        Ok(Request::MemberLookup(pb::MemberLookupRequest { room_id, accounts }))
    };
    ask_members(client, request, done, user_data)
}

/// Gives a member a role, or takes it. `change` is a `chatroom_role_change`, `set` 1 to give and 0 to take; `level` is the
/// application's own rank; `notify_ext` goes into the notification and may be NULL.
///
/// Completes with 403 for those who may not, 404 for an unknown account, 417 if it is so already.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_set_role(
    client: *const chatroom_client_t,
    room_id: i64,
    account: *const c_char,
    change: i32,
    set: i32,
    level: u32,
    notify_ext: *const c_char,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| {
        // SAFETY: the caller promises NUL-terminated texts, or NULL.
        let (account, notify_ext) = unsafe { (input::required(account, "account")?, input::text(notify_ext, "notify_ext")?) };
        let request = pb::MemberSetRoleRequest { room_id, account, change, set: set != 0, level, notify_ext };
        shared.ask(Request::MemberSetRole(request), user_data, tell_done(done))
    })
}

/// Takes a member out of a room. `notify_ext` goes into the notification and may be NULL.
///
/// Completes with 403 for those who may not, 404 if the account is not there.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_kick(
    client: *const chatroom_client_t,
    room_id: i64,
    account: *const c_char,
    notify_ext: *const c_char,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| {
        // SAFETY: the caller promises NUL-terminated texts, or NULL.
        let (account, notify_ext) = unsafe { (input::required(account, "account")?, input::text(notify_ext, "notify_ext")?) };
        let request = pb::MemberKickRequest { room_id, account, notify_ext };
        shared.ask(Request::MemberKick(request), user_data, tell_done(done))
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
    on(client, |shared| {
        // SAFETY: the caller promises a NUL-terminated text, or NULL.
        let notify_ext = unsafe { input::text(notify_ext, "notify_ext") }?;
        let request = pb::RoomMuteRequest { room_id, mute: mute != 0, silent: false, notify_ext };
        shared.ask(Request::RoomMute(request), user_data, tell_done(done))
    })
}

/// Adds an element to the end of a room's queue, or gives the one with that key a new value. `key` is 1 to 128 bytes, `value`
/// UTF-8 of at most 4096; with `transient` 1 the element goes when its owner has left. `owner` is an account, or NULL for
/// oneself.
///
/// Completes with 403 for those who may not, 419 for a full queue.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_queue_offer(
    client: *const chatroom_client_t,
    room_id: i64,
    key: *const c_char,
    value: *const c_void,
    value_len: usize,
    transient: i32,
    owner: *const c_char,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| {
        // SAFETY: the caller promises NUL-terminated texts, or NULL, and `value_len` readable bytes at `value`.
        let request = unsafe {
            pb::QueueOfferRequest {
                room_id,
                key: input::required(key, "key")?,
                value: Bytes::copy_from_slice(input::bytes(value, value_len, "value")?),
                transient: transient != 0,
                owner: input::text(owner, "owner")?,
            }
        };
        shared.ask(Request::QueueOffer(Box::new(request)), user_data, tell_done(done))
    })
}

/// Takes an element out of a room's queue: the one with that key, or the head if `key` is NULL.
///
/// Completes with 404 if there is none.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_queue_poll(
    client: *const chatroom_client_t,
    room_id: i64,
    key: *const c_char,
    done: chatroom_elements_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let request = || {
        // SAFETY: the caller promises a NUL-terminated text, or NULL.
        let key = unsafe { input::maybe_text(key, "key") }?;
        if key == Some("") {
            return Err(Error::new(Code::BadParameter, "key must not be empty: NULL takes the head"));
        }
        Ok(Request::QueuePoll(pb::QueuePollRequest { room_id, key: key.unwrap_or_default().to_owned() }))
    };
    ask_elements(client, request, done, user_data)
}

/// Asks for a room's queue, in its order.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_queue_list(
    client: *const chatroom_client_t,
    room_id: i64,
    done: chatroom_elements_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_elements(client, || Ok(Request::QueueList(pb::QueueListRequest { room_id })), done, user_data)
}

/// Asks for the head of a room's queue.
///
/// Completes with 404 if the queue is empty.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_queue_peek(
    client: *const chatroom_client_t,
    room_id: i64,
    done: chatroom_elements_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_elements(client, || Ok(Request::QueuePeek(pb::QueuePeekRequest { room_id })), done, user_data)
}

/// Empties a room's queue.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_queue_drop(
    client: *const chatroom_client_t,
    room_id: i64,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| shared.ask(Request::QueueDrop(pb::QueueDropRequest { room_id }), user_data, tell_done(done)))
}
