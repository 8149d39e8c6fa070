//! What is lent to the callbacks of events other than messages.

use super::answer::Lend;
use super::attributes::{
    LentChanges, LentMemberAttributes, attributes, chatroom_attribute_t, chatroom_attributes_change_t,
    chatroom_member_attributes_t,
};
use super::lend::{LentMembers, Row, chatroom_element_t, chatroom_member_t, chatroom_room_t, first, texts};
use super::types::chatroom_bytes_t;
use crate::wire::pb;

/// An accepted login. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_login_t {
    /// The account: the one asked for, or the one the server gave an anonymous login.
    pub account: chatroom_bytes_t,
    /// The server's name for the connection.
    pub connection_id: chatroom_bytes_t,
    /// The server's clock, in milliseconds since 1970.
    pub server_time_ms: i64,
    /// 1: a lost connection was taken over, and nobody saw it go.
    pub resumed: u32,
    /// Always 0.
    pub reserved: u32,
}

/// Being in a room. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_entered_t {
    /// The room; never NULL.
    pub room: *const chatroom_room_t,
    /// Oneself in it; never NULL.
    pub member: *const chatroom_member_t,
    /// The server's name for the connection.
    pub connection_id: chatroom_bytes_t,
    /// With `last_seq`, names the place in the room's order from which deliveries follow.
    pub epoch: u64,
    /// See `epoch`.
    pub last_seq: u64,
    /// 1: a lost connection was taken over, and nobody saw it go.
    pub resumed: u32,
    /// 1: items are missing, and the history has them.
    pub gap: u32,
    /// Missed items that follow.
    pub replayed: u32,
    /// 1: the request made the room.
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

impl Lend for Box<pb::RoomEnterResponse> {
    type View = chatroom_entered_t;

    fn lend_to(self, body: impl FnOnce(&chatroom_entered_t)) {
        chatroom_entered_t::with(&self, body);
    }
}

impl chatroom_entered_t {
    /// Lends the packet to `body`.
    pub(super) fn with<T>(entered: &pb::RoomEnterResponse, body: impl FnOnce(&chatroom_entered_t) -> T) -> T {
        let (no_room, no_member) = (pb::RoomInfo::default(), pb::Member::default());
        let room = chatroom_room_t::lend(entered.room.as_ref().unwrap_or(&no_room));
        let members = LentMembers::new(std::slice::from_ref(entered.member.as_ref().unwrap_or(&no_member)));
        let row = attributes(&entered.attributes);
        body(&chatroom_entered_t {
            room: &room,
            member: members.row.one(),
            connection_id: chatroom_bytes_t::text(&entered.connection_id),
            epoch: entered.epoch,
            last_seq: entered.last_seq,
            resumed: entered.resumed.into(),
            gap: entered.gap.into(),
            replayed: entered.replayed,
            created: entered.created.into(),
            attributes: row.first(),
            attribute_count: row.len(),
            gap_first: entered.gap_first,
            gap_last: entered.gap_last,
        })
    }
}

/// Being taken out. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_kicked_t {
    /// The room; 0: the whole connection ends.
    pub room_id: i64,
    /// For people.
    pub message: chatroom_bytes_t,
    /// What the one who did it had to add.
    pub ext: chatroom_bytes_t,
    /// A `chatroom_kick_reason`, or a number this library does not know.
    pub reason: i32,
    /// 1: the client comes back by itself.
    pub may_reconnect: u32,
    /// When.
    pub retry_after_ms: u32,
    /// Always 0.
    pub reserved: u32,
}

impl chatroom_kicked_t {
    pub(super) fn lend(kicked: &pb::Kicked) -> chatroom_kicked_t {
        chatroom_kicked_t {
            room_id: kicked.room_id,
            message: chatroom_bytes_t::text(&kicked.message),
            ext: chatroom_bytes_t::text(&kicked.ext),
            reason: kicked.reason,
            may_reconnect: kicked.may_reconnect.into(),
            retry_after_ms: kicked.retry_after_ms,
            reserved: 0,
        }
    }
}

/// What changed in a room's profile. Lent: valid until the callback returns. `data` is NULL, or the number -1, for what stayed.
#[repr(C)]
pub struct chatroom_room_update_t {
    /// Its name.
    pub name: chatroom_bytes_t,
    /// Its announcement.
    pub announcement: chatroom_bytes_t,
    /// The address of its live stream.
    pub broadcast_url: chatroom_bytes_t,
    /// The application's own.
    pub ext: chatroom_bytes_t,
    /// Who changes the queue: 0 everybody, 1 its creator and administrators.
    pub queue_level: i32,
    /// 1: members hear who comes and goes.
    pub in_out_notification: i32,
}

