//! Requests of `proto/chatroom/v1/member.proto`.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

use super::*;

/// Reads one page of the members of a room.
///
/// Arguments:
/// - `query`: a `chatroom_member_query`: which members.
/// - `time_ms`: the time of the last member of the page before, exclusive; 0 begins.
/// - `limit`: 1-100; absent means 100.
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
    let part = |response| match response {
        Response::MemberList(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        let request = pb::MemberListRequest { room_id, query, time_ms, limit, ..Default::default() };
        shared.ask(request_of(Request::MemberList, request), user_data, tell_view(part, done))
    })
}

/// Reads the page of the members of a room where another page ended.
///
/// Arguments:
/// - `query`: a `chatroom_member_query`: which members.
/// - `next`: `next` of the page before, in place of its last time: exact within one millisecond.
/// - `limit`: 1-100; absent means 100.
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
    let part = |response| match response {
        Response::MemberList(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::MemberListRequest { room_id, query, limit, next: input::required(next, "next")?, ..Default::default() }
        };
        shared.ask(request_of(Request::MemberList, request), user_data, tell_view(part, done))
    })
}

/// Reads certain members of a room, by account.
///
/// Arguments:
/// - `accounts`: at most 20; answered in this order, as many as fit.
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
    let part = |response| match response {
        Response::MemberLookup(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request =
            unsafe { pb::MemberLookupRequest { room_id, accounts: input::texts(accounts, account_count, "accounts")? } };
        shared.ask(request_of(Request::MemberLookup, request), user_data, tell_view(part, done))
    })
}

/// Reads one page of the connections that carry a tag, the newest first.
///
/// Arguments:
/// - `tag`: the tag.
/// - `time_ms`: the time of the last one of the page before, exclusive; 0 begins.
/// - `limit`: 1-100; absent means 100.
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
    let part = |response| match response {
        Response::MemberListByTag(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::MemberListByTagRequest { room_id, tag: input::required(tag, "tag")?, time_ms, limit, ..Default::default() }
        };
        shared.ask(request_of(Request::MemberListByTag, request), user_data, tell_view(part, done))
    })
}

/// Reads the page of the connections that carry a tag where another page ended.
///
/// Arguments:
/// - `tag`: the tag.
/// - `next`: `next` of the page before: see MemberListRequest.
/// - `limit`: 1-100; absent means 100.
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
    let part = |response| match response {
        Response::MemberListByTag(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::MemberListByTagRequest {
                room_id,
                tag: input::required(tag, "tag")?,
                limit,
                next: input::required(next, "next")?,
                ..Default::default()
            }
        };
        shared.ask(request_of(Request::MemberListByTag, request), user_data, tell_view(part, done))
    })
}

/// Counts the accounts that carry a tag.
///
/// Arguments:
/// - `tag`: the tag.
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
    let part = |response| match response {
        Response::MemberCountByTag(answer) => Some(answer.count),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { pb::MemberCountByTagRequest { room_id, tag: input::required(tag, "tag")? } };
        shared.ask(request_of(Request::MemberCountByTag, request), user_data, tell_count(part, done))
    })
}

/// Gives or takes a role: administrator, ordinary member, blocklist, mute.
///
/// Completes with 403 for those who may not, 404 for an unknown account, 417 if it is so already.
///
/// Arguments:
/// - `account`: whose role.
/// - `change`: a `chatroom_role_change`: which role.
/// - `set`: true sets, false unsets.
/// - `level`: the application's own rank.
/// - `notify_ext`: what the notification carries besides, at most 2048 char.
///
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
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::MemberSetRoleRequest {
                room_id,
                account: input::required(account, "account")?,
                change,
                set: set != 0,
                level,
                notify_ext: input::text(notify_ext, "notify_ext")?,
            }
        };
        shared.ask(request_of(Request::MemberSetRole, request), user_data, tell_done(done))
    })
}

/// Takes a member out of a room.
///
/// Completes with 403 for those who may not, 404 if the account is not there.
///
/// Arguments:
/// - `account`: the member.
/// - `notify_ext`: what the notification carries besides, at most 2048 char.
///
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
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::MemberKickRequest {
                room_id,
                account: input::required(account, "account")?,
                notify_ext: input::text(notify_ext, "notify_ext")?,
            }
        };
        shared.ask(request_of(Request::MemberKick, request), user_data, tell_done(done))
    })
}

/// Mutes a member for a while; 0 seconds lift that.
///
/// The answer is the number of seconds. Completes with 403 for those who may not, 404 if the account is not there, 417 if there
/// is nothing to lift.
///
/// Arguments:
/// - `account`: the member.
/// - `seconds`: 0 lifts; at most 2592000.
/// - `silent`: true: nobody is notified.
/// - `notify_ext`: what the notification carries besides, at most 2048 char.
///
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
    let part = |response| match response {
        Response::MemberTempMute(answer) => Some(answer.seconds.into()),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::MemberTempMuteRequest {
                room_id,
                account: input::required(account, "account")?,
                seconds,
                silent: silent != 0,
                notify_ext: input::text(notify_ext, "notify_ext")?,
            }
        };
        shared.ask(request_of(Request::MemberTempMute, request), user_data, tell_count(part, done))
    })
}

/// Mutes everybody with a tag for a while; 0 seconds lift that.
///
/// It counts for every connection that carries the tag, now or later. The answer is the number of seconds, of a lifted mute
/// those that remained. Completes with 403 for those who may not.
///
/// Arguments:
/// - `tag`: the tag.
/// - `seconds`: 0 lifts; at most 2592000.
/// - `silent`: true: nobody is notified.
/// - `notify_ext`: what the notification carries besides, at most 2048 char.
/// - `notify_target_tags`: who hears of it: a tag expression; absent: those with the tag.
///
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
    let part = |response| match response {
        Response::MemberTagTempMute(answer) => Some(answer.seconds.into()),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
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
        shared.ask(request_of(Request::MemberTagTempMute, request), user_data, tell_count(part, done))
    })
}

/// Changes the own profile in a room.
///
/// The client carries it again after a lost connection. Completes with 403 for the anonymous, 414 if nothing is to be changed.
///
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
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { chatroom_self_edit_t::read(edit)? };
        shared.ask(request_of(Request::MemberUpdateSelf, request), user_data, tell_done(done))
    })
}

/// Changes the own tags in a room. The client carries them again after a lost connection.
///
/// Completes with 414 if nothing is to be changed.
///
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
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { chatroom_tags_edit_t::read(edit)? };
        shared.ask(request_of(Request::MemberUpdateTags, request), user_data, tell_done(done))
    })
}

/// Changes the own place in a room. The client stands there again after a lost connection.
///
/// Completes with 414 if nothing is to be changed, or for numbers that are none.
///
/// Arguments:
/// - `location`: where to stand and how far to hear.
///
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
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request =
            unsafe { pb::MemberUpdateLocationRequest { room_id, location: Some(chatroom_location_t::read(location)?) } };
        shared.ask(request_of(Request::MemberUpdateLocation, request), user_data, tell_done(done))
    })
}
