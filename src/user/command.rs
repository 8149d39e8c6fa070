//! What changes a user, and what it is asked.

use std::convert::Infallible;

use crate::error::{Code, Status};
use crate::id::{RoomId, Seq, UserId};
use crate::subject::{self, Admission, Operation, Question};
use crate::wire::{Request, store};

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

    fn found(look_up: Infallible, _seq: Option<Seq>) -> Result<Op, Status> {
        match look_up {}
    }
}

queries! {
/// A question to a user.
#[derive(Clone, PartialEq, Debug)]
pub enum Query {}
}

impl Question for Query {}

/// What is asked of a user.
pub type Ask = subject::Ask<Op, Query>;

impl Ask {
    /// What a request is to the user of its account; the request again if it is asked of something else.
    pub fn of_request(request: Request) -> Result<Ask, Request> {
        asked!((Err(request)) request => {})
    }
}

/// The refusal of a command that is the server's own.
pub(super) fn not_yours() -> Status {
    Status::new(Code::Forbidden, "only the server says so")
}
