//! The log on disk, kept by the embedded store fjall.
//!
//! One folder holds everything. Entries stand in one keyspace per UTC day, so that retention drops days instead of deleting rows:
//! key subject and seq, value the kept form of the entry; behind all of them the rows of their index, key subject, key and seq. Beside
//! them: `snapshots` by subject and part, `carried` for entries of a dropped day that no snapshot covered, `meta` for the node's
//! counters, one keyspace for each [`Space`], and `reports` for the outbox.

mod buffers;
mod commits;
mod copy;
mod cut;
mod expire;
mod health;
mod journal;
mod open;
mod reopen;
mod sink;
mod state;
mod survey;
mod tables;
mod verify;

pub use self::copy::Copied;
pub use self::verify::verify;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ::fjall::{Database, Keyspace, OwnedWriteBatch, PersistMode, Readable};
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use self::health::Health;
use self::journal::Marks;
use self::reopen::Shared;
use self::state::Ledger;
use super::query::{Found, Reader, Table};
use super::record::{index_row, index_seq, key, read_key};
use super::spool::{self, Line, Spool, SpoolPosition, Spooled};
use super::stats::LogStats;
use super::writer::Writer;
use super::{
    Batch, HEAD, Loaded, Log, LogError, Outbox, Part, Snapshot, Space, Span, Stored, Visit, highest_number, listed_rooms,
};
use crate::id::{Epoch, RoomId, Seq, SubjectId, UnixMs};
use crate::limits;

/// Failures that an acknowledged entry survives.
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
    /// Failures that an acknowledged entry survives.
    pub durability: Durability,
    /// Bytes of blocks read from disk that are held in memory.
    pub cache_bytes: u64,
    /// Bytes of new entries held in memory before they are written out sorted: half of it collects them, the other half is being
    /// written out meanwhile.
    pub write_buffer_bytes: u64,
    /// Files that stay open between two uses.
    pub files_cached: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            durability: Durability::Commit,
            cache_bytes: limits::STORE_CACHE_BYTES,
            write_buffer_bytes: limits::STORE_WRITE_BUFFER_BYTES,
            files_cached: 256,
        }
    }
}

/// The log on disk. One process at a time may have a folder open.
///
/// Dropping it writes what was accepted, answers every caller, and brings all of it to the disk.
pub struct FjallLog {
    // First, so that it is dropped first.
    writer: Writer,
    shared: Arc<Shared>,
    expiring: Mutex<()>,
}

/// State that lasts when the store is closed and opened again.
#[derive(Clone, Default)]
struct Lasting {
    spool: Arc<Spool>,
    stats: Arc<LogStats>,
    last_number: Arc<AtomicI64>,
    health: Arc<Health>,
}

/// The open store, shared by the writer, the queries and the retention.
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
    lasting: Lasting,
    /// Held during each commit, so that batches stand in the journal in the order of these.
    marks: Mutex<Marks>,
    /// The writer holds this shared from looking a day up until its commit is over: who holds it alone sees no write on its way.
    days: RwLock<Days>,
    write_buffer_bytes: u64,
    // Last, so that a clean stop is written down when nothing changes any more.
    ledger: Ledger,
}

struct Days {
    open: BTreeMap<i64, Keyspace>,
    /// Entries of earlier days, which only a clock that went back can bring, are carried.
    first: i64,
}

const META_FORMAT: &str = "format";
const META_EPOCH: &str = "epoch";
const META_LAST_NUMBER: &str = "last_room_id";

impl FjallLog {
    /// Opens the log in a folder, or makes it. The message of an error says what is wrong with the folder.
    pub fn open(folder: &Path, options: &Options) -> Result<FjallLog, LogError> {
        let shared = Arc::new(Shared::open(folder, options)?);
        let stats = shared.lasting.stats.clone();
        let writer = Writer::start(sink::DiskSink::new(shared.clone(), options.durability), stats)?;
        let waker = writer.waker();
        shared.lasting.health.wakes(Box::new(move || waker.wake()));
        Ok(FjallLog { writer, shared, expiring: Mutex::new(()) })
    }
}

/// Fills an empty folder from a backup, which is checked to the last byte before. `goes_on` hears how many bytes were copied, and of
/// how many, and ends the copying with false.
pub fn restore(backup: &Path, folder: &Path, goes_on: &mut dyn FnMut(u64, u64) -> bool) -> Result<Copied, LogError> {
    copy::restore(backup, folder, goes_on)
}

impl Log for FjallLog {
    fn epoch(&self) -> Epoch {
        self.shared.epoch()
    }

