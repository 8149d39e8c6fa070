//! What every endpoint takes and answers: one table, from which come both the check of every call and
//! the description at `/openapi.json`.

use super::form::Form;
use super::parameter::Kind::{
    Account, Accounts, Address, Bytes, Decimal, Flag, Flags, Integer, Json, Moment, NewAccount, Numbers, Objects, Pairs, Pick,
    Room, Rooms, Text, Texts, Whole, Word,
};
use super::parameter::{Parameter, may, must};
use super::shapes::{self, Shape};
use crate::error::Status;
use crate::limits;

/// What an endpoint takes and answers.
pub(super) struct Described {
    /// Its path below the base.
    pub(super) path: &'static str,
    /// What it does, in the fewest words.
    pub(super) about: &'static str,
    /// Groups of parameters, in the order in which they are checked.
    takes: &'static [&'static [Parameter]],
    /// The answer when all is well.
    pub(super) gives: Shape,
}

impl Described {
    /// The row of the endpoint with this path.
    pub(super) fn of(path: &str) -> Option<&'static Described> {
        TABLE.iter().find(|row| row.path == path)
    }

    /// Its parameters.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &'static Parameter> {
        self.takes.iter().copied().flatten()
    }

    /// 414 if a parameter is missing or out of bounds (chatroom.md §c.0, step 3).
    pub(super) fn check(&self, form: &Form) -> Result<(), Status> {
        self.parameters().try_for_each(|parameter| parameter.check(form))
    }
}

/// A time in milliseconds.
const ANY_MS: super::parameter::Kind = Whole(0, i64::MAX);
const SWITCH: super::parameter::Kind = Pick(&[0, 1]);

