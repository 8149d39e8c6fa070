//! What C is shown: structs that point into packets.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

use super::*;

/// Completes a request. `keys` is NULL unless the code is 0.
pub type chatroom_keys_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, keys: *const chatroom_keys_t)>;

/// Completes a request. `attributes` is NULL unless the code is 0.
pub type chatroom_attributes_fn = Option<
    unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, attributes: *const chatroom_attributes_t),
>;

/// Completes a request. `page` is NULL unless the code is 0.
pub type chatroom_member_attributes_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        status: *const chatroom_status_t,
        page: *const chatroom_member_attributes_page_t,
    ),
>;

/// Completes a request. `members` is NULL unless the code is 0.
pub type chatroom_members_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, members: *const chatroom_members_t)>;

/// Completes a request. `entered` is NULL unless the code is 0.
pub type chatroom_entered_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, entered: *const chatroom_entered_t)>;

/// Completes a request. `room` is NULL unless the code is 0.
pub type chatroom_room_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, room: *const chatroom_room_t)>;

/// Completes a request. `rooms` is NULL unless the code is 0.
pub type chatroom_rooms_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, rooms: *const chatroom_rooms_t)>;

/// Completes a request. `sent` is NULL unless the code is 0.
pub type chatroom_sent_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, sent: *const chatroom_sent_t)>;

/// Completes a request. `history` is NULL unless the code is 0.
pub type chatroom_history_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, history: *const chatroom_history_t)>;

/// Completes a request. `elements` is NULL unless the code is 0.
pub type chatroom_elements_fn = Option<
    unsafe extern "C" fn(user_data: *mut c_void, status: *const chatroom_status_t, elements: *const chatroom_elements_t),
>;

/// An attribute of a room or of a member. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_attribute_t {
    /// Its name, 1-16 B; of a member 1-8 B.
    pub key: chatroom_bytes_t,
    /// What it says, at most 1024 B; of a member 64 B.
    pub value: chatroom_bytes_t,
    /// Of a room: whose it is, who may change it without force; of a member: who set it last.
    pub owner: chatroom_bytes_t,
    /// True: it goes when its owner, or the member it belongs to, has left.
    pub delete_after_owner_left: u32,
    /// Always 0.
    pub reserved: u32,
}

/// The attributes of a room. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_attributes_t {
    /// In the order of keys, in an array of pointers, none of them NULL.
    pub attributes: *const *const chatroom_attribute_t,
    /// How many attributes there are.
    pub attribute_count: usize,
}

/// The attributes of a member. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_member_attributes_t {
    /// The member's account.
    pub account: chatroom_bytes_t,
    /// Its attributes; in a notification of a deletion the value is empty, in an array of pointers, none of them NULL.
    pub attributes: *const *const chatroom_attribute_t,
    /// How many attributes there are.
    pub attribute_count: usize,
    /// Keys that stayed as they were, because others have set them.
    pub error_keys: *const chatroom_bytes_t,
    /// How many keys there are.
    pub error_key_count: usize,
}

/// Members with attributes. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_member_attributes_page_t {
    /// The members, in an array of pointers, none of them NULL.
    pub members: *const *const chatroom_member_attributes_t,
    /// How many members there are.
    pub member_count: usize,
    /// Where the next page begins; empty: that was all.
    pub next: chatroom_bytes_t,
    /// Of a change: accounts that are not in the room.
    pub error_accounts: *const chatroom_bytes_t,
    /// How many accounts there are.
    pub error_account_count: usize,
}

/// What happened to attributes of a room. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_attributes_change_t {
    /// A `chatroom_attributes_action`, or a number this library does not know.
    pub action: i32,
    /// Always 0.
    pub reserved: u32,
    /// Those that changed; of a deletion with their last values, in an array of pointers, none of them NULL.
    pub attributes: *const *const chatroom_attribute_t,
    /// How many attributes there are.
    pub attribute_count: usize,
}

