//! The server, its figures, callbacks and webhooks (rest-api.md §4.14, chatroom.md §e.9).

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
