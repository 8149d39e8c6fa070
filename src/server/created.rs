//! The rooms an account has created and that are open: its user has the list, which letters of its rooms keep true.
//!
//! Programs before format 4 of the store kept it in a table, [`Space::Created`]. What that has of an account is taken over when its rooms
//! are first asked for: the rooms themselves say what they are. Nothing is written to the table any more.

use super::effects::off_thread;
use super::engine::{Engine, answer_of};
use super::shared::store_failed;
use crate::dispatch::{Bundle, UserAsker, UserMail, UserRequest};
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, RoomId, UserId};
use crate::log::{LogError, Space, Storage};
use crate::room::{Actor, Query};
use crate::subject::{Answer, Ask, Shard};
use crate::user;
use crate::wire::{Response, pb};

impl Engine {
    /// The rooms an account has created over HTTP and that are open, ascending. 404 if there is no such account.
    pub async fn open_rooms_of(&self, app_key: &str, creator: &AccountId) -> Result<Vec<RoomId>, Status> {
        let user = self.user(app_key, creator).await?;
        self.take_over(app_key, creator, user).await?;
        let answer = self.ask_user(user, Actor::http(creator.clone()), Ask::Query(user::Query::Rooms)).await?;
        let mut open = Vec::new();
        for room in user::Query::rooms_of(&answer) {
            // A room whose time has come while it was not in memory closes when it is asked.
            if self.is_open(app_key, creator, room).await? {
                open.push(room);
            }
        }
        Ok(open)
    }

    /// Takes what is left of a room that was deleted off the disk.
    pub(super) async fn erase(&self, room: RoomId) -> Result<(), Status> {
        self.on_disk(move |kept| kept.log.erase(room.into())).await
    }

    /// Takes over what the table of before has of an account.
    async fn take_over(&self, app_key: &str, creator: &AccountId, user: UserId) -> Result<(), Status> {
        let prefix = [app_key.as_bytes(), &[0], creator.as_str().as_bytes(), &[0]].concat();
        let length = prefix.len();
        let rows = self.on_disk(move |kept| kept.store.scan_prefix(Space::Created, &prefix)).await?;
        let room_of = |key: &[u8]| RoomId::new(i64::from_be_bytes(key.get(length..)?.try_into().ok()?)).ok();
        for (key, _) in rows {
            if let Some(room) = room_of(&key) {
                let mut noted = None;
                // Whoever opens or closes the room meanwhile writes a letter, which may come before what is said here.
                loop {
                    let is_open = self.is_open(app_key, creator, room).await?;
                    if noted == Some(is_open) {
                        break;
                    }
                    let op = user::Op::NoteRoom { room, is_open };
                    self.ask_user(user, Actor::server(creator.clone()), Ask::Command(op)).await?;
                    noted = Some(is_open);
                }
            }
            self.on_disk(move |kept| kept.store.remove(Space::Created, &key)).await?;
        }
        Ok(())
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

    /// The user of an account.
    async fn user(&self, app_key: &str, account: &AccountId) -> Result<UserId, Status> {
        let known = match self.shared.common.look_user(app_key, account) {
            Some(known) => known,
            None => {
                let (shared, app_key, account) = (self.shared.clone(), app_key.to_owned(), account.clone());
                off_thread("the account could not be read", move || shared.common.user(&app_key, &account)).await
            }
        }?;
        known.ok_or_else(|| Status::with_sub(Code::NotFound, Sub::AccountMissing))
    }

    /// Asks a user something, or has a command applied to it; answers once that is durable.
    async fn ask_user(&self, user: UserId, actor: Actor, ask: Ask<user::Op, user::Query>) -> Answer {
        let mailbox = &self.shared.mailboxes[Shard::of_subject(user.into()).owner(self.shared.mailboxes.len())];
        if mailbox.is_full() {
            return Err(Status::new(Code::Busy, "the user's worker has too much waiting"));
        }
        let (done, answer) = tokio::sync::oneshot::channel();
        let asker = UserAsker::Caller(Box::new(move |answer| drop(done.send(answer))));
        let request = UserRequest { subject: user, asker, actor, ask, app_key: None, resume: None };
        mailbox.post(Bundle { users: vec![UserMail::Request(Box::new(request))], ..Bundle::default() });
        answer_of(answer).await
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