/// A member of a room. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_member_t {
    /// The account.
    pub account: chatroom_bytes_t,
    /// Its nick in the room.
    pub nick: chatroom_bytes_t,
    /// The address of its avatar.
    pub avatar: chatroom_bytes_t,
    /// The application's own.
    pub ext: chatroom_bytes_t,
    /// Its tags.
    pub tags: *const chatroom_bytes_t,
    /// How many tags there are.
    pub tag_count: usize,
    /// When it came in, in milliseconds since 1970.
    pub enter_time_ms: i64,
    /// When it last changed.
    pub update_time_ms: i64,
    /// A `chatroom_member_type`, or a number this library does not know.
    pub r#type: i32,
    /// The application's own rank.
    pub level: u32,
    /// True: present.
    pub online: u32,
    /// True: on the room's blocklist.
    pub blocklisted: u32,
    /// True: muted without end.
    pub muted: u32,
    /// What remains of a temporary mute; absent: none.
    pub temp_mute_seconds: u32,
    /// True: a robot, which has no connection.
    pub robot: u32,
    /// What remains of a robot's time.
    pub robot_expire_seconds: u32,
    /// Who hears its coming and going: a tag expression.
    pub notify_target_tags: chatroom_bytes_t,
    /// Its connections, in an array of pointers, none of them NULL.
    pub connections: *const *const chatroom_connection_t,
    /// How many connections there are.
    pub connection_count: usize,
}

/// A connection of a member. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_connection_t {
    /// The server's name for it.
    pub connection_id: chatroom_bytes_t,
    /// The nick it carries.
    pub nick: chatroom_bytes_t,
    /// The address of its avatar.
    pub avatar: chatroom_bytes_t,
    /// When it came in, in milliseconds since 1970.
    pub enter_time_ms: i64,
    /// What it runs on.
    pub client_type: u32,
    /// Always 0.
    pub reserved: u32,
}

/// Members of a room. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_members_t {
    /// The members, in an array of pointers, none of them NULL.
    pub members: *const *const chatroom_member_t,
    /// How many members there are.
    pub member_count: usize,
    /// True: there are more, from the time of the last of these on.
    pub has_more: u32,
    /// Always 0.
    pub reserved: u32,
    /// With `has_more`: `next` of the request for the next page, exact also where many share a time; of a look-up the account
    /// to go on with.
    pub next: chatroom_bytes_t,
}

/// What a room says of itself. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_room_t {
    /// The room.
    pub room_id: i64,
    /// Accounts that are present; not connections.
    pub online_count: u64,
    /// Milliseconds since 1970.
    pub create_time_ms: i64,
    /// Milliseconds since 1970.
    pub update_time_ms: i64,
    /// The account that made it.
    pub creator: chatroom_bytes_t,
    /// Its name, 1-128 char.
    pub name: chatroom_bytes_t,
    /// Absent if it was never set; at most 4096 char.
    pub announcement: chatroom_bytes_t,
    /// The address of its live stream, at most 1024 char.
    pub broadcast_url: chatroom_bytes_t,
    /// The application's own, at most 4096 char.
    pub ext: chatroom_bytes_t,
    /// Who changes the queue: 0 everybody, 1 its creator and administrators.
    pub queue_level: u32,
    /// Elements the queue may have.
    pub queue_size_limit: u32,
    /// False: closed.
    pub valid: u32,
    /// True: only its creator and administrators may speak.
    pub muted: u32,
    /// True: members hear who comes and goes.
    pub in_out_notification: u32,
    /// Of a room made by a client: seconds from the last leave to its end.
    pub destroy_delay_seconds: u32,
    /// Of a room made by a client: the name its maker gave it.
    pub alias: chatroom_bytes_t,
    /// What its content is moderated by (`bid`): JSON.
    pub moderation_id: chatroom_bytes_t,
    /// When it closes by itself: 0 never, 1 after a fixed time, 2 after being empty that long.
    pub delay_close_policy: u32,
    /// After how many seconds.
    pub delay_close_seconds: u32,
    /// Since when that counts, in milliseconds since 1970.
    pub delay_close_start_ms: i64,
}

/// Being in a room. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_entered_t {
    /// The room; never NULL.
    pub room: *const chatroom_room_t,
    /// Oneself in it; never NULL.
    pub member: *const chatroom_member_t,
    /// The server's name for this connection, as lists of members show it.
    pub connection_id: chatroom_bytes_t,
    /// With `last_seq`, names the place in the room's order from which deliveries follow.
    pub epoch: u64,
    /// See `epoch`.
    pub last_seq: u64,
    /// True: a lost connection was taken over, and nobody saw it go.
    pub resumed: u32,
    /// True: items are missing, and the history has them.
    pub gap: u32,
    /// Missed items that follow.
    pub replayed: u32,
    /// True: the request made the room.
    pub created: u32,
    /// The room's attributes, in an array of pointers, none of them NULL.
    pub attributes: *const *const chatroom_attribute_t,
    /// How many attributes there are.
    pub attribute_count: usize,
    /// With `gap`: the first and the last place among which items are missing; 0 where that is not known.
    pub gap_first: u64,
    /// See `gap_first`.
    pub gap_last: u64,
}

