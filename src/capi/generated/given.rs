//! What C fills in: structs that grow at their ends.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

use super::*;

/// Attributes of a room to set. Set `struct_size` to its size and the rest to 0 before filling it in.
#[repr(C)]
pub struct chatroom_attributes_edit_t {
    /// `sizeof(chatroom_attributes_edit_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// 1-20: keys of at most 16 B, values of at most 1024 B.
    pub attributes: *const chatroom_pair_t,
    /// How many attributes there are.
    pub attribute_count: usize,
    /// True: change those of other owners too.
    pub force: u32,
    /// True, with `force`: they become the caller's.
    pub update_owner: u32,
    /// True: they go when their owner has left.
    pub delete_after_owner_left: u32,
    /// Set it to 0.
    pub reserved: u32,
}

// SAFETY: repr(C), led by a usize; integers, floats and pointers only.
unsafe impl Growing for chatroom_attributes_edit_t {}

/// Attributes of members to set. Set `struct_size` to its size and the rest to 0 before filling it in.
#[repr(C)]
pub struct chatroom_member_attributes_edit_t {
    /// `sizeof(chatroom_member_attributes_edit_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// The members, by account, 1-100.
    pub accounts: *const *const c_char,
    /// How many accounts there are.
    pub account_count: usize,
    /// 1-30: keys of at most 8 B, values of at most 64 B; an empty value deletes its key.
    pub attributes: *const chatroom_pair_t,
    /// How many attributes there are.
    pub attribute_count: usize,
    /// True: change those that others have set, too.
    pub force: u32,
    /// True: they stay when their member has left; false: they go with it.
    pub keep_after_member_left: u32,
}

// SAFETY: repr(C), led by a usize; integers, floats and pointers only.
unsafe impl Growing for chatroom_member_attributes_edit_t {}

/// Where a connection stands, and how far it hears. Set `struct_size` to its size and the rest to 0 before filling it in.
#[repr(C)]
pub struct chatroom_location_t {
    /// `sizeof(chatroom_location_t)`.
    pub struct_size: usize,
    /// `CHATROOM_LOCATION_*` bits.
    pub flags: u32,
    /// True: only what is spoken within `distance` is heard; false: everything.
    pub enabled: u32,
    /// Where.
    pub x: f64,
    /// See `x`.
    pub y: f64,
    /// See `x`.
    pub z: f64,
    /// How far.
    pub distance: f64,
}

// SAFETY: repr(C), led by a usize; integers, floats and pointers only.
unsafe impl Growing for chatroom_location_t {}

/// What to change about oneself in a room; NULL leaves what is there. Set `struct_size` to its size and the rest to 0 before
/// filling it in.
#[repr(C)]
pub struct chatroom_self_edit_t {
    /// `sizeof(chatroom_self_edit_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// The nick, at most 64 char.
    pub nick: *const c_char,
    /// The address of the avatar, at most 1024 char.
    pub avatar: *const c_char,
    /// The application's own, at most 4096 char.
    pub ext: *const c_char,
    /// What the notification carries besides, at most 2048 char.
    pub notify_ext: *const c_char,
    /// True: nobody is notified.
    pub silent: u32,
    /// True: a member with a role keeps it beyond its stay.
    pub save: u32,
}

// SAFETY: repr(C), led by a usize; integers, floats and pointers only.
unsafe impl Growing for chatroom_self_edit_t {}

/// What to change about one's own tags in a room. Set `struct_size` to its size and the rest to 0 before filling it in.
#[repr(C)]
pub struct chatroom_tags_edit_t {
    /// `sizeof(chatroom_tags_edit_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// At most 10 of at most 32 char; they count if `set_tags` is true.
    pub tags: *const *const c_char,
    /// How many tags there are.
    pub tag_count: usize,
    /// Who hears what this connection says, and its coming and going: a tag expression; absent leaves what is there, empty is
    /// everybody.
    pub notify_target_tags: *const c_char,
    /// What the notification carries besides, at most 2048 char.
    pub notify_ext: *const c_char,
    /// True: `tags` replace those that are there; false: those stay.
    pub set_tags: u32,
    /// True: the room is notified.
    pub notify: u32,
}

