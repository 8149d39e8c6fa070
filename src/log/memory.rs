//! The log of `--memory` and of tests: what it is given lives as long as the process, and no longer.
//!
//! Behaves like the one on disk in everything else, its own thread included, so that nothing is learned about it that does not
//! hold there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use super::query::{Found, Reader, Table, day_of, first_day_kept};
use super::record::{KEY_BYTES, index_row, index_seq, key, read_key, redacted};
use super::spool::{self, Line, Spool, SpoolPosition, Spooled};
use super::stats::LogStats;
use super::writer::{Sink, Writer};
use super::{
    Batch, HEAD, Loaded, Log, LogError, Outbox, Part, Record, Redacts, Snapshot, Space, Span, Store, Stored, Visit,
    highest_number, listed_key, listed_rooms, listings, redactions,
};
use crate::id::{Epoch, RoomId, Seq, SubjectId, UnixMs};
use crate::limits;

/// Entries in the order of (subject, seq), and the rows by which they are found again.
#[derive(Default)]
struct Records {
    entries: BTreeMap<[u8; KEY_BYTES], Bytes>,
    index: BTreeSet<Vec<u8>>,
    /// The rows of those entries that have some.
    rows: HashMap<[u8; KEY_BYTES], Vec<Vec<u8>>>,
}

/// A log that keeps nothing beyond the process.
///
/// Bounded: of a subject it holds the newest [`MEMORY_LOG_ENTRIES`](limits::MEMORY_LOG_ENTRIES) entries, and older ones only while no
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
    last_number: AtomicI64,
    stats: Arc<LogStats>,
}

#[derive(Default)]
struct Tables {
    days: BTreeMap<i64, Records>,
    carried: Records,
    /// Parts of snapshots, each with the place up to which it is of use.
    snapshots: BTreeMap<(SubjectId, u32), (Seq, Bytes)>,
    /// Entries of each subject in `days`.
    counts: HashMap<SubjectId, usize>,
}

impl MemoryLog {
    /// An empty log.
    pub fn new() -> Result<MemoryLog, LogError> {
        let shared = Arc::new(Shared::default());
        let stats = shared.stats.clone();
        let writer = Writer::start(MemorySink { shared: shared.clone() }, stats)?;
        Ok(MemoryLog { writer, shared, epoch: next_epoch() })
    }

