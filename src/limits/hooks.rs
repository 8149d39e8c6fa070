//! What applications are asked and told over HTTP (chatroom.md §e.9).

/// Bytes of a callback's address.
pub const CALLBACK_URL_BYTES_MAX: usize = 1024;
/// Threads that look up the addresses of applications. A look-up that hangs holds its thread.
pub const CALLBACK_NAME_THREADS_MAX: usize = 64;
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
