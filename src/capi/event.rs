//! What notifications mean to the account of a client, and where rooms made by clients stand, as C is told.

use super::generated::chatroom_notification_t;
use super::types::chatroom_bytes_t;
use crate::client::{RoomEvent, RoomStateChange};
use chatroom_event_type as Type;

/// What a notification means to the account that reads it. Open: a receiver ignores numbers it does not know.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_event_type {
    /// `account` came in.
    MemberEntered = 1,
    /// `account` left.
    MemberExited = 2,
    /// The profile of `account` changed: `profile` of the notification.
    MemberUpdated = 3,
    /// The own account is muted without end if `set` is 1, and may speak again if it is 0.
    OwnMuteChanged = 4,
    /// The own account is muted for `seconds`, and may speak again if they are 0.
    OwnTempMuteChanged = 5,
    /// The own account has the role `member_type` and the rank `level`.
    OwnRoleChanged = 6,
    /// Everybody with the tag `key` is muted for `seconds`, and may speak again if they are 0.
    TagMuteChanged = 7,
    /// The whole room is muted if `set` is 1, and may speak again if it is 0.
    RoomMuteChanged = 8,
    /// The room's profile changed: `room_update` of the notification.
    RoomUpdated = 9,
    /// The room is closed; everybody is taken out next.
    RoomClosed = 10,
    /// The message with the id `key`, of `account`, sent at `time_ms`, is to vanish.
    MessageRecalled = 11,
    /// The own account changed its tags on one of its connections: `tags` of the notification.
    OwnTagsUpdated = 12,
    /// The queue changed: `queue_event` and `elements` of the notification.
    QueueChanged = 13,
    /// Attributes of the room changed: one of the notification's `attribute_changes`, at place `index`.
    AttributesChanged = 14,
    /// Attributes of the member `account` changed: one of the notification's `member_attributes`, at place `index`.
    MemberAttributesChanged = 15,
}

/// One thing that follows from a notification for this account. Lent: valid until the callback returns. What a type has no use
/// for is 0 or NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct chatroom_event_t {
    /// The notification it follows from; never NULL. It has everything else.
    pub notification: *const chatroom_notification_t,
    /// A `chatroom_event_type`, or a number this library does not know.
    pub r#type: i32,
    /// 1 or 0: muted or not.
    pub set: u32,
    /// How long a mute is; 0: it is over.
    pub seconds: u32,
    /// The own new role: a `chatroom_member_type`.
    pub member_type: i32,
    /// The own new rank.
    pub level: u32,
    /// The place among the notification's `attribute_changes` or `member_attributes`.
    pub index: u32,
    /// The account it is about.
    pub account: chatroom_bytes_t,
    /// The tag, or the message's id.
    pub key: chatroom_bytes_t,
    /// When the message was sent, in milliseconds since 1970.
    pub time_ms: i64,
}

/// A room made by a client stands elsewhere than before. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_room_change_t {
    /// The room; 0 if it never came to one.
    pub room_id: i64,
    /// The name its maker gave it.
    pub alias: chatroom_bytes_t,
    /// A `chatroom_room_state`.
    pub state: i32,
    /// A `chatroom_room_cause`.
    pub cause: i32,
}

impl chatroom_room_change_t {
    pub(super) fn lend(change: &RoomStateChange) -> chatroom_room_change_t {
        chatroom_room_change_t {
            room_id: change.room_id,
            alias: chatroom_bytes_t::text(&change.alias),
            state: change.state as i32,
            cause: change.cause as i32,
        }
    }
}

/// Lends events to `tell`, one after the other.
pub(super) fn lend_events(
    events: &[RoomEvent],
    notification: *const chatroom_notification_t,
    mut tell: impl FnMut(&chatroom_event_t),
) {
    let mut places = 0..;
    for event in events {
        let none = chatroom_event_t {
            notification,
            r#type: 0,
            set: 0,
            seconds: 0,
            member_type: 0,
            level: 0,
            index: 0,
            account: chatroom_bytes_t::EMPTY,
            key: chatroom_bytes_t::EMPTY,
            time_ms: 0,
        };
        tell(&lend(event, none, &mut places));
    }
}

/// An event as C sees it: what it has for itself in place of `none`. Attributes take the next of the notification's places.
fn lend(event: &RoomEvent, none: chatroom_event_t, places: &mut impl Iterator<Item = u32>) -> chatroom_event_t {
    let about = |r#type: Type, account: &str| chatroom_event_t {
        r#type: r#type as i32,
        account: chatroom_bytes_t::text(account),
        ..none
    };
    let just = |r#type: Type| about(r#type, "");
    match event {
        RoomEvent::MemberEntered { account, .. } => about(Type::MemberEntered, account),
        RoomEvent::MemberExited { account, .. } => about(Type::MemberExited, account),
        RoomEvent::MemberUpdated { account, .. } => about(Type::MemberUpdated, account),
        RoomEvent::OwnMuteChanged { muted } => chatroom_event_t { set: (*muted).into(), ..just(Type::OwnMuteChanged) },
        RoomEvent::OwnTempMuteChanged { seconds } => chatroom_event_t { seconds: *seconds, ..just(Type::OwnTempMuteChanged) },
        RoomEvent::OwnRoleChanged { member_type, level } => {
            chatroom_event_t { member_type: *member_type as i32, level: *level, ..just(Type::OwnRoleChanged) }
        }
        RoomEvent::TagMuteChanged { tag, seconds } => {
            chatroom_event_t { key: chatroom_bytes_t::text(tag), seconds: *seconds, ..just(Type::TagMuteChanged) }
        }
        RoomEvent::RoomMuteChanged { muted } => chatroom_event_t { set: (*muted).into(), ..just(Type::RoomMuteChanged) },
        RoomEvent::RoomUpdated(_) => just(Type::RoomUpdated),
        RoomEvent::RoomClosed => just(Type::RoomClosed),
        RoomEvent::MessageRecalled { message_id, time_ms, from } => {
            let key = chatroom_bytes_t::text(message_id);
            chatroom_event_t { key, time_ms: *time_ms, ..about(Type::MessageRecalled, from) }
        }
        RoomEvent::OwnTagsUpdated { .. } => just(Type::OwnTagsUpdated),
        RoomEvent::QueueChanged { .. } => just(Type::QueueChanged),
        RoomEvent::AttributesChanged(_) => {
            chatroom_event_t { index: places.next().unwrap_or(0), ..just(Type::AttributesChanged) }
        }
        RoomEvent::MemberAttributesChanged(member) => {
            let index = places.next().unwrap_or(0);
            chatroom_event_t { index, ..about(Type::MemberAttributesChanged, &member.account) }
        }
    }
}
