//! The client library and its C interface.

use super::FRAME_BYTES_CEILING;

/// Events that wait for the host to read them; while there are more, the client does not read its socket.
pub const CLIENT_EVENTS_MAX: usize = 256;
/// Changes of state that wait for a host that does not read its events; further ones are dropped, messages never.
pub const CLIENT_STATES_MAX: usize = 64;
/// Lines of the log that wait likewise; further ones are dropped.
pub const CLIENT_LOGS_MAX: usize = 256;
/// Names of requests that were cancelled while nothing was open under them, which a client remembers for what asks in pages.
pub const CLIENT_CANCELLED_MAX: usize = 64;
/// Addresses that one name may stand for; further ones are not tried.
pub const CLIENT_ADDRESSES_PER_NAME_MAX: usize = 16;
/// Names that a client of the C interface looks up at a time: the system's look-up holds a thread each, also of a name that is not
/// answered for, beside which the others must go on.
pub const CLIENT_NAME_THREADS_MAX: usize = 32;
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
/// Bytes a codec holds that its host has fed and not yet taken as frames: two of the largest.
pub const CODEC_BYTES_MAX: usize = 2 * FRAME_BYTES_CEILING;
/// Events that wait for a client's callback thread, beyond those that wait inside the client.
pub const CALLBACK_EVENTS_MAX: usize = 256;
