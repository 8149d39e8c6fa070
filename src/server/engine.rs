//! The way to the rooms for everything in the process that is not a connection: the HTTP API, the start-up.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::oneshot;

use super::mailbox::Order;
use super::sessions::Session;
use super::shared::Shared;
use crate::dispatch::{Answer, Asker, Mail, Request, owner_of};
use crate::error::{Code, Status, Sub};
use crate::figures::{TopQuery, TopRooms};
use crate::id::{AccountId, RoomId};
use crate::room::{Actor, Ask, Command, Create, Op, Query};

/// A handle on the rooms and connections of this node. Cheap to clone; any thread may use it.
#[derive(Clone)]
pub struct Engine {
    pub(super) shared: Arc<Shared>,
    last_room: Arc<AtomicI64>,
    addresses: Arc<[String]>,
    web_socket_addresses: Arc<[String]>,
}

impl Engine {
    pub(super) fn new(
        shared: Arc<Shared>,
        last_room: Arc<AtomicI64>,
        addresses: Vec<String>,
        web_socket_addresses: Vec<String>,
    ) -> Engine {
        Engine { shared, last_room, addresses: addresses.into(), web_socket_addresses: web_socket_addresses.into() }
    }

    /// Makes a room and returns its id once that is durable.
    pub async fn create(&self, actor: Actor, create: Create) -> Result<RoomId, Status> {
        let room = RoomId::new(self.last_room.fetch_add(1, Ordering::AcqRel) + 1)?;
        let (app_key, creator) = (create.app_key.clone(), create.creator.clone());
        self.ask(None, room, actor, Ask::Command(Op::Create(Box::new(create)))).await?;
        self.note_open(&app_key, &creator, room).await?;
        Ok(room)
    }

    /// Has a command applied to a room of an application; answers once it is durable. 404 if the room is another's.
    pub async fn command(&self, app_key: &str, room: RoomId, mut command: Command) -> Answer {
        command.actor.names_nobody = !command.op.names_known(|name| self.shared.is_known(app_key, name));
        let (creator, opens) = (command.actor.account.clone(), matches!(command.op, Op::Reopen));
        let deletes = matches!(command.op, Op::Destroy);
        let answer = self.ask(Some(app_key), room, command.actor, Ask::Command(command.op)).await?;
        if opens {
            self.note_open(app_key, &creator, room).await?;
        }
        if deletes {
            self.erase(room).await?;
        }
        Ok(answer)
    }

    /// Asks a room of an application something. 404 if the room is another's.
    pub async fn query(&self, app_key: &str, room: RoomId, actor: Actor, query: Query) -> Answer {
        self.ask(Some(app_key), room, actor, Ask::Query(query)).await
    }

    /// The rooms of an application that lead within an hour or a day; 414 if that lies too far back or has not begun.
    pub async fn top_rooms(&self, app_key: &str, query: TopQuery) -> Result<TopRooms, Status> {
        let (shared, app_key) = (self.shared.clone(), app_key.to_owned());
        let found = tokio::task::spawn_blocking(move || shared.figures.top(shared.unix(), &app_key, &query)).await;
        found.unwrap_or_else(|_| Err(Status::new(Code::ServerError, "the figures could not be read")))
    }

    /// Where clients connect over TCP.
    pub fn addresses(&self) -> Vec<String> {
        self.addresses.to_vec()
    }

    /// Addresses where clients connect over WebSocket.
    pub fn web_socket_addresses(&self) -> Vec<String> {
        self.web_socket_addresses.to_vec()
    }

    /// The connections on which an account has logged in.
    pub fn sessions(&self, app_key: &str, account: &AccountId) -> Vec<Session> {
        self.shared.sessions.of(app_key, account)
    }

    /// Closes the connections of an account that was blocked, which are told why; `ext` goes with it.
    pub fn put_out(&self, app_key: &str, account: &AccountId, ext: &str) {
        self.shared.order(app_key, account, || Order::PutOut(ext.into()));
    }

    /// Has the connections of an account know whether it may send.
    pub fn set_muted(&self, app_key: &str, account: &AccountId, muted: bool) {
        self.shared.order(app_key, account, || Order::SetMuted(muted));
    }

    async fn ask(&self, app_key: Option<&str>, room: RoomId, actor: Actor, ask: Ask) -> Answer {
        if !room.is_of_client() && room.get() > self.last_room.load(Ordering::Acquire) {
            return Err(Status::with_sub(Code::NotFound, Sub::RoomMissing));
        }
        let mailbox = &self.shared.mailboxes[owner_of(room, self.shared.mailboxes.len())];
        if mailbox.is_full() {
            return Err(Status::new(Code::Busy, "the room's worker has too much waiting"));
        }
        let (done, answer) = oneshot::channel();
        let asker = Asker::Caller(Box::new(move |answer| drop(done.send(answer))));
        let app_key = app_key.map(Box::from);
        mailbox.post(vec![Mail::Request(Box::new(Request { room, asker, actor, ask, app_key, resume: None }))]);
        answer.await.unwrap_or_else(|_| Err(Status::new(Code::Unavailable, "the server is going down")))
    }
}
