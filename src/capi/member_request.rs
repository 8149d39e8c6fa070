//! Requests about members: who is there, what they may, and what one says of oneself.

use std::ffi::{c_char, c_void};

use super::answer::{Lend, ask_count, ask_done, ask_view};
use super::client::chatroom_client_t;
use super::constants::chatroom_result;
use super::input::{self, Growing};
use super::lend::{LentMembers, chatroom_member_t};
use super::options::chatroom_location_t;
use super::request::{chatroom_count_fn, chatroom_done_fn};
use super::types::{UserData, chatroom_bytes_t, chatroom_destructor_fn, chatroom_status_t};
use crate::wire::{Request, Response, pb};

/// Completes a request for members. `page` is NULL unless the code is 0.
pub type chatroom_members_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, page: *const chatroom_members_t)>;

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
    /// With `has_more`: what `chatroom_client_members_from` and `chatroom_client_members_by_tag_from` go on with, exact also where
    /// many share a time. Of a look-up the account to go on with.
    pub next: chatroom_bytes_t,
}

impl Lend for pb::MemberListResponse {
    type View = chatroom_members_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_members_t)) {
        let LentMembers { row, .. } = &LentMembers::new(&self.members);
        body(&chatroom_members_t {
            members: row.first(),
            member_count: row.len(),
            has_more: self.has_more.into(),
            reserved: 0,
            next: chatroom_bytes_t::text(&self.next),
        });
    }
}

/// What to change about oneself in a room. Set `struct_size` to its size and the rest to 0 before filling it in.
///
/// Texts are UTF-8 and NUL-terminated; NULL leaves what is there. All are copied before the call returns.
#[repr(C)]
pub struct chatroom_self_edit_t {
    /// `sizeof(chatroom_self_edit_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// The nick, at most 64 characters.
    pub nick: *const c_char,
    /// The address of the avatar, at most 1024 characters.
    pub avatar: *const c_char,
    /// The application's own, at most 4096 characters.
    pub ext: *const c_char,
    /// What the notification carries besides, at most 2048 characters.
    pub notify_ext: *const c_char,
    /// 1: nobody is notified.
    pub silent: u32,
    /// 1: a member with a role keeps it beyond its stay.
    pub save: u32,
}

// SAFETY: repr(C), led by a usize; integers and pointers only.
unsafe impl Growing for chatroom_self_edit_t {}

/// What to change about one's own tags in a room. Set `struct_size` to its size and the rest to 0 before filling it in.
///
/// Texts are UTF-8 and NUL-terminated; all are copied before the call returns.
#[repr(C)]
pub struct chatroom_tags_edit_t {
    /// `sizeof(chatroom_tags_edit_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// The tags, at most 10 of at most 32 characters; they count if `set_tags` is 1.
    pub tags: *const *const c_char,
    /// How many tags there are.
    pub tag_count: usize,
    /// Who hears what this connection says, and its coming and going: a tag expression; NULL leaves what is there, "" is everybody.
    pub notify_target_tags: *const c_char,
    /// What the notification carries besides, at most 2048 characters.
    pub notify_ext: *const c_char,
    /// 1: `tags` replace those that are there; 0: those stay.
    pub set_tags: u32,
    /// 1: the room is notified.
    pub notify: u32,
}

// SAFETY: repr(C), led by a usize; integers and pointers only.
unsafe impl Growing for chatroom_tags_edit_t {}

fn members(response: Response) -> Option<pb::MemberListResponse> {
    match response {
        Response::MemberList(page) | Response::MemberLookup(page) | Response::MemberListByTag(page) => Some(page),
        _ => None,
    }
}

fn count(response: Response) -> Option<u64> {
    match response {
        Response::MemberCountByTag(response) => Some(response.count),
        Response::MemberTempMute(response) | Response::MemberTagTempMute(response) => Some(response.seconds.into()),
        _ => None,
    }
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
    let request = pb::MemberListRequest { room_id, query, time_ms, limit, ..Default::default() };
    ask_view(client, user_data, done, members, || Ok(Request::MemberList(request)))
}