/// What changed in a member's profile. Lent: valid until the callback returns. `data` is NULL for what stayed.
#[repr(C)]
pub struct chatroom_profile_t {
    /// Its nick.
    pub nick: chatroom_bytes_t,
    /// The address of its avatar.
    pub avatar: chatroom_bytes_t,
    /// The application's own.
    pub ext: chatroom_bytes_t,
}

/// Something that happened in a room. Lent: valid until the callback returns. What a type has no use for is 0 or NULL.
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
    /// How long a temporary mute is.
    pub mute_seconds: u32,
    /// Who did it.
    pub operator_account: chatroom_bytes_t,
    /// The nick of the one who did it.
    pub operator_nick: chatroom_bytes_t,
    /// What the one who did it had to add.
    pub ext: chatroom_bytes_t,
    /// The accounts it was done to.
    pub targets: *const chatroom_bytes_t,
    /// How many accounts there are.
    pub target_count: usize,
    /// The nicks of those accounts.
    pub target_nicks: *const chatroom_bytes_t,
    /// How many nicks there are.
    pub target_nick_count: usize,
    /// The tag that a temporary mute is for.
    pub target_tag: chatroom_bytes_t,
    /// The new tags of the operator.
    pub tags: *const chatroom_bytes_t,
    /// How many tags there are.
    pub tag_count: usize,
    /// The room's new profile, or NULL.
    pub room_update: *const chatroom_room_update_t,
    /// A member's new profile, or NULL.
    pub profile: *const chatroom_profile_t,
    /// The elements of the queue that it is about, in an array of pointers.
    pub elements: *const *const chatroom_element_t,
    /// How many elements there are.
    pub element_count: usize,
    /// The message that was recalled.
    pub recalled_message_id: chatroom_bytes_t,
    /// Who had sent it.
    pub recalled_from: chatroom_bytes_t,
    /// When.
    pub recalled_time_ms: i64,
    /// A `chatroom_queue_event`, or a number this library does not know.
    pub queue_event: i32,
    /// The new role, or that of the one who came in: a `chatroom_member_type`.
    pub member_type: i32,
    /// The new rank.
    pub level: u32,
    /// 1: the one who came in is muted.
    pub muted: u32,
    /// What remains of a temporary mute of the one who came in; 0 for none.
    pub temp_mute_seconds: u32,
    /// What the one who came in has it run on.
    pub client_type: u32,
    /// The address of the avatar of the one who came in.
    pub avatar: chatroom_bytes_t,
    /// Who hears of this: a tag expression. Empty: everybody.
    pub notify_target_tags: chatroom_bytes_t,
    /// With `tags`: who hears what the connection says that has them, a tag expression.
    pub tags_notify_target_tags: chatroom_bytes_t,
    /// What happened to attributes of the room, one step after the other, in an array of pointers, none of them NULL.
    pub attribute_changes: *const *const chatroom_attributes_change_t,
    /// How many steps there are.
    pub attribute_change_count: usize,
    /// The members whose attributes changed, with what changed, in an array of pointers, none of them NULL.
    pub member_attributes: *const *const chatroom_member_attributes_t,
    /// How many members there are.
    pub member_attributes_count: usize,
}

/// A notification with what it points into.
pub(super) struct LentNotification {
    view: chatroom_notification_t,
    notification: pb::Notification,
    _texts: [Vec<chatroom_bytes_t>; 3],
    _room_update: Option<Box<chatroom_room_update_t>>,
    _profile: Option<Box<chatroom_profile_t>>,
    _elements: Row<chatroom_element_t>,
    _changes: LentChanges,
    _member_attributes: LentMemberAttributes,
}

