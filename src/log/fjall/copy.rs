//! Copies of a store that always open: of an open one, as it is at one moment, and of one that lies still.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use ::fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};

use super::commits::COUNT_KEY;
use super::open::{Keyspaces, database, day_keyspace, folder_of, is_day, number};
use super::state::{self, State, Word, boot, sync_folder, write_state};
use super::survey::{Depth, FORMAT, survey};
use super::{META_EPOCH, Options, Store, failed};
use crate::log::{LogError, private};

/// Amount copied, so far or in all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Copied {
    /// Rows of tables; 0 where files are copied as they are.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The running count of the last commit in it.
    pub commits: u64,
}

/// Bytes copied between two words about the progress.
const STEP_BYTES: u64 = 1 << 20;
/// A copy needs no cache: it reads and writes each row once.
const CACHE_BYTES: u64 = 1 << 20;

impl Store {
    /// Copies everything committed so far to an empty folder. `goes_on` hears of the progress, and ends the copying with false.
    pub(super) fn copy(&self, target: &Path, goes_on: &mut dyn FnMut(Copied) -> bool) -> Result<Copied, LogError> {
        empty_folder(target)?;
        let new = target.join("store.new");
        let unusable = |error: std::io::Error| LogError::Store(format!("{}: {error}", target.display()));
        let done = self.copy_rows(&new, goes_on).and_then(|(copied, folders)| {
            finish(target, copied.commits, folders).map_err(unusable)?;
            Ok(copied)
        });
        if done.is_err() {
            // What is half made would only be in the way; if it cannot be removed, nothing takes it for a store.
            let _ = std::fs::remove_dir_all(&new);
        }
        done
    }

    fn copy_rows(&self, new: &Path, goes_on: &mut dyn FnMut(Copied) -> bool) -> Result<(Copied, Vec<u64>), LogError> {
        // Days first, as in every query: what a day that goes has left behind is in the view.
        let days: Vec<(i64, Keyspace)> = self.days.read().open.iter().map(|(day, keyspace)| (*day, keyspace.clone())).collect();
        let view = self.db.snapshot();
        let options = Options { cache_bytes: CACHE_BYTES, ..Options::default() };
        let db = database(new, &options).map_err(failed)?;
        let targets = Keyspaces::open(&db, 0)?;
        let mut copied = Copied::default();
        let mut folders: Vec<u64> = targets.0.values().filter_map(folder_of).collect();
        for name in self.db.list_keyspace_names().iter().filter(|name| !is_day(name)) {
            let source = self.db.keyspace(name, KeyspaceCreateOptions::default).map_err(failed)?;
            let target = db.keyspace(name, KeyspaceCreateOptions::default).map_err(failed)?;
            copy_keyspace(&view, &source, &target, &mut copied, goes_on)?;
            folders.extend(folder_of(&target).filter(|folder| !folders.contains(folder)));
        }
        for (day, source) in &days {
            let target = day_keyspace(&db, *day, self.write_buffer_bytes)?;
            copy_keyspace(&view, source, &target, &mut copied, goes_on)?;
            folders.extend(folder_of(&target));
        }
        let count = view.get(&self.commits, COUNT_KEY).map_err(failed)?;
        copied.commits = count.and_then(|count| count.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))).unwrap_or(0);
        let mut last = db.batch().durability(Some(PersistMode::SyncAll));
        last.insert(&targets.get("commits")?, COUNT_KEY, copied.commits.to_be_bytes());
        last.commit().map_err(failed)?;
        Ok((copied, folders))
    }
}

fn copy_keyspace(
    view: &Snapshot,
    source: &Keyspace,
    target: &Keyspace,
    copied: &mut Copied,
    goes_on: &mut dyn FnMut(Copied) -> bool,
) -> Result<(), LogError> {
    let ended = || LogError::Store("the copying was ended before it was complete".into());
    if !goes_on(*copied) {
        return Err(ended());
    }
    let mut rows = view.iter(source).peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let mut ingestion = target.start_ingestion().map_err(failed)?;
    let mut told = copied.bytes;
    for row in rows {
        let (key, value) = row.into_inner().map_err(failed)?;
        (copied.rows, copied.bytes) = (copied.rows + 1, copied.bytes + (key.len() + value.len()) as u64);
        ingestion.write(key, value).map_err(failed)?;
        if copied.bytes - told >= STEP_BYTES {
            told = copied.bytes;
            if !goes_on(*copied) {
                return Err(ended());
            }
        }
    }
    ingestion.finish().map_err(failed)
}

/// Gives a copied store its name, and writes down what is in it.
fn finish(folder: &Path, commits: u64, keyspaces: Vec<u64>) -> std::io::Result<()> {
    let store = folder.join("store");
    private::narrow(folder).map_err(|error| std::io::Error::other(error.to_string()))?;
    std::fs::rename(folder.join("store.new"), &store)?;
    sync_folder(folder)?;
    let state = State { format: FORMAT, clean: true, commits, boot: boot(), keyspaces, files: state::files(&store)? };
    write_state(folder, &state)
}

