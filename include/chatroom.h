/* libchatroom: chat rooms, as a library. C99 and later, C++11 and later.
 *
 * Made from src/capi by cbindgen: change it there. docs/c-abi.md says who owns what, which thread does what, and how
 * this header grows. The rules that hold everywhere:
 *
 * - Every pointer is checked for NULL. A fallible call returns a chatroom_result, 0 for success, and writes its outputs
 *   only then; chatroom_last_error_message has the words for it.
 * - A callback gets user_data first. user_data passes to the library with the call, also when the call fails, and goes
 *   back through its destructor, once, after the last use.
 * - What a callback is lent is valid until it returns.
 * - What is handed in is copied before the call returns. Texts are UTF-8; those that come without a length end with NUL.
 * - True is 1 and false 0. What is absent is NULL, or 0 where it is a number.
 * - No call blocks but chatroom_client_free and chatroom_client_dispatch.
 * - Callbacks return: no longjmp and no exception may leave them.
 * - A forked child may only exec or exit. */

#ifndef CHATROOM_H
#define CHATROOM_H

#include <stddef.h>
#include <stdint.h>

// The version of the ABI this header describes. A program asserts at its start that `chatroom_abi_version()` is at least this:
// `chatroom_abi_version() >= CHATROOM_ABI_VERSION`.
//
// It grows when something is added; what there is stays as it is. The soname moves only when something is broken.
#define CHATROOM_ABI_VERSION 1

// Flag of a frame: it answers a request.
#define CHATROOM_FRAME_RESPONSE 1

// Bytes of a frame's header.
#define CHATROOM_HEADER_BYTES 16

// Flag of a location: `x` counts.
#define CHATROOM_LOCATION_X 1

// Flag of a location: `y` counts.
#define CHATROOM_LOCATION_Y 2

// Flag of a location: `z` counts.
#define CHATROOM_LOCATION_Z 4

// Flag of a location: `distance` counts.
#define CHATROOM_LOCATION_DISTANCE 8

// Flag of a location: `enabled` counts.
#define CHATROOM_LOCATION_ENABLED 16

// Flag of a change of a room: `queue_level` counts.
#define CHATROOM_ROOM_QUEUE_LEVEL 1

// Flag of a change of a room: `in_out_notification` counts.
#define CHATROOM_ROOM_IN_OUT_NOTIFICATION 2

// Flag of a message: sent with high priority, and granted it.
#define CHATROOM_MESSAGE_HIGH_PRIORITY 1

// Flag of a message: delivered again to one who came later.
#define CHATROOM_MESSAGE_RESENT 2

// Flag of a message: the history does not keep it.
#define CHATROOM_MESSAGE_SKIP_HISTORY 4

// Flag of a message: sent to certain accounts only.
#define CHATROOM_MESSAGE_DIRECTED 8

// Flag of a message: `x`, `y` and `z` say where it is spoken.
#define CHATROOM_MESSAGE_AT 16

// Flag of a message: of high priority, and delivered again to those who come within 30 s.
#define CHATROOM_MESSAGE_RESEND_ON_ENTER 32

// Flag of a draft: the history does not keep the message.
#define CHATROOM_SEND_SKIP_HISTORY 1

// Flag of a draft: delivered before others where the room's allowance permits.
#define CHATROOM_SEND_HIGH_PRIORITY 2

// Flag of a draft: it was sent before under the same `message_id`, and the server takes it only once.
#define CHATROOM_SEND_RESEND 4

// Flag of a draft: `x`, `y` and `z` say where the message is spoken.
#define CHATROOM_SEND_AT 8

// Flag of a draft: with high priority: not delivered again to those who come later.
#define CHATROOM_SEND_NO_RESEND_ON_ENTER 16

// Flag of a draft: no copy goes to the application's callback.
#define CHATROOM_SEND_NO_ROUTE 32

// Flag of a draft: of type custom: `antispam_custom` is what moderation looks at.
#define CHATROOM_SEND_ANTISPAM 64

// Flag of a draft: the generic word filter in place of the external service.
#define CHATROOM_SEND_GENERIC_MODERATION 128

// Flag of a sent message: it was granted high priority.
#define CHATROOM_SENT_HIGH_PRIORITY 1

// Flag of a sent message: the draw of `abandon_ratio` dropped it.
#define CHATROOM_SENT_ABANDONED 2

// Flag of a sent message: the server had it already, and this is the answer of then.
#define CHATROOM_SENT_DUPLICATE 4

// What every fallible call returns, and what `code` of a status is. The numbers are those of the wire and of HTTP; success,
// which the wire calls 200, is 0.
//
// Of a call of this library 500 is a defect of the library, whose handle is then of no more use; 503 says that too much is
// open at once, and nothing was taken on; 20000 that the client is closed, which is also what closing makes of open requests.
enum chatroom_result
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Success.
    CHATROOM_RESULT_OK = 0,
    // Protocol version not supported.
    CHATROOM_RESULT_VERSION_TOO_OLD = 201,
    // Banned (reserved).
    CHATROOM_RESULT_BANNED = 301,
    // Wrong account or token.
    CHATROOM_RESULT_WRONG_TOKEN = 302,
    // Address not allowed.
    CHATROOM_RESULT_ADDRESS_REFUSED = 315,
    // Forbidden.
    CHATROOM_RESULT_FORBIDDEN = 403,
    // Not found.
    CHATROOM_RESULT_NOT_FOUND = 404,
    // Parameter too long (not produced: 414).
    CHATROOM_RESULT_TOO_LONG = 405,
    // Nothing would change.
    CHATROOM_RESULT_NO_CHANGE = 406,
    // No answer in time.
    CHATROOM_RESULT_TIMEOUT = 408,
    // Verification failed or too large.
    CHATROOM_RESULT_VERIFY_FAILED = 413,
    // Bad parameter.
    CHATROOM_RESULT_BAD_PARAMETER = 414,
    // No server could be reached.
    CHATROOM_RESULT_NO_SERVER = 415,
    // Too frequent.
    CHATROOM_RESULT_TOO_FREQUENT = 416,
    // Already so.
    CHATROOM_RESULT_REPEATED = 417,
    // Channel unavailable (reserved).
    CHATROOM_RESULT_CHANNEL_UNAVAILABLE = 418,
    // Over a quantity limit.
    CHATROOM_RESULT_OVER_QUOTA = 419,
    // Account disabled.
    CHATROOM_RESULT_ACCOUNT_DISABLED = 422,
    // Account muted.
    CHATROOM_RESULT_ACCOUNT_MUTED = 423,
    // Duplicate request.
    CHATROOM_RESULT_DUPLICATE_REQUEST = 431,
    // Transient condition, try again.
    CHATROOM_RESULT_TRY_AGAIN = 449,
    // Refused by the application's callback.
    CHATROOM_RESULT_CALLBACK_REFUSED = 463,
    // Server error.
    CHATROOM_RESULT_SERVER_ERROR = 500,
    // Client restricted (reserved).
    CHATROOM_RESULT_CLIENT_RESTRICTED = 501,
    // Busy.
    CHATROOM_RESULT_BUSY = 503,
    // Token expired.
    CHATROOM_RESULT_TOKEN_EXPIRED = 508,
    // Invalid protocol.
    CHATROOM_RESULT_INVALID_PROTOCOL = 509,
    // Service unavailable.
    CHATROOM_RESULT_UNAVAILABLE = 514,
    // Cannot unpack.
    CHATROOM_RESULT_UNPACK_FAILED = 998,
    // Cannot pack.
    CHATROOM_RESULT_PACK_FAILED = 999,
    // Blocklisted by peer.
    CHATROOM_RESULT_PEER_BLOCKLISTED = 7101,
    // IM link abnormal (reserved).
    CHATROOM_RESULT_LINK_ABNORMAL = 13001,
    // Room closed.
    CHATROOM_RESULT_ROOM_CLOSED = 13002,
    // On the room's blocklist.
    CHATROOM_RESULT_BLOCKLISTED = 13003,
    // Muted in the room.
    CHATROOM_RESULT_MUTED = 13004,
    // Nick, avatar or ext refused by moderation.
    CHATROOM_RESULT_PROFILE_REFUSED = 13005,
    // The whole room is muted.
    CHATROOM_RESULT_ROOM_MUTED = 13006,
    // Client not initialised or destroyed.
    CHATROOM_RESULT_NOT_INITIALISED = 20000,
    // Not logged in.
    CHATROOM_RESULT_NOT_LOGGED_IN = 20001,
    // Already logged in.
    CHATROOM_RESULT_ALREADY_LOGGED_IN = 20002,
    // Cancelled by the caller.
    CHATROOM_RESULT_CANCELLED = 191002,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_result chatroom_result;
#else
typedef int32_t chatroom_result;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a notification means to the account that reads it. Open: a receiver ignores numbers it does not know.
enum chatroom_event_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // `account` came in.
    CHATROOM_EVENT_TYPE_MEMBER_ENTERED = 1,
    // `account` left.
    CHATROOM_EVENT_TYPE_MEMBER_EXITED = 2,
    // The profile of `account` changed: `profile` of the notification.
    CHATROOM_EVENT_TYPE_MEMBER_UPDATED = 3,
    // The own account is muted without end if `set` is 1, and may speak again if it is 0.
    CHATROOM_EVENT_TYPE_OWN_MUTE_CHANGED = 4,
    // The own account is muted for `seconds`, and may speak again if they are 0.
    CHATROOM_EVENT_TYPE_OWN_TEMP_MUTE_CHANGED = 5,
    // The own account has the role `member_type` and the rank `level`.
    CHATROOM_EVENT_TYPE_OWN_ROLE_CHANGED = 6,
    // Everybody with the tag `key` is muted for `seconds`, and may speak again if they are 0.
    CHATROOM_EVENT_TYPE_TAG_MUTE_CHANGED = 7,
    // The whole room is muted if `set` is 1, and may speak again if it is 0.
    CHATROOM_EVENT_TYPE_ROOM_MUTE_CHANGED = 8,
    // The room's profile changed: `room_update` of the notification.
    CHATROOM_EVENT_TYPE_ROOM_UPDATED = 9,
    // The room is closed; everybody is taken out next.
    CHATROOM_EVENT_TYPE_ROOM_CLOSED = 10,
    // The message with the id `key`, of `account`, sent at `time_ms`, is to vanish.
    CHATROOM_EVENT_TYPE_MESSAGE_RECALLED = 11,
    // The own account changed its tags on one of its connections: `tags` of the notification.
    CHATROOM_EVENT_TYPE_OWN_TAGS_UPDATED = 12,
    // The queue changed: `queue_event` and `elements` of the notification.
    CHATROOM_EVENT_TYPE_QUEUE_CHANGED = 13,
    // Attributes of the room changed: one of the notification's `attribute_changes`, at place `index`.
    CHATROOM_EVENT_TYPE_ATTRIBUTES_CHANGED = 14,
    // Attributes of the member `account` changed: one of the notification's `member_attributes`, at place `index`.
    CHATROOM_EVENT_TYPE_MEMBER_ATTRIBUTES_CHANGED = 15,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_event_type chatroom_event_type;
