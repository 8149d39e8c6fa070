//! Every bound of the system, with its unit and the reason for its value. Open to every module.
//!
//! `_CHARS` counts Unicode scalar values, `_BYTES` bytes of UTF-8, `_MS` milliseconds. All limits are inclusive: a value over
//! its limit is refused with 414, never cut.

// Frames (wire.md §1, §2).

/// Bytes of a frame's header.
pub const HEADER_BYTES: usize = 16;
/// Bytes of a frame before login: enough for a login, too little to hurt.
pub const FRAME_BYTES_MAX_BEFORE_LOGIN: usize = 4 * 1024;
/// Bytes of a frame after login (chatroom.md §i).
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// The smallest value `frame_bytes_max` may be configured to: every push fits into it, and every page of a list. The largest push
/// tells of [`QUEUE_BATCH_MAX`] queue elements; the request that offers them is as long.
pub const FRAME_BYTES_MIN: usize = 512 * 1024;
/// The largest value `frame_bytes_max` may be configured to.
pub const FRAME_BYTES_CEILING: usize = 16 * 1024 * 1024;
/// Bytes of a ping's body, which the response echoes.
pub const PING_BYTES_MAX: usize = 64;

// Sessions (chatroom.md §d.3, §c.0).

/// Silence of the client, or of the server, after which a client sends a ping.
pub const HEARTBEAT_MS: u64 = 30_000;
/// Silence after which the server closes a connection.
pub const IDLE_TIMEOUT_MS: u64 = 90_000;
/// Time from transport up to login.
pub const LOGIN_TIMEOUT_MS: u64 = 10_000;
/// How long a client waits for the transport.
pub const CONNECT_TIMEOUT_MS: u64 = 8_000;
/// How long a client waits for a response before it completes the request with 408.
pub const RESPONSE_TIMEOUT_MS: u64 = 8_000;
/// The longest time a send may take in all, over all the connections it takes: then it ends with 408 and is never repeated. At the
/// full rate the server remembers a sender's ids for 100 s and a room's for 65 s ([`DEDUP_IDS_PER_SENDER`],
/// [`DEDUP_IDS_PER_ROOM`]), so that what is repeated within this time is stored once.
pub const SEND_TIMEOUT_MS: u64 = 60_000;
/// Between two attempts to reach a server at one of its addresses: the next one is tried beside the first (RFC 8305 §5).
pub const CONNECT_STAGGER_MS: u64 = 250;
/// How long a client waits for the response to a ping before it calls the connection dead.
pub const PING_TIMEOUT_MS: u64 = 5_000;
/// Longest delay of the first reconnect; the range doubles with each.
pub const RECONNECT_MS_MIN: u64 = 1_600;
/// Longest delay of any reconnect.
pub const RECONNECT_MS_MAX: u64 = 8_000;
/// Kicks that a room remembers, each for the grace; the oldest goes first.
pub const KICKS_KEPT_MAX: usize = 1_024;
/// How long a lost connection keeps its place in its rooms.
pub const DETACH_GRACE_MS: u64 = 10_000;
/// The largest value the grace may be configured to.
pub const DETACH_GRACE_MS_MAX: u64 = 60_000;
/// How long a draining server waits for its clients to go.
pub const DRAIN_MS: u64 = 5_000;
/// Requests per second a session may make (chatroom.md §c.0 row 2).
pub const SESSION_REQUESTS_PER_SECOND: u32 = 50;
/// Requests a session may make at once after a rest.
pub const SESSION_REQUESTS_BURST: u32 = 100;
/// Requests of one session that may wait for their answers; nothing more is read until one has its answer, or
/// [`REQUEST_WAIT_MS`] have passed: then one more is 503.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 1024;
/// Messages the client library keeps waiting for a connection; one more is refused as busy.
pub const CLIENT_QUEUE_MAX: usize = 1024;
/// Message ids a client remembers per room to drop doubles (chatroom.md §e.2).
pub const CLIENT_SEEN_MESSAGES: usize = 1000;

// Accounts (chatroom.md §a.1, §a.2, §d.1).

