//! Requests about messages, history and the login, and what all requests share.

use std::ffi::{c_char, c_void};

use bytes::Bytes;

use super::answer::{Lend, ask_done, ask_view, tell_count};
use super::boundary::Error;
use super::client::{chatroom_client_t, on};
use super::constants::*;
use super::input::{self, Growing};
use super::lend::{LentMessage, chatroom_message_t, chatroom_sent_t, first};
use super::notify::{LentNotification, chatroom_notification_t};
use super::types::{UserData, chatroom_destructor_fn, chatroom_status_t};
use crate::wire::{Request, Response, pb};

/// Completes a request of which only the status matters. May be NULL, as every completion.
///
/// Each accepted request completes exactly once, on the client's callback thread: answered, refused, or with 20000 because the
/// client was closed. `user_data` passes to the library with the call, also when it fails, and goes back through `destructor`
/// after the last use.
pub type chatroom_done_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t)>;

/// Completes a request that is answered with a number, which is 0 unless the code is.
pub type chatroom_count_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, count: u64)>;

/// Completes chatroom_client_send. `sent` is NULL unless the code is 0.
pub type chatroom_sent_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, sent: *const chatroom_sent_t)>;

/// Completes chatroom_client_history. `page` is NULL unless the code is 0.
pub type chatroom_history_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, page: *const chatroom_history_t)>;

/// An item of the history: one of the two is not NULL. Lent: valid until the callback returns. Never grows.
#[repr(C)]
pub struct chatroom_item_t {
    /// A message, or NULL. chatroom_message_ref keeps it.
    pub message: *const chatroom_message_t,
    /// Something that happened, or NULL.
    pub notification: *const chatroom_notification_t,
}

/// A page of the history. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_history_t {
    /// The items, in the order asked for.
    pub items: *const chatroom_item_t,
    /// How many items there are.
    pub item_count: usize,
    /// 1: there are more, from the last of these on.
    pub has_more: u32,
    /// Always 0.
    pub reserved: u32,
    /// With `has_more`: `last_seq` of the query for the next page, even where nothing matched.
    pub reached_seq: u64,
}

/// A message to send. Set `struct_size` to its size and the rest to 0 before filling it in.
///
/// Texts are UTF-8 and NUL-terminated, `body`, `attach` and `ext` come with lengths; all are copied before the call returns.
#[repr(C)]
pub struct chatroom_draft_t {
    /// `sizeof(chatroom_draft_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// A `chatroom_message_type`; 0 is text.
    pub r#type: i32,
    /// `CHATROOM_SEND_*` bits.
    pub flags: u32,
    /// The message's id, 1 to 64 characters; NULL has one made. The same id sent again with `CHATROOM_SEND_RESEND` is taken once.
    pub message_id: *const c_char,
    /// The text, with types text and tip: UTF-8, at most 4096 characters.
    pub body: *const c_void,
    /// Bytes of `body`.
    pub body_len: usize,
    /// JSON, with the other types: at most 4096 characters.
    pub attach: *const c_void,
    /// Bytes of `attach`.
    pub attach_len: usize,
    /// The application's own: UTF-8, at most 4096 characters.
    pub ext: *const c_void,
    /// Bytes of `ext`.
    pub ext_len: usize,
    /// The application's own refinement of the type.
    pub sub_type: u32,
    /// Of 10000: how likely the server drops the message under a busy host's own rule; 0 never.
    pub abandon_ratio: u32,
    /// Who among the members hears it: a tag expression; NULL for the rule of the room, "" for everybody.
    pub notify_target_tags: *const c_char,
    /// Who hears it, by account, at most 100; none for all.
    pub to_accounts: *const *const c_char,
    /// How many accounts there are.
    pub to_account_count: usize,
    /// Where it is spoken, with `CHATROOM_SEND_AT`.
    pub x: f64,
    /// See `x`.
    pub y: f64,
    /// See `x`.
    pub z: f64,
    /// Selects the application's callback, at most 32 characters.
    pub env: *const c_char,
    /// What that callback is told, at most 1024 characters.
    pub callback_ext: *const c_char,
    /// What the message is moderated by: JSON, at most 1024 characters.
    pub moderation_id: *const c_char,
    /// With `CHATROOM_SEND_ANTISPAM`: what moderation looks at, JSON of at most 5000 characters.
    pub antispam_custom: *const c_char,
    /// For the moderation service: JSON, at most 1024 characters.
    pub yidun_anti_cheating: *const c_char,
    /// For the moderation service: JSON, at most 1024 characters.
    pub yidun_antispam_ext: *const c_char,
}

// SAFETY: repr(C), led by a usize; integers, floats and pointers only.
unsafe impl Growing for chatroom_draft_t {}

/// Which part of a history. Set `struct_size` to its size and the rest to 0 before filling it in.
#[repr(C)]
pub struct chatroom_history_query_t {
    /// `sizeof(chatroom_history_query_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// From when on, exclusive, in milliseconds since 1970; 0: from now on backwards, or from the oldest on if `oldest_first`.
    pub time_ms: i64,
    /// From which item on, exclusive; exact within one millisecond. 0: `time_ms` says it.
    pub last_seq: u64,
    /// How many items, 1 to 100; 0 is 100.
    pub limit: u32,
    /// 1: oldest first; 0: newest first.
    pub oldest_first: u32,
    /// Which types of messages; none for all.
    pub types: *const i32,
    /// How many types there are.
    pub type_count: usize,
}