// SAFETY: repr(C), led by a usize; integers, floats and pointers only.
unsafe impl Growing for chatroom_tags_edit_t {}

/// A room to enter, and as whom. Set `struct_size` to its size and the rest to 0 before filling it in.
#[repr(C)]
pub struct chatroom_enter_t {
    /// `sizeof(chatroom_enter_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// The nick to carry there, at most 64 char; required when anonymous.
    pub nick: *const c_char,
    /// The address of an avatar, at most 1024 char.
    pub avatar: *const c_char,
    /// The application's own, at most 4096 char.
    pub ext: *const c_char,
    /// What the others' notification carries, at most 2048 char.
    pub enter_ext: *const c_char,
    /// At most 10 of 1-32 char.
    pub tags: *const *const c_char,
    /// How many tags there are.
    pub tag_count: usize,
    /// Who hears of the coming and going: a tag expression; absent: the rule of the room; empty: everybody.
    pub notify_target_tags: *const c_char,
    /// The name of a room made by a client, in place of room_id.
    pub alias: *const c_char,
    /// Where to stand and how far to hear.
    pub location: *const chatroom_location_t,
    /// What the nick, the avatar and `ext` are moderated by: JSON.
    pub moderation_id: *const c_char,
    /// With `position_seq`, the last place in the room's order that was seen, as an earlier client left it: what was missed
    /// since is delivered. 0: none.
    pub position_epoch: u64,
    /// See `position_epoch`.
    pub position_seq: u64,
}

// SAFETY: repr(C), led by a usize; integers, floats and pointers only.
unsafe impl Growing for chatroom_enter_t {}

/// What to change about a room. NULL leaves what is there, "" clears it. Set `struct_size` to its size and the rest to 0 before
/// filling it in.
#[repr(C)]
pub struct chatroom_room_edit_t {
    /// `sizeof(chatroom_room_edit_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// Its name, 1-128 char.
    pub name: *const c_char,
    /// Its announcement, at most 4096 char.
    pub announcement: *const c_char,
    /// The address of its live stream, at most 1024 char.
    pub broadcast_url: *const c_char,
    /// The application's own, at most 4096 char.
    pub ext: *const c_char,
    /// What its content is moderated by: JSON, at most 1024 char.
    pub moderation_id: *const c_char,
    /// What the notification carries besides, at most 2048 char.
    pub notify_ext: *const c_char,
    /// `CHATROOM_ROOM_*` bits.
    pub flags: u32,
    /// Who changes the queue: 0 everybody, 1 its creator and administrators.
    pub queue_level: u32,
    /// True: members hear who comes and goes; changed over HTTP only.
    pub in_out_notification: u32,
    /// True: nobody is notified.
    pub silent: u32,
}

// SAFETY: repr(C), led by a usize; integers, floats and pointers only.
unsafe impl Growing for chatroom_room_edit_t {}

/// A room to make. Set `struct_size` to its size and the rest to 0 before filling it in.
#[repr(C)]
pub struct chatroom_create_t {
    /// `sizeof(chatroom_create_t)`.
    pub struct_size: usize,
    /// The name by which others find it, 1-32 B.
    pub alias: *const c_char,
    /// The name people see, at most 64 B; absent: the alias.
    pub name: *const c_char,
    /// True: a room that is there already is entered (enterRoom); false: it is an error (createRoom).
    pub enter_existing: u32,
    /// Seconds from the last leave to its end, at most 3600.
    pub destroy_delay_seconds: u32,
    /// What a new room starts with, owned by its maker, at most 20.
    pub attributes: *const chatroom_pair_t,
    /// How many attributes there are.
    pub attribute_count: usize,
    /// As whom to enter it; the room_id and the alias in it do not count.
    pub enter: *const chatroom_enter_t,
}

// SAFETY: repr(C), led by a usize; integers, floats and pointers only.
unsafe impl Growing for chatroom_create_t {}