/// Makes a folder for a copy; one that is there must hold nothing.
fn empty_folder(folder: &Path) -> Result<(), LogError> {
    let unusable = |error: std::io::Error| LogError::Store(format!("{}: {error}", folder.display()));
    if folder.try_exists().map_err(unusable)? && std::fs::read_dir(folder).map_err(unusable)?.next().is_some() {
        return Err(LogError::Store(format!(
            "{} is not empty: name a folder that is, or that does not exist",
            folder.display()
        )));
    }
    private::own_folder(folder)
}

/// Fills an empty folder from a backup, which is checked to the last byte before.
///
/// Clients may have seen later epochs than the backup knows: the copy goes on above all of them.
pub(super) fn restore(backup: &Path, target: &Path, goes_on: &mut dyn FnMut(u64, u64) -> bool) -> Result<Copied, LogError> {
    let unusable = |error: std::io::Error| LogError::Store(format!("{}: {error}", target.display()));
    let unreadable = |error: std::io::Error| LogError::Store(format!("{}: {error}", backup.display()));
    let found = survey(backup, Depth::All, &mut |_, _| {}).map_err(unreadable)?;
    let Word::Said(state) = &found.state else {
        return Err(LogError::Corrupt(format!("{} is no backup: store.state is missing or damaged", backup.display())));
    };
    if let Some(problem) = found.problems.first() {
        return Err(LogError::Corrupt(format!("{}: {problem}", backup.display())));
    }
    if !state.clean {
        return Err(LogError::Corrupt(format!(
            "{} is a plain copy of a folder in use, not a backup: start chatroomd on it once, and stop it",
            backup.display()
        )));
    }
    empty_folder(target)?;
    let new = target.join("store.new");
    let copied = copy_files(&backup.join("store"), &new, state, goes_on).and_then(|copied| {
        let commits = raise_epoch(&new)?;
        finish(target, commits, state.keyspaces.clone()).map_err(unusable)?;
        Ok(Copied { commits, ..copied })
    });
    if copied.is_err() {
        let _ = std::fs::remove_dir_all(&new);
    }
    copied
}

fn copy_files(from: &Path, to: &Path, state: &State, goes_on: &mut dyn FnMut(u64, u64) -> bool) -> Result<Copied, LogError> {
    let total = state.files.iter().map(|kept| kept.bytes).sum();
    let mut copied = Copied::default();
    for kept in &state.files {
        let (source, target) = (from.join(&kept.name), to.join(&kept.name));
        let copy = || {
            if let Some(folder) = target.parent() {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            }
            let mut file = private::open_file(&target)?;
            // Of journals what is written: the rest is space taken in advance.
            let bytes = std::io::copy(&mut std::io::Read::take(File::open(&source)?, kept.bytes), &mut file)?;
            file.sync_all()?;
            target.parent().map_or(Ok(()), sync_folder)?;
            Ok(bytes)
        };
        copied.bytes += copy().map_err(|error: std::io::Error| LogError::Store(format!("{}: {error}", source.display())))?;
        if !goes_on(copied.bytes, total) {
            return Err(LogError::Store("the copying was ended before it was complete".into()));
        }
    }
    Ok(copied)
}

/// Lifts the epoch above every one that a client can have seen; the running count after that.
fn raise_epoch(store: &Path) -> Result<u64, LogError> {
    let options = Options { cache_bytes: CACHE_BYTES, ..Options::default() };
    let db: Database = database(store, &options).map_err(failed)?;
    let keyspaces = Keyspaces::open(&db, FORMAT)?;
    let (meta, commits) = (keyspaces.get("meta")?, keyspaces.get("commits")?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |past| u64::try_from(past.as_millis()).unwrap_or(0));
    let epoch = number(&meta, META_EPOCH)?.unwrap_or(0).saturating_add(1).max(now);
    let count = number(&commits, COUNT_KEY)?.unwrap_or(0).saturating_add(1);
    let mut batch = db.batch().durability(Some(PersistMode::SyncAll));
    batch.insert(&meta, META_EPOCH, epoch.to_be_bytes());
    batch.insert(&commits, COUNT_KEY, count.to_be_bytes());
    batch.commit().map_err(failed)?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::FjallLog;
    use super::*;
    use crate::log::Log as _;

    #[test]
    fn a_backup_does_not_keep_a_store_that_failed_from_coming_back() {
        let home = tempfile::tempdir().unwrap();
        let log = FjallLog::open(&home.path().join("data"), &Options::default()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut asked = 0;
        let copied = log.backup(&home.path().join("backup"), &mut |_| {
            asked += 1;
            log.shared.lasting.failed("the disk is gone");
            Instant::now() < deadline
        });
        let words = copied.unwrap_err().to_string();
        assert!(asked == 1 && words.contains("the disk is gone"), "{asked} {words}");
        while log.failure().is_some() {
            assert!(Instant::now() < deadline, "{:?}", log.failure());
            std::thread::sleep(Duration::from_millis(2));
        }
        log.backup(&home.path().join("again"), &mut |_| true).unwrap();
    }
}
