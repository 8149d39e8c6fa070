//! What notifications mean to the account of a client, and where rooms made by clients stand, as C is told.

use super::constants::chatroom_event_type as Type;
use super::generated::chatroom_notification_t;
use super::types::chatroom_bytes_t;
use crate::client::{RoomEvent, RoomStateChange};

/// One thing that follows from a notification for this account. Lent: valid until the callback returns. What a type has no use
/// for is 0 or NULL.
#[repr(C)]
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
    let mut index = 0;
    for event in events {
        let mut view = chatroom_event_t {
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
        view.r#type = fill(&mut view, event) as i32;
        if matches!(event, RoomEvent::AttributesChanged(_) | RoomEvent::MemberAttributesChanged(_)) {
            view.index = index;
            index += 1;
        }
        tell(&view);
    }
}

/// Fills in what an event has for itself, and says what it is.
fn fill(view: &mut chatroom_event_t, event: &RoomEvent) -> Type {
    match event {
        RoomEvent::MemberEntered { account, .. } => {
            view.account = chatroom_bytes_t::text(account);
            Type::MemberEntered
        }
        RoomEvent::MemberExited { account, .. } => {
            view.account = chatroom_bytes_t::text(account);
            Type::MemberExited
        }
        RoomEvent::MemberUpdated { account, .. } => {
            view.account = chatroom_bytes_t::text(account);
            Type::MemberUpdated
        }
        RoomEvent::OwnMuteChanged { muted } => {
            view.set = (*muted).into();
            Type::OwnMuteChanged
        }
        RoomEvent::OwnTempMuteChanged { seconds } => {
            view.seconds = *seconds;
            Type::OwnTempMuteChanged
        }
        RoomEvent::OwnRoleChanged { member_type, level } => {
            view.member_type = *member_type as i32;
            view.level = *level;
            Type::OwnRoleChanged
        }
        RoomEvent::TagMuteChanged { tag, seconds } => {
            view.key = chatroom_bytes_t::text(tag);
            view.seconds = *seconds;
            Type::TagMuteChanged
        }
        RoomEvent::RoomMuteChanged { muted } => {
            view.set = (*muted).into();
            Type::RoomMuteChanged
        }
        RoomEvent::RoomUpdated(_) => Type::RoomUpdated,
        RoomEvent::RoomClosed => Type::RoomClosed,
        RoomEvent::MessageRecalled { message_id, time_ms, from } => {
            view.key = chatroom_bytes_t::text(message_id);
            view.account = chatroom_bytes_t::text(from);
            view.time_ms = *time_ms;
            Type::MessageRecalled
        }
        RoomEvent::OwnTagsUpdated { .. } => Type::OwnTagsUpdated,
        RoomEvent::QueueChanged { .. } => Type::QueueChanged,
        RoomEvent::AttributesChanged(_) => Type::AttributesChanged,
        RoomEvent::MemberAttributesChanged(member) => {
            view.account = chatroom_bytes_t::text(&member.account);
            Type::MemberAttributesChanged
        }
    }
}
