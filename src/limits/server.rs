//! The server: its ports, its descriptors, its sockets.

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
/// Pairs of client types in a `custom` multi-client policy: every client type with every other, and to spare.
pub const MULTI_CLIENT_PAIRS_MAX: usize = 256;
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
