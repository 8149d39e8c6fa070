//! Figures as the store keeps them. Keys: what it is, hour or day, when that began, application, NUL; then, of a room in an hour or
//! day that is not over, the room and the number of the row: the first has the figures, each further one accounts.

use prost::Message;

use super::calendar::{Period, Span};
use super::distinct::Distinct;
use super::period::{Counted, RoomFigures};
use crate::error::{Code, Status};
use crate::id::{RoomId, UnixMs};
use crate::limits::FIGURES_ROWS_MAX;
use crate::wire::store;

/// A row to write, or to remove.
pub(super) type Change = (Vec<u8>, Option<Vec<u8>>);

/// Rooms of hours and days that are not over.
pub(super) const OPEN: &[u8] = b"o";
/// What is kept of those that are over.
const KEPT: &[u8] = b"k";
/// Up to when what was kept has been removed.
pub(super) const SWEPT: &[u8] = b"s";

/// What every key of an hour or day begins with.
fn span_key(what: &[u8], span: Span) -> Vec<u8> {
    let period = match span.period {
        Period::Hour => b'h',
        Period::Day => b'd',
    };
    // The highest bit turned over, keys have the order of times.
    let start = (span.start.0 as u64) ^ (1 << 63);
    [what, &[period], &start.to_be_bytes()].concat()
}

/// What every key of what is kept of an hour or day begins with.
pub(super) fn kept_prefix(span: Span) -> Vec<u8> {
    span_key(KEPT, span)
}

/// The key of what is kept of an hour or day for an application.
pub(super) fn kept_key(span: Span, app_key: &str) -> Vec<u8> {
    [&span_key(KEPT, span), app_key.as_bytes(), &[0]].concat()
}

fn room_key(span: Span, app_key: &str, room: RoomId, row: u16) -> Vec<u8> {
    [&span_key(OPEN, span), app_key.as_bytes(), &[0], &room.get().to_be_bytes(), &row.to_be_bytes()].concat()
}

/// The hour or day, the application, the room and the row behind a key that [`write_room`] made.
pub(super) fn read_room_key(key: &[u8]) -> Option<(Span, &str, RoomId, u16)> {
    let rest = key.strip_prefix(OPEN)?;
    let (period, rest) = rest.split_first()?;
    let period = match period {
        b'h' => Period::Hour,
        b'd' => Period::Day,
        _ => return None,
    };
    let (start, rest) = rest.split_first_chunk()?;
    let span = Span { period, start: UnixMs((u64::from_be_bytes(*start) ^ (1 << 63)) as i64) };
    let end = rest.iter().position(|byte| *byte == 0)?;
    let (app_key, rest) = rest.split_at(end);
    let (room, row) = rest.get(1..)?.split_first_chunk()?;
    let room = RoomId::new(i64::from_be_bytes(*room)).ok()?;
    Some((span, str::from_utf8(app_key).ok()?, room, u16::from_be_bytes(row.try_into().ok()?)))
}

/// Adds the rows of a room that has changed: its figures, and a row of the accounts that are new; once there are many of these, one
/// of all accounts takes their place. How many bytes that is.
pub(super) fn write_room(span: Span, app_key: &str, counted: &mut Counted, fresh: &[u64], changes: &mut Vec<Change>) -> usize {
    let room = counted.figures.room;
    let mut bytes = 0;
    let mut write = |row: u16, value: Vec<u8>| {
        bytes += value.len();
        changes.push((room_key(span, app_key, room, row), Some(value)));
    };
    let accounts = |accounts: &[u64]| store::OpenAccounts { accounts: accounts.to_vec() }.encode_to_vec();
    let sample = u32::try_from(counted.accounts.sample()).unwrap_or(u32::MAX);
    let figures = store::OpenFigures { figures: Some(stored(&counted.figures)), sample };
    write(0, figures.encode_to_vec());
    if fresh.is_empty() {
        return bytes;
    }
    if counted.rows < FIGURES_ROWS_MAX {
        counted.rows += 1;
        write(counted.rows, accounts(fresh));
        return bytes;
    }
    write(1, accounts(counted.accounts.hashes()));
    changes.extend((2..=counted.rows).map(|row| (room_key(span, app_key, room, row), None)));
    counted.rows = 1;
    bytes
}

/// The removal of all rows of a room.
pub(super) fn remove_room(span: Span, app_key: &str, room: RoomId, rows: u16) -> impl Iterator<Item = Change> {
    (0..=rows).map(move |row| (room_key(span, app_key, room, row), None))
}

/// A room out of its rows: each its number and its bytes.
pub(super) fn read_room(room: RoomId, rows: &[(u16, bytes::Bytes)]) -> Result<Counted, Status> {
    let (mut figures, mut sample, mut hashes) = (RoomFigures { room, active: 0, enters: 0, messages: 0 }, 0, Vec::new());
    for (row, bytes) in rows {
        if *row == 0 {
            let kept = store::OpenFigures::decode(bytes.clone()).map_err(unreadable)?;
            figures = RoomFigures { room, ..read(&kept.figures.unwrap_or_default(), room) };
            sample = kept.sample as usize;
        } else {
            hashes.extend(store::OpenAccounts::decode(bytes.clone()).map_err(unreadable)?.accounts);
        }
    }
    let rows = rows.iter().map(|(row, _)| *row).max().unwrap_or(0);
    Ok(Counted { figures, accounts: Distinct::restore(hashes, sample), rows })
}

/// What is kept of an hour or day.
pub(super) fn write_kept(rooms: &[RoomFigures]) -> Vec<u8> {
    store::TopRooms { rooms: rooms.iter().map(stored).collect() }.encode_to_vec()
}

/// The rooms behind what [`write_kept`] gave.
pub(super) fn read_kept(bytes: bytes::Bytes) -> Result<Vec<RoomFigures>, Status> {
    let kept = store::TopRooms::decode(bytes).map_err(unreadable)?;
    kept.rooms.iter().map(|room| Ok(read(room, RoomId::new(room.room)?))).collect()
}

fn stored(figures: &RoomFigures) -> store::RoomFigures {
    let RoomFigures { room, active, enters, messages } = *figures;
    store::RoomFigures { room: room.get(), active, enters, messages }
}

fn read(stored: &store::RoomFigures, room: RoomId) -> RoomFigures {
    RoomFigures { room, active: stored.active, enters: stored.enters, messages: stored.messages }
}

fn unreadable(error: prost::DecodeError) -> Status {
    tracing::error!(%error, "figures in the store cannot be read");
    Status::new(Code::ServerError, "figures in the store cannot be read")
}
