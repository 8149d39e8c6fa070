//! Numbers with names. Each one equals its number on the wire; a test holds them together.

use crate::error::Code;

/// What every fallible call returns, and what `code` of a status is. The numbers are those of the wire and of HTTP; success,
/// which the wire calls 200, is 0.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_result {
    /// Success.
    Ok = 0,
    /// Protocol version not supported.
    VersionTooOld = 201,
    /// Banned (reserved).
    Banned = 301,
    /// Wrong account or token.
    WrongToken = 302,
    /// Address not allowed.
    AddressRefused = 315,
    /// Forbidden.
    Forbidden = 403,
    /// Not found.
    NotFound = 404,
    /// Parameter too long (not produced: 414).
    TooLong = 405,
    /// Nothing would change.
    NoChange = 406,
    /// No answer in time.
    Timeout = 408,
    /// Verification failed or too large.
    VerifyFailed = 413,
    /// Bad parameter.
    BadParameter = 414,
    /// No server could be reached.
    NoServer = 415,
    /// Too frequent.
    TooFrequent = 416,
    /// Already so.
    Repeated = 417,
    /// Channel unavailable (reserved).
    ChannelUnavailable = 418,
    /// Over a quantity limit.
    OverQuota = 419,
    /// Account disabled.
    AccountDisabled = 422,
    /// Account muted.
    AccountMuted = 423,
    /// Duplicate request.
    DuplicateRequest = 431,
    /// Transient condition, try again.
    TryAgain = 449,
    /// Refused by the application's callback.
    CallbackRefused = 463,
    /// A defect: of the server, or of this library, whose handle is then of no more use.
    ServerError = 500,
    /// Client restricted (reserved).
    ClientRestricted = 501,
    /// Too much is open at once: nothing was taken on, try again.
    Busy = 503,
    /// Token expired.
    TokenExpired = 508,
    /// Invalid protocol.
    InvalidProtocol = 509,
    /// Service unavailable.
    Unavailable = 514,
    /// Cannot unpack.
    UnpackFailed = 998,
    /// Cannot pack.
    PackFailed = 999,
    /// Blocklisted by peer.
    PeerBlocklisted = 7101,
    /// IM link abnormal (reserved).
    LinkAbnormal = 13001,
    /// Room closed.
    RoomClosed = 13002,
    /// On the room's blocklist.
    Blocklisted = 13003,
    /// Muted in the room.
    Muted = 13004,
    /// Nick, avatar or ext refused by moderation.
    ProfileRefused = 13005,
    /// The whole room is muted.
    RoomMuted = 13006,
    /// The client is closed, or was never made; also what closing makes of open requests.
    NotInitialised = 20000,
    /// Not logged in.
    NotLoggedIn = 20001,
    /// Already logged in.
    AlreadyLoggedIn = 20002,
    /// Cancelled by the caller.
    Cancelled = 191002,
}

