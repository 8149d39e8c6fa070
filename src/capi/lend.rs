//! What is lent to callbacks: C's view of the packets, pointing into them.
//!
//! The library makes these structs and C only reads them, so fields may be added at their ends.

use std::sync::Arc;

use super::answer::Lend;
use super::boundary::value;
use super::constants::*;
use super::types::chatroom_bytes_t;
use crate::wire::pb;

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
    /// The sender's id for the message.
    pub message_id: chatroom_bytes_t,
    /// The account that sent it.
    pub from: chatroom_bytes_t,
    /// The sender's nick.
    pub from_nick: chatroom_bytes_t,
    /// The address of the sender's avatar.
    pub from_avatar: chatroom_bytes_t,
    /// The sender's `ext`.
    pub from_ext: chatroom_bytes_t,
    /// The text, with types text and tip.
    pub body: chatroom_bytes_t,
    /// JSON, with the other types.
    pub attach: chatroom_bytes_t,
    /// The application's own.
    pub ext: chatroom_bytes_t,
    /// Who among the members hears it: a tag expression. Empty: everybody.
    pub notify_target_tags: chatroom_bytes_t,
    /// A `chatroom_message_type`, or a number this library does not know.
    pub r#type: i32,
    /// The application's own refinement of the type.
    pub sub_type: u32,
    /// What the sender's client runs on.
    pub from_client_type: u32,
    /// `CHATROOM_MESSAGE_*` bits.
    pub flags: u32,
    /// Where it is spoken, with `CHATROOM_MESSAGE_AT`.
    pub x: f64,
    /// See `x`.
    pub y: f64,
    /// See `x`.
    pub z: f64,
}

/// A message with what it points into. The view comes first, so that its address is the whole's.
#[repr(C)]
pub(super) struct LentMessage {
    view: chatroom_message_t,
    _message: Box<pb::Message>,
}

// SAFETY: the view points into the message it is kept with, nothing changes either, and both are plain data.
unsafe impl Send for LentMessage {}
// SAFETY: as above: there is nothing to change through a shared reference.
unsafe impl Sync for LentMessage {}

impl LentMessage {
    pub(super) fn new(message: Box<pb::Message>) -> Arc<LentMessage> {
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        let at = message.at.unwrap_or_default();
        let view = chatroom_message_t {
            room_id: message.room_id,
            seq: message.seq,
            epoch: message.epoch,
            time_ms: message.time_ms,
            message_id: chatroom_bytes_t::text(&message.message_id),
            from: chatroom_bytes_t::text(&message.from),
            from_nick: chatroom_bytes_t::text(&message.from_nick),
            from_avatar: chatroom_bytes_t::text(&message.from_avatar),
            from_ext: chatroom_bytes_t::text(&message.from_ext),
            body: chatroom_bytes_t::lend(&message.body),
            attach: chatroom_bytes_t::lend(&message.attach),
            ext: chatroom_bytes_t::lend(&message.ext),
            notify_target_tags: chatroom_bytes_t::text(&message.notify_target_tags),
            r#type: message.r#type,
            sub_type: message.sub_type,
            from_client_type: message.from_client_type,
            flags: flag(message.high_priority, CHATROOM_MESSAGE_HIGH_PRIORITY)
                | flag(message.resent, CHATROOM_MESSAGE_RESENT)
                | flag(message.skip_history, CHATROOM_MESSAGE_SKIP_HISTORY)
                | flag(message.directed, CHATROOM_MESSAGE_DIRECTED)
                | flag(message.at.is_some(), CHATROOM_MESSAGE_AT)
                | flag(message.resend_on_enter, CHATROOM_MESSAGE_RESEND_ON_ENTER),
            x: at.x,
            y: at.y,
            z: at.z,
        };
        Arc::new(LentMessage { view, _message: message })
    }

    /// The address C gets; good for counting, too.
    pub(super) fn lend(this: &Arc<LentMessage>) -> *const chatroom_message_t {
        Arc::as_ptr(this).cast()
    }
}

/// Keeps a lent message beyond its callback, and returns it. Counts the received buffer up and copies nothing. NULL for NULL.
///
/// A message keeps the whole buffer alive that it was received in: to keep many for long, copy what matters.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_message_ref(message: *const chatroom_message_t) -> *const chatroom_message_t {
    value(message, || {
        if !message.is_null() {
            // SAFETY: messages come from `LentMessage::lend` only, and the caller promises that this one is still counted.
            unsafe { Arc::increment_strong_count(message.cast::<LentMessage>()) };
        }
        message
    })
}