/// What changed in a room's profile; NULL, or the number -1, is for what stayed. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_room_update_t {
    /// Its name, 1-128 char.
    pub name: chatroom_bytes_t,
    /// Its announcement, at most 4096 char.
    pub announcement: chatroom_bytes_t,
    /// The address of its live stream, at most 1024 char.
    pub broadcast_url: chatroom_bytes_t,
    /// The application's own, at most 4096 char.
    pub ext: chatroom_bytes_t,
    /// Who changes the queue: 0 everybody, 1 its creator and administrators.
    pub queue_level: i32,
    /// True: members hear who comes and goes; changed over HTTP only.
    pub in_out_notification: i32,
}

/// A message. Lent: valid until the callback returns, or, after chatroom_message_ref, until its chatroom_message_unref. Never
/// copy the struct: it grows at its end.
///
/// Threads: any, also several at once.
#[repr(C)]
pub struct chatroom_message_t {
    /// The room.
    pub room_id: i64,
    /// The place in the room's order; grows strictly.
    pub seq: u64,
    /// With `seq`, names the place for good.
    pub epoch: u64,
    /// Milliseconds since 1970, by the server's clock; never decreases with `seq`.
    pub time_ms: i64,
    /// 1-64 char, chosen by the sender.
    pub message_id: chatroom_bytes_t,
    /// The account that sent it.
    pub from: chatroom_bytes_t,
    /// The sender's nick.
    pub from_nick: chatroom_bytes_t,
    /// The address of the sender's avatar.
    pub from_avatar: chatroom_bytes_t,
    /// The sender's `ext`.
    pub from_ext: chatroom_bytes_t,
    /// Text of types 0 and 10, at most 4096 char.
    pub body: chatroom_bytes_t,
    /// JSON of the other types, at most 4096 char.
    pub attach: chatroom_bytes_t,
    /// The application's own, at most 4096 char.
    pub ext: chatroom_bytes_t,
    /// Who among the members hears it: a tag expression; empty: everybody.
    pub notify_target_tags: chatroom_bytes_t,
    /// A `chatroom_message_type`, or a number this library does not know.
    pub r#type: i32,
    /// The application's own refinement of the type.
    pub sub_type: u32,
    /// What the sender's client runs on.
    pub from_client_type: u32,
    /// `CHATROOM_MESSAGE_*` bits.
    pub flags: u32,
    /// Where it is spoken, with the flag `AT`.
    pub x: f64,
    /// See `x`.
    pub y: f64,
    /// See `x`.
    pub z: f64,
}

/// A fact about an accepted message. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_sent_t {
    /// The message's id: the one sent, or the one made for it.
    pub message_id: chatroom_bytes_t,
    /// When it was accepted, in milliseconds since 1970 by the server's clock.
    pub time_ms: i64,
    /// Its place in the room's order.
    pub seq: u64,
    /// With `seq`, names the place for good.
    pub epoch: u64,
    /// `CHATROOM_SENT_*` bits.
    pub flags: u32,
    /// Always 0.
    pub reserved: u32,
}

