//! Commands that change a user, and questions to it.

use std::convert::Infallible;

use bytes::Bytes;
use prost::Message as _;

use crate::error::{Code, Status};
use crate::id::{RoomId, Seq, UserId};
use crate::subject::{self, Actor, Address, Admission, Command, Operation, Question};
use crate::wire::{Request, Response, store};

commands! {
/// A change of a user.
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    /// A connection that followed the user is gone. Presence, never in the log.
    Gone,
    /// A room that the account has created is open, or is not open any more. Said by the server.
    NoteRoom {
        /// The room.
        room: RoomId,
        /// True if it is open.
        is_open: bool,
    },
    /// The application of the user, and the profile that the directory has of the account. Said by the server ahead of every command of
    /// somebody else; only the first of them counts.
    Begin(Box<store::UserBegin>),
}
}

impl Operation for Op {
    type Key = UserId;
    type LookUp = Infallible;

    fn of_gone(_at_once: bool) -> Op {
        Op::Gone
    }

    fn is_logged(&self) -> bool {
        !matches!(self, Op::Gone)
    }

    fn opens(&self) -> Option<bool> {
        matches!(self, Op::Begin(_)).then_some(true)
    }

    fn admission(&self) -> Admission {
        if self.is_logged() { Admission::IfThereIsRoom } else { Admission::Always }
    }

    /// A room says that it is open, or is not open any more.
    fn of_letter(to: &Address, body: &Bytes) -> Result<Command<Op>, Status> {
        let unreadable = || Status::bad_parameter("a letter that no user reads");
        let note = store::UserNoteRoom::decode(body.clone()).map_err(|_| unreadable())?;
        let account = to.account().ok_or_else(unreadable)?;
        let op = Op::NoteRoom { room: RoomId::new(note.room_id)?, is_open: note.is_open };
        Ok(Command { actor: Actor::server(account), op })
    }

    fn found(look_up: Infallible, _seq: Option<Seq>) -> Result<Op, Status> {
        match look_up {}
    }
}

queries! {
/// A question to a user.
#[derive(Clone, PartialEq, Debug)]
pub enum Query {
    /// The rooms that the account has created and that are open.
    Rooms,
}
}

impl Query {
    /// The answer to [`Query::Rooms`]: a question of the node itself, which no connection asks.
    pub fn rooms_answer(rooms: impl Iterator<Item = RoomId>) -> Response {
        let rooms = store::UserRooms { rooms: rooms.map(RoomId::get).collect() };
        Response::Ping(rooms.encode_to_vec().into())
    }

    /// The rooms behind that answer, ascending.
    pub fn rooms_of(answer: &Response) -> Vec<RoomId> {
        let Response::Ping(bytes) = answer else { return Vec::new() };
        let rooms = store::UserRooms::decode(bytes.clone()).unwrap_or_default().rooms;
        rooms.into_iter().filter_map(|room| RoomId::new(room).ok()).collect()
    }
}

impl Question for Query {}

/// A question to a user.
pub type Ask = subject::Ask<Op, Query>;

impl Ask {
    /// A request as the user of its account takes it; the request again if it is asked of something else.
    pub fn of_request(request: Request) -> Result<Ask, Request> {
        asked!((Err(request)) request => {})
    }
}

/// The refusal of a command that is the server's own.
pub(super) fn not_yours() -> Status {
    Status::new(Code::Forbidden, "only the server says so")
}
