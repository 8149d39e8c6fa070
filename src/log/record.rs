//! An entry in the form it is kept in: the facts the log needs of it, and behind them the record, which is its subject's alone.
//!
//! The form: a zero byte, `store::Head` behind its length, the record to the end. Entries of formats 1 and 2 have no head of their
//! own: their record carries the facts under the same numbers, and begins with another byte.

use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message as _;

use super::LogError;
use crate::id::{Epoch, Seq, SubjectId, UnixMs};
use crate::limits::{INDEX_KEY_BYTES_MAX, INDEX_KEYS_MAX, LOG_ARENA_BYTES};
use crate::wire::store;

/// First byte of an entry with a head. No record of formats 1 and 2 begins with it: it is no field's number.
const MARK: u8 = 0;
/// Bytes of the mark and of the longest head.
const HEAD_BYTES_MAX: usize = 40;

/// Takes what a record says out of it and leaves what must stay; `None`: there is nothing to take out. Given by who knows the record.
pub type Strip = fn(Bytes) -> Result<Option<Vec<u8>>, LogError>;

/// An item that an entry redacts.
#[derive(Clone, Copy, Debug)]
pub struct Redacts {
    /// Its place.
    pub seq: Seq,
    /// Its time, by which the log finds its day.
    pub time: UnixMs,
    /// Does it.
    pub strip: Strip,
}

/// A beginning or an end that the log remembers beside its entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opens {
    /// The subject has a number this node gave it: the log remembers the highest, so that none is given twice.
    Number,
    /// The subject begins. It is listed until it ends.
    Begin,
    /// The subject ends.
    End,
}

/// Facts of an entry, beside its record.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its subject.
    pub subject: SubjectId,
    /// Its place.
    pub seq: Seq,
    /// The entry of the subject that the log has before it; 0: none.
    pub prev: Seq,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its time. Never decreases from entry to entry of a subject.
    pub time: UnixMs,
    /// The item it redacts, if it does.
    pub redacts: Option<Redacts>,
    /// The beginning or the end that it is, if it is one.
    pub opens: Option<Opens>,
    /// Its change to the envelope of its subject, for who knows that; mostly empty.
    pub note: Bytes,
    /// The keys under which it is found again: at most [`INDEX_KEYS_MAX`], each of at most [`INDEX_KEY_BYTES_MAX`] bytes.
    pub keys: Vec<Box<[u8]>>,
}

/// An entry on its way into the log, as a [`Pen`] wrote it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its facts.
    pub facts: Facts,
    /// Its kept form.
    pub(super) kept: Bytes,
}

/// Writes entries, many of them into one buffer.
#[derive(Default)]
pub struct Pen {
    arena: BytesMut,
}

impl Pen {
    /// Writes an entry: its head, and what `record` adds, some `bytes` of it.
    pub fn write(&mut self, facts: Facts, bytes: usize, record: impl FnOnce(&mut BytesMut)) -> Record {
        let needed = HEAD_BYTES_MAX + facts.note.len() + bytes;
        if self.arena.capacity() - self.arena.len() < needed {
            self.arena.reserve(needed.max(LOG_ARENA_BYTES));
        }
        put_head(&facts, &mut self.arena);
        record(&mut self.arena);
        Record { facts, kept: self.arena.split().freeze() }
    }
}

fn put_head(facts: &Facts, out: &mut BytesMut) {
    let skipped = facts.seq.0.saturating_sub(1).saturating_sub(facts.prev.0);
    let head = store::Head { epoch: facts.epoch.0, time_ms: facts.time.0, note: facts.note.clone(), skipped };
    out.put_u8(MARK);
    // The buffer grows: there is always room.
    let _ = head.encode_length_delimited(out);
}

/// An entry that the log has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Its place.
    pub seq: Seq,
    /// The entry of the subject before it; 0: none.
    pub prev: Seq,
    /// Its epoch.
    pub epoch: Epoch,
    /// Its time.
    pub time: UnixMs,
    /// Its change to the envelope of its subject.
    pub note: Bytes,
    /// Its record, as its subject wrote it or redaction left it.
    pub bytes: Bytes,
}

