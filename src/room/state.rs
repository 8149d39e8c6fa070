//! The room itself: its state, and the two ways entries come to it.

use std::sync::Arc;

use super::ask::not_offered;
use super::command::{Actor, Query};
use super::entry::{Entry, Outcome};
use super::settings::Settings;
use crate::error::{Code, Status, Sub};
use crate::id::{Epoch, RoomId, Seq, UnixMs};
use crate::wire::Response;

/// One room: a state machine over its log.
pub struct Room {
    pub(super) id: RoomId,
    pub(super) settings: Arc<Settings>,
    pub(super) last_seq: Seq,
    pub(super) last_time: UnixMs,
    pub(super) epoch: Epoch,
    pub(super) app_key: String,
}

impl Room {
    /// A room that does not exist yet: until it is created, everything asked of it is 404.
    pub fn new(id: RoomId, settings: Arc<Settings>) -> Room {
        Room {
            id,
            settings,
            last_seq: Seq::default(),
            last_time: UnixMs::default(),
            epoch: Epoch::default(),
            app_key: String::new(),
        }
    }

    /// The room behind what [`Room::snapshot`] gave, without anybody in it; 500 if the bytes are none of ours.
    pub fn restore(id: RoomId, settings: Arc<Settings>, state: &[u8]) -> Result<Room, Status> {
        let _ = state;
        Ok(Room::new(id, settings))
    }

    /// The lasting state, everything but who is here: a `store::Snapshot`, encoded.
    pub fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Whether the room was ever created.
    pub fn exists(&self) -> bool {
        !self.app_key.is_empty()
    }

    /// The room's number.
    pub fn id(&self) -> RoomId {
        self.id
    }

    /// The place of the next entry.
    pub fn next_seq(&self) -> Seq {
        self.last_seq.next()
    }

    /// The time of the last entry: the next one may not lie before it.
    pub fn last_time(&self) -> UnixMs {
        self.last_time
    }

    /// The application the room belongs to; empty until the room exists.
    pub fn app_key(&self) -> &str {
        &self.app_key
    }

    /// Whether nobody is in the room.
    pub fn is_empty_of_people(&self) -> bool {
        self.online_count() == 0
    }

    /// Accounts in the room, each counted once.
    pub fn online_count(&self) -> u64 {
        0
    }

    /// Connections in the room.
    pub fn connections(&self) -> usize {
        0
    }

    /// Applies an entry.
    ///
    /// `Err`: it left no trace, and its place goes to the next entry. So does the place of an outcome with neither a push nor
    /// durability.
    pub fn apply(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        let _ = (entry, &self.settings, self.epoch);
        if !self.exists() {
            return Err(Status::with_sub(Code::NotFound, Sub::RoomMissing));
        }
        Err(not_offered("this operation"))
    }

    /// Applies an entry that the log holds: no checks, no outcome, and nobody is here.
    ///
    /// Entries up to the snapshot's place rebuild the deduplication window only.
    pub fn replay(&mut self, entry: &Entry) {
        let _ = entry;
    }

    /// Answers a question. For [`Query::History`] an empty answer says that the actor may read it.
    pub fn query(&self, now: UnixMs, actor: &Actor, query: &Query) -> Result<Response, Status> {
        let _ = (now, actor, query);
        if !self.exists() {
            return Err(Status::with_sub(Code::NotFound, Sub::RoomMissing));
        }
        Err(not_offered("this operation"))
    }
}
