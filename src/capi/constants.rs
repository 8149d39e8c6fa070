//! Numbers with names that do not follow from `proto/`, nor from tables of the library: see `generated`.

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

/// Flag of a frame: it answers a request.
pub const CHATROOM_FRAME_RESPONSE: u8 = 1;
/// Bytes of a frame's header.
pub const CHATROOM_HEADER_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame;

    #[test]
    fn constants_have_the_numbers_of_the_wire() {
        assert_eq!(CHATROOM_HEADER_BYTES, crate::limits::HEADER_BYTES);
        assert_eq!(CHATROOM_FRAME_RESPONSE, frame::FLAG_RESPONSE);
    }
}
