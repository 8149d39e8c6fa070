//! Requests about attributes: those of a room, and those of its members.

use std::ffi::{c_char, c_void};

use super::answer::{ask_view, tell_view};
use super::attributes::{chatroom_attributes_t, chatroom_member_attributes_page_t};
use super::client::{chatroom_client_t, on};
use super::constants::chatroom_result;
use super::input::{self, Growing};
use super::queue_request::{FailedKeys, chatroom_keys_fn};
use super::request::chatroom_done_fn;
use super::types::{UserData, chatroom_destructor_fn, chatroom_pair_t, chatroom_status_t};
use crate::client::BatchConfig;
use crate::wire::{Request, Response, pb};

/// Completes chatroom_client_attributes. `attributes` is NULL unless the code is 0.
pub type chatroom_attributes_fn = Option<
    unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, attributes: *const chatroom_attributes_t),
>;

/// Completes a request about the attributes of members. `page` is NULL unless the code is 0.
pub type chatroom_member_attributes_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        status: *const chatroom_status_t,
        page: *const chatroom_member_attributes_page_t,
    ),
>;

/// Attributes of a room to set. Set `struct_size` to its size and the rest to 0 before filling it in.
#[repr(C)]
pub struct chatroom_attributes_edit_t {
    /// `sizeof(chatroom_attributes_edit_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// The attributes, 1 to 20: keys of at most 16 bytes, values of at most 1024.
    pub attributes: *const chatroom_pair_t,
    /// How many attributes there are.
    pub attribute_count: usize,
    /// 1: change those of other owners too.
    pub force: u32,
    /// 1, with `force`: they become the caller's.
    pub update_owner: u32,
    /// 1: they go when their owner has left.
    pub delete_after_owner_left: u32,
    /// Set it to 0.
    pub reserved: u32,
}

// SAFETY: repr(C), led by a usize; integers and pointers only.
unsafe impl Growing for chatroom_attributes_edit_t {}

/// Attributes of members to set. Set `struct_size` to its size and the rest to 0 before filling it in.
#[repr(C)]
pub struct chatroom_member_attributes_edit_t {
    /// `sizeof(chatroom_member_attributes_edit_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// The members, by account, 1 to 100.
    pub accounts: *const *const c_char,
    /// How many accounts there are.
    pub account_count: usize,
    /// The attributes, 1 to 30: keys of at most 8 bytes, values of at most 64; an empty value deletes its key.
    pub attributes: *const chatroom_pair_t,
    /// How many attributes there are.
    pub attribute_count: usize,
    /// 1: change those that others have set, too.
    pub force: u32,
    /// 1: they stay when their member has left; 0: they go with it.
    pub keep_after_member_left: u32,
}

// SAFETY: repr(C), led by a usize; integers and pointers only.
unsafe impl Growing for chatroom_member_attributes_edit_t {}

fn failed(response: Response) -> Option<FailedKeys> {
    match response {
        Response::AttributesSet(response) | Response::AttributesDelete(response) | Response::AttributesBatch(response) => {
            Some(FailedKeys(response.error_keys))
        }
        _ => None,
    }
}

fn listed(response: Response) -> Option<pb::AttributesListResponse> {
    match response {
        Response::AttributesList(response) => Some(response),
        _ => None,
    }
}

fn set(response: Response) -> Option<pb::MemberAttributesSetResponse> {
    match response {
        Response::MemberAttributesSet(response) => Some(response),
        _ => None,
    }
}

fn of_members(response: Response) -> Option<pb::MemberAttributesListResponse> {
    match response {
        Response::MemberAttributesLookup(response) | Response::MemberAttributesList(response) => Some(response),
        _ => None,
    }
}

/// Sets attributes of a room. The answer has the keys that belong to others, with the sub code 6000332 if there are any. Between
/// the begin and the end of a batch it completes at once, and the batch's own flags count.
///
/// Completes with 403 and the sub code 6000331 if all keys belong to others, 419 for too many, 414 for one that is too long.
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
    ask_view(client, user_data, done, failed, || {
        // SAFETY: the caller promises the struct as its documentation has it, or NULL; and each text in it.
        let request = unsafe {
            let edit = input::plain(edit, "edit")?;
            input::reserved(edit.reserved, "edit")?;
            pb::AttributesSetRequest {
                room_id: edit.room_id,
                attributes: input::pairs(edit.attributes, edit.attribute_count, "attributes")?,
                force: edit.force != 0,
                update_owner: edit.update_owner != 0,
                delete_after_owner_left: edit.delete_after_owner_left != 0,
            }
        };
        Ok(Request::AttributesSet(request))
    })
}