#else
typedef int32_t chatroom_event_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What the body of a frame is: the `kind` field of its header (wire.md §1, §3).
//
// Blocks of 256: 0x00xx session, 0x01xx room, 0x02xx member, 0x03xx message, 0x04xx queue, 0x05xx attributes, 0x06xx storage,
// 0x10xx and up beyond rooms. Pushes of a block start at 0x80 within it. A number, once released, is never reused.
enum chatroom_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // A push, a `Status`.
    CHATROOM_KIND_STATUS = 0,
    // Anything, which comes back.
    CHATROOM_KIND_PING = 1,
    // A `LoginRequest`, answered with a `LoginResponse`.
    CHATROOM_KIND_LOGIN = 2,
    // A `LogoutRequest`, answered with a `Status`.
    CHATROOM_KIND_LOGOUT = 3,
    // A `RenewTokenRequest`, answered with a `Status`.
    CHATROOM_KIND_RENEW_TOKEN = 4,
    // A `KickDevicesRequest`, answered with a `Status`.
    CHATROOM_KIND_KICK_DEVICES = 5,
    // A push, a `Kicked`.
    CHATROOM_KIND_KICKED = 128,
    // A push, a `TokenWillExpire`.
    CHATROOM_KIND_TOKEN_WILL_EXPIRE = 129,
    // A `RoomEnterRequest`, answered with a `RoomEnterResponse`.
    CHATROOM_KIND_ROOM_ENTER = 256,
    // A `RoomExitRequest`, answered with a `RoomExitResponse`.
    CHATROOM_KIND_ROOM_EXIT = 257,
    // A `RoomInfoRequest`, answered with a `RoomInfoResponse`.
    CHATROOM_KIND_ROOM_INFO = 258,
    // A `RoomUpdateRequest`, answered with a `RoomInfoResponse`.
    CHATROOM_KIND_ROOM_UPDATE = 259,
    // A `RoomCloseRequest`, answered with a `Status`.
    CHATROOM_KIND_ROOM_CLOSE = 260,
    // A `RoomMuteRequest`, answered with a `Status`.
    CHATROOM_KIND_ROOM_MUTE = 261,
    // A `RoomCreateRequest`, answered with a `RoomEnterResponse`.
    CHATROOM_KIND_ROOM_CREATE = 262,
    // A `RoomSwitchRequest`, answered with a `RoomEnterResponse`.
    CHATROOM_KIND_ROOM_SWITCH = 263,
    // A `RoomLeaveAllRequest`, answered with a `RoomLeaveAllResponse`.
    CHATROOM_KIND_ROOM_LEAVE_ALL = 264,
    // A push, a `RoomEpoch`.
    CHATROOM_KIND_ROOM_EPOCH = 384,
    // A `MemberListRequest`, answered with a `MemberListResponse`.
    CHATROOM_KIND_MEMBER_LIST = 512,
    // A `MemberLookupRequest`, answered with a `MemberListResponse`.
    CHATROOM_KIND_MEMBER_LOOKUP = 513,
    // A `MemberListByTagRequest`, answered with a `MemberListResponse`.
    CHATROOM_KIND_MEMBER_LIST_BY_TAG = 514,
    // A `MemberCountByTagRequest`, answered with a `MemberCountByTagResponse`.
    CHATROOM_KIND_MEMBER_COUNT_BY_TAG = 515,
    // A `MemberSetRoleRequest`, answered with a `MemberSetRoleResponse`.
    CHATROOM_KIND_MEMBER_SET_ROLE = 516,
    // A `MemberKickRequest`, answered with a `Status`.
    CHATROOM_KIND_MEMBER_KICK = 517,
    // A `MemberTempMuteRequest`, answered with a `MemberTempMuteResponse`.
    CHATROOM_KIND_MEMBER_TEMP_MUTE = 518,
    // A `MemberTagTempMuteRequest`, answered with a `MemberTempMuteResponse`.
    CHATROOM_KIND_MEMBER_TAG_TEMP_MUTE = 519,
    // A `MemberUpdateSelfRequest`, answered with a `Status`.
    CHATROOM_KIND_MEMBER_UPDATE_SELF = 520,
    // A `MemberUpdateTagsRequest`, answered with a `Status`.
    CHATROOM_KIND_MEMBER_UPDATE_TAGS = 521,
    // A `MemberUpdateLocationRequest`, answered with a `Status`.
    CHATROOM_KIND_MEMBER_UPDATE_LOCATION = 522,
    // A `MessageSendRequest`, answered with a `MessageSendResponse`.
    CHATROOM_KIND_MESSAGE_SEND = 768,
    // A `MessageHistoryRequest`, answered with a `MessageHistoryResponse`.
    CHATROOM_KIND_MESSAGE_HISTORY = 769,
    // A `MessageHistoryByTagsRequest`, answered with a `MessageHistoryResponse`.
    CHATROOM_KIND_MESSAGE_HISTORY_BY_TAGS = 770,
    // A `MessageRecallRequest`, answered with a `Status`.
    CHATROOM_KIND_MESSAGE_RECALL = 771,
    // A push, a `Message`.
    CHATROOM_KIND_MESSAGE = 896,
    // A push, a `Notification`.
    CHATROOM_KIND_NOTIFICATION = 897,
    // A push, a `Gap`.
    CHATROOM_KIND_GAP = 898,
    // A `QueueInitRequest`, answered with a `Status`.
    CHATROOM_KIND_QUEUE_INIT = 1024,
    // A `QueueOfferRequest`, answered with a `QueueOfferResponse`.
    CHATROOM_KIND_QUEUE_OFFER = 1025,
    // A `QueueBatchOfferRequest`, answered with a `QueueBatchResponse`.
    CHATROOM_KIND_QUEUE_BATCH_OFFER = 1026,
    // A `QueuePollRequest`, answered with a `QueueElementResponse`.
    CHATROOM_KIND_QUEUE_POLL = 1027,
    // A `QueueListRequest`, answered with a `QueueListResponse`.
    CHATROOM_KIND_QUEUE_LIST = 1028,
    // A `QueuePeekRequest`, answered with a `QueueElementResponse`.
    CHATROOM_KIND_QUEUE_PEEK = 1029,
    // A `QueueMultiGetRequest`, answered with a `QueueListResponse`.
    CHATROOM_KIND_QUEUE_MULTI_GET = 1030,
    // A `QueueChangeRequest`, answered with a `QueueBatchResponse`.
    CHATROOM_KIND_QUEUE_CHANGE = 1031,
    // A `QueueDropRequest`, answered with a `QueueDropResponse`.
    CHATROOM_KIND_QUEUE_DROP = 1032,
    // A `AttributesSetRequest`, answered with a `AttributesChangeResponse`.
    CHATROOM_KIND_ATTRIBUTES_SET = 1280,
    // A `AttributesDeleteRequest`, answered with a `AttributesChangeResponse`.
    CHATROOM_KIND_ATTRIBUTES_DELETE = 1281,
    // A `AttributesBatchRequest`, answered with a `AttributesChangeResponse`.
    CHATROOM_KIND_ATTRIBUTES_BATCH = 1282,
    // A `AttributesListRequest`, answered with a `AttributesListResponse`.
    CHATROOM_KIND_ATTRIBUTES_LIST = 1283,
    // A `MemberAttributesSetRequest`, answered with a `MemberAttributesSetResponse`.
    CHATROOM_KIND_MEMBER_ATTRIBUTES_SET = 1284,
    // A `MemberAttributesLookupRequest`, answered with a `MemberAttributesListResponse`.
    CHATROOM_KIND_MEMBER_ATTRIBUTES_LOOKUP = 1285,
    // A `MemberAttributesListRequest`, answered with a `MemberAttributesListResponse`.
    CHATROOM_KIND_MEMBER_ATTRIBUTES_LIST = 1286,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_kind chatroom_kind;
#else
typedef int32_t chatroom_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What happened to attributes of a room.
enum chatroom_attributes_action
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // They were set.
    CHATROOM_ATTRIBUTES_ACTION_SET = 0,
    // They were deleted; they are told with their last values.
    CHATROOM_ATTRIBUTES_ACTION_DELETE = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_attributes_action chatroom_attributes_action;
#else
typedef int32_t chatroom_attributes_action;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a member is in a room.
enum chatroom_member_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // An ordinary member.
    CHATROOM_MEMBER_TYPE_COMMON = 0,
    // The room's creator.
    CHATROOM_MEMBER_TYPE_CREATOR = 1,
    // An administrator.
    CHATROOM_MEMBER_TYPE_ADMINISTRATOR = 2,
    // A visitor: gone when it leaves.
    CHATROOM_MEMBER_TYPE_VISITOR = 3,
    // An anonymous visitor.
    CHATROOM_MEMBER_TYPE_ANONYMOUS = 4,
    // A member without a connection.
    CHATROOM_MEMBER_TYPE_VIRTUAL = 5,
    // Muted or on the blocklist.
    CHATROOM_MEMBER_TYPE_LIMITED = -1,
    // Nothing yet.
    CHATROOM_MEMBER_TYPE_UNSET = -2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_member_type chatroom_member_type;
#else
typedef int32_t chatroom_member_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Which members a list names.
enum chatroom_member_query
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Members with a role, present or not.
    CHATROOM_MEMBER_QUERY_FIXED = 0,
    // Visitors, the newest first.
    CHATROOM_MEMBER_QUERY_VISITORS_NEWEST = 1,
    // Members with a role who are present.
    CHATROOM_MEMBER_QUERY_FIXED_ONLINE = 2,
    // Visitors, the oldest first.
    CHATROOM_MEMBER_QUERY_VISITORS_OLDEST = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_member_query chatroom_member_query;
#else
typedef int32_t chatroom_member_query;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a request to change a role sets or unsets.
enum chatroom_role_change
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Unknown to this version.
    CHATROOM_ROLE_CHANGE_UNSPECIFIED = 0,
    // Administrator.
    CHATROOM_ROLE_CHANGE_ADMINISTRATOR = 1,
    // Ordinary member.
    CHATROOM_ROLE_CHANGE_COMMON = 2,
    // The room's blocklist.
    CHATROOM_ROLE_CHANGE_BLOCKLIST = 3,
    // A mute without end.
    CHATROOM_ROLE_CHANGE_MUTE = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_role_change chatroom_role_change;
#else
typedef int32_t chatroom_role_change;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a message is. Open: a receiver ignores numbers it does not know (chatroom.md §a.6).
enum chatroom_message_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // `body` is the text.
    CHATROOM_MESSAGE_TYPE_TEXT = 0,
    // `attach` describes an image.
    CHATROOM_MESSAGE_TYPE_IMAGE = 1,
    // `attach` describes a recording.
    CHATROOM_MESSAGE_TYPE_AUDIO = 2,
    // `attach` describes a video.
    CHATROOM_MESSAGE_TYPE_VIDEO = 3,
    // `attach` describes a place.
    CHATROOM_MESSAGE_TYPE_GEO = 4,
    // Reserved for the server.
    CHATROOM_MESSAGE_TYPE_NOTIFICATION = 5,
    // `attach` describes a file.
    CHATROOM_MESSAGE_TYPE_FILE = 6,
    // `body` is a line of information.
    CHATROOM_MESSAGE_TYPE_TIP = 10,
    // To or from a robot.
    CHATROOM_MESSAGE_TYPE_ROBOT = 11,
    // Shown and forgotten.
    CHATROOM_MESSAGE_TYPE_BARRAGE = 20,
    // `attach` is the application's own.
    CHATROOM_MESSAGE_TYPE_CUSTOM = 100,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_message_type chatroom_message_type;
#else
typedef int32_t chatroom_message_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a notification tells, by the ids of chatroom.md §g, and from 401 on what has no number there. Open: a receiver ignores
// numbers it does not know.
enum chatroom_notification_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Unknown to this version.
    CHATROOM_NOTIFICATION_TYPE_UNSPECIFIED = 0,
    // An account came in.
    CHATROOM_NOTIFICATION_TYPE_MEMBER_ENTER = 301,
    // An account left.
    CHATROOM_NOTIFICATION_TYPE_MEMBER_EXIT = 302,
    // Put on the blocklist.
    CHATROOM_NOTIFICATION_TYPE_BLOCKLIST_ADD = 303,
    // Taken off the blocklist.
    CHATROOM_NOTIFICATION_TYPE_BLOCKLIST_REMOVE = 304,
    // Muted.
    CHATROOM_NOTIFICATION_TYPE_MUTE_ADD = 305,
    // Muted no more.
    CHATROOM_NOTIFICATION_TYPE_MUTE_REMOVE = 306,
    // Made an administrator.
    CHATROOM_NOTIFICATION_TYPE_ADMINISTRATOR_ADD = 307,
    // Administrator no more.
    CHATROOM_NOTIFICATION_TYPE_ADMINISTRATOR_REMOVE = 308,
    // Made an ordinary member.
    CHATROOM_NOTIFICATION_TYPE_COMMON_ADD = 309,
    // Ordinary member no more.
    CHATROOM_NOTIFICATION_TYPE_COMMON_REMOVE = 310,
    // The room is closed.
    CHATROOM_NOTIFICATION_TYPE_ROOM_CLOSED = 311,
    // The room's profile changed.
    CHATROOM_NOTIFICATION_TYPE_ROOM_UPDATED = 312,
    // Taken out of the room.
    CHATROOM_NOTIFICATION_TYPE_MEMBER_KICKED = 313,
    // Muted for `mute_seconds`.
    CHATROOM_NOTIFICATION_TYPE_TEMP_MUTE_ADD = 314,
    // The temporary mute is over.
    CHATROOM_NOTIFICATION_TYPE_TEMP_MUTE_REMOVE = 315,
    // A member changed its profile.
    CHATROOM_NOTIFICATION_TYPE_MEMBER_UPDATED = 316,
    // The queue changed.
    CHATROOM_NOTIFICATION_TYPE_QUEUE_CHANGED = 317,
    // The whole room is muted.
    CHATROOM_NOTIFICATION_TYPE_ROOM_MUTED = 318,
    // The whole room may speak again.
    CHATROOM_NOTIFICATION_TYPE_ROOM_UNMUTED = 319,
    // Several elements of the queue changed or went.
    CHATROOM_NOTIFICATION_TYPE_QUEUE_BATCH_CHANGED = 320,
    // Everybody with `target_tag` is muted for `mute_seconds`.
    CHATROOM_NOTIFICATION_TYPE_TAG_TEMP_MUTE_ADD = 321,
    // That is over.
    CHATROOM_NOTIFICATION_TYPE_TAG_TEMP_MUTE_REMOVE = 322,
    // A message was recalled.
    CHATROOM_NOTIFICATION_TYPE_MESSAGE_RECALLED = 323,
    // Several elements joined the queue.
    CHATROOM_NOTIFICATION_TYPE_QUEUE_BATCH_OFFERED = 324,
    // A member changed its tags.
    CHATROOM_NOTIFICATION_TYPE_TAGS_UPDATED = 325,
    // Attributes of the room changed.
    CHATROOM_NOTIFICATION_TYPE_ATTRIBUTES_CHANGED = 401,
    // Attributes of the room changed in several steps.
    CHATROOM_NOTIFICATION_TYPE_ATTRIBUTES_BATCH_CHANGED = 402,
    // Attributes of members changed.
    CHATROOM_NOTIFICATION_TYPE_MEMBER_ATTRIBUTES_CHANGED = 403,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_notification_type chatroom_notification_type;
