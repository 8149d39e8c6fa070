//! Which rooms an account has created over HTTP and may find open: a small table beside the rooms.
//!
//! A room is written there before whoever made or opened it is told that it exists. A room that was closed stays until somebody asks
//! for the creator's rooms: the room itself says what it is, and who turns out to be closed is taken out.

use super::engine::Engine;
use super::shared::store_failed;
use crate::error::{Code, Status};
use crate::id::{AccountId, RoomId};
use crate::log::{LogError, Space, Storage};
use crate::room::{Actor, Query};
use crate::wire::{Response, pb};

impl Engine {
    /// The rooms an account has created over HTTP and that are open, ascending.
    pub async fn open_rooms_of(&self, app_key: &str, creator: &AccountId) -> Result<Vec<RoomId>, Status> {
        let prefix = prefix(app_key, creator);
        let length = prefix.len();
        let rows = self.on_disk(move |kept| kept.store.scan_prefix(Space::Created, &prefix)).await?;
        let numbers = rows.iter().filter_map(|(key, _)| key.get(length..)?.try_into().ok());
        let mut open = Vec::new();
        for room in numbers.filter_map(|number| RoomId::new(i64::from_be_bytes(number)).ok()) {
            if self.is_open(app_key, creator, room).await? {
                open.push(room);
                continue;
            }
            let key = key(app_key, creator, room);
            self.on_disk(move |kept| kept.store.remove(Space::Created, &key)).await?;
            // Whoever has opened the room meanwhile may have written it down before it was taken out.
            if self.is_open(app_key, creator, room).await? {
                self.note_open(app_key, creator, room).await?;
                open.push(room);
            }
        }
        Ok(open)
    }

    /// Writes down that an account has a room that is open.
    pub(super) async fn note_open(&self, app_key: &str, creator: &AccountId, room: RoomId) -> Result<(), Status> {
        let key = key(app_key, creator, room);
        self.on_disk(move |kept| kept.store.put(Space::Created, &key, &[])).await
    }

    /// Takes what is left of a room that was deleted off the disk.
    pub(super) async fn erase(&self, room: RoomId) -> Result<(), Status> {
        self.on_disk(move |kept| kept.log.erase(room.into())).await
    }

    async fn is_open(&self, app_key: &str, creator: &AccountId, room: RoomId) -> Result<bool, Status> {
        let query = Query::Info(pb::RoomInfoRequest { room_id: room.get() });
        match self.query(app_key, room, Actor::http(creator.clone()), query).await {
            Ok(Response::RoomInfo(response)) => Ok(response.room.is_some_and(|room| room.valid)),
            Ok(_) => Ok(false),
            Err(status) if status.code == Code::NotFound => Ok(false),
            Err(status) => Err(status),
        }
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Storage) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, Status> {
        let kept = self.shared.storage.clone();
        let done = tokio::task::spawn_blocking(move || work(&kept)).await;
        let failed = |_| Status::new(Code::ServerError, "the store could not be asked");
        done.map_err(failed)?.map_err(|error| store_failed(&error))
    }
}

/// Application, NUL, account, NUL: neither of the two holds one.
fn prefix(app_key: &str, creator: &AccountId) -> Vec<u8> {
    [app_key.as_bytes(), &[0], creator.as_str().as_bytes(), &[0]].concat()
}

fn key(app_key: &str, creator: &AccountId, room: RoomId) -> Vec<u8> {
    [&prefix(app_key, creator)[..], &room.get().to_be_bytes()].concat()
}