// SAFETY: repr(C), led by a usize; integers and pointers only.
unsafe impl Growing for chatroom_history_query_t {}

/// Which part of a history, by tags. Set `struct_size` to its size and the rest to 0 before filling it in.
#[repr(C)]
pub struct chatroom_tag_history_query_t {
    /// `sizeof(chatroom_tag_history_query_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// From when on, in milliseconds since 1970; 0: from the oldest. Of the two times, the one at which reading begins is
    /// exclusive.
    pub from_time_ms: i64,
    /// Until when; 0: until now.
    pub to_time_ms: i64,
    /// Beyond which item to go on: `reached_seq` of the page before; 0 begins.
    pub last_seq: u64,
    /// The tags, 1 to 10: what was sent to them, together or to one of them.
    pub tags: *const *const c_char,
    /// How many tags there are.
    pub tag_count: usize,
    /// Which types of messages; none for all.
    pub types: *const i32,
    /// How many types there are.
    pub type_count: usize,
    /// How many items, 1 to 100; 0 is 100.
    pub limit: u32,
    /// 1: oldest first; 0: newest first.
    pub oldest_first: u32,
}

// SAFETY: repr(C), led by a usize; integers and pointers only.
unsafe impl Growing for chatroom_tag_history_query_t {}

impl Lend for pb::MessageHistoryResponse {
    type View = chatroom_history_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_history_t)) {
        lend_items(self.items, |items| {
            body(&chatroom_history_t {
                items: first(items),
                item_count: items.len(),
                has_more: self.has_more.into(),
                reserved: 0,
                reached_seq: self.reached_seq,
            });
        });
    }
}

fn sent(response: Response) -> Option<pb::MessageSendResponse> {
    match response {
        Response::MessageSend(sent) => Some(sent),
        _ => None,
    }
}

fn history(response: Response) -> Option<pb::MessageHistoryResponse> {
    match response {
        Response::MessageHistory(page) | Response::MessageHistoryByTags(page) => Some(page),
        _ => None,
    }
}

/// Sends a message. Code 0 says that it is in the room's log, and will not be lost. A send outlives a lost connection: it is
/// repeated under its id after the next login, and the server takes it once. After `send_timeout_ms` it completes with 408, and is
/// never repeated.
///
/// Completes with 403 outside the room, 416 when sent too often, 423, 13004 or 13006 for the muted, 414 for what is too long.
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
    ask_view(client, user_data, done, sent, || {
        // SAFETY: the caller promises the struct as its documentation has it, or NULL.
        let message = unsafe { read_draft(draft) }?;
        Ok(Request::MessageSend(Box::new(message)))
    })
}

/// # Safety
/// `draft` is NULL or a struct as its documentation has it.
unsafe fn read_draft(draft: *const chatroom_draft_t) -> Result<pb::MessageSendRequest, Error> {
    const FLAGS: u32 = CHATROOM_SEND_SKIP_HISTORY
        | CHATROOM_SEND_HIGH_PRIORITY
        | CHATROOM_SEND_RESEND
        | CHATROOM_SEND_AT
        | CHATROOM_SEND_NO_RESEND_ON_ENTER
        | CHATROOM_SEND_NO_ROUTE
        | CHATROOM_SEND_ANTISPAM
        | CHATROOM_SEND_GENERIC_MODERATION;
    // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`; and each pointer in it.
    unsafe {
        let draft = input::plain(draft, "draft")?;
        input::flags(draft.flags, FLAGS, "flags of draft")?;
        let is = |flag: u32| draft.flags & flag != 0;
        let moderation = pb::Moderation {
            use_yidun: is(CHATROOM_SEND_GENERIC_MODERATION).then_some(0),
            bid: input::text(draft.moderation_id, "moderation_id")?,
            antispam: is(CHATROOM_SEND_ANTISPAM),
            antispam_custom: input::text(draft.antispam_custom, "antispam_custom")?,
            yidun_anti_cheating: input::text(draft.yidun_anti_cheating, "yidun_anti_cheating")?,
            yidun_antispam_ext: input::text(draft.yidun_antispam_ext, "yidun_antispam_ext")?,
        };
        Ok(pb::MessageSendRequest {
            room_id: draft.room_id,
            message_id: input::text(draft.message_id, "message_id")?,
            r#type: draft.r#type,
            body: Bytes::copy_from_slice(input::bytes(draft.body, draft.body_len, "body")?),
            attach: Bytes::copy_from_slice(input::bytes(draft.attach, draft.attach_len, "attach")?),
            ext: Bytes::copy_from_slice(input::bytes(draft.ext, draft.ext_len, "ext")?),
            sub_type: draft.sub_type,
            resend: is(CHATROOM_SEND_RESEND),
            skip_history: is(CHATROOM_SEND_SKIP_HISTORY),
            abandon_ratio: (draft.abandon_ratio != 0).then_some(draft.abandon_ratio),
            high_priority: is(CHATROOM_SEND_HIGH_PRIORITY),
            notify_target_tags: input::maybe_text(draft.notify_target_tags, "notify_target_tags")?.map(str::to_owned),
            to_accounts: input::texts(draft.to_accounts, draft.to_account_count, "to_accounts")?,
            at: is(CHATROOM_SEND_AT).then_some(pb::Point { x: draft.x, y: draft.y, z: draft.z }),
            high_priority_resend: is(CHATROOM_SEND_NO_RESEND_ON_ENTER).then_some(false),
            moderation: (moderation != pb::Moderation::default()).then_some(moderation),
            env: input::text(draft.env, "env")?,
            route: is(CHATROOM_SEND_NO_ROUTE).then_some(false),
            callback_ext: input::text(draft.callback_ext, "callback_ext")?,
        })
    }
}