#else
typedef int32_t chatroom_notification_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What happened to a queue.
enum chatroom_queue_event
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Unknown to this version.
    CHATROOM_QUEUE_EVENT_UNSPECIFIED = 0,
    // Elements were added or changed.
    CHATROOM_QUEUE_EVENT_OFFER = 1,
    // Elements were taken out.
    CHATROOM_QUEUE_EVENT_POLL = 2,
    // The queue was emptied.
    CHATROOM_QUEUE_EVENT_DROP = 3,
    // Elements went with their owner.
    CHATROOM_QUEUE_EVENT_PART_CLEAR = 4,
    // Several elements were changed.
    CHATROOM_QUEUE_EVENT_BATCH_UPDATE = 5,
    // Several elements were added.
    CHATROOM_QUEUE_EVENT_BATCH_OFFER = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_queue_event chatroom_queue_event;
#else
typedef int32_t chatroom_queue_event;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What kind of token a login carries.
enum chatroom_auth_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The account's stored token.
    CHATROOM_AUTH_TYPE_STATIC = 0,
    // A signed token with an expiry.
    CHATROOM_AUTH_TYPE_DYNAMIC = 1,
    // Whatever the app's callback understands.
    CHATROOM_AUTH_TYPE_CALLBACK = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_auth_type chatroom_auth_type;
#else
typedef int32_t chatroom_auth_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Why the server took a client out.
enum chatroom_kick_reason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Its own logout.
    CHATROOM_KICK_REASON_SELF_EXIT = 0,
    // The room is closed.
    CHATROOM_KICK_REASON_ROOM_CLOSED = 1,
    // An administrator did.
    CHATROOM_KICK_REASON_MANAGER_KICK = 2,
    // The account logged in elsewhere.
    CHATROOM_KICK_REASON_SAME_PLATFORM = 3,
    // A reset inside the server; the client comes back by itself.
    CHATROOM_KICK_REASON_SILENT = 4,
    // Put on the room's blocklist.
    CHATROOM_KICK_REASON_BLOCKLISTED = 5,
    // The account was disabled.
    CHATROOM_KICK_REASON_ACCOUNT_BLOCKED = 6,
    // The token expired: log in with a new one.
    CHATROOM_KICK_REASON_TOKEN_EXPIRED = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_kick_reason chatroom_kick_reason;
#else
typedef int32_t chatroom_kick_reason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Where a client stands. The numbers are those of the table's second column.
enum chatroom_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Never connected.
    CHATROOM_STATE_DISCONNECTED = 0,
    // Waiting before it tries again.
    CHATROOM_STATE_WAITING = 1,
    // Bringing the transport up.
    CHATROOM_STATE_CONNECTING = 2,
    // The transport is up.
    CHATROOM_STATE_CONNECTED = 3,
    // The login is sent.
    CHATROOM_STATE_ENTERING = 4,
    // Logged in, and in the room if one was asked for.
    CHATROOM_STATE_ENTERED = 5,
    // Over until the host connects again.
    CHATROOM_STATE_EXITED = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_state chatroom_state;
#else
typedef int32_t chatroom_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How much a line of the log matters.
enum chatroom_log_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // The client gives up.
    CHATROOM_LOG_LEVEL_ERROR = 1,
    // Something failed, and is tried again.
    CHATROOM_LOG_LEVEL_WARN = 2,
    // The client goes from one state to another.
    CHATROOM_LOG_LEVEL_INFO = 3,
    // Each address, each step.
    CHATROOM_LOG_LEVEL_DEBUG = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_log_level chatroom_log_level;
#else
typedef int32_t chatroom_log_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Where a room stands for this client.
enum chatroom_room_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Out of it.
    CHATROOM_ROOM_STATE_DISCONNECTED = 0,
    // On the way back into it, after a lost connection.
    CHATROOM_ROOM_STATE_CONNECTING = 1,
    // In it.
    CHATROOM_ROOM_STATE_CONNECTED = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_room_state chatroom_room_state;
#else
typedef int32_t chatroom_room_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Why it stands there.
enum chatroom_room_cause
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // Left, or back after a lost connection.
    CHATROOM_ROOM_CAUSE_SUCCESS = 0,
    // The connection is lost, and will be tried again.
    CHATROOM_ROOM_CAUSE_NET_INTERRUPTED = 1,
    // The connection is over.
    CHATROOM_ROOM_CAUSE_NET_DISCONNECTED = 2,
    // There is no such room, or no longer.
    CHATROOM_ROOM_CAUSE_ROOM_NOT_EXIST = 3,
    // Made by this client.
    CHATROOM_ROOM_CAUSE_ACTIVE_CREATE = 4,
    // It could not be made.
    CHATROOM_ROOM_CAUSE_CREATE_FAILED = 5,
    // Entered by a request.
    CHATROOM_ROOM_CAUSE_ACTIVE_ENTER = 6,
    // It could not be entered.
    CHATROOM_ROOM_CAUSE_ENTER_FAILED = 7,
    // Taken out.
    CHATROOM_ROOM_CAUSE_KICKED_OUT = 8,
    // No answer came in time.
    CHATROOM_ROOM_CAUSE_CONNECT_TIMEOUT = 9,
    // The account came in from another device.
    CHATROOM_ROOM_CAUSE_KICKED_OUT_BY_OTHER_DEVICE = 10,
    // Left for another room, or entered from another one.
    CHATROOM_ROOM_CAUSE_ACTIVE_SWITCH = 11,
    // It could not be switched to.
    CHATROOM_ROOM_CAUSE_SWITCH_FAILED = 12,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum chatroom_room_cause chatroom_room_cause;
#else
typedef int32_t chatroom_room_cause;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A client: one login, one connection, restored when lost.
//
// Threads:   any thread, any time; chatroom_client_free must be the last call.
// Callbacks: one at a time, in order, on the client's own thread.
// Ends with: chatroom_client_free.
typedef struct chatroom_client_t chatroom_client_t;

// Cuts a stream of bytes into frames, and checks each one. Does no I/O.
//
// Threads:   one at a time.
// Ends with: chatroom_codec_free.
typedef struct chatroom_codec_t chatroom_codec_t;

// A frame: a header and a body. Counted, and never changed.
//
// Threads:   any, also several at once.
// Ends with: chatroom_frame_unref, once for the call that made it and once for each chatroom_frame_ref.
typedef struct chatroom_frame_t chatroom_frame_t;

// Bytes lent to a callback: valid until it returns, unless what they belong to says otherwise. Not NUL-terminated. `data` is
// NULL when there is nothing, and where "nothing" and "empty" differ, `data` tells them apart.
typedef struct chatroom_bytes_t {
    // The first byte.
    const uint8_t *data;
    // How many there are.
    size_t len;
} chatroom_bytes_t;

// Where a connection stands, and how far it hears. Set `struct_size` to its size and the rest to 0 before filling it in.
typedef struct chatroom_location_t {
    // `sizeof(chatroom_location_t)`.
    size_t struct_size;
    // `CHATROOM_LOCATION_*` bits.
    uint32_t flags;
    // True: only what is spoken within `distance` is heard; false: everything.
    uint32_t enabled;
    // Where.
    double x;
    // See `x`.
    double y;
    // See `x`.
    double z;
    // How far.
    double distance;
} chatroom_location_t;

// A room to enter, and as whom. Set `struct_size` to its size and the rest to 0 before filling it in.
typedef struct chatroom_enter_t {
    // `sizeof(chatroom_enter_t)`.
    size_t struct_size;
    // The room.
    int64_t room_id;
    // The nick to carry there, at most 64 char; required when anonymous.
    const char *nick;
    // The address of an avatar, at most 1024 char.
    const char *avatar;
    // The application's own, at most 4096 char.
    const char *ext;
    // What the others' notification carries, at most 2048 char.
    const char *enter_ext;
    // At most 10 of 1-32 char.
    const char *const *tags;
    // How many tags there are.
    size_t tag_count;
    // Who hears of the coming and going: a tag expression; absent: the rule of the room; empty: everybody.
    const char *notify_target_tags;
    // The name of a room made by a client, in place of room_id.
    const char *alias;
    // Where to stand and how far to hear.
    const struct chatroom_location_t *location;
    // What the nick, the avatar and `ext` are moderated by: JSON.
    const char *moderation_id;
    // With `position_seq`, the last place in the room's order that was seen, as an earlier client left it: what was missed
    // since is delivered. 0: none.
    uint64_t position_epoch;
    // See `position_epoch`.
    uint64_t position_seq;
} chatroom_enter_t;

// Gives `user_data` back: called once, after the last use. May be NULL.
//
// It runs on the client's callback thread, or, when the call it was given to fails, on the calling thread before that call
// returns.
typedef void (*chatroom_destructor_fn)(void *user_data);

// An accepted login. Lent: valid until the callback returns.
typedef struct chatroom_login_t {
    // The one asked for, or the one the server gave an anonymous login.
    struct chatroom_bytes_t account;
    // The server's name for the connection.
    struct chatroom_bytes_t connection_id;
    // The server's clock, in milliseconds since 1970.
    int64_t server_time_ms;
    // True: a lost connection was taken over, and nobody saw it go; its connection_id is the old one.
    uint32_t resumed;
    // Always 0.
    uint32_t reserved;
} chatroom_login_t;

// What a room says of itself. Lent: valid until the callback returns.
typedef struct chatroom_room_t {
    // The room.
    int64_t room_id;
    // Accounts that are present; not connections.
    uint64_t online_count;
    // Milliseconds since 1970.
    int64_t create_time_ms;
    // Milliseconds since 1970.
    int64_t update_time_ms;
    // The account that made it.
    struct chatroom_bytes_t creator;
    // Its name, 1-128 char.
    struct chatroom_bytes_t name;
    // Absent if it was never set; at most 4096 char.
    struct chatroom_bytes_t announcement;
    // The address of its live stream, at most 1024 char.
    struct chatroom_bytes_t broadcast_url;
    // The application's own, at most 4096 char.
    struct chatroom_bytes_t ext;
    // Who changes the queue: 0 everybody, 1 its creator and administrators.
    uint32_t queue_level;
    // Elements the queue may have.
    uint32_t queue_size_limit;
    // False: closed.
    uint32_t valid;
    // True: only its creator and administrators may speak.
    uint32_t muted;
    // True: members hear who comes and goes.
    uint32_t in_out_notification;
    // Of a room made by a client: seconds from the last leave to its end.
    uint32_t destroy_delay_seconds;
    // Of a room made by a client: the name its maker gave it.
    struct chatroom_bytes_t alias;
    // What its content is moderated by (`bid`): JSON.
    struct chatroom_bytes_t moderation_id;
    // When it closes by itself: 0 never, 1 after a fixed time, 2 after being empty that long.
    uint32_t delay_close_policy;
    // After how many seconds.
    uint32_t delay_close_seconds;
    // Since when that counts, in milliseconds since 1970.
    int64_t delay_close_start_ms;
} chatroom_room_t;

// A connection of a member. Lent: valid until the callback returns.
typedef struct chatroom_connection_t {
    // The server's name for it.
    struct chatroom_bytes_t connection_id;
    // The nick it carries.
    struct chatroom_bytes_t nick;
    // The address of its avatar.
    struct chatroom_bytes_t avatar;
    // When it came in, in milliseconds since 1970.
    int64_t enter_time_ms;
    // What it runs on.
    uint32_t client_type;
    // Always 0.
    uint32_t reserved;
} chatroom_connection_t;

// A member of a room. Lent: valid until the callback returns.
typedef struct chatroom_member_t {
    // The account.
    struct chatroom_bytes_t account;
    // Its nick in the room.
    struct chatroom_bytes_t nick;
    // The address of its avatar.
    struct chatroom_bytes_t avatar;
    // The application's own.
    struct chatroom_bytes_t ext;
    // Its tags.
    const struct chatroom_bytes_t *tags;
    // How many tags there are.
    size_t tag_count;
    // When it came in, in milliseconds since 1970.
    int64_t enter_time_ms;
    // When it last changed.
    int64_t update_time_ms;
    // A `chatroom_member_type`, or a number this library does not know.
    int32_t type;
    // The application's own rank.
    uint32_t level;
    // True: present.
    uint32_t online;
    // True: on the room's blocklist.
    uint32_t blocklisted;
    // True: muted without end.
    uint32_t muted;
    // What remains of a temporary mute; absent: none.
    uint32_t temp_mute_seconds;
    // True: a robot, which has no connection.
    uint32_t robot;
    // What remains of a robot's time.
    uint32_t robot_expire_seconds;
    // Who hears its coming and going: a tag expression.
    struct chatroom_bytes_t notify_target_tags;
    // Its connections, in an array of pointers, none of them NULL.
    const struct chatroom_connection_t *const *connections;
    // How many connections there are.
    size_t connection_count;
} chatroom_member_t;

