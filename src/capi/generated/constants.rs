//! Numbers with names.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

/// What the body of a frame is: the `kind` field of its header (wire.md §1, §3).
///
/// Blocks of 256: 0x00xx session, 0x01xx room, 0x02xx member, 0x03xx message, 0x04xx queue, 0x05xx attributes, 0x06xx storage,
/// 0x10xx and up beyond rooms. Pushes of a block start at 0x80 within it. A number, once released, is never reused.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_kind {
    /// A push, a `Status`.
    Status = 0,
    /// Anything, which comes back.
    Ping = 1,
    /// A `LoginRequest`, answered with a `LoginResponse`.
    Login = 2,
    /// A `LogoutRequest`, answered with a `Status`.
    Logout = 3,
    /// A `RenewTokenRequest`, answered with a `Status`.
    RenewToken = 4,
    /// A `KickDevicesRequest`, answered with a `Status`.
    KickDevices = 5,
    /// A push, a `Kicked`.
    Kicked = 128,
    /// A push, a `TokenWillExpire`.
    TokenWillExpire = 129,
    /// A `RoomEnterRequest`, answered with a `RoomEnterResponse`.
    RoomEnter = 256,
    /// A `RoomExitRequest`, answered with a `RoomExitResponse`.
    RoomExit = 257,
    /// A `RoomInfoRequest`, answered with a `RoomInfoResponse`.
    RoomInfo = 258,
    /// A `RoomUpdateRequest`, answered with a `RoomInfoResponse`.
    RoomUpdate = 259,
    /// A `RoomCloseRequest`, answered with a `Status`.
    RoomClose = 260,
    /// A `RoomMuteRequest`, answered with a `Status`.
    RoomMute = 261,
    /// A `RoomCreateRequest`, answered with a `RoomEnterResponse`.
    RoomCreate = 262,
    /// A `RoomSwitchRequest`, answered with a `RoomEnterResponse`.
    RoomSwitch = 263,
    /// A `RoomLeaveAllRequest`, answered with a `RoomLeaveAllResponse`.
    RoomLeaveAll = 264,
    /// A push, a `RoomEpoch`.
    RoomEpoch = 384,
    /// A `MemberListRequest`, answered with a `MemberListResponse`.
    MemberList = 512,
    /// A `MemberLookupRequest`, answered with a `MemberListResponse`.
    MemberLookup = 513,
    /// A `MemberListByTagRequest`, answered with a `MemberListResponse`.
    MemberListByTag = 514,
    /// A `MemberCountByTagRequest`, answered with a `MemberCountByTagResponse`.
    MemberCountByTag = 515,
    /// A `MemberSetRoleRequest`, answered with a `MemberSetRoleResponse`.
    MemberSetRole = 516,
    /// A `MemberKickRequest`, answered with a `Status`.
    MemberKick = 517,
    /// A `MemberTempMuteRequest`, answered with a `MemberTempMuteResponse`.
    MemberTempMute = 518,
    /// A `MemberTagTempMuteRequest`, answered with a `MemberTempMuteResponse`.
    MemberTagTempMute = 519,
    /// A `MemberUpdateSelfRequest`, answered with a `Status`.
    MemberUpdateSelf = 520,
    /// A `MemberUpdateTagsRequest`, answered with a `Status`.
    MemberUpdateTags = 521,
    /// A `MemberUpdateLocationRequest`, answered with a `Status`.
    MemberUpdateLocation = 522,
    /// A `MessageSendRequest`, answered with a `MessageSendResponse`.
    MessageSend = 768,
    /// A `MessageHistoryRequest`, answered with a `MessageHistoryResponse`.
    MessageHistory = 769,
    /// A `MessageHistoryByTagsRequest`, answered with a `MessageHistoryResponse`.
    MessageHistoryByTags = 770,
    /// A `MessageRecallRequest`, answered with a `Status`.
    MessageRecall = 771,
    /// A push, a `Message`.
    Message = 896,
    /// A push, a `Notification`.
    Notification = 897,
    /// A push, a `Gap`.
    Gap = 898,
    /// A `QueueInitRequest`, answered with a `Status`.
    QueueInit = 1024,
    /// A `QueueOfferRequest`, answered with a `QueueOfferResponse`.
    QueueOffer = 1025,
    /// A `QueueBatchOfferRequest`, answered with a `QueueBatchResponse`.
    QueueBatchOffer = 1026,
    /// A `QueuePollRequest`, answered with a `QueueElementResponse`.
    QueuePoll = 1027,
    /// A `QueueListRequest`, answered with a `QueueListResponse`.
    QueueList = 1028,
    /// A `QueuePeekRequest`, answered with a `QueueElementResponse`.
    QueuePeek = 1029,
    /// A `QueueMultiGetRequest`, answered with a `QueueListResponse`.
    QueueMultiGet = 1030,
    /// A `QueueChangeRequest`, answered with a `QueueBatchResponse`.
    QueueChange = 1031,
    /// A `QueueDropRequest`, answered with a `QueueDropResponse`.
    QueueDrop = 1032,
    /// A `AttributesSetRequest`, answered with a `AttributesChangeResponse`.
    AttributesSet = 1280,
    /// A `AttributesDeleteRequest`, answered with a `AttributesChangeResponse`.
    AttributesDelete = 1281,
    /// A `AttributesBatchRequest`, answered with a `AttributesChangeResponse`.
    AttributesBatch = 1282,
    /// A `AttributesListRequest`, answered with a `AttributesListResponse`.
    AttributesList = 1283,
    /// A `MemberAttributesSetRequest`, answered with a `MemberAttributesSetResponse`.
    MemberAttributesSet = 1284,
    /// A `MemberAttributesLookupRequest`, answered with a `MemberAttributesListResponse`.
    MemberAttributesLookup = 1285,
    /// A `MemberAttributesListRequest`, answered with a `MemberAttributesListResponse`.
    MemberAttributesList = 1286,
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

