//! Requests of `proto/chatroom/v1/attributes.proto`.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

use super::*;

/// Sets attributes of a room; the answer names the keys that belong to others. Within a batch it succeeds at once.
///
/// The answer has the sub code 6000332 if some keys failed. Completes with 403 and the sub code 6000331 if all keys belong to
/// others, 419 for too many, 414 for one that is too long.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_set_attributes(
    client: *const chatroom_client_t,
    edit: *const chatroom_attributes_edit_t,
    done: chatroom_keys_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::AttributesSet(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { chatroom_attributes_edit_t::read(edit)? };
        shared.ask(request_of(Request::AttributesSet, request), user_data, tell_view(part, done))
    })
}

/// Deletes attributes of a room; the answer names the keys that belong to others, or to nobody. Within a batch it succeeds at
/// once.
///
/// Completes with 403 and the sub code 6000331 if all keys failed.
///
/// Arguments:
/// - `keys`: 1-20.
/// - `force`: true: delete those of other owners too.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_delete_attributes(
    client: *const chatroom_client_t,
    room_id: i64,
    keys: *const *const c_char,
    key_count: usize,
    force: i32,
    done: chatroom_keys_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::AttributesDelete(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request =
            unsafe { pb::AttributesDeleteRequest { room_id, keys: input::texts(keys, key_count, "keys")?, force: force != 0 } };
        shared.ask(request_of(Request::AttributesDelete, request), user_data, tell_view(part, done))
    })
}

/// Sends what was collected since chatroom_client_begin_attributes_batch, as one change. The answer is that of
/// chatroom_client_set_attributes. Whatever comes of it, the batch is over; only a call that is refused at once with 503 leaves
/// it as it is.
///
/// Completes with 406 without a batch.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_end_attributes_batch(
    client: *const chatroom_client_t,
    room_id: i64,
    done: chatroom_keys_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::AttributesBatch(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        shared.ask_by(user_data, tell_view(part, done), |client, done| client.end_attributes_batch_with(room_id, done))
    })
}

/// Reads the attributes of a room.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_attributes(
    client: *const chatroom_client_t,
    room_id: i64,
    done: chatroom_attributes_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::AttributesList(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        let request = pb::AttributesListRequest { room_id };
        shared.ask(request_of(Request::AttributesList, request), user_data, tell_view(part, done))
    })
}

/// Sets attributes of members of a room; an empty value deletes its key.
///
/// The answer has, for each of them, the attributes as they are now and the keys that others have set; and the accounts that
/// are not there. Completes with 419 for too many, 414 for one that is too long.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_set_member_attributes(
    client: *const chatroom_client_t,
    edit: *const chatroom_member_attributes_edit_t,
    done: chatroom_member_attributes_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::MemberAttributesSet(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { chatroom_member_attributes_edit_t::read(edit)? };
        shared.ask(request_of(Request::MemberAttributesSet, request), user_data, tell_view(part, done))
    })
}

/// Reads the attributes of certain members of a room.
///
/// Completes with 416 when asked more often than five times in half a minute.
///
/// Arguments:
/// - `accounts`: 1-100.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_lookup_member_attributes(
    client: *const chatroom_client_t,
    room_id: i64,
    accounts: *const *const c_char,
    account_count: usize,
    done: chatroom_member_attributes_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::MemberAttributesLookup(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::MemberAttributesLookupRequest { room_id, accounts: input::texts(accounts, account_count, "accounts")? }
        };
        shared.ask(request_of(Request::MemberAttributesLookup, request), user_data, tell_view(part, done))
    })
}

/// Reads one page of the members of a room that have attributes, with these.
///
/// Completes with 416 when asked more often than five times in half a minute.
///
/// Arguments:
/// - `next`: empty starts; the last response's value goes on.
/// - `limit`: 1-100; absent means 100.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_member_attributes(
    client: *const chatroom_client_t,
    room_id: i64,
    next: *const c_char,
    limit: u32,
    done: chatroom_member_attributes_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::MemberAttributesList(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { pb::MemberAttributesListRequest { room_id, next: input::text(next, "next")?, limit } };
        shared.ask(request_of(Request::MemberAttributesList, request), user_data, tell_view(part, done))
    })
}
