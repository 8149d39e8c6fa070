//! Reads the journals of a store without changing them: the store's own reader cuts off everything from the first byte it does not
//! understand, wherever that is.
//!
//! A commit is a start (number of items, sequence number), items, and an end (checksum of the items, mark). One item of each of ours
//! holds the running count of commits, so that a missing one is noticed.

use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read, Result, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3Default;

use crate::limits::STORE_SEARCH_BYTES;

/// The key of the running count, in a keyspace of its own. No other key is as long and begins with a zero.
pub(super) const COUNT_KEY: [u8; 9] = *b"\0commits\0";
/// The last bytes of a commit.
const END_MARK: [u8; 4] = *b"FJL\x03";
/// Bytes read at once.
const CHUNK: usize = 64 << 10;
/// Commits of ours follow each other closely: a larger step between their sequence numbers is damage.
const SEQUENCE_STEP_MAX: u64 = 1 << 20;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;

/// Contents of a journal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Journal {
    pub number: u64,
    pub path: PathBuf,
    /// Length of the file, which may be taken in advance.
    pub length: u64,
    /// Whole commits, from the first on.
    pub commits: u64,
    /// The running counts of the first and the last of them that have one.
    pub counted: Option<(u64, u64)>,
    /// Sequence numbers of the last of all, and of the last that has a count.
    sequences: (Option<u64>, Option<u64>),
    /// True if the first commit has no count: it is of format 1.
    pub begins_uncounted: bool,
    /// The end of the last whole commit.
    pub end: u64,
    pub damage: Option<Damage>,
}

/// Data behind the last whole commit that is not empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Damage {
    pub reason: &'static str,
    /// Bytes behind the last whole commit, as far as anything is written.
    pub bytes: u64,
    /// A whole commit begins further behind: the damage is not the end of what was written.
    pub whole_after: bool,
}

/// One commit, read to its end.
struct Commit {
    sequence: u64,
    count: Option<u64>,
}

