//! What a node reads of the disk, as the server does on threads that may wait.

use std::sync::Arc;

use super::disk::Disk;
use crate::error::{Code, Status};
use crate::id::{AccountId, RoomId, Seq, UnixMs};
use crate::log::{Anchor, FindQuery, HistoryQuery, LogError, ReplayQuery, RoomLog};
use crate::room::{HistoryScope, Query, Replay, ReplayScope, Room, Settings};
use crate::wire::{pb, store};

/// Rebuilds a room.
pub(super) fn load(disk: &Disk, id: RoomId, settings: &Arc<Settings>, now: UnixMs) -> Result<Room, Status> {
    let Some(loaded) = disk.load(id, now).map_err(failed)? else { return Ok(Room::new(id, settings.clone())) };
    let mut room = match &loaded.snapshot {
        Some(snapshot) => Room::restore(id, settings.clone(), &snapshot.state)?,
        None => Room::new(id, settings.clone()),
    };
    for record in &loaded.records {
        room.replay_epoch(record.entry.epoch, record.entry.seq, &record.link);
        room.replay(&record.entry);
        room.replay_push(record);
    }
    Ok(room)
}

/// Where the log has a message.
pub(super) fn find(disk: &Disk, room: RoomId, request: &pb::MessageRecallRequest) -> Result<Option<Seq>, Status> {
    let (time, from) = (UnixMs(request.time_ms), AccountId::parse(&request.from)?);
    let query = FindQuery { room, time, message_id: request.message_id.clone(), from };
    disk.find(&query).map_err(failed)
}

/// What a connection missed.
pub(super) fn replay(disk: &Disk, room: RoomId, scope: ReplayScope) -> Result<Replay, Status> {
    disk.replay(&ReplayQuery { room, scope }).map_err(failed)
}

/// A page of history.
pub(super) fn history(
    disk: &Disk,
    room: RoomId,
    query: &Query,
    scope: HistoryScope,
) -> Result<store::RawHistoryResponse, Status> {
    let Query::History(request) = query else { return Err(Status::new(Code::ServerError, "not drawn")) };
    let anchor = match (request.last_seq, request.time_ms) {
        (0, 0) => None,
        (0, time) => Some(Anchor::Time(UnixMs(time))),
        (seq, _) => Some(Anchor::Seq(Seq(seq))),
    };
    let query = HistoryQuery {
        room,
        anchor,
        limit: if request.limit == 0 { crate::limits::PAGE_MAX } else { request.limit },
        oldest_first: request.reverse,
        types: request.types.clone(),
        not_before: UnixMs(0),
        not_after: None,
        scope,
    };
    let page = disk.history(&query).map_err(failed)?;
    let reached_seq = page.reached.map_or(0, |seq| seq.0);
    Ok(store::RawHistoryResponse { items: page.items, has_more: page.has_more, reached_seq, ..Default::default() })
}

fn failed(_: LogError) -> Status {
    Status::new(Code::ServerError, "the store failed")
}