const ROOM: &[Parameter] = &[must("roomid", Room, "The room.")];
const OPERATOR: &[Parameter] = &[must("operator", Account, "In whose name.")];
const NOTIFY_EXT: &[Parameter] = &[may("notifyExt", Text(limits::NOTIFY_EXT_CHARS_MAX), "Handed on with the notification.")];
const NOTIFY: &[Parameter] = &[
    may("needNotify", Flag, "Whether the room is told."),
    may("notifyExt", Text(limits::NOTIFY_EXT_CHARS_MAX), "Handed on with the notification."),
];
const CLOSING: &[Parameter] = &[
    may("delayClosePolicy", Pick(&[0, 1, 2]), "0: never, 1: delaySeconds from now, 2: once empty that long."),
    may("delaySeconds", Whole(0, limits::DELAY_CLOSE_SECONDS_MAX as i64), "By default the longest time there is."),
];
const ROOM_TEXTS: &[Parameter] = &[
    may("announcement", Text(limits::ANNOUNCEMENT_CHARS_MAX), "What members read on entering."),
    may("broadcasturl", Text(limits::BROADCAST_URL_CHARS_MAX), "Where the stream is."),
    may("ext", Text(limits::EXT_CHARS_MAX), "The application's own."),
    may("queuelevel", SWITCH, "0: everyone changes the queue, 1: creator and administrators."),
    may("bid", Text(limits::MODERATION_ID_CHARS_MAX), "Configuration of the moderation service."),
];
const COUNTED: &[Parameter] = &[may("needOnlineUserCount", Flag, "Whether the accounts in the room are counted.")];
const PROFILE: &[Parameter] = &[
    may("name", Text(limits::NICK_CHARS_MAX), "The nick where a room knows no other."),
    may("icon", Text(limits::AVATAR_CHARS_MAX), "The avatar where a room knows no other."),
    may("sign", Text(limits::SIGN_CHARS_MAX), "A motto."),
    may("email", Text(limits::EMAIL_CHARS_MAX), "An address."),
    may("birth", Text(limits::BIRTH_CHARS_MAX), "A day."),
    may("mobile", Text(limits::MOBILE_CHARS_MAX), "A number."),
    may("gender", Pick(&[0, 1, 2]), "0 unknown, 1 male, 2 female."),
    may("ex", Text(limits::ACCOUNT_EXT_CHARS_MAX), "The application's own."),
];
const ACCID: &[Parameter] = &[must("accid", Account, "The account.")];
const FROM: &[Parameter] = &[must("fromAccid", Account, "Who sends.")];
const TO: &[Parameter] = &[must("toAccids", Accounts(limits::DIRECTED_ACCOUNTS_MAX), "Who hears it.")];
const MESSAGE: &[Parameter] = &[
    must("msgId", Text(limits::MESSAGE_ID_CHARS_MAX), "Of the caller's choice."),
    must("msgType", Pick(&[0, 1, 2, 3, 4, 6, 10, 100]), "Text, image, audio, video, place, file, tip, custom."),
];
const MESSAGES: &[Parameter] = &[must(
    "msgList",
    Objects(limits::BATCH_MESSAGES_MAX),
    "Messages, each with the parameters that are not the same for all.",
)];
const CONTENT: &[Parameter] = &[
    may("attach", Text(limits::BODY_CHARS_MAX), "The text, or the attachment; of types 1-4 and 6 a JSON object."),
    may("ext", Text(limits::EXT_CHARS_MAX), "The application's own."),
    may("subType", Whole(1, u32::MAX as i64), "The application's own."),
    may("resendFlag", Flag, "A msgId that was accepted before is not sent again."),
    may("useYiDun", Integer, "0: the word list in place of the service; others have no effect."),
    may("bid", Text(limits::MODERATION_ID_CHARS_MAX), "Configuration of the moderation service."),
    may("yidunAntiCheating", Text(limits::MODERATION_ID_CHARS_MAX), "For the moderation service."),
    may("yidunAntiSpamExt", Text(limits::MODERATION_ID_CHARS_MAX), "For the moderation service."),
    may("antispam", Flag, "Whether antispamCustom stands for the content; without effect but with type 100."),
    may("antispamCustom", Json(limits::ANTISPAM_CUSTOM_CHARS_MAX), "What is moderated instead of the content."),
    may("env", Text(limits::MESSAGE_ENV_CHARS_MAX), "The application's own."),
    may("route", Flag, "Whether copies go to the application."),
];
const HIGH: &[Parameter] = &[
    may("highPriority", Flag, "Delivered before others."),
    may("needHighPriorityMsgResend", Flag, "Sent again to who enters."),
];
const IGNORES: &[Parameter] = &[may("ignoreMute", Flag, "No mute of any kind holds it back.")];
const TARGET: &[Parameter] = &[may("notifyTargetTags", Text(limits::EXPRESSION_CHARS_MAX), "An expression: for whom.")];
const TO_ALL: &[Parameter] = &[
    may("forbiddenIfHighPriorityMsgFreq", Flag, "Refused rather than sent as an ordinary one."),
    may("chatMsgPriority", Pick(&[1, 2, 3]), "3 is highPriority."),
    may("skipHistory", Flag, "Not stored."),
    may("abandonRatio", Whole(0, 9999), "Of 10000: how likely it is dropped."),
    may("locX", Decimal, "Where."),
    may("locY", Decimal, "Where."),
    may("locZ", Decimal, "Where."),
];
const SOME: &[Parameter] = &[must("accids", Accounts(limits::HTTP_ACCOUNTS_MAX), "The accounts.")];
const ROBOTS: &[Parameter] = &[must("accids", Accounts(limits::ROBOTS_PER_CALL_MAX), "The accounts.")];
const TAG: &[Parameter] = &[must("tag", Text(limits::TAG_CHARS_MAX), "The tag.")];
const PAGE: &[Parameter] = &[must("limit", Whole(1, limits::PAGE_MAX as i64), "How many at most.")];
const PRIORITY: &[Parameter] = &[
    may("highPriority", Flag, "Whether the notification is to be one of high priority."),
    may("highPriorityPolicy", Flag, "With highPriority: refused rather than taken as an ordinary one."),
];
const MUTE_SECONDS: &[Parameter] =
    &[must("muteDuration", Whole(0, limits::TEMP_MUTE_SECONDS_MAX as i64), "Seconds; 0 lifts it.")];
const QUEUE_OPERATOR: &[Parameter] = &[may("operator", Account, "In whose name; by default the creator.")];
const TRANSIENT: &[Parameter] = &[may("transient", Flag, "It goes when its owner has left.")];
const QUEUE_KEY: &[Parameter] = &[may("key", Bytes(limits::QUEUE_KEY_BYTES_MAX), "Which; missing: the first.")];

/// `path, what it does, [groups of parameters], answer`.
macro_rules! table {
    ($($path:literal, $about:literal, [$($takes:expr),* $(,)?], $gives:ident;)*) => {
        /// A row for each endpoint.
        pub(super) const TABLE: &[Described] =
            &[$(Described { path: $path, about: $about, takes: &[$($takes),*], gives: shapes::$gives }),*];
    };
}

