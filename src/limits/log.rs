//! The log and the store on disk (architecture.md §6).

/// Entries after which a room's state is written down again, so that a restart replays no more than this.
pub const SNAPSHOT_ENTRIES: usize = 1000;
/// Bytes an entry takes in the log beside its push, about: what a snapshot is weighed against.
pub const ENTRY_BYTES: usize = 40;
/// Time without members and commands after which a room leaves memory.
pub const ROOM_IDLE_MS: u64 = 60_000;
/// Entries of one worker that may wait for a commit; beyond it commands are answered 503.
pub const WRITES_WAITING_MAX: usize = 65_536;
/// Bytes of what those entries tell the members; about as much again is held of what was asked. Beyond it likewise.
pub const WRITES_WAITING_BYTES_MAX: usize = 128 * 1024 * 1024;
/// History queries that may wait for the disk at once; one more is 503.
pub const HISTORY_QUERIES_MAX: usize = 256;
/// Batches that may wait for the log's writer; beyond it sends are answered 503.
pub const LOG_QUEUE_MAX: usize = 1024;
/// Records after which a commit takes no further batch: bounds how long the first of them waits for the others.
pub const LOG_GROUP_RECORDS: usize = 16_384;
/// Keys under which an entry may be found again.
pub const INDEX_KEYS_MAX: usize = 16;
/// Bytes of such a key.
pub const INDEX_KEY_BYTES_MAX: usize = 512;
/// Bytes of the key of a row of a shard's state.
pub const SHARD_KEY_BYTES_MAX: usize = 64;
/// Bytes of the buffers in which a worker writes entries for the log.
pub const LOG_ARENA_BYTES: usize = 64 * 1024;
/// Time for which entries are kept, whatever the retention: as long as a sender may send a message again.
pub const LOG_KEPT_MS: i64 = super::DEDUP_WINDOW_MS;
/// Uptime for which one day of history may go, if it is older than the retention.
pub const EXPIRE_EVERY_MS: u64 = 3_600_000;
/// Bytes of blocks read from the store that are held in memory, unless configured (`store.cache_bytes`).
pub const STORE_CACHE_BYTES: u64 = 32 << 20;
/// Bytes of new entries the store holds in memory before they are written out sorted, unless configured
/// (`store.write_buffer_bytes`).
pub const STORE_WRITE_BUFFER_BYTES: u64 = 64 << 20;
/// The least either may be configured to.
pub const STORE_MEMORY_BYTES_MIN: u64 = 1 << 20;
/// The most either may be configured to.
pub const STORE_MEMORY_BYTES_MAX: u64 = 64 << 30;
/// Pause before a store that failed is opened again; doubles.
pub const STORE_RETRY_MS_FIRST: u64 = 100;
/// Longest such pause: how late a disk that has space again is noticed.
pub const STORE_RETRY_MS_MAX: u64 = 5_000;
/// Time without a failure after which the pauses begin anew.
pub const STORE_STEADY_MS: u64 = 60_000;
/// Bytes that must find space, and reach the disk, before a store that failed is opened again.
pub const STORE_PROBE_BYTES: usize = 1 << 20;
/// Entries of a room the log of `--memory` holds once a snapshot covers them: a history of some length, in a few MiB.
pub const MEMORY_LOG_ENTRIES: usize = 10_000;
/// Longest time between two syncs that `durability = "interval(…)"` may name.
pub const SYNC_INTERVAL_MS_MAX: u64 = 60_000;
/// Bytes of tables that a start compares with their checksums, small tables first; of larger ones it reads the end only.
pub const STORE_START_CHECK_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of a list of tables: some 700,000 tables.
pub const STORE_LIST_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Bytes that are read in search of a whole commit behind a damaged one, each as often as a commit may begin before it.
pub const STORE_SEARCH_BYTES: u64 = 512 * 1024 * 1024;
/// Originals of journals with a torn end that are kept beside the store; the oldest goes first.
pub const STORE_CUTS_KEPT: usize = 4;
/// Bytes of a request on the control socket: a path.
pub const CONTROL_LINE_BYTES_MAX: u64 = 16 * 1024;
/// Time another process may take to say what it wants on the control socket, and to read what it is told.
pub const CONTROL_TIMEOUT_MS: u64 = 10_000;
/// Time between two words about the progress of a backup.
pub const CONTROL_PROGRESS_MS: u64 = 500;
/// Bytes of running counts held in memory before they are written out: some 10,000 commits.
pub const STORE_COUNT_BUFFER_BYTES: u64 = 1024 * 1024;
/// How long a start waits for another process to give the folder up.
pub const STORE_LOCK_PATIENCE_MS: u64 = 500;
