//! What applications are still to be told, kept until they have it. Written in the same commit as the entries it stands beside.
//!
//! Reports stand in *lines*: those of one room for one environment, which are told one after the other. Key: the room, the name of
//! the environment, NUL, epoch and number, so that the order of keys is the order of each line. Value: `store::Report`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use prost::Message as _;

use super::LogError;
use crate::id::RoomId;
use crate::room::{InOut, Report, Reported, Way};
use crate::wire::store;

/// Reports that are told one after the other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Line {
    /// Of which room.
    pub room: RoomId,
    /// For which environment; empty: the default.
    pub env: Box<str>,
}

/// A report's place in its line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Place {
    /// The epoch in which it was made.
    pub epoch: u64,
    /// Its number in that epoch.
    pub number: u64,
}

impl Place {
    /// The next place there can be.
    pub fn next(self) -> Place {
        Place { number: self.number.saturating_add(1), ..self }
    }
}

/// A report as the spool holds it.
#[derive(Clone, PartialEq, Debug)]
pub struct Spooled {
    /// Its line.
    pub line: Line,
    /// Its place in it.
    pub place: Place,
    /// Bytes it occupies, before the store's own overhead.
    pub bytes: u64,
    /// What it says; `None` if it cannot be read.
    pub report: Option<store::Report>,
}

/// What the spool holds. Any thread.
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

/// What all keys of a line begin with.
pub(super) fn prefix(line: &Line) -> Vec<u8> {
    let mut key = Vec::with_capacity(25 + line.env.len());
    key.extend_from_slice(&line.room.get().to_be_bytes());
    key.extend_from_slice(line.env.as_bytes());
    key.push(0);
    key
}

pub(super) fn key(line: &Line, place: Place) -> Vec<u8> {
    let mut key = prefix(line);
    key.extend_from_slice(&place.epoch.to_be_bytes());
    key.extend_from_slice(&place.number.to_be_bytes());
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

/// The key and the kept form of a report.
pub(super) fn encode(report: &Report) -> (Vec<u8>, Vec<u8>) {
    let line = Line { room: report.room, env: report.env.clone() };
    let place = Place { epoch: report.epoch.0, number: report.number };
    let what = match &report.what {
        Reported::Message { body, resend, to } => {
            store::report::What::Message(store::ReportedMessage { body: body.clone(), resend: *resend, to: to.clone() })
        }
        Reported::InOut(passage) => store::report::What::InOut(in_out(passage)),
        Reported::Queue(change) => store::report::What::Queue(store::QueueChange {
            operator: change.operator.to_string(),
            event: change.event as i32,
            again: change.again,
            elements: change.elements.clone(),
        }),
    };
    let kept = store::Report { app_key: report.app_key.as_ref().into(), time_ms: report.time.0, what: Some(what) };
    (key(&line, place), kept.encode_to_vec())
}

fn in_out(passage: &InOut) -> store::InOut {
    store::InOut {
        account: passage.account.as_str().into(),
        way: match passage.way {
            Way::In => store::Way::In,
            Way::Exit => store::Way::Exit,
            Way::Offline => store::Way::Offline,
            Way::Kick => store::Way::Kick,
            Way::LoginKick => store::Way::LoginKick,
        } as i32,
        client_type: passage.client_type,
        role: passage.role as i32,
        anonymous: passage.anonymous,
        tags: passage.tags.iter().map(|tag: &Arc<str>| tag.as_ref().into()).collect(),
        target: passage.target.clone(),
        ext: passage.ext.clone(),
        client_ip: passage.client.as_ref().map(|client| client.address.to_string()).unwrap_or_default(),
        sdk_version: passage.client.as_ref().map(|client| client.sdk_version.to_string()).unwrap_or_default(),
    }
}

pub(super) fn decode(key: &[u8], value: Bytes) -> Result<Spooled, LogError> {
    let corrupt = || LogError::Corrupt("a key that is no report's".into());
    let bytes = (key.len() + value.len()) as u64;
    let (room, rest) = key.split_first_chunk::<8>().ok_or_else(corrupt)?;
    let (rest, number) = rest.split_last_chunk::<8>().ok_or_else(corrupt)?;
    let (rest, epoch) = rest.split_last_chunk::<8>().ok_or_else(corrupt)?;
    let env = rest.strip_suffix(&[0]).and_then(|env| std::str::from_utf8(env).ok()).ok_or_else(corrupt)?;
    let room = RoomId::new(i64::from_be_bytes(*room)).map_err(|_| corrupt())?;
    let place = Place { epoch: u64::from_be_bytes(*epoch), number: u64::from_be_bytes(*number) };
    let report = store::Report::decode(value).ok().filter(|report| report.what.is_some());
    Ok(Spooled { line: Line { room, env: env.into() }, place, bytes, report })
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
    use crate::id::{Epoch, UnixMs};

    fn line(room: i64, env: &str) -> Line {
        Line { room: RoomId::new(room).unwrap(), env: env.into() }
    }

    #[test]
    fn keys_sort_by_room_then_environment_then_place() {
        let keys = [
            key(&line(1, ""), Place { epoch: 1, number: 9 }),
            key(&line(1, ""), Place { epoch: 2, number: 0 }),
            beyond(Some(&line(1, ""))),
            key(&line(1, "a"), Place::default()),
            key(&line(1, "a"), Place { epoch: u64::MAX, number: u64::MAX }),
            beyond(Some(&line(1, "a"))),
            key(&line(1, "ab"), Place::default()),
            key(&line(2, ""), Place::default()),
        ];
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn a_report_comes_back_as_it_was_and_arbitrary_bytes_never_panic() {
        let what = Reported::Message { body: Bytes::from_static(b"body"), resend: true, to: vec!["bob".into()] };
        let report = Report {
            room: RoomId::new(7).unwrap(),
            app_key: "app".into(),
            env: "test".into(),
            epoch: Epoch(3),
            number: 4,
            time: UnixMs(5),
            what,
        };
        let (key, value) = encode(&report);
        let spooled = decode(&key, value.clone().into()).unwrap();
        assert_eq!((spooled.line, spooled.place), (line(7, "test"), Place { epoch: 3, number: 4 }));
        assert_eq!(spooled.bytes, (key.len() + value.len()) as u64);
        let kept = spooled.report.unwrap();
        assert_eq!((kept.app_key.as_str(), kept.time_ms), ("app", 5));
        for cut in 0..key.len() {
            let _ = decode(&key[..cut], value.clone().into());
        }
        for cut in 0..value.len() {
            let spooled = decode(&key, Bytes::copy_from_slice(&value[..cut])).unwrap();
            assert!(spooled.report.is_none_or(|report| report.what.is_some()));
        }
    }

    #[test]
    fn a_full_spool_takes_nothing_until_something_has_gone() {
        let spool = Spool::default();
        spool.set_bytes_max(10);
        assert!(spool.admit(6) && !spool.admit(5) && spool.admit(4));
        assert_eq!((spool.records(), spool.bytes(), spool.dropped()), (2, 10, 1));
        let gone = Spooled { line: line(1, ""), place: Place::default(), bytes: 6, report: None };
        spool.release(&[gone]);
        assert!(spool.admit(5));
        assert_eq!((spool.records(), spool.bytes(), spool.dropped()), (2, 9, 1));
    }
}
