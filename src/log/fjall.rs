//! The log on disk, kept by the embedded store fjall.
//!
//! One folder holds everything. Entries stand in one keyspace per UTC day, so that retention drops days instead of deleting rows:
//! key room and seq, value the kept record. Beside them: `snapshots` by room, `carried` for what a dropped day held and no
//! snapshot covered, `meta` for the node's counters, one keyspace for each [`Space`], and `reports` for
//! what applications are still to be told.

mod commits;
mod cut;
mod expire;
mod open;
mod sink;
mod state;
mod survey;
mod tables;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ::fjall::{Database, Keyspace, OwnedWriteBatch, PersistMode, Readable};
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use self::commits::COUNT_KEY;
use self::state::{Ledger, Reach};
use super::query::{Found, Reader, Table};
use super::record::{key, read_key};
use super::spool::{self, Line, Place, Spool, Spooled};
use super::stats::LogStats;
use super::writer::Writer;
use super::{Batch, FindQuery, HistoryPage, HistoryQuery, Loaded, LogError, RoomLog, Snapshot, Space, highest_created};
use crate::id::{Epoch, RoomId, Seq, UnixMs};
use crate::room::Record;

/// What an acknowledged entry survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Power loss of the machine: every commit waits for the disk.
    Commit,
    /// A killed process; power loss takes at most this many milliseconds.
    Interval {
        /// Time between two visits to the disk, while there is anything to bring.
        ms: u64,
    },
}

/// How a log is opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// What an acknowledged entry survives.
    pub durability: Durability,
    /// Bytes of blocks read from disk that are held in memory.
    pub cache_bytes: u64,
    /// Bytes of new entries of a day held in memory before they are written out sorted; up to four times as much while the disk
    /// is behind.
    pub write_buffer_bytes: u64,
    /// Files that stay open between two uses.
    pub files_cached: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { durability: Durability::Commit, cache_bytes: 32 << 20, write_buffer_bytes: 32 << 20, files_cached: 256 }
    }
}

/// The log on disk. One process at a time may have a folder open.
///
/// Dropping it writes what was accepted, answers every caller, and brings all of it to the disk.
pub struct FjallLog {
    // First, so that it is dropped first.
    writer: Writer,
    store: Arc<Store>,
    expiring: Mutex<()>,
    epoch: Epoch,
}

/// What the writer, the queries and the retention share.
struct Store {
    db: Database,
    meta: Keyspace,
    snapshots: Keyspace,
    carried: Keyspace,
    apps: Keyspace,
    accounts: Keyspace,
    node: Keyspace,
    created: Keyspace,
    figures: Keyspace,
    reports: Keyspace,
    /// The running count of commits.
    commits: Keyspace,
    spool: Spool,
    /// The writer holds this shared from looking a day up until its commit is over: who holds it alone sees no write on its way.
    days: RwLock<Days>,
    last_room_id: AtomicI64,
    write_buffer_bytes: u64,
    stats: Arc<LogStats>,
    // Behind all that keeps the store open, so that a clean stop is written down when nothing changes any more.
    ledger: Ledger,
    // Last, so that the folder is free only when all else is closed.
    _lock: File,
}

struct Days {
    open: BTreeMap<i64, Keyspace>,
    /// Entries of earlier days, which only a clock that went back can bring, are carried.
    first: i64,
}

const META_FORMAT: &str = "format";
const META_EPOCH: &str = "epoch";
const META_LAST_ROOM_ID: &str = "last_room_id";

impl FjallLog {
    /// Opens the log in a folder, or makes it. The message of an error says what is wrong with the folder.
    pub fn open(folder: &Path, options: &Options) -> Result<FjallLog, LogError> {
        let (store, epoch) = open::open(folder, options)?;
        let store = Arc::new(store);
        let stats = store.stats.clone();
        let writer = Writer::start(sink::DiskSink::new(store.clone(), options.durability), stats)?;
        Ok(FjallLog { writer, store, expiring: Mutex::new(()), epoch })
    }
}