/// Deletes attributes of a room, 1 to 20, by key; with `force` 1 those of other owners too. The answer has the keys that belong to
/// others, or to nobody. Between the begin and the end of a batch it completes at once.
///
/// Completes with 403 and the sub code 6000331 if all keys failed.
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
    ask_view(client, user_data, done, failed, || {
        // SAFETY: the caller promises `key_count` NUL-terminated texts.
        let keys = unsafe { input::texts(keys, key_count, "keys") }?;
        Ok(Request::AttributesDelete(pb::AttributesDeleteRequest { room_id, keys, force: force != 0 }))
    })
}

/// From here on, attributes that are set or deleted in this room are collected, at most 50 operations, and go out as one change with
/// chatroom_client_end_attributes_batch. The flags are those of chatroom_attributes_edit_t, and count for all of them. The
/// collection is discarded when the room is left.
///
/// Completes with 403 outside the room, 417 while a batch is begun there.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_begin_attributes_batch(
    client: *const chatroom_client_t,
    room_id: i64,
    force: i32,
    update_owner: i32,
    delete_after_owner_left: i32,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let config = BatchConfig {
        force: force != 0,
        update_owner: update_owner != 0,
        delete_after_owner_left: delete_after_owner_left != 0,
    };
    on(client, |shared| {
        shared.order(|client| client.try_begin_attributes_batch(room_id, config), |result| result, done, user_data)
    })
}

/// Sends what was collected since chatroom_client_begin_attributes_batch, as one change. The answer is that of
/// chatroom_client_set_attributes. Whatever comes of it, the batch is over; only a call that is
/// refused at once with 503 leaves it as it is.
///
/// Completes with 406 without a batch.
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
    on(client, |shared| {
        shared.ask_by(user_data, tell_view(failed, done), |client, done| client.end_attributes_batch_with(room_id, done))
    })
}

/// Asks for all attributes of a room.
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
    ask_view(client, user_data, done, listed, || Ok(Request::AttributesList(pb::AttributesListRequest { room_id })))
}

/// Sets attributes of members of a room. The answer has, for each of them, the attributes as they are now and the keys that others
/// have set; and the accounts that are not there.
///
/// Completes with 419 for too many, 414 for one that is too long.
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
    ask_view(client, user_data, done, set, || {
        // SAFETY: the caller promises the struct as its documentation has it, or NULL; and each text in it.
        let request = unsafe {
            let edit = input::plain(edit, "edit")?;
            pb::MemberAttributesSetRequest {
                room_id: edit.room_id,
                accounts: input::texts(edit.accounts, edit.account_count, "accounts")?,
                attributes: input::pairs(edit.attributes, edit.attribute_count, "attributes")?,
                force: edit.force != 0,
                delete_after_owner_left: (edit.keep_after_member_left != 0).then_some(false),
            }
        };
        Ok(Request::MemberAttributesSet(Box::new(request)))
    })
}

/// Asks for the attributes of certain members of a room, at most 100, by account.
///
/// Completes with 416 when asked more often than five times in half a minute.
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
    ask_view(client, user_data, done, of_members, || {
        // SAFETY: the caller promises `account_count` NUL-terminated texts.
        let accounts = unsafe { input::texts(accounts, account_count, "accounts") }?;
        Ok(Request::MemberAttributesLookup(pb::MemberAttributesLookupRequest { room_id, accounts }))
    })
}

/// Asks for a page of the members of a room that have attributes, with these. `next` is that of the page before, or NULL to begin;
/// `limit` is 1 to 100, or 0 for 100.
///
/// Completes with 416 when asked more often than five times in half a minute.
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
    ask_view(client, user_data, done, of_members, || {
        // SAFETY: the caller promises a NUL-terminated text, or NULL.
        let next = unsafe { input::text(next, "next") }?;
        Ok(Request::MemberAttributesList(pb::MemberAttributesListRequest { room_id, next, limit }))
    })
}
