//! How subjects stand in the log: written on their worker, read on threads that may wait for the disk. The log knows nothing of
//! subjects and a subject nothing of the log; here they meet.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;

use crate::dispatch::{Rebuilt, Writes};
use crate::error::Status;
use crate::id::{RoomId, Seq, SubjectId, UnixMs, UserId};
use crate::limits::{DEDUP_IDS_PER_ROOM, DEDUP_WINDOW_MS, ENTRY_BYTES, FIND_SCAN_MAX};
use crate::log::{self, Facts, Line, Log, LogError, Pen, Redacts, Snapshot, Span, SpoolPosition, Stored};
use crate::room::{
    Collector, FindQuery, HistoryPage, HistoryQuery, Opens, Pager, Record, Replay, ReplayScope, Report, Room, Settings,
    fuzz_record, without_content,
};
use crate::subject;
use crate::user::{self, User};

/// Writes an entry for the log.
pub fn write(pen: &mut Pen, record: Record) -> Result<log::Record, Status> {
    let facts = Facts {
        subject: record.room.into(),
        seq: record.entry.seq,
        prev: record.link.previous,
        epoch: record.entry.epoch,
        time: record.entry.stamp.time,
        redacts: record.redacts().map(|(seq, time)| Redacts { seq, time, strip }),
        opens: record.opens().map(|opens| match opens {
            Opens::Number => log::Opens::Number,
            Opens::Begin => log::Opens::Begin,
            Opens::End => log::Opens::End,
        }),
        keys: Vec::new(),
    };
    let kept = record.into_kept()?;
    Ok(pen.write(facts, kept.encoded_len(), |out| kept.encode_raw(out)))
}

/// Writes an entry of a user for the log.
pub fn write_user(pen: &mut Pen, record: user::Record) -> Result<log::Record, Status> {
    let facts = Facts {
        subject: record.user.into(),
        seq: record.entry.seq,
        prev: record.link.previous,
        epoch: record.entry.epoch,
        time: record.entry.stamp.time,
        redacts: None,
        opens: None,
        keys: Vec::new(),
    };
    let kept = record.into_kept()?;
    Ok(pen.write(facts, kept.encoded_len(), |out| kept.encode_raw(out)))
}

/// A snapshot as the log keeps it.
pub fn snapshot((subject, seq, parts): (impl Into<SubjectId>, Seq, Vec<subject::Part>)) -> Snapshot {
    let part = |part: subject::Part| log::Part { number: part.number, state: part.state.into() };
    Snapshot { subject: subject.into(), seq, parts: parts.into_iter().map(part).collect() }
}

/// Writes a report for the outbox.
pub fn write_report(report: Report) -> log::Report {
    let line = Line { room: report.room, env: report.env.clone() };
    let position = SpoolPosition { epoch: report.epoch.0, number: report.number };
    log::Report { line, position, record: report.into_kept().encode_to_vec().into() }
}

/// Everything of a worker that one commit covers, as the log takes it.
pub struct Written {
    /// Its entries.
    pub records: Vec<log::Record>,
    /// Its snapshots.
    pub snapshots: Vec<Snapshot>,
    /// Its reports.
    pub reports: Vec<log::Report>,
}

/// Writes everything of a worker that one commit covers.
pub fn write_all(pen: &mut Pen, writes: Writes) -> Result<Written, Status> {
    let Writes { rooms, users } = writes;
    let mut records = Vec::with_capacity(rooms.records.len() + users.records.len());
    for record in rooms.records {
        records.push(write(pen, record)?);
    }
    for record in users.records {
        records.push(write_user(pen, record)?);
    }
    let snapshots = rooms.snapshots.into_iter().map(snapshot).chain(users.snapshots.into_iter().map(snapshot)).collect();
    Ok(Written { records, snapshots, reports: rooms.reports.into_iter().map(write_report).collect() })
}

fn strip(kept: Bytes) -> Result<Option<Vec<u8>>, LogError> {
    without_content(kept).map_err(corrupt)
}

/// The record of an entry.
pub fn read(room: RoomId, entry: Stored) -> Result<Record, LogError> {
    Record::read(room, (entry.prev, entry.seq), entry.epoch, entry.time, entry.bytes).map_err(corrupt)
}

/// Snapshot and records that a room is rebuilt from.
#[derive(Clone, PartialEq, Debug)]
pub struct Rebuilding {
    /// The newest snapshot, if any.
    pub snapshot: Option<Snapshot>,
    /// In ascending order: every entry after the snapshot, and before it the sends of the last [`DEDUP_WINDOW_MS`], at most
    /// [`DEDUP_IDS_PER_ROOM`], which rebuild the deduplication window.
    pub records: Vec<Record>,
}

/// Reads what a room is rebuilt from; `None` if there never was such a room.
pub fn load(log: &(impl Log + ?Sized), room: RoomId, now: UnixMs) -> Result<Option<Rebuilding>, LogError> {
    let Some(log::Loaded { snapshot, entries }) = log.load(room.into())? else { return Ok(None) };
    let mut records = match &snapshot {
        Some(snapshot) => recent_sends(log, room, snapshot.seq, now)?,
        None => Vec::new(),
    };
    for entry in entries {
        records.push(read(room, entry)?);
    }
    Ok(Some(Rebuilding { snapshot, records }))
}

