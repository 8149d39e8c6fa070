//! The log of `--memory` and of tests: what it is given lives as long as the process, and no longer.
//!
//! Behaves like the one on disk in everything else, its own thread included, so that nothing is learned about it that does not
//! hold there.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use super::query::{Found, Reader, Table, day_of, first_day_kept};
use super::record::{KEY_BYTES, encode, key, read_key, without_content};
use super::spool::{self, Line, Place, Spool, Spooled};
use super::stats::LogStats;
use super::writer::{Sink, Writer};
use super::{
    Batch, FindQuery, HistoryPage, HistoryQuery, Loaded, LogError, ReplayQuery, RoomLog, Snapshot, Space, client_room_key,
    client_rooms, highest_created, recalled,
};
use crate::id::{Epoch, RoomId, Seq, UnixMs};
use crate::limits;
use crate::room::{Record, Replay};

type Records = BTreeMap<[u8; KEY_BYTES], Bytes>;

/// A log that keeps nothing beyond the process.
///
/// Bounded: of a room it holds the newest [`MEMORY_LOG_ENTRIES`](limits::MEMORY_LOG_ENTRIES) entries, and older ones only while no
/// snapshot covers them. Its epoch is the clock's time at its making, for it cannot count starts.
pub struct MemoryLog {
    writer: Writer,
    shared: Arc<Shared>,
    epoch: Epoch,
}

#[derive(Default)]
struct Shared {
    tables: RwLock<Tables>,
    spaces: Mutex<HashMap<Space, BTreeMap<Bytes, Bytes>>>,
    reports: Mutex<BTreeMap<Vec<u8>, Bytes>>,
    spool: Spool,
    last_room_id: AtomicI64,
    stats: Arc<LogStats>,
}

#[derive(Default)]
struct Tables {
    days: BTreeMap<i64, Records>,
    carried: Records,
    snapshots: HashMap<RoomId, Snapshot>,
    /// Entries of each room in `days`.
    counts: HashMap<RoomId, usize>,
}

impl MemoryLog {
    /// An empty log.
    pub fn new() -> Result<MemoryLog, LogError> {
        let shared = Arc::new(Shared::default());
        let stats = shared.stats.clone();
        let writer = Writer::start(MemorySink { shared: shared.clone(), encoded: Vec::new() }, stats)?;
        Ok(MemoryLog { writer, shared, epoch: next_epoch() })
    }

    /// Writes a batch at once, on the caller's thread, and tells nobody: for a host that decides itself when something lasts.
    #[cfg(feature = "sim")]
    pub(crate) fn write(&self, batch: &Batch) -> Result<(), LogError> {
        self.shared.last_room_id.fetch_max(highest_created(&batch.records), Ordering::Relaxed);
        MemorySink { shared: self.shared.clone(), encoded: Vec::new() }.write_one(batch)
    }
}

/// The clock's milliseconds, and never the same twice in one process.
fn next_epoch() -> Epoch {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let clock = u64::try_from(clock).unwrap_or(0);
    let next = |last: u64| Some(clock.max(last.saturating_add(1)));
    let before = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or(0);
    Epoch(clock.max(before.saturating_add(1)))
}

impl RoomLog for MemoryLog {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn append(&self, batch: Batch) {
        self.shared.last_room_id.fetch_max(highest_created(&batch.records), Ordering::Relaxed);
        self.writer.append(batch);
    }

    fn is_full(&self) -> bool {
        self.writer.is_full()
    }

    fn load(&self, room: RoomId, now: UnixMs) -> Result<Option<Loaded>, LogError> {
        let tables = self.shared.tables.read();
        tables.reader().load(room, tables.snapshots.get(&room).cloned(), now)
    }