impl From<Code> for chatroom_result {
    fn from(code: Code) -> chatroom_result {
        match code {
            Code::Ok => chatroom_result::Ok,
            Code::VersionTooOld => chatroom_result::VersionTooOld,
            Code::Banned => chatroom_result::Banned,
            Code::WrongToken => chatroom_result::WrongToken,
            Code::AddressRefused => chatroom_result::AddressRefused,
            Code::Forbidden => chatroom_result::Forbidden,
            Code::NotFound => chatroom_result::NotFound,
            Code::TooLong => chatroom_result::TooLong,
            Code::NoChange => chatroom_result::NoChange,
            Code::Timeout => chatroom_result::Timeout,
            Code::VerifyFailed => chatroom_result::VerifyFailed,
            Code::BadParameter => chatroom_result::BadParameter,
            Code::NoServer => chatroom_result::NoServer,
            Code::TooFrequent => chatroom_result::TooFrequent,
            Code::Repeated => chatroom_result::Repeated,
            Code::ChannelUnavailable => chatroom_result::ChannelUnavailable,
            Code::OverQuota => chatroom_result::OverQuota,
            Code::AccountDisabled => chatroom_result::AccountDisabled,
            Code::AccountMuted => chatroom_result::AccountMuted,
            Code::DuplicateRequest => chatroom_result::DuplicateRequest,
            Code::TryAgain => chatroom_result::TryAgain,
            Code::CallbackRefused => chatroom_result::CallbackRefused,
            Code::ServerError => chatroom_result::ServerError,
            Code::ClientRestricted => chatroom_result::ClientRestricted,
            Code::Busy => chatroom_result::Busy,
            Code::TokenExpired => chatroom_result::TokenExpired,
            Code::InvalidProtocol => chatroom_result::InvalidProtocol,
            Code::Unavailable => chatroom_result::Unavailable,
            Code::UnpackFailed => chatroom_result::UnpackFailed,
            Code::PackFailed => chatroom_result::PackFailed,
            Code::PeerBlocklisted => chatroom_result::PeerBlocklisted,
            Code::LinkAbnormal => chatroom_result::LinkAbnormal,
            Code::RoomClosed => chatroom_result::RoomClosed,
            Code::Blocklisted => chatroom_result::Blocklisted,
            Code::Muted => chatroom_result::Muted,
            Code::ProfileRefused => chatroom_result::ProfileRefused,
            Code::RoomMuted => chatroom_result::RoomMuted,
            Code::NotInitialised => chatroom_result::NotInitialised,
            Code::NotLoggedIn => chatroom_result::NotLoggedIn,
            Code::AlreadyLoggedIn => chatroom_result::AlreadyLoggedIn,
            Code::Cancelled => chatroom_result::Cancelled,
        }
    }
}

/// Where a client stands.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_state {
    /// Never connected.
    Disconnected = 0,
    /// Waiting before it tries again.
    Waiting = 1,
    /// Bringing the transport up.
    Connecting = 2,
    /// The transport is up.
    Connected = 3,
    /// The login is sent.
    Entering = 4,
    /// Logged in, and in the room if the options name one.
    Entered = 5,
    /// Over until the host connects again.
    Exited = 6,
}

/// What kind of token a login carries.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_auth_type {
    /// The account's stored token.
    Static = 0,
    /// A signed token with an expiry.
    Dynamic = 1,
    /// Whatever the app's callback understands.
    Callback = 2,
}

/// What a message is. Open: a receiver ignores numbers it does not know.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_message_type {
    /// `body` is the text.
    Text = 0,
    /// `attach` describes an image.
    Image = 1,
    /// `attach` describes a recording.
    Audio = 2,
    /// `attach` describes a video.
    Video = 3,
    /// `attach` describes a place.
    Geo = 4,
    /// Reserved for the server.
    Notification = 5,
    /// `attach` describes a file.
    File = 6,
    /// `body` is a line of information.
    Tip = 10,
    /// To or from a robot.
    Robot = 11,
    /// Shown and forgotten.
    Barrage = 20,
    /// `attach` is the application's own.
    Custom = 100,
}