// An attribute of a room or of a member. Lent: valid until the callback returns.
typedef struct chatroom_attribute_t {
    // Its name, 1-16 B; of a member 1-8 B.
    struct chatroom_bytes_t key;
    // What it says, at most 1024 B; of a member 64 B.
    struct chatroom_bytes_t value;
    // Of a room: whose it is, who may change it without force; of a member: who set it last.
    struct chatroom_bytes_t owner;
    // True: it goes when its owner, or the member it belongs to, has left.
    uint32_t delete_after_owner_left;
    // Always 0.
    uint32_t reserved;
} chatroom_attribute_t;

// Being in a room. Lent: valid until the callback returns.
typedef struct chatroom_entered_t {
    // The room; never NULL.
    const struct chatroom_room_t *room;
    // Oneself in it; never NULL.
    const struct chatroom_member_t *member;
    // The server's name for this connection, as lists of members show it.
    struct chatroom_bytes_t connection_id;
    // With `last_seq`, names the place in the room's order from which deliveries follow.
    uint64_t epoch;
    // See `epoch`.
    uint64_t last_seq;
    // True: a lost connection was taken over, and nobody saw it go.
    uint32_t resumed;
    // True: items are missing, and the history has them.
    uint32_t gap;
    // Missed items that follow.
    uint32_t replayed;
    // True: the request made the room.
    uint32_t created;
    // The room's attributes, in an array of pointers, none of them NULL.
    const struct chatroom_attribute_t *const *attributes;
    // How many attributes there are.
    size_t attribute_count;
    // With `gap`: the first and the last place among which items are missing; 0 where that is not known.
    uint64_t gap_first;
    // See `gap_first`.
    uint64_t gap_last;
} chatroom_entered_t;

// What a request came to. Lent: valid until the callback returns.
typedef struct chatroom_status_t {
    // A `chatroom_result`: 0 is success. Of a message that the application's callback refused it may be a number of that
    // callback's own, 20000 to 20099.
    int32_t code;
    // Refines the code; 0 for none.
    int32_t sub;
    // With code 416: how long to wait before trying again, in milliseconds.
    uint32_t retry_after_ms;
    // 1 if the same request, made again, may succeed without anybody changing anything.
    uint32_t retryable;
    // For people: what happened and what to do next.
    struct chatroom_bytes_t desc;
} chatroom_status_t;

// A message. Lent: valid until the callback returns, or, after chatroom_message_ref, until its chatroom_message_unref. Never
// copy the struct: it grows at its end.
//
// Threads: any, also several at once.
typedef struct chatroom_message_t {
    // The room.
    int64_t room_id;
    // The place in the room's order; grows strictly.
    uint64_t seq;
    // With `seq`, names the place for good.
    uint64_t epoch;
    // Milliseconds since 1970, by the server's clock; never decreases with `seq`.
    int64_t time_ms;
    // 1-64 char, chosen by the sender.
    struct chatroom_bytes_t message_id;
    // The account that sent it.
    struct chatroom_bytes_t from;
    // The sender's nick.
    struct chatroom_bytes_t from_nick;
    // The address of the sender's avatar.
    struct chatroom_bytes_t from_avatar;
    // The sender's `ext`.
    struct chatroom_bytes_t from_ext;
    // Text of types 0 and 10, at most 4096 char.
    struct chatroom_bytes_t body;
    // JSON of the other types, at most 4096 char.
    struct chatroom_bytes_t attach;
    // The application's own, at most 4096 char.
    struct chatroom_bytes_t ext;
    // Who among the members hears it: a tag expression; empty: everybody.
    struct chatroom_bytes_t notify_target_tags;
    // A `chatroom_message_type`, or a number this library does not know.
    int32_t type;
    // The application's own refinement of the type.
    uint32_t sub_type;
    // What the sender's client runs on.
    uint32_t from_client_type;
    // `CHATROOM_MESSAGE_*` bits.
    uint32_t flags;
    // Where it is spoken, with the flag `AT`.
    double x;
    // See `x`.
    double y;
    // See `x`.
    double z;
} chatroom_message_t;

// What changed in a room's profile; NULL, or the number -1, is for what stayed. Lent: valid until the callback returns.
typedef struct chatroom_room_update_t {
    // Its name, 1-128 char.
    struct chatroom_bytes_t name;
    // Its announcement, at most 4096 char.
    struct chatroom_bytes_t announcement;
    // The address of its live stream, at most 1024 char.
    struct chatroom_bytes_t broadcast_url;
    // The application's own, at most 4096 char.
    struct chatroom_bytes_t ext;
    // Who changes the queue: 0 everybody, 1 its creator and administrators.
    int32_t queue_level;
    // True: members hear who comes and goes; changed over HTTP only.
    int32_t in_out_notification;
} chatroom_room_update_t;

// What changed in a member's profile; `data` is NULL for what stayed. Lent: valid until the callback returns.
typedef struct chatroom_profile_t {
    // Its nick.
    struct chatroom_bytes_t nick;
    // The address of its avatar.
    struct chatroom_bytes_t avatar;
    // The application's own.
    struct chatroom_bytes_t ext;
} chatroom_profile_t;

// An element of a room's queue. Lent: valid until the callback returns.
typedef struct chatroom_element_t {
    // Its name within the queue, 1-128 B.
    struct chatroom_bytes_t key;
    // What it says: UTF-8, at most 4096 B.
    struct chatroom_bytes_t value;
    // Whose it is: an account; to put in: absent is oneself.
    struct chatroom_bytes_t owner;
    // True: it goes when its owner's last connection has left.
    uint32_t transient;
    // Always 0.
    uint32_t reserved;
} chatroom_element_t;

// What happened to attributes of a room. Lent: valid until the callback returns.
typedef struct chatroom_attributes_change_t {
    // A `chatroom_attributes_action`, or a number this library does not know.
    int32_t action;
    // Always 0.
    uint32_t reserved;
    // Those that changed; of a deletion with their last values, in an array of pointers, none of them NULL.
    const struct chatroom_attribute_t *const *attributes;
    // How many attributes there are.
    size_t attribute_count;
} chatroom_attributes_change_t;

// The attributes of a member. Lent: valid until the callback returns.
typedef struct chatroom_member_attributes_t {
    // The member's account.
    struct chatroom_bytes_t account;
    // Its attributes; in a notification of a deletion the value is empty, in an array of pointers, none of them NULL.
    const struct chatroom_attribute_t *const *attributes;
    // How many attributes there are.
    size_t attribute_count;
    // Keys that stayed as they were, because others have set them.
    const struct chatroom_bytes_t *error_keys;
    // How many keys there are.
    size_t error_key_count;
} chatroom_member_attributes_t;

// Something that happened in a room. What a type has no use for is 0 or NULL. Lent: valid until the callback returns.
typedef struct chatroom_notification_t {
    // The room.
    int64_t room_id;
    // The place in the room's order.
    uint64_t seq;
    // With `seq`, names the place for good.
    uint64_t epoch;
    // Milliseconds since 1970, by the server's clock.
    int64_t time_ms;
    // A `chatroom_notification_type`, or a number this library does not know.
    int32_t type;
    // How long a temporary mute is: 314, 315, 321, 322.
    uint32_t mute_seconds;
    // Who did it.
    struct chatroom_bytes_t operator_account;
    // The nick of the one who did it.
    struct chatroom_bytes_t operator_nick;
    // What the one who did it had to add: notify_ext of the command.
    struct chatroom_bytes_t ext;
    // The accounts it was done to.
    const struct chatroom_bytes_t *targets;
    // How many targets there are.
    size_t target_count;
    // The nicks of those accounts.
    const struct chatroom_bytes_t *target_nicks;
    // How many nicks there are.
    size_t target_nick_count;
    // The tag that a temporary mute is for: 321, 322.
    struct chatroom_bytes_t target_tag;
    // The new tags of the operator.
    const struct chatroom_bytes_t *tags;
    // How many tags there are.
    size_t tag_count;
    // The room's new profile: the fields that changed; NULL without.
    const struct chatroom_room_update_t *room_update;
    // A member's new profile; NULL without.
    const struct chatroom_profile_t *profile;
    // The elements of the queue that it is about, in an array of pointers, none of them NULL.
    const struct chatroom_element_t *const *elements;
    // How many elements there are.
    size_t element_count;
    // The message that was recalled.
    struct chatroom_bytes_t recalled_message_id;
    // Who had sent it.
    struct chatroom_bytes_t recalled_from;
    // When it was sent.
    int64_t recalled_time_ms;
    // A `chatroom_queue_event`: what happened, or a number this library does not know.
    int32_t queue_event;
    // The new role, or that of the one who came in: a `chatroom_member_type`, or a number this library does not know.
    int32_t member_type;
    // The new rank, of ordinary members.
    uint32_t level;
    // True: the one who came in is muted.
    uint32_t muted;
    // What remains of a temporary mute of the one who came in; absent: none.
    uint32_t temp_mute_seconds;
    // What the one who came in has it run on.
    uint32_t client_type;
    // The address of the avatar of the one who came in.
    struct chatroom_bytes_t avatar;
    // Who hears of this: a tag expression; empty: everybody.
    struct chatroom_bytes_t notify_target_tags;
    // Who hears what the connection says that has these tags: a tag expression.
    struct chatroom_bytes_t tags_notify_target_tags;
    // The steps, one after the other, in an array of pointers, none of them NULL.
    const struct chatroom_attributes_change_t *const *attribute_changes;
    // How many changes there are.
    size_t attribute_change_count;
    // The members whose attributes changed, with what changed, in an array of pointers, none of them NULL.
    const struct chatroom_member_attributes_t *const *member_attributes;
    // How many attributes there are.
    size_t member_attributes_count;
} chatroom_notification_t;

// Being taken out. Lent: valid until the callback returns.
typedef struct chatroom_kicked_t {
    // The room; absent: the whole connection ends.
    int64_t room_id;
    // For people.
    struct chatroom_bytes_t message;
    // What the one who did it had to add.
    struct chatroom_bytes_t ext;
    // A `chatroom_kick_reason`, or a number this library does not know.
    int32_t reason;
    // True: the client comes back by itself.
    uint32_t may_reconnect;
    // When, in milliseconds from now.
    uint32_t retry_after_ms;
    // Always 0.
    uint32_t reserved;
} chatroom_kicked_t;

// One thing that follows from a notification for this account. Lent: valid until the callback returns. What a type has no use
// for is 0 or NULL.
typedef struct chatroom_event_t {
    // The notification it follows from; never NULL. It has everything else.
    const struct chatroom_notification_t *notification;
    // A `chatroom_event_type`, or a number this library does not know.
    int32_t type;
    // 1 or 0: muted or not.
    uint32_t set;
    // How long a mute is; 0: it is over.
    uint32_t seconds;
    // The own new role: a `chatroom_member_type`.
    int32_t member_type;
    // The own new rank.
    uint32_t level;
    // The place among the notification's `attribute_changes` or `member_attributes`.
    uint32_t index;
    // The account it is about.
    struct chatroom_bytes_t account;
    // The tag, or the message's id.
    struct chatroom_bytes_t key;
    // When the message was sent, in milliseconds since 1970.
    int64_t time_ms;
} chatroom_event_t;

// A room made by a client stands elsewhere than before. Lent: valid until the callback returns.
typedef struct chatroom_room_change_t {
    // The room; 0 if it never came to one.
    int64_t room_id;
    // The name its maker gave it.
    struct chatroom_bytes_t alias;
    // A `chatroom_room_state`.
    int32_t state;
    // A `chatroom_room_cause`.
    int32_t cause;
} chatroom_room_change_t;

