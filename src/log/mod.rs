//! The seam between one machine and many: the ordered log of every room, its snapshots and its history (architecture.md §6).
//!
//! The only module that touches disk. Knows how to keep entries; knows no rule of a room. May use: `room`, `wire`.

pub mod fjall;
pub mod memory;
mod private;
mod query;
pub mod record;
mod replay;
mod spool;
mod stats;
mod writer;

pub use self::fjall::{Copied, Durability, FjallLog, Options, restore, verify};
pub use memory::MemoryLog;
pub use private::{give_to_owner, make_files_private};
pub use record::fuzz_record;
pub use spool::{Line, Place, Spool, Spooled};
pub use stats::LogStats;

use std::path::Path;

use bytes::Bytes;

use crate::id::{AccountId, Epoch, RoomId, Seq, UnixMs};
use crate::room::{HistoryScope, Op, Record, Replay, ReplayScope, Report};
use crate::wire::store;

/// Why the log could not do what was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogError {
    /// The store failed; nothing of the batch may be acknowledged.
    Store(String),
    /// What was read back is not what we wrote.
    Corrupt(String),
    /// The writer's queue is full.
    Busy,
}

impl std::fmt::Display for LogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LogError::Store(reason) => write!(f, "the store failed: {reason}"),
            LogError::Corrupt(reason) => write!(f, "the store holds what we did not write: {reason}"),
            LogError::Busy => write!(f, "the log's writer has too much waiting"),
        }
    }
}

impl std::error::Error for LogError {}

/// The lasting state of a room at one place of its log.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// Whose.
    pub room: RoomId,
    /// All entries up to this one are in it.
    pub seq: Seq,
    /// What `Room::snapshot` gave.
    pub state: Bytes,
}

/// Called once, on a thread of the log's own and never from within [`RoomLog::append`], when a batch is durable or has failed.
///
/// Must not block, and must not call anything of the log that reads or writes the disk. Batches are answered in the order of
/// their appending; only [`LogError::Busy`] may overtake.
pub type Committed = Box<dyn FnOnce(Result<(), LogError>) + Send>;

/// What one turn of a worker wants written, all or nothing.
pub struct Batch {
    /// Entries, in the order they were applied.
    pub records: Vec<Record>,
    /// Snapshots taken since the last batch.
    pub snapshots: Vec<Snapshot>,
    /// What applications are told of those entries, and of what is in no log. What finds the spool full is left out and counted.
    pub reports: Vec<Report>,
    /// Told when it is done.
    pub committed: Committed,
}

/// What a room is rebuilt from.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Loaded {
    /// The newest snapshot, if any.
    pub snapshot: Option<Snapshot>,
    /// In ascending order: every entry after the snapshot, and before it the sends of the last
    /// [`DEDUP_WINDOW_MS`](crate::limits::DEDUP_WINDOW_MS), at most `DEDUP_IDS_PER_ROOM`, which rebuild the deduplication window.
    pub records: Vec<Record>,
}

/// A page of history.
#[derive(Clone, PartialEq, Debug)]
pub struct HistoryQuery {
    /// Of which room.
    pub room: RoomId,
    /// Exclusive anchor; `None` starts at the newest (or the oldest when `oldest_first`).
    pub anchor: Option<Anchor>,
    /// 1-200 items; a page may grow to twice as much so as not to split equal times.
    pub limit: u32,
    /// Direction.
    pub oldest_first: bool,
    /// Numbers of message types wanted; empty: everything, notifications (5) included.
    pub types: Vec<i32>,
    /// Nothing older than this is returned: now minus the retention, or later.
    pub not_before: UnixMs,
    /// Nothing younger than this is returned; `None`: there is no bound.
    pub not_after: Option<UnixMs>,
    /// How much of the room's log the one who asks may read.
    pub scope: HistoryScope,
}

/// Query for the items of a room that a connection missed (chatroom.md §d.7).
#[derive(Clone, PartialEq, Debug)]
pub struct ReplayQuery {
    /// Of which room.
    pub room: RoomId,
    /// Between which places, and for whom.
    pub scope: ReplayScope,
}