impl LentNotification {
    pub(super) fn new(notification: pb::Notification) -> Box<LentNotification> {
        let notice = &notification;
        let targets = texts(&notice.targets);
        let target_nicks = texts(&notice.target_nicks);
        let tags = notice.tags_updated.as_ref().map(|updated| texts(&updated.tags)).unwrap_or_default();
        let room_update = notice.room_updated.as_ref().map(|update| {
            Box::new(chatroom_room_update_t {
                name: chatroom_bytes_t::maybe(update.name.as_deref()),
                announcement: chatroom_bytes_t::maybe(update.announcement.as_deref()),
                broadcast_url: chatroom_bytes_t::maybe(update.broadcast_url.as_deref()),
                ext: chatroom_bytes_t::maybe(update.ext.as_deref()),
                queue_level: update.queue_level.map_or(-1, |level| i32::try_from(level).unwrap_or(i32::MAX)),
                in_out_notification: update.in_out_notification.map_or(-1, i32::from),
            })
        });
        let profile = notice.member_updated.as_ref().map(|update| {
            Box::new(chatroom_profile_t {
                nick: chatroom_bytes_t::maybe(update.nick.as_deref()),
                avatar: chatroom_bytes_t::maybe(update.avatar.as_deref()),
                ext: chatroom_bytes_t::maybe(update.ext.as_deref()),
            })
        });
        let elements = Row::new(notice.queue_changed.as_ref().map_or(&[][..], |queue| &queue.elements), change);
        let steps = notice.attributes_batch_changed.iter().flat_map(|batch| &batch.changes);
        let changes = LentChanges::new(notice.attributes_changed.iter().chain(steps));
        let of_members = notice.member_attributes_changed.as_ref().map_or(&[][..], |change| &change.members);
        let member_attributes = LentMemberAttributes::new(of_members);
        let recalled = notice.recalled.as_ref();
        let (role, entered) = (notice.role_changed.as_ref(), notice.entered.as_ref());
        let view = chatroom_notification_t {
            room_id: notice.room_id,
            seq: notice.seq,
            epoch: notice.epoch,
            time_ms: notice.time_ms,
            r#type: notice.r#type,
            mute_seconds: notice.mute_seconds,
            operator_account: chatroom_bytes_t::text(&notice.operator),
            operator_nick: chatroom_bytes_t::text(&notice.operator_nick),
            ext: chatroom_bytes_t::text(&notice.ext),
            targets: first(&targets),
            target_count: targets.len(),
            target_nicks: first(&target_nicks),
            target_nick_count: target_nicks.len(),
            target_tag: chatroom_bytes_t::text(&notice.target_tag),
            tags: first(&tags),
            tag_count: tags.len(),
            room_update: room_update.as_deref().map_or(std::ptr::null(), |update| update),
            profile: profile.as_deref().map_or(std::ptr::null(), |profile| profile),
            elements: elements.first(),
            element_count: elements.len(),
            recalled_message_id: chatroom_bytes_t::text(recalled.map_or("", |recalled| &recalled.message_id)),
            recalled_from: chatroom_bytes_t::text(recalled.map_or("", |recalled| &recalled.from)),
            recalled_time_ms: recalled.map_or(0, |recalled| recalled.message_time_ms),
            queue_event: notice.queue_changed.as_ref().map_or(0, |queue| queue.event),
            member_type: role.map_or_else(|| entered.map_or(0, |entered| entered.member_type), |role| role.r#type),
            level: role.map_or(0, |role| role.level),
            muted: entered.is_some_and(|entered| entered.muted).into(),
            temp_mute_seconds: entered.map_or(0, |entered| entered.temp_mute_seconds),
            client_type: entered.map_or(0, |entered| entered.client_type),
            avatar: chatroom_bytes_t::text(entered.map_or("", |entered| &entered.avatar)),
            notify_target_tags: chatroom_bytes_t::text(&notice.notify_target_tags),
            tags_notify_target_tags: chatroom_bytes_t::text(
                notice.tags_updated.as_ref().map_or("", |updated| &updated.notify_target_tags),
            ),
            attribute_changes: changes.row.first(),
            attribute_change_count: changes.row.len(),
            member_attributes: member_attributes.row.first(),
            member_attributes_count: member_attributes.row.len(),
        };
        Box::new(LentNotification {
            view,
            // The texts' own memory stays where it is when the packet moves in here.
            notification,
            _texts: [targets, target_nicks, tags],
            _room_update: room_update,
            _profile: profile,
            _elements: elements,
            _changes: changes,
            _member_attributes: member_attributes,
        })
    }

    /// The packet behind the view.
    pub(super) fn packet(&self) -> &pb::Notification {
        &self.notification
    }

    pub(super) fn lend(&self) -> *const chatroom_notification_t {
        &raw const self.view
    }
}

fn change(change: &pb::QueueElementChange) -> chatroom_element_t {
    chatroom_element_t {
        key: chatroom_bytes_t::text(&change.key),
        value: chatroom_bytes_t::lend(&change.value),
        owner: chatroom_bytes_t::EMPTY,
        transient: 0,
        reserved: 0,
    }
}