// How a client connects, who it is, and who hears of it. Set `struct_size` to its size and the rest to 0 before filling it in:
// 0 in any field means its default.
//
// Texts are UTF-8 and NUL-terminated; they are copied before the call returns. Fields may be added at the end; none is ever
// moved or used for something else.
//
// Each callback gets `user_data` first. They are called one at a time, in order, on the client's callback thread, or within
// chatroom_client_dispatch if `host_pumped` is set; never on a thread that does the client's work. What they are lent is valid
// until they return. They must return: no longjmp, no exception. Any of them may be NULL.
typedef struct chatroom_options_t {
    // `sizeof(chatroom_options_t)`. Whatever it says, the fields up to `destructor` must be there.
    size_t struct_size;
    // Server address: `host:port`, or `tls://host:port` if the server speaks TLS. Several are separated by commas and tried in
    // parallel. Must be set.
    const char *addresses;
    // The app. Must be set.
    const char *app_key;
    // The account; NULL only for an anonymous login.
    const char *account;
    // What proves it.
    const char *token;
    // What the app's callback is told at login.
    const char *login_ext;
    // The login's label.
    const char *custom_tag;
    // Names this device for good; by default one is made up for the life of the client.
    const char *device_id;
    // The room to enter with each login, or NULL.
    const struct chatroom_enter_t *enter;
    // A `chatroom_auth_type`.
    int32_t auth_type;
    // 1: log in without an account of one's own.
    uint32_t anonymous;
    // 1 Android, 2 iOS, 4 PC (the default), 16 Web, 64 Mac, 65 HarmonyOS.
    uint32_t client_type;
    // Refines the client type.
    uint32_t custom_client_type;
    // How many reconnects may fail in a row before the client gives up; 0: never.
    uint32_t reconnect_attempts_max;
    // Time for the transport to one address, in milliseconds; 0: 8000.
    uint32_t connect_timeout_ms;
    // Time for an answer, in milliseconds; 0: 8000.
    uint32_t response_timeout_ms;
    // 1: no callback thread; the host calls chatroom_client_dispatch.
    uint32_t host_pumped;
    // Handed to each callback below.
    void *user_data;
    // Gives `user_data` back, once, after the last use: also when the call that got these options fails.
    chatroom_destructor_fn destructor;
    // The client stands elsewhere than before: a `chatroom_state`.
    void (*on_state)(void *user_data, int32_t state);
    // A login was accepted, the first one or one after a lost connection.
    void (*on_logged_in)(void *user_data, const struct chatroom_login_t *login);
    // The client is in a room without a request for it: by its login, or again after a lost connection.
    void (*on_entered)(void *user_data, const struct chatroom_entered_t *entered);
    // The client could not come back into a room after a lost connection.
    void (*on_left)(void *user_data, int64_t room_id, const struct chatroom_status_t *status);
    // The connection is lost, and will be tried again after `delay_ms`. The moment to give a fresh token.
    void (*on_will_reconnect)(void *user_data, uint32_t retry_count, uint64_t delay_ms);
    // The connection is over, and no reconnect follows.
    void (*on_disconnected)(void *user_data, const struct chatroom_status_t *status);
    // A message.
    void (*on_message)(void *user_data, const struct chatroom_message_t *message);
    // Something happened in a room.
    void (*on_notification)(void *user_data, const struct chatroom_notification_t *notification);
    // Items of a room were left out because this client was too slow; the history has them.
    void (*on_gap)(void *user_data, int64_t room_id, uint64_t first_seq, uint64_t last_seq);
    // The server took the client out of a room, or off.
    void (*on_kicked)(void *user_data, const struct chatroom_kicked_t *kicked);
    // The token expires in so many seconds: renew it.
    void (*on_token_will_expire)(void *user_data, uint32_t seconds);
    // The client is closed. Nothing is called after this but `on_thread_stop` and `destructor`.
    void (*on_closed)(void *user_data);
    // The callback thread begins: the moment to attach it to a virtual machine. Not called if `host_pumped` is set.
    void (*on_thread_start)(void *user_data);
    // The callback thread ends.
    void (*on_thread_stop)(void *user_data);
    // What a notification means to this account; comes after `on_notification`, once for each thing that follows from it.
    void (*on_event)(void *user_data, const struct chatroom_event_t *event);
    // A room made by a client stands elsewhere than before.
    void (*on_room_state)(void *user_data, const struct chatroom_room_change_t *change);
    // The name of a PEM file: at `tls://` addresses certificates are good that those in it vouch for, and no others. NULL: those
    // the system trusts, or, where it says nothing, Mozilla. Read at the first such connection.
    const char *ca_file;
    // An attempt to get in has failed, or the connection that stood is lost and will be tried again; `status` says why, and its
    // words name each address that was tried: 415 where no server is reached, 408 where it does not answer, 509 where something
    // else does, 414 where a file cannot be read, or how the server refused the login. `will_retry` is 1 if another attempt
    // follows after `delay_ms`; else on_disconnected comes next.
    void (*on_connect_failed)(void *user_data,
                              const struct chatroom_status_t *status,
                              uint32_t will_retry,
                              uint64_t delay_ms);
    // A line of the log: a `chatroom_log_level`, the part of the library that says it, and words that may change with any version.
    // Tokens and what is said in rooms are never in it. NULL, the default, makes none.
    void (*on_log)(void *user_data, int32_t level, struct chatroom_bytes_t target, struct chatroom_bytes_t message);
    // With `on_log`: the least that is told, a `chatroom_log_level`; 0: 3, info.
    uint32_t log_level;
    // Time a send may take in all, lost connections included, in milliseconds; 0: 60000, which is also the most. Then it completes
    // with 408, and the library never sends it again.
    uint32_t send_timeout_ms;
} chatroom_options_t;

// Completes a request of which only the status matters. May be NULL, as every completion.
//
// Each accepted request completes exactly once, on the client's callback thread: answered, refused, or with 20000 because the
// client was closed. `user_data` passes to the library with the call, also when it fails, and goes back through `destructor`
// after the last use.
typedef void (*chatroom_done_fn)(void *user_data, const struct chatroom_status_t *status);

// Completes a request that is answered with a number, which is 0 unless the code is.
typedef void (*chatroom_count_fn)(void *user_data, const struct chatroom_status_t *status, uint64_t count);

// Completes chatroom_client_call. `body` is the protobuf of the answer, as its kind says, and empty unless the code is 0. Lent:
// valid until the callback returns.
typedef void (*chatroom_call_fn)(void *user_data, const struct chatroom_status_t *status, struct chatroom_bytes_t body);

// Completes a request. `entered` is NULL unless the code is 0.
typedef void (*chatroom_entered_fn)(void *user_data,
                                    const struct chatroom_status_t *status,
                                    const struct chatroom_entered_t *entered);

// Completes a request. `room` is NULL unless the code is 0.
typedef void (*chatroom_room_fn)(void *user_data,
                                 const struct chatroom_status_t *status,
                                 const struct chatroom_room_t *room);

// What to change about a room. NULL leaves what is there, "" clears it. Set `struct_size` to its size and the rest to 0 before
// filling it in.
typedef struct chatroom_room_edit_t {
    // `sizeof(chatroom_room_edit_t)`.
    size_t struct_size;
    // The room.
    int64_t room_id;
    // Its name, 1-128 char.
    const char *name;
    // Its announcement, at most 4096 char.
    const char *announcement;
    // The address of its live stream, at most 1024 char.
    const char *broadcast_url;
    // The application's own, at most 4096 char.
    const char *ext;
    // What its content is moderated by: JSON, at most 1024 char.
    const char *moderation_id;
    // What the notification carries besides, at most 2048 char.
    const char *notify_ext;
    // `CHATROOM_ROOM_*` bits.
    uint32_t flags;
    // Who changes the queue: 0 everybody, 1 its creator and administrators.
    uint32_t queue_level;
    // True: members hear who comes and goes; changed over HTTP only.
    uint32_t in_out_notification;
    // True: nobody is notified.
    uint32_t silent;
} chatroom_room_edit_t;

// A key and its value, both UTF-8 and NUL-terminated, none of them NULL. Never grows.
typedef struct chatroom_pair_t {
    // The key.
    const char *key;
    // Its value.
    const char *value;
} chatroom_pair_t;

// A room to make. Set `struct_size` to its size and the rest to 0 before filling it in.
typedef struct chatroom_create_t {
    // `sizeof(chatroom_create_t)`.
    size_t struct_size;
    // The name by which others find it, 1-32 B.
    const char *alias;
    // The name people see, at most 64 B; absent: the alias.
    const char *name;
    // True: a room that is there already is entered (enterRoom); false: it is an error (createRoom).
    uint32_t enter_existing;
    // Seconds from the last leave to its end, at most 3600.
    uint32_t destroy_delay_seconds;
    // What a new room starts with, owned by its maker, at most 20.
    const struct chatroom_pair_t *attributes;
    // How many attributes there are.
    size_t attribute_count;
    // As whom to enter it; the room_id and the alias in it do not count.
    const struct chatroom_enter_t *enter;
} chatroom_create_t;

// Rooms that were left. Lent: valid until the callback returns.
typedef struct chatroom_rooms_t {
    // Their numbers.
    const int64_t *room_ids;
    // The names their makers gave them, in the same order.
    const struct chatroom_bytes_t *aliases;
    // How many rooms there are.
    size_t room_count;
} chatroom_rooms_t;

// Completes a request. `rooms` is NULL unless the code is 0.
typedef void (*chatroom_rooms_fn)(void *user_data,
                                  const struct chatroom_status_t *status,
                                  const struct chatroom_rooms_t *rooms);

// Members of a room. Lent: valid until the callback returns.
typedef struct chatroom_members_t {
    // The members, in an array of pointers, none of them NULL.
    const struct chatroom_member_t *const *members;
    // How many members there are.
    size_t member_count;
    // True: there are more, from the time of the last of these on.
    uint32_t has_more;
    // Always 0.
    uint32_t reserved;
    // With `has_more`: `next` of the request for the next page, exact also where many share a time; of a look-up the account
    // to go on with.
    struct chatroom_bytes_t next;
} chatroom_members_t;

// Completes a request. `members` is NULL unless the code is 0.
typedef void (*chatroom_members_fn)(void *user_data,
                                    const struct chatroom_status_t *status,
                                    const struct chatroom_members_t *members);

// What to change about oneself in a room; NULL leaves what is there. Set `struct_size` to its size and the rest to 0 before
// filling it in.
typedef struct chatroom_self_edit_t {
    // `sizeof(chatroom_self_edit_t)`.
    size_t struct_size;
    // The room.
    int64_t room_id;
    // The nick, at most 64 char.
    const char *nick;
    // The address of the avatar, at most 1024 char.
    const char *avatar;
    // The application's own, at most 4096 char.
    const char *ext;
    // What the notification carries besides, at most 2048 char.
    const char *notify_ext;
    // True: nobody is notified.
    uint32_t silent;
    // True: a member with a role keeps it beyond its stay.
    uint32_t save;
} chatroom_self_edit_t;

// What to change about one's own tags in a room. Set `struct_size` to its size and the rest to 0 before filling it in.
typedef struct chatroom_tags_edit_t {
    // `sizeof(chatroom_tags_edit_t)`.
    size_t struct_size;
    // The room.
    int64_t room_id;
    // At most 10 of at most 32 char; they count if `set_tags` is true.
    const char *const *tags;
    // How many tags there are.
    size_t tag_count;
    // Who hears what this connection says, and its coming and going: a tag expression; absent leaves what is there, empty is
    // everybody.
    const char *notify_target_tags;
    // What the notification carries besides, at most 2048 char.
    const char *notify_ext;
    // True: `tags` replace those that are there; false: those stay.
    uint32_t set_tags;
    // True: the room is notified.
    uint32_t notify;
} chatroom_tags_edit_t;

// A message to send. Set `struct_size` to its size and the rest to 0 before filling it in.
typedef struct chatroom_draft_t {
    // `sizeof(chatroom_draft_t)`.
    size_t struct_size;
    // The room.
    int64_t room_id;
    // A `chatroom_message_type`; 0 is text.
    int32_t type;
    // `CHATROOM_SEND_*` bits.
    uint32_t flags;
    // The message's id, 1-64 char; absent: the client makes one. The same id sent again with `resend` is taken once.
    const char *message_id;
    // The text, with types text and tip: UTF-8, at most 4096 char.
    const void *body;
    // Bytes of `body`.
    size_t body_len;
    // JSON, with the other types: at most 4096 char.
    const void *attach;
    // Bytes of `attach`.
    size_t attach_len;
    // The application's own: UTF-8, at most 4096 char.
    const void *ext;
    // Bytes of `ext`.
    size_t ext_len;
    // The application's own refinement of the type.
    uint32_t sub_type;
    // Of 10000: how likely the server drops the message under a busy host's own rule; absent: never.
    uint32_t abandon_ratio;
    // Who among the members hears it: a tag expression of at most 128 char; absent: that of the connection; empty: everybody.
    const char *notify_target_tags;
    // Who hears it, by account, at most 100; none: all.
    const char *const *to_accounts;
    // How many accounts there are.
    size_t to_account_count;
    // Where it is spoken, with the flag `AT`.
    double x;
    // See `x`.
    double y;
    // See `x`.
    double z;
    // Selects the application's callback, at most 32 char.
    const char *env;
    // What that callback is told, at most 1024 char.
    const char *callback_ext;
    // What the message is moderated by: JSON, at most 1024 char.
    const char *moderation_id;
    // With `antispam`: what moderation looks at, JSON of at most 5000 char.
    const char *antispam_custom;
    // For the moderation service: JSON, at most 1024 char.
    const char *yidun_anti_cheating;
    // For the moderation service: JSON, at most 1024 char.
    const char *yidun_antispam_ext;
} chatroom_draft_t;