    fn follow(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<Record>, LogError> {
        self.shared.tables.read().reader().follow(room, after, limit)
    }

    fn history(&self, query: &HistoryQuery) -> Result<HistoryPage, LogError> {
        self.shared.tables.read().reader().history(query)
    }

    fn replay(&self, query: &ReplayQuery) -> Result<Replay, LogError> {
        self.shared.tables.read().reader().replay(query)
    }

    fn find(&self, query: &FindQuery) -> Result<Option<Seq>, LogError> {
        self.shared.tables.read().reader().find(query)
    }

    fn last_room_id(&self) -> i64 {
        self.shared.last_room_id.load(Ordering::Relaxed)
    }

    fn expire(&self, now: UnixMs, days: u32) -> Result<usize, LogError> {
        let mut tables = self.shared.tables.write();
        let kept = tables.days.split_off(&first_day_kept(now, days));
        let dropped = std::mem::replace(&mut tables.days, kept);
        for (key, bytes) in dropped.values().flatten() {
            let (room, seq) = read_key(key)?;
            if let Some(count) = tables.counts.get_mut(&room) {
                *count = count.saturating_sub(1);
            }
            if !tables.covers(room, seq) {
                tables.carried.insert(*key, bytes.clone());
            }
        }
        tables.counts.retain(|_, count| *count > 0);
        let carried = std::mem::take(&mut tables.carried);
        let is_needed = |key: &[u8; KEY_BYTES]| read_key(key).is_ok_and(|(room, seq)| !tables.covers(room, seq));
        let carried = carried.into_iter().filter(|(key, _)| is_needed(key)).collect();
        tables.carried = carried;
        Ok(dropped.len())
    }

    fn days(&self) -> Vec<i64> {
        self.shared.tables.read().days.keys().copied().collect()
    }

    fn erase(&self, room: RoomId) -> Result<(), LogError> {
        let tables = &mut *self.shared.tables.write();
        let all = || key(room, Seq(0))..=key(room, Seq(u64::MAX));
        let last = |records: &Records| records.range(all()).next_back().map(|(key, _)| *key);
        let newest = tables.days.values().chain([&tables.carried]).filter_map(last).max();
        for records in tables.days.values_mut().chain([&mut tables.carried]) {
            let gone: Vec<_> = records.range(all()).map(|(key, _)| *key).filter(|key| Some(*key) != newest).collect();
            gone.iter().for_each(|key| drop(records.remove(key)));
        }
        tables.counts.insert(room, tables.days.values().map(|records| records.range(all()).count()).sum());
        tables.snapshots.remove(&room);
        Ok(())
    }

    fn put(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError> {
        let pair = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        self.shared.spaces.lock().entry(space).or_default().insert(pair.0, pair.1);
        Ok(())
    }

    fn put_soon(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError> {
        self.put(space, key, value)
    }

    fn scan(&self, space: Space) -> Result<Vec<(Bytes, Bytes)>, LogError> {
        self.scan_prefix(space, &[])
    }

    fn scan_prefix(&self, space: Space, prefix: &[u8]) -> Result<Vec<(Bytes, Bytes)>, LogError> {
        let spaces = self.shared.spaces.lock();
        let from = Bytes::copy_from_slice(prefix);
        let pairs = spaces.get(&space).into_iter().flat_map(|pairs| pairs.range(from.clone()..));
        let pairs = pairs.take_while(|(key, _)| key.starts_with(prefix));
        Ok(pairs.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn remove(&self, space: Space, key: &[u8]) -> Result<(), LogError> {
        if let Some(pairs) = self.shared.spaces.lock().get_mut(&space) {
            pairs.remove(key);
        }
        Ok(())
    }

    fn change(&self, space: Space, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), LogError> {
        let mut spaces = self.shared.spaces.lock();
        let pairs = spaces.entry(space).or_default();
        for (key, value) in changes {
            match value {
                Some(value) => drop(pairs.insert(key.into(), value.into())),
                None => drop(pairs.remove(&key[..])),
            }
        }
        Ok(())
    }

    fn reports(&self, line: &Line, from: Place, count_max: usize, bytes_max: u64) -> Result<Vec<Spooled>, LogError> {
        let reports = self.shared.reports.lock();
        let found = reports.range(spool::key(line, from)..spool::beyond(Some(line)));
        spool::take(found.map(pair), count_max, bytes_max)
    }

    fn next_line(&self, after: Option<&Line>) -> Result<Option<Spooled>, LogError> {
        let reports = self.shared.reports.lock();
        Ok(spool::take(reports.range(spool::beyond(after)..).map(pair), 1, 0)?.pop())
    }

    fn remove_reports(&self, done: &[Spooled]) -> Result<(), LogError> {
        let mut reports = self.shared.reports.lock();
        for spooled in done {
            reports.remove(&spool::key(&spooled.line, spooled.place));
        }
        self.shared.spool.release(done);
        Ok(())
    }

    fn spool(&self) -> &Spool {
        &self.shared.spool
    }

    fn stats(&self) -> Option<&LogStats> {
        Some(&self.shared.stats)
    }
}

struct MemorySink {
    shared: Arc<Shared>,
    encoded: Vec<u8>,
}

impl Sink for MemorySink {
    fn write(&mut self, group: &[Batch], results: &mut Vec<Result<(), LogError>>) {
        results.extend(group.iter().map(|batch| self.write_one(batch)));
    }
}

impl MemorySink {
    fn write_one(&mut self, batch: &Batch) -> Result<(), LogError> {
        // Nothing of a batch is taken unless all of it can be.
        let mut records = Vec::with_capacity(batch.records.len());
        for record in &batch.records {
            encode(record, &mut self.encoded)?;
            records.push(Bytes::copy_from_slice(&self.encoded));
        }
        let mut bytes = 0;
        let mut tables = self.shared.tables.write();
        for (record, kept) in batch.records.iter().zip(records) {
            bytes += kept.len();
            tables.insert(record, kept);
        }
        for (room, seq, time) in recalled(&batch.records) {
            tables.recall(room, seq, time)?;
        }
        for snapshot in &batch.snapshots {
            bytes += snapshot.state.len();
            let newest = tables.snapshots.entry(snapshot.room).or_insert_with(|| snapshot.clone());
            if newest.seq <= snapshot.seq {
                *newest = snapshot.clone();
            }
        }
        for (room, exists) in client_rooms(&batch.records) {
            let mut spaces = self.shared.spaces.lock();
            let node = spaces.entry(Space::Node).or_default();
            let key = Bytes::from(client_room_key(room));
            drop(if exists { node.insert(key, Bytes::new()) } else { node.remove(&key) });
        }
        let mut reports = self.shared.reports.lock();
        for report in &batch.reports {
            let (key, value) = spool::encode(report);
            if self.shared.spool.admit((key.len() + value.len()) as u64) {
                bytes += key.len() + value.len();
                reports.insert(key, value.into());
            }
        }
        LogStats::count(&self.shared.stats.bytes, bytes);
        Ok(())
    }
}

impl Tables {
    fn reader(&self) -> Reader<&Records> {
        Reader { carried: &self.carried, days: self.days.iter().map(|(day, records)| (*day, records)).collect() }
    }

    fn covers(&self, room: RoomId, seq: Seq) -> bool {
        self.snapshots.get(&room).is_some_and(|snapshot| seq <= snapshot.seq)
    }

    fn insert(&mut self, record: &Record, kept: Bytes) {
        let day = self.days.entry(day_of(record.entry.stamp.time)).or_default();
        if day.insert(key(record.room, record.entry.seq), kept).is_some() {
            return;
        }
        let count = self.counts.entry(record.room).or_default();
        *count += 1;
        if *count > limits::MEMORY_LOG_ENTRIES && self.forget_oldest(record.room) {
            self.counts.entry(record.room).and_modify(|count| *count -= 1);
        }
    }

    /// Takes out what a message said, wherever it stands.
    fn recall(&mut self, room: RoomId, seq: Seq, time: UnixMs) -> Result<(), LogError> {
        let Tables { days, carried, .. } = self;
        for records in days.get_mut(&day_of(time)).into_iter().chain([carried]) {
            if let Some(kept) = records.get_mut(&key(room, seq))
                && let Some(stripped) = without_content(kept.clone())?
            {
                *kept = stripped.into();
            }
        }
        Ok(())
    }

    /// Removes the oldest entry of a room if a snapshot covers it.
    fn forget_oldest(&mut self, room: RoomId) -> bool {
        let Some(covered) = self.snapshots.get(&room).map(|snapshot| snapshot.seq) else { return false };
        for records in self.days.values_mut() {
            let oldest = records.range(key(room, Seq(0))..=key(room, covered)).next().map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                records.remove(&oldest);
                return true;
            }
        }
        false
    }
}

/// Key and value of a report.
fn pair((key, value): (&Vec<u8>, &Bytes)) -> Result<(Bytes, Bytes), LogError> {
    Ok((Bytes::copy_from_slice(key), value.clone()))
}

impl Table for &Records {
    fn range(&self, room: RoomId, first: Seq, last: Seq) -> impl DoubleEndedIterator<Item = Found> {
        // A range that ends before it begins is empty here, and a panic to the map.
        let found = BTreeMap::range(self, key(room, first)..=key(room, last.max(first))).filter(move |_| first <= last);
        found.map(|(key, bytes)| read_key(key).map(|(_, seq)| (seq, bytes.clone())))
    }
}
