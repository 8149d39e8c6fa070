//! The way to the rooms for everything in the process that is not a connection: the HTTP API, the start-up.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::oneshot;

use super::mailbox::Mailbox;
use crate::dispatch::{Answer, Asker, Mail, Request, owner_of};
use crate::error::{Code, Status, Sub};
use crate::id::RoomId;
use crate::room::{Actor, Ask, Command, Create, Op, Query};

/// A handle on the rooms of this node. Cheap to clone; any thread may use it.
#[derive(Clone)]
pub struct Engine {
    mailboxes: Arc<[Mailbox]>,
    last_room: Arc<AtomicI64>,
}

impl Engine {
    pub(super) fn new(mailboxes: Arc<[Mailbox]>, last_room: Arc<AtomicI64>) -> Engine {
        Engine { mailboxes, last_room }
    }

    /// Makes a room and returns its id once that is durable.
    pub async fn create(&self, actor: Actor, create: Create) -> Result<RoomId, Status> {
        let room = RoomId::new(self.last_room.fetch_add(1, Ordering::AcqRel) + 1)?;
        self.ask(None, room, actor, Ask::Command(Op::Create(Box::new(create)))).await?;
        Ok(room)
    }

    /// Has a command applied to a room of an application; answers once it is durable. 404 if the room is another's.
    pub async fn command(&self, app_key: &str, room: RoomId, command: Command) -> Answer {
        self.ask(Some(app_key), room, command.actor, Ask::Command(command.op)).await
    }

    /// Asks a room of an application something. 404 if the room is another's.
    pub async fn query(&self, app_key: &str, room: RoomId, actor: Actor, query: Query) -> Answer {
        self.ask(Some(app_key), room, actor, Ask::Query(query)).await
    }

    async fn ask(&self, app_key: Option<&str>, room: RoomId, actor: Actor, ask: Ask) -> Answer {
        if !room.is_of_client() && room.get() > self.last_room.load(Ordering::Acquire) {
            return Err(Status::with_sub(Code::NotFound, Sub::RoomMissing));
        }
        let mailbox = &self.mailboxes[owner_of(room, self.mailboxes.len())];
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