/// The sends up to `last` whose ids a room still has to know, ascending.
fn recent_sends(log: &(impl Log + ?Sized), room: RoomId, last: Seq, now: UnixMs) -> Result<Vec<Record>, LogError> {
    let mut sends = Vec::new();
    let not_before = UnixMs(now.0.saturating_sub(DEDUP_WINDOW_MS));
    log.read(&Span { last, not_before, ..Span::all(room) }, &mut |entry| {
        if sends.len() >= DEDUP_IDS_PER_ROOM {
            return Ok(ControlFlow::Break(()));
        }
        sends.extend(read(room, entry)?.for_dedup());
        Ok(ControlFlow::Continue(()))
    })?;
    sends.reverse();
    Ok(sends)
}

/// Rebuilds a room; one that never was comes as one that does not exist.
pub fn rebuild(
    log: &(impl Log + ?Sized),
    id: RoomId,
    now: UnixMs,
    settings: Arc<Settings>,
) -> Result<Rebuilt<Room>, RebuildError> {
    let Some(Rebuilding { snapshot, records }) = load(log, id, now).map_err(RebuildError::Log)? else {
        return Ok(Room::new(id, settings).into());
    };
    let (covered, snapshot_bytes) = snapshot.as_ref().map_or((Seq(0), 0), |snapshot| (snapshot.seq, snapshot.bytes()));
    let since = records.iter().filter(|record| record.entry.seq > covered);
    let (entries, bytes) = since.fold((0, 0), |(entries, bytes), record| (entries + 1, bytes + record.weight()));
    let mut room = match &snapshot {
        Some(snapshot) => Room::restore(id, settings, snapshot.head()).map_err(RebuildError::Snapshot)?,
        None => Room::new(id, settings),
    };
    for record in &records {
        room.replay_epoch(record.entry.epoch, record.entry.seq, &record.link);
        room.replay(&record.entry);
        room.replay_push(record);
    }
    Ok(Rebuilt { subject: room, covered, snapshot_bytes, entries, bytes })
}

/// Rebuilds a user; one that never was comes as one that nothing has changed.
pub fn rebuild_user(
    log: &(impl Log + ?Sized),
    id: UserId,
    settings: Arc<user::Settings>,
) -> Result<Rebuilt<User>, RebuildError> {
    let Some(log::Loaded { snapshot, entries }) = log.load(id.into()).map_err(RebuildError::Log)? else {
        return Ok(User::new(id, settings).into());
    };
    let (covered, snapshot_bytes) = snapshot.as_ref().map_or((Seq(0), 0), |snapshot| (snapshot.seq, snapshot.bytes()));
    let bytes = entries.iter().map(|entry| entry.bytes.len() + ENTRY_BYTES).sum();
    let mut subject = match &snapshot {
        Some(snapshot) => User::restore(id, settings, snapshot.head()).map_err(RebuildError::Snapshot)?,
        None => User::new(id, settings),
    };
    let count = entries.len();
    for entry in entries {
        let record = user::Record::read(id, (entry.prev, entry.seq), entry.epoch, entry.time, entry.bytes);
        let record = record.map_err(corrupt).map_err(RebuildError::Log)?;
        subject.replay(&record.entry, &record.link);
    }
    Ok(Rebuilt { subject, covered, snapshot_bytes, entries: count, bytes })
}

/// Why a subject could not be rebuilt.
#[derive(Debug)]
pub enum RebuildError {
    /// The log could not be read.
    Log(LogError),
    /// The snapshot is none of ours.
    Snapshot(Status),
}

/// A page of history. Looks at a bounded number of entries.
pub fn history(log: &(impl Log + ?Sized), query: &HistoryQuery) -> Result<HistoryPage, LogError> {
    let ((first, last), (not_before, not_after)) = (query.places(), query.times());
    let span =
        Span { subject: query.room.into(), key: None, first, last, not_before, not_after, oldest_first: query.oldest_first };
    let mut pager = Pager::new(query);
    log.read(&span, &mut |entry| pager.take(entry.seq, entry.time, entry.bytes).map_err(corrupt))?;
    Ok(pager.into_page())
}

/// Items a connection missed. Looks at a bounded number of entries.
pub fn replay(log: &(impl Log + ?Sized), room: RoomId, scope: &ReplayScope) -> Result<Replay, LogError> {
    let span = Span { first: scope.after.next(), last: scope.last, ..Span::all(room) };
    let filter = scope.filter();
    let mut missed = Collector::new(scope, &filter);
    log.read(&span, &mut |entry| missed.take((entry.prev, entry.seq), entry.bytes).map_err(corrupt))?;
    Ok(missed.into_replay())
}

/// The place of a message that was not recalled; `None` if there is none such.
pub fn find(log: &(impl Log + ?Sized), query: &FindQuery) -> Result<Option<Seq>, LogError> {
    let (not_before, not_after) = (query.time, query.time);
    let span = Span { not_before, not_after, oldest_first: true, ..Span::all(query.room) };
    let (mut found, mut looked_at) = (None, 0);
    log.read(&span, &mut |entry| {
        found = query.is_met_by(entry.bytes).map_err(corrupt)?.then_some(entry.seq);
        looked_at += 1;
        let is_enough = found.is_some() || looked_at >= FIND_SCAN_MAX;
        Ok(if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(found)
}

/// Entry point of the fuzzer: whatever the bytes of an entry, reading them never panics.
#[doc(hidden)]
pub fn fuzz_entry(data: &[u8]) {
    if let Some(entry) = log::fuzz_entry(data) {
        fuzz_record(&entry.bytes);
    }
}

fn corrupt(status: Status) -> LogError {
    LogError::Corrupt(status.desc.into_owned())
}