/// A message to send. Set `struct_size` to its size and the rest to 0 before filling it in.
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
    /// The message's id, 1-64 char; absent: the client makes one. The same id sent again with `resend` is taken once.
    pub message_id: *const c_char,
    /// The text, with types text and tip: UTF-8, at most 4096 char.
    pub body: *const c_void,
    /// Bytes of `body`.
    pub body_len: usize,
    /// JSON, with the other types: at most 4096 char.
    pub attach: *const c_void,
    /// Bytes of `attach`.
    pub attach_len: usize,
    /// The application's own: UTF-8, at most 4096 char.
    pub ext: *const c_void,
    /// Bytes of `ext`.
    pub ext_len: usize,
    /// The application's own refinement of the type.
    pub sub_type: u32,
    /// Of 10000: how likely the server drops the message under a busy host's own rule; absent: never.
    pub abandon_ratio: u32,
    /// Who among the members hears it: a tag expression of at most 128 char; absent: that of the connection; empty: everybody.
    pub notify_target_tags: *const c_char,
    /// Who hears it, by account, at most 100; none: all.
    pub to_accounts: *const *const c_char,
    /// How many accounts there are.
    pub to_account_count: usize,
    /// Where it is spoken, with the flag `AT`.
    pub x: f64,
    /// See `x`.
    pub y: f64,
    /// See `x`.
    pub z: f64,
    /// Selects the application's callback, at most 32 char.
    pub env: *const c_char,
    /// What that callback is told, at most 1024 char.
    pub callback_ext: *const c_char,
    /// What the message is moderated by: JSON, at most 1024 char.
    pub moderation_id: *const c_char,
    /// With `antispam`: what moderation looks at, JSON of at most 5000 char.
    pub antispam_custom: *const c_char,
    /// For the moderation service: JSON, at most 1024 char.
    pub yidun_anti_cheating: *const c_char,
    /// For the moderation service: JSON, at most 1024 char.
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
    /// From when on, exclusive, in milliseconds since 1970; 0: from now on backwards, or from the oldest on if that is first.
    pub time_ms: i64,
    /// From which item on, exclusive; exact within one millisecond; 0: `time_ms` says it.
    pub last_seq: u64,
    /// How many items, 1-100; absent means 100.
    pub limit: u32,
    /// True: oldest first; false: newest first.
    pub oldest_first: u32,
    /// Which types of messages; none: all.
    pub types: *const i32,
    /// How many types there are.
    pub type_count: usize,
}

// SAFETY: repr(C), led by a usize; integers, floats and pointers only.
unsafe impl Growing for chatroom_history_query_t {}

/// Which part of a history, by tags. Set `struct_size` to its size and the rest to 0 before filling it in.
#[repr(C)]
pub struct chatroom_tag_history_query_t {
    /// `sizeof(chatroom_tag_history_query_t)`.
    pub struct_size: usize,
    /// The room.
    pub room_id: i64,
    /// From when on, in milliseconds since 1970; 0: from the oldest. The end at which reading begins is exclusive.
    pub from_time_ms: i64,
    /// Until when; 0: until now.
    pub to_time_ms: i64,
    /// Beyond which item to go on: `reached_seq` of the page before; 0 begins.
    pub last_seq: u64,
    /// 1-10: what was sent to them, together or to one of them.
    pub tags: *const *const c_char,
    /// How many tags there are.
    pub tag_count: usize,
    /// Which types of messages; none: all.
    pub types: *const i32,
    /// How many types there are.
    pub type_count: usize,
    /// How many items, 1-100; absent means 100.
    pub limit: u32,
    /// True: oldest first; false: newest first.
    pub oldest_first: u32,
}

// SAFETY: repr(C), led by a usize; integers, floats and pointers only.
unsafe impl Growing for chatroom_tag_history_query_t {}

/// An element to put into a queue. Never grows.
#[repr(C)]
pub struct chatroom_offer_t {
    /// Its name within the queue, 1-128 B.
    pub key: *const c_char,
    /// What it says: UTF-8, at most 4096 B.
    pub value: *const c_void,
    /// Bytes of `value`.
    pub value_len: usize,
    /// Whose it is: an account; to put in: absent is oneself.
    pub owner: *const c_char,
    /// True: it goes when its owner's last connection has left.
    pub transient: u32,
    /// Set it to 0.
    pub reserved: u32,
}
