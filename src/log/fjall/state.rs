//! The word of the last run about its store, beside it: how many commits there are, and after a clean stop which files of which
//! length. Without it a store that lost a file, or the end of one, opens in silence.
//!
//! `store.state` is written at each opening, for each new day and at a clean stop, whole or not at all. `store.mark` is one row that
//! each commit overwrites in place; it needs no sync, for a killed process leaves it to the system, and after a power loss an older
//! row is true as well.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::commits;
use crate::log::{LogError, private};

const STATE: &str = "store.state";
const MARK: &str = "store.mark";
const MARK_BYTES: usize = 24;
/// Names the start of the machine: another one means that power may have been lost.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// Contents of `store.state`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Format of the folder.
    pub format: u64,
    /// Written by a clean stop: `commits` and `files` are all there was.
    pub clean: bool,
    /// Commits at the time of writing.
    pub commits: u64,
    /// The start of the machine it was written in; empty: unknown.
    pub boot: String,
    /// Folders of the tables that must be there.
    pub keyspaces: Vec<u64>,
    /// The files of the store, if `clean`.
    pub files: Vec<Kept>,
}

/// A file of the store after a clean stop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Path inside the store.
    pub name: String,
    /// Its length; of a journal, what of it is written.
    pub bytes: u64,
    /// The content of a file that names the newest version of a table, in hexadecimal digits; empty for all others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub content: String,
}

/// A file that may be missing or damaged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Word<T> {
    Said(T),
    Missing,
    Damaged,
}

/// Contents of `store.mark`: the number of commits, and how many of them were on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    pub commits: u64,
    pub synced: u64,
}

pub(super) fn boot() -> String {
    std::fs::read_to_string(BOOT).map(|text| text.trim().to_owned()).unwrap_or_default()
}

pub(super) fn read_state(folder: &Path) -> std::io::Result<Word<State>> {
    let text = match std::fs::read(folder.join(STATE)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Word::Missing),
        read => read?,
    };
    let mut lines = text.splitn(2, |byte| *byte == b'\n');
    let (body, sum) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    if sum != sum_line(body).as_bytes() {
        return Ok(Word::Damaged);
    }
    Ok(serde_json::from_slice(body).map_or(Word::Damaged, Word::Said))
}

/// Puts a state in place of the last one, whole or not at all, and brings it to the disk.
pub(super) fn write_state(folder: &Path, state: &State) -> std::io::Result<()> {
    let mut body = serde_json::to_vec(state)?;
    let sum = sum_line(&body);
    body.push(b'\n');
    body.extend_from_slice(sum.as_bytes());
    let new = folder.join("store.state.new");
    let mut file = private::open_file(&new)?;
    file.set_len(0)?;
    file.write_all(&body)?;
    file.sync_all()?;
    std::fs::rename(&new, folder.join(STATE))?;
    sync_folder(folder)
}

fn sum_line(body: &[u8]) -> String {
    format!("{:016x}\n", xxh3_64(body))
}

/// Only a folder that was synced remembers names.
pub(super) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(super) fn read_mark(folder: &Path) -> std::io::Result<Word<Mark>> {
    let bytes = match std::fs::read(folder.join(MARK)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Word::Missing),
        read => read?,
    };
    let Ok(row) = <[u8; MARK_BYTES]>::try_from(&bytes[..]) else { return Ok(Word::Damaged) };
    let number = |at: usize| row[at..].first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let mark = Mark { commits: number(0), synced: number(8) };
    Ok(if row == mark.row() { Word::Said(mark) } else { Word::Damaged })
}

impl Mark {
    fn row(self) -> [u8; MARK_BYTES] {
        let mut row = [0; MARK_BYTES];
        row[..8].copy_from_slice(&self.commits.to_be_bytes());
        row[8..16].copy_from_slice(&self.synced.to_be_bytes());
        let sum = xxh3_64(&row[..16]);
        row[16..].copy_from_slice(&sum.to_be_bytes());
        row
    }
}

/// Counts commits, and writes down how many there are. Dropped after the store is closed; a clean one then says what it left.
pub(super) struct Ledger {
    folder: PathBuf,
    mark_file: File,
    state: Mutex<State>,
    mark: Mutex<Mark>,
    is_clean: AtomicBool,
}

impl Ledger {
    /// Says that the store is open.
    pub fn open(folder: &Path, format: u64, commits: u64, keyspaces: Vec<u64>) -> std::io::Result<Ledger> {
        let mark_file = private::open_file(&folder.join(MARK))?;
        let mark = Mark { commits, synced: commits };
        mark_file.set_len(MARK_BYTES as u64)?;
        mark_file.write_all_at(&mark.row(), 0)?;
        mark_file.sync_all()?;
        let state = State { format, clean: false, commits, boot: boot(), keyspaces, files: Vec::new() };
        write_state(folder, &state)?;
        Ok(Ledger {
            folder: folder.to_owned(),
            mark_file,
            state: Mutex::new(state),
            mark: Mutex::new(mark),
            is_clean: AtomicBool::new(false),
        })
    }