/// What a request to change a role sets or unsets.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_role_change {
    /// Unknown to this version.
    Unspecified = 0,
    /// Administrator.
    Administrator = 1,
    /// Ordinary member.
    Common = 2,
    /// The room's blocklist.
    Blocklist = 3,
    /// A mute without end.
    Mute = 4,
}

/// What a message is. Open: a receiver ignores numbers it does not know (chatroom.md §a.6).
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

/// What a notification tells, by the ids of chatroom.md §g, and from 401 on what has no number there. Open: a receiver ignores
/// numbers it does not know.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_notification_type {
    /// Unknown to this version.
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
    /// Muted no more.
    MuteRemove = 306,
    /// Made an administrator.
    AdministratorAdd = 307,
    /// Administrator no more.
    AdministratorRemove = 308,
    /// Made an ordinary member.
    CommonAdd = 309,
    /// Ordinary member no more.
    CommonRemove = 310,
    /// The room is closed.
    RoomClosed = 311,
    /// The room's profile changed.
    RoomUpdated = 312,
    /// Taken out of the room.
    MemberKicked = 313,
    /// Muted for `mute_seconds`.
    TempMuteAdd = 314,
    /// The temporary mute is over.
    TempMuteRemove = 315,
    /// A member changed its profile.
    MemberUpdated = 316,
    /// The queue changed.
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
    /// A message was recalled.
    MessageRecalled = 323,
    /// Several elements joined the queue.
    QueueBatchOffered = 324,
    /// A member changed its tags.
    TagsUpdated = 325,
    /// Attributes of the room changed.
    AttributesChanged = 401,
    /// Attributes of the room changed in several steps.
    AttributesBatchChanged = 402,
    /// Attributes of members changed.
    MemberAttributesChanged = 403,
}

/// What happened to a queue.
#[repr(i32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum chatroom_queue_event {
    /// Unknown to this version.
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

/// Where a client stands. The numbers are those of the table's second column.
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
    /// Logged in, and in the room if one was asked for.
    Entered = 5,
    /// Over until the host connects again.
    Exited = 6,
}

/// How much a line of the log matters.
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

/// Where a room stands for this client.
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

/// Why it stands there.
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

/// Flag of a message: sent with high priority, and granted it.
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

/// Flag of a draft: the history does not keep the message.
pub const CHATROOM_SEND_SKIP_HISTORY: u32 = 1;
/// Flag of a draft: delivered before others where the room's allowance permits.
pub const CHATROOM_SEND_HIGH_PRIORITY: u32 = 2;
/// Flag of a draft: it was sent before under the same `message_id`, and the server takes it only once.
pub const CHATROOM_SEND_RESEND: u32 = 4;
/// Flag of a draft: `x`, `y` and `z` say where the message is spoken.
pub const CHATROOM_SEND_AT: u32 = 8;
/// Flag of a draft: with high priority: not delivered again to those who come later.
pub const CHATROOM_SEND_NO_RESEND_ON_ENTER: u32 = 16;
/// Flag of a draft: no copy goes to the application's callback.
pub const CHATROOM_SEND_NO_ROUTE: u32 = 32;
/// Flag of a draft: of type custom: `antispam_custom` is what moderation looks at.
pub const CHATROOM_SEND_ANTISPAM: u32 = 64;
/// Flag of a draft: the generic word filter in place of the external service.
pub const CHATROOM_SEND_GENERIC_MODERATION: u32 = 128;

/// Flag of a sent message: it was granted high priority.
pub const CHATROOM_SENT_HIGH_PRIORITY: u32 = 1;
/// Flag of a sent message: the draw of `abandon_ratio` dropped it.
pub const CHATROOM_SENT_ABANDONED: u32 = 2;
/// Flag of a sent message: the server had it already, and this is the answer of then.
pub const CHATROOM_SENT_DUPLICATE: u32 = 4;
