//! Reads the lists of tables of a store, and the tables, as far as that tells whether they are whole.
//!
//! Each keyspace has a folder: `current` names the newest list and its checksum, `vNUMBER` is the list with the checksum of each
//! table, `tables/NUMBER` are the tables. The store's library deletes a folder without `current`, and never compares a checksum of a
//! whole file.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Result, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

use crate::limits::STORE_LIST_BYTES_MAX;

/// Bytes of `current`: the number of the list, its checksum, the kind of checksum.
const CURRENT_BYTES: usize = 25;
/// Bytes at the end of a table: mark, versions, checksum and place of its contents.
const TRAILER_BYTES: u64 = 38;
const TRAILER_MARK: &[u8] = b"SFA!\x01\x00";
/// Bytes of a table's contents.
const CONTENTS_BYTES_MAX: u64 = 1 << 20;
const CHUNK: usize = 256 << 10;

/// How many there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Trees {
    pub keyspaces: usize,
    pub tables: usize,
    pub bytes: u64,
}

/// A table that a list names.
pub(super) struct Table {
    pub path: PathBuf,
    pub bytes: u64,
    checksum: u128,
}

/// Reads every list; says in `problems` what is missing or damaged. `expected` are the folders that must be there.
pub(super) fn read(store: &Path, expected: &[u64], problems: &mut Vec<String>) -> Result<(Trees, Vec<Table>)> {
    let folder = store.join("keyspaces");
    let mut present = Vec::new();
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            problems.push("store/keyspaces is missing".into());
            return Ok((Trees::default(), Vec::new()));
        }
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        match name.to_str().and_then(|name| name.parse::<u64>().ok()) {
            Some(number) if entry.file_type()?.is_dir() => present.push(number),
            _ if entry.file_type()?.is_file() => {}
            _ => problems.push(format!("store/keyspaces/{} does not belong there", name.to_string_lossy())),
        }
    }
    for missing in [0].iter().chain(expected).filter(|number| !present.contains(number)) {
        problems.push(format!("store/keyspaces/{missing} is missing with all its tables"));
    }
    let (mut trees, mut tables) = (Trees::default(), Vec::new());
    for number in present {
        let tree = folder.join(number.to_string());
        let must_be = number == 0 || expected.contains(&number);
        if !must_be && !tree.join("current").try_exists()? {
            continue; // A crash came while it was made or removed.
        }
        match list(&tree)? {
            Err(words) => problems.push(format!("store/keyspaces/{number}/{words}")),
            Ok(named) => {
                trees.keyspaces += 1;
                add(&tree, named, &mut trees, &mut tables, problems)?;
            }
        }
    }
    Ok((trees, tables))
}

fn add(
    tree: &Path,
    named: Vec<(u64, u128)>,
    trees: &mut Trees,
    tables: &mut Vec<Table>,
    problems: &mut Vec<String>,
) -> Result<()> {
    for (number, checksum) in named {
        let path = tree.join("tables").join(number.to_string());
        match std::fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let keyspace = tree.file_name().unwrap_or_default().to_string_lossy().into_owned();
                problems.push(format!("store/keyspaces/{keyspace}/tables/{number} is missing"));
            }
            known => {
                let bytes = known?.len();
                (trees.tables, trees.bytes) = (trees.tables + 1, trees.bytes + bytes);
                tables.push(Table { path, bytes, checksum });
            }
        }
    }
    Ok(())
}

/// The tables a keyspace's newest list names; words that say what is wrong with it.
fn list(tree: &Path) -> Result<std::result::Result<Vec<(u64, u128)>, String>> {
    let current = match std::fs::read(tree.join("current")) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Err("current is missing".into())),
        bytes => bytes?,
    };
    let Ok(bytes) = <[u8; CURRENT_BYTES]>::try_from(&current[..]) else {
        return Ok(Err(format!("current has {} of {CURRENT_BYTES} bytes", current.len())));
    };
    let (number, rest) = bytes.split_at(8);
    let number = number.try_into().map_or(0, u64::from_le_bytes);
    let checksum = rest[..16].try_into().map_or(0, u128::from_le_bytes);
    let path = tree.join(format!("v{number}"));
    let file = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Err(format!("v{number} is missing"))),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(STORE_LIST_BYTES_MAX).read_to_end(&mut bytes)?;
    if rest[16] != 0 || xxh3_128(&bytes) != checksum {
        return Ok(Err(format!("current or v{number} is damaged: the checksum is wrong")));
    }
    let tables = sfa::Reader::new(&path).ok().and_then(|reader| {
        let section = reader.toc().section(b"tables")?;
        let begin = usize::try_from(section.pos()).ok()?;
        let end = begin.checked_add(usize::try_from(section.len()).ok()?)?;
        named(bytes.get(begin..end)?)
    });
    Ok(tables.ok_or_else(|| format!("v{number} has a form that is not known")))
}

/// Levels of runs of tables.
fn named(mut bytes: &[u8]) -> Option<Vec<(u64, u128)>> {
    let mut tables = Vec::new();
    let bytes = &mut bytes;
    for _ in 0..take::<1>(bytes)?[0] {
        for _ in 0..take::<1>(bytes)?[0] {
            for _ in 0..u32::from_le_bytes(take(bytes)?) {
                let number = u64::from_le_bytes(take(bytes)?);
                take::<1>(bytes)?;
                tables.push((number, u128::from_le_bytes(take(bytes)?)));
                take::<8>(bytes)?;
            }
        }
    }
    Some(tables)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

impl Table {
    /// Reads the whole file; words that say what is wrong with it.
    pub fn is_damaged(&self) -> Result<Option<String>> {
        let (mut file, mut hasher, mut chunk) = (File::open(&self.path)?, Xxh3Default::new(), vec![0; CHUNK]);
        loop {
            match file.read(&mut chunk)? {
                0 => break,
                read => hasher.update(&chunk[..read]),
            }
        }
        let is_right = hasher.digest128() == self.checksum;
        Ok((!is_right).then(|| format!("its {} bytes have another checksum than written down", self.bytes)))
    }

    /// Reads the last bytes, which a file that was cut does not have.
    pub fn is_cut(&self) -> Result<Option<String>> {
        let wrong = || Ok(Some(format!("its {} bytes do not end as a table does", self.bytes)));
        let Some(begin) = self.bytes.checked_sub(TRAILER_BYTES) else { return wrong() };
        let mut file = File::open(&self.path)?;
        let mut trailer = [0; TRAILER_BYTES as usize];
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(&mut trailer)?;
        let checksum = trailer[6..22].try_into().map_or(0, u128::from_le_bytes);
        let contents = trailer[22..30].try_into().map_or(0, u64::from_le_bytes);
        if !trailer.starts_with(TRAILER_MARK) || contents > begin || begin - contents > CONTENTS_BYTES_MAX {
            return wrong();
        }
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(contents))?;
        file.take(begin - contents).read_to_end(&mut bytes)?;
        if xxh3_128(&bytes) != checksum { wrong() } else { Ok(None) }
    }
}
