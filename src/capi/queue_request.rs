//! Requests about a room's queue.

use std::ffi::{c_char, c_void};

use bytes::Bytes;

use super::answer::{Lend, ask_done, ask_view, tell_view};
use super::boundary::Error;
use super::client::{chatroom_client_t, on};
use super::constants::chatroom_result;
use super::input;
use super::lend::{Row, chatroom_element_t, first, texts};
use super::request::chatroom_done_fn;
use super::types::{UserData, chatroom_bytes_t, chatroom_destructor_fn, chatroom_status_t};
use crate::error::Code;
use crate::wire::{Request, Response, pb};

/// Completes a request for elements of a queue. `page` is NULL unless the code is 0.
pub type chatroom_elements_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, page: *const chatroom_elements_t)>;

/// Completes a request about several keys, with those that it failed for. `keys` is NULL unless the code is 0.
pub type chatroom_keys_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, keys: *const chatroom_keys_t)>;

/// Elements of a room's queue. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_elements_t {
    /// The elements, in an array of pointers, none of them NULL.
    pub elements: *const *const chatroom_element_t,
    /// How many elements there are.
    pub element_count: usize,
}

/// The keys a request failed for. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_keys_t {
    /// The keys.
    pub keys: *const chatroom_bytes_t,
    /// How many keys there are.
    pub key_count: usize,
}

/// An element to put into a queue, UTF-8; texts are NUL-terminated. Copied before the call returns. Never grows.
#[repr(C)]
pub struct chatroom_offer_t {
    /// Its name within the queue, 1 to 128 bytes.
    pub key: *const c_char,
    /// What it says, at most 4096 bytes.
    pub value: *const c_void,
    /// Bytes of `value`.
    pub value_len: usize,
    /// Whose it is: an account, or NULL for oneself.
    pub owner: *const c_char,
    /// 1: it goes when its owner has left.
    pub transient: u32,
    /// Set it to 0.
    pub reserved: u32,
}

/// Elements of a queue.
struct Elements(Vec<pb::QueueElement>);

impl Lend for Elements {
    type View = chatroom_elements_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_elements_t)) {
        let row = Row::new(&self.0, chatroom_element_t::lend);
        body(&chatroom_elements_t { elements: row.first(), element_count: row.len() });
    }
}

/// Keys that a request failed for.
pub(super) struct FailedKeys(pub(super) Vec<String>);

impl Lend for FailedKeys {
    type View = chatroom_keys_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_keys_t)) {
        let keys = texts(&self.0);
        body(&chatroom_keys_t { keys: first(&keys), key_count: keys.len() });
    }
}

fn elements(response: Response) -> Option<Elements> {
    match response {
        Response::QueueList(list) | Response::QueueMultiGet(list) => Some(Elements(list.elements)),
        Response::QueuePoll(one) | Response::QueuePeek(one) => Some(Elements(one.element.into_iter().collect())),
        _ => None,
    }
}

fn failed(response: Response) -> Option<FailedKeys> {
    match response {
        Response::QueueBatchOffer(response) | Response::QueueChange(response) => Some(FailedKeys(response.failed_keys)),
        _ => None,
    }
}

/// # Safety
/// `count` offers at `offers` can be read, each as its documentation has it.
unsafe fn read_offers(offers: *const chatroom_offer_t, count: usize) -> Result<Vec<pb::QueueElement>, Error> {
    // SAFETY: the caller promises the array, and pointers may have any bits.
    let offers = unsafe { input::array(offers, count, "offers") }?;
    let read = |offer: &chatroom_offer_t| {
        input::reserved(offer.reserved, "offers")?;
        // SAFETY: the caller promises each text, and `value_len` readable bytes at `value`.
        unsafe {
            Ok(pb::QueueElement {
                key: input::required(offer.key, "key")?,
                value: Bytes::copy_from_slice(input::bytes(offer.value, offer.value_len, "value")?),
                owner: input::text(offer.owner, "owner")?,
                transient: offer.transient != 0,
            })
        }
    };
    offers.iter().map(read).collect()
}

/// Sets how many elements a room's queue may have, 0 to 1000; a negative number means 50. Elements beyond that stay, but none is
/// added.
///
/// Completes with 403 for those who may not.
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
    ask_done(client, user_data, done, || {
        let size_limit = u32::try_from(size_limit).ok();
        Ok(Request::QueueInit(pb::QueueInitRequest { room_id, size_limit }))
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
    ask_done(client, user_data, done, || {
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
        Ok(Request::QueueOffer(Box::new(request)))
    })
}

/// Adds several elements to a room's queue, or gives those with their keys new values; at most 100. With `notify` 1 the room is
/// notified, and `notify_ext`, which may be NULL, goes into the notification. The answer has the keys that found no place.
///
/// Completes with 403 for those who may not.
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
    ask_view(client, user_data, done, failed, || {
        // SAFETY: the caller promises `offer_count` offers as their documentation has them, and a NUL-terminated text, or NULL.
        let (elements, notify_ext) = unsafe { (read_offers(offers, offer_count)?, input::text(notify_ext, "notify_ext")?) };
        let request = pb::QueueBatchOfferRequest { room_id, elements, notify: notify != 0, notify_ext };
        Ok(Request::QueueBatchOffer(request))
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
    ask_view(client, user_data, done, elements, request)
}

/// Asks for a room's queue, in its order: all of it, by as many requests as it takes. Each element comes at most once; of a queue
/// that changes meanwhile, what is added or taken out may be among them or not.
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
    on(client, |shared| {
        shared.ask_by(user_data, tell_view(elements, done), |client, done| client.whole_queue_with(room_id, done))
    })
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
    ask_view(client, user_data, done, elements, || Ok(Request::QueuePeek(pb::QueuePeekRequest { room_id })))
}

/// Asks for certain elements of a room's queue, by key, at most 100. Those that are not there are left out.
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
    ask_view(client, user_data, done, elements, || {
        // SAFETY: the caller promises `key_count` NUL-terminated texts.
        let keys = unsafe { input::texts(keys, key_count, "keys") }?;
        Ok(Request::QueueMultiGet(pb::QueueMultiGetRequest { room_id, keys }))
    })
}

/// Gives several elements of a room's queue new values; at most 100. With `notify` 1 the room is notified, and `notify_ext`, which
/// is then needed, goes into the notification. The answer has the keys that are not there; none is added.
///
/// Completes with 403 for those who may not.
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
    ask_view(client, user_data, done, failed, || {
        // SAFETY: the caller promises `offer_count` offers as their documentation has them, and a NUL-terminated text, or NULL.
        let (elements, notify_ext) = unsafe { (read_offers(offers, offer_count)?, input::text(notify_ext, "notify_ext")?) };
        Ok(Request::QueueChange(pb::QueueChangeRequest { room_id, elements, notify: notify != 0, notify_ext }))
    })
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
    ask_done(client, user_data, done, || Ok(Request::QueueDrop(pb::QueueDropRequest { room_id })))
}