    /// Writes a batch at once, on the caller's thread, and tells nobody: for a host that decides itself when something lasts.
    #[cfg(feature = "sim")]
    pub(crate) fn write(&self, batch: &Batch) -> Result<(), LogError> {
        self.shared.last_number.fetch_max(highest_number(&batch.records), Ordering::Relaxed);
        MemorySink { shared: self.shared.clone() }.write_one(batch)
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

impl Log for MemoryLog {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn append(&self, batch: Batch) {
        self.shared.last_number.fetch_max(highest_number(&batch.records), Ordering::Relaxed);
        self.writer.append(batch);
    }

    fn is_full(&self) -> bool {
        self.writer.is_full()
    }

    fn load(&self, subject: SubjectId) -> Result<Option<Loaded>, LogError> {
        let tables = self.shared.tables.read();
        tables.reader().load(subject, tables.snapshot_of(subject))
    }

    fn head(&self, subject: SubjectId) -> Result<Option<(Seq, Bytes)>, LogError> {
        Ok(self.shared.tables.read().snapshots.get(&(subject, HEAD)).cloned())
    }

    fn follow(&self, subject: SubjectId, after: Seq, limit: usize) -> Result<Vec<Stored>, LogError> {
        self.shared.tables.read().reader().follow(subject, after, limit)
    }

    fn read(&self, span: &Span, visit: Visit<'_>) -> Result<(), LogError> {
        self.shared.tables.read().reader().read(span, visit)
    }

    fn last_number(&self) -> i64 {
        self.shared.last_number.load(Ordering::Relaxed)
    }

    fn listed(&self) -> Result<Vec<RoomId>, LogError> {
        Ok(listed_rooms(&self.scan_prefix(Space::Node, super::LISTED)?))
    }

    fn uncovered(&self, now: UnixMs, days: u32) -> Result<Vec<SubjectId>, LogError> {
        let tables = self.shared.tables.read();
        let old = tables.days.range(..first_day_kept(now, days));
        let mut subjects = BTreeSet::new();
        for key in old.flat_map(|(_, records)| records.entries.keys()) {
            let (subject, seq) = read_key(key)?;
            subjects.extend((!tables.covers(subject, seq)).then_some(subject));
        }
        Ok(subjects.into_iter().collect())
    }

    fn expire(&self, now: UnixMs, days: u32) -> Result<usize, LogError> {
        let mut tables = self.shared.tables.write();
        let kept = tables.days.split_off(&first_day_kept(now, days));
        let dropped = std::mem::replace(&mut tables.days, kept);
        for (key, bytes) in dropped.values().flat_map(|records| &records.entries) {
            let (subject, seq) = read_key(key)?;
            if let Some(count) = tables.counts.get_mut(&subject) {
                *count = count.saturating_sub(1);
            }
            if !tables.covers(subject, seq) {
                tables.carried.entries.insert(*key, bytes.clone());
            }
        }
        tables.counts.retain(|_, count| *count > 0);
        let carried = std::mem::take(&mut tables.carried.entries);
        let is_needed = |key: &[u8; KEY_BYTES]| read_key(key).is_ok_and(|(subject, seq)| !tables.covers(subject, seq));
        let carried = carried.into_iter().filter(|(key, _)| is_needed(key)).collect();
        tables.carried.entries = carried;
        Ok(dropped.len())
    }

    fn days(&self) -> Vec<i64> {
        self.shared.tables.read().days.keys().copied().collect()
    }

    fn erase(&self, subject: SubjectId) -> Result<(), LogError> {
        let tables = &mut *self.shared.tables.write();
        let all = || key(subject, Seq(0))..=key(subject, Seq(u64::MAX));
        let last = |records: &Records| records.entries.range(all()).next_back().map(|(key, _)| *key);
        let newest = tables.days.values().chain([&tables.carried]).filter_map(last).max();
        for records in tables.days.values_mut().chain([&mut tables.carried]) {
            let gone: Vec<_> = records.entries.range(all()).map(|(key, _)| *key).filter(|key| Some(*key) != newest).collect();
            gone.iter().for_each(|key| records.remove(key));
            newest.inspect(|key| records.forget_rows(key));
        }
        tables.counts.insert(subject, tables.days.values().map(|records| records.entries.range(all()).count()).sum());
        tables.snapshots.retain(|(of, _), _| *of != subject);
        Ok(())
    }

    fn stats(&self) -> Option<&LogStats> {
        Some(&self.shared.stats)
    }
}

impl Store for MemoryLog {
    fn put(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError> {
        let pair = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        self.shared.spaces.lock().entry(space).or_default().insert(pair.0, pair.1);
        Ok(())
    }

    fn put_soon(&self, space: Space, key: &[u8], value: &[u8]) -> Result<(), LogError> {
        self.put(space, key, value)
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, LogError> {
        Ok(self.shared.spaces.lock().get(&space).and_then(|pairs| pairs.get(key).cloned()))
    }

    fn scan_after(&self, space: Space, key: &[u8], limit: usize) -> Result<Vec<(Bytes, Bytes)>, LogError> {
        let spaces = self.shared.spaces.lock();
        let after = (Bound::Excluded(key), Bound::Unbounded);
        let pairs = spaces.get(&space).into_iter().flat_map(|pairs| pairs.range::<[u8], _>(after));
        Ok(pairs.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn scan_prefix(&self, space: Space, prefix: &[u8]) -> Result<Vec<(Bytes, Bytes)>, LogError> {
        let spaces = self.shared.spaces.lock();
        let from = Bytes::copy_from_slice(prefix);
        let pairs = spaces.get(&space).into_iter().flat_map(|pairs| pairs.range(from.clone()..));
        let pairs = pairs.take_while(|(key, _)| key.starts_with(prefix));
        Ok(pairs.map(|(key, value)| (key.clone(), value.clone())).collect())
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
}

impl Outbox for MemoryLog {
    fn reports(&self, line: &Line, from: SpoolPosition, count_max: usize, bytes_max: u64) -> Result<Vec<Spooled>, LogError> {
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
            reports.remove(&spool::key(&spooled.line, spooled.position));
        }
        self.shared.spool.release(done);
        Ok(())
    }

    fn spool(&self) -> &Spool {
        &self.shared.spool
    }
}

struct MemorySink {
    shared: Arc<Shared>,
}

impl Sink for MemorySink {
    fn write(&mut self, group: &[Batch], results: &mut Vec<Result<(), LogError>>) {
        results.extend(group.iter().map(|batch| self.write_one(batch)));
    }
}

impl MemorySink {
    fn write_one(&mut self, batch: &Batch) -> Result<(), LogError> {
        // Nothing of a batch is taken unless all of it can be.
        batch.check()?;
        let mut bytes = 0;
        let mut tables = self.shared.tables.write();
        for record in &batch.records {
            bytes += record.kept.len();
            tables.insert(record);
        }
        for (subject, redacts) in redactions(&batch.records) {
            tables.redact(subject, redacts)?;
        }
        for snapshot in &batch.snapshots {
            bytes += snapshot.bytes();
            tables.keep(snapshot);
        }
        for (room, exists) in listings(&batch.records) {
            let mut spaces = self.shared.spaces.lock();
            let node = spaces.entry(Space::Node).or_default();
            let key = Bytes::from(listed_key(room));
            drop(if exists { node.insert(key, Bytes::new()) } else { node.remove(&key) });
        }
        let mut reports = self.shared.reports.lock();
        for report in &batch.reports {
            let key = spool::key(&report.line, report.position);
            let length = key.len() + report.record.len();
            if self.shared.spool.admit(length as u64) {
                bytes += length;
                reports.insert(key, Bytes::copy_from_slice(&report.record));
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

    fn covers(&self, subject: SubjectId, seq: Seq) -> bool {
        self.snapshots.get(&(subject, HEAD)).is_some_and(|(covered, _)| seq <= *covered)
    }

    fn snapshot_of(&self, subject: SubjectId) -> Option<Snapshot> {
        let parts = self.snapshots.range((subject, HEAD)..=(subject, u32::MAX));
        let (seq, _) = self.snapshots.get(&(subject, HEAD))?;
        let parts = parts.map(|((_, number), (_, state))| Part { number: *number, state: state.clone() });
        Some(Snapshot { subject, seq: *seq, parts: parts.collect() })
    }

    /// Takes the parts of a snapshot in, unless there is a newer one.
    fn keep(&mut self, snapshot: &Snapshot) {
        let Snapshot { subject, seq, parts } = snapshot;
        if self.snapshots.get(&(*subject, HEAD)).is_some_and(|(covered, _)| covered > seq) {
            return;
        }
        for part in parts {
            let place = (*subject, part.number);
            match part.number != HEAD && part.state.is_empty() {
                true => drop(self.snapshots.remove(&place)),
                false => drop(self.snapshots.insert(place, (*seq, part.state.clone()))),
            }
        }
    }

    fn insert(&mut self, record: &Record) {
        let (facts, at) = (&record.facts, key(record.facts.subject, record.facts.seq));
        let day = self.days.entry(day_of(facts.time)).or_default();
        // A copy: the buffer the entry was written into holds those of its neighbours as well.
        let is_new = day.entries.insert(at, Bytes::copy_from_slice(&record.kept)).is_none();
        if !facts.keys.is_empty() {
            let rows: Vec<_> = facts.keys.iter().map(|key| index_row(facts.subject, key, facts.seq)).collect();
            day.index.extend(rows.iter().cloned());
            day.rows.insert(at, rows);
        }
        if !is_new {
            return;
        }
        let count = self.counts.entry(facts.subject).or_default();
        *count += 1;
        if *count > limits::MEMORY_LOG_ENTRIES && self.forget_oldest(facts.subject) {
            self.counts.entry(facts.subject).and_modify(|count| *count -= 1);
        }
    }

    /// Takes out what an item says, wherever it stands.
    fn redact(&mut self, subject: SubjectId, redacts: Redacts) -> Result<(), LogError> {
        let Redacts { seq, time, strip } = redacts;
        let Tables { days, carried, .. } = self;
        for records in days.get_mut(&day_of(time)).into_iter().chain([carried]) {
            if let Some(kept) = records.entries.get_mut(&key(subject, seq))
                && let Some(left) = redacted(subject, seq, kept.clone(), strip)?
            {
                *kept = left;
            }
        }
        Ok(())
    }

    /// Removes the oldest entry of a subject if a snapshot covers it.
    fn forget_oldest(&mut self, subject: SubjectId) -> bool {
        let Some(covered) = self.snapshots.get(&(subject, HEAD)).map(|(covered, _)| *covered) else { return false };
        for records in self.days.values_mut() {
            let oldest = records.entries.range(key(subject, Seq(0))..=key(subject, covered)).next().map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                records.remove(&oldest);
                return true;
            }
        }
        false
    }
}

impl Records {
    fn remove(&mut self, key: &[u8; KEY_BYTES]) {
        self.entries.remove(key);
        self.forget_rows(key);
    }

    fn forget_rows(&mut self, key: &[u8; KEY_BYTES]) {
        for row in self.rows.remove(key).unwrap_or_default() {
            self.index.remove(&row);
        }
    }
}

/// Key and value of a report.
fn pair((key, value): (&Vec<u8>, &Bytes)) -> Result<(Bytes, Bytes), LogError> {
    Ok((Bytes::copy_from_slice(key), value.clone()))
}

impl Table for &Records {
    fn range(&self, subject: SubjectId, first: Seq, last: Seq) -> impl DoubleEndedIterator<Item = Found> {
        // A range that ends before it begins is empty here, and a panic to the map.
        let found = self.entries.range(key(subject, first)..=key(subject, last.max(first))).filter(move |_| first <= last);
        found.map(|(key, bytes)| read_key(key).map(|(_, seq)| (seq, bytes.clone())))
    }

    fn under(
        &self,
        subject: SubjectId,
        key: &[u8],
        first: Seq,
        last: Seq,
    ) -> impl DoubleEndedIterator<Item = Result<Seq, LogError>> {
        let rows = index_row(subject, key, first)..=index_row(subject, key, last.max(first));
        self.index.range(rows).filter(move |_| first <= last).map(|row| index_seq(row))
    }
}
