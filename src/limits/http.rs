//! The HTTP API (rest-api.md §1, §8).

/// Bytes of the members of one page asked for over HTTP: a hundred of the largest.
pub const HTTP_PAGE_BYTES_MAX: usize = 48 * 1024 * 1024;
/// How often the HTTP API, whose answers do not say how far they reached, goes on behind so many entries without a match; beyond
/// it the query is 503.
pub const HTTP_HISTORY_SCANS_MAX: usize = 64;
/// Items a replay out of the log holds at most; the newest count (chatroom.md §d.7).
pub const REPLAY_ITEMS_MAX: usize = 1_000;
/// Bytes of the frames of one replay out of the log.
pub const REPLAY_BYTES_MAX: usize = 512 * 1024;
/// Bytes of an HTTP request's body.
pub const HTTP_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Seconds by which the clock of an HTTP caller may differ.
pub const HTTP_CLOCK_SKEW_SECONDS: i64 = 300;
/// Characters of an HTTP nonce: widely copied sample code lengthens it with every call.
pub const NONCE_CHARS_MAX: usize = 4096;
/// Digits of the time of an HTTP call, in seconds.
pub const CUR_TIME_DIGITS: usize = 10;
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
