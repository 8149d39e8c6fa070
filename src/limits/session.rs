//! Sessions (chatroom.md §d.3, §c.0).

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
/// full rate the server remembers a sender's ids for 100 s and a room's for 65 s ([`DEDUP_IDS_PER_SENDER`](super::DEDUP_IDS_PER_SENDER),
/// [`DEDUP_IDS_PER_ROOM`](super::DEDUP_IDS_PER_ROOM)), so that what is repeated within this time is stored once.
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
/// [`REQUEST_WAIT_MS`](super::REQUEST_WAIT_MS) have passed: then one more is 503.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 1024;
/// Messages the client library keeps waiting for a connection; one more is refused as busy.
pub const CLIENT_QUEUE_MAX: usize = 1024;
/// Message ids a client remembers per room to drop doubles (chatroom.md §e.2).
pub const CLIENT_SEEN_MESSAGES: usize = 1000;