    fn failure(&self) -> Option<String> {
        self.shared.lasting.health.failure()
    }

    fn watch(&self, told: Box<dyn Fn() + Send + Sync>) {
        self.shared.lasting.health.tells(told);
    }

    fn append(&self, batch: Batch) {
        self.shared.lasting.last_number.fetch_max(highest_number(&batch.records), Ordering::Relaxed);
        self.writer.append(batch);
    }

    fn is_full(&self) -> bool {
        self.writer.is_full()
    }

    fn load(&self, subject: SubjectId) -> Result<Option<Loaded>, LogError> {
        let store = self.shared.store()?;
        let reader = store.reader();
        let snapshot = store.snapshot_of(subject, &reader.carried.view)?;
        reader.load(subject, snapshot)
    }

    fn head(&self, subject: SubjectId) -> Result<Option<(Seq, Bytes)>, LogError> {
        let kept = self.shared.store()?.snapshots.get(snapshot_key(subject)).map_err(failed)?;
        kept.map(|kept| read_part(&kept)).transpose()
    }

    fn follow(&self, subject: SubjectId, after: Seq, limit: usize) -> Result<Vec<Stored>, LogError> {
        self.shared.store()?.reader().follow(subject, after, limit)
    }

    fn read(&self, span: &Span, visit: Visit<'_>) -> Result<(), LogError> {
        self.shared.store()?.reader().read(span, visit)
    }

    fn last_number(&self) -> i64 {
        self.shared.lasting.last_number.load(Ordering::Relaxed)
    }

    fn listed(&self) -> Result<Vec<RoomId>, LogError> {
        Ok(listed_rooms(&super::Store::scan_prefix(self, Space::Node, super::LISTED)?))
    }

    fn uncovered(&self, now: UnixMs, days: u32) -> Result<Vec<SubjectId>, LogError> {
        self.shared.store()?.uncovered(now, days)
    }

    fn expire(&self, now: UnixMs, days: u32) -> Result<usize, LogError> {
        let _one_at_a_time = self.expiring.lock();
        self.shared.writable()?.expire(now, days)
    }

    fn days(&self) -> Vec<i64> {
        self.shared.store().map(|store| store.days.read().open.keys().copied().collect()).unwrap_or_default()
    }

    fn erase(&self, subject: SubjectId) -> Result<(), LogError> {
        let _one_at_a_time = self.expiring.lock();
        self.shared.writable()?.erase(subject)
    }

    fn backup(&self, target: &Path, goes_on: &mut dyn FnMut(Copied) -> bool) -> Result<Copied, LogError> {
        let (store, health) = (self.shared.store()?, &self.shared.lasting.health);
        // A store that failed is opened again when nobody holds it any more.
        let copied = store.copy(target, &mut |copied| !health.has_failed() && goes_on(copied));
        copied.map_err(|error| health.failure().map_or(error, LogError::Store))
    }

    fn stats(&self) -> Option<&LogStats> {
        Some(&self.shared.lasting.stats)
    }
}

