//! The rooms of this node, as the HTTP API reaches them.

use super::Rooms;
use crate::error::Status;
use crate::id::RoomId;
use crate::room::{Actor, Command, Create, Query};
use crate::server::Engine;
use crate::wire::Response;

impl Rooms for Engine {
    async fn create(&self, create: Create) -> Result<RoomId, Status> {
        Engine::create(self, Actor::http(create.creator.clone()), create).await
    }

    async fn command(&self, app_key: &str, room: RoomId, command: Command) -> Result<Response, Status> {
        Engine::command(self, app_key, room, command).await
    }

    async fn query(&self, app_key: &str, room: RoomId, actor: Actor, query: Query) -> Result<Response, Status> {
        Engine::query(self, app_key, room, actor, query).await
    }
}