impl RoomLog for FjallLog {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn append(&self, batch: Batch) {
        self.store.last_room_id.fetch_max(highest_created(&batch.records), Ordering::Relaxed);
        self.writer.append(batch);
    }

    fn is_full(&self) -> bool {
        self.writer.is_full()
    }

    fn load(&self, room: RoomId, now: UnixMs) -> Result<Option<Loaded>, LogError> {
        let reader = self.store.reader();
        let snapshot = self.store.snapshot_of(room, &reader.carried.view)?;
        reader.load(room, snapshot, now)
    }

    fn follow(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<Record>, LogError> {
        self.store.reader().follow(room, after, limit)
    }

    fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, LogError> {
        self.store.reader().history(query)
    }

    fn find(&self, query: &FindQuery) -> Result<Option<Seq>, LogError> {
        self.store.reader().find(query)
    }

    fn last_room_id(&self) -> i64 {
        self.store.last_room_id.load(Ordering::Relaxed)
    }

    fn expire(&self, now: UnixMs, days: u32) -> Result<usize, LogError> {
        let _one_at_a_time = self.expiring.lock();
        self.store.expire(now, days)
    }

    fn erase(&self, room: RoomId) -> Result<(), LogError> {
        let _one_at_a_time = self.expiring.lock();
        self.store.erase(room)
    }

    fn put(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError> {
        self.store.put(space, key, value, PersistMode::SyncData)
    }

    fn put_soon(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError> {
        self.store.put(space, key, value, PersistMode::Buffer)
    }

    fn scan(&self, space: Space) -> Result<Vec<(Bytes, Bytes)>, LogError> {
        self.scan_prefix(space, &[])
    }

    fn scan_prefix(&self, space: Space, prefix: &[u8]) -> Result<Vec<(Bytes, Bytes)>, LogError> {
        self.store.space(space).prefix(prefix).map(pair).collect()
    }

    fn remove(&self, space: Space, key: &[u8]) -> Result<(), LogError> {
        let mut batch = self.store.db.batch();
        batch.remove(self.store.space(space), key);
        self.store.commit(batch, Some(PersistMode::Buffer))
    }

    fn change(&self, space: Space, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), LogError> {
        let mut batch = OwnedWriteBatch::with_capacity(self.store.db.clone(), changes.len() + 1);
        let keyspace = self.store.space(space);
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(keyspace, key, value),
                None => batch.remove(keyspace, key),
            }
        }
        self.store.commit(batch, Some(PersistMode::Buffer))
    }

    fn reports(&self, line: &Line, from: Place, count_max: usize, bytes_max: u64) -> Result<Vec<Spooled>, LogError> {
        let found = self.store.reports.range(spool::key(line, from)..spool::beyond(Some(line))).map(pair);
        spool::take(found, count_max, bytes_max)
    }

    fn next_line(&self, after: Option<&Line>) -> Result<Option<Spooled>, LogError> {
        let found = self.store.reports.range(spool::beyond(after)..).map(pair);
        Ok(spool::take(found, 1, 0)?.pop())
    }

    fn remove_reports(&self, done: &[Spooled]) -> Result<(), LogError> {
        let mut batch = self.store.db.batch();
        for spooled in done {
            batch.remove(&self.store.reports, spool::key(&spooled.line, spooled.place));
        }
        self.store.commit(batch, Some(PersistMode::Buffer))?;
        self.store.spool.release(done);
        Ok(())
    }

    fn spool(&self) -> &Spool {
        &self.store.spool
    }

    fn stats(&self) -> Option<&LogStats> {
        Some(&self.store.stats)
    }
}

impl Store {
    /// A consistent view of all entries.
    fn reader(&self) -> Reader<DayTable> {
        // Days first: one that is dropped after this is still readable, and what it left behind is in the view taken later.
        let days: Vec<_> = self.days.read().open.iter().map(|(day, keyspace)| (*day, keyspace.clone())).collect();
        let view = Arc::new(self.db.snapshot());
        let table = |keyspace: Keyspace| DayTable { view: view.clone(), keyspace };
        Reader {
            carried: table(self.carried.clone()),
            days: days.into_iter().map(|(day, keyspace)| (day, table(keyspace))).collect(),
        }
    }