table! {
    "/chatroom/create.action", "Creates a room.", [
        &[
            must("creator", Account, "An account that exists."),
            must("name", Text(limits::ROOM_NAME_CHARS_MAX), "Its name."),
        ],
        ROOM_TEXTS,
        &[may("inOutNotification", Flag, "Whether the room tells who enters and leaves.")],
        CLOSING
    ], chatroom;
    "/chatroom/get.action", "A room.", [ROOM, COUNTED], chatroom;
    "/chatroom/getBatch.action", "Several rooms.", [
        &[must("roomids", Rooms(limits::BATCH_ROOMS_MAX), "The rooms.")],
        COUNTED
    ], rooms;
    "/chatroom/update.action", "Changes a room; an empty text clears.", [
        ROOM,
        &[may("name", Text(limits::ROOM_NAME_CHARS_MAX), "Its name.")],
        ROOM_TEXTS, NOTIFY
    ], chatroom;
    "/chatroom/toggleCloseStat.action", "Closes or opens a room.", [
        ROOM, OPERATOR,
        &[must("valid", Flag, "false closes, true opens.")],
        CLOSING, NOTIFY_EXT
    ], room_in_desc;
    "/chatroom/muteRoom.action", "Mutes everybody without a rank.", [
        ROOM, OPERATOR,
        &[must("mute", Flag, "Whether it is muted.")],
        NOTIFY
    ], success;
    "/chatroom/updateInOutNotification.action", "Whether a room tells who enters and leaves.", [
        ROOM,
        &[must("close", Flag, "true: it does not tell.")]
    ], bare;
    "/chatroom/queryUserRoomIds.action", "The open rooms an account has created.", [
        &[must("creator", Account, "The account.")]
    ], room_ids;
    "/chatroom/requestAddr.action", "Where a client connects.", [
        ROOM, ACCID,
        &[
            may("clienttype", Pick(&[1, 2, 3]), "1 (by default) and 3 WebSocket, 2 TCP."),
            may("clientip", Address, "Where the client is."),
        ]
    ], addresses;
    "/chatroom/setMemberRole.action", "Gives or takes a role, the blocklist and the mute included.", [
        ROOM, OPERATOR,
        &[
            must("target", Account, "Who."),
            must("opt", Pick(&[1, 2, -1, -2]), "1 administrator, 2 ordinary member, -1 blocklist, -2 mute."),
            must("optvalue", Flag, "true sets, false unsets."),
        ],
        NOTIFY_EXT
    ], role;
    "/chatroom/temporaryMute.action", "Mutes a member for a time.", [
        ROOM, OPERATOR,
        &[must("target", Account, "Who.")],
        MUTE_SECONDS, NOTIFY
    ], mute_duration;
    "/chatroom/membersByPage.action", "Members, newest first.", [
        ROOM,
        &[
            must("type", Pick(&[0, 1, 2]), "0 fixed, 1 others, 2 fixed and here."),
            may("endtime", ANY_MS, "0, or the time of the last of the page before."),
        ],
        PAGE
    ], members;
    "/chatroom/queryMembers.action", "These members.", [ROOM, SOME], members;
    "/chatroom/queryMembersByRole.action", "Members with these roles.", [
        ROOM,
        &[must("roles", Flags(&["creator", "manager", "blacklist", "mute"]), "At least one of them true.")]
    ], members;
    "/chatroom/updateMyRoomRole.action", "Changes what a member shows; an empty text clears, none changes nothing.", [
        ROOM, ACCID,
        &[
            may("save", Flag, "Kept for a fixed member."),
            may("nick", Text(limits::NICK_CHARS_MAX), "Its nick."),
            may("avator", Text(limits::AVATAR_CHARS_MAX), "Its avatar."),
            may("ext", Text(limits::EXT_CHARS_MAX), "The application's own."),
        ],
        NOTIFY
    ], bare;
    "/chatroom/kickMember.action", "Puts a member out.", [
        ROOM,
        &[must("accid", Account, "In whose name."), must("targetAccid", Account, "Who.")],
        NOTIFY_EXT
    ], bare;
    "/chatroom/updateDelayClosePolicy.action", "When a room closes by itself.", [
        ROOM,
        &[
            must("delayClosePolicy", Pick(&[0, 1, 2]), "0: never, 1: delaySeconds from now, 2: once empty that long."),
            may("delaySeconds", Whole(0, limits::DELAY_CLOSE_SECONDS_MAX as i64), "By default the longest time there is."),
        ]
    ], chatroom;
    "/chatroom/delete.action", "Erases a closed room.", [ROOM, OPERATOR], bare;
    "/chatroom/addRobot.action", "Adds robots.", [
        ROOM, ROBOTS,
        &[may("roleExt", Text(limits::EXT_CHARS_MAX), "Their ext.")],
        NOTIFY_EXT
    ], robots_added;
    "/chatroom/removeRobot.action", "Removes robots.", [ROOM, ROBOTS], robots_removed;
    "/chatroom/cleanRobot.action", "Removes all robots.", [ROOM, &[may("notify", Flag, "Whether members hear of each.")]], size;
    "/chatroom/tagTemporaryMute.action", "Mutes a tag for a time.", [
        ROOM, OPERATOR,
        &[must("targetTag", Text(limits::TAG_CHARS_MAX), "The tag.")],
        MUTE_SECONDS, TARGET, NOTIFY
    ], mute_duration;
    "/chatroom/tagMembersCount.action", "How many accounts carry a tag.", [ROOM, TAG], tag_count;
    "/chatroom/tagMembersQuery.action", "Connections with a tag, newest first.", [
        ROOM, TAG,
        &[may("endTime", ANY_MS, "0, or the time of the last of the page before.")],
        PAGE
    ], tagged_members;
    "/chatroom/updateChatRoomRoleTag.action", "Changes the tags of a member on all its connections.", [
        ROOM, ACCID,
        &[
            may("tags", Texts(0, limits::TAGS_MAX), "All its tags."),
            may("notifyTargetTags", Text(limits::EXPRESSION_CHARS_MAX), "An expression: whom it hears."),
        ],
        NOTIFY_EXT
    ], bare;
    "/history/queryChatroomMsg.action", "What was said.", [
        ROOM, ACCID,
        &[
            must("timetag", ANY_MS, "0: now, or the beginning."),
            must("limit", Whole(1, limits::HTTP_HISTORY_MAX as i64), "How many at most."),
            may("reverse", Pick(&[1, 2]), "1: from timetag on, 2: before it."),
            may("type", Numbers, "Types, with commas between them."),
        ]
    ], history;
    "/history/queryTagHistoryMsg.action", "What was said to these tags.", [
        ROOM,
        &[
            must("tags", Texts(1, limits::TAGS_MAX), "The tags."),
            may("types", Numbers, "Types, with commas between them."),
            may("fromTime", ANY_MS, "From when on."),
            may("toTime", ANY_MS, "Until when."),
            may("limit", Whole(1, limits::PAGE_MAX as i64), "How many at most."),
            may("reverse", Flag, "1: oldest first."),
        ]
    ], tag_history;
    "/chatroom/recall.action", "Takes a message back.", [
        ROOM,
        &[
            must("msgTimetag", ANY_MS, "Its time."),
            must("msgId", Text(limits::MESSAGE_ID_CHARS_MAX), "Its id."),
            must("fromAcc", Account, "Who sent it."),
            must("operatorAcc", Account, "In whose name."),
            may("notifyExt", Text(limits::RECALL_EXT_CHARS_MAX), "Handed on with the notification."),
        ]
    ], bare;
    "/chatroom/deleteHistoryMessage.action", "Deletes a message without telling anybody.", [
        ROOM,
        &[must("fromAcc", Account, "Who sent it."), must("msgTimetag", Whole(1, i64::MAX), "Its time.")]
    ], bare;
    "/chatroom/sendMsg.action", "Sends a message.", [ROOM, FROM, MESSAGE, CONTENT, IGNORES, HIGH, TARGET, TO_ALL], sent_message;
    "/chatroom/batchSendMsg.action", "Sends messages.", [ROOM, FROM, MESSAGES, CONTENT, IGNORES, HIGH, TARGET, TO_ALL], sent_messages;
    "/chatroom/sendMsgToSomeone.action", "Sends a message to some.", [ROOM, FROM, TO, MESSAGE, CONTENT, IGNORES], sent_message;
    "/chatroom/batchSendMsgToSomeone.action", "Sends messages to some.", [ROOM, FROM, TO, MESSAGES, CONTENT, IGNORES], sent_messages;
    "/chatroom/queueInit.action", "Bounds the queue.", [
        ROOM,
        &[may("sizeLimit", Whole(0, limits::QUEUE_SIZE_MAX as i64), "How many elements it holds.")]
    ], empty;
    "/chatroom/queueOffer.action", "Puts an element into the queue.", [
        ROOM,
        &[
            must("key", Bytes(limits::QUEUE_KEY_BYTES_MAX), "At most 128 bytes."),
            must("value", Bytes(limits::QUEUE_VALUE_BYTES_MAX), "At most 4096 bytes."),
        ],
        QUEUE_OPERATOR, TRANSIENT, PRIORITY
    ], queue_changed;
    "/chatroom/queueBatchOffer.action", "Puts elements into the queue.", [
        ROOM,
        &[must("elements", Objects(limits::QUEUE_BATCH_MAX), "Objects with key, value, perhaps accid and transient.")],
        QUEUE_OPERATOR, TRANSIENT, NOTIFY, PRIORITY
    ], queue_offered;
    "/chatroom/queueBatchUpdateElements.action", "Changes elements of the queue.", [
        ROOM, OPERATOR,
        &[must("elements", Pairs(limits::QUEUE_BATCH_MAX), "Values by key.")],
        NOTIFY, PRIORITY
    ], queue_updated;
    "/chatroom/queueList.action", "The queue.", [ROOM], queue_elements;
    "/chatroom/queueMultiGet.action", "Some elements of the queue.", [
        ROOM,
        &[must("keys", Texts(1, limits::QUEUE_BATCH_MAX), "Their keys.")]
    ], queue_elements;
    "/chatroom/queuePoll.action", "Takes an element out of the queue.", [ROOM, QUEUE_KEY, PRIORITY], queue_polled;
    "/chatroom/queueDrop.action", "Empties the queue.", [ROOM, PRIORITY], queue_changed;
    "/chatroom/broadcast.action", "Sends a message to every room.", [FROM, MESSAGE, CONTENT, HIGH, TARGET], broadcast_message;
    "/stats/chatroom/topn.action", "The most active rooms.", [
        &[
            may("topn", Whole(1, limits::TOP_ROOMS_MAX as i64), "How many at most."),
            may("timestamp", Moment, "When, in s or ms, within the last 30 days; by default now."),
            may("period", Word(&["hour", "day"]), "Of which length."),
            may("orderby", Word(&["active", "enter", "join", "message"]), "By which count."),
        ]
    ], top_rooms;
    "/user/create.action", "Creates an account.", [
        &[
            must("accid", NewAccount, "Stored in lower case."),
            may("token", Text(limits::STATIC_TOKEN_CHARS_MAX), "Missing: a random one."),
        ],
        PROFILE
    ], account_made;
    "/user/update.action", "Replaces the token and changes the profile.", [
        ACCID,
        &[may("token", Text(limits::STATIC_TOKEN_CHARS_MAX), "The new one.")],
        PROFILE
    ], bare;
    "/user/refreshToken.action", "Replaces the token by a random one.", [ACCID], token_made;
    "/user/block.action", "Blocks an account.", [
        ACCID,
        &[
            may("needkick", Flag, "Whether its connections are closed."),
            may("kickNotifyExt", Text(limits::NOTIFY_EXT_CHARS_MAX), "What they are told."),
        ]
    ], bare;
    "/user/unblock.action", "Lets an account in again.", [ACCID], bare;
    "/user/mute.action", "Mutes an account everywhere.", [ACCID, &[must("mute", Flag, "Whether it is muted.")]], bare;
    "/user/muteModule.action", "Mutes an account in some places; a flag that is missing stays.", [
        ACCID,
        &[
            may("muteP2P", Flag, "Kept."),
            may("muteTeam", Flag, "Kept."),
            may("muteRoom", Flag, "In rooms."),
            may("muteQChat", Flag, "Kept."),
        ]
    ], muted_modules;
    "/user/getUinfos.action", "Profiles.", [SOME], profiles;
    "/user/updateUinfo.action", "Changes a profile; at least one field.", [ACCID, PROFILE], bare;
    "/user/userOnlineStatus.action", "Where accounts are logged in.", [SOME], online_status;
}
