//! Reads out of the log what a front wants of it. Takes the time as an argument and no thread of its own: the caller has one that may
//! wait for the disk.

use std::sync::Arc;

use super::logbook::{self, RebuildError};
use super::shared::store_failed;
use crate::dispatch::{Rebuilt, Rules};
use crate::error::{Code, Status};
use crate::id::{AccountId, RoomId, Seq, UnixMs, UserId};
use crate::limits::{HTTP_HISTORY_SCANS_MAX, PAGE_MAX, RECALL_WINDOW_MS};
use crate::log::Log;
use crate::room::{Anchor, FindQuery, HistoryQuery, HistoryScope, Query, Replay, ReplayScope, Room, Settings};
use crate::user::User;
use crate::wire::{pb, store};

/// Reads rooms, and what is kept of them.
pub(crate) struct Reader {
    log: Arc<dyn Log>,
    rules: Arc<dyn Rules<Settings>>,
    history_days: u32,
}

impl Reader {
    /// Of this log; the history reaches back so many days.
    pub(crate) fn new(log: Arc<dyn Log>, rules: Arc<dyn Rules<Settings>>, history_days: u32) -> Reader {
        Reader { log, rules, history_days }
    }

    /// Rebuilds a room; the hub gives it the settings of its application. By `now` nothing is older than it is.
    pub(crate) fn load(&self, id: RoomId, now: UnixMs) -> Result<Rebuilt<Room>, Status> {
        logbook::rebuild(self.log.as_ref(), id, now, self.rules.settings("")).map_err(not_rebuilt)
    }

    /// Rebuilds a user.
    pub(crate) fn load_user(&self, id: UserId) -> Result<Rebuilt<User>, Status> {
        logbook::rebuild_user(self.log.as_ref(), id, Arc::default()).map_err(not_rebuilt)
    }

    /// Where the log has a message that is to be recalled, if it is still in the history's time.
    pub(crate) fn find(&self, room: RoomId, request: &pb::MessageRecallRequest, now: UnixMs) -> Result<Option<Seq>, Status> {
        let (time, from) = (UnixMs(request.time_ms), AccountId::parse(&request.from)?);
        // Without a history the log holds messages for a while all the same.
        if time < self.not_before(now).min(UnixMs(now.0 - RECALL_WINDOW_MS)) {
            return Ok(None);
        }
        let query = FindQuery { room, time, message_id: request.message_id.clone(), from };
        logbook::find(self.log.as_ref(), &query).map_err(|error| store_failed(&error))
    }

    /// Reads what a connection missed of a room.
    pub(crate) fn replay(&self, room: RoomId, scope: &ReplayScope) -> Result<Replay, Status> {
        logbook::replay(self.log.as_ref(), room, scope).map_err(|error| store_failed(&error))
    }

    /// Reads a page of history that the room has found permitted (chatroom.md §c.3). Where the answer cannot say how far it
    /// `reaches`, as that to a connection can, a page with no item is not the answer while there is more.
    pub(crate) fn history(
        &self,
        (room, query): (RoomId, &Query),
        scope: HistoryScope,
        reaches: bool,
        now: UnixMs,
    ) -> Result<store::RawHistoryResponse, Status> {
        let oldest = self.not_before(now);
        let mut query = match query {
            Query::History(request) => page_of_all(room, request, oldest, scope),
            Query::HistoryByTags(request) => page_by_tags(room, request, oldest, scope),
            _ => return Err(Status::new(Code::ServerError, "not a question about the history")),
        };
        for _ in 0..HTTP_HISTORY_SCANS_MAX {
            let page = logbook::history(self.log.as_ref(), &query).map_err(|error| store_failed(&error))?;
            let goes_on = !reaches && page.items.is_empty() && page.has_more;
            match page.reached.filter(|_| goes_on) {
                Some(reached) => query.anchor = Some(Anchor::Seq(reached)),
                None => {
                    let reached_seq = page.reached.map_or(0, |seq| seq.0);
                    let (items, has_more) = (page.items, page.has_more);
                    return Ok(store::RawHistoryResponse { items, has_more, reached_seq, ..Default::default() });
                }
            }
        }
        Err(Status::new(Code::Busy, "nothing matched among very many entries: begin at another time"))
    }

    /// The oldest time the history reaches back to.
    fn not_before(&self, now: UnixMs) -> UnixMs {
        UnixMs(now.0 - i64::from(self.history_days) * 86_400_000)
    }
}

fn not_rebuilt(error: RebuildError) -> Status {
    match error {
        RebuildError::Log(error) => store_failed(&error),
        RebuildError::Snapshot(status) => status,
    }
}

fn page_of_all(room: RoomId, request: &pb::MessageHistoryRequest, oldest: UnixMs, scope: HistoryScope) -> HistoryQuery {
    HistoryQuery {
        room,
        anchor: match (request.last_seq, request.time_ms) {
            (0, 0) => None,
            (0, time) => Some(Anchor::Time(UnixMs(time))),
            (seq, _) => Some(Anchor::Seq(Seq(seq))),
        },
        limit: page_limit(request.limit),
        oldest_first: request.reverse,
        types: request.types.clone(),
        not_before: oldest,
        not_after: None,
        scope,
    }
}

/// The end at which reading begins is an anchor, and so exclusive (chatroom.md §e.6); the other one is inclusive.
fn page_by_tags(room: RoomId, request: &pb::MessageHistoryByTagsRequest, oldest: UnixMs, scope: HistoryScope) -> HistoryQuery {
    let (from, to) = (request.from_time_ms, request.to_time_ms);
    let (after, before) = if request.reverse { (1, 0) } else { (0, 1) };
    let not_before = if from == 0 { oldest } else { oldest.max(UnixMs(from.saturating_add(after))) };
    HistoryQuery {
        room,
        anchor: (request.last_seq != 0).then_some(Anchor::Seq(Seq(request.last_seq))),
        limit: page_limit(request.limit),
        oldest_first: request.reverse,
        types: request.types.clone(),
        not_before,
        not_after: (to != 0).then_some(UnixMs(to.saturating_sub(before))),
        scope,
    }
}

fn page_limit(asked: u32) -> u32 {
    if asked == 0 { PAGE_MAX } else { asked }
}