enum Step {
    Whole(Commit),
    /// The file ends, or nothing is written here.
    Nothing,
    Broken(&'static str),
}

/// The journals of a store, oldest first, without a look inside.
pub(super) fn journals(store: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(store)? {
        let path = file?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        if let (Some(number), true) = (number, path.extension().is_some_and(|end| end == "jnl")) {
            found.push((number, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Reads a journal that follows on another.
pub(super) fn read(number: u64, path: PathBuf, before: Option<&Journal>) -> Result<Journal> {
    let file = File::open(&path)?;
    let length = file.metadata()?.len();
    // The first commit of all has one of the lowest numbers.
    let sequences = before.map_or(((number == 0).then_some(0), None), |before| before.sequences);
    let mut last = before.and_then(|before| before.counted).map(|(_, last)| last);
    let mut journal = Journal { number, path, length, sequences, ..Journal::default() };
    let mut reader = BufReader::with_capacity(CHUNK, file);
    let reason = loop {
        match commit(&mut reader, length - journal.end)? {
            (Step::Whole(commit), bytes) => {
                if let Some(reason) = is_out_of_order(&commit, last, journal.sequences) {
                    break reason;
                }
                journal.begins_uncounted |= journal.commits == 0 && commit.count.is_none();
                journal.commits += 1;
                journal.end += bytes;
                journal.sequences.0 = Some(commit.sequence);
                if let Some(count) = commit.count {
                    journal.sequences.1 = Some(commit.sequence);
                    journal.counted = Some((journal.counted.map_or(count, |(first, _)| first), count));
                    last = Some(count);
                }
            }
            (Step::Nothing, _) => break "zeros where a commit should begin",
            (Step::Broken(reason), _) => break reason,
        }
    };
    let file = reader.get_mut();
    let used = used(file, journal.end)?;
    if used > journal.end {
        let whole_after = is_followed(file, journal.end, used, last)?;
        journal.damage = Some(Damage { reason, bytes: used - journal.end, whole_after });
    }
    Ok(journal)
}

/// The end of what is written in a file from an offset on: what lies behind it are zeros.
pub(super) fn used(file: &mut File, from: u64) -> Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let mut end = file.metadata()?.len();
    while end > from {
        let begin = end.saturating_sub(CHUNK as u64).max(from);
        let part = &mut chunk[..usize::try_from(end - begin).unwrap_or(CHUNK)];
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(part)?;
        if let Some(last) = part.iter().rposition(|byte| *byte != 0) {
            return Ok(begin + last as u64 + 1);
        }
        end = begin;
    }
    Ok(from)
}

/// Nothing but its place vouches for the sequence number of a commit, and no checksum covers it.
fn is_out_of_order(commit: &Commit, last: Option<u64>, (before, counted): (Option<u64>, Option<u64>)) -> Option<&'static str> {
    let is_follower = commit.count.zip(last).is_none_or(|(count, last)| count == last.saturating_add(1));
    // Without a count it may be lower: the last one that was used then was of a keyspace that is gone.
    let is_higher = commit.count.and(counted).is_none_or(|counted| commit.sequence > counted);
    let is_near = before.is_none_or(|before| commit.sequence <= before.saturating_add(SEQUENCE_STEP_MAX));
    match (is_follower, is_higher && is_near) {
        (false, _) => Some("a commit is missing before the next one"),
        (true, false) => Some("the sequence number of a commit is wrong"),
        (true, true) => None,
    }
}

/// True if a whole commit begins anywhere behind a damaged one. Also true if the search takes too long, so that nothing is cut.
fn is_followed(file: &mut File, from: u64, to: u64, last: Option<u64>) -> Result<bool> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(to - from).read_to_end(&mut bytes)?;
    let mut budget = STORE_SEARCH_BYTES;
    for at in 1..bytes.len() {
        let rest = &bytes[at..];
        if rest[0] != START || !rest.get(13).is_some_and(|tag| matches!(*tag, ITEM | CLEAR)) {
            continue;
        }
        let (step, read) = commit(&mut &*rest, rest.len() as u64)?;
        if let Step::Whole(commit) = step {
            // What a message holds may look like a commit, but nobody outside knows the count.
            let is_later =
                last.is_none_or(|last| commit.count.is_some_and(|count| count > last && count - last <= rest.len() as u64));
            if is_later {
                return Ok(true);
            }
        }
        budget = budget.saturating_sub(read);
        if budget == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads one commit and says how many bytes were read; `left` bytes there are.
fn commit(reader: &mut impl Read, left: u64) -> Result<(Step, u64)> {
    let mut source = Source { reader, left, read: 0, hasher: Xxh3Default::new() };
    let step = match source.commit() {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof && source.read == 0 => Step::Nothing,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Step::Broken("a commit has no end"),
        step => step?,
    };
    Ok((step, source.read))
}

struct Source<'a, R> {
    reader: &'a mut R,
    left: u64,
    read: u64,
    hasher: Xxh3Default,
}

impl<R: Read> Source<'_, R> {
    fn commit(&mut self) -> Result<Step> {
        match self.take::<1>()? {
            [START] => {}
            [0] => return Ok(Step::Nothing),
            _ => return Ok(Step::Broken("no commit begins where one should")),
        }
        let mut items = u32::from_le_bytes(self.take()?);
        let sequence = u64::from_le_bytes(self.take()?);
        let mut count = None;
        loop {
            let tag = self.take::<1>()?;
            match tag {
                [ITEM | CLEAR] if items == 0 => return Ok(Step::Broken("a commit has more items than it says")),
                [ITEM] => {
                    self.hasher.update(&tag);
                    count = self.item()?.or(count);
                    items -= 1;
                }
                [CLEAR] => {
                    self.hasher.update(&tag);
                    self.hashed::<8>()?;
                    items -= 1;
                }
                [END] if items > 0 => return Ok(Step::Broken("a commit has fewer items than it says")),
                [END] => {
                    let sum = u64::from_le_bytes(self.take()?);
                    return Ok(match (sum == self.hasher.digest(), self.take()? == END_MARK) {
                        (true, true) => Step::Whole(Commit { sequence, count }),
                        (false, _) => Step::Broken("the checksum of a commit is wrong"),
                        (true, false) => Step::Broken("the end mark of a commit is wrong"),
                    });
                }
                _ => return Ok(Step::Broken("a commit holds what is no item")),
            }
        }
    }

    /// Reads past an item; the running count, if it is that.
    fn item(&mut self) -> Result<Option<u64>> {
        let [kind, _compression] = self.hashed()?;
        self.hashed::<8>()?;
        let key_bytes = u16::from_le_bytes(self.hashed()?);
        self.hashed::<4>()?;
        let value_bytes = u32::from_le_bytes(self.hashed()?);
        if u64::from(key_bytes) + u64::from(value_bytes) > self.left {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if kind == 0 && usize::from(key_bytes) == COUNT_KEY.len() && value_bytes == 8 {
            let key: [u8; COUNT_KEY.len()] = self.hashed()?;
            let value = u64::from_be_bytes(self.hashed()?);
            return Ok((key == COUNT_KEY).then_some(value));
        }
        self.skip(u64::from(key_bytes) + u64::from(value_bytes))?;
        Ok(None)
    }

    fn skip(&mut self, mut bytes: u64) -> Result<()> {
        let mut part = [0; 1024];
        while bytes > 0 {
            let step = usize::try_from(bytes).unwrap_or(part.len()).min(part.len());
            self.reader.read_exact(&mut part[..step])?;
            self.hasher.update(&part[..step]);
            (self.read, self.left, bytes) =
                (self.read + step as u64, self.left.saturating_sub(step as u64), bytes - step as u64);
        }
        Ok(())
    }

    fn hashed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.take()?;
        self.hasher.update(&bytes);
        Ok(bytes)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        if self.left < N as u64 {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        (self.read, self.left) = (self.read + N as u64, self.left - N as u64);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A commit with one row, as the store writes it.
    fn bytes(sequence: u64, count: Option<u64>, value: &[u8]) -> Vec<u8> {
        let mut items = Vec::new();
        let rows = [Some((&b"key"[..], value.to_vec())), count.map(|count| (&COUNT_KEY[..], count.to_be_bytes().to_vec()))];
        for (key, value) in rows.iter().flatten() {
            items.extend([ITEM, 0, 0]);
            items.extend(7_u64.to_le_bytes());
            items.extend(u16::try_from(key.len()).unwrap().to_le_bytes());
            items.extend([value.len() as u32, value.len() as u32].map(u32::to_le_bytes).as_flattened());
            items.extend([key, &value[..]].concat());
        }
        let mut hasher = Xxh3Default::new();
        hasher.update(&items);
        let mut commit = vec![START];
        commit.extend((rows.iter().flatten().count() as u32).to_le_bytes());
        commit.extend(sequence.to_le_bytes());
        commit.extend(items);
        commit.push(END);
        commit.extend(hasher.digest().to_le_bytes());
        commit.extend(END_MARK);
        commit
    }

    fn read_bytes(bytes: &[u8]) -> Journal {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(0, file.path().to_owned(), None).unwrap()
    }

    #[test]
    fn whole_commits_are_counted_and_zeros_behind_them_are_space() {
        let mut journal = [bytes(1, None, b"old"), bytes(2, Some(1), b"a"), bytes(9, Some(2), b"b")].concat();
        let end = journal.len() as u64;
        journal.resize(journal.len() + 100_000, 0);
        let found = read_bytes(&journal);
        assert_eq!((found.commits, found.counted, found.end, found.damage), (3, Some((1, 2)), end, None));
        assert!(found.begins_uncounted);
    }

    #[test]
    fn a_gap_in_the_counts_and_a_sequence_number_out_of_order_are_damage() {
        for (second, reason) in [
            (bytes(3, Some(3), b"b"), "a commit is missing before the next one"),
            (bytes(2, Some(2), b"b"), "the sequence number of a commit is wrong"),
            (bytes(3 + SEQUENCE_STEP_MAX, Some(2), b"b"), "the sequence number of a commit is wrong"),
        ] {
            let found = read_bytes(&[bytes(2, Some(1), b"a"), second].concat());
            assert_eq!((found.commits, found.damage.map(|damage| damage.reason)), (1, Some(reason)));
        }
    }

    #[test]
    fn what_a_message_holds_is_no_commit() {
        let inner = bytes(900, Some(900), b"a message that looks like a commit");
        let mut torn = [bytes(2, Some(1), b"a"), bytes(3, Some(2), &inner)].concat();
        torn.pop();
        let damage = read_bytes(&torn).damage.unwrap();
        assert!(!damage.whole_after, "{damage:?}");
        let whole = [bytes(2, Some(1), b"a"), torn[..40].to_vec(), bytes(4, Some(3), b"c")].concat();
        assert!(read_bytes(&whole).damage.unwrap().whole_after);
    }

    #[test]
    fn arbitrary_bytes_are_read_without_a_panic() {
        let good = [bytes(2, Some(1), b"a"), bytes(3, Some(2), &[7; 300]), bytes(4, Some(3), b"c")].concat();
        for at in (0..good.len()).step_by(3) {
            for value in [1, 0xFF] {
                let mut bad = good.clone();
                bad[at] ^= value;
                let found = read_bytes(&bad);
                assert!(
                    found.end <= good.len() as u64 && (bad == good) == (found.commits == 3 && found.damage.is_none())
                        || found.commits == 3
                );
            }
            read_bytes(&good[..at]);
        }
    }
}