/// Asks for a page of a room's history.
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
    ask_view(client, user_data, done, history, || {
        // SAFETY: the caller promises the struct as its documentation has it, or NULL, and the array in it.
        let (query, types) = unsafe {
            let query = input::plain(query, "query")?;
            let types = input::array(query.types, query.type_count, "types")?;
            (query, types)
        };
        Ok(Request::MessageHistory(pb::MessageHistoryRequest {
            room_id: query.room_id,
            time_ms: query.time_ms,
            limit: query.limit,
            reverse: query.oldest_first != 0,
            types: types.to_vec(),
            last_seq: query.last_seq,
        }))
    })
}

/// Asks for a page of what a room's history has for certain tags.
///
/// Completes with 414 without tags.
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
    ask_view(client, user_data, done, history, || {
        // SAFETY: the caller promises the struct as its documentation has it, or NULL, and the arrays in it.
        let (query, tags, types) = unsafe {
            let query = input::plain(query, "query")?;
            let tags = input::texts(query.tags, query.tag_count, "tags")?;
            let types = input::array(query.types, query.type_count, "types")?;
            (query, tags, types)
        };
        Ok(Request::MessageHistoryByTags(pb::MessageHistoryByTagsRequest {
            room_id: query.room_id,
            tags,
            types: types.to_vec(),
            from_time_ms: query.from_time_ms,
            to_time_ms: query.to_time_ms,
            limit: query.limit,
            reverse: query.oldest_first != 0,
            last_seq: query.last_seq,
        }))
    })
}

/// Recalls a message: it leaves the history, and everybody is told to take it off the screen. `message_id`, `time_ms` and `from` are
/// the message's; `notify_ext` goes into the notification, at most 1024 characters, and may be NULL.
///
/// Completes with 403 for those who may not, or too late; 404 if there is no such message.
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
    ask_done(client, user_data, done, || {
        // SAFETY: the caller promises NUL-terminated texts, or NULL.
        let request = unsafe {
            pb::MessageRecallRequest {
                room_id,
                message_id: input::required(message_id, "message_id")?,
                time_ms,
                from: input::required(from, "from")?,
                notify_ext: input::text(notify_ext, "notify_ext")?,
            }
        };
        Ok(Request::MessageRecall(Box::new(request)))
    })
}

/// Lends items as C sees them. What a newer server adds to the kinds of items is left out.
fn lend_items(items: Vec<pb::HistoryItem>, body: impl FnOnce(&[chatroom_item_t])) {
    use pb::history_item::Item;
    enum Lent {
        Message(std::sync::Arc<LentMessage>),
        Notification(Box<LentNotification>),
    }
    let lent: Vec<Lent> = items
        .into_iter()
        .filter_map(|item| item.item)
        .map(|item| match item {
            Item::Message(message) => Lent::Message(LentMessage::new(Box::new(message))),
            Item::Notification(notification) => Lent::Notification(LentNotification::new(notification)),
        })
        .collect();
    let views: Vec<chatroom_item_t> = lent
        .iter()
        .map(|item| match item {
            Lent::Message(message) => chatroom_item_t { message: LentMessage::lend(message), notification: std::ptr::null() },
            Lent::Notification(notification) => {
                chatroom_item_t { message: std::ptr::null(), notification: notification.lend() }
            }
        })
        .collect();
    body(&views);
}

/// Gives the login a new token, which also serves the logins after lost connections.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_renew_token(
    client: *const chatroom_client_t,
    token: *const c_char,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_done(client, user_data, done, || {
        // SAFETY: the caller promises a NUL-terminated text, or NULL.
        let token = unsafe { input::required(token, "token") }?;
        Ok(Request::RenewToken(pb::RenewTokenRequest { token }))
    })
}

/// Puts other devices of the account, by their ids, out of the rooms they are in.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_kick_devices(
    client: *const chatroom_client_t,
    device_ids: *const *const c_char,
    device_count: usize,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    ask_done(client, user_data, done, || {
        // SAFETY: the caller promises `device_count` NUL-terminated texts.
        let device_ids = unsafe { input::texts(device_ids, device_count, "device_ids") }?;
        Ok(Request::KickDevices(pb::KickDevicesRequest { device_ids }))
    })
}

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
