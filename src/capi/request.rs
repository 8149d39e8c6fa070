//! The parts all requests share, and those requests that do not follow from `proto/` alone.

use std::ffi::c_void;

use bytes::Bytes;

use super::answer::{tell_body, tell_count};
use super::boundary::Error;
use super::client::{chatroom_client_t, on};
use super::generated::chatroom_result;
use super::input;
use super::types::{UserData, chatroom_bytes_t, chatroom_destructor_fn, chatroom_status_t};
use crate::client::BatchConfig;
use crate::error::Code;
use crate::limits;
use crate::wire::{Request, Response};

/// Completes a request of which only the status matters. May be NULL, as every completion.
///
/// Each accepted request completes exactly once, on the client's callback thread: answered, refused, or with 20000 because the
/// client was closed. `user_data` passes to the library with the call, also when it fails, and goes back through `destructor`
/// after the last use.
pub type chatroom_done_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t)>;

/// Completes a request that is answered with a number, which is 0 unless the code is.
pub type chatroom_count_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, count: u64)>;

/// Completes chatroom_client_call. `body` is the protobuf of the answer, as its kind says, and empty unless the code is 0. Lent:
/// valid until the callback returns.
pub type chatroom_call_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, body: chatroom_bytes_t)>;

/// Asks the server for a sign of life. The answer is the time it took to the server and back, in microseconds.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_ping(
    client: *const chatroom_client_t,
    done: chatroom_count_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let start = std::time::Instant::now();
    let took = move |response| match response {
        Response::Ping(_) => Some(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)),
        _ => None,
    };
    on(client, |shared| shared.ask(Request::Ping(Bytes::new()), user_data, tell_count(took, done)))
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

/// Makes any request: for bindings that bring protobuf of their own. `kind` is a `chatroom_kind`, `body` the protobuf of its request,
/// which is copied; NULL when `body_len` is 0. What the client does about a request by itself it does here too, as with the calls
/// that have names: to repeat a send, to enter a room again after a lost connection, to collect a batch of attributes.
///
/// Returns 414 for a kind that is none of a request or belongs to the client itself, a login and a logout, and for a body that is
/// not the protobuf of its request.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_call(
    client: *const chatroom_client_t,
    kind: u16,
    body: *const u8,
    body_len: usize,
    done: chatroom_call_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| {
        // SAFETY: the caller promises `body_len` readable bytes at `body`.
        let body = unsafe { input::bytes(body.cast(), body_len, "body") }?;
        shared.ask(read_request(kind, body)?, user_data, tell_body(done))
    })
}

fn read_request(kind: u16, body: &[u8]) -> Result<Request, Error> {
    let bad = |detail: String| Error::new(Code::BadParameter, detail);
    if body.len() > limits::FRAME_BYTES_CEILING - limits::HEADER_BYTES {
        return Err(bad("body_len must be at most 16777200".into()));
    }
    match Request::decode(kind, Bytes::copy_from_slice(body)).map_err(|error| bad(error.to_string()))? {
        Request::Login(_) | Request::Logout(_) => Err(bad("the client logs in and out by itself".into())),
        request => Ok(request),
    }
}
