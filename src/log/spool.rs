//! Reports on their way to applications, kept until they have them. Written in the same commit as the entries they stand beside.
//!
//! Reports stand in *lines*: those of one room for one environment, which are told one after the other. Key: the room, the name of
//! the environment, NUL, epoch and number, so that the order of keys is the order of each line. Value: the report, whatever it says.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::LogError;
use crate::id::RoomId;

/// Reports that are told one after the other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Line {
    /// Of which room.
    pub room: RoomId,
    /// For which environment; empty: the default.
    pub env: Box<str>,
}

/// The position of a report in its line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SpoolPosition {
    /// The epoch in which it was made.
    pub epoch: u64,
    /// Its number in that epoch.
    pub number: u64,
}

impl SpoolPosition {
    /// The next position there can be.
    pub fn next(self) -> SpoolPosition {
        SpoolPosition { number: self.number.saturating_add(1), ..self }
    }
}

/// A report on its way into the spool.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// Its line.
    pub line: Line,
    /// Its position in it.
    pub position: SpoolPosition,
    /// Its bytes, which only its reader understands.
    pub record: Bytes,
}

/// A report as the spool holds it.
#[derive(Clone, PartialEq, Debug)]
pub struct Spooled {
    /// Its line.
    pub line: Line,
    /// Its position in it.
    pub position: SpoolPosition,
    /// Bytes it occupies, before the store's own overhead.
    pub bytes: u64,
    /// Its bytes, which only its reader understands.
    pub record: Bytes,
}

/// Counts the contents of the spool. Any thread.
#[derive(Debug)]
pub struct Spool {
    records: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
    bytes_max: AtomicU64,
}

impl Default for Spool {
    fn default() -> Spool {
        Spool {
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            bytes_max: AtomicU64::new(crate::limits::WEBHOOK_SPOOL_BYTES_MAX),
        }
    }
}

impl Spool {
    /// Reports in it.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Their bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Reports that found it full and are lost, since the start of the node.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Says how many bytes it may hold. What it holds beyond stays.
    pub fn set_bytes_max(&self, bytes: u64) {
        self.bytes_max.store(bytes, Ordering::Relaxed);
    }

    /// Takes a report in; false: it is full. Only the log's writer asks, so that nothing comes in between.
    pub(super) fn admit(&self, bytes: u64) -> bool {
        if self.bytes().saturating_add(bytes) > self.bytes_max.load(Ordering::Relaxed) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        self.count(1, bytes);
        true
    }

    /// Says what was found in the store.
    pub(super) fn set(&self, records: u64, bytes: u64) {
        self.records.store(records, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn count(&self, records: u64, bytes: u64) {
        self.records.fetch_add(records, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn release(&self, done: &[Spooled]) {
        let less = |counter: &AtomicU64, by: u64| {
            let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| Some(count.saturating_sub(by)));
        };
        less(&self.records, done.len() as u64);
        less(&self.bytes, done.iter().map(|spooled| spooled.bytes).sum());
    }
}

/// Prefix of all keys of a line.
pub(super) fn prefix(line: &Line) -> Vec<u8> {
    let mut key = Vec::with_capacity(25 + line.env.len());
    key.extend_from_slice(&line.room.get().to_be_bytes());
    key.extend_from_slice(line.env.as_bytes());
    key.push(0);
    key
}

pub(super) fn key(line: &Line, position: SpoolPosition) -> Vec<u8> {
    let mut key = prefix(line);
    key.extend_from_slice(&position.epoch.to_be_bytes());
    key.extend_from_slice(&position.number.to_be_bytes());
    key
}

/// The first key that can stand beyond a line: names of environments hold no control characters.
pub(super) fn beyond(line: Option<&Line>) -> Vec<u8> {
    let Some(line) = line else { return Vec::new() };
    let mut key = prefix(line);
    key.pop();
    key.push(1);
    key
}

pub(super) fn decode(key: &[u8], value: Bytes) -> Result<Spooled, LogError> {
    let corrupt = || LogError::Corrupt("a key that is no report's".into());
    let bytes = (key.len() + value.len()) as u64;
    let (room, rest) = key.split_first_chunk::<8>().ok_or_else(corrupt)?;
    let (rest, number) = rest.split_last_chunk::<8>().ok_or_else(corrupt)?;
    let (rest, epoch) = rest.split_last_chunk::<8>().ok_or_else(corrupt)?;
    let env = rest.strip_suffix(&[0]).and_then(|env| std::str::from_utf8(env).ok()).ok_or_else(corrupt)?;
    let room = RoomId::new(i64::from_be_bytes(*room)).map_err(|_| corrupt())?;
    let position = SpoolPosition { epoch: u64::from_be_bytes(*epoch), number: u64::from_be_bytes(*number) };
    Ok(Spooled { line: Line { room, env: env.into() }, position, bytes, record: value })
}

/// As many of the reports a store gives, in the order of keys, as are wanted: at least one, if there is one.
pub(super) fn take(
    found: impl Iterator<Item = Result<(Bytes, Bytes), LogError>>,
    count_max: usize,
    bytes_max: u64,
) -> Result<Vec<Spooled>, LogError> {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    for pair in found {
        let (key, value) = pair?;
        let Ok(spooled) = decode(&key, value) else {
            // One that cannot be read must not keep back all the others.
            tracing::error!("a key in the spool of webhooks cannot be read");
            continue;
        };
        bytes += spooled.bytes;
        taken.push(spooled);
        if taken.len() >= count_max || bytes >= bytes_max {
            break;
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(room: i64, env: &str) -> Line {
        Line { room: RoomId::new(room).unwrap(), env: env.into() }
    }

    #[test]
    fn keys_sort_by_room_then_environment_then_place() {
        let keys = [
            key(&line(1, ""), SpoolPosition { epoch: 1, number: 9 }),
            key(&line(1, ""), SpoolPosition { epoch: 2, number: 0 }),
            beyond(Some(&line(1, ""))),
            key(&line(1, "a"), SpoolPosition::default()),
            key(&line(1, "a"), SpoolPosition { epoch: u64::MAX, number: u64::MAX }),
            beyond(Some(&line(1, "a"))),
            key(&line(1, "ab"), SpoolPosition::default()),
            key(&line(2, ""), SpoolPosition::default()),
        ];
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn a_report_comes_back_as_it_was_and_arbitrary_keys_never_panic() {
        let (line, position) = (line(7, "test"), SpoolPosition { epoch: 3, number: 4 });
        let (key, record) = (key(&line, position), Bytes::from_static(b"record"));
        let bytes = (key.len() + record.len()) as u64;
        assert_eq!(decode(&key, record.clone()).unwrap(), Spooled { line, position, bytes, record: record.clone() });
        for cut in 0..key.len() {
            let _ = decode(&key[..cut], record.clone());
        }
    }

    #[test]
    fn a_full_spool_takes_nothing_until_something_has_gone() {
        let spool = Spool::default();
        spool.set_bytes_max(10);
        assert!(spool.admit(6) && !spool.admit(5) && spool.admit(4));
        assert_eq!((spool.records(), spool.bytes(), spool.dropped()), (2, 10, 1));
        let gone = Spooled { line: line(1, ""), position: SpoolPosition::default(), bytes: 6, record: Bytes::new() };
        spool.release(&[gone]);
        assert!(spool.admit(5));
        assert_eq!((spool.records(), spool.bytes(), spool.dropped()), (2, 9, 1));
    }
}
