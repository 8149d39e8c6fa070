//! Takes a torn end off the newest journal, and keeps the original beside the store.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Result};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::commits::Journal;
use super::state::sync_folder;
use crate::limits::STORE_CUTS_KEPT;
use crate::log::private;

/// Folder of the originals, inside the data folder.
const FOLDER: &str = "store.cut";

/// Cuts what lies behind the last whole commit, once a copy of the whole journal is on the disk. Returns where that is.
pub(super) fn cut(folder: &Path, journal: &Journal) -> Result<PathBuf> {
    let kept = folder.join(FOLDER);
    DirBuilder::new().recursive(true).mode(0o700).create(&kept)?;
    let mut earlier = originals(&kept)?;
    let number = earlier.last().map_or(1, |(number, _)| number + 1);
    let path = kept.join(format!("{number}-{}.jnl", journal.number));
    let used = journal.end + journal.damage.as_ref().map_or(0, |damage| damage.bytes);
    copy(journal, used, &path).inspect_err(|_| {
        // Half a copy would take the subject that the next attempt needs; what cannot be removed is pushed out by later ones.
        let _ = std::fs::remove_file(&path);
    })?;
    sync_folder(&kept)?;
    sync_folder(folder)?;
    let file = OpenOptions::new().write(true).open(&journal.path)?;
    file.set_len(journal.end)?;
    file.sync_all()?;
    while earlier.len() >= STORE_CUTS_KEPT {
        std::fs::remove_file(earlier.remove(0).1)?;
    }
    Ok(path)
}

/// Copies what is written of a journal, and brings it to the disk.
fn copy(journal: &Journal, used: u64, path: &Path) -> Result<()> {
    let mut copy = private::open_file(path)?;
    std::io::copy(&mut File::open(&journal.path)?.take(used), &mut copy)?;
    copy.set_len(journal.length)?;
    copy.sync_all()
}

/// The originals there are, oldest first.
fn originals(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.split_once('-'));
        found.extend(name.and_then(|(number, _)| number.parse().ok()).map(|number| (number, path.clone())));
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::commits;
    use super::*;

    #[test]
    fn an_original_that_cannot_be_kept_leaves_nothing_of_itself_and_the_journal_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("0.jnl");
        std::fs::write(&path, b"torn").unwrap();
        let journal = commits::read(0, path.clone(), None).unwrap();
        // Longer than any file may be, which fails as a full disk does.
        let mut too_long = journal.clone();
        too_long.length = u64::MAX;
        assert!(cut(home.path(), &too_long).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"torn");
        let left = || originals(&home.path().join(FOLDER)).unwrap();
        assert!(left().is_empty());
        let kept = cut(home.path(), &journal).unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), std::fs::read(&kept).unwrap()), (Vec::new(), b"torn".to_vec()));
        assert!(kept.ends_with("1-0.jnl") && left().len() == 1);
    }
}
