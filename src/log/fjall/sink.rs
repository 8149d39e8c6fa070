//! Writes a group of batches on the writer's thread: one atomic write, one visit to the disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ::fjall::{Keyspace, OwnedWriteBatch, PersistMode, Slice};
use bytes::Bytes;

use super::health::Pauses;
use super::open::{day_keyspace, folder_of};
use super::reopen::Shared;
use super::{Days, Durability, META_LAST_NUMBER, Store, failed, part_key};
use crate::id::{RoomId, Seq, SubjectId};
use crate::log::query::day_of;
use crate::log::record::{KEY_BYTES, Strip, index_row, key, redacted};
use crate::log::spool;
use crate::log::stats::LogStats;
use crate::log::writer::Sink;
use crate::log::{Batch, HEAD, LogError, Redacts, highest_number, listed_key, listings, redactions};

/// How long after a write it is looked whether the store still goes on.
const CHECK_AFTER: Duration = Duration::from_secs(1);

pub(super) struct DiskSink {
    shared: Arc<Shared>,
    durability: Durability,
    /// When what was left to the operating system has to reach the disk.
    sync_at: Option<Instant>,
    /// When it is looked whether the store still goes on, after a write.
    check_at: Option<Instant>,
    pauses: Pauses,
    last_number: i64,
}

/// Items that a group redacts, by key: the day of each, what does it, and whether the group has the item itself.
type Redactions = BTreeMap<[u8; KEY_BYTES], (i64, SubjectId, Seq, Strip, bool)>;

impl DiskSink {
    pub fn new(shared: Arc<Shared>, durability: Durability) -> DiskSink {
        let last_number = shared.lasting.last_number.load(Ordering::Relaxed);
        DiskSink { shared, durability, sync_at: None, check_at: None, pauses: Pauses::new(), last_number }
    }

    /// Opens a store that failed again, if it is time to.
    fn revive(&mut self) {
        let now = Instant::now();
        if !self.shared.lasting.health.has_failed() || now < self.pauses.due(now) {
            return;
        }
        let opened = self.shared.reopen();
        self.pauses.attempted(Instant::now(), opened.is_ok());
        (self.sync_at, self.check_at) = (None, None);
        let health = &self.shared.lasting.health;
        match opened {
            Ok(()) => {
                tracing::warn!(epoch = self.shared.epoch().0, "the store is open again; what was refused is not in it");
                LogStats::count(&self.shared.lasting.stats.reopened, 1);
                health.recover();
            }
            Err(LogError::Store(cause) | LogError::Corrupt(cause)) => health.refresh(cause),
            Err(error @ LogError::Busy) => health.refresh(error.to_string()),
        }
    }

    /// Closes the store to everybody, whatever it was that could not be written.
    fn give_up(&self, error: &LogError) {
        let (LogError::Store(cause) | LogError::Corrupt(cause)) = error else { return };
        self.shared.lasting.failed(cause);
    }