/// A message, by what its members know of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FindQuery {
    /// In which room.
    pub room: RoomId,
    /// Its time, exactly.
    pub time: UnixMs,
    /// The id its sender gave it.
    pub message_id: String,
    /// Its sender.
    pub from: AccountId,
}

/// Where a page begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// Beyond this time.
    Time(UnixMs),
    /// Beyond this item.
    Seq(Seq),
}

/// The items of one page, each as the members received it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct HistoryPage {
    /// In the order asked for.
    pub items: Vec<store::RawHistoryItem>,
    /// Whether another page may hold more.
    pub has_more: bool,
    /// The last entry looked at, whether it became an item or not. Where `has_more` comes with few items or none, because the
    /// bound on entries ended the page, the query goes on with this as its [`Anchor::Seq`].
    pub reached: Option<Seq>,
}

/// The ordered log of every room of this node.
pub trait RoomLog: Send + Sync + 'static {
    /// The epoch of the last opening, at the start or after a failure: higher than that of every earlier one.
    fn epoch(&self) -> Epoch;

    /// Why nothing can be written at present; `None` while all is well. Cheap enough to ask at every turn.
    fn failure(&self) -> Option<String> {
        None
    }

    /// Names who is told, on any thread, that the store has failed or is open again: [`RoomLog::failure`] says which. It must not
    /// block, nor call anything of the log that reads or writes the disk. Only the first one named is told.
    fn watch(&self, told: Box<dyn Fn() + Send + Sync>) {
        drop(told);
    }

    /// Hands a batch to the writer and returns at once; `Batch::committed` is called exactly once, even on [`LogError::Busy`].
    ///
    /// A batch that was refused or failed leaves a hole behind what its rooms have applied: ask [`RoomLog::is_full`] before
    /// applying anything.
    fn append(&self, batch: Batch);

    /// Whether the next batch would be refused as busy. Cheap enough to ask before every command.
    fn is_full(&self) -> bool {
        false
    }

    /// What the room is rebuilt from; `None` if there never was such a room. Reads the disk: not for a worker's thread.
    fn load(&self, room: RoomId, now: UnixMs) -> Result<Option<Loaded>, LogError>;

    /// Records after `after`, oldest first, at most `limit`. Reads the disk.
    fn follow(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<Record>, LogError>;

    /// A page of history. Reads the disk, at most [`HISTORY_SCAN_MAX`](crate::limits::HISTORY_SCAN_MAX) entries of it.
    fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, LogError>;

    /// Items a connection missed. Reads the disk, at most [`HISTORY_SCAN_MAX`](crate::limits::HISTORY_SCAN_MAX) entries of it.
    fn replay(&self, query: &ReplayQuery) -> Result<Replay, LogError>;

    /// Where a message stands that was not recalled; `None` if there is none such. Reads the disk.
    fn find(&self, query: &FindQuery) -> Result<Option<Seq>, LogError>;

    /// The highest room id ever given out, 0 if none: ids are never reused.
    fn last_room_id(&self) -> i64;

    /// Removes whole days older than `days` before `now`, keeping every entry that no durable snapshot covers yet.
    /// Returns how many days went.
    fn expire(&self, now: UnixMs, days: u32) -> Result<usize, LogError>;

    /// The UTC days, counted from 1970, of which entries are held, oldest first; what is carried counts to none.
    fn days(&self) -> Vec<i64>;

    /// Removes everything of a room but its last entry, which says that the room is gone, durably with some later commit. Nothing
    /// may be appended to the room any more. Reads and writes the disk.
    fn erase(&self, room: RoomId) -> Result<(), LogError>;

    /// Keeps a small value under a key, durable when it returns: accounts, applications, secrets. Reads and writes the disk.
    fn put(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError>;

    /// As `put`, but durable with some later commit: for what can be learned again.
    fn put_soon(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError>;

    /// Every pair of a space, in the order of keys.
    fn scan(&self, space: Space) -> Result<Vec<(Bytes, Bytes)>, LogError>;

    /// Those pairs of a space whose keys begin with `prefix`, in the order of keys. Reads the disk.
    fn scan_prefix(&self, space: Space, prefix: &[u8]) -> Result<Vec<(Bytes, Bytes)>, LogError>;

    /// Removes a pair, durably with some later commit; one that is not there is no error.
    fn remove(&self, space: Space, key: &[u8]) -> Result<(), LogError>;

    /// Puts and removes pairs of a space, all or nothing, durable with some later commit; `None` removes. No key may stand there
    /// twice. Writes the disk.
    fn change(&self, space: Space, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), LogError>;
    /// The reports of a line from a place on, in order: at least one if there is one, at most `count_max` and about `bytes_max` bytes.
    /// Reads the disk.
    fn reports(&self, line: &Line, from: Place, count_max: usize, bytes_max: u64) -> Result<Vec<Spooled>, LogError>;

    /// The first report of the first line beyond this one; without one, of all lines. Reads the disk.
    fn next_line(&self, after: Option<&Line>) -> Result<Option<Spooled>, LogError>;

    /// Removes reports, each given once, durably with some later commit. Writes to the disk.
    fn remove_reports(&self, done: &[Spooled]) -> Result<(), LogError>;

    /// How full the spool of reports is.
    fn spool(&self) -> &Spool;

    /// Copies everything that was acknowledged before the call to an empty folder, while the log goes on. `goes_on` hears of the
    /// progress, and ends the copying with false. Reads and writes the disk, for as long as it takes.
    fn backup(&self, target: &Path, goes_on: &mut dyn FnMut(Copied) -> bool) -> Result<Copied, LogError> {
        let _ = (target, goes_on);
        Err(LogError::Store("this node keeps nothing that could be copied".into()))
    }

    /// What the writer has done so far, where it is counted.
    fn stats(&self) -> Option<&LogStats> {
        None
    }
}

/// The small tables beside the rooms.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Space {
    /// Applications by key.
    Apps,
    /// Accounts by application key, NUL, account.
    Accounts,
    /// The node's own: secrets, the demo room.
    Node,
    /// Rooms by application key, NUL, creator, NUL, number.
    Created,
    /// What happened in rooms, by hours and days.
    Figures,
}

/// The messages that entries recall: room, place, and the time by which the log knows the day.
fn recalled(records: &[Record]) -> impl Iterator<Item = (RoomId, Seq, UnixMs)> {
    records.iter().filter_map(|record| match &record.entry.command.op {
        Op::Recall(recall) => recall.seq.map(|seq| (record.room, seq, UnixMs(recall.request.time_ms))),
        _ => None,
    })
}

/// Key prefix, in [`Space::Node`], of the rooms made by clients, kept for as long as they exist; the room's number follows it.
const CLIENT_ROOM: &[u8] = b"client_room\0";

fn client_room_key(room: RoomId) -> Vec<u8> {
    [CLIENT_ROOM, &room.get().to_be_bytes()].concat()
}

/// The rooms made by clients that a batch makes, true, or ends; the last word on each counts.
fn client_rooms(records: &[Record]) -> impl Iterator<Item = (RoomId, bool)> {
    let of_client = records.iter().filter(|record| record.room.is_of_client());
    of_client.filter_map(|record| match &record.entry.command.op {
        Op::Open(_) => Some((record.room, true)),
        Op::Destroy => Some((record.room, false)),
        _ => None,
    })
}

/// The rooms made by clients that exist. Reads the disk.
pub fn existing_client_rooms(log: &dyn RoomLog) -> Result<Vec<RoomId>, LogError> {
    let rows = log.scan_prefix(Space::Node, CLIENT_ROOM)?;
    let numbers = rows.iter().filter_map(|(key, _)| Some(i64::from_be_bytes(key.get(CLIENT_ROOM.len()..)?.try_into().ok()?)));
    Ok(numbers.filter_map(|number| RoomId::new(number).ok()).collect())
}

/// The highest room a batch creates, 0 if none.
fn highest_created(records: &[Record]) -> i64 {
    let created = records.iter().filter(|record| matches!(record.entry.command.op, Op::Create(_)));
    created.map(|record| record.room.get()).max().unwrap_or(0)
}