/// Bytes of an account id.
pub const ACCOUNT_BYTES_MAX: usize = 32;
/// Characters of an app key and of its secret.
pub const APP_KEY_CHARS_MAX: usize = 64;
/// Bytes of a token at login: dynamic tokens are long.
pub const TOKEN_BYTES_MAX: usize = 4096;
/// Characters of a static token.
pub const STATIC_TOKEN_CHARS_MAX: usize = 128;
/// Characters of an account's `ext`.
pub const ACCOUNT_EXT_CHARS_MAX: usize = 1024;
/// Characters of an account's signature line.
pub const SIGN_CHARS_MAX: usize = 256;
/// Characters of an account's mail address.
pub const EMAIL_CHARS_MAX: usize = 64;
/// Characters of an account's date of birth.
pub const BIRTH_CHARS_MAX: usize = 16;
/// Characters of an account's telephone number.
pub const MOBILE_CHARS_MAX: usize = 32;
/// Characters of `login_ext`.
pub const LOGIN_EXT_CHARS_MAX: usize = 4096;
/// Characters of a device id.
pub const DEVICE_ID_CHARS_MAX: usize = 64;
/// Characters of a custom tag (a login's label).
pub const CUSTOM_TAG_CHARS_MAX: usize = 32;
/// By how much clocks may differ when a dynamic token is checked.
pub const TOKEN_SKEW_MS: i64 = 60_000;
/// Seconds a dynamic token may be made for with which rooms made by clients are entered: 24 days (chatroom.md §d.1, §i).
pub const CLIENT_ROOM_TOKEN_SECONDS_MAX: u64 = 2_073_600;
/// Times of dynamic tokens in the vendor's format, in milliseconds since 1970: those of exactly 13 digits, 2001 to 2286.
pub const TOKEN_TIMES_MS: std::ops::RangeInclusive<i64> = 1_000_000_000_000..=9_999_999_999_999;
/// Digits of a time in milliseconds, of tokens and of webhooks.
pub const TIME_DIGITS: usize = 13;
/// Lives of dynamic tokens in the vendor's format that are expected of an application which lists none, in seconds: minutes, hours, and
/// 1 to 24 days (chatroom.md §d.1).
pub const TOKEN_LIVES_DEFAULT: [u64; 35] = {
    let mut lives = [0; 35];
    let short = [60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 28_800, 43_200];
    let mut at = 0;
    while at < lives.len() {
        lives[at] = if at < short.len() { short[at] } else { (at - short.len() + 1) as u64 * 86_400 };
        at += 1;
    }
    lives
};
/// Lives an application may list.
pub const TOKEN_LIVES_MAX: usize = 64;
/// The longest life an application may list, in seconds: ten years.
pub const TOKEN_LIFE_SECONDS_MAX: u64 = 315_360_000;
/// Digits of that.
pub const TOKEN_LIFE_DIGITS_MAX: usize = 9;
/// Before this moment no application was made on any server: 2026-11-22, in milliseconds since 1970.
pub const FIRST_APP_MADE_MS: i64 = 1_795_305_600_000;
/// Public keys an application's JWTs may be signed with.
pub const JWT_KEYS_MAX: usize = 32;
/// Bytes of a file of such keys.
pub const JWT_KEYS_BYTES_MAX: usize = 256 * 1024;
/// Bytes of the modulus of an RSA key: 2048 to 8192 bits.
pub const JWT_RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// Seconds before expiry at which a client is told.
pub const TOKEN_WARNING_SECONDS: u32 = 30;

// Rooms and members (chatroom.md §a.3, §a.4, §i).

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
/// Bytes of the items of one page of any list that goes over the wire: the answer fits into a frame of [`FRAME_BYTES_MIN`], with
/// the rest of it beside the items. One item alone is never more.
pub const PAGE_BYTES_MAX: usize = FRAME_BYTES_MIN - 16 * 1024;
/// Bytes of the members of one page asked for over HTTP: a hundred of the largest.
pub const HTTP_PAGE_BYTES_MAX: usize = 48 * 1024 * 1024;
/// Bytes an item of a page counts for beside its own encoding: what protobuf adds to say how long it is.
pub const PAGE_ITEM_BYTES: usize = 16;
/// Accounts of one look-up by a client.
pub const LOOKUP_ACCOUNTS_MAX: usize = 20;
/// Seconds of a temporary mute (30 days).
pub const TEMP_MUTE_SECONDS_MAX: u32 = 2_592_000;
/// Temporarily muted accounts a room remembers, tags likewise: bounds what administrators can pile up.
pub const TEMP_MUTES_MAX: usize = 100_000;

// Attributes and rooms made by clients (chatroom.md §a.3, §a.9, §c.6).

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

// Messages (chatroom.md §a.6, §e).