// A fact about an accepted message. Lent: valid until the callback returns.
typedef struct chatroom_sent_t {
    // The message's id: the one sent, or the one made for it.
    struct chatroom_bytes_t message_id;
    // When it was accepted, in milliseconds since 1970 by the server's clock.
    int64_t time_ms;
    // Its place in the room's order.
    uint64_t seq;
    // With `seq`, names the place for good.
    uint64_t epoch;
    // `CHATROOM_SENT_*` bits.
    uint32_t flags;
    // Always 0.
    uint32_t reserved;
} chatroom_sent_t;

// Completes a request. `sent` is NULL unless the code is 0.
typedef void (*chatroom_sent_fn)(void *user_data,
                                 const struct chatroom_status_t *status,
                                 const struct chatroom_sent_t *sent);

// Which part of a history. Set `struct_size` to its size and the rest to 0 before filling it in.
typedef struct chatroom_history_query_t {
    // `sizeof(chatroom_history_query_t)`.
    size_t struct_size;
    // The room.
    int64_t room_id;
    // From when on, exclusive, in milliseconds since 1970; 0: from now on backwards, or from the oldest on if that is first.
    int64_t time_ms;
    // From which item on, exclusive; exact within one millisecond; 0: `time_ms` says it.
    uint64_t last_seq;
    // How many items, 1-100; absent means 100.
    uint32_t limit;
    // True: oldest first; false: newest first.
    uint32_t oldest_first;
    // Which types of messages; none: all.
    const int32_t *types;
    // How many types there are.
    size_t type_count;
} chatroom_history_query_t;

// An item of the history: one of the two is not NULL. Lent: valid until the callback returns. Never grows.
typedef struct chatroom_item_t {
    // A message, or NULL. chatroom_message_ref keeps it.
    const struct chatroom_message_t *message;
    // Something that happened, or NULL.
    const struct chatroom_notification_t *notification;
} chatroom_item_t;

// A page of the history. Lent: valid until the callback returns.
typedef struct chatroom_history_t {
    // The items, in the order asked for.
    const struct chatroom_item_t *items;
    // How many items there are.
    size_t item_count;
    // 1: there are more, from the last of these on.
    uint32_t has_more;
    // Always 0.
    uint32_t reserved;
    // With `has_more`: `last_seq` of the query for the next page, even where nothing matched.
    uint64_t reached_seq;
} chatroom_history_t;

// Completes a request. `history` is NULL unless the code is 0.
typedef void (*chatroom_history_fn)(void *user_data,
                                    const struct chatroom_status_t *status,
                                    const struct chatroom_history_t *history);

// Which part of a history, by tags. Set `struct_size` to its size and the rest to 0 before filling it in.
typedef struct chatroom_tag_history_query_t {
    // `sizeof(chatroom_tag_history_query_t)`.
    size_t struct_size;
    // The room.
    int64_t room_id;
    // From when on, in milliseconds since 1970; 0: from the oldest. The end at which reading begins is exclusive.
    int64_t from_time_ms;
    // Until when; 0: until now.
    int64_t to_time_ms;
    // Beyond which item to go on: `reached_seq` of the page before; 0 begins.
    uint64_t last_seq;
    // 1-10: what was sent to them, together or to one of them.
    const char *const *tags;
    // How many tags there are.
    size_t tag_count;
    // Which types of messages; none: all.
    const int32_t *types;
    // How many types there are.
    size_t type_count;
    // How many items, 1-100; absent means 100.
    uint32_t limit;
    // True: oldest first; false: newest first.
    uint32_t oldest_first;
} chatroom_tag_history_query_t;

// An element to put into a queue. Never grows.
typedef struct chatroom_offer_t {
    // Its name within the queue, 1-128 B.
    const char *key;
    // What it says: UTF-8, at most 4096 B.
    const void *value;
    // Bytes of `value`.
    size_t value_len;
    // Whose it is: an account; to put in: absent is oneself.
    const char *owner;
    // True: it goes when its owner's last connection has left.
    uint32_t transient;
    // Set it to 0.
    uint32_t reserved;
} chatroom_offer_t;

// The keys a request failed for. Lent: valid until the callback returns.
typedef struct chatroom_keys_t {
    // The keys.
    const struct chatroom_bytes_t *keys;
    // How many keys there are.
    size_t key_count;
} chatroom_keys_t;

// Completes a request. `keys` is NULL unless the code is 0.
typedef void (*chatroom_keys_fn)(void *user_data,
                                 const struct chatroom_status_t *status,
                                 const struct chatroom_keys_t *keys);

// Elements of a room's queue. Lent: valid until the callback returns.
typedef struct chatroom_elements_t {
    // The elements, in queue order, in an array of pointers, none of them NULL.
    const struct chatroom_element_t *const *elements;
    // How many elements there are.
    size_t element_count;
} chatroom_elements_t;

// Completes a request. `elements` is NULL unless the code is 0.
typedef void (*chatroom_elements_fn)(void *user_data,
                                     const struct chatroom_status_t *status,
                                     const struct chatroom_elements_t *elements);

// Attributes of a room to set. Set `struct_size` to its size and the rest to 0 before filling it in.
typedef struct chatroom_attributes_edit_t {
    // `sizeof(chatroom_attributes_edit_t)`.
    size_t struct_size;
    // The room.
    int64_t room_id;
    // 1-20: keys of at most 16 B, values of at most 1024 B.
    const struct chatroom_pair_t *attributes;
    // How many attributes there are.
    size_t attribute_count;
    // True: change those of other owners too.
    uint32_t force;
    // True, with `force`: they become the caller's.
    uint32_t update_owner;
    // True: they go when their owner has left.
    uint32_t delete_after_owner_left;
    // Set it to 0.
    uint32_t reserved;
} chatroom_attributes_edit_t;

// The attributes of a room. Lent: valid until the callback returns.
typedef struct chatroom_attributes_t {
    // In the order of keys, in an array of pointers, none of them NULL.
    const struct chatroom_attribute_t *const *attributes;
    // How many attributes there are.
    size_t attribute_count;
} chatroom_attributes_t;

// Completes a request. `attributes` is NULL unless the code is 0.
typedef void (*chatroom_attributes_fn)(void *user_data,
                                       const struct chatroom_status_t *status,
                                       const struct chatroom_attributes_t *attributes);

// Attributes of members to set. Set `struct_size` to its size and the rest to 0 before filling it in.
typedef struct chatroom_member_attributes_edit_t {
    // `sizeof(chatroom_member_attributes_edit_t)`.
    size_t struct_size;
    // The room.
    int64_t room_id;
    // The members, by account, 1-100.
    const char *const *accounts;
    // How many accounts there are.
    size_t account_count;
    // 1-30: keys of at most 8 B, values of at most 64 B; an empty value deletes its key.
    const struct chatroom_pair_t *attributes;
    // How many attributes there are.
    size_t attribute_count;
    // True: change those that others have set, too.
    uint32_t force;
    // True: they stay when their member has left; false: they go with it.
    uint32_t keep_after_member_left;
} chatroom_member_attributes_edit_t;

// Members with attributes. Lent: valid until the callback returns.
typedef struct chatroom_member_attributes_page_t {
    // The members, in an array of pointers, none of them NULL.
    const struct chatroom_member_attributes_t *const *members;
    // How many members there are.
    size_t member_count;
    // Where the next page begins; empty: that was all.
    struct chatroom_bytes_t next;
    // Of a change: accounts that are not in the room.
    const struct chatroom_bytes_t *error_accounts;
    // How many accounts there are.
    size_t error_account_count;
} chatroom_member_attributes_page_t;

// Completes a request. `page` is NULL unless the code is 0.
typedef void (*chatroom_member_attributes_fn)(void *user_data,
                                              const struct chatroom_status_t *status,
                                              const struct chatroom_member_attributes_page_t *page);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the ABI the loaded library has: `CHATROOM_ABI_VERSION` of the header it was built with. A library serves every
// program whose header has the same version or a smaller one.
//
// Threads: any.
uint32_t chatroom_abi_version(void);

// The library's version, as in "0.1.0". NUL-terminated, and valid for as long as the library is loaded.
//
// Threads: any.
const char *chatroom_version(void);

// What a result means, in the fewest words; empty for a number that is none. Valid for as long as the library is loaded.
//
// Threads: any.
struct chatroom_bytes_t chatroom_result_meaning(int32_t result);

// 1 if the same request, made again, may succeed without anybody changing anything; 0 otherwise.
//
// Threads: any.
int32_t chatroom_result_is_retryable(int32_t result);

// Copies the words of the calling thread's last failed call into `buf`, at most `cap` bytes with the NUL that ends them.
//
// Returns the length of the whole text without NUL, so that a result of `cap` or more means that it was cut; 0 when no call
// of this thread has failed. `buf` may be NULL when `cap` is 0. The text stays until the next failed call of this thread.
//
// Threads: any. A binding reads it before it leaves the native frame, because goroutines and tasks move between threads.
size_t chatroom_last_error_message(char *buf,
                                   size_t cap);

// Makes a codec that refuses frames of more than `frame_bytes_max` bytes, header included; 0 is 1 MiB, the largest is 16 MiB.
//
// Returns 414 for other limits or a NULL `codec`.
// Threads: any.
chatroom_result chatroom_codec_new(size_t frame_bytes_max,
                                   struct chatroom_codec_t **codec);

// Changes the limit for frames from here on, as the answer to a login does. 0 is 1 MiB.
//
// Threads: see the type.
chatroom_result chatroom_codec_set_frame_bytes_max(struct chatroom_codec_t *codec, size_t frame_bytes_max);

// Takes bytes as they arrived, however they were cut. They are copied. `data` may be NULL when `len` is 0.
//
// Returns 503 when 32 MiB wait to be taken as frames: call chatroom_codec_next first. Returns 509 or 201, as
// chatroom_codec_next did, when the stream is broken.
// Threads: see the type.
chatroom_result chatroom_codec_feed(struct chatroom_codec_t *codec, const uint8_t *data, size_t len);

// Takes the next frame out. `*frame` becomes NULL when more bytes are needed, otherwise a frame to unref.
//
// Returns 509 for a stream that is broken, and 201 for one of another protocol version; so does every later call, and the
// connection is to be closed.
// Threads: see the type.
chatroom_result chatroom_codec_next(struct chatroom_codec_t *codec,
                                    struct chatroom_frame_t **frame);

// Ends a codec. Frames taken from it live on. NULL is nothing to do.
//
// Threads: must be the last call with this codec.
void chatroom_codec_free(struct chatroom_codec_t *codec);

// The frame's kind: what its body is. 0 for NULL.
//
// Threads: any.
uint16_t chatroom_frame_kind(const struct chatroom_frame_t *frame);

// The frame's flags: `CHATROOM_FRAME_RESPONSE` or 0. 0 for NULL.
//
// Threads: any.
uint8_t chatroom_frame_flags(const struct chatroom_frame_t *frame);

// The request the frame belongs to; 0 in a push, and for NULL.
//
// Threads: any.
uint32_t chatroom_frame_sequence(const struct chatroom_frame_t *frame);

// The frame's body: protobuf, as its kind says. Valid until the frame's last unref. Empty for NULL.
//
// Threads: any.
struct chatroom_bytes_t chatroom_frame_body(const struct chatroom_frame_t *frame);

// Counts the frame up and returns it. Copies nothing. NULL for NULL.
//
// Threads: any.
struct chatroom_frame_t *chatroom_frame_ref(struct chatroom_frame_t *frame);

// Counts the frame down; it ends with its last count. NULL is nothing to do.
//
// Threads: any.
void chatroom_frame_unref(struct chatroom_frame_t *frame);

// Writes a whole frame, checksum included, to `out`, which holds `cap` bytes: 16 and `body_len` are needed. `*len` becomes the
// number of bytes written. `body` may be NULL when `body_len` is 0.
//
// A request has a `sequence` of its own, its answer the same one and the flag `CHATROOM_FRAME_RESPONSE`, a push 0.
// Returns 414 for other flags, for a body of more than 16 MiB - 16, and for too small a `cap`.
// Threads: any.
chatroom_result chatroom_frame_build(uint16_t kind,
                                     uint8_t flags,
                                     uint32_t sequence,
                                     const uint8_t *body,
                                     size_t body_len,
                                     uint8_t *out,
                                     size_t cap,
                                     size_t *len);

// Makes a client, which does not connect yet. `*client` becomes its handle.
//
// The options' `user_data` passes to the library with this call, also when it fails. Returns 414 for options that cannot be,
// and 500 when the system gives no thread.
// Threads: any. Does not block.
chatroom_result chatroom_client_new(const struct chatroom_options_t *options,
                                    struct chatroom_client_t **client);