/// Lets a message go that chatroom_message_ref kept; also after its client has ended. NULL is nothing to do.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_message_unref(message: *const chatroom_message_t) {
    value((), || {
        if !message.is_null() {
            // SAFETY: messages come from `LentMessage::lend` only, and the caller gives up the count it took.
            unsafe { Arc::decrement_strong_count(message.cast::<LentMessage>()) };
        }
    });
}

/// What a room says of itself. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_room_t {
    /// The room.
    pub room_id: i64,
    /// Accounts that are present.
    pub online_count: u64,
    /// Milliseconds since 1970.
    pub create_time_ms: i64,
    /// Milliseconds since 1970.
    pub update_time_ms: i64,
    /// The account that made it.
    pub creator: chatroom_bytes_t,
    /// Its name.
    pub name: chatroom_bytes_t,
    /// Its announcement; `data` is NULL if it was never set.
    pub announcement: chatroom_bytes_t,
    /// The address of its live stream.
    pub broadcast_url: chatroom_bytes_t,
    /// The application's own.
    pub ext: chatroom_bytes_t,
    /// Who changes the queue: 0 everybody, 1 its creator and administrators.
    pub queue_level: u32,
    /// Elements the queue may have.
    pub queue_size_limit: u32,
    /// 0: closed.
    pub valid: u32,
    /// 1: only its creator and administrators may speak.
    pub muted: u32,
    /// 1: members hear who comes and goes.
    pub in_out_notification: u32,
    /// Of a room made by a client: seconds from the last leave to its end.
    pub destroy_delay_seconds: u32,
    /// Of a room made by a client: the name its maker gave it.
    pub alias: chatroom_bytes_t,
    /// What its content is moderated by: JSON.
    pub moderation_id: chatroom_bytes_t,
    /// When it closes by itself: 0 never, 1 after a fixed time, 2 after being empty that long.
    pub delay_close_policy: u32,
    /// After how many seconds.
    pub delay_close_seconds: u32,
    /// Since when that counts, in milliseconds since 1970.
    pub delay_close_start_ms: i64,
}

impl chatroom_room_t {
    pub(super) fn lend(room: &pb::RoomInfo) -> chatroom_room_t {
        let delay_close = room.delay_close.unwrap_or_default();
        chatroom_room_t {
            room_id: room.room_id,
            online_count: room.online_count,
            create_time_ms: room.create_time_ms,
            update_time_ms: room.update_time_ms,
            creator: chatroom_bytes_t::text(&room.creator),
            name: chatroom_bytes_t::text(&room.name),
            announcement: chatroom_bytes_t::maybe(room.announcement.as_deref()),
            broadcast_url: chatroom_bytes_t::text(&room.broadcast_url),
            ext: chatroom_bytes_t::text(&room.ext),
            queue_level: room.queue_level,
            queue_size_limit: room.queue_size_limit,
            valid: room.valid.into(),
            muted: room.muted.into(),
            in_out_notification: room.in_out_notification.into(),
            destroy_delay_seconds: room.destroy_delay_seconds,
            alias: chatroom_bytes_t::text(&room.alias),
            moderation_id: chatroom_bytes_t::text(&room.moderation_id),
            delay_close_policy: delay_close.policy,
            delay_close_seconds: delay_close.delay_seconds,
            delay_close_start_ms: delay_close.start_time_ms,
        }
    }
}

impl Lend for pb::RoomInfo {
    type View = chatroom_room_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_room_t)) {
        body(&chatroom_room_t::lend(&self));
    }
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
    /// 1: present.
    pub online: u32,
    /// 1: on the room's blocklist.
    pub blocklisted: u32,
    /// 1: muted without end.
    pub muted: u32,
    /// What remains of a temporary mute; 0 for none.
    pub temp_mute_seconds: u32,
    /// 1: a robot, which has no connection.
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

/// Members as C sees them, with what that needs besides the packet.
pub(super) struct LentMembers {
    pub(super) row: Row<chatroom_member_t>,
    _parts: Vec<(Vec<chatroom_bytes_t>, Row<chatroom_connection_t>)>,
}