/// Characters of a message id.
pub const MESSAGE_ID_CHARS_MAX: usize = 64;
/// Characters of a body or an attachment.
pub const BODY_CHARS_MAX: usize = 4096;
/// Characters of the name of a webhook environment.
pub const MESSAGE_ENV_CHARS_MAX: usize = 32;
/// Characters of what goes to a third-party callback.
pub const CALLBACK_EXT_CHARS_MAX: usize = 1024;
/// Characters of what is moderated in place of a custom message.
pub const ANTISPAM_CUSTOM_CHARS_MAX: usize = 5000;
/// Receivers of a directed message.
pub const DIRECTED_ACCOUNTS_MAX: usize = 100;
/// Time for which an accepted message id is remembered.
pub const DEDUP_WINDOW_MS: i64 = 600_000;
/// Message ids remembered per sender and room.
pub const DEDUP_IDS_PER_SENDER: usize = 1000;
/// Message ids remembered per room: bounds the window of a very busy room to about 16 MiB.
pub const DEDUP_IDS_PER_ROOM: usize = 131_072;
/// Messages of high priority per second and room; more are ordinary ones.
pub const HIGH_PRIORITY_PER_SECOND: usize = 10;
/// Time for which a message of high priority is sent again to who enters.
pub const HIGH_PRIORITY_RESEND_MS: i64 = 30_000;
/// The most messages of high priority per second and room that may be configured.
pub const HIGH_PRIORITY_PER_SECOND_MAX: usize = 1000;
/// The longest time to send them again that may be configured.
pub const HIGH_PRIORITY_RESEND_SECONDS_MAX: u64 = 300;
/// Bytes of messages of high priority a room keeps for who enters; the oldest go first.
pub const PRIORITY_BACKLOG_BYTES_MAX: usize = 1024 * 1024;
/// Messages of high priority a room keeps for who enters: over thrice what the default rate brings in 30 s.
pub const PRIORITY_BACKLOG_MAX: usize = 1024;
/// Bytes such a message counts for beside its encoded form.
pub const PRIORITY_MESSAGE_BYTES: usize = 256;
/// Connections of an audience that are kept with such a message; of a longer list it is forgotten who heard it.
pub const PRIORITY_LISTED_MAX: usize = 8192;
/// Bytes of such messages sent to one who enters, so that a fresh connection is not closed as a slow one; the newest go.
pub const PRIORITY_RESENT_BYTES_MAX: usize = 192 * 1024;
/// Accounts of which a room remembers what they heard of the backlog, some 10 MiB; one that is forgotten hears it twice.
pub const PRIORITY_NOTES_MAX: usize = 65_536;
/// Stretches of the backlog remembered per account.
pub const PRIORITY_RANGES_MAX: usize = 32;
/// Time within which who sent a message may recall it (chatroom.md §c.3).
pub const RECALL_WINDOW_MS: i64 = 120_000;
/// Time for which a room remembers what was recalled: far longer than the log takes to forget it.
pub const RECALLED_MS: i64 = 60_000;
/// Recalls a room remembers.
pub const RECALLED_MAX: usize = 10_000;
/// Words of a moderator's list.
pub const WORDS_MAX: usize = 100_000;
/// Bytes of a file of words.
pub const WORDS_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Characters of a word of that list.
pub const WORD_CHARS_MAX: usize = 64;
/// Messages per second of one account in one room.
pub const SENDS_PER_SECOND: u32 = 10;
/// Messages of one account in one room at once after a rest.
pub const SENDS_BURST: u32 = 20;
/// The time over which the longer of an account's two limits on messages counts (chatroom.md §e.7).
pub const SENDS_LONG_MS: i64 = 300_000;
/// Messages per second a room takes from clients.
pub const ROOM_INTAKE_PER_SECOND: u32 = 2000;
/// Days a message stays in the history.
pub const HISTORY_DAYS: u32 = 10;
/// The largest number of days that may be configured.
pub const HISTORY_DAYS_MAX: u32 = 3650;
/// Bytes of the items of one history page; see [`PAGE_BYTES_MAX`].
pub const HISTORY_PAGE_BYTES_MAX: usize = PAGE_BYTES_MAX;
/// Bytes of what the members are told of one batch of attributes: it must fit into a frame and into a page of history.
pub const ATTRIBUTES_TOLD_BYTES_MAX: usize = 256 * 1024;
/// Entries one history page may look at: bounds what a filter that matches nothing costs.
pub const HISTORY_SCAN_MAX: usize = 10_000;
/// How often the HTTP API, whose answers do not say how far they reached, goes on behind so many entries without a match; beyond
/// it the query is 503.
pub const HTTP_HISTORY_SCANS_MAX: usize = 64;
/// Entries of one millisecond among which a message is looked for.
pub const FIND_SCAN_MAX: usize = 10_000;
/// Entries a regular expression counts for that a page of history has not met before: it has to be compiled.
pub const HISTORY_EXPRESSION_ENTRIES: usize = 50;

// Queue (chatroom.md §f).

/// Bytes of a queue key.
pub const QUEUE_KEY_BYTES_MAX: usize = 128;
/// Bytes of a queue value.
pub const QUEUE_VALUE_BYTES_MAX: usize = 4096;
/// Elements of a queue that was never initialised, and the most `queueInit` may ask for.
pub const QUEUE_SIZE_MAX: u32 = 1000;
/// Elements of a queue initialised without a size.
pub const QUEUE_SIZE_DEFAULT: u32 = 50;
/// Bytes of all elements of a queue, some 4.1 MiB: what the limits above promise. Lists and notifications of them go in parts.
pub const QUEUE_BYTES_MAX: usize =
    QUEUE_SIZE_MAX as usize * (QUEUE_KEY_BYTES_MAX + QUEUE_VALUE_BYTES_MAX + QUEUE_ELEMENT_BYTES);
