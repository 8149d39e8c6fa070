//! Retention: whole days go, state stays. And what is left of a subject that was deleted.
//!
//! A crash at any point leaves either the day or what it left behind, or both, and the next run goes on from there: the writer
//! leaves the day alone, then what no snapshot covers is copied and brought to the disk, then the day is dropped.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use ::fjall::{Keyspace, OwnedWriteBatch};

use super::open::folder_of;
use super::{Store, failed, snapshot_key};
use crate::id::{Seq, SubjectId, UnixMs};
use crate::log::LogError;
use crate::log::query::first_day_kept;
use crate::log::record::{INDEX_BIT, KEY_BYTES, index_prefix, key, read_key};

/// Entries copied or removed at once.
const STEP: usize = 1000;

impl Store {
    pub(super) fn expire(&self, now: UnixMs, days: u32) -> Result<usize, LogError> {
        let first = first_day_kept(now, days);
        let old: Vec<(i64, Keyspace)> = {
            let mut days = self.days.write();
            days.first = days.first.max(first);
            days.open.range(..first).map(|(day, keyspace)| (*day, keyspace.clone())).collect()
        };
        // Only a durable snapshot covers anything.
        self.sync()?;
        self.drop_covered()?;
        for (_, keyspace) in &old {
            self.carry(keyspace)?;
        }
        self.sync()?;
        let count = old.len();
        let gone: Vec<u64> = old.iter().filter_map(|(_, keyspace)| folder_of(keyspace)).collect();
        self.ledger.change_keyspaces(|folders| folders.retain(|folder| !gone.contains(folder)))?;
        for (day, keyspace) in old {
            self.days.write().open.remove(&day);
            self.db.delete_keyspace(keyspace).map_err(failed)?;
        }
        Ok(count)
    }

    /// Removes everything of a subject but its last entry. No day goes meanwhile: one retention at a time.
    pub(super) fn erase(&self, subject: SubjectId) -> Result<(), LogError> {
        let mut tables: Vec<Keyspace> = self.days.read().open.values().cloned().collect();
        tables.push(self.carried.clone());
        let all = key(subject, Seq(0))..=key(subject, Seq(u64::MAX));
        let mut last = Seq(0);
        for table in &tables {
            if let Some(found) = table.range(all.clone()).next_back() {
                last = last.max(read_key(&found.key().map_err(failed)?)?.1);
            }
        }
        let mut write = self.db.batch();
        for found in self.snapshots.prefix(snapshot_key(subject)) {
            write.remove(&self.snapshots, found.key().map_err(failed)?);
        }
        for table in &tables {
            let entries = table.range(key(subject, Seq(0))..key(subject, last));
            for found in entries.chain(table.prefix(index_prefix(subject))) {
                write.remove(table, found.key().map_err(failed)?);
                write = self.step(write)?;
            }
        }
        self.commit(write, None)
    }

    /// The subjects of which days that are due to go have what no snapshot covers.
    pub(super) fn uncovered(&self, now: UnixMs, days: u32) -> Result<Vec<SubjectId>, LogError> {
        let old: Vec<Keyspace> = self.days.read().open.range(..first_day_kept(now, days)).map(|(_, day)| day.clone()).collect();
        let mut subjects = BTreeSet::new();
        for day in &old {
            self.each_subject(day, |subject, uncovered| {
                subjects.extend(day.range(uncovered).next().is_some().then_some(subject));
                Ok(())
            })?;
        }
        Ok(subjects.into_iter().collect())
    }

    /// Copies what no snapshot covers out of a day, without its index: it is state, not history.
    fn carry(&self, day: &Keyspace) -> Result<(), LogError> {
        let mut write = Some(self.db.batch());
        self.each_subject(day, |_, uncovered| {
            for found in day.range(uncovered) {
                let (key, value) = found.into_inner().map_err(failed)?;
                let mut filled = write.take().unwrap_or_else(|| self.db.batch());
                filled.insert(&self.carried, key, value);
                write = Some(self.step(filled)?);
            }
            Ok(())
        })?;
        write.map_or(Ok(()), |write| self.commit(write, None))
    }

    /// Goes through a day from subject to subject, with the range of keys in which each has what no snapshot covers; what is covered costs
    /// nothing.
    fn each_subject(
        &self,
        day: &Keyspace,
        mut visit: impl FnMut(SubjectId, RangeInclusive<[u8; KEY_BYTES]>) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let mut next = Some([0; KEY_BYTES]);
        while let Some(from) = next {
            let Some(found) = day.range(&from[..]..&[INDEX_BIT][..]).next() else { break };
            let (subject, _) = read_key(&found.key().map_err(failed)?)?;
            let uncovered = self.covered(subject)?.map_or(Seq(0), Seq::next);
            visit(subject, key(subject, uncovered)..=key(subject, Seq(u64::MAX)))?;
            next = subject.to_key().checked_add(1).and_then(SubjectId::of_key).map(|subject| key(subject, Seq(0)));
        }
        Ok(())
    }

    /// Removes what was carried and is covered by now.
    fn drop_covered(&self) -> Result<(), LogError> {
        let mut write = self.db.batch();
        let mut last: Option<(SubjectId, Option<Seq>)> = None;
        for found in self.carried.iter() {
            let key = found.key().map_err(failed)?;
            let (subject, seq) = read_key(&key)?;
            let covered = match last {
                Some((of, covered)) if of == subject => covered,
                _ => self.covered(subject)?,
            };
            last = Some((subject, covered));
            if covered.is_some_and(|covered| seq <= covered) {
                write.remove(&self.carried, key);
                write = self.step(write)?;
            }
        }
        self.commit(write, None)
    }

    /// Commits a write that has grown large and begins the next one.
    fn step(&self, write: OwnedWriteBatch) -> Result<OwnedWriteBatch, LogError> {
        if write.len() < STEP {
            return Ok(write);
        }
        self.commit(write, None)?;
        Ok(self.db.batch())
    }
}