/// As `chatroom_client_members`, from where another page ended: `next` is what that page had there, NUL-terminated.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_members_from(
    client: *const chatroom_client_t,
    room_id: i64,
    query: i32,
    next: *const c_char,
    limit: u32,
    done: chatroom_members_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_view(client, user_data, done, members, || {
        // SAFETY: the caller promises a NUL-terminated text, or NULL.
        let next = unsafe { input::required(next, "next") }?;
        Ok(Request::MemberList(pb::MemberListRequest { room_id, query, time_ms: 0, limit, next }))
    })
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
    ask_view(client, user_data, done, members, request)
}

/// Asks for the connections that carry a tag, the newest first, one record each. `time_ms` is the time of the last one of the page
/// before, or 0 to begin; `limit` is 1 to 100, or 0 for 100.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_members_by_tag(
    client: *const chatroom_client_t,
    room_id: i64,
    tag: *const c_char,
    time_ms: i64,
    limit: u32,
    done: chatroom_members_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_view(client, user_data, done, members, || {
        // SAFETY: the caller promises a NUL-terminated text, or NULL.
        let tag = unsafe { input::required(tag, "tag") }?;
        Ok(Request::MemberListByTag(pb::MemberListByTagRequest { room_id, tag, time_ms, limit, next: String::new() }))
    })
}

/// As `chatroom_client_members_by_tag`, from where another page ended: `next` is what that page had there, NUL-terminated.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_members_by_tag_from(
    client: *const chatroom_client_t,
    room_id: i64,
    tag: *const c_char,
    next: *const c_char,
    limit: u32,
    done: chatroom_members_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_view(client, user_data, done, members, || {
        // SAFETY: the caller promises NUL-terminated texts, or NULL.
        let (tag, next) = unsafe { (input::required(tag, "tag")?, input::required(next, "next")?) };
        Ok(Request::MemberListByTag(pb::MemberListByTagRequest { room_id, tag, time_ms: 0, limit, next }))
    })
}

/// Asks how many accounts carry a tag, each counted once.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_count_by_tag(
    client: *const chatroom_client_t,
    room_id: i64,
    tag: *const c_char,
    done: chatroom_count_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_count(client, user_data, done, count, || {
        // SAFETY: the caller promises a NUL-terminated text, or NULL.
        let tag = unsafe { input::required(tag, "tag") }?;
        Ok(Request::MemberCountByTag(pb::MemberCountByTagRequest { room_id, tag }))
    })
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
    ask_done(client, user_data, done, || {
        // SAFETY: the caller promises NUL-terminated texts, or NULL.
        let (account, notify_ext) = unsafe { (input::required(account, "account")?, input::text(notify_ext, "notify_ext")?) };
        let request = pb::MemberSetRoleRequest { room_id, account, change, set: set != 0, level, notify_ext };
        Ok(Request::MemberSetRole(request))
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
    ask_done(client, user_data, done, || {
        // SAFETY: the caller promises NUL-terminated texts, or NULL.
        let (account, notify_ext) = unsafe { (input::required(account, "account")?, input::text(notify_ext, "notify_ext")?) };
        let request = pb::MemberKickRequest { room_id, account, notify_ext };
        Ok(Request::MemberKick(request))
    })
}

/// Mutes a member for `seconds`, at most 2592000; 0 lifts that. With `silent` 1 nobody is notified. `notify_ext` goes into the
/// notification and may be NULL. The answer is the number of seconds.
///
/// Completes with 403 for those who may not, 404 if the account is not there, 417 if there is nothing to lift.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_temp_mute(
    client: *const chatroom_client_t,
    room_id: i64,
    account: *const c_char,
    seconds: u32,
    silent: i32,
    notify_ext: *const c_char,
    done: chatroom_count_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_count(client, user_data, done, count, || {
        // SAFETY: the caller promises NUL-terminated texts, or NULL.
        let (account, notify_ext) = unsafe { (input::required(account, "account")?, input::text(notify_ext, "notify_ext")?) };
        let request = pb::MemberTempMuteRequest { room_id, account, seconds, silent: silent != 0, notify_ext };
        Ok(Request::MemberTempMute(request))
    })
}