/// Bytes an element counts for beside its key and value: its owner, and what protobuf adds.
pub const QUEUE_ELEMENT_BYTES: usize = 64;
/// Elements of one batch.
pub const QUEUE_BATCH_MAX: usize = 100;

// Dispatch (design.md §3).

/// Bytes of recent frames a room's feed keeps per worker; the oldest go first. A reader that lags further is told the gap.
pub const FEED_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of notifications a feed keeps beyond its ring for readers that lag; one that lacks even these is closed.
pub const FEED_SAVED_BYTES_MAX: usize = 256 * 1024;
/// Bytes the frame of such a notification counts for at most. So there is room for those that tell of a full queue of which every
/// element goes at once, ten of 424 KiB; sixteen of them, some 7 MiB, are the most there can be.
pub const FEED_SAVED_FRAME_BYTES: usize = 16 * 1024;
/// Frames a feed keeps.
pub const FEED_FRAMES_MAX: usize = 1024;
/// Age after which a frame leaves the feed of a room that is quiet (chatroom.md §d.7: resume reaches back 30 s).
pub const FEED_AGE_MS: u64 = 30_000;
/// Items a resume replays at most (chatroom.md §d.7).
pub const RESUME_ITEMS_MAX: usize = 200;
/// Items a replay out of the log holds at most; the newest count (chatroom.md §d.7).
pub const REPLAY_ITEMS_MAX: usize = 1_000;
/// Bytes of the frames of one replay out of the log.
pub const REPLAY_BYTES_MAX: usize = 512 * 1024;
/// Replays that a worker reads out of the log at once; the others wait.
pub const REPLAYS_AT_ONCE: usize = 16;
/// Replays of one worker that may wait to be read; beyond it a connection is told the gap instead.
pub const REPLAYS_WAITING_MAX: usize = 16 * 1024;
/// Epochs of which a room remembers with which number they began (im.md §0.2).
pub const ROOM_EPOCHS_MAX: usize = 64;
/// Bytes of answers that may wait for a slow connection, with those that are under way, before nothing more is taken from it; of
/// personal pushes, before it is closed. One answer alone may be longer.
pub const BACKLOG_BYTES_MAX: usize = 256 * 1024;
/// Bytes of answers that may wait for all connections of a node, and of large ones under way: who wants more has to wait.
pub const ANSWERS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Time for which a connection with answers waiting takes none of them, after which it is closed when others need the room.
pub const ANSWERS_STALL_MS: u64 = 1000;
/// Bytes of large answers a worker's connections may have under way at once: two pages of history, or lists of other workers' rooms.
pub const ANSWERS_UNDER_WAY_MAX: usize = 2 * 1024 * 1024;
/// Bytes of large answers a worker makes in a turn, some tenths of a millisecond's work, before others have their turn.
pub const ANSWER_BYTES_PER_TURN: usize = 256 * 1024;
/// How many times as long as a turn's large answers took no more of them are made: others have three quarters of a worker's time.
pub const ANSWERS_REST: u64 = 3;
/// How long a request may wait unread for others' sake before it is refused with 503: less than the [`PING_TIMEOUT_MS`] and
/// [`RESPONSE_TIMEOUT_MS`] of a client that waits for an answer behind it.
pub const REQUEST_WAIT_MS: u64 = 3000;
/// How often connections are looked at that wait for others' sake.
pub const PAUSE_LOOK_MS: u64 = 10;
/// The part of memory that frames may take which have begun and are not complete, unless configured otherwise: a 32nd.
pub const UNFINISHED_SHARE: usize = 32;
/// Bytes of that on a machine with little memory: eight frames of the default limit.
pub const UNFINISHED_BYTES_MIN: usize = 8 * 1024 * 1024;
/// Bytes kept beside the beginning of a frame, so that the next piece has a place. Of a long one it may be a fifth more.
pub const UNREAD_SPARE_BYTES: usize = 512;
/// Addresses that are looked at for a connection that has held what it holds for too long, those that hold most first.
pub const LEDGER_ADDRESSES_LOOKED_AT: usize = 64;
/// Workers of a node.
pub const WORKERS_MAX: usize = 256;
/// Bytes that may wait in a worker's mailbox; beyond it requests are answered 503.
pub const MAILBOX_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Commands that may wait for a room that is being loaded; one more is 503.
pub const LOADING_COMMANDS_MAX: usize = 1000;
/// Steps a broadcast takes in one turn of a worker, about a millisecond's work: a room that is passed by is one step, a room that
/// has it is [`BROADCAST_STEPS_PER_ROOM`] and one for each connection in it.
pub const BROADCAST_STEPS_PER_TURN: usize = 4096;
/// See [`BROADCAST_STEPS_PER_TURN`].
pub const BROADCAST_STEPS_PER_ROOM: usize = 16;
/// Broadcasts of a node under way at once; one more is 503.
pub const BROADCASTS_UNDER_WAY_MAX: usize = 64;
/// Broadcasts of one application that are remembered to tell one that is repeated: ten minutes at the usual rate of ten a minute.
pub const BROADCASTS_REMEMBERED_MAX: usize = 1000;
/// The time by which what happens in rooms is told apart: hours and days of every time zone begin with a quarter of an hour.
pub const TALLY_QUARTER_MS: i64 = 900_000;
/// Rooms, and pairs of a room and an account, that a worker notes between two of its ticks: more than it can serve in that time.
pub const TALLIED_ACCOUNTS_MAX: usize = 262_144;

