//! Requests of `proto/chatroom/v1/queue.proto`.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

use super::*;

/// Sets the size of the queue of a room; the elements in it stay.
///
/// More elements than that stay, but none is added. Completes with 403 for those who may not.
///
/// Arguments:
/// - `size_limit`: 0-1000; a negative number means 50.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_queue_init(
    client: *const chatroom_client_t,
    room_id: i64,
    size_limit: i32,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| {
        let request = pb::QueueInitRequest { room_id, size_limit: u32::try_from(size_limit).ok() };
        shared.ask(request_of(Request::QueueInit, request), user_data, tell_done(done))
    })
}

/// Adds an element to the queue of a room, or changes it.
///
/// Completes with 403 for those who may not, 419 for a full queue.
///
/// Arguments:
/// - `key`: its name within the queue, 1-128 B.
/// - `value`: what it says: UTF-8, at most 4096 B.
/// - `transient`: true: it goes when its owner's last connection has left.
/// - `owner`: whose it is; absent: the caller.
///
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
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::QueueOfferRequest {
                room_id,
                key: input::required(key, "key")?,
                value: Bytes::copy_from_slice(input::bytes(value, value_len, "value")?),
                transient: transient != 0,
                owner: input::text(owner, "owner")?,
            }
        };
        shared.ask(request_of(Request::QueueOffer, request), user_data, tell_done(done))
    })
}

/// Adds several elements to the queue of a room, or changes them; the answer names those that could not be.
///
/// The answer has the keys that found no place. Completes with 403 for those who may not.
///
/// Arguments:
/// - `offers`: at most 100.
/// - `notify`: true: the room is notified.
/// - `notify_ext`: with `notify`: what the notification carries besides.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_queue_batch_offer(
    client: *const chatroom_client_t,
    room_id: i64,
    offers: *const chatroom_offer_t,
    offer_count: usize,
    notify: i32,
    notify_ext: *const c_char,
    done: chatroom_keys_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::QueueBatchOffer(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::QueueBatchOfferRequest {
                room_id,
                elements: input::array(offers, offer_count, "offers")?
                    .iter()
                    .map(|one| chatroom_offer_t::read(one))
                    .collect::<Result<_, _>>()?,
                notify: notify != 0,
                notify_ext: input::text(notify_ext, "notify_ext")?,
            }
        };
        shared.ask(request_of(Request::QueueBatchOffer, request), user_data, tell_view(part, done))
    })
}

/// Takes an element out of the queue of a room: the head without a key.
///
/// Completes with 404 if there is none.
///
/// Arguments:
/// - `key`: the element with that key; absent: the head.
///
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
    let part = |response| match response {
        Response::QueuePoll(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { pb::QueuePollRequest { room_id, key: input::not_empty(key, "key")? } };
        shared.ask(request_of(Request::QueuePoll, request), user_data, tell_view(part, done))
    })
}

/// Asks for a room's queue, in its order: all of it, by as many requests as it takes. Each element comes at most once; of a
/// queue that changes meanwhile, what is added or taken out may be among them or not.
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
    let part = |response| match response {
        Response::QueueList(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| shared.ask_by(user_data, tell_view(part, done), |client, done| client.whole_queue_with(room_id, done)))
}

/// Reads the head of the queue of a room.
///
/// Completes with 404 if the queue is empty.
///
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
    let part = |response| match response {
        Response::QueuePeek(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        let request = pb::QueuePeekRequest { room_id };
        shared.ask(request_of(Request::QueuePeek, request), user_data, tell_view(part, done))
    })
}

/// Reads certain elements of the queue of a room, by key; those that are not there are left out.
///
/// Those that are not there are left out.
///
/// Arguments:
/// - `keys`: at most 100.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_queue_multi_get(
    client: *const chatroom_client_t,
    room_id: i64,
    keys: *const *const c_char,
    key_count: usize,
    done: chatroom_elements_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::QueueMultiGet(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { pb::QueueMultiGetRequest { room_id, keys: input::texts(keys, key_count, "keys")? } };
        shared.ask(request_of(Request::QueueMultiGet, request), user_data, tell_view(part, done))
    })
}

/// Changes several elements of the queue of a room; the answer names those that are not there.
///
/// The answer has the keys that are not there; none is added. Completes with 403 for those who may not.
///
/// Arguments:
/// - `offers`: key and value; at most 100.
/// - `notify`: true: the room is notified.
/// - `notify_ext`: with `notify`, and then required: what the notification carries besides.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_queue_change(
    client: *const chatroom_client_t,
    room_id: i64,
    offers: *const chatroom_offer_t,
    offer_count: usize,
    notify: i32,
    notify_ext: *const c_char,
    done: chatroom_keys_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::QueueChange(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::QueueChangeRequest {
                room_id,
                elements: input::array(offers, offer_count, "offers")?
                    .iter()
                    .map(|one| chatroom_offer_t::read(one))
                    .collect::<Result<_, _>>()?,
                notify: notify != 0,
                notify_ext: input::text(notify_ext, "notify_ext")?,
            }
        };
        shared.ask(request_of(Request::QueueChange, request), user_data, tell_view(part, done))
    })
}

/// Empties the queue of a room.
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
    on(client, |shared| {
        let request = pb::QueueDropRequest { room_id };
        shared.ask(request_of(Request::QueueDrop, request), user_data, tell_done(done))
    })
}