    fn snapshot_of(&self, room: RoomId, view: &::fjall::Snapshot) -> Result<Option<Snapshot>, LogError> {
        let Some(kept) = view.get(&self.snapshots, snapshot_key(room)).map_err(failed)? else { return Ok(None) };
        let (seq, state) = read_snapshot(&kept)?;
        Ok(Some(Snapshot { room, seq, state: Bytes::copy_from_slice(state) }))
    }

    /// The last entry a room's newest snapshot covers.
    fn covered(&self, room: RoomId) -> Result<Option<Seq>, LogError> {
        let kept = self.snapshots.get(snapshot_key(room)).map_err(failed)?;
        kept.map(|kept| read_snapshot(&kept).map(|(seq, _)| seq)).transpose()
    }

    fn space(&self, space: Space) -> &Keyspace {
        match space {
            Space::Apps => &self.apps,
            Space::Accounts => &self.accounts,
            Space::Node => &self.node,
            Space::Created => &self.created,
            Space::Figures => &self.figures,
        }
    }

    fn put(&self, space: Space, key: &[u8], value: &[u8], mode: PersistMode) -> Result<(), LogError> {
        if key.is_empty() || key.len() > usize::from(u16::MAX) {
            return Err(LogError::Store("a key has 1 to 65535 bytes".into()));
        }
        let mut batch = self.db.batch();
        batch.insert(self.space(space), key, value);
        self.commit(batch, Some(mode))
    }

    /// Commits a batch under the next running count, as far as said: `None` leaves it to the next commit.
    fn commit(&self, mut batch: OwnedWriteBatch, mode: Option<PersistMode>) -> Result<(), LogError> {
        if batch.is_empty() {
            return Ok(());
        }
        let reach = match mode {
            None => Reach::Memory,
            Some(PersistMode::Buffer) => Reach::System,
            Some(PersistMode::SyncData | PersistMode::SyncAll) => Reach::Disk,
        };
        let commit = |count: u64| {
            batch.insert(&self.commits, COUNT_KEY, count.to_be_bytes());
            batch.durability(mode).commit()
        };
        self.ledger.commit(reach, commit).map_err(failed)
    }

    /// Brings everything committed to the disk.
    fn sync(&self) -> Result<(), LogError> {
        self.ledger.sync(|| self.db.persist(PersistMode::SyncData)).map_err(failed)
    }
}

/// The entries of one day, as they were when the query began.
struct DayTable {
    view: Arc<::fjall::Snapshot>,
    keyspace: Keyspace,
}

impl Table for DayTable {
    fn range(&self, room: RoomId, first: Seq, last: Seq) -> impl DoubleEndedIterator<Item = Found> {
        let found = self.view.range(&self.keyspace, key(room, first)..=key(room, last.max(first)));
        found.filter(move |_| first <= last).map(|found| {
            let (key, value) = found.into_inner().map_err(failed)?;
            let (_, seq) = read_key(&key)?;
            Ok((seq, Bytes::copy_from_slice(&value)))
        })
    }
}

/// Key and value of what was found.
fn pair(found: ::fjall::Guard) -> Result<(Bytes, Bytes), LogError> {
    let (key, value) = found.into_inner().map_err(failed)?;
    Ok((Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value)))
}

fn snapshot_key(room: RoomId) -> [u8; 8] {
    room.get().to_be_bytes()
}

fn read_snapshot(kept: &[u8]) -> Result<(Seq, &[u8]), LogError> {
    let (seq, state) = kept.split_first_chunk().ok_or_else(|| LogError::Corrupt("a snapshot without its place".into()))?;
    Ok((Seq(u64::from_be_bytes(*seq)), state))
}

fn failed(error: ::fjall::Error) -> LogError {
    LogError::Store(error.to_string())
}