// Log (design.md §4).

/// Entries after which a room's state is written down again, so that a restart replays no more than this.
pub const SNAPSHOT_ENTRIES: u64 = 1000;
/// Time without members and commands after which a room leaves memory.
pub const ROOM_IDLE_MS: u64 = 60_000;
/// Entries of one worker that may wait for a commit; beyond it commands are answered 503.
pub const WRITES_WAITING_MAX: usize = 65_536;
/// Bytes of what those entries tell the members; about as much again is held of what was asked. Beyond it likewise.
pub const WRITES_WAITING_BYTES_MAX: usize = 128 * 1024 * 1024;
/// History queries that may wait for the disk at once; one more is 503.
pub const HISTORY_QUERIES_MAX: usize = 256;
/// Batches that may wait for the log's writer; beyond it sends are answered 503.
pub const LOG_QUEUE_MAX: usize = 1024;
/// Records after which a commit takes no further batch: bounds how long the first of them waits for the others.
pub const LOG_GROUP_RECORDS: usize = 16_384;
/// Uptime for which one day of history may go, if it is older than the retention.
pub const EXPIRE_EVERY_MS: u64 = 3_600_000;
/// Bytes of blocks read from the store that are held in memory, unless configured (`store.cache_bytes`).
pub const STORE_CACHE_BYTES: u64 = 32 << 20;
/// Bytes of new entries the store holds in memory before they are written out sorted, unless configured
/// (`store.write_buffer_bytes`).
pub const STORE_WRITE_BUFFER_BYTES: u64 = 64 << 20;
/// The least either may be configured to.
pub const STORE_MEMORY_BYTES_MIN: u64 = 1 << 20;
/// The most either may be configured to.
pub const STORE_MEMORY_BYTES_MAX: u64 = 64 << 30;
/// Pause before a store that failed is opened again; doubles.
pub const STORE_RETRY_MS_FIRST: u64 = 100;
/// Longest such pause: how late a disk that has space again is noticed.
pub const STORE_RETRY_MS_MAX: u64 = 5_000;
/// Time without a failure after which the pauses begin anew.
pub const STORE_STEADY_MS: u64 = 60_000;
/// Bytes that must find space, and reach the disk, before a store that failed is opened again.
pub const STORE_PROBE_BYTES: usize = 1 << 20;
/// Entries of a room the log of `--memory` holds once a snapshot covers them: a history of some length, in a few MiB.
pub const MEMORY_LOG_ENTRIES: usize = 10_000;

/// Longest time between two syncs that `durability = "interval(…)"` may name.
pub const SYNC_INTERVAL_MS_MAX: u64 = 60_000;

// Figures of rooms (rest-api.md §4.14).

/// Rooms of one list of figures, and what is kept of an hour or a day that is over, for each of the three orders.
pub const TOP_ROOMS_MAX: u32 = 500;
/// Rooms of such a list, unless asked for otherwise.
pub const TOP_ROOMS: u32 = 100;
/// Days for which figures are kept.
pub const FIGURES_DAYS: i64 = 30;
/// Accounts of a room that are counted exactly within an hour or a day; of more the number is estimated, with a standard error of
/// one in 64.
pub const FIGURES_EXACT_MAX: usize = 4096;
/// What [`FIGURES_EXACT_MAX`] is reduced to, by halves, when all rooms together have too many accounts.
pub const FIGURES_EXACT_MIN: usize = 16;
/// Accounts held for all rooms, hours and days together, 8 bytes each.
pub const FIGURES_ACCOUNTS_MAX: usize = 32 * 1024 * 1024;
/// Rooms held for the hour and the day that are not over, some 200 bytes each; further rooms are not counted.
pub const FIGURES_ROOMS_MAX: usize = 4 * 1024 * 1024;
/// How long after its end an hour or a day takes what a slow worker still has of it.
pub const FIGURES_LATE_MS: i64 = 60_000;
/// How often what has been counted is written down: what a killed process may lose.
pub const FIGURES_WRITE_MS: u64 = 2000;
/// Batches of what workers have counted that may wait; further ones are lost, and that is counted too.
pub const FIGURES_QUEUE_MAX: usize = 1024;
/// Rows written down, or removed, at once.
pub const FIGURES_STEP: usize = 4096;
/// Bytes of rows written down at once, but for the last room of them.
pub const FIGURES_STEP_BYTES: usize = 1024 * 1024;
/// Rows of accounts of a room in an hour or day; with the next one they become one.
pub const FIGURES_ROWS_MAX: u16 = 16;

