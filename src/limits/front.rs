//! What connections may ask and hold (architecture.md §5.8).

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
/// How long a request may wait unread for others' sake before it is refused with 503: less than the [`PING_TIMEOUT_MS`](super::PING_TIMEOUT_MS) and
/// [`RESPONSE_TIMEOUT_MS`](super::RESPONSE_TIMEOUT_MS) of a client that waits for an answer behind it.
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
/// Bytes that may wait in a worker's mailbox; beyond it requests are answered 503.
pub const MAILBOX_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Connections from one address, unless configured otherwise.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 10_000;
/// Calls of one callback of one application that a worker has under way at once, so that one that is slow takes no place from the
/// others; one more login is 503, one more message is what the application wants without an answer.
pub const CALLBACKS_IN_FLIGHT_MAX: usize = 512;
/// How long an application may take to say whether somebody may log in (chatroom.md §d.1).
pub const LOGIN_CALLBACK_MS: u64 = 5_000;
/// How long an application may take to say whether a message may be sent (chatroom.md §e.9).
pub const SEND_CALLBACK_MS: u64 = 2_000;
/// Requests of one connection that may wait behind a message whose callback has not answered; one more is 503.
pub const REQUESTS_HELD_MAX: usize = 128;
/// Bytes of those requests; what goes beyond is 503.
pub const HELD_BYTES_MAX: usize = 256 * 1024;
/// Characters of a client's version of its library that are kept, for webhooks.
pub const SDK_VERSION_CHARS_MAX: usize = 64;
/// Replays that a worker reads out of the log at once; the others wait.
pub const REPLAYS_AT_ONCE: usize = 16;
/// Replays of one worker that may wait to be read; beyond it a connection is told the gap instead.
pub const REPLAYS_WAITING_MAX: usize = 16 * 1024;