impl super::Store for FjallLog {
    fn put(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError> {
        self.shared.writable()?.put(space, key, value, PersistMode::SyncData)
    }

    fn put_soon(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError> {
        self.shared.writable()?.put(space, key, value, PersistMode::Buffer)
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, LogError> {
        let found = self.shared.store()?.space(space).get(key).map_err(failed)?;
        Ok(found.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn scan_after(&self, space: Space, key: &[u8], limit: usize) -> Result<Vec<(Bytes, Bytes)>, LogError> {
        let after = (Bound::Excluded(key), Bound::Unbounded);
        self.shared.store()?.space(space).range::<&[u8], _>(after).take(limit).map(pair).collect()
    }

    fn scan_prefix(&self, space: Space, prefix: &[u8]) -> Result<Vec<(Bytes, Bytes)>, LogError> {
        self.shared.store()?.space(space).prefix(prefix).map(pair).collect()
    }

    fn change(&self, space: Space, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), LogError> {
        let store = self.shared.writable()?;
        let mut batch = OwnedWriteBatch::with_capacity(store.db.clone(), changes.len() + 1);
        let keyspace = store.space(space);
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(keyspace, key, value),
                None => batch.remove(keyspace, key),
            }
        }
        store.commit(batch, Some(PersistMode::Buffer))
    }
}

impl Outbox for FjallLog {
    fn reports(&self, line: &Line, from: SpoolPosition, count_max: usize, bytes_max: u64) -> Result<Vec<Spooled>, LogError> {
        let found = self.shared.store()?.reports.range(spool::key(line, from)..spool::beyond(Some(line))).map(pair);
        spool::take(found, count_max, bytes_max)
    }

    fn next_line(&self, after: Option<&Line>) -> Result<Option<Spooled>, LogError> {
        let found = self.shared.store()?.reports.range(spool::beyond(after)..).map(pair);
        Ok(spool::take(found, 1, 0)?.pop())
    }

    fn remove_reports(&self, done: &[Spooled]) -> Result<(), LogError> {
        let store = self.shared.writable()?;
        let mut batch = store.db.batch();
        for spooled in done {
            batch.remove(&store.reports, spool::key(&spooled.line, spooled.position));
        }
        store.commit(batch, Some(PersistMode::Buffer))?;
        self.shared.lasting.spool.release(done);
        Ok(())
    }

    fn spool(&self) -> &Spool {
        &self.shared.lasting.spool
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

    fn snapshot_of(&self, subject: SubjectId, view: &::fjall::Snapshot) -> Result<Option<Snapshot>, LogError> {
        let (mut place, mut parts) = (None, Vec::new());
        for found in view.prefix(&self.snapshots, snapshot_key(subject)) {
            let (key, kept) = found.into_inner().map_err(failed)?;
            let number = part_number(&key)?;
            let (seq, state) = read_part(&kept)?;
            // The head says how far the snapshot goes; a part may have stood unchanged for long.
            place = place.or((number == HEAD).then_some(seq));
            parts.push(Part { number, state });
        }
        Ok(place.map(|seq| Snapshot { subject, seq, parts }))
    }

    /// The last entry a subject's newest snapshot covers.
    fn covered(&self, subject: SubjectId) -> Result<Option<Seq>, LogError> {
        let kept = self.snapshots.get(snapshot_key(subject)).map_err(failed)?;
        kept.map(|kept| read_part(&kept).map(|(seq, _)| seq)).transpose()
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
}

/// The entries of one day, as they were when the query began.
struct DayTable {
    view: Arc<::fjall::Snapshot>,
    keyspace: Keyspace,
}

impl Table for DayTable {
    fn range(&self, subject: SubjectId, first: Seq, last: Seq) -> impl DoubleEndedIterator<Item = Found> {
        let found = self.view.range(&self.keyspace, key(subject, first)..=key(subject, last.max(first)));
        found.filter(move |_| first <= last).map(|found| {
            let (key, value) = found.into_inner().map_err(failed)?;
            let (_, seq) = read_key(&key)?;
            Ok((seq, Bytes::copy_from_slice(&value)))
        })
    }

    fn under(
        &self,
        subject: SubjectId,
        key: &[u8],
        first: Seq,
        last: Seq,
    ) -> impl DoubleEndedIterator<Item = Result<Seq, LogError>> {
        let rows = index_row(subject, key, first)..=index_row(subject, key, last.max(first));
        let found = self.view.range(&self.keyspace, rows).filter(move |_| first <= last);
        found.map(|found| index_seq(&found.key().map_err(failed)?))
    }
}

/// Key and value of what was found.
fn pair(found: ::fjall::Guard) -> Result<(Bytes, Bytes), LogError> {
    let (key, value) = found.into_inner().map_err(failed)?;
    Ok((Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value)))
}

/// The key of a snapshot's head, with which those of its other parts begin.
fn snapshot_key(subject: SubjectId) -> [u8; 8] {
    subject.to_key().to_be_bytes()
}

fn part_key(subject: SubjectId, number: u32) -> Vec<u8> {
    let mut key = snapshot_key(subject).to_vec();
    if number != HEAD {
        key.extend_from_slice(&number.to_be_bytes());
    }
    key
}

fn part_number(key: &[u8]) -> Result<u32, LogError> {
    let number = match key.get(8..) {
        Some([]) => Some(HEAD),
        Some(number) => number.try_into().ok().map(u32::from_be_bytes),
        None => None,
    };
    number.ok_or_else(|| LogError::Corrupt("a key that is no snapshot's".into()))
}

/// The place up to which a part is of use, and its state.
fn read_part(kept: &[u8]) -> Result<(Seq, Bytes), LogError> {
    let (seq, state) = kept.split_first_chunk().ok_or_else(|| LogError::Corrupt("a snapshot without its place".into()))?;
    Ok((Seq(u64::from_be_bytes(*seq)), Bytes::copy_from_slice(state)))
}

fn failed(error: ::fjall::Error) -> LogError {
    LogError::Store(reopen::cause(&error))
}