// Server.

/// Port for clients, unless configured otherwise.
pub const WIRE_PORT: u16 = 7400;
/// Port for HTTP, unless configured otherwise.
pub const ADMIN_PORT: u16 = 7480;

/// Connections of a node, unless configured otherwise.
pub const CONNECTIONS_MAX: usize = 1_000_000;
/// Lines of the node's own log that wait for whoever reads them; one more is dropped and counted.
pub const LOG_LINES_WAITING_MAX: usize = 8192;
/// Open files without which a node does not start.
pub const DESCRIPTORS_MIN: u64 = 256;
/// Open files kept for the store: journals, tables, what it writes and merges. A quarter of all where that is less.
pub const DESCRIPTORS_FOR_THE_STORE: usize = 512;
/// Open files kept for the node itself: listeners, event queues, logs, and connections on their way to being refused.
pub const DESCRIPTORS_FOR_THE_NODE: usize = 64;
/// Open files kept for callbacks and webhooks. A sixteenth of all where that is less.
pub const DESCRIPTORS_OUTGOING: usize = 512;
/// Files the store keeps open between two uses at the least.
pub const STORE_FILES_CACHED_MIN: usize = 16;
/// Connections from one address, unless configured otherwise.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 10_000;
/// Pairs of client types in a `custom` multi-client policy: every client type with every other, and to spare.
pub const MULTI_CLIENT_PAIRS_MAX: usize = 256;
/// Bytes of a callback's address.
pub const CALLBACK_URL_BYTES_MAX: usize = 1024;
/// Calls of one callback of one application that a worker has under way at once, so that one that is slow takes no place from the
/// others; one more login is 503, one more message is what the application wants without an answer.
pub const CALLBACKS_IN_FLIGHT_MAX: usize = 512;
/// Threads that look up the addresses of applications. A look-up that hangs holds its thread.
pub const CALLBACK_NAME_THREADS_MAX: usize = 64;
/// How long an application may take to say whether somebody may log in (chatroom.md §d.1).
pub const LOGIN_CALLBACK_MS: u64 = 5_000;
/// How long an application may take to say whether a message may be sent (chatroom.md §e.9).
pub const SEND_CALLBACK_MS: u64 = 2_000;
/// Bytes of a callback's answer: a number and, at most, a message's body with every character escaped.
pub const CALLBACK_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Idle connections to one callback's host that are kept for the next call.
pub const CALLBACK_IDLE_CONNECTIONS_MAX: usize = 64;
/// How long such a connection is kept.
pub const CALLBACK_IDLE_MS: u64 = 30_000;
/// Bytes of what applications are still to be told by webhook, unless configured otherwise; what comes when they are used up is
/// dropped. With a copy of half a KiB: half a million messages.
pub const WEBHOOK_SPOOL_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How long a receiver of webhooks may take to answer, unless configured otherwise.
pub const WEBHOOK_TIMEOUT_MS: u64 = 5_000;
/// How long a report is kept that cannot be delivered, unless configured otherwise.
pub const WEBHOOK_KEEP_HOURS: u64 = 72;
/// How long a report is sent again that its receiver refuses with a status of 4xx, unless configured otherwise.
pub const WEBHOOK_REFUSED_SECONDS: u64 = 600;
/// How often such a report is sent at least before it is given up.
pub const WEBHOOK_REFUSALS_MIN: u32 = 5;
/// Wait after the first failure of a report. Doubles with each, and has as much again added by chance.
pub const WEBHOOK_RETRY_MS_MIN: u64 = 200;
/// The longest such wait, before what is added by chance.
pub const WEBHOOK_RETRY_MS_MAX: u64 = 30_000;
/// Calls under way to one receiver, each for another room.
pub const WEBHOOK_CALLS_MAX: usize = 32;
/// Failures of a receiver, with no success between them, after which it is tried with one call at a time.
pub const WEBHOOK_FAILURES_MAX: u32 = 4;
/// Environments of an application with an address of their own.
pub const WEBHOOK_ENVS_MAX: usize = 16;
/// Reports of a room that are read from the spool at a time.
pub const WEBHOOK_READ_MAX: usize = 16;
/// Bytes after which no more of them are read at a time.
pub const WEBHOOK_READ_BYTES: u64 = 64 * 1024;
/// Milliseconds within which the body of a webhook receiver's answer must end for its connection to be used again. Its status alone
/// counts.
pub const WEBHOOK_BODY_MS: u64 = 500;
/// Rooms with reports to deliver that the sender keeps in mind; of further ones it reads in the spool once half of these are done.
pub const WEBHOOK_LINES_MAX: usize = 65_536;
/// Rooms that the sender looks up in the spool before it turns to something else.
pub const WEBHOOK_SCAN_MAX: usize = 256;
/// Delivered reports that are removed from the spool at once.
pub const WEBHOOK_REMOVE_MAX: usize = 256;
/// How long a delivered report may wait for others to be removed with: a node that is killed sends those again.
pub const WEBHOOK_REMOVE_MS: u64 = 50;
/// Requests of one connection that may wait behind a message whose callback has not answered; one more is 503.
pub const REQUESTS_HELD_MAX: usize = 128;
/// Bytes of those requests; what goes beyond is 503.
pub const HELD_BYTES_MAX: usize = 256 * 1024;
/// Threads of a worker that may wait for the disk.
pub const BLOCKING_THREADS_MAX: usize = 4;
/// Connections the system may hold for us until we accept them.
pub const LISTEN_BACKLOG: i32 = 4096;
/// Longest pause after the system would not let us accept.
pub const ACCEPT_PAUSE_MS_MAX: u64 = 1000;
/// Bytes a worker reads from a socket at a time.
pub const READ_BYTES: usize = 64 * 1024;
/// Steps of TLS handshakes a worker takes in a turn: some 10 ms of its time with keys of RSA, and 1 ms with others.
pub const TLS_HANDSHAKE_STEPS_PER_TURN: usize = 16;
/// Bytes that are enciphered at once, one record: as much of a slow reader's bytes waits beyond its backlog.
pub const TLS_WRITE_BYTES: usize = 16 * 1024;
/// Time for the TLS handshake of an HTTP connection. That of a client is within the time for its login.
pub const HTTPS_HANDSHAKE_MS: u64 = 5_000;
/// Characters of a client's version of its library that are kept, for webhooks.
pub const SDK_VERSION_CHARS_MAX: usize = 64;
/// Bytes of an HTTP request's body.
pub const HTTP_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Seconds by which the clock of an HTTP caller may differ.
pub const HTTP_CLOCK_SKEW_SECONDS: i64 = 300;
/// Characters of an HTTP nonce: widely copied sample code lengthens it with every call.
pub const NONCE_CHARS_MAX: usize = 4096;
/// Digits of the time of an HTTP call, in seconds.
pub const CUR_TIME_DIGITS: usize = 10;

