//! Requests of `proto/chatroom/v1/message.proto`.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

use super::*;

/// Sends a message. Without a message id the client makes one. A send outlives a lost connection: it is repeated under the same
/// id after the next login, and the server takes it once. After its deadline (`send_timeout_ms`) it ends with 408 and is never
/// repeated.
///
/// Code 200 says that it is in the room's log, and will not be lost. Completes with 403 outside the room, 416 when sent too
/// often, 423, 13004 or 13006 for the muted, 414 for what is too long.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_send(
    client: *const chatroom_client_t,
    draft: *const chatroom_draft_t,
    done: chatroom_sent_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::MessageSend(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { chatroom_draft_t::read(draft)? };
        shared.ask(request_of(Request::MessageSend, request), user_data, tell_view(part, done))
    })
}

/// Reads one page of the history of a room.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_history(
    client: *const chatroom_client_t,
    query: *const chatroom_history_query_t,
    done: chatroom_history_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::MessageHistory(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { chatroom_history_query_t::read(query)? };
        shared.ask(request_of(Request::MessageHistory, request), user_data, tell_view(part, done))
    })
}

/// Reads one page of the history of a room, as far as it went to certain tags.
///
/// Completes with 414 without tags.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_history_by_tags(
    client: *const chatroom_client_t,
    query: *const chatroom_tag_history_query_t,
    done: chatroom_history_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let part = |response| match response {
        Response::MessageHistoryByTags(answer) => Some(answer),
        _ => None,
    };
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe { chatroom_tag_history_query_t::read(query)? };
        shared.ask(request_of(Request::MessageHistoryByTags, request), user_data, tell_view(part, done))
    })
}

/// Recalls a message.
///
/// It leaves the history, and everybody is told to take it off the screen. Completes with 403 for those who may not, or too
/// late; 404 if there is no such message.
///
/// Arguments:
/// - `message_id`: the message's id; with the two that follow as they were delivered.
/// - `time_ms`: the message's time.
/// - `from`: the message's sender.
/// - `notify_ext`: what the notification carries besides, at most 1024 char.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_recall(
    client: *const chatroom_client_t,
    room_id: i64,
    message_id: *const c_char,
    time_ms: i64,
    from: *const c_char,
    notify_ext: *const c_char,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| {
        // SAFETY: the caller promises each argument as the documentation has it.
        let request = unsafe {
            pb::MessageRecallRequest {
                room_id,
                message_id: input::required(message_id, "message_id")?,
                time_ms,
                from: input::required(from, "from")?,
                notify_ext: input::text(notify_ext, "notify_ext")?,
            }
        };
        shared.ask(request_of(Request::MessageRecall, request), user_data, tell_done(done))
    })
}