impl LentMembers {
    pub(super) fn new(members: &[pb::Member]) -> LentMembers {
        let parts: Vec<_> =
            members.iter().map(|member| (texts(&member.tags), Row::new(&member.connections, connection))).collect();
        let views = members.iter().zip(&parts).map(|(member, (tags, connections))| chatroom_member_t {
            account: chatroom_bytes_t::text(&member.account),
            nick: chatroom_bytes_t::text(&member.nick),
            avatar: chatroom_bytes_t::text(&member.avatar),
            ext: chatroom_bytes_t::text(&member.ext),
            tags: first(tags),
            tag_count: tags.len(),
            enter_time_ms: member.enter_time_ms,
            update_time_ms: member.update_time_ms,
            r#type: member.r#type,
            level: member.level.unwrap_or(0),
            online: member.online.into(),
            blocklisted: member.blocklisted.into(),
            muted: member.muted.into(),
            temp_mute_seconds: member.temp_mute_seconds,
            robot: member.robot.into(),
            robot_expire_seconds: member.robot_expire_seconds,
            notify_target_tags: chatroom_bytes_t::text(&member.notify_target_tags),
            connections: connections.first(),
            connection_count: connections.len(),
        });
        LentMembers { row: Row::of(views.collect()), _parts: parts }
    }
}

fn connection(connection: &pb::OnlineConnection) -> chatroom_connection_t {
    chatroom_connection_t {
        connection_id: chatroom_bytes_t::text(&connection.connection_id),
        nick: chatroom_bytes_t::text(&connection.nick),
        avatar: chatroom_bytes_t::text(&connection.avatar),
        enter_time_ms: connection.enter_time_ms,
        client_type: connection.client_type,
        reserved: 0,
    }
}

/// An element of a room's queue. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_element_t {
    /// Its name within the queue.
    pub key: chatroom_bytes_t,
    /// What it says.
    pub value: chatroom_bytes_t,
    /// Whose it is.
    pub owner: chatroom_bytes_t,
    /// 1: it goes when its owner has left.
    pub transient: u32,
    /// Always 0.
    pub reserved: u32,
}

impl chatroom_element_t {
    pub(super) fn lend(element: &pb::QueueElement) -> chatroom_element_t {
        chatroom_element_t {
            key: chatroom_bytes_t::text(&element.key),
            value: chatroom_bytes_t::lend(&element.value),
            owner: chatroom_bytes_t::text(&element.owner),
            transient: element.transient.into(),
            reserved: 0,
        }
    }
}

/// A fact about an accepted message. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_sent_t {
    /// The message's id: the draft's, or the one made for it.
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

impl chatroom_sent_t {
    pub(super) fn lend(sent: &pb::MessageSendResponse) -> chatroom_sent_t {
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        chatroom_sent_t {
            message_id: chatroom_bytes_t::text(&sent.message_id),
            time_ms: sent.time_ms,
            seq: sent.seq,
            epoch: sent.epoch,
            flags: flag(sent.high_priority, CHATROOM_SENT_HIGH_PRIORITY)
                | flag(sent.abandoned, CHATROOM_SENT_ABANDONED)
                | flag(sent.duplicate, CHATROOM_SENT_DUPLICATE),
            reserved: 0,
        }
    }
}

impl Lend for pb::MessageSendResponse {
    type View = chatroom_sent_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_sent_t)) {
        body(&chatroom_sent_t::lend(&self));
    }
}

/// Structs in an array of pointers, as C gets those that may grow. Their place does not move with this value.
pub(super) struct Row<V> {
    pointers: Vec<*const V>,
    _views: Vec<V>,
}

impl<V> Row<V> {
    pub(super) fn of(views: Vec<V>) -> Row<V> {
        Row { pointers: views.iter().map(|view| &raw const *view).collect(), _views: views }
    }

    pub(super) fn new<T>(values: &[T], view: impl Fn(&T) -> V) -> Row<V> {
        Row::of(values.iter().map(view).collect())
    }

    pub(super) fn first(&self) -> *const *const V {
        first(&self.pointers)
    }

    pub(super) fn len(&self) -> usize {
        self.pointers.len()
    }

    /// The first struct's own address; NULL without one.
    pub(super) fn one(&self) -> *const V {
        self.pointers.first().copied().unwrap_or(std::ptr::null())
    }
}

/// The address of an array's first value, NULL if there is none.
pub(super) fn first<T>(values: &[T]) -> *const T {
    if values.is_empty() { std::ptr::null() } else { values.as_ptr() }
}

/// Several texts as C sees them.
pub(super) fn texts(texts: &[String]) -> Vec<chatroom_bytes_t> {
    texts.iter().map(|text| chatroom_bytes_t::lend(text.as_bytes())).collect()
}
