//! What the writer thread does with a group of batches: one atomic write, one visit to the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ::fjall::{Keyspace, OwnedWriteBatch, PersistMode, Slice};
use bytes::Bytes;

use super::health::Pauses;
use super::open::{day_keyspace, folder_of};
use super::reopen::Shared;
use super::{Days, Durability, META_LAST_ROOM_ID, Store, failed, snapshot_key};
use crate::id::{RoomId, Seq};
use crate::log::query::day_of;
use crate::log::record::{KEY_BYTES, encode, key, without_content};
use crate::log::spool;
use crate::log::stats::LogStats;
use crate::log::writer::Sink;
use crate::log::{Batch, LogError, Snapshot, client_room_key, client_rooms, highest_created, recalled};

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
    last_room_id: i64,
    /// One record in its kept form.
    encoded: Vec<u8>,
    /// The records of one batch, so that a batch that cannot be kept leaves nothing in the group's write.
    staged: Vec<(i64, [u8; KEY_BYTES], Slice)>,
}

impl DiskSink {
    pub fn new(shared: Arc<Shared>, durability: Durability) -> DiskSink {
        let last_room_id = shared.lasting.last_room_id.load(Ordering::Relaxed);
        DiskSink {
            shared,
            durability,
            sync_at: None,
            check_at: None,
            pauses: Pauses::new(),
            last_room_id,
            encoded: Vec::new(),
            staged: Vec::new(),
        }
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
        let recalls = self.recalls(group);
        let store = self.shared.writable()?;
        open_days(&store, group)?;
        let days = store.days.read();
        let items = |batch: &Batch| batch.records.len() + batch.snapshots.len() + batch.reports.len();
        let items = group.iter().map(items).sum::<usize>() + 2;
        let mut write = OwnedWriteBatch::with_capacity(store.db.clone(), items);
        let mut snapshots: BTreeMap<RoomId, &Snapshot> = BTreeMap::new();
        let (mut bytes, mut last_room_id) = (0, self.last_room_id);
        let mut rooms_of_clients: BTreeMap<RoomId, bool> = BTreeMap::new();
        // Entries of one turn nearly always fall on one day.
        let mut target: Option<(i64, &Keyspace)> = None;
        let mut written = BTreeSet::new();
        for batch in group {
            if let Err(error) = self.stage(batch) {
                results.push(Err(error));
                continue;
            }
            for (day, key, value) in self.staged.drain(..) {
                let keyspace = match target {
                    Some((at, keyspace)) if at == day => keyspace,
                    _ if day < days.first => &store.carried,
                    _ => days.open.get(&day).ok_or_else(|| LogError::Store(format!("day {day} was not opened")))?,
                };
                target = Some((day, keyspace));
                // A message recalled in the same breath: one write must not hold two values of a key.
                let value = match recalls.contains_key(&key) {
                    true => without_content(Bytes::copy_from_slice(&value))?.map_or(value, Slice::from),
                    false => value,
                };
                bytes += value.len();
                written.extend(recalls.contains_key(&key).then_some(key));
                write.insert(keyspace, key, value);
            }
            for snapshot in &batch.snapshots {
                let newest = snapshots.entry(snapshot.room).or_insert(snapshot);
                if newest.seq <= snapshot.seq {
                    *newest = snapshot;
                }
            }
            for report in &batch.reports {
                let (key, value) = spool::encode(report);
                let length = key.len() + value.len();
                if store.lasting.spool.admit(length as u64) {
                    bytes += length;
                    write.insert(&store.reports, key, value);
                }
            }
            last_room_id = last_room_id.max(highest_created(&batch.records));
            rooms_of_clients.extend(client_rooms(&batch.records));
            results.push(Ok(()));
        }
        for (key, day) in recalls.iter().filter(|(key, _)| !written.contains(*key)) {
            bytes += keep_recall(&store, &mut write, &days, *day, *key)?;
        }
        for (room, snapshot) in snapshots {
            bytes += keep_snapshot(&store, &mut write, room, snapshot)?;
        }
        for (room, exists) in rooms_of_clients {
            match exists {
                true => write.insert(&store.node, client_room_key(room), []),
                false => write.remove(&store.node, client_room_key(room)),
            }
        }
        if last_room_id > self.last_room_id {
            write.insert(&store.meta, META_LAST_ROOM_ID, last_room_id.to_be_bytes());
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
        self.last_room_id = last_room_id;
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

    fn stage(&mut self, batch: &Batch) -> Result<(), LogError> {
        self.staged.clear();
        for record in &batch.records {
            encode(record, &mut self.encoded)?;
            let day = day_of(record.entry.stamp.time);
            self.staged.push((day, key(record.room, record.entry.seq), Slice::from(&self.encoded[..])));
        }
        Ok(())
    }

    /// The messages that a group recalls, by key, with the day each was said on. A batch that cannot be kept recalls nothing.
    fn recalls(&mut self, group: &[Batch]) -> BTreeMap<[u8; KEY_BYTES], i64> {
        let mut recalls = BTreeMap::new();
        for batch in group {
            if recalled(&batch.records).next().is_some() && self.stage(batch).is_ok() {
                recalls.extend(recalled(&batch.records).map(|(room, seq, time)| (key(room, seq), day_of(time))));
            }
        }
        recalls
    }
}

impl Sink for DiskSink {
    fn write(&mut self, group: &[Batch], results: &mut Vec<Result<(), LogError>>) {
        self.revive();
        if let Err(error) = self.commit(group, results) {
            results.clear();
            results.resize(group.len(), Err(error));
        }
        // A batch that was refused is missing in what its rooms hold in memory: they are read again after a reopening.
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
        let day = day_of(record.entry.stamp.time);
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

/// Adds what is left of a recalled message that earlier commits hold. Returns its bytes.
fn keep_recall(
    store: &Store,
    write: &mut OwnedWriteBatch,
    days: &Days,
    day: i64,
    key: [u8; KEY_BYTES],
) -> Result<usize, LogError> {
    let mut bytes = 0;
    for keyspace in days.open.get(&day).into_iter().chain([&store.carried]) {
        let Some(kept) = keyspace.get(key).map_err(failed)? else { continue };
        if let Some(kept) = without_content(Bytes::copy_from_slice(&kept))? {
            bytes += kept.len();
            write.insert(keyspace, key, kept);
        }
    }
    Ok(bytes)
}

/// Adds a snapshot unless the store has a newer one. Returns its bytes.
fn keep_snapshot(store: &Store, write: &mut OwnedWriteBatch, room: RoomId, snapshot: &Snapshot) -> Result<usize, LogError> {
    let Snapshot { seq: Seq(seq), state, .. } = snapshot;
    if store.covered(room)?.is_some_and(|covered| covered > snapshot.seq) {
        return Ok(0);
    }
    let mut kept = Vec::with_capacity(8 + state.len());
    kept.extend_from_slice(&seq.to_be_bytes());
    kept.extend_from_slice(state);
    let bytes = kept.len();
    write.insert(&store.snapshots, snapshot_key(room), kept);
    Ok(bytes)
}