/// Something that happened in a room. What a type has no use for is 0 or NULL. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_notification_t {
    /// The room.
    pub room_id: i64,
    /// The place in the room's order.
    pub seq: u64,
    /// With `seq`, names the place for good.
    pub epoch: u64,
    /// Milliseconds since 1970, by the server's clock.
    pub time_ms: i64,
    /// A `chatroom_notification_type`, or a number this library does not know.
    pub r#type: i32,
    /// How long a temporary mute is: 314, 315, 321, 322.
    pub mute_seconds: u32,
    /// Who did it.
    pub operator_account: chatroom_bytes_t,
    /// The nick of the one who did it.
    pub operator_nick: chatroom_bytes_t,
    /// What the one who did it had to add: notify_ext of the command.
    pub ext: chatroom_bytes_t,
    /// The accounts it was done to.
    pub targets: *const chatroom_bytes_t,
    /// How many targets there are.
    pub target_count: usize,
    /// The nicks of those accounts.
    pub target_nicks: *const chatroom_bytes_t,
    /// How many nicks there are.
    pub target_nick_count: usize,
    /// The tag that a temporary mute is for: 321, 322.
    pub target_tag: chatroom_bytes_t,
    /// The new tags of the operator.
    pub tags: *const chatroom_bytes_t,
    /// How many tags there are.
    pub tag_count: usize,
    /// The room's new profile: the fields that changed; NULL without.
    pub room_update: *const chatroom_room_update_t,
    /// A member's new profile; NULL without.
    pub profile: *const chatroom_profile_t,
    /// The elements of the queue that it is about, in an array of pointers, none of them NULL.
    pub elements: *const *const chatroom_element_t,
    /// How many elements there are.
    pub element_count: usize,
    /// The message that was recalled.
    pub recalled_message_id: chatroom_bytes_t,
    /// Who had sent it.
    pub recalled_from: chatroom_bytes_t,
    /// When it was sent.
    pub recalled_time_ms: i64,
    /// A `chatroom_queue_event`: what happened, or a number this library does not know.
    pub queue_event: i32,
    /// The new role, or that of the one who came in: a `chatroom_member_type`, or a number this library does not know.
    pub member_type: i32,
    /// The new rank, of ordinary members.
    pub level: u32,
    /// True: the one who came in is muted.
    pub muted: u32,
    /// What remains of a temporary mute of the one who came in; absent: none.
    pub temp_mute_seconds: u32,
    /// What the one who came in has it run on.
    pub client_type: u32,
    /// The address of the avatar of the one who came in.
    pub avatar: chatroom_bytes_t,
    /// Who hears of this: a tag expression; empty: everybody.
    pub notify_target_tags: chatroom_bytes_t,
    /// Who hears what the connection says that has these tags: a tag expression.
    pub tags_notify_target_tags: chatroom_bytes_t,
    /// The steps, one after the other, in an array of pointers, none of them NULL.
    pub attribute_changes: *const *const chatroom_attributes_change_t,
    /// How many changes there are.
    pub attribute_change_count: usize,
    /// The members whose attributes changed, with what changed, in an array of pointers, none of them NULL.
    pub member_attributes: *const *const chatroom_member_attributes_t,
    /// How many attributes there are.
    pub member_attributes_count: usize,
}

/// What changed in a member's profile; `data` is NULL for what stayed. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_profile_t {
    /// Its nick.
    pub nick: chatroom_bytes_t,
    /// The address of its avatar.
    pub avatar: chatroom_bytes_t,
    /// The application's own.
    pub ext: chatroom_bytes_t,
}

/// An element of a room's queue. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_element_t {
    /// Its name within the queue, 1-128 B.
    pub key: chatroom_bytes_t,
    /// What it says: UTF-8, at most 4096 B.
    pub value: chatroom_bytes_t,
    /// Whose it is: an account; to put in: absent is oneself.
    pub owner: chatroom_bytes_t,
    /// True: it goes when its owner's last connection has left.
    pub transient: u32,
    /// Always 0.
    pub reserved: u32,
}

/// The keys a request failed for. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_keys_t {
    /// The keys.
    pub keys: *const chatroom_bytes_t,
    /// How many keys there are.
    pub key_count: usize,
}

/// Elements of a room's queue. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_elements_t {
    /// The elements, in queue order, in an array of pointers, none of them NULL.
    pub elements: *const *const chatroom_element_t,
    /// How many elements there are.
    pub element_count: usize,
}

/// An accepted login. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_login_t {
    /// The one asked for, or the one the server gave an anonymous login.
    pub account: chatroom_bytes_t,
    /// The server's name for the connection.
    pub connection_id: chatroom_bytes_t,
    /// The server's clock, in milliseconds since 1970.
    pub server_time_ms: i64,
    /// True: a lost connection was taken over, and nobody saw it go; its connection_id is the old one.
    pub resumed: u32,
    /// Always 0.
    pub reserved: u32,
}

/// Being taken out. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_kicked_t {
    /// The room; absent: the whole connection ends.
    pub room_id: i64,
    /// For people.
    pub message: chatroom_bytes_t,
    /// What the one who did it had to add.
    pub ext: chatroom_bytes_t,
    /// A `chatroom_kick_reason`, or a number this library does not know.
    pub reason: i32,
    /// True: the client comes back by itself.
    pub may_reconnect: u32,
    /// When, in milliseconds from now.
    pub retry_after_ms: u32,
    /// Always 0.
    pub reserved: u32,
}
