//! The journals of a store that failed, before it is opened again: what was refused is cut off, and what no sync has covered is
//! written anew, because the system may have dropped it after a failed sync while it can still be read.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Mark the store writes at the end of a batch.
const END_MARK: [u8; 4] = *b"FJL\x03";

/// How far the store came, in its own numbering of batches. Each is the number the next batch was to get at that time.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Marks {
    /// Before the last batch that was acknowledged.
    pub last: Option<u64>,
    /// After the last batch that succeeded: batches from here on were refused.
    pub good: u64,
    /// After the last batch that a sync covers.
    pub synced: u64,
}

/// Bytes copied at once.
const COPY_BYTES: usize = 64 << 10;

/// Makes the journals hold what succeeded and nothing else, all of it on the disk.
pub(super) fn mend(store: &Path, marks: &Marks) -> std::io::Result<()> {
    for path in journals(store)? {
        let found = walk(&path, marks)?;
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        if found.refused {
            file.set_len(found.end)?;
        }
        if found.unsynced < found.end {
            rewrite(&file, found.unsynced, found.end)?;
        }
        if found.refused || found.unsynced < found.end {
            file.sync_all()?;
        }
    }
    Ok(())
}

/// The journals, oldest first.
fn journals(store: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(store)? {
        let path = file?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        if let (Some(number), true) = (number, path.extension().is_some_and(|end| end == "jnl")) {
            found.push((number, path));
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Offsets found in a journal.
#[derive(Debug)]
struct Found {
    /// Start of the first batch that no sync covers.
    unsynced: u64,
    /// End of the last batch that succeeded.
    end: u64,
    /// Something lies behind that which was refused, whole or in part.
    refused: bool,
}

/// Goes through the batches of a journal: a start, entries, an end mark each.
fn walk(path: &Path, marks: &Marks) -> std::io::Result<Found> {
    let mut reader = BufReader::with_capacity(COPY_BYTES, File::open(path)?);
    let mut found = Found { unsynced: 0, end: 0, refused: false };
    loop {
        let begin = reader.stream_position()?;
        let Some(number) = batch(&mut reader)? else {
            // Zeros are space taken in advance; anything else is a batch that was torn.
            reader.seek(SeekFrom::Start(begin))?;
            let mut next = [0; 1];
            found.refused = reader.read(&mut next)? == 1 && next != [0];
            return Ok(found);
        };
        if number >= marks.good {
            found.refused = true;
            return Ok(found);
        }
        found.end = reader.stream_position()?;
        if number < marks.synced {
            found.unsynced = found.end;
        }
    }
}

/// Reads past one batch and gives its number; `None` if there is no whole one.
fn batch(reader: &mut BufReader<File>) -> std::io::Result<Option<u64>> {
    let read = |reader: &mut BufReader<File>| -> std::io::Result<Option<u64>> {
        if bytes::<1>(reader)? != [1] {
            return Ok(None);
        }
        bytes::<4>(reader)?;
        let number = u64::from_le_bytes(bytes(reader)?);
        loop {
            match bytes::<1>(reader)? {
                [2] => {
                    let [_kind, _compression] = bytes(reader)?;
                    bytes::<8>(reader)?;
                    let key = u16::from_le_bytes(bytes(reader)?);
                    bytes::<4>(reader)?;
                    let value = u32::from_le_bytes(bytes(reader)?);
                    reader.seek_relative(i64::from(key) + i64::from(value))?;
                }
                [3] => {
                    bytes::<8>(reader)?;
                    return Ok((bytes(reader)? == END_MARK).then_some(number));
                }
                [4] => drop(bytes::<8>(reader)?),
                _ => return Ok(None),
            }
        }
    };
    match read(reader) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        other => other,
    }
}

fn bytes<const N: usize>(reader: &mut BufReader<File>) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Writes what can be read once more to where it is, so that the next sync brings it to the disk.
fn rewrite(mut file: &File, from: u64, to: u64) -> std::io::Result<()> {
    let mut buffer = vec![0; COPY_BYTES];
    let mut at = from;
    while at < to {
        let step = usize::try_from(to - at).unwrap_or(COPY_BYTES).min(COPY_BYTES);
        let part = &mut buffer[..step];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(part)?;
        file.seek(SeekFrom::Start(at))?;
        file.write_all(part)?;
        at += step as u64;
    }
    Ok(())
}