    /// Commits so far.
    pub fn commits(&self) -> u64 {
        self.mark.lock().commits
    }

    /// Runs a commit under the next count. One at a time, so that journals hold them in that order.
    pub fn commit<E>(&self, reach: Reach, commit: impl FnOnce(u64) -> Result<(), E>) -> Result<(), E> {
        let mut mark = self.mark.lock();
        let next = mark.commits.saturating_add(1);
        commit(next)?;
        mark.commits = next;
        if reach == Reach::Disk {
            mark.synced = next;
        }
        if reach != Reach::Memory {
            self.put_down(*mark);
        }
        Ok(())
    }

    /// Runs a sync of everything committed before.
    pub fn sync<E>(&self, sync: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let mut mark = self.mark.lock();
        sync()?;
        mark.synced = mark.commits;
        self.put_down(*mark);
        Ok(())
    }

    fn put_down(&self, mark: Mark) {
        // A row that is not written leaves an older one, which promises less.
        let _ = self.mark_file.write_all_at(&mark.row(), 0);
    }

    /// Writes down that folders of tables must be there from now on, or need not be.
    pub fn change_keyspaces(&self, change: impl FnOnce(&mut Vec<u64>)) -> Result<(), LogError> {
        let mut state = self.state.lock();
        let mut next = state.clone();
        change(&mut next.keyspaces);
        if next.keyspaces != state.keyspaces {
            next.commits = self.commits();
            write_state(&self.folder, &next).map_err(|error| LogError::Store(format!("{STATE}: {error}")))?;
            *state = next;
        }
        Ok(())
    }

    /// Everything is written and on the disk: what the store holds when it is closed is all there is.
    pub fn is_clean(&self) {
        self.is_clean.store(true, Ordering::Release);
    }
}

/// How far a commit goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reach {
    /// It may lie in the process until a later one.
    Memory,
    /// A killed process leaves it.
    System,
    /// A power loss leaves it.
    Disk,
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if !self.is_clean.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.state.lock().clone();
        (state.clean, state.commits) = (true, self.commits());
        let written = files(&self.folder.join("store")).and_then(|files| {
            state.files = files;
            write_state(&self.folder, &state)
        });
        if let Err(error) = written {
            tracing::error!(%error, "the clean stop could not be written down; the next start takes it for a crash");
        }
    }
}

/// The files of a closed store.
pub(super) fn files(store: &Path) -> std::io::Result<Vec<Kept>> {
    let mut found = Vec::new();
    let mut folders = vec![store.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let (entry, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
            if entry?.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(store).unwrap_or(&path).to_string_lossy().into_owned();
            let mut file = File::open(&path)?;
            let bytes = match path.extension().is_some_and(|end| end == "jnl") {
                true => commits::used(&mut file, 0)?,
                false => file.metadata()?.len(),
            };
            let content = match path.file_name().is_some_and(|name| name == "current") {
                true => hex(&std::fs::read(&path)?),
                false => String::new(),
            };
            found.push(Kept { name, bytes, content });
        }
    }
    found.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_one_wrong_byte_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let kept = Kept { name: "0.jnl".into(), bytes: 7, content: String::new() };
        let state = State { format: 2, clean: true, commits: 40, boot: "b".into(), keyspaces: vec![1, 2], files: vec![kept] };
        assert_eq!(read_state(home.path()).unwrap(), Word::Missing);
        write_state(home.path(), &state).unwrap();
        assert_eq!(read_state(home.path()).unwrap(), Word::Said(state));
        let path = home.path().join(STATE);
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, bad).unwrap();
            assert_eq!(read_state(home.path()).unwrap(), Word::Damaged, "byte {at}");
        }
    }

    #[test]
    fn the_mark_follows_commits_and_syncs() {
        let home = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(home.path(), 2, 5, vec![1]).unwrap();
        let mark = || read_mark(home.path()).unwrap();
        ledger.commit(Reach::System, |count| (count == 6).then_some(()).ok_or(())).unwrap();
        assert_eq!(mark(), Word::Said(Mark { commits: 6, synced: 5 }));
        ledger.commit(Reach::Disk, |_| Err(())).unwrap_err();
        assert_eq!(ledger.commits(), 6, "one that failed does not count");
        ledger.sync(|| Ok::<(), ()>(())).unwrap();
        assert_eq!(mark(), Word::Said(Mark { commits: 6, synced: 6 }));
        let path = home.path().join(MARK);
        let mut bad = std::fs::read(&path).unwrap();
        bad[3] ^= 1;
        std::fs::write(&path, bad).unwrap();
        assert_eq!(mark(), Word::Damaged);
    }
}