    fn commit(&mut self, group: &[Batch], results: &mut Vec<Result<(), LogError>>) -> Result<(), LogError> {
        let mut redactions = redacted_by(group);
        let store = self.shared.writable()?;
        open_days(&store, group)?;
        let days = store.days.read();
        let items = |batch: &Batch| batch.records.len() + batch.snapshots.len() + batch.reports.len();
        let items = group.iter().map(items).sum::<usize>() + 2;
        let mut write = OwnedWriteBatch::with_capacity(store.db.clone(), items);
        let mut parts: BTreeMap<(SubjectId, u32), (Seq, &Bytes)> = BTreeMap::new();
        let (mut bytes, mut last_number) = (0, self.last_number);
        let mut listed: BTreeMap<RoomId, bool> = BTreeMap::new();
        // Entries of one turn nearly always fall on one day.
        let mut target: Option<(i64, &Keyspace)> = None;
        for batch in group {
            // A batch that cannot be kept leaves nothing in the group's write.
            if let Err(error) = batch.check() {
                results.push(Err(error));
                continue;
            }
            for record in &batch.records {
                let (facts, day) = (&record.facts, day_of(record.facts.time));
                let keyspace = match target {
                    Some((at, keyspace)) if at == day => keyspace,
                    _ if day < days.first => &store.carried,
                    _ => days.open.get(&day).ok_or_else(|| LogError::Store(format!("day {day} was not opened")))?,
                };
                target = Some((day, keyspace));
                let key = key(facts.subject, facts.seq);
                // An item redacted in the same breath: one write must not hold two values of a key.
                let left = match redactions.get_mut(&key) {
                    Some((.., strip, is_written)) => {
                        *is_written = true;
                        redacted(facts.subject, facts.seq, record.kept.clone(), *strip)?
                    }
                    None => None,
                };
                let value = left.as_ref().unwrap_or(&record.kept);
                bytes += value.len();
                write.insert(keyspace, key, Slice::from(&value[..]));
                // What comes too late for its day is state, not history.
                for key in facts.keys.iter().filter(|_| day >= days.first) {
                    write.insert(keyspace, index_row(facts.subject, key, facts.seq), []);
                }
            }
            for snapshot in &batch.snapshots {
                for part in &snapshot.parts {
                    let newest = parts.entry((snapshot.subject, part.number)).or_insert((snapshot.seq, &part.state));
                    if newest.0 <= snapshot.seq {
                        *newest = (snapshot.seq, &part.state);
                    }
                }
            }
            for report in &batch.reports {
                let key = spool::key(&report.line, report.position);
                let length = key.len() + report.record.len();
                if store.lasting.spool.admit(length as u64) {
                    bytes += length;
                    write.insert(&store.reports, key, Slice::from(&report.record[..]));
                }
            }
            last_number = last_number.max(highest_number(&batch.records));
            listed.extend(listings(&batch.records));
            results.push(Ok(()));
        }
        for (key, (day, subject, seq, strip, is_written)) in redactions {
            if !is_written {
                bytes += keep_redacted(&store, &mut write, &days, day, key, |kept| redacted(subject, seq, kept, strip))?;
            }
        }
        bytes += keep_parts(&store, &mut write, &parts)?;
        for (room, exists) in listed {
            match exists {
                true => write.insert(&store.node, listed_key(room), []),
                false => write.remove(&store.node, listed_key(room)),
            }
        }
        if last_number > self.last_number {
            write.insert(&store.meta, META_LAST_NUMBER, last_number.to_be_bytes());
        }
        if write.is_empty() {
            return Ok(());
        }
        let is_acknowledged = group.iter().any(|batch| !batch.records.is_empty() || !batch.snapshots.is_empty());
        // Nobody waits for what an application is told of comings and goings: the next entry takes it to the disk.
        let mode = if is_acknowledged { self.mode() } else { PersistMode::Buffer };
        store.commit(write, Some(mode))?;
        drop(days);
        store.bound_buffers()?;
        self.check_at = Some(Instant::now() + CHECK_AFTER);
        self.last_number = last_number;
        if mode != PersistMode::Buffer {
            self.sync_at = None;
        }
        LogStats::count(&store.lasting.stats.bytes, bytes);
        Ok(())
    }

    /// How far this commit goes; sets the time of the next visit to the disk if it does not go there.
    fn mode(&mut self) -> PersistMode {
        let Durability::Interval { ms } = self.durability else { return PersistMode::SyncData };
        let now = Instant::now();
        let due = *self.sync_at.get_or_insert(now + Duration::from_millis(ms));
        if now >= due { PersistMode::SyncData } else { PersistMode::Buffer }
    }
}

impl Sink for DiskSink {
    fn write(&mut self, group: &[Batch], results: &mut Vec<Result<(), LogError>>) {
        self.revive();
        if let Err(error) = self.commit(group, results) {
            results.clear();
            results.resize(group.len(), Err(error));
        }
        // A batch that was refused is missing in what its subjects hold in memory: they are read again after a reopening.
        if let Some(error) = results.iter().find_map(|result| result.as_ref().err()) {
            self.give_up(error);
        }
    }