// Connects, logs in, and enters the room of the options if they name one. `done` hears when the client is in, or why it never
// will be: what may pass is tried again as often as the options say.
//
// Completes with 20002 when the client is connected already.
// Threads: any. Does not block.
chatroom_result chatroom_client_connect(const struct chatroom_client_t *client,
                                        chatroom_done_fn done,
                                        void *user_data,
                                        chatroom_destructor_fn destructor);

// Logs out and closes the connection; `done` hears when that is done. The client can connect again.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_disconnect(const struct chatroom_client_t *client,
                                           chatroom_done_fn done,
                                           void *user_data,
                                           chatroom_destructor_fn destructor);

// Sets the token of the next login, as `on_will_reconnect` invites to. A login that lives is renewed with
// chatroom_client_renew_token instead.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_set_token(const struct chatroom_client_t *client, const char *token);

// For a host with reason to doubt the connection: the network was changed, the application came back to the foreground. A
// connection that shows no sign of life within 2.5 s is given up and made anew at once; one that waits to be made anew waits no
// longer. What comes of it, the callbacks tell. A client that is not connected has nothing to check.
//
// Threads: any, also inside a callback. Does not block.
chatroom_result chatroom_client_check_connection(const struct chatroom_client_t *client);

// The number of the calling thread's last accepted request, for chatroom_client_cancel; 0 before the first. A request is accepted
// when its call returns 0. Connects, disconnects, flushes and the begin of a batch have none.
//
// Threads: any. Does not block.
uint64_t chatroom_last_request(void);

// Cancels a request by its number: it completes with 191002, unless it is complete already. One that waits for a connection is
// never sent; one that was sent may have been done all the same, and the library does not repeat it.
//
// Threads: any, also inside a callback. Does not block.
chatroom_result chatroom_client_cancel(const struct chatroom_client_t *client,
                                       uint64_t request);

// Waits for what was sent: `done` hears 0 when every send that was accepted before this call is complete, whatever it came to,
// and 408 when some are not after `timeout_ms`; those go on. It comes after the completions of those that are.
//
// Threads: any, also inside a callback. Does not block: the wait is the library's.
chatroom_result chatroom_client_flush(const struct chatroom_client_t *client,
                                      uint32_t timeout_ms,
                                      chatroom_done_fn done,
                                      void *user_data,
                                      chatroom_destructor_fn destructor);

// Returns the state of the client, a `chatroom_state`: 6, exited, once it is closed, for NULL, and in a forked child.
//
// Threads: any. Does not block.
int32_t chatroom_client_state(const struct chatroom_client_t *client);

// Closes the client for good, and returns at once: it logs out, what is pending completes with 20000, then `on_closed` comes,
// last of all. Closing again is nothing to do.
//
// Threads: any, also inside a callback. Does not block.
chatroom_result chatroom_client_close(const struct chatroom_client_t *client);

// Makes the calls that wait, for a client whose options set `host_pumped`. Waits up to `timeout_ms` for the first: 0 does not
// wait, a negative number waits without end. `*count` becomes the number of calls made; it may be NULL.
//
// Returns 414 for a client with a thread of its own and inside a callback, 503 while another thread is at it, and 20000 once
// `on_closed` has been called.
// Threads: any, one at a time. Blocks as said.
chatroom_result chatroom_client_dispatch(const struct chatroom_client_t *client,
                                         int32_t timeout_ms,
                                         size_t *count);

// Ends a client: closes it if needed, waits until the last callback has returned, and after it returns nothing is called any
// more. Inside one of the client's callbacks it cannot wait: the rest then happens on that thread as soon as the callback
// returns. In a forked child it does nothing. NULL is nothing to do.
//
// Threads: any; must be the last call with this client. Blocks as said; callbacks of one client that free another must not
// meet those of the other that free the one.
void chatroom_client_free(struct chatroom_client_t *client);

// Asks the server for a sign of life. The answer is the time it took to the server and back, in microseconds.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_ping(const struct chatroom_client_t *client,
                                     chatroom_count_fn done,
                                     void *user_data,
                                     chatroom_destructor_fn destructor);

// From here on, attributes that are set or deleted in this room are collected, at most 50 operations, and go out as one change with
// chatroom_client_end_attributes_batch. The flags are those of chatroom_attributes_edit_t, and count for all of them. The
// collection is discarded when the room is left.
//
// Completes with 403 outside the room, 417 while a batch is begun there.
// Threads: any. Does not block.
chatroom_result chatroom_client_begin_attributes_batch(const struct chatroom_client_t *client,
                                                       int64_t room_id,
                                                       int32_t force,
                                                       int32_t update_owner,
                                                       int32_t delete_after_owner_left,
                                                       chatroom_done_fn done,
                                                       void *user_data,
                                                       chatroom_destructor_fn destructor);

// Makes any request: for bindings that bring protobuf of their own. `kind` is a `chatroom_kind`, `body` the protobuf of its request,
// which is copied; NULL when `body_len` is 0. What the client does about a request by itself it does here too, as with the calls
// that have names: to repeat a send, to enter a room again after a lost connection, to collect a batch of attributes.
//
// Returns 414 for a kind that is none of a request or belongs to the client itself, a login and a logout, and for a body that is
// not the protobuf of its request.
// Threads: any. Does not block.
chatroom_result chatroom_client_call(const struct chatroom_client_t *client,
                                     uint16_t kind,
                                     const uint8_t *body,
                                     size_t body_len,
                                     chatroom_call_fn done,
                                     void *user_data,
                                     chatroom_destructor_fn destructor);

// Gives the session a new token, which also serves the logins after lost connections.
//
// Arguments:
// - `token`: the new token.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_renew_token(const struct chatroom_client_t *client,
                                            const char *token,
                                            chatroom_done_fn done,
                                            void *user_data,
                                            chatroom_destructor_fn destructor);

// Closes the account's other connections from these devices, from all where none is named.
//
// Arguments:
// - `device_ids`: their ids; none: all others.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_kick_devices(const struct chatroom_client_t *client,
                                             const char *const *device_ids,
                                             size_t device_id_count,
                                             chatroom_done_fn done,
                                             void *user_data,
                                             chatroom_destructor_fn destructor);

// Enters a room. The client enters it again by itself after a lost connection.
//
// Completes with 404 if there is no such room, 13002 if it is closed, 13003 for the blocklisted, 414 for what is too long.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_enter(const struct chatroom_client_t *client,
                                      const struct chatroom_enter_t *enter,
                                      chatroom_entered_fn done,
                                      void *user_data,
                                      chatroom_destructor_fn destructor);

// Leaves a room.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_leave(const struct chatroom_client_t *client,
                                      int64_t room_id,
                                      chatroom_done_fn done,
                                      void *user_data,
                                      chatroom_destructor_fn destructor);

// Reads the profile of a room.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_room_info(const struct chatroom_client_t *client,
                                          int64_t room_id,
                                          chatroom_room_fn done,
                                          void *user_data,
                                          chatroom_destructor_fn destructor);

// Changes the profile of a room. Absent fields stay, empty ones are cleared.
//
// Completes with 403 for those who may not, 406 if nothing would change, 414 if nothing is to be changed.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_update_room(const struct chatroom_client_t *client,
                                            const struct chatroom_room_edit_t *edit,
                                            chatroom_room_fn done,
                                            void *user_data,
                                            chatroom_destructor_fn destructor);

// Closes a room: everybody is put out, and nobody comes in until it is opened over HTTP.
//
// Completes with 403 for everybody but the room's creator.
//
// Arguments:
// - `notify_ext`: what the notification carries besides, at most 2048 char.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_close_room(const struct chatroom_client_t *client,
                                           int64_t room_id,
                                           const char *notify_ext,
                                           chatroom_done_fn done,
                                           void *user_data,
                                           chatroom_destructor_fn destructor);

// Mutes or unmutes a whole room.
//
// Completes with 403 for those who may not, 417 if it is so already.
//
// Arguments:
// - `mute`: true mutes, false lets it speak again.
// - `notify_ext`: what the notification carries besides, at most 2048 char.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_mute_room(const struct chatroom_client_t *client,
                                          int64_t room_id,
                                          int32_t mute,
                                          const char *notify_ext,
                                          chatroom_done_fn done,
                                          void *user_data,
                                          chatroom_destructor_fn destructor);

// Makes a room under a name of one's own, or with `enter_existing` enters it if it is there, and is in it.
//
// Completes with 417 if there is such a room and `enter_existing` is false, 419 for those who are in as many rooms as they
// may.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_create_room(const struct chatroom_client_t *client,
                                            const struct chatroom_create_t *create,
                                            chatroom_entered_fn done,
                                            void *user_data,
                                            chatroom_destructor_fn destructor);

// Leaves one room made by a client for another, as one step: refused, one is where one was.
//
// Completes with 403 outside `from_room_id`, 404 if the other one is not there.
//
// Arguments:
// - `from_room_id`: the room to leave.
// - `to`: the room to go to.
// - `create_missing`: true: it is made if it is not there.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_switch_room(const struct chatroom_client_t *client,
                                            int64_t from_room_id,
                                            const struct chatroom_create_t *to,
                                            int32_t create_missing,
                                            chatroom_entered_fn done,
                                            void *user_data,
                                            chatroom_destructor_fn destructor);

// Leaves every room made by a client; other rooms are not left.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_leave_all(const struct chatroom_client_t *client,
                                          chatroom_rooms_fn done,
                                          void *user_data,
                                          chatroom_destructor_fn destructor);

// Reads one page of the members of a room.
//
// Arguments:
// - `query`: a `chatroom_member_query`: which members.
// - `time_ms`: the time of the last member of the page before, exclusive; 0 begins.
// - `limit`: 1-100; absent means 100.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_members(const struct chatroom_client_t *client,
                                        int64_t room_id,
                                        int32_t query,
                                        int64_t time_ms,
                                        uint32_t limit,
                                        chatroom_members_fn done,
                                        void *user_data,
                                        chatroom_destructor_fn destructor);

// Reads the page of the members of a room where another page ended.
//
// Arguments:
// - `query`: a `chatroom_member_query`: which members.
// - `next`: `next` of the page before, in place of its last time: exact within one millisecond.
// - `limit`: 1-100; absent means 100.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_members_from(const struct chatroom_client_t *client,
                                             int64_t room_id,
                                             int32_t query,
                                             const char *next,
                                             uint32_t limit,
                                             chatroom_members_fn done,
                                             void *user_data,
                                             chatroom_destructor_fn destructor);

// Reads certain members of a room, by account.
//
// Arguments:
// - `accounts`: at most 20; answered in this order, as many as fit.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_lookup_members(const struct chatroom_client_t *client,
                                               int64_t room_id,
                                               const char *const *accounts,
                                               size_t account_count,
                                               chatroom_members_fn done,
                                               void *user_data,
                                               chatroom_destructor_fn destructor);

// Reads one page of the connections that carry a tag, the newest first.
//
// Arguments:
// - `tag`: the tag.
// - `time_ms`: the time of the last one of the page before, exclusive; 0 begins.
// - `limit`: 1-100; absent means 100.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_members_by_tag(const struct chatroom_client_t *client,
                                               int64_t room_id,
                                               const char *tag,
                                               int64_t time_ms,
                                               uint32_t limit,
                                               chatroom_members_fn done,
                                               void *user_data,
                                               chatroom_destructor_fn destructor);

// Reads the page of the connections that carry a tag where another page ended.
//
// Arguments:
// - `tag`: the tag.
// - `next`: `next` of the page before: see MemberListRequest.
// - `limit`: 1-100; absent means 100.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_members_by_tag_from(const struct chatroom_client_t *client,
                                                    int64_t room_id,
                                                    const char *tag,
                                                    const char *next,
                                                    uint32_t limit,
                                                    chatroom_members_fn done,
                                                    void *user_data,
                                                    chatroom_destructor_fn destructor);

// Counts the accounts that carry a tag.
//
// Arguments:
// - `tag`: the tag.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_count_by_tag(const struct chatroom_client_t *client,
                                             int64_t room_id,
                                             const char *tag,
                                             chatroom_count_fn done,
                                             void *user_data,
                                             chatroom_destructor_fn destructor);

// Gives or takes a role: administrator, ordinary member, blocklist, mute.
//
// Completes with 403 for those who may not, 404 for an unknown account, 417 if it is so already.
//
// Arguments:
// - `account`: whose role.
// - `change`: a `chatroom_role_change`: which role.
// - `set`: true sets, false unsets.
// - `level`: the application's own rank.
// - `notify_ext`: what the notification carries besides, at most 2048 char.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_set_role(const struct chatroom_client_t *client,
                                         int64_t room_id,
                                         const char *account,
                                         int32_t change,
                                         int32_t set,
                                         uint32_t level,
                                         const char *notify_ext,
                                         chatroom_done_fn done,
                                         void *user_data,
                                         chatroom_destructor_fn destructor);

