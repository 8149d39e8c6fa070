//! Messages and the queue (chatroom.md §a.6, §e, §f).

use super::PAGE_BYTES_MAX;

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
/// Bytes of the items of one history page; see [`PAGE_BYTES_MAX`](super::PAGE_BYTES_MAX).
pub const HISTORY_PAGE_BYTES_MAX: usize = PAGE_BYTES_MAX;
/// Bytes of what the members are told of one batch of attributes: it must fit into a frame and into a page of history.
pub const ATTRIBUTES_TOLD_BYTES_MAX: usize = 256 * 1024;
/// Entries one history page may look at: bounds what a filter that matches nothing costs.
pub const HISTORY_SCAN_MAX: usize = 10_000;
/// Entries of one millisecond among which a message is looked for.
pub const FIND_SCAN_MAX: usize = 10_000;
/// Entries a regular expression counts for that a page of history has not met before: it has to be compiled.
pub const HISTORY_EXPRESSION_ENTRIES: usize = 50;
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
