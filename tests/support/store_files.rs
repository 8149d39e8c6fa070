//! The files of a data folder, for tests that copy and damage them.
#![allow(dead_code)] // Each test program uses its part.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Everything below a folder, the folder first.
pub fn all_of(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() { found.extend(all_of(&entry.path())) } else { found.push(entry.path()) }
    }
    found
}

pub fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "jnl")
}

/// Bytes of a journal without the zeros that are taken in advance.
pub fn used(journal: &[u8]) -> usize {
    journal.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// The journal in use, and how many bytes of it.
pub fn journal(data: &Path) -> (PathBuf, u64) {
    let path = all_of(&data.join("store")).into_iter().filter(|path| is_journal(path)).max().unwrap();
    let used = used(&fs::read(&path).unwrap());
    (path, used as u64)
}

/// Turns one bit around.
pub fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

/// A copy, byte by byte.
pub fn copy(from: &Path, to: &Path) {
    copy_with(from, to, &|_, bytes| bytes.len());
}

/// A copy, of journals without the zeros that are taken in advance.
pub fn copy_used(from: &Path, to: &Path) {
    copy_with(from, to, &|path, bytes| if is_journal(path) { used(bytes) } else { bytes.len() });
}

/// Copies so many bytes of each file as `length` says. Each folder is copied as soon as it is listed: a store may be at work in it.
fn copy_with(from: &Path, to: &Path, length: &dyn Fn(&Path, &[u8]) -> usize) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_with(&entry.path(), &target, length);
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap();
        fs::write(&target, &bytes[..length(&target, &bytes)]).unwrap();
    }
}
