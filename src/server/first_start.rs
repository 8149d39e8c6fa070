//! The first start on an empty folder: an application, a room, and the line that joins it.

use crate::account::{App, Secret};
use crate::error::Status;
use crate::id::{AccountId, RoomId};
use crate::log::Space;
use crate::room::{Actor, Create};

use super::node::Node;
use super::shared::unix;

/// Key of the demo application.
const DEMO_APP: &str = "demo";
/// Where the demo room's id is kept.
const DEMO_ROOM: &[u8] = b"demo_room";
/// Creator of the demo room.
const DEMO_CREATOR: &str = "host";

/// Somewhere to chat, for whoever starts a server with nothing.
pub struct Demo {
    app_key: String,
    secret: Secret,
    room: RoomId,
}

impl Demo {
    /// The arguments of the command-line client that join the room.
    pub fn join_arguments(&self, node: &Node) -> String {
        let Demo { app_key, secret, room } = self;
        format!("join --server {} --app {app_key} --secret {} --room {room}", node.wire, secret.reveal())
    }
}

impl Node {
    /// The demo application and room, made at the first start without any application and found again at later ones. `None`
    /// if the operator has applications of their own.
    pub async fn demo(&self, has_own_apps: bool) -> Result<Option<Demo>, Status> {
        if has_own_apps {
            return Ok(None);
        }
        let app = match self.accounts.app(DEMO_APP) {
            Some(app) => app,
            None => {
                self.accounts.create_app(App::new(DEMO_APP, Secret::random()?)?, unix())?;
                match self.accounts.app(DEMO_APP) {
                    Some(app) => app,
                    None => return Ok(None),
                }
            }
        };
        // Who is named as the creator of a room is somebody: nobody else may come under that name.
        let creator = AccountId::parse(DEMO_CREATOR)?;
        if self.accounts.account(&app.key, &creator)?.is_none() {
            self.accounts.ensure_account(&app.key, &creator)?;
        }
        let room = match self.demo_room()? {
            Some(room) => room,
            None => self.make_demo_room().await?,
        };
        Ok(Some(Demo { app_key: app.key.clone(), secret: app.secret.clone(), room }))
    }

    fn demo_room(&self) -> Result<Option<RoomId>, Status> {
        let kept = self
            .storage
            .store
            .scan(Space::Node)
            .map_err(|error| Status::new(crate::error::Code::ServerError, error.to_string()))?;
        let id = kept.iter().find(|(key, _)| &key[..] == DEMO_ROOM).and_then(|(_, value)| value[..].try_into().ok());
        id.map(|bytes| RoomId::new(i64::from_be_bytes(bytes))).transpose()
    }

    async fn make_demo_room(&self) -> Result<RoomId, Status> {
        let creator = AccountId::parse(DEMO_CREATOR)?;
        let create = Create {
            app_key: DEMO_APP.to_owned(),
            creator: creator.clone(),
            name: "Demo".to_owned(),
            announcement: None,
            broadcast_url: String::new(),
            ext: String::new(),
            queue_level: 0,
            moderation_id: String::new(),
            silent_in_out: false,
        };
        let room = self.engine.create(Actor::http(creator), create).await?;
        let kept = self.storage.store.put(Space::Node, DEMO_ROOM, &room.get().to_be_bytes());
        kept.map_err(|error| Status::new(crate::error::Code::ServerError, error.to_string()))?;
        Ok(room)
    }
}