/// What a notification tells. Open: a receiver ignores numbers it does not know.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_notification_type {
    /// Unknown to this library.
    Unspecified = 0,
    /// An account came in.
    MemberEnter = 301,
    /// An account left.
    MemberExit = 302,
    /// Put on the blocklist.
    BlocklistAdd = 303,
    /// Taken off the blocklist.
    BlocklistRemove = 304,
    /// Muted.
    MuteAdd = 305,
    /// No longer muted.
    MuteRemove = 306,
    /// Made an administrator.
    AdministratorAdd = 307,
    /// No longer an administrator.
    AdministratorRemove = 308,
    /// Made an ordinary member.
    CommonAdd = 309,
    /// No longer an ordinary member.
    CommonRemove = 310,
    /// The room is closed.
    RoomClosed = 311,
    /// The room's profile changed: `room_update`.
    RoomUpdated = 312,
    /// Taken out of the room.
    MemberKicked = 313,
    /// Muted for `mute_seconds`.
    TempMuteAdd = 314,
    /// The temporary mute is over.
    TempMuteRemove = 315,
    /// A member changed its profile: `profile`.
    MemberUpdated = 316,
    /// The queue changed: `queue_event`, `elements`.
    QueueChanged = 317,
    /// The whole room is muted.
    RoomMuted = 318,
    /// The whole room may speak again.
    RoomUnmuted = 319,
    /// Several elements of the queue changed or went.
    QueueBatchChanged = 320,
    /// Everybody with `target_tag` is muted for `mute_seconds`.
    TagTempMuteAdd = 321,
    /// That is over.
    TagTempMuteRemove = 322,
    /// A message was recalled: `recalled_message_id`.
    MessageRecalled = 323,
    /// Several elements joined the queue.
    QueueBatchOffered = 324,
    /// A member changed its tags: `tags`.
    TagsUpdated = 325,
    /// Attributes of the room changed: `attribute_changes` has one.
    AttributesChanged = 401,
    /// Attributes of the room changed in several steps: `attribute_changes`.
    AttributesBatchChanged = 402,
    /// Attributes of members changed: `member_attributes`.
    MemberAttributesChanged = 403,
}

/// What happened to attributes of a room.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_attributes_action {
    /// They were set.
    Set = 0,
    /// They were deleted; they are told with their last values.
    Delete = 1,
}

/// Where a room made by a client stands for this client.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_room_state {
    /// Out of it.
    Disconnected = 0,
    /// On the way back into it, after a lost connection.
    Connecting = 1,
    /// In it.
    Connected = 2,
}

/// Why a room made by a client stands there.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_room_cause {
    /// Left, or back after a lost connection.
    Success = 0,
    /// The connection is lost, and will be tried again.
    NetInterrupted = 1,
    /// The connection is over.
    NetDisconnected = 2,
    /// There is no such room, or no longer.
    RoomNotExist = 3,
    /// Made by this client.
    ActiveCreate = 4,
    /// It could not be made.
    CreateFailed = 5,
    /// Entered by a request.
    ActiveEnter = 6,
    /// It could not be entered.
    EnterFailed = 7,
    /// Taken out.
    KickedOut = 8,
    /// No answer came in time.
    ConnectTimeout = 9,
    /// The account came in from another device.
    KickedOutByOtherDevice = 10,
    /// Left for another room, or entered from another one.
    ActiveSwitch = 11,
    /// It could not be switched to.
    SwitchFailed = 12,
}

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

/// What happened to a queue.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_queue_event {
    /// Unknown to this library.
    Unspecified = 0,
    /// Elements were added or changed.
    Offer = 1,
    /// Elements were taken out.
    Poll = 2,
    /// The queue was emptied.
    Drop = 3,
    /// Elements went with their owner.
    PartClear = 4,
    /// Several elements were changed.
    BatchUpdate = 5,
    /// Several elements were added.
    BatchOffer = 6,
}

/// What a member is in a room.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_member_type {
    /// An ordinary member.
    Common = 0,
    /// The room's creator.
    Creator = 1,
    /// An administrator.
    Administrator = 2,
    /// A visitor: gone when it leaves.
    Visitor = 3,
    /// An anonymous visitor.
    Anonymous = 4,
    /// A member without a connection.
    Virtual = 5,
    /// Muted or on the blocklist.
    Limited = -1,
    /// Nothing yet.
    Unset = -2,
}

/// Which members a list names.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_member_query {
    /// Members with a role, present or not.
    Fixed = 0,
    /// Visitors, the newest first.
    VisitorsNewest = 1,
    /// Members with a role who are present.
    FixedOnline = 2,
    /// Visitors, the oldest first.
    VisitorsOldest = 3,
}

