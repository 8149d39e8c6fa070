//! What the writer thread does with a group of batches: one atomic write, one visit to the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ::fjall::{Keyspace, OwnedWriteBatch, PersistMode, Slice};
use bytes::Bytes;

use super::open::{day_keyspace, folder_of};
use super::{Days, Durability, META_LAST_ROOM_ID, Store, failed, snapshot_key};
use crate::id::{RoomId, Seq};
use crate::log::query::day_of;
use crate::log::record::{KEY_BYTES, encode, key, without_content};
use crate::log::spool;
use crate::log::stats::LogStats;
use crate::log::writer::Sink;
use crate::log::{Batch, LogError, Snapshot, highest_created, recalled};

pub(super) struct DiskSink {
    store: Arc<Store>,
    durability: Durability,
    /// When what was left to the operating system has to reach the disk.
    sync_at: Option<Instant>,
    last_room_id: i64,
    /// One record in its kept form.
    encoded: Vec<u8>,
    /// The records of one batch, so that a batch that cannot be kept leaves nothing in the group's write.
    staged: Vec<(i64, [u8; KEY_BYTES], Slice)>,
}

impl DiskSink {
    pub fn new(store: Arc<Store>, durability: Durability) -> DiskSink {
        let last_room_id = store.last_room_id.load(Ordering::Relaxed);
        DiskSink { store, durability, sync_at: None, last_room_id, encoded: Vec::new(), staged: Vec::new() }
    }

    fn commit(&mut self, group: &[Batch], results: &mut Vec<Result<(), LogError>>) -> Result<(), LogError> {
        let recalls = self.recalls(group);
        self.open_days(group)?;
        let store = self.store.clone();
        let days = store.days.read();
        let items = |batch: &Batch| batch.records.len() + batch.snapshots.len() + batch.reports.len();
        let items = group.iter().map(items).sum::<usize>() + 2;
        let mut write = OwnedWriteBatch::with_capacity(store.db.clone(), items);
        let mut snapshots: BTreeMap<RoomId, &Snapshot> = BTreeMap::new();
        let (mut bytes, mut last_room_id) = (0, self.last_room_id);
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
                if store.spool.admit(length as u64) {
                    bytes += length;
                    write.insert(&store.reports, key, value);
                }
            }
            last_room_id = last_room_id.max(highest_created(&batch.records));
            results.push(Ok(()));
        }
        for (key, day) in recalls.iter().filter(|(key, _)| !written.contains(*key)) {
            bytes += self.keep_recall(&mut write, &days, *day, *key)?;
        }
        for (room, snapshot) in snapshots {
            bytes += self.keep_snapshot(&mut write, room, snapshot)?;
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
        self.last_room_id = last_room_id;
        if mode != PersistMode::Buffer {
            self.sync_at = None;
        }
        LogStats::count(&store.stats.bytes, bytes);
        Ok(())
    }

    /// How far this commit goes; sets the time of the next visit to the disk if it does not go there.
    fn mode(&mut self) -> PersistMode {
        let Durability::Interval { ms } = self.durability else { return PersistMode::SyncData };
        let now = Instant::now();
        let due = *self.sync_at.get_or_insert(now + Duration::from_millis(ms));
        if now >= due { PersistMode::SyncData } else { PersistMode::Buffer }
    }

    /// Makes the days of a group before any of it is looked up.
    fn open_days(&self, group: &[Batch]) -> Result<(), LogError> {
        let mut last = None;
        for record in group.iter().flat_map(|batch| &batch.records) {
            let day = day_of(record.entry.stamp.time);
            if last.replace(day) == Some(day) {
                continue;
            }
            let is_missing = |days: &Days| day >= days.first && !days.open.contains_key(&day);
            if is_missing(&self.store.days.read()) {
                let keyspace = day_keyspace(&self.store.db, day, self.store.write_buffer_bytes)?;
                let folder = folder_of(&keyspace);
                self.store.ledger.change_keyspaces(|folders| folders.extend(folder.filter(|new| !folders.contains(new))))?;
                self.store.days.write().open.insert(day, keyspace);
            }
        }
        Ok(())
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

    /// Adds what is left of a recalled message that earlier commits hold. Returns its bytes.
    fn keep_recall(&self, write: &mut OwnedWriteBatch, days: &Days, day: i64, key: [u8; KEY_BYTES]) -> Result<usize, LogError> {
        let mut bytes = 0;
        for keyspace in days.open.get(&day).into_iter().chain([&self.store.carried]) {
            let Some(kept) = keyspace.get(key).map_err(failed)? else { continue };
            if let Some(kept) = without_content(Bytes::copy_from_slice(&kept))? {
                bytes += kept.len();
                write.insert(keyspace, key, kept);
            }
        }
        Ok(bytes)
    }

    /// Adds a snapshot unless the store has a newer one. Returns its bytes.
    fn keep_snapshot(&self, write: &mut OwnedWriteBatch, room: RoomId, snapshot: &Snapshot) -> Result<usize, LogError> {
        let Snapshot { seq: Seq(seq), state, .. } = snapshot;
        if self.store.covered(room)?.is_some_and(|covered| covered > snapshot.seq) {
            return Ok(0);
        }
        let mut kept = Vec::with_capacity(8 + state.len());
        kept.extend_from_slice(&seq.to_be_bytes());
        kept.extend_from_slice(state);
        let bytes = kept.len();
        write.insert(&self.store.snapshots, snapshot_key(room), kept);
        Ok(bytes)
    }
}

impl Sink for DiskSink {
    fn write(&mut self, group: &[Batch], results: &mut Vec<Result<(), LogError>>) {
        if let Err(error) = self.commit(group, results) {
            results.clear();
            results.resize(group.len(), Err(error));
        }
    }

    fn sync_at(&self) -> Option<Instant> {
        self.sync_at
    }

    fn sync(&mut self) {
        self.sync_at = None;
        // A store that fails here refuses every later write, which then says so.
        let _ = self.store.sync();
    }

    fn close(&mut self) {
        self.sync_at = None;
        if self.store.sync().is_ok() {
            self.store.ledger.is_clean();
        }
    }
}