/// Mutes every connection that carries a tag, now or later, for `seconds`, at most 2592000; 0 lifts that. With `silent` 1 nobody is
/// notified; `notify_ext` goes into the notification and may be NULL; `notify_target_tags` is who hears it, a tag expression, or
/// NULL for those with the tag. The answer is the number of seconds, of a lifted mute those that remained.
///
/// Completes with 403 for those who may not.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_tag_temp_mute(
    client: *const chatroom_client_t,
    room_id: i64,
    tag: *const c_char,
    seconds: u32,
    silent: i32,
    notify_ext: *const c_char,
    notify_target_tags: *const c_char,
    done: chatroom_count_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_count(client, user_data, done, count, || {
        // SAFETY: the caller promises NUL-terminated texts, or NULL.
        let request = unsafe {
            pb::MemberTagTempMuteRequest {
                room_id,
                tag: input::required(tag, "tag")?,
                seconds,
                silent: silent != 0,
                notify_ext: input::text(notify_ext, "notify_ext")?,
                notify_target_tags: input::maybe_text(notify_target_tags, "notify_target_tags")?.map(str::to_owned),
            }
        };
        Ok(Request::MemberTagTempMute(request))
    })
}

/// Changes one's own nick, avatar or `ext` in a room. The client carries them again after a lost connection.
///
/// Completes with 403 for the anonymous, 414 if nothing is to be changed.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_update_self(
    client: *const chatroom_client_t,
    edit: *const chatroom_self_edit_t,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_done(client, user_data, done, || {
        // SAFETY: the caller promises the struct as its documentation has it, or NULL; and each text in it.
        let request = unsafe {
            let edit = input::plain(edit, "edit")?;
            pb::MemberUpdateSelfRequest {
                room_id: edit.room_id,
                nick: input::maybe_text(edit.nick, "nick")?.map(str::to_owned),
                avatar: input::maybe_text(edit.avatar, "avatar")?.map(str::to_owned),
                ext: input::maybe_text(edit.ext, "ext")?.map(str::to_owned),
                silent: edit.silent != 0,
                save: edit.save != 0,
                notify_ext: input::text(edit.notify_ext, "notify_ext")?,
            }
        };
        Ok(Request::MemberUpdateSelf(Box::new(request)))
    })
}

/// Changes the tags of this connection in a room, or who hears it. The client carries them again after a lost connection.
///
/// Completes with 414 if nothing is to be changed.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_update_tags(
    client: *const chatroom_client_t,
    edit: *const chatroom_tags_edit_t,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_done(client, user_data, done, || {
        // SAFETY: the caller promises the struct as its documentation has it, or NULL; and each text in it.
        let request = unsafe {
            let edit = input::plain(edit, "edit")?;
            pb::MemberUpdateTagsRequest {
                room_id: edit.room_id,
                tags: input::texts(edit.tags, edit.tag_count, "tags")?,
                set_tags: edit.set_tags != 0,
                notify_target_tags: input::maybe_text(edit.notify_target_tags, "notify_target_tags")?.map(str::to_owned),
                notify: edit.notify != 0,
                notify_ext: input::text(edit.notify_ext, "notify_ext")?,
            }
        };
        Ok(Request::MemberUpdateTags(Box::new(request)))
    })
}

/// Changes where this connection stands in a room, and how far it hears. The client stands there again after a lost connection.
///
/// Completes with 414 if nothing is to be changed, or for numbers that are none.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_update_location(
    client: *const chatroom_client_t,
    room_id: i64,
    location: *const chatroom_location_t,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_done(client, user_data, done, || {
        // SAFETY: the caller promises the struct as its documentation has it, or NULL.
        let location = Some(unsafe { chatroom_location_t::read(location) }?);
        Ok(Request::MemberUpdateLocation(pb::MemberUpdateLocationRequest { room_id, location }))
    })
}