/// What `chatroom_client_set_role` sets or unsets.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_role_change {
    /// Administrator.
    Administrator = 1,
    /// Ordinary member.
    Common = 2,
    /// The room's blocklist.
    Blocklist = 3,
    /// A mute without end.
    Mute = 4,
}

/// Why the server took a client out.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_kick_reason {
    /// Its own logout.
    SelfExit = 0,
    /// The room is closed.
    RoomClosed = 1,
    /// An administrator did.
    ManagerKick = 2,
    /// The account logged in elsewhere.
    SamePlatform = 3,
    /// A reset inside the server; the client comes back by itself.
    Silent = 4,
    /// Put on the room's blocklist.
    Blocklisted = 5,
    /// The account was disabled.
    AccountBlocked = 6,
    /// The token expired: log in with a new one.
    TokenExpired = 7,
}

/// Flag of a draft: the history does not keep the message.
pub const CHATROOM_SEND_SKIP_HISTORY: u32 = 1;
/// Flag of a draft: delivered before others where the room's allowance permits.
pub const CHATROOM_SEND_HIGH_PRIORITY: u32 = 2;
/// Flag of a draft: it was sent before under the same `message_id`, and the server takes it only once.
pub const CHATROOM_SEND_RESEND: u32 = 4;
/// Flag of a draft: `x`, `y` and `z` say where the message is spoken.
pub const CHATROOM_SEND_AT: u32 = 8;
/// Flag of a draft with high priority: not delivered again to those who come later.
pub const CHATROOM_SEND_NO_RESEND_ON_ENTER: u32 = 16;
/// Flag of a draft: no copy goes to the application's callback.
pub const CHATROOM_SEND_NO_ROUTE: u32 = 32;
/// Flag of a draft of type custom: `antispam_custom` is what moderation looks at.
pub const CHATROOM_SEND_ANTISPAM: u32 = 64;
/// Flag of a draft: the generic word filter in place of the external service.
pub const CHATROOM_SEND_GENERIC_MODERATION: u32 = 128;

/// Flag of a location: `x` counts.
pub const CHATROOM_LOCATION_X: u32 = 1;
/// Flag of a location: `y` counts.
pub const CHATROOM_LOCATION_Y: u32 = 2;
/// Flag of a location: `z` counts.
pub const CHATROOM_LOCATION_Z: u32 = 4;
/// Flag of a location: `distance` counts.
pub const CHATROOM_LOCATION_DISTANCE: u32 = 8;
/// Flag of a location: `enabled` counts.
pub const CHATROOM_LOCATION_ENABLED: u32 = 16;

/// Flag of a change of a room: `queue_level` counts.
pub const CHATROOM_ROOM_QUEUE_LEVEL: u32 = 1;
/// Flag of a change of a room: `in_out_notification` counts.
pub const CHATROOM_ROOM_IN_OUT_NOTIFICATION: u32 = 2;

/// Flag of a message: it was sent with high priority, and granted it.
pub const CHATROOM_MESSAGE_HIGH_PRIORITY: u32 = 1;
/// Flag of a message: delivered again to one who came later.
pub const CHATROOM_MESSAGE_RESENT: u32 = 2;
/// Flag of a message: the history does not keep it.
pub const CHATROOM_MESSAGE_SKIP_HISTORY: u32 = 4;
/// Flag of a message: sent to certain accounts only.
pub const CHATROOM_MESSAGE_DIRECTED: u32 = 8;
/// Flag of a message: `x`, `y` and `z` say where it is spoken.
pub const CHATROOM_MESSAGE_AT: u32 = 16;
/// Flag of a message: of high priority, and delivered again to those who come within 30 s.
pub const CHATROOM_MESSAGE_RESEND_ON_ENTER: u32 = 32;

