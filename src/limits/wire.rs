//! Frames (wire.md §1, §2).

/// Bytes of a frame's header.
pub const HEADER_BYTES: usize = 16;
/// Bytes of a frame before login: enough for a login, too little to hurt.
pub const FRAME_BYTES_MAX_BEFORE_LOGIN: usize = 4 * 1024;
/// Bytes of a frame after login (chatroom.md §i).
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// The smallest value `frame_bytes_max` may be configured to: every push fits into it, and every page of a list. The largest push
/// tells of [`QUEUE_BATCH_MAX`](super::QUEUE_BATCH_MAX) queue elements; the request that offers them is as long.
pub const FRAME_BYTES_MIN: usize = 512 * 1024;
/// The largest value `frame_bytes_max` may be configured to.
pub const FRAME_BYTES_CEILING: usize = 16 * 1024 * 1024;
/// Bytes of a ping's body, which the response echoes.
pub const PING_BYTES_MAX: usize = 64;
