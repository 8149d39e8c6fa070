//! The rooms of this node, as the HTTP API reaches them.

use super::Rooms;
use crate::error::Status;
use crate::figures::{TopQuery, TopRooms};
use crate::id::{AccountId, RoomId};
use crate::room::{Actor, Command, Create, Query};
use crate::server::{Engine, Session};
use crate::wire::{Response, pb};

impl Rooms for Engine {
    async fn create(&self, create: Create) -> Result<RoomId, Status> {
        Engine::create(self, Actor::http(create.creator.clone()), create).await
    }

    async fn command(&self, app_key: &str, room: RoomId, command: Command) -> Result<Response, Status> {
        Engine::command(self, app_key, room, command).await
    }

    async fn command_seen(
        &self,
        app_key: &str,
        room: RoomId,
        command: Command,
    ) -> Result<(Option<pb::Member>, Response), Status> {
        Engine::command_seen(self, app_key, room, command).await
    }

    async fn query(&self, app_key: &str, room: RoomId, actor: Actor, query: Query) -> Result<Response, Status> {
        Engine::query(self, app_key, room, actor, query).await
    }

    async fn broadcast(
        &self,
        app_key: &str,
        actor: Actor,
        request: pb::MessageSendRequest,
    ) -> Result<pb::MessageSendResponse, Status> {
        Engine::broadcast(self, app_key, actor, &request).await
    }

    async fn top_rooms(&self, app_key: &str, query: TopQuery) -> Result<TopRooms, Status> {
        Engine::top_rooms(self, app_key, query).await
    }

    async fn open_rooms_of(&self, app_key: &str, creator: &AccountId) -> Result<Vec<RoomId>, Status> {
        Engine::open_rooms_of(self, app_key, creator).await
    }

    fn addresses(&self) -> Vec<String> {
        Engine::addresses(self)
    }

    fn web_socket_addresses(&self) -> Vec<String> {
        Engine::web_socket_addresses(self)
    }

    async fn sessions(&self, app_key: &str, accounts: &[AccountId]) -> Result<Vec<Vec<Session>>, Status> {
        Engine::sessions(self, app_key, accounts).await
    }

    async fn put_out(&self, app_key: &str, account: &AccountId, ext: &str) {
        Engine::put_out(self, app_key, account, ext).await;
    }

    async fn set_muted(&self, app_key: &str, account: &AccountId, muted: bool) {
        Engine::set_muted(self, app_key, account, muted).await;
    }
}