    fn sync_at(&mut self) -> Option<Instant> {
        match self.shared.lasting.health.has_failed() {
            true => Some(self.pauses.due(Instant::now())),
            false => self.sync_at.into_iter().chain(self.check_at).min(),
        }
    }

    fn sync(&mut self) {
        if self.shared.lasting.health.has_failed() {
            return self.revive();
        }
        let is_due = self.sync_at.take().is_some();
        self.check_at = None;
        // A failure is written down where it is met; the next look finds it.
        let _ = self.shared.store().and_then(|store| if is_due { store.sync() } else { store.check() });
    }

    fn close(&mut self) {
        // A store that failed is left as after a crash.
        let Ok(store) = self.shared.writable() else { return };
        if store.sync().is_ok() {
            store.ledger.is_clean();
        }
    }
}

/// Makes the days of a group before any of it is looked up.
fn open_days(store: &Store, group: &[Batch]) -> Result<(), LogError> {
    let mut last = None;
    for record in group.iter().flat_map(|batch| &batch.records) {
        let day = day_of(record.facts.time);
        if last.replace(day) == Some(day) {
            continue;
        }
        let is_missing = |days: &Days| day >= days.first && !days.open.contains_key(&day);
        if is_missing(&store.days.read()) {
            let keyspace = day_keyspace(&store.db, day, store.write_buffer_bytes)?;
            let folder = folder_of(&keyspace);
            store.ledger.change_keyspaces(|folders| folders.extend(folder.filter(|new| !folders.contains(new))))?;
            store.days.write().open.insert(day, keyspace);
        }
    }
    Ok(())
}

/// The items that a group redacts. A batch that cannot be kept redacts nothing.
fn redacted_by(group: &[Batch]) -> Redactions {
    let mut found = Redactions::new();
    for batch in group {
        if redactions(&batch.records).next().is_some() && batch.check().is_ok() {
            let item = |(subject, redacts): (SubjectId, Redacts)| {
                let Redacts { seq, time, strip } = redacts;
                (key(subject, seq), (day_of(time), subject, seq, strip, false))
            };
            found.extend(redactions(&batch.records).map(item));
        }
    }
    found
}

/// Adds what is left of a redacted item that earlier commits hold. Returns its bytes.
fn keep_redacted(
    store: &Store,
    write: &mut OwnedWriteBatch,
    days: &Days,
    day: i64,
    key: [u8; KEY_BYTES],
    redact: impl Fn(Bytes) -> Result<Option<Bytes>, LogError>,
) -> Result<usize, LogError> {
    let mut bytes = 0;
    for keyspace in days.open.get(&day).into_iter().chain([&store.carried]) {
        let Some(kept) = keyspace.get(key).map_err(failed)? else { continue };
        if let Some(left) = redact(Bytes::copy_from_slice(&kept))? {
            bytes += left.len();
            write.insert(keyspace, key, Slice::from(&left[..]));
        }
    }
    Ok(bytes)
}

/// Adds the parts of snapshots, but for those of subjects of which the store has a newer snapshot. Returns their bytes.
fn keep_parts(
    store: &Store,
    write: &mut OwnedWriteBatch,
    parts: &BTreeMap<(SubjectId, u32), (Seq, &Bytes)>,
) -> Result<usize, LogError> {
    let (mut bytes, mut is_newer) = (0, false);
    for ((subject, number), (seq, state)) in parts {
        // The head comes first.
        if *number == HEAD {
            is_newer = store.covered(*subject)?.is_none_or(|covered| covered <= *seq);
        }
        if !is_newer {
            continue;
        }
        let key = part_key(*subject, *number);
        if *number != HEAD && state.is_empty() {
            write.remove(&store.snapshots, key);
            continue;
        }
        let mut kept = Vec::with_capacity(8 + state.len());
        kept.extend_from_slice(&seq.0.to_be_bytes());
        kept.extend_from_slice(state);
        bytes += kept.len();
        write.insert(&store.snapshots, key, kept);
    }
    Ok(bytes)
}