/// Flag of a sent message: it was granted high priority.
pub const CHATROOM_SENT_HIGH_PRIORITY: u32 = 1;
/// Flag of a sent message: the draw of `abandon_ratio` dropped it.
pub const CHATROOM_SENT_ABANDONED: u32 = 2;
/// Flag of a sent message: the server had it already, and this is the answer of then.
pub const CHATROOM_SENT_DUPLICATE: u32 = 4;

/// Flag of a frame: it answers a request.
pub const CHATROOM_FRAME_RESPONSE: u8 = 1;
/// How much a line of the log matters. Those of a level and of all smaller ones are told.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_log_level {
    /// The client gives up.
    Error = 1,
    /// Something failed, and is tried again.
    Warn = 2,
    /// The client goes from one state to another.
    Info = 3,
    /// Each address, each step.
    Debug = 4,
}

/// Bytes of a frame's header.
pub const CHATROOM_HEADER_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{LogLevel, RoomState, RoomStateCause, State};
    use crate::error::CODES;
    use crate::wire::{frame, pb};

    #[test]
    fn results_have_the_numbers_of_the_one_table_but_for_success() {
        for row in CODES {
            let number = if row.code == Code::Ok { 0 } else { row.number };
            assert_eq!(chatroom_result::from(row.code) as i32, number);
        }
    }

    #[test]
    fn constants_have_the_numbers_of_the_wire() {
        assert_eq!(CHATROOM_HEADER_BYTES, crate::limits::HEADER_BYTES);
        assert_eq!(CHATROOM_FRAME_RESPONSE, frame::FLAG_RESPONSE);
        assert_eq!(chatroom_state::Exited as i32, State::Exited as i32);
        assert_eq!(chatroom_state::Entered as i32, State::Entered as i32);
        assert_eq!(chatroom_log_level::Error as i32, LogLevel::Error as i32);
        assert_eq!(chatroom_log_level::Debug as i32, LogLevel::Debug as i32);
        assert_eq!(chatroom_message_type::Custom as i32, pb::MessageType::Custom as i32);
        assert_eq!(chatroom_message_type::Tip as i32, pb::MessageType::Tip as i32);
        assert_eq!(chatroom_notification_type::MemberEnter as i32, pb::NotificationType::MemberEnter as i32);
        assert_eq!(chatroom_notification_type::TagsUpdated as i32, pb::NotificationType::TagsUpdated as i32);
        for (ours, theirs) in [
            (chatroom_notification_type::AttributesChanged, pb::NotificationType::AttributesChanged),
            (chatroom_notification_type::AttributesBatchChanged, pb::NotificationType::AttributesBatchChanged),
            (chatroom_notification_type::MemberAttributesChanged, pb::NotificationType::MemberAttributesChanged),
        ] {
            assert_eq!(ours as i32, theirs as i32);
        }
        assert_eq!(chatroom_attributes_action::Delete as i32, pb::AttributesAction::Delete as i32);
        assert_eq!(chatroom_room_state::Connected as i32, RoomState::Connected as i32);
        assert_eq!(chatroom_room_cause::KickedOut as i32, RoomStateCause::KickedOut as i32);
        assert_eq!(chatroom_room_cause::SwitchFailed as i32, RoomStateCause::SwitchFailed as i32);
        assert_eq!(chatroom_member_type::Unset as i32, pb::MemberType::Unset as i32);
        assert_eq!(chatroom_member_query::VisitorsOldest as i32, pb::MemberQuery::VisitorsOldest as i32);
        assert_eq!(chatroom_role_change::Mute as i32, pb::RoleChange::Mute as i32);
        assert_eq!(chatroom_kick_reason::TokenExpired as i32, pb::KickReason::TokenExpired as i32);
        assert_eq!(chatroom_queue_event::BatchOffer as i32, pb::QueueEvent::BatchOffer as i32);
        assert_eq!(chatroom_auth_type::Callback as i32, pb::AuthType::Callback as i32);
    }
}
