//! Dispatch (architecture.md §5).

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
/// Epochs of which a room remembers with which number they began (im.md §0.2).
pub const ROOM_EPOCHS_MAX: usize = 64;
/// Shards into which subjects fall (im.md §0.1 rule 2); on disk, so it never changes.
pub const SHARDS: usize = 64;
/// Workers of a node.
pub const WORKERS_MAX: usize = 256;
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