// Client library.

/// Events that wait for the host to read them; while there are more, the client does not read its socket.
pub const CLIENT_EVENTS_MAX: usize = 256;
/// Changes of state that wait for a host that does not read its events; further ones are dropped, messages never.
pub const CLIENT_STATES_MAX: usize = 64;
/// Lines of the log that wait likewise; further ones are dropped.
pub const CLIENT_LOGS_MAX: usize = 256;
/// Addresses that one name may stand for; further ones are not tried.
pub const CLIENT_ADDRESSES_PER_NAME_MAX: usize = 16;
/// Stack of the thread that calls the host: as much as a main thread usually has, for what a host does there is its own affair.
pub const CALLBACK_STACK_BYTES: usize = 8 * 1024 * 1024;
/// Bytes a client reads from its socket at a time.
pub const CLIENT_READ_BYTES: usize = 16 * 1024;
/// Bytes waiting to be written beyond which a client stops reading: bounds what a peer can make it answer.
pub const CLIENT_WRITE_BYTES_MAX: usize = 256 * 1024;
/// Time for the sign of life that a host asks for, after a change of network say: within it a person does not notice
/// (chatroom.md §d.3 allows an ordinary ping 5 s).
pub const PROBE_TIMEOUT_MS: u64 = 2_500;
/// Attribute operations a client collects before they go out as one change (chatroom.md §c.6).
pub const CLIENT_BATCH_OPERATIONS_MAX: usize = 50;
/// How long a closing client waits for the answer to its logout.
pub const LOGOUT_TIMEOUT_MS: u64 = 1_000;
/// The longest random delay before a client comes back to a node that sent it away (chatroom.md §d.3).
pub const RETURN_SPREAD_MS: u64 = 8_000;
/// Characters of an HTTP request id.
pub const REQUEST_ID_CHARS_MAX: usize = 64;
/// Time for which an HTTP request id is remembered.
pub const REQUEST_ID_WINDOW_MS: u64 = 60_000;
/// Request ids remembered per application: a minute at a thousand a second. Beyond it calls that carry one are answered 503.
pub const REQUEST_IDS_MAX: usize = 65_536;
/// Time for which an HTTP call is remembered so that it cannot be replayed: its clock may lie 300 s ahead of ours, and is good
/// for 300 s after that.
pub const REPLAY_WINDOW_MS: u64 = 600_000;
/// Calls remembered per application against replay, about 10 MiB. Beyond it calls are answered 503.
pub const REPLAYS_MAX: usize = 262_144;
/// Calls of one HTTP endpoint per second and application, unless configured otherwise.
pub const HTTP_CALLS_PER_SECOND: u32 = 100;
/// How long an application that exceeded the rate is refused the endpoint, unless configured otherwise.
pub const HTTP_BLOCK_MS: u64 = 10_000;
/// Calls of `queryChatroomMsg` per minute and application, unless configured otherwise.
pub const HTTP_HISTORY_CALLS_PER_MINUTE: u32 = 1200;
/// Calls of `broadcast` per minute and application, unless configured otherwise.
pub const HTTP_BROADCAST_CALLS_PER_MINUTE: u32 = 10;
/// Items of a page of history asked for over HTTP.
pub const HTTP_HISTORY_MAX: u32 = 200;
/// Rooms of one `getBatch`.
pub const BATCH_ROOMS_MAX: usize = 20;
/// Messages of one `batchSendMsg`.
pub const BATCH_MESSAGES_MAX: usize = 10;
/// Accounts of one look-up over HTTP.
pub const HTTP_ACCOUNTS_MAX: usize = 200;
/// Addresses `requestAddr` answers with.
pub const CLIENT_ADDRESSES_MAX: usize = 8;
/// Parameters of an HTTP call.
pub const HTTP_PARAMETERS_MAX: usize = 256;
/// Bytes of a body over the limit that are read and thrown away, so that the caller gets to read the refusal.
pub const HTTP_DISCARD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a caller that was refused in the middle of its head may go on sending, so that it gets to read the refusal.
pub const HTTP_LINGER_MS: u64 = 2_000;
/// Connections of the HTTP listener, unless configured otherwise: backends keep a few each.
pub const HTTP_CONNECTIONS_MAX: usize = 1024;
/// Connections of the HTTP listener from one address, unless configured otherwise: no address can take all places.
pub const HTTP_CONNECTIONS_PER_ADDRESS_MAX: usize = 256;
/// Bytes of the head of an HTTP request, which may hold the parameters.
pub const HTTP_HEAD_BYTES_MAX: usize = 64 * 1024;
/// Time the head of an HTTP request may take to arrive, unless configured otherwise; also how long a kept connection may be idle.
pub const HTTP_HEAD_TIMEOUT_MS: u64 = 30_000;
/// Time for which a caller may leave an answer unread.
pub const HTTP_WRITE_TIMEOUT_MS: u64 = 30_000;
/// By how much the thread of the HTTP API gives way to those of the wire protocol (nice): beside a busy one it gets a tenth of a core.
pub const HTTP_NICE: i32 = 10;
/// Calls per second of one address that may fail to prove who makes them; more have to wait.
pub const HTTP_FAILURES_PER_SECOND: u64 = 10;
/// Such calls of one address at once after a rest.
pub const HTTP_FAILURES_BURST: u64 = 50;
/// How long a caller waits that has failed too often: before its next failure is answered, and before its next connection is read.
pub const HTTP_FAILURE_PAUSE_MS: u64 = 1_000;
/// Addresses whose failures are counted one by one, about 1 MiB; further ones share a count.
pub const HTTP_FAILING_ADDRESSES_MAX: usize = 16_384;
/// Addresses of `X-Forwarded-For` that are looked at, from the last on.
pub const FORWARDED_ADDRESSES_MAX: usize = 16;
/// Time an HTTP request's body may take to arrive, unless configured otherwise.
pub const HTTP_BODY_TIMEOUT_MS: u64 = 10_000;