/// Reads the kept form of an entry. The record shares the buffer.
pub(super) fn open(seq: Seq, mut kept: Bytes) -> Result<Stored, LogError> {
    let corrupt = |error| LogError::Corrupt(format!("the head of an entry: {error}"));
    let head = if kept.first() == Some(&MARK) {
        let _ = kept.split_to(1);
        store::Head::decode_length_delimited(&mut kept).map_err(corrupt)?
    } else {
        store::Head::decode(&*kept).map_err(corrupt)?
    };
    Ok(Stored {
        seq,
        prev: Seq(seq.0.saturating_sub(1).saturating_sub(head.skipped)),
        epoch: Epoch(head.epoch),
        time: UnixMs(head.time_ms),
        note: head.note,
        bytes: kept,
    })
}

/// Reads nothing but the time.
pub(super) fn time_of(seq: Seq, kept: Bytes) -> Result<UnixMs, LogError> {
    open(seq, kept).map(|stored| stored.time)
}

/// The kept form of a redacted entry; `None`: there is nothing to take out.
pub(super) fn redacted(subject: SubjectId, seq: Seq, kept: Bytes, strip: Strip) -> Result<Option<Bytes>, LogError> {
    let Stored { prev, epoch, time, note, bytes, .. } = open(seq, kept)?;
    let Some(left) = strip(bytes)? else { return Ok(None) };
    let facts = Facts { subject, seq, prev, epoch, time, redacts: None, opens: None, note, keys: Vec::new() };
    let mut out = BytesMut::with_capacity(HEAD_BYTES_MAX + facts.note.len() + left.len());
    put_head(&facts, &mut out);
    out.put_slice(&left);
    Ok(Some(out.freeze()))
}

/// Refuses what cannot be kept.
pub(super) fn check(record: &Record) -> Result<(), LogError> {
    let keys = &record.facts.keys;
    if keys.len() > INDEX_KEYS_MAX || keys.iter().any(|key| key.len() > INDEX_KEY_BYTES_MAX) {
        let most = format!("an entry has at most {INDEX_KEYS_MAX} keys of at most {INDEX_KEY_BYTES_MAX} bytes");
        return Err(LogError::Store(most));
    }
    Ok(())
}

/// Bytes of an entry's key: subject and seq, big-endian, so that the order of keys is the order of entries.
pub(super) const KEY_BYTES: usize = 16;

/// The key of an entry.
pub(super) fn key(subject: SubjectId, seq: Seq) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&subject.to_key().to_be_bytes());
    key[8..].copy_from_slice(&seq.0.to_be_bytes());
    key
}

/// The subject and the place behind a key.
pub(super) fn read_key(key: &[u8]) -> Result<(SubjectId, Seq), LogError> {
    let corrupt = || LogError::Corrupt("a key that is no entry's".into());
    let key: [u8; KEY_BYTES] = key.try_into().map_err(|_| corrupt())?;
    let (subject, seq) = key.split_at(8);
    let number = |part: &[u8]| part.try_into().map(u64::from_be_bytes).map_err(|_| corrupt());
    Ok((SubjectId::of_key(number(subject)?).ok_or_else(corrupt)?, Seq(number(seq)?)))
}

/// The highest bit of a key's first byte is set in rows of the index, which therefore stand behind all entries.
pub(super) const INDEX_BIT: u8 = 0x80;

/// Prefix of all rows of a subject's index.
pub(super) fn index_prefix(subject: SubjectId) -> [u8; 8] {
    let mut prefix = subject.to_key().to_be_bytes();
    prefix[0] |= INDEX_BIT;
    prefix
}

/// The row by which an entry is found under a key.
pub(super) fn index_row(subject: SubjectId, key: &[u8], seq: Seq) -> Vec<u8> {
    let mut row = Vec::with_capacity(8 + 2 + key.len() + 8);
    row.extend_from_slice(&index_prefix(subject));
    // Where keys had no length, one could be the beginning of another.
    row.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
    row.extend_from_slice(key);
    row.extend_from_slice(&seq.0.to_be_bytes());
    row
}

