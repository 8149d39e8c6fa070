//! The way to the rooms for everything in the process that is not a connection: the HTTP API, the start-up.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::{mpsc, oneshot};

use super::effects::off_thread;
use super::shared::Shared;
use crate::dispatch::{Answer, Asker, Bundle, Mail, Request, owner_of};
use crate::error::{Code, Status, Sub};
use crate::figures::{TopQuery, TopRooms};
use crate::front::{Order, SessionsTold};
use crate::id::{AccountId, RoomId};
use crate::room::{Actor, Ask, Command, Create, Op, Query};
use crate::user::Session;
use crate::wire::{Response, pb};

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
        command.actor.names_nobody = !self.names_known(app_key, &command.op).await?;
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

    /// As [`Engine::command`], and says who its actor was in the room before it, if it was anybody there. Both take one trip.
    pub async fn command_seen(
        &self,
        app_key: &str,
        room: RoomId,
        mut command: Command,
    ) -> Result<(Option<pb::Member>, Response), Status> {
        command.actor.names_nobody = !self.names_known(app_key, &command.op).await?;
        let accounts = vec![command.actor.account.to_string()];
        let look_up = Ask::Query(Query::Lookup(pb::MemberLookupRequest { room_id: room.get(), accounts }));
        let [seen, done] = self.post(Some(app_key), room, command.actor, [look_up, Ask::Command(command.op)])?;
        let member = match answer_of(seen).await? {
            Response::MemberLookup(mut found) => found.members.pop(),
            _ => None,
        };
        Ok((member, answer_of(done).await?))
    }

    /// True if there are all accounts that a command names. Those that memory does not know are read, on a thread that may.
    async fn names_known(&self, app_key: &str, op: &Op) -> Result<bool, Status> {
        let unread = match self.shared.common.names_known(app_key, op) {
            Ok(are_known) => return Ok(are_known),
            Err(unread) => unread,
        };
        let (shared, app_key) = (self.shared.clone(), app_key.to_owned());
        off_thread("the accounts could not be read", move || {
            let mut known = unread.iter().map(|id| shared.common.accounts.account(&app_key, id).map(|known| known.is_some()));
            known.try_fold(true, |all, known| Ok(all && known?))
        })
        .await
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

    /// The connections on which each of these accounts has logged in.
    pub async fn sessions(&self, app_key: &str, accounts: &[AccountId]) -> Result<Vec<Vec<Session>>, Status> {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let told = |places: Vec<usize>| -> SessionsTold {
            let sender = sender.clone();
            Box::new(move |sessions| drop(sender.send((places, sessions))))
        };
        self.shared.common.ask_for_sessions(app_key, accounts, told);
        drop(sender);
        let (mut found, mut missing) = (vec![Vec::new(); accounts.len()], accounts.len());
        while let Some((places, sessions)) = receiver.recv().await {
            missing = missing.saturating_sub(places.len());
            for (place, sessions) in places.into_iter().zip(sessions) {
                found[place] = sessions;
            }
        }
        if missing == 0 { Ok(found) } else { Err(Status::new(Code::Unavailable, "the server is going down")) }
    }

    /// Closes the connections of an account that was blocked, which are told why; `ext` goes with it.
    pub async fn put_out(&self, app_key: &str, account: &AccountId, ext: &str) {
        self.order_all(app_key, account, &Order::PutOut(ext.into())).await;
    }

    /// Has the connections of an account know whether it may send.
    pub async fn set_muted(&self, app_key: &str, account: &AccountId, muted: bool) {
        self.order_all(app_key, account, &Order::SetMuted(muted)).await;
    }

    /// Has the connections of an account do what is wanted. Each of them has the order when this returns; later logins find the account
    /// changed. A node that goes down has no connections.
    async fn order_all(&self, app_key: &str, account: &AccountId, order: &Order) {
        let sessions = self.sessions(app_key, std::slice::from_ref(account)).await.unwrap_or_default();
        for session in sessions.into_iter().flatten() {
            self.shared.common.order(session.connection, order.clone());
        }
    }

    async fn ask(&self, app_key: Option<&str>, room: RoomId, actor: Actor, ask: Ask) -> Answer {
        let [answer] = self.post(app_key, room, actor, [ask])?;
        answer_of(answer).await
    }

    /// Sends requests on their way to a room, all with one look into its worker's mailbox, and gives where their answers come.
    fn post<const N: usize>(
        &self,
        app_key: Option<&str>,
        room: RoomId,
        actor: Actor,
        asks: [Ask; N],
    ) -> Result<[oneshot::Receiver<Answer>; N], Status> {
        if !room.is_of_client() && room.get() > self.last_room.load(Ordering::Acquire) {
            return Err(Status::with_sub(Code::NotFound, Sub::RoomMissing));
        }
        let mailbox = &self.shared.mailboxes[owner_of(room, self.shared.mailboxes.len())];
        if mailbox.is_full() {
            return Err(Status::new(Code::Busy, "the room's worker has too much waiting"));
        }
        let mut batch = Vec::with_capacity(N);
        let answers = asks.map(|ask| {
            let (done, answer) = oneshot::channel();
            let asker = Asker::Caller(Box::new(move |answer| drop(done.send(answer))));
            let (actor, app_key) = (actor.clone(), app_key.map(Box::from));
            batch.push(Mail::Request(Box::new(Request { subject: room, asker, actor, ask, app_key, resume: None })));
            answer
        });
        mailbox.post(Bundle::of_rooms(batch));
        Ok(answers)
    }
}