// The store on disk.

/// Bytes of tables that a start compares with their checksums, small tables first; of larger ones it reads the end only.
pub const STORE_START_CHECK_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of a list of tables: some 700,000 tables.
pub const STORE_LIST_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Bytes that are read in search of a whole commit behind a damaged one, each as often as a commit may begin before it.
pub const STORE_SEARCH_BYTES: u64 = 512 * 1024 * 1024;
/// Originals of journals with a torn end that are kept beside the store; the oldest goes first.
pub const STORE_CUTS_KEPT: usize = 4;
/// Bytes of a request on the control socket: a path.
pub const CONTROL_LINE_BYTES_MAX: u64 = 16 * 1024;
/// Time another process may take to say what it wants on the control socket, and to read what it is told.
pub const CONTROL_TIMEOUT_MS: u64 = 10_000;
/// Time between two words about the progress of a backup.
pub const CONTROL_PROGRESS_MS: u64 = 500;
/// Bytes of running counts held in memory before they are written out: some 10,000 commits.
pub const STORE_COUNT_BUFFER_BYTES: u64 = 1024 * 1024;

// C ABI.

/// Bytes a codec holds that its host has fed and not yet taken as frames: two of the largest.
pub const CODEC_BYTES_MAX: usize = 2 * FRAME_BYTES_CEILING;
/// Events that wait for a client's callback thread, beyond those that wait inside the client.
pub const CALLBACK_EVENTS_MAX: usize = 256;
