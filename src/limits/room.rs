//! Rooms, their members and attributes, rooms made by clients (chatroom.md §a.3, §a.4, §a.9, §c.6, §i).

use super::FRAME_BYTES_MIN;

/// Characters of a room's name.
pub const ROOM_NAME_CHARS_MAX: usize = 128;
/// Characters of an announcement.
pub const ANNOUNCEMENT_CHARS_MAX: usize = 4096;
/// Characters of a live stream's address.
pub const BROADCAST_URL_CHARS_MAX: usize = 1024;
/// Characters of an `ext` field of a room, member or message.
pub const EXT_CHARS_MAX: usize = 4096;
/// Characters of a `notify_ext`.
pub const NOTIFY_EXT_CHARS_MAX: usize = 2048;
/// Characters of a recall's `notify_ext`.
pub const RECALL_EXT_CHARS_MAX: usize = 1024;
/// Characters of a moderation id.
pub const MODERATION_ID_CHARS_MAX: usize = 1024;
/// Characters of a nick.
pub const NICK_CHARS_MAX: usize = 64;
/// Characters of an avatar's address.
pub const AVATAR_CHARS_MAX: usize = 1024;
/// Tags of one connection.
pub const TAGS_MAX: usize = 10;
/// Characters of a tag.
pub const TAG_CHARS_MAX: usize = 32;
/// Characters of a tag expression.
pub const EXPRESSION_CHARS_MAX: usize = 128;
/// Matchers of a tag expression. More do not fit into 128 characters; the bound is the parser's own.
pub const EXPRESSION_MATCHERS_MAX: usize = 16;
/// Parentheses within parentheses of a tag expression.
pub const EXPRESSION_NESTING_MAX: usize = 8;
/// Bytes of one compiled regular expression, and of each of the two tables it fills while it matches: enough for `\p{L}{1,6}`, and compiled in about a millisecond.
pub const EXPRESSION_REGEX_BYTES_MAX: usize = 128 * 1024;
/// Compiled expressions a room keeps at hand, and regular expressions among them: bounds them to about 6 MiB, and to far less where
/// they name tags in full.
pub const EXPRESSIONS_CACHED: usize = 16;
/// Ticks of a worker, seconds, after which a compiled expression goes that nobody has used; when the room is empty all go at once.
pub const EXPRESSIONS_KEPT_TICKS: u32 = 16;
/// Fixed members of a room.
pub const FIXED_MEMBERS_MAX: usize = 1000;
/// The most fixed members a room may be configured to have: a snapshot holds all of them.
pub const FIXED_MEMBERS_CEILING: u64 = 10_000;
/// The most robots a room may be configured to have.
pub const ROBOTS_CEILING: u64 = 10_000;
/// Connections of one account in one room.
pub const CONNECTIONS_PER_ACCOUNT_MAX: usize = 10;
/// Persistent rooms of one account.
pub const ROOMS_PER_ACCOUNT_MAX: usize = 10;
/// Rooms made by one account that everybody has left and that wait for their end; while there are so many it makes no other.
pub const CLIENT_ROOMS_LEFT_PER_ACCOUNT_MAX: usize = 20;
/// The same of all accounts of an application.
pub const CLIENT_ROOMS_LEFT_PER_APP_MAX: usize = 10_000;
/// Rooms that a worker has read at one tick because they end, or may.
pub const ENDINGS_PER_TICK: usize = 64;
/// Rooms made by clients of one account (chatroom.md §d.5).
pub const CLIENT_ROOMS_PER_ACCOUNT_MAX: usize = 5;
/// Robots of one call that adds or removes them.
pub const ROBOTS_PER_CALL_MAX: usize = 100;
/// Robots of a room.
pub const ROBOTS_PER_ROOM_MAX: usize = 1000;
/// Seconds a robot stays after it was added, or added again.
pub const ROBOT_TTL_SECONDS: i64 = 86_400;
/// The longest stay of a robot that may be configured: 30 days, as of a temporary mute.
pub const ROBOT_TTL_SECONDS_MAX: u64 = 2_592_000;
/// Seconds after which a room may be told to close by itself (7 days).
pub const DELAY_CLOSE_SECONDS_MAX: u32 = 604_800;
/// Things a room does by itself at one tick; what is left waits for the next one, so that no room holds up the others.
pub const DUE_COMMANDS_MAX: usize = 1000;
/// Rooms of one worker that do within a second what is due: what was overdue at a restart, or while a clock was wrong, does not come
/// all at once.
pub const DUE_ROOMS_MAX: usize = 256;
/// Items of a page of members or messages asked for by a client.
pub const PAGE_MAX: u32 = 100;
/// Bytes of the items of one page of any list that goes over the wire: the answer fits into a frame of [`FRAME_BYTES_MIN`](super::FRAME_BYTES_MIN), with
/// the rest of it beside the items. One item alone is never more.
pub const PAGE_BYTES_MAX: usize = FRAME_BYTES_MIN - 16 * 1024;
/// Bytes an item of a page counts for beside its own encoding: what protobuf adds to say how long it is.
pub const PAGE_ITEM_BYTES: usize = 16;
/// Accounts of one look-up by a client.
pub const LOOKUP_ACCOUNTS_MAX: usize = 20;
/// Seconds of a temporary mute (30 days).
pub const TEMP_MUTE_SECONDS_MAX: u32 = 2_592_000;
/// Temporarily muted accounts a room remembers, tags likewise: bounds what administrators can pile up.
pub const TEMP_MUTES_MAX: usize = 100_000;
/// Attributes of a room.
pub const ATTRIBUTES_MAX: usize = 20;
/// Bytes of the key of a room's attribute.
pub const ATTRIBUTE_KEY_BYTES_MAX: usize = 16;
/// Bytes of the value of a room's attribute.
pub const ATTRIBUTE_VALUE_BYTES_MAX: usize = 1024;
/// Bytes of all keys and values of a room's attributes.
pub const ATTRIBUTES_BYTES_MAX: usize = 5120;
/// Operations of one batch on a room's attributes.
pub const ATTRIBUTE_OPERATIONS_MAX: usize = 50;
/// Attributes of one member.
pub const MEMBER_ATTRIBUTES_MAX: usize = 30;
/// Bytes of the key of a member's attribute.
pub const MEMBER_ATTRIBUTE_KEY_BYTES_MAX: usize = 8;
/// Bytes of the value of a member's attribute.
pub const MEMBER_ATTRIBUTE_VALUE_BYTES_MAX: usize = 64;
/// Bytes of all keys and values of one member's attributes.
pub const MEMBER_ATTRIBUTES_BYTES_MAX: usize = 144;
/// Accounts of a room that carry attributes.
pub const MEMBERS_WITH_ATTRIBUTES_MAX: usize = 500;
/// Accounts whose attributes one request sets or asks for.
pub const MEMBER_ATTRIBUTES_ACCOUNTS_MAX: usize = 100;
/// Queries for attributes of members, of each kind, by one account within [`MEMBER_ATTRIBUTE_QUERIES_MS`].
pub const MEMBER_ATTRIBUTE_QUERIES_MAX: usize = 5;
/// See [`MEMBER_ATTRIBUTE_QUERIES_MAX`].
pub const MEMBER_ATTRIBUTE_QUERIES_MS: i64 = 30_000;
/// Accounts of a room whose recent queries are counted, a few MiB; while there are so many, one more is told to wait.
pub const QUERYING_ACCOUNTS_MAX: usize = 10_000;
/// Bytes of the alias of a room made by a client.
pub const ALIAS_BYTES_MAX: usize = 32;
/// Bytes of the name of a room made by a client.
pub const CLIENT_ROOM_NAME_BYTES_MAX: usize = 64;
/// Seconds from the last leave of a room made by a client to its end.
pub const DESTROY_DELAY_SECONDS_MAX: u32 = 3600;
/// Members of a room made by a client that its lists show: the first that entered.
pub const CLIENT_ROOM_LISTED_MAX: usize = 500;
/// Accounts of one look-up in a room made by a client.
pub const CLIENT_ROOM_LOOKUP_MAX: usize = 10;
/// Device ids of one request to put devices out.
pub const KICK_DEVICES_MAX: usize = 100;