async fn answer_of(answer: oneshot::Receiver<Answer>) -> Answer {
    answer.await.unwrap_or_else(|_| Err(Status::new(Code::Unavailable, "the server is going down")))
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::config::Config;
    use crate::server::Node;

    #[tokio::test]
    async fn a_message_over_http_takes_one_trip_to_its_room() {
        // Of a node whose workers do nothing any more.
        let listen = "127.0.0.1:0".parse().unwrap();
        let node = Node::start(&Config { memory: true, workers: 2, listen, ..Config::default() }).unwrap();
        let shared = node.shared.clone();
        node.stop();
        let engine = Engine::new(shared.clone(), Arc::new(AtomicI64::new(7)), Vec::new(), Vec::new());
        let room = RoomId::new(7).unwrap();
        let actor = Actor::http(AccountId::parse("news").unwrap());
        let message = pb::MessageSendRequest { room_id: 7, message_id: "m1".into(), ..Default::default() };
        let command = Command { actor, op: Op::Send(Box::new(message)) };
        let mut answer = pin!(engine.command_seen("app", room, command));
        assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let asks = shared.mailboxes[owner_of(room, 2)].take().mail.rooms.into_iter().map(|mail| match mail {
            Mail::Request(request) => (request.ask, request.asker),
            _ => panic!("only requests were posted"),
        });
        for (place, (ask, asker)) in asks.enumerate() {
            let Asker::Caller(done) = asker else { panic!("somebody within the process asks") };
            match (place, ask) {
                (0, Ask::Query(Query::Lookup(_))) => {
                    let member = pb::Member { nick: "News".into(), ..Default::default() };
                    let found = pb::MemberListResponse { members: vec![member], ..Default::default() };
                    done(Ok(Response::MemberLookup(found)));
                }
                (1, Ask::Command(Op::Send(_))) => done(Ok(Response::MessageSend(pb::MessageSendResponse::default()))),
                (_, ask) => panic!("{ask:?} was asked"),
            }
        }
        // Nothing else is asked of the room before the caller has both.
        let (member, sent) = answer.await.unwrap();
        assert_eq!(member.unwrap().nick, "News");
        assert!(matches!(sent, Response::MessageSend(_)));
    }
}