/// The place of the entry that a row of the index names.
pub(super) fn index_seq(row: &[u8]) -> Result<Seq, LogError> {
    let seq = row.last_chunk().ok_or_else(|| LogError::Corrupt("a row of the index without a place".into()))?;
    Ok(Seq(u64::from_be_bytes(*seq)))
}

/// Entry point of the fuzzer: whatever the bytes, reading them never panics.
#[doc(hidden)]
pub fn fuzz_entry(data: &[u8]) -> Option<Stored> {
    open(Seq(1), Bytes::copy_from_slice(data)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(seq: u64, prev: u64) -> Facts {
        let subject = SubjectId::of_key(1).unwrap();
        let time = UnixMs(1_700_000_000_123);
        Facts {
            subject,
            seq: Seq(seq),
            prev: Seq(prev),
            epoch: Epoch(2),
            time,
            redacts: None,
            opens: None,
            note: Bytes::new(),
            keys: Vec::new(),
        }
    }

    #[test]
    fn an_entry_comes_back_as_it_was() {
        let mut pen = Pen::default();
        for (seq, prev, record) in [(3, 1, &b"record"[..]), (4, 3, b""), (5, 4, b"\0another")] {
            let written = pen.write(facts(seq, prev), record.len(), |out| out.put_slice(record));
            let stored = open(Seq(seq), written.kept).unwrap();
            assert_eq!((stored.seq, stored.prev, stored.epoch), (Seq(seq), Seq(prev), Epoch(2)));
            assert_eq!((stored.time, &stored.bytes[..]), (UnixMs(1_700_000_000_123), record));
            assert!(stored.note.is_empty());
        }
        let noted = Facts { note: Bytes::from_static(b"note"), ..facts(6, 5) };
        let stored = open(Seq(6), pen.write(noted, 0, |_| {}).kept).unwrap();
        assert_eq!((&stored.note[..], &stored.bytes[..]), (&b"note"[..], &b""[..]));
    }

    #[test]
    fn an_entry_of_an_earlier_format_carries_its_facts_in_its_record() {
        let record = store::Record {
            seq: 9,
            epoch: 4,
            time_ms: 5,
            skipped: 2,
            message: Bytes::from_static(b"message"),
            ..Default::default()
        };
        let kept = Bytes::from(record.encode_to_vec());
        let stored = open(Seq(9), kept.clone()).unwrap();
        assert_eq!(
            stored,
            Stored { seq: Seq(9), prev: Seq(6), epoch: Epoch(4), time: UnixMs(5), note: Bytes::new(), bytes: kept }
        );
    }

    #[test]
    fn keys_sort_like_entries_and_come_back() {
        let (one, two) = (SubjectId::of_key(1).unwrap(), SubjectId::of_key(256).unwrap());
        assert!(key(one, Seq(u64::MAX)) < key(two, Seq(0)) && key(one, Seq(255)) < key(one, Seq(256)));
        assert_eq!(read_key(&key(two, Seq(9))).unwrap(), (two, Seq(9)));
        assert!(read_key(b"short").is_err() && read_key(&[0xFF; 16]).is_err() && read_key(&[0; 16]).is_err());
    }

    #[test]
    fn rows_of_the_index_stand_behind_all_entries_and_sort_by_key_and_place() {
        let (one, last) = (SubjectId::of_key(1).unwrap(), SubjectId::of_key(i64::MAX.cast_unsigned()).unwrap());
        let rows = [index_row(one, b"a", Seq(2)), index_row(one, b"a", Seq(256)), index_row(one, b"aa", Seq(1))];
        assert!(rows.is_sorted() && key(last, Seq(u64::MAX))[..] < rows[0][..]);
        assert_eq!(index_seq(&rows[1]).unwrap(), Seq(256));
    }

    #[test]
    fn arbitrary_bytes_never_panic() {
        let good = Pen::default().write(facts(3, 1), 6, |out| out.put_slice(b"record")).kept;
        for cut in 0..good.len() {
            fuzz_entry(&good[..cut]);
            for flip in [0x01, 0x10, 0x80, 0xFF] {
                let mut bad = good.to_vec();
                bad[cut] ^= flip;
                fuzz_entry(&bad);
            }
        }
    }
}