// Takes a member out of a room.
//
// Completes with 403 for those who may not, 404 if the account is not there.
//
// Arguments:
// - `account`: the member.
// - `notify_ext`: what the notification carries besides, at most 2048 char.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_kick(const struct chatroom_client_t *client,
                                     int64_t room_id,
                                     const char *account,
                                     const char *notify_ext,
                                     chatroom_done_fn done,
                                     void *user_data,
                                     chatroom_destructor_fn destructor);

// Mutes a member for a while; 0 seconds lift that.
//
// The answer is the number of seconds. Completes with 403 for those who may not, 404 if the account is not there, 417 if there
// is nothing to lift.
//
// Arguments:
// - `account`: the member.
// - `seconds`: 0 lifts; at most 2592000.
// - `silent`: true: nobody is notified.
// - `notify_ext`: what the notification carries besides, at most 2048 char.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_temp_mute(const struct chatroom_client_t *client,
                                          int64_t room_id,
                                          const char *account,
                                          uint32_t seconds,
                                          int32_t silent,
                                          const char *notify_ext,
                                          chatroom_count_fn done,
                                          void *user_data,
                                          chatroom_destructor_fn destructor);

// Mutes everybody with a tag for a while; 0 seconds lift that.
//
// It counts for every connection that carries the tag, now or later. The answer is the number of seconds, of a lifted mute
// those that remained. Completes with 403 for those who may not.
//
// Arguments:
// - `tag`: the tag.
// - `seconds`: 0 lifts; at most 2592000.
// - `silent`: true: nobody is notified.
// - `notify_ext`: what the notification carries besides, at most 2048 char.
// - `notify_target_tags`: who hears of it: a tag expression; absent: those with the tag.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_tag_temp_mute(const struct chatroom_client_t *client,
                                              int64_t room_id,
                                              const char *tag,
                                              uint32_t seconds,
                                              int32_t silent,
                                              const char *notify_ext,
                                              const char *notify_target_tags,
                                              chatroom_count_fn done,
                                              void *user_data,
                                              chatroom_destructor_fn destructor);

// Changes the own profile in a room.
//
// The client carries it again after a lost connection. Completes with 403 for the anonymous, 414 if nothing is to be changed.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_update_self(const struct chatroom_client_t *client,
                                            const struct chatroom_self_edit_t *edit,
                                            chatroom_done_fn done,
                                            void *user_data,
                                            chatroom_destructor_fn destructor);

// Changes the own tags in a room. The client carries them again after a lost connection.
//
// Completes with 414 if nothing is to be changed.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_update_tags(const struct chatroom_client_t *client,
                                            const struct chatroom_tags_edit_t *edit,
                                            chatroom_done_fn done,
                                            void *user_data,
                                            chatroom_destructor_fn destructor);

// Changes the own place in a room. The client stands there again after a lost connection.
//
// Completes with 414 if nothing is to be changed, or for numbers that are none.
//
// Arguments:
// - `location`: where to stand and how far to hear.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_update_location(const struct chatroom_client_t *client,
                                                int64_t room_id,
                                                const struct chatroom_location_t *location,
                                                chatroom_done_fn done,
                                                void *user_data,
                                                chatroom_destructor_fn destructor);

// Sends a message. Without a message id the client makes one. A send outlives a lost connection: it is repeated under the same
// id after the next login, and the server takes it once. After its deadline (`send_timeout_ms`) it ends with 408 and is never
// repeated.
//
// Code 200 says that it is in the room's log, and will not be lost. Completes with 403 outside the room, 416 when sent too
// often, 423, 13004 or 13006 for the muted, 414 for what is too long.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_send(const struct chatroom_client_t *client,
                                     const struct chatroom_draft_t *draft,
                                     chatroom_sent_fn done,
                                     void *user_data,
                                     chatroom_destructor_fn destructor);

// Reads one page of the history of a room.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_history(const struct chatroom_client_t *client,
                                        const struct chatroom_history_query_t *query,
                                        chatroom_history_fn done,
                                        void *user_data,
                                        chatroom_destructor_fn destructor);

// Reads one page of the history of a room, as far as it went to certain tags.
//
// Completes with 414 without tags.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_history_by_tags(const struct chatroom_client_t *client,
                                                const struct chatroom_tag_history_query_t *query,
                                                chatroom_history_fn done,
                                                void *user_data,
                                                chatroom_destructor_fn destructor);

// Recalls a message.
//
// It leaves the history, and everybody is told to take it off the screen. Completes with 403 for those who may not, or too
// late; 404 if there is no such message.
//
// Arguments:
// - `message_id`: the message's id; with the two that follow as they were delivered.
// - `time_ms`: the message's time.
// - `from`: the message's sender.
// - `notify_ext`: what the notification carries besides, at most 1024 char.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_recall(const struct chatroom_client_t *client,
                                       int64_t room_id,
                                       const char *message_id,
                                       int64_t time_ms,
                                       const char *from,
                                       const char *notify_ext,
                                       chatroom_done_fn done,
                                       void *user_data,
                                       chatroom_destructor_fn destructor);

// Sets the size of the queue of a room; the elements in it stay.
//
// More elements than that stay, but none is added. Completes with 403 for those who may not.
//
// Arguments:
// - `size_limit`: 0-1000; a negative number means 50.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_queue_init(const struct chatroom_client_t *client,
                                           int64_t room_id,
                                           int32_t size_limit,
                                           chatroom_done_fn done,
                                           void *user_data,
                                           chatroom_destructor_fn destructor);

// Adds an element to the queue of a room, or changes it.
//
// Completes with 403 for those who may not, 419 for a full queue.
//
// Arguments:
// - `key`: its name within the queue, 1-128 B.
// - `value`: what it says: UTF-8, at most 4096 B.
// - `transient`: true: it goes when its owner's last connection has left.
// - `owner`: whose it is; absent: the caller.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_queue_offer(const struct chatroom_client_t *client,
                                            int64_t room_id,
                                            const char *key,
                                            const void *value,
                                            size_t value_len,
                                            int32_t transient,
                                            const char *owner,
                                            chatroom_done_fn done,
                                            void *user_data,
                                            chatroom_destructor_fn destructor);

// Adds several elements to the queue of a room, or changes them; the answer names those that could not be.
//
// The answer has the keys that found no place. Completes with 403 for those who may not.
//
// Arguments:
// - `offers`: at most 100.
// - `notify`: true: the room is notified.
// - `notify_ext`: with `notify`: what the notification carries besides.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_queue_batch_offer(const struct chatroom_client_t *client,
                                                  int64_t room_id,
                                                  const struct chatroom_offer_t *offers,
                                                  size_t offer_count,
                                                  int32_t notify,
                                                  const char *notify_ext,
                                                  chatroom_keys_fn done,
                                                  void *user_data,
                                                  chatroom_destructor_fn destructor);

// Takes an element out of the queue of a room: the head without a key.
//
// Completes with 404 if there is none.
//
// Arguments:
// - `key`: the element with that key; absent: the head.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_queue_poll(const struct chatroom_client_t *client,
                                           int64_t room_id,
                                           const char *key,
                                           chatroom_elements_fn done,
                                           void *user_data,
                                           chatroom_destructor_fn destructor);

// Asks for a room's queue, in its order: all of it, by as many requests as it takes. Each element comes at most once; of a
// queue that changes meanwhile, what is added or taken out may be among them or not.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_queue_list(const struct chatroom_client_t *client,
                                           int64_t room_id,
                                           chatroom_elements_fn done,
                                           void *user_data,
                                           chatroom_destructor_fn destructor);

// Reads the head of the queue of a room.
//
// Completes with 404 if the queue is empty.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_queue_peek(const struct chatroom_client_t *client,
                                           int64_t room_id,
                                           chatroom_elements_fn done,
                                           void *user_data,
                                           chatroom_destructor_fn destructor);

// Reads certain elements of the queue of a room, by key; those that are not there are left out.
//
// Those that are not there are left out.
//
// Arguments:
// - `keys`: at most 100.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_queue_multi_get(const struct chatroom_client_t *client,
                                                int64_t room_id,
                                                const char *const *keys,
                                                size_t key_count,
                                                chatroom_elements_fn done,
                                                void *user_data,
                                                chatroom_destructor_fn destructor);

// Changes several elements of the queue of a room; the answer names those that are not there.
//
// The answer has the keys that are not there; none is added. Completes with 403 for those who may not.
//
// Arguments:
// - `offers`: key and value; at most 100.
// - `notify`: true: the room is notified.
// - `notify_ext`: with `notify`, and then required: what the notification carries besides.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_queue_change(const struct chatroom_client_t *client,
                                             int64_t room_id,
                                             const struct chatroom_offer_t *offers,
                                             size_t offer_count,
                                             int32_t notify,
                                             const char *notify_ext,
                                             chatroom_keys_fn done,
                                             void *user_data,
                                             chatroom_destructor_fn destructor);

// Empties the queue of a room.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_queue_drop(const struct chatroom_client_t *client,
                                           int64_t room_id,
                                           chatroom_done_fn done,
                                           void *user_data,
                                           chatroom_destructor_fn destructor);

// Sets attributes of a room; the answer names the keys that belong to others. Within a batch it succeeds at once.
//
// The answer has the sub code 6000332 if some keys failed. Completes with 403 and the sub code 6000331 if all keys belong to
// others, 419 for too many, 414 for one that is too long.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_set_attributes(const struct chatroom_client_t *client,
                                               const struct chatroom_attributes_edit_t *edit,
                                               chatroom_keys_fn done,
                                               void *user_data,
                                               chatroom_destructor_fn destructor);

// Deletes attributes of a room; the answer names the keys that belong to others, or to nobody. Within a batch it succeeds at
// once.
//
// Completes with 403 and the sub code 6000331 if all keys failed.
//
// Arguments:
// - `keys`: 1-20.
// - `force`: true: delete those of other owners too.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_delete_attributes(const struct chatroom_client_t *client,
                                                  int64_t room_id,
                                                  const char *const *keys,
                                                  size_t key_count,
                                                  int32_t force,
                                                  chatroom_keys_fn done,
                                                  void *user_data,
                                                  chatroom_destructor_fn destructor);

// Sends what was collected since chatroom_client_begin_attributes_batch, as one change. The answer is that of
// chatroom_client_set_attributes. Whatever comes of it, the batch is over; only a call that is refused at once with 503 leaves
// it as it is.
//
// Completes with 406 without a batch.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_end_attributes_batch(const struct chatroom_client_t *client,
                                                     int64_t room_id,
                                                     chatroom_keys_fn done,
                                                     void *user_data,
                                                     chatroom_destructor_fn destructor);

// Reads the attributes of a room.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_attributes(const struct chatroom_client_t *client,
                                           int64_t room_id,
                                           chatroom_attributes_fn done,
                                           void *user_data,
                                           chatroom_destructor_fn destructor);

// Sets attributes of members of a room; an empty value deletes its key.
//
// The answer has, for each of them, the attributes as they are now and the keys that others have set; and the accounts that
// are not there. Completes with 419 for too many, 414 for one that is too long.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_set_member_attributes(const struct chatroom_client_t *client,
                                                      const struct chatroom_member_attributes_edit_t *edit,
                                                      chatroom_member_attributes_fn done,
                                                      void *user_data,
                                                      chatroom_destructor_fn destructor);

// Reads the attributes of certain members of a room.
//
// Completes with 416 when asked more often than five times in half a minute.
//
// Arguments:
// - `accounts`: 1-100.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_lookup_member_attributes(const struct chatroom_client_t *client,
                                                         int64_t room_id,
                                                         const char *const *accounts,
                                                         size_t account_count,
                                                         chatroom_member_attributes_fn done,
                                                         void *user_data,
                                                         chatroom_destructor_fn destructor);

// Reads one page of the members of a room that have attributes, with these.
//
// Completes with 416 when asked more often than five times in half a minute.
//
// Arguments:
// - `next`: empty starts; the last response's value goes on.
// - `limit`: 1-100; absent means 100.
//
// Threads: any. Does not block.
chatroom_result chatroom_client_member_attributes(const struct chatroom_client_t *client,
                                                  int64_t room_id,
                                                  const char *next,
                                                  uint32_t limit,
                                                  chatroom_member_attributes_fn done,
                                                  void *user_data,
                                                  chatroom_destructor_fn destructor);

// Keeps a lent message beyond its callback, and returns it. Counts the received buffer up and copies nothing. NULL for NULL.
//
// A message keeps the whole buffer alive that it was received in: to keep many for long, copy what matters.
// Threads: any.
const struct chatroom_message_t *chatroom_message_ref(const struct chatroom_message_t *message);

// Lets a message go that chatroom_message_ref kept; also after its client has ended. NULL is nothing to do.
//
// Threads: any.
void chatroom_message_unref(const struct chatroom_message_t *message);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* CHATROOM_H */
